"""What a tensor says about its memory, and other shapes for the tensor itself."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.accumulate import exchange
from rushlight.core import doors
from rushlight.core.doors import apply, read
from rushlight.core.state import state
from rushlight.core.tensor import Array, bump, inference, wants_grad
from rushlight.core.turned import held, put, take_memory
from rushlight.elsewhere import has_memory
from rushlight.layout import contiguous_format, preserve_format
from rushlight.memory import address, laid, root
from rushlight.ops.arguments import as_sequence, as_sizes, need_tensor, one_dim, spelled
from rushlight.ops.conversion import in_order, lies_in
from rushlight.ops.inplace import asked
from rushlight.ops.moving import lay_out
from rushlight.ops.shape import squeeze, swapaxes, swapdims, t, transpose, unsqueeze
from rushlight.ops.writable import admit
from rushlight.primitives import strided
from rushlight.primitives import view as rows
from rushlight.primitives.placement import packed
from rushlight.primitives.view import dims_of
from rushlight.settings import filling
from rushlight.size import size_of

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

# ---- in memory ----------------------------------------------------------------------------------


def contiguous(self: Tensor, memory_format: Any = contiguous_format) -> Tensor:
    """The tensor itself if it lies in memory in this order, else such a copy."""
    if memory_format is contiguous_format:
        if held(self).flags.c_contiguous:
            return self
        return apply(rows.compact, self)
    return in_order(self, memory_format)


def is_contiguous(self: Tensor, memory_format: Any = contiguous_format) -> bool:
    """Whether the elements lie in memory in this order, without gaps."""
    if (
        memory_format is not contiguous_format
        and len(rows.ORDERS.get(memory_format, ())) != held(self).ndim
    ):
        return False
    return lies_in(held(self), memory_format)


def size(self: Tensor, dim: int | None = None) -> Any:
    """The shape, or the size of one dimension."""
    shape = self._data_.shape
    if dim is None:
        return size_of(shape)
    if not shape:
        one_dim_of_scalar(dim)
    return shape[one_dim(dim, len(shape))]


def one_dim_of_scalar(dim: int) -> None:
    """Raise torch's error for asking the size or stride of a dimension of a 0-d tensor."""
    raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")


def stride(self: Tensor, dim: int | None = None) -> Any:
    """How many elements apart neighbours along each dimension lie in memory, or along one."""
    steps = strides_of(held(self))
    if dim is None:
        return steps
    if not steps:
        one_dim_of_scalar(dim)
    return steps[one_dim(dim, len(steps))]


