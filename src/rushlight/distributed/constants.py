"""Figures of torch.distributed."""

from datetime import timedelta

from rushlight.distributed.groups import default_pg_timeout

__all__ = ["default_pg_nccl_timeout", "default_pg_timeout"]

default_pg_nccl_timeout: timedelta | None = None
