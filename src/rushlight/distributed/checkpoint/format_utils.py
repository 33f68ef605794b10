"""Checkpoints of folders and files."""

from __future__ import annotations

import os
from pathlib import Path

from rushlight.distributed.checkpoint.default_planner import _EmptyStateDictLoadPlanner
from rushlight.distributed.checkpoint.saving import save, whole_state
from rushlight.serialization.api import load as load_file
from rushlight.serialization.api import save as save_file

__all__ = ["_EmptyStateDictLoadPlanner", "dcp_to_torch_save", "torch_save_to_dcp"]


def dcp_to_torch_save(
    dcp_checkpoint_dir: str | os.PathLike[str], torch_save_path: str | os.PathLike[str]
) -> None:
    """A folder, as one file of `torch.save`."""
    save_file(whole_state(Path(dcp_checkpoint_dir)), torch_save_path)


def torch_save_to_dcp(
    torch_save_path: str | os.PathLike[str], dcp_checkpoint_dir: str | os.PathLike[str]
) -> None:
    """A file of `torch.save`, as a folder."""
    save(load_file(torch_save_path, weights_only=False), checkpoint_id=dcp_checkpoint_dir)
