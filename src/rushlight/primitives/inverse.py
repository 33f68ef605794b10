"""Rows for inverses by way of other factors: the pseudoinverse, and solving with Cholesky's factor."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.tensor import Array
from rushlight.primitives.factor import (
    LinAlgError,
    columns_first,
    floating,
    h,
    lapack,
    square,
    well_conditioned,
)
from rushlight.primitives.families import broadcast_shapes, draw
from rushlight.primitives.placement import in_columns

# ---- the pseudoinverse --------------------------------------------------------------------------


def cut(largest: Any, shape: tuple[int, ...], dtype: Any, rtol: Any, atol: Any) -> Any:
    """Up to which size a singular value counts as zero; tolerances may be arrays over the batch."""
    given = [t if t is None or np.ndim(t) == 0 else np.asarray(t)[..., None] for t in (rtol, atol)]
    if given[0] is None:
        positive = given[1] is not None and np.any(np.asarray(given[1]) > 0)
        given[0] = 0.0 if positive else max(shape[-2:]) * np.finfo(dtype).eps
    return np.maximum(given[0] * largest, 0.0 if given[1] is None else given[1])


def _pinv(x: Array, *, rtol: Any, atol: Any, hermitian: bool) -> Array:
    floating("linalg.pinv", x)
    if not x.size:
        return np.zeros((*x.shape[:-2], x.shape[-1], x.shape[-2]), x.dtype, like=x)
    try:
        if hermitian:
            square("linalg.pinv", x)
            s, left = np.linalg.eigh(x)
            right, size = left, np.abs(s)
        else:
            left, s, vh = np.linalg.svd(x, full_matrices=False)
            right, size = np.conj(np.swapaxes(vh, -1, -2)), s
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"linalg.pinv: {error}") from None
    keep = size > cut(size.max(-1, keepdims=True, initial=0.0), x.shape, x.dtype, rtol, atol)
    inverse = np.divide(1, s, out=np.zeros_like(s), where=keep)
    return (right * inverse[..., None, :]) @ np.conj(np.swapaxes(left, -1, -2))


def _pinv_vjp(g: Any, x: Any, out: Any) -> Any:
    # Golub and Pereyra, "The differentiation of pseudo-inverses ...", 1973.
    gh, ph = h(g), h(out)
    inside = -(ph @ g @ ph)
    left = (gh - x @ (out @ gh)) @ out @ ph
    right = ph @ out @ (gh - (gh @ out) @ x)
    return columns_first(inside + left + right)


pinv: Primitive = Primitive(
    "linalg_pinv", "factor", _pinv, (_pinv_vjp,),
    lambda x, *, rtol, atol, hermitian: ((*x.shape[:-2], x.shape[-1], x.shape[-2]), x.dtype),
    "lapack:gesdd",
    lambda: [Sample((well_conditioned(1, shape),), {"rtol": None, "atol": None, "hermitian": False})
             for shape in ((3, 3), (3, 2), (2, 2, 3))],
    label="LinalgPinvBackward0", as_is=True,
)  # fmt: skip

# ---- Cholesky's factor --------------------------------------------------------------------------


@in_columns(0)
def _cholesky_solve(b: Array, factor: Array, *, upper: bool) -> Array:
    _cholesky_solve_rule(b, factor, upper=upper)
    batch = broadcast_shapes([b.shape[:-2], factor.shape[:-2]])
    right = np.broadcast_to(b, batch + b.shape[-2:])
    given = np.broadcast_to(factor, batch + factor.shape[-2:])
    out = np.empty(right.shape, b.dtype, like=b)
    if out.size:
        solve = lapack("potrs", factor, b)
        for place in np.ndindex(batch):
            out[place], _ = solve(given[place], right[place], lower=not upper)
    return out


def _cholesky_solve_rule(b: Array, factor: Array, *, upper: bool) -> Spec:
    for name, x in (("b", b), ("u", factor)):
        if x.ndim < 2:
            raise RuntimeError(
                f"{name} should have at least 2 dimensions, but has {x.ndim} dimensions instead"
            )
    square("cholesky_solve", factor)
    if factor.shape[-1] != b.shape[-2]:
        raise RuntimeError(
            f"Incompatible matrix sizes for cholesky_solve: each A matrix is {factor.shape[-1]} by "
            f"{factor.shape[-1]} but each b matrix is {b.shape[-2]} by {b.shape[-1]}"
        )
    batch = broadcast_shapes([b.shape[:-2], factor.shape[:-2]])
    return (*batch, *b.shape[-2:]), b.dtype


def _cholesky_factor(g: Any, factor: Any, out: Any, upper: bool) -> Any:
    moved = cholesky_solve(g, factor, upper=upper) @ h(out)
    both = moved + h(moved)
    return -(factor @ both) if upper else -(both @ factor)


def _cholesky_samples() -> list[Sample]:
    lower, several = np.tril(well_conditioned(1, (3, 3))), np.tril(well_conditioned(2, (2, 2, 2)))
    return [
        Sample((draw(3, (3, 2)), lower), {"upper": False}),
        Sample((draw(3, (3, 2)), lower.T), {"upper": True}),
        Sample((draw(4, (2, 1)), several), {"upper": False}),
    ]


# The inverse of factor @ factor^H (upper: factor^H @ factor) times b; one triangle is read.
cholesky_solve: Primitive = Primitive(
    "cholesky_solve", "factor", _cholesky_solve,
    (lambda g, factor, upper: cholesky_solve(g, factor, upper=upper), _cholesky_factor),
    _cholesky_solve_rule, "lapack:potrs", _cholesky_samples, as_is=True,
)  # fmt: skip
