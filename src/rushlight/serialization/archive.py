"""The container of a .pt file: a zip of uncompressed records, all in one folder.

name/data.pkl    the pickled object; tensors refer to their storages by number
name/data/0      the bytes of storage 0, at an offset that is a multiple of 64
name/byteorder   "little" or "big"
name/version     of this layout
name/.data/serialization_id   forty digits that tell files apart
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
import zipfile
import zlib
from collections.abc import Iterable
from typing import IO, Any

import numpy as np

from rushlight.core.tensor import Array
from rushlight.serialization.places import MAP_SHARED, loading, saving, settings

MAGIC = b"PK\x03\x04"
# The fixed part of a record's own header; the lengths of its name and extra field close it.
_HEADER = struct.Struct("<4s22xHH")
# Zip's name for an extra field, here the padding; the same one that torch uses.
_PADDING_ID = b"FB"
_ZIP64_EXTRA = 20
# Every record gets the earliest date that zip knows, so that equal objects give equal files.
_DATE = (1980, 1, 1, 0, 0, 0)
_IDENTITY = ".data/serialization_id"


class _Output:
    """What zipfile writes to: any object with `write`; offsets count from where it stood."""

    def __init__(self, file: Any) -> None:
        self.write = file.write
        self.flush = getattr(file, "flush", lambda: None)


def write_archive(file: Any, name: str, records: Iterable[tuple[str, Any]]) -> None:
    """Write records (name, bytes or a flat array) to an object that has `write`."""
    output: Any = _Output(file)
    with zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as archive:
        for record, content in records:
            _write_record(archive, f"{name}/{record}", content)
        _write_record(archive, f"{name}/{_IDENTITY}", _identity(archive.infolist()))


def _write_record(archive: zipfile.ZipFile, name: str, content: Any) -> None:
    info = zipfile.ZipInfo(name, _DATE)
    size = memoryview(content).nbytes
    position: Any = archive.fp
    start = position.tell() + _HEADER.size + len(info.filename.encode())
    if size * 1.05 > zipfile.ZIP64_LIMIT:
        start += _ZIP64_EXTRA
    info.extra = _padding(start)
    # zipfile measures with len(), which counts bytes only for flat ones.
    archive.writestr(info, content if isinstance(content, bytes) else content.data)
    # The directory needs no padding, and knows no checksum of data that are left out, as torch's.
    info.extra = b""
    info.CRC *= not (settings.skips_data and "/data/" in name)


def _identity(records: Iterable[zipfile.ZipInfo]) -> bytes:
    """Forty digits that differ between files whose records differ in name or content."""
    digest = hashlib.blake2b(digest_size=16)
    for info in records:
        digest.update(f"{info.filename.partition('/')[2]} {info.CRC}\n".encode())
    return f"{int.from_bytes(digest.digest(), 'little'):040}"[:40].encode()


def _padding(start: int) -> bytes:
    """An extra field after which the data begin at a multiple of the alignment."""
    head = len(_PADDING_ID) + 2
    fill = -(start + head) % saving.storage_alignment
    return _PADDING_ID + struct.pack("<H", fill) + b"Z" * fill


class Archive:
    """A .pt file open for reading, whose records begin where it stands.

    Raises RuntimeError, as torch's reader does, for what is cut off, altered or no .pt file.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        start = file.tell()
        try:
            self._zip = zipfile.ZipFile(file)
            self._size = file.seek(0, os.SEEK_END)
            records = self._zip.infolist()
            begin = min((info.header_offset for info in records), default=start)
            if begin != start:
                # The last of several. As in torch, another is read if it is of the same size.
                shift = self._zip.start_dir - begin + start
                file.seek(shift)
                found = io.BytesIO(file.read(self._size - self._zip.start_dir))
                if not zipfile.is_zipfile(found):
                    raise zipfile.BadZipFile("invalid header or archive is corrupted")
                records = zipfile.ZipFile(found).infolist()
                for info in records:
                    info.header_offset += shift
        except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as error:
            raise RuntimeError(
                f"PytorchStreamReader failed reading zip archive: {_reason(error)}. The file is "
                "corrupt or was not saved to its end: load an earlier one, or save it anew"
            ) from None
        self._records = {info.filename: info for info in records}
        # torch writes zeros, and looks at none, where its checksums are switched off.
        self._has_checksums = any(info.CRC for info in self._records.values())
        if not self._records:
            raise RuntimeError("PytorchStreamReader failed reading zip archive: it has no records")
        first = next(iter(self._records))
        self.name, slash, _ = first.partition("/")
        if not slash:
            raise RuntimeError(
                f"file in archive is not in a subdirectory: {first}. This zip file is not one that "
                "torch.save wrote"
            )

    def __contains__(self, record: str) -> bool:
        return f"{self.name}/{record}" in self._records

    def read(self, record: str) -> bytes:
        """The bytes of a record."""
        return self.array(record).tobytes()

    def array(self, record: str, map_from: str | None = None, skips: bool = False) -> Array:
        """The bytes of a record as a writable array of uint8; if it skips them, zeros.

        With map_from, the path of this file, they are read when they are used, and what is written
        to the array stays in memory.
        """
        info = self._info(record)
        start = self._start(info)
        if info.compress_type != zipfile.ZIP_STORED:
            return np.frombuffer(bytearray(self._unpacked(info)), np.uint8)
        # Checked before so much memory is asked for.
        if start + info.file_size > self._size:
            raise self._failed(info, "the file ends within it")
        if skips:
            return np.zeros(info.file_size, np.uint8)
        if map_from is not None and info.file_size:
            mode: Any = "r+" if loading.mmap_flags == MAP_SHARED else "c"
            return np.memmap(map_from, np.uint8, mode, start, (info.file_size,))
        array = np.empty(info.file_size, np.uint8)
        self._file.seek(start)
        if _read_into(self._file, array) != info.file_size:
            raise self._failed(info, "the file ends within it")
        if self._has_checksums and info.CRC not in (0, zlib.crc32(array.data)):
            raise self._failed(info, "its checksum is wrong")
        return array

    def _info(self, record: str) -> zipfile.ZipInfo:
        info = self._records.get(f"{self.name}/{record}")
        if info is None:
            raise RuntimeError(
                f"PytorchStreamReader failed locating file {record}: file not found. The archive "
                "is corrupt, or not one that torch.save wrote"
            )
        return info

    def _start(self, info: zipfile.ZipInfo) -> int:
        """Where the data of a record begin, which only its own header says."""
        if info.header_offset < 0:
            raise self._failed(info, "it would lie before the file's beginning")
        self._file.seek(info.header_offset)
        head = self._file.read(_HEADER.size)
        if len(head) != _HEADER.size or not head.startswith(MAGIC):
            raise self._failed(info, "there is no record where the directory says")
        _, name, extra = _HEADER.unpack(head)
        return info.header_offset + _HEADER.size + name + extra

    def _unpacked(self, info: zipfile.ZipInfo) -> bytes:
        try:
            return self._zip.read(info)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise self._failed(info, str(error)) from None

    def _failed(self, info: zipfile.ZipInfo, reason: str) -> RuntimeError:
        record = info.filename.partition("/")[2]
        return RuntimeError(
            f"PytorchStreamReader failed reading file {record}: {reason}. The file is corrupt: "
            "load an earlier one"
        )


def _reason(error: Exception) -> str:
    return "failed finding central directory" if "not a zip file" in str(error) else str(error)


def _read_into(file: IO[bytes], array: Array) -> int:
    """Fill an array from a file, which may give less than is asked for; returns the bytes read."""
    view, done = array.data, 0
    readinto = getattr(file, "readinto", None)
    while done < len(view):
        if readinto is not None:
            got = readinto(view[done:])
        else:
            piece = file.read(len(view) - done)
            got = len(piece)
            view[done : done + got] = piece
        if not got:
            break
        done += got
    return done


def stem(path: str | os.PathLike[str]) -> str:
    """The folder name of an archive that is saved to path: the file's name without its ending."""
    return os.path.splitext(os.path.basename(os.fspath(path)))[0] or "archive"
