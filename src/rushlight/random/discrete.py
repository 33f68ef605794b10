"""Arrays of whole numbers, coins, permutations and choices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rushlight.errors import warn
from rushlight.heavy import loops
from rushlight.memory import address
from rushlight.narrow import need_more_bits

from .arithmetic import Dtype, Shape, cast, digits, fill, largest, uniform32, uniform64
from .continuous import exponential
from .generator import Array, Generator, source_of

_INT64 = np.dtype(np.int64)
_INT64_MAX = (1 << 63) - 1
_INT64_MIN = -(1 << 63)
# From this range on, one word would skew the remainder too much.
_WIDE_RANGE = 1 << 28
# From this length on, torch shuffles with 64-bit draws.
_LONG = 0xFFFFFFFF // 20
# A shuffle reads its draws in pieces of this many, to bound the memory they take.
_STEPS = 1 << 20
# Elements from which a loop in C is asked for.
_WORTH_C = 32


def _floats(dtype: Dtype) -> list[Array]:
    return [] if dtype.kind in "biuc" else [np.empty(0, dtype)]


def integers(
    shape: Shape,
    dtype: Dtype,
    low: int | None = None,
    high: int | None = None,
    generator: Generator | None = None,
) -> Array:
    """Whole numbers in [low, high), of any real dtype: a 32-bit word (64 from 2**28) modulo range.

    Without high, up to the largest whole number that dtype holds with all below it; without both,
    as `Tensor.random_()`. Raises RuntimeError where the range is empty or dtype cannot hold it.

    >>> from rushlight.random import Generator
    >>> integers((3,), np.dtype("int64"), 0, 10, Generator().manual_seed(0))
    array([4, 9, 3])
    """
    need_more_bits("random_update_from_to", *_floats(dtype))
    if low is None and high is None:
        return _unbounded(shape, dtype, generator)
    start = 0 if low is None else low
    if start == _INT64_MIN and high is None:
        return _all_64_bits(shape, dtype, generator)
    if high is not None and start >= high:
        raise RuntimeError(
            "random_ expects 'from' to be less than 'to', "
            f"but got from={start} >= to={high}; the upper bound is not drawn itself"
        )
    if dtype.kind == "c":
        raise RuntimeError(
            "check_random_bounds handles only integral, floating-point and boolean types\n"
            f"These would be {dtype}."
        )
    last = _largest(dtype) if high is None else high - 1
    if high is None and dtype.kind in "fV" and start >= last:
        raise RuntimeError(
            f"random_ expects 'from' to be less than {last}, the largest whole number that {dtype} "
            f"holds with all below it, but got from={start}"
        )
    start, last = _within(dtype, start, last)
    span = last - start + 1
    base = np.int64(start)

    def draw(source: Generator, n: int) -> Array:
        if span >= _WIDE_RANGE:
            wide = source.raw64(n)
            wide %= np.uint64(span)
            values = wide.view(np.int64)
        else:
            words = source.raw32(n)
            words %= np.uint32(span)
            values = words.astype(np.int64)
        values += base
        if dtype.kind in "fV" and dtype.itemsize == 2:
            values = values.astype(np.float32)
        return values.astype(dtype, copy=False)

    return fill(shape, dtype, generator, draw)


def _largest(dtype: Dtype) -> int:
    if dtype.kind == "b":
        return 1
    if dtype.kind in "fV":
        return 1 << digits(dtype)
    return int(np.iinfo(dtype).max)


def _within(dtype: Dtype, start: int, last: int) -> tuple[int, int]:
    """Check [start, last] against dtype, and shrink it to what rounding cannot leave."""
    if dtype.kind in "fV":
        limit = int(largest(dtype))
        lowest, highest = -limit, limit
    elif dtype.kind == "b":
        lowest, highest = 0, 1
    else:
        # torch takes bounds as int64, for uint64 too.
        lowest, highest = int(np.iinfo(dtype).min), min(int(np.iinfo(dtype).max), _INT64_MAX)
    for name, bound in (("from", start), ("to - 1", last)):
        if not lowest <= bound <= highest:
            raise RuntimeError(
                f"{name} is out of bounds for {dtype}: {bound} is not in [{lowest}, {highest}]"
            )
    if dtype.kind not in "fV":
        return start, last
    width = digits(dtype)
    above = int(dtype.type(start + 1))
    if above < start:
        start = above + (1 << (abs(start + 1).bit_length() - width))
    below = int(dtype.type(last))
    if below > last:
        last = below - (1 << (abs(last).bit_length() - width)) - 1
    if start > last:
        raise RuntimeError(
            "random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, "
            f"but got from={start} >= to={last + 1}"
        )
    exact = 1 << width
    for name, bound in (("from", start), ("to - 1", last)):
        if abs(bound) > exact:
            warn(
                f"{name} is out of bounds [-(2^{width}), 2^{width}]: "
                f"{dtype} does not hold every whole number of this range"
            )
    return start, last


def _unbounded(shape: Shape, dtype: Dtype, generator: Generator | None) -> Array:
    if dtype.kind == "c" or (dtype.kind == "u" and dtype.itemsize > 1):
        raise NotImplementedError(
            f"random_() without bounds is not implemented for {dtype}: give random_(low, high)"
        )
    count = _largest(dtype) + 1

    def draw(source: Generator, n: int) -> Array:
        if dtype.itemsize == 8:
            wide = source.raw64(n)
            wide %= np.uint64(count)
            return wide.astype(dtype)
        words = source.raw32(n)
        words %= np.uint32(count)
        if dtype.kind in "fV":
            return words.astype(np.float32).astype(dtype)
        return words.astype(dtype)

    return fill(shape, dtype, generator, draw)


def _all_64_bits(shape: Shape, dtype: Dtype, generator: Generator | None) -> Array:
    if dtype.kind not in "iufV":
        raise NotImplementedError(f"random_ over all of int64 is not implemented for {dtype}")
    if dtype.itemsize < (4 if dtype.kind in "fV" else 8) or dtype.kind == "u":
        error = NotImplementedError if dtype.kind != "i" and dtype.itemsize > 1 else RuntimeError
        raise error(f"random_ over all of int64 handles int64, float64 and float32, not {dtype}")

    def draw(source: Generator, n: int) -> Array:
        return source.raw64(n).view(np.int64).astype(dtype)

    return fill(shape, dtype, generator, draw)


def bernoulli(shape: Shape, dtype: Dtype, p: float, generator: Generator | None = None) -> Array:
    """Ones with probability p, zeros elsewhere.

    >>> from rushlight.random import Generator
    >>> bernoulli((4,), np.dtype("bool"), 0.5, Generator().manual_seed(0))
    array([False, False,  True, False])
    """
    _need_coins(dtype)
    if not 0.0 <= p <= 1.0:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p}")
    # u < p, with u = k / 2**53, is k < p * 2**53: no need to make the float.
    below = np.uint64(math.ceil(p * 2.0**53))
    if dtype == np.float32:
        result = np.empty(shape, dtype)
        if source_of(generator).fill(result, "draw_coins", int(below)):
            return result
    mask = np.uint64((1 << 53) - 1)

    def draw(source: Generator, n: int) -> Array:
        draws = source.raw64(n)
        draws &= mask
        return draws < below

    return fill(shape, dtype, generator, draw)


def _need_coins(dtype: Dtype) -> None:
    if dtype.kind == "c" or (dtype.kind == "u" and dtype.itemsize > 1):
        raise NotImplementedError(f"bernoulli is not implemented for {dtype}")


def coins(p: Array, shape: Shape, dtype: Dtype, generator: Generator | None = None) -> Array:
    """Ones with the probabilities p, which broadcast to shape; their dtype is a floating one.

    Unless it is float64, the draws are 32-bit.
    """
    if p.size and p.dtype.kind not in "fV":
        raise NotImplementedError(
            f"bernoulli is not implemented for probabilities of {p.dtype}: use a floating dtype"
        )
    _need_coins(dtype)
    source = source_of(generator)
    sound = np.broadcast_to((p >= 0) & (p <= 1), shape).reshape(-1)
    # torch draws one element after the other, up to the first that cannot be.
    size = sound.size if sound.all() else int(sound.argmin())
    wide = p.dtype.itemsize == 8
    u = uniform64(source.raw64(size)) if wide else uniform32(source.raw32(size))
    if size != sound.size:
        raise RuntimeError("bernoulli expects every probability p to be in [0, 1]")
    chances = p if wide else p.astype(np.float32, copy=False)
    return np.asarray(u.reshape(shape) < chances, dtype)


def geometric(shape: Shape, dtype: Dtype, p: float, generator: Generator | None = None) -> Array:
    """How many trials until the first success: `ceil(ln u / ln(1 - p))`, u in float64."""
    if not 0.0 < p < 1.0:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p}")
    if dtype.kind in "bc" or (dtype.kind == "u" and dtype.itemsize > 1):
        raise NotImplementedError(f"geometric is not implemented for {dtype}")
    need_more_bits("geometric_cpu", *_floats(dtype))
    failure = math.log1p(-p)

    def draw(source: Generator, n: int) -> Array:
        values = uniform64(source.raw64(n))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            np.log(values, out=values)
            values /= failure
            return cast(np.ceil(values, out=values), dtype)

    return fill(shape, dtype, generator, draw)


def randperm(n: int, dtype: Dtype = _INT64, generator: Generator | None = None) -> Array:
    """The numbers 0 to n - 1 in random order, by the shuffle of Fisher and Yates.

    Raises RuntimeError where dtype does not hold every number below n.

    >>> from rushlight.random import Generator
    >>> randperm(5, generator=Generator().manual_seed(0))
    array([4, 0, 1, 3, 2])
    """
    if n < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
    if dtype.kind in "bc" or (dtype.kind == "u" and dtype.itemsize > 1):
        raise NotImplementedError(f"randperm is not implemented for {dtype}")
    need_more_bits("randperm", *_floats(dtype))
    if n > _largest(dtype) + 1:
        raise RuntimeError(f"randperm: n cannot be greater than {_largest(dtype) + 1} for {dtype}")
    source = source_of(generator)
    order: Array = _shuffled(n, source) if n < _LONG else _grown(n, source)
    return order.astype(dtype, copy=False)


def _shuffled(n: int, source: Generator) -> Array:
    """Swap each place with one from itself to the end."""
    order: Any = np.arange(n)
    place = memoryview(order)
    for start in range(0, n - 1, _STEPS):
        stop = min(start + _STEPS, n - 1)
        partners = source.raw32(stop - start)
        if n >= _WORTH_C and (c := loops(500 * (stop - start))) is not None:
            c.swap_each(address(order), address(partners), start, stop - start, n)
            continue
        partners %= np.arange(n - start, n - stop, -1, dtype=np.uint32)
        partners += np.arange(start, stop, dtype=np.uint32)
        for i, j in enumerate(partners.tolist(), start):
            place[i], place[j] = place[j], place[i]
    return order


def _grown(n: int, source: Generator) -> Array:
    """Put each number in a random place up to its own, moving who was there to the end."""
    order: Any = np.arange(n)
    place = memoryview(order)
    for start in range(0, n, _STEPS):
        stop = min(start + _STEPS, n)
        choices = source.raw64(stop - start)
        choices %= np.arange(start + 1, stop + 1, dtype=np.uint64)
        for i, j in enumerate(choices.tolist(), start):
            place[i] = place[j]
            place[j] = i
    return order


def multinomial(
    probabilities: Array,
    num_samples: int,
    replacement: bool = False,
    generator: Generator | None = None,
) -> Array:
    """Choose categories by weights, one row or several; the result is int64.

    probabilities: (categories,) or (rows, categories), floating, not negative, no row all zero.
    Without replacement, and for one sample, the categories of the largest p / e are taken, e
    exponential; with replacement, a binary search in the cumulative sums.
    """
    p = probabilities
    if p.ndim not in (1, 2):
        raise RuntimeError(f"multinomial: prob_dist must be 1 or 2 dim, got shape {p.shape}")
    if p.dtype.kind not in "fV":
        raise RuntimeError(
            f"multinomial only supports floating-point dtypes for input, got: {p.dtype}"
        )
    if num_samples <= 0:
        raise RuntimeError(f"cannot sample n_sample <= 0 samples, got {num_samples}")
    categories = p.shape[-1]
    if not replacement and num_samples > categories:
        raise RuntimeError(
            "cannot sample n_sample > prob_dist.size(-1) samples without replacement: "
            f"{num_samples} > {categories}"
        )
    if categories > 1 << 24:
        raise RuntimeError(f"number of categories cannot exceed 2^24, got {categories}")
    shape = (*p.shape[:-1], num_samples)
    if math.prod(shape) == 0:
        return np.empty(shape, np.int64)
    if replacement and num_samples > 1:
        return _with_replacement(p, shape, generator)
    if not (categories and p.max() < math.inf and p.min() >= 0):
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if not p.any(-1).all():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    q = exponential(p.shape, p.dtype, 1.0, generator)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        np.divide(p, q, out=q)
    if num_samples == 1:
        return q.argmax(-1, keepdims=True)
    return np.argsort(-q, axis=-1, kind="stable")[..., :num_samples].copy()


def _with_replacement(p: Array, shape: Shape, generator: Generator | None) -> Array:
    weights = p.astype(np.float32) if p.dtype.itemsize == 2 else p
    if (weights < 0).any() or np.isnan(weights).any():
        raise RuntimeError("invalid multinomial distribution (encountering probability entry < 0)")
    if np.isinf(weights).any():
        raise RuntimeError(
            "invalid multinomial distribution (encountering probability entry = infinity or NaN)"
        )
    sums = np.cumsum(weights, -1, dtype=weights.dtype)
    if not (sums[..., -1] > 0).all():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    sums /= sums[..., -1:].copy()
    sums[..., -1] = 1
    source = source_of(generator)
    u = uniform64(source.raw64(math.prod(shape))).reshape(-1, shape[-1])
    rows = sums.astype(np.float64).reshape(-1, sums.shape[-1])
    found = [np.searchsorted(row, draws) for row, draws in zip(rows, u, strict=True)]
    return np.array(found, np.int64).reshape(shape)
