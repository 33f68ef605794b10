"""Storages in files: bytes of either byte order, of a type that a name says."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.core.tensor import Array
from rushlight.layout import (
    layout,
    sparse_bsc,
    sparse_bsr,
    sparse_coo,
    sparse_csc,
    sparse_csr,
    strided,
)
from rushlight.ops.storage import (
    BYTE,
    NAMED,
    UNTYPED,
    StorageType,
    TypedStorage,
    UntypedStorage,
    bytes_of_number,
)


def check_kind(kind: Any) -> None:
    """Raise unless kind is the type of a storage."""
    if not isinstance(kind, StorageType):
        raise RuntimeError(f"the file keeps values in a {kind!r}, which is no type of storage here")


def in_memory(kind: StorageType) -> StorageType:
    """The type that a file's storage has here: bfloat16, which NumPy cannot hold, is float32."""
    return NAMED["FloatStorage"] if kind.dtype is dtypes.bfloat16 else kind


def typed(storage: UntypedStorage, kind: StorageType) -> TypedStorage:
    """Bytes that a file had, as the type that it says."""
    return TypedStorage.on(storage, in_memory(kind).dtype)


def from_file(content: Array, kind: StorageType, little: bool) -> Array:
    """The bytes that a file has, little-endian or not, as this machine keeps them."""
    if little != (sys.byteorder == "little"):
        if kind is UNTYPED:
            raise RuntimeError(
                "the file was saved on a machine with the other byte order, and has values whose "
                "type it does not say: convert them to int64 before saving"
            )
        content.view(f"u{bytes_of_number(kind.dtype)}").byteswap(inplace=True)
    if kind.dtype is not dtypes.bfloat16:
        return content
    warnings.warn(
        "the file has bfloat16 values, which NumPy cannot hold: they are loaded as float32, with "
        "the same values in twice the memory",
        stacklevel=2,
    )
    wide = content.view(np.uint16).astype(np.uint32)
    wide <<= 16
    return wide.view(BYTE)


_LAYOUTS = {
    str(known): known
    for known in (strided, sparse_coo, sparse_csr, sparse_csc, sparse_bsr, sparse_bsc)
}


def get_layout(name: str) -> layout:
    """`torch.strided` and its kind by name."""
    return _LAYOUTS[name]
