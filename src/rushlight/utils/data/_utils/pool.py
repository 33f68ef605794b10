"""The worker processes of one iterator: started together, watched, and ended together."""

from __future__ import annotations

import contextlib
import os
import signal
import time
import warnings
from multiprocessing import connection as connections
from multiprocessing.connection import Connection
from typing import Any

from rushlight.utils.data._utils.worker import (
    Job,
    Outcome,
    Pass,
    interrupts_held,
    parents_ends,
    unpack,
    work,
)

# What a worker gets to finish the task it is at, before it is told to terminate; and then to obey.
GRACE_SECONDS = 5.0


class WorkerPool:
    """Processes and the connections to them."""

    def __init__(self) -> None:
        self.processes: list[Any] = []
        self.ends: list[Connection] = []
        self.stopped = False
        self._owner = os.getpid()

    def start(self, context: Any, job: Job) -> None:
        """Start job.num_workers processes; what was started is stopped if one cannot be."""
        try:
            for worker_id in range(job.num_workers):
                here, there = context.Pipe()
                parents_ends.add(here)
                self.ends.append(here)
                process = context.Process(target=work, args=(job, worker_id, there), daemon=True)
                with there, warnings.catch_warnings(), interrupts_held():
                    # From Python 3.12 on, for the BLAS library's threads; these survive a fork.
                    warnings.filterwarnings(
                        "ignore", ".*multi-threaded, use of fork", DeprecationWarning
                    )
                    process.start()
                    self.processes.append(process)
        except BaseException:
            self.stop()
            raise

    def send(self, worker_id: int, message: Any) -> None:
        """Send a task. A dead worker shows when its answer is waited for."""
        with contextlib.suppress(OSError):
            self.ends[worker_id].send(message)

    def receive(self, deadline: float | None) -> tuple[Pass, int, Outcome] | None:
        """The next answer of any worker, or None at the deadline.

        Raises RuntimeError where a worker has died.
        """
        try:
            return self._wait(deadline)
        except KeyboardInterrupt:
            self.stop()  # An answer may be half read.
            raise

    def _wait(self, deadline: float | None) -> tuple[Pass, int, Outcome] | None:
        if self.stopped:
            raise RuntimeError("the DataLoader's workers have ended: make a new iterator")
        patience = None if deadline is None else max(0.0, deadline - time.monotonic())
        sentinels = [process.sentinel for process in self.processes]
        ready = connections.wait([*self.ends, *sentinels], patience)
        # Answers first: what a worker sent before it died still counts.
        for end in self.ends:
            if end in ready:
                try:
                    return unpack(end)
                except (EOFError, OSError):
                    raise self._death(self.processes[self.ends.index(end)]) from None
        for process, sentinel in zip(self.processes, sentinels, strict=True):
            if sentinel in ready:
                raise self._death(process)
        return None

    def _death(self, process: Any) -> RuntimeError:
        process.join(GRACE_SECONDS)
        code = process.exitcode
        if code is not None and code < 0:
            how = f": it was killed by signal {signal.Signals(-code).name}"
        else:
            how = f" with exit code {code}"
        if code == -9:
            how += ", as the system does when memory runs out"
        self.stop()
        return RuntimeError(f"DataLoader worker (pid(s) {process.pid}) exited unexpectedly{how}")

    def stop(self) -> None:
        """End all processes. Does nothing in a forked child, which only has a copy of the pool."""
        if self.stopped or os.getpid() != self._owner:
            return
        self.stopped = True
        for end in self.ends:
            end.close()
        for ending in (None, "terminate", "kill"):
            limit = time.monotonic() + GRACE_SECONDS
            for process in self.processes:
                if ending is not None and process.is_alive():
                    getattr(process, ending)()
            for process in self.processes:
                process.join(max(0.0, limit - time.monotonic()))
            if not any(process.is_alive() for process in self.processes):
                break
