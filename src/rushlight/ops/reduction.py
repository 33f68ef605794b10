"""Sums, means, extremes and whatever else folds dimensions away."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.ops.arguments import Dim, many_dims, need_tensor, write_out
from rushlight.primitives import reduce as rows
from rushlight.primitives.core import apply

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

__all__ = [
    "amax",
    "amin",
    "mean",
    "numel",
    "sum",
]


def sum(
    input: Tensor,
    dim: Dim = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The sum of all elements, or along dim. Integers and booleans are summed as int64.

    >>> import rushlight as torch
    >>> torch.ones(2, 3).sum(1)
    tensor([3., 3.])
    """
    need_tensor("sum", "input", 1, input)
    if dtype is not None:
        input = input.to(dtype)
    dims = many_dims(dim, input._data.ndim)
    result: Tensor = apply(rows.sum, input, dim=dims, keepdim=keepdim)
    return result if out is None else write_out(out, result)


def mean(
    input: Tensor,
    dim: Dim = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The mean of all elements, or along dim; the input must be floating.

    >>> import rushlight as torch
    >>> torch.tensor([1.0, 2.0, 6.0]).mean()
    tensor(3.)
    """
    need_tensor("mean", "input", 1, input)
    if dtype is not None:
        input = input.to(dtype)
    if input._data.dtype.kind not in "fc":
        raise RuntimeError(
            "mean(): could not infer output dtype. Input dtype must be either a floating point or "
            f"complex dtype. Got: {input.dtype}: convert it with .float()"
        )
    dims = many_dims(dim, input._data.ndim)
    result: Tensor = apply(rows.mean, input, dim=dims, keepdim=keepdim)
    return result if out is None else write_out(out, result)


def amax(
    input: Tensor, dim: Dim = None, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """The largest element, or those along dim; equal ones share the gradient."""
    dims = many_dims(dim, input._data.ndim)
    result: Tensor = apply(rows.amax, input, dim=dims, keepdim=keepdim)
    return result if out is None else write_out(out, result)


def amin(
    input: Tensor, dim: Dim = None, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """The smallest element, or those along dim; equal ones share the gradient."""
    dims = many_dims(dim, input._data.ndim)
    result: Tensor = apply(rows.amin, input, dim=dims, keepdim=keepdim)
    return result if out is None else write_out(out, result)


def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """Sum over the dimensions that broadcasting size to this shape would have added or widened.

    >>> import rushlight as torch
    >>> torch.ones(2, 3).sum_to_size(1, 3)
    tensor([[2., 2., 2.]])
    """
    shape = size[0] if len(size) == 1 and not isinstance(size[0], int) else size
    ours = input._data.shape
    if ours == tuple(shape):
        return input
    extra = len(ours) - len(shape)
    if extra < 0 or np.broadcast_shapes(tuple(shape), ours) != ours:
        raise RuntimeError(
            f"size {{{list(shape)}}} is not expandable to size {{{list(ours)}}}, so sum_to_size cannot "
            "undo that expansion"
        )
    folded = tuple(i for i, n in enumerate(ours) if i < extra or (shape[i - extra] == 1 and n != 1))
    kept = apply(rows.sum, input, dim=folded, keepdim=True) if folded else input
    return kept.reshape(tuple(shape)) if extra else kept  # type: ignore[no-any-return]


def numel(input: Tensor) -> int:
    """The number of elements."""
    return math.prod(input._data.shape)
