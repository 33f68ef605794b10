"""Tensors in parts on several processes: names. With one process a tensor is whole."""

from __future__ import annotations

from dataclasses import dataclass

from rushlight.absent import refused
from rushlight.distributed.device_mesh import DeviceMesh as DeviceMesh

_WHOLE = "rushlight runs in one process, in which a tensor is whole; use the tensor itself"
DTensor = refused("DTensor", _WHOLE, __name__)
distribute_tensor = refused("distribute_tensor", _WHOLE, __name__)
distribute_module = refused("distribute_module", _WHOLE, __name__)
ones = refused("ones", _WHOLE, __name__)
zeros = refused("zeros", _WHOLE, __name__)
empty = refused("empty", _WHOLE, __name__)
full = refused("full", _WHOLE, __name__)
rand = refused("rand", _WHOLE, __name__)
randn = refused("randn", _WHOLE, __name__)


class Placement:
    """How a tensor lies on a side of a mesh."""

    def is_shard(self, dim: int | None = None) -> bool:
        """Whether it is cut along a dimension."""
        return False

    def is_replicate(self) -> bool:
        """Whether every process has all of it."""
        return False

    def is_partial(self, reduce_op: str | None = None) -> bool:
        """Whether it is a sum that is still to be made."""
        return False


@dataclass(frozen=True)
class Shard(Placement):
    """Cut along a dimension."""

    dim: int

    def is_shard(self, dim: int | None = None) -> bool:
        """Whether it is cut along a dimension."""
        return dim in (None, self.dim)


@dataclass(frozen=True)
class Replicate(Placement):
    """Whole on every process."""

    def is_replicate(self) -> bool:
        """True."""
        return True


@dataclass(frozen=True)
class Partial(Placement):
    """A sum that is still to be made."""

    reduce_op: str = "sum"

    def is_partial(self, reduce_op: str | None = None) -> bool:
        """Whether it is that sum."""
        return reduce_op in (None, self.reduce_op)
