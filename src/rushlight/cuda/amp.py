"""torch.cuda.amp: `torch.amp` for a device that is not there."""

from __future__ import annotations

from typing import Any

from rushlight.amp import autocast as _autocast
from rushlight.amp.scaler import GradScaler

__all__ = ["GradScaler", "autocast"]


class autocast(_autocast):
    """`torch.autocast("cuda")`, which changes nothing."""

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True) -> None:
        super().__init__("cuda", dtype, enabled, cache_enabled)
