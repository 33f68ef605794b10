"""Modules whose forward is computed again in backward."""

from rushlight.distributed.algorithms._checkpoint import checkpoint_wrapper

__all__ = ["checkpoint_wrapper"]
