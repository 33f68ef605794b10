"""Matrix factorisations, solvers and norms; `rushlight.linalg` names them as torch.linalg does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import return_types
from rushlight.core.doors import apply, literal, read_each
from rushlight.core.state import state
from rushlight.core.tensor import Array, TensorBase
from rushlight.dtypes import NARROW
from rushlight.errors import warn_once
from rushlight.ops.arguments import (
    as_sizes,
    need_scalar,
    need_tensor,
    numpy_names,
    one_dim,
    relabel,
    write_out,
    write_outs,
)
from rushlight.ops.conversion import in_columns
from rushlight.ops.joining import cat
from rushlight.ops.outputs import copy_out
from rushlight.ops.precision import in_half, in_single, lowered, need_one_type
from rushlight.ops.product import matmul
from rushlight.ops.reduction import in_norm_type, vector_norm
from rushlight.primitives import factor as rows
from rushlight.primitives import inverse as inverse_rows
from rushlight.primitives.constant import computed
from rushlight.primitives.placement import rows_of

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


# ---- norms --------------------------------------------------------------------------------------


@numpy_names
def matrix_norm(
    A: Tensor,
    ord: Any = "fro",
    dim: Sequence[int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """A norm of matrices: "fro", "nuc", 1, -1, 2, -2, inf or -inf."""
    A = in_norm_type("linalg.matrix_norm", A, dtype)
    if A._data_.ndim < 2:
        raise RuntimeError(
            "linalg.matrix_norm: The input tensor A must have at least 2 dimensions."
        )
    if len(dim) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {dim}")
    row, column = (one_dim(d, A._data_.ndim) for d in dim)
    if row == column:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different. Got ({dim[0]}, {dim[1]})")
    if ord == "fro":
        return write_out(out, vector_norm(A, 2, (row, column), keepdim), same=True)
    if ord in ("nuc", 2, -2):
        values = svdvals(A.movedim((row, column), (-2, -1)))
        kept = values.sum(-1) if ord == "nuc" else _extreme(values, -1, ord)
    elif ord in (1, -1, math.inf, -math.inf):
        inner, outer = (row, column) if abs(ord) == 1 else (column, row)
        sums = A.abs().sum(inner, keepdim=keepdim)
        at = outer if keepdim or outer < inner else outer - 1
        return write_out(out, _extreme(sums, at, ord, keepdim), same=True)
    else:
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    if keepdim:
        for d in sorted((row, column)):
            kept = kept.unsqueeze(d)
    return write_out(out, kept, same=True)


def _extreme(sizes: Tensor, dim: int, ord: float, keepdim: bool = False) -> Tensor:
    """The largest, or for a negative ord the smallest; the largest of nothing is 0."""
    if ord < 0:
        return sizes.amin(dim, keepdim)
    return sizes.amax(dim, keepdim) if sizes._data_.shape[dim] else sizes.sum(dim, keepdim)


@numpy_names
def norm(
    A: Tensor,
    ord: Any = None,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """A vector norm, or, for two dimensions and an ord, a matrix norm."""
    if ord is not None and not isinstance(ord, str):
        ord = need_scalar("linalg.norm", "ord", 2, ord)
    if dim is not None and not isinstance(dim, int):
        dim = as_sizes((dim,))
        if len(dim) not in (1, 2) and ord is not None:
            raise RuntimeError(
                f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dim)}"
            )
    if ord is not None and dim is None and A._data_.ndim not in (1, 2):
        raise RuntimeError(
            "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got "
            f"{A._data_.ndim}D."
        )
    pair = len(dim) == 2 if isinstance(dim, tuple) else dim is None and A._data_.ndim == 2
    if ord is not None and pair:
        return matrix_norm(A, ord, dim or (-2, -1), keepdim, dtype=dtype, out=out)
    if isinstance(ord, str):
        raise RuntimeError(f"linalg.norm: Order {ord} not supported for vectors.")
    return copy_out(out, vector_norm(A, 2 if ord is None else ord, dim, keepdim, dtype=dtype))


# ---- solving ------------------------------------------------------------------------------------


@in_single
def inverse(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of a square matrix, or of each of a batch; LinAlgError if it is singular."""
    return write_out(out, apply(rows.inv, input), same=True)


