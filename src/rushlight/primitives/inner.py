"""Sums and sums of products along dimensions, without the product in between."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np

from rushlight.arrays import as_array, brought
from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.tensor import Array
from rushlight.primitives.families import draw

Dims = tuple[int, ...]


# Below this many elements the calls cost more than the memory.
_FEW = 8192


@lru_cache(maxsize=64)
def ones(size: int, dtype: np.dtype[Any]) -> Array:
    """Ones to multiply by, so that BLAS does the adding; the last few lengths are kept."""
    return np.ones(size, dtype)


@lru_cache(maxsize=256)
def _plan(shape: tuple[int, ...], dims: Dims) -> tuple[tuple[int, ...], Dims, tuple[int, ...]]:
    """The shape with the last dimensions joined if they are in dims; the other dims; the result's."""
    last = len(shape)
    while last and last - 1 in dims:
        last -= 1
    joined = (*shape[:last], math.prod(shape[last:]))
    result = tuple(1 if d in dims else n for d, n in enumerate(shape))
    return joined, tuple(d for d in dims if d < last), result


def totals(x: Array, dims: Dims) -> Array:
    """x summed along dims, which stay with size 1.

    A product with ones reads memory at its full speed where NumPy's sum of short rows does not.
    """
    if x.size < _FEW or x.dtype.kind not in "fV" or x.ndim - 1 not in dims:
        return np.add.reduce(x, axis=dims, keepdims=True)
    joined, rest, shape = _plan(x.shape, dims)
    sums = x.reshape(joined) @ brought(ones(joined[-1], x.dtype), x)
    if rest:
        sums = np.add.reduce(sums, axis=rest)
    return as_array(sums).reshape(shape)


def inner_products(x: Array, y: Array, dims: Dims) -> Array:
    """x * y, of one shape, summed along dims, which stay with size 1."""
    if x.ndim - 1 not in dims or x.dtype.kind not in "fV":
        return np.add.reduce(x * y, axis=dims, keepdims=True)
    joined, rest, shape = _plan(x.shape, dims)
    sums = np.vecdot(x.reshape(joined), y.reshape(joined))
    if rest:
        sums = np.add.reduce(sums, axis=rest)
    return as_array(sums).reshape(shape)


def _inner(x: Array, y: Array, *, dims: Dims) -> Array:
    sums = inner_products(x, y, dims)
    if dims == (x.ndim - 1,) and not sums.all():
        # Along lines torch begins with the first product: a sum of -0 alone is -0.
        return np.add.reduce(x * y, axis=dims, keepdims=True, initial=x.dtype.type(-0.0))
    return sums


def _inner_rule(x: Array, y: Array, *, dims: Dims) -> Spec:
    return tuple(1 if d in dims else n for d, n in enumerate(x.shape)), x.dtype


def _samples() -> Iterable[Sample]:
    for shape, dims in (((2, 3), (1,)), ((2, 3, 4), (0, 2)), ((2, 3), (0,)), ((0, 2), (1,))):
        yield Sample((draw(1, shape), draw(2, shape)), {"dims": dims})


def _signed_sum(x: Array, *, dims: Dims) -> Array:
    return np.add.reduce(x, axis=dims, keepdims=True, initial=x.dtype.type(-0.0))


# A sum along lines that begins with its first term: of -0 alone it is -0.
signed_sum = Primitive(
    "signed_sum", "contract", _signed_sum, (lambda g, x_shape: g.expand(x_shape),),
    lambda x, *, dims: (tuple(1 if d in dims else n for d, n in enumerate(x.shape)), x.dtype),
    "reduce:+", lambda: [Sample((draw(1, (2, 3)),), {"dims": (1,)})], inputs=("x",), linear=True,
)  # fmt: skip

inner = Primitive(
    "inner", "contract", _inner, (lambda g, y: g * y, lambda g, x: g * x), _inner_rule, "reduce:dot",
    _samples,
)  # fmt: skip
