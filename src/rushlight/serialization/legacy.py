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
from typing import IO, Any, NamedTuple

import numpy as np

from rushlight.core.tensor import Array
from rushlight.ops.storage import BYTE, StorageType, TypedStorage, UntypedStorage
from rushlight.serialization import names
from rushlight.serialization.pickling import make_pickler
from rushlight.serialization.safe import Anything, Reader
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


def load_legacy(
    file: IO[bytes], make_unpickler: Callable[..., Any], restore: Restore, options: dict[str, Any]
) -> Any:
    """The object in a file of the old format, read from where the file stands.

    The values come after the object. They are read first, so that what is made of them, be it a
    generator or a sparse tensor, finds them: the object is gone over once for its storages alone.
    """

    def plain() -> Any:
        return make_unpickler(file, _no_storage).load()

    _check_magic(file, plain)
    version = plain()
    if version != PROTOCOL_VERSION:
        raise RuntimeError(f"Invalid protocol version: {version}")
    machine = plain()
    little = not isinstance(machine, dict) or bool(machine.get("little_endian", True))
    storages = _Storages(_left(file))
    start = file.tell()
    try:
        _Skimmer(file, storages, **options).load()
        keys = plain()
    except EOFError:
        raise EOFError("Ran out of input: the file is cut off") from None
    except RuntimeError:
        raise
    except Exception:
        # What is wrong with it is said by who reads it in earnest.
        keys = []
    for key in keys:
        storages.fill(key, file, little, restore)
    end = file.tell()
    file.seek(start)
    result = make_unpickler(file, storages.get).load()
    file.seek(end)
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


class _Skimmer(Reader):
    """Reads an object's pickle for the storages that it names, and makes nothing."""

    def __init__(self, file: IO[bytes], storages: _Storages, **options: Any) -> None:
        super().__init__(file, **options)
        self._storages = storages

    def persistent_load(self, pid: Any) -> Any:
        """Anything; a storage is noted."""
        if isinstance(pid, tuple) and pid[:1] == ("storage",):
            self._storages.note(pid)
            return Anything()
        # A class, with its source.
        return Anything

    def find_class(self, module: str, name: str, /) -> Any:
        """Types of storages; anything for all else."""
        full = f"{module}.{name}"
        if full in names.REFUSED:
            raise names.lacking(full)
        known = names.SAFE.get(full)
        return known if isinstance(known, StorageType) else Anything


class _Noted(NamedTuple):
    kind: StorageType
    elements: int
    location: str


class _Storages:
    """The storages of a file."""

    def __init__(self, left: int) -> None:
        # No more memory is asked for than the file has bytes for.
        self.left = left
        self.noted: dict[str, _Noted] = {}
        self.found: dict[str, UntypedStorage] = {}

    def note(self, pid: Any) -> tuple[StorageType, str, Any]:
        """Remember what a persistent id says of a storage: its type, key and which part is meant."""
        mark, *rest = pid
        if mark != "storage" or len(rest) < 4:
            raise RuntimeError(f"Unknown saved id type: {mark!r}; the file is corrupt")
        kind, key, location, count, *view = rest
        check_kind(kind)
        if key not in self.noted:
            self.left -= count * kind.itemsize
            if count < 0 or self.left < 0:
                raise RuntimeError(
                    f"unexpected EOF, expected {-self.left} more bytes: a storage of {count} "
                    "elements does not fit into the file. The file might be corrupted: load an "
                    "earlier one"
                )
            self.noted[key] = _Noted(kind, count, location)
        return kind, key, view[0] if view else None

    def get(self, pid: Any) -> Any:
        """What a persistent id stands for."""
        if pid[0] == "module":
            # A class, with the source that it had; the source is for people.
            return pid[1]
        kind, key, view = self.note(pid)
        if key not in self.found:
            raise RuntimeError(f"the file has no values for its storage {key}; corrupt file?")
        whole = self.found[key]
        if view is None:
            return TypedStorage.on(whole, kind.dtype)
        _, first, length = view
        item = kind.itemsize
        return TypedStorage.on(whole[first * item : (first + length) * item], kind.dtype)

    def fill(self, key: str, file: IO[bytes], little: bool, restore: Restore) -> None:
        """Read the content of a storage, and bring it to its place."""
        if key not in self.noted:
            raise RuntimeError(f"the file has a storage {key} that no tensor uses; corrupt file?")
        kind, count, location = self.noted[key]
        content = from_file(_content(file, kind, count), kind, little)
        self.found[key] = restore(UntypedStorage.on(content), location)


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
