"""The idx format of MNIST and its relatives: a small header, then the elements, big-endian.

Header: two zero bytes, a type code, the number of dimensions, and each dimension in four bytes.
Described at the end of LeCun, Cortes and Burges, "The MNIST database of handwritten digits".
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

_GZIP = b"\x1f\x8b"


def read(path: str | os.PathLike[str]) -> np.ndarray[Any, Any]:
    """The array in an idx file, gzipped or not, in this machine's byte order.

    Raises ValueError, naming the file and what is wrong, where it is damaged, incomplete, longer
    than its header says, or no idx file at all.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     _ = file.write(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9])), file.flush()
    ...     read(file.name)
    array([7, 8, 9], dtype=uint8)
    """
    try:
        return _parse(_content(Path(path).read_bytes()))
    except ValueError as error:
        raise ValueError(
            f"{os.fspath(path)} is not a good idx file: {error}. Delete it and get it again"
        ) from None


def _content(raw: bytes) -> bytes:
    if not raw.startswith(_GZIP):
        return raw
    try:
        return gzip.decompress(raw)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"its gzip data are damaged or cut off ({error})") from None


def _parse(content: bytes) -> np.ndarray[Any, Any]:
    if len(content) < 4:
        raise ValueError(f"it has {len(content)} bytes, too few for a header")
    zeros, code, ndim = content[:2], content[2], content[3]
    if zeros != b"\0\0" or code not in TYPES:
        hint = ", the beginning of a web page" if content.lstrip()[:1] == b"<" else ""
        raise ValueError(f"it begins with the bytes {content[:4]!r}{hint}, not with idx's magic")
    start = 4 + 4 * ndim
    if len(content) < start:
        raise ValueError(f"its header is cut off: {ndim} dimensions announced")
    shape = tuple(int(n) for n in np.frombuffer(content, ">u4", ndim, 4))
    dtype = np.dtype(TYPES[code])
    expected = start + math.prod(shape) * dtype.itemsize
    if len(content) != expected:
        raise ValueError(
            f"shape {shape} of {dtype.name} needs {expected} bytes, there are {len(content)}"
        )
    return (
        np.frombuffer(content, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))
    )
