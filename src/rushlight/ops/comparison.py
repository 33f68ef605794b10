"""Comparisons, tests and choices, element by element."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from rushlight import dtypes
from rushlight.autograd.state import no_grad
from rushlight.core.doors import apply
from rushlight.core.tensor import TensorBase
from rushlight.elsewhere import has_memory
from rushlight.errors import warn_once
from rushlight.narrow import need_more_bits
from rushlight.ops.arguments import (
    need_float,
    need_tensor,
    type_name,
    write_out,
)
from rushlight.ops.builders import binary, unary
from rushlight.ops.conversion import alike
from rushlight.ops.creation import ones_like
from rushlight.ops.pointwise import NUMBERS, Number
from rushlight.outline import NO_DATA
from rushlight.primitives import pointwise as rows
from rushlight.primitives import rounding

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

_of_one, _of_two = partial(unary, judged=True), partial(binary, judged=True)

eq = _of_two(rows.eq, "Where both are equal.")
ne = _of_two(rows.ne, "Where both differ.")
not_equal = ne
lt = _of_two(rows.lt, "Where the first is smaller.")
less = lt
le = _of_two(rows.le, "Where the first is smaller or equal.")
less_equal = le
gt = _of_two(rows.gt, "Where the first is larger.")
greater = gt
ge = _of_two(rows.ge, "Where the first is larger or equal.")
greater_equal = ge
logical_and = _of_two(rows.logical_and, "Where both are nonzero.", numbers="neither")
logical_or = _of_two(rows.logical_or, "Where either is nonzero.", numbers="neither")
logical_xor = _of_two(rows.logical_xor, "Where exactly one is nonzero.", numbers="neither")
logical_not = _of_one(rows.logical_not, "Where elements are zero.")
isnan = _of_one(rows.isnan, "Where elements are nan.")
isfinite = _of_one(rounding.isfinite, "Where elements are neither infinite nor nan.")
isinf = _of_one(rounding.isinf, "Where elements are infinite.")
isposinf = unary(rounding.isposinf, "Where elements are plus infinity.", same=True)
isneginf = unary(rounding.isneginf, "Where elements are minus infinity.", same=True)


def isreal(input: Tensor) -> Tensor:
    """Where the imaginary part is 0."""
    need_tensor("isreal", "input", 1, input)
    if input._data_.dtype.kind == "c":
        return eq(input.imag, 0)
    return ones_like(input, dtype=dtypes.bool_)


def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Tensor:
    """Where |input - other| <= atol + rtol * |other|, or both are the same infinity.

    >>> import rushlight as torch
    >>> torch.isclose(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.1]))
    tensor([ True, False])
    """
    need_tensor("isclose", "input", 1, input)
    need_tensor("isclose", "other", 2, other)
    if input._data_.dtype != other._data_.dtype:
        raise RuntimeError(
            f"{input.dtype.word} did not match {other.dtype.word}: bring both to one dtype, .to()"
        )
    rtol, atol = need_float("isclose", "rtol", 3, rtol), need_float("isclose", "atol", 4, atol)
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if tolerance < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {tolerance}")
    close = eq(input, other)
    if equal_nan and input._data_.dtype.kind in "fcV":
        close = logical_or(close, logical_and(isnan(input), isnan(other)))
    if rtol == 0 and atol == 0:
        return close
    if input._data_.dtype.kind in "iub":
        input, other = (t.to(dtypes.get_default_dtype()) for t in (input, other))
    distance = (input - other).abs()
    near = logical_and(isfinite(distance), le(distance, (other * rtol).abs() + atol))
    return alike(logical_or(close, near), close)


def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    """Whether `isclose` holds everywhere."""
    with no_grad():
        return bool(isclose(input, other, rtol, atol, equal_nan).all())


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether both have the same shape and elements.

    >>> import rushlight as torch
    >>> torch.equal(torch.tensor([1, 2]), torch.tensor([1, 2]))
    True
    """
    need_tensor("equal", "input", 1, input)
    need_tensor("equal", "other", 2, other)
    for tensor in (input, other):
        if not has_memory(tensor._data_):
            raise NotImplementedError(NO_DATA)
    if input._data_.shape != other._data_.shape:
        return False
    if input is other:
        need_more_bits("equal_notnan_cpu", input._data_)
    return bool(eq(input, other).all())


def where(
    condition: Tensor,
    input: Tensor | Number | None = None,
    other: Tensor | Number | None = None,
    *,
    out: Tensor | None = None,
) -> Any:
    """Elements of input where condition holds, else of other; all three broadcast.

    With the condition alone: the indices of its nonzero elements, a tensor for each dimension.

    >>> import rushlight as torch
    >>> x = torch.tensor([-1.0, 2.0])
    >>> torch.where(x > 0, x, 0.0)
    tensor([0., 2.])
    """
    need_tensor("where", "condition", 1, condition)
    if input is None and other is None:
        if out is not None:
            raise TypeError("where(): with the condition alone there is no out=")
        from rushlight.ops.masking import nonzero

        return nonzero(condition, as_tuple=True)
    for name, value in (("input", input), ("other", other)):
        if not isinstance(value, (TensorBase, *NUMBERS)):
            raise TypeError(
                f"where(): argument '{name}' must be Tensor or Number, not {type_name(value)}"
            )
    if condition._data_.dtype.char == "B":
        warn_once(
            "where received a uint8 condition tensor. This behavior is deprecated and will be removed in a "
            "future version of PyTorch. Use a boolean condition instead."
        )
    result: Tensor = apply(rows.where, condition, input, other)
    return result if out is None else write_out(out, result, condition, input, other, same=True)


def where_method(self: Tensor, condition: Tensor, other: Tensor | Number) -> Tensor:
    """The tensor's elements where condition holds, else those of other."""
    return where(condition, self, other)
