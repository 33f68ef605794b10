"""Between images and tensors; normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight.dtypes import dtype as Dtype
from rushlight.nn import Module
from rushlight.vision.transforms import functional as F
from rushlight.vision.transforms.base import shown


class ToTensor:
    """An image, or an array (height, width[, channels]), as a tensor from 0 to 1.

    >>> import numpy as np
    >>> ToTensor()(np.array([[0, 255]], np.uint8))
    tensor([[[0., 1.]]])
    """

    def __call__(self, pic: Any) -> Any:
        """Convert it."""
        return F.to_tensor(pic)

    def __repr__(self) -> str:
        return shown(self)


class PILToTensor:
    """An image as a tensor (channels, height, width) of its own type."""

    def __call__(self, pic: Any) -> Any:
        """Convert it."""
        return F.pil_to_tensor(pic)

    def __repr__(self) -> str:
        return shown(self)


class ToPILImage:
    """A tensor (channels, height, width), or an array (height, width[, channels]), as an image."""

    def __init__(self, mode: str | None = None) -> None:
        self.mode = mode

    def __call__(self, pic: Any) -> Any:
        """Convert it."""
        return F.to_pil_image(pic, self.mode)

    def __repr__(self) -> str:
        return shown(self) if self.mode is None else shown(self, mode=self.mode)


class ConvertImageDtype(Module):
    """A tensor image in another dtype, scaled to its range."""

    def __init__(self, dtype: Dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, image: Any) -> Any:
        """Convert it."""
        return F.convert_image_dtype(image, self.dtype)


class Normalize(Module):
    """(tensor - mean) / std for each channel."""

    __shown__ = "mean std"

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        super().__init__()
        self.mean = mean
        self.std = std
        self.inplace = inplace

    def forward(self, tensor: Any) -> Any:
        """Normalise it."""
        return F.normalize(tensor, self.mean, self.std, self.inplace)
