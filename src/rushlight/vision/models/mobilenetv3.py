"""MobileNet v3.

Howard et al., "Searching for MobileNetV3", 2019.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from rushlight import nn
from rushlight._tensor import Tensor
from rushlight.vision.models._utils import _make_divisible, builder, first_weights
from rushlight.vision.models.weights import (
    MobileNet_V3_Large_Weights as MobileNet_V3_Large_Weights,
)
from rushlight.vision.models.weights import (
    MobileNet_V3_Small_Weights as MobileNet_V3_Small_Weights,
)
from rushlight.vision.ops.misc import Conv2dNormActivation
from rushlight.vision.ops.misc import SqueezeExcitation as SElayer

__all__ = ["MobileNetV3", "mobilenet_v3_large", "mobilenet_v3_small"]


_SQUEEZE = partial(SElayer, scale_activation=nn.Hardsigmoid)


class InvertedResidualConfig:
    """Channels, kernel, expansion, squeezing, activation ("RE" or "HS"), stride and dilation of a block."""

    def __init__(
        self,
        input_channels: int,
        kernel: int,
        expanded_channels: int,
        out_channels: int,
        use_se: bool,
        activation: str,
        stride: int,
        dilation: int,
        width_mult: float,
    ) -> None:
        self.input_channels = self.adjust_channels(input_channels, width_mult)
        self.kernel = kernel
        self.expanded_channels = self.adjust_channels(expanded_channels, width_mult)
        self.out_channels = self.adjust_channels(out_channels, width_mult)
        self.use_se = use_se
        self.use_hs = activation == "HS"
        self.stride = stride
        self.dilation = dilation

    @staticmethod
    def adjust_channels(channels: int, width_mult: float) -> int:
        """So many channels, in eights."""
        return _make_divisible(channels * width_mult, 8)


class InvertedResidual(nn.Module):
    """To many channels, over each of them, squeezed, and back to few, beside a shortcut."""

    def __init__(
        self,
        cnf: InvertedResidualConfig,
        norm_layer: Callable[..., nn.Module],
        se_layer: Callable[..., nn.Module] = _SQUEEZE,
    ) -> None:
        super().__init__()
        if not 1 <= cnf.stride <= 2:
            raise ValueError("illegal stride value")
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        activation = nn.Hardswish if cnf.use_hs else nn.ReLU
        wide = cnf.expanded_channels
        options: Any = {"norm_layer": norm_layer, "activation_layer": activation}
        layers: list[nn.Module] = []
        if wide != cnf.input_channels:
            layers.append(Conv2dNormActivation(cnf.input_channels, wide, kernel_size=1, **options))
        layers.append(
            Conv2dNormActivation(
                wide, wide, kernel_size=cnf.kernel, stride=1 if cnf.dilation > 1 else cnf.stride,
                dilation=cnf.dilation, groups=wide, **options,
            )
        )  # fmt: skip
        if cnf.use_se:
            layers.append(se_layer(wide, _make_divisible(wide // 4, 8)))
        options["activation_layer"] = None
        layers.append(Conv2dNormActivation(wide, cnf.out_channels, kernel_size=1, **options))
        self.block = nn.Sequential(*layers)
        self.out_channels = cnf.out_channels
        self._is_cn = cnf.stride > 1

    def forward(self, input: Tensor) -> Tensor:
        """input: (n, input_channels, h, w)."""
        result = self.block(input)
        return result + input if self.use_res_connect else result


class MobileNetV3(nn.Module):
    """Blocks of a configuration between a convolution and two linear layers."""

    def __init__(
        self,
        inverted_residual_setting: Sequence[InvertedResidualConfig],
        last_channel: int,
        num_classes: int = 1000,
        block: Callable[..., nn.Module] | None = None,
        norm_layer: Callable[..., nn.Module] | None = None,
        dropout: float = 0.2,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        if not inverted_residual_setting:
            raise ValueError("The inverted_residual_setting should not be empty")
        if not all(isinstance(s, InvertedResidualConfig) for s in inverted_residual_setting):
            raise TypeError("The inverted_residual_setting should be List[InvertedResidualConfig]")
        block = block or InvertedResidual
        norm = norm_layer or partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)
        options: Any = {"norm_layer": norm, "activation_layer": nn.Hardswish}
        first = inverted_residual_setting[0].input_channels
        layers: list[nn.Module] = [Conv2dNormActivation(3, first, stride=2, **options)]
        layers += [block(cnf, norm) for cnf in inverted_residual_setting]
        last = inverted_residual_setting[-1].out_channels
        layers.append(Conv2dNormActivation(last, 6 * last, kernel_size=1, **options))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(6 * last, last_channel),
            nn.Hardswish(inplace=True),
            nn.Dropout(p=dropout, inplace=True),
            nn.Linear(last_channel, num_classes),
        )
        first_weights(self, lambda layer: nn.init.normal_(layer.weight, 0, 0.01))

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, 3, h, w); the result is (n, num_classes)."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


_LARGE = """
16 3 16 16 - RE 1; 16 3 64 24 - RE 2; 24 3 72 24 - RE 1; 24 5 72 40 SE RE 2; 40 5 120 40 SE RE 1;
40 5 120 40 SE RE 1; 40 3 240 80 - HS 2; 80 3 200 80 - HS 1; 80 3 184 80 - HS 1; 80 3 184 80 - HS 1;
80 3 480 112 SE HS 1; 112 3 672 112 SE HS 1; 112 5 672 160 SE HS 2; 160 5 960 160 SE HS 1; 160 5 960 160 SE HS 1
"""
_SMALL = """
16 3 16 16 SE RE 2; 16 3 72 24 - RE 2; 24 3 88 24 - RE 1; 24 5 96 40 SE HS 2; 40 5 240 40 SE HS 1;
40 5 240 40 SE HS 1; 40 5 120 48 SE HS 1; 48 5 144 48 SE HS 1; 48 5 288 96 SE HS 2; 96 5 576 96 SE HS 1;
96 5 576 96 SE HS 1
"""


def _configured(*row: Any) -> InvertedResidualConfig:
    return InvertedResidualConfig(*row)


def _mobilenet_v3_conf(
    arch: str, width_mult: float = 1.0, reduced_tail: bool = False, dilated: bool = False, **kwargs: Any
) -> tuple[list[InvertedResidualConfig], int]:  # fmt: skip
    if arch not in ("mobilenet_v3_large", "mobilenet_v3_small"):
        raise ValueError(f"Unsupported model type {arch}")
    reduce, dilation = 2 if reduced_tail else 1, 2 if dilated else 1
    large = arch == "mobilenet_v3_large"
    rows = [row.split() for row in (_LARGE if large else _SMALL).split(";")]
    setting = []
    for i, (channels, kernel, wide, out, se, activation, stride) in enumerate(rows):
        tail = len(rows) - i  # the last three are narrower and dilated, where that is asked for
        numbers: list[Any] = [int(channels), int(kernel), int(wide), int(out)]
        if tail <= 3:
            numbers[3] //= reduce
        if tail <= 2:
            numbers[0] //= reduce
            numbers[2] //= reduce
        spread = dilation if tail <= 3 else 1
        setting.append(
            _configured(*numbers, se == "SE", activation, int(stride), spread, width_mult)
        )
    last = InvertedResidualConfig.adjust_channels((1280 if large else 1024) // reduce, width_mult)
    return setting, last


def _made(arch: str, **kwargs: Any) -> MobileNetV3:
    shape = {
        key: kwargs.pop(key) for key in ("width_mult", "reduced_tail", "dilated") if key in kwargs
    }
    return MobileNetV3(*_mobilenet_v3_conf(arch, **shape), **kwargs)


mobilenet_v3_large = builder("mobilenet_v3_large", partial(_made, "mobilenet_v3_large"))
mobilenet_v3_small = builder("mobilenet_v3_small", partial(_made, "mobilenet_v3_small"))
