"""torch.xpu on a machine that offers none."""

from __future__ import annotations


def is_available() -> bool:
    """False: rushlight runs on the CPU."""
    return False


def device_count() -> int:
    """0."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing: there is no generator on a GPU."""


def empty_cache() -> None:
    """Nothing: there is no cache."""
