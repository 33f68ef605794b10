"""Which trained weights there are for a network: torchvision's enumerations, by their names.

The figures (files and numbers of parameters) are torchvision 0.28's. No file is fetched: one that lies in
the folder of `torch.hub` is loaded; else the error says where it is to be had.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatch
from functools import partial
from types import ModuleType
from typing import Any

from rushlight import hub
from rushlight.vision.transforms.presets import ImageClassification

WHERE = "https://download.pytorch.org/models/"


@dataclass
class Weights:
    """A file of weights, the transforms that its images went through, and what else is known."""

    url: str
    transforms: Callable[..., Any]
    meta: Mapping[str, Any]


class WeightsEnum(Enum):
    """The weights that there are for a network."""

    @classmethod
    def verify(cls, obj: Any) -> Any:
        """One of these, given as such or by its name; None stays None."""
        if obj is None or isinstance(obj, cls):
            return obj
        if isinstance(obj, str):
            return cls[obj.removeprefix(cls.__name__ + ".")]
        raise TypeError(
            f"Invalid Weight class provided; expected {cls.__name__} but received {type(obj).__name__}."
        )

    def get_state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """The weights, from the file in the folder of torch.hub; an error where it is not there."""
        return hub.load_state_dict_from_url(self.url, *args, **kwargs)

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self._name_}"

    __str__ = __repr__

    @property
    def url(self) -> str:
        """Where the file is to be had."""
        return str(self.value.url)

    @property
    def transforms(self) -> Callable[..., Any]:
        """Makes the transforms that images must go through."""
        made: Callable[..., Any] = self.value.transforms
        return made

    @property
    def meta(self) -> Mapping[str, Any]:
        """What else is known: `num_params`, `min_size`."""
        known: Mapping[str, Any] = self.value.meta
        return known


def given(file: str, count: int, least: int = 1, **options: Any) -> Weights:
    """A file for networks that tell classes apart: how many parameters, the least image, its transforms."""
    made = partial(ImageClassification, **{"crop_size": 224, **options})
    return Weights(WHERE + file, made, {"num_params": count, "min_size": (least, least)})


# What torchvision's second recipe was looked at with.
_second = partial(given, resize_size=232)


class AlexNet_Weights(WeightsEnum):
    """Of AlexNet."""

    IMAGENET1K_V1 = given("alexnet-owt-7be5be79.pth", 61100840, 63)
    DEFAULT = IMAGENET1K_V1


class ResNet18_Weights(WeightsEnum):
    """Of ResNet18."""

    IMAGENET1K_V1 = given("resnet18-f37072fd.pth", 11689512)
    DEFAULT = IMAGENET1K_V1


class ResNet34_Weights(WeightsEnum):
    """Of ResNet34."""

    IMAGENET1K_V1 = given("resnet34-b627a593.pth", 21797672)
    DEFAULT = IMAGENET1K_V1


class ResNet50_Weights(WeightsEnum):
    """Of ResNet50."""

    IMAGENET1K_V1 = given("resnet50-0676ba61.pth", 25557032)
    IMAGENET1K_V2 = _second("resnet50-11ad3fa6.pth", 25557032)
    DEFAULT = IMAGENET1K_V2


class ResNet101_Weights(WeightsEnum):
    """Of ResNet101."""

    IMAGENET1K_V1 = given("resnet101-63fe2227.pth", 44549160)
    IMAGENET1K_V2 = _second("resnet101-cd907fc2.pth", 44549160)
    DEFAULT = IMAGENET1K_V2


class ResNet152_Weights(WeightsEnum):
    """Of ResNet152."""

    IMAGENET1K_V1 = given("resnet152-394f9c45.pth", 60192808)
    IMAGENET1K_V2 = _second("resnet152-f82ba261.pth", 60192808)
    DEFAULT = IMAGENET1K_V2


class ResNeXt50_32X4D_Weights(WeightsEnum):
    """Of ResNeXt50_32X4D."""

    IMAGENET1K_V1 = given("resnext50_32x4d-7cdf4587.pth", 25028904)
    IMAGENET1K_V2 = _second("resnext50_32x4d-1a0047aa.pth", 25028904)
    DEFAULT = IMAGENET1K_V2


class ResNeXt101_32X8D_Weights(WeightsEnum):
    """Of ResNeXt101_32X8D."""

    IMAGENET1K_V1 = given("resnext101_32x8d-8ba56ff5.pth", 88791336)
    IMAGENET1K_V2 = _second("resnext101_32x8d-110c445d.pth", 88791336)
    DEFAULT = IMAGENET1K_V2


class Wide_ResNet50_2_Weights(WeightsEnum):
    """Of Wide_ResNet50_2."""

    IMAGENET1K_V1 = given("wide_resnet50_2-95faca4d.pth", 68883240)
    IMAGENET1K_V2 = _second("wide_resnet50_2-9ba9bcbe.pth", 68883240)
    DEFAULT = IMAGENET1K_V2


class Wide_ResNet101_2_Weights(WeightsEnum):
    """Of Wide_ResNet101_2."""

    IMAGENET1K_V1 = given("wide_resnet101_2-32ee1156.pth", 126886696)
    IMAGENET1K_V2 = _second("wide_resnet101_2-d733dc28.pth", 126886696)
    DEFAULT = IMAGENET1K_V2


class VGG11_Weights(WeightsEnum):
    """Of VGG11."""

    IMAGENET1K_V1 = given("vgg11-8a719046.pth", 132863336, 32)
    DEFAULT = IMAGENET1K_V1


class VGG11_BN_Weights(WeightsEnum):
    """Of VGG11_BN."""

    IMAGENET1K_V1 = given("vgg11_bn-6002323d.pth", 132868840, 32)
    DEFAULT = IMAGENET1K_V1


class VGG13_Weights(WeightsEnum):
    """Of VGG13."""

    IMAGENET1K_V1 = given("vgg13-19584684.pth", 133047848, 32)
    DEFAULT = IMAGENET1K_V1


class VGG13_BN_Weights(WeightsEnum):
    """Of VGG13_BN."""

    IMAGENET1K_V1 = given("vgg13_bn-abd245e5.pth", 133053736, 32)
    DEFAULT = IMAGENET1K_V1


class VGG16_Weights(WeightsEnum):
    """Of VGG16."""

    IMAGENET1K_V1 = given("vgg16-397923af.pth", 138357544, 32)
    IMAGENET1K_FEATURES = given("vgg16_features-amdegroot-88682ab5.pth", 138357544, 32)
    DEFAULT = IMAGENET1K_V1


class VGG16_BN_Weights(WeightsEnum):
    """Of VGG16_BN."""

    IMAGENET1K_V1 = given("vgg16_bn-6c64b313.pth", 138365992, 32)
    DEFAULT = IMAGENET1K_V1


class VGG19_Weights(WeightsEnum):
    """Of VGG19."""

    IMAGENET1K_V1 = given("vgg19-dcbb9e9d.pth", 143667240, 32)
    DEFAULT = IMAGENET1K_V1


class VGG19_BN_Weights(WeightsEnum):
    """Of VGG19_BN."""

    IMAGENET1K_V1 = given("vgg19_bn-c79401a0.pth", 143678248, 32)
    DEFAULT = IMAGENET1K_V1


def get_weight(name: str) -> Any:
    """Weights by their whole name: `get_weight("ResNet18_Weights.DEFAULT")`."""
    kind, _, which = name.partition(".")
    found: Any = {known.__name__: known for known in WeightsEnum.__subclasses__()}.get(kind)
    if found is None:
        raise ValueError(f"The weight enum '{kind}' for the specific method couldn't be retrieved.")
    return found[which]


def get_model_weights(name: Any) -> Any:
    """The enumeration of a network's weights, by the network's name or function."""
    wanted = name if isinstance(name, str) else name.__name__
    kinds = {
        kind.__name__.removesuffix("_Weights").lower(): kind
        for kind in WeightsEnum.__subclasses__()
    }
    if wanted.lower() not in kinds:
        raise ValueError(f"Unknown model {wanted}")
    return kinds[wanted.lower()]


def list_models(
    module: ModuleType | None = None, include: Any = None, exclude: Any = None
) -> list[str]:
    """The names of the networks that there are, in order; include and exclude are patterns of names."""

    def fits(name: str, patterns: Any) -> bool:
        given = [patterns] if isinstance(patterns, str) else list(patterns)
        return any(fnmatch(name, pattern) for pattern in given)

    names = sorted(
        kind.__name__.removesuffix("_Weights").lower() for kind in WeightsEnum.__subclasses__()
    )
    if module is not None:
        names = [name for name in names if hasattr(module, name)]
    if include:
        names = [name for name in names if fits(name, include)]
    return [name for name in names if not (exclude and fits(name, exclude))]


def get_model_builder(name: str) -> Callable[..., Any]:
    """The function that makes a network, by its name."""
    if name.lower() not in list_models():
        raise ValueError(f"Unknown model {name}")
    models = importlib.import_module("rushlight.vision.models")
    found = getattr(models, name.lower(), None) or getattr(models.segmentation, name.lower())
    made: Callable[..., Any] = found
    return made


def get_model(name: str, **config: Any) -> Any:
    """A network by its name: `get_model("resnet18", weights=None)`."""
    return get_model_builder(name)(**config)


def filled(model: Any, name: str, weights: Any, pretrained: bool, progress: bool) -> Any:
    """A network with trained weights, if these are asked for."""
    kind = get_model_weights(name)
    chosen = kind.IMAGENET1K_V1 if pretrained and weights is None else kind.verify(weights)
    if chosen is not None:
        state = chosen.get_state_dict(progress=progress)
        if name.startswith("densenet"):
            # The files have names of the time when names could have dots.
            state = {
                re.sub(r"(norm|relu|conv)\.(\d)\.", r"\1\2.", key): v for key, v in state.items()
            }
        model.load_state_dict(state)
    return model
