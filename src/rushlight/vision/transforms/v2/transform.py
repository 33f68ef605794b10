"""What a transform is: it takes anything (images, boxes, labels, dicts of them) and changes what it is for.

The random numbers are drawn once for all that is given, and as torchvision draws them.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from rushlight._tensor import Tensor
from rushlight.nn import Module
from rushlight.utils._pytree import tree_flatten, tree_unflatten
from rushlight.vision.pictures import is_picture
from rushlight.vision.transforms.base import chance
from rushlight.vision.transforms.v2.functional.functions import get_dimensions
from rushlight.vision.transforms.v2.functional.kinds import (
    dispatched,
    is_pure_tensor,
    passed,
    tv_tensors,
)

Values = list[Any]


def is_shown(value: Any) -> bool:
    """Whether it is an image or a video that says so: of Pillow, or of `tv_tensors`."""
    known = tv_tensors()
    return is_picture(value) or (
        known is not None and isinstance(value, (known.Image, known.Video))
    )


class Transform(Module):
    """A transform: `make_params` draws what is random, `transform` changes one value with it.

    Of plain tensors the first is an image where nothing else is one; all others stay.
    """

    def _is_for(self, value: Any) -> bool:
        """Whether values of this type are changed."""
        return isinstance(value, Tensor) or is_picture(value)

    def check_inputs(self, flat_inputs: Values) -> None:
        """Raise an error for inputs that cannot be meant."""

    def make_params(self, flat_inputs: Values) -> dict[str, Any]:
        """What is drawn, once for all that is given."""
        return {}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One value, changed."""
        raise NotImplementedError

    def _call_kernel(self, functional: Any, inpt: Any, *args: Any, **kwargs: Any) -> Any:
        name = functional if isinstance(functional, str) else functional.__name__
        return passed(name, inpt, *args, **kwargs)

    def _needs_transform_list(self, flat_inputs: Values) -> list[bool]:
        awaited = not any(map(is_shown, flat_inputs))
        result = []
        for value in flat_inputs:
            mine = self._is_for(value)
            if mine and is_pure_tensor(value):
                mine, awaited = awaited, False
            result.append(mine)
        return result

    def forward(self, *inputs: Any) -> Any:
        """All that is given, changed where it is of a kind that this is for."""
        flat, spec = tree_flatten(inputs if len(inputs) > 1 else inputs[0])
        self.check_inputs(flat)
        return tree_unflatten(self._changed(flat), spec)

    def _changed(self, flat: Values) -> Values:
        mine = self._needs_transform_list(flat)
        params = self.make_params([value for value, needs in zip(flat, mine, strict=True) if needs])
        return [
            self.transform(value, params) if needs else value
            for value, needs in zip(flat, mine, strict=True)
        ]

    def extra_repr(self) -> str:
        """name=value of what was given."""
        plain = (bool, int, float, str, tuple, list, Enum)
        shown = (
            f"{name}={value}"
            for name, value in self.__dict__.items()
            if not name.startswith("_") and name != "training" and isinstance(value, plain)
        )
        return ", ".join(shown)


class RandomTransform(Transform):
    """A transform that happens with probability p."""

    def __init__(self, p: float = 0.5) -> None:
        if not 0.0 <= p <= 1.0:
            raise ValueError("`p` should be a floating point value in the interval [0.0, 1.0].")
        super().__init__()
        self.p = p

    def forward(self, *inputs: Any) -> Any:
        """All that is given, changed or not."""
        given = inputs if len(inputs) > 1 else inputs[0]
        flat, spec = tree_flatten(given)
        self.check_inputs(flat)
        if chance() >= self.p:
            return given
        return tree_unflatten(self._changed(flat), spec)


def simple(name: str, functional: str, base: type[Transform], doc: str) -> Any:
    """A class that calls one function without arguments."""

    def transform(self: Transform, inpt: Any, params: dict[str, Any]) -> Any:
        """One value, changed."""
        return self._call_kernel(functional, inpt)

    return type(name, (base,), {"transform": transform, "__doc__": doc, "__module__": __name__})


def size_of(flat_inputs: Values) -> tuple[int, int]:
    """(height, width) of all images, masks, boxes and points; ValueError where they differ."""
    return _agreed({tuple(size) for size in map(_canvas, flat_inputs) if size}, "sizes")


def shape_of(flat_inputs: Values) -> tuple[int, int, int]:
    """(channels, height, width) of all images and videos."""
    images = [v for v in flat_inputs if is_pure_tensor(v) or is_shown(v)]
    return _agreed({tuple(get_dimensions(v)) for v in images}, "CHW dimensions")


def _canvas(value: Any) -> Any:
    if isinstance(value, Tensor) and hasattr(value, "canvas_size"):
        return value.canvas_size
    return dispatched("get_size", value) if isinstance(value, Tensor) or is_picture(value) else None


def _agreed(found: set[Any], what: str) -> Any:
    if not found:
        raise TypeError("No image, video, mask, bounding box of keypoint was found in the sample")
    if len(found) > 1:
        raise ValueError(f"Found multiple {what} in the sample: {sorted(found)}")
    return found.pop()


def first_boxes(flat_inputs: Values) -> Any:
    """The boxes of a sample; ValueError where there are none."""
    known = tv_tensors()
    for value in flat_inputs if known is not None else ():
        if isinstance(value, known.BoundingBoxes):
            return value
    raise ValueError("No bounding boxes were found in the sample")


def labels_by(labels_getter: Any) -> Callable[[Any], Any]:
    """The function that finds labels in a sample: "default" looks for a key that sounds like labels."""
    if labels_getter == "default":
        return _labels
    if callable(labels_getter):
        return labels_getter
    if labels_getter is None:
        return lambda inputs: None
    raise ValueError(
        f"labels_getter should either be 'default', a callable, or None, but got {labels_getter}."
    )


def _labels(inputs: Any) -> Any:
    if isinstance(inputs, (tuple, list)):
        inputs = inputs[1]
    if isinstance(inputs, Tensor):
        return inputs
    if not isinstance(inputs, dict):
        raise ValueError(
            "When using the default labels_getter, the input passed to forward must be a dictionary or a "
            f"two-tuple whose second item is a dictionary or a tensor, but got {inputs} instead."
        )
    for key in inputs:
        if key.lower() == "labels":
            return inputs[key]
    for key in inputs:
        if "label" in key.lower():
            return inputs[key]
    raise ValueError(
        "Could not infer where the labels are in the sample. Try passing a callable as the labels_getter "
        "parameter?If there are no labels in the sample by design, pass labels_getter=None."
    )
