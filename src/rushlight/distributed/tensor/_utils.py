"""Where the part of a process lies in a tensor: everywhere."""

from __future__ import annotations

from typing import Any


def compute_local_shape_and_global_offset(
    global_shape: Any, mesh: Any, placements: Any, *rest: Any
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The whole shape, from 0 on."""
    return tuple(global_shape), (0,) * len(global_shape)


def compute_local_shape(global_shape: Any, mesh: Any, placements: Any) -> tuple[int, ...]:
    """The whole shape."""
    return tuple(global_shape)
