"""ConvNeXt: a convolutional network with the habits of transformers.

Liu et al., "A ConvNet for the 2020s", 2022.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from rushlight import nn
from rushlight._tensor import Tensor
from rushlight.ops.creation import ones
from rushlight.vision.models._utils import builder
from rushlight.vision.models.weights import (
    ConvNeXt_Base_Weights as ConvNeXt_Base_Weights,
)
from rushlight.vision.models.weights import (
    ConvNeXt_Large_Weights as ConvNeXt_Large_Weights,
)
from rushlight.vision.models.weights import (
    ConvNeXt_Small_Weights as ConvNeXt_Small_Weights,
)
from rushlight.vision.models.weights import (
    ConvNeXt_Tiny_Weights as ConvNeXt_Tiny_Weights,
)
from rushlight.vision.ops.dropping import StochasticDepth
from rushlight.vision.ops.misc import Conv2dNormActivation, Permute

__all__ = ["ConvNeXt", "convnext_base", "convnext_large", "convnext_small", "convnext_tiny"]


class LayerNorm2d(nn.LayerNorm):
    """A layer norm over the channels of images."""

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, channels, h, w)."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class CNBlock(nn.Module):
    """7 x 7 over each channel, a norm, and two linear layers, beside a shortcut."""

    def __init__(
        self,
        dim: int,
        layer_scale: float,
        stochastic_depth_prob: float,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        norm = norm_layer or partial(nn.LayerNorm, eps=1e-6)
        self.block = nn.Sequential(
            nn.Conv2d(dim, dim, kernel_size=7, padding=3, groups=dim, bias=True),
            Permute([0, 2, 3, 1]),
            norm(dim),
            nn.Linear(dim, 4 * dim, bias=True),
            nn.GELU(),
            nn.Linear(4 * dim, dim, bias=True),
            Permute([0, 3, 1, 2]),
        )
        self.layer_scale = nn.Parameter(ones(dim, 1, 1) * layer_scale)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")

    def forward(self, input: Tensor) -> Tensor:
        """input: (n, dim, h, w)."""
        result = self.layer_scale * self.block(input)
        return self.stochastic_depth(result) + input


class CNBlockConfig:
    """The channels of a stage, those of the next, and how many blocks it has."""

    def __init__(self, input_channels: int, out_channels: int | None, num_layers: int) -> None:
        self.input_channels = input_channels
        self.out_channels = out_channels
        self.num_layers = num_layers


class ConvNeXt(nn.Module):
    """Stages of blocks, each with half the size of the one before."""

    def __init__(
        self,
        block_setting: Sequence[CNBlockConfig],
        stochastic_depth_prob: float = 0.0,
        layer_scale: float = 1e-6,
        num_classes: int = 1000,
        block: Callable[..., nn.Module] | None = None,
        norm_layer: Callable[..., nn.Module] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        if not block_setting:
            raise ValueError("The block_setting should not be empty")
        if not all(isinstance(s, CNBlockConfig) for s in block_setting):
            raise TypeError("The block_setting should be List[CNBlockConfig]")
        block, norm = block or CNBlock, norm_layer or partial(LayerNorm2d, eps=1e-6)
        first = block_setting[0].input_channels
        layers: list[nn.Module] = [
            Conv2dNormActivation(
                3, first, kernel_size=4, stride=4, padding=0, norm_layer=norm, activation_layer=None, bias=True
            )
        ]  # fmt: skip
        total = sum(cnf.num_layers for cnf in block_setting)
        number = 0
        for cnf in block_setting:
            stage = []
            for _ in range(cnf.num_layers):
                lost = stochastic_depth_prob * number / (total - 1.0)
                stage.append(block(cnf.input_channels, layer_scale, lost))
                number += 1
            layers.append(nn.Sequential(*stage))
            if cnf.out_channels is not None:
                smaller = nn.Conv2d(cnf.input_channels, cnf.out_channels, kernel_size=2, stride=2)
                layers.append(nn.Sequential(norm(cnf.input_channels), smaller))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        last = block_setting[-1].out_channels or block_setting[-1].input_channels
        self.classifier = nn.Sequential(norm(last), nn.Flatten(1), nn.Linear(last, num_classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, 3, h, w); the result is (n, num_classes)."""
        return self.classifier(self.avgpool(self.features(x)))


def _made(width: int, deep: int, lost: float, **kwargs: Any) -> ConvNeXt:
    channels = [width, 2 * width, 4 * width, 8 * width, None]
    depths = (3, 3, deep, 3)
    setting = [CNBlockConfig(channels[i] or 0, channels[i + 1], n) for i, n in enumerate(depths)]
    return ConvNeXt(setting, **{"stochastic_depth_prob": lost, **kwargs})


convnext_tiny = builder("convnext_tiny", partial(_made, 96, 9, 0.1))
convnext_small = builder("convnext_small", partial(_made, 96, 27, 0.4))
convnext_base = builder("convnext_base", partial(_made, 128, 27, 0.5))
convnext_large = builder("convnext_large", partial(_made, 192, 27, 0.5))
