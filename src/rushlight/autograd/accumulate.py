"""What lands in `.grad`: it fits its tensor, and nobody else holds its memory."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rushlight.core.doors import into
from rushlight.core.node import Meta
from rushlight.core.tensor import Array, TensorBase, bump
from rushlight.core.turned import held
from rushlight.memory import is_dense, is_repeated
from rushlight.primitives import writing
from rushlight.primitives.placement import order_like
from rushlight.primitives.pointwise import laid_out

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
            leaf._grad = _laid_out(g, leaf._data)
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
            g = _laid_out(g, leaf._data)
        leaf._grad = g
    elif create_graph:
        leaf._grad = before + g
    else:
        into(before, writing.add, g)
        bump(before, "the accumulation of a gradient")


def keep(tensor: TensorBase, g: Tensor, create_graph: bool) -> None:
    """Add g to the `.grad` of a tensor that is no leaf: always in memory of its own."""
    before = tensor._grad
    if before is not None:
        tensor._grad = before + g
    else:
        tensor._grad = laid_out(g, strides=None)


def _laid_out(g: Tensor, leaf: Array) -> Tensor:
    """A copy that lies as a leaf does, if that fills its memory, else in row order."""
    order = order_like(leaf) if is_dense(leaf) else None
    copy: Tensor = laid_out(g, strides=None if order is None else order[1])
    return copy
