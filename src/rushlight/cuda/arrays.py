"""What of CuPy is used, and nothing else of it: the arrays of a GPU, by which rows compute there.

CuPy is imported when a program first asks for a GPU. Arrays of its class answer NumPy's protocols
(`elsewhere.py`); what those do not cover stands here.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class Library:
    """CuPy, or what stands for it in tests."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.array: type = module.ndarray

    def count(self) -> int:
        """How many devices there are."""
        return int(self.module.cuda.runtime.getDeviceCount())

    def current(self) -> int:
        """The device that is used where none is named."""
        return int(self.module.cuda.Device().id)

    def device(self, index: int) -> Any:
        """A device: `use()` makes it the current one, `synchronize()` waits for it."""
        return self.module.cuda.Device(index)

    def index_of(self, array: Any) -> int:
        """The device that an array is on."""
        return int(array.device.id)

    def brought(self, array: Any, index: int) -> Any:
        """A copy of an array, NumPy's or that of another device, on a device."""
        source = array if isinstance(array, np.ndarray) else self.fetched(array)
        with self.device(index):
            return self.module.array(source, order="K")

    def fetched(self, array: Any) -> Any:
        """A copy of an array in memory, as NumPy's; a number as an array without dimensions."""
        return np.asarray(self.module.asnumpy(array))

    def properties(self, index: int) -> dict[str, Any]:
        """What the device says of itself: `name`, `major`, `minor`, `totalGlobalMem`, ..."""
        return self.module.cuda.runtime.getDeviceProperties(index)

    def memory(self, index: int) -> tuple[int, int]:
        """Bytes of a device that are free, and that there are."""
        with self.device(index):
            free, total = self.module.cuda.runtime.memGetInfo()
        return int(free), int(total)

    def pool(self, index: int) -> Any:
        """What holds the memory of arrays: `used_bytes()`, `total_bytes()`, `free_all_blocks()`."""
        with self.device(index):
            return self.module.get_default_memory_pool()


def find() -> Library | None:
    """CuPy, if it is installed and there is a device that it can use."""
    try:
        import cupy
    except Exception:
        # One that is built for another driver says so in many ways.
        return None
    library = Library(cupy)
    try:
        return library if library.count() else None
    except Exception:
        return None
