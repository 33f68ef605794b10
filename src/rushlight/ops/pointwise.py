"""Arithmetic under torch's names.

A function is a row of the table, or a line of such rows. Everything broadcasts and promotes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.pretended import remember, reusable
from rushlight.core.doors import apply, calculate, literal, number
from rushlight.core.row import Primitive
from rushlight.core.tensor import TensorBase, wants_grad
from rushlight.dtypes import NARROW
from rushlight.narrow import need_more_bits, rounded
from rushlight.ops.arguments import (
    NUMBERS,
    Number,
    fitting_factor,
    named,
    need_real_gradient,
    need_scalar,
    need_tensor,
    need_whole,
    relabel,
    type_name,
    write_out,
    write_outs,
)
from rushlight.ops.builders import REMAINDERS, binary, first_operand, numbered, unary
from rushlight.ops.conversion import alike
from rushlight.ops.inplace import inplace
from rushlight.overriding.functions import ask_late, met_late
from rushlight.primitives import pointwise as rows
from rushlight.primitives import rounding, ternary
from rushlight.primitives.families import result_type

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


abs = unary(rows.abs, "The absolute value of each element.", same=True)
absolute = abs
ceil = unary(rounding.ceil, "Each element rounded up to a whole number.", same=True)
floor = unary(rounding.floor, "Each element rounded down to a whole number.", same=True)
frac = unary(rounding.frac, "The part of each element behind the point, with its sign.", same=True)
neg = unary(rows.neg, "-x of each element.", same=True)
negative = neg
reciprocal = unary(rows.reciprocal, "1 / x of each element.")
relu = unary(rows.relu, "max(x, 0) of each element.")
rsqrt = unary(rows.rsqrt, "1 / sqrt(x) of each element.")
sgn = unary(
    rows.sgn, "x / |x| of each element, 0 at 0; the sign, also of complex numbers.", same=True
)
sign = unary(rows.sign, "-1, 0 or 1 by the sign of each element.", same=True)
signbit = unary(
    rounding.signbit,
    "Where the sign bit is set: for negative numbers and -0.",
    same=True,
    judged=True,
)
sqrt = unary(rows.sqrt, "The square root of each element.")
square = unary(rows.square, "x * x of each element.")
trunc = unary(rounding.trunc, "Each element rounded towards zero to a whole number.", same=True)
fix = trunc

copysign = binary(
    rounding.copysign, "The size of the first with the sign of the second.",
    names=numbered("Copysign", 0, 0, 1),
)  # fmt: skip
floor_divide = binary(
    rounding.floor_division,
    "The quotient rounded down, element by element.",
    "floor_divide",
    numbers="both",
)
fmax = binary(rows.fmax, "The larger of both; where one is nan, the other.",
              numbers="neither")  # fmt: skip
fmin = binary(rows.fmin, "The smaller of both; where one is nan, the other.", numbers="neither")
fmod = binary(
    rows.fmod,
    "What the division leaves, with the sign of the first.",
    names=numbered("Fmod", 1, 1, 0),
)
heaviside = binary(
    rounding.heaviside, "0 below 0, 1 above, and at 0 the second's element.", numbers="neither"
)
maximum = binary(
    rows.maximum, "The larger of both, element by element; nan wins.", numbers="neither"
)
minimum = binary(
    rows.minimum, "The smaller of both, element by element; nan wins.", numbers="neither"
)
mul = binary(rows.mul, "The product of both, element by element.", numbers="both")
multiply = mul
nextafter = binary(
    rounding.nextafter, "The float next to the first towards the second.", numbers="neither"
)
remainder = binary(
    rows.remainder, "What the division leaves, with the sign of the second.", numbers="either",
    names=REMAINDERS,
)  # fmt: skip


def _scalable(row: Primitive, what: str) -> Callable[..., Tensor]:
    """A sum or difference whose second operand may have a factor, which programs of old write first."""
    name = row.name

    def function(
        input: Tensor,
        other: Tensor | Number,
        *old: Tensor | Number,
        alpha: Number = 1,
        out: Tensor | None = None,
    ) -> Tensor:
        try:
            if old:
                alpha, other = _number_first(name, other, *old)
            if not isinstance(input, TensorBase) or not isinstance(other, TensorBase):
                input = first_operand(name, input, other)
            if alpha.__class__ is not int or alpha != 1:
                result: Tensor = _with_share(row, input, other, alpha)
            else:
                result = apply(row, input, other)
            return result if out is None else write_out(out, result, input, other)
        except met_late():
            return ask_late()

    return named(function, name, what)


add = _scalable(
    rows.add,
    """The sum input + alpha * other; shapes broadcast, types promote.

    Programs of old write add(input, alpha, other).

    >>> import rushlight as torch
    >>> torch.add(torch.tensor([1, 2]), 10, alpha=2)
    tensor([21, 22])
    """,
)
sub = _scalable(rows.sub, "The difference input - alpha * other; see `add`.")
subtract = sub


def rsub(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """The difference the other way round: other - alpha * input.

    >>> import rushlight as torch
    >>> torch.rsub(torch.tensor([1, 2]), 10)
    tensor([9, 8])
    """
    need_tensor("rsub", "input", 1, input)
    if alpha.__class__ is not int or alpha != 1:
        input = _scaled("rsub", input, input, alpha)
    label = f"RsubBackward{int(not isinstance(other, TensorBase))}"
    return relabel(apply(rows.sub, other, input), label)


def _kind(x: Any) -> str:
    return x._data_.dtype.kind if isinstance(x, TensorBase) else np.asarray(x).dtype.kind


def _with_share(row: Primitive, input: Any, other: Any, alpha: Number) -> Tensor:
    """input + alpha * other or their difference: of narrow floats rounded once, and alpha first."""
    kind = getattr(input, "_data_", np.empty(0)).dtype
    if kind not in dtypes.NARROW or not isinstance(other, TensorBase) or other._data_.dtype != kind:
        return apply(row, input, _scaled(row.name, input, other, alpha))
    need_more_bits(f"{row.name}_stub", input._data_)
    wide = input.float(), other.float()  # type: ignore[attr-defined]
    share = rounded(_share(row.name, input, other, alpha)[0], kind)
    total = apply(row, wide[0], _scaled(row.name, *wide, share))
    return relabel(total.to(dtypes.of(kind)), f"{row.name.capitalize()}Backward0")


def _share(name: str, input: Any, other: Any, alpha: Any) -> tuple[Any, dtypes.dtype]:
    """alpha as a number that fits, and the common type that it fits; or torch's error."""
    if isinstance(alpha, TensorBase) and not (alpha._data_.ndim or alpha._requires_grad_):
        alpha = number(alpha, "alpha")
    if not isinstance(alpha, NUMBERS):
        raise TypeError(f"{name}(): argument 'alpha' must be Number, not {type_name(alpha)}")
    alpha = dtypes.python_number(alpha)
    common = result_type(*(x._data_ if isinstance(x, TensorBase) else x for x in (input, other)))
    if isinstance(alpha, bool) and common is not dtypes.bool_:
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    if isinstance(alpha, float | complex) and common.category < dtypes.FLOATING:
        raise RuntimeError(
            "For integral input tensors, argument alpha must not be a floating point number."
        )
    if isinstance(alpha, complex) and not common.is_complex:
        raise RuntimeError(
            "For non-complex input tensors, argument alpha must not be a complex number."
        )
    fit = calculate(dtypes.number_in, alpha, common.numpy)
    return fit.item() if common.category < dtypes.FLOATING else alpha, common


