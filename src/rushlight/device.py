"""Devices: the CPU, `meta`, where tensors have no elements, and a GPU where CuPy has one; no others.

The first of `with device(...)`, `set_default_device` and the `device` that a call is given decides where
a new tensor is made.
"""

from __future__ import annotations

import re
import threading
from typing import Any

_KNOWN = ("cpu", "cuda", "mps", "xpu", "meta", "mkldnn", "hpu", "xla", "ipu", "vulkan", "mtia")


class device:
    """Where a tensor lives: `device("cpu")`.

    >>> device("cuda", 1)
    device(type='cuda', index=1)
    """

    __slots__ = ("type", "index")

    def __init__(self, type: str | int | device, index: int | None = None) -> None:
        if isinstance(type, device):
            self.type: str = type.type
            self.index: int | None = type.index
            return
        if isinstance(type, int):
            if type < 0:
                raise RuntimeError("Device index must not be negative")
            if gpu.library() is None:
                raise RuntimeError(
                    "Cannot access accelerator device when none is available: write device='cpu'"
                )
            self.type, self.index = "cuda", type
            return
        if not isinstance(type, str):
            raise TypeError(f"device(): argument 'type' must be str, not {type.__class__.__name__}")
        match = re.fullmatch(r"([a-z]+)(?::(\d+))?", type)
        if match is None or match[1] not in _KNOWN:
            raise RuntimeError(
                f"Expected one of {', '.join(_KNOWN)} device type at start of device string: {type}"
            )
        self.type = match[1]
        self.index = int(match[2]) if match[2] is not None else index

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> tuple[Any, ...]:
        return (device, (str(self),))

    def __enter__(self) -> device:
        where = check_device(self)
        default.before.append(default.where)
        default.where = where
        choices.made += 1
        return self

    def __exit__(self, *exception: Any) -> None:
        default.where = default.before.pop()
        choices.made -= 1


CPU, META = device("cpu"), device("meta")


class _Gpu:
    """The library of arrays on a GPU, looked for when somebody first asks, and its devices."""

    found: Any = None
    looked = False

    def __init__(self) -> None:
        self.devices: dict[int, device] = {}

    def library(self) -> Any:
        """`cuda.arrays.Library`, or None."""
        if not self.looked:
            from rushlight.cuda.arrays import find

            self.found, self.looked = find(), True
        return self.found

    def at(self, index: int) -> device:
        """The one object for a device."""
        return self.devices.setdefault(index, device("cuda", index))

    def where(self, array: Any) -> device:
        """Where an array is that is not NumPy's, and has elements."""
        library = self.found
        if library is None or not isinstance(array, library.array):
            return CPU
        return self.at(library.index_of(array))

    def asked(self, place: device) -> device | None:
        """The device that is meant; None if there is none."""
        library = self.library()
        if library is None:
            return None
        index = library.current() if place.index is None else place.index
        if not 0 <= index < library.count():
            raise RuntimeError(
                f"CUDA error: invalid device ordinal: there is no cuda:{index} among the "
                f"{library.count()} devices"
            )
        return self.at(index)


gpu = _Gpu()


class _Default(threading.local):
    """Where this thread makes new tensors, and where it did outside of the blocks that are open."""

    def __init__(self) -> None:
        self.before: list[device] = []

    where: device = CPU


default = _Default()


class _Choices:
    """How many threads and blocks have chosen a default device: mostly none, and nobody asks then."""

    made = 0


choices = _Choices()


def set_default_device(device: Any) -> None:
    """Where new tensors are made from now on; None: the CPU.

    >>> import rushlight as torch
    >>> torch.set_default_device("meta")
    >>> torch.ones(2)
    tensor(..., device='meta', size=(2,))
    >>> torch.set_default_device(None)
    """
    chosen = CPU if device is None else check_device(device)
    choices.made += (chosen is not CPU) - (default.where is not CPU)
    default.where = chosen


def get_default_device() -> device:
    """Where new tensors are made."""
    return default.where


def check_device(where: Any) -> device:
    """The CPU, the meta device or a GPU that is there; torch's error for what this machine has not."""
    if where is None:
        return CPU
    asked = where if isinstance(where, device) else device(where)
    if asked.type == "meta":
        return META
    if asked.type == "cuda" and (place := gpu.asked(asked)) is not None:
        return place
    if asked.type != "cpu":
        raise AssertionError(
            f"Torch not compiled with {asked.type.upper()} enabled: rushlight runs on the CPU; "
            'write device="cpu", or ask torch.cuda.is_available() first'
        )
    return CPU


def without_memory(where: Any) -> bool:
    """Whether a new tensor that is asked for there is to have no memory; None is the default device."""
    return (default.where if where is None else check_device(where)) is META
