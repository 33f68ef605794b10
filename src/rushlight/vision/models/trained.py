"""Trained weights of networks, under torchvision's names, and networks by their names; `weights` is the table.

No file is fetched: one that lies in
the folder of `torch.hub` is loaded; else the error says where it is to be had.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatch
from types import ModuleType
from typing import Any

from rushlight import hub


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
        return self.value.transforms

    @property
    def meta(self) -> Mapping[str, Any]:
        """What else is known: `num_params`, `min_size`."""
        return self.value.meta


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
    return found


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
