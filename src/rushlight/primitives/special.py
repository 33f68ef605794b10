"""Elementwise rows of special functions. Values come from SciPy, derivatives from the table.

Formulas: Abramowitz & Stegun, Handbook of Mathematical Functions, chapters 6 to 10, 22 and 26.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.arrays import as_array, is_array
from rushlight.core.doors import literal
from rushlight.core.row import Primitive
from rushlight.core.tensor import Array, TensorBase
from rushlight.primitives import formulas
from rushlight.primitives.families import FLOAT, REAL, binary, missing, unary
from rushlight.primitives.kernel import one_kernel
from rushlight.primitives.pointwise import (
    eq,
    exp,
    ge,
    le,
    log,
    logical_and,
    sign,
    where,
)


@functools.cache
def _scipy() -> Any:
    import scipy.special

    return scipy.special


def from_scipy(name: str) -> Callable[..., Any]:
    """SciPy's function of that name as a forward; SciPy is imported when it is first called."""

    def forward(x: Array) -> Any:
        return getattr(_scipy(), name)(x)

    return forward


def from_scipy_pair(name: str) -> Callable[..., Any]:
    """SciPy's function of two arguments as a forward."""

    def forward(x: Any, y: Any) -> Any:
        return getattr(_scipy(), name)(x, y)

    return forward


# ---- the error function and the normal distribution ---------------------------------------------

_SLOPE = 2 / math.sqrt(math.pi)

# SciPy's erf takes nine times as long as a polynomial within NumPy's tanh, but is right to the last
# bit wherever an element stands; the polynomial was used for many elements only, and 3 places off.
erf = unary(
    "erf", from_scipy("erf"), lambda g, x: _SLOPE * exp(-(x**2)) * g, "erf({x})", takes=REAL
)
erfc = unary(
    "erfc", from_scipy("erfc"), lambda g, x: -_SLOPE * exp(-(x**2)) * g, "erfc({x})", takes=REAL
)
erfinv: Primitive = unary(
    "erfinv", from_scipy("erfinv"), lambda g, x: exp(erfinv(x) ** 2) / _SLOPE * g, "call",
    domain=(-0.9, 0.9), takes=REAL,
)  # fmt: skip
erfcx = unary(
    "erfcx", from_scipy("erfcx"), lambda g, x, out: (2 * x * out - _SLOPE) * g, "call", takes=REAL,
    label="SpecialErfcxBackward0",
)  # fmt: skip
ndtri = unary(
    "ndtri", from_scipy("ndtri"), lambda g, out: g * math.sqrt(2 * math.pi) * exp(out * out / 2),
    "call", domain=(0.1, 0.9), takes=REAL, label="SpecialNdtriBackward0",
)  # fmt: skip
log_ndtr = unary(
    "log_ndtr", from_scipy("log_ndtr"),
    lambda g, x: g / erfcx(x * -math.sqrt(0.5)) * math.sqrt(2 / math.pi), "call", takes=REAL,
    label="SpecialLogNdtrBackward0",
)  # fmt: skip

# ---- gamma and its relatives --------------------------------------------------------------------


def _lgamma(x: Array) -> Any:
    # At minus infinity SciPy gives -inf; the limit of log |gamma| along the poles is inf.
    return np.where(np.isinf(x), x.dtype.type(np.inf), _scipy().gammaln(x))


lgamma = unary(
    "lgamma", _lgamma, lambda g, x: g * digamma(x), "lgamma({x})", domain=(0.3, 3.0),
    takes=REAL,
)  # fmt: skip
digamma: Primitive = unary(
    "digamma", from_scipy("psi"), lambda g, x: g * polygamma(x, n=1), "call", domain=(0.3, 3.0),
    takes=REAL,
)  # fmt: skip


def _trigamma(x: Array) -> Array:
    """torch's own, which near the poles shows how far pi is from pi in the type of x."""
    kind = x.dtype.type
    pi = kind(math.pi)
    low = x < 0.5
    y = np.where(low, 1 - x, x)
    total = np.zeros_like(x)
    for _ in range(6):
        total += 1 / (y * y)
        y += 1
    square = 1 / (y * y)
    series = (
        1 + 1 / (2 * y) + square * (kind(1 / 6) - square * (kind(1 / 30) - square * kind(1 / 42)))
    )
    total += series / y
    sine = np.sin(pi * x)
    # Reflected about a half: A & S 6.4.7.
    return np.where(low, pi * pi / (sine * sine) - total, total)


_pair_zeta = from_scipy_pair("zeta")


def _zeta(x: Any, y: Any) -> Any:
    # torch sums on from 1 / y ** x, and stops at infinity with nan.
    total = _pair_zeta(x, y)
    return np.where(np.isposinf(y) & (x > 1), total.dtype.type(np.nan), total)


def _polygamma(x: Array, *, n: int) -> Any:
    if n == 0:
        return _scipy().psi(x)
    if n == 1:
        return _trigamma(x)
    return (-1) ** (n + 1) * math.factorial(n) * _zeta(n + 1, x).astype(x.dtype)


