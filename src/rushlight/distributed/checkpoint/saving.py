"""`save` and `load` of a state dict in a folder, as torch.distributed.checkpoint keeps it.

`__0_0.distcp` has one file of `torch.save` after the other for each process, and `.metadata` says what is
where: it is written last, and in one step, so that a checkpoint is whole or the one before it stays.
"""

from __future__ import annotations

import io
import os
import uuid
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from rushlight._tensor import Tensor
from rushlight.autograd.state import no_grad
from rushlight.distributed.checkpoint.default_planner import _EmptyStateDictLoadPlanner
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
from rushlight.distributed.groups import _resolve, is_initialized
from rushlight.distributed.objects import all_gather_object
from rushlight.distributed.sharding import is_first, own_part, shard_of
from rushlight.ops.creation import empty
from rushlight.serialization import api, atomic
from rushlight.size import Size


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
            "`checkpoint_id` must be specified if storage_reader/storage_writer is None."
        )
    return Path(place)


def _flat(state: Any, prefix: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], Any]:
    """What is in nested dicts, and in lists that hold tensors, by the way to it."""
    if isinstance(state, Stateful) and not isinstance(state, dict):
        state = state.state_dict()
    if isinstance(state, dict) and (state or not prefix):
        # As in torch's files: keys are texts, places in lists numbers.
        items: Any = [(str(key), value) for key, value in state.items()]
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
        if isinstance(error, Exception):  # those of several processes are one already
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
    folder = _folder(checkpoint_id, storage_writer)
    with _Failing():
        return _save(state_dict, folder, _group(options))


def async_save(state_dict: dict[str, Any], **how: Any) -> Future[Metadata]:
    """`save`, done when this returns: nobody can change the state meanwhile. The future has what save gives."""
    future: Future[Metadata] = Future()
    future.set_result(save(state_dict, **how))
    return future


class _Alone:
    """One process, where there is no group."""

    def rank(self) -> int:
        """0."""
        return 0

    def size(self) -> int:
        """1."""
        return 1


def _group(options: dict[str, Any]) -> Any:
    given = options.get("process_group")
    if options.get("no_dist") or not is_initialized():
        return _Alone()
    return _resolve(given)


def _everybody(group: Any, thing: Any) -> list[Any]:
    """What each process has."""
    if group.size() == 1:
        return [thing]
    each: list[Any] = [None] * group.size()
    all_gather_object(each, thing, group)
    return each


def _save(state_dict: dict[str, Any], folder: Path, group: Any) -> Metadata:
    """Each process writes a file of what is its own; the first writes what is where, when all have."""
    items = _flat(state_dict)
    own, failure = _own(items, group), None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        known, places = _written(own, folder / f"__{group.rank()}_0.distcp", items)
    except Exception as error:
        known, places, failure = {}, {}, error
    each = _everybody(group, (known, places, {_name(path): path for path in items}, failure))
    if failures := {rank: part[3] for rank, part in enumerate(each) if part[3] is not None}:
        raise CheckpointException("write", failures)
    metadata = Metadata({}, {}, {}, StorageMeta(str(folder), str(uuid.uuid4())), "1.0.0")
    for theirs, files, paths, _ in each:
        for name, about in theirs.items():
            before = metadata.state_dict_metadata.setdefault(name, about)
            if before is not about and isinstance(about, TensorStorageMetadata):
                before.chunks.extend(about.chunks)
        metadata.storage_data.update(files)
        metadata.planner_data.update(paths)
    if group.rank() == 0:
        with atomic.replacing(folder / ".metadata") as file:
            file.write(dumped(metadata))
    _everybody(group, None)
    return metadata


def _own(items: dict[Any, Any], group: Any) -> dict[Any, Any]:
    """What this process writes: its shards, and of what all have alike what falls to it."""
    each = _everybody(group, {_name(path): _size(value) for path, value in items.items()})
    loads = [0] * len(each)
    own = set()
    for name in dict.fromkeys(name for names in each for name in names):
        having = [rank for rank, names in enumerate(each) if name in names]
        whole = [rank for rank in having if not each[rank][name][1]]
        writers = having if not whole else [min(whole, key=lambda rank: loads[rank])]
        for rank in writers:
            loads[rank] += each[rank][name][0]
        if group.rank() in writers:
            own.add(name)
    return {path: value for path, value in items.items() if _name(path) in own and _writes(value)}


