"""A scaler of losses for sharded modules: with one process, the ordinary one."""

from __future__ import annotations

from typing import Any

from rushlight.amp import GradScaler


class ShardedGradScaler(GradScaler):
    """`GradScaler`."""

    def __init__(
        self, device: str = "cpu", init_scale: float = 2.0**16, *args: Any, **options: Any
    ) -> None:
        options.pop("process_group", None)
        super().__init__(device, init_scale, *args, **options)
