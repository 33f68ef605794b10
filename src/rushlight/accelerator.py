"""torch.accelerator: there is none."""

from __future__ import annotations

from rushlight.device import device


def is_available() -> bool:
    """False: rushlight runs on the CPU."""
    return False


def device_count() -> int:
    """0."""
    return 0


def current_accelerator(check_available: bool = False) -> device | None:
    """None."""
    return None
