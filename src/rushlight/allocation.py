"""Freed memory is kept for the next array, instead of going back to the system and coming again.

A training step frees and allocates the same megabytes over and over. glibc gives a large block back
at once, and every page of the next one costs a fault: 15 to 25 % of a step of a small ResNet or GPT.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from typing import Self

# From glibc's malloc.h. 32 MB is the most that glibc takes for the first.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST_BLOCK, _MOST_KEPT = 32 << 20, 512 << 20


class Uncollected:
    """While its block is open Python does not look for cycles: of much that is made, nearly all stays."""

    _paused = False

    def __enter__(self) -> Self:
        self._paused = gc.isenabled()
        gc.disable()
        return self

    def __exit__(self, *exception: object) -> None:
        self.end()

    def end(self) -> None:
        """It looks for them again."""
        if self._paused:
            self._paused = False
            gc.enable()

    # Where an import breaks off, what it held goes, and this with it.
    __del__ = end


def keep_freed_memory() -> bool:
    """Ask malloc to keep up to 512 MB of freed memory; False where it cannot be asked.

    Whoever sets one of malloc's own variables (MALLOC_TRIM_THRESHOLD_ and others) is not overruled.
    """
    if sys.platform != "linux" or any(name.startswith("MALLOC_") for name in os.environ):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_MMAP_THRESHOLD, _LARGEST_BLOCK) and mallopt(_TRIM_THRESHOLD, _MOST_KEPT))
