"""float32 powers with torch's last bit.

torch raises 32 numbers at a time with SLEEF's powf (N. Shibata and F. Petrogalli, "SLEEF: a
portable vectorized library of C standard mathematical functions", 2020), and those left over
through float64. The former is off by up to a tenth of a last place: where float64's power lies
that close to the border between two float32, the steps of SLEEF decide.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.arrays import as_array
from rushlight.core.tensor import Array

_VECTOR = 32

# Pieces of this many numbers stay in the cache while they pass through several operations.
_PIECE = 1 << 15

# Of float64's 52 bits after the point 29 are rounded away, at the middle of their range up or down.
_LOST = np.int64((1 << 29) - 1)
_NEAR = 1 << 26
_TO_MIDDLE = np.int64(_NEAR - (1 << 28))

_TINY = float(np.finfo(np.float32).tiny)


def power(x: Array, y: float) -> Array:
    """The float32 x to the power of a finite number.

    >>> power(np.array([-2, 3], "f4"), 5)
    array([-32., 243.], dtype=float32)
    """
    base = as_array(np.abs(x))
    out = np.empty_like(base)
    numbers, results = base.ravel("K"), out.ravel("K")
    one_piece = x.flags.c_contiguous or x.flags.f_contiguous or x.strides == base.strides
    vectors = base.size & -_VECTOR if one_piece else 0
    for start in range(0, vectors, _PIECE):
        piece = slice(start, min(start + _PIECE, vectors))
        _raise_vectors(numbers[piece], np.float64(np.float32(y)), results[piece])
    results[vectors:] = np.power(numbers[vectors:], np.float64(y))
    if y % 2 == 1:
        np.copysign(out, x, out=out)
    elif y % 1:
        out[(x < 0) & (base < np.inf)] = np.nan
    return out


def _raise_vectors(base: Array, y: np.float64, out: Array) -> None:
    wide = np.power(base, y)
    out[:] = wide
    near = (wide.view(np.int64) + _TO_MIDDLE) & _LOST < 2 * _NEAR
    tiny = wide < _TINY
    if tiny.any():
        near |= tiny & (wide > 0)
    places = near.nonzero()[0]
    if places.size:
        out[places] = _sleef(base[places], y)


def _constants(*values: float) -> tuple[np.float64, ...]:
    return tuple(np.float64(np.float32(v)) for v in values)


_LOG = _constants(0.24032035470008850, 0.28511267900466919, 0.40000799298286438)
_LOG_3 = sum(_constants(0.66666662693023682, 3.6918386125961433e-9))
_LOG_2 = sum(_constants(0.69314718246459961, -1.9046543231482360e-9))
_EXP = _constants(
    0.00136324646882712841, 0.00836596917361021042, 0.04167108237743377686,
    0.16666552424430847168, 0.49999985098838806152,
)  # fmt: skip
_PER_LOG_2 = np.float32(1.4426950408889634)
_LOG_2_HIGH, _LOG_2_LOW = np.float32(0.693145751953125), np.float32(1.42860676533018705e-6)


def _rounded(x: Any) -> Any:
    """float64 to float32 and back."""
    return x.astype(np.float32).astype(np.float64)


def _sleef(base: Array, y: np.float64) -> Array:
    """base ** y for positive base, as exp(y log(base)).

    SLEEF carries log and exp in pairs of float32, for which float64 stands here, and rounds the
    far terms of their series to float32, as is done here.
    """
    mantissa, exponent = np.frexp(base)
    low = mantissa < 0.75
    mantissa, exponent = np.ldexp(mantissa, low), exponent - low
    quotient = (mantissa - 1) * (1 / (mantissa + 1))
    square = (quotient * quotient).astype(np.float64)
    series = _rounded(square * _LOG[0] + _LOG[1])
    series = _rounded(square * series + _LOG[2])
    exact = mantissa.astype(np.float64)
    exact = (exact - 1) / (exact + 1)
    square = exact * exact
    log = ((square * series + _LOG_3) * square + 2) * exact + exponent * _LOG_2
    log *= y

    twos = np.rint(log.astype(np.float32) * _PER_LOG_2)
    rest = log - twos * _LOG_2_HIGH - twos * _LOG_2_LOW
    short = _rounded(rest)
    series = _rounded(short * _EXP[0] + _EXP[1])
    for factor in _EXP[2:]:
        series = _rounded(short * series + factor)
    result = (rest * rest * series + rest + 1).astype(np.float32)
    # In two steps, both of which round where the result is subnormal.
    twos = twos.astype(np.int32)
    last = np.fmod(twos, 64)
    return np.ldexp(np.ldexp(result, twos - last), last)
