"""What a tensor is a part of, where it is one of several."""

from __future__ import annotations

from typing import Any

from rushlight._tensor import Tensor
from rushlight.size import Size


def shard_of(value: Any) -> tuple[Size, Size] | None:
    """Where the part begins, and the shape of the whole; None for what is whole."""
    whole = getattr(value, "_whole", None) if isinstance(value, Tensor) else None
    if whole is None:
        return None
    start, shape = whole
    return Size([start] + [0] * (len(shape) - 1)), Size(shape)
