"""Data parallelism over devices and processes, of which there is one each here."""

from rushlight.absent import refused
from rushlight.nn.parallel.data_parallel import DataParallel, data_parallel
from rushlight.nn.parallel.distributed import DistributedDataParallel

from rushlight.nn.parallel.scatter_gather import gather, scatter

__all__ = ["DataParallel", "DistributedDataParallel", "data_parallel", "gather", "scatter"]

_ONE = "rushlight runs on the CPU; call the module itself"
replicate = refused("replicate", _ONE, __name__)
parallel_apply = refused("parallel_apply", _ONE, __name__)
