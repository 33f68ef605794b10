"""Factorisations kept packed in one matrix, as LAPACK leaves them, and what is computed from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import return_types
from rushlight.core.doors import apply, check, literal
from rushlight.errors import warn_once
from rushlight.narrow import need_wide
from rushlight.ops.arguments import need_tensor, relabel, write_out, write_outs
from rushlight.ops.conversion import in_columns, in_rows
from rushlight.ops.joining import cat
from rushlight.ops.precision import in_single
from rushlight.ops.product import matmul
from rushlight.primitives import factor
from rushlight.primitives import packed as rows
from rushlight.primitives.factor import h
from rushlight.primitives.view import triangle

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

# ---- LU -----------------------------------------------------------------------------------------


def lu_factor_ex(
    A: Tensor, *, pivot: bool = True, check_errors: bool = False, out: Any = None
) -> Any:
    """L and U in one matrix, the exchanges of rows, and where U has its first zero (0: nowhere)."""
    need_tensor("linalg_lu_factor_ex", "A", 1, A)
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")
    result = return_types.linalg_lu_factor_ex(apply(rows.lu_factor, A))
    if check_errors:
        _check_pivots("linalg.lu_factor_ex", result.info, _NO_LU)
    return write_outs(out, result)


def lu_factor(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """L and U in one matrix, and the exchanges of rows; A may be of any shape.

    >>> import rushlight as torch
    >>> torch.linalg.lu_factor(torch.tensor([[0.0, 1.0], [2.0, 3.0]])).pivots
    tensor([2, 2], dtype=torch.int32)
    """
    packed, pivots, info = lu_factor_ex(A, pivot=pivot)
    _check_pivots("linalg.lu_factor", info, _NO_LU)
    return write_outs(out, return_types.linalg_lu_factor((packed, pivots)))


def _check_pivots(name: str, info: Tensor, words: str) -> None:
    """Raise an error of these words, {0} being the first place at which a factor is zero."""
    failed = check(info, "that all could be factorized")
    if failed.any():
        raise RuntimeError(f"torch.{name}: {words.format(int(failed[failed != 0][0]))}")


_NO_LDL = (
    "D[{0},{0}] is zero, and ldl_solve would divide by it: A is singular. linalg.ldl_factor_ex(A) gives the "
    "factors all the same"
)
_NO_LU = (
    "U[{0},{0}] is zero and using it on lu_solve would result in a division by zero. If you still want to "
    "perform the factorization, consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
)


def linalg_lu(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """P, L and U with A = P @ L @ U: L unit lower and U upper triangular, P a permutation."""
    packed, pivots, _ = lu_factor_ex(A, pivot=pivot)
    lower, upper = relabel(_unpacked(packed), "LinalgLuBackward0")
    order = in_rows(rows.order_of(pivots, A._data_.shape[-2], A._data_.dtype))
    return write_outs(out, return_types.linalg_lu((order, lower, upper)))


def lu_unpack(
    LU_data: Tensor,
    LU_pivots: Tensor,
    unpack_data: bool = True,
    unpack_pivots: bool = True,
    *,
    out: Any = None,
) -> Any:
    """P, L and U from what `lu_factor` gives."""
    need_tensor("lu_unpack", "LU_data", 1, LU_data)
    if unpack_pivots:
        _need_int32("lu_unpack", "LU_pivots", LU_pivots)
    pair = _unpacked(LU_data) if unpack_data else (_none_of(LU_data), _none_of(LU_data))
    lower, upper = relabel(pair, "LuUnpackBackward0")
    kind = LU_data._data_.dtype
    if unpack_pivots:
        order = in_rows(rows.order_of(LU_pivots, LU_data._data_.shape[-2], kind))
    else:
        order = literal(np.empty(0, kind))
    return write_outs(out, return_types.lu_unpack((order, lower, upper)))


def _unpacked(packed: Tensor) -> tuple[Tensor, Tensor]:
    size = packed._data_.shape
    k = min(size[-2:])
    left = triangle(packed.narrow(-1, 0, k), diagonal=-1, upper=False)
    ones = np.eye(size[-2], k, dtype=packed._data_.dtype)
    return left + literal(ones), triangle(packed.narrow(-2, 0, k), diagonal=0, upper=True)


def _none_of(x: Tensor) -> Tensor:
    return x.reshape(-1).narrow(0, 0, 0)


def _need_int32(name: str, what: str, pivots: Tensor) -> None:
    if pivots._data_.dtype != np.int32:
        raise RuntimeError(
            f"{name}: {what} should be a Tensor of scalar type torch.int32, as lu_factor gives them, "
            f"but got {pivots.dtype}"
        )


@in_single
def linalg_lu_solve(
    LU: Tensor,
    pivots: Tensor,
    B: Tensor,
    *,
    left: bool = True,
    adjoint: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """X with A @ X = B (X @ A = B with left=False; A.mH for A if adjoint), from `lu_factor(A)`."""
    _need_int32("linalg.lu_solve", "pivots", pivots)
    if not left:
        turned = linalg_lu_solve(LU, pivots, h(B), adjoint=not adjoint)
        return write_out(out, h(turned))
    factor.square("linalg.lu_solve", LU._data_)
    n, given = LU._data_.shape[-1], B._data_.shape
    if n != given[-2]:
        raise RuntimeError(
            "linalg.lu_solve: Incompatible shapes of A and B for the equation AX = B "
            f"({n}x{n} and {given[-2]}x{given[-1]})"
        )
    order = rows.order_of(pivots, n, LU._data_.dtype)
    upper = triangle(LU, diagonal=0, upper=True)
    solve = factor.solve_triangular
    if adjoint:
        half = solve(h(upper), B, upper=False, unit=False)
        result = matmul(order, solve(h(LU), half, upper=True, unit=True))
    else:
        half = solve(LU, matmul(order.mT, B), upper=False, unit=True)
        result = solve(upper, half, upper=True, unit=False)
    return write_out(out, relabel(in_columns(result), "LinalgLuSolveBackward0"))


@in_single
def lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out: Tensor | None = None) -> Tensor:
    """X with A @ X = b, from `lu_factor(A)`."""
    warn_once(
        "torch.lu_solve is deprecated in favor of torch.linalg.lu_solve and will be removed in a future "
        "PyTorch release."
    )
    return linalg_lu_solve(LU_data, LU_pivots, b, out=out)


@in_single
def lu(A: Tensor, pivot: bool = True, get_infos: bool = False, out: Any = None) -> Any:
    """`linalg.lu_factor` under its older name; with get_infos a third result says where U is zero."""
    warn_once(
        "torch.lu is deprecated in favor of torch.linalg.lu_factor / torch.linalg.lu_factor_ex and will "
        "be removed in a future PyTorch release."
    )
    packed, pivots, info = lu_factor_ex(A, pivot=pivot)
    if get_infos:
        return write_outs(out, return_types._lu_with_info((packed, pivots, info)))
    return write_outs(out, (packed, pivots))


# ---- LDL ----------------------------------------------------------------------------------------


def ldl_factor_ex(
    A: Tensor, *, hermitian: bool = False, check_errors: bool = False, out: Any = None
) -> Any:
    """L and D of A = L @ D @ L.mT packed in one matrix, the exchanges of rows, and 0 or where D is 0.

    A is symmetric, or Hermitian (A = L @ D @ L.mH) if hermitian; only its lower half is read. LAPACK's
    sytrf and hetrf describe the packing.
    """
    need_tensor("linalg_ldl_factor_ex", "A", 1, A)
    result = return_types.linalg_ldl_factor_ex(apply(rows.ldl_factor, A, hermitian=hermitian))
    if check_errors:
        _check_pivots("linalg.ldl_factor_ex", result.info, _NO_LDL)
    return write_outs(out, result)


def ldl_factor(A: Tensor, *, hermitian: bool = False, out: Any = None) -> Any:
    """L and D of A = L @ D @ L.mT packed in one matrix, and the exchanges of rows: see ldl_factor_ex.

    >>> import rushlight as torch
    >>> torch.linalg.ldl_factor(torch.tensor([[2.0, 1.0], [1.0, 3.0]])).LD
    tensor([[2.0000, 0.0000],
            [0.5000, 2.5000]])
    """
    packed, pivots, info = ldl_factor_ex(A, hermitian=hermitian)
    _check_pivots("linalg.ldl_factor", info, _NO_LDL)
    return write_outs(out, return_types.linalg_ldl_factor((packed, pivots)))


def ldl_solve(
    LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False, out: Tensor | None = None
) -> Tensor:
    """X with A @ X = B, from `ldl_factor(A, hermitian=hermitian)`."""
    name = "torch.linalg.ldl_solve"
    factor.square(name, LD._data_)
    n, given = LD._data_.shape[-1], B._data_.shape
    if len(given) < 2:
        raise IndexError(f"{name}: B must have at least 2 dimensions, got shape {list(given)}")
    if given[-2] != n:
        raise RuntimeError(
            f"Incompatible matrix sizes for {name}: each A matrix is {n} by {n} but each b matrix is "
            f"{given[-2]} by {given[-1]}"
        )
    if pivots._data_.shape != LD._data_.shape[:-1]:
        raise RuntimeError(
            f"{name}: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with "
            f"shape {list(pivots._data_.shape)} instead"
        )
    if pivots._data_.dtype.kind not in "iu":
        raise RuntimeError(f"{name}: Expected pivots to be integers. Got {pivots.dtype.word}")
    if LD._data_.dtype != B._data_.dtype:
        raise RuntimeError(
            f"{name}: Expected b and A to have the same dtype, but found b of type {B.dtype.word} and "
            f"A of type {LD.dtype.word} instead"
        )
    result: Tensor = apply(rows.ldl_solve, LD, pivots, B, hermitian=hermitian)
    return write_out(out, result)


# ---- reflections --------------------------------------------------------------------------------


@in_single
def geqrf(input: Tensor, *, out: Any = None) -> Any:
    """R, below it the vectors of the reflections that make up Q, and their factors tau."""
    need_tensor("geqrf", "input", 1, input)
    return write_outs(out, return_types.geqrf(apply(rows.geqrf, input)))


@in_single
def householder_product(A: Tensor, tau: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The first columns of the product of the reflections that `geqrf` leaves: Q."""
    _check_reflections("linalg.householder_product", A, tau)
    need_wide("orgqr_cpu", A._data_)
    shape = A._data_.shape
    start = literal(np.broadcast_to(np.eye(*shape[-2:], dtype=A._data_.dtype), shape).copy())
    result = _reflected(A, tau, start, False)
    return write_out(out, relabel(in_columns(result), "LinalgHouseholderProductBackward0"))


