"""`Size`: the shape of a tensor, a tuple of ints."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Iterable
from typing import Any


class Size(tuple[int, ...]):
    """A shape. Slices and sums of shapes are shapes too.

    >>> Size((2, 3)).numel()
    6
    """

    __slots__ = ()

    def __new__(cls, sizes: Iterable[Any] = ()) -> Size:
        """A shape of whole numbers; a TypeError for others."""
        parts = tuple(sizes)
        for at, size in enumerate(parts):
            if size.__class__ is not int:
                try:
                    operator.index(size)
                except TypeError:
                    raise TypeError(
                        f"torch.Size() takes an iterable of 'int' (item {at} is '{type(size).__name__}')"
                    ) from None
                return made_size(map(operator.index, parts))
        return made_size(parts)

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        return math.prod(self)

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    def __getitem__(self, index: Any) -> Any:
        part = super().__getitem__(index)
        return made_size(part) if isinstance(index, slice) else part

    def __add__(self, other: Any) -> Size:
        if not isinstance(other, tuple):
            kind = type(other).__name__
            raise TypeError(f"can only concatenate tuple (not {kind}) to torch.Size")
        return made_size(super().__add__(other))

    def __radd__(self, other: Any) -> Size:
        return Size(other) + self if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times: Any) -> Size:
        return made_size(super().__mul__(times))

    __rmul__ = __mul__

    def __reduce__(self) -> tuple[Any, ...]:
        return (Size, (tuple(self),))


# Of numbers that are known to be whole.
made_size = functools.partial(tuple.__new__, Size)
