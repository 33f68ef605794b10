"""TensorBoard's files: records with checksums, each of them an event in protocol-buffer encoding.

A record is the length (8 bytes), its masked CRC-32C, the event, and the event's masked CRC-32C.
"""

from __future__ import annotations

import itertools
import os
import socket
import struct
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

# ---- protocol buffers ----------------------------------------------------------------------------

VARINT, DOUBLE, BYTES, FLOAT = 0, 1, 2, 5


class Single(float):
    """A number for a field of 32-bit floats; plain floats are for fields of 64 bits."""


Value = int | float | str | bytes | Single | Iterable[float]


def message(*fields: tuple[int, Value]) -> bytes:
    """The encoding of numbered fields: ints, floats, text, other messages, and lists of doubles.

    >>> message((1, 150), (2, "ok"))
    b'\\x08\\x96\\x01\\x12\\x02ok'
    """
    return b"".join(itertools.starmap(_field, fields))


def _field(number: int, value: Value) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3 | VARINT) + _varint(value & 0xFFFFFFFFFFFFFFFF)
    if isinstance(value, Single):
        return _varint(number << 3 | FLOAT) + struct.pack("<f", value)
    if isinstance(value, float):
        return _varint(number << 3 | DOUBLE) + struct.pack("<d", value)
    if isinstance(value, str):
        content = value.encode()
    elif isinstance(value, bytes):
        content = value
    else:
        content = np.asarray(value, "<f8").tobytes()
    return _varint(number << 3 | BYTES) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Seven bits in a byte, the lowest first; all bytes but the last have the eighth bit."""
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


# ---- checksums -----------------------------------------------------------------------------------


def _table() -> tuple[int, ...]:
    entries = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        entries.append(byte)
    return tuple(entries)


_CRC32C = _table()


def masked_crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli), rotated and shifted so that checksums of checksums stay good."""
    crc = 0xFFFFFFFF
    table = _CRC32C
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


# ---- the file ------------------------------------------------------------------------------------

_number = itertools.count()


class EventFile:
    """A new file of events in a folder, under the name that TensorBoard looks for."""

    def __init__(self, folder: str | os.PathLike[str], flush_secs: float, suffix: str) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        now = time.time()
        name = (
            f"events.out.tfevents.{int(now):010}.{socket.gethostname()}.{os.getpid()}."
            f"{next(_number)}{suffix}"
        )
        self._file = open(self.folder / name, "wb")  # noqa: SIM115
        self._flush_secs, self._flushed = flush_secs, now
        self.add((3, "brain.Event:2"))
        self.flush()

    def add(
        self, *fields: tuple[int, Value], step: int | None = None, walltime: float | None = None
    ) -> None:
        """Write an event: its fields, beside time and step."""
        now = time.time()
        event = message((1, float(now if walltime is None else walltime)), (2, int(step or 0)))
        self._record(event + message(*fields))
        if now - self._flushed >= self._flush_secs:
            self.flush()

    def _record(self, event: bytes) -> None:
        length = struct.pack("<Q", len(event))
        checks = (struct.pack("<I", masked_crc32c(part)) for part in (length, event))
        self._file.write(length + next(checks) + event + next(checks))

    def flush(self) -> None:
        """Hand everything to the system."""
        self._file.flush()
        self._flushed = time.time()

    def close(self) -> None:
        """Write what is left, and end the file."""
        self._file.close()
