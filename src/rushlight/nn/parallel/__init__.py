"""Data parallelism over devices, of which there is one here."""

from rushlight.nn.parallel.data_parallel import DataParallel

__all__ = ["DataParallel"]
