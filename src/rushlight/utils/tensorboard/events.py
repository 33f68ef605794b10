"""The files that TensorBoard reads: records with checksums, each a message in protobuf's encoding.

Only what is needed to write them: tensorboard itself and protobuf are not imported. The messages
are those of tensorflow/core/util/event.proto and framework/summary.proto.
"""

from __future__ import annotations

import itertools
import os
import socket
import struct
import time
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

_COUNTER = itertools.count()

VARINT, DOUBLE, BYTES, FLOAT = 0, 1, 2, 5
_STRING_TENSOR = 7


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number: int, kind: int, value: float | bytes) -> bytes:
    """One field of a message."""
    key = _varint(number << 3 | kind)
    if isinstance(value, bytes):
        return key + _varint(len(value)) + value
    if kind == VARINT:
        return key + _varint(int(value))
    return key + struct.pack("<d" if kind == DOUBLE else "<f", value)


def text(number: int, value: str) -> bytes:
    """A field of text."""
    return field(number, BYTES, value.encode())


def doubles(number: int, values: Iterable[float]) -> bytes:
    """A packed field of several doubles."""
    given = list(values)
    return field(number, BYTES, struct.pack(f"<{len(given)}d", *given))


def scalar(tag: str, value: float) -> bytes:
    """A summary of one number."""
    return _summary(tag, field(2, FLOAT, value))


def image(tag: str, height: int, width: int, png: bytes) -> bytes:
    """A summary of one RGB picture."""
    sizes = field(1, VARINT, height) + field(2, VARINT, width) + field(3, VARINT, 3)
    return _summary(tag, field(4, BYTES, sizes + field(4, BYTES, png)))


def histogram(
    tag: str, moments: Iterable[float], limits: Iterable[float], counts: Iterable[float]
) -> bytes:
    """A summary of many numbers: (min, max, number, sum, sum of squares), then the buckets."""
    head = b"".join(field(n, DOUBLE, value) for n, value in enumerate(moments, 1))
    return _summary(tag, field(5, BYTES, head + doubles(6, limits) + doubles(7, counts)))


def words(tag: str, content: str) -> bytes:
    """A summary of text, which TensorBoard shows as Markdown."""
    one = field(2, BYTES, field(2, BYTES, field(1, VARINT, 1)))
    tensor = field(1, VARINT, _STRING_TENSOR) + one + text(8, content)
    plugin = field(9, BYTES, field(1, BYTES, text(1, "text")))
    return _summary(f"{tag}/text_summary", field(8, BYTES, tensor) + plugin)


def _summary(tag: str, value: bytes) -> bytes:
    return field(1, BYTES, text(1, tag) + value)


@lru_cache(maxsize=1)
def _crc_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


def masked_crc(data: bytes) -> int:
    """CRC-32C, turned and shifted as in TFRecord files, so that a checksum of checksums works."""
    table, crc = _crc_table(), 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def record(data: bytes) -> bytes:
    """A message with its length and the checksums of both."""
    length = struct.pack("<Q", len(data))
    ends = (struct.pack("<I", masked_crc(part)) for part in (length, data))
    return length + next(ends) + data + next(ends)


class EventFile:
    """One events file in a folder; what is added is written at the next flush."""

    def __init__(self, folder: str | os.PathLike[str], max_queue: int, seconds: float, suffix: str):
        Path(folder).mkdir(parents=True, exist_ok=True)
        now = time.time()
        name = f"events.out.tfevents.{int(now):010d}.{socket.gethostname()}.{os.getpid()}"
        self.path = Path(folder) / f"{name}.{next(_COUNTER)}{suffix}"
        self._max_queue, self._seconds = max_queue, seconds
        self._waiting: list[bytes] = []
        self._flushed = now
        self._append(field(1, DOUBLE, now) + text(3, "brain.Event:2"))
        self.flush()

    def add(self, summary: bytes, step: int | None, walltime: float | None) -> None:
        """Add a summary."""
        event = field(1, DOUBLE, time.time() if walltime is None else walltime)
        if step is not None:
            event += field(2, VARINT, int(step))
        self._append(event + field(5, BYTES, summary))
        if len(self._waiting) >= self._max_queue or time.time() > self._flushed + self._seconds:
            self.flush()

    def _append(self, event: bytes) -> None:
        self._waiting.append(record(event))

    def flush(self) -> None:
        """Write what is waiting."""
        with open(self.path, "ab") as file:
            file.write(b"".join(self._waiting))
        self._waiting.clear()
        self._flushed = time.time()
