"""Factors and solutions with a number for each matrix that says where it went wrong: the `_ex` of torch.linalg."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import return_types
from rushlight.core.doors import apply, literal, read
from rushlight.core.tensor import Array, wrap
from rushlight.ops.algebra import cholesky, solve
from rushlight.ops.arguments import write_outs
from rushlight.ops.precision import in_single
from rushlight.primitives import factor as rows
from rushlight.primitives import packed as packed_rows

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def _guarded(
    run: Callable[[Tensor], Tensor],
    A: Tensor,
    faults: Callable[[Array], Array],
    check_errors: bool,
) -> tuple[Tensor, Tensor]:
    """run(A), and for each matrix a number that is 0 if all went well; else the result is nan."""
    try:
        return run(A), literal(np.zeros(A._data_.shape[:-2], np.int32))
    except rows.LinAlgError:
        if check_errors:
            raise
    good = wrap(np.asarray((info := faults(read(A, "which matrices fail"))) == 0)[..., None, None])
    safe = A.where(good, literal(np.eye(A._data_.shape[-1], dtype=A._data_.dtype)))
    return run(safe).where(good, math.nan), wrap(info)


def _zero_pivots(a: Array) -> Array:
    return packed_rows.lu_factor.forward(a)[2]


@in_single
def inv_ex(A: Tensor, *, check_errors: bool = False, out: Any = None) -> Any:
    """The inverse, and where a pivot was zero (0: nowhere); a singular matrix gives nan."""
    pair = _guarded(lambda a: apply(rows.inv, a), A, _zero_pivots, check_errors)
    return write_outs(out, return_types.linalg_inv_ex(pair))


def solve_ex(
    A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False, out: Any = None
) -> Any:
    """`solve`, and where a pivot was zero (0: nowhere); a singular matrix gives nan."""
    a, b = A._data_, B._data_
    vector = b.ndim == 1 or (a.ndim - 1 == b.ndim and b.shape == a.shape[:-1])
    right = B.unsqueeze(-1) if vector else B
    result, info = _guarded(lambda m: solve(m, right, left=left), A, _zero_pivots, check_errors)
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
