"""New tensors: from data, filled, counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.device import check_device
from rushlight.ops.arguments import as_sizes, numpy_dtype
from rushlight.tensor_base import TensorBase, wrap

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

__all__ = [
    "from_numpy",
    "ones",
    "tensor",
    "zeros",
]

Dtype = dtypes.dtype | None


def _array_of(data: Any, dtype: Dtype) -> np.ndarray[Any, Any]:
    if isinstance(data, TensorBase):
        return np.array(data._data, dtype=dtype.numpy if dtype else None, copy=True)
    if isinstance(data, (np.ndarray, np.generic)):
        dtypes.of(data.dtype)
        return np.array(data, dtype=dtype.numpy if dtype else None, copy=True)
    if isinstance(data, (bool, int, float, complex)):
        return np.array(data, dtype=(dtype or dtypes.of_number(data)).numpy)
    try:
        array = np.array(_plain(data), dtype=dtype.numpy if dtype else None)
    except ValueError as error:
        raise ValueError(
            f"expected sequence of equal length at each level of the list: {error}"
        ) from None
    if dtype is None:
        if array.dtype.kind == "f" and not _has_numpy_float(data):
            array = array.astype(dtypes.get_default_dtype().numpy)
        elif array.dtype.kind == "c":
            array = array.astype(dtypes.of_number(1j).numpy)
        elif array.dtype.kind == "O":
            raise RuntimeError(
                f"Could not infer dtype of {type(data).__name__}: the elements are not numbers"
            )
    if array.dtype.kind in "US":
        raise ValueError(f"too many dimensions '{type(data).__name__}': strings are no numbers")
    dtypes.of(array.dtype)
    return array


def _plain(data: Any) -> Any:
    """Nested lists with the tensors in them turned into arrays or numbers."""
    if isinstance(data, TensorBase):
        return data._data
    if isinstance(data, (list, tuple)):
        return [_plain(item) for item in data]
    if isinstance(data, (int, float, complex, np.ndarray, np.generic)):
        return data
    if hasattr(data, "__array__") or hasattr(data, "__len__"):
        return np.asarray(data) if hasattr(data, "__array__") else [_plain(item) for item in data]
    raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")


def _has_numpy_float(data: Any) -> bool:
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return isinstance(data, np.ndarray | np.floating) or isinstance(data, TensorBase)


def tensor(
    data: Any,
    *,
    dtype: Dtype = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A new tensor with a copy of data: numbers, nested sequences, arrays.

    Python floats become the default dtype, integers int64.

    >>> import rushlight as torch
    >>> torch.tensor([[1, 2], [3, 4]]).dtype
    torch.int64
    """
    check_device(device)
    result = wrap(_array_of(data, dtype))
    return result.requires_grad_() if requires_grad else result


def from_numpy(ndarray: np.ndarray[Any, Any]) -> Tensor:
    """A tensor on the array's own memory: a change in one shows in the other."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtypes.of(ndarray.dtype)
    if any(s < 0 for s in ndarray.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides "
            "are not currently supported. (You can probably work around this by making a copy of your "
            "array  with array.copy().) "
        )
    return wrap(ndarray)


def _filled(
    size: tuple[Any, ...], value: Any, dtype: np.dtype[Any], requires_grad: bool, device: Any
) -> Tensor:
    check_device(device)
    shape = as_sizes(size)
    for n in shape:
        if n < 0:
            raise RuntimeError(
                f"Trying to create tensor with negative dimension {n}: {list(shape)}"
            )
    array = np.zeros(shape, dtype) if value == 0 else np.full(shape, value, dtype)
    result = wrap(array)
    return result.requires_grad_() if requires_grad else result


def _default() -> np.dtype[Any]:
    return dtypes.get_default_dtype().numpy


def zeros(
    *size: Any, dtype: Dtype = None, device: Any = None, requires_grad: bool = False, **_: Any
) -> Tensor:
    """A tensor of zeros.

    >>> import rushlight as torch
    >>> torch.zeros(2)
    tensor([0., 0.])
    """
    return _filled(size, 0, numpy_dtype(dtype, _default()), requires_grad, device)


def ones(
    *size: Any, dtype: Dtype = None, device: Any = None, requires_grad: bool = False, **_: Any
) -> Tensor:
    """A tensor of ones."""
    return _filled(size, 1, numpy_dtype(dtype, _default()), requires_grad, device)
