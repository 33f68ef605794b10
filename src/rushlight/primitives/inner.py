"""Sums and sums of products along dimensions, without the product in between."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from rushlight.primitives.core import Primitive, Sample, Spec
from rushlight.primitives.families import draw
from rushlight.tensor_base import Array

Dims = tuple[int, ...]


def trailing(ndim: int, dims: Dims) -> int:
    """How many of the last dimensions are among dims."""
    count = 0
    while count < ndim and ndim - 1 - count in dims:
        count += 1
    return count


def totals(x: Array, dims: Dims) -> Array:
    """x summed along dims, which stay with size 1.

    A product with ones reads memory at its full speed where NumPy's sum of short rows does not.
    """
    last = trailing(x.ndim, dims)
    shape = tuple(1 if d in dims else n for d, n in enumerate(x.shape))
    if last and x.dtype.kind == "f":
        rows = x.reshape(*x.shape[: x.ndim - last], math.prod(x.shape[x.ndim - last :]))
        x = rows @ np.ones(rows.shape[-1], x.dtype)
    elif last:
        x = x.sum(axis=tuple(range(x.ndim - last, x.ndim)))
    return np.asarray(x.sum(axis=tuple(d for d in dims if d < x.ndim))).reshape(shape)


def inner_products(x: Array, y: Array, dims: Dims) -> Array:
    """x * y, of one shape, summed along dims, which stay with size 1."""
    last = trailing(x.ndim, dims)
    shape = tuple(1 if d in dims else n for d, n in enumerate(x.shape))
    if last and x.dtype.kind == "f":
        flat = (*x.shape[: x.ndim - last], math.prod(x.shape[x.ndim - last :]))
        x = np.vecdot(x.reshape(flat), y.reshape(flat))
    else:
        x = x * y
    return np.asarray(x.sum(axis=tuple(d for d in dims if d < x.ndim))).reshape(shape)


def _inner(x: Array, y: Array, *, dims: Dims) -> Array:
    return inner_products(x, y, dims)


def _inner_rule(x: Array, y: Array, *, dims: Dims) -> Spec:
    return tuple(1 if d in dims else n for d, n in enumerate(x.shape)), x.dtype


def _samples() -> Iterable[Sample]:
    for shape, dims in (((2, 3), (1,)), ((2, 3, 4), (0, 2)), ((2, 3), (0,)), ((0, 2), (1,))):
        yield Sample((draw(1, shape), draw(2, shape)), {"dims": dims})


inner = Primitive(
    "inner", "contract", _inner, (lambda g, y: g * y, lambda g, x: g * x), _inner_rule, "reduce:dot",
    _samples,
)  # fmt: skip
