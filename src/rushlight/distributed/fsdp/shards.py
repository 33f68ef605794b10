"""`fully_shard`: the module itself, which is all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rushlight.absent import refused

FSDPModule = refused("FSDPModule", "with one process no module is sharded", __name__)
UnshardHandle = refused("UnshardHandle", "with one process no module is sharded", __name__)
DataParallelMeshDims = refused(
    "DataParallelMeshDims", "with one process no module is sharded", __name__
)


@dataclass(frozen=True)
class MixedPrecisionPolicy:
    """In which types is computed and sent."""

    param_dtype: Any = None
    reduce_dtype: Any = None
    output_dtype: Any = None
    cast_forward_inputs: bool = True


@dataclass
class OffloadPolicy:
    """Nothing is kept elsewhere."""


@dataclass
class CPUOffloadPolicy(OffloadPolicy):
    """Parameters are kept on the CPU."""

    pin_memory: bool = True


fully_shard = refused(
    "fully_shard",
    "rushlight runs in one process, with nothing to share out; leave it away",
    __name__,
)


def register_fsdp_forward_method(module: Any, method_name: str) -> None:
    """Nothing: no module is sharded."""


def share_comm_ctx(modules: Any) -> None:
    """Nothing: no module is sharded."""
