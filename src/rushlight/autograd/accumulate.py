"""What lands in `.grad`: it fits its tensor, and nobody else holds its memory."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.state import need_tracked
from rushlight.core import doors
from rushlight.core.doors import into
from rushlight.core.node import Meta, Node, next_sequence
from rushlight.core.table import TABLE
from rushlight.core.tensor import Array, TensorBase, bump, result_class
from rushlight.core.turned import held
from rushlight.elsewhere import has_memory
from rushlight.memory import is_dense, is_repeated, laid
from rushlight.overriding.functions import quiet
from rushlight.primitives import writing
from rushlight.primitives.kernel import laid_out
from rushlight.primitives.placement import order_like

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


class _Policy(threading.local):
    off = False


_policy = _Policy()


class enforce_grad_layout_policy:
    """Whether a `.grad` is laid out as its leaf (it is), or may stay as backward has it; as a block, or called.

    >>> with enforce_grad_layout_policy(False):
    ...     pass
    """

    def __init__(self, enable: bool = True) -> None:
        self._before = _policy.off
        _policy.off = not enable

    def __enter__(self) -> None:
        """The setting holds already."""

    def __exit__(self, *exception: object) -> None:
        _policy.off = self._before


@quiet
def fit(g: Tensor, meta: Meta) -> Tensor:
    """Undo broadcasting and promotion: bring a gradient to its tensor's shape and dtype (None: any)."""
    shape, dtype = meta
    data = g._data_
    if data.dtype is not dtype and dtype is not None and data.dtype != dtype:
        if data.dtype.kind == "c" and dtype.kind != "c":
            g = g.real
        if g._data_.dtype != dtype:
            g = g.astype(dtype)
    if data.shape != shape:
        g = g.sum_to_size(shape)
    return g


# Whether any leaf was ever given other memory, or a type for its gradients: nearly never, and then nobody asks.
exchanged = False


def exchange(leaf: TensorBase) -> None:
    """The memory of leaf is about to be another: graphs made so far go on by its shape and type now."""
    global exchanged
    exchanged = True
    if leaf._requires_grad_ and leaf._node_ is None:
        meta = (leaf._data_.shape, leaf._data_.dtype)
        earlier = leaf.__dict__.setdefault("_earlier_", [])
        if earlier and earlier[-1][1] == meta:
            earlier.pop()
        earlier.append((next_sequence(), meta))


def choose(leaf: TensorBase, chosen: np.dtype[Any] | None) -> None:
    """Gradients of leaf are to be of this type, or of any (None)."""
    global exchanged
    exchanged = True
    leaf.__dict__.setdefault("_earlier_", [])
    leaf._grad_dtype_ = chosen


def meta_of(leaf: TensorBase, node: Node | None) -> Meta:
    """The shape and type that leaf had when node was recorded, or the type that was chosen for gradients."""
    if leaf._grad_dtype_ is not ...:
        return leaf._data_.shape, leaf._grad_dtype_
    if node is not None:
        for until, meta in leaf.__dict__.get("_earlier_", ()):
            if node._sequence < until:
                return meta
    return leaf._data_.shape, leaf._data_.dtype


def need_own_device(leaf: Any, g: Any, node: Node | None) -> None:
    """Raise torch's error for a gradient without memory of a leaf that has some, or the other way."""
    if has_memory(leaf._data_) is not has_memory(g._data_) and node is not None:
        place = next(i for i, edge in enumerate(node._edges) if edge is leaf)
        raise RuntimeError(
            f"Function {node.name()} returned an invalid gradient at index {place} - expected device "
            f"{leaf.device} but got {g.device}: the operation took tensors on both"
        )


def parted(place: Any, node: Node | None) -> bool:
    """Whether a leaf was of another type when node was recorded: as a target, it is none of that graph."""
    if not exchanged or not isinstance(place, TensorBase):
        return False
    return place._grad_dtype_ is ... and meta_of(place, node)[1] != place._data_.dtype


