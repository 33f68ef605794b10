"""RegNets: the widths of all blocks from four numbers.

Radosavovic et al., "Designing Network Design Spaces", 2020.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np

from rushlight import nn
from rushlight._tensor import Tensor
from rushlight.vision.models._utils import _make_divisible, builder, fill
from rushlight.vision.models.weights import (
    RegNet_X_1_6GF_Weights as RegNet_X_1_6GF_Weights,
)
from rushlight.vision.models.weights import (
    RegNet_X_3_2GF_Weights as RegNet_X_3_2GF_Weights,
)
from rushlight.vision.models.weights import (
    RegNet_X_8GF_Weights as RegNet_X_8GF_Weights,
)
from rushlight.vision.models.weights import (
    RegNet_X_16GF_Weights as RegNet_X_16GF_Weights,
)
from rushlight.vision.models.weights import (
    RegNet_X_32GF_Weights as RegNet_X_32GF_Weights,
)
from rushlight.vision.models.weights import (
    RegNet_X_400MF_Weights as RegNet_X_400MF_Weights,
)
from rushlight.vision.models.weights import (
    RegNet_X_800MF_Weights as RegNet_X_800MF_Weights,
)
from rushlight.vision.models.weights import (
    RegNet_Y_1_6GF_Weights as RegNet_Y_1_6GF_Weights,
)
from rushlight.vision.models.weights import (
    RegNet_Y_3_2GF_Weights as RegNet_Y_3_2GF_Weights,
)
from rushlight.vision.models.weights import (
    RegNet_Y_8GF_Weights as RegNet_Y_8GF_Weights,
)
from rushlight.vision.models.weights import (
    RegNet_Y_16GF_Weights as RegNet_Y_16GF_Weights,
)
from rushlight.vision.models.weights import (
    RegNet_Y_32GF_Weights as RegNet_Y_32GF_Weights,
)
from rushlight.vision.models.weights import (
    RegNet_Y_128GF_Weights as RegNet_Y_128GF_Weights,
)
from rushlight.vision.models.weights import (
    RegNet_Y_400MF_Weights as RegNet_Y_400MF_Weights,
)
from rushlight.vision.models.weights import (
    RegNet_Y_800MF_Weights as RegNet_Y_800MF_Weights,
)
from rushlight.vision.ops.misc import Conv2dNormActivation, SqueezeExcitation

__all__ = [
    "RegNet",
    "regnet_x_1_6gf",
    "regnet_x_3_2gf",
    "regnet_x_8gf",
    "regnet_x_16gf",
    "regnet_x_32gf",
    "regnet_x_400mf",
    "regnet_x_800mf",
    "regnet_y_1_6gf",
    "regnet_y_3_2gf",
    "regnet_y_8gf",
    "regnet_y_16gf",
    "regnet_y_32gf",
    "regnet_y_128gf",
    "regnet_y_400mf",
    "regnet_y_800mf",
]  # fmt: skip

Layer = Callable[..., nn.Module]


class SimpleStemIN(Conv2dNormActivation):
    """A 3 x 3 convolution to half the size."""

    def __init__(
        self, width_in: int, width_out: int, norm_layer: Layer, activation_layer: Layer
    ) -> None:
        super().__init__(
            width_in, width_out, kernel_size=3, stride=2, norm_layer=norm_layer, activation_layer=activation_layer
        )  # fmt: skip


class BottleneckTransform(nn.Sequential):
    """1 x 1, 3 x 3 in groups, squeezed where that is asked for, 1 x 1."""

    def __init__(
        self, width_in: int, width_out: int, stride: int, norm_layer: Layer, activation_layer: Layer,
        group_width: int, bottleneck_multiplier: float, se_ratio: float | None,
    ) -> None:  # fmt: skip
        inner = round(width_out * bottleneck_multiplier)
        options: Any = {"norm_layer": norm_layer, "activation_layer": activation_layer}
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["a"] = Conv2dNormActivation(width_in, inner, kernel_size=1, stride=1, **options)
        layers["b"] = Conv2dNormActivation(
            inner, inner, kernel_size=3, stride=stride, groups=inner // group_width, **options
        )
        if se_ratio:
            squeezed = round(se_ratio * width_in)
            layers["se"] = SqueezeExcitation(inner, squeezed, activation=activation_layer)
        options["activation_layer"] = None
        layers["c"] = Conv2dNormActivation(inner, width_out, kernel_size=1, stride=1, **options)
        super().__init__(layers)


class ResBottleneckBlock(nn.Module):
    """A transform beside a shortcut."""

    def __init__(
        self, width_in: int, width_out: int, stride: int, norm_layer: Layer, activation_layer: Layer,
        group_width: int = 1, bottleneck_multiplier: float = 1.0, se_ratio: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.proj = None
        if width_in != width_out or stride != 1:
            self.proj = Conv2dNormActivation(
                width_in, width_out, kernel_size=1, stride=stride, norm_layer=norm_layer, activation_layer=None
            )  # fmt: skip
        self.f = BottleneckTransform(
            width_in, width_out, stride, norm_layer, activation_layer, group_width, bottleneck_multiplier, se_ratio
        )  # fmt: skip
        self.activation = activation_layer(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, width_in, h, w)."""
        shortcut = x if self.proj is None else self.proj(x)
        return self.activation(shortcut + self.f(x))