def _writes(value: Any) -> bool:
    return shard_of(value) is None or is_first(value)


def _size(value: Any) -> tuple[int, bool]:
    """How many bytes, and whether they are one of several shards."""
    bytes_of = value.numel() * value.element_size() if isinstance(value, Tensor) else 0
    return bytes_of, shard_of(value) is not None


def _written(
    own: dict[Any, Any], file: Path, items: dict[Any, Any]
) -> tuple[dict[str, Any], dict[Any, Any]]:
    """Write a file; what is in it, and where."""
    known: dict[str, Any] = {}
    places: dict[MetadataIndex, _StorageInfo] = {}
    data = bytearray()
    # torch writes objects before tensors.
    for path, value in sorted(own.items(), key=lambda item: isinstance(item[1], Tensor)):
        name, written = _name(path), io.BytesIO()
        start = None
        if isinstance(value, Tensor):
            part = own_part(value)
            shard = shard_of(value)
            start, whole = (Size([0] * value.dim()), part.shape) if shard is None else shard
            properties = TensorProperties(part.dtype, requires_grad=value.requires_grad)
            known[name] = TensorStorageMetadata(
                properties, whole, [ChunkStorageMetadata(start, part.shape)]
            )
            api.save(part.clone(), written)
        else:
            known[name] = BytesStorageMetadata()
            api.save(value, written)
        places[MetadataIndex(name, start)] = _StorageInfo(file.name, len(data), written.tell())
        data += written.getvalue()
    with atomic.replacing(file) as opened:
        opened.write(data)
    order = {_name(path): i for i, path in enumerate(items)}
    return dict(sorted(known.items(), key=lambda item: order[item[0]])), places


def load(
    state_dict: dict[str, Any],
    *,
    checkpoint_id: str | os.PathLike[str] | None = None,
    storage_reader: Any = None,
    planner: Any = None,
    **options: Any,
) -> None:
    """Fill a state dict from a folder: its tensors in place, everything else anew.

    planner: a `DefaultLoadPlanner(allow_partial_load=True)` leaves what is not there as it is.
    """
    folder = _folder(checkpoint_id, storage_reader)
    with _Failing():
        if isinstance(planner, _EmptyStateDictLoadPlanner):
            state_dict.update(whole_state(folder, planner.keys))
            return
        objects = {k: v for k, v in state_dict.items() if _is_object(v)}
        states = {k: v.state_dict() for k, v in objects.items()}
        given = {k: states.get(k, v) for k, v in state_dict.items()}
        _load(given, folder, getattr(planner, "allow_partial_load", False))
        state_dict.update({k: v for k, v in given.items() if k not in objects})
        for name, thing in objects.items():
            thing.load_state_dict(given[name])


def _is_object(value: Any) -> bool:
    """Whether it has a state, and is none."""
    return isinstance(value, Stateful) and not isinstance(value, dict | Tensor)


def _pieces(folder: Path) -> tuple[Metadata, dict[str, list[tuple[MetadataIndex, _StorageInfo]]]]:
    """What is in a folder, and where."""
    metadata = loaded((folder / ".metadata").read_bytes())
    pieces: dict[str, list[tuple[MetadataIndex, _StorageInfo]]] = {}
    for index, place in metadata.storage_data.items():
        pieces.setdefault(index.fqn, []).append((index, place))
    return metadata, pieces


def whole_state(folder: Path, keys: Any = None) -> dict[str, Any]:
    """All that is in a folder, or what is under these names, nested as it was."""
    metadata, pieces = _pieces(folder)
    state: dict[str, Any] = {}
    for name, about in metadata.state_dict_metadata.items():
        if keys is not None and not any(name == k or name.startswith(f"{k}.") for k in keys):
            continue
        if isinstance(about, TensorStorageMetadata):
            value: Any = empty(tuple(about.size), dtype=about.properties.dtype)
            for index, place in pieces[name]:
                _fill(value, index.offset or (), folder, place)
        else:
            value = _read(folder, pieces[name][0][1])
        _set(state, (metadata.planner_data or {}).get(name, (name,)), value)
    return state


