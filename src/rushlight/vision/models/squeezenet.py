"""SqueezeNet: modules that squeeze to few channels, and expand.

Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters", 2016.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from rushlight import nn
from rushlight._tensor import Tensor
from rushlight.ops.joining import cat
from rushlight.vision.models._utils import builder
from rushlight.vision.models.weights import (
    SqueezeNet1_0_Weights as SqueezeNet1_0_Weights,
)
from rushlight.vision.models.weights import (
    SqueezeNet1_1_Weights as SqueezeNet1_1_Weights,
)

__all__ = ["SqueezeNet", "squeezenet1_0", "squeezenet1_1"]

# Of each version: channels, kernel of the first convolution, and what follows; 0 is a pooling.
_VERSIONS = {
    "1_0": (96, 7, ((96, 16, 64), (128, 16, 64), (128, 32, 128), 0, (256, 32, 128), (256, 48, 192),
                    (384, 48, 192), (384, 64, 256), 0, (512, 64, 256))),
    "1_1": (64, 3, ((64, 16, 64), (128, 16, 64), 0, (128, 32, 128), (256, 32, 128), 0, (256, 48, 192),
                    (384, 48, 192), (384, 64, 256), (512, 64, 256))),
}  # fmt: skip


class Fire(nn.Module):
    """A convolution to few channels, then two beside each other, 1 x 1 and 3 x 3."""

    def __init__(
        self, inplanes: int, squeeze_planes: int, expand1x1_planes: int, expand3x3_planes: int
    ) -> None:
        super().__init__()
        self.inplanes = inplanes
        self.squeeze = nn.Conv2d(inplanes, squeeze_planes, kernel_size=1)
        self.squeeze_activation = nn.ReLU(inplace=True)
        self.expand1x1 = nn.Conv2d(squeeze_planes, expand1x1_planes, kernel_size=1)
        self.expand1x1_activation = nn.ReLU(inplace=True)
        self.expand3x3 = nn.Conv2d(squeeze_planes, expand3x3_planes, kernel_size=3, padding=1)
        self.expand3x3_activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, inplanes, h, w)."""
        x = self.squeeze_activation(self.squeeze(x))
        parts = (
            self.expand1x1_activation(self.expand1x1(x)),
            self.expand3x3_activation(self.expand3x3(x)),
        )
        return cat(parts, 1)


class SqueezeNet(nn.Module):
    """The network of version "1_0" or "1_1"."""

    def __init__(self, version: str = "1_0", num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        if version not in _VERSIONS:
            raise ValueError(f"Unsupported SqueezeNet version {version}: 1_0 or 1_1 expected")
        self.num_classes = num_classes
        fires: list[Any]
        channels, kernel, listed = _VERSIONS[version]
        fires = list(listed)

        def pool() -> nn.Module:
            return nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)

        self.features = nn.Sequential(
            nn.Conv2d(3, channels, kernel_size=kernel, stride=2),
            nn.ReLU(inplace=True),
            pool(),
            *(Fire(f[0], f[1], f[2], f[2]) if isinstance(f, tuple) else pool() for f in fires),
        )
        final_conv = nn.Conv2d(512, num_classes, kernel_size=1)
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout), final_conv, nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d((1, 1))
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                if module is final_conv:
                    nn.init.normal_(module.weight, mean=0.0, std=0.01)
                else:
                    nn.init.kaiming_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.constant_(module.bias, 0)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, 3, h, w); the result is (n, num_classes)."""
        return self.classifier(self.features(x)).flatten(1)


squeezenet1_0 = builder("squeezenet1_0", partial(SqueezeNet, "1_0"))
squeezenet1_1 = builder("squeezenet1_1", partial(SqueezeNet, "1_1"))
