"""Distributions sampled by trial: how many draws an element takes depends on the draws.

They run element by element in Python, in float64, with torch's formulas.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import numpy as np

from rushlight.arrays import contiguous
from rushlight.heavy import loops
from rushlight.memory import address

from .arithmetic import uniform64
from .generator import Array, Generator, source_of

_MOST_AT_ONCE = 1 << 16
# Elements from which a loop in C is asked for.
_WORTH_C = 16


class _Draws:
    """float64 uniforms one at a time, read ahead in pieces; leaving gives back the unread ones."""

    def __init__(self, generator: Generator, expected: int) -> None:
        self._generator = generator
        self._piece = min(max(expected, 16), _MOST_AT_ONCE)
        self._taken = 0
        self._unread: Iterator[float] = iter(())

    def _read(self) -> Iterator[float]:
        self._taken += self._piece
        self._unread = iter(uniform64(self._generator.raw64(self._piece)).tolist())
        return self._unread

    def __enter__(self) -> Callable[[], float]:
        self._start = self._generator.position
        return chain.from_iterable(iter(self._read, None)).__next__

    def __exit__(self, *error: object) -> None:
        used = 0 if error[0] is not None else self._taken - operator.length_hint(self._unread)
        self._generator.position = self._start
        self._generator.skip(2 * used)


def _require(op: str, dtype: np.dtype[Any], half: bool) -> None:
    if dtype.kind not in "fV" or (dtype.itemsize == 2 and not half):
        raise NotImplementedError(f"{op} is not implemented for {dtype}: use float32 or float64")


def poisson(rate: Array, generator: Generator | None = None) -> Array:
    """Poisson counts, in the shape and floating dtype of rate.

    Below 10 by the product of uniforms (Knuth), above by transformed rejection: W. Hormann, "The
    transformed rejection method for generating Poisson random variables", 1993.
    """
    _require("poisson", rate.dtype, half=True)
    if not (rate >= 0).all():
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    rates = contiguous(rate.astype(np.float64)).reshape(-1)
    if rates.size >= _WORTH_C and (c := loops(500 * rates.size)) is not None:
        counts = _poisson_in_c(c, rates, source_of(generator))
    else:
        with _Draws(source_of(generator), 3 * len(rates)) as uniform:
            counts = np.array(
                [_one_poisson(value, uniform) for value in rates.tolist()], np.float64
            )
    return counts.astype(rate.dtype).reshape(rate.shape)


def _poisson_in_c(c: Any, rates: Array, generator: Generator) -> Array:
    counts, made, piece = np.empty_like(rates), 0, min(8 * len(rates) + 64, 1 << 12)
    used = np.zeros(1, np.int64)
    while made < len(rates):
        start = generator.position
        uniform = uniform64(generator.raw64(piece))
        now = c.poisson(
            address(rates) + 8 * made, address(counts) + 8 * made, len(rates) - made,
            address(uniform), piece, address(used),
        )  # fmt: skip
        generator.position = start
        generator.skip(2 * int(used[0]))
        made += now
        # A rate may need more than there were; then all that are left are likely to.
        piece = min(2 * piece, _MOST_AT_ONCE) if now else 2 * piece
    return counts


def _one_poisson(rate: float, uniform: Callable[[], float]) -> int:
    if rate == 0.0:
        return 0
    if rate < 10.0:
        limit = math.exp(-rate)
        count, product = 0, uniform()
        while product > limit:
            count += 1
            product *= uniform()
        return count
    log_rate = math.log(rate)
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    log_inverse_alpha = math.log(1.1239 + 1.1328 / (b - 3.4))
    accept = 0.9277 - 3.6224 / (b - 2)
    while True:
        u = uniform() - 0.5
        v = uniform()
        us = 0.5 - abs(u)
        count = math.floor((2 * a / us + b) * u + rate + 0.43)
        if us >= 0.07 and v <= accept:
            return count
        if count < 0 or (us < 0.013 and v > us):
            continue
        if math.log(v) + log_inverse_alpha - math.log(a / (us * us) + b) <= (
            -rate + count * log_rate - math.lgamma(count + 1)
        ):
            return count


def binomial(count: Array, prob: Array, generator: Generator | None = None) -> Array:
    """How many of count trials succeed, each with probability prob; floating dtypes.

    Few expected successes by sums of geometric waits, many by W. Hormann, "The generation of
    binomial random variates", 1993 (BTRS).
    """
    _require("binomial", count.dtype, half=False)
    if prob.dtype != count.dtype:
        raise RuntimeError(
            f"binomial: count is {count.dtype} and prob is {prob.dtype}; make them the same"
        )
    counts, probs = np.broadcast_arrays(count, prob)
    with _Draws(source_of(generator), 3 * counts.size) as uniform:
        results = [
            _one_binomial(n, p, uniform) for n, p in zip(counts.ravel(), probs.ravel(), strict=True)
        ]
    return np.array(results, count.dtype).reshape(counts.shape)


def _one_binomial(n: Any, p: Any, uniform: Callable[[], float]) -> Any:
    """One count; n and p are NumPy scalars, to round to their type where torch does."""
    if n <= 0 or p <= 0:
        return 0
    if p >= 1:
        return n
    if not p <= 0.5:
        return n - _one_binomial(n, type(p)(1.0 - float(p)), uniform) if p > 0.5 else math.nan
    return (_btrs if n * p >= 10 else _waits)(n, p, uniform)


def _waits(n: Any, p: Any, uniform: Callable[[], float]) -> int:
    failure = float(np.log1p(-p))
    trials, successes = 0.0, 0
    while True:
        trials += math.ceil(_log(uniform()) / failure)
        if trials > n:
            return successes
        successes += 1


def _log(u: float) -> float:
    return math.log(u) if u > 0.0 else -math.inf


def _btrs(n: Any, p: Any, uniform: Callable[[], float]) -> float:
    deviation = float(np.sqrt(n * p * (1 - p)))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * float(p)
    c = float(n * p) + 0.5
    accept = 0.92 - 4.2 / b
    ratio = float(p / (1 - p))
    alpha = (2.83 + 5.1 / b) * deviation
    mode = math.floor((n + 1) * p)
    n = float(n)
    while True:
        u = uniform() - 0.5
        v = uniform()
        us = 0.5 - abs(u)
        k = float(math.floor((2 * a / us + b) * u + c))
        if k < 0 or k > n:
            continue
        if us >= 0.07 and v <= accept:
            return k
        v = _log(v * alpha / (a / (us * us) + b))
        bound = (
            (mode + 0.5) * math.log((mode + 1) / (ratio * (n - mode + 1)))
            + (n + 1) * math.log((n - mode + 1) / (n - k + 1))
            + (k + 0.5) * math.log(ratio * (n - k + 1) / (k + 1))
            + _stirling(mode)
            + _stirling(n - mode)
            - _stirling(k)
            - _stirling(n - k)
        )
        if v <= bound:
            return k


_STIRLING = (
    0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509,
    0.0166446911898211, 0.0138761288230707, 0.0118967099458917, 0.0104112652619720,
    0.00925546218271273, 0.00833056343336287,
)  # fmt: skip


def _stirling(k: float) -> float:
    """What Stirling's formula misses of ln k!."""
    if k < len(_STIRLING):
        return _STIRLING[int(k)]
    square = (k + 1) * (k + 1)
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1)


