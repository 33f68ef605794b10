"""Operators that work element by element."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from rushlight.nn import functional as F
from rushlight.onnx.loading.operator import (
    Handler,
    Operator,
    array_of,
    dtype_of,
    is_whole,
    number,
    tensor_of,
    torch_type,
)
from rushlight.onnx.proto import dtype_of as proto_type
from rushlight.public import torch as T

# ---- one call ------------------------------------------------------------------------------------

# ONNX's operator, and torch's function of the same inputs.
SAME: dict[str, Any] = {
    "Abs": T.abs, "Acos": T.acos, "Acosh": T.acosh, "Asin": T.asin, "Asinh": T.asinh, "Atan": T.atan,
    "Atanh": T.atanh, "BitwiseNot": T.bitwise_not, "Ceil": T.ceil, "Cos": T.cos, "Cosh": T.cosh, "Erf": T.erf,
    "Exp": T.exp, "Floor": T.floor, "HardSwish": F.hardswish, "IsNaN": T.isnan, "Log": T.log, "Mish": F.mish,
    "Neg": T.neg, "Not": T.logical_not, "Reciprocal": T.reciprocal, "Relu": T.relu, "Round": T.round,
    "Sigmoid": T.sigmoid, "Sin": T.sin, "Sinh": T.sinh, "Softsign": F.softsign, "Sqrt": T.sqrt,
    "Tan": T.tan, "Tanh": T.tanh, "Where": T.where,
}  # fmt: skip
TWO: dict[str, Any] = {
    "Add": T.add, "Sub": T.sub, "Mul": T.mul, "And": T.logical_and, "Or": T.logical_or, "Xor": T.logical_xor,
    "BitwiseAnd": T.bitwise_and, "BitwiseOr": T.bitwise_or, "BitwiseXor": T.bitwise_xor, "Equal": T.eq,
    "Less": T.lt, "LessOrEqual": T.le, "Greater": T.gt, "GreaterOrEqual": T.ge,
}  # fmt: skip


def plain(function: Any) -> Handler:
    """A handler that hands the inputs on."""
    return lambda op, *inputs: function(*inputs)


def aligned(op: Operator, x: Any, y: Any) -> Any:
    """y as it is spread over x: before version 7 an attribute says from which dimension on."""
    axis = op.get("axis")
    if op.version >= 7 or axis is None or not y.ndim:
        return y
    axis = axis % x.ndim
    return y.reshape((*y.shape, *(1,) * (x.ndim - axis - y.ndim)))


def _two(function: Any) -> Handler:
    return lambda op, x, y: function(x, aligned(op, x, y))


def _div(op: Operator, x: Any, y: Any) -> Any:
    y = aligned(op, x, y)
    return T.div(x, y, rounding_mode="trunc") if is_whole(x) else T.div(x, y)


def _mod(op: Operator, x: Any, y: Any) -> Any:
    return T.fmod(x, y) if op.get("fmod", 0) else T.remainder(x, y)


def _pow(op: Operator, x: Any, y: Any) -> Any:
    y = aligned(op, x, y)
    if is_whole(x) and not is_whole(y):
        return T.pow(x.to(y.dtype), y).to(x.dtype)
    if is_whole(x):
        return T.pow(x, y.to(x.dtype))
    return T.pow(x, y.to(x.dtype))


def _variadic(function: Any) -> Handler:
    return lambda op, *inputs: functools.reduce(function, inputs)


def _mean(op: Operator, *inputs: Any) -> Any:
    return functools.reduce(T.add, inputs) / len(inputs)


def _shift(op: Operator, x: Any, y: Any) -> Any:
    left = op.get("direction") == "LEFT"
    dtype, wide = dtype_of(x), array_of(y)
    known = np.left_shift(array_of(x), wide) if left else np.right_shift(array_of(x), wide)
    return tensor_of(known.astype(dtype))


def _clip(op: Operator, x: Any, low: Any = None, high: Any = None) -> Any:
    if op.version < 11:
        low, high = op.get("min"), op.get("max")
    low, high = (None if v is None else number(v) for v in (low, high))
    if low is not None and (isinstance(low, int) or low == low):
        x = T.clamp(x, min=low)
    return x if high is None else T.clamp(x, max=high)


def _sign(op: Operator, x: Any) -> Any:
    # torch's sign of nan is 0.
    return T.sign(x) if dtype_of(x).kind in "iu" else T.where(T.isnan(x), x, T.sign(x))


def _is_inf(op: Operator, x: Any) -> Any:
    negative, positive = op.get("detect_negative", 1), op.get("detect_positive", 1)
    found = T.isinf(x)
    if not negative:
        found = T.logical_and(found, x > 0)
    return found if positive else T.logical_and(found, x < 0)


# ---- activations ---------------------------------------------------------------------------------


def _selu(op: Operator, x: Any) -> Any:
    alpha, gamma = (
        op.get("alpha", 1.67326319217681884765625),
        op.get("gamma", 1.05070102214813232421875),
    )
    return gamma * (T.clamp(x, min=0) + alpha * (T.exp(T.clamp(x, max=0)) - 1))


def _celu(op: Operator, x: Any) -> Any:
    alpha = op.get("alpha", 1.0)
    return T.clamp(x, min=0) + T.clamp(alpha * T.expm1(x / alpha), max=0)


def _elu(op: Operator, x: Any) -> Any:
    return F.elu(x, op.get("alpha", 1.0))


def _gelu(op: Operator, x: Any) -> Any:
    return F.gelu(x, approximate=op.get("approximate", "none"))


def _leaky(op: Operator, x: Any) -> Any:
    return F.leaky_relu(x, op.get("alpha", 0.01))


def _prelu(op: Operator, x: Any, slope: Any) -> Any:
    if op.version < 9 and slope.ndim == 1 and slope.shape[0] > 1:
        slope = slope.reshape(-1, *(1,) * (x.ndim - 2))
    return T.where(x >= 0, x, x * slope)


def _hard_sigmoid(op: Operator, x: Any) -> Any:
    return T.clamp(x * op.get("alpha", 0.2) + op.get("beta", 0.5), 0, 1)


def _thresholded(op: Operator, x: Any) -> Any:
    return T.where(x > op.get("alpha", 1.0), x, T.zeros_like(x))


def _shrink(op: Operator, x: Any) -> Any:
    bias, lambd = op.get("bias", 0.0), op.get("lambd", 0.5)
    zero = T.zeros_like(x)
    low = T.where(x < -lambd, (x + bias).to(x.dtype), zero)
    return T.where(x > lambd, (x - bias).to(x.dtype), low)


def _softplus(op: Operator, x: Any) -> Any:
    return F.softplus(x, threshold=math.inf)


def _swish(op: Operator, x: Any) -> Any:
    return x * T.sigmoid(x * op.get("alpha", 1.0))


def _over_rest(op: Operator, x: Any, function: Any) -> Any:
    """function along an axis; before version 13 along all dimensions from the axis on."""
    if op.version >= 13:
        return function(x, op.get("axis", -1))
    axis = op.get("axis", 1) % x.ndim if x.ndim else 0
    shape = tuple(x.shape)
    return function(x.reshape(math.prod(shape[:axis]), -1), 1).reshape(shape)


def _softmax(op: Operator, x: Any) -> Any:
    return _over_rest(op, x, T.softmax)


def _log_softmax(op: Operator, x: Any) -> Any:
    return _over_rest(op, x, T.log_softmax)


def _hardmax(op: Operator, x: Any) -> Any:
    def first(x: Any, dim: int) -> Any:
        places = T.argmax(x, dim, keepdim=True)
        return T.zeros_like(x).scatter(dim, places, 1)

    return _over_rest(op, x, first)


# ---- types ---------------------------------------------------------------------------------------


def converted(op: Operator, x: Any, kind: int) -> Any:
    """x in the type of a number of ONNX's."""
    try:
        dtype = torch_type(proto_type(kind))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise op.refuse(f"there is no type {kind} for tensors") from error
    return x.to(dtype)


