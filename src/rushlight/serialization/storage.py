"""Storages in files: bytes of either byte order, of a type that a name says."""

from __future__ import annotations

import sys
from typing import Any

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
    UNTYPED,
    StorageType,
    bytes_of_number,
)


def check_kind(kind: Any) -> None:
    """Raise unless kind is the type of a storage."""
    if not isinstance(kind, StorageType):
        raise RuntimeError(f"the file keeps values in a {kind!r}, which is no type of storage here")


def from_file(content: Array, kind: StorageType, little: bool) -> Array:
    """The bytes that a file has, little-endian or not, as this machine keeps them."""
    if little != (sys.byteorder == "little"):
        if kind is UNTYPED:
            raise RuntimeError(
                "the file was saved on a machine with the other byte order, and has values whose "
                "type it does not say: convert them to int64 before saving"
            )
        content.view(f"u{bytes_of_number(kind.dtype)}").byteswap(inplace=True)
    return content


_LAYOUTS = {
    str(known): known
    for known in (strided, sparse_coo, sparse_csr, sparse_csc, sparse_bsr, sparse_bsc)
}


def get_layout(name: str) -> layout:
    """`torch.strided` and its kind by name."""
    return _LAYOUTS[name]
