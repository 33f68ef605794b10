"""In-place operations: compute, write into the same memory, and move the tensor in the graph.

A tensor changed in place stands where the result stands: it takes over the result's node. A view
hands the change on to its base: the base's new node is a scatter of the view into the old base, and
every view of that base finds its own place anew when it is next used (`primitives.core.refresh`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.state import state
from rushlight.ops.arguments import type_word
from rushlight.primitives import pointwise as rows
from rushlight.primitives.core import TABLE, Primitive, attach, geometry, refresh
from rushlight.tensor_base import Array, TensorBase, alias, bump, wrap

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def check_writable(target: TensorBase) -> None:
    """Raise torch's errors for tensors that must not be changed in place."""
    if state.grad and target._requires_grad and target._node is None:
        raise RuntimeError(
            "a leaf Variable that requires grad is being used in an in-place operation: change it "
            "under torch.no_grad(), or use the out-of-place form"
        )
    view = target._view
    if state.grad and view is not None and view.base._requires_grad and view.base._node is None:
        raise RuntimeError(
            "a view of a leaf Variable that requires grad is being used in an in-place operation: "
            "change it under torch.no_grad(), or use the out-of-place form"
        )
    data = target._data
    if data.size > 1 and any(
        s == 0 and n > 1 for s, n in zip(data.strides, data.shape, strict=True)
    ):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single "
            "memory location. Please clone() the tensor before performing the operation."
        )


def check_result(target: TensorBase, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Raise unless a result of this shape and type can be written into target."""
    data = target._data
    if shape != data.shape and np.broadcast_shapes(shape, data.shape) != data.shape:
        raise RuntimeError(
            f"output with shape {list(data.shape)} doesn't match the broadcast shape {list(shape)}"
        )
    if dtype is not data.dtype:
        ours, theirs = dtypes.of(dtype), dtypes.of(data.dtype)
        if ours.category > theirs.category:
            raise RuntimeError(
                f"result type {type_word(ours)} can't be cast to the desired output type "
                f"{type_word(theirs)}"
            )


def write(target: Array, values: Array) -> None:
    """Copy values into target's memory, which may be read-only for NumPy because it came from there."""
    np.copyto(target, values, casting="unsafe")


def assign(target: Tensor, result: Tensor, operation: str, *, cast: bool = False) -> Tensor:
    """Make target hold result's values and stand at its place in the graph; returns target.

    With cast, any dtype is accepted (copy_); otherwise only one that torch would write.
    """
    check_writable(target)
    if not cast:
        check_result(target, result._data.shape, result._data.dtype)
    if not (state.grad and (target._requires_grad or result._requires_grad)):
        write(target._data, result._data)
        bump(target, operation)
        return target
    if result._data.dtype != target._data.dtype or result._data.shape != target._data.shape:
        result = result.astype(target._data.dtype).expand(target._data.shape)
    if result._requires_grad and result._node is None:
        result = rows.clone(result)
    _rebase(target, result)
    write(target._data, result._data)
    bump(target, operation)
    return target


def _rebase(target: Tensor, result: Tensor) -> None:
    """Put target (and, if it is a view, its base) at result's place in the graph."""
    view = target._view
    if view is not None:
        refresh(target)
        base = view.base
        before = alias(base, base._node)
        before._requires_grad = base._requires_grad
        before._output_nr = base._output_nr
        where = geometry(base._data, target._data)
        attach(TABLE["as_strided_scatter"], (before, result), where, base)
        base.__dict__.pop("_output_nr", None)
        refresh(target)
        return
    target._node = result._node
    target._requires_grad = result._requires_grad
    if result._output_nr or target._output_nr:
        target._output_nr = result._output_nr


def inplace(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The method with a trailing underscore of an operation.

    >>> import rushlight as torch
    >>> torch.tensor([1.0, -2.0]).abs_()
    tensor([1., 2.])
    """
    name = function.__name__ + "_"

    @functools.wraps(function)
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        check_writable(self)
        return assign(self, function(self, *args, **kwargs), name)

    method.__name__ = name
    method.__doc__ = f"`{function.__name__}`, writing the result into the tensor itself."
    return method


def arithmetic(
    row: Primitive, ufunc: np.ufunc, function: Callable[..., Tensor]
) -> Callable[..., Tensor]:
    """`inplace(function)` that writes straight into memory where nothing is recorded."""
    general = inplace(function)
    name = function.__name__ + "_"

    @functools.wraps(function)
    def method(self: Tensor, other: Any, **kwargs: Any) -> Tensor:
        data = self._data
        value = other._data if isinstance(other, TensorBase) else other
        if (
            kwargs
            or state.interpreter is not None
            or data.dtype.kind != "f"
            or (state.grad and (self._requires_grad or getattr(other, "_requires_grad", False)))
            or not (
                value.__class__ is float
                or value.__class__ is int
                or (
                    value.__class__ is np.ndarray
                    and value.dtype is data.dtype
                    and value.shape == data.shape
                )
            )
        ):
            return general(self, other, **kwargs)
        check_writable(self)
        ufunc(data, value, out=data)
        bump(self, name)
        return self

    method.__name__ = name
    method.__doc__ = f"`{function.__name__}`, writing the result into the tensor itself."
    return method


def zero_(self: Tensor) -> Tensor:
    """Fill with zeros, in place."""
    return fill_(self, 0)


def fill_(self: Tensor, value: Any) -> Tensor:
    """Fill with a number or a 0-d tensor, in place."""
    if isinstance(value, TensorBase):
        if value._data.ndim:
            raise RuntimeError(
                f"fill_ only supports 0-dimension value tensor but got tensor with "
                f"{value._data.ndim} dimensions."
            )
        filled = value
    else:
        filled = wrap(np.asarray(value))
    check_writable(self)
    if not (state.grad and (self._requires_grad or filled._requires_grad)):
        self._data.fill(filled._data[()])
        bump(self, "fill_")
        return self
    return assign(self, filled, "fill_", cast=True)


def copy_(self: Tensor, src: Tensor, non_blocking: bool = False) -> Tensor:
    """Copy src, which broadcasts, into self, converting its type; returns self."""
    shape, target = src._data.shape, self._data.shape
    if shape != target:
        try:
            fits = np.broadcast_shapes(shape, target) == target
        except ValueError:
            fits = False
        if not fits:
            raise RuntimeError(
                f"The size of tensor a ({list(target)}) must match the size of tensor b "
                f"({list(shape)}): copy_ writes a source that broadcasts to the target's shape"
            )
    return assign(self, src, "copy_", cast=True)
