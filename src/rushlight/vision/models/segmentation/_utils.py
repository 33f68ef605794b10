"""A backbone, what reads it, and its result in the size of the picture."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from rushlight import nn
from rushlight._tensor import Tensor
from rushlight.nn import functional as F
from rushlight.vision.models import mobilenetv3, resnet
from rushlight.vision.models._utils import IntermediateLayerGetter
from rushlight.vision.models.trained import filled

CLASSES = 21


class _SimpleSegmentationModel(nn.Module):
    def __init__(
        self, backbone: nn.Module, classifier: nn.Module, aux_classifier: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = classifier
        self.aux_classifier = aux_classifier

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        """x: (n, 3, h, w); the results are (n, classes, h, w), under "out" and "aux"."""
        size = tuple(x.shape[-2:])
        features: Any = self.backbone(x)

        def whole(found: Tensor) -> Tensor:
            return F.interpolate(found, size=size, mode="bilinear", align_corners=False)

        result = OrderedDict(out=whole(self.classifier(features["out"])))
        if self.aux_classifier is not None:
            result["aux"] = whole(self.aux_classifier(features["aux"]))
        return result


def on_resnet(
    depth: int, aux: bool, weights_backbone: Any, progress: bool
) -> IntermediateLayerGetter:
    """A residual network whose last two stages are dilated."""
    make: Callable[..., Any] = getattr(resnet, f"resnet{depth}")
    dilated = [False, True, True]
    backbone = make(
        weights=weights_backbone, progress=progress, replace_stride_with_dilation=dilated
    )
    return IntermediateLayerGetter(backbone, {"layer4": "out"} | ({"layer3": "aux"} if aux else {}))


def on_mobilenet(
    aux: bool, weights_backbone: Any, progress: bool
) -> tuple[IntermediateLayerGetter, int, int]:
    """A dilated MobileNet v3, and the channels of its result and of the one for the second classifier."""
    made = mobilenetv3.mobilenet_v3_large(weights=weights_backbone, progress=progress, dilated=True)
    features: Any = made.features
    marked = [i for i, block in enumerate(features) if getattr(block, "_is_cn", False)]
    stages = [0, *marked, len(features) - 1]
    out, second = stages[-1], stages[-4]
    layers = {str(out): "out"} | ({str(second): "aux"} if aux else {})
    getter = IntermediateLayerGetter(features, layers)
    return getter, features[out].out_channels, features[second].out_channels


def filled_model(model: Any, name: str, weights: Any, pretrained: bool, progress: bool) -> Any:
    """The network with trained weights, if these are asked for."""
    filled(model, name, weights, pretrained, progress)
    return model
