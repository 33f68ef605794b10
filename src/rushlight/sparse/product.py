"""Products with sparse matrices: rows are picked, scaled and added up, by ordinary operations."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight._tensor import Tensor
from rushlight.core.doors import read
from rushlight.core.tensor import wrap
from rushlight.ops.arguments import need_tensor, relabel
from rushlight.ops.creation import zeros
from rushlight.sparse.tensor import SparseTensor, assemble

__all__ = ["addmm", "dsmm", "matmul", "mm"]


def mm(mat1: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices, one of which is sparse, or both: then so is the product.

    The gradient of a sparse matrix has elements where the matrix has.

    >>> import rushlight as torch
    >>> torch.sparse.mm(torch.eye(2).to_sparse(), torch.ones(2, 1))
    tensor([[1.],
            [1.]])
    """
    need_tensor("sparse.mm", "mat1", 1, mat1)
    need_tensor("sparse.mm", "mat2", 2, mat2)
    if mat1.ndim != 2 or mat2.ndim != 2:
        raise RuntimeError(
            f"sparse.mm: both arguments must be matrices, not of shapes {list(mat1.shape)} and "
            f"{list(mat2.shape)}"
        )
    return mat1.mm(mat2)


def addmm(mat: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """beta * mat + alpha * (mat1 @ mat2), where mat1 is sparse."""
    return beta * mat + alpha * mm(mat1, mat2)


def dsmm(input: Tensor, mat2: Tensor) -> Tensor:
    """`mm` of a sparse matrix and a dense one, in its old spelling."""
    return mm(input, mat2)


def matmul(left: Tensor, right: Tensor) -> Tensor:
    """left @ right, where one is sparse; the sparse one is a matrix, the other may be a vector."""
    for operand in (left, right):
        if isinstance(operand, SparseTensor) and (operand.ndim != 2 or operand.dense_dim()):
            raise NotImplementedError(
                "products are offered for sparse matrices with 2 sparse dimensions, not for one of "
                f"shape {list(operand.shape)} with {operand.sparse_dim()}: use .to_dense()"
            )
    if left.dtype != right.dtype:
        raise RuntimeError(
            f"expected both matrices to have one dtype, got {left.dtype} and {right.dtype}"
        )
    if right.ndim not in (1, 2) or left.ndim not in (1, 2) or left.shape[-1] != right.shape[0]:
        raise RuntimeError(
            f"mm: shapes {list(left.shape)} and {list(right.shape)} cannot be multiplied: the columns "
            "of the first must be as many as the rows of the second"
        )
    if isinstance(left, SparseTensor):
        if isinstance(right, SparseTensor):
            return _sparse_sparse(left, right)
        return relabel(_sparse_dense(left, right), "MmBackward0")
    if not isinstance(right, SparseTensor):
        raise TypeError("one of the two matrices must be sparse")
    # The columns of the product are the rows of its transpose.
    dense = left if left.ndim == 1 else left.t()
    result = _sparse_dense(right.t(), dense)
    return relabel(result if left.ndim == 1 else result.t(), "MmBackward0")


def _sparse_dense(left: SparseTensor, right: Tensor) -> Tensor:
    rows, columns = left._at.unbind()
    values = left._held
    picked = right.index_select(0, columns)
    scaled = picked * (values if right.ndim == 1 else values.unsqueeze(1))
    start = zeros((left.shape[0], *right.shape[1:]), dtype=scaled.dtype)
    result: Tensor = start.index_add(0, rows, scaled)
    return result


def _sparse_sparse(left: SparseTensor, right: SparseTensor) -> SparseTensor:
    left, right = left.coalesce(), right.coalesce()
    # Each element (i, k) of the left meets the elements of row k of the right, which lie together.
    why = "where the elements lie"
    (rows, inner), right_at = read(left._at, why), read(right._at, why)
    counts = np.bincount(right_at[0], minlength=right.shape[0])
    first = np.cumsum(counts) - counts
    met = counts[inner]
    i = np.repeat(np.arange(len(inner)), met)
    within = np.arange(len(i)) - np.repeat(np.cumsum(met) - met, met)
    j = first[inner[i]] + within
    values = left._held[wrap(i)] * right._held[wrap(j)]
    at = wrap(np.stack([rows[i], right_at[1][j]]))
    return assemble(at, values, (left.shape[0], right.shape[1]), False).coalesce()
