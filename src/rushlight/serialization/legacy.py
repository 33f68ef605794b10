"""Files of torch before 1.6: no archive, but pickles one after the other, then the storages' bytes.

A magic number, a version, facts about the machine, the object, the keys of the storages; then for
each of these keys the number of elements and the elements.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from typing import IO, Any

import numpy as np

from rushlight.serialization.storage import (
    BYTE,
    Storage,
    StorageType,
    check_kind,
    from_file,
    in_memory,
)
from rushlight.tensor_base import Array

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001
_COUNT = struct.Struct("<q")

Restore = Callable[[Storage, str], Storage]


def load_legacy(file: IO[bytes], make_unpickler: Callable[..., Any], restore: Restore) -> Any:
    """The object in a file of the old format, read from where the file stands."""

    def plain() -> Any:
        return make_unpickler(file, _no_storage).load()

    if plain() != MAGIC_NUMBER:
        raise RuntimeError(
            "Invalid magic number; corrupt file? It is no file of torch.save's: a plain pickle is "
            "read with pickle.load"
        )
    version = plain()
    if version != PROTOCOL_VERSION:
        raise RuntimeError(f"Invalid protocol version: {version}")
    little = bool(plain().get("little_endian", True))
    storages: dict[str, Storage] = {}
    kinds: dict[str, StorageType] = {}

    def storage(pid: Any) -> Storage:
        _, kind, key, location, count, view = pid
        if key not in storages:
            check_kind(kind)
            here = in_memory(kind)
            empty = Storage(np.empty(count * here.itemsize, BYTE), here)
            storages[key], kinds[key] = restore(empty, location), kind
        whole = storages[key]
        if view is None:
            return whole
        _, first, length = view
        item = whole.type.itemsize
        return Storage(whole.array[first * item : (first + length) * item], whole.type)

    result = make_unpickler(file, storage).load()
    for key in plain():
        if key not in storages:
            raise RuntimeError(f"the file has a storage {key} that no tensor uses; corrupt file?")
        content = _content(file, kinds[key], len(storages[key]))
        swap = little != (sys.byteorder == "little")
        storages[key].array[:] = from_file(content, kinds[key], swap).array
    return result


def _no_storage(pid: Any) -> Any:
    raise RuntimeError("Invalid magic number; corrupt file? A storage stands where none can be")


def _content(file: IO[bytes], kind: StorageType, expected: int) -> Array:
    head = file.read(_COUNT.size)
    content = np.frombuffer(bytearray(file.read(expected * kind.itemsize)), BYTE)
    missing = expected * kind.itemsize - content.size
    if len(head) != _COUNT.size or missing:
        raise RuntimeError(
            f"unexpected EOF, expected {missing} more bytes. The file might be corrupted: load an "
            "earlier one"
        )
    (count,) = _COUNT.unpack(head)
    if count != expected:
        raise RuntimeError(f"storage has wrong size: expected {expected}, got {count}")
    return content
