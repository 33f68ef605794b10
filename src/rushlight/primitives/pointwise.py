"""Elementwise arithmetic, comparison and choice: the rows that everything else leans on.

Rules see tensors (or Python numbers, where the user wrote one) and are ordinary operations.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.primitives.core import Primitive, Sample, Spec
from rushlight.primitives.families import (
    PAIRS,
    binary,
    broadcast_shapes,
    compare,
    draw,
    promote_many,
    result_type,
    unary,
)
from rushlight.tensor_base import Array, TensorBase


def conj(x: Any) -> Any:
    """The conjugate, which real tensors and numbers are of themselves."""
    if isinstance(x, TensorBase):
        return x.conj() if x._data.dtype.kind == "c" else x  # type: ignore[attr-defined]
    return x.conjugate() if isinstance(x, complex) else x


# ---- arithmetic ---------------------------------------------------------------------------------


def _sub(x: Any, y: Any) -> Array:
    return np.subtract(x, y)


def _truncated(x: Any, y: Any) -> Any:
    quotient = np.trunc(np.true_divide(x, y))
    return quotient.astype(np.result_type(x, y), copy=False)


def _floor_divide(x: Any, y: Any) -> Any:
    _check_zero(x, y)
    if np.asarray(x).dtype.kind == "f" or np.asarray(y).dtype.kind == "f":
        # NumPy gives nan for a division by zero, torch the infinity of the true quotient.
        return np.where(np.equal(y, 0), np.true_divide(x, y), np.floor_divide(x, y))
    return np.floor_divide(x, y)


def _trunc_divide(x: Any, y: Any) -> Any:
    _check_zero(x, y)
    if np.asarray(x).dtype.kind in "iub" and np.asarray(y).dtype.kind in "iub":
        return np.sign(x) * np.sign(y) * (np.abs(x) // np.abs(y))
    return _truncated(x, y)


def _remainder(x: Any, y: Any) -> Any:
    _check_zero(x, y)
    return np.remainder(x, y)


def _fmod(x: Any, y: Any) -> Any:
    _check_zero(x, y)
    return np.fmod(x, y)


def _check_zero(x: Any, y: Any) -> None:
    if (
        np.asarray(y).dtype.kind in "iub"
        and np.asarray(x).dtype.kind in "iub"
        and np.any(np.equal(y, 0))
    ):
        raise RuntimeError("ZeroDivisionError")


add = binary(
    "add", np.add, (lambda g: g, lambda g: g), "{x} + {y}",
)  # fmt: skip
sub = binary(
    "sub", _sub, (lambda g: g, lambda g: -g), "{x} - {y}",
)  # fmt: skip
mul = binary(
    "mul", np.multiply, (lambda g, y: g * conj(y), lambda g, x: g * conj(x)), "{x} * {y}",
)  # fmt: skip
div = binary(
    "div", np.true_divide,
    (lambda g, y: g / conj(y), lambda g, x, y: -g * conj((x / y) / y)),
    "{x} / {y}", second=(0.5, 2.0), to_float=True,
)  # fmt: skip
floor_divide = binary(
    "floor_divide", _floor_divide, (lambda g: g * 0, lambda g, y: g * 0 * y), "floor({x} / {y})",
    second=(0.5, 2.0), label="DivBackward1",
)  # fmt: skip
trunc_divide = binary(
    "trunc_divide", _trunc_divide, (lambda g: g * 0, lambda g, y: g * 0 * y), "trunc({x} / {y})",
    second=(0.5, 2.0), label="DivBackward1",
)  # fmt: skip
remainder = binary(
    "remainder", _remainder,
    (lambda g: g, lambda g, x, y: -g * floor_divide(x, y)),
    "{x} - floor({x} / {y}) * {y}", second=(0.5, 2.0),
)  # fmt: skip
fmod = binary(
    "fmod", _fmod,
    (lambda g: g, lambda g, x, y: -g * trunc_divide(x, y)),
    "fmod({x}, {y})", second=(0.5, 2.0),
)  # fmt: skip


def _power(x: Any, y: Any) -> Any:
    if y.__class__ is not np.ndarray and y == 2:
        return np.multiply(x, x)
    if (
        np.asarray(x).dtype.kind in "iu"
        and np.asarray(y).dtype.kind in "iu"
        and np.any(np.less(y, 0))
    ):
        raise RuntimeError(
            "Integers to negative integer powers are not allowed: make the base floating, x.float() ** y"
        )
    return np.power(x, y)


def _pow_base(g: Any, x: Any, y: Any) -> Any:
    # d(x**0) is 0 also where x**-1 is infinite.
    if not isinstance(y, TensorBase):
        return g * 0 if y == 0 else g * conj(y * x ** (y - 1))
    return where(eq(y, 0), 0, g * conj(y * x ** (y - 1)))


def _pow_exponent(g: Any, x: Any, y: Any, out: Any) -> Any:
    # 0**y is constant for y >= 0, where log(0) would give nan.
    if not isinstance(x, TensorBase):
        if x == 0:
            return where(ge(y, 0), 0, g * out * float("-inf"))
        return g * conj(out * np.log(x))
    flat = logical_and(eq(x, 0), ge(y, 0)) if out._data.dtype.kind != "c" else eq(x, 0)
    return where(flat, 0, g * conj(out * x.log()))


pow = binary(
    "pow", _power, (_pow_base, _pow_exponent), "pow({x}, {y})", domain=(0.2, 2.0), second=(-2.0, 2.0),
    label="PowBackward0",
)  # fmt: skip

neg = unary("neg", np.negative, lambda g: -g, "-{x}", to_float=False)
reciprocal = unary(
    "reciprocal", np.reciprocal, lambda g, out: -g * conj(out * out), "1 / {x}", domain=(0.5, 2.0)
)
square = unary("square", np.square, lambda g, x: g * conj(2 * x), "{x} * {x}", to_float=False,
               label="PowBackward0")  # fmt: skip
sqrt = unary("sqrt", np.sqrt, lambda g, out: g / conj(2 * out), "sqrt({x})", domain=(0.1, 3.0))


def _rsqrt(x: Array) -> Any:
    return np.reciprocal(np.sqrt(x))


rsqrt = unary(
    "rsqrt", _rsqrt, lambda g, out: g * conj(-0.5 * out**3), "1 / sqrt({x})", domain=(0.1, 3.0)
)
exp = unary("exp", np.exp, lambda g, out: g * conj(out), "exp({x})")
log = unary("log", np.log, lambda g, x: g / conj(x), "log({x})", domain=(0.1, 3.0))


def _sigmoid(x: Array) -> Any:
    out = np.exp(-x)
    return np.reciprocal(out + out.dtype.type(1))


sigmoid = unary(
    "sigmoid", _sigmoid, lambda g, out: g * conj((1 - out) * out), "1 / (1 + exp(-{x}))"
)
tanh = unary("tanh", np.tanh, lambda g, out: g * conj(1 - out * out), "tanh({x})")


def _abs_rule(g: Any, x: Any) -> Any:
    return g * x.sgn()


abs = unary("abs", np.abs, _abs_rule, "fabs({x})", to_float=False)
sign = unary("sign", np.sign, lambda g: g * 0, "copysign({x} != 0, {x})", to_float=False)


def _relu(x: Array) -> Any:
    return np.maximum(x, x.dtype.type(0))


relu = unary(
    "relu", _relu, lambda g, out: where(gt(out, 0), g, 0), "{x} > 0 ? {x} : 0", to_float=False
)

# ---- the larger and the smaller -----------------------------------------------------------------


def _split_ties(chosen: Primitive) -> tuple[Any, Any]:
    # Where both are equal each gets half, as in torch.
    def left(g: Any, x: Any, y: Any) -> Any:
        return where(eq(x, y), g / 2, where(chosen(x, y), g, 0))

    def right(g: Any, x: Any, y: Any) -> Any:
        return where(eq(x, y), g / 2, where(chosen(y, x), g, 0))

    return left, right


eq = compare("eq", np.equal, "{x} == {y}")
ne = compare("ne", np.not_equal, "{x} != {y}")
lt = compare("lt", np.less, "{x} < {y}")
le = compare("le", np.less_equal, "{x} <= {y}")
gt = compare("gt", np.greater, "{x} > {y}")
ge = compare("ge", np.greater_equal, "{x} >= {y}")
logical_and = compare("logical_and", np.logical_and, "{x} && {y}")
logical_or = compare("logical_or", np.logical_or, "{x} || {y}")
logical_xor = compare("logical_xor", np.logical_xor, "!{x} != !{y}")
logical_not = unary("logical_not", np.logical_not, None, "!{x}", to_float=False)
isnan = unary("isnan", np.isnan, None, "isnan({x})", to_float=False)
isfinite = unary("isfinite", np.isfinite, None, "isfinite({x})", to_float=False)

maximum = binary("maximum", np.maximum, _split_ties(gt), "fmax({x}, {y})")
minimum = binary("minimum", np.minimum, _split_ties(lt), "fmin({x}, {y})")

# ---- choice and conversion ----------------------------------------------------------------------


def _where(condition: Array, x: Any, y: Any) -> Any:
    return np.where(condition, x, y)


def _promote_where(arrays: list[Any]) -> list[Any]:
    condition, x, y = arrays
    if condition.dtype.kind != "b":
        if condition.dtype != np.uint8:
            raise RuntimeError(
                f"where expected condition to be a boolean tensor, but got a tensor with dtype "
                f"{dtypes.of(condition.dtype)}: compare it, for instance condition != 0"
            )
        condition = condition != 0
    if x.__class__ is np.ndarray and y.__class__ is np.ndarray:
        return [condition, *promote_many([x, y])]
    common = result_type(x, y).numpy
    return [condition, *(v.astype(common, copy=False) if v.__class__ is np.ndarray
                         else np.asarray(v).astype(common) for v in (x, y))]  # fmt: skip


def _where_rule(condition: Any, x: Any, y: Any) -> Spec:
    shape = broadcast_shapes([np.shape(condition), np.shape(x), np.shape(y)])
    return shape, result_type(x, y).numpy


def _where_samples() -> Iterable[Sample]:
    for seed, (left, right) in enumerate(PAIRS):
        x, y = draw(seed, left), draw(seed + 50, right)
        yield Sample((draw(seed + 90, right) > 0, x, y))


where = Primitive(
    "where", "ternary", _where,
    (None, lambda g, condition: where(condition, g, 0), lambda g, condition: where(condition, 0, g)),
    _where_rule, "{condition} ? {x} : {y}", _where_samples, promote=_promote_where,
)  # fmt: skip


def _convert(x: Array, *, dtype: np.dtype[Any]) -> Array:
    return x.astype(dtype)


def _convert_rule(x: Array, *, dtype: np.dtype[Any]) -> Spec:
    return x.shape, dtype


def _convert_samples() -> Iterable[Sample]:
    for name in ("float32", "float64", "int64"):
        yield Sample((draw(1, (2, 3)),), {"dtype": np.dtype(name)})


# The engine brings every gradient to its tensor's own type, so g needs no conversion here.
convert = Primitive(
    "convert", "unary", _convert, (lambda g: g,), _convert_rule, "({dtype}){x}", _convert_samples,
    label="ToCopyBackward0",
)  # fmt: skip


def _clone(x: Array) -> Array:
    return np.array(x, order="K", copy=True)


clone = unary("clone", _clone, lambda g: g, "{x}", to_float=False)
