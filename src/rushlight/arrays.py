"""Arrays of any library, told from numbers.

The array module comes from the array, by NumPy's protocols: a row calls `np.exp(x)` and `x.sum()`,
which an array of another library answers for itself, and makes memory with
`np.zeros(shape, dtype, like=x)`. What NumPy hands on only if asked to, stands in `memory`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

_ndarray = np.ndarray

# What stands beside arrays and is none, asked for first where that must be quick.
NO_ARRAYS = frozenset({float, int, bool, complex, type(None)})


def is_array(x: Any) -> bool:
    """Whether x is an array, of NumPy or of whatever stands for one; NumPy's numbers are none.

    >>> is_array(np.zeros(())), is_array(np.float32(0)), is_array(0.0)
    (True, False, False)
    """
    return x.__class__ is _ndarray or (
        x.__class__ not in NO_ARRAYS and hasattr(x, "ndim") and not isinstance(x, np.generic)
    )


class Box:
    """What stands for an array before an interpreter that opens it: nobody else asks it for functions."""

    __slots__ = ()

    def detached(self) -> Any:
        """One of the same memory, outside of the graphs of what lies in it."""
        return self


def is_foreign(x: Any) -> bool:
    """Whether x is an array of another library than NumPy."""
    return (
        x.__class__ is not _ndarray
        and hasattr(x, "__array_function__")
        and not isinstance(x, _ndarray | Box)
    )


def as_array(x: Any, dtype: np.dtype[Any] | None = None) -> Array:
    """x if it is an array of any library; a number as NumPy's array without dimensions.

    >>> as_array(np.float32(1))
    array(1., dtype=float32)
    """
    if is_foreign(x):
        return x if dtype is None or x.dtype == dtype else x.astype(dtype)
    return np.asarray(x, dtype)


def contiguous(x: Array) -> Array:
    """x in row order: itself, or a copy."""
    return x if x.flags.c_contiguous else x.copy(order="C")


def brought(x: Array, like: Any) -> Array:
    """NumPy's array x, as one of the library of `like`."""
    return x if like.__class__ is _ndarray or not is_foreign(like) else np.asarray(x, like=like)


def read_only(x: Array) -> Array:
    """x, into which NumPy lets nobody write; other libraries have no such thing."""
    if not is_foreign(x):
        x.flags.writeable = False
    return x


def asked(function: Any, x: Any, *arguments: Any) -> Any:
    """function(x, *arguments), which NumPy does not hand on by itself: another library is asked for it."""
    if not is_foreign(x):
        return function(x, *arguments)
    return x.__array_function__(function, (type(x),), (x, *arguments), {})


def need_numpy(*arrays: Any) -> None:
    """Raise an error for arrays of another library, where LAPACK is reached through SciPy."""
    for x in arrays:
        if is_foreign(x):
            raise RuntimeError(
                f"LAPACK, which SciPy hands on, computes on NumPy's arrays only, not on {type(x).__name__} "
                "of another library: bring the matrix to NumPy, and the result back"
            )
