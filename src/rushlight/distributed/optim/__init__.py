"""Optimizers for several processes."""

from __future__ import annotations

from rushlight.absent import refused
from rushlight.distributed.optim.apply_optimizer_in_backward import _apply_optimizer_in_backward
from rushlight.distributed.optim.post_localSGD_optimizer import PostLocalSGDOptimizer
from rushlight.distributed.optim.zero_redundancy_optimizer import ZeroRedundancyOptimizer

__all__ = [
    "DistributedOptimizer", "PostLocalSGDOptimizer", "ZeroRedundancyOptimizer", "_apply_optimizer_in_backward",
    "as_functional_optim",
]  # fmt: skip

_RPC = "it works by remote calls, which rushlight has not; use the optimizer itself"
DistributedOptimizer = refused("DistributedOptimizer", _RPC, __name__)
as_functional_optim = refused("as_functional_optim", _RPC, __name__)
