"""The places of an MPI job, for processes that MPI has not started, and the guard who clears up after them.

What MPI puts into the environment is all that makes a process a rank. The guard starts `mpiexec` with this
file as its program; each that it starts writes down what it finds in its environment, and stays. Processes
that take the places hold a lock on a file each while they live. When all have ended, however they ended,
the guard ends `mpiexec` and removes the files and the shared memory.

It runs without rushlight and without site-packages: `python -I -S seat.py keep FOLDER` or
`python -I -S seat.py guard FOLDER SIZE MPIEXEC ...`.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping

# What MPICH and its kin, Open MPI and PMIx tell a process in.
FAMILIES = (
    "PMI_",
    "PMIX_",
    "OMPI_",
    "PRTE_",
    "MPI_LOCAL",
    "HYDRA_",
    "MPIR_",
    "PMI2_",
    "OPAL_",
    "I_MPI_",
)
RANKS = ("PMI_RANK", "PMI_ID", "PMIX_RANK", "OMPI_COMM_WORLD_RANK")


def rank_in(environment: Mapping[str, str]) -> int | None:
    """The rank that MPI gave to a process, or None."""
    return next((int(environment[name]) for name in RANKS if name in environment), None)


def keep(folder: str) -> None:
    """Write down what makes a rank, and stay, as MPI's launcher looks after what it started."""
    rank = rank_in(os.environ)
    told = {name: value for name, value in os.environ.items() if name.startswith(FAMILIES)}
    if "PMI_PORT" in told:
        # One machine: by no name that somebody would have to look up.
        told["PMI_PORT"] = "127.0.0.1:" + told["PMI_PORT"].rpartition(":")[2]
    written = os.path.join(folder, f"seat.{rank}.part")
    with open(written, "w") as file:
        json.dump(told, file)
    os.rename(written, os.path.join(folder, f"seat.{rank}"))
    while os.path.isdir(folder):
        time.sleep(0.5)


def guard(folder: str, size: int, command: list[str]) -> None:
    """Start the job; when everybody has ended who came, clear up."""
    with open(os.path.join(folder, "log"), "wb") as log:
        job = subprocess.Popen(
            command,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    memory: set[str] = set()
    while lives(folder, 0) or any([lives(folder, rank) for rank in range(1, size)]):
        memory |= mapped(folder)
        job.poll()
        time.sleep(0.05)
    if job.poll() is None:
        job.terminate()
        try:
            job.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(job.pid, 9)
            job.wait()
    for path in memory:
        with contextlib.suppress(OSError):
            os.unlink(path)
    shutil.rmtree(folder, ignore_errors=True)


def lives(folder: str, rank: int) -> bool:
    """Whether the process that has taken a place lives."""
    try:
        with open(os.path.join(folder, f"taken.{rank}"), "r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def mapped(folder: str) -> set[str]:
    """The files of MPI's shared memory that the processes of the job have open."""
    found: set[str] = set()
    for path in glob.glob(os.path.join(folder, "taken.*")):
        with contextlib.suppress(OSError), open(path) as file:
            found |= mapped_by(file.read())
    return found


def mapped_by(process: str) -> set[str]:
    """The files of MPI's shared memory that a process, by its number or "self", has open."""
    try:
        with open(f"/proc/{process}/maps") as file:
            lines = [line.split()[-1] for line in file if "/dev/shm/" in line]
    except OSError:
        return set()
    ours = ("mpich", "Intel_MPI", "vader", "sm_")
    return {name for name in lines if os.path.basename(name).startswith(ours)}


if __name__ == "__main__":
    if sys.argv[1] == "keep":
        keep(sys.argv[2])
    else:
        guard(sys.argv[2], int(sys.argv[3]), sys.argv[4:])
