"""Tensors in parts on several processes: `DTensor`, and how it lies on a mesh."""

from rushlight.distributed.device_mesh import DeviceMesh as DeviceMesh
from rushlight.distributed.device_mesh import _mesh
from rushlight.distributed.tensor.dtensor import (
    DTensor,
    _rebuilt,
    distribute_module,
    distribute_tensor,
    factory,
)
from rushlight.distributed.tensor.placement_types import (
    DTensorSpec,
    Partial,
    Placement,
    Replicate,
    Shard,
    TensorMeta,
)
from rushlight.serialization.names import add_safe_globals

__all__ = [
    "DTensor", "Partial", "Placement", "Replicate", "Shard", "distribute_module", "distribute_tensor", "empty",
    "full", "ones", "rand", "randn", "zeros",
]  # fmt: skip

empty, full, ones, zeros = map(factory, ("empty", "full", "ones", "zeros"))
rand, randn = map(factory, ("rand", "randn"))

# Files that hold them are plain data.
add_safe_globals([DTensorSpec, Partial, Replicate, Shard, TensorMeta, _mesh, _rebuilt])