def need_room(leaf: TensorBase) -> None:
    """Raise torch's error if the gradient that leaf has cannot be added to in place."""
    before = leaf._grad
    if before is None:
        return
    need_tracked(before)
    if not _spreads(leaf._data_.shape, before._data_.shape):
        raise RuntimeError(
            f"The size of tensor a ({list(before._data_.shape)}) must match the size of tensor b "
            f"({list(leaf._data_.shape)}): .grad is from before the tensor's .data was replaced; set "
            ".grad to None"
        )
    if is_repeated(before._data_):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single "
            "memory location. Please clone() the tensor before performing the operation: the .grad "
            f"of a tensor of shape {list(leaf._data_.shape)} is expanded, and cannot be added to"
        )


def _spreads(shape: tuple[int, ...], over: tuple[int, ...]) -> bool:
    """Whether a gradient of this shape can be added to one of the other, as if it were spread."""
    if shape == over:
        return True
    try:
        return np.broadcast_shapes(shape, over) == over
    except ValueError:
        return False


@quiet
def accumulate(leaf: TensorBase, g: Tensor, create_graph: bool, alone: bool) -> None:
    """Add g into the `.grad` of a leaf. A first gradient is laid out as its leaf.

    alone: nobody but the caller knows the tensor g, so that it may be taken over.
    """
    before = leaf._grad
    if before is None:
        if create_graph:
            leaf._grad = g.clone() if g.is_sparse else _laid_out(g, leaf._data_)
            return
        try:
            array = held(g) if g._turned_ else g._data_
        except NotImplementedError:
            leaf._grad = g.clone()  # It is sparse.
            return
        # Taken over if nobody else can see its memory. Of the array know the tensor, this function
        # and getrefcount. The caller counts who knows the tensor: between it and this function may
        # stand others (`quiet`, a debugger's evaluation of frames).
        free = alone and not g._requires_grad_
        if free and g._turned_ and _may_stay(array, leaf._data_):
            leaf._grad = _turned_copy(g)
            return
        free = free and sys.getrefcount(array) <= 3
        if not (free and array.base is None and array.strides == leaf._data_.strides) and not (
            free and array.base is None and _policy.off
        ):
            alike = array.shape == leaf._data_.shape and not (
                free and _may_stay(array, leaf._data_)
            )
            like = leaf._data_ if alike else array
            g = _laid_out(g, like)
        leaf._grad = g
    elif create_graph or _is_sparse(before) or _is_sparse(g):
        leaf._grad = together(before, g)
    else:
        try:
            if doors.watching or before._turned_:
                into(before, writing.add, g)
            else:
                writing.add(before._data_, g._data_)
        except ValueError:
            raise RuntimeError(
                f"The size of tensor a ({list(before._data_.shape)}) must match the size of tensor b "
                f"({list(g._data_.shape)}): the tensor was of another shape when this graph was made"
            ) from None
        bump(before, "the accumulation of a gradient")


def _is_sparse(g: Any) -> bool:
    return g.__class__ is not result_class() and g.is_sparse


def together(a: Any, b: Any) -> Any:
    """The sum of two gradients, of which one is sparse, perhaps: what is dense comes first."""
    return b + a if a.is_sparse and not b.is_sparse else a + b


@quiet
def keep(tensor: TensorBase, g: Tensor, create_graph: bool) -> None:
    """Add g to the `.grad` of a tensor that is no leaf: always in memory of its own."""
    before = tensor._grad
    if before is not None:
        tensor._grad = before + g
    else:
        tensor._grad = laid_out(g, strides=None)


def _turned_copy(g: Tensor) -> Tensor:
    """The gradient in memory of its own, conjugated or negated as it is, which torch takes over so."""
    row = TABLE["conj_view" if held(g).dtype.kind == "c" else "neg_view"]
    straight = row(g)
    copy: Tensor = row(laid_out(straight, strides=_steps(straight._data_)))
    copy._view_ = None
    return copy


def _steps(x: Array) -> tuple[int, ...]:
    return tuple(s // x.itemsize for s in x.strides)


def _may_stay(array: Array, leaf: Array) -> bool:
    """Whether torch would take a gradient over as it lies: its steps count where there are any."""
    if not is_dense(leaf):
        return array.flags.c_contiguous
    steps = zip(leaf.shape, laid(array).strides, laid(leaf).strides, strict=True)
    return all(s == t if n != 1 else s != 0 for n, s, t in steps)


def _laid_out(g: Tensor, like: Array) -> Tensor:
    """A copy that lies as an array does, if that fills its memory, else in row order."""
    order = order_like(like) if is_dense(like) else None
    return laid_out(g, strides=None if order is None else order[1])
