"""What `tensor` makes of its data: numbers, arrays, and sequences of them.

Lists of nothing but Python numbers are read by NumPy. Everything else, and whatever does not fit,
is read element by element as torch does: the shape is that of the first elements, the dtype the
common one of all, and each element is converted by a rule of its dtype (`_READERS`).
"""

from __future__ import annotations

import contextlib
import functools
import mmap
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.core.doors import read
from rushlight.core.tensor import Array, TensorBase
from rushlight.errors import warn
from rushlight.memory import claimed, root, show, strided_view
from rushlight.ops.arguments import type_name
from rushlight.primitives.placement import alike, copied

Dtype = dtypes.dtype | None
_NUMBERS = {bool, int, float, complex}
_DEEPEST = 128


def array_of(data: Any, dtype: Dtype) -> Array:
    """A new array with the values of data, in torch's dtype for them if none is given."""
    if isinstance(data, TensorBase):
        array = read(data, "for a new tensor")
    elif isinstance(data, np.ndarray):
        array = as_given(checked(data))
    else:
        return _read(data, dtype)
    if dtype is None or array.dtype == dtype.numpy:
        return copied(array)
    return alike(dtypes.cast(array, dtype.numpy, "C"), array)


def as_given(array: Array) -> Array:
    """The array with NumPy's strides, which torch takes over also where there are no elements."""
    return array if array.size else strided_view(array, array.shape, array.strides)


def checked(array: Array) -> Array:
    """The array, unless torch refuses its kind: bytes in the other order, negative strides."""
    if array.dtype.isnative is False and array.dtype.kind in "biufc":
        raise ValueError(
            "given numpy array has byte order different from the native byte order. Conversion "
            "between byte orders is currently not supported: use "
            "array.astype(array.dtype.newbyteorder('='))"
        )
    if array.dtype not in KNOWN:
        kind = array.dtype.type
        raise TypeError(
            f"can't convert np.ndarray of type {kind.__module__}.{kind.__name__}. The only "
            f"supported types are: {', '.join(d.name for d in dtypes.ALL)}."
        )
    if array.strides and min(array.strides) < 0:
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative "
            "strides are not currently supported. (You can probably work around this by making a "
            "copy of your array  with array.copy().)"
        )
    if any(step % array.itemsize for step in array.strides):
        raise ValueError(
            "given numpy array strides not a multiple of the element byte size. Copy the numpy "
            "array to reallocate the memory."
        )
    # Matrices and masked arrays are what they lie on.
    return np.asarray(array)


def on_memory(array: Array) -> Array:
    """The array, or its memory as one that can be written if it is read-only, with torch's warning."""
    array = checked(array)
    if not array.size:
        if not array.flags.writeable:
            warn_of_read_only("NumPy array", "array")
        return as_given(array)
    if not array.flags.writeable:
        return show(taken(array, "NumPy array", "array"))
    # A storage of its own, which begins where the array does, whatever else lies in the memory.
    return show(claimed(array))


def taken(array: Array, what: str, short: str) -> Array:
    """Read-only memory as torch takes it: it warns, and writes. What is mapped stays read-only."""
    warn_of_read_only(what, short)
    owner: Any = root(array)
    return array if isinstance(owner.base, mmap.mmap) else claimed(array)


@functools.cache
def warn_of_read_only(what: str, short: str) -> None:
    """Say once that what is read-only will be written to all the same."""
    warn(
        f"The given {what} is not writable, and PyTorch does not support non-writable tensors. "
        f"This means that a write to the tensor changes the {short} all the same. You may want to copy the "
        f"{short} to protect its data or make it writable before converting it to a tensor. This "
        "type of warning will be suppressed for the rest of this program."
    )


KNOWN = {d.numpy for d in dtypes.ALL}


# ---- fast: Python numbers ---------------------------------------------------------------------


def _read(data: Any, dtype: Dtype) -> Array:
    types = _leaf_types(data, 0) if isinstance(data, list | tuple) else {type(data)}
    if types <= _NUMBERS and not isinstance(data, range):
        if types == {float} and (dtype is None or dtype.is_floating_point):
            storage = (dtype or dtypes.get_default_dtype()).numpy
            with contextlib.suppress(ValueError):
                if storage.char in "efd":
                    return np.array(data, storage)
                return dtypes.cast(np.array(data, np.float64), storage)
        array = _assembled(data, types)
        if array is not None:
            default = dtypes.get_default_dtype()
            if dtype is None and array.dtype.kind == "f":
                return dtypes.cast(array, default.numpy)
            if dtype is None and array.dtype.kind == "c":
                return array.astype(_default_complex().numpy, copy=False)
            if dtype is None:
                return array
            if _fits(array, types, dtype):
                return dtypes.cast(array, dtype.numpy)
    return _read_slowly(data, dtype)


def _leaf_types(data: Any, depth: int) -> set[type]:
    types = set(map(type, data))
    if depth < _DEEPEST and types <= {list, tuple} and types:
        return set().union(*(_leaf_types(item, depth + 1) for item in data))
    return types


def _assembled(data: Any, types: set[type]) -> Array | None:
    try:
        array = np.array(data)
    except (ValueError, OverflowError):
        return None
    # NumPy makes objects or unsigned numbers of what needs over 63 bits, floats of both signs of it.
    kind = array.dtype.kind
    if kind not in "bifc" or (kind == "f" and float not in types and array.size):
        return None
    return array


