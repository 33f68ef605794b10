"""Softmax and its logarithm along one dimension."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.tensor import Array
from rushlight.dtypes import cast
from rushlight.narrow import through, widen
from rushlight.primitives.families import FLOAT, draw, is_empty, taking
from rushlight.primitives.inner import inner, signed_sum, totals
from rushlight.primitives.kernel import one_kernel

_LONG = 4096


def _peaks(x: Array, dim: int) -> Array:
    """The maxima along dim, which stays with size 1."""
    size = x.shape[dim]
    if dim != x.ndim - 1 or size > _LONG or not x.flags.c_contiguous:
        return x.max(axis=dim, keepdims=True)
    # NumPy finds where the maximum of a short row is several times faster than what it is.
    rows = x.reshape(-1, size)
    return rows[np.arange(rows.shape[0], like=rows), rows.argmax(axis=1)].reshape(*x.shape[:-1], 1)


def _softmax(x: Array, *, dim: int, masked: bool = False) -> Array:
    """With masked, a line of nothing but -inf gives zeros and not nan."""
    if not x.size:
        return x.copy()
    peak = _peaks(x, dim)
    if masked:
        peak[peak == -np.inf] = 0
    # In C order, as in torch: what follows, a dropout, draws its numbers in the order of memory.
    out = np.subtract(x, peak, order="C")
    np.exp(out, out=out)
    total = totals(out, (dim,))
    if masked:
        total[total == 0] = 1
    out /= total
    return out


@one_kernel
def _softmax_vjp(g: Any, out: Any, dim: int) -> Any:
    return out * (g - inner(g, out, dims=(dim,)))


def _log_softmax(x: Array, *, dim: int) -> Array:
    if not x.size:
        return x.copy()
    dtype, x = x.dtype, widen(x)
    out = np.subtract(x, _peaks(x, dim), order="C")
    total = totals(np.exp(out), (dim,))
    if dtype is not x.dtype:
        if dim == x.ndim - 1:
            # Along lines, torch keeps the sum of narrow floats and its logarithm in their type.
            total = through(total, dtype)
            out -= through(np.log(total), dtype)
        else:
            out -= np.log(total)
        return cast(out, dtype)
    out -= np.log(total)
    return out


@one_kernel(in_rows=True)
def _log_softmax_vjp(g: Any, out: Any, dim: int) -> Any:
    # Along the last dimension torch's sum begins with its first term, and may be -0.
    last = dim == out._data_.ndim - 1
    total = signed_sum(g, dims=(dim,)) if last else g.sum(dim, keepdim=True)
    return g - out.exp() * total


def _rule(x: Array, **_: Any) -> Spec:
    return x.shape, x.dtype


def _samples() -> Iterable[Sample]:
    for shape, dim in (((3,), 0), ((2, 3), 1), ((2, 3, 4), 1), ((0, 2), 0)):
        yield Sample((draw(1, shape),), {"dim": dim})


softmax = Primitive(
    "softmax", "normalize", _softmax, (_softmax_vjp,), _rule, "softmax", _samples,
    inputs=("x",), promote=taking("softmax_lastdim_kernel_impl", FLOAT, list, idle=is_empty),
)  # fmt: skip
log_softmax = Primitive(
    "log_softmax", "normalize", _log_softmax, (_log_softmax_vjp,), _rule, "softmax", _samples,
    as_is=True,
    inputs=("x",), promote=taking("log_softmax_lastdim_kernel_impl", FLOAT, list, idle=is_empty),
)  # fmt: skip
