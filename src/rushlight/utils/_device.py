"""Default devices as blocks and decorators, under the private place from which libraries take them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.device import device as _device
from rushlight.utils._contextlib import context_decorator

__all__ = ["DeviceContext", "device_decorator", "set_device"]


class DeviceContext:
    """A block in which new tensors are made on a device: `with torch.device(...)` by another name."""

    def __init__(self, device: Any) -> None:
        self.device = _device(device)

    def __enter__(self) -> None:
        self.device.__enter__()

    def __exit__(self, *exception: Any) -> None:
        self.device.__exit__(*exception)


def device_decorator(device: Any, func: Callable[..., Any]) -> Callable[..., Any]:
    """The function, run with a default device."""
    return context_decorator(lambda: device, func)


def set_device(device: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator: the function is run with this default device.

    >>> import rushlight as torch
    >>> set_device("meta")(torch.ones)(2).device
    device(type='meta')
    """
    return lambda func: device_decorator(_device(device), func)
