"""What lands in `.grad`: it fits its tensor, and nobody else holds its memory."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

from rushlight.core.node import Meta
from rushlight.core.table import TABLE
from rushlight.core.tape import attach
from rushlight.core.tensor import Array, TensorBase, bump, wrap
from rushlight.core.turned import held, write
from rushlight.memory import is_dense, is_repeated
from rushlight.primitives.placement import empty_like

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def fit(g: Tensor, meta: Meta) -> Tensor:
    """Undo broadcasting and promotion: bring a gradient to its tensor's shape and dtype."""
    shape, dtype = meta
    data = g._data
    if data.dtype is not dtype and data.dtype != dtype:
        if data.dtype.kind == "c" and dtype.kind != "c":
            g = g.real
        if g._data.dtype != dtype:
            g = g.astype(dtype)
    if data.shape != shape:
        g = g.sum_to_size(shape)
    return g


def need_room(leaf: TensorBase) -> None:
    """Raise torch's error if the gradient that leaf has cannot be added to in place."""
    before = leaf._grad
    if before is None:
        return
    if before._data.shape != leaf._data.shape:
        raise RuntimeError(
            f"The size of tensor a ({list(before._data.shape)}) must match the size of tensor b "
            f"({list(leaf._data.shape)}): .grad is from before the tensor's .data was replaced; set "
            ".grad to None"
        )
    if is_repeated(before._data):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single "
            "memory location. Please clone() the tensor before performing the operation: the .grad "
            f"of a tensor of shape {list(leaf._data.shape)} is expanded, and cannot be added to"
        )


def accumulate(leaf: TensorBase, g: Tensor, create_graph: bool) -> None:
    """Add g into the `.grad` of a leaf. A first gradient is laid out as its leaf."""
    before = leaf._grad
    if before is None:
        if create_graph:
            leaf._grad = _copied(g, _laid_out(g._data, leaf._data))
            if leaf._grad._node is not None and is_dense(leaf._data):
                leaf._grad._node._label = "torch::autograd::CopyBackwards"
            return
        array = held(g)
        # Taken over if nobody else can see its memory. Of the tensor know the caller, this function
        # and getrefcount; of the array, the tensor, this function and getrefcount.
        if not (
            sys.getrefcount(g) <= 3
            and sys.getrefcount(array) <= 3
            and array.base is None
            and array.strides == leaf._data.strides
            and not g._requires_grad
        ):
            g = wrap(_laid_out(g._data, leaf._data))
        leaf._grad = g
    elif create_graph:
        leaf._grad = before + g
    else:
        if before._turned:
            write(before, before._data + g._data)
        else:
            np.add(before._data, g._data, out=before._data)
        bump(before, "the accumulation of a gradient")


def keep(tensor: TensorBase, g: Tensor, create_graph: bool) -> None:
    """Add g to the `.grad` of a tensor that is no leaf: always in memory of its own."""
    before = tensor._grad
    if before is not None:
        tensor._grad = before + g
    else:
        copy = np.array(g._data, order="C")
        tensor._grad = _copied(g, copy) if create_graph else wrap(copy)


def _copied(g: Tensor, copy: Array) -> Tensor:
    """copy, which holds the values of g, as what can be differentiated as g can."""
    out = wrap(copy)
    if g._requires_grad:
        attach(TABLE["clone"], (g,), {}, out)
    return out


def _laid_out(array: Array, like: Array) -> Array:
    """A copy with the strides of `like`, if that fills its memory, else contiguous."""
    copy = empty_like(like, array.dtype) if is_dense(like) else np.empty(array.shape, array.dtype)
    copy[...] = array
    return copy
