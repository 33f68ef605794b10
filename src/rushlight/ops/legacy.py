"""Tensors by other ways: buffers, DLPack, and constructors of old like `torch.FloatTensor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.core.doors import apply, literal, read
from rushlight.core.tensor import Array, TensorBase, result_class
from rushlight.core.turned import held, turn, turning
from rushlight.device import check_device
from rushlight.device import device as Device
from rushlight.errors import warn_once
from rushlight.layout import strided
from rushlight.ops.arguments import as_dtype, as_sizes, need_tensor
from rushlight.ops.capsules import capsule_of, read_capsule
from rushlight.ops.creation import Dtype, check_sizes, finish
from rushlight.ops.data import array_of, on_memory, taken, warn_of_read_only
from rushlight.overriding import below
from rushlight.primitives.index import slice_
from rushlight.size import Size

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def frombuffer(
    buffer: Any,
    *,
    dtype: dtypes.dtype,
    count: int = -1,
    offset: int = 0,
    requires_grad: bool = False,
) -> Tensor:
    """A 1-d tensor on the memory of a buffer, such as a bytearray.

    >>> import rushlight as torch
    >>> torch.frombuffer(bytearray([1, 2, 3]), dtype=torch.uint8, offset=1)
    tensor([2, 3], dtype=torch.uint8)
    """
    kind = as_dtype(dtype)
    try:
        size = memoryview(buffer).nbytes
        contiguous = memoryview(buffer).c_contiguous
    except TypeError:
        raise ValueError("object does not implement Python buffer protocol.") from None
    if not contiguous:
        raise RuntimeError(
            "could not retrieve buffer from object: its elements do not lie row by row"
        )
    if memoryview(buffer).readonly:
        warn_of_read_only("buffer", "buffer")
    if size == 0 or count == 0:
        raise ValueError(f"both buffer length ({size}) and count ({count}) must not be 0")
    if not 0 <= offset < size:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length "
            f"({size} bytes) minus 1"
        )
    rest = size - offset
    if count < 0 and rest % kind.itemsize:
        raise ValueError(
            f"buffer length ({rest} bytes) after offset ({offset} bytes) must be a multiple of "
            f"element size ({kind.itemsize})"
        )
    if count * kind.itemsize > rest:
        raise ValueError(
            f"requested buffer length ({count} * {kind.itemsize} bytes) after offset ({offset} "
            f"bytes) must not be greater than actual buffer length ({size} bytes)"
        )
    array = np.frombuffer(buffer, kind.numpy, count, offset)
    if not array.flags.writeable:
        array = taken(array, "buffer", "buffer")
    return finish(array, requires_grad=requires_grad)


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor on the memory of another library's tensor, through DLPack."""
    check_device(device)
    array = read_capsule(ext_tensor)
    return literal(array.copy() if copy else array)


def to_dlpack(tensor: Tensor) -> Any:
    """A DLPack capsule of the tensor's memory, to be used once."""
    return tensor.__dlpack__()


def dlpack(self: Tensor, **options: Any) -> Any:
    """The DLPack capsule that another library asks for; not while the tensor requires grad."""
    if self._requires_grad_:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    read(self, "DLPack")
    if self._turned_:
        bit, resolve = turning(self)
        raise BufferError(f"Can't export tensors with the {bit} bit set: use .resolve_{resolve}()")
    options.pop("stream", None)
    return capsule_of(self._data_, **options)


# ---- the constructors of old --------------------------------------------------------------------


def legacy(cls: type[Any], dtype: Dtype, args: tuple[Any, ...]) -> Any:
    """`Tensor(2, 3)`: sizes; `Tensor([2, 3])`: data; both in dtype (the default dtype)."""
    kind = dtype or dtypes.get_default_dtype()
    if not args:
        return as_class(cls, np.empty(0, kind.numpy))
    first = args[0]
    if len(args) == 1 and not isinstance(first, int | np.integer | Size):
        if isinstance(first, TensorBase):
            if dtype is not None and first._data_.dtype != dtype.numpy:
                raise TypeError(
                    f"expected a tensor of {dtype!r}, got {dtypes.of(first._data_.dtype)!r}: "
                    "convert it with .to()"
                )
            return as_subclass(first, cls)
        if isinstance(first, float | str | type | None) or not hasattr(first, "__len__"):
            raise TypeError(f"new(): data must be a sequence (got {type(first).__name__})")
        if isinstance(first, np.ndarray) and not first.ndim and first.dtype.kind in "iu":
            return legacy(cls, dtype, (int(first),))
        if isinstance(first, np.ndarray) and first.dtype == kind.numpy:
            return as_class(cls, on_memory(first))
        if isinstance(first, np.ndarray) and not first.flags.writeable:
            warn_of_read_only("NumPy array", "array")
        return as_class(cls, array_of(first, kind))
    return as_class(cls, np.empty(check_sizes(as_sizes(args)), kind.numpy))


