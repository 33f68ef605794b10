"""Questions about how tensors lie in memory, under the names of torch's own decompositions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rushlight.layout import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    memory_format,
)

__all__ = ["is_contiguous_or_false", "make_contiguous_strides_for", "suggest_memory_format"]


def make_contiguous_strides_for(shape: Sequence[int], row_major: bool = True) -> tuple[int, ...]:
    """The strides of a tensor that lies row by row; without row_major its matrices lie by columns.

    >>> make_contiguous_strides_for((2, 3, 4)), make_contiguous_strides_for((2, 3, 4), False)
    ((12, 4, 1), (12, 1, 3))
    """
    sizes = [max(size, 1) for size in shape]
    strides = [math.prod(sizes[k + 1 :]) for k in range(len(sizes))]
    if not row_major and len(sizes) > 1:
        strides[-2:] = [1, sizes[-2]]
    return tuple(strides)


def is_contiguous_or_false(a: Any, memory_format: memory_format = contiguous_format) -> bool:
    """Whether a tensor is contiguous."""
    return bool(a.is_contiguous(memory_format=memory_format))


def suggest_memory_format(x: Any) -> memory_format:
    """In which format a tensor lies."""
    last = {4: channels_last, 5: channels_last_3d}.get(x.dim(), contiguous_format)
    if last is contiguous_format or x.is_contiguous() or not x.is_contiguous(memory_format=last):
        return contiguous_format
    return last
