"""Products of sets: grids, pairs, choices."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.core.doors import apply, literal
from rushlight.core.tensor import TensorBase
from rushlight.errors import warn
from rushlight.ops.arguments import need_whole, relabel
from rushlight.ops.joining import stack
from rushlight.ops.shape import expand, flatten, view
from rushlight.primitives import index as index_rows
from rushlight.primitives.index import ARRAY

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Coordinates of the grid that these axes span: a tensor for each axis.

    indexing "ij": the first axis is dimension 0; "xy": it is dimension 1, as on paper.

    >>> import rushlight as torch
    >>> torch.meshgrid(torch.arange(2), torch.arange(2), indexing="ij")[0]
    tensor([[0, 0],
            [1, 1]])
    """
    axes = (
        tuple(tensors[0])
        if len(tensors) == 1 and not isinstance(tensors[0], TensorBase)
        else tensors
    )
    if not axes:
        raise ValueError("meshgrid expects a non-empty TensorList")
    for axis in axes:
        if axis._data_.ndim > 1:
            raise RuntimeError(
                f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {axis.shape}"
            )
        if axis._data_.dtype != axes[0]._data_.dtype:
            raise RuntimeError("torch.meshgrid expects all tensors to have the same dtype")
    if indexing is None:
        warn(
            "torch.meshgrid: in an upcoming release, it will be required to pass the indexing "
            "argument."
        )
    elif indexing not in (None, "ij", "xy"):
        raise RuntimeError(
            f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}'
        )
    swap = indexing == "xy" and len(axes) > 1
    ordered = (axes[1], axes[0], *axes[2:]) if swap else axes
    size = tuple(axis._data_.size for axis in ordered)
    grids = []
    for i, axis in enumerate(ordered):
        line = view(axis, (1,) * i + (size[i],) + (1,) * (len(ordered) - i - 1))
        grids.append(expand(line, size))
    if swap:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All combinations of one element of each tensor, as rows.

    >>> import rushlight as torch
    >>> torch.cartesian_prod(torch.tensor([1, 2]), torch.tensor([3, 4]))
    tensor([[1, 3],
            [1, 4],
            [2, 3],
            [2, 4]])
    """
    for tensor in tensors:
        if tensor._data_.ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(tensor._data_.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    return stack([flatten(grid) for grid in meshgrid(*tensors, indexing="ij")], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All choices of r elements, as rows, in the order of their places.

    >>> import rushlight as torch
    >>> torch.combinations(torch.tensor([1, 2, 3]))
    tensor([[1, 2],
            [1, 3],
            [2, 3]])
    """
    r = need_whole("combinations", "r", 2, r)
    if input._data_.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input._data_.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return literal(np.empty(0, input._data_.dtype))
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    chosen = itertools.chain.from_iterable(choose(range(input._data_.size), r))
    places = np.fromiter(chosen, np.int64).reshape(-1, r)
    result: Tensor = apply(index_rows.index, input, literal(places), spec=(ARRAY,))
    return relabel(result, "StackBackward0")
