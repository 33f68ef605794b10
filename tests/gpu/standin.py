"""What stands for CuPy where there is no GPU: arrays that nobody can look at, on two devices that are none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np

from rushlight.cuda.arrays import Library
from rushlight.device import gpu
from tests.primitives.strict import Strict


class Device:
    """A device; there is one that arrays are on, and one more to be asked for."""

    chosen = 0
    waited = 0

    def __init__(self, index: int | None = None) -> None:
        self.id = Device.chosen if index is None else index

    def use(self) -> None:
        Device.chosen = self.id

    def synchronize(self) -> None:
        Device.waited += 1

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: Any) -> None:
        pass


POOL = SimpleNamespace(used_bytes=lambda: 64, total_bytes=lambda: 512, free_all_blocks=lambda: None)
PROPERTIES = {
    "name": b"stand-in", "major": 9, "minor": 0, "totalGlobalMem": 2**30, "multiProcessorCount": 8,
}  # fmt: skip
RUNTIME = SimpleNamespace(
    getDeviceCount=lambda: 2,
    getDeviceProperties=lambda index: PROPERTIES,
    memGetInfo=lambda: (2**29, 2**30),
)
MODULE = SimpleNamespace(
    ndarray=Strict,
    array=lambda source, order: Strict(np.array(source, order=order)),
    asnumpy=lambda array: array.get(),
    get_default_memory_pool=lambda: POOL,
    cuda=SimpleNamespace(runtime=RUNTIME, Device=Device),
)


@contextmanager
def a_gpu() -> Iterator[None]:
    """A block in which there is such a device."""
    before = gpu.found, gpu.looked
    gpu.found, gpu.looked = Library(MODULE), True
    try:
        yield
    finally:
        gpu.found, gpu.looked = before
        Device.chosen = 0
