"""Storages: the flat memory that tensors lie in, which is what a .pt file keeps of their values."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rushlight import dtypes
from rushlight.layout import (
    layout,
    sparse_bsc,
    sparse_bsr,
    sparse_coo,
    sparse_csc,
    sparse_csr,
    strided,
)
from rushlight.memory import address, root, strided_view
from rushlight.nn.parameter import Parameter
from rushlight.ops.legacy import as_class
from rushlight.tensor_base import Array, TensorBase, wrap

BYTE = np.dtype(np.uint8)


class StorageType:
    """`torch.FloatStorage` and its kind, which name the type of a storage's elements in a file."""

    __slots__ = ("dtype", "name")

    def __init__(self, name: str, dtype: dtypes.dtype) -> None:
        self.name = name
        self.dtype = dtype

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return self.dtype.itemsize

    def __repr__(self) -> str:
        return f"torch.{self.name}"


# uint16 and wider have no storage type in torch: their bytes go untyped, the dtype with the tensor.
_UNTYPED_DTYPES = (dtypes.uint16, dtypes.uint32, dtypes.uint64)
UNTYPED = StorageType("UntypedStorage", dtypes.uint8)
TYPES = {
    d.name: StorageType(f"{d.word}Storage", d)
    for d in (*dtypes.ALL, dtypes.bfloat16)
    if d not in _UNTYPED_DTYPES
}


def type_of(dtype: dtypes.dtype) -> StorageType:
    """The storage type that a file uses for a dtype."""
    return TYPES.get(dtype.name, UNTYPED)


class Storage:
    """Flat memory: `array` holds its bytes, `type` says what they are."""

    __slots__ = ("array", "type")

    def __init__(self, array: Array, type: StorageType) -> None:
        self.array = array
        self.type = type

    def cpu(self) -> Storage:
        """Itself: all storages are on the CPU."""
        return self

    def nbytes(self) -> int:
        """The size in bytes."""
        return self.array.size

    def __len__(self) -> int:
        return self.array.size // self.type.itemsize


def check_kind(kind: Any) -> None:
    """Raise unless kind is the type of a storage."""
    if not isinstance(kind, StorageType):
        raise RuntimeError(f"the file keeps values in a {kind!r}, which is no type of storage here")


def in_memory(kind: StorageType) -> StorageType:
    """The type that a file's storage has here: bfloat16, which NumPy cannot hold, is float32."""
    return TYPES["float32"] if kind.dtype is dtypes.bfloat16 else kind


def from_file(content: Array, kind: StorageType, swap: bool) -> Storage:
    """The storage whose bytes a file has; swap if they are not in this machine's order."""
    if swap:
        if kind is UNTYPED:
            raise RuntimeError(
                "the file was saved on a machine with the other byte order, and has values whose "
                "type it does not say: convert them to int64 before saving"
            )
        content.view(f"u{_part(kind.dtype)}").byteswap(inplace=True)
    if kind.dtype is not dtypes.bfloat16:
        return Storage(content, kind)
    warnings.warn(
        "the file has bfloat16 values, which NumPy cannot hold: they are loaded as float32, with "
        "the same values in twice the memory",
        stacklevel=2,
    )
    wide = content.view(np.uint16).astype(np.uint32)
    wide <<= 16
    return Storage(wide.view(BYTE), in_memory(kind))


def _part(dtype: dtypes.dtype) -> int:
    """Bytes of a number; a complex one has two of them."""
    return dtype.itemsize // 2 if dtype.is_complex else dtype.itemsize


# ---- from a tensor to its storage ----------------------------------------------------------------


class Location(NamedTuple):
    """Where the values of an array are: strides and offset count elements, as torch does."""

    owner: Array
    content: Array
    offset: int
    strides: tuple[int, ...]