orgqr = householder_product


@in_single
def ormqr(
    input: Tensor,
    tau: Tensor,
    other: Tensor,
    left: bool = True,
    transpose: bool = False,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Q @ other with Q of `geqrf`; other @ Q with left=False, and Q.mH for Q with transpose."""
    _check_reflections("ormqr", input, tau)
    need_wide("ormqr_cpu", input._data_)
    rank, side = other._data_.ndim, -2 if left else -1
    if rank != input._data_.ndim:
        raise RuntimeError(
            "torch.ormqr: Expected other to have the same number of dimensions as input, but got "
            f"other.ndim {rank} and input.ndim {input._data_.ndim}"
        )
    if other._data_.shape[side] != input._data_.shape[-2]:
        raise RuntimeError(
            f"torch.ormqr: other.shape[{side}] must be equal to input.shape[-2], but they are "
            f"{other._data_.shape[side]} and {input._data_.shape[-2]}"
        )
    if left:
        result = _reflected(input, tau, other, transpose)
    else:
        result = h(_reflected(input, tau, h(other), not transpose))
    result = in_columns(result.clone() if result is other else result)
    return write_out(out, relabel(result, "OrmqrBackward0"))


def _check_reflections(name: str, A: Tensor, tau: Tensor) -> None:
    need_tensor(name, "input", 1, A)
    shape, factors = A._data_.shape, tau._data_.shape
    if len(shape) < 2:
        raise RuntimeError(f"torch.{name}: input must have at least 2 dimensions.")
    if name != "ormqr" and shape[-2] < shape[-1]:
        raise RuntimeError(
            f"torch.{name}: input.shape[-2] must be greater than or equal to input.shape[-1]"
        )
    if factors[-1:] and shape[-1] < factors[-1]:
        raise RuntimeError(
            f"torch.{name}: input.shape[-1] must be greater than or equal to tau.shape[-1]"
        )
    if len(factors) != len(shape) - 1 or factors[:-1] != shape[:-2]:
        raise RuntimeError(
            f"torch.{name}: Expected tau to have one dimension less than input and the same batch, but "
            f"got tau of shape {list(factors)} and input of shape {list(shape)}"
        )
    if A._data_.dtype != tau._data_.dtype:
        raise RuntimeError(
            f"torch.{name}: tau dtype {tau.dtype} does not match input dtype {A.dtype}"
        )


def _reflected(A: Tensor, tau: Tensor, x: Tensor, transpose: bool) -> Tensor:
    """The product of all 1 - tau v v^H, or its conjugate transpose, times x."""
    batch, rows_ = A._data_.shape[:-2], A._data_.shape[-2]
    count = tau._data_.shape[-1]
    order = range(count) if transpose else range(count - 1, -1, -1)
    factors = tau.conj() if transpose else tau
    if not count:
        # No reflection: x, but part of A's graph, as in torch.
        x = A.where(literal(np.zeros((), bool)), x) if A._data_.shape == x._data_.shape else x
    for i in order:
        head = np.zeros((*batch, i + 1, 1), A._data_.dtype)
        head[..., i, 0] = 1
        below = A.narrow(-1, i, 1).narrow(-2, i + 1, rows_ - i - 1)
        v = cat([literal(head), below], -2)
        x = x - factors.narrow(-1, i, 1).unsqueeze(-1) * matmul(v, matmul(h(v), x))
    return x


# ---- triangles ----------------------------------------------------------------------------------


@in_single
def triangular_solve(
    b: Tensor,
    A: Tensor,
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
    *,
    out: Any = None,
) -> Any:
    """X with A @ X = b for a triangular A, and a copy of A; `linalg.solve_triangular` is newer."""
    warn_once(
        "torch.triangular_solve is deprecated in favor of torch.linalg.solve_triangular and will be removed "
        "in a future PyTorch release."
    )
    for name, x in (("b", b), ("A", A)):
        if x._data_.ndim < 2:
            raise RuntimeError(
                f"torch.triangular_solve: Expected {name} to have at least 2 dimensions, but it has "
                f"{x._data_.ndim} dimensions instead"
            )
    matrix = A.mT if transpose else A
    solution = apply(
        factor.solve_triangular, matrix, b, upper=upper != transpose, unit=unitriangular
    )
    pair = relabel((solution, in_columns(A.clone())), "TriangularSolveBackward0")
    return write_outs(out, return_types.triangular_solve(pair))
