"""torch.cuda on a machine that offers none: it says so, and does nothing where nothing is to be done."""

from __future__ import annotations

from typing import Any, NoReturn

from rushlight.cuda import amp
from rushlight.device import device

__all__ = [
    "amp",
    "current_device",
    "device_count",
    "empty_cache",
    "get_device_name",
    "is_available",
    "is_bf16_supported",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "memory_allocated",
    "memory_reserved",
    "set_device",
    "synchronize",
]


def is_available() -> bool:
    """False: rushlight runs on the CPU.

    >>> is_available()
    False
    """
    return False


def is_initialized() -> bool:
    """False."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def _none() -> NoReturn:
    raise AssertionError(
        "Torch not compiled with CUDA enabled: rushlight runs on the CPU. Ask "
        "torch.cuda.is_available() first"
    )


def current_device() -> int:
    """An error: there is no CUDA device."""
    _none()


def get_device_name(which: Any = None) -> str:
    """An error: there is no CUDA device."""
    _none()


def set_device(which: Any) -> None:
    """An error, unless the device is the CPU."""
    if not (isinstance(which, (str, device)) and device(which).type == "cpu"):
        _none()


def synchronize(which: Any = None) -> None:
    """An error: there is no CUDA device to wait for."""
    _none()


def manual_seed(seed: int) -> None:
    """Nothing: there is no generator on a GPU."""


def manual_seed_all(seed: int) -> None:
    """Nothing: there is no generator on a GPU."""


def empty_cache() -> None:
    """Nothing: there is no cache."""


def memory_allocated(which: Any = None) -> int:
    """0 bytes."""
    return 0


def max_memory_allocated(which: Any = None) -> int:
    """0 bytes."""
    return 0


def memory_reserved(which: Any = None) -> int:
    """0 bytes."""
    return 0
