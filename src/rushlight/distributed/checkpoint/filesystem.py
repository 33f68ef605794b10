"""Checkpoints in folders."""

from __future__ import annotations

import io
import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rushlight.distributed.checkpoint.metadata import Metadata
from rushlight.serialization.pickling import Unpickler, make_pickler


@dataclass
class _StorageInfo:
    relative_path: str
    offset: int
    length: int
    transform_descriptors: Any = None


def dumped(thing: Any) -> bytes:
    """A pickle with torch's names."""
    file = io.BytesIO()
    make_pickler(pickle, file, pickle.DEFAULT_PROTOCOL).dump(thing)
    return file.getvalue()


def _none(identity: Any) -> Any:
    raise pickle.UnpicklingError(f"metadata has no storage, but this has {identity}")


def loaded(pickled: bytes) -> Any:
    """What is in such a pickle."""
    return Unpickler(io.BytesIO(pickled), _none).load()


class FileSystemWriter:
    """The folder that `save` writes."""

    def __init__(self, path: str | os.PathLike[str], **options: Any) -> None:
        self.path = Path(path)


class FileSystemReader:
    """The folder that `load` reads."""

    def __init__(self, path: str | os.PathLike[str], **options: Any) -> None:
        self.path = Path(path)

    def read_metadata(self) -> Metadata:
        """What is in the checkpoint."""
        return loaded((self.path / ".metadata").read_bytes())
