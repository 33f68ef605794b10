"""`DistributedDataParallel`, which needs a process group that rushlight does not have."""

from __future__ import annotations

from typing import Any

from rushlight.nn.modules.module import Module


class DistributedDataParallel(Module):
    """A module replicated over processes: an error here, where there is one process."""

    def __init__(self, module: Module, *args: Any, **options: Any) -> None:
        raise ValueError(
            "Default process group has not been initialized, please make sure to call "
            "init_process_group: rushlight runs in one process; use the module itself"
        )
