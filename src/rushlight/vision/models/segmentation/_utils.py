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


Backbone = tuple[IntermediateLayerGetter, int, int]


def on_resnet(name: str, aux: bool, weights: Any, progress: bool) -> Backbone:
    """A residual network whose last two stages are dilated."""
    make: Callable[..., Any] = getattr(resnet, name)
    dilated = [False, True, True]
    backbone = make(weights=weights, progress=progress, replace_stride_with_dilation=dilated)
    layers = {"layer4": "out"} | ({"layer3": "aux"} if aux else {})
    return IntermediateLayerGetter(backbone, layers), 2048, 1024


def stages_of(features: Any) -> list[int]:
    """Where a MobileNet halves the picture, its first layer and its last among them."""
    marked = [i for i, block in enumerate(features) if getattr(block, "_is_cn", False)]
    return [0, *marked, len(features) - 1]


def on_mobilenet(aux: bool, weights: Any, progress: bool) -> Backbone:
    """A dilated MobileNet v3."""
    made = mobilenetv3.mobilenet_v3_large(weights=weights, progress=progress, dilated=True)
    features: Any = made.features
    stages = stages_of(features)
    out, second = stages[-1], stages[-4]
    layers = {str(out): "out"} | ({str(second): "aux"} if aux else {})
    getter = IntermediateLayerGetter(features, layers)
    return getter, features[out].out_channels, features[second].out_channels


def builder(
    name: str, backbone: str, kind: Callable[..., Any], head: Any, second: Any
) -> Callable[..., Any]:
    """The function of that name: a network of a kind on a backbone, with its head and a second classifier."""

    def build(
        *, weights: Any = None, progress: bool = True, num_classes: int | None = None, aux_loss: bool | None = None,
        weights_backbone: Any = "IMAGENET1K_V1", pretrained: bool = False, **kwargs: Any,
    ) -> Any:  # fmt: skip
        trained = weights is not None or pretrained
        aux = True if trained else bool(aux_loss)
        own = None if trained else weights_backbone
        if backbone.startswith("resnet"):
            layers, channels, middle = on_resnet(backbone, aux, own, progress)
        else:
            layers, channels, middle = on_mobilenet(aux, own, progress)
        classes = num_classes or CLASSES
        aside = second(middle, classes) if aux else None
        model = kind(layers, head(channels, classes), aside)
        return filled(model, name, weights, pretrained, progress)

    build.__name__ = build.__qualname__ = name
    build.__doc__ = (
        f"{name} with torch's initial weights, or trained ones; aux_loss: with a second classifier."
    )
    return build
