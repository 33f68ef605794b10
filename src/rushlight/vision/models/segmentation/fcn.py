"""Fully convolutional networks.

Long, Shelhamer and Darrell, "Fully Convolutional Networks for Semantic Segmentation", 2015.
"""

from __future__ import annotations

from rushlight import nn
from rushlight.vision.models.segmentation._utils import _SimpleSegmentationModel, builder

__all__ = ["FCN", "fcn_resnet50", "fcn_resnet101"]


class FCN(_SimpleSegmentationModel):
    """A backbone and a head of two convolutions."""


class FCNHead(nn.Sequential):
    """Two convolutions."""

    def __init__(self, in_channels: int, channels: int) -> None:
        inner = in_channels // 4
        super().__init__(
            nn.Conv2d(in_channels, inner, 3, padding=1, bias=False),
            nn.BatchNorm2d(inner),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Conv2d(inner, channels, 1),
        )


fcn_resnet50, fcn_resnet101 = (
    builder(f"fcn_{backbone}", backbone, FCN, FCNHead, FCNHead)
    for backbone in ("resnet50", "resnet101")
)
