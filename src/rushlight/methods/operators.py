"""Python's operators on tensors; each is one row of the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.core.doors import apply, literal
from rushlight.core.row import Primitive
from rushlight.core.tensor import TensorBase
from rushlight.ops import indexing, overwriting, pointwise, product
from rushlight.ops.arguments import relabel
from rushlight.ops.builders import REMAINDERS, overload
from rushlight.ops.data import KNOWN, checked
from rushlight.ops.pointwise import NUMBERS
from rushlight.overriding.functions import met, method
from rushlight.primitives import bitwise as bit_rows
from rushlight.primitives import pointwise as rows
from rushlight.primitives import rounding

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

_OPERANDS = (TensorBase, *NUMBERS)


def _other(self: Any, name: str, other: Any) -> Any:
    """What an operand answers that is none of torch's; or Python may look further."""
    return getattr(self, name)(other) if met(other) else NotImplemented


def _called(method: Any, name: str) -> Any:
    method.__name__, method.__qualname__, method.__module__ = name, f"Tensor.{name}", "rushlight"
    return method


def _operator(name: str, row: Primitive) -> Callable[[Any, Any], Tensor]:
    def method(self: Any, other: Any) -> Any:
        if isinstance(other, _OPERANDS):
            return apply(row, self, other)
        return _other(self, name, other)

    return _called(method, name)


def _reflected(name: str, row: Primitive, label: str | None = None) -> Callable[[Any, Any], Tensor]:
    def method(self: Any, other: Any) -> Any:
        if not isinstance(other, _OPERANDS):
            return _other(self, name, other)
        result = apply(row, other, self)
        return result if label is None else relabel(result, label)

    return _called(method, name)


def _inplace(name: str, method: Callable[..., Any]) -> Callable[[Any, Any], Tensor]:
    """`x += y`; for what is no operand of torch's, an array too, Python goes on to `x = x + y`."""

    def operator(self: Any, other: Any) -> Any:
        return method(self, other) if isinstance(other, _OPERANDS) else _other(self, name, other)

    return _called(operator, name)


def _divided_by(self: Any, other: Any) -> Any:
    # As in torch: the reciprocal times the number; or the array, which NumPy carries out.
    if isinstance(other, np.ndarray):
        return apply(rows.reciprocal, self) * other
    if not isinstance(other, _OPERANDS):
        return _other(self, "__rtruediv__", other)
    inverse = apply(rows.reciprocal, self)
    if (
        isinstance(other, (int, float))
        and other == 1
        and inverse._node_ is None
        and inverse._data_.size
    ):
        return inverse
    return apply(rows.mul, inverse, other)


def _remainder(self: Any, other: Any) -> Any:
    if isinstance(other, _OPERANDS):
        return overload(apply(rows.remainder, self, other), REMAINDERS, self, other)
    return _other(self, "__mod__", other)


def _equal(self: Any, other: Any) -> Any:
    # The one operator that takes arrays; all others leave them to NumPy.
    if isinstance(other, np.ndarray) and other.dtype.newbyteorder("=") in KNOWN:
        other = literal(checked(other))
    if isinstance(other, _OPERANDS):
        return apply(rows.eq, self, other)
    return _other(self, "__eq__", other)


_matmul: Callable[[Any, Any], Any] = product.matmul


class OperatorMethods:
    """Mixed into Tensor."""

    __slots__ = ()

    __add__ = _operator("__add__", rows.add)
    __radd__ = _operator("__radd__", rows.add)
    __sub__ = _operator("__sub__", rows.sub)
    __rsub__ = _reflected("__rsub__", rows.sub, "RsubBackward1")
    __mul__ = _operator("__mul__", rows.mul)
    __rmul__ = _operator("__rmul__", rows.mul)
    __truediv__ = __div__ = _operator("__truediv__", rows.div)
    __rtruediv__ = __rdiv__ = _called(_divided_by, "__rdiv__")
    __floordiv__ = _operator("__floordiv__", rounding.floor_division)
    __rfloordiv__ = _reflected("__rfloordiv__", rounding.floor_division)
    __mod__ = _called(_remainder, "__mod__")
    __rmod__ = _reflected("__rmod__", rows.remainder, REMAINDERS[1])
    __pow__ = _operator("pow", rows.pow)
    __rpow__ = _reflected("__rpow__", rows.pow)
    __lt__ = _operator("__lt__", rows.lt)
    __le__ = _operator("__le__", rows.le)
    __gt__ = _operator("__gt__", rows.gt)
    __ge__ = _operator("__ge__", rows.ge)
    __eq__ = _called(_equal, "__eq__")
    __ne__ = _operator("__ne__", rows.ne)  # type: ignore[assignment]
    __and__ = _operator("__and__", bit_rows.bitwise_and)
    __rand__ = _operator("__rand__", bit_rows.bitwise_and)
    __or__ = _operator("__or__", bit_rows.bitwise_or)
    __ror__ = _operator("__ror__", bit_rows.bitwise_or)
    __xor__ = _operator("__xor__", bit_rows.bitwise_xor)
    __rxor__ = _operator("__rxor__", bit_rows.bitwise_xor)
    __lshift__ = _operator("__lshift__", bit_rows.bitwise_left_shift)
    __rlshift__ = _reflected("__rlshift__", bit_rows.bitwise_left_shift)
    __rshift__ = _operator("__rshift__", bit_rows.bitwise_right_shift)
    __rrshift__ = _reflected("__rrshift__", bit_rows.bitwise_right_shift)
    __neg__ = method(pointwise.neg, "__neg__")
    __pos__ = method(pointwise.positive, "__pos__")
    __abs__ = method(pointwise.abs, "__abs__")

    def __delitem__(self, index: Any) -> None:
        raise TypeError("Tensor does not support deleting items")

    __getitem__ = method(indexing.getitem, "__getitem__")
    __setitem__ = method(indexing.setitem, "__setitem__")

    def __invert__(self: Any) -> Tensor:
        if self._data_.dtype.kind not in "biu":
            raise TypeError(
                "~ (operator.invert) is only implemented on integer and Boolean-type tensors"
            )
        return apply(bit_rows.bitwise_not, self)

    def __matmul__(self: Any, other: Any) -> Any:
        if not isinstance(other, TensorBase):
            return _other(self, "__matmul__", other)
        return _matmul(self, other)

    def __rmatmul__(self: Any, other: Any) -> Any:
        if not isinstance(other, TensorBase):
            return _other(self, "__rmatmul__", other)
        return _matmul(other, self)

    __iadd__ = _inplace("__iadd__", overwriting.add_)
    __isub__ = _inplace("__isub__", overwriting.sub_)
    __imul__ = _inplace("__imul__", overwriting.mul_)
    __itruediv__ = __idiv__ = _inplace("__itruediv__", overwriting.div_)
    __ifloordiv__ = _inplace("__ifloordiv__", overwriting.floor_divide_)
    __imod__ = _inplace("__imod__", overwriting.remainder_)
    __ipow__ = _inplace("__ipow__", overwriting.pow_)
    __iand__ = _inplace("__iand__", overwriting.bitwise_and_)
    __ior__ = _inplace("__ior__", overwriting.bitwise_or_)
    __ixor__ = _inplace("__ixor__", overwriting.bitwise_xor_)
    __ilshift__ = _inplace("__ilshift__", overwriting.bitwise_left_shift_)
    __irshift__ = _inplace("__irshift__", overwriting.bitwise_right_shift_)
