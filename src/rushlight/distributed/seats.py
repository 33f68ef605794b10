"""How processes come to MPI: started by it, or by anything else and given a place in a job of `mpiexec`.

A process is a rank by what MPI's launcher has put into its environment, and by nothing else. So for processes
that Python, a shell or `rushlight run` has started, the first of them starts `mpiexec` with as many keepers
of places (`seat.py`), and each takes the environment of one before it loads MPI. Ranks then talk as those
of any other job; and a lock on a file of each, which the system opens when its process ends however it
ends, tells the others that they wait in vain.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from rushlight.distributed import seat
from rushlight.distributed.reducing import DistBackendError, DistNetworkError
from rushlight.distributed.store import Held, Store, _folder, is_held, waited
from rushlight.errors import MissingExtraError, require

_EXTRA = "distributed"
# What is given to each kind of mpiexec, by a word that its --version says.
_KINDS = {
    "HYDRA": ["-pmi-port"],
    "Intel": ["-pmi-port"],
    "Open MPI": ["--oversubscribe"],
    "prte": ["--oversubscribe"],
}
_WHERE = "rushlight/job"


class Job:
    """An MPI job that this process is a rank of, with the locks of all ranks if it sits in a kept place."""

    def __init__(
        self, mpi: Any, world: Any, folder: Path | None = None, held: Held | None = None
    ) -> None:
        self.mpi, self.world = mpi, world
        self.rank, self.size = world.rank, world.size
        self.folder, self._held = folder, held

    def hide(self) -> None:
        """Take the names of MPI's shared memory away, which all have open by now: it goes with the last of them."""
        if self.folder is not None and self.rank == 0:
            for path in seat.mapped_by("self"):
                with contextlib.suppress(OSError):
                    os.unlink(path)

    def ended(self, ranks: Iterable[int]) -> int | None:
        """The first of these ranks whose process has ended, as far as can be known."""
        if self.folder is None:
            return None
        for rank in ranks:
            if rank != self.rank and not is_held(self.folder / f"taken.{rank}"):
                return rank
        return None


class _Own:
    """The job of this process: MPI is started once in its life."""

    job: Job | None = None
    guard: Any = None


def launched() -> tuple[int, int] | None:
    """The rank and the size of the job, if MPI's launcher has started this process itself."""
    if multiprocessing.parent_process() is not None:
        return None
    for rank, size in (("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE"),
                       ("PMIX_RANK", "SLURM_NTASKS")):  # fmt: skip
        if rank in os.environ and size in os.environ:
            return int(os.environ[rank]), int(os.environ[size])
    return None


def available() -> bool:
    """Whether MPI can be loaded."""
    import importlib.util

    return importlib.util.find_spec("mpi4py") is not None


def job(rank: int, size: int, store: Store | None, timeout: timedelta) -> Job:
    """The job in which this process is one of size; it is made, and met in by the store, if there is none."""
    if _Own.job is None:
        by_mpi = launched()
        if by_mpi is not None and by_mpi[1] == size:
            _Own.job = _started()
        elif store is None:
            raise RuntimeError(
                "the backend 'mpi' is for processes that mpirun, srun or `rushlight run --nproc` has started"
            )
        else:
            _Own.job = _seated(rank, size, store, timeout)
    if _Own.job.size != size:
        raise RuntimeError(
            f"this process is one of {_Own.job.size} in MPI, which is started once in the life of a process: it "
            f"cannot be one of {size} now. Make a group of some with new_group(ranks)"
        )
    return _Own.job


def _mpi() -> Any:
    require("mpi4py", _EXTRA).rc.finalize = False
    try:
        return require("mpi4py.MPI", _EXTRA)
    except (RuntimeError, ImportError) as error:
        raise MissingExtraError(
            f"mpi4py finds no MPI library ({error}). One comes with: python -m pip install "
            f'"rushlight[{_EXTRA}]"'
        ) from None


def _started() -> Job:
    import atexit

    from rushlight.distributed import leaving

    mpi = _mpi()
    made = Job(mpi, mpi.COMM_WORLD)
    atexit.register(leaving.leave, made)
    return made


# ---- places in a job of our own --------------------------------------------------------------------


