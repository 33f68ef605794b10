"""Kernels built alone, and images in memory between pages that nobody may touch."""

from __future__ import annotations

import ctypes
import functools
import tempfile
from pathlib import Path

import numpy as np

from rushlight.compiler.kernels.fragments import together as fragments_of
from rushlight.compiler.kernels.images import Images
from rushlight.compiler.kernels.kernel import Kernel
from rushlight.compiler.kernels.target import Target
from rushlight.compiler.kernels.text import together
from rushlight.memory import strided_view

from .guarded import Guarded, compiled

DTYPES = {"float": np.float32, "double": np.float64}
TARGETS = {16: Target(16, 32), 8: Target(8, 16), 4: Target(4, 16), 1: Target(1, 16)}


def source_of(kernels: list[Kernel], target: Target) -> str:
    """One file with these kernels and what they need; their addresses are there for callers from outside."""
    every = list(kernels)
    for one in every:
        every += one.needs
    fragments = fragments_of([name for one in every for name in one.fragments], target)
    names = dict.fromkeys(one.name for one in kernels)
    addresses = "".join(f"void *address_{name}(void) {{ return {name}; }}\n" for name in names)
    return fragments + together(kernels) + addresses


class Built:
    """A library of kernels."""

    def __init__(self, kernels: list[Kernel], target: Target, flags: str = "-O1"):
        with tempfile.TemporaryDirectory() as folder:
            self.library = compiled(source_of(kernels, target), Path(folder), "kernels", flags)

    def __call__(self, kernel: Kernel, *arguments: np.ndarray | int) -> None:
        self.bound(kernel, *arguments)()

    def bound(self, kernel: Kernel, *arguments: np.ndarray | int) -> functools.partial:
        """The call, ready to be made often."""
        find = self.library[f"address_{kernel.name}"]
        find.restype = ctypes.c_void_p
        types = [ctypes.c_long if isinstance(a, int) else ctypes.c_void_p for a in arguments]
        values = [a if isinstance(a, int) else ctypes.c_void_p(a.ctypes.data) for a in arguments]
        return functools.partial(ctypes.CFUNCTYPE(None, *types)(find()), *values)


def filled(size: int, dtype, value: float = np.nan, *, at_the_end: bool = True) -> Guarded:
    """Memory between the pages, full of one number."""
    buffer = Guarded(size, dtype, at_the_end=at_the_end)
    buffer.array[:] = value
    return buffer


def placed(
    layout: Images,
    values: np.ndarray | float,
    dtype,
    border: float = 0.0,
    *,
    at_the_end: bool = True,
) -> Guarded:
    """The buffer of images [N, C, H, W] in that layout, with its border."""
    buffer = filled(layout.size, dtype, border, at_the_end=at_the_end)
    seen(layout, buffer.array)[...] = values
    return buffer


def seen(layout: Images, buffer: np.ndarray) -> np.ndarray:
    """The images [N, C, H, W] in a buffer."""
    shape = (layout.batch, layout.channels, layout.height, layout.width)
    strides = (layout.image, layout.channel, layout.row, layout.pixel)
    item = buffer.itemsize
    return strided_view(buffer, shape, tuple(s * item for s in strides), layout.start * item)


def unwritten(layout: Images, buffer: Guarded, border: float = 0.0) -> bool:
    """Whether what is not an image of the buffer holds what it held."""
    rest = buffer.array.copy()
    seen(layout, rest)[...] = border
    return bool((rest == border).all())