polygamma: Primitive = unary(
    "polygamma", _polygamma, lambda g, x, n: g * polygamma(x, n=n + 1), "call", domain=(0.5, 3.0),
    takes=REAL, static=({"n": 1}, {"n": 2}),
)  # fmt: skip


def _zeta_q(g: Any, x: Any, y: Any) -> Any:
    return g * -x * zeta(x + 1, y)


zeta = binary(
    "zeta", _zeta, (missing("zeta"), _zeta_q), "call", domain=(1.5, 3.0),
    second=(0.5, 2.0), takes=REAL, to_float=True, label="SpecialZetaBackward0",
)  # fmt: skip


def _igamma_slope(x: Any, y: Any) -> Any:
    # The integrand of the incomplete gamma function at its end.
    return exp((x - 1) * log(y) - y - lgamma(x))


igamma = binary(
    "igamma", from_scipy_pair("gammainc"),
    (missing("igamma: input"), lambda g, x, y: g * _igamma_slope(x, y)), "call",
    domain=(0.5, 2.0), takes=FLOAT,
)  # fmt: skip
igammac = binary(
    "igammac", from_scipy_pair("gammaincc"),
    (missing("igammac: input"), lambda g, x, y: -g * _igamma_slope(x, y)), "call",
    domain=(0.5, 2.0), takes=FLOAT,
)  # fmt: skip

# ---- logarithms of odds, entropies --------------------------------------------------------------


def _logit(x: Array, *, eps: float | None) -> Any:
    if eps is not None and eps == eps:
        x = np.minimum(np.maximum(x, x.dtype.type(eps)), x.dtype.type(1 - eps))
    return np.log(x / (1 - x))


@one_kernel(lies=(0, 1))
def _logit_vjp(g: Any, x: Any, eps: float | None) -> Any:
    slope = g / (x * (1 - x))
    if eps is None:
        return where(logical_and(ge(x, 0), le(x, 1)), slope, math.nan)
    return where(logical_and(ge(x, eps), le(x, 1 - eps)), slope, 0)


logit = unary(
    "logit", _logit, _logit_vjp, formulas.logit, domain=(0.1, 0.9), takes=REAL,
    static=({"eps": None}, {"eps": 0.2}), as_is=True,
)  # fmt: skip


def _entr(x: Array) -> Any:
    return np.where(x == 0, x.dtype.type(0), np.where(x < 0, x.dtype.type(-np.inf), -x * np.log(x)))


entr = unary(
    "entr", _entr, lambda g, x: g * (-1 - log(x)),
    "{x} == 0 ? {x} * {x} : {x} < 0 ? -INFINITY : -{x} * log({x})", domain=(0.1, 2.0), takes=REAL,
    label="SpecialEntrBackward0", as_is=True,
)  # fmt: skip


def _times_log(logarithm: Any) -> Callable[[Any, Any], Any]:
    def forward(x: Any, y: Any) -> Any:
        # torch rounds the logarithm of narrow floats, and then the product.
        if not is_array(y):
            y = x.dtype.type(y)
        elif not is_array(x):
            x = y.dtype.type(x)
        return np.where(np.equal(x, 0) & ~np.isnan(y), x.dtype.type(0), x * logarithm(y))

    return forward


def _tensor(y: Any, g: Any) -> Any:
    """The second operand, which may be a number, as a tensor."""
    return y if isinstance(y, TensorBase) else literal(np.asarray(y, g._data_.dtype))


def _xlogy_x(g: Any, x: Any, y: Any) -> Any:
    if not isinstance(y, TensorBase) and y > 0:
        return xlogy(g, y)
    return _xlogy_filled(g, x, y)


@one_kernel(in_rows=True)
def _xlogy_filled(g: Any, x: Any, y: Any) -> Any:
    return where(logical_and(eq(x, 0), le(y, 0)), 0, xlogy(g, y))


xlogy: Primitive = binary(
    "xlogy", _times_log(np.log),
    (_xlogy_x, lambda g, x, y: g * x / y),
    "(({x} == 0) & ({y} == {y})) ? 0 : {x} * log({y})", second=(0.2, 2.0), takes=REAL, to_float=True, as_is=True,
)  # fmt: skip
xlog1py: Primitive = binary(
    "xlog1py", _times_log(np.log1p),
    (lambda g, x, y: where(logical_and(eq(x, 0), le(y, -1)), 0, xlog1py(g, y)),
     lambda g, x, y: g * x / (y + 1)),
    "(({x} == 0) & ({y} == {y})) ? 0 : {x} * log1p({y})", second=(-0.8, 2.0), takes=REAL,
    to_float=True, label="SpecialXlog1PyBackward0", as_is=True,
)  # fmt: skip

# ---- Bessel functions ---------------------------------------------------------------------------


def _i1_vjp(g: Any, x: Any, out: Any) -> Any:
    # I1(x)/x is 1/2 at 0.
    ratio = where(eq(x, 0), 0.5, out / where(eq(x, 0), 1, x))
    return g * (i0(x) - ratio)


def _i1e_vjp(g: Any, x: Any, out: Any) -> Any:
    ratio = where(eq(x, 0), 0.5, out * (sign(x) + 1 / where(eq(x, 0), 1, x)))
    return g * (i0e(x) - ratio)