def as_class(cls: type[Any], array: Array) -> Any:
    """A leaf of this class of tensors around this very array."""
    return of_class(cls, literal(array))


def of_class(cls: type[Any], result: Any) -> Any:
    """The tensor, as one of this class from now on."""
    if type(result) is not cls:
        turned, result.__class__ = result._turned_, cls
        if turned:
            turn(result)
    # Asked of the class: its tensors may refuse names.
    if cls._dispatches_:
        below.start()
    return result


def as_subclass(self: TensorBase, cls: type[Any]) -> Any:
    """The same memory and place in the graph, as an instance of a subclass of Tensor."""
    return of_class(cls, apply(slice_, self, index=(Ellipsis,)))


def make_subclass(cls: type[Any], data: Tensor, require_grad: bool = False) -> Any:
    """A leaf of a subclass of Tensor on data's memory; what classes like Parameter start from."""
    need_tensor("_make_subclass", "data", 2, data)
    result = literal(held(data))
    if data._turned_:
        turn(result)
    if require_grad:
        result._want_grad()
    return of_class(cls, result)


class LegacyType(type):
    """The class of `torch.FloatTensor` and its kind: constructs, and answers isinstance, for one dtype."""

    dtype: dtypes.dtype
    layout = strided
    is_sparse = False

    def __new__(mcs, name: str, dtype: dtypes.dtype, module: str = "rushlight") -> LegacyType:
        """The type of that name; those of `rushlight.cuda` are names only."""
        scope = {"__slots__": (), "__module__": module, "__doc__": f"Tensors of {dtype}."}
        return super().__new__(mcs, name, (), scope)

    def __init__(cls, name: str, dtype: dtypes.dtype, module: str = "rushlight") -> None:
        cls.dtype = dtype

    def __call__(cls, *args: Any, device: Any = None) -> Tensor:
        """A tensor of sizes, or of data."""
        if cls.is_cuda:
            raise cls.unavailable()
        if device is not None and Device(device).type != "cpu":
            raise RuntimeError(
                f"legacy constructor expects device type: cpu but device type: {Device(device).type} "
                "was passed"
            )
        return legacy(result_class(), cls.dtype, args)

    def __instancecheck__(cls, value: Any) -> bool:
        if cls.is_cuda or not isinstance(value, TensorBase):
            return False
        return dtypes.of(value._data_.dtype) == cls.dtype

    def __repr__(cls) -> str:
        return f"<class 'torch.{'cuda.' if cls.is_cuda else ''}{cls.__name__}'>"

    def unavailable(cls) -> TypeError:
        """The error of a type of `torch.cuda`."""
        return TypeError(
            f"type torch.cuda.{cls.__name__} not available. Torch not compiled with CUDA enabled: "
            f"use torch.{cls.__name__}"
        )

    @property
    def is_cuda(cls) -> bool:
        """Whether it is one of the types of `torch.cuda`, which are not available here."""
        return cls.__module__.endswith(".cuda")


FloatTensor = LegacyType("FloatTensor", dtypes.float32)
DoubleTensor = LegacyType("DoubleTensor", dtypes.float64)
HalfTensor = LegacyType("HalfTensor", dtypes.float16)
ByteTensor = LegacyType("ByteTensor", dtypes.uint8)
CharTensor = LegacyType("CharTensor", dtypes.int8)
ShortTensor = LegacyType("ShortTensor", dtypes.int16)
IntTensor = LegacyType("IntTensor", dtypes.int32)
LongTensor = LegacyType("LongTensor", dtypes.int64)
BoolTensor = LegacyType("BoolTensor", dtypes.bool_)
BFloat16Tensor = LegacyType("BFloat16Tensor", dtypes.bfloat16)

LEGACY = {
    f"torch.{t.__name__}": t.dtype
    for t in (
        FloatTensor, DoubleTensor, HalfTensor, ByteTensor, CharTensor, ShortTensor, IntTensor,
        LongTensor, BoolTensor, BFloat16Tensor,
    )
}  # fmt: skip


def set_default_tensor_type(t: LegacyType | str) -> None:
    """Set the default dtype by a type of old, like `torch.DoubleTensor`; use set_default_dtype."""
    warn_once(
        "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use "
        "torch.set_default_dtype() and torch.set_default_device() as alternatives."
    )
    named = LEGACY.get(t) if isinstance(t, str) else getattr(t, "dtype", None)
    if isinstance(t, LegacyType) and t.is_cuda:
        raise t.unavailable()
    if named is None:
        raise TypeError(f"invalid type object: {t!r} is no type of tensors")
    dtypes.set_default_dtype(named)
