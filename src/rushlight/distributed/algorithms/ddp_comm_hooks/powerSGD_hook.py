"""How gradients are sent: in low rank. With one process they are not sent."""

from __future__ import annotations

from typing import Any

from rushlight.absent import nothing as batched_powerSGD_hook
from rushlight.absent import nothing as powerSGD_hook

__all__ = ["PowerSGDState", "batched_powerSGD_hook", "powerSGD_hook"]


class PowerSGDState:
    """Settings that are kept."""

    def __init__(self, process_group: Any, **settings: Any) -> None:
        self.process_group = process_group
        vars(self).update(settings)
