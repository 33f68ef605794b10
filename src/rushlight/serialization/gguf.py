"""Weights in GGUF files, as llama.cpp and its kin have them, read through the format's own library.

`pip install "rushlight[gguf]"` brings the library. Numbers of few bits come out as float32, as the
library makes them of their blocks; all others keep their type.
"""

from __future__ import annotations

import math
import mmap
import os
import struct
import sys
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.core.tensor import wrap
from rushlight.errors import require

_library: Any = require("gguf", extra="gguf")

# Bytes of the values in a file's table by the number of their type; 8 are strings, 9 are arrays.
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY = 8, 9
_DEEPEST, _DIMENSIONS = 4, 8


def load_file(filename: str | os.PathLike[str]) -> dict[str, Tensor]:
    """All tensors of a file by their names in it, each with the shape that torch's modules have for it.

    Raises ValueError for a file that is cut off, altered or none of GGUF.

    >>> import gguf, numpy, os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "tiny.gguf")
    >>> writer = gguf.GGUFWriter(path, "llama")
    >>> writer.add_tensor("output.weight", numpy.ones((2, 3), numpy.float32))
    >>> for write in ("write_header_to_file", "write_kv_data_to_file", "write_tensors_to_file", "close"):
    ...     getattr(writer, write)()
    >>> load_file(path)["output.weight"].shape
    torch.Size([2, 3])
    """
    return {entry.name: wrap(_values(entry)) for entry in _opened(filename).tensors}


def load_metadata(filename: str | os.PathLike[str]) -> dict[str, Any]:
    """What a file says of its model: architecture, sizes, the tokenizer's words, as Python's values."""
    fields = _opened(filename).fields.items()
    return {name: field.contents() for name, field in fields if not name.startswith("GGUF.")}


def _opened(filename: str | os.PathLike[str]) -> Any:
    path = os.fspath(filename)
    try:
        _check(path)
        return _library.GGUFReader(path)
    except (ValueError, LookupError, OverflowError, struct.error) as error:
        raise ValueError(
            f"{path} is no file of GGUF, or cut off or altered: {error}. Fetch it anew"
        ) from error


def _values(entry: Any) -> Any:
    shape = tuple(int(n) for n in reversed(entry.shape))
    kind = entry.tensor_type.name
    if not entry.data.dtype.isnative:
        # The library tells numbers of one kind from bytes, in which it does not swap.
        return np.array(entry.data.astype(entry.data.dtype.newbyteorder("=")))
    if entry.data.dtype != np.uint8:
        return np.array(entry.data)
    if kind == "BF16":
        return np.array(entry.data).view(dtypes.bfloat16.numpy).reshape(shape)
    try:
        return _library.dequantize(entry.data, entry.tensor_type).reshape(shape)
    except NotImplementedError:
        raise ValueError(
            f"tensor {entry.name!r} is of kind {kind}, which the library cannot dequantize"
        ) from None


# ---- what a file says of its own sizes -----------------------------------------------------------


def _check(path: str) -> None:
    """Raise ValueError unless the file has room for all that its tables announce.

    The library believes them, and would count to any number that stands there.
    """
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size < 24:
            raise ValueError("it has no header")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            _Walk(content).whole()


class _Walk:
    """Goes through the tables of a file, which hold nothing but sizes and what has them."""

    def __init__(self, content: mmap.mmap) -> None:
        self.content, self.at = content, 8
        if content[:4] != b"GGUF":
            raise ValueError("it does not begin with GGUF")
        # The version, a small number, tells the order of bytes.
        self.order = "<" if int.from_bytes(content[4:8], "little") & 0xFFFF else ">"

    @property
    def left(self) -> int:
        return len(self.content) - self.at

    def skip(self, count: int) -> None:
        if count > self.left:
            raise ValueError(
                f"at byte {self.at}, {count} more are announced, and {self.left} there"
            )
        self.at += count

    def number(self, code: str) -> int:
        size, start = struct.calcsize(f"<{code}"), self.at
        self.skip(size)
        (value,) = struct.unpack_from(self.order + code, self.content, start)
        return int(value)

    def whole(self) -> None:
        tensors, entries = self.number("Q"), self.number("Q")
        for _ in range(entries):
            self.skip(self.number("Q"))
            self.value(self.number("I"), 0)
        for _ in range(tensors):
            self.tensor()

    def value(self, kind: int, depth: int) -> None:
        if kind == _STRING:
            self.skip(self.number("Q"))
        elif kind == _ARRAY and depth < _DEEPEST:
            inner, count = self.number("I"), self.number("Q")
            if inner in _SIZES:
                self.skip(count * _SIZES[inner])
                return
            for _ in range(count):
                self.value(inner, depth + 1)
        elif kind in _SIZES:
            self.skip(_SIZES[kind])
        else:
            raise ValueError(f"at byte {self.at} stands a value of unknown type {kind}")

    def tensor(self) -> None:
        self.skip(self.number("Q"))
        dimensions = self.number("I")
        if dimensions > _DIMENSIONS:
            raise ValueError(f"at byte {self.at}, a tensor has {dimensions} dimensions")
        count = math.prod(self.number("Q") for _ in range(dimensions))
        kind, offset = self.number("I"), self.number("Q")
        block, size = _library.GGML_QUANT_SIZES[_library.GGMLQuantizationType(kind)]
        plain = kind in _PLAIN
        if not plain and self.order != ("<" if sys.byteorder == "little" else ">"):
            raise ValueError(
                "it has numbers of few bits in the other byte order, which are not read"
            )
        if offset + count * size // block > len(self.content):
            raise ValueError(f"a tensor of {count} elements at {offset} does not fit into the file")


_PLAIN = {
    _library.GGMLQuantizationType[name].value
    for name in ("F32", "F16", "F64", "I8", "I16", "I32", "I64")
}
