"""Sharded modules: `fully_shard`, and the names and settings of the older interface."""

from rushlight.distributed.fsdp import api, wrap
from rushlight.distributed.fsdp import api as fully_sharded_data_parallel
from rushlight.distributed.fsdp.api import BackwardPrefetch as BackwardPrefetch
from rushlight.distributed.fsdp.api import CPUOffload as CPUOffload
from rushlight.distributed.fsdp.api import FullOptimStateDictConfig as FullOptimStateDictConfig
from rushlight.distributed.fsdp.api import FullStateDictConfig as FullStateDictConfig
from rushlight.distributed.fsdp.api import FullyShardedDataParallel as FullyShardedDataParallel
from rushlight.distributed.fsdp.api import LocalOptimStateDictConfig as LocalOptimStateDictConfig
from rushlight.distributed.fsdp.api import LocalStateDictConfig as LocalStateDictConfig
from rushlight.distributed.fsdp.api import MixedPrecision as MixedPrecision
from rushlight.distributed.fsdp.api import OptimStateDictConfig as OptimStateDictConfig
from rushlight.distributed.fsdp.api import OptimStateKeyType as OptimStateKeyType
from rushlight.distributed.fsdp.api import (
    ShardedOptimStateDictConfig as ShardedOptimStateDictConfig,
)
from rushlight.distributed.fsdp.api import ShardedStateDictConfig as ShardedStateDictConfig
from rushlight.distributed.fsdp.api import ShardingStrategy as ShardingStrategy
from rushlight.distributed.fsdp.api import StateDictConfig as StateDictConfig
from rushlight.distributed.fsdp.api import StateDictSettings as StateDictSettings
from rushlight.distributed.fsdp.api import StateDictType as StateDictType
from rushlight.distributed.fsdp.shards import CPUOffloadPolicy as CPUOffloadPolicy
from rushlight.distributed.fsdp.shards import DataParallelMeshDims as DataParallelMeshDims
from rushlight.distributed.fsdp.shards import FSDPModule as FSDPModule
from rushlight.distributed.fsdp.shards import MixedPrecisionPolicy as MixedPrecisionPolicy
from rushlight.distributed.fsdp.shards import OffloadPolicy as OffloadPolicy
from rushlight.distributed.fsdp.shards import UnshardHandle as UnshardHandle
from rushlight.distributed.fsdp.shards import fully_shard as fully_shard
from rushlight.distributed.fsdp.shards import (
    register_fsdp_forward_method as register_fsdp_forward_method,
)
from rushlight.distributed.fsdp.shards import share_comm_ctx as share_comm_ctx

__all__ = ["api", "fully_sharded_data_parallel", "wrap"]
