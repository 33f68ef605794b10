"""Python's operators on tensors; each is one row of the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.core.doors import apply
from rushlight.core.row import Primitive
from rushlight.core.tensor import TensorBase
from rushlight.interop import with_array
from rushlight.ops import indexing, overwriting, pointwise, product
from rushlight.ops.arguments import relabel
from rushlight.ops.pointwise import NUMBERS
from rushlight.primitives import bitwise as bit_rows
from rushlight.primitives import pointwise as rows
from rushlight.primitives import rounding

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

_OPERANDS = (TensorBase, *NUMBERS)


def _operator(row: Primitive, ufunc: np.ufunc) -> Callable[[Any, Any], Tensor]:
    def method(self: Any, other: Any) -> Any:
        if isinstance(other, _OPERANDS):
            return apply(row, self, other)
        if isinstance(other, np.ndarray):
            return with_array(row, ufunc, self, other)
        return NotImplemented

    return method


def _reflected(
    row: Primitive, ufunc: np.ufunc, label: str | None = None
) -> Callable[[Any, Any], Tensor]:
    def method(self: Any, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return with_array(row, ufunc, other, self)
        if not isinstance(other, _OPERANDS):
            return NotImplemented
        result = apply(row, other, self)
        return result if label is None else relabel(result, label)

    return method


def _inplace(method: Callable[..., Any]) -> Callable[[Any, Any], Tensor]:
    """`x += y`; for what is no operand of torch's, an array too, Python goes on to `x = x + y`."""

    def operator(self: Any, other: Any) -> Any:
        return method(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    return operator


def _divided_by(self: Any, other: Any) -> Tensor:
    # As in torch: the reciprocal times the number.
    if isinstance(other, np.ndarray):
        return with_array(rows.div, np.true_divide, other, self)
    if not isinstance(other, _OPERANDS):
        return NotImplemented
    inverse = apply(rows.reciprocal, self)
    if isinstance(other, (int, float)) and other == 1:
        return relabel(inverse, "MulBackward0")
    return apply(rows.mul, inverse, other)


_matmul: Callable[[Any, Any], Any] = product.matmul


class OperatorMethods:
    """Mixed into Tensor."""

    __slots__ = ()

    __add__ = _operator(rows.add, np.add)
    __radd__ = _operator(rows.add, np.add)
    __sub__ = _operator(rows.sub, np.subtract)
    __rsub__ = _reflected(rows.sub, np.subtract, "RsubBackward1")
    __mul__ = _operator(rows.mul, np.multiply)
    __rmul__ = _operator(rows.mul, np.multiply)
    __truediv__ = __div__ = _operator(rows.div, np.true_divide)
    __rtruediv__ = __rdiv__ = _divided_by
    __floordiv__ = _operator(rounding.floor_division, np.floor_divide)
    __rfloordiv__ = _reflected(rounding.floor_division, np.floor_divide)
    __mod__ = _operator(rows.remainder, np.remainder)
    __rmod__ = _reflected(rows.remainder, np.remainder)
    __pow__ = _operator(rows.pow, np.power)
    __rpow__ = _reflected(rows.pow, np.power)
    __lt__ = _operator(rows.lt, np.less)
    __le__ = _operator(rows.le, np.less_equal)
    __gt__ = _operator(rows.gt, np.greater)
    __ge__ = _operator(rows.ge, np.greater_equal)
    __eq__ = _operator(rows.eq, np.equal)  # type: ignore[assignment]
    __ne__ = _operator(rows.ne, np.not_equal)  # type: ignore[assignment]
    __and__ = _operator(bit_rows.bitwise_and, np.bitwise_and)
    __rand__ = _operator(bit_rows.bitwise_and, np.bitwise_and)
    __or__ = _operator(bit_rows.bitwise_or, np.bitwise_or)
    __ror__ = _operator(bit_rows.bitwise_or, np.bitwise_or)
    __xor__ = _operator(bit_rows.bitwise_xor, np.bitwise_xor)
    __rxor__ = _operator(bit_rows.bitwise_xor, np.bitwise_xor)
    __lshift__ = _operator(bit_rows.bitwise_left_shift, np.left_shift)
    __rlshift__ = _reflected(bit_rows.bitwise_left_shift, np.left_shift)
    __rshift__ = _operator(bit_rows.bitwise_right_shift, np.right_shift)
    __rrshift__ = _reflected(bit_rows.bitwise_right_shift, np.right_shift)
    __neg__ = pointwise.neg
    __pos__ = pointwise.positive
    __abs__ = pointwise.abs
    __getitem__ = indexing.getitem
    __setitem__ = indexing.setitem

    def __invert__(self: Any) -> Tensor:
        if self._data.dtype.kind not in "biu":
            raise TypeError(
                "~ (operator.invert) is only implemented on integer and Boolean-type tensors"
            )
        return apply(bit_rows.bitwise_not, self)

    def __matmul__(self: Any, other: Any) -> Tensor:
        if isinstance(other, np.ndarray):
            return with_array(_matmul, np.matmul, self, other)
        return _matmul(self, other) if isinstance(other, TensorBase) else NotImplemented

    def __rmatmul__(self: Any, other: Any) -> Tensor:
        if isinstance(other, np.ndarray):
            return with_array(_matmul, np.matmul, other, self)
        return _matmul(other, self) if isinstance(other, TensorBase) else NotImplemented

    __iadd__ = _inplace(overwriting.add_)
    __isub__ = _inplace(overwriting.sub_)
    __imul__ = _inplace(overwriting.mul_)
    __itruediv__ = __idiv__ = _inplace(overwriting.div_)
    __ifloordiv__ = _inplace(overwriting.floor_divide_)
    __imod__ = _inplace(overwriting.remainder_)
    __ipow__ = _inplace(overwriting.pow_)
    __iand__ = _inplace(overwriting.bitwise_and_)
    __ior__ = _inplace(overwriting.bitwise_or_)
    __ixor__ = _inplace(overwriting.bitwise_xor_)
    __ilshift__ = _inplace(overwriting.bitwise_left_shift_)
    __irshift__ = _inplace(overwriting.bitwise_right_shift_)
