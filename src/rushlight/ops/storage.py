"""The memory behind tensors, which views share: `t.untyped_storage()`, and `t.storage()` of old.

A storage is the whole memory that an array is a part of, as bytes; what makes it the same storage is
where that memory is, not which object shows it.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.core.tensor import Array, wrap
from rushlight.device import CPU, check_device, device, without_memory
from rushlight.elsewhere import device_of, has_memory
from rushlight.errors import warn_once
from rushlight.memory import address, is_seen, root
from rushlight.outline import outlined

BYTE = np.dtype(np.uint8)


def _into(dtype: dtypes.dtype) -> Callable[[Any], TypedStorage]:
    def method(self: Any) -> TypedStorage:
        made = wrap(self.elements).to(dtype).clone()._data_
        return TypedStorage.on(UntypedStorage.on(made.view(BYTE)), dtype)

    method.__doc__ = f"The elements as a storage of {dtype!r}."
    return method


class _Casts:
    """Conversions, under names that would hide Python's own in the classes that use those."""

    __slots__ = ()

    bfloat16 = _into(dtypes.bfloat16)
    bool = _into(dtypes.bool_)
    byte = _into(dtypes.uint8)
    char = _into(dtypes.int8)
    complex_double = _into(dtypes.complex128)
    complex_float = _into(dtypes.complex64)
    double = _into(dtypes.float64)
    float = _into(dtypes.float32)
    half = _into(dtypes.float16)
    int = _into(dtypes.int32)
    long = _into(dtypes.int64)
    short = _into(dtypes.int16)


