"""Rows whose factors come packed in one matrix, as LAPACK leaves them: LU with its row exchanges, LDL, QR.

The derivative of LU is that of the square case (for instance in de Hoog, Anderssen and Lukas,
"Differentiation of matrix functionals using triangular factorization", 2011), to which the rows or
columns that a rectangular matrix has in excess are added as products with the inverse factors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.tensor import Array
from rushlight.primitives.constant import computed
from rushlight.primitives.factor import (
    floating,
    h,
    lapack,
    solve_triangular,
    square,
    well_conditioned,
)
from rushlight.primitives.families import draw, missing
from rushlight.primitives.join import cat
from rushlight.primitives.placement import in_columns
from rushlight.primitives.view import triangle


def permutation(pivots: Array, rows: int, dtype: Any) -> Array:
    """The matrix P of A = P @ L @ U, from LAPACK's exchanges of rows (counted from 1)."""
    batch = pivots.shape[:-1]
    order = np.broadcast_to(np.arange(rows), (*batch, rows)).copy()
    for i in range(pivots.shape[-1]):
        other = pivots[..., i : i + 1].astype(np.int64) - 1
        first, second = order[..., i : i + 1].copy(), np.take_along_axis(order, other, -1)
        order[..., i : i + 1] = second
        np.put_along_axis(order, other, first, -1)
    return np.swapaxes(np.eye(rows, dtype=dtype)[order], -1, -2)


def order_of(pivots: Any, rows: int, dtype: Any) -> Any:
    """`permutation` of a tensor."""
    return computed(permutation, pivots, rows=rows, dtype=dtype)


@in_columns(0)
def _lu_factor(x: Array) -> tuple[Array, Array, Array]:
    floating("linalg.lu_factor", x)
    batch, inner = x.shape[:-2], min(x.shape[-2:])
    out = x.copy()
    pivots = np.empty((*batch, inner), np.int32)
    pivots[:] = np.arange(1, inner + 1)
    info = np.zeros(batch, np.int32)
    if x.size:
        factorise = lapack("getrf", x)
        for place in np.ndindex(batch):
            out[place], exchanges, info[place] = factorise(x[place])
            pivots[place] = exchanges + 1
    return out, pivots, info


def _lu_rule(x: Array) -> list[Spec]:
    if x.ndim < 2:
        raise RuntimeError(
            "linalg.lu_factor: The input tensor A must have at least 2 dimensions, got shape "
            f"{list(x.shape)}"
        )
    integer = np.dtype(np.int32)
    pivots = (*x.shape[:-2], min(x.shape[-2:]))
    return [(x.shape, x.dtype), (pivots, integer), (x.shape[:-2], integer)]


def _lu_vjp(g: Any, out: Any) -> Any:
    packed, pivots = out[0], out[1]
    gradient = g[0]
    if gradient is None:
        return (None,)
    rows, columns = packed.shape[-2:]
    k = min(rows, columns)
    square, given = packed.narrow(-2, 0, k).narrow(-1, 0, k), gradient.narrow(-2, 0, k)
    upper = triangle(square, diagonal=0, upper=True)
    below = triangle(given.narrow(-1, 0, k), diagonal=-1, upper=False)
    above = triangle(given.narrow(-1, 0, k), diagonal=0, upper=True)

    def under_lower(x: Any) -> Any:
        """inv(L)^H x: only what stands below the diagonal of `square` is read."""
        return solve_triangular(h(square), x, upper=True, unit=True)

    def over_upper(x: Any) -> Any:
        """x inv(U)^H."""
        return h(solve_triangular(upper, h(x), upper=True, unit=False))

    lower = triangle(square, diagonal=-1, upper=False)
    left = below + h(lower) @ below
    if columns > k:
        more = given.narrow(-1, k, columns - k)
        left = left - more @ h(packed.narrow(-2, 0, k).narrow(-1, k, columns - k))
    if rows > k:
        rest = over_upper(gradient.narrow(-2, k, rows - k))
        above = above - h(packed.narrow(-2, k, rows - k)) @ rest
    middle = triangle(left, diagonal=-1, upper=False)
    middle = middle + triangle(above @ h(upper), diagonal=0, upper=True)
    total = under_lower(over_upper(middle))
    rank = packed._data_.ndim
    if columns > k:
        total = cat(total, under_lower(more), dim=rank - 1)
    if rows > k:
        total = cat(total, rest, dim=rank - 2)
    return (order_of(pivots.detach(), rows, packed._data_.dtype) @ total,)


lu_factor: Primitive = Primitive(
    "linalg_lu_factor_ex", "factor", _lu_factor, _lu_vjp, _lu_rule, "lapack:getrf",
    lambda: [Sample((well_conditioned(1, shape),)) for shape in ((3, 3), (2, 4), (4, 2), (2, 2, 2))],
    label="LinalgLuFactorExBackward0", as_is=True,
)  # fmt: skip


