"""Hooks of communication for `DistributedDataParallel`."""

from __future__ import annotations

from enum import Enum
from functools import partial
from typing import Any

from rushlight.distributed.algorithms.ddp_comm_hooks import (
    debugging_hooks,
    default_hooks,
    powerSGD_hook,
)

__all__ = ["DDPCommHookType", "register_ddp_comm_hook"]


def _plain(model: Any, state: Any, hook: Any) -> None:
    model.register_comm_hook(state, hook)


def _power(model: Any, state: Any, hook: Any, rank: int) -> None:
    model.register_comm_hook(powerSGD_hook.PowerSGDState(state, rank), hook)


class DDPCommHookType(Enum):
    """Hooks by their names."""

    ALLREDUCE = partial(_plain, hook=default_hooks.allreduce_hook)
    FP16_COMPRESS = partial(_plain, hook=default_hooks.fp16_compress_hook)
    BF16_COMPRESS = partial(_plain, hook=default_hooks.bf16_compress_hook)
    POWER_SGD = partial(_power, hook=powerSGD_hook.powerSGD_hook, rank=1)
    POWER_SGD_RANK2 = partial(_power, hook=powerSGD_hook.powerSGD_hook, rank=2)
    BATCHED_POWER_SGD = partial(_power, hook=powerSGD_hook.batched_powerSGD_hook, rank=1)
    BATCHED_POWER_SGD_RANK2 = partial(_power, hook=powerSGD_hook.batched_powerSGD_hook, rank=2)
    NOOP = partial(_plain, hook=debugging_hooks.noop_hook)


def register_ddp_comm_hook(comm_hook_type: DDPCommHookType, model: Any, state: Any = None) -> None:
    """Register a hook by its name; state is its group of processes, None for all."""
    comm_hook_type.value(model=model, state=state)
