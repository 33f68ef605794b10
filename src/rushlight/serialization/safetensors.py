"""The safetensors format, through its own library: named tensors and strings, without a pickle.

`pip install "rushlight[files]"` brings the library. Programs that import `safetensors.torch` find
rushlight under `rushlight run`; these functions do without torch's name.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.core.tensor import TensorBase, wrap
from rushlight.device import check_device
from rushlight.errors import require
from rushlight.layout import strided
from rushlight.ops.storage import BYTE, StorageType
from rushlight.ops.storage_places import place_of
from rushlight.serialization.atomic import replacing
from rushlight.serialization.storage import from_file

_library: Any = require("safetensors", extra="files")
SafetensorError: type[Exception] = _library.SafetensorError

_WORDS = {
    "BOOL": dtypes.bool_, "U8": dtypes.uint8, "I8": dtypes.int8, "I16": dtypes.int16,
    "U16": dtypes.uint16, "I32": dtypes.int32, "U32": dtypes.uint32, "I64": dtypes.int64,
    "U64": dtypes.uint64, "F16": dtypes.float16, "BF16": dtypes.bfloat16, "F32": dtypes.float32,
    "F64": dtypes.float64, "C64": dtypes.complex64, "F8_E4M3": dtypes.float8_e4m3fn,
    "F8_E4M3FNUZ": dtypes.float8_e4m3fnuz, "F8_E5M2": dtypes.float8_e5m2,
    "F8_E5M2FNUZ": dtypes.float8_e5m2fnuz, "F8_E8M0": dtypes.float8_e8m0fnu,
}  # fmt: skip


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
    content = save(tensors, metadata)
    with replacing(filename) as file:
        file.write(content)


def save(tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    """The bytes that `save_file` writes."""
    check(tensors)
    if metadata is not None and not all(
        isinstance(text, str) for item in metadata.items() for text in item
    ):
        raise ValueError("metadata maps strings to strings: convert other values with str()")
    # The library reads from addresses: the arrays have to live until it has.
    arrays = {name: _little(np.ascontiguousarray(t._data_)) for name, t in tensors.items()}
    specs = {
        name: _library.TensorSpec(
            dtype=dtypes.of(tensor._data_.dtype).name,
            shape=list(tensor._data_.shape),
            data_ptr=arrays[name].ctypes.data,
            data_len=arrays[name].nbytes,
        )
        for name, tensor in tensors.items()
    }
    return bytes(_library.serialize(specs, None if metadata is None else dict(metadata)))


def load_file(filename: str | os.PathLike[str], device: Any = "cpu") -> dict[str, Tensor]:
    """Read all tensors of a file. Raises SafetensorError for one that is cut off or altered."""
    check_device(device)
    with open(filename, "rb") as file:
        return load(file.read())


def load(data: bytes) -> dict[str, Tensor]:
    """The tensors in the bytes that `save` gave, by name."""
    return dict(sorted(_tensors(data)))


def load_metadata(filename: str | os.PathLike[str]) -> dict[str, str]:
    """The strings that were saved beside the tensors."""
    with _library.safe_open(os.fspath(filename), "numpy") as file:
        return file.metadata() or {}


def _tensors(data: bytes) -> Iterator[tuple[str, Tensor]]:
    for name, entry in _library.deserialize(data):
        dtype = _WORDS.get(entry["dtype"])
        if dtype is None:
            raise SafetensorError(
                f"tensor `{name}` has the dtype {entry['dtype']}, which NumPy has no numbers for"
            )
        kind = StorageType(entry["dtype"], dtype)
        content = from_file(np.frombuffer(entry["data"], BYTE), kind, little=True)
        try:
            array = content.view(kind.dtype.numpy).reshape(entry["shape"])
        except (ValueError, OverflowError) as error:
            raise SafetensorError(
                f"tensor `{name}` has the shape {entry['shape']}: {error}"
            ) from None
        yield name, wrap(array)


def check(tensors: Mapping[str, Any]) -> None:
    """Raise the error for what the format cannot hold: other things than tensors, shared memory, dtypes."""
    if not isinstance(tensors, Mapping):
        raise ValueError(
            f"Expected a dict of [str, torch.Tensor] but received {type(tensors).__name__}"
        )
    owners: dict[tuple[int, int], str] = {}
    for name, tensor in tensors.items():
        if not isinstance(tensor, TensorBase):
            raise ValueError(
                f"Key `{name}` is invalid, expected torch.Tensor but received "
                f"{type(tensor).__name__}"
            )
        if not isinstance(name, str) or name == "__metadata__":
            raise ValueError(f"{name!r} cannot be the name of a tensor: use another string")
        if tensor.layout is not strided:  # type: ignore[attr-defined]
            raise ValueError(f"safetensors has no sparse tensors: save {name!r} as .to_dense()")
        dtype = dtypes.of(tensor._data_.dtype)
        if dtype not in _WORDS.values():
            raise ValueError(f"safetensors has no {dtype}: convert {name!r} to another dtype")
        if tensor._data_.size:
            other = owners.setdefault(place_of(tensor._data_).storage.key, name)
            if other != name and np.may_share_memory(tensor._data_, tensors[other]._data_):
                raise RuntimeError(
                    f"Some tensors share memory, which safetensors cannot say: {other!r} and "
                    f"{name!r}. Leave one of them out, or save its .clone()"
                )


def _little(array: Any) -> Any:
    return array if sys.byteorder == "little" else array.byteswap()
