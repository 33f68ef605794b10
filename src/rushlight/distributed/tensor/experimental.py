"""Attention over several processes: refused."""

from rushlight.absent import refused

context_parallel = refused(
    "context_parallel", "rushlight runs in one process; leave it away", __name__
)