def a_vector(a: Sequence[int], b: Sequence[int], left: bool) -> bool:
    """Whether the right side of a x = b is a vector for each matrix, as its shape says; it has to stand on the left."""
    vector = len(b) == 1 or (len(a) - 1 == len(b) and tuple(b) == tuple(a[:-1]))
    if vector and not left:
        raise RuntimeError(
            "linalg.solve: Incompatible shapes of A and B for the equation XA = B "
            f"({a[-2]}x{a[-1]} and {b[-1]}x1)"
        )
    return vector


@in_single
def solve(A: Tensor, B: Tensor, *, left: bool = True, out: Tensor | None = None) -> Tensor:
    """X with A @ X = B (X @ A = B with left=False); B holds vectors if its shape says so."""
    a, b = A._data_, B._data_
    if a.dtype != b.dtype:
        raise RuntimeError(
            f"linalg.solve: Expected A and B to have the same dtype, but found A of type {A.dtype.word} "
            f"and B of type {B.dtype.word} instead"
        )
    if not b.ndim and a.ndim > 1:
        raise RuntimeError("linalg.solve: The input tensor B must have at least 2 dimensions.")
    if a_vector(a.shape, b.shape, left):
        return write_out(out, apply(rows.solve, A, B.unsqueeze(-1)).squeeze(-1), same=True)
    if not left:
        return write_out(out, apply(rows.solve, A.mT, B.mT).mT, same=True)
    return write_out(out, apply(rows.solve, A, B), same=True)


