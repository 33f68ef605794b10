"""The safetensors format: 8 bytes with the length of a JSON header, the header, the tensors' bytes.

The header says of each name its dtype, shape and place in the bytes; `__metadata__` in it maps
strings to strings. There is no pickle in it, and so no code.
"""

from __future__ import annotations

import json
import math
import os
import struct
import sys
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.device import check_device
from rushlight.serialization import storage
from rushlight.serialization.atomic import replacing
from rushlight.tensor_base import Array, TensorBase, wrap

_LENGTH = struct.Struct("<Q")
_MAX_HEADER = 100_000_000
_ALIGNMENT = 8

_WORDS = {
    "BOOL": dtypes.bool_, "U8": dtypes.uint8, "I8": dtypes.int8, "I16": dtypes.int16,
    "U16": dtypes.uint16, "I32": dtypes.int32, "U32": dtypes.uint32, "I64": dtypes.int64,
    "U64": dtypes.uint64, "F16": dtypes.float16, "BF16": dtypes.bfloat16, "F32": dtypes.float32,
    "F64": dtypes.float64, "C64": dtypes.complex64,
}  # fmt: skip
_WORD_OF = {dtype: word for word, dtype in _WORDS.items()}


class SafetensorError(Exception):
    """What is read is not a safetensors file, or not a whole one."""


