"""Which worker process this is, if it is one."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """What get_worker_info() gives inside a worker."""

    id: int
    num_workers: int
    seed: int
    dataset: Any
    rng: Any = None
    worker_method: str | None = "multiprocessing"


_worker_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a worker process: its id, num_workers, seed and copy of the dataset. Elsewhere None."""
    worker = sys.modules.get(f"{__package__}.worker")
    # Loaders of other libraries have workers of their own, and say there who they are.
    return _worker_info or getattr(worker, "_worker_info", None)


def be_worker(info: WorkerInfo) -> None:
    """Say from now on that this process is a worker."""
    global _worker_info
    _worker_info = info
