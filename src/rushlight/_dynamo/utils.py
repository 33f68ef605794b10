"""Counts of what was compiled."""

from collections import Counter, defaultdict

__all__ = ["counters", "is_compile_supported"]

counters: defaultdict[str, Counter[str]] = defaultdict(Counter)


def is_compile_supported(device_type: str) -> bool:
    """Whether `torch.compile` serves the type of device."""
    return device_type == "cpu"
