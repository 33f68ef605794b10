"""`Size`: the shape of a tensor, a tuple of ints."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any, Self

import numpy as np

_tuple = tuple.__new__


class Size(tuple[int, ...]):
    """A shape. Slices and sums of shapes are shapes too.

    >>> Size((2, 3)).numel()
    6
    """

    __slots__ = ()

    def __new__(cls, sizes: Any = (), /) -> Self:
        """The shape of these sizes: ints, or what stands for one."""
        made = _tuple(cls, sizes)
        if all(n.__class__ is int for n in made):
            return made
        return _tuple(cls, [_whole(n, place) for place, n in enumerate(made)])

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        return math.prod(self)

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    def __getitem__(self, index: Any) -> Any:
        part = super().__getitem__(index)
        return _tuple(Size, part) if isinstance(index, slice) else part

    def __add__(self, other: Any) -> Size:
        if not isinstance(other, tuple):
            kind = type(other).__name__
            raise TypeError(f"can only concatenate tuple (not {kind}) to torch.Size")
        return Size(super().__add__(other))

    def __radd__(self, other: Any) -> Size:
        return Size(other) + self if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times: Any) -> Size:
        return size_of(super().__mul__(times))

    __rmul__ = __mul__

    def __reduce__(self) -> tuple[Any, ...]:
        return (Size, (tuple(self),))


def _whole(size: Any, place: int) -> Any:
    if isinstance(size, np.integer):
        return size
    try:
        return int(operator.index(size))
    except TypeError:
        kind = type(size)
        name = kind.__name__ if kind.__module__ != "numpy" else f"numpy.{kind.__name__}"
        raise TypeError(
            f"torch.Size() takes an iterable of 'int' (item {place} is '{name}')"
        ) from None


# What are known to be sizes, as a shape.
size_of: Callable[[Any], Size] = functools.partial(_tuple, Size)