class UntypedStorage(_Casts):
    """Bytes in memory; those of a tensor are `t.untyped_storage()`, and equal for its views.

    A number gives that many bytes, a sequence its numbers.

    >>> import rushlight as torch
    >>> x = torch.zeros(2, 3)
    >>> x[1].untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
    True
    """

    is_cuda = False
    is_sparse = False
    filename = None

    array: Array

    def __init__(self, content: int | Sequence[int] = 0, *, device: Any = None) -> None:
        made = _made(content, BYTE, "torch.UntypedStorage")
        self.array = outlined(made) if without_memory(device) else made

    @classmethod
    def on(cls, array: Array) -> UntypedStorage:
        """The storage that is these bytes, an array of uint8."""
        storage = object.__new__(cls)
        storage.array = array
        return storage

    @classmethod
    def from_buffer(cls, buffer: Any, dtype: dtypes.dtype | None = None, **_: Any) -> Any:
        """A copy of the bytes of a buffer."""
        return cls.on(np.frombuffer(bytearray(buffer), BYTE))

    @classmethod
    def from_file(cls, filename: Any, shared: bool = False, nbytes: int = 0) -> UntypedStorage:
        """The bytes of a file, read when used; with shared, what is written goes to the file too."""
        try:
            if shared:
                with open(filename, "ab") as file:
                    file.truncate(max(file.tell(), nbytes))
            size = os.stat(filename).st_size
        except OSError as error:
            mode = "read-write" if shared else "read-only"
            raise RuntimeError(
                f"unable to open file <{filename}> in {mode} mode: {error}"
            ) from None
        if nbytes > size:
            raise RuntimeError(f"file {filename!r} has {size} bytes, fewer than {nbytes}")
        if not nbytes:
            return UntypedStorage()
        mapped = np.memmap(filename, BYTE, "r+" if shared else "c", shape=(nbytes,))
        return cls.on(mapped.view(np.ndarray))

    @property
    def elements(self) -> Array:
        """The bytes as an array."""
        return self.array

    @property
    def key(self) -> tuple[int, int]:
        """What two objects for the same memory have in common."""
        return address(self.array), self.array.nbytes

    @property
    def device(self) -> device:
        """Where the memory is: the CPU, or nowhere (`meta`)."""
        return device_of(self.array)

    def data_ptr(self) -> int:
        """The address of the first byte; 0 if there are none."""
        return address(self.array) if has_memory(self.array) else 0

    @property
    def _cdata(self) -> int:
        return address(self.array)

    def get_device(self) -> int:
        """-1, torch's number of the CPU."""
        return -1

    def nbytes(self) -> int:
        """How many bytes there are."""
        return self.array.nbytes

    size = nbytes

    def element_size(self) -> int:
        """The bytes of one element: 1."""
        return 1

    def tolist(self) -> list[int]:
        """The bytes as numbers."""
        self._need_bytes()
        return self.array.tolist()

    def _need_bytes(self) -> None:
        if not has_memory(self.array):
            raise NotImplementedError("Not available for 'meta' device type")

    def clone(self) -> UntypedStorage:
        """A copy."""
        return UntypedStorage.on(self.array.copy())

    def new(self) -> UntypedStorage:
        """An empty storage."""
        return UntypedStorage()

    def untyped(self) -> UntypedStorage:
        """Itself."""
        return self

    def cpu(self) -> UntypedStorage:
        """Itself: it is on the CPU."""
        return self

    def type(self) -> str:
        """The name of the class."""
        return "torch.storage.UntypedStorage"

    def is_pinned(self, device: Any = None) -> bool:
        """False: there is no accelerator to pin memory for."""
        return False

    def is_shared(self) -> bool:
        """Whether other processes see it."""
        from rushlight.ops.shared_memory import shared_block

        return shared_block(self.array) is not None

    def share_memory_(self) -> UntypedStorage:
        """Move it, with all tensors on it, to memory that processes started from now on share."""
        from rushlight.ops.shared_memory import share

        share(self)
        return self

    def resizable(self) -> bool:
        """Whether `resize_` works: not where an array of NumPy's lies on the memory, too."""
        return not is_seen(self.array)

    def resize_(self, size: int) -> UntypedStorage:
        """Have that many bytes, new ones being 0; all tensors on it move along, which they must fit."""
        if not isinstance(size, int):
            raise RuntimeError(f"resize_ expects an int, but got {type(size).__name__}")
        if size < 0:
            raise RuntimeError(f"a storage cannot have {size} bytes: the size is not negative")
        if size != self.nbytes():
            from rushlight.ops.moving import grown, move, need_growing

            need_growing(self.array)
            move(self, grown(size))
        return self

    def fill_(self, value: int) -> UntypedStorage:
        """Set all bytes to a number."""
        if not isinstance(value, int):
            raise RuntimeError(f"fill_ expects int, but got {type(value).__name__}")
        self.array.fill(value & 255)
        return self

    def copy_(self, source: Any, non_blocking: bool = False) -> UntypedStorage:
        """Take over the bytes of another storage of this size."""
        other = source.untyped().array
        if other.size != self.array.size:
            raise RuntimeError(
                f"size does not match, self was {self.array.size} bytes but src was {other.size} "
                "bytes"
            )
        self.array[:] = other
        return self

    def byteswap(self, dtype: dtypes.dtype) -> None:
        """Turn round the bytes of each number of that dtype."""
        self.array.view(f"u{bytes_of_number(dtype)}").byteswap(inplace=True)

    def __len__(self) -> int:
        return self.array.size

    def _slice(self, index: slice) -> Array:
        start, stop, step = index.indices(self.array.size)
        if step != 1:
            raise RuntimeError(
                f"Trying to slice with a step of {step}, but only a step of 1 is supported"
            )
        return self.array[start:stop]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            part: Any = self._slice(index)
            # A storage of its own, on the same memory: what lies in it counts from its first byte.
            return UntypedStorage.on(np.asarray(part.data) if has_memory(part) else part)
        self._need_bytes()
        return int(self.array[self._at(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        if not isinstance(value, int):
            raise RuntimeError(
                f"can only set storage content with a int types, but got {type(value).__name__} "
                "instead"
            )
        target = self._slice(index) if isinstance(index, slice) else self.array
        target[... if isinstance(index, slice) else self._at(index)] = value & 255

    def _at(self, index: Any) -> int:
        if not hasattr(index, "__index__"):
            raise TypeError(f"can't index a torch.UntypedStorage with {type(index).__name__}")
        return checked_index(operator.index(index), self.array.size)

    def __iter__(self) -> Iterator[int]:
        return iter(self.tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __copy__(self) -> UntypedStorage:
        return self.clone()

    def __deepcopy__(self, memo: dict[Any, Any]) -> UntypedStorage:
        # torch's own entry in the memo: tensors and storages of one memory find the same copy (but for
        # memory that came twice, from NumPy). What was copied is kept there too, so that nothing else
        # takes its place meanwhile.
        copies, owner = memo.setdefault("torch", {}), id(root(self.array))
        if owner not in copies:
            copies[owner] = self, self.clone()
        return copies[owner][1]

    def __reduce__(self) -> tuple[Any, ...]:
        return UntypedStorage.on, (self.array,)

    def __repr__(self) -> str:
        if not has_memory(self.array):
            return f"...\n[torch.storage.UntypedStorage(device=meta) of size {len(self)}]"
        return shown(self, "device=cpu")


def shown(storage: Any, facts: str) -> str:
    """What a storage prints: an element a line, then what it is."""
    lines = "\n ".join(map(str, storage.tolist()))
    name = type(storage).__name__
    return f" {lines}\n[torch.storage.{name}({facts}) of size {len(storage)}]"


def checked_index(index: int, size: int) -> int:
    """A place in a storage, counted from the front."""
    if not -size <= index < size:
        raise IndexError(f"index {index} out of range for storage of size {size}")
    return index % size


def _made(content: Any, dtype: np.dtype[Any], name: str) -> Array:
    """New memory: that many elements, or these."""
    if hasattr(content, "__index__"):
        if content < 0:
            raise RuntimeError(f"{name}: a storage cannot have {content} elements")
        return np.zeros(operator.index(content), dtype)
    if not isinstance(content, Sequence):
        raise TypeError(
            f"{name}() expects a size or a sequence of numbers, not a {type(content).__name__}"
        )
    kinds = int if dtype == BYTE else int | float | complex
    for item in content:
        if not isinstance(item, kinds):
            raise RuntimeError(
                f"{name}(): tried to construct a storage from a sequence "
                f"({type(content).__name__}), but one of the items was of type "
                f"{type(item).__name__} instead of int"
            )
    if dtype == BYTE:
        content = [item & 255 for item in content]
    return np.array(content, dtype)


def bytes_of_number(dtype: dtypes.dtype) -> int:
    """Bytes of a number; a complex element has two of them."""
    return dtype.itemsize // 2 if dtype.is_complex else dtype.itemsize


# ---- storages that know a dtype ------------------------------------------------------------------


class TypedStorage(_Casts):
    """The elements of a dtype in a storage; torch's older class, which warns where it is asked for."""

    is_sparse = False
    is_cuda = False
    filename = None

    dtype: dtypes.dtype
    _untyped_storage: UntypedStorage

    def __init__(
        self,
        content: Any = 0,
        *,
        wrap_storage: UntypedStorage | None = None,
        dtype: dtypes.dtype | None = None,
        device: Any = None,
    ) -> None:
        warn_of_age()
        check_device(device)
        if dtype is None:
            raise RuntimeError("TypedStorage: argument 'dtype' must be specified")
        if wrap_storage is None:
            made = _made(content, dtype.numpy, "torch.TypedStorage")
            wrap_storage = UntypedStorage.on(made.view(BYTE))
        self.dtype, self._untyped_storage = dtype, wrap_storage

    @classmethod
    def on(cls, storage: UntypedStorage, dtype: dtypes.dtype) -> TypedStorage:
        """These bytes as elements of dtype."""
        typed = object.__new__(cls)
        typed.dtype, typed._untyped_storage = dtype, storage
        return typed

    @property
    def elements(self) -> Array:
        """The elements as an array on the same memory."""
        item = self.dtype.itemsize
        array = self._untyped_storage.array
        return array[: array.size // item * item].view(self.dtype.numpy)

    @property
    def device(self) -> device:
        """Where the memory is: the CPU."""
        return CPU

    @property
    def _cdata(self) -> int:
        return self._untyped_storage.data_ptr()

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return self._untyped_storage

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return self._untyped_storage.data_ptr()

    _data_ptr = data_ptr

    def nbytes(self) -> int:
        """How many bytes there are."""
        return self._untyped_storage.nbytes()

    _nbytes = nbytes

    def element_size(self) -> int:
        """The bytes of one element."""
        return self.dtype.itemsize

    _element_size = element_size

    def size(self) -> int:
        """How many elements there are."""
        return self.nbytes() // self.dtype.itemsize

    _size = __len__ = size

    def get_device(self) -> int:
        """-1, torch's number of the CPU."""
        return -1

    def tolist(self) -> list[Any]:
        """The elements as Python numbers."""
        return self.elements.tolist()

    def fill_(self, value: Any) -> TypedStorage:
        """Set all elements to a number."""
        wrap(self.elements).fill_(value)
        return self

    def copy_(self, source: Any, non_blocking: bool | None = None) -> TypedStorage:
        """Take over the elements of another storage, in this dtype."""
        if isinstance(source, UntypedStorage):
            self._untyped_storage.copy_(source)
        else:
            wrap(self.elements).copy_(wrap(source.elements))
        return self

    def share_memory_(self) -> TypedStorage:
        """As that of UntypedStorage."""
        self._untyped_storage.share_memory_()
        return self

    def resizable(self) -> bool:
        """As that of UntypedStorage."""
        return self._untyped_storage.resizable()

    def resize_(self, size: int) -> None:
        """As that of UntypedStorage, in elements."""
        self._untyped_storage.resize_(size * self.dtype.itemsize)

    def clone(self) -> TypedStorage:
        """A copy."""
        return TypedStorage.on(self._untyped_storage.clone(), self.dtype)

    def cpu(self) -> TypedStorage:
        """A storage on the same memory, which is the CPU's."""
        return TypedStorage.on(self._untyped_storage, self.dtype)

    def type(self, dtype: Any = None) -> Any:
        """The name of the type, such as 'torch.FloatStorage'; with dtype, the elements in that."""
        if dtype is None:
            return f"torch.{type_of(self.dtype).name}"
        named: Any = NAMED[dtype.removeprefix("torch.")] if isinstance(dtype, str) else dtype
        return _into(named.dtype if isinstance(named, StorageType) else named)(self)

    def pickle_storage_type(self) -> str:
        """The name of the type in files, such as 'FloatStorage'."""
        return type_of(self.dtype).name

    def is_pinned(self, device: Any = None) -> bool:
        """False: there is no accelerator to pin memory for."""
        return False

    def is_shared(self) -> bool:
        """Whether other processes see it."""
        return self._untyped_storage.is_shared()

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        if not hasattr(index, "__index__"):
            raise RuntimeError(f"can't index a {type(self).__name__} with {type(index).__name__}")
        return self.elements[checked_index(operator.index(index), self.size())].item()

    def __setitem__(self, index: Any, value: Any) -> None:
        if not isinstance(index, slice):
            if not hasattr(index, "__index__"):
                raise RuntimeError(
                    f"can't index a {type(self).__name__} with {type(index).__name__}"
                )
            index = checked_index(operator.index(index), self.size())
        wrap(self.elements)[index] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TypedStorage) and self._untyped_storage == other._untyped_storage

    def __hash__(self) -> int:
        return hash(self._untyped_storage)

    def __copy__(self) -> TypedStorage:
        return self.clone()

    def __deepcopy__(self, memo: dict[Any, Any]) -> TypedStorage:
        return TypedStorage.on(self._untyped_storage.__deepcopy__(memo), self.dtype)

    def __reduce__(self) -> tuple[Any, ...]:
        return TypedStorage.on, (self._untyped_storage, self.dtype)

    def __repr__(self) -> str:
        return shown(self, f"dtype={self.dtype}, device=cpu")


def warn_of_age() -> None:
    """torch's warning, once in a process."""
    warn_once(
        "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will "
        "be the only storage class. This should only matter to you if you are using storages "
        "directly.  To access UntypedStorage directly, use tensor.untyped_storage() instead of "
        "tensor.storage()"
    )


class StorageType:
    """`torch.FloatStorage` and its kind: makes storages of one dtype, and is its name in files."""

    __slots__ = ("dtype", "name")

    def __init__(self, name: str, dtype: dtypes.dtype) -> None:
        self.name = name
        self.dtype = dtype

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return self.dtype.itemsize

    @property
    def __doc__(self) -> str:  # type: ignore[override]
        return f"A storage of {self.dtype}: torch's older way to hold memory."

    def __call__(
        self, content: Any = 0, *, wrap_storage: UntypedStorage | None = None, device: Any = None
    ) -> TypedStorage:
        """A storage of that many elements, or of these."""
        return TypedStorage(content, wrap_storage=wrap_storage, dtype=self.dtype, device=device)

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(value, TypedStorage) and value.dtype is self.dtype

    def from_buffer(self, buffer: Any, byte_order: str | None = None, **_: Any) -> TypedStorage:
        """A copy of the elements in a buffer, in "little" or "big" byte order."""
        storage = UntypedStorage.from_buffer(buffer)
        if byte_order == "big" and self.itemsize > 1:
            storage.byteswap(self.dtype)
        return TypedStorage.on(storage, self.dtype)

    _from_buffer = from_buffer

    def __repr__(self) -> str:
        return f"<class 'torch.{self.name}'>"


BFloat16Storage = StorageType("BFloat16Storage", dtypes.bfloat16)
BoolStorage = StorageType("BoolStorage", dtypes.bool_)
ByteStorage = StorageType("ByteStorage", dtypes.uint8)
CharStorage = StorageType("CharStorage", dtypes.int8)
ComplexDoubleStorage = StorageType("ComplexDoubleStorage", dtypes.complex128)
ComplexFloatStorage = StorageType("ComplexFloatStorage", dtypes.complex64)
DoubleStorage = StorageType("DoubleStorage", dtypes.float64)
FloatStorage = StorageType("FloatStorage", dtypes.float32)
HalfStorage = StorageType("HalfStorage", dtypes.float16)
IntStorage = StorageType("IntStorage", dtypes.int32)
LongStorage = StorageType("LongStorage", dtypes.int64)
ShortStorage = StorageType("ShortStorage", dtypes.int16)

TYPES = (
    BFloat16Storage, BoolStorage, ByteStorage, CharStorage, ComplexDoubleStorage,
    ComplexFloatStorage, DoubleStorage, FloatStorage, HalfStorage, IntStorage, LongStorage,
    ShortStorage,
)  # fmt: skip
# What files call the bytes of dtypes that have no storage type of their own, such as uint16.
UNTYPED = StorageType("UntypedStorage", dtypes.uint8)
NAMED = {kind.name: kind for kind in TYPES}
_BY_DTYPE = {kind.dtype: kind for kind in TYPES}


def type_of(dtype: dtypes.dtype) -> StorageType:
    """The storage type that a file uses for a dtype."""
    return _BY_DTYPE.get(dtype, UNTYPED)