def _scaled(name: str, input: Any, other: Any, alpha: Number) -> Any:
    share, common = _share(name, input, other, alpha)
    if not isinstance(other, TensorBase):
        other = literal(np.asarray(other).astype(common.numpy))
    elif other._data_.dtype != common.numpy:
        other = other.to(common)  # type: ignore[attr-defined]
    return reusable(other * share)


def div(
    input: Tensor,
    other: Tensor | Number,
    *,
    rounding_mode: str | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The quotient input / other; with rounding_mode "floor" or "trunc" the rounded quotient.

    >>> import rushlight as torch
    >>> torch.div(torch.tensor([-7, 7]), 2, rounding_mode="trunc")
    tensor([-3,  3])
    """
    try:
        if rounding_mode is None:
            row = rows.div
        elif rounding_mode == "floor":
            row = rows.floor_divide
        elif rounding_mode == "trunc":
            row = rows.trunc_divide
        elif not isinstance(rounding_mode, str):
            raise TypeError(f"div(): rounding_mode must be str, not {type_name(rounding_mode)}")
        else:
            raise RuntimeError(
                "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found "
                f"'{rounding_mode}'"
            )
        input = first_operand("div", input, other)
        result: Tensor = apply(row, input, other)
        if rounding_mode is not None:
            # torch makes a tensor of a number, and saves that.
            saved = other if isinstance(other, TensorBase) else literal(np.asarray(other))
            remember(result, saved, input if wants_grad(saved) else None)
        return result if out is None else write_out(out, result, input, other)
    except met_late():
        return ask_late()


divide = div


def true_divide(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The quotient input / other, never rounded."""
    return div(input, other, out=out)


def pow(input: Tensor | Number, exponent: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The power input ** exponent; either may be a number, but not a negative one for integers.

    >>> import rushlight as torch
    >>> torch.pow(torch.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])
    """
    if not isinstance(exponent, TensorBase):
        need_tensor("pow", "input", 1, input)
        if not isinstance(exponent, NUMBERS):
            raise TypeError(
                f"pow(): argument 'exponent' (position 2) must be Number, not {type_name(exponent)}"
            )
    elif not isinstance(input, TensorBase):
        input = need_scalar("pow", "self", 1, input)
    result: Tensor = apply(rows.pow, input, exponent)
    if isinstance(exponent, TensorBase):
        remember(result, result)
        if not isinstance(input, TensorBase):
            relabel(result, "PowBackward2")
    return result if out is None else write_out(out, result, input, exponent)


def float_power(
    input: Tensor | Number, exponent: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """The power input ** exponent in double precision.

    >>> import rushlight as torch
    >>> torch.float_power(torch.tensor([2, 3]), 0.5)
    tensor([1.4142, 1.7321], dtype=torch.float64)
    """
    complex_ = "c" in (_kind(input), _kind(exponent))
    wide = dtypes.complex128 if complex_ else dtypes.float64
    number: Any = complex if complex_ else float

    def widened(x: Any, name: str, position: int) -> Any:
        if isinstance(x, NUMBERS):
            return number(x)
        need_tensor("float_power", name, position, x)
        return x.to(wide)

    base, power = widened(input, "input", 1), widened(exponent, "exponent", 2)
    if out is not None and out._data_.dtype != wide.numpy:
        raise RuntimeError(
            f"the output given to float_power has dtype {out.dtype.word} but the operation's result "
            f"requires dtype {wide.word}"
        )
    return pow(base, power, out=out)


def abs_(self: Tensor) -> Tensor:
    """`abs`, written into the tensor itself, which must be real."""
    if self._data_.dtype.kind == "c":
        raise RuntimeError(
            "In-place abs is not supported for complex tensors: abs() gives a new, real tensor"
        )
    return _real_abs_(self)


_real_abs_ = inplace(abs)


def float_power_(self: Tensor, exponent: Tensor | Number) -> Tensor:
    """`float_power`, written into the tensor itself, which must be of double precision."""
    complex_ = "c" in (_kind(self), _kind(exponent))
    wide = dtypes.complex128 if complex_ else dtypes.float64
    if self._data_.dtype != wide.numpy:
        raise RuntimeError(
            f"the base given to float_power_ has dtype {dtypes.of(self._data_.dtype).word} but the "
            f"operation's result requires dtype {wide.word}"
        )
    return self.pow_(exponent)


def ldexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product input * 2 ** other.

    >>> import rushlight as torch
    >>> torch.ldexp(torch.tensor([1.0, 3.0]), torch.tensor([3, -1]))
    tensor([8.0000, 1.5000])
    """
    need_tensor("ldexp", "input", 1, input)
    need_tensor("ldexp", "other", 2, other)
    if other._data_.dtype.kind == "b" and input._data_.dtype.kind in "fV":
        raise NotImplementedError("\"ldexp_cpu_exp\" not implemented for 'Bool'")
    if input._data_.dtype.kind in "fV" and other._data_.dtype.kind in "iu":
        result = apply(rounding.ldexp, input, other)
    else:
        plain = input._data_.dtype == np.float32 or input._data_.dtype.kind in "iub"
        base = 2.0 if plain else literal(np.array(2.0, input._data_.dtype))
        result = relabel(input * base**other, "LdexpBackward0")
        remember(result, result)
    return result if out is None else write_out(out, result, input, other)


def frexp(input: Tensor, *, out: tuple[Tensor, Tensor] | None = None) -> Any:
    """(mantissa, exponent), with input = mantissa * 2 ** exponent and mantissa in [0.5, 1).

    >>> import rushlight as torch
    >>> torch.frexp(torch.tensor([6.0])).exponent
    tensor([3], dtype=torch.int32)
    """
    from rushlight import return_types

    need_tensor("frexp", "input", 1, input)
    return write_outs(out, return_types.frexp(apply(rounding.frexp, input)))


def positive(input: Tensor) -> Tensor:
    """The tensor itself: +x. Booleans have no sign."""
    need_tensor("positive", "input", 1, input)
    if input._data_.dtype.kind == "b":
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


def round(input: Tensor, *, decimals: int = 0, out: Tensor | None = None) -> Tensor:
    """Each element rounded to that many decimals, halves to the even neighbour.

    >>> import rushlight as torch
    >>> torch.round(torch.tensor([0.5, 1.5, 2.5]))
    tensor([0., 2., 2.])
    """
    need_tensor("round", "input", 1, input)
    decimals = need_whole("round", "decimals", 2, decimals)
    static = {"decimals": decimals} if decimals else {}
    return write_out(out, apply(rounding.round, input, **static), input, same=True)


def _angle_scale(name: str, label: str, factor: float, what: str) -> Callable[..., Tensor]:
    def function(input: Tensor, *, out: Tensor | None = None) -> Tensor:
        need_tensor(name, "input", 1, input)
        if input._data_.dtype.kind == "c":
            raise RuntimeError(f"{name} is not supported for complex tensors.")
        result = alike(apply(rows.mul, input, factor), input)
        return write_out(out, relabel(reusable(result), label))

    return named(function, name, what)


deg2rad = _angle_scale("deg2rad", "Deg2RadBackward0", np.pi / 180, "Degrees in radians.")
rad2deg = _angle_scale("rad2deg", "Rad2DegBackward0", 180 / np.pi, "Radians in degrees.")


def nan_to_num(
    input: Tensor,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Replace nan by a number (0), infinities by numbers (the largest and smallest of the type).

    >>> import rushlight as torch
    >>> torch.nan_to_num(torch.tensor([1.0, torch.nan, torch.inf]), posinf=9.0)
    tensor([1., 0., 9.])
    """
    need_tensor("nan_to_num", "input", 1, input)
    need_real_gradient("nan_to_num", input)
    if input._data_.dtype in NARROW:
        limits = dtypes.finfo(input.dtype)
        posinf, neginf = (
            limit if given is None else given
            for given, limit in ((posinf, limits.max), (neginf, limits.min))
        )
    result: Tensor = apply(rounding.nan_to_num, input, nan=nan, posinf=posinf, neginf=neginf)
    return result if out is None else write_out(out, result, input, same=True)


def _beside_a_number(bound: Any) -> Any:
    """A bound of `clamp` whose other bound is a number: a number, or a tensor that stands for one."""
    if isinstance(bound, NUMBERS):
        return bound
    if bound._data_.ndim or bound.requires_grad:
        raise TypeError("clamp(): min and max must be two numbers or two tensors")
    return bound.item()


def clamp(
    input: Tensor,
    min: Tensor | Number | None = None,
    max: Tensor | Number | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Each element moved into [min, max]; the bounds are numbers or tensors, max wins over min.

    >>> import rushlight as torch
    >>> torch.clamp(torch.tensor([-2.0, 0.3, 5.0]), 0, 1)
    tensor([0.0000, 0.3000, 1.0000])
    """
    need_tensor("clamp", "input", 1, input)
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    for name, bound in (("min", min), ("max", max)):
        if bound is not None and not isinstance(bound, (TensorBase, *NUMBERS)):
            raise TypeError(f"clamp(): argument '{name}' must be Tensor, not {type_name(bound)}")
    if min is not None and max is not None and isinstance(min, NUMBERS) != isinstance(max, NUMBERS):
        min, max = _beside_a_number(min), _beside_a_number(max)
    if input._data_.dtype.kind in "fV":
        for bound in (min, max):
            if isinstance(bound, complex):
                raise RuntimeError("value cannot be converted to type double without overflow")
    result: Tensor = apply(ternary.clamp, input, min, max)
    if out is None:
        return result
    numbers = not isinstance(min, TensorBase) and not isinstance(max, TensorBase)
    return write_out(out, result, input, min, max, same=numbers)


clip = clamp


def clamp_min(input: Tensor, min: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Each element, but at least min."""
    if min is None:
        raise TypeError("clamp_min(): argument 'min' (position 2) must be Number, not NoneType")
    tensor = int(isinstance(min, TensorBase))
    return relabel(clamp(input, min, None, out=out), f"ClampMinBackward{tensor}")


def clamp_max(input: Tensor, max: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Each element, but at most max."""
    if max is None:
        raise TypeError("clamp_max(): argument 'max' (position 2) must be Number, not NoneType")
    tensor = int(isinstance(max, TensorBase))
    return relabel(clamp(input, None, max, out=out), f"ClampMaxBackward{tensor}")


def lerp(
    input: Tensor, end: Tensor, weight: Tensor | float, *, out: Tensor | None = None
) -> Tensor:
    """The point input + weight * (end - input); input at weight 0, end at weight 1.

    >>> import rushlight as torch
    >>> torch.lerp(torch.tensor([0.0, 2.0]), torch.tensor([10.0, 4.0]), 0.5)
    tensor([5., 3.])
    """
    need_tensor("lerp", "input", 1, input)
    need_tensor("lerp", "end", 2, end)
    if not isinstance(weight, (TensorBase, *NUMBERS)):
        raise TypeError(
            "lerp() received an invalid combination of arguments: weight must be Tensor or Number, not "
            f"{type_name(weight)}"
        )
    if isinstance(weight, TensorBase) and weight._data_.ndim == 0:
        weight = weight.to(input.dtype)
    elif isinstance(weight, np.generic):
        weight = weight.item()
    if isinstance(weight, complex):
        weight = fitting_factor(weight, input._data_.dtype)
    result: Tensor = apply(ternary.lerp, input, end, weight)
    if isinstance(weight, TensorBase):
        remember(result, weight)
    else:
        reusable(result)
    return result if out is None else write_out(out, result, input, end, weight)


def _number_first(name: str, factor: Any, *tensors: Any, count: int = 1) -> tuple[Any, ...]:
    """The arguments of torch's older forms, in which the factor comes before the tensors."""
    if isinstance(factor, TensorBase) and not factor._data_.ndim and not factor._requires_grad_:
        factor = number(factor, "a factor")
    if not isinstance(factor, NUMBERS) or len(tensors) != count:
        raise TypeError(
            f"{name}() received an invalid combination of arguments: write the factor last, by name"
        )
    return factor, *tensors


def addcmul(
    input: Tensor,
    tensor1: Tensor,
    tensor2: Tensor,
    *old: Tensor,
    value: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """The sum input + value * tensor1 * tensor2; of old, addcmul(input, value, tensor1, tensor2).

    >>> import rushlight as torch
    >>> torch.addcmul(torch.ones(2), torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]), value=0.5)
    tensor([2.5000, 5.0000])
    """
    if old:
        value, tensor1, tensor2 = _number_first("addcmul", tensor1, tensor2, *old, count=2)
    _need_three("addcmul", input, tensor1, tensor2, value)
    result: Tensor = apply(ternary.addcmul, input, tensor1, tensor2, value)
    return result if out is None else write_out(out, result, input, tensor1, tensor2)


def addcdiv(
    input: Tensor,
    tensor1: Tensor,
    tensor2: Tensor,
    *old: Tensor,
    value: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """The sum input + value * tensor1 / tensor2; of old, addcdiv(input, value, tensor1, tensor2)."""
    if old:
        value, tensor1, tensor2 = _number_first("addcdiv", tensor1, tensor2, *old, count=2)
    _need_three("addcdiv", input, tensor1, tensor2, value)
    result: Tensor = remember(apply(ternary.addcdiv, input, tensor1, tensor2, value), tensor2)
    return result if out is None else write_out(out, result)


def _need_three(name: str, input: Any, tensor1: Any, tensor2: Any, value: Any) -> None:
    for position, (argument, given) in enumerate(
        (("input", input), ("tensor1", tensor1), ("tensor2", tensor2)), 1
    ):
        need_tensor(name, argument, position, given)
    fits = not wants_grad(value) if isinstance(value, TensorBase) else isinstance(value, NUMBERS)
    if not fits:
        raise TypeError(f"{name}(): argument 'value' must be Number, not {type_name(value)}")
