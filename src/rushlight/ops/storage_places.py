"""From a tensor to the storage that it is in, and back: `t.untyped_storage()`, `t.set_(storage)`."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rushlight import dtypes
from rushlight.autograd.hooks import at
from rushlight.core.doors import apply, read
from rushlight.core.tensor import Array, bump, wrap
from rushlight.core.turned import held, put
from rushlight.elsewhere import has_memory
from rushlight.handles import RemovableHandle as Handle
from rushlight.memory import address, extent, strided_view, whole
from rushlight.ops.arguments import as_sizes, need_tensor, relabel
from rushlight.ops.creation import finish
from rushlight.ops.geometry import strides_of
from rushlight.ops.inplace import rebase
from rushlight.ops.storage import (
    BYTE,
    StorageType,
    TypedStorage,
    UntypedStorage,
    type_of,
    warn_of_age,
)
from rushlight.ops.writable import admit
from rushlight.primitives.families import missing
from rushlight.primitives.placement import packed
from rushlight.primitives.pointwise import clone

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


# Why a look at values is one at the memory itself.
STORAGE = "its storage"


class Place(NamedTuple):
    """Where the values of a tensor are: offset and strides count elements, as torch does."""

    storage: UntypedStorage
    offset: int
    strides: tuple[int, ...]


def place_of(array: Array) -> Place:
    """The storage that an array is in, and where it is there.

    An array that torch could not describe (negative strides, steps that are no whole elements) is
    copied, and the storage is the copy's.
    """
    item = array.itemsize
    if all(s >= 0 and s % item == 0 for s in array.strides):
        owner = whole(array)
        start = address(array) - address(owner)
        if start % item == 0:
            storage = UntypedStorage.on(owner.reshape(-1, order="A").view(BYTE))
            return Place(storage, start // item, strides_of(array))
    copied = np.array(array, order="C", copy=True)
    return Place(UntypedStorage.on(copied.reshape(-1).view(BYTE)), 0, packed(array.shape))


def tensor_on(
    storage: UntypedStorage, dtype: dtypes.dtype, offset: int, size: Any, stride: Any
) -> Tensor:
    """A tensor on a storage; offset and strides count elements. Raises RuntimeError if it leaves it."""
    item = dtype.numpy.itemsize
    size, stride = tuple(size), tuple(stride)
    # NumPy checks the upper end, and only that.
    if offset < 0 or any(n < 0 for n in stride):
        raise RuntimeError(f"setStorage: offset {offset} and strides {stride} must not be negative")
    try:
        array = strided_view(
            storage.array, size, tuple(n * item for n in stride), offset * item, dtype.numpy
        )
    except (ValueError, TypeError, OverflowError) as error:
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, and "
            f"itemsize {item} are out of bounds for storage of size {storage.nbytes()} ({error})"
        ) from None
    tensor = wrap(array)
    # torch sets an empty tensor to the storage, which counts as a change.
    tensor._changes_[0] = 1
    return tensor


_NOTHING = object()


def set_(
    self: Tensor,
    source: Any = _NOTHING,
    storage_offset: int = 0,
    size: Any = None,
    stride: Any = None,
) -> Tensor:
    """Let the tensor be the same memory, shape and strides as source (empty without one).

    source: a tensor, or a storage; with size and stride, counted in elements, the tensor lies in
    the storage of source as they say.
    """
    array = _set_to(self, source, storage_offset, size, stride)
    source = None if source is _NOTHING else source
    if admit(self, source):
        result = apply(clone, self if self._requires_grad_ else source)
        Handle(at(result._node_).before, missing("set_", RuntimeError))
        relabel(result, "torch::autograd::NotImplemented")
        rebase(self, result)
    put(self, array)
    bump(self, "set_")
    return self


def _set_to(tensor: Tensor, source: Any, offset: int, size: Any, stride: Any) -> Array:
    if source is _NOTHING:
        return np.empty(0, tensor._data_.dtype)
    if getattr(source, "device", tensor.device) != tensor.device:
        raise RuntimeError(
            f'Attempted to set the storage of a tensor on device "{tensor.device}" to a storage on '
            f'different device "{source.device}".  This is no longer allowed; the devices must match.'
        )
    if isinstance(source, UntypedStorage | TypedStorage):
        storage, dtype = source.untyped(), getattr(source, "dtype", tensor.dtype)
    else:
        need_tensor("set_", "source", 1, source)
        # With sizes it is the memory that counts.
        dtype = source.dtype if size is None else tensor.dtype
        if dtype == tensor.dtype and size is None:
            return held(source)
        storage = place_of(held(source)).storage
    if dtype != tensor.dtype:
        raise RuntimeError(
            f"Could not set tensor of type {dtype} to a tensor of type {tensor.dtype}"
        )
    if size is None:
        size = (storage.nbytes() // dtype.itemsize - offset,)
    shape = as_sizes((size,))
    steps = packed(shape) if stride is None or not len(stride) else as_sizes((stride,))
    needed = (offset + extent(shape, steps)) * dtype.itemsize
    # Memory grows, but for a tensor that keeps its sizes and strides.
    changes = (shape, steps) != (tuple(tensor.shape), tensor.stride())
    if (
        changes
        and 0 not in shape
        and offset >= 0 <= min(steps, default=0)
        and needed > storage.nbytes()
    ):
        storage.resize_(needed)
    return tensor_on(storage, dtype, operator.index(offset), shape, steps)._data_


def untyped_storage(self: Tensor) -> UntypedStorage:
    """The bytes of the memory of which this tensor is a part."""
    if has_memory(self._data_):
        read(self, STORAGE)
    return place_of(held(self)).storage


def typed_storage(self: Tensor) -> TypedStorage:
    """The elements of the memory of which this tensor is a part."""
    if has_memory(self._data_):
        read(self, STORAGE)
    return TypedStorage.on(place_of(held(self)).storage, dtypes.of(self._data_.dtype))


def storage(self: Tensor) -> TypedStorage:
    """The elements of the memory of which this tensor is a part; use `untyped_storage`."""
    warn_of_age()
    return typed_storage(self)


def storage_type(self: Tensor) -> StorageType:
    """`torch.FloatStorage` for a tensor of float32."""
    warn_of_age()
    return type_of(dtypes.of(self._data_.dtype))


def from_file(
    filename: Any, shared: bool | None = None, size: int = 0, *, dtype: Any = None, **options: Any
) -> Tensor:
    """size elements of a file, which are read when they are used.

    With shared, what is written into the tensor goes into the file, which is made as long as that takes.
    """
    kind = dtypes.get_default_dtype() if dtype is None else dtype
    storage = UntypedStorage.from_file(filename, bool(shared), size * kind.itemsize)
    return finish(tensor_on(storage, kind, 0, (size,), (1,)), **options)


def is_storage(obj: Any, /) -> bool:
    """Whether obj is a storage."""
    return isinstance(obj, UntypedStorage | TypedStorage)
