"""EfficientNets: width, depth and resolution grow together.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019; "EfficientNetV2:
Smaller Models and Faster Training", 2021.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from rushlight import nn
from rushlight._tensor import Tensor
from rushlight.vision.models._utils import _make_divisible, builder, first_weights
from rushlight.vision.models.weights import (
    EfficientNet_B0_Weights as EfficientNet_B0_Weights,
)
from rushlight.vision.models.weights import (
    EfficientNet_B1_Weights as EfficientNet_B1_Weights,
)
from rushlight.vision.models.weights import (
    EfficientNet_B2_Weights as EfficientNet_B2_Weights,
)
from rushlight.vision.models.weights import (
    EfficientNet_B3_Weights as EfficientNet_B3_Weights,
)
from rushlight.vision.models.weights import (
    EfficientNet_B4_Weights as EfficientNet_B4_Weights,
)
from rushlight.vision.models.weights import (
    EfficientNet_B5_Weights as EfficientNet_B5_Weights,
)
from rushlight.vision.models.weights import (
    EfficientNet_B6_Weights as EfficientNet_B6_Weights,
)
from rushlight.vision.models.weights import (
    EfficientNet_B7_Weights as EfficientNet_B7_Weights,
)
from rushlight.vision.models.weights import (
    EfficientNet_V2_L_Weights as EfficientNet_V2_L_Weights,
)
from rushlight.vision.models.weights import (
    EfficientNet_V2_M_Weights as EfficientNet_V2_M_Weights,
)
from rushlight.vision.models.weights import (
    EfficientNet_V2_S_Weights as EfficientNet_V2_S_Weights,
)
from rushlight.vision.ops.dropping import StochasticDepth
from rushlight.vision.ops.misc import Conv2dNormActivation, SqueezeExcitation

__all__ = [
    "EfficientNet", "efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3", "efficientnet_b4",
    "efficientnet_b5", "efficientnet_b6", "efficientnet_b7", "efficientnet_v2_l", "efficientnet_v2_m",
    "efficientnet_v2_s",
]  # fmt: skip


class _MBConvConfig:
    """Expansion, kernel, stride, channels in and out and number of the blocks of a stage."""

    block: Callable[..., nn.Module]

    def __init__(
        self, expand_ratio: float, kernel: int, stride: int, input_channels: int, out_channels: int, num_layers: int
    ) -> None:  # fmt: skip
        self.expand_ratio, self.kernel, self.stride = expand_ratio, kernel, stride
        self.input_channels, self.out_channels = input_channels, out_channels
        self.num_layers = num_layers

    @staticmethod
    def adjust_channels(channels: int, width_mult: float, min_value: int | None = None) -> int:
        """So many channels, in eights."""
        return _make_divisible(channels * width_mult, 8, min_value)


class _Beside(nn.Module):
    """Layers beside a shortcut where the sizes allow one; either may be all there is."""

    def __init__(
        self, cnf: _MBConvConfig, layers: Sequence[nn.Module], stochastic_depth_prob: float
    ) -> None:
        super().__init__()
        if not 1 <= cnf.stride <= 2:
            raise ValueError("illegal stride value")
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        self.block = nn.Sequential(*layers)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.out_channels = cnf.out_channels

    def forward(self, input: Tensor) -> Tensor:
        """input: (n, input_channels, h, w)."""
        result = self.block(input)
        return self.stochastic_depth(result) + input if self.use_res_connect else result


class MBConv(_Beside):
    """To many channels, over each of them, squeezed, and back to few."""

    def __init__(
        self,
        cnf: _MBConvConfig,
        stochastic_depth_prob: float,
        norm_layer: Callable[..., nn.Module],
        se_layer: Callable[..., nn.Module] = SqueezeExcitation,
    ) -> None:
        wide = cnf.adjust_channels(cnf.input_channels, cnf.expand_ratio)
        options: Any = {"norm_layer": norm_layer, "activation_layer": nn.SiLU}
        layers: list[nn.Module] = []
        if wide != cnf.input_channels:
            layers.append(Conv2dNormActivation(cnf.input_channels, wide, kernel_size=1, **options))
        depthwise = Conv2dNormActivation(
            wide, wide, kernel_size=cnf.kernel, stride=cnf.stride, groups=wide, **options
        )
        squeezed = max(1, cnf.input_channels // 4)
        layers += [depthwise, se_layer(wide, squeezed, activation=partial(nn.SiLU, inplace=True))]
        options["activation_layer"] = None
        layers.append(Conv2dNormActivation(wide, cnf.out_channels, kernel_size=1, **options))
        super().__init__(cnf, layers, stochastic_depth_prob)


class FusedMBConv(_Beside):
    """To many channels over a window, and back to few."""

    def __init__(
        self,
        cnf: _MBConvConfig,
        stochastic_depth_prob: float,
        norm_layer: Callable[..., nn.Module],
    ) -> None:
        wide = cnf.adjust_channels(cnf.input_channels, cnf.expand_ratio)
        options: Any = {"norm_layer": norm_layer}
        first: Any = {"kernel_size": cnf.kernel, "stride": cnf.stride, "activation_layer": nn.SiLU}
        last: Any = {"kernel_size": 1, "activation_layer": None}
        if wide != cnf.input_channels:
            layers = [
                Conv2dNormActivation(cnf.input_channels, wide, **first, **options),
                Conv2dNormActivation(wide, cnf.out_channels, **last, **options),
            ]
        else:
            layers = [
                Conv2dNormActivation(cnf.input_channels, cnf.out_channels, **first, **options)
            ]
        super().__init__(cnf, layers, stochastic_depth_prob)


class MBConvConfig(_MBConvConfig):
    """A stage of MBConv, wider and deeper by factors."""

    def __init__(
        self,
        expand_ratio: float,
        kernel: int,
        stride: int,
        input_channels: int,
        out_channels: int,
        num_layers: int,
        width_mult: float = 1.0,
        depth_mult: float = 1.0,
        block: Callable[..., nn.Module] | None = None,
    ) -> None:
        before, after = (
            self.adjust_channels(c, width_mult) for c in (input_channels, out_channels)
        )
        layers = self.adjust_depth(num_layers, depth_mult)
        super().__init__(expand_ratio, kernel, stride, before, after, layers)
        self.block = block or MBConv

    @staticmethod
    def adjust_depth(num_layers: int, depth_mult: float) -> int:
        """So many layers."""
        return math.ceil(num_layers * depth_mult)


class FusedMBConvConfig(_MBConvConfig):
    """A stage of FusedMBConv."""

    def __init__(
        self,
        expand_ratio: float,
        kernel: int,
        stride: int,
        input_channels: int,
        out_channels: int,
        num_layers: int,
        block: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__(expand_ratio, kernel, stride, input_channels, out_channels, num_layers)
        self.block = block or FusedMBConv


def _drawn(layer: nn.Linear) -> None:
    bound = 1.0 / math.sqrt(layer.out_features)
    nn.init.uniform_(layer.weight, -bound, bound)


class EfficientNet(nn.Module):
    """Stages of a configuration between two convolutions and a linear layer."""

    def __init__(
        self,
        inverted_residual_setting: Sequence[_MBConvConfig],
        dropout: float,
        stochastic_depth_prob: float = 0.2,
        num_classes: int = 1000,
        norm_layer: Callable[..., nn.Module] | None = None,
        last_channel: int | None = None,
    ) -> None:
        super().__init__()
        if not inverted_residual_setting:
            raise ValueError("The inverted_residual_setting should not be empty")
        if not all(isinstance(s, _MBConvConfig) for s in inverted_residual_setting):
            raise TypeError("The inverted_residual_setting should be List[MBConvConfig]")
        norm = norm_layer or nn.BatchNorm2d
        options: Any = {"norm_layer": norm, "activation_layer": nn.SiLU}
        first = inverted_residual_setting[0].input_channels
        layers: list[nn.Module] = [Conv2dNormActivation(3, first, stride=2, **options)]
        total = sum(cnf.num_layers for cnf in inverted_residual_setting)
        number = 0
        for cnf in inverted_residual_setting:
            stage: list[nn.Module] = []
            for _ in range(cnf.num_layers):
                own = copy.copy(cnf)
                if stage:
                    own.input_channels, own.stride = own.out_channels, 1
                stage.append(own.block(own, stochastic_depth_prob * number / total, norm))
                number += 1
            layers.append(nn.Sequential(*stage))
        last = inverted_residual_setting[-1].out_channels
        wide = 4 * last if last_channel is None else last_channel
        layers.append(Conv2dNormActivation(last, wide, kernel_size=1, **options))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout, inplace=True), nn.Linear(wide, num_classes)
        )
        first_weights(self, _drawn)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, 3, h, w); the result is (n, num_classes)."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


_BASE = (
    (1, 3, 1, 32, 16, 1), (6, 3, 2, 16, 24, 2), (6, 5, 2, 24, 40, 2), (6, 3, 2, 40, 80, 3), (6, 5, 1, 80, 112, 3),
    (6, 5, 2, 112, 192, 4), (6, 3, 1, 192, 320, 1),
)  # fmt: skip
# Of the second version: fused stages, then others.
_SECOND: dict[str, Any] = {
    "s": (
        ((1, 3, 1, 24, 24, 2), (4, 3, 2, 24, 48, 4), (4, 3, 2, 48, 64, 4)),
        ((4, 3, 2, 64, 128, 6), (6, 3, 1, 128, 160, 9), (6, 3, 2, 160, 256, 15)),
    ),
    "m": (
        ((1, 3, 1, 24, 24, 3), (4, 3, 2, 24, 48, 5), (4, 3, 2, 48, 80, 5)),
        ((4, 3, 2, 80, 160, 7), (6, 3, 1, 160, 176, 14), (6, 3, 2, 176, 304, 18), (6, 3, 1, 304, 512, 5)),
    ),
    "l": (
        ((1, 3, 1, 32, 32, 4), (4, 3, 2, 32, 64, 7), (4, 3, 2, 64, 96, 7)),
        ((4, 3, 2, 96, 192, 10), (6, 3, 1, 192, 224, 19), (6, 3, 2, 224, 384, 25), (6, 3, 1, 384, 640, 7)),
    ),
}  # fmt: skip


def _first(
    width: float, depth: float, dropout: float, norm: Any = None, **kwargs: Any
) -> EfficientNet:
    setting = [MBConvConfig(*row, width_mult=width, depth_mult=depth) for row in _BASE]
    kwargs = {"dropout": dropout, "norm_layer": norm, **kwargs}
    return EfficientNet(setting, **kwargs)


def _second(size: str, dropout: float, **kwargs: Any) -> EfficientNet:
    fused, others = _SECOND[size]
    setting: list[_MBConvConfig] = [FusedMBConvConfig(*row) for row in fused]
    setting += [MBConvConfig(*row) for row in others]
    norm = partial(nn.BatchNorm2d, eps=1e-03)
    return EfficientNet(
        setting, **{"dropout": dropout, "norm_layer": norm, "last_channel": 1280, **kwargs}
    )


_SLOW = partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)
efficientnet_b0 = builder("efficientnet_b0", partial(_first, 1.0, 1.0, 0.2))
efficientnet_b1 = builder("efficientnet_b1", partial(_first, 1.0, 1.1, 0.2))
efficientnet_b2 = builder("efficientnet_b2", partial(_first, 1.1, 1.2, 0.3))
efficientnet_b3 = builder("efficientnet_b3", partial(_first, 1.2, 1.4, 0.3))
efficientnet_b4 = builder("efficientnet_b4", partial(_first, 1.4, 1.8, 0.4))
efficientnet_b5 = builder("efficientnet_b5", partial(_first, 1.6, 2.2, 0.4, _SLOW))
efficientnet_b6 = builder("efficientnet_b6", partial(_first, 1.8, 2.6, 0.5, _SLOW))
efficientnet_b7 = builder("efficientnet_b7", partial(_first, 2.0, 3.1, 0.5, _SLOW))
efficientnet_v2_s = builder("efficientnet_v2_s", partial(_second, "s", 0.2))
efficientnet_v2_m = builder("efficientnet_v2_m", partial(_second, "m", 0.3))
efficientnet_v2_l = builder("efficientnet_v2_l", partial(_second, "l", 0.4))
