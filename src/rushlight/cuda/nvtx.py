"""torch.cuda.nvtx: marks for NVIDIA's profiler, which is not there; torch.profiler.record_function marks here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

__all__ = ["mark", "range", "range_end", "range_pop", "range_push", "range_start"]


def mark(*args: Any, **options: Any) -> NoReturn:
    """An error: there is no such profiler."""
    raise RuntimeError(
        "NVTX functions not installed. Are you sure you have a CUDA build? rushlight runs on the CPU: use "
        "torch.profiler.record_function"
    )


range_push = range_pop = range_start = range_end = mark


@contextmanager
def range(msg: str, *args: Any, **kwargs: Any) -> Iterator[None]:
    """An error: there is no such profiler."""
    mark()
    yield
