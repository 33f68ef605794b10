"""Transforms of what the pixels are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight import random as streams
from rushlight.core.doors import draw
from rushlight.ops.creation import zeros
from rushlight.vision.transforms import color as first
from rushlight.vision.transforms.base import between, chance, pair
from rushlight.vision.transforms.v2.functional import functions as F
from rushlight.vision.transforms.v2.transform import (
    RandomTransform,
    Transform,
    Values,
    is_shown,
    shape_of,
    simple,
)

Params = dict[str, Any]
RandomInvert = simple("RandomInvert", "invert", RandomTransform, "The negative with probability p.")
RandomEqualize = simple(
    "RandomEqualize",
    "equalize",
    RandomTransform,
    "As many pixels of every level, with probability p.",
)
RandomAutocontrast = simple(
    "RandomAutocontrast",
    "autocontrast",
    RandomTransform,
    "Stretched from black to white with probability p.",
)
RGB = simple("RGB", "grayscale_to_rgb", Transform, "Three channels.")


class Grayscale(Transform):
    """The brightness, in one channel or three equal ones."""

    def __init__(self, num_output_channels: int = 1) -> None:
        super().__init__()
        self.num_output_channels = num_output_channels

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, gray."""
        return self._call_kernel(
            F.rgb_to_grayscale, inpt, num_output_channels=self.num_output_channels
        )


class RandomGrayscale(RandomTransform):
    """Gray with probability p; the number of channels stays."""

    def __init__(self, p: float = 0.1) -> None:
        super().__init__(p)

    def make_params(self, flat_inputs: Values) -> Params:
        """How many channels there are."""
        return {"num_output_channels": shape_of(flat_inputs)[0]}

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, gray."""
        return self._call_kernel(F.rgb_to_grayscale, inpt, **params)


class ColorJitter(Transform):
    """Brightness, contrast, saturation and hue changed by random factors, in random order."""

    get_params = staticmethod(first.ColorJitter.get_params)

    def __init__(
        self, brightness: Any = None, contrast: Any = None, saturation: Any = None, hue: Any = None
    ) -> None:
        super().__init__()
        plain = first.ColorJitter(
            *((0 if v is None else v) for v in (brightness, contrast, saturation, hue))
        )
        self.brightness, self.contrast = plain.brightness, plain.contrast
        self.saturation, self.hue = plain.saturation, plain.hue

    def make_params(self, flat_inputs: Values) -> Params:
        """The order and the factors."""
        order, *factors = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        return {"order": order.tolist(), "factors": factors}

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, changed."""
        names = ("adjust_brightness", "adjust_contrast", "adjust_saturation", "adjust_hue")
        for index in params["order"]:
            if params["factors"][index] is not None:
                inpt = self._call_kernel(names[index], inpt, params["factors"][index])
        return inpt


class RandomChannelPermutation(Transform):
    """The channels in random order."""

    def make_params(self, flat_inputs: Values) -> Params:
        """The order."""
        return {"permutation": draw(streams.randperm, None, n=shape_of(flat_inputs)[0]).tolist()}

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, reordered."""
        return self._call_kernel(F.permute_channels, inpt, **params)


class RandomPhotometricDistort(Transform):
    """Each of brightness, contrast, saturation, hue and the order of channels, with probability p."""

    def __init__(
        self,
        brightness: tuple[float, float] = (0.875, 1.125),
        contrast: tuple[float, float] = (0.5, 1.5),
        saturation: tuple[float, float] = (0.5, 1.5),
        hue: tuple[float, float] = (-0.05, 0.05),
        p: float = 0.5,
    ) -> None:
        super().__init__()
        self.brightness, self.contrast, self.saturation, self.hue = (
            brightness,
            contrast,
            saturation,
            hue,
        )
        self.p = p

    def make_params(self, flat_inputs: Values) -> Params:
        """What happens, and how much."""
        channels = shape_of(flat_inputs)[0]
        ranges = {"brightness": self.brightness, "contrast": self.contrast}
        ranges |= {"saturation": self.saturation, "hue": self.hue}
        params: Params = {k: between(*v) if chance() < self.p else None for k, v in ranges.items()}
        params["contrast_before"] = bool(chance() < 0.5)
        permuted = chance() < self.p
        params["order"] = draw(streams.randperm, None, n=channels).tolist() if permuted else None
        return params

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, changed."""
        early = params["contrast_before"]
        steps = [
            "brightness",
            *["contrast"] * early,
            "saturation",
            "hue",
            *["contrast"] * (not early),
        ]
        for step in steps:
            if params[step] is not None:
                inpt = self._call_kernel(f"adjust_{step}", inpt, params[step])
        if params["order"] is not None:
            inpt = self._call_kernel(F.permute_channels, inpt, permutation=params["order"])
        return inpt


