"""Memory: the one function that lays a strided view over it, who shares it, and what is shown twice.

`strided_view` alone builds an array from numbers (shape, strides, offset); NumPy refuses there what does
not fit the memory. Everything else that needs such a view asks it (`tests/test_architecture.py`).

Views without elements have strides and an offset, too, which torch shows and views of them inherit. NumPy
gives a new array without elements no strides, and starts an empty slice at the beginning: so rows that make
views ask `laid` for the strides of such an array, and `strided_view` keeps what it is given.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight.arrays import asked, is_foreign

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
    if dtype is None:
        dtype = owner.dtype
    if is_foreign(owner):
        return _strided_elsewhere(owner, shape, strides, offset, dtype)
    if 0 in shape:
        return np.asarray(_Hollow(owner, shape, strides, offset, dtype.itemsize)).view(dtype)
    return np.ndarray(shape, dtype, owner, offset, strides)


def _strided_elsewhere(
    owner: Any, shape: Shape, strides: Shape, offset: int, dtype: np.dtype[Any]
) -> Array:
    """The same of another library's array, whose empty views lie where that library puts them."""
    line, item = owner.reshape(-1).view(dtype), dtype.itemsize
    start = offset // item if 0 not in shape else 0
    if offset % item or start + extent(shape, [s // item for s in strides]) > line.size:
        raise ValueError("strides is incompatible with shape of requested array and size of buffer")
    return asked(np.lib.stride_tricks.as_strided, line[start:], shape, strides)


# Functions of NumPy that look at geometry alone, and are handed on to other libraries only if asked.
GEOMETRY = {
    np.lib.array_utils.byte_bounds,
    np.lib.stride_tricks.as_strided,
    np.lib.stride_tricks.sliding_window_view,
}


class _Hollow:
    """No elements, somewhere in the memory of owner or behind it."""

    def __init__(
        self, owner: Any, shape: Shape, strides: Shape, offset: int, itemsize: int
    ) -> None:
        owner = owner if isinstance(owner, np.ndarray) else np.frombuffer(owner, np.uint8)
        self.base = owner
        self.__array_interface__ = {
            "version": 3,
            "typestr": f"|V{itemsize}",
            "shape": shape,
            "strides": strides,
            "data": (address(owner) + offset, not owner.flags.writeable),
        }


# Where arrays begin behind which there is no memory: no program has any there.
_NOWHERE, _BEYOND = 1 << 60, 1 << 62
_free = _NOWHERE


class _Unreal:
    """An array at an address that nobody has memory at."""

    def __init__(self, shape: Shape, strides: Shape | None, itemsize: int, start: int) -> None:
        self.__array_interface__ = {
            "version": 3,
            "typestr": f"|V{itemsize}",
            "shape": shape,
            "strides": strides,
            "data": (start, False),
        }


def nowhere(shape: Shape, dtype: np.dtype[Any], strides: Shape | None = None) -> Array:
    """An array of which nothing but the geometry is there: to look at an element ends the process.

    No two of them share addresses.
    """
    global _free
    if strides is None and 0 in shape:
        strides = _in_rows(shape, dtype.itemsize)
    array = np.asarray(_Unreal(shape, strides, dtype.itemsize, _free)).view(dtype)
    reach = extent(shape, array.strides if strides is None else strides) + dtype.itemsize
    _free = _free + reach + -reach % 64
    if _free > _BEYOND:
        _free = _NOWHERE
    return array


def laid(x: Array) -> Array:
    """The array with the strides that torch gives it, where NumPy gives one without elements none."""
    if x.__class__ is not np.ndarray or x.size or any(x.strides) or is_hollow(x):
        return x
    return strided_view(x, x.shape, _in_rows(x.shape, x.itemsize))


@functools.lru_cache(maxsize=1024)
def _in_rows(shape: Shape, step: int) -> Shape:
    strides = [0] * len(shape)
    for d in reversed(range(len(shape))):
        strides[d] = step
        step *= max(shape[d], 1)
    return tuple(strides)


def placed(x: Array) -> bool:
    """Whether the strides of an array are not those of row order, be it along dimensions of size 1.

    Nobody need ask it of an array that is no view (whose base is None): see `in_memory`.
    """
    if not x.flags.c_contiguous:
        return True
    shape = x.shape
    return 0 in shape or (1 in shape and x.strides != _in_rows(shape, x.itemsize))


def in_memory(x: Array) -> Array:
    """The array as tensors hold it: what owns its memory lies in row order and has elements, all else is a view.

    So `x.base is None` tells most arrays at a third of the price of a look at their flags.
    """
    return x.view() if x.base is None and not (x.flags.c_contiguous and x.size) else x


def is_hollow(x: Array) -> bool:
    """Whether an array without elements lies where it was put, be all of its strides 0."""
    base: Any = x
    while isinstance(base, np.ndarray):
        base = base.base
    return base.__class__ is _Hollow


def beside(
    x: Array, shape: Shape, strides: Shape, offset: int = 0, dtype: np.dtype[Any] | None = None
) -> Array:
    """A view anywhere in the memory in which x lies; offset from x's first element, all in bytes."""
    dtype = x.dtype if dtype is None else dtype
    if 0 in shape:
        return strided_view(x, shape, strides, offset, dtype)
    if not offset and x.flags.c_contiguous and extent(shape, strides) <= x.nbytes // dtype.itemsize:
        return strided_view(x, shape, strides, dtype=dtype)
    owner = whole(x)
    return strided_view(owner, shape, strides, address(x) - address(owner) + offset, dtype)


def address(x: Array) -> int:
    """Where the first element lies; with steps that are not negative, that is the lowest byte."""
    x = plain(x)
    if is_foreign(x):
        return asked(np.lib.array_utils.byte_bounds, x)[0]
    return x.__array_interface__["data"][0]


def extent(shape: Shape, strides: Sequence[int]) -> int:
    """How far beyond the first element the last one lies, and one more; 0 if there is none.

    >>> extent((2, 3), (3, 1)), extent((2, 0), (1, 1))
    (6, 0)
    """
    if 0 in shape:
        return 0
    return 1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))