def _set(state: Any, path: tuple[Any, ...], value: Any) -> None:
    """Put a value where a path leads: numbers in it are places in lists, which grow."""
    for key, following in zip(path, (*path[1:], None), strict=True):
        last = following is None
        made: Any = value if last else [] if isinstance(following, int) else {}
        if isinstance(state, list):
            state.extend([None] * (key + 1 - len(state)))
            if last or state[key] is None:
                state[key] = made
        elif last or key not in state:
            state[key] = made
        state = state[key]


def _load(state_dict: dict[str, Any], folder: Path, partial: bool = False) -> None:
    metadata, pieces = _pieces(folder)
    items = _flat(state_dict)
    if partial:
        items = {path: value for path, value in items.items() if _name(path) in pieces}
    for path, value in items.items():
        name = _name(path)
        if name not in pieces:
            raise RuntimeError(f"Missing key in checkpoint state_dict: {name}.")
        size = getattr(metadata.state_dict_metadata[name], "size", None)
        if not isinstance(value, Tensor) or size is None:
            continue
        shard = shard_of(value)
        wanted = value.shape if shard is None else shard[1]
        if tuple(size) != tuple(wanted):
            raise ValueError(f"Size mismatch between saved {size} and current: {wanted} for {name}")
    for path, value in items.items():
        for index, place in pieces[_name(path)]:
            if isinstance(value, Tensor):
                _fill(value, index.offset or (), folder, place)
            else:
                _put(state_dict, path, _read(folder, place))


def _fill(value: Tensor, offset: Any, folder: Path, place: _StorageInfo) -> None:
    """Copy what a piece has of a tensor, or of a shard of it."""
    shard = shard_of(value)
    origin = [0] * value.dim() if shard is None else list(shard[0])
    part, region = _read(folder, place), own_part(value)
    for dim, start in enumerate(offset):
        first = max(int(start), origin[dim])
        count = min(int(start) + part.shape[dim], origin[dim] + region.shape[dim]) - first
        if count <= 0:
            return
        part = part.narrow(dim, first - int(start), count)
        region = region.narrow(dim, first - origin[dim], count)
    with no_grad():
        region.copy_(part)


def _read(folder: Path, place: _StorageInfo) -> Any:
    with open(folder / place.relative_path, "rb") as file:
        file.seek(place.offset)
        return api.load(io.BytesIO(file.read(place.length)), weights_only=False)


def _put(state: Any, path: tuple[Any, ...], value: Any) -> None:
    for key in path[:-1]:
        state = state[_found(state, key)]
    state[_found(state, path[-1])] = value


def _found(state: Any, key: Any) -> Any:
    """The key of a dict whose text this is."""
    if not isinstance(state, dict) or key in state:
        return key
    return next((own for own in state if str(own) == key), key)


def _load_state_dict(
    state_dict: dict[str, Any], storage_reader: Any, process_group: Any = None, coordinator_rank: int = 0,
    no_dist: bool = False, planner: Any = None,
) -> None:  # fmt: skip
    """`load` by a reader, as libraries call it."""
    load(state_dict, storage_reader=storage_reader, planner=planner)


load_state_dict = _load_state_dict


def _load_state_dict_from_keys(
    keys: Any = None,
    *,
    checkpoint_id: Any = None,
    storage_reader: Any = None,
    process_group: Any = None,
) -> dict[str, Any]:
    """What a folder has under these names, or all of it."""
    wanted = {keys} if isinstance(keys, str) else keys
    state: dict[str, Any] = {}
    planner = _EmptyStateDictLoadPlanner(keys=wanted)
    load(state, checkpoint_id=checkpoint_id, storage_reader=storage_reader, planner=planner)
    return state


def save_state_dict(
    state_dict: dict[str, Any], storage_writer: Any, process_group: Any = None, coordinator_rank: int = 0,
    no_dist: bool = False, planner: Any = None,
) -> Metadata:  # fmt: skip
    """`save` by a writer: the older form."""
    how = {"process_group": process_group, "no_dist": no_dist}
    return save(state_dict, storage_writer=storage_writer, **how)
