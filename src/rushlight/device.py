"""Devices. There is one, the CPU; others are named so that programs can ask for them in vain."""

from __future__ import annotations

import re
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
        check_device(self)
        return self

    def __exit__(self, *exception: Any) -> None:
        pass


CPU = device("cpu")


def check_device(where: Any) -> device:
    """The CPU, or torch's error for a device that this machine does not offer."""
    if where is None:
        return CPU
    asked = where if isinstance(where, device) else device(where)
    if asked.type != "cpu":
        raise AssertionError(
            f"Torch not compiled with {asked.type.upper()} enabled: rushlight runs on the CPU; "
            'write device="cpu", or ask torch.cuda.is_available() first'
        )
    return CPU