def solved_anyway(a: Array, b: Array, left: bool) -> Array:
    """What LAPACK gives for the solution of a x = b (of x a = b) where a is singular: it divides by zero pivots."""
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    given = np.broadcast_to(a, batch + a.shape[-2:])
    out = np.broadcast_to(b if left else b.mT, batch + (b if left else b.mT).shape[-2:]).copy()
    factorise, solve = lapack("getrf", a), lapack("getrs", a)
    for place in np.ndindex(batch):
        factors, exchanges, _ = factorise(given[place])
        out[place], _ = solve(factors, exchanges, out[place], trans=0 if left else 1)
    return out if left else out.mT


# ---- LDL ----------------------------------------------------------------------------------------


def _indefinite(step: str, x: Array, hermitian: bool) -> Any:
    """LAPACK's function for symmetric (sytrf, sytrs) or complex Hermitian (hetrf, hetrs) matrices."""
    return lapack(("he" if hermitian and x.dtype.kind == "c" else "sy") + step, x)


@in_columns(0)
def _ldl_factor(x: Array, *, hermitian: bool) -> tuple[Array, Array, Array]:
    square("torch.linalg.ldl_factor_ex", x)
    out, pivots = np.zeros_like(x), np.empty(x.shape[:-1], np.int32)
    info = np.zeros(x.shape[:-2], np.int32)
    if x.size:
        factorise = _indefinite("trf", x, hermitian)
        for place in np.ndindex(info.shape):
            packed, pivots[place], info[place] = factorise(x[place], lower=1)
            out[place] = np.tril(packed)
    return out, pivots, info


def _ldl_rule(x: Array, *, hermitian: bool) -> list[Spec]:
    square("torch.linalg.ldl_factor_ex", x)
    integer = np.dtype(np.int32)
    return [(x.shape, x.dtype), (x.shape[:-1], integer), (x.shape[:-2], integer)]


@in_columns(0)
def _ldl_solve(x: Array, pivots: Array, b: Array, *, hermitian: bool) -> Array:
    batch = np.broadcast_shapes(x.shape[:-2], b.shape[:-2])
    out = np.broadcast_to(b, batch + b.shape[-2:]).copy()
    if out.size:
        x, pivots = (
            np.broadcast_to(x, batch + x.shape[-2:]),
            np.broadcast_to(pivots, batch + pivots.shape[-1:]),
        )
        solve = _indefinite("trs", x, hermitian)
        for place in np.ndindex(batch):
            out[place], _ = solve(x[place], pivots[place], b=out[place], lower=1)
    return out


def _ldl_solve_rule(x: Array, pivots: Array, b: Array, *, hermitian: bool) -> Spec:
    return np.broadcast_shapes(x.shape[:-2], b.shape[:-2]) + b.shape[-2:], b.dtype


def _symmetric(seed: int, shape: tuple[int, ...]) -> Array:
    x = draw(seed, shape)
    return x + np.swapaxes(x, -1, -2)


def _factored(seed: int, shape: tuple[int, ...]) -> tuple[Array, Array]:
    return _ldl_factor(_symmetric(seed, shape), hermitian=False)[:2]


# torch has no derivatives for these.
ldl_factor = Primitive(
    "linalg_ldl_factor_ex", "factor", _ldl_factor, (missing("linalg_ldl_factor_ex"),), _ldl_rule,
    "lapack:sytrf",
    lambda: [Sample((_symmetric(1, shape),), {"hermitian": True}) for shape in ((3, 3), (2, 2, 2))],
    label="torch::autograd::NotImplemented", as_is=True,
)  # fmt: skip
ldl_solve = Primitive(
    "linalg_ldl_solve", "factor", _ldl_solve,
    (missing("linalg_ldl_solve"), None, missing("linalg_ldl_solve")), _ldl_solve_rule,
    "lapack:sytrs",
    lambda: [Sample((*_factored(1, (3, 3)), draw(2, (3, 2))), {"hermitian": False})],
    label="torch::autograd::NotImplemented", as_is=True,
)  # fmt: skip

# ---- QR -----------------------------------------------------------------------------------------


@in_columns(0)
def _geqrf(x: Array) -> tuple[Array, Array]:
    floating("geqrf", x)
    packed, tau = np.linalg.qr(x, mode="raw")
    return np.swapaxes(packed, -1, -2), tau


def _geqrf_rule(x: Array) -> list[Spec]:
    if x.ndim < 2:
        raise RuntimeError("torch.geqrf: input must have at least 2 dimensions.")
    return [(x.shape, x.dtype), ((*x.shape[:-2], min(x.shape[-2:])), x.dtype)]


def no_derivative(g: Any) -> Any:
    """torch has none either."""
    raise NotImplementedError("the derivative for 'geqrf' is not implemented: use torch.linalg.qr")


geqrf: Primitive = Primitive(
    "geqrf", "factor", _geqrf, (no_derivative,), _geqrf_rule, "lapack:geqrf",
    lambda: [Sample((draw(1, (3, 2)),)), Sample((draw(2, (2, 2, 3)),))], as_is=True,
)  # fmt: skip
