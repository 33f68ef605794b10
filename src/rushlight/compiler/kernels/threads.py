"""The pool of threads of compiled programs: one for the process, in a small library of its own.

A program is handed the address of `parallel` when it is loaded (the fragment `threads` declares it);
until then, and in C that stands alone, `parallel` does all the work in the calling thread. With one
thread no other is started, and a call costs what calling a function costs.

The helpers turn for 100 microseconds after a job. BLAS must be held to one thread meanwhile, or its
threads and these take the processors from each other.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from importlib.resources import files
from threading import Lock


def source() -> str:
    """The C of the pool, to be compiled into a shared library (with -pthread)."""
    return files("rushlight.compiler").joinpath("c", "pool.c").read_text()


class Pool:
    """The pool in a loaded library."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library  # its threads run in it: it stays loaded
        self._set = library.set_threads
        self.address = ctypes.cast(library.parallel, ctypes.c_void_p).value or 0
        """Of `void parallel(Work *work, void *context, long count, long grain)`."""

    def set_threads(self, count: int) -> None:
        """Compute with so many threads from the next job on, the caller's among them."""
        self._set(ctypes.c_int(count))


_lock = Lock()
_pools: list[Pool] = []


def shared(build: Callable[[str], ctypes.CDLL]) -> Pool:
    """The pool of this process; `build` compiles and loads its source the first time."""
    with _lock:
        if not _pools:
            _pools.append(Pool(build(source())))
        return _pools[0]
