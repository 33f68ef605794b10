"""`save` and `load` of a state dict in a folder, as torch.distributed.checkpoint keeps it.

`__0_0.distcp` has one file of `torch.save` after the other, and `.metadata` says what is where.
"""

from __future__ import annotations

import io
import os
import uuid
from pathlib import Path
from typing import Any

from rushlight._tensor import Tensor
from rushlight.autograd.state import no_grad
from rushlight.distributed.checkpoint.filesystem import _StorageInfo, dumped, loaded
from rushlight.distributed.checkpoint.metadata import (
    BytesStorageMetadata,
    ChunkStorageMetadata,
    Metadata,
    MetadataIndex,
    StorageMeta,
    TensorProperties,
    TensorStorageMetadata,
)
from rushlight.distributed.checkpoint.stateful import Stateful
from rushlight.serialization import api
from rushlight.size import Size

_FILE = "__0_0.distcp"


class CheckpointException(BaseException):
    """What went wrong, by process."""

    def __init__(self, msg: str, failures: dict[int, Any]) -> None:
        super().__init__(msg, failures)
        self._failures = failures

    def __str__(self) -> str:
        return f"CheckpointException ranks:{self._failures.keys()}\n" + "".join(
            f"{error} (RANK {rank})\n" for rank, error in self._failures.items()
        )

    @property
    def failures(self) -> dict[int, Any]:
        """The errors."""
        return self._failures


def _folder(checkpoint_id: Any, storage: Any) -> Path:
    place = checkpoint_id if checkpoint_id is not None else getattr(storage, "path", None)
    if place is None:
        raise RuntimeError(
            "name the folder: checkpoint_id=... or a FileSystemWriter or FileSystemReader"
        )
    return Path(place)


def _flat(state: Any, prefix: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], Any]:
    """What is in nested dicts, and in lists that hold tensors, by the way to it."""
    if isinstance(state, Stateful) and not isinstance(state, dict):
        state = state.state_dict()
    if isinstance(state, dict) and (state or not prefix):
        items: Any = state.items()
    elif isinstance(state, list) and any(isinstance(v, Tensor | dict | list) for v in state):
        items = enumerate(state)
    else:
        return {prefix: state}
    found: dict[tuple[Any, ...], Any] = {}
    for key, value in items:
        found |= _flat(value, (*prefix, key))
    return found


def _name(path: tuple[Any, ...]) -> str:
    return ".".join(map(str, path))


class _Failing:
    """What fails inside is told by a CheckpointException."""

    def __enter__(self) -> None:
        """Nothing."""

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, Exception):
            raise CheckpointException("local", {0: error}) from error


def save(
    state_dict: dict[str, Any],
    *,
    checkpoint_id: str | os.PathLike[str] | None = None,
    storage_writer: Any = None,
    **options: Any,
) -> Metadata:
    """Write a state dict into a folder.

    >>> import rushlight as torch, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     metadata = save({"a": torch.ones(2)}, checkpoint_id=folder)
    ...     state = {"a": torch.zeros(2)}
    ...     load(state, checkpoint_id=folder)
    >>> state
    {'a': tensor([1., 1.])}
    """
    with _Failing():
        return _save(state_dict, _folder(checkpoint_id, storage_writer))


def _save(state_dict: dict[str, Any], folder: Path) -> Metadata:
    items = _flat(state_dict)
    known: dict[str, Any] = {}
    places: dict[MetadataIndex, _StorageInfo] = {}
    data = bytearray()
    # torch writes objects before tensors.
    for path, value in sorted(items.items(), key=lambda item: isinstance(item[1], Tensor)):
        name, written = _name(path), io.BytesIO()
        start = Size([0] * value.dim()) if isinstance(value, Tensor) else None
        if isinstance(value, Tensor):
            whole = value.detach()
            properties = TensorProperties(whole.dtype, requires_grad=value.requires_grad)
            chunk = ChunkStorageMetadata(start, whole.shape)
            known[name] = TensorStorageMetadata(properties, whole.shape, [chunk])
            api.save(whole.clone(), written)
        else:
            known[name] = BytesStorageMetadata()
            api.save(value, written)
        places[MetadataIndex(name, start)] = _StorageInfo(_FILE, len(data), written.tell())
        data += written.getvalue()
    metadata = Metadata(
        {_name(path): known[_name(path)] for path in items},
        {_name(path): path for path in items},
        places,
        StorageMeta(str(folder), str(uuid.uuid4())),
        "1.0.0",
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _FILE).write_bytes(data)
    (folder / ".metadata").write_bytes(dumped(metadata))
    return metadata


def load(
    state_dict: dict[str, Any],
    *,
    checkpoint_id: str | os.PathLike[str] | None = None,
    storage_reader: Any = None,
    **options: Any,
) -> None:
    """Fill a state dict from a folder: its tensors in place, everything else anew."""
    with _Failing():
        _load(state_dict, _folder(checkpoint_id, storage_reader))


def _load(state_dict: dict[str, Any], folder: Path) -> None:
    metadata = loaded((folder / ".metadata").read_bytes())
    pieces: dict[str, list[tuple[MetadataIndex, _StorageInfo]]] = {}
    for index, place in metadata.storage_data.items():
        pieces.setdefault(index.fqn, []).append((index, place))
    items = _flat(state_dict)
    for path, value in items.items():
        name = _name(path)
        if name not in pieces:
            raise RuntimeError(f"Missing key in checkpoint state_dict: {name}.")
        size = getattr(metadata.state_dict_metadata[name], "size", None)
        if isinstance(value, Tensor) and size is not None and tuple(size) != tuple(value.shape):
            raise ValueError(
                f"Size mismatch between saved {size} and current: {value.shape} for {name}"
            )
    for path, value in items.items():
        for index, place in pieces[_name(path)]:
            part = _read(folder, place)
            if isinstance(value, Tensor):
                region = value.detach()
                for dim, (start, count) in enumerate(
                    zip(index.offset or (), part.shape, strict=True)
                ):
                    region = region.narrow(dim, start, count)
                with no_grad():
                    region.copy_(part)
            else:
                _put(state_dict, path, part)
    for value in state_dict.values():
        if isinstance(value, Stateful) and not isinstance(value, dict | Tensor):
            value.load_state_dict(value.state_dict())


def _read(folder: Path, place: _StorageInfo) -> Any:
    with open(folder / place.relative_path, "rb") as file:
        file.seek(place.offset)
        return api.load(io.BytesIO(file.read(place.length)), weights_only=False)


def _put(state: Any, path: tuple[Any, ...], value: Any) -> None:
    for key in path[:-1]:
        state = state[key]
    state[path[-1]] = value
