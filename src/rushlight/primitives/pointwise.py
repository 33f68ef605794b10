"""Elementwise arithmetic, comparison and choice: the rows that everything else leans on.

Rules see tensors (or Python numbers, where the user wrote one) and are ordinary operations.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.arrays import as_array, is_array
from rushlight.core.node import PrimitiveNode
from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.tensor import Array, TensorBase
from rushlight.dtypes import NARROW
from rushlight.primitives import formulas, rests
from rushlight.primitives.families import (
    NUMERIC,
    PAIRS,
    REAL,
    SHAPES,
    binary,
    broadcast_shapes,
    compare,
    draw,
    fitted,
    is_small,
    promote_same,
    result_type,
    supported,
    tensors_saved,
    unary,
)
from rushlight.primitives.kernel import laid_out, lying, one_kernel
from rushlight.primitives.placement import (
    apart_from_numbers,
    as_first,
    copied,
    empty_like,
    in_rows,
    of_kind,
    pointwise,
    second_first,
)
from rushlight.primitives.power import power
from rushlight.primitives.select import choose

conj_physical: Primitive = Primitive(
    "conj_physical", "unary", np.conjugate, (lambda g: conj_physical(g),),
    lambda x: (x.shape, x.dtype), "conj({x})",
    lambda: [Sample((draw(3, shape) + 1j * draw(4, shape),)) for shape in ((2, 3), ())],
    inputs=("x",), layout=of_kind("c", as_first),
)  # fmt: skip


def conj(x: Any) -> Any:
    """The conjugate, which real tensors and numbers are of themselves."""
    if isinstance(x, TensorBase):
        return conj_physical(x) if x._data_.dtype.kind == "c" else x
    return x.conjugate() if isinstance(x, complex) else x


# ---- arithmetic ---------------------------------------------------------------------------------


def _promote_sub(arrays: list[Any]) -> list[Any]:
    promoted = promote_same(arrays)
    if is_array(promoted[0]) and promoted[0].dtype.kind == "b":
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
            "`logical_xor()` operator instead."
        )
    if promoted is not arrays:
        for operand in arrays:
            kind = operand.dtype.kind if is_array(operand) else ""
            if kind == "b" or isinstance(operand, bool):
                raise RuntimeError(
                    "Subtraction, the `-` operator, with a bool tensor is not supported. If you "
                    "are trying to invert a mask, use the `~` or `logical_not()` operator instead."
                )
    return promoted


def _is_whole(x: Any) -> bool:
    return (x.dtype.kind if is_array(x) else np.asarray(x).dtype.kind) in "iub"


def _floor_divide(x: Any, y: Any) -> Any:
    if _is_whole(x) and _is_whole(y):
        _check_zero(x, y)
        return np.floor_divide(x, y)
    # NumPy gives nan for a division by zero, torch the infinity of the true quotient.
    quotient = rests.floor_divide(x, y)
    zero = np.equal(y, 0)
    return np.where(zero, np.true_divide(x, y), quotient) if np.any(zero) else quotient


def _trunc_divide(x: Any, y: Any) -> Any:
    if _is_whole(x) and _is_whole(y):
        _check_zero(x, y)
        quotient = np.floor_divide(x, y)
        inexact = np.not_equal(np.multiply(quotient, y), x)
        return quotient + (np.less(quotient, 0) & inexact)
    return np.trunc(np.true_divide(x, y))


def _remainder(x: Any, y: Any) -> Any:
    if _is_whole(x) and _is_whole(y):
        _check_zero(x, y)
        return np.remainder(x, y)
    return rests.remainder(x, y)


def _fmod(x: Any, y: Any) -> Any:
    if _is_whole(x) and _is_whole(y):
        _check_zero(x, y)
        return np.fmod(x, y)
    return rests.fmod(x, y)


def _check_zero(x: Any, y: Any) -> None:
    if np.size(x) and np.any(np.equal(y, 0)):
        raise RuntimeError("ZeroDivisionError")


zeros_like = unary(
    "zeros_like", lambda x: np.zeros(x.shape, x.dtype, like=x), None, "({T})0", to_float=False,
    layout=as_first,
)  # fmt: skip


def flat(g: Any) -> Any:
    """The rule of a constant: zeros whatever arrives (0 * nan is nan, and 0 * -1 is -0).

    They depend on nothing.
    """
    return zeros_like(g.detach())


add = binary(
    "add", np.add, (lambda g: g, lambda g: g), "{x} + {y}",
)  # fmt: skip
sub = binary(
    "sub", np.subtract, (lambda g: g, lambda g: -g), "{x} - {y}", promote=_promote_sub, numbers=True,
)  # fmt: skip
mul = binary(
    "mul", np.multiply, (lambda g, y: g * conj(y), lambda g, x: g * conj(x)),
    {"biuf": "{x} * {y}", "c": "times({x}, {y})"},
)  # fmt: skip
div = binary(
    "div", np.true_divide, (lambda g, y: g / conj(y), lambda g, x, y: -g * conj((x / y) / y)),
    {"f": "{x} / {y}", "c": "over({x}, {y})"}, second=(0.5, 2.0), to_float=True,
)  # fmt: skip
floor_divide = binary(
    "floor_divide", _floor_divide, (flat, flat), "floor_divide({x}, {y}) unless {y} == 0",
    second=(0.5, 2.0), takes=NUMERIC, label="DivBackward2",
)  # fmt: skip
trunc_divide = binary(
    "trunc_divide", _trunc_divide, (flat, flat), "trunc_divide({x}, {y}) unless {y} == 0",
    second=(0.5, 2.0), takes=NUMERIC, label="DivBackward2",
)  # fmt: skip


def _remainder_y(g: Any, x: Any, y: Any) -> Any:
    if not isinstance(x, TensorBase):
        raise RuntimeError("derivative for aten::remainder is not implemented")
    return -g * floor_divide(x, y)


remainder = binary(
    "remainder", _remainder, (lambda g: g, _remainder_y),
    "remainder({x}, {y}) unless {y} == 0", second=(0.5, 2.0), takes=NUMERIC,
)  # fmt: skip
fmod = binary(
    "fmod", _fmod, (lambda g: g, lambda g, x, y: -g * trunc_divide(x, y)),
    "fmod({x}, {y}) unless {y} == 0", second=(0.5, 2.0), takes=NUMERIC,
)  # fmt: skip


def _power(x: Any, y: Any) -> Any:
    if y.__class__ is float or y.__class__ is int or not is_array(y):
        if y == 2:
            return np.multiply(x, x)
        if y == 3:
            return np.multiply(np.multiply(x, x), x)
        if x.dtype.kind in "fcV" and y in _SHORT:
            return _SHORT[y](x)
        if x.dtype.kind in "cb" and y in (0, 1):
            return x.copy() if y else np.ones_like(x)
        if x.dtype == np.float32 and y not in (0, 1) and math.isfinite(y):
            return power(x, y)
    if _is_whole(x) and _is_whole(y) and np.any(np.less(y, 0)):
        return _whole_power(x, y)
    if np.iscomplexobj(y) or np.iscomplexobj(x):
        return _turning_power(x, y)
    return np.power(x, y)


def _turning_power(x: Any, y: Any) -> Any:
    if not is_array(x) and x == 1:
        return np.ones_like(y)
    # Also where x is 0, which has no logarithm: 0j ** 0 is nan.
    return np.exp(y * np.log(x if is_array(x) else y.dtype.type(x)))


def _inverse(x: Any) -> Any:
    # NumPy's reciprocal of a complex number goes by another formula.
    return np.true_divide(x.dtype.type(1), x) if x.dtype.kind == "c" else np.reciprocal(x)


# Powers that torch, too, computes the short way.
_SHORT: dict[float, Callable[[Any], Any]] = {
    0.5: np.sqrt,
    -0.5: lambda x: _inverse(np.sqrt(x)),
    -1: _inverse,
    -2: lambda x: _inverse(np.multiply(x, x)),
}


def _whole_power(x: Any, y: Any) -> Any:
    # Of the whole numbers only 1 and -1 have whole negative powers; torch gives 0 for the others.
    exponent = np.where(np.less(y, 0), np.where(np.abs(x) == 1, np.bitwise_and(y, 1), 0), y)
    return np.where(np.less(y, 0) & (np.abs(x) != 1), 0, np.power(x, exponent))


def _promote_power(arrays: list[Any]) -> list[Any]:
    x, y = arrays
    whole = isinstance(y, int | np.integer) and y.__class__ is not bool
    if whole and y < 0 and x.dtype.kind in "iub":
        raise RuntimeError(
            "Integers to negative integer powers are not allowed: make the base floating, "
            "x.float() ** y"
        )
    if y.__class__ is int and x.dtype.kind in "iu":
        dtypes.number_in(y, x.dtype)
    promoted = promote_same(arrays)
    if is_array(promoted[1]) and promoted[1].dtype.kind == "b":
        if y.__class__ is bool:
            # torch has no powers of flags but these two, which it need not compute.
            return [promoted[0], y]
        supported("pow", NUMERIC, promoted)
    if is_array(y):
        # A number stays one, as it says how the result lies.
        if not is_array(x) and is_array(promoted[0]):
            promoted[0] = promoted[0].item()
        return promoted
    # Still a number: torch computes some powers the short way, and how the result lies is for the tensor
    # alone to say.
    base = promoted[0]
    if base.dtype.kind in "fVc":
        if base.dtype in NARROW and not is_small(y):
            dtypes.number_in(y, base.dtype)
        return [base, (complex if base.dtype.kind == "c" else float)(y)]
    if base.dtype.kind in "iu" and 0 <= y < 128:
        return [base, int(y)]
    return promoted


def _is_number(x: Any) -> bool:
    return not isinstance(x, TensorBase)


def _power_label(node: PrimitiveNode) -> str:
    if tensors_saved(node) > 1:
        return "PowBackward1"
    return "PowBackward2" if node._edges[0] is None else "PowBackward0"


def _pow_base(g: Any, x: Any, y: Any) -> Any:
    # d(x**0) is 0 also where x**-1 is infinite.
    if _is_number(y):
        return zeros_like(x.detach()) if y == 0 else g * conj(y * x ** (y - 1))
    return where(eq(y, 0), 0, g * conj(y * x ** (y - 1)))


def _pow_exponent(g: Any, x: Any, y: Any, out: Any) -> Any:
    # 0**y is constant for y >= 0, where log(0) would give nan.
    if _is_number(x):
        if x == 0:
            return where(ge(y, 0), 0, g * out * float("-inf"))
        return g * conj(out * np.log(x))
    flat = logical_and(eq(x, 0), ge(y, 0)) if out._data_.dtype.kind != "c" else eq(x, 0)
    return where(flat, 0, g * conj(out * x.log()))


def _power_layout(forward: Any, arrays: Sequence[Any], static: dict[str, Any]) -> Any:
    """A number to the powers of a tensor is in row order."""
    return (apart_from_numbers if is_array(arrays[0]) else in_rows)(forward, arrays, static)


pow = binary(
    "pow", _power, (_pow_base, _pow_exponent), formulas.power, domain=(0.2, 2.0),
    second=(-2.0, 2.0), promote=_promote_power, layout=_power_layout,
    label=_power_label,
)  # fmt: skip

neg = unary(
    "neg", np.negative, lambda g: -g, "-{x}", to_float=False, takes=NUMERIC + "c",
    no_bool="Negation, the `-` operator, on a bool tensor is not supported. If you are trying to "
    "invert a mask, use the `~` or `logical_not()` operator instead.",
)  # fmt: skip
reciprocal = unary(
    "reciprocal", _inverse, lambda g, out: -g * conj(out * out),
    {"f": "1 / {x}", "c": "over(1, {x})"}, domain=(0.5, 2.0),
)  # fmt: skip


def _square(x: Array) -> Any:
    # A power of booleans is a whole number.
    return np.square(x) if x.dtype.kind != "b" else x.astype(np.int64)


square = unary(
    "square", _square, lambda g, x: g * conj(lying(2 * x, x)), {"biuf": "{x} * {x}", "c": "times({x}, {x})"},
    to_float=False, label="PowBackward0",
)  # fmt: skip
sqrt = unary("sqrt", np.sqrt, lambda g, out: g / conj(2 * out), "sqrt({x})", domain=(0.1, 3.0))


def _rsqrt(x: Array) -> Any:
    return _inverse(np.sqrt(x))


rsqrt = unary(
    "rsqrt", _rsqrt, lambda g, out: -0.5 * g * conj(out**3), "1 / sqrt({x})", domain=(0.1, 3.0)
)
exp = unary("exp", np.exp, lambda g, out: g * conj(out), "exp({x})")
log = unary("log", np.log, lambda g, x: g / conj(x), "log({x})", domain=(0.1, 3.0))


def _sigmoid(x: Array) -> Any:
    out = as_array(np.negative(x))
    np.exp(out, out=out)
    out += 1
    return np.true_divide(1, out, out=out)


sigmoid = unary(
    "sigmoid", _sigmoid, one_kernel(lambda g, out: g * conj((1 - out) * out), lies=(0, 1)),
    "sigmoid({x})",
)  # fmt: skip
tanh = unary(
    "tanh", np.tanh, one_kernel(lambda g, out: g * conj(1 - out * out), lies=(0, 1)), "tanh({x})"
)  # fmt: skip

abs = unary(
    "abs", np.abs, lambda g, x: g * sgn(x), "fabs({x})", to_float=False, takes=NUMERIC + "c",
    layout=of_kind("c", as_first),
)  # fmt: skip


def _sgn(x: Array) -> Any:
    if x.dtype.kind == "c":
        size = np.abs(x)
        return np.where(size == 0, 0, x / np.where(size == 0, 1, size)).astype(x.dtype, copy=False)
    return _sign(x)


def _sign(x: Array) -> Any:
    if x.dtype.kind == "b":
        return x.copy()
    # NumPy's sign of nan is nan, torch's 0.
    if not x.ndim:
        return np.subtract(x > 0, x < 0, dtype=x.dtype)
    return ((x > 0).view(np.int8) - (x < 0).view(np.int8)).astype(x.dtype)


def _sgn_vjp(g: Any, x: Any, out: Any) -> Any:
    if out._data_.dtype.kind != "c":
        return laid_out(flat(g), strides=None)
    # z/|z| turns with z and keeps its length: only the part of g across it counts.
    across = g - out * (g * conj(out)).real
    size = abs(x)
    return where(eq(size, 0), 0, across / size)


sign = unary("sign", _sign, flat, "({T})(({x} > 0) - ({x} < 0))", to_float=False, takes=REAL)
sgn: Primitive = unary("sgn", _sgn, _sgn_vjp, sign.c, to_float=False)


_FEW = 2048


def _relu(x: Array) -> Any:
    dtype = x.dtype
    if x.size > _FEW and dtype.kind in "fV":
        # Between two limits NumPy's loop is vectorised, against one number it is not.
        return x.clip(0, np.inf)
    zero = _zero(x.__class__, dtype)
    # Of two equal zeros the processor takes the second, NumPy's own float16 the first: -0 stays -0.
    return np.maximum(x, zero) if dtype.char == "e" else np.maximum(zero, x)


def _zero_of(library: Any, dtype: np.dtype[Any]) -> Any:
    # An array meets an array faster than a number, if both are NumPy's.
    return np.zeros((), dtype) if library is np.ndarray else dtype.type(0)


_zero: Callable[[Any, np.dtype[Any]], Any] = functools.cache(_zero_of)


relu = unary(
    "relu", _relu, lambda g, out: relu_backward(g, out), "0 > {x} ? 0 : {x}", to_float=False,
    takes=NUMERIC, no_bool="Boolean inputs not supported for relu",
)  # fmt: skip


def _relu_backward(x: Array, y: Array) -> Any:
    zero = _zero(x.__class__, x.dtype)
    closed = np.less_equal(y, zero)
    if x.size > _FEW or x.shape != y.shape:
        return choose(closed, zero, x)
    kept = x.copy()
    np.putmask(kept, closed, zero)
    return kept


# x where y, the output of relu, is open; a nan is.
relu_backward: Primitive = binary(
    "relu_backward", _relu_backward, (lambda g, y: relu_backward(g, y), flat),
    "{y} <= 0 ? 0 : {x}", takes=REAL, label="ThresholdBackwardBackward0", layout=second_first,
)  # fmt: skip

# ---- the larger and the smaller -----------------------------------------------------------------


def _split_ties(beaten: Primitive, beats: Primitive) -> tuple[Any, Any]:
    # Where both are equal each gets half, where one is nan both get all, as in torch.
    def left(g: Any, x: Any, y: Any) -> Any:
        return where(beaten(x, y), 0, where(eq(x, y), g / 2, g))

    def right(g: Any, x: Any, y: Any) -> Any:
        return where(beats(x, y), 0, where(eq(x, y), g / 2, g))

    return left, right


def _first_wins(chosen: Primitive) -> tuple[Any, Any]:
    # Ties, and two nans, go to the first. torch fills what is left out in a copy in row order.
    @one_kernel(in_rows=True)
    def left(g: Any, x: Any, y: Any) -> Any:
        return where(logical_or(chosen(x, y), isnan(y)), g, 0)

    @one_kernel(in_rows=True)
    def right(g: Any, x: Any, y: Any) -> Any:
        return where(logical_or(chosen(x, y), isnan(y)), 0, g)

    return left, right


eq = compare("eq", np.equal, "{x} == {y}")
ne = compare("ne", np.not_equal, "{x} != {y}")
lt = compare("lt", np.less, "{x} < {y}", REAL)
le: Primitive = compare("le", np.less_equal, "{x} <= {y}", REAL)
gt = compare("gt", np.greater, "{x} > {y}", REAL)
ge: Primitive = compare("ge", np.greater_equal, "{x} >= {y}", REAL)
logical_and = compare("logical_and", np.logical_and, "({x} != 0) & ({y} != 0)")
logical_or = compare("logical_or", np.logical_or, "({x} != 0) | ({y} != 0)")
logical_xor = compare("logical_xor", np.logical_xor, "({x} != 0) != ({y} != 0)")
logical_not = unary("logical_not", np.logical_not, None, "{x} == 0", to_float=False)
isnan = unary("isnan", np.isnan, None, "{x} != {x}", to_float=False)


def _maximum(x: Any, y: Any) -> Any:
    # Of two equal zeros NumPy takes the second, torch the first, but in whole vectors.
    return np.maximum(y, x)


def _minimum(x: Any, y: Any) -> Any:
    return np.minimum(y, x)


def _fmax(x: Any, y: Any) -> Any:
    return np.where(np.equal(x, y), x, np.fmax(x, y))


def _fmin(x: Any, y: Any) -> Any:
    return np.where(np.equal(x, y), x, np.fmin(x, y))


def _ordered(name: str) -> dict[str, Any]:
    return {"takes": REAL, "no_complex": f"{name} not implemented for complex tensors."}


maximum = binary(
    "maximum", _maximum, _split_ties(lt, gt), "maximum({y}, {x})", **_ordered("maximum")
)
minimum = binary(
    "minimum", _minimum, _split_ties(gt, lt), "minimum({y}, {x})", **_ordered("minimum")
)
fmax = binary("fmax", _fmax, _first_wins(ge), "fmax({x}, {y})", **_ordered("fmax"))
fmin = binary("fmin", _fmin, _first_wins(le), "fmin({x}, {y})", **_ordered("fmin"))

# ---- choice and conversion ----------------------------------------------------------------------


def _where(condition: Array, x: Any, y: Any) -> Any:
    if condition.size > _FEW:
        if not is_array(x):
            x = np.asarray(x, y.dtype, like=y)
        elif not is_array(y):
            y = np.asarray(y, x.dtype, like=x)
        return choose(condition, x, y)
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
    if x.__class__ is y.__class__ and is_array(x) and x.dtype is y.dtype:
        return [condition, x, y]
    # A number stays one only beside NumPy's own floats: beside bfloat16 it would make float64.
    if not is_array(x) and is_array(y):
        if is_small(x) and y.dtype.kind == "f" and y.itemsize > 1:
            return [condition, x, y]
    elif not is_array(y) and is_array(x):  # noqa: SIM102
        if is_small(y) and x.dtype.kind == "f" and x.itemsize > 1:
            return [condition, x, y]
    common = result_type(x, y).numpy
    return [condition, *(fitted(a, common, dtypes.one_in) for a in (x, y))]


def _where_rule(condition: Any, x: Any, y: Any) -> Spec:
    shape = broadcast_shapes([np.shape(condition), np.shape(x), np.shape(y)])
    return shape, result_type(x, y).numpy


def _where_samples() -> Iterable[Sample]:
    for seed, (left, right) in enumerate(PAIRS):
        x, y = draw(seed, left), draw(seed + 50, right)
        yield Sample((draw(seed + 90, right) > 0, x, y))


where: Primitive = Primitive(
    "where", "ternary", _where,
    (None, lambda g, condition: where(condition, g, 0),
     lambda g, condition: where(condition, 0, g)),
    _where_rule, "{condition} ? {x} : {y}", _where_samples, promote=_promote_where,
    layout=pointwise, as_is=True,
)  # fmt: skip


def _convert(x: Array, *, dtype: np.dtype[Any]) -> Array:
    real = dtypes.real_for(x, dtype)
    if real is x:
        return copied(x, dtype)
    out = empty_like(x, dtype)
    out[...] = real
    return out


def _convert_rule(x: Array, *, dtype: np.dtype[Any]) -> Spec:
    return x.shape, dtype


def _convert_samples() -> Iterable[Sample]:
    for name in ("float32", "float64", "int64"):
        yield Sample((draw(1, (2, 3)),), {"dtype": np.dtype(name)})


# The engine brings every gradient to its tensor's own type, so g needs no conversion here.
convert = Primitive(
    "convert", "unary", _convert, (lambda g: g,), _convert_rule, formulas.converted, _convert_samples,
    label="ToCopyBackward0", as_is=True,
)  # fmt: skip


def _clone(x: Array) -> Array:
    return copied(x)


clone = Primitive(
    "clone", "unary", _clone, (lambda g: g,), lambda x: (x.shape, x.dtype), "{x}",
    lambda: [Sample((draw(seed, shape),)) for seed, shape in enumerate(SHAPES)], as_is=True,
)  # fmt: skip
