"""torch.distributed for one process: programs ask whether it is there, and it says no.

`init_process_group` is an error that says so. Everything else describes a world of one process.
"""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = [
    "barrier",
    "destroy_process_group",
    "get_rank",
    "get_world_size",
    "init_process_group",
    "is_available",
    "is_initialized",
]

_NONE = (
    "Default process group has not been initialized, please make sure to call init_process_group: "
    "rushlight runs in one process"
)


def is_available() -> bool:
    """False: there is one process."""
    return False


def is_initialized() -> bool:
    """False: there is no process group."""
    return False


def init_process_group(*args: Any, **options: Any) -> NoReturn:
    """An error: rushlight has no distributed backend yet."""
    raise RuntimeError(
        "Distributed package doesn't have a backend built in: rushlight runs in one process; start "
        "the program without torchrun"
    )


def destroy_process_group(group: Any = None) -> None:
    """An error: there is no process group."""
    raise ValueError(_NONE)


def get_rank(group: Any = None) -> int:
    """An error: there is no process group."""
    raise ValueError(_NONE)


def get_world_size(group: Any = None) -> int:
    """An error: there is no process group."""
    raise ValueError(_NONE)


def barrier(group: Any = None) -> None:
    """An error: there is no process group."""
    raise ValueError(_NONE)