i0 = unary("i0", from_scipy("i0"), lambda g, x: g * i1(x), "call", takes=REAL)
i0e = unary(
    "i0e", from_scipy("i0e"), lambda g, x, out: g * (i1e(x) - sign(x) * out), "call", takes=REAL,
    label="SpecialI0EBackward0",
)  # fmt: skip
i1: Primitive = unary(
    "i1", from_scipy("i1"), _i1_vjp, "call", takes=REAL, label="SpecialI1Backward0"
)
i1e: Primitive = unary(
    "i1e", from_scipy("i1e"), _i1e_vjp, "call", takes=REAL, label="SpecialI1EBackward0"
)


def _airy_ai(x: Array) -> Any:
    value = _scipy().airy(x)[0]
    far = (x < -1e5) & np.isfinite(x)
    if far.any():
        # SciPy gives these up; the leading term of the expansion has all digits that the phase has.
        size = np.abs(x, dtype=np.float64)
        wave = np.cos(size**1.5 * (2 / 3) - math.pi / 4) / (math.sqrt(math.pi) * size**0.25)
        value = np.where(far, wave, value).astype(value.dtype)
    return value


def _spherical_bessel_j0(x: Array) -> Any:
    wave = np.where(x == 0, x.dtype.type(1), np.sin(x) / x)
    return np.where(np.isinf(x), x.dtype.type(0), wave)


# torch has no derivatives for these.
airy_ai = unary("airy_ai", _airy_ai, None, "call", takes=REAL)
spherical_bessel_j0 = unary(
    "spherical_bessel_j0", _spherical_bessel_j0, None,
    "fabs({x}) == INFINITY ? 0 : {x} == 0 ? 1 : sin({x}) / {x}", takes=REAL,
)  # fmt: skip


def _bessel(name: str, function: str) -> Primitive:
    return unary(name, from_scipy(function), None, "call", domain=(0.2, 3.0), takes=REAL)


bessel_j0 = _bessel("bessel_j0", "j0")
bessel_j1 = _bessel("bessel_j1", "j1")
bessel_y0 = _bessel("bessel_y0", "y0")
bessel_y1 = _bessel("bessel_y1", "y1")
modified_bessel_i0 = _bessel("modified_bessel_i0", "i0")
modified_bessel_i1 = _bessel("modified_bessel_i1", "i1")
modified_bessel_k0 = _bessel("modified_bessel_k0", "k0")
modified_bessel_k1 = _bessel("modified_bessel_k1", "k1")
scaled_modified_bessel_k0 = _bessel("scaled_modified_bessel_k0", "k0e")
scaled_modified_bessel_k1 = _bessel("scaled_modified_bessel_k1", "k1e")

# ---- orthogonal polynomials ---------------------------------------------------------------------

# kind: p_1 from x, and p_k from k, x, p_(k-1), p_(k-2). All begin with p_0 = 1.
_Step = Callable[[int, Array, Array, Array], Array]


def _chebyshev_step(k: int, x: Array, p: Array, q: Array) -> Array:
    return 2 * x * p - q


POLYNOMIALS: dict[str, tuple[Callable[[Array], Array], _Step]] = {
    "chebyshev_polynomial_t": (lambda x: x, _chebyshev_step),
    "chebyshev_polynomial_u": (lambda x: 2 * x, _chebyshev_step),
    "chebyshev_polynomial_v": (lambda x: 2 * x - 1, _chebyshev_step),
    "chebyshev_polynomial_w": (lambda x: 2 * x + 1, _chebyshev_step),
    "hermite_polynomial_h": (lambda x: 2 * x, lambda k, x, p, q: 2 * x * p - 2 * (k - 1) * q),
    "hermite_polynomial_he": (lambda x: x, lambda k, x, p, q: x * p - (k - 1) * q),
    "laguerre_polynomial_l": (
        lambda x: 1 - x, lambda k, x, p, q: ((2 * k - 1 - x) * p - (k - 1) * q) / k),
    "legendre_polynomial_p": (
        lambda x: x, lambda k, x, p, q: ((2 * k - 1) * x * p - (k - 1) * q) / k),
}  # fmt: skip


def _polynomial(x: Any, n: Any, *, kind: str, shifted: bool) -> Any:
    dtype = np.result_type(x, n)
    x, degree = np.broadcast_arrays(x, np.where(np.isfinite(n), np.trunc(n), -1))
    point = as_array(2 * x - 1 if shifted else x, np.dtype(np.float64))
    first, step = POLYNOMIALS[kind]
    out = np.where(degree < 0, 0.0, 1.0)
    before, now = np.ones_like(point), first(point)
    for k in range(1, int(degree.max(initial=0)) + 1):
        if k > 1:
            before, now = now, step(k, point, now, before)
        out = np.where(degree == k, now, out)
    return out.astype(dtype)


polynomial = binary(
    "polynomial", _polynomial, None, "call", second=(0.0, 5.0), takes=REAL, to_float=True,
    static=tuple({"kind": kind, "shifted": kind.startswith("c")} for kind in POLYNOMIALS),
)  # fmt: skip
