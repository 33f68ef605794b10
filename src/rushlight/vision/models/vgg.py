"""VGG networks: 3 x 3 convolutions and pooling, then three linear layers.

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2015.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rushlight import nn
from rushlight._tensor import Tensor
from rushlight.vision.models._utils import builder
from rushlight.vision.models.weights import (
    VGG11_BN_Weights as VGG11_BN_Weights,
)
from rushlight.vision.models.weights import (
    VGG11_Weights as VGG11_Weights,
)
from rushlight.vision.models.weights import (
    VGG13_BN_Weights as VGG13_BN_Weights,
)
from rushlight.vision.models.weights import (
    VGG13_Weights as VGG13_Weights,
)
from rushlight.vision.models.weights import (
    VGG16_BN_Weights as VGG16_BN_Weights,
)
from rushlight.vision.models.weights import (
    VGG16_Weights as VGG16_Weights,
)
from rushlight.vision.models.weights import (
    VGG19_BN_Weights as VGG19_BN_Weights,
)
from rushlight.vision.models.weights import (
    VGG19_Weights as VGG19_Weights,
)

# Channels of the convolutions, and where pooling ends a group.
cfgs: dict[str, list[str | int]] = {
    "A": [64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
    "B": [64, 64, "M", 128, 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
    "D": [64, 64, "M", 128, 128, "M", *[256] * 3, "M", *[512] * 3, "M", *[512] * 3, "M"],
    "E": [64, 64, "M", 128, 128, "M", *[256] * 4, "M", *[512] * 4, "M", *[512] * 4, "M"],
}
_DEPTHS = {11: "A", 13: "B", 16: "D", 19: "E"}


class VGG(nn.Module):
    """Any features that end with 512 channels, then the three linear layers."""

    def __init__(
        self,
        features: nn.Module,
        num_classes: int = 1000,
        init_weights: bool = True,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, num_classes),
        )
        for module in self.modules() if init_weights else ():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, 0.01)
            if isinstance(module, (nn.Conv2d, nn.Linear)) and module.bias is not None:
                nn.init.constant_(module.bias, 0)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, 3, h, w); the result is (n, num_classes)."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def make_layers(cfg: Sequence[str | int], batch_norm: bool = False) -> nn.Sequential:
    """A convolution with its activation for each number of channels, and pooling for each "M"."""
    layers: list[nn.Module] = []
    channels = 3
    for out in cfg:
        if isinstance(out, str):
            layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
            continue
        layers.append(nn.Conv2d(channels, out, kernel_size=3, padding=1))
        if batch_norm:
            layers.append(nn.BatchNorm2d(out))
        layers.append(nn.ReLU(inplace=True))
        channels = out
    return nn.Sequential(*layers)


def _builder(depth: int, batch_norm: bool) -> Callable[..., VGG]:
    name, cfg = f"vgg{depth}_bn" if batch_norm else f"vgg{depth}", cfgs[_DEPTHS[depth]]
    return builder(name, lambda **kwargs: VGG(make_layers(cfg, batch_norm), **kwargs))


vgg11, vgg13, vgg16, vgg19 = (_builder(depth, False) for depth in _DEPTHS)
vgg11_bn, vgg13_bn, vgg16_bn, vgg19_bn = (_builder(depth, True) for depth in _DEPTHS)