def save_file(
    tensors: Mapping[str, Tensor],
    filename: str | os.PathLike[str],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write named tensors to a file; the old file stays until the new one is complete.

    Raises RuntimeError for tensors that share memory, as the format cannot say so.

    >>> import rushlight as torch, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "model.safetensors")
    >>> save_file({"weight": torch.ones(2)}, path)
    >>> load_file(path)
    {'weight': tensor([1., 1.])}
    """
    header, arrays = _layout(tensors, metadata)
    with replacing(filename) as file:
        file.write(header)
        for array in arrays:
            file.write(array.data)


def save(tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    """The bytes that `save_file` writes."""
    header, arrays = _layout(tensors, metadata)
    return header + b"".join(array.data for array in arrays)


def load_file(filename: str | os.PathLike[str], device: Any = "cpu") -> dict[str, Tensor]:
    """Read all tensors of a file. Raises SafetensorError for one that is cut off or altered."""
    check_device(device)
    with open(filename, "rb") as file:
        return _load(file, os.fstat(file.fileno()).st_size)[0]


def load(data: bytes) -> dict[str, Tensor]:
    """The tensors in the bytes that `save` gave."""
    import io

    return _load(io.BytesIO(data), len(data))[0]


def load_metadata(filename: str | os.PathLike[str]) -> dict[str, str]:
    """The strings that were saved beside the tensors."""
    with open(filename, "rb") as file:
        header, _ = _read_header(file, os.fstat(file.fileno()).st_size)
    return header.get("__metadata__") or {}


def _layout(tensors: Any, metadata: Mapping[str, str] | None) -> tuple[bytes, list[Array]]:
    if not isinstance(tensors, Mapping):
        raise ValueError(
            f"Expected a dict of [str, torch.Tensor] but received {type(tensors).__name__}"
        )
    header: dict[str, Any] = {}
    if metadata is not None:
        if not all(isinstance(text, str) for item in metadata.items() for text in item):
            raise ValueError("metadata maps strings to strings: convert other values with str()")
        header["__metadata__"] = dict(metadata)
    _check(tensors)
    header.update(dict.fromkeys(tensors))
    arrays: list[Array] = []
    start = 0
    # Widest types first, so that every tensor begins at a multiple of its element's size.
    for name in sorted(tensors, key=lambda name: (-tensors[name]._data.itemsize, name)):
        array = tensors[name]._data
        end = start + array.nbytes
        header[name] = {
            "dtype": _WORD_OF[dtypes.of(array.dtype)],
            "shape": list(array.shape),
            "data_offsets": [start, end],
        }
        arrays.append(_little(np.ascontiguousarray(array)).reshape(-1).view(storage.BYTE))
        start = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    return _LENGTH.pack(len(text)) + text, arrays


def _check(tensors: Mapping[str, Any]) -> None:
    owners: dict[int, str] = {}
    for name, tensor in tensors.items():
        if not isinstance(tensor, TensorBase):
            raise ValueError(
                f"Key `{name}` is invalid, expected torch.Tensor but received "
                f"{type(tensor).__name__}"
            )
        if not isinstance(name, str) or name == "__metadata__":
            raise ValueError(f"{name!r} cannot be the name of a tensor: use another string")
        dtype = dtypes.of(tensor._data.dtype)
        if dtype not in _WORD_OF:
            raise ValueError(f"safetensors has no {dtype}: convert {name!r} to another dtype")
        if tensor._data.size:
            owner = storage.locate(tensor._data).owner
            other = owners.setdefault(id(owner), name)
            if other != name and np.may_share_memory(tensor._data, tensors[other]._data):
                raise RuntimeError(
                    f"Some tensors share memory, which safetensors cannot say: {other!r} and "
                    f"{name!r}. Leave one of them out, or save its .clone()"
                )


def _little(array: Array) -> Array:
    return array if sys.byteorder == "little" else array.byteswap()


def _read_header(file: IO[bytes], size: int) -> tuple[dict[str, Any], int]:
    """The header, and where the bytes of the tensors begin."""
    head = file.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise SafetensorError("Error while deserializing header: header too small")
    (length,) = _LENGTH.unpack(head)
    if length > _MAX_HEADER:
        raise SafetensorError("Error while deserializing header: header too large")
    start = _LENGTH.size + length
    if start > size:
        raise SafetensorError("Error while deserializing header: invalid header length")
    try:
        header = json.loads(file.read(length).decode())
    except ValueError as error:
        raise SafetensorError(f"Error while deserializing header: invalid JSON: {error}") from None
    if not isinstance(header, dict):
        raise SafetensorError("Error while deserializing header: it is no JSON object")
    return header, start


def _load(file: IO[bytes], size: int) -> tuple[dict[str, Tensor], dict[str, str]]:
    header, start = _read_header(file, size)
    metadata = header.pop("__metadata__", None) or {}
    entries = sorted(header.items(), key=lambda item: _offsets(*item))
    tensors: dict[str, Tensor] = {}
    end = 0
    for name, entry in entries:
        kind, shape, (begin, stop) = _entry(name, entry)
        if begin != end:
            raise SafetensorError(f"invalid offset for tensor `{name}`: {begin} follows {end}")
        content = np.empty(stop - begin, storage.BYTE) if start + stop <= size else None
        if content is None or file.readinto(content) != content.size:  # type: ignore[attr-defined]
            raise SafetensorError(f"the file is cut off in tensor `{name}`")
        loaded = storage.from_file(content, kind, sys.byteorder != "little")
        tensors[name] = wrap(loaded.array.view(loaded.type.dtype.numpy).reshape(shape))
        end = stop
    if start + end != size:
        raise SafetensorError(
            f"Error while deserializing header: the tensors end at byte {start + end} of {size}"
        )
    return {name: tensors[name] for name in header}, metadata


def _offsets(name: str, entry: Any) -> tuple[int, int]:
    try:
        begin, stop = entry["data_offsets"]
        return int(begin), int(stop)
    except (TypeError, KeyError, ValueError):
        raise SafetensorError(f"tensor `{name}` has no data_offsets") from None


def _entry(name: str, entry: Any) -> tuple[Any, list[int], tuple[int, int]]:
    """Storage type, shape and offsets of a tensor, checked against each other."""
    begin, stop = _offsets(name, entry)
    dtype = _WORDS.get(entry.get("dtype"))
    if dtype is None:
        raise SafetensorError(
            f"tensor `{name}` has the dtype {entry.get('dtype')}, which NumPy has no numbers for"
        )
    shape = entry.get("shape")
    if not isinstance(shape, list) or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise SafetensorError(f"tensor `{name}` has the shape {shape!r}, which is none")
    if stop - begin != math.prod(shape) * dtype.itemsize:
        raise SafetensorError(
            f"tensor `{name}`: {stop - begin} bytes do not make {shape} elements of {dtype}"
        )
    return storage.StorageType(f"{dtype.word}Storage", dtype), shape, (begin, stop)
