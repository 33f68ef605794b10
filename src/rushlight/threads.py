"""The pool of threads that shares out heavy work, and how many threads there are.

NumPy lets go of the interpreter while it computes, so that plain threads do use several cores. What
a part computes does not depend on who computes it, and where parts are added up they do not depend
on the number of threads either. (The last bits of a product are up to BLAS and its threads, as they
are in torch.)

BLAS has threads of its own, which go on turning for a while after each product and take the core
from everybody else. From the first shared work on it is held to one, and large products are shared
out here instead. A program without such work keeps the threads of BLAS, which start faster.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from numbers import Integral
from typing import Any, TypeVar

from rushlight.floaterrors import hush

Part = TypeVar("Part")

# How OpenBLAS and MKL call it: what sets the number of threads, what tells it.
_NAMES = (
    ("scipy_openblas_set_num_threads64_", "scipy_openblas_get_num_threads64_"),
    ("openblas_set_num_threads64_", "openblas_get_num_threads64_"),
    ("openblas_set_num_threads", "openblas_get_num_threads"),
    ("MKL_Set_Num_Threads", "MKL_Get_Max_Threads"),
)


def _blas() -> tuple[Callable[[int], Any], Callable[[], int]] | None:
    """The two functions of the BLAS that NumPy uses, if they can be found."""
    try:
        library = ctypes.PyDLL(import_module("numpy._core._multiarray_umath").__file__)
    except (ImportError, OSError):
        return None
    for setter, getter in _NAMES:
        if hasattr(library, setter) and hasattr(library, getter):
            return getattr(library, setter), getattr(library, getter)
    return None


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _asked() -> int:
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdigit() else 0


class _Pool:
    def __init__(self) -> None:
        self.blas = _blas()
        self.count = self.blas[1]() if self.blas else _asked() or processors()
        self.executor: Any = None
        # Held while there is shared work: whoever comes meanwhile does his own work alone.
        self.busy = threading.Lock()

    def forked(self) -> None:
        # Threads do not survive a fork, and the lock may have been held by one of them.
        self.executor = None
        self.busy = threading.Lock()

    def submit(self, work: Callable[[], None]) -> Any:
        if self.executor is None:
            from concurrent.futures import ThreadPoolExecutor

            self.executor = ThreadPoolExecutor(self.count, "rushlight", hush)
            if self.blas is not None:
                self.blas[0](1)
        return self.executor.submit(work)

    def resize(self, count: int) -> None:
        with self.busy:
            if self.executor is not None:
                self.executor.shutdown()
                self.executor = None
            self.count = count
            if self.blas is not None:
                self.blas[0](count)


_pool = _Pool()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.forked)


def get_num_threads() -> int:
    """How many threads compute: at first as many as BLAS has, which reads OMP_NUM_THREADS."""
    return _pool.count


def set_num_threads(number: int) -> None:
    """Compute with this many threads, in BLAS too where it can be told."""
    if not isinstance(number, Integral) or isinstance(number, bool):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(number).__name__}")
    number = int(number)
    if number <= 0:
        raise RuntimeError("set_num_threads expects a positive integer")
    if number != _pool.count:
        _pool.resize(number)


def started() -> bool:
    """Whether work has been shared out, so that BLAS computes with one thread."""
    return _pool.executor is not None


def share(work: Callable[[Iterator[Part]], None], parts: Sequence[Part]) -> None:
    """Call work(parts) on several threads, with an iterator that deals each part to one of them.

    It returns when all is done; an error in any thread is raised here. A thread that comes late, on
    a busy machine, finds the parts taken. To start the others takes some 50 microseconds.

    >>> done = []
    >>> share(lambda parts: done.extend(parts), [1, 2, 3])
    >>> sorted(done)
    [1, 2, 3]
    """
    pool = _pool
    helpers = min(pool.count, len(parts)) - 1
    if helpers <= 0 or not pool.busy.acquire(blocking=False):
        work(iter(parts))
        return
    try:
        # next() of a sequence's iterator is one step of the interpreter: each part is dealt once.
        dealt = iter(parts)
        others = []
        # At the end of the program no thread can be started any more: then this one does it all.
        with contextlib.suppress(RuntimeError):
            for _ in range(helpers):
                others.append(pool.submit(lambda: work(dealt)))
        try:
            work(dealt)
        finally:
            errors = [other.exception() for other in others if not other.cancel()]
        for error in errors:
            if error is not None:
                raise error
    finally:
        pool.busy.release()


def ranges(size: int, least: int) -> list[slice]:
    """A dimension cut into equal slices, one for each thread, but none smaller than `least`.

    For work on which the cuts leave no trace: what they are depends on the number of threads.
    """
    count = max(1, min(size // max(least, 1), _pool.count))
    step = -(-size // count)
    return [slice(start, start + step) for start in range(0, size, step)] if size else [slice(0)]