def locate(array: Array) -> Location:
    """The memory that an array lies in; arrays that share memory have the same owner.

    An array that torch could not describe (negative strides, or a memory with gaps) is copied, and
    owns the copy.
    """
    owner = root(array)
    flat = owner.ravel(order="K")
    item = array.itemsize
    start = address(array) - address(flat)
    describable = (
        array.size > 0
        and np.may_share_memory(flat, owner)
        and start % item == 0
        and all(stride >= 0 and stride % item == 0 for stride in array.strides)
    )
    if not describable:
        owner = np.array(array, order="C", copy=True)
        return Location(owner, owner.reshape(-1).view(BYTE), 0, _contiguous(array.shape))
    strides = tuple(stride // item for stride in array.strides)
    return Location(owner, flat.view(BYTE), start // item, strides)


def _contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    strides: list[int] = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


# ---- and back: the functions that a file names ---------------------------------------------------


def rebuild_tensor(storage: Storage, offset: int, size: Any, stride: Any) -> Any:
    """A tensor on a storage; offset and strides count elements."""
    return _place(storage, storage.type.dtype, offset, size, stride)


def rebuild_tensor_v2(
    storage: Storage,
    offset: int,
    size: Any,
    stride: Any,
    requires_grad: bool,
    backward_hooks: Any,
    metadata: Any = None,
) -> Any:
    """A tensor on a storage, with its wish for a gradient. Hooks are not kept in files."""
    return _wanting(rebuild_tensor(storage, offset, size, stride), requires_grad)


def rebuild_tensor_v3(
    storage: Storage,
    offset: int,
    size: Any,
    stride: Any,
    requires_grad: bool,
    backward_hooks: Any,
    dtype: dtypes.dtype,
    metadata: Any = None,
) -> Any:
    """A tensor of this dtype on an untyped storage."""
    return _wanting(_place(storage, dtype, offset, size, stride), requires_grad)


def _place(storage: Storage, dtype: dtypes.dtype, offset: int, size: Any, stride: Any) -> Any:
    item = dtype.numpy.itemsize
    # NumPy checks the upper end, and only that.
    if offset < 0 or any(n < 0 for n in stride):
        raise RuntimeError(f"a tensor of the file lies outside its storage: offset {offset}")
    try:
        strides = tuple(n * item for n in stride)
        array = strided_view(storage.array, tuple(size), strides, offset * item, dtype.numpy)
    except (ValueError, TypeError, OverflowError) as error:
        raise RuntimeError(
            f"a tensor of the file does not fit its storage of {len(storage)} elements: size "
            f"{tuple(size)}, stride {tuple(stride)}, offset {offset} ({error})"
        ) from None
    return wrap(array)


def _wanting(tensor: Any, requires_grad: bool) -> Any:
    return tensor.requires_grad_() if requires_grad else tensor


def rebuild_parameter(data: Any, requires_grad: bool, backward_hooks: Any) -> Parameter:
    """A parameter on the memory of data."""
    return Parameter(data, requires_grad)


def rebuild_parameter_with_state(
    data: Any, requires_grad: bool, backward_hooks: Any, state: Any
) -> Parameter:
    """A parameter that had attributes of the user's own."""
    return _with_state(Parameter(data, requires_grad), state)


def rebuild_from_type(
    function: Callable[..., Any], cls: type[Any], arguments: Any, state: Any
) -> Any:
    """A tensor of a subclass, or with attributes of the user's own."""
    tensor = function(*arguments)
    if type(tensor) is not cls:
        plain = tensor
        tensor = as_class(cls, plain._data)
        tensor._requires_grad = plain._requires_grad
    return _with_state(tensor, state)


def own_state(tensor: TensorBase) -> dict[str, Any]:
    """The attributes that the user gave a tensor; the engine's begin with an underscore."""
    return {name: value for name, value in tensor.__dict__.items() if _is_users(name)}


def _with_state(tensor: Any, state: Any) -> Any:
    # A pair is what torch writes for classes with __slots__.
    for part in state if isinstance(state, tuple) else (state,):
        for name, value in (part or {}).items():
            if _is_users(name):
                setattr(tensor, name, value)
    return tensor


def _is_users(name: str) -> bool:
    return not name.startswith("_") or name == "_is_buffer"


_LAYOUTS = {
    str(known): known
    for known in (strided, sparse_coo, sparse_csr, sparse_csc, sparse_bsr, sparse_bsc)
}


def get_layout(name: str) -> layout:
    """`torch.strided` and its kind by name."""
    return _LAYOUTS[name]
