"""How a tensor lies on the sides of a mesh: cut along a dimension, whole on each process, or a sum still to be made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rushlight.absent import refused
from rushlight.size import Size

__all__ = ["Partial", "Placement", "Replicate", "Shard"]

_StridedShard = refused("_StridedShard", "a dimension is cut once for each side", __name__)


class Placement:
    """How a tensor lies on a side of a mesh."""

    def is_shard(self, dim: int | None = None) -> bool:
        """Whether it is cut, along that dimension if one is given."""
        return False

    def is_replicate(self) -> bool:
        """Whether every process has all of it."""
        return False

    def is_partial(self, reduce_op: str | None = None) -> bool:
        """Whether it is a sum (or what reduce_op says) that is still to be made."""
        return False


@dataclass(frozen=True)
class Shard(Placement):
    """Cut along a dimension, as `torch.chunk` cuts: the last processes may have less, or nothing."""

    dim: int

    def is_shard(self, dim: int | None = None) -> bool:
        """Whether it is cut along that dimension."""
        return dim in (None, self.dim)

    def __str__(self) -> str:
        return f"S({self.dim})"


@dataclass(frozen=True)
class Replicate(Placement):
    """Whole on every process."""

    def is_replicate(self) -> bool:
        """True."""
        return True

    def __str__(self) -> str:
        return "R"


@dataclass(frozen=True)
class Partial(Placement):
    """What the processes have is still to be put together by "sum", "avg", "max", "min" or "product"."""

    reduce_op: str = "sum"

    def is_partial(self, reduce_op: str | None = None) -> bool:
        """Whether it is that sum."""
        return reduce_op in (None, self.reduce_op)

    def __repr__(self) -> str:
        return f"Partial({self.reduce_op})"

    def __str__(self) -> str:
        return f"P({self.reduce_op})"


@dataclass(frozen=True)
class _NormPartial(Partial):
    """The norms of parts, whose powers are still to be added up."""

    norm_type: Any = field(default=2)

    def __repr__(self) -> str:
        return f"_NormPartial({self.norm_type})"

    __str__ = __repr__


@dataclass(frozen=True)
class TensorMeta:
    """What the whole tensor is."""

    shape: Size
    stride: tuple[int, ...]
    dtype: Any


@dataclass(frozen=True)
class DTensorSpec:
    """Where a tensor lies: the mesh, a placement for each of its sides, and what the whole is."""

    mesh: Any
    placements: tuple[Placement, ...]
    tensor_meta: TensorMeta

    @property
    def device_mesh(self) -> Any:
        """The mesh."""
        return self.mesh

    @property
    def shape(self) -> Size:
        """The sizes of the whole tensor."""
        return self.tensor_meta.shape

    @property
    def stride(self) -> tuple[int, ...]:
        """How the whole tensor would lie in memory."""
        return self.tensor_meta.stride


def piece(size: int, parts: int, index: int) -> tuple[int, int]:
    """Where the piece of one process begins along a dimension, and how long it is."""
    each = -(-size // parts)
    start = min(size, each * index)
    return start, min(size, start + each) - start


def local_place(
    shape: Sequence[int], mesh: Any, placements: Sequence[Placement]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The sizes of the part of this process, and where it begins in the whole."""
    sizes, starts = list(shape), [0] * len(shape)
    where = mesh.get_coordinate()
    for side, placement in enumerate(placements):
        if isinstance(placement, Shard):
            start, sizes[placement.dim] = piece(
                sizes[placement.dim], mesh.size(side), where[side] if where else 0
            )
            starts[placement.dim] += start
    return tuple(sizes), tuple(starts)


def compact_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of a tensor that lies row after row."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def settled(placements: Any, mesh: Any, ndim: int) -> tuple[Placement, ...]:
    """A placement for each side, dimensions counted from the front; torch's errors."""
    listed = [Replicate()] * mesh.ndim if placements is None else list(placements)
    if len(listed) != mesh.ndim:
        raise ValueError(
            "`placements` must have the same length as `device_mesh.ndim`! Found placements length: "
            f"{len(listed)}, and device_mesh.ndim: {mesh.ndim}."
        )
    for side, placement in enumerate(listed):
        if isinstance(placement, Shard):
            dim = placement.dim + ndim if placement.dim < 0 else placement.dim
            if not 0 <= dim < ndim:
                raise AssertionError(
                    f"Sharding dim {placement.dim} greater than tensor ndim {ndim}"
                )
            listed[side] = Shard(dim)
    return tuple(listed)
