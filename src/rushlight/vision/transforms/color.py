"""Transforms of what the pixels are."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight import random
from rushlight.core.doors import draw
from rushlight.nn import Module
from rushlight.ops.creation import from_numpy
from rushlight.vision.transforms import functional as F
from rushlight.vision.transforms.base import below, between, chance, pair
from rushlight.vision.transforms.geometry import check_range, draw_area


class Grayscale(Module):
    """The brightness of an RGB image, in one channel or three equal ones."""

    __shown__ = "num_output_channels"

    def __init__(self, num_output_channels: int = 1) -> None:
        super().__init__()
        self.num_output_channels = num_output_channels

    def forward(self, img: Any) -> Any:
        """Convert it."""
        return F.rgb_to_grayscale(img, self.num_output_channels)


class RandomGrayscale(Module):
    """Gray with probability p; the number of channels stays."""

    __shown__ = "p"

    def __init__(self, p: float = 0.1) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        """Convert it, or not."""
        channels = F.get_image_num_channels(img)
        return F.rgb_to_grayscale(img, channels) if chance() < self.p else img


class RandomInvert(Module):
    """The negative with probability p."""

    __shown__ = "p"

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        """Invert it, or not."""
        return F.invert(img) if float(chance()) < self.p else img


Range = tuple[float, float] | None

_ADJUSTMENTS = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)


def _bounds(
    name: str, value: Any, centre: float = 1.0, limits: tuple[float, float] = (0.0, float("inf"))
) -> Range:
    """(low, high) around the centre from a number, or from a pair; None if nothing is to change."""
    if isinstance(value, numbers.Number):
        if value < 0:  # type: ignore[operator]
            raise ValueError(f"If {name} is a single number, it must be non negative, got {value}.")
        low, high = centre - float(value), centre + float(value)  # type: ignore[arg-type]
        low = max(low, 0.0) if centre else low
    elif isinstance(value, (tuple, list)) and len(value) == 2:
        low, high = float(value[0]), float(value[1])
    else:
        raise TypeError(
            f"{name} should be a single number or a list/tuple with length 2, got {value!r}."
        )
    if not limits[0] <= low <= high <= limits[1]:
        raise ValueError(f"{name} values should be between {limits}, but got {[low, high]}.")
    return None if low == high == centre else (low, high)


class ColorJitter(Module):
    """Brightness, contrast, saturation and hue changed by random factors, in random order.

    A number x stands for factors from 1 - x to 1 + x (hue: from -x to x), a pair for the bounds.
    """

    __shown__ = "brightness contrast saturation hue"

    def __init__(
        self, brightness: Any = 0, contrast: Any = 0, saturation: Any = 0, hue: Any = 0
    ) -> None:
        super().__init__()
        self.brightness = _bounds("brightness", brightness)
        self.contrast = _bounds("contrast", contrast)
        self.saturation = _bounds("saturation", saturation)
        self.hue = _bounds("hue", hue, 0.0, (-0.5, 0.5))

    @staticmethod
    def get_params(brightness: Range, contrast: Range, saturation: Range, hue: Range) -> Any:
        """(order, brightness, contrast, saturation and hue factor); None for what stays."""
        order = draw(random.randperm, None, n=4)
        ranges = (brightness, contrast, saturation, hue)
        return (order, *(None if bounds is None else between(*bounds) for bounds in ranges))

    def forward(self, img: Any) -> Any:
        """Change it."""
        ranges = (self.brightness, self.contrast, self.saturation, self.hue)
        order, *factors = self.get_params(*ranges)
        for index in order.tolist():
            if factors[index] is not None:
                img = _ADJUSTMENTS[index](img, factors[index])
        return img


class GaussianBlur(Module):
    """Blurred by a Gaussian kernel of a random sigma between two bounds."""

    __shown__ = "kernel_size sigma"

    def __init__(self, kernel_size: Any, sigma: Any = (0.1, 2.0)) -> None:
        super().__init__()
        self.kernel_size = pair(kernel_size)
        if any(size <= 0 or size % 2 == 0 for size in self.kernel_size):
            raise ValueError(
                f"Kernel size value should be an odd and positive number, got {kernel_size}."
            )
        bounds: Any = (sigma, sigma) if isinstance(sigma, numbers.Number) else sigma
        if not isinstance(bounds, Sequence) or len(bounds) != 2:
            raise ValueError(
                f"sigma should be a single number or a list/tuple with length 2, got {sigma!r}."
            )
        if not 0.0 < bounds[0] <= bounds[1]:
            raise ValueError(
                f"sigma values should be positive and of the form (min, max), got {sigma}."
            )
        self.sigma = bounds

    @staticmethod
    def get_params(sigma_min: float, sigma_max: float) -> float:
        """The sigma."""
        return between(sigma_min, sigma_max)

    def forward(self, img: Any) -> Any:
        """Blur it."""
        sigma = self.get_params(self.sigma[0], self.sigma[1])
        return F.gaussian_blur(img, self.kernel_size, [sigma, sigma])


class RandomErasing(Module):
    """A random rectangle of a tensor set to value, or to normal noise ("random").

    Zhong et al., "Random Erasing Data Augmentation", 2017.
    """

    __shown__ = "p scale ratio value inplace"

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: Any = 0,
        inplace: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(value, (numbers.Number, str, tuple, list)):
            raise TypeError(
                f"Argument value should be either a number or str or a sequence, got {value!r}"
            )
        if isinstance(value, str) and value != "random":
            raise ValueError(f"If value is str, it should be 'random', got {value!r}")
        check_range(scale, ratio)
        if scale[0] < 0 or scale[1] > 1:
            raise ValueError(f"Scale should be between 0 and 1, got {scale}")
        if not 0 <= p <= 1:
            raise ValueError(f"Random erasing probability should be between 0 and 1, got {p}")
        self.p = p
        self.scale = scale
        self.ratio = ratio
        self.value = value
        self.inplace = inplace

    @staticmethod
    def get_params(
        img: Any, scale: Sequence[float], ratio: Sequence[float], value: list[float] | None = None
    ) -> tuple[int, int, int, int, Any]:
        """(top, left, height, width, values); the whole image where ten draws did not fit."""
        channels, h, w = img.shape[-3:]
        for _ in range(10):
            height, width = draw_area(h * w, scale, ratio)
            if height < h and width < w:
                if value is None:
                    place = {"shape": (channels, height, width), "dtype": np.dtype(np.float32)}
                    values = draw(random.normal, None, **place)
                else:
                    values = from_numpy(np.array(value, np.float32)[:, None, None])
                top = below(h - height + 1)
                return top, below(w - width + 1), height, width, values
        return 0, 0, h, w, img

    def forward(self, img: Any) -> Any:
        """Erase a part of it, or not."""
        if not chance() < self.p:
            return img
        value = None
        if not isinstance(self.value, str):
            given: Any = self.value if isinstance(self.value, (tuple, list)) else [self.value]
            value = [float(v) for v in given]
            if len(value) not in (1, img.shape[-3]):
                raise ValueError(
                    f"If value is a sequence, it should have either a single value or "
                    f"{img.shape[-3]} (number of input channels), got {self.value}"
                )
        part = self.get_params(img, self.scale, self.ratio, value)
        return F.erase(img, *part, self.inplace)
