"""Python's operators on tensors; each is one row of the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.methods.pointwise import PointwiseMethods
from rushlight.ops import indexing, pointwise, product
from rushlight.ops.pointwise import NUMBERS
from rushlight.primitives import pointwise as rows
from rushlight.primitives.core import Primitive, apply
from rushlight.tensor_base import TensorBase, wrap


def _operator(row: Primitive) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        if isinstance(other, TensorBase) or isinstance(other, NUMBERS):
            return apply(row, self, other)
        if isinstance(other, np.ndarray):
            return apply(row, self, wrap(other))
        return NotImplemented

    return method


def _reflected(row: Primitive) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        if isinstance(other, NUMBERS) or isinstance(other, TensorBase):
            return apply(row, other, self)
        if isinstance(other, np.ndarray):
            return apply(row, wrap(other), self)
        return NotImplemented

    return method


class OperatorMethods:
    """Mixed into Tensor."""

    __slots__ = ()

    __add__ = _operator(rows.add)
    __radd__ = _reflected(rows.add)
    __sub__ = _operator(rows.sub)
    __rsub__ = _reflected(rows.sub)
    __mul__ = _operator(rows.mul)
    __rmul__ = _reflected(rows.mul)
    __truediv__ = _operator(rows.div)
    __rtruediv__ = _reflected(rows.div)
    __floordiv__ = _operator(rows.floor_divide)
    __rfloordiv__ = _reflected(rows.floor_divide)
    __mod__ = _operator(rows.remainder)
    __rmod__ = _reflected(rows.remainder)
    __pow__ = _operator(rows.pow)
    __rpow__ = _reflected(rows.pow)
    __lt__ = _operator(rows.lt)
    __le__ = _operator(rows.le)
    __gt__ = _operator(rows.gt)
    __ge__ = _operator(rows.ge)
    __eq__ = _operator(rows.eq)  # type: ignore[assignment]
    __ne__ = _operator(rows.ne)  # type: ignore[assignment]
    __neg__ = pointwise.neg
    __abs__ = pointwise.abs

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            other = wrap(other)
        return product.matmul(self, other) if isinstance(other, TensorBase) else NotImplemented

    def __rmatmul__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            other = wrap(other)
        return product.matmul(other, self) if isinstance(other, TensorBase) else NotImplemented

    __getitem__ = indexing.getitem
    __setitem__ = indexing.setitem

    def __pos__(self) -> Any:
        return self

    __iadd__ = PointwiseMethods.add_
    __isub__ = PointwiseMethods.sub_
    __imul__ = PointwiseMethods.mul_
    __itruediv__ = PointwiseMethods.div_
