"""Transforms made of transforms, or of a function."""

from __future__ import annotations

import random as python_random
from collections.abc import Callable, Sequence
from typing import Any

from rushlight.nn import Module
from rushlight.vision.transforms.base import chance, listed, shown

Transform = Callable[[Any], Any]


class Compose:
    """One transform after the other.

    >>> from rushlight.vision.transforms import Compose, Normalize, ToTensor
    >>> Compose([ToTensor(), Normalize((0.1307,), (0.3081,))])
    Compose(
        ToTensor()
        Normalize(mean=(0.1307,), std=(0.3081,))
    )
    """

    def __init__(self, transforms: Sequence[Transform]) -> None:
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        """Transform it."""
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        return listed(self, self.transforms)


class Lambda:
    """A function as a transform."""

    def __init__(self, lambd: Transform) -> None:
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        """Transform it."""
        return self.lambd(img)

    def __repr__(self) -> str:
        return shown(self)


class RandomApply(Module):
    """All the transforms with probability p, otherwise none."""

    def __init__(self, transforms: Any, p: float = 0.5) -> None:
        super().__init__()
        self.transforms = transforms
        self.p = p

    def forward(self, img: Any) -> Any:
        """Apply them, or not."""
        if chance() > self.p:
            return img
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        return listed(self, self.transforms, f"p={self.p}")


class RandomTransforms:
    """A list of transforms to choose from; the base of RandomOrder and RandomChoice."""

    def __init__(self, transforms: Sequence[Transform]) -> None:
        if not isinstance(transforms, Sequence):
            raise TypeError(f"Argument transforms should be a sequence, got {transforms!r}")
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        """Transform it."""
        raise NotImplementedError(f"{type(self).__name__} has to define __call__")

    def __repr__(self) -> str:
        return listed(self, self.transforms)


class RandomOrder(RandomTransforms):
    """All the transforms, in an order that Python's random shuffles."""

    def __call__(self, img: Any) -> Any:
        """Transform it."""
        order = list(range(len(self.transforms)))
        python_random.shuffle(order)
        for index in order:
            img = self.transforms[index](img)
        return img


class RandomChoice(RandomTransforms):
    """One of the transforms, drawn by Python's random with weights p."""

    def __init__(self, transforms: Sequence[Transform], p: Sequence[float] | None = None) -> None:
        super().__init__(transforms)
        if p is not None and not isinstance(p, Sequence):
            raise TypeError(f"Argument p should be a sequence, got {p!r}")
        self.p = p

    def __call__(self, img: Any) -> Any:
        """Transform it."""
        return python_random.choices(self.transforms, weights=self.p)[0](img)

    def __repr__(self) -> str:
        return f"{super().__repr__()}(p={self.p})"