def strides_of(array: Array) -> tuple[int, ...]:
    """The strides of an array, counted in elements."""
    if not array.size:
        array = laid(array)
    return tuple(s // array.itemsize for s in array.strides)


def storage_offset(self: Tensor) -> int:
    """Where the first element lies in the memory of the whole, counted in elements."""
    data = held(self)
    return (address(data) - address(root(data))) // data.itemsize


def data_ptr(self: Tensor) -> int:
    """The address of the first element."""
    if doors.watching and has_memory(self._data_):
        read(self, "its address")
    data = held(self)
    return address(data) if data.size and has_memory(data) else 0


def dim(self: Tensor) -> int:
    """The number of dimensions."""
    return self._data_.ndim


def element_size(self: Tensor) -> int:
    """The bytes of one element."""
    return self._data_.itemsize


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether both have the same shape."""
    return input._data_.shape == other._data_.shape


def has_compatible_shallow_copy_type(input: Tensor, from_: Tensor) -> bool:
    """Whether one can take over what the other is made of: both dense, or both sparse, on one device."""
    return input.layout == from_.layout and input.device.type == from_.device.type


def is_set_to(self: Tensor, tensor: Tensor) -> bool:
    """Whether both are the same memory with the same shape and strides."""
    if self._turned_ or tensor._turned_:
        # torch asks of copies that show the same.
        return False
    return (
        root(held(self)) is root(held(tensor))
        and data_ptr(self) == data_ptr(tensor)
        and self._data_.shape == tensor._data_.shape
        and stride(self) == stride(tensor)
        and storage_offset(self) == storage_offset(tensor)
    )


# ---- any strides --------------------------------------------------------------------------------


def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """A view of the tensor's memory with any sizes, strides and offset, counted in elements.

    >>> import rushlight as torch
    >>> torch.arange(4).as_strided((2, 2), (1, 1))
    tensor([[0, 1],
            [1, 2]])
    """
    need_tensor("as_strided", "input", 1, input)
    return apply(strided.as_strided, input, **storage_geometry(input, size, stride, storage_offset))


def storage_geometry(input: Tensor, size: Any, strides: Any, offset: int | None) -> dict[str, Any]:
    """Where such a view lies relative to input; raises torch's errors if it leaves the memory."""
    sizes = as_sequence("as_strided", "size", size)
    steps = as_sequence("as_strided", "stride", strides)
    if len(sizes) != len(steps):
        raise RuntimeError(
            f"mismatch in length of strides and shape: {list(steps)} and {list(sizes)}"
        )
    if min(steps, default=0) < 0:
        raise RuntimeError(
            "as_strided: Negative strides are not supported at the moment, got strides: "
            f"{list(steps)}"
        )
    data = held(input)
    own = storage_offset(input)
    start = own if offset is None else operator.index(offset)
    if start < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {start}")
    last = start + sum((n - 1) * s for n, s in zip(sizes, steps, strict=True)) + 1
    available = root(data).nbytes // data.itemsize
    if 0 not in sizes and last > available:
        raise RuntimeError(
            f"setStorage: sizes {list(sizes)}, strides {list(steps)}, storage offset {start}, and "
            f"itemsize {data.itemsize} requiring a storage size of {last * data.itemsize} are out "
            f"of bounds for storage of size {available * data.itemsize}"
        )
    layout = tuple(s // data.itemsize for s in data.strides)
    return {"size": sizes, "stride": steps, "offset": start - own, "layout": layout}


# ---- in place: the same tensor in another shape -------------------------------------------------


# The overloads of `squeeze`, and those of `squeeze_`.
_SQUEEZED = {f"SqueezeBackward{n}": f"SqueezeBackward{n + 3}" for n in range(3)}


def reshaping(function: Callable[..., Tensor], label: str | None = None) -> Callable[..., Tensor]:
    """The form with an underscore of a view: the tensor itself takes that shape.

    >>> import rushlight as torch
    >>> x = torch.zeros(2, 3)
    >>> x.t_().shape, x.shape
    (torch.Size([3, 2]), torch.Size([3, 2]))
    """
    name = function.__name__ + "_"

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        admit(self)
        result = function(self, *args, **kwargs)
        if (node := result._node_) is not None:
            node._label = label or _SQUEEZED.get(node.name(), node.name())
        exchange(self)
        take_memory(self, result)
        if result._tangents_ is not None:
            self._tangents_ = result._tangents_
        if state.grad:
            self._node_ = node
        bump(self, name)
        if self._view_ is not None and state.grad:
            # It knows where it stands.
            self._view_.version = self._changes_[0]
        return self

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"`{function.__name__}`, changing the shape of the tensor itself."
    return asked(function)(method)


squeeze_ = reshaping(squeeze)
unsqueeze_ = reshaping(unsqueeze, "UnsqueezeBackward1")
transpose_ = reshaping(transpose, "TransposeBackward1")
swapaxes_ = reshaping(swapaxes, "TransposeBackward1")
swapdims_ = reshaping(swapdims, "TransposeBackward1")
t_ = reshaping(t, "TBackward1")
as_strided_ = reshaping(as_strided, "AsStridedBackward1")


def resize_(self: Tensor, *sizes: Any, memory_format: Any = contiguous_format) -> Tensor:
    """Change the shape in place, on as much of its memory as needed; no gradient flows.

    Memory is laid out anew in row order (or memory_format's); where it does not suffice, all that
    lies on it is moved to a larger one, whose new elements are zero.
    """
    shape = as_sizes(spelled("resize_", sizes, {}, "size"))
    if wants_grad(self) and not inference.on:
        raise RuntimeError("cannot resize variables that require grad: use .detach() first")
    if min(shape, default=0) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension: {list(shape)}")
    admit(self)
    data: Any = held(self)
    if math.prod(shape) * data.itemsize >= 2**63:
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)}")
    if data.__class__ is not np.ndarray:
        put(self, data.resized(shape))
        bump(self, "resize_")
    elif shape != data.shape or memory_format is not contiguous_format:
        strides = _strides_in(shape, memory_format, data)
        fresh = filling(data.dtype)
        del data
        lay_out(self, shape, strides, fresh)
        bump(self, "resize_")
    return self


def _strides_in(shape: tuple[int, ...], memory_format: Any, data: Array) -> tuple[int, ...]:
    """The strides in bytes of a tensor of this shape in a memory format."""
    if memory_format is preserve_format:
        raise RuntimeError("Unsupported memory format: resize_ cannot preserve one")
    order = None
    if memory_format is not contiguous_format:
        order = dims_of(np.broadcast_to(np.zeros((), bool), shape), memory_format)
    return tuple(step * data.itemsize for step in packed(shape, order))


def resize_as_(
    self: Tensor, the_template: Tensor, *, memory_format: Any = contiguous_format
) -> Tensor:
    """`resize_` to the shape of another tensor."""
    need_tensor("resize_as_", "the_template", 1, the_template)
    return resize_(self, the_template._data_.shape)
