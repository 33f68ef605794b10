"""Attention over several processes: refused; plain tensors as whole ones: a block."""

from rushlight.absent import refused
from rushlight.distributed.tensor.dispatch import implicit_replication

__all__ = ["context_parallel", "implicit_replication"]

context_parallel = refused(
    "context_parallel", "sequences are not cut between processes; leave it away", __name__
)
