"""Where the part of a process lies in a tensor."""

from __future__ import annotations

from typing import Any

from rushlight.distributed.tensor.placement_types import local_place


def compute_local_shape_and_global_offset(
    global_shape: Any, mesh: Any, placements: Any, *rest: Any
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The sizes of the part, and where it begins."""
    return local_place(tuple(global_shape), mesh, placements)


def compute_local_shape(global_shape: Any, mesh: Any, placements: Any) -> tuple[int, ...]:
    """The sizes of the part."""
    return local_place(tuple(global_shape), mesh, placements)[0]
