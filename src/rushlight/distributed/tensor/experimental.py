"""Attention over several processes: refused."""

from rushlight.absent import refused

context_parallel = refused(
    "context_parallel", "rushlight runs in one process; leave it away", __name__
)


class implicit_replication:
    """The block in which plain tensors count as whole ones: they are."""

    def __enter__(self) -> None:
        """Nothing."""

    def __exit__(self, *exception: object) -> None:
        """Nothing."""