class AnyStage(nn.Sequential):
    """Blocks of one width, the first with the stride."""

    def __init__(
        self, width_in: int, width_out: int, stride: int, depth: int, block_constructor: Layer, norm_layer: Layer,
        activation_layer: Layer, group_width: int, bottleneck_multiplier: float, se_ratio: float | None = None,
        stage_index: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        for i in range(depth):
            block = block_constructor(
                width_in if i == 0 else width_out, width_out, stride if i == 0 else 1, norm_layer, activation_layer,
                group_width, bottleneck_multiplier, se_ratio,
            )  # fmt: skip
            self.add_module(f"block{stage_index}-{i}", block)


class BlockParams:
    """The sizes of all stages."""

    def __init__(
        self, depths: Sequence[int], widths: Sequence[int], group_widths: Sequence[int],
        bottleneck_multipliers: Sequence[float], strides: Sequence[int], se_ratio: float | None = None,
    ) -> None:  # fmt: skip
        self.depths, self.widths, self.group_widths = depths, widths, group_widths
        self.bottleneck_multipliers, self.strides, self.se_ratio = (
            bottleneck_multipliers,
            strides,
            se_ratio,
        )

    @classmethod
    def from_init_params(
        cls, depth: int, w_0: int, w_a: float, w_m: float, group_width: int, bottleneck_multiplier: float = 1.0,
        se_ratio: float | None = None, **kwargs: Any,
    ) -> BlockParams:  # fmt: skip
        """Widths w_0 + w_a i, brought to w_0 times powers of w_m, in eights; equal ones are a stage."""
        if w_a < 0 or w_0 <= 0 or w_m <= 1 or w_0 % 8 != 0:
            raise ValueError("Invalid RegNet settings")
        # In single precision, as torch.
        straight = np.arange(depth, dtype=np.float32) * np.float32(w_a) + np.float32(w_0)
        powers = np.rint(np.log(straight / np.float32(w_0)) / np.float32(math.log(w_m)))
        widths = np.rint(w_0 * np.power(np.float32(w_m), powers) / 8) * 8
        stages = [(width, len(list(same))) for width, same in groupby(widths.astype(int).tolist())]
        multipliers = [bottleneck_multiplier] * len(stages)
        fitted, groups = [], []
        for width, _ in stages:
            inner = int(width * bottleneck_multiplier)
            group = min(group_width, inner)
            fitted.append(int(_make_divisible(inner, group) / bottleneck_multiplier))
            groups.append(group)
        depths = [count for _, count in stages]
        return cls(depths, fitted, groups, multipliers, [2] * len(stages), se_ratio)

    def _get_expanded_params(self) -> Iterator[tuple[Any, ...]]:
        return zip(
            self.widths, self.strides, self.depths, self.group_widths, self.bottleneck_multipliers, strict=True
        )  # fmt: skip


class RegNet(nn.Module):
    """Stages of residual blocks between a convolution and a linear layer."""

    def __init__(
        self,
        block_params: BlockParams,
        num_classes: int = 1000,
        stem_width: int = 32,
        stem_type: Layer | None = None,
        block_type: Layer | None = None,
        norm_layer: Layer | None = None,
        activation: Layer | None = None,
    ) -> None:
        super().__init__()
        norm, act = norm_layer or nn.BatchNorm2d, activation or nn.ReLU
        self.stem = (stem_type or SimpleStemIN)(3, stem_width, norm, act)
        width = stem_width
        blocks: OrderedDict[str, nn.Module] = OrderedDict()
        for i, (out, stride, depth, group, multiplier) in enumerate(
            block_params._get_expanded_params()
        ):
            blocks[f"block{i + 1}"] = AnyStage(
                width, out, stride, depth, block_type or ResBottleneckBlock, norm, act, group, multiplier,
                block_params.se_ratio, i + 1,
            )  # fmt: skip
            width = out
        self.trunk_output = nn.Sequential(blocks)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(width, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
                nn.init.normal_(module.weight, mean=0.0, std=math.sqrt(2.0 / fan_out))
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, mean=0.0, std=0.01)
                fill(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, 3, h, w); the result is (n, num_classes)."""
        return self.fc(self.avgpool(self.trunk_output(self.stem(x))).flatten(1))


_SIZES = ("depth", "w_0", "w_a", "w_m", "group_width")


def _made(se_ratio: float | None, *sizes: Any, **kwargs: Any) -> RegNet:
    given: dict[str, Any] = dict(zip(_SIZES, sizes, strict=True))
    params = BlockParams.from_init_params(**given, se_ratio=se_ratio)
    norm = partial(nn.BatchNorm2d, eps=1e-05, momentum=0.1)
    return RegNet(params, **{"norm_layer": norm, **kwargs})


_y, _x = partial(partial, _made, 0.25), partial(partial, _made, None)
regnet_y_400mf = builder("regnet_y_400mf", _y(16, 48, 27.89, 2.09, 8))
regnet_y_800mf = builder("regnet_y_800mf", _y(14, 56, 38.84, 2.4, 16))
regnet_y_1_6gf = builder("regnet_y_1_6gf", _y(27, 48, 20.71, 2.65, 24))
regnet_y_3_2gf = builder("regnet_y_3_2gf", _y(21, 80, 42.63, 2.66, 24))
regnet_y_8gf = builder("regnet_y_8gf", _y(17, 192, 76.82, 2.19, 56))
regnet_y_16gf = builder("regnet_y_16gf", _y(18, 200, 106.23, 2.48, 112))
regnet_y_32gf = builder("regnet_y_32gf", _y(20, 232, 115.89, 2.53, 232))
regnet_y_128gf = builder("regnet_y_128gf", _y(27, 456, 160.83, 2.52, 264))
regnet_x_400mf = builder("regnet_x_400mf", _x(22, 24, 24.48, 2.54, 16))
regnet_x_800mf = builder("regnet_x_800mf", _x(16, 56, 35.73, 2.28, 16))
regnet_x_1_6gf = builder("regnet_x_1_6gf", _x(18, 80, 34.01, 2.25, 24))
regnet_x_3_2gf = builder("regnet_x_3_2gf", _x(25, 88, 26.31, 2.25, 48))
regnet_x_8gf = builder("regnet_x_8gf", _x(23, 80, 49.56, 2.88, 120))
regnet_x_16gf = builder("regnet_x_16gf", _x(22, 216, 55.59, 2.1, 128))
regnet_x_32gf = builder("regnet_x_32gf", _x(23, 320, 69.86, 2.0, 168))