class RandomPosterize(RandomTransform):
    """The highest bits of every value, with probability p."""

    def __init__(self, bits: int, p: float = 0.5) -> None:
        super().__init__(p)
        self.bits = bits

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value with fewer levels."""
        return self._call_kernel(F.posterize, inpt, bits=self.bits)


class RandomSolarize(RandomTransform):
    """The negative of what is bright, with probability p."""

    def __init__(self, threshold: float, p: float = 0.5) -> None:
        super().__init__(p)
        self.threshold = threshold

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, solarized."""
        return self._call_kernel(F.solarize, inpt, threshold=self.threshold)


class RandomAdjustSharpness(RandomTransform):
    """Sharper or blurred with probability p."""

    def __init__(self, sharpness_factor: float, p: float = 0.5) -> None:
        super().__init__(p)
        self.sharpness_factor = sharpness_factor

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, changed."""
        return self._call_kernel(F.adjust_sharpness, inpt, sharpness_factor=self.sharpness_factor)


class GaussianBlur(Transform):
    """Blurred by a Gaussian kernel of a random sigma between two bounds."""

    def __init__(self, kernel_size: Any, sigma: Any = (0.1, 2.0)) -> None:
        super().__init__()
        plain = first.GaussianBlur(kernel_size, sigma)
        self.kernel_size, self.sigma = pair(kernel_size), list(plain.sigma)

    def make_params(self, flat_inputs: Values) -> Params:
        """The sigma."""
        sigma = between(*self.sigma)
        return {"sigma": [sigma, sigma]}

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, blurred."""
        return self._call_kernel(F.gaussian_blur, inpt, list(self.kernel_size), **params)


class GaussianNoise(Transform):
    """Normal noise added."""

    def __init__(self, mean: float = 0.0, sigma: float = 0.1, clip: bool = True) -> None:
        super().__init__()
        self.mean, self.sigma, self.clip = mean, sigma, clip

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value with noise."""
        return self._call_kernel(
            F.gaussian_noise, inpt, mean=self.mean, sigma=self.sigma, clip=self.clip
        )


class RandomErasing(RandomTransform):
    """A random rectangle set to value, or to normal noise ("random"), with probability p."""

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: Any = 0.0,
        inplace: bool = False,
    ) -> None:
        super().__init__(p)
        first.RandomErasing(p, scale, ratio, value, inplace)
        self.scale, self.ratio, self.inplace = scale, ratio, inplace
        given = value if isinstance(value, (tuple, list)) else [value]
        self.value = None if value == "random" else [float(part) for part in given]

    def make_params(self, flat_inputs: Values) -> Params:
        """The rectangle and its values."""
        shape = shape_of(flat_inputs)
        given = self.value
        if given is not None and len(given) not in (1, shape[0]):
            raise ValueError(
                f"If value is a sequence, it should have either a single value or {shape[0]} (number of inpt "
                "channels)"
            )
        part = first.RandomErasing.get_params(zeros(shape), self.scale, self.ratio, given)
        whole = tuple(part[:4]) == (0, 0, *shape[1:])
        return dict(zip("ijhwv", (*part[:4], None if whole else part[4]), strict=True))

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value with the rectangle."""
        if params["v"] is None:
            return inpt
        return self._call_kernel(F.erase, inpt, **params, inplace=self.inplace)


class JPEG(Transform):
    """As JPEG of a random quality keeps it."""

    def __init__(self, quality: Any) -> None:
        super().__init__()
        low, high = (quality, quality) if isinstance(quality, int) else quality
        if not 1 <= low <= high <= 100:
            raise ValueError(f"quality must be an integer from 1 to 100, got {quality =}")
        self.quality = [low, high]

    def make_params(self, flat_inputs: Values) -> Params:
        """The quality."""
        from rushlight.vision.transforms.base import below

        low, high = self.quality
        return {"quality": low + below(high - low + 1)}

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, encoded and decoded."""
        return self._call_kernel(F.jpeg, inpt, **params) if self._is_image(inpt) else inpt

    def _is_image(self, inpt: Any) -> bool:
        from rushlight.vision.transforms.v2.functional.kinds import is_pure_tensor

        return is_shown(inpt) or is_pure_tensor(inpt)