def _fits(array: Array, types: set[type], dtype: dtypes.dtype) -> bool:
    """Whether every number of the array can be stored in the dtype."""
    if dtype.category == dtypes.INTEGER:
        if array.dtype.kind not in "bi" and (types != {float} or dtype is dtypes.uint64):
            return False
        if array.size and array.dtype.kind != "b":
            limits = np.iinfo(dtype.numpy)
            return bool(limits.min <= array.min() and array.max() <= limits.max)
    return not (array.dtype.kind == "c" and dtype.is_floating_point)


# ---- slow: one by one ---------------------------------------------------------------------------


def _read_slowly(data: Any, dtype: Dtype) -> Array:
    if isinstance(data, str | bytes):
        raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
    shape = _shape_of(data)
    kind = _common(data) if dtype is None else dtype
    array = np.empty(shape, kind.numpy)
    if shape and array.size and isinstance(data[0], np.ndarray):
        _warn_of_arrays()
    if array.size:
        _store(array, data, 0, _READERS.get(kind) or _BY_CATEGORY[kind.category])
    return array


@functools.cache
def _warn_of_arrays() -> None:
    warn(
        "Creating a tensor from a list of numpy.ndarrays is extremely slow. Please consider "
        "converting the list to a single numpy.ndarray with numpy.array() before converting to a "
        "tensor."
    )


def _is_sequence(value: Any) -> bool:
    if isinstance(value, np.generic):
        return isinstance(value, str | bytes)
    return hasattr(value, "__getitem__") and not isinstance(value, dict | TensorBase | type)


def _shape_of(data: Any) -> tuple[int, ...]:
    sizes: list[int] = []
    while _is_sequence(data):
        if (isinstance(data, str) and sizes and data) or len(sizes) >= _DEEPEST:
            raise ValueError(f"too many dimensions '{type(data).__name__}'")
        sizes.append(len(data))
        if not sizes[-1]:
            break
        data = data[0]
    return tuple(sizes)


def _common(data: Any) -> dtypes.dtype:
    """The dtype that torch infers."""
    if isinstance(data, np.generic):
        return _known(data.dtype)
    if isinstance(data, int | float | complex):
        return dtypes.bool_ if isinstance(data, bool) else _python_dtype(data)
    if isinstance(data, TensorBase):
        return dtypes.of(data._data_.dtype)
    if isinstance(data, np.ndarray):
        return _known(data.dtype)
    if isinstance(data, str | bytes):
        raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
    if not _is_sequence(data):
        raise RuntimeError(f"Could not infer dtype of {_full_name(data)}")
    kinds = {_common(data[i]) for i in range(len(data))}
    if not kinds:
        return dtypes.get_default_dtype()
    return functools.reduce(dtypes.promote_types, kinds)


def _python_dtype(value: Any) -> dtypes.dtype:
    if isinstance(value, int):
        return dtypes.int64
    return dtypes.get_default_dtype() if isinstance(value, float) else _default_complex()


def _default_complex() -> dtypes.dtype:
    default = dtypes.get_default_dtype()
    if default is dtypes.bfloat16:
        raise RuntimeError("invalid default scalar type for complex")
    return dtypes.complex_of(default)


def _known(storage: np.dtype[Any]) -> dtypes.dtype:
    native = storage.newbyteorder("=")
    if native not in KNOWN:
        checked(np.empty(0, storage))
    return dtypes.of(native)


def _store(target: Array, data: Any, dim: int, reader: Callable[[Any, Any], Any]) -> None:
    if not target.ndim:
        target[...] = reader(data, target.dtype)
        return
    if not _is_sequence(data) and not isinstance(data, TensorBase):
        raise TypeError("not a sequence")
    if len(data) != len(target):
        raise ValueError(
            f"expected sequence of length {len(target)} at dim {dim} (got {len(data)})"
        )
    for number in range(len(data)):
        _store(target[number, ...], data[number], dim + 1, reader)


def _full_name(value: Any) -> str:
    """How Python's own messages call a type: with its module if it is written in C."""
    kind = type(value)
    heap = kind.__flags__ & (1 << 9)
    return (
        kind.__name__
        if heap or kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__name__}"
    )


def _whole(item: Any) -> int:
    value = operator.index(item)
    if not -(2**63) <= value < 2**63:
        raise ValueError(f"Overflow when unpacking long long: {value} needs over 64 bits")
    return value


def _read_flag(item: Any, _: Any) -> bool:
    return bool(item if isinstance(item, float | complex | np.bool_) else operator.index(item))


def _read_whole(item: Any, storage: np.dtype[Any]) -> Any:
    value = float(item) if isinstance(item, float) else _whole(item)
    try:
        return dtypes.number_in(value, storage)
    except RuntimeError:
        raise RuntimeError(
            f"value cannot be converted to type {storage.name} without overflow"
        ) from None


def _read_unsigned(item: Any, storage: np.dtype[Any]) -> Any:
    if not isinstance(item, int):
        raise TypeError("an integer is required")
    item.to_bytes(8)
    return item


def _read_real(item: Any, storage: np.dtype[Any]) -> Any:
    if not hasattr(item, "__float__") and not hasattr(item, "__index__"):
        raise TypeError(f"must be real number, not {type_name(item)}")
    return dtypes.cast(np.asarray(float(item)), storage)[()]


def _read_complex(item: Any, storage: np.dtype[Any]) -> Any:
    if isinstance(item, complex | np.complexfloating) or hasattr(item, "__complex__"):
        return storage.type(complex(item))
    return storage.type(_read_real(item, np.dtype(np.float64)))


_BY_CATEGORY = {
    dtypes.BOOL: _read_flag,
    dtypes.INTEGER: _read_whole,
    dtypes.FLOATING: _read_real,
    dtypes.COMPLEX: _read_complex,
}
_READERS = {dtypes.uint64: _read_unsigned}