def plain(x: Any) -> Array:
    """The array itself; of a batch that is shown as one example, that of all."""
    while x.__class__ is not np.ndarray and hasattr(x, "value"):
        x = x.value._data_
    return x


# Of so many elements a copy is worth a look at how it goes through memory.
_LARGE, _STRIP, _FAR = 1 << 14, 16, 1024


def copy_into(out: Array, x: Array) -> None:
    """out[...] = x: in strips where what lies side by side in out is a power of two apart in x.

    Such elements meet in a few places of the cache, from which they are gone before their neighbours are read.
    """
    size = x.shape[-1] if x.shape == out.shape and x.ndim > 1 and x.size >= _LARGE else 0
    far = size > _STRIP and x.strides[-1] and x.strides[-1] % _FAR == 0
    if far and out.strides[-1] == out.itemsize:
        for start in range(0, size, _STRIP):
            np.copyto(out[..., start : start + _STRIP], x[..., start : start + _STRIP])
    else:
        np.copyto(out, x)


def copy_in_rows(x: Array) -> Array:
    """A copy in row order."""
    if x.__class__ is not np.ndarray:
        return x.copy(order="C")
    out = np.empty(x.shape, x.dtype)
    copy_into(out, x)
    return out


class _Claimed:
    """Memory offered again, as writable, and kept alive."""

    def __init__(self, owner: Array) -> None:
        self.owner = owner
        self.__array_interface__ = owner.__array_interface__ | {
            "data": (address(owner), False),
            "strides": owner.strides,
        }


def claimed(x: Array) -> Array:
    """The same memory, writable even if x is not, as an array that is a part of no other."""
    return np.asarray(_Claimed(x))


def root(x: Array) -> Array:
    """The array that holds the memory of which x is a part."""
    x = plain(x)
    while True:
        base: Any = getattr(x, "base", None)
        if isinstance(base, np.ndarray) or is_foreign(base):
            x = base
        # NumPy, too, puts an object between some views and their array.
        elif isinstance(getattr(base, "base", None), np.ndarray):
            x = base.base
        else:
            return x


# Memory that a program has as an array, too, by the array that holds it.
_seen: weakref.WeakValueDictionary[int, Array] = weakref.WeakValueDictionary()


def show(x: Array) -> Array:
    """Note that a program sees x as an array, or gave it as one; returns it."""
    owner = root(x)
    _seen[id(owner)] = owner
    return x


def is_seen(x: Array) -> bool:
    """Whether a program has the memory of x as an array, too."""
    return id(root(x)) in _seen


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
    return asked(np.lib.stride_tricks.as_strided, owner, (size,), (owner.itemsize,))


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


def need_distinct(data: Array) -> None:
    """Raise torch's error if an array to be written shows some memory more than once."""
    if is_repeated(data):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single "
            "memory location. Please clone() the tensor before performing the operation."
        )


def is_interlaced(x: Array) -> bool:
    """Whether x shows an element at more than one index, though none of its steps is 0: as windows do.

    >>> is_interlaced(np.lib.stride_tricks.sliding_window_view(np.arange(4), 2))
    True
    """
    return not x.flags.forc and 0 not in x.strides and shows_twice(x.shape, x.strides)


def outermost(x: Array) -> int:
    """The dimension that torch's loops go along last: of the largest step, and the longest of these."""
    return max(range(x.ndim), key=lambda d: (x.strides[d] if x.shape[d] > 1 else 0, x.shape[d]))


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


def shared(a: Array, b: Array) -> bool:
    """Whether two arrays may lie in the same memory."""
    return np.may_share_memory(plain(a), plain(b))


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
    if not (is_dense(plain(a)) and is_dense(plain(b))):
        return UNKNOWN
    if root(a) is not root(b):
        return NONE
    if not shared(a, b):
        return NONE
    if address(a) != address(b) or a.nbytes != b.nbytes:
        return PARTIAL
    # The steps count, in elements, of dimensions of size 1 too, as in torch.
    if a.itemsize == b.itemsize:
        return FULL if a.strides == b.strides else PARTIAL
    steps, others = (tuple(s // x.itemsize for s in x.strides) for x in (a, b))
    return FULL if steps == others else PARTIAL
