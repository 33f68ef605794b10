"""Elementwise rows of exponentials, logarithms, circular and hyperbolic functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rushlight.core.row import Primitive
from rushlight.core.tensor import Array
from rushlight.primitives.families import FLOAT, REAL, binary, unary
from rushlight.primitives.pointwise import conj, eq, exp, reciprocal, rsqrt, sqrt, where

LN2, LN10 = math.log(2.0), math.log(10.0)

# ---- exponentials and logarithms ----------------------------------------------------------------

exp2 = unary("exp2", np.exp2, lambda g, out: g * conj(out) * LN2, "exp2({x})")
expm1 = unary("expm1", np.expm1, lambda g, out: g * conj(out + 1), "expm1({x})")
log2 = unary("log2", np.log2, lambda g, x: g / conj(x * LN2), "log2({x})", domain=(0.1, 3.0))
log10 = unary("log10", np.log10, lambda g, x: g / conj(x * LN10), "log10({x})", domain=(0.1, 3.0))
log1p = unary(
    "log1p", np.log1p, lambda g, x: g / conj(x + 1), "log1p({x})", domain=(-0.9, 2.0),
    label="Log1PBackward0",
)  # fmt: skip


def log_add_exp(x: Any, y: Any) -> Any:
    """The logarithm of exp(x) + exp(y), also of complex numbers."""
    if x.dtype.kind == "c":
        # The larger real part in front keeps the exponential from overflowing.
        first = np.where(x.real >= y.real, x, y)
        second = np.where(x.real >= y.real, y, x)
        return np.where(x == y, x + LN2, first + np.log1p(np.exp(second - first)))
    return np.logaddexp(x, y)


logaddexp = binary(
    "logaddexp", log_add_exp,
    (lambda g, x, y: g / conj(1 + exp(y - x)), lambda g, x, y: g / conj(1 + exp(x - y))),
    "logaddexp({x}, {y})", takes=FLOAT + "c",
)  # fmt: skip
logaddexp2 = binary(
    "logaddexp2", np.logaddexp2,
    (lambda g, x, y: g / (1 + exp2(y - x)), lambda g, x, y: g / (1 + exp2(x - y))),
    "logaddexp2({x}, {y})", takes=FLOAT,
)  # fmt: skip

# ---- circular functions -------------------------------------------------------------------------

sin = unary("sin", np.sin, lambda g, x: g * conj(cos(x)), "sin({x})")
cos: Primitive = unary("cos", np.cos, lambda g, x: g * conj(-sin(x)), "cos({x})")
tan = unary("tan", np.tan, lambda g, out: g * conj(1 + out * out), "tan({x})", domain=(-1.2, 1.2))
asin = unary(
    "asin", np.arcsin, lambda g, x: g / conj(sqrt(1 - x * x)), "asin({x})", domain=(-0.9, 0.9)
)
acos = unary(
    "acos", np.arccos, lambda g, x: g / -conj(sqrt(1 - x * x)), "acos({x})", domain=(-0.9, 0.9)
)
atan = unary("atan", np.arctan, lambda g, x: g / conj(x * x + 1), "atan({x})")


def _atan2_share(g: Any, other: Any, x: Any, y: Any) -> Any:
    # At the origin, where the angle has no derivative, torch gives 0.
    square = x * x + y * y
    return g * other * where(eq(square, 0), 0, reciprocal(square))


atan2 = binary(
    "atan2", np.arctan2,
    (lambda g, x, y: _atan2_share(g, y, x, y), lambda g, x, y: _atan2_share(g, -x, x, y)),
    "atan2({x}, {y})", takes=REAL, to_float=True,
)  # fmt: skip
hypot = binary(
    "hypot", np.hypot, (lambda g, x, out: g * (x / out), lambda g, y, out: g * (y / out)),
    "hypot({x}, {y})", domain=(0.3, 2.0), takes=FLOAT,
)  # fmt: skip


def _sinc(x: Array) -> Any:
    angle = x * x.dtype.type(math.pi)
    return np.where(x == 0, x.dtype.type(1), np.sin(angle) / angle)


def _sinc_vjp(g: Any, x: Any) -> Any:
    angle = x * math.pi
    slope = (angle * cos(angle) - sin(angle)) / (angle * x)
    return where(eq(x, 0), 0, g * conj(slope))


sinc = unary("sinc", _sinc, _sinc_vjp, f"{{x}} == 0 ? 1 : sin({{x}} * {math.pi}) / ({{x}} * {math.pi})",
             domain=(0.2, 2.0))  # fmt: skip

# ---- hyperbolic functions -----------------------------------------------------------------------

sinh = unary("sinh", np.sinh, lambda g, x: g * conj(cosh(x)), "sinh({x})")
cosh: Primitive = unary("cosh", np.cosh, lambda g, x: g * conj(sinh(x)), "cosh({x})")
asinh = unary("asinh", np.arcsinh, lambda g, x: g / conj(sqrt(x * x + 1)), "asinh({x})")


def _acosh_vjp(g: Any, x: Any) -> Any:
    if x._data_.dtype.kind == "c":
        return g / conj(sqrt(x - 1) * sqrt(x + 1))
    return g * rsqrt(x * x - 1)


acosh = unary("acosh", np.arccosh, _acosh_vjp, "acosh({x})", domain=(1.2, 3.0))
atanh = unary(
    "atanh", np.arctanh, lambda g, x: g / conj(1 - x * x), "atanh({x})", domain=(-0.9, 0.9)
)
