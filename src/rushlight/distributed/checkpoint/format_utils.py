"""Checkpoints of folders and files."""

from __future__ import annotations

import os
from typing import Any

from rushlight.distributed.checkpoint.default_planner import _EmptyStateDictLoadPlanner
from rushlight.distributed.checkpoint.filesystem import FileSystemReader
from rushlight.distributed.checkpoint.saving import _put, _read, save
from rushlight.serialization.api import load as load_file
from rushlight.serialization.api import save as save_file

__all__ = ["_EmptyStateDictLoadPlanner", "dcp_to_torch_save", "torch_save_to_dcp"]


def dcp_to_torch_save(
    dcp_checkpoint_dir: str | os.PathLike[str], torch_save_path: str | os.PathLike[str]
) -> None:
    """A folder, as one file of `torch.save`."""
    reader = FileSystemReader(dcp_checkpoint_dir)
    metadata = reader.read_metadata()
    state: dict[str, Any] = {}
    for index, place in metadata.storage_data.items():
        path = (metadata.planner_data or {}).get(index.fqn, (index.fqn,))
        inner = state
        for key in path[:-1]:
            inner = inner.setdefault(key, {})
        _put(state, path, _read(reader.path, place))
    save_file(state, torch_save_path)


def torch_save_to_dcp(
    torch_save_path: str | os.PathLike[str], dcp_checkpoint_dir: str | os.PathLike[str]
) -> None:
    """A file of `torch.save`, as a folder."""
    save(load_file(torch_save_path, weights_only=False), checkpoint_id=dcp_checkpoint_dir)
