"""How pixels are interpolated, under torchvision's names and as Pillow's numbers."""

from __future__ import annotations

from enum import Enum
from typing import Any


class InterpolationMode(Enum):
    """Ways to interpolate. Tensors know the first four, images all of them."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


# Pillow's own constants.
PIL_NUMBER = {
    InterpolationMode.NEAREST: 0,
    InterpolationMode.LANCZOS: 1,
    InterpolationMode.BILINEAR: 2,
    InterpolationMode.BICUBIC: 3,
    InterpolationMode.BOX: 4,
    InterpolationMode.HAMMING: 5,
    InterpolationMode.NEAREST_EXACT: 0,
}
_BY_NUMBER = {
    number: mode
    for mode, number in PIL_NUMBER.items()
    if mode is not InterpolationMode.NEAREST_EXACT
}


def as_mode(interpolation: Any) -> InterpolationMode:
    """The mode meant by a mode or by one of Pillow's numbers."""
    if isinstance(interpolation, InterpolationMode):
        return interpolation
    if isinstance(interpolation, int):
        return _BY_NUMBER[interpolation]
    raise TypeError(
        f"Argument interpolation should be a InterpolationMode or a corresponding Pillow integer "
        f"constant, got {interpolation!r}"
    )
