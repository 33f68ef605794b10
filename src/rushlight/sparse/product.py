"""Products with sparse matrices: rows are picked, scaled and added up, by ordinary operations."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight._tensor import Tensor
from rushlight.core.doors import read
from rushlight.core.tensor import wrap
from rushlight.layout import sparse_csc, sparse_csr, strided
from rushlight.ops.arguments import need_tensor, relabel
from rushlight.ops.creation import zeros
from rushlight.ops.joining import cat
from rushlight.ops.ranges import arange
from rushlight.sparse.tensor import SparseTensor, assemble

__all__ = ["addmm", "dsmm", "hspmm", "matmul", "mm", "smm", "spdiags", "sspaddmm"]


def mm(mat1: Tensor, mat2: Tensor, reduce: str | None = None) -> Tensor:
    """The product of two matrices, one of which is sparse, or both: then so is the product.

    The gradient of a sparse matrix has elements where the matrix has. With reduce ("sum", "mean", "amax",
    "amin"), mat1 is of layout torch.sparse_csr, and what it has no element for does not take part.

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
    if reduce is not None:
        return _reduced(mat1, mat2, reduce)
    product = mat1.mm(mat2)
    dense = mat1 if mat2.is_sparse else mat2
    return product if dense.is_sparse else relabel(product, "SparseAddmmBackward0")


def _reduced(mat1: Any, mat2: Tensor, reduce: str) -> Tensor:
    """Of each row, the sum, mean, largest or smallest of its elements times the rows of mat2; 0 without any."""
    if not mat1.is_sparse_csr:
        compressed = mat1.layout is sparse_csc
        raise (RuntimeError if compressed else NotImplementedError)(
            f"sparse.mm with reduce is offered for matrices of layout torch.sparse_csr, not {mat1.layout}: "
            ".to_sparse_csr()"
        )
    if reduce not in ("sum", "mean", "amax", "amin", "max", "min"):
        raise RuntimeError(f"sparse_mm_reduce: reduce type of {reduce} has not been enabled.")
    if mat2.layout is not strided or mat2.shape[0] != mat1.shape[1]:
        raise RuntimeError(
            f"sparse_mm_reduce: Expected a strided tensor of dimension 2 and tensor.size[0] == {mat1.shape[1]} but "
            f"got: layout {mat2.layout} and shape {list(mat2.shape)}"
        )
    if mat2.dtype != mat1.dtype:
        raise RuntimeError(
            f"Expected tensor for argument #1 'other' to have scalar type {mat1.dtype}; but got {mat2.dtype}"
        )
    rows, columns = mat1._at.unbind()
    terms = mat1.values().unsqueeze(1) * mat2.index_select(0, columns)
    into = rows.unsqueeze(1).expand_as(terms)
    nothing = terms.new_zeros(mat1.shape[0], mat2.shape[1])
    if reduce in ("sum", "mean"):
        found = nothing.scatter_reduce(0, into, terms, reduce, include_self=False)
    else:
        extreme = f"a{reduce.removeprefix('a')}"
        best = nothing.scatter_reduce(0, into, terms.detach(), extreme, include_self=False)
        # Of several the first, to which alone the gradient goes.
        numbers = arange(len(rows)).unsqueeze(1).expand_as(terms)
        numbers = numbers.where(terms.detach() == best.gather(0, into), len(rows))
        first = numbers.new_zeros(best.shape).scatter_reduce(
            0, into, numbers, "amin", include_self=False
        )
        filled = mat1.crow_indices().diff().unsqueeze(1) > 0
        found = terms.gather(0, first).where(filled, 0) if len(rows) else nothing
    return relabel(found, "SparseMmReduceImplBackward0")


