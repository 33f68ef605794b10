"""Elementwise functions under torch's names. Each is a row of the table, or a line of such rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.ops.arguments import need_tensor, type_name, write_out
from rushlight.primitives import pointwise as rows
from rushlight.primitives.core import Primitive, apply
from rushlight.tensor_base import TensorBase

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

__all__ = [
    "abs",
    "add",
    "div",
    "eq",
    "exp",
    "ge",
    "gt",
    "isfinite",
    "isnan",
    "le",
    "log",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "lt",
    "maximum",
    "minimum",
    "mul",
    "ne",
    "neg",
    "pow",
    "reciprocal",
    "relu",
    "rsqrt",
    "sigmoid",
    "sign",
    "sqrt",
    "square",
    "sub",
    "tanh",
]

Number = int | float | complex | bool
NUMBERS = (int, float, complex, np.number, np.bool_)


def unary(row: Primitive, what: str, name: str | None = None) -> Callable[..., Tensor]:
    """The public function of a row with one input."""
    name = name or row.name

    def function(input: Tensor, *, out: Tensor | None = None) -> Tensor:
        if not isinstance(input, TensorBase):
            need_tensor(name, "input", 1, input)
        result: Tensor = apply(row, input)
        return result if out is None else write_out(out, result)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = what
    return function


def binary(row: Primitive, what: str, name: str | None = None) -> Callable[..., Tensor]:
    """The public function of a row with two inputs that broadcast; the second may be a number."""
    name = name or row.name

    def function(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
        if not isinstance(input, TensorBase) and not isinstance(other, TensorBase):
            need_tensor(name, "input", 1, input)
        if not isinstance(other, TensorBase) and not isinstance(other, NUMBERS):
            raise TypeError(
                f"{name}(): argument 'other' (position 2) must be Tensor, not {type_name(other)}"
            )
        result: Tensor = apply(row, input, other)
        return result if out is None else write_out(out, result)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = what
    return function


exp = unary(rows.exp, "e to the power of each element.")
log = unary(rows.log, "The natural logarithm of each element.")
sqrt = unary(rows.sqrt, "The square root of each element.")
rsqrt = unary(rows.rsqrt, "1 / sqrt(x) of each element.")
neg = unary(rows.neg, "-x of each element.")
abs = unary(rows.abs, "The absolute value of each element.")
sign = unary(rows.sign, "-1, 0 or 1 by the sign of each element.")
sigmoid = unary(rows.sigmoid, "1 / (1 + exp(-x)) of each element.")
tanh = unary(rows.tanh, "The hyperbolic tangent of each element.")
relu = unary(rows.relu, "max(x, 0) of each element.")
square = unary(rows.square, "x * x of each element.")
reciprocal = unary(rows.reciprocal, "1 / x of each element.")
isnan = unary(rows.isnan, "Where elements are nan.")
isfinite = unary(rows.isfinite, "Where elements are neither infinite nor nan.")
logical_not = unary(rows.logical_not, "Where elements are zero.")

mul = binary(rows.mul, "The product of both, element by element.")
maximum = binary(rows.maximum, "The larger of both, element by element; nan wins.")
minimum = binary(rows.minimum, "The smaller of both, element by element; nan wins.")
eq = binary(rows.eq, "Where both are equal.")
ne = binary(rows.ne, "Where both differ.")
lt = binary(rows.lt, "Where the first is smaller.")
le = binary(rows.le, "Where the first is smaller or equal.")
gt = binary(rows.gt, "Where the first is larger.")
ge = binary(rows.ge, "Where the first is larger or equal.")
logical_and = binary(rows.logical_and, "Where both are nonzero.")
logical_or = binary(rows.logical_or, "Where either is nonzero.")
logical_xor = binary(rows.logical_xor, "Where exactly one is nonzero.")


def add(
    input: Tensor, other: Tensor | Number, *, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """input + alpha * other; shapes broadcast, types promote.

    >>> import rushlight as torch
    >>> torch.add(torch.tensor([1, 2]), 10, alpha=2)
    tensor([21, 22])
    """
    result: Tensor = apply(rows.add, input, other if alpha == 1 else _scaled("add", other, alpha))
    return result if out is None else write_out(out, result)


def sub(
    input: Tensor, other: Tensor | Number, *, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """input - alpha * other; shapes broadcast, types promote."""
    result: Tensor = apply(rows.sub, input, other if alpha == 1 else _scaled("sub", other, alpha))
    return result if out is None else write_out(out, result)


def _scaled(name: str, other: Any, alpha: Number) -> Any:
    kind = other._data.dtype.kind if isinstance(other, TensorBase) else np.asarray(other).dtype.kind
    if isinstance(alpha, float) and kind in "iub":
        raise RuntimeError(
            f"{name}: For integral input tensors, argument alpha must not be a floating point number."
        )
    return other * alpha


_ROUNDED = {"floor": rows.floor_divide, "trunc": rows.trunc_divide, None: rows.div}


def div(
    input: Tensor,
    other: Tensor | Number,
    *,
    rounding_mode: str | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """input / other; with rounding_mode "floor" or "trunc" the rounded quotient.

    >>> import rushlight as torch
    >>> torch.div(torch.tensor([-7, 7]), 2, rounding_mode="trunc")
    tensor([-3,  3])
    """
    if rounding_mode not in _ROUNDED:
        raise RuntimeError(
            "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found "
            f"'{rounding_mode}'"
        )
    result: Tensor = apply(_ROUNDED[rounding_mode], input, other)
    return result if out is None else write_out(out, result)


def pow(input: Tensor | Number, exponent: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input ** exponent; either may be a number. Integers do not take negative integer exponents.

    >>> import rushlight as torch
    >>> torch.pow(torch.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])
    """
    result: Tensor = apply(rows.pow, input, exponent)
    return result if out is None else write_out(out, result)
