"""Operators that fold dimensions, scan along them, or put them in order."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rushlight.onnx.loading.operator import (
    Handler,
    Operator,
    array_of,
    dtype_of,
    ints,
    number,
    tensor_of,
)
from rushlight.public import torch as T


def _folding(fold: Any) -> Handler:
    def reduce(op: Operator, x: Any, axes: Any = None) -> Any:
        given = op.get("axes") if axes is None else axes
        dims = [d % x.ndim for d in ints(given)] if given is not None else []
        if not dims:
            if op.get("noop_with_empty_axes", 0):
                return fold(x, (), True) if fold in _OF_EACH else x
            dims = list(range(x.ndim))
        return fold(x, tuple(dims), bool(op.get("keepdims", 1)))

    return reduce


def _sum(x: Any, dims: Any, keep: bool) -> Any:
    return T.sum(x, dims, keepdim=keep, dtype=x.dtype) if dims else x


def _mean(x: Any, dims: Any, keep: bool) -> Any:
    if dtype_of(x).kind in "iu":
        count = math.prod(x.shape[d] for d in dims)
        return T.div(_sum(x, dims, keep), count, rounding_mode="trunc")
    return T.mean(x, dims, keepdim=keep) if dims else x


def _extreme(largest: bool) -> Any:
    def fold(x: Any, dims: Any, keep: bool) -> Any:
        if not dims:
            return x
        if 0 in (x.shape[d] for d in dims):
            dtype = dtype_of(x)
            if dtype.kind == "f":
                least: Any = -math.inf
                top: Any = math.inf
            elif dtype.kind == "b":
                least, top = False, True
            else:
                least, top = np.iinfo(dtype).min, np.iinfo(dtype).max
            shape = [1 if d in dims else n for d, n in enumerate(x.shape) if keep or d not in dims]
            return T.full(shape, least if largest else top, dtype=x.dtype)
        if dtype_of(x).kind == "b":
            for d in sorted(dims, reverse=True):
                x = T.any(x, d, keepdim=keep) if largest else T.all(x, d, keepdim=keep)
            return x
        return (T.amax if largest else T.amin)(x, dims, keepdim=keep)

    return fold


def _prod(x: Any, dims: Any, keep: bool) -> Any:
    for d in sorted(dims, reverse=True):
        x = T.prod(x, d, keepdim=keep, dtype=x.dtype)
    return x


def _l1(x: Any, dims: Any, keep: bool) -> Any:
    return _sum(T.abs(x), dims, keep)


def _square(x: Any, dims: Any, keep: bool) -> Any:
    return _sum(x * x, dims, keep)


def _l2(x: Any, dims: Any, keep: bool) -> Any:
    return T.sqrt(_square(x, dims, keep)).to(x.dtype)


def _log_sum(x: Any, dims: Any, keep: bool) -> Any:
    return T.log(_sum(x, dims, keep)).to(x.dtype)


def _log_sum_exp(x: Any, dims: Any, keep: bool) -> Any:
    return T.logsumexp(x, dims, keepdim=keep).to(x.dtype) if dims else x


# These change what they are given, though nothing is folded.
_OF_EACH = (_l1, _square, _l2, _log_sum)


def _place(find: Any) -> Handler:
    def place(op: Operator, x: Any) -> Any:
        axis, keep = op.get("axis", 0), bool(op.get("keepdims", 1))
        if not op.get("select_last_index", 0):
            return find(x, axis, keepdim=keep)
        return x.shape[axis] - 1 - find(T.flip(x, (axis % x.ndim,)), axis, keepdim=keep)

    return place


def _scanning(scan: Any, neutral: int) -> Handler:
    def along(op: Operator, x: Any, axis: Any) -> Any:
        dim = int(number(axis)) % x.ndim
        back = op.get("reverse", 0)
        if back:
            x = T.flip(x, (dim,))
        if op.get("exclusive", 0):
            first = T.full_like(x.narrow(dim, 0, 1), neutral)
            x = T.cat((first, x.narrow(dim, 0, x.shape[dim] - 1)), dim)
        found = scan(x, dim, dtype=x.dtype)
        return T.flip(found, (dim,)) if back else found

    return along


def _top_k(op: Operator, x: Any, k: Any = None) -> tuple[Any, Any]:
    axis, largest = op.get("axis", -1), bool(op.get("largest", 1))
    count = op.get("k") if k is None else int(number(k))
    # Of equal ones the first comes first.
    values, places = T.sort(x, dim=axis, descending=largest, stable=True)
    return values.narrow(axis, 0, count), places.narrow(axis, 0, count)


def _unique(op: Operator, x: Any) -> tuple[Any, ...]:
    axis = op.get("axis")
    array = array_of(x)
    flat = array.reshape(-1) if axis is None else array
    dim = 0 if axis is None else axis % array.ndim
    _, first, inverse, counts = np.unique(
        flat,
        return_index=True,
        return_inverse=True,
        return_counts=True,
        axis=None if axis is None else dim,
    )
    inverse = inverse.reshape(-1)
    if not op.get("sorted", 1):
        order = np.argsort(first)
        first, counts = first[order], counts[order]
        inverse = np.argsort(order)[inverse]
    source = x.reshape(-1) if axis is None else x
    values = source.index_select(dim, tensor_of(first.astype(np.int64)))
    return values, *(tensor_of(part.astype(np.int64)) for part in (first, inverse, counts))


REDUCTIONS: dict[str, Handler] = {
    "ReduceSum": _folding(_sum), "ReduceMean": _folding(_mean), "ReduceMax": _folding(_extreme(True)),
    "ReduceMin": _folding(_extreme(False)), "ReduceProd": _folding(_prod), "ReduceL1": _folding(_l1),
    "ReduceL2": _folding(_l2), "ReduceSumSquare": _folding(_square), "ReduceLogSum": _folding(_log_sum),
    "ReduceLogSumExp": _folding(_log_sum_exp), "ArgMax": _place(T.argmax), "ArgMin": _place(T.argmin),
    "CumSum": _scanning(T.cumsum, 0), "CumProd": _scanning(T.cumprod, 1), "TopK": _top_k, "Unique": _unique,
}  # fmt: skip
