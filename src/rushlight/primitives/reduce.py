"""Rows that fold dimensions away, and the broadcast that undoes them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from rushlight.primitives.core import Primitive, Sample, Spec
from rushlight.primitives.families import draw
from rushlight.primitives.view import cat
from rushlight.tensor_base import Array

Dims = tuple[int, ...] | None


def reduced_shape(shape: tuple[int, ...], dim: Dims, keepdim: bool) -> tuple[int, ...]:
    """The shape after folding dim (None: all), which are normalised dimensions."""
    folded = range(len(shape)) if dim is None else dim
    if keepdim:
        return tuple(1 if i in folded else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in folded)


def _samples() -> Iterable[Sample]:
    for shape, dim, keepdim in (
        ((2, 3), None, False), ((2, 3), (0,), False), ((2, 3, 4), (0, 2), True), ((), None, False),
    ):  # fmt: skip
        yield Sample((draw(3, shape, 0.3, 2.0),), {"dim": dim, "keepdim": keepdim})


def _same_dtype(x: Array, *, dim: Dims, keepdim: bool) -> Spec:
    return reduced_shape(x.shape, dim, keepdim), x.dtype


def unfold_gradient(g: Any, shape: tuple[int, ...], dim: Dims, keepdim: bool) -> Any:
    """g of a reduction, with the folded dimensions put back as 1 so that it broadcasts."""
    if keepdim or g._data.ndim == len(shape):
        return g
    return g.reshape(reduced_shape(shape, dim, True))


def _sum(x: Array, *, dim: Dims, keepdim: bool) -> Any:
    if x.dtype == np.float16:
        return np.add.reduce(x, axis=dim, keepdims=keepdim, dtype=np.float32).astype(np.float16)
    return x.sum(axis=dim, keepdims=keepdim)


def _sum_rule(x: Array, *, dim: Dims, keepdim: bool) -> Spec:
    dtype = x.dtype if x.dtype.kind in "fc" else np.dtype(np.int64)
    return reduced_shape(x.shape, dim, keepdim), dtype


def _sum_vjp(g: Any, x_shape: tuple[int, ...], dim: Dims, keepdim: bool) -> Any:
    return unfold_gradient(g, x_shape, dim, keepdim).expand(x_shape)


def _numbered(name: str) -> Any:
    # torch has one backward for the sum of everything and another for the sum along dimensions.
    return lambda node: f"{name}Backward{0 if node.static['dim'] is None else 1}"


sum = Primitive(
    "sum", "reduce", _sum, (_sum_vjp,), _sum_rule, "reduce:+", _samples, label=_numbered("Sum")
)


def _amax(x: Array, *, dim: Dims, keepdim: bool) -> Any:
    return x.max(axis=dim, keepdims=keepdim)


def _amin(x: Array, *, dim: Dims, keepdim: bool) -> Any:
    return x.min(axis=dim, keepdims=keepdim)


def _extreme_vjp(g: Any, x: Any, out: Any, dim: Dims, keepdim: bool) -> Any:
    # Equal extremes share the gradient evenly.
    peak = unfold_gradient(out, x.shape, dim, keepdim)
    hit = (x == peak).to(g.dtype)
    count = hit.sum(dim, keepdim=True) if dim is None or len(dim) else hit
    return hit * (unfold_gradient(g, x.shape, dim, keepdim) / count)


amax = Primitive("amax", "reduce", _amax, (_extreme_vjp,), _same_dtype, "reduce:max", _samples)
amin = Primitive("amin", "reduce", _amin, (_extreme_vjp,), _same_dtype, "reduce:min", _samples)


def _any(x: Array, *, dim: Dims, keepdim: bool) -> Any:
    return x.any(axis=dim, keepdims=keepdim)


def _all(x: Array, *, dim: Dims, keepdim: bool) -> Any:
    return x.all(axis=dim, keepdims=keepdim)


def _boolean(x: Array, *, dim: Dims, keepdim: bool) -> Spec:
    return reduced_shape(x.shape, dim, keepdim), np.dtype(bool)


any = Primitive("any", "reduce", _any, None, _boolean, "reduce:||", _samples)
all = Primitive("all", "reduce", _all, None, _boolean, "reduce:&&", _samples)


def _prod(x: Array, *, dim: Dims, keepdim: bool) -> Any:
    return x.prod(axis=dim, keepdims=keepdim)


def _prod_vjp(g: Any, x: Any, out: Any, dim: Dims, keepdim: bool) -> Any:
    """out / x; where that divides by zero, the product of the others from both sides."""
    g = unfold_gradient(g, x.shape, dim, keepdim)
    if not (x._data == 0).any():
        return g * (unfold_gradient(out, x.shape, dim, keepdim) / x).conj()
    if dim is None:
        flat = x.reshape(-1)
        return (g * _product_of_others(flat, 0).reshape(x.shape)).conj()
    return g * _product_of_others(x, dim[0]).conj()


def _product_of_others(x: Any, dim: int) -> Any:
    ones = x.narrow(dim, 0, 1) * 0 + 1
    size = x.shape[dim]
    before = _running_product(x, ones, dim, range(size - 1))
    after = _running_product(x, ones, dim, range(size - 1, 0, -1))
    return before * after.flip(dim)


def _running_product(x: Any, ones: Any, dim: int, order: range) -> Any:
    parts = [ones]
    for i in order:
        parts.append(parts[-1] * x.narrow(dim, i, 1))
    return cat(*parts, dim=dim)


prod = Primitive(
    "prod", "reduce", _prod, (_prod_vjp,), _sum_rule, "reduce:*", _samples, label=_numbered("Prod")
)


def _mean(x: Array, *, dim: Dims, keepdim: bool) -> Any:
    if x.dtype == np.float16:
        return x.astype(np.float32).mean(axis=dim, keepdims=keepdim).astype(np.float16)
    count = _folded_size(x.shape, dim)
    total = np.add.reduce(x, axis=dim, keepdims=keepdim)
    return np.true_divide(total, x.dtype.type(count)) if count else total * np.nan


def _folded_size(shape: tuple[int, ...], dim: Dims) -> int:
    return math.prod(shape if dim is None else (shape[d] for d in dim))


def _mean_vjp(g: Any, x_shape: tuple[int, ...], dim: Dims, keepdim: bool) -> Any:
    share = g / max(_folded_size(x_shape, dim), 1)
    return unfold_gradient(share, x_shape, dim, keepdim).expand(x_shape)


mean = Primitive(
    "mean",
    "reduce",
    _mean,
    (_mean_vjp,),
    _same_dtype,
    "reduce:+",
    _samples,
    label=_numbered("Mean"),
)
