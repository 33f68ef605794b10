"""Transforms of where the pixels are."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight._tensor import Tensor
from rushlight.errors import warn
from rushlight.nn import Module
from rushlight.vision.transforms import functional as F
from rushlight.vision.transforms.base import (
    angles,
    below,
    between,
    chance,
    check_sequence,
    checked_fill,
    pair,
    shown,
)
from rushlight.vision.transforms.functional.modes import InterpolationMode, as_mode

_PADDING_MODES = ("constant", "edge", "reflect", "symmetric")


class Resize(Module):
    """To (height, width), or to that length of the shorter edge."""

    def __init__(
        self,
        size: Any,
        interpolation: Any = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        if not isinstance(size, (int, Sequence)):
            raise TypeError(f"Size should be int or sequence. Got {type(size)}")
        if isinstance(size, Sequence) and len(size) not in (1, 2):
            raise ValueError(f"If size is a sequence, it should have 1 or 2 values, got {size}")
        self.size = size
        self.max_size = max_size
        self.interpolation = as_mode(interpolation)
        self.antialias = antialias

    def forward(self, img: Any) -> Any:
        """Resize it."""
        return F.resize(img, self.size, self.interpolation, self.max_size, self.antialias)

    def __repr__(self) -> str:
        return shown(
            self,
            size=self.size,
            interpolation=self.interpolation.value,
            max_size=self.max_size,
            antialias=self.antialias,
        )


class CenterCrop(Module):
    """The middle of the image."""

    __shown__ = "size"

    def __init__(self, size: Any) -> None:
        super().__init__()
        self.size = pair(size)

    def forward(self, img: Any) -> Any:
        """Crop it."""
        return F.center_crop(img, self.size)


class FiveCrop(Module):
    """The four corners and the middle, as a tuple."""

    __shown__ = "size"

    def __init__(self, size: Any) -> None:
        super().__init__()
        self.size = pair(size)

    def forward(self, img: Any) -> Any:
        """Crop them."""
        return F.five_crop(img, self.size)


class TenCrop(Module):
    """FiveCrop of the image and of the flipped image."""

    __shown__ = "size vertical_flip"

    def __init__(self, size: Any, vertical_flip: bool = False) -> None:
        super().__init__()
        self.size = pair(size)
        self.vertical_flip = vertical_flip

    def forward(self, img: Any) -> Any:
        """Crop them."""
        return F.ten_crop(img, self.size, self.vertical_flip)


class Pad(Module):
    """A border: of one colour, or going on in one of three ways."""

    __shown__ = "padding fill padding_mode"

    def __init__(self, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> None:
        super().__init__()
        if not isinstance(padding, (numbers.Number, tuple, list)):
            raise TypeError(f"Got inappropriate padding arg: {padding!r}")
        if not isinstance(fill, (numbers.Number, tuple, list)):
            raise TypeError(f"Got inappropriate fill arg: {fill!r}")
        if padding_mode not in _PADDING_MODES:
            raise ValueError(
                f"Padding mode should be either constant, edge, reflect or symmetric, got "
                f"{padding_mode!r}"
            )
        if isinstance(padding, Sequence) and len(padding) not in (1, 2, 4):
            raise ValueError(
                f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(padding)} "
                f"element tuple"
            )
        self.padding = padding
        self.fill = fill
        self.padding_mode = padding_mode

    def forward(self, img: Any) -> Any:
        """Pad it."""
        return F.pad(img, self.padding, self.fill, self.padding_mode)


class RandomCrop(Module):
    """A part at a random place; with padding, or pad_if_needed, of the padded image."""

    __shown__ = "size padding"

    def __init__(
        self,
        size: Any,
        padding: Any = None,
        pad_if_needed: bool = False,
        fill: Any = 0,
        padding_mode: str = "constant",
    ) -> None:
        super().__init__()
        self.size = tuple(pair(size))
        self.padding = padding
        self.pad_if_needed = pad_if_needed
        self.fill = fill
        self.padding_mode = padding_mode

    @staticmethod
    def get_params(img: Any, output_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """(top, left, height, width), drawn unless there is only one place."""
        _, h, w = F.get_dimensions(img)
        height, width = output_size
        if h < height or w < width:
            raise ValueError(
                f"Required crop size {(height, width)} is larger than input image size {(h, w)}"
            )
        if (h, w) == (height, width):
            return 0, 0, h, w
        top = below(h - height + 1)
        return top, below(w - width + 1), height, width

    def forward(self, img: Any) -> Any:
        """Crop it."""
        if self.padding is not None:
            img = F.pad(img, self.padding, self.fill, self.padding_mode)
        if self.pad_if_needed:
            _, h, w = F.get_dimensions(img)
            for border in ([self.size[1] - w, 0], [0, self.size[0] - h]):
                if max(border) > 0:
                    img = F.pad(img, border, self.fill, self.padding_mode)
        return F.crop(img, *self.get_params(img, self.size))


class RandomHorizontalFlip(Module):
    """Left becomes right with probability p."""

    __shown__ = "p"

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        """Flip it, or not."""
        return F.hflip(img) if chance() < self.p else img


class RandomVerticalFlip(Module):
    """Top becomes bottom with probability p."""

    __shown__ = "p"

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        """Flip it, or not."""
        return F.vflip(img) if chance() < self.p else img


def check_range(scale: Any, ratio: Any) -> None:
    """TypeError unless both are sequences; a warning unless they are (min, max)."""
    for name, value in (("Scale", scale), ("Ratio", ratio)):
        if not isinstance(value, Sequence):
            raise TypeError(f"{name} should be a sequence, got {value!r}")
    if scale[0] > scale[1] or ratio[0] > ratio[1]:
        warn("Scale and ratio should be of kind (min, max)")


def draw_area(area: float, scale: Sequence[float], ratio: Sequence[float]) -> tuple[int, int]:
    """The edges of a rectangle with a part of the area and a ratio (first to second) of edges."""
    low, high = np.log(np.asarray(ratio, np.float32))
    target = area * between(*scale)
    edges = float(np.exp(np.float32(between(low, high))))
    return round(math.sqrt(target * edges)), round(math.sqrt(target / edges))


class RandomResizedCrop(Module):
    """A part of random area and shape, resized."""

    def __init__(
        self,
        size: Any,
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3.0 / 4.0, 4.0 / 3.0),
        interpolation: Any = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        check_range(scale, ratio)
        self.size = pair(size)
        self.scale = scale
        self.ratio = ratio
        self.interpolation = as_mode(interpolation)
        self.antialias = antialias

    @staticmethod
    def get_params(
        img: Any, scale: Sequence[float], ratio: Sequence[float]
    ) -> tuple[int, int, int, int]:
        """(top, left, height, width); the middle where ten draws did not fit."""
        _, h, w = F.get_dimensions(img)
        for _ in range(10):
            width, height = draw_area(h * w, scale, ratio)
            if 0 < width <= w and 0 < height <= h:
                top = below(h - height + 1)
                return top, below(w - width + 1), height, width
        width, height = w, h
        if w / h < min(ratio):
            height = round(w / min(ratio))
        elif w / h > max(ratio):
            width = round(h * max(ratio))
        return (h - height) // 2, (w - width) // 2, height, width

    def forward(self, img: Any) -> Any:
        """Crop and resize it."""
        part = self.get_params(img, self.scale, self.ratio)
        return F.resized_crop(img, *part, self.size, self.interpolation, antialias=self.antialias)

    def __repr__(self) -> str:
        return shown(
            self,
            size=self.size,
            scale=tuple(round(s, 4) for s in self.scale),
            ratio=tuple(round(r, 4) for r in self.ratio),
            interpolation=self.interpolation.value,
            antialias=self.antialias,
        )


def fill_for(img: Any, fill: Any) -> Any:
    """The colour as `functional` wants it: for tensors, a float for each channel."""
    if not isinstance(img, Tensor):
        return fill
    if isinstance(fill, (int, float)):
        return [float(fill)] * F.get_dimensions(img)[0]
    return [float(value) for value in fill]


class RandomRotation(Module):
    """Turned by a random number of degrees: from -degrees to degrees, or between two bounds."""

    def __init__(
        self,
        degrees: Any,
        interpolation: Any = InterpolationMode.NEAREST,
        expand: bool = False,
        center: Sequence[float] | None = None,
        fill: Any = 0,
    ) -> None:
        super().__init__()
        self.degrees = angles("degrees", degrees)
        if center is not None:
            check_sequence("center", center, (2,))
        self.center = center
        self.interpolation = as_mode(interpolation)
        self.expand = expand
        self.fill = checked_fill(fill)

    @staticmethod
    def get_params(degrees: Sequence[float]) -> float:
        """The angle."""
        return between(degrees[0], degrees[1])

    def forward(self, img: Any) -> Any:
        """Turn it."""
        angle = self.get_params(self.degrees)
        fill = fill_for(img, self.fill)
        return F.rotate(img, angle, self.interpolation, self.expand, self.center, fill)

    def __repr__(self) -> str:
        center = {} if self.center is None else {"center": self.center}
        return shown(
            self,
            degrees=self.degrees,
            interpolation=self.interpolation.value,
            expand=self.expand,
            **center,
            fill=self.fill,
        )


class RandomAffine(Module):
    """Turned, moved, scaled and sheared at random; what is None stays as it is.

    translate: the largest part of width and height to move by; shear: degrees along x, or x and y.
    """

    def __init__(
        self,
        degrees: Any,
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: Any = None,
        interpolation: Any = InterpolationMode.NEAREST,
        fill: Any = 0,
        center: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        self.degrees = angles("degrees", degrees)
        for name, value in (("translate", translate), ("scale", scale), ("center", center)):
            if value is not None:
                check_sequence(name, value, (2,))
        if translate is not None and not all(0.0 <= part <= 1.0 for part in translate):
            raise ValueError(f"translation values should be between 0 and 1, got {translate}")
        if scale is not None and not all(factor > 0 for factor in scale):
            raise ValueError(f"scale values should be positive, got {scale}")
        self.translate = translate
        self.scale = scale
        self.shear = None if shear is None else angles("shear", shear, (2, 4))
        self.interpolation = as_mode(interpolation)
        self.fill = checked_fill(fill)
        self.center = center

    @staticmethod
    def get_params(
        degrees: Sequence[float],
        translate: Sequence[float] | None,
        scale_ranges: Sequence[float] | None,
        shears: Sequence[float] | None,
        img_size: Sequence[int],
    ) -> tuple[float, tuple[int, int], float, tuple[float, float]]:
        """(angle, (x, y) to move by, scale, (x, y) shear)."""
        angle = between(degrees[0], degrees[1])
        move = (0, 0)
        if translate is not None:
            far = [float(part * size) for part, size in zip(translate, img_size, strict=True)]
            x = round(between(-far[0], far[0]))
            move = (x, round(between(-far[1], far[1])))
        scale = 1.0 if scale_ranges is None else between(*scale_ranges)
        shear_x = 0.0 if shears is None else between(shears[0], shears[1])
        shear_y = between(shears[2], shears[3]) if shears is not None and len(shears) == 4 else 0.0
        return angle, move, scale, (shear_x, shear_y)

    def forward(self, img: Any) -> Any:
        """Map it."""
        _, h, w = F.get_dimensions(img)
        drawn = self.get_params(self.degrees, self.translate, self.scale, self.shear, [w, h])
        fill = fill_for(img, self.fill)
        return F.affine(img, *drawn, self.interpolation, fill, self.center)

    def __repr__(self) -> str:
        given = {"translate": self.translate, "scale": self.scale, "shear": self.shear}
        if self.interpolation is not InterpolationMode.NEAREST:
            given["interpolation"] = self.interpolation.value
        given |= {"fill": self.fill or None, "center": self.center}
        given = {name: value for name, value in given.items() if value is not None}
        return shown(self, degrees=self.degrees, **given)