def solve_triangular(
    A: Tensor,
    B: Tensor,
    *,
    upper: bool,
    left: bool = True,
    unitriangular: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """`solve` for a triangular A, of which only that triangle is read."""
    B = B.to(A.dtype)
    if not left:
        flipped = apply(rows.solve_triangular, A.mT, B.mT, upper=not upper, unit=unitriangular)
        return write_out(out, in_columns(flipped.mT))
    return write_out(out, apply(rows.solve_triangular, A, B, upper=upper, unit=unitriangular))


@in_single
def lstsq(
    A: Tensor, B: Tensor, rcond: Any = None, *, driver: str | None = None, out: Any = None
) -> Any:
    """X that minimises the norm of A @ X - B: solution, residuals, rank, singular values.

    As torch's drivers do, "gelsy" (the default) leaves the residuals empty, "gels" the rank, and
    both the singular values.
    """
    need_tensor("linalg_lstsq", "input", 1, A)
    driver = driver or "gelsy"
    if driver not in ("gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(
            "torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)"
        )
    shape, given = A._data_.shape, B._data_.shape
    if len(shape) < 2:
        raise RuntimeError("torch.linalg.lstsq: input must have at least 2 dimensions.")
    if not 0 <= len(shape) - len(given) <= 1:
        raise RuntimeError(
            "torch.linalg.lstsq: input.dim() must be greater or equal to other.dim() and "
            "(input.dim() - other.dim()) <= 1"
        )
    vector = len(given) == len(shape) - 1 and given == shape[:-1]
    if vector:
        B = B.unsqueeze(-1)
    if B._data_.shape[-2] != shape[-2]:
        raise RuntimeError("torch.linalg.lstsq: input.size(-2) should match other.size(-2)")
    solution = _in_place_of(B, matmul(pinv(A, rcond=rcond), B))
    count, columns = shape[-2:]
    rank = matrix_rank(A, rtol=rcond)
    full = driver == "gels" or bool(
        read_each((rank == columns).all(), "whether all is determined").all()
    )
    if driver != "gelsy" and count > columns and full:
        residuals = (matmul(A, solution) - B).abs().square().sum(-2)
    else:
        # Empty, but part of the graph.
        residuals = solution.abs().reshape(-1).narrow(0, 0, 0)
    if driver == "gels":
        rank = literal(np.empty(0, np.int64))
    if driver in ("gelsd", "gelss") and A._data_.size:
        values = svdvals(A.detach())
    else:
        values = literal(np.empty(0, np.empty(0, A._data_.dtype).real.dtype))
    if vector:
        solution = solution.squeeze(-1)
        residuals = residuals.squeeze(-1) if residuals._data_.ndim > 1 else residuals
    return write_outs(out, return_types.linalg_lstsq((solution, residuals, rank, values)))


def _in_place_of(B: Tensor, solution: Tensor) -> Tensor:
    """The solution where LAPACK leaves it: in the first rows of the memory of B, column by column."""
    count, width = solution._data_.shape[-2], B._data_.shape[-2]
    if count >= width:
        return in_columns(solution)
    rest = B.narrow(-2, count, width - count) * 0
    return in_columns(cat([solution, rest], -2)).narrow(-2, 0, count)


def pinv(
    A: Tensor,
    rtol: Any = None,
    *,
    atol: Any = None,
    rcond: Any = None,
    hermitian: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """The pseudoinverse: singular values up to the tolerance count as zero."""
    limits = [_plain(t, A) for t in (rtol if rcond is None else rcond, atol)]
    result = apply(inverse_rows.pinv, A, rtol=limits[0], atol=limits[1], hermitian=hermitian)
    if state.autocast is not None:
        # It ends in a product of matrices.
        (result,) = lowered(result)
    return write_out(out, result)


def _plain(tolerance: Any, A: Tensor) -> Any:
    """The numbers of a tolerance; of a batch of them, so that they go with a batch of A."""
    if not isinstance(tolerance, TensorBase):
        return tolerance
    values = read_each(tolerance, "a tolerance")
    lead, own = values.ndim - tolerance._data_.ndim, tolerance._data_.ndim
    missing = max(A._data_.ndim - 2 - own, 0) if lead else 0
    return values.reshape((*values.shape[:lead], *(1,) * missing, *values.shape[lead:]))


@in_single
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """`linalg.pinv` with a relative tolerance of rcond."""
    return pinv(input, rtol=rcond)


@in_single
def matrix_rank(
    A: Tensor,
    tol: Any = None,
    *,
    rtol: Any = None,
    atol: Any = None,
    hermitian: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """How many singular values exceed the tolerance."""
    if tol is not None:
        rtol, atol = 0.0, tol
    sizes = eigvalsh(A.detach()).abs() if hermitian else svdvals(A.detach())
    limits = [
        t if isinstance(t, TensorBase) or t is None else literal(np.asarray(t))
        for t in (rtol, atol)
    ]
    return write_out(out, computed(_rank, sizes, *limits, shape=A._data_.shape[-2:]))


def _rank(sizes: Array, rtol: Any, atol: Any, shape: tuple[int, ...]) -> Array:
    """How many of these singular values are larger than the tolerance."""
    largest = sizes.max(-1, keepdims=True, initial=0.0)
    limit = inverse_rows.cut(largest, shape, sizes.dtype, rtol, atol)
    return rows_of((sizes > limit).sum(-1))


# ---- determinants -------------------------------------------------------------------------------


def det(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The determinant of a square matrix, or of each of a batch."""
    return write_out(out, apply(rows.det, input), same=True)


def slogdet(input: Tensor, *, out: Any = None) -> Any:
    """Sign and logarithm of the absolute value of the determinant."""
    return write_outs(out, return_types.slogdet(apply(rows.slogdet, input)))


def linalg_slogdet(A: Tensor, *, out: Any = None) -> Any:
    """Sign and logarithm of the absolute value of the determinant."""
    return write_outs(out, return_types.linalg_slogdet(apply(rows.slogdet, A)))


def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinant: nan where that is negative."""
    sign, logabs = apply(rows.slogdet, input)
    if input._data_.dtype.kind == "c":
        return logabs + sign.log()
    negative = read_each((sign < 0).any(), "whether a determinant is negative")
    filled = logabs.masked_fill(sign < 0, float("nan")) if negative.any() else logabs
    return relabel(filled, "WhereBackward0")


# ---- factors ------------------------------------------------------------------------------------


@in_single
def cholesky(input: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """L with L @ L.mH = input, which must be positive-definite; with upper, its transpose."""
    lower = apply(rows.cholesky, input)
    return write_out(out, in_columns(rows.h(lower).resolve_conj()) if upper else lower)


@in_single
def cholesky_solve(
    B: Tensor, L: Tensor, upper: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """X with A @ X = B, from the Cholesky factor L of A."""
    return write_out(out, apply(inverse_rows.cholesky_solve, B, L, upper=upper))


@in_single
def cholesky_inverse(L: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The inverse of A, from its Cholesky factor L."""
    eye = np.broadcast_to(np.eye(L._data_.shape[-1], dtype=L._data_.dtype), L._data_.shape)
    return cholesky_solve(literal(eye.copy()), L, upper, out=out)


@in_single
def qr(input: Tensor, some: bool = True, *, out: Any = None) -> Any:
    """Q with orthonormal columns and upper triangular R with Q @ R = input."""
    warn_once(
        "torch.qr is deprecated in favor of torch.linalg.qr and will be removed in a future PyTorch release.\n"
        "The boolean parameter 'some' has been replaced with a string parameter 'mode'.\n"
        "Q, R = torch.qr(A, some)\nshould be replaced with\n"
        "Q, R = torch.linalg.qr(A, 'reduced' if some else 'complete')"
    )
    return write_outs(out, return_types.qr(apply(rows.qr, input, complete=not some)))


@in_single
def linalg_qr(A: Tensor, mode: str = "reduced", *, out: Any = None) -> Any:
    """Q and R; mode "complete" makes Q square, "r" leaves it out."""
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or "
            "'complete'"
        )
    q, r = apply(rows.qr, A, complete=mode == "complete")
    if mode == "r":
        q = literal(np.empty(0, A._data_.dtype))
    return write_outs(out, return_types.linalg_qr((q, r)))


@in_single
def svd(input: Tensor, some: bool = True, compute_uv: bool = True, *, out: Any = None) -> Any:
    """U, S, V with U @ diag(S) @ V.mH = input."""
    u, s, vh = apply(rows.svd, input, full=not some)
    return write_outs(out, return_types.svd((u, s, rows.h(vh))))


@in_single
def linalg_svd(
    A: Tensor, full_matrices: bool = True, *, driver: Any = None, out: Any = None
) -> Any:
    """U, S, Vh with U @ diag(S) @ Vh = A."""
    return write_outs(out, return_types.linalg_svd(apply(rows.svd, A, full=full_matrices)))


@in_single
def svdvals(A: Tensor, *, driver: Any = None, out: Tensor | None = None) -> Tensor:
    """The singular values, largest first."""
    return write_out(out, apply(rows.svd, A, full=False)[1], same=True)


@in_single
def eigh(A: Tensor, UPLO: str = "L", *, out: Any = None) -> Any:
    """Eigenvalues, ascending, and eigenvectors of a symmetric or Hermitian matrix."""
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    pair = apply(rows.eigh, A, upper=UPLO.upper() == "U")
    return write_outs(out, return_types.linalg_eigh(pair))


@in_single
def eigvalsh(A: Tensor, UPLO: str = "L", *, out: Tensor | None = None) -> Tensor:
    """The eigenvalues of a symmetric or Hermitian matrix, ascending."""
    return write_out(out, eigh(A, UPLO)[0], same=True)


@in_single
def eig(A: Tensor, *, out: Any = None) -> Any:
    """Eigenvalues and eigenvectors, complex, of any square matrix."""
    return write_outs(out, return_types.linalg_eig(apply(rows.eig, A)))


@in_single
def eigvals(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The eigenvalues, complex, of any square matrix."""
    return write_out(out, apply(rows.eig, A)[0])


def matrix_exp(input: Tensor) -> Tensor:
    """The exponential of a square matrix: 1 + A + A @ A / 2 + ..."""
    return apply(rows.matrix_exp, input)


def multi_dot(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The product of several matrices (a vector may stand at either end), in the cheapest order.

    The order is found by dynamic programming over the sizes (Cormen et al., "Introduction to
    Algorithms", 15.2).
    """
    parts = list(tensors)
    if state.autocast is not None:
        need_one_type("multi_dot", *parts)
    if len(parts) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(parts)}")
    first_vector, last_vector = parts[0]._data_.ndim == 1, parts[-1]._data_.ndim == 1
    if first_vector:
        parts[0] = parts[0].unsqueeze(0)
    if last_vector:
        parts[-1] = parts[-1].unsqueeze(-1)
    for i, part in enumerate(parts):
        if part._data_.ndim != 2:
            raise RuntimeError(f"multi_dot(): tensor {i} must be 2D but got {part._data_.ndim}D")
    sizes = [p._data_.shape[0] for p in parts] + [parts[-1]._data_.shape[1]]
    cut = _cheapest_cuts(sizes)

    def product(i: int, j: int) -> Tensor:
        return parts[i] if i == j else matmul(product(i, cut[i][j]), product(cut[i][j] + 1, j))

    result = product(0, len(parts) - 1)
    shape = result._data_.shape[first_vector : 2 - last_vector]
    return write_out(out, result.view(shape), same=True)


def chain_matmul(*matrices: Tensor, out: Tensor | None = None) -> Tensor:
    """The product of several matrices, given one by one, in the cheapest order."""
    warn_once(
        "torch.chain_matmul is deprecated and will be removed in a future PyTorch release. Use "
        "torch.linalg.multi_dot instead, which accepts a list of two or more tensors rather than "
        "multiple parameters."
    )
    return multi_dot(matrices, out=out) if len(matrices) > 1 else matrices[0]


def _cheapest_cuts(sizes: list[int]) -> list[list[int]]:
    n = len(sizes) - 1
    cost = [[0.0] * n for _ in range(n)]
    cut = [[0] * n for _ in range(n)]
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            cost[i][j] = math.inf
            for k in range(i, j):
                price = cost[i][k] + cost[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1]
                if price < cost[i][j]:
                    cost[i][j], cut[i][j] = price, k
    return cut


@in_single
def cond(A: Tensor, p: Any = None, *, out: Tensor | None = None) -> Tensor:
    """The condition number: the norm of A times that of its inverse."""
    if p in (None, 2, -2):
        values = svdvals(A)
        low, high = values.select(-1, -1), values.select(-1, 0)
        return write_out(out, low / high if p == -2 else high / low)
    return write_out(out, matrix_norm(A, p) * matrix_norm(inverse(A), p))


@in_half
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """Sums of products along dim; the first operand is conjugated."""
    need_tensor("linalg_vecdot", "x", 1, x)
    need_tensor("linalg_vecdot", "y", 2, y)
    if x._data_.dtype.kind not in "fcV":
        raise RuntimeError(
            f"linalg.vecdot: Expected a floating point or complex tensor as input. Got {x.dtype.word}"
        )
    if x._data_.dtype != y._data_.dtype:
        raise RuntimeError(
            f"linalg.vecdot: Expected x and y to have the same dtype, but found x of type {x.dtype.word} "
            f"and y of type {y.dtype.word} instead"
        )
    return write_out(out, (x.conj() * y).sum(dim), same=True)


@in_single
def tensorinv(A: Tensor, ind: int = 2, *, out: Tensor | None = None) -> Tensor:
    """The inverse for tensordot: dimensions up to ind against the rest."""
    shape = A._data_.shape
    rows_, columns = math.prod(shape[:ind]), math.prod(shape[ind:])
    if ind <= 0:
        raise RuntimeError("Expected a strictly positive integer for 'ind'")
    if rows_ != columns:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == "
            f"prod(self.shape[:ind]), but got {columns} != {rows_}"
        )
    inverted = inverse(A.reshape(rows_, columns))
    return write_out(out, inverted.reshape((*shape[ind:], *shape[:ind])))


@in_single
def tensorsolve(A: Tensor, B: Tensor, dims: Any = None, *, out: Tensor | None = None) -> Tensor:
    """X with tensordot(A, X, X.ndim) = B."""
    if dims is not None:
        A = A.movedim(tuple(dims), tuple(range(A._data_.ndim - len(dims), A._data_.ndim)))
    rest = A._data_.shape[B._data_.ndim :]
    size = math.prod(rest)
    if size != math.prod(B._data_.shape):
        raise RuntimeError(
            f"Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
            f"prod(self.shape[:other.ndim]), but got {size} != {B._data_.size}"
        )
    return write_out(out, solve(A.reshape(size, size), B.reshape(-1)).reshape(rest))


def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """Powers 0 to N - 1 of each element, along a new last dimension.

    >>> import rushlight as torch
    >>> torch.linalg.vander(torch.tensor([2, 3]), N=3)
    tensor([[1, 2, 4],
            [1, 3, 9]])
    """
    need_tensor("linalg_vander", "x", 1, x)
    if x._data_.dtype in NARROW:
        raise RuntimeError(
            "linalg.vander supports floating point, complex, and integer tensors, but got "
            f"{x.dtype.word}"
        )
    if not x._data_.ndim:
        x = x.unsqueeze(0)
    shape = x._data_.shape
    count = shape[-1] if N is None else N
    if count <= 1:
        raise RuntimeError("N must be greater than 1.")
    powers = x.unsqueeze(-1).expand((*shape, count - 1)).cumprod(-1)
    return cat([powers.new_ones((*shape, 1)), powers], -1)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """A view of the diagonals of matrices."""
    return A.diagonal(offset, dim1, dim2)
