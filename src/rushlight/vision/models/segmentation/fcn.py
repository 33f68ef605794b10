"""Fully convolutional networks.

Long, Shelhamer and Darrell, "Fully Convolutional Networks for Semantic Segmentation", 2015.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight import nn
from rushlight.vision.models.segmentation._utils import (
    CLASSES,
    _SimpleSegmentationModel,
    filled_model,
    on_resnet,
)

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


def _builder(depth: int) -> Callable[..., FCN]:
    name = f"fcn_resnet{depth}"

    def build(
        *, weights: Any = None, progress: bool = True, num_classes: int | None = None, aux_loss: bool | None = None,
        weights_backbone: Any = "IMAGENET1K_V1", pretrained: bool = False, **kwargs: Any,
    ) -> FCN:  # fmt: skip
        trained = weights is not None or pretrained
        aux = True if trained else bool(aux_loss)
        backbone = on_resnet(depth, aux, None if trained else weights_backbone, progress)
        classes = num_classes or CLASSES
        second = FCNHead(1024, classes) if aux else None
        model = FCN(backbone, FCNHead(2048, classes), second)
        return filled_model(model, name, weights, pretrained, progress)

    build.__name__ = build.__qualname__ = name
    build.__doc__ = (
        f"{name} with torch's initial weights, or trained ones; aux_loss: with a second classifier."
    )
    return build


fcn_resnet50, fcn_resnet101 = _builder(50), _builder(101)