def addmm(mat: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """beta * mat + alpha * (mat1 @ mat2), where mat1 is sparse."""
    return beta * mat + alpha * mm(mat1, mat2)


def dsmm(input: Tensor, mat2: Tensor) -> Tensor:
    """`mm` of a sparse matrix and a dense one, in its old spelling."""
    return mm(input, mat2)


def _rows_with_elements(mat1: Tensor, mat2: Tensor) -> tuple[np.ndarray, Tensor]:
    """The rows of the product of a sparse and a dense matrix that are not empty, and their elements."""
    if not isinstance(mat1, SparseTensor):
        raise RuntimeError(
            "tensor.sspaddmm(...) can only be called on sparse tensors: smm, sspaddmm and hspmm multiply a "
            "sparse matrix by a dense one"
        )
    where, columns = mat1._at.unbind()
    rows, place = np.unique(read(where, "where the elements lie"), return_inverse=True)
    scaled = mat2.index_select(0, columns) * mat1._held.unsqueeze(1)
    start = zeros((len(rows), mat2.shape[1]), dtype=scaled.dtype)
    return rows, start.index_add(0, wrap(place.reshape(-1)), scaled)


def hspmm(mat1: Tensor, mat2: Tensor) -> SparseTensor:
    """The product of a sparse and a dense matrix, with a sparse dimension of rows and a dense one of columns."""
    rows, values = _rows_with_elements(mat1, mat2)
    return assemble(wrap(rows[None]), values, (mat1.shape[0], mat2.shape[1]), True)


def smm(input: Tensor, mat: Tensor) -> SparseTensor:
    """The product of a sparse and a dense matrix, with coordinates for all elements of rows that are not empty."""
    rows, values = _rows_with_elements(input, mat)
    width = mat.shape[1]
    at = np.stack([np.repeat(rows, width), np.tile(np.arange(width), len(rows))])
    return assemble(wrap(at), values.reshape(-1), (input.shape[0], width), False)


def sspaddmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1
) -> SparseTensor:
    """beta * input + alpha * (mat1 @ mat2): sparse and sparse times dense, and the elements one behind the other."""
    product = smm(mat1, mat2)
    if not isinstance(input, SparseTensor):
        raise RuntimeError("tensor.sspaddmm(...) can only be called on sparse tensors")
    at = cat([input._at, product._at], 1)
    values = cat([input._held * beta, product._held * alpha])
    return assemble(at, values, product._sizes, False)


def spdiags(diagonals: Tensor, offsets: Tensor, shape: Any, layout: Any = None) -> Any:
    """A sparse matrix with these diagonals (count, length), each so many columns to the right of the main one.

    >>> import rushlight as torch
    >>> torch.sparse.spdiags(torch.ones(1, 3), torch.tensor([1]), (3, 3)).to_dense()
    tensor([[0., 1., 0.],
            [0., 0., 1.],
            [0., 0., 0.]])
    """
    given = diagonals if diagonals.ndim == 2 else diagonals.unsqueeze(0)
    places = read(offsets, "where the elements lie").reshape(-1)
    if len(places) != given.shape[0]:
        raise RuntimeError("spdiags(): Number of diagonals must match number of offsets")
    if len(set(places.tolist())) < len(places):
        raise RuntimeError("spdiags(): Offset tensor contains duplicate values")
    columns = np.broadcast_to(np.arange(given.shape[1]), (len(places), given.shape[1]))
    rows = columns - places[:, None]
    inside = (rows >= 0) & (rows < shape[0]) & (columns < shape[1])
    number, column = np.nonzero(inside)
    at = np.stack([rows[number, column], column]).astype(np.int64)
    values = given[wrap(number), wrap(column)]
    result = assemble(wrap(at), values, tuple(shape), False)
    return result if layout is None else result.to_sparse(layout=layout)


def matmul(left: Tensor, right: Tensor) -> Tensor:
    """left @ right, where one is sparse; the sparse one is a matrix, the other may be a vector."""
    from rushlight.sparse.compressed import CompressedTensor, compress

    if isinstance(left, CompressedTensor) or isinstance(right, CompressedTensor):
        pair = (m.coordinates() if isinstance(m, CompressedTensor) else m for m in (left, right))
        product = matmul(*pair)
        return compress(product, sparse_csr) if isinstance(product, SparseTensor) else product
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
    return start.index_add(0, rows, scaled)


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
