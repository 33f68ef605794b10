"""Softmax over the elements that a sparse tensor has; those that it lacks count as minus infinity."""

from __future__ import annotations

import numpy as np

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.core.doors import read
from rushlight.core.tensor import wrap
from rushlight.ops.arguments import one_dim, relabel
from rushlight.ops.creation import zeros
from rushlight.sparse.tensor import SparseTensor, assemble, keys

__all__ = ["log_softmax", "softmax"]


def softmax(input: SparseTensor, dim: int, *, dtype: dtypes.dtype | None = None) -> SparseTensor:
    """Softmax along a sparse dimension.

    >>> import rushlight as torch
    >>> torch.sparse.softmax(torch.eye(2).to_sparse(), 1).to_dense()
    tensor([[1., 0.],
            [0., 1.]])
    """
    tensor, shifted, groups, sums = _parts("softmax", input, dim, dtype)
    values = relabel(shifted.exp() / sums.index_select(0, groups), "SparseSoftmaxBackward0")
    return assemble(tensor._at, values, tensor._sizes, True)


def log_softmax(
    input: SparseTensor, dim: int, *, dtype: dtypes.dtype | None = None
) -> SparseTensor:
    """The logarithm of `softmax`."""
    tensor, shifted, groups, sums = _parts("log_softmax", input, dim, dtype)
    values = shifted - sums.log().index_select(0, groups)
    relabel(values, "SparseLogSoftmaxBackward0")
    return assemble(tensor._at, values, tensor._sizes, True)


def _parts(
    name: str, input: SparseTensor, dim: int, dtype: dtypes.dtype | None
) -> tuple[SparseTensor, Tensor, Tensor, Tensor]:
    """The coalesced input; its values less their group's maximum; groups; each group's sum of exp."""
    if not isinstance(input, SparseTensor) or input.dense_dim():
        raise RuntimeError(f"sparse.{name} takes a sparse tensor without dense dimensions")
    dim = one_dim(dim, input.ndim)
    tensor = (input if dtype is None else input.to(dtype)).coalesce()
    others = [d for d in range(tensor.ndim) if d != dim]
    lines = keys(
        read(tensor._at, "where the elements lie")[others], tuple(tensor._sizes[d] for d in others)
    )
    unique, place = np.unique(lines, return_inverse=True)
    place = place.reshape(-1)
    top = np.full(len(unique), -np.inf, tensor._held._data_.dtype)
    np.maximum.at(top, place, read(tensor._held, "the largest element"))
    groups = wrap(place)
    shifted = tensor._held - wrap(top[place])
    sums = zeros(len(unique), dtype=tensor.dtype).index_add(0, groups, shifted.exp())
    return tensor, shifted, groups, sums
