"""What torchrun starts processes with: refused."""

from rushlight.absent import refused
from rushlight.distributed.elastic.multiprocessing import errors

__all__ = ["errors"]

_WHY = "it starts processes, and rushlight runs in one; start the program itself"
start_processes = refused("start_processes", _WHY, __name__)
DefaultLogsSpecs = refused("DefaultLogsSpecs", _WHY, __name__)
Std = refused("Std", _WHY, __name__)
