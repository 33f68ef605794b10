"""Rows that factorise and solve: matrices, or batches of them in the leading dimensions.

The derivatives are those of M. Giles, "An extended collection of matrix derivative results" (2008),
and, where a factor is unique only up to a phase, of M. Seeger et al., "Auto-differentiating linear
algebra" (2017), written with conjugates so that they hold for complex matrices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.arrays import as_array, need_numpy
from rushlight.core.doors import literal, read_each
from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.tensor import Array
from rushlight.kernels import refusal
from rushlight.narrow import is_narrow, need_wide
from rushlight.primitives.families import broadcast_shapes, draw
from rushlight.primitives.join import cat, stack
from rushlight.primitives.placement import in_columns
from rushlight.primitives.view import compact, triangle

Shape = tuple[int, ...]


def h(x: Any) -> Any:
    """The conjugate transpose of a tensor."""
    return x.mT.conj() if x._data_.dtype.kind == "c" else x.mT


def square(name: str, x: Array) -> None:
    """Raise torch's error unless x holds square matrices of a floating type."""
    if x.ndim < 2:
        raise RuntimeError(
            f"{name}: The input tensor A must have at least 2 dimensions, got shape {list(x.shape)}"
        )
    if x.shape[-1] != x.shape[-2]:
        raise RuntimeError(
            f"{name}: A must be batches of square matrices, but they are {x.shape[-2]} by {x.shape[-1]} "
            "matrices"
        )
    floating(name, x)


# What torch calls the kernels that lack the narrow types; it refuses them elsewhere beforehand.
_KERNELS = {
    "cholesky_solve": "cholesky_solve_cpu", "geqrf": "geqrf_cpu", "linalg.cholesky": "cholesky_cpu",
    "linalg.det": "lu_cpu", "linalg.eig": "linalg_eig_out_cpu", "linalg.eigh": "linalg_eigh_cpu",
    "linalg.lu_factor": "lu_cpu", "linalg.lu_solve": "linalg.lu_solve_cpu",
    "linalg.qr": "geqrf_cpu", "linalg.solve": "lu_cpu",
    "linalg.solve_triangular": "triangular_solve_cpu", "linalg.svd": "linalg_svd_cpu",
    "torch.linalg.ldl_factor_ex": "ldl_factor_kernel_cpu",
    "torch.linalg.ldl_solve": "ldl_solve_kernel_cpu",
}  # fmt: skip


def floating(name: str, *arrays: Array) -> None:
    """Raise torch's error for integer matrices, and for arrays that hold no matrices."""
    for x in arrays:
        if x.ndim < 2:
            raise RuntimeError(
                f"{name}: The input tensor A must have at least 2 dimensions, got shape "
                f"{list(x.shape)}"
            )
        if is_narrow(x):
            if name in _KERNELS:
                need_wide(_KERNELS[name], x)
            raise RuntimeError(
                f"{name}: Low precision dtypes not supported. Got {dtypes.of(x.dtype).word}"
            )
        if x.dtype.kind not in "fcV":
            if name in ("linalg.eigh", "linalg.lu_factor"):
                raise refusal(_KERNELS[name], dtypes.of(x.dtype))
            raise RuntimeError(
                f"{name}: Expected a floating point or complex tensor as input. "
                f"Got {dtypes.of(x.dtype).word}"
            )


def lapack(name: str, *arrays: Array) -> Any:
    """A function of LAPACK for the types of these arrays."""
    from scipy.linalg import get_lapack_funcs

    need_numpy(*arrays)
    return get_lapack_funcs(name, arrays)


