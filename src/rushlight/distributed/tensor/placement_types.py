"""How a tensor lies on a side of a mesh."""

from rushlight.absent import refused
from rushlight.distributed.tensor import Partial, Placement, Replicate, Shard

__all__ = ["Partial", "Placement", "Replicate", "Shard"]

_StridedShard = refused("_StridedShard", "in one process a tensor is whole", __name__)
