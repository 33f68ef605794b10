"""Roundings that NumPy has no name for, and the way an array is filled piece by piece."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight import dtypes

from .generator import Array, Generator, source_of

Dtype = np.dtype[Any]
Shape = tuple[int, ...]

# Pieces of this many draws stay in the cache while they pass through several operations.
PIECE = 1 << 14

_SPLIT = float((1 << 27) + 1)


@functools.cache
def largest(dtype: Dtype) -> float:
    """The largest number of a floating dtype."""
    return dtypes.finfo(dtypes.of(dtype)).max


@functools.cache
def digits(dtype: Dtype) -> int:
    """Up to 2 to that power, a floating dtype holds every whole number."""
    return 1 - round(math.log2(dtypes.finfo(dtypes.of(dtype)).eps))


def fma(a: Array, b: float, c: float) -> Array:
    """Float64 a * b + c rounded once, as the processor's fused multiply-add does.

    Dekker's product and Knuth's sum give what the two plain roundings lose (T. J. Dekker, "A
    floating-point technique for extending the available precision", 1971).

    >>> fma(np.array([1 + 2.0**-30]), 1 + 2.0**-30, -1.0) == 2.0**-29 + 2.0**-60
    array([ True])
    """
    product = a * b
    if b == 1.0 or c == 0.0:
        return product + c
    high = a * _SPLIT
    high -= high - a
    low = a - high
    b_high = b * _SPLIT
    b_high -= b_high - b
    b_low = b - b_high
    lost = high * b_high
    lost -= product
    lost += high * b_low
    lost += low * b_high
    lost += low * b_low
    total = product + c
    back = total - product
    lost += (product - (total - back)) + (c - back)
    lost += total
    return np.where(np.isfinite(lost), lost, total)


def uniform32(words: Array) -> Array:
    """float32 in [0, 1) from the low 24 bits of 32-bit words; the words are overwritten."""
    words &= np.uint32((1 << 24) - 1)
    result = words.astype(np.float32)
    result *= np.float32(2.0**-24)
    return result


def uniform64(draws: Array) -> Array:
    """float64 in [0, 1) from the low 53 bits of 64-bit draws; the draws are overwritten."""
    draws &= np.uint64((1 << 53) - 1)
    result = draws.astype(np.float64)
    result *= 2.0**-53
    return result


def cast(values: Array, dtype: Dtype) -> Array:
    """float64 to dtype as C++ does it: half by way of float, small integers by wrapping."""
    if dtype.kind in "fV":
        narrow = values if dtype.itemsize > 2 else values.astype(np.float32)
        return narrow.astype(dtype, copy=False)
    if dtype.kind in "iu" and dtype.itemsize < 8:
        values = values.astype(np.int64)
    return values.astype(dtype)


def fill(
    shape: Shape,
    dtype: Dtype,
    generator: Generator | None,
    draw: Callable[[Generator, int], Array],
) -> Array:
    """A new array of draw(generator, count), in pieces that fit the cache."""
    source = source_of(generator)
    result = np.empty(shape, dtype)
    flat = result.reshape(-1)
    for start in range(0, flat.size, PIECE):
        stop = min(start + PIECE, flat.size)
        flat[start:stop] = draw(source, stop - start)
    return result
