"""The one place that knows Pillow, which may not be installed."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from rushlight.errors import MissingExtraError, require


def pillow(part: str = "Image") -> Any:
    """A module of Pillow: "Image", "ImageOps" or "ImageEnhance"."""
    return require(f"PIL.{part}", extra="vision")


def is_picture(value: Any) -> bool:
    """Whether value is a Pillow image; Pillow is not imported to find out."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(value, module.Image)


def checked(value: Any) -> Any:
    """The Pillow image itself; TypeError for anything else."""
    if is_picture(value):
        return value
    hint = ""
    if isinstance(value, np.ndarray):
        hint = (
            ": an array becomes a tensor by ToTensor() and an image by ToPILImage(). Datasets give "
            'arrays where Pillow is missing: python -m pip install "rushlight[vision]"'
        )
    raise TypeError(f"img should be PIL Image or Tensor. Got {type(value)}{hint}")


def picture(array: np.ndarray[Any, Any], mode: str, needed: bool = True) -> Any:
    """A Pillow image of an array (rows, columns) or (rows, columns, channels) in the given mode.

    Where Pillow is missing: the array itself, or MissingExtraError if an image is needed.
    """
    try:
        image = pillow()
    except MissingExtraError:
        if needed:
            raise
        return array
    return image.frombytes(mode, array.shape[1::-1], array.tobytes())
