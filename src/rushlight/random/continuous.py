"""Arrays of continuous random numbers."""

from __future__ import annotations

import math

import numpy as np

from .arithmetic import PIECE, Dtype, Shape, cast, fill, fma, largest, uniform32, uniform64
from .boxmuller import from_uniform32, from_uniform64, one_by_one
from .generator import Array, Generator, source_of


def _require_floating(op: str, dtype: Dtype) -> None:
    if dtype.kind not in "fV" or dtype.itemsize == 1:
        raise NotImplementedError(
            f"{op} is not implemented for {dtype}: use a floating dtype such as float32"
        )


def _real(shape: Shape, dtype: Dtype) -> tuple[Shape, Dtype]:
    """Complex numbers are drawn as their real and imaginary parts in turn."""
    if dtype.kind != "c":
        return shape, dtype
    return (*shape, 2), np.empty(0, dtype).real.dtype


def uniform(
    shape: Shape,
    dtype: Dtype,
    low: float = 0.0,
    high: float = 1.0,
    generator: Generator | None = None,
) -> Array:
    """Uniform in [low, high): one word an element, float64 two. Floating or complex dtypes.

    >>> from rushlight.random import Generator
    >>> uniform((2,), np.dtype("float32"), generator=Generator().manual_seed(0))
    array([0.4962566, 0.7682218], dtype=float32)
    """
    parts, real = _real(shape, dtype)
    _require_floating("uniform", real)
    _check_bounds(real, low, high)
    narrow = real.itemsize < 8
    # The range is rounded to the type that the arithmetic is done in.
    start, end = (float(np.float32(low)), float(np.float32(high))) if narrow else (low, high)
    width = float(np.float32(end) - np.float32(start)) if narrow else end - start
    unit = start == 0.0 and width == 1.0

    def draw(source: Generator, n: int) -> Array:
        if not narrow:
            values = uniform64(source.raw64(n))
            return values if unit else fma(values, width, start)
        values = uniform32(source.raw32(n))
        if start == 0.0:
            return values if unit else values * np.float32(width)
        wide = values.astype(np.float64)
        wide *= width
        wide += start
        return wide.astype(np.float32)

    if real == np.float32:
        result = np.empty(parts, real)
        if source_of(generator).fill(result, "draw_uniform", start, width, high):
            return result.view(dtype).reshape(shape) if dtype.kind == "c" else result
    result = fill(parts, real, generator, draw)
    if not unit or real.itemsize == 2:
        # Rounding may reach the excluded bound.
        result[result == real.type(high)] = low
    return result.view(dtype).reshape(shape) if dtype.kind == "c" else result


def _check_bounds(dtype: Dtype, low: float, high: float) -> None:
    most = largest(dtype)
    for name, bound in (("from", low), ("to", high)):
        if not abs(bound) <= most:
            raise RuntimeError(f"{name} is out of bounds for {dtype}: {bound}")
    if not low <= high:
        raise RuntimeError(
            f"uniform_ expects to return a [from, to) range, but found from={low} > to={high}"
        )
    if not high - low <= most:
        raise RuntimeError(
            f"uniform_ expects to-from <= {most}, the largest {dtype}, but found to={high} "
            f"and from={low} which result in to-from to exceed the limit"
        )


def normal(
    shape: Shape,
    dtype: Dtype,
    mean: float = 0.0,
    std: float = 1.0,
    generator: Generator | None = None,
    contiguous: bool = True,
) -> Array:
    """Normal numbers: singly below 16 elements, in blocks of 16 from there on.

    contiguous=False gives what torch puts, in memory order, into a tensor that has gaps: single
    draws whatever the size. float64 and single draws are within an ulp or two of torch's.

    >>> from rushlight.random import Generator
    >>> normal((2,), np.dtype("float32"), generator=Generator().manual_seed(0))
    array([ 1.5409961, -0.2934289], dtype=float32)
    """
    if not std >= 0.0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    parts, real = _real(shape, dtype)
    _require_floating("normal", real)
    if dtype.kind == "c":
        std = std / math.sqrt(2.0)
    source = source_of(generator)
    result = np.empty(parts, real)
    flat = result.reshape(-1)
    if flat.size < 16 or not contiguous:
        flat[...] = cast(fma(one_by_one(source, flat.size), std, mean), real)
    elif real != np.float32 or not source.fill(flat, "draw_normal", mean, std):
        _in_blocks(flat, mean, std, source)
    return result.view(dtype).reshape(shape) if dtype.kind == "c" else result


def _in_blocks(flat: Array, mean: float, std: float, source: Generator) -> None:
    wide = flat.itemsize == 8
    whole = flat.size & ~15
    rest = flat.size - whole
    start = 0
    while flat.size - start > PIECE:
        stop = min(start + PIECE, whole)
        flat[start:stop] = _block(source, stop - start, 0, mean, std, wide)
        start = stop
    # torch fills the rest with uniforms, except in float16, then remakes the last 16 numbers.
    dropped = rest if flat.itemsize > 2 else 0
    last = whole - start
    made = _block(source, last, rest and dropped + 16, mean, std, wide)
    flat[start:whole] = made[:last]
    if rest:
        flat[-16:] = made[last:]


def _block(source: Generator, n: int, tail: int, mean: float, std: float, wide: bool) -> Array:
    """Normals from n uniforms, then from the last 16 of tail more."""
    u = uniform64(source.raw64(n + tail)) if wide else uniform32(source.raw32(n + tail))
    if tail > 16:
        u[n : n + 16] = u[-16:]
        u = u[: n + 16]
    return from_uniform64(u, mean, std) if wide else from_uniform32(u, mean, std)


def exponential(
    shape: Shape, dtype: Dtype, rate: float = 1.0, generator: Generator | None = None
) -> Array:
    """Exponential numbers `-ln(1 - u) / rate`, u in float64."""
    if not rate > 0.0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={rate}")
    if dtype.kind not in "fV":
        raise RuntimeError(
            "Exponential distribution is a continuous probability distribution. "
            f"dtype must be a floating point but you specified {dtype}"
        )
    scale = -1.0 / rate

    def draw(source: Generator, n: int) -> Array:
        values = uniform64(source.raw64(n))
        np.negative(values, out=values)
        np.log1p(values, out=values)
        values *= scale
        return cast(values, dtype)

    return fill(shape, dtype, generator, draw)


def cauchy(
    shape: Shape,
    dtype: Dtype,
    median: float = 0.0,
    sigma: float = 1.0,
    generator: Generator | None = None,
) -> Array:
    """Cauchy numbers `median + sigma * tan(pi (u - 1/2))`, u in float64."""
    if not sigma > 0.0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma}")
    if dtype.kind not in "fV":
        raise RuntimeError(
            "Cauchy distribution is a continuous probability distribution. "
            f"dtype must be a floating point but you specified {dtype}"
        )

    def draw(source: Generator, n: int) -> Array:
        values = uniform64(source.raw64(n))
        values -= 0.5
        values *= math.pi
        np.tan(values, out=values)
        return cast(fma(values, sigma, median), dtype)

    return fill(shape, dtype, generator, draw)


def log_normal(
    shape: Shape,
    dtype: Dtype,
    mean: float = 1.0,
    std: float = 2.0,
    generator: Generator | None = None,
) -> Array:
    """The exponential of normal numbers drawn singly."""
    if not std > 0.0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std}")
    _require_floating("log_normal", dtype)

    def draw(source: Generator, n: int) -> Array:
        values = fma(one_by_one(source, n), std, mean)
        with np.errstate(over="ignore"):
            return cast(np.exp(values, out=values), dtype)

    return fill(shape, dtype, generator, draw)