def standard_gamma(alpha: Array, generator: Generator | None = None) -> Array:
    """Gamma numbers of shape parameter alpha and scale 1, in alpha's shape and floating dtype.

    G. Marsaglia, W. W. Tsang, "A simple method for generating gamma variables", 2000.
    """
    _require("standard_gamma", alpha.dtype, half=False)
    values = _gammas(alpha, source_of(generator))
    with np.errstate(under="ignore"):
        return np.asarray(np.maximum(values.astype(alpha.dtype), np.finfo(alpha.dtype).tiny))


def dirichlet(alpha: Array, generator: Generator | None = None) -> Array:
    """Points of the simplex: gammas of the last dimension over their sum."""
    _require("dirichlet", alpha.dtype, half=False)
    values = _gammas(alpha.astype(np.float64), source_of(generator))
    values = np.maximum(values, np.finfo(np.float64).tiny)
    values /= values.sum(-1, keepdims=True)
    limits = np.finfo(alpha.dtype)
    one = alpha.dtype.type(1)
    with np.errstate(under="ignore"):
        return values.astype(alpha.dtype).clip(limits.tiny, np.nextafter(one, one * 0))


def _gammas(alpha: Array, generator: Generator) -> Array:
    start_normal = generator.next_normal
    try:
        with _Draws(generator, 4 * alpha.size) as uniform:
            results = [_one_gamma(a, uniform, generator) for a in alpha.ravel()]
    except BaseException:
        generator.next_normal = start_normal
        raise
    return np.array(results, np.float64).reshape(alpha.shape)


def _one_gamma(alpha: Any, uniform: Callable[[], float], generator: Generator) -> float:
    """One gamma; alpha is a NumPy scalar, to round to its type where torch does."""
    scale = 1.0
    one = type(alpha)(1)
    if alpha < 1:
        if alpha == 0:
            return 0.0
        scale = (1.0 - uniform()) ** float(one / alpha)
        alpha = alpha + one
    d = float(alpha - type(alpha)(np.float32(1) / np.float32(3)))
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        x = _one_normal(uniform, generator)
        y = 1.0 + c * x
        if y <= 0.0:
            continue
        v = y * y * y
        u = 1.0 - uniform()
        xx = x * x
        if u < 1.0 - _SQUEEZE * xx * xx:
            return scale * d * v
        if math.log(u) < 0.5 * xx + d * (1.0 - v + math.log(v)):
            return scale * d * v


_SQUEEZE = float(np.float32(0.0331))


def _one_normal(uniform: Callable[[], float], generator: Generator) -> float:
    kept = generator.next_normal
    if kept is not None:
        generator.next_normal = None
        return kept
    u1, u2 = uniform(), uniform()
    radius = math.sqrt(-2.0 * math.log1p(-u2))
    angle = (2.0 * math.pi) * u1
    generator.next_normal = radius * math.sin(angle)
    return radius * math.cos(angle)