def _cast(op: Operator, x: Any) -> Any:
    if isinstance(x, list):
        raise op.refuse("there are no tensors of strings")
    return converted(op, x, op.get("to"))


def _cast_like(op: Operator, x: Any, like: Any) -> Any:
    return x.to(like.dtype)


def _bit_cast(op: Operator, x: Any) -> Any:
    return x.view(torch_type(proto_type(op.get("to"))))


# torch only keeps these, and ONNX computes with them.
_KEPT = (np.uint16, np.uint32, np.uint64)
_UNSIGNED: dict[str, np.ufunc] = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.floor_divide, "Mod": np.remainder,
    "Max": np.maximum, "Min": np.minimum, "Equal": np.equal, "Less": np.less, "LessOrEqual": np.less_equal,
    "Greater": np.greater, "GreaterOrEqual": np.greater_equal, "BitwiseNot": np.invert,
}  # fmt: skip


def _whatever_whole(name: str, handler: Handler) -> Handler:
    """A handler whose inputs may be of a type that only NumPy computes with."""
    known = _UNSIGNED.get(name)
    if known is None:
        return handler

    def handle(op: Operator, *inputs: Any) -> Any:
        if dtype_of(inputs[0]) not in _KEPT:
            return handler(op, *inputs)
        arrays = [array_of(x) for x in inputs]
        return tensor_of(known(*arrays) if known.nin == 1 else functools.reduce(known, arrays))

    return handle


_HANDLERS: dict[str, Handler] = {
    **{name: plain(function) for name, function in SAME.items()},
    **{name: _two(function) for name, function in TWO.items()},
    "Div": _div, "Mod": _mod, "Pow": _pow, "Max": _variadic(T.maximum), "Min": _variadic(T.minimum),
    "Sum": _variadic(T.add), "Mean": _mean, "BitShift": _shift, "Clip": _clip, "IsInf": _is_inf, "Sign": _sign,
    "Selu": _selu,
    "Celu": _celu, "Elu": _elu, "Gelu": _gelu, "LeakyRelu": _leaky, "PRelu": _prelu, "HardSigmoid": _hard_sigmoid,
    "ThresholdedRelu": _thresholded, "Shrink": _shrink, "Softplus": _softplus, "Swish": _swish,
    "Softmax": _softmax, "LogSoftmax": _log_softmax, "Hardmax": _hardmax, "Cast": _cast, "CastLike": _cast_like,
    "BitCast": _bit_cast,
}  # fmt: skip
POINTWISE = {name: _whatever_whole(name, handler) for name, handler in _HANDLERS.items()}
