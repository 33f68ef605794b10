"""Tensors that show their memory conjugated or negated: how `conj()` can be a view."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.arrays import as_array, read_only
from rushlight.core.tensor import Array, TensorBase, wrap
from rushlight.dtypes import cast
from rushlight.memory import beside, in_memory, is_dense

if TYPE_CHECKING:
    from rushlight._tensor import Tensor
    from rushlight.core.node import Node


# The slot of `_data_`, which a turned tensor covers: what lies in memory.
_memory: Any = TensorBase.__dict__["_data_"]


def held(tensor: TensorBase) -> Array:
    """The elements as they lie in memory: `_data_`, but for turned tensors."""
    return _memory.__get__(tensor) if tensor._turned_ else tensor._data_


def turned(array: Array) -> Array:
    """Complex numbers conjugated, real ones negated."""
    return as_array(np.conjugate(array) if array.dtype.kind == "c" else np.negative(array))


def _shown(tensor: TensorBase) -> Array:
    memory = held(tensor)
    array = turned(memory)
    if memory.strides != array.strides and is_dense(memory):
        array = beside(array, array.shape, memory.strides)
    return read_only(in_memory(array))


@functools.cache
def _turned_class(cls: Any) -> Any:
    names = {
        "__slots__": (),
        "__module__": cls.__module__,
        "__doc__": cls.__doc__,
        "_turned_": True,
        "_data_": property(_shown),
    }
    return type(cls.__name__, (cls,), names)


def turn(tensor: TensorBase) -> None:
    """Let tensor show its memory conjugated (if real, negated), or again as it is.

    That is how `conj()` can be a view: the memory stays as it is, and `_data_` of the tensor computes
    what it shows anew at each look. The array is read-only, so whoever tried to write into it, past
    `write`, would meet NumPy's error. A class of its own, which differs in nothing else, keeps the
    look at ordinary tensors as quick as it is.

    >>> import numpy as np
    >>> tensor = wrap(np.array([1 + 2j]))
    >>> turn(tensor); tensor._data_
    array([1.-2.j])
    """
    cls: Any = type(tensor)
    tensor.__class__ = class_of(tensor) if tensor._turned_ else _turned_class(cls)


def turning(tensor: TensorBase) -> tuple[str, str]:
    """The words of messages about a turned tensor: its bit, and what resolves it."""
    return ("conjugate", "conj") if held(tensor).dtype.kind == "c" else ("negative", "neg")


def class_of(tensor: TensorBase) -> Any:
    """The class of a tensor as the user knows it."""
    return type(tensor).__mro__[1] if tensor._turned_ else type(tensor)


def put(tensor: TensorBase, array: Array) -> None:
    """Let tensor stand on another array, turned if it is."""
    _memory.__set__(tensor, array)


def take_memory(tensor: TensorBase, source: TensorBase) -> None:
    """Let tensor show what source shows, on the same memory."""
    put(tensor, held(source))
    if tensor._turned_ is not source._turned_:
        turn(tensor)


def write(target: TensorBase, values: Array) -> None:
    """Copy values, which broadcast, into target's memory; any dtype is converted."""
    array = held(target)
    if target._turned_:
        values = turned(cast(values, array.dtype))
    np.copyto(array, cast(values, array.dtype))


def on_memory_of(tensor: TensorBase) -> Tensor:
    """A leaf tensor that shows the same memory, with a count of changes of its own."""
    other = wrap(held(tensor))
    if tensor._turned_:
        turn(other)
    return other


def alias(tensor: TensorBase, node: Node | None = None) -> Tensor:
    """A second tensor on the same memory and version count, at another place in the graph."""
    other = on_memory_of(tensor)
    other._requires_grad_ = node is not None
    other._changes_ = tensor._changes_
    other._node_ = node
    return other