def _seated(rank: int, size: int, store: Store, timeout: timedelta) -> Job:
    local = os.environ.get("LOCAL_WORLD_SIZE", "")
    if local.isdigit() and 0 < int(local) < size:
        raise RuntimeError(
            f"{size - int(local)} of {size} processes are on other machines: start them with mpirun or srun, "
            "which bring MPI to all of them"
        )
    require("mpi4py", _EXTRA)
    end = time.monotonic() + timeout.total_seconds()
    if rank == 0:
        folder, held = _asked_for(size, timeout)
        store.set(_WHERE, json.dumps([platform.node(), str(folder)]))
    else:
        found: list[tuple[Path, Held]] = []
        if not waited(lambda: _take(store, rank, found), timeout):
            raise DistNetworkError(
                f"rank {rank} has waited {timeout} for rank 0, which did not come"
            )
        folder, held = found[0]
    told = _told(folder, rank, end)
    before = dict(os.environ)
    for name in before:
        if name.startswith(seat.FAMILIES) and not name.startswith("MPIR_CVAR"):
            del os.environ[name]
    os.environ.update(told)
    try:
        mpi = _mpi()
    finally:
        # Processes that this one starts are no ranks.
        for name in set(os.environ) - set(before):
            del os.environ[name]
        os.environ.update(before)
    if (mpi.COMM_WORLD.rank, mpi.COMM_WORLD.size) != (rank, size):
        raise DistBackendError(
            f"{_mpiexec()[0]} is not of the MPI that mpi4py loads ({mpi.Get_library_version().split(',')[0]}): put "
            "the right one first on the PATH"
        )
    return Job(mpi, mpi.COMM_WORLD, folder, held)


def _take(store: Store, rank: int, found: list[tuple[Path, Held]]) -> bool:
    """Take the place in the job that rank 0 has asked for, if it has and this is no old one."""
    if not store.check([_WHERE]):
        return False
    machine, name = json.loads(store.get(_WHERE))
    if machine != platform.node():
        raise RuntimeError(f"rank 0 is on {machine}: start the processes with mpirun or srun")
    folder = Path(name)
    if not is_held(folder / "taken.0"):
        return False
    held = _held(folder, rank)
    if held is not None:
        found.append((folder, held))
    return held is not None


def _held(folder: Path, rank: int) -> Held | None:
    """The lock of a place, which nobody has taken yet."""
    part = folder / f"taken.{rank}.{os.getpid()}"
    try:
        # Locked before it bears the name by which it is found.
        held = Held(part, str(os.getpid()))
        os.link(part, folder / f"taken.{rank}")
    except OSError:
        return None
    finally:
        part.unlink(missing_ok=True)
    return held


def _asked_for(size: int, timeout: timedelta) -> tuple[Path, Held]:
    """A folder with the places of a new job, the first of which is taken."""
    folder = Path(tempfile.mkdtemp(prefix="job-", dir=_folder()))
    held = _held(folder, 0)
    if held is None:
        raise DistBackendError(
            f"no file can be locked in {folder}: set TMPDIR to a folder on a local disk"
        )
    environment = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(seat.FAMILIES) or k.startswith("MPIR_CVAR")
    }
    environment |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    alone = [sys.executable, "-I", "-S", seat.__file__]
    job = [*_mpiexec(), "-n", str(size), *alone, "keep", str(folder)]
    _Own.guard = subprocess.Popen(
        [*alone, "guard", str(folder), str(size), *job], env=environment, cwd="/", start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return folder, held


def _told(folder: Path, rank: int, end: float) -> dict[str, str]:
    """What MPI tells the rank."""
    limit = timedelta(seconds=min(60.0, max(1.0, end - time.monotonic())))
    path = folder / f"seat.{rank}"
    if not waited(path.exists, limit):
        said = ""
        with contextlib.suppress(OSError):
            said = (folder / "log").read_text(errors="replace").strip()
        raise DistBackendError(
            f"mpiexec has given no place to rank {rank} in {limit}: {said[-500:] or 'it said nothing'}"
        )
    return json.loads(path.read_text())


def _mpiexec() -> list[str]:
    """The command that starts a job, with what its kind needs."""
    beside = Path(sys.executable).parent / "mpiexec"
    path = str(beside) if beside.exists() else shutil.which("mpiexec")
    if path is None:
        raise MissingExtraError(
            f'there is no mpiexec on the PATH. One comes with: python -m pip install "rushlight[{_EXTRA}]"'
        )
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    return [path, *next((options for word, options in _KINDS.items() if word in said), [])]
