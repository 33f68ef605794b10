"""The memory behind tensors, which views share: `t.untyped_storage()` and `t.storage()`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.device import CPU, device
from rushlight.memory import address, root
from rushlight.tensor_base import Array

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

__all__ = [
    "TypedStorage",
    "UntypedStorage",
    "is_storage",
]


class UntypedStorage:
    """All bytes of the memory of which a tensor is a part; two views of it are equal in data_ptr().

    >>> import rushlight as torch
    >>> x = torch.zeros(2, 3)
    >>> x[1].untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
    True
    """

    is_cuda = False
    is_sparse = False

    def __init__(self, array: Array) -> None:
        self.array = array

    @property
    def elements(self) -> Array:
        """The memory as a NumPy array of one dimension."""
        return self.array.reshape(-1, order="A").view(np.uint8)

    @property
    def device(self) -> device:
        """Where the memory is: the CPU."""
        return CPU

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return address(self.array)

    def nbytes(self) -> int:
        """How many bytes there are."""
        return self.array.nbytes

    def element_size(self) -> int:
        """The bytes of one element."""
        return self.elements.itemsize

    def size(self) -> int:
        """How many elements there are."""
        return self.elements.size

    def tolist(self) -> list[Any]:
        """The elements as Python numbers."""
        return self.elements.tolist()

    def __len__(self) -> int:
        return self.size()

    def __getitem__(self, index: Any) -> Any:
        part = self.elements[index]
        return part.tolist() if isinstance(index, slice) else part.item()

    def __setitem__(self, index: Any, value: Any) -> None:
        self.elements[index] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __repr__(self) -> str:
        lines = "\n ".join(map(str, self.tolist()))
        dtype = f"dtype={dtypes.of(self.array.dtype)}, " if isinstance(self, TypedStorage) else ""
        kind = f"torch.storage.{type(self).__name__}({dtype}device=cpu)"
        return f" {lines}\n[{kind} of size {len(self)}]"

    _kind = ""


class TypedStorage(UntypedStorage):
    """The same, as elements of the tensor's dtype."""

    @property
    def dtype(self) -> dtypes.dtype:
        """The type of the elements."""
        return dtypes.of(self.array.dtype)

    @property
    def elements(self) -> Array:
        """The memory as a NumPy array of one dimension."""
        return self.array.reshape(-1, order="A")

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return UntypedStorage(self.array)


def untyped_storage(self: Tensor) -> UntypedStorage:
    """The bytes of the memory of which this tensor is a part."""
    return UntypedStorage(root(self._data))


def storage(self: Tensor) -> TypedStorage:
    """The elements of the memory of which this tensor is a part."""
    return TypedStorage(root(self._data))


def is_storage(obj: Any) -> bool:
    """Whether obj is a storage."""
    return isinstance(obj, UntypedStorage)
