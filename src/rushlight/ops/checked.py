"""Factors and solutions with a number for each matrix that says where it went wrong: the `_ex` of torch.linalg."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import return_types
from rushlight.core.doors import apply, literal, read
from rushlight.core.tensor import wrap
from rushlight.ops.algebra import a_vector, cholesky, solve
from rushlight.ops.arguments import write_outs
from rushlight.ops.precision import in_single
from rushlight.primitives import factor as rows
from rushlight.primitives import packed as packed_rows

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def _guarded(
    run: Callable[[Tensor], Tensor], A: Tensor, B: Tensor | None, left: bool, check_errors: bool
) -> tuple[Tensor, Tensor]:
    """run(A), and for each matrix the number of its first zero pivot (0: none); by it LAPACK divides."""
    try:
        return run(A), literal(np.zeros(A._data_.shape[:-2], np.int32))
    except rows.LinAlgError:
        if check_errors:
            raise
    a = read(A, "which matrices are singular")
    info, unit = packed_rows.lu_factor.forward(a)[2], np.eye(a.shape[-1], dtype=a.dtype)
    b = unit if B is None else read(B, "what is to be solved")
    good, kept = wrap(np.asarray(info == 0)[..., None, None]), packed_rows.solved_anyway(a, b, left)
    return run(A.where(good, literal(unit))).where(good, wrap(kept)), wrap(info)


@in_single
def inv_ex(A: Tensor, *, check_errors: bool = False, out: Any = None) -> Any:
    """The inverse, and where a pivot was zero (0: nowhere), which gives infinities and nan."""
    pair = _guarded(lambda a: apply(rows.inv, a), A, None, True, check_errors)
    return write_outs(out, return_types.linalg_inv_ex(pair))


def solve_ex(
    A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False, out: Any = None
) -> Any:
    """`solve`, and where a pivot was zero (0: nowhere), which gives infinities and nan."""
    vector = a_vector(A._data_.shape, B._data_.shape, left)
    right = B.unsqueeze(-1) if vector else B
    result, info = _guarded(lambda m: solve(m, right, left=left), A, right, left, check_errors)
    result = result.squeeze(-1) if vector else result
    return write_outs(out, return_types.linalg_solve_ex((result, info)))


@in_single
def cholesky_ex(
    input: Tensor, *, upper: bool = False, check_errors: bool = False, out: Any = None
) -> Any:
    """`cholesky` as far as LAPACK goes, and the order of the first minor that is not positive (0: none)."""
    try:
        factor, info = cholesky(input, upper), np.zeros(input._data_.shape[:-2], np.int32)
    except rows.LinAlgError:
        if check_errors:
            raise
        # A matrix that fails is left as LAPACK leaves it.
        left, info, failed = rows.partial_cholesky(read(input, "which matrices fail"))
        good, kept = wrap(~failed[..., None, None]), wrap(left)
        safe = input.where(good, literal(np.eye(input._data_.shape[-1], dtype=input._data_.dtype)))
        factor = cholesky(safe, upper).where(good, kept.mH if upper else kept)
    return write_outs(out, return_types.linalg_cholesky_ex((factor, literal(info))))
