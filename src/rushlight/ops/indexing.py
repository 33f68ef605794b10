"""Reading and writing by index: `x[i]`, `x[i] = v`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.state import state
from rushlight.ops.inplace import assign, check_writable
from rushlight.primitives import index as rows
from rushlight.primitives.core import apply
from rushlight.primitives.index import ARRAY
from rushlight.tensor_base import TensorBase, bump, wrap

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

__all__: list[str] = []

_HINT = (
    "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
    "(got {})"
)


def _parse(index: Any, shape: tuple[int, ...]) -> tuple[tuple[Any, ...], list[Tensor]]:
    """Split an index into its static part and the tensors in it."""
    parts = index if index.__class__ is tuple else (index,)
    spec: list[Any] = []
    tensors: list[Tensor] = []
    axis = 0
    for part in parts:
        kind = part.__class__
        if kind is int:
            _check_integer(part, axis, parts, shape)
            spec.append(part)
            axis += 1
        elif kind is slice:
            spec.append(_plain_slice(part))
            axis += 1
        elif part is None:
            spec.append(None)
        elif part is Ellipsis:
            if Ellipsis in spec:
                raise IndexError("an index can only have a single ellipsis ('...')")
            spec.append(Ellipsis)
            axis = len(shape) - _consumed(parts[len(spec) :])
        elif kind is bool or kind is np.bool_:
            spec.append(ARRAY)
            tensors.append(wrap(np.asarray(bool(part))))
        elif isinstance(part, TensorBase):
            data = part._data
            if data.ndim == 0 and data.dtype.kind in "iu":
                # torch selects with a 0-d integer, as with a Python one.
                spec.append(int(data))
                _check_integer(int(data), axis, parts, shape)
                axis += 1
                continue
            if data.dtype.kind not in "iub":
                raise IndexError(
                    "tensors used as indices must be long, int, byte or bool tensors: got "
                    f"{dtypes.of(data.dtype)}"
                )
            if data.dtype == np.uint8:
                part = wrap(data != 0)
            spec.append(ARRAY)
            tensors.append(part)
            axis += max(data.ndim, 1) if part._data.dtype.kind == "b" else 1
        elif isinstance(part, np.integer):
            _check_integer(int(part), axis, parts, shape)
            spec.append(int(part))
            axis += 1
        elif isinstance(part, (np.ndarray, list, tuple, range)):
            array = np.asarray(part)
            if array.size == 0 and array.dtype.kind == "f":
                array = array.astype(np.int64)
            if array.dtype.kind not in "iub":
                raise IndexError(_HINT.format(type(part).__name__))
            spec.append(ARRAY)
            tensors.append(wrap(array))
            axis += 1
        else:
            raise IndexError(_HINT.format(type(part).__name__))
    if axis > len(shape) and not (len(shape) == 0 and not tensors and not axis):
        raise IndexError(
            f"too many indices for tensor of dimension {len(shape)}: shape {list(shape)}, index of "
            f"{axis} dimensions"
        )
    return tuple(spec), tensors


def _consumed(parts: Sequence[Any]) -> int:
    """How many dimensions the parts of an index stand for."""
    return sum(
        0
        if part is None or part is Ellipsis
        else part._data.ndim
        if isinstance(part, TensorBase) and part._data.dtype.kind == "b"
        else 1
        for part in parts
    )


def _check_integer(i: int, axis: int, parts: Any, shape: tuple[int, ...]) -> None:
    if not shape:
        raise IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ "
            "to convert a 0-dim tensor to a number"
        )
    if axis < len(shape) and not -shape[axis] <= i < shape[axis]:
        raise IndexError(f"index {i} is out of bounds for dimension {axis} with size {shape[axis]}")


def _plain_slice(s: slice) -> slice:
    start, stop, step = (
        int(v) if isinstance(v, (TensorBase, np.integer)) else v  # type: ignore[call-overload]
        for v in (s.start, s.stop, s.step)
    )
    if step is not None and step <= 0:
        raise ValueError("step must be greater than zero: use .flip() to reverse a dimension")
    return slice(start, stop, step)


def getitem(self: Tensor, index: Any) -> Tensor:
    """`x[index]`: a view for integers, slices, None and `...`; a copy for lists and tensors."""
    spec, tensors = _parse(index, self._data.shape)
    result: Tensor
    if not tensors:
        result = apply(rows.slice_, self, index=spec)
        return result
    source, spec = _slices_first(self, spec)
    result = apply(rows.index, source, *tensors, spec=spec)
    return result


def _slices_first(self: Tensor, spec: tuple[Any, ...]) -> tuple[Tensor, tuple[Any, ...]]:
    """Apply integers, which NumPy would take for arrays, before the arrays, as torch does."""
    if not any(part.__class__ is int for part in spec):
        return self, spec
    first = tuple(
        part if part.__class__ is int or part is Ellipsis else slice(None)
        for part in spec
        if part is not None
    )
    source: Tensor = apply(rows.slice_, self, index=first)
    return source, tuple(part for part in spec if part.__class__ is not int)


def setitem(self: Tensor, index: Any, value: Any) -> None:
    """`x[index] = value`, in place and differentiable in both."""
    check_writable(self)
    spec, tensors = _parse(index, self._data.shape)
    if not isinstance(value, TensorBase):
        value = wrap(np.asarray(value, dtype=self._data.dtype if np.ndim(value) == 0 else None))
    recording = state.grad and (self._requires_grad or value._requires_grad)
    place = rows.filled(spec, tuple(t._data for t in tensors))
    if value._data.dtype != self._data.dtype and recording:
        value = value.astype(self._data.dtype)
    rows.put.rule(self._data, value._data, *(t._data for t in tensors), spec=spec, accumulate=False)
    if recording or state.interpreter is not None:
        result = apply(rows.put, self, value, *tensors, spec=spec, accumulate=False)
        assign(self, result, "__setitem__", cast=True)
        return
    rows.put_into(self._data, value._data, place, False)
    bump(self, "__setitem__")
