"""Planners of checkpoints: refused."""

from rushlight.absent import refused
from rushlight.distributed.checkpoint import DefaultLoadPlanner, DefaultSavePlanner

__all__ = ["DefaultLoadPlanner", "DefaultSavePlanner"]

_EmptyStateDictLoadPlanner = refused(
    "_EmptyStateDictLoadPlanner", "use load of torch.distributed.checkpoint", __name__
)
