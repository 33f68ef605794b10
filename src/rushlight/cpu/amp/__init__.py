"""torch.cpu.amp: the older names of `torch.amp` for the CPU."""

from __future__ import annotations

from typing import Any

from rushlight import amp as _amp
from rushlight import dtypes
from rushlight.amp import autocast_mode
from rushlight.amp.autocast_mode import older

__all__ = ["GradScaler", "autocast"]


class autocast(autocast_mode.autocast):
    """`torch.autocast("cpu")`."""

    def __init__(
        self, enabled: bool = True, dtype: Any = dtypes.bfloat16, cache_enabled: bool = True
    ) -> None:
        older("cpu", "autocast", "autocast('cpu', args...)")
        super().__init__("cpu", enabled=enabled, dtype=dtype, cache_enabled=cache_enabled)


class GradScaler(_amp.GradScaler):
    """`torch.amp.GradScaler("cpu")`."""

    def __init__(
        self,
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        older("cpu", "GradScaler", "GradScaler('cpu', args...)")
        super().__init__("cpu", init_scale, growth_factor, backoff_factor, growth_interval, enabled)
