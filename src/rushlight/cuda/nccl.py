"""torch.cuda.nccl: sums over GPUs, of which there are none."""

from __future__ import annotations

from typing import Any

from rushlight.absent import no_cuda as all_gather
from rushlight.absent import no_cuda as all_reduce
from rushlight.absent import no_cuda as broadcast
from rushlight.absent import no_cuda as init_rank
from rushlight.absent import no_cuda as reduce
from rushlight.absent import no_cuda as reduce_scatter
from rushlight.absent import no_cuda as unique_id
from rushlight.absent import no_cuda as version
from rushlight.errors import warn

__all__ = [
    "all_gather", "all_reduce", "broadcast", "init_rank", "is_available", "reduce", "reduce_scatter", "unique_id",
    "version",
]  # fmt: skip

SUM = 0


def is_available(tensors: Any) -> bool:
    """False."""
    warn("PyTorch is not compiled with NCCL support")
    return False
