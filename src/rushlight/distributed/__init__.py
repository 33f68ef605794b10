"""torch.distributed for one process: programs ask whether it is there, and it says no.

`init_process_group` is an error that says so. Everything else describes a world of one process.
"""

from __future__ import annotations

from typing import Any, NoReturn

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.absent import (
    no as is_available, no as is_initialized, no_process_group as barrier,
    no_process_group as get_rank, no_process_group as get_world_size,
)
# fmt: on
# ---- names: end ----


def init_process_group(*args: Any, **options: Any) -> NoReturn:
    """An error: rushlight has no distributed backend yet."""
    raise RuntimeError(
        "Distributed package doesn't have a backend built in: rushlight runs in one process; start "
        "the program without torchrun"
    )


def destroy_process_group(group: Any = None) -> NoReturn:
    """An error: there is no process group."""
    raise AssertionError("there is no process group to destroy: rushlight runs in one process")
