"""`FullyShardedDataParallel` and its settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from rushlight.absent import refused
from rushlight.device import device
from rushlight.nn.modules.module import Module

_OLDER = (
    "it is the older interface; use torch.distributed.fsdp.fully_shard, or DistributedDataParallel"
)
FlatParameter = refused("FlatParameter", _OLDER, __name__)


class FullyShardedDataParallel(Module):
    """The older interface, which torch has for accelerators: nothing is one, and to make one is an error."""

    def __init__(self, module: Module, *options: Any, device_id: Any = None, **more: Any) -> None:
        if (
            device_id is not None
            and not isinstance(device_id, int)
            and device(device_id).type == "cpu"
        ):
            raise NotImplementedError(f"rushlight has no FullyShardedDataParallel: {_OLDER}")
        raise RuntimeError(
            "FSDP needs a non-CPU accelerator device, but no accelerator device is detected. For processes on CPUs "
            "use torch.distributed.fsdp.fully_shard"
        )

    @staticmethod
    def fsdp_modules(module: Module, root_only: bool = False) -> list[Any]:
        """None of the modules in a module."""
        return []


class ShardingStrategy(Enum):
    """What is shared out."""

    FULL_SHARD = auto()
    SHARD_GRAD_OP = auto()
    NO_SHARD = auto()
    HYBRID_SHARD = auto()
    _HYBRID_SHARD_ZERO2 = auto()


class BackwardPrefetch(Enum):
    """When the next parameters are fetched."""

    BACKWARD_PRE = auto()
    BACKWARD_POST = auto()


class StateDictType(Enum):
    """What a state dict holds."""

    FULL_STATE_DICT = auto()
    LOCAL_STATE_DICT = auto()
    SHARDED_STATE_DICT = auto()


class OptimStateKeyType(Enum):
    """By what the state of an optimizer is kept."""

    PARAM_NAME = auto()
    PARAM_ID = auto()


@dataclass
class CPUOffload:
    """Whether parameters are kept on the CPU."""

    offload_params: bool = False


@dataclass(frozen=True)
class MixedPrecision:
    """In which types is computed and sent."""

    param_dtype: Any = None
    reduce_dtype: Any = None
    buffer_dtype: Any = None
    keep_low_precision_grads: bool = False
    cast_forward_inputs: bool = False
    cast_root_forward_inputs: bool = True
    _module_classes_to_ignore: Any = ()


@dataclass
class StateDictConfig:
    """Settings of a state dict."""

    offload_to_cpu: bool = False


@dataclass
class FullStateDictConfig(StateDictConfig):
    """Settings of a full state dict."""

    rank0_only: bool = False


@dataclass
class LocalStateDictConfig(StateDictConfig):
    """Settings of a local state dict."""


@dataclass
class ShardedStateDictConfig(StateDictConfig):
    """Settings of a state dict in parts."""

    _use_dtensor: bool = False


@dataclass
class OptimStateDictConfig:
    """Settings of the state of an optimizer."""

    offload_to_cpu: bool = True


@dataclass
class FullOptimStateDictConfig(OptimStateDictConfig):
    """Settings of the full state of an optimizer."""

    rank0_only: bool = False


@dataclass
class LocalOptimStateDictConfig(OptimStateDictConfig):
    """Settings of the local state of an optimizer."""

    offload_to_cpu: bool = False


@dataclass
class ShardedOptimStateDictConfig(OptimStateDictConfig):
    """Settings of the state of an optimizer in parts."""

    _use_dtensor: bool = False


@dataclass
class StateDictSettings:
    """The kind and the settings of state dicts."""

    state_dict_type: StateDictType
    state_dict_config: StateDictConfig = field(default_factory=StateDictConfig)
    optim_state_dict_config: OptimStateDictConfig = field(default_factory=OptimStateDictConfig)
