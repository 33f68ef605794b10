"""Memory in which C works: that of random generators, and that of temporaries, in large pages where there are such.

A step goes through all of its temporaries in places far from each other, and with pages of 4 KB a processor looks up
where they lie more often than it may remember.
"""

from __future__ import annotations

import ctypes
import mmap
from typing import Any

import numpy as np

from rushlight.core.tensor import Array
from rushlight.memory import address

_PAGE = 1 << 21


def zeros(size: int) -> Array:
    """So many bytes, all 0."""
    if size < 2 * _PAGE or not hasattr(mmap, "MADV_HUGEPAGE"):
        return np.zeros(size, np.uint8)
    # One page more, so that the first begins where a large one may; what is not touched takes no memory.
    pages = mmap.mmap(-1, size + _PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    try:
        pages.madvise(mmap.MADV_HUGEPAGE)
    except OSError:
        # The system has none.
        return np.zeros(size, np.uint8)
    whole = np.frombuffer(pages, np.uint8)
    return whole[-address(whole) % _PAGE :][:size]


def words_of(generator: Any) -> Array:
    """The memory of a generator as an array: its words, and where it stands."""
    words = (ctypes.c_uint32 * 625).from_address(generator.twister)
    return np.frombuffer(memoryview(words), np.uint32)
