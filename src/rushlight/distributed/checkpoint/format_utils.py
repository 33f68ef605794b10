"""Checkpoints of folders and files."""

from __future__ import annotations

import os
from typing import Any

from rushlight.distributed.checkpoint.default_planner import _EmptyStateDictLoadPlanner
from rushlight.distributed.checkpoint.filesystem import FileSystemReader
from rushlight.distributed.checkpoint.metadata import TensorStorageMetadata
from rushlight.distributed.checkpoint.saving import _fill, _read, save
from rushlight.ops.creation import empty
from rushlight.serialization.api import load as load_file
from rushlight.serialization.api import save as save_file

__all__ = ["_EmptyStateDictLoadPlanner", "dcp_to_torch_save", "torch_save_to_dcp"]


def dcp_to_torch_save(
    dcp_checkpoint_dir: str | os.PathLike[str], torch_save_path: str | os.PathLike[str]
) -> None:
    """A folder, as one file of `torch.save`."""
    reader = FileSystemReader(dcp_checkpoint_dir)
    metadata = reader.read_metadata()
    pieces: dict[str, list[Any]] = {}
    for index, place in metadata.storage_data.items():
        pieces.setdefault(index.fqn, []).append((index, place))
    state: dict[str, Any] = {}
    for name, about in metadata.state_dict_metadata.items():
        if isinstance(about, TensorStorageMetadata):
            value: Any = empty(tuple(about.size), dtype=about.properties.dtype)
            for index, place in pieces[name]:
                _fill(value, index.offset or (), reader.path, place)
        else:
            value = _read(reader.path, pieces[name][0][1])
        _set(state, (metadata.planner_data or {}).get(name, (name,)), value)
    save_file(state, torch_save_path)


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


def torch_save_to_dcp(
    torch_save_path: str | os.PathLike[str], dcp_checkpoint_dir: str | os.PathLike[str]
) -> None:
    """A file of `torch.save`, as a folder."""
    save(load_file(torch_save_path, weights_only=False), checkpoint_id=dcp_checkpoint_dir)
