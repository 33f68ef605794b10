"""Rows that run along a dimension: cumulative sums and products, the recurrence beneath them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.state import is_differentiated
from rushlight.core.doors import read_each
from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.tensor import Array
from rushlight.primitives.families import FLOAT, REAL, draw, has_no_line, taking
from rushlight.primitives.join import cat
from rushlight.primitives.placement import in_rows
from rushlight.primitives.pointwise import conj, exp, gt, log, lt, ne, where
from rushlight.primitives.view import flip

_SHAPES = (((), 0), ((4,), 0), ((3, 2), 0), ((2, 3), 1), ((2, 0), 1))


def _samples() -> Iterable[Sample]:
    for seed, (shape, dim) in enumerate(_SHAPES):
        yield Sample((draw(seed, shape),), {"dim": dim})


def _with_zeros() -> Iterable[Sample]:
    yield from _samples()
    x = draw(9, (5, 2))
    x[1, 0] = x[3, 0] = x[2, 1] = 0
    yield Sample((x,), {"dim": 0})


def _summed_dtype(x: Array) -> np.dtype[Any]:
    return x.dtype if x.dtype.kind in "fcV" else np.dtype(np.int64)


def _running(ufunc: np.ufunc, x: Array, dim: int) -> Array:
    # Single precision is summed in double and rounded at every step, as in torch.
    dtype = _summed_dtype(x)
    if not x.ndim:
        return x.astype(dtype)
    wide = np.result_type(dtype, np.float64) if dtype.kind in "fcV" else dtype
    return ufunc.accumulate(x, axis=dim, dtype=wide).astype(dtype, copy=False)


def _scan_rule(x: Array, *, dim: int) -> Spec:
    return x.shape, _summed_dtype(x)


def _cumsum(x: Array, *, dim: int) -> Array:
    out = _running(np.add, x, dim)
    if out.ndim and out.dtype.kind in "fcV":
        out += 0  # torch begins with 0, so that no sum is -0
    return out


def _back(x: Any, dim: int) -> Any:
    return flip(x, dims=(dim,)) if x._data_.ndim else x


def _cumsum_vjp(g: Any, dim: int) -> Any:
    if g._data_.size < 2 or g._data_.shape[dim] == 1:
        return g
    return _back(cumsum(_back(g, dim), dim=dim), dim)


cumsum = Primitive(
    "cumsum", "scan", _cumsum, (_cumsum_vjp,), _scan_rule, "scan:+", _samples, layout=in_rows,
    linear=True,
)  # fmt: skip


def _cumprod(x: Array, *, dim: int) -> Array:
    # torch begins with 1, which takes the sign from an imaginary part of -0, where there is a line.
    if not x.ndim:
        return x.astype(_summed_dtype(x))
    return _running(np.multiply, x * (1 + 0j) if x.dtype.kind == "c" else x, dim)


def _cumprod_vjp(g: Any, x: Any, out: Any, dim: int) -> Any:
    """The sum over k >= i of g_k * (x_0 ... x_k without x_i): as in torch by division, where it can be."""
    if x._data_.size < 2 or x._data_.shape[dim] == 1:
        return g
    size = x._data_.shape[dim]
    zero = x == 0
    scaled = conj(out) * g
    if not read_each(zero.any(), "whether a factor is zero").any():
        return _from_end(scaled, dim) / conj(x)
    one = x.new_ones((*x.shape[:dim], 1, *x.shape[dim + 1 :]))
    if is_differentiated():
        return _each_product(g, x, out, one, dim)
    count = cumsum(zero, dim=dim)
    ahead, until = count == 0, count == 1
    first = until & zero
    # Before the first zero by division; what the zero itself multiplies ends at the next one.
    divided = _from_end(where(ahead, scaled, 0), dim) / conj(x)
    others = cumprod(where(until & ne(x, 0), conj(x), 1), dim=dim) * where(until, g, 0)
    before = conj(cat(one, out.narrow(dim, 0, size - 1), dim=dim))
    return where(ahead, divided, where(first, others.sum(dim, keepdim=True) * before, 0))


def _from_end(x: Any, dim: int) -> Any:
    return _back(cumsum(_back(x, dim), dim=dim), dim)


def _each_product(g: Any, x: Any, out: Any, one: Any, dim: int) -> Any:
    """The same without division, so that it can be differentiated where factors are zero."""
    size, parts = x._data_.shape[dim], []
    for k in range(size):
        before = out.narrow(dim, k - 1, 1) if k else one
        after = cumprod(x.narrow(dim, k + 1, size - k - 1), dim=dim)
        others = cat(before, before * after, dim=dim)
        parts.append((g.narrow(dim, k, size - k) * conj(others)).sum(dim, keepdim=True))
    return cat(*parts, dim=dim)


cumprod = Primitive(
    "cumprod", "scan", _cumprod, (_cumprod_vjp,), _scan_rule, "scan:*", _with_zeros,
    layout=in_rows,
)  # fmt: skip


def _recurrence(a: Array, b: Array, *, dim: int) -> Array:
    """s_t = a_t * s_(t-1) + b_t, from s_(-1) = 0."""
    if not b.ndim:
        return b.copy()
    factors, terms = np.moveaxis(a, dim, 0), np.moveaxis(b, dim, 0)
    out = np.empty(b.shape, b.dtype, like=b)
    steps = np.moveaxis(out, dim, 0)
    if b.ndim == 1:
        last = 0.0
        for t, (factor, term) in enumerate(zip(factors.tolist(), terms.tolist(), strict=True)):
            last = factor * last + term
            steps[t] = last
        return out
    state = np.zeros(terms.shape[1:], b.dtype, like=b)
    for t in range(len(terms)):
        state = factors[t] * state + terms[t]
        steps[t] = state
    return out


def _recurrence_vjp(g: Any, a: Any, out: Any, dim: int) -> tuple[Any, Any]:
    # The adjoint of a recurrence is the same recurrence run from the end, one step behind.
    if not a._data_.ndim or not a._data_.shape[dim]:
        return g * 0, g
    size = a._data_.shape[dim]
    nothing = a.narrow(dim, 0, 1) * 0
    following = cat(conj(a.narrow(dim, 1, size - 1)), nothing, dim=dim)
    back = _back(recurrence(_back(following, dim), _back(g, dim), dim=dim), dim)
    previous = cat(nothing, out.narrow(dim, 0, size - 1), dim=dim)
    return back * conj(previous), back


def _recurrence_samples() -> Iterable[Sample]:
    for seed, (shape, dim) in enumerate(_SHAPES):
        yield Sample((draw(seed, shape), draw(seed + 30, shape)), {"dim": dim})


recurrence = Primitive(
    "recurrence", "scan", _recurrence, _recurrence_vjp,
    lambda a, b, *, dim: (b.shape, b.dtype), "scan:recurrence", _recurrence_samples,
    layout=in_rows,
)  # fmt: skip


def _log_plus_exp(x: Array, total: Array) -> Array:
    """log(exp(x) + exp(total)) of complex numbers as torch goes on in a scan.

    Of parts that are equally large the new one stands in front; nan spreads to both parts.
    """
    behind = x.real < total.real
    first, second = np.where(behind, total, x), np.where(behind, x, total)
    same = np.isinf(first.real) & (first.real == second.real)
    far = np.where(first.real < 0, second, np.log(np.exp(second) + np.exp(first)))
    sums = np.where(same, far, np.log1p(np.exp(second - first)) + first)
    return np.where(np.isnan(x) | np.isnan(total), x.dtype.type(complex(np.nan, np.nan)), sums)


def _logcumsumexp(x: Array, *, dim: int) -> Array:
    if not x.ndim:
        return x.copy()
    if x.dtype.kind == "c":
        out = x.copy()
        steps = np.moveaxis(out, dim, 0)
        total = np.full(steps.shape[1:], -np.inf, x.dtype, like=x)
        for t in range(len(steps)):
            total = steps[t] = _log_plus_exp(steps[t], total)
        return out
    wide = np.logaddexp.accumulate(x, axis=dim, dtype=np.float64) + 0.0  # nor is its -0 torch's
    return wide.astype(x.dtype, copy=False)


def _logcumsumexp_vjp(g: Any, x: Any, out: Any, dim: int) -> Any:
    if not (g._data_.ndim and g._data_.size):
        return g
    # sum over k >= i of g_k * exp(x_i - out_k), in logarithms, for each sign of g on its own.
    if x._data_.dtype.kind == "c":
        scaled = log(g) - conj(out)
        return exp(_back(logcumsumexp(_back(scaled, dim), dim=dim), dim) + conj(x))
    lowest = dtypes.finfo(g.dtype).min
    size = log(g.abs())
    parts = []
    for mask in (gt(g, 0), lt(g, 0)):
        scaled = where(mask, size, lowest) - out
        parts.append(exp(_back(logcumsumexp(_back(scaled, dim), dim=dim), dim) + x))
    return parts[0] - parts[1]


logcumsumexp = Primitive(
    "logcumsumexp", "scan", _logcumsumexp, (_logcumsumexp_vjp,),
    lambda x, *, dim: (x.shape, x.dtype), "scan:logaddexp", _samples,
    promote=taking("logcumsumexp", FLOAT + "c", list), layout=in_rows,
)  # fmt: skip


def _extreme_positions(ufunc: np.ufunc, x: Array, dim: int) -> Array:
    if not x.ndim:
        return np.zeros((), np.int64, like=x)
    running = ufunc.accumulate(x, axis=dim)
    # The latest of equal ones; once there is a nan, the latest nan.
    reached = x == running
    if x.dtype.kind in "fV":
        reached |= np.isnan(x)
    shape = [1] * x.ndim
    shape[dim] = x.shape[dim]
    steps = np.arange(x.shape[dim], like=x).reshape(shape)
    return np.maximum.accumulate(np.where(reached, steps, 0), axis=dim)


def _cummax_index(x: Array, *, dim: int) -> Array:
    return _extreme_positions(np.maximum, x, dim)


def _cummin_index(x: Array, *, dim: int) -> Array:
    return _extreme_positions(np.minimum, x, dim)


def _positions_rule(x: Array, *, dim: int) -> Spec:
    return x.shape, np.dtype(np.int64)


cummax_index = Primitive(
    "cummax_index", "scan", _cummax_index, None, _positions_rule, "scan:argmax", _samples,
    promote=taking("cummax", REAL, list, idle=has_no_line), layout=in_rows,
)  # fmt: skip
cummin_index = Primitive(
    "cummin_index", "scan", _cummin_index, None, _positions_rule, "scan:argmin", _samples,
    promote=taking("cummin", REAL, list, idle=has_no_line), layout=in_rows,
)  # fmt: skip
