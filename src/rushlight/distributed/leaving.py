"""How a process that MPI's launcher has started leaves: with the others, or so that they end as well.

`MPI_Finalize` waits for all. A rank that ends by an error would wait for others that wait for it, for ever.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any


class _Failed:
    status = 0


def failed(status: int) -> None:
    """This process is ending by an error, with that exit status."""
    _Failed.status = status or 1


def leave(job: Any) -> None:
    """Finalize together; abort the job if this process failed."""
    if _Failed.status or getattr(sys, "last_value", None) is not None:
        sys.stdout.flush()
        sys.stderr.flush()
        job.world.Abort(_Failed.status or 1)
        os._exit(_Failed.status or 1)
    request = job.world.Ibarrier()
    while not request.Test():
        time.sleep(0.001)
    job.mpi.Finalize()
