"""Activations: elementwise rows whose shapes are fixed by a few numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rushlight.arrays import as_array, contiguous
from rushlight.core.row import Primitive, Sample
from rushlight.core.tensor import Array
from rushlight.dtypes import NARROW
from rushlight.primitives import formulas
from rushlight.primitives.families import (
    FLOAT,
    SHAPES,
    draw,
    pointwise_rule,
    taking,
    unary,
)
from rushlight.primitives.kernel import lying_like, one_kernel, wide
from rushlight.primitives.placement import as_first, in_rows, pointwise
from rushlight.primitives.pointwise import (
    exp,
    ge,
    gt,
    le,
    logical_and,
    logical_or,
    lt,
    relu,
    sigmoid,
    tanh,
    where,
)
from rushlight.primitives.select import choose

_REAL = "iufV"

# ---- piecewise linear ---------------------------------------------------------------------------


def _leaky_relu(x: Array, *, slope: float) -> Any:
    if 0 < slope <= 1:
        return np.maximum(x, x * slope)
    return choose(x > 0, x, as_array(x * slope))


leaky_relu = unary(
    "leaky_relu", _leaky_relu,
    one_kernel(lambda g, x, slope: where(gt(x, 0), g, g * slope), flat=True, lies=(1, 0)),
    "{x} > 0 ? {x} : {x} * {slope}", to_float=False, takes=FLOAT, static=({"slope": 0.1}, {"slope": -2.0}),
)  # fmt: skip


def _hardtanh(x: Array, *, low: float, high: float) -> Any:
    if x.dtype.kind in "iu":
        low, high = int(low), int(high)
    return np.clip(x, low, high)


# NumPy compares with both limits at once, several times faster than maximum and minimum.
hardtanh = unary(
    "hardtanh", _hardtanh,
    one_kernel(
        lambda g, x, low, high: where(logical_or(le(x, low), ge(x, high)), 0, g), flat=True,
        lies=(0, 1),
    ),
    "clip({x}, {low}, {high})", to_float=False, takes=_REAL, static=({"low": -1.0, "high": 0.5},), layout=as_first,
)  # fmt: skip


# torch's kernel holds it in single precision, for float64 too.
_SIXTH = float(np.float32(1 / 6))


def _hardsigmoid(x: Array) -> Any:
    # torch's order, to the last bit.
    return np.clip(x + 3, 0, 6) / 6


hardsigmoid = unary(
    "hardsigmoid", _hardsigmoid,
    one_kernel(
        lambda g, x: where(logical_and(gt(x, -3), lt(x, 3)), g * _SIXTH, 0),
        refused="hardsigmoid_backward", lies=(0, 1),
    ),
    "clip({x} + 3, 0, 6) / 6", domain=(-4.0, 4.0), to_float=False, takes=FLOAT,
)  # fmt: skip


def _hardswish(x: Array) -> Any:
    return x * np.clip(x + 3, 0, 6) / 6


@one_kernel(lies=(0, 1))
def _hardswish_vjp(g: Any, x: Any) -> Any:
    inside = where(lt(x, 3), g * (x / 3 + 0.5), g)
    return where(le(x, -3), 0, inside)


hardswish = unary(
    "hardswish", _hardswish, _hardswish_vjp, "{x} * clip({x} + 3, 0, 6) / 6", domain=(-4.0, 4.0),
    to_float=False, takes=FLOAT,
)  # fmt: skip


def _zero(x: Array) -> Array:
    return np.zeros((), x.dtype, like=x)


def _hardshrink(x: Array, *, lambd: float) -> Any:
    return choose(np.abs(x) <= lambd, _zero(x), x)


def _softshrink(x: Array, *, lambd: float) -> Any:
    # What lies inside shrinks to 0; nan stays.
    return x - np.clip(x, -lambd, lambd)


@one_kernel(flat=True, lies=(0, 1))
def _shrink_vjp(g: Any, x: Any, lambd: float) -> Any:
    return where(le(x.abs(), lambd), 0, g)


_LAMBDAS = ({"lambd": 0.5}, {"lambd": 0.0})

hardshrink = unary(
    "hardshrink", _hardshrink, _shrink_vjp, "fabs({x}) <= {lambd} ? 0 : {x}", to_float=False,
    takes=FLOAT, static=_LAMBDAS,
)  # fmt: skip
softshrink = unary(
    "softshrink", _softshrink, _shrink_vjp, "{x} - clip({x}, -{lambd}, {lambd})",
    to_float=False, takes=FLOAT, static=_LAMBDAS,
)  # fmt: skip


def _threshold(x: Array, *, threshold: float, value: float) -> Any:
    return choose(x <= threshold, np.full((), value, x.dtype, like=x), x)


threshold = unary(
    "threshold", _threshold,
    one_kernel(lambda g, x, threshold: where(le(x, threshold), 0, g), flat=True, lies=(1, 0)),
    {"f": "{x} <= {threshold} ? {value} : {x}", "iu": "{x:d} <= {threshold:d} ? {value} : {x}"},
    to_float=False, takes=_REAL, static=({"threshold": 0.1, "value": -20.0},),
)  # fmt: skip

# ---- exponentials -------------------------------------------------------------------------------


def _elu(x: Array, *, alpha: float, scale: float, rate: float) -> Any:
    if not math.isfinite(alpha):
        return choose(x > 0, x * scale, as_array(np.expm1(x * rate) * (alpha * scale)))
    # -0 is added to nothing but -0, and is the second of equal zeros: -0 stays -0.
    out = np.expm1(np.minimum(0, x) * rate)
    out *= alpha * scale
    out += np.maximum(x, -0.0) if scale == 1 else scale * np.maximum(x, -0.0)
    return out


@one_kernel(lies=(0, 1))
def _elu_vjp(g: Any, x: Any, alpha: float, scale: float, rate: float) -> Any:
    # -relu(-x), the part below 0, keeps infinity (and nan in further derivatives) out of the side that
    # is not chosen, and gives torch's second derivative at 0.
    below = exp(relu(-x) * -rate)
    return where(le(x, 0), g * (below * (rate * alpha * scale)), g * scale)


elu = unary(
    "elu", _elu, _elu_vjp,
    "{x} > 0 ? {scale} * {x} : expm1({x} * {rate}) * ({T})({alpha:d} * {scale:d})", to_float=False, takes=FLOAT,
    static=({"alpha": 0.7, "scale": 1.0, "rate": 1.0}, {"alpha": 2.0, "scale": 1.1, "rate": 0.5}),
)  # fmt: skip


def _silu(x: Array) -> Any:
    return x / (np.exp(-x) + 1)


@one_kernel(lies=(0, 1))
def _silu_vjp(g: Any, x: Any) -> Any:
    gate = sigmoid(x)
    slope = gate * (1 + x * (1 - gate))
    return g * (slope.conj() if slope._data_.dtype.kind == "c" else slope)


silu = unary("silu", _silu, _silu_vjp, "{x} / (exp(-{x}) + 1)", to_float=False, takes="fcV")


def _softplus(x: Array, *, beta: float, threshold: float) -> Any:
    scaled = x * beta if beta != 1 else x
    # log(1 + exp(z)) = max(z, 0) + log1p(exp(-|z|)), without overflow.
    out = np.negative(np.abs(scaled))
    out = np.log1p(np.exp(out))
    out += np.maximum(scaled, 0)
    if beta != 1:
        out /= beta
    return out if not (scaled > threshold).any() else choose(scaled > threshold, x, out)


@one_kernel(lies=(0, 1))
def _softplus_vjp(g: Any, x: Any, beta: float, threshold: float) -> Any:
    scaled = x * beta
    # At the threshold itself torch's first derivative is still the curve's, the second the line's.
    curve = where(lt(scaled, threshold), scaled, scaled.detach())
    return where(gt(scaled, threshold), g, g * sigmoid(curve))


softplus = unary(
    "softplus", _softplus, _softplus_vjp,
    "{x} * {beta} > {threshold} ? {x} : softplus({x} * {beta}) / {beta}", to_float=False,
    takes=FLOAT, static=({"beta": 1.0, "threshold": 20.0}, {"beta": 2.0, "threshold": 1.0}),
)  # fmt: skip


def _mish(x: Array) -> Any:
    return x * np.tanh(_softplus(x, beta=1.0, threshold=20.0))


@one_kernel(lies=(0, 1))
def _mish_vjp(g: Any, x: Any) -> Any:
    gate = tanh(softplus(x, beta=1.0, threshold=20.0))
    return g * (gate + x * sigmoid(x) * (1 - gate * gate))


mish = unary("mish", _mish, _mish_vjp, "{x} * tanh(softplus({x}))", to_float=False, takes=FLOAT)


def _log_sigmoid(x: Array) -> Any:
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


log_sigmoid = unary(
    "log_sigmoid", _log_sigmoid, one_kernel(lambda g, x: lying_like(g * sigmoid(-x), g)),
    "minimum(0, {x}) - log1p(exp(-fabs({x})))", to_float=False, takes=FLOAT, layout=in_rows,
)  # fmt: skip

# ---- gelu ---------------------------------------------------------------------------------------

# The normal distribution function is (1 + tanh(x * P(x**2))) / 2 with an error below 1.3e-7, where P
# is this polynomial, highest power first: a weighted minimax fit to atanh(erf(x / sqrt 2)) / x on
# |x| < 6. NumPy's tanh is vectorised and SciPy's erf is not: 1.5 ns against 12.
_NORMAL = (
    1.756170098232701e-09, -1.3226387780722085e-07, 3.96475661549135e-06, -5.530628681531334e-05,
    -3.2594733056547325e-05, 0.03633308410644531, 0.7978849411010742,
)  # fmt: skip


# As many elements at a time stay in the cache, through the twenty passes that gelu makes.
_BLOCK = 1 << 16


def _normal_tanh(x: Array, out: Array) -> None:
    """The inner function of the normal distribution function."""
    square = np.multiply(x, x)
    np.clip(square, 0, 36, out=square)
    np.multiply(square, _NORMAL[0], out=out)
    for coefficient in _NORMAL[1:-1]:
        out += coefficient
        out *= square
    out += _NORMAL[-1]
    out *= x


def _cubic_tanh(x: Array, out: Array) -> None:
    """The inner function of what comes near it."""
    np.multiply(x, x, out=out)
    out *= formulas.CUBIC * formulas.SQRT_2_PI
    out += formulas.SQRT_2_PI
    out *= x


def _gelu(x: Array, *, approximate: str) -> tuple[Array, Array]:
    """x * F(x) and F(x), F being (1 + tanh(inner(x))) / 2."""
    if approximate == "none" and x.dtype == np.float64:
        from scipy.special import ndtr

        part = as_array(ndtr(x))
        return as_array(x * part), part
    inner = _normal_tanh if approximate == "none" else _cubic_tanh
    x = contiguous(x)
    out, part = np.empty_like(x), np.empty_like(x)
    flat, flat_out, flat_part = x.reshape(-1), out.reshape(-1), part.reshape(-1)
    for start in range(0, flat.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        values, factor = flat[block], flat_part[block]
        inner(values, factor)
        np.tanh(factor, out=factor)
        factor *= 0.5
        factor += 0.5
        np.multiply(values, factor, out=flat_out[block])
    return out, part


@one_kernel(lies=(0, 1))
def _gelu_slopes(g: list[Any], x: Any, part: Any, approximate: str) -> Any:
    """x * F(x) and F(x): F is the normal distribution function, or near it."""
    if approximate == "none":
        slope = exp(x * x * -0.5) * (0.5 * formulas.SQRT_2_PI)
    else:
        rise = x * x * (6 * formulas.CUBIC * formulas.SQRT_2_PI) + 2 * formulas.SQRT_2_PI
        slope = (part - part * part) * rise
    first = None if g[0] is None else g[0] * (x * slope + part)
    if g[1] is None:
        return first
    second = g[1] * slope
    return second if first is None else first + second


def _gelu_vjp(g: list[Any], x: Any, out1: Any, approximate: str) -> Any:
    """The kernel sees F before it was rounded: of narrow floats it is computed again."""
    if out1._data_.dtype in NARROW:
        out1 = gelu(wide(x), approximate=approximate)[1]
    return _gelu_slopes(g, x, out1, approximate)


# The second output is kept for the derivative, which then needs no second tanh.
gelu = Primitive(
    "gelu", "unary", _gelu, (_gelu_vjp,), pointwise_rule(_gelu, taking("gelu", FLOAT, list)), formulas.gelu,
    lambda: [Sample((draw(seed, shape, -4.0, 4.0),), {"approximate": how})
             for seed, shape in enumerate(SHAPES) for how in ("none", "tanh")],
    inputs=("x",), promote=taking("gelu", FLOAT, list), layout=pointwise,
)  # fmt: skip
