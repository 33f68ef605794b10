"""Hooks of communication for `DistributedDataParallel`."""

from rushlight.distributed.algorithms.ddp_comm_hooks import default_hooks

__all__ = ["default_hooks"]
