"""torch.cpu: what programs ask of a device, answered for the processor."""

from __future__ import annotations

from typing import Any

from rushlight.cpu import amp
from rushlight.cpu.streams import Event, Stream, StreamContext, current_stream, stream

__all__ = [
    "Event", "Stream", "StreamContext", "amp", "current_device", "current_stream", "device_count",
    "is_available", "is_initialized", "set_device", "stream", "synchronize",
]  # fmt: skip


def is_available() -> bool:
    """True."""
    return True


def device_count() -> int:
    """1."""
    return 1


def current_device() -> str:
    """The name of the device in use: "cpu"."""
    return "cpu"


def set_device(device: Any) -> None:
    """Nothing: there is one device."""


def synchronize(device: Any = None) -> None:
    """Nothing: an operation that returns is done."""


def is_initialized() -> bool:
    """True."""
    return True