def _attempt(name: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except np.linalg.LinAlgError as error:
        # torch's LinAlgError is a RuntimeError too.
        raise LinAlgError(f"{name}: {error}") from None


class LinAlgError(RuntimeError):
    """A matrix that cannot be factorised: singular, not positive-definite, no convergence."""


# What torch.linalg.LinAlgError calls itself in messages.
LinAlgError.__name__ = "_LinAlgError"


def well_conditioned(seed: int, shape: Shape) -> Array:
    """A matrix near the identity, far from singular."""
    return np.eye(shape[-2], shape[-1]) * 2 + draw(seed, shape, -0.4, 0.4)


def _matrices() -> Iterable[Sample]:
    yield Sample((well_conditioned(1, (3, 3)),))
    yield Sample((well_conditioned(2, (2, 2, 2)),))


def _squared(name: str, x: Array) -> Spec:
    square(name, x)
    return x.shape, x.dtype


# ---- inverse, solve -----------------------------------------------------------------------------


@in_columns(0)
def _inv(x: Array) -> Any:
    square("linalg.inv", x)
    try:
        return np.linalg.inv(x)
    except np.linalg.LinAlgError:
        raise LinAlgError(
            "linalg.inv: The diagonal element of the factor U is zero: the inversion could not be "
            "completed because the input matrix is singular."
        ) from None


inv: Primitive = Primitive(
    "linalg_inv_ex", "factor", _inv, (lambda g, out: -(h(out) @ g @ h(out)),),
    lambda x: _squared("linalg.inv", x), "lapack:getri", _matrices,
    label="LinalgInvExBackward0", as_is=True,
)  # fmt: skip


@in_columns(0)
def _solve(a: Array, b: Array) -> Any:
    square("linalg.solve", a)
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        raise LinAlgError(
            "linalg.solve: The solver failed because the input matrix is singular."
        ) from None


def _solve_rule(a: Array, b: Array) -> Spec:
    square("linalg.solve", a)
    if a.shape[-1] != b.shape[-2]:
        raise RuntimeError(
            f"linalg.solve: Incompatible shapes of A and B for the equation AX = B "
            f"({a.shape[-2]}x{a.shape[-1]} and {b.shape[-2]}x{b.shape[-1]})"
        )
    batch = broadcast_shapes([a.shape[:-2], b.shape[:-2]])
    return (*batch, *b.shape[-2:]), a.dtype


solve: Primitive = Primitive(
    "linalg_solve_ex", "factor", _solve,
    (
        lambda g, a, out: -(solve(h(a), g) @ h(out)),
        # The output is asked for because torch keeps it in any case.
        lambda g, a, out: solve(h(a), g),
    ),
    _solve_rule, "lapack:gesv",
    lambda: [Sample((well_conditioned(1, (3, 3)), draw(2, (3, 2)))),
             Sample((well_conditioned(1, (2, 3, 3)), draw(2, (3, 1))))],
    label="LinalgSolveExBackward0", as_is=True,
)  # fmt: skip


@in_columns(0)
def _solve_triangular(a: Array, b: Array, *, upper: bool, unit: bool) -> Any:
    import scipy.linalg

    need_numpy(a, b)
    square("linalg.solve_triangular", a)
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    left = np.broadcast_to(a, batch + a.shape[-2:])
    right = np.broadcast_to(b, batch + b.shape[-2:])
    out = np.empty(batch + b.shape[-2:], b.dtype, like=b)
    for place in np.ndindex(batch):
        try:
            out[place] = scipy.linalg.solve_triangular(
                left[place], right[place], lower=not upper, unit_diagonal=unit, check_finite=False
            )
        except np.linalg.LinAlgError:
            # As in torch, a zero on the diagonal gives infinities and no error.
            out[place] = np.inf
    return out


def _triangular_a(g: Any, a: Any, out: Any, upper: bool, unit: bool) -> Any:
    full = -(solve_triangular(h(a), g, upper=not upper, unit=unit) @ h(out))
    skip = (1 if upper else -1) if unit else 0
    return triangle(full, diagonal=skip, upper=upper)


solve_triangular: Primitive = Primitive(
    "linalg_solve_triangular", "factor", _solve_triangular,
    (
        _triangular_a,
        lambda g, a, upper, unit: solve_triangular(h(a), g, upper=not upper, unit=unit),
    ),
    lambda a, b, *, upper, unit: _solve_rule(a, b), "blas:trsm",
    lambda: [Sample((np.tril(well_conditioned(1, (3, 3))), draw(2, (3, 2))),
                    {"upper": False, "unit": False}),
             Sample((np.triu(well_conditioned(1, (3, 3))), draw(2, (3, 2))),
                    {"upper": True, "unit": True})], as_is=True,
)  # fmt: skip

# ---- determinant --------------------------------------------------------------------------------


def _slogdet(x: Array) -> Any:
    square("linalg.slogdet", x)
    sign, logabs = np.linalg.slogdet(x)
    return as_array(sign), as_array(logabs)


def _slogdet_rule(x: Array) -> list[Spec]:
    square("linalg.slogdet", x)
    return [(x.shape[:-2], x.dtype), (x.shape[:-2], np.empty(0, x.dtype).real.dtype)]


def columns_first(g: Any) -> Any:
    """A gradient with its columns one after the other in memory, as it comes from LAPACK in torch."""
    n = g._data_.ndim
    return compact(g, dims=(*range(n - 2), n - 1, n - 2))


def _slogdet_vjp(g: Any, x: Any, out: Any) -> Any:
    inverse = inv(h(x))
    total = None
    if g[1] is not None:
        total = g[1].unsqueeze(-1).unsqueeze(-1) * inverse
    if g[0] is not None and x._data_.dtype.kind == "c":
        # The sign turns with the imaginary part of the trace of inv(x) dx.
        sign = out[0]
        turn = (g[0].conj() * sign).imag * -1j
        part = turn.unsqueeze(-1).unsqueeze(-1) * inverse
        total = part if total is None else total + part
    return (None if total is None else columns_first(total),)  # the sign alone has none


slogdet: Primitive = Primitive(
    "linalg_slogdet", "factor", _slogdet, _slogdet_vjp, _slogdet_rule, "lapack:getrf", _matrices,
    as_is=True,
)  # fmt: skip


def _det(x: Array) -> Any:
    square("linalg.det", x)
    out = as_array(np.linalg.det(x))
    for place in np.argwhere(out == 0).tolist():
        out[tuple(place)] = _product_of_pivots(x[tuple(place)])
    return out


def _product_of_pivots(x: Array) -> Any:
    """A determinant of 0 has a sign: that of the product of the pivots, and of their order."""
    factorise = lapack("getrf", x)
    upper, pivots, _ = factorise(x.T)
    swaps = np.count_nonzero(pivots != np.arange(len(pivots)))
    return np.prod(upper.diagonal()) * x.dtype.type(-1 if swaps % 2 else 1)


def _det_vjp(g: Any, x: Any, out: Any) -> Any:
    wide = g.unsqueeze(-1).unsqueeze(-1)
    if not read_each((out == 0).any(), "whether a matrix is singular").any():
        return columns_first(wide * (out.unsqueeze(-1).unsqueeze(-1).conj() * inv(h(x))))
    return wide * _cofactors(x).conj()


def _cofactors(x: Any) -> Any:
    """Signed minors, which exist for singular matrices too: one determinant an element."""
    n = x.shape[-1]
    rows = []
    for i in range(n):
        others = cat(x.narrow(-2, 0, i), x.narrow(-2, i + 1, n - i - 1), dim=x._data_.ndim - 2)
        row = []
        for j in range(n):
            minor = cat(
                others.narrow(-1, 0, j), others.narrow(-1, j + 1, n - j - 1), dim=x._data_.ndim - 1
            )
            row.append(det(minor) * (-1.0) ** (i + j))
        rows.append(stack(*row, dim=x._data_.ndim - 2))
    return stack(*rows, dim=x._data_.ndim - 2)


det: Primitive = Primitive(
    "linalg_det", "factor", _det, (_det_vjp,),
    lambda x: (_squared("linalg.det", x)[0][:-2], x.dtype), "lapack:getrf", _matrices,
    label="LinalgDetBackward0", as_is=True,
)  # fmt: skip

# ---- Cholesky -----------------------------------------------------------------------------------


@in_columns(0)
def _cholesky(x: Array) -> Any:
    square("linalg.cholesky", x)
    try:
        out = np.linalg.cholesky(x)
    except np.linalg.LinAlgError:
        out = None
    # NumPy's library does not notice what is no number.
    if out is None or np.isnan(np.diagonal(out, 0, -2, -1)).any():
        raise LinAlgError(
            "linalg.cholesky: The factorization could not be completed because the input is not "
            "positive-definite."
        )
    return out


def partial_cholesky(x: Array) -> tuple[Array, Array, Array]:
    """Factors as far as they go, the order of the first minor that is not positive (0: none), and what NumPy fails at.

    Row by row as in LAPACK's unblocked routine, which ends at the first pivot that is not positive: that one stands
    there, and what comes after it is the matrix's own.
    """
    out, info = np.tril(x), np.zeros(x.shape[:-2], np.int32)
    failed = np.zeros(x.shape[:-2], bool)
    for place in np.ndindex(info.shape):
        a = out[place]
        try:
            a[...] = np.linalg.cholesky(x[place])
            if not np.isnan(np.diagonal(a)).any():
                continue
            a[...] = np.tril(x[place])
        except np.linalg.LinAlgError:
            pass
        failed[place] = True
        for j in range(len(a)):
            pivot = a[j, j].real - np.vdot(a[j, :j], a[j, :j]).real
            if not pivot > 0:
                a[j, j], info[place] = pivot, j + 1
                break
            a[j, j] = root = np.sqrt(pivot)
            a[j + 1 :, j] = (a[j + 1 :, j] - a[j + 1 :, :j] @ a[j, :j].conj()) / root
    return out, info, failed


def _cholesky_vjp(g: Any, out: Any) -> Any:
    middle = triangle(h(out) @ g, diagonal=0, upper=False)
    middle = (
        middle - triangle(triangle(middle, diagonal=0, upper=True), diagonal=0, upper=False) / 2
    )
    left = solve_triangular(h(out), middle, upper=True, unit=False)
    both = h(solve_triangular(h(out), h(left), upper=True, unit=False))
    return (both + h(both)) / 2


def _positive() -> Iterable[Sample]:
    for shape in ((3, 3), (2, 2, 2)):
        root = well_conditioned(4, shape)
        yield Sample((root @ np.swapaxes(root, -1, -2),))


cholesky: Primitive = Primitive(
    "linalg_cholesky_ex", "factor", _cholesky, (_cholesky_vjp,),
    lambda x: _squared("linalg.cholesky", x), "lapack:potrf", _positive,
    label="LinalgCholeskyExBackward0", as_is=True,
)  # fmt: skip

# ---- QR -----------------------------------------------------------------------------------------


@in_columns(0, 1)
def _qr(x: Array, *, complete: bool) -> Any:
    floating("linalg.qr", x)
    q, r = np.linalg.qr(x, mode="complete" if complete else "reduced")
    return q, r


def _qr_rule(x: Array, *, complete: bool) -> list[Spec]:
    rows, columns = x.shape[-2:]
    inner = rows if complete else min(rows, columns)
    return [((*x.shape[:-2], rows, inner), x.dtype), ((*x.shape[:-2], inner, columns), x.dtype)]


def _qr_vjp(g: Any, x: Any, out: Any, complete: bool) -> Any:
    q, r = out
    rows, columns = x.shape[-2:]
    if complete and rows > columns:
        raise RuntimeError(
            "linalg.qr: The QR decomposition is not differentiable when mode='complete' and nrows > ncols"
        )
    gq = g[0] if g[0] is not None else q * 0
    gr = g[1] if g[1] is not None else r * 0
    if rows >= columns:
        return (columns_first(_qr_tall(q, r, gq, gr)),)
    # Wide: the first columns carry the factor, the others are r's own.
    first, rest = r.narrow(-1, 0, rows), x.narrow(-1, rows, columns - rows)
    gr1, gr2 = gr.narrow(-1, 0, rows), gr.narrow(-1, rows, columns - rows)
    g1 = _qr_tall(q, first, gq + rest @ h(gr2), gr1)
    return (cat(g1, q @ gr2, dim=g1._data_.ndim - 1),)


def _qr_tall(q: Any, r: Any, gq: Any, gr: Any) -> Any:
    inner = r @ h(gr) - h(gq) @ q
    lower = triangle(inner, diagonal=-1, upper=False)
    diagonal = triangle(triangle(inner, diagonal=0, upper=True), diagonal=0, upper=False)
    # Hermitian completion of the lower triangle; the diagonal is real for real factors.
    whole = lower + h(lower) + (diagonal + h(diagonal)) / 2
    right = gq + q @ whole
    return h(solve_triangular(r, h(right), upper=True, unit=False))


qr: Primitive = Primitive(
    "linalg_qr", "factor", _qr, _qr_vjp, _qr_rule, "lapack:geqrf",
    lambda: [Sample((well_conditioned(1, shape),), {"complete": False}) for shape in ((4, 3), (3, 3), (2, 3))],
    label="LinalgQrBackward0", as_is=True,
)  # fmt: skip

# ---- eigenvalues and singular values ------------------------------------------------------------


@in_columns(1)
def _eigh(x: Array, *, upper: bool) -> Any:
    square("linalg.eigh", x)
    values, vectors = _attempt("linalg.eigh", lambda: np.linalg.eigh(x, UPLO="U" if upper else "L"))
    return values, vectors


def _eigh_rule(x: Array, *, upper: bool) -> list[Spec]:
    square("linalg.eigh", x)
    return [(x.shape[:-1], np.empty(0, x.dtype).real.dtype), (x.shape, x.dtype)]


def _gaps(values: Any) -> Any:
    """1 / (v_j - v_i), and 0 on the diagonal."""
    difference = values.unsqueeze(-2) - values.unsqueeze(-1)
    n = values.shape[-1]
    eye = _eye_like(difference, n)
    return (difference + eye).reciprocal() * (1 - eye)


def _eye_like(like: Any, n: int) -> Any:
    return literal(np.eye(n, dtype=like._data_.dtype))


def _eigh_vjp(g: Any, out: Any, upper: bool) -> Any:
    values, vectors = out
    middle: Any = None
    if g[1] is not None:
        middle = _gaps(values) * (h(vectors) @ g[1])
    if g[0] is not None:
        diagonal = g[0].unsqueeze(-1) * _eye_like(g[0], values.shape[-1])
        middle = diagonal if middle is None else middle + diagonal
    full = vectors @ middle.to(vectors.dtype) @ h(vectors)
    return ((full + h(full)) / 2,)


eigh: Primitive = Primitive(
    "linalg_eigh", "factor", _eigh, _eigh_vjp, _eigh_rule, "lapack:syevd",
    lambda: [Sample((np.array([[2.0, 0.3], [0.3, 1.0]]),), {"upper": False})],
    label="LinalgEighBackward0", as_is=True,
)  # fmt: skip


@in_columns(1)
def _eig(x: Array) -> Any:
    square("linalg.eig", x)
    complex_type = (
        np.complex128 if x.dtype.itemsize > 4 and x.dtype != np.complex64 else np.complex64
    )
    values, vectors = _attempt("linalg.eig", lambda: np.linalg.eig(x))
    return values.astype(complex_type), vectors.astype(complex_type)


def _eig_rule(x: Array) -> list[Spec]:
    square("linalg.eig", x)
    complex_type = np.dtype(
        np.complex128 if x.dtype in (np.float64, np.complex128) else np.complex64
    )
    return [(x.shape[:-1], complex_type), (x.shape, complex_type)]


def _eig_vjp(g: Any, out: Any) -> Any:
    values, vectors = out
    middle: Any = None
    if g[1] is not None:
        inner = h(vectors) @ g[1]
        # Columns have norm one: the part of a change along them does not count.
        real = (inner * _eye_like(inner, values.shape[-1])).real
        inner = inner - (h(vectors) @ vectors) @ real.to(inner.dtype)
        middle = _gaps(values.conj()) * inner
    if g[0] is not None:
        diagonal = g[0].unsqueeze(-1) * _eye_like(g[0], values.shape[-1])
        middle = diagonal if middle is None else middle + diagonal
    return (solve(h(vectors), middle @ h(vectors)),)


eig: Primitive = Primitive(
    "linalg_eig", "factor", _eig, _eig_vjp, _eig_rule, "lapack:geev",
    lambda: [Sample((np.array([[2.0, 0.3], [0.1, 1.0]]),))], label="LinalgEigBackward0",
    as_is=True,
)  # fmt: skip


@in_columns(0, 2)
def _svd(x: Array, *, full: bool) -> Any:
    floating("linalg.svd", x)
    u, s, vh = _attempt("linalg.svd", lambda: np.linalg.svd(x, full_matrices=full))
    return u, s, vh


def _svd_rule(x: Array, *, full: bool) -> list[Spec]:
    rows, columns = x.shape[-2:]
    k, batch = min(rows, columns), x.shape[:-2]
    left, right = (rows, columns) if full else (k, k)
    return [
        ((*batch, rows, left), x.dtype),
        ((*batch, k), np.empty(0, x.dtype).real.dtype),
        ((*batch, right, columns), x.dtype),
    ]


def _svd_vjp(g: Any, out: Any, full: bool) -> Any:
    u, s, vh = out
    gu, gs, gvh = g
    k = s.shape[-1]
    u, v = u.narrow(-1, 0, k), h(vh.narrow(-2, 0, k))
    middle: Any = None
    if gs is not None:
        middle = (gs.unsqueeze(-1) * _eye_like(gs, k)).to(u.dtype)
    if gu is not None or gvh is not None:
        # 1 / (s_j^2 - s_i^2) off the diagonal.
        gaps = _gaps(s * s).to(u.dtype)
        row, column = s.unsqueeze(-2).to(u.dtype), s.unsqueeze(-1).to(u.dtype)
        if gu is not None:
            gu = gu.narrow(-1, 0, k)
            inner = h(u) @ gu
            part = gaps * (inner - h(inner)) * row
            middle = part if middle is None else middle + part
        if gvh is not None:
            gv = h(gvh.narrow(-2, 0, k))
            inner = h(v) @ gv
            part = column * (gaps * (inner - h(inner)))
            middle = part if middle is None else middle + part
        if gu is not None and gvh is not None and u._data_.dtype.kind == "c":
            # Pairs of vectors turn together: what turns the left ones alone counts.
            inner = h(u) @ gu
            turn = (inner - h(inner)) * _eye_like(inner, k) / 2
            middle = middle + turn / row
    total = u @ middle @ h(v)
    inverse = s.reciprocal().unsqueeze(-2).to(u.dtype)
    if gu is not None and u.shape[-2] > k:
        outside = gu * inverse
        total = total + (outside - u @ (h(u) @ outside)) @ h(v)
    if gvh is not None and v.shape[-2] > k:
        outside = gv * inverse
        total = total + u @ h(outside - v @ (h(v) @ outside))
    return (total,)


svd: Primitive = Primitive(
    "linalg_svd", "factor", _svd, _svd_vjp, _svd_rule, "lapack:gesdd",
    lambda: [Sample((well_conditioned(1, shape),), {"full": False}) for shape in ((3, 2), (2, 3))],
    label="LinalgSvdBackward0", as_is=True,
)  # fmt: skip


# ---- the exponential ----------------------------------------------------------------------------


def _matrix_exp(x: Array) -> Any:
    import scipy.linalg

    need_numpy(x)
    square("linalg.matrix_exp", x)
    return scipy.linalg.expm(x).astype(x.dtype, copy=False) if x.size else x.copy()


def _matrix_exp_vjp(g: Any, x: Any) -> Any:
    # exp of [[A, G], [0, A]] carries the derivative of exp at A along G in its corner.
    n, rank = x.shape[-1], x._data_.ndim
    turned = h(x)
    top = cat(turned, g, dim=rank - 1)
    bottom = cat(g * 0, turned, dim=rank - 1)
    whole = matrix_exp(cat(top, bottom, dim=rank - 2))
    return whole.narrow(-2, 0, n).narrow(-1, n, n)


matrix_exp: Primitive = Primitive(
    "linalg_matrix_exp", "factor", _matrix_exp, (_matrix_exp_vjp,),
    lambda x: _squared("linalg.matrix_exp", x), "expm", _matrices,
    label="LinalgMatrixExpBackward0",
)  # fmt: skip
