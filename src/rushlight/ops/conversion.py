"""From one dtype, device or language to another: `to`, `float`, `numpy`, `item`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.device import check_device, device
from rushlight.ops.arguments import type_name
from rushlight.primitives import pointwise as rows
from rushlight.primitives.core import apply
from rushlight.tensor_base import Array, TensorBase

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

__all__ = [
    "clone",
]


def astype(self: Tensor, dtype: np.dtype[Any]) -> Tensor:
    """The values in a NumPy dtype; the tensor itself if it has that already."""
    if self._data.dtype == dtype:
        return self
    result: Tensor = apply(rows.convert, self, dtype=dtype)
    return result


def to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """To a dtype, a device, or another tensor's; itself if nothing changes and copy is not set.

    >>> import rushlight as torch
    >>> torch.tensor([1.7]).to(torch.int64)
    tensor([1])
    """
    dtype: dtypes.dtype | None = kwargs.get("dtype")
    copy = kwargs.get("copy", False)
    check_device(kwargs.get("device"))
    if "other" in kwargs:
        args = (kwargs["other"], *args)
    for arg in args:
        if isinstance(arg, dtypes.dtype):
            dtype = arg
        elif isinstance(arg, TensorBase):
            dtype = dtypes.of(arg._data.dtype)
        elif isinstance(arg, (str, device)):
            check_device(arg)
        elif arg is not None and not isinstance(arg, bool):
            raise TypeError(
                f"to() received an invalid argument of type {type_name(arg)}: write to(dtype), "
                "to(device), to(device, dtype) or to(other)"
            )
    if dtype is not None and self._data.dtype != dtype.numpy:
        return astype(self, dtype.numpy)
    return self.clone() if copy else self


def numpy(self: Tensor, *, force: bool = False) -> Array:
    """The array itself, on the same memory. A tensor that requires grad must be detached first."""
    if force:
        return self._data.copy() if self._requires_grad else self._data
    if self._requires_grad:
        raise RuntimeError(
            "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
        )
    return self._data


def item(self: Tensor) -> Any:
    """The value of a tensor with one element as a Python number."""
    if self._data.size != 1:
        raise RuntimeError(
            f"a Tensor with {self._data.size} elements cannot be converted to Scalar: shape "
            f"{list(self._data.shape)}; reduce it first, or index one element"
        )
    return self._data.item()


def tolist(self: Tensor) -> Any:
    """Nested lists of Python numbers; a number for a 0-d tensor."""
    return self._data.tolist()


def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy through which gradients flow."""
    result: Tensor = apply(rows.clone, input)
    return result
