"""A small head on a MobileNet v3, for two of its layers.

Howard et al., "Searching for MobileNetV3", 2019.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from rushlight import nn
from rushlight._tensor import Tensor
from rushlight.nn import functional as F
from rushlight.vision.models import mobilenetv3
from rushlight.vision.models._utils import IntermediateLayerGetter
from rushlight.vision.models.segmentation._utils import CLASSES, stages_of
from rushlight.vision.models.trained import filled

__all__ = ["LRASPP", "lraspp_mobilenet_v3_large"]


def _scaled(x: Tensor, size: Any) -> Tensor:
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)


class LRASPPHead(nn.Module):
    """What a low and a high layer say of each pixel, the high one weighted by the whole picture."""

    def __init__(
        self, low_channels: int, high_channels: int, num_classes: int, inter_channels: int
    ) -> None:
        super().__init__()
        self.cbr = nn.Sequential(
            nn.Conv2d(high_channels, inter_channels, 1, bias=False),
            nn.BatchNorm2d(inter_channels),
            nn.ReLU(inplace=True),
        )
        self.scale = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(high_channels, inter_channels, 1, bias=False),
            nn.Sigmoid(),
        )
        self.low_classifier = nn.Conv2d(low_channels, num_classes, 1)
        self.high_classifier = nn.Conv2d(inter_channels, num_classes, 1)

    def forward(self, input: dict[str, Tensor]) -> Tensor:
        """input: features (n, channels, h, w) under "low" and "high"."""
        low, high = input["low"], input["high"]
        weighted = self.cbr(high) * self.scale(high)
        found = self.high_classifier(_scaled(weighted, low.shape[-2:]))
        return self.low_classifier(low) + found


class LRASPP(nn.Module):
    """A backbone that gives a low and a high layer, and the head."""

    def __init__(
        self, backbone: nn.Module, low_channels: int, high_channels: int, num_classes: int, inter_channels: int = 128
    ) -> None:  # fmt: skip
        super().__init__()
        self.backbone = backbone
        self.classifier = LRASPPHead(low_channels, high_channels, num_classes, inter_channels)

    def forward(self, input: Tensor) -> OrderedDict[str, Tensor]:
        """input: (n, 3, h, w); the result is (n, classes, h, w), under "out"."""
        found = self.classifier(self.backbone(input))
        return OrderedDict(out=_scaled(found, input.shape[-2:]))


def lraspp_mobilenet_v3_large(
    *, weights: Any = None, progress: bool = True, num_classes: int | None = None,
    weights_backbone: Any = "IMAGENET1K_V1", pretrained: bool = False, **kwargs: Any,
) -> LRASPP:  # fmt: skip
    """lraspp_mobilenet_v3_large with torch's initial weights, or trained ones."""
    if kwargs.pop("aux_loss", False):
        raise NotImplementedError("This model does not use auxiliary loss")
    own = None if weights is not None or pretrained else weights_backbone
    made = mobilenetv3.mobilenet_v3_large(weights=own, progress=progress, dilated=True)
    features: Any = made.features
    stages = stages_of(features)
    low, high = stages[-4], stages[-1]
    getter = IntermediateLayerGetter(features, {str(low): "low", str(high): "high"})
    model = LRASPP(
        getter, features[low].out_channels, features[high].out_channels, num_classes or CLASSES
    )
    return filled(model, "lraspp_mobilenet_v3_large", weights, pretrained, progress)
