"""Python's operators on tensors; each is one row of the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.methods.pointwise import PointwiseMethods
from rushlight.ops import indexing, pointwise, product
from rushlight.ops.arguments import relabel
from rushlight.ops.pointwise import NUMBERS
from rushlight.primitives import bitwise as bit_rows
from rushlight.primitives import pointwise as rows
from rushlight.primitives import rounding
from rushlight.primitives.core import Primitive, apply
from rushlight.tensor_base import TensorBase, wrap

_OPERANDS = (TensorBase, *NUMBERS)


def _operator(row: Primitive) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        if isinstance(other, _OPERANDS):
            return apply(row, self, other)
        if isinstance(other, np.ndarray):
            return apply(row, self, wrap(other))
        return NotImplemented

    return method


def _reflected(row: Primitive, label: str | None = None) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            other = wrap(other)
        elif not isinstance(other, _OPERANDS):
            return NotImplemented
        result = apply(row, other, self)
        return result if label is None else relabel(result, label)

    return method


def _divided_by(self: Any, other: Any) -> Any:
    # As in torch: the reciprocal times the number.
    if isinstance(other, np.ndarray):
        other = wrap(other)
    elif not isinstance(other, _OPERANDS):
        return NotImplemented
    inverse = apply(rows.reciprocal, self)
    if isinstance(other, (int, float)) and other == 1:
        return relabel(inverse, "MulBackward0")
    return apply(rows.mul, inverse, other)


_matmul: Callable[[Any, Any], Any] = product.matmul


class OperatorMethods:
    """Mixed into Tensor."""

    __slots__ = ()

    __add__ = _operator(rows.add)
    __radd__ = _reflected(rows.add)
    __sub__ = _operator(rows.sub)
    __rsub__ = _reflected(rows.sub, "RsubBackward1")
    __mul__ = _operator(rows.mul)
    __rmul__ = _reflected(rows.mul)
    __truediv__ = __div__ = _operator(rows.div)
    __rtruediv__ = __rdiv__ = _divided_by
    __floordiv__ = _operator(rounding.floor_division)
    __rfloordiv__ = _reflected(rounding.floor_division)
    __mod__ = _operator(rows.remainder)
    __rmod__ = _reflected(rows.remainder)
    __pow__ = _operator(rows.pow)
    __rpow__ = _reflected(rows.pow)
    __lt__ = _operator(rows.lt)
    __le__ = _operator(rows.le)
    __gt__ = _operator(rows.gt)
    __ge__ = _operator(rows.ge)
    __eq__ = _operator(rows.eq)
    __ne__ = _operator(rows.ne)
    __and__ = _operator(bit_rows.bitwise_and)
    __rand__ = _reflected(bit_rows.bitwise_and)
    __or__ = _operator(bit_rows.bitwise_or)
    __ror__ = _reflected(bit_rows.bitwise_or)
    __xor__ = _operator(bit_rows.bitwise_xor)
    __rxor__ = _reflected(bit_rows.bitwise_xor)
    __lshift__ = _operator(bit_rows.bitwise_left_shift)
    __rlshift__ = _reflected(bit_rows.bitwise_left_shift)
    __rshift__ = _operator(bit_rows.bitwise_right_shift)
    __rrshift__ = _reflected(bit_rows.bitwise_right_shift)
    __neg__ = pointwise.neg
    __pos__ = pointwise.positive
    __abs__ = pointwise.abs
    __getitem__ = indexing.getitem
    __setitem__ = indexing.setitem

    def __invert__(self: Any) -> Any:
        if self._data.dtype.kind not in "biu":
            raise TypeError(
                "~ (operator.invert) is only implemented on integer and Boolean-type tensors"
            )
        return apply(bit_rows.bitwise_not, self)

    def __matmul__(self: Any, other: Any) -> Any:
        other = wrap(other) if isinstance(other, np.ndarray) else other
        if not isinstance(other, TensorBase):
            return NotImplemented
        return _matmul(self, other)

    def __rmatmul__(self: Any, other: Any) -> Any:
        other = wrap(other) if isinstance(other, np.ndarray) else other
        if not isinstance(other, TensorBase):
            return NotImplemented
        return _matmul(other, self)

    __iadd__ = PointwiseMethods.add_
    __isub__ = PointwiseMethods.sub_
    __imul__ = PointwiseMethods.mul_
    __itruediv__ = __idiv__ = PointwiseMethods.div_
    __ifloordiv__ = PointwiseMethods.floor_divide_
    __imod__ = PointwiseMethods.remainder_
    __ipow__ = PointwiseMethods.pow_
    __iand__ = PointwiseMethods.bitwise_and_
    __ior__ = PointwiseMethods.bitwise_or_
    __ixor__ = PointwiseMethods.bitwise_xor_
    __ilshift__ = PointwiseMethods.bitwise_left_shift_
    __irshift__ = PointwiseMethods.bitwise_right_shift_
