"""What a tensor is a part of, where it is one of several."""

from __future__ import annotations

from typing import Any

from rushlight._tensor import Tensor
from rushlight.size import Size


def shard_of(value: Any) -> tuple[Size, Size] | None:
    """Where the part begins, and the shape of the whole; None for what is whole."""
    spec = getattr(value, "_spec", None) if isinstance(value, Tensor) else None
    if spec is None:
        return None
    from rushlight.distributed.tensor.placement_types import local_place

    return Size(local_place(spec.shape, spec.mesh, spec.placements)[1]), spec.shape


def is_first(value: Any) -> bool:
    """Whether this process is the first of those that have the same part."""
    where = value._spec.mesh.get_coordinate() or ()
    return not any(
        place and not placement.is_shard()
        for place, placement in zip(where, value._spec.placements, strict=False)
    )


def own_part(value: Tensor) -> Tensor:
    """What this process has of a tensor."""
    return value.detach() if shard_of(value) is None else value.to_local().detach()  # type: ignore
