"""Memory: the one function that lays a strided view over it, who shares it, and what is shown twice.

`strided_view` alone builds an array from numbers (shape, strides, offset); NumPy refuses there what does
not fit the memory. Everything else that needs such a view asks it (`tests/test_architecture.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Shape = tuple[int, ...]


def strided_view(
    owner: Any, shape: Shape, strides: Shape, offset: int = 0, dtype: np.dtype[Any] | None = None
) -> Array:
    """An array on the memory of owner, a contiguous array or buffer; strides and offset in bytes.

    >>> strided_view(np.arange(4), (2, 2), (8, 8)).tolist()
    [[0, 1], [1, 2]]
    >>> strided_view(np.arange(4), (5,), (8,))
    Traceback (most recent call last):
    ValueError: strides is incompatible with shape of requested array and size of buffer
    """
    return np.ndarray(shape, owner.dtype if dtype is None else dtype, owner, offset, strides)


def beside(
    x: Array, shape: Shape, strides: Shape, offset: int = 0, dtype: np.dtype[Any] | None = None
) -> Array:
    """A view anywhere in the memory in which x lies; offset from x's first element, all in bytes."""
    dtype = x.dtype if dtype is None else dtype
    if not offset and x.flags.c_contiguous and extent(shape, strides) <= x.nbytes // dtype.itemsize:
        return strided_view(x, shape, strides, dtype=dtype)
    owner = whole(x)
    return strided_view(owner, shape, strides, address(x) - address(owner) + offset, dtype)


def extent(shape: Shape, strides: Shape) -> int:
    """How far beyond the first element the last one lies, and one more; 0 if there is none.

    >>> extent((2, 3), (3, 1)), extent((2, 0), (1, 1))
    (6, 0)
    """
    if 0 in shape:
        return 0
    return 1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))


def address(x: Array) -> int:
    """Where the first element lies."""
    place: int = x.__array_interface__["data"][0]
    return place


class _Claimed:
    """Memory offered again, as writable, and kept alive."""

    def __init__(self, owner: Array) -> None:
        self.owner = owner
        self.__array_interface__ = owner.__array_interface__ | {"data": (address(owner), False)}


def claimed(x: Array) -> Array:
    """The same memory, writable even if x is not, as an array that is a part of no other."""
    return np.asarray(_Claimed(x))


def root(x: Array) -> Array:
    """The array that holds the memory of which x is a part."""
    while True:
        base: Any = x.base
        if isinstance(base, np.ndarray):
            x = base
        # NumPy, too, puts an object between some views and their array.
        elif isinstance(getattr(base, "base", None), np.ndarray):
            x = base.base
        else:
            return x


def whole(x: Array) -> Array:
    """All the memory of which x is a part, contiguous, from its first byte on."""
    owner = root(x)
    if owner.flags.forc:
        return owner
    # Another order of dimensions, or every so many elements of another library's memory.
    order = sorted(range(owner.ndim), key=lambda d: -owner.strides[d])
    turned = owner.transpose(order)
    if turned.flags.c_contiguous:
        return turned
    steps = [s // owner.itemsize for s in owner.strides]
    size = extent(owner.shape, tuple(steps))
    return np.lib.stride_tricks.as_strided(owner, (size,), (owner.itemsize,))


# ---- what is shown twice, what is shared ---------------------------------------------------------

NONE, UNKNOWN, PARTIAL, FULL = range(4)


def shows_twice(shape: Shape, strides: Sequence[int]) -> bool:
    """Whether a geometry shows some element at more than one index, as far as steps tell.

    >>> shows_twice((2, 2), (2, 1)), shows_twice((2, 3), (1, 1)), shows_twice((2, 1), (0, 7))
    (False, True, True)
    """
    if 0 in shape:
        return False
    reach = 0
    for step, n in sorted((s, n) for n, s in zip(shape, strides, strict=True) if n > 1):
        if step <= reach:
            return True
        reach += (n - 1) * step
    return False


def is_repeated(x: Array) -> bool:
    """Whether a dimension of x shows the same elements again and again."""
    if 0 not in x.strides or x.size < 2:
        return False
    return any(not step and n > 1 for step, n in zip(x.strides, x.shape, strict=True))


def is_dense(x: Array) -> bool:
    """Whether x fills its memory without gaps, each element shown once, in any order."""
    if x.flags.forc or not x.size:
        return True
    wanted = x.itemsize
    for step, n in sorted((s, n) for n, s in zip(x.shape, x.strides, strict=True) if n > 1):
        if step != wanted:
            return False
        wanted *= n
    return True


def overlap(a: Array, b: Array) -> int:
    """How the memory of two arrays overlaps: NONE, PARTIAL or FULL; UNKNOWN if one has gaps.

    >>> x = np.arange(4)
    >>> overlap(x, x.copy()) == NONE, overlap(x[1:], x[:3]) == PARTIAL, overlap(x, x[:]) == FULL
    (True, True, True)
    >>> overlap(x, x[::2]) == UNKNOWN
    True
    """
    if a is b:
        return FULL
    if not a.size or not b.size:
        return NONE
    if not (is_dense(a) and is_dense(b)):
        return UNKNOWN
    if not np.may_share_memory(a, b):
        return NONE
    if address(a) != address(b) or a.nbytes != b.nbytes:
        return PARTIAL
    return FULL if a.ndim == b.ndim and _steps(a) == _steps(b) else PARTIAL


def _steps(x: Array) -> list[int]:
    return [s for n, s in zip(x.shape, x.strides, strict=True) if n > 1]
