"""Rests of divisions of float32, exactly: by way of double precision, some times as fast as `np.fmod`."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.arrays import as_array
from rushlight.core.tensor import Array
from rushlight.primitives.select import choose

_SINGLE = np.dtype(np.float32)
# Of quotients below this, in double precision, none is rounded across a whole number; and such a number
# times a float32 has no more digits than there are.
_MOST = 1 << 28
# Of fewer elements the rests are soon there.
_FEW = 64
_NOTHING = np.array(-0.0, np.float32)


def fmod(x: Any, y: Any) -> Array:
    """The rest of x / y with the sign of x.

    >>> fmod(np.array([-5, 4], "f4"), 3)
    array([-2.,  1.], dtype=float32)
    """
    rest = _rest(x, y)
    return as_array(np.fmod(x, y)) if rest is None else rest


def remainder(x: Any, y: Any) -> Array:
    """The rest of x / y with the sign of y, or a zero with that of x."""
    rest = _rest(x, y)
    if rest is None:
        rest = as_array(np.remainder(x, y))
        np.copysign(rest, x, out=rest, where=rest == 0)
        return rest
    # A negative zero changes nothing, not even the sign of another.
    rest += choose(_across(rest, y), np.asarray(_as_single(y)), _NOTHING)
    return rest


def floor_divide(x: Any, y: Any) -> Array:
    """The largest whole number not above x / y, in the steps in which C takes it."""
    rest = _rest(x, y)
    if rest is None:
        return as_array(np.floor_divide(x, y))
    y = _as_single(y)
    quotient = (x - rest) / y
    quotient -= _across(rest, y)
    whole = np.floor(quotient)
    whole += quotient - whole > 0.5
    return np.copysign(whole, x / y, out=whole)


def _as_single(y: Any) -> Any:
    return y if isinstance(y, np.ndarray) else np.float32(y)


def _across(rest: Array, y: Any) -> Any:
    """Where a rest is on the other side of 0 than y."""
    return (rest != 0) & ((rest < 0) != (y < 0))


def _rest(x: Any, y: Any) -> Array | None:
    """The rest with the sign of x; None where that is not for this way."""
    if x.__class__ is not np.ndarray or x.dtype != _SINGLE or x.size < _FEW:
        return None
    if y.__class__ is np.ndarray:
        if y.dtype != _SINGLE or not y.size:
            return None
    elif y.__class__ not in (int, float):
        return None
    wide, by = x.astype(np.float64), np.asarray(_as_single(y)).astype(np.float64)
    with np.errstate(all="ignore"):
        quotient = np.true_divide(wide, by)
        # What is not finite, and a division by zero, is left to C.
        if not (quotient.min() > -_MOST and quotient.max() < _MOST and np.isfinite(by).all()):
            return None
    np.trunc(quotient, out=quotient)
    quotient *= by
    rest = np.subtract(wide, quotient, out=quotient).astype(_SINGLE)
    return np.copysign(rest, x, out=rest)
