"""Changes of images that are drawn from a list: found by search, or at random."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum
from functools import cache
from typing import Any

from rushlight._tensor import Tensor
from rushlight.nn import Module
from rushlight.ops.creation import full
from rushlight.ops.gammas import _sample_dirichlet
from rushlight.ops.ranges import arange, linspace
from rushlight.ops.sampling import rand, randint
from rushlight.vision.transforms import functional as F
from rushlight.vision.transforms.base import below, shown
from rushlight.vision.transforms.functional import InterpolationMode

__all__ = ["AugMix", "AutoAugment", "AutoAugmentPolicy", "RandAugment", "TrivialAugmentWide"]


class AutoAugmentPolicy(Enum):
    """The data for which a list of changes was found."""

    IMAGENET = "imagenet"
    CIFAR10 = "cifar10"
    SVHN = "svhn"


# Of each pair of changes: name, probability, level of 10. E. D. Cubuk et al., "AutoAugment: Learning Augmentation
# Policies from Data", 2019, tables 7 to 9; where a change has no level it is 0.
_FOUND = {
    AutoAugmentPolicy.IMAGENET: """
        Posterize .4 8 Rotate .6 9, Solarize .6 5 AutoContrast .6 0, Equalize .8 0 Equalize .6 0,
        Posterize .6 7 Posterize .6 6, Equalize .4 0 Solarize .2 4, Equalize .4 0 Rotate .8 8,
        Solarize .6 3 Equalize .6 0, Posterize .8 5 Equalize 1 0, Rotate .2 3 Solarize .6 8,
        Equalize .6 0 Posterize .4 6, Rotate .8 8 Color .4 0, Rotate .4 9 Equalize .6 0,
        Equalize 0 0 Equalize .8 0, Invert .6 0 Equalize 1 0, Color .6 4 Contrast 1 8, Rotate .8 8 Color 1 2,
        Color .8 8 Solarize .8 7, Sharpness .4 7 Invert .6 0, ShearX .6 5 Equalize 1 0, Color .4 0 Equalize .6 0,
        Equalize .4 0 Solarize .2 4, Solarize .6 5 AutoContrast .6 0, Invert .6 0 Equalize 1 0,
        Color .6 4 Contrast 1 8, Equalize .8 0 Equalize .6 0
    """,
    AutoAugmentPolicy.CIFAR10: """
        Invert .1 0 Contrast .2 6, Rotate .7 2 TranslateX .3 9, Sharpness .8 1 Sharpness .9 3,
        ShearY .5 8 TranslateY .7 9, AutoContrast .5 0 Equalize .9 0, ShearY .2 7 Posterize .3 7,
        Color .4 3 Brightness .6 7, Sharpness .3 9 Brightness .7 9, Equalize .6 0 Equalize .5 0,
        Contrast .6 7 Sharpness .6 5, Color .7 7 TranslateX .5 8, Equalize .3 0 AutoContrast .4 0,
        TranslateY .4 3 Sharpness .2 6, Brightness .9 6 Color .2 8, Solarize .5 2 Invert 0 0,
        Equalize .2 0 AutoContrast .6 0, Equalize .2 0 Equalize .6 0, Color .9 9 Equalize .6 0,
        AutoContrast .8 0 Solarize .2 8, Brightness .1 3 Color .7 0, Solarize .4 5 AutoContrast .9 0,
        TranslateY .9 9 TranslateY .7 9, AutoContrast .9 0 Solarize .8 3, Equalize .8 0 Invert .1 0,
        TranslateY .7 9 AutoContrast .9 0
    """,
    AutoAugmentPolicy.SVHN: """
        ShearX .9 4 Invert .2 0, ShearY .9 8 Invert .7 0, Equalize .6 0 Solarize .6 6, Invert .9 0 Equalize .6 0,
        Equalize .6 0 Rotate .9 3, ShearX .9 4 AutoContrast .8 0, ShearY .9 8 Invert .4 0, ShearY .9 5 Solarize .2 6,
        Invert .9 0 AutoContrast .8 0, Equalize .6 0 Rotate .9 3, ShearX .9 4 Solarize .3 3, ShearY .8 8 Invert .7 0,
        Equalize .9 0 TranslateY .6 6, Invert .9 0 Equalize .6 0, Contrast .3 3 Rotate .8 4,
        Invert .8 0 TranslateY 0 2, ShearY .7 6 Solarize .4 8, Invert .6 0 Rotate .8 4, ShearY .3 7 TranslateX .9 3,
        ShearX .1 6 Invert .6 0, Solarize .7 2 TranslateY .6 7, ShearY .8 4 Invert .8 0, ShearX .7 9 TranslateY .8 3,
        ShearY .8 5 AutoContrast .7 0, ShearX .7 2 Invert .1 0
    """,
}


def _warped(x: int, y: int, shear: bool) -> Callable[..., Any]:
    def warp(img: Any, m: float, **how: Any) -> Any:
        if shear:
            angle = math.degrees(math.atan(m))
            return F.affine(img, 0.0, [0, 0], 1.0, [x * angle, y * angle], center=[0, 0], **how)
        return F.affine(img, 0.0, [x * int(m), y * int(m)], 1.0, [0.0, 0.0], **how)

    return warp


# What each change does with a magnitude; `how` is what pixels are read between others and outside.
_CHANGES: dict[str, Callable[..., Any]] = {
    "Identity": lambda img, m, **how: img,
    "ShearX": _warped(1, 0, True),
    "ShearY": _warped(0, 1, True),
    "TranslateX": _warped(1, 0, False),
    "TranslateY": _warped(0, 1, False),
    "Rotate": lambda img, m, **how: F.rotate(img, m, **how),
    "Brightness": lambda img, m, **how: F.adjust_brightness(img, 1.0 + m),
    "Color": lambda img, m, **how: F.adjust_saturation(img, 1.0 + m),
    "Contrast": lambda img, m, **how: F.adjust_contrast(img, 1.0 + m),
    "Sharpness": lambda img, m, **how: F.adjust_sharpness(img, 1.0 + m),
    "Posterize": lambda img, m, **how: F.posterize(img, int(m)),
    "Solarize": lambda img, m, **how: F.solarize(img, m),
    "AutoContrast": lambda img, m, **how: F.autocontrast(img),
    "Equalize": lambda img, m, **how: F.equalize(img),
    "Invert": lambda img, m, **how: F.invert(img),
}
_SIGNED = frozenset({
    "ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate", "Brightness", "Color", "Contrast", "Sharpness",
})  # fmt: skip
_PLAIN = ("AutoContrast", "Equalize")


def _levels(high: float, bins: int) -> list[float]:
    return linspace(0.0, high, bins).tolist()


def _bits(most: int, fewer: int, bins: int) -> list[float]:
    return (most - (arange(bins) / ((bins - 1) / fewer)).round().int()).tolist()


class _Drawn(Module):
    """What the four share: images, the colour outside of them, and how they are drawn anew."""

    def __init__(self, interpolation: InterpolationMode, fill: Any) -> None:
        super().__init__()
        self.interpolation, self.fill = interpolation, fill

    def _how(self, img: Any, channels: int) -> dict[str, Any]:
        fill = self.fill
        if isinstance(img, Tensor) and fill is not None:
            fill = (
                [float(fill)] * channels if isinstance(fill, int | float) else [*map(float, fill)]
            )
        return {"interpolation": self.interpolation, "fill": fill}

    def _space(
        self, bins: int, size: tuple[float, float], shear: float, turn: float, most: float, bits: tuple[int, int]
    ) -> dict[str, list[float]]:  # fmt: skip
        """The magnitudes of each change, in the order in which they are numbered; none where it has none."""
        highs = {
            "ShearX": shear, "ShearY": shear, "TranslateX": size[1], "TranslateY": size[0], "Rotate": turn,
            "Brightness": most, "Color": most, "Contrast": most, "Sharpness": most,
        }  # fmt: skip
        space = {name: _levels(high, bins) for name, high in highs.items()}
        space["Posterize"] = _bits(*bits, bins)
        space["Solarize"] = linspace(255.0, 0.0, bins).tolist()
        return space | {name: [] for name in _PLAIN}


def _signed(name: str, magnitude: float) -> float:
    return -magnitude if name in _SIGNED and below(2) else magnitude


class AutoAugment(_Drawn):
    """One of the pairs of changes that were found for a set of images, each with its probability.

    policy: for which data they were found; images are of uint8 (..., 1 or 3, height, width), or Pillow's.
    """

    def __init__(
        self, policy: AutoAugmentPolicy = AutoAugmentPolicy.IMAGENET,
        interpolation: InterpolationMode = InterpolationMode.NEAREST, fill: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(interpolation, fill)
        self.policy = policy
        self.policies = _pairs(policy)

    def forward(self, img: Any) -> Any:
        """Change it."""
        channels, height, width = F.get_dimensions(img)
        chosen = self.policies[below(len(self.policies))]
        chances, signs = rand(2).tolist(), randint(2, (2,)).tolist()
        size = 150.0 / 331.0 * height, 150.0 / 331.0 * width
        space = self._space(10, size, 0.3, 30.0, 0.9, (8, 4))
        for (name, probability, level), chance, sign in zip(chosen, chances, signs, strict=True):
            if chance <= probability:
                magnitude = space.get(name, [])[level] if space.get(name) else 0.0
                magnitude = -magnitude if name in _SIGNED and not sign else magnitude
                img = _CHANGES[name](img, magnitude, **self._how(img, channels))
        return img

    def __repr__(self) -> str:
        return shown(self, policy=self.policy, fill=self.fill)


@cache
def _pairs(policy: AutoAugmentPolicy) -> list[tuple[tuple[str, float, int], ...]]:
    if policy not in _FOUND:
        raise ValueError(f"The provided policy {policy} is not recognized.")
    pairs = [text.split() for text in _FOUND[policy].split(",")]
    return [
        tuple((p[k], float(p[k + 1]), int(p[k + 2])) for k in range(0, len(p), 3)) for p in pairs
    ]


class RandAugment(_Drawn):
    """Some changes at random, of one magnitude (E. D. Cubuk et al., "RandAugment", 2020)."""

    def __init__(
        self, num_ops: int = 2, magnitude: int = 9, num_magnitude_bins: int = 31,
        interpolation: InterpolationMode = InterpolationMode.NEAREST, fill: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(interpolation, fill)
        self.num_ops, self.magnitude, self.num_magnitude_bins = (
            num_ops,
            magnitude,
            num_magnitude_bins,
        )

    def forward(self, img: Any) -> Any:
        """Change it."""
        channels, height, width = F.get_dimensions(img)
        size = 150.0 / 331.0 * height, 150.0 / 331.0 * width
        space = self._space(self.num_magnitude_bins, size, 0.3, 30.0, 0.9, (8, 4))
        names = ["Identity", *space]
        for _ in range(self.num_ops):
            name = names[below(len(names))]
            magnitude = space[name][self.magnitude] if space.get(name) else 0.0
            magnitude = _signed(name, magnitude)
            img = _CHANGES[name](img, magnitude, **self._how(img, channels))
        return img

    def __repr__(self) -> str:
        return shown(
            self, num_ops=self.num_ops, magnitude=self.magnitude, num_magnitude_bins=self.num_magnitude_bins,
            interpolation=self.interpolation, fill=self.fill,
        )  # fmt: skip


class TrivialAugmentWide(_Drawn):
    """One change at random, of a random magnitude (S. G. Müller and F. Hutter, "TrivialAugment", 2021)."""

    def __init__(
        self, num_magnitude_bins: int = 31, interpolation: InterpolationMode = InterpolationMode.NEAREST,
        fill: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(interpolation, fill)
        self.num_magnitude_bins = num_magnitude_bins

    def forward(self, img: Any) -> Any:
        """Change it."""
        channels = F.get_dimensions(img)[0]
        space = self._space(self.num_magnitude_bins, (32.0, 32.0), 0.99, 135.0, 0.99, (8, 6))
        names = ["Identity", *space]
        name = names[below(len(names))]
        levels = space.get(name)
        magnitude = _signed(name, levels[below(len(levels))] if levels else 0.0)
        return _CHANGES[name](img, magnitude, **self._how(img, channels))

    def __repr__(self) -> str:
        return shown(
            self, num_magnitude_bins=self.num_magnitude_bins, interpolation=self.interpolation, fill=self.fill
        )  # fmt: skip


class AugMix(_Drawn):
    """A mixture of the image and of chains of changes (D. Hendrycks et al., "AugMix", 2020).

    severity: from 1 to 10, how strong changes are at most; mixture_width: how many chains there are; chain_depth: how
    long they are, one to three if negative; alpha: of the distributions of the weights; all_ops: whether brightness,
    colour, contrast and sharpness are changed, too.
    """

    def __init__(
        self, severity: int = 3, mixture_width: int = 3, chain_depth: int = -1, alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: InterpolationMode = InterpolationMode.BILINEAR, fill: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(interpolation, fill)
        if not 1 <= severity <= 10:
            raise ValueError(f"The severity must be between [1, 10]. Got {severity} instead.")
        self.severity, self.mixture_width, self.chain_depth = severity, mixture_width, chain_depth
        self.alpha, self.all_ops = alpha, all_ops

    def _changes(self, height: int, width: int) -> dict[str, list[float]]:
        space = self._space(10, (height / 3.0, width / 3.0), 0.3, 30.0, 0.9, (4, 4))
        tones = {name: space.pop(name) for name in ("Brightness", "Color", "Contrast", "Sharpness")}
        return space | tones if self.all_ops else space

    def forward(self, orig_img: Any) -> Any:
        """Change it."""
        channels, height, width = F.get_dimensions(orig_img)
        given = isinstance(orig_img, Tensor)
        img = orig_img if given else F.pil_to_tensor(orig_img)
        how = self._how(orig_img, channels)
        space = self._changes(height, width)
        batch = img.view([1] * max(4 - img.dim(), 0) + list(img.shape))
        each = [len(batch)] + [1] * (batch.dim() - 1)
        whole = _sample_dirichlet(full((len(batch), 2), float(self.alpha)))
        parts = _sample_dirichlet(full((len(batch), self.mixture_width), float(self.alpha)))
        parts = parts * whole[:, 1:]
        mix = whole[:, 0].view(each) * batch
        for chain in range(self.mixture_width):
            changed = batch
            depth = self.chain_depth if self.chain_depth > 0 else 1 + below(3)
            for _ in range(depth):
                name = list(space)[below(len(space))]
                magnitude = space[name][below(self.severity)] if space[name] else 0.0
                changed = _CHANGES[name](changed, _signed(name, magnitude), **how)
            mix.add_(parts[:, chain].view(each) * changed)
        mixed = mix.view(img.shape).to(img.dtype)
        return mixed if given else F.to_pil_image(mixed)

    def __repr__(self) -> str:
        return shown(
            self, severity=self.severity, mixture_width=self.mixture_width, chain_depth=self.chain_depth,
            alpha=self.alpha, all_ops=self.all_ops, interpolation=self.interpolation, fill=self.fill,
        )  # fmt: skip
