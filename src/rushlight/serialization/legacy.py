"""Files of torch before 1.6: no archive, but pickles one after the other, then the storages' bytes.

A magic number, a version, facts about the machine, the object, the keys of the storages; then for
each of these keys the number of elements and the elements.
"""

from __future__ import annotations

import io
import os
import pickle
import struct
import sys
from collections.abc import Callable, Iterable
from typing import IO, Any

import numpy as np

from rushlight.core.tensor import Array
from rushlight.ops.storage import BYTE, StorageType, TypedStorage, UntypedStorage
from rushlight.serialization.pickling import make_pickler
from rushlight.serialization.storage import check_kind, from_file

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001
_COUNT = struct.Struct("<q")
_MACHINE = {
    "protocol_version": PROTOCOL_VERSION,
    "little_endian": sys.byteorder == "little",
    "type_sizes": {"short": 2, "int": 4, "long": 4},
}
# How files begin that are often taken for checkpoints, and what they are.
_STRANGERS = {
    b"version https://git-lfs": "a pointer of git-lfs: fetch the file itself with `git lfs pull`",
    b"<!doctype html": "a page of HTML: the download gave no file",
    b"<html": "a page of HTML: the download gave no file",
    b"\x93NUMPY": "an array of NumPy: read it with numpy.load",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\x89HDF\r\n": "a file of HDF5, as Keras writes",
    b"\x1f\x8b": "packed with gzip: unpack it",
}
_START = 262  # bytes, at the end of which a tar file says that it is one

Restore = Callable[[UntypedStorage, str], UntypedStorage]


def legacy_pieces(obj: object, module: Any, protocol: int) -> list[Any]:
    """What the file of an object consists of: bytes and arrays of bytes."""
    pickled = io.BytesIO()
    for plain in (MAGIC_NUMBER, PROTOCOL_VERSION, _MACHINE):
        module.dump(plain, pickled, protocol=protocol)
    # The last part of a persistent id is for a view of a storage, which torch writes no more.
    pickler = make_pickler(module, pickled, protocol, (None,))
    pickler.dump(obj)
    storages = sorted(pickler.storages)
    module.dump([saved.key for saved in storages], pickled, protocol=protocol)
    pieces: list[Any] = [pickled.getvalue()]
    for saved in storages:
        pieces += [_COUNT.pack(saved.elements), saved.content]
    return pieces


def write_legacy(file: Any, pieces: Iterable[Any]) -> None:
    """Write the pieces of a file to an object that has `write`."""
    for piece in pieces:
        file.write(piece if isinstance(piece, bytes) else piece.data)


def load_legacy(file: IO[bytes], make_unpickler: Callable[..., Any], restore: Restore) -> Any:
    """The object in a file of the old format, read from where the file stands."""

    def plain() -> Any:
        return make_unpickler(file, _no_storage).load()

    _check_magic(file, plain)
    version = plain()
    if version != PROTOCOL_VERSION:
        raise RuntimeError(f"Invalid protocol version: {version}")
    machine = plain()
    little = not isinstance(machine, dict) or bool(machine.get("little_endian", True))
    storages = _Storages(restore, _left(file))
    result = make_unpickler(file, storages.get).load()
    for key in plain():
        storages.fill(key, file, little)
    return result


def _left(file: IO[bytes]) -> int:
    """How many bytes follow."""
    here = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(here)
    return size - here


def _check_magic(file: IO[bytes], plain: Callable[[], Any]) -> None:
    """Raise unless the file begins with the magic number; say what else it may be."""
    here = file.tell()
    start = file.read(_START)
    file.seek(here)
    if start.endswith(b"ustar"):
        raise RuntimeError(
            "the file is a tar archive, as torch wrote before version 0.1.10, which is not read "
            "here: load it in torch, and save it anew"
        )
    for head, what in _STRANGERS.items():
        if start.lower().startswith(head.lower()):
            raise pickle.UnpicklingError(f"no checkpoint of torch.save, but {what}")
    try:
        number = plain()
    except EOFError:
        raise
    except Exception as error:
        raise pickle.UnpicklingError(
            f"Weights only load failed. The file is corrupt, or no checkpoint of torch.save: it "
            f"begins with {start[:16]!r}" + (f" ({error})" if start.startswith(b"\x80") else "")
        ) from None
    if number != MAGIC_NUMBER:
        raise RuntimeError(
            "Invalid magic number; corrupt file? It is no file of torch.save's: a plain pickle is "
            "read with pickle.load"
        )


def _no_storage(pid: Any) -> Any:
    raise RuntimeError("Invalid magic number; corrupt file? A storage stands where none can be")


class _Storages:
    """The storages of a file: empty when an object first names them, filled from the file's end."""

    def __init__(self, restore: Restore, left: int) -> None:
        self.restore = restore
        # No more memory is asked for than the file has bytes for.
        self.left = left
        self.found: dict[str, UntypedStorage] = {}
        self.kinds: dict[str, tuple[StorageType, int]] = {}

    def get(self, pid: Any) -> Any:
        """What a persistent id stands for."""
        mark, *rest = pid
        if mark == "module":
            # A class, with the source that it had; the source is for people.
            return rest[0]
        if mark != "storage" or len(rest) < 4:
            raise RuntimeError(f"Unknown saved id type: {mark!r}; the file is corrupt")
        kind, key, location, count, *view = rest
        check_kind(kind)
        if key not in self.found:
            self.left -= count * kind.itemsize
            if count < 0 or self.left < 0:
                raise RuntimeError(
                    f"unexpected EOF, expected {-self.left} more bytes: a storage of {count} "
                    "elements does not fit into the file. The file might be corrupted: load an "
                    "earlier one"
                )
            empty = UntypedStorage.on(np.empty(count * kind.itemsize, BYTE))
            self.found[key] = self.restore(empty, location)
            self.kinds[key] = kind, count
        whole = self.found[key]
        if not view or view[0] is None:
            return TypedStorage.on(whole, kind.dtype)
        _, first, length = view[0]
        item = kind.itemsize
        return TypedStorage.on(whole[first * item : (first + length) * item], kind.dtype)

    def fill(self, key: str, file: IO[bytes], little: bool) -> None:
        """Read the content of a storage."""
        if key not in self.found:
            raise RuntimeError(f"the file has a storage {key} that no tensor uses; corrupt file?")
        kind, count = self.kinds[key]
        content = _content(file, kind, count)
        self.found[key].array[:] = from_file(content, kind, little)


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
