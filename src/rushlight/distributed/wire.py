"""Arrays between the processes of a group: a communicator of MPI, on which everything is begun, and waited for here.

MPI's own waiting keeps a processor busy, for ever if need be. Here whoever waits asks, sleeps and asks again,
sees that a process has ended for whom he waits, and gives up when his time is over. What nobody waits for
goes on by a thread that asks for all. With one process there is no MPI: what it sends has arrived.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from rushlight.core.tensor import Array

# MPI is asked by one thread at a time.
_lock = threading.RLock()
# How often is asked without a pause, how long pauses become, and when to look whether the others live.
_AT_ONCE, _LONGEST, _LOOK = 200, 0.001, 0.5


class Pending:
    """What was begun: requests of MPI, and what is to be done when all are done."""

    def __init__(
        self, wire: Wire, requests: Sequence[Any], finish: Callable[[], Any] | None, what: str,
        timeout: timedelta | None = None, keep: Any = None,
    ) -> None:  # fmt: skip
        self.wire, self.requests, self.finish, self.what = wire, list(requests), finish, what
        self.timeout = wire.timeout if timeout is None else timeout
        self.keep = keep  # arrays that MPI reads and writes
        self.done = False
        self.status: Any = None  # of what is received
        self.error: BaseException | None = None
        self._calls: list[Callable[[BaseException | None], None]] = []

    def advance(self) -> bool:
        """Whether it is done."""
        if self.done:
            return True
        with _lock:
            if self.done:
                return True
            try:
                if not all([request.Test(self.status) for request in self.requests]):
                    return False
                if self.finish is not None:
                    self.finish()
            except Exception as error:
                self.error = _told(error, self.what)
            self._end()
        return True

    def _end(self) -> None:
        self.done, self.keep, self.finish, self.requests = True, None, None, []
        calls, self._calls = self._calls, []
        for call in calls:
            call(self.error)

    def when_done(self, call: Callable[[BaseException | None], None]) -> None:
        """Call it with the error, or None, when this is done."""
        with _lock:
            if not self.done:
                self._calls.append(call)
                return
        call(self.error)

    def wait(self, timeout: timedelta | None = None) -> None:
        """Until it is done; RuntimeError where it fails, nobody is left to do it with, or time is over."""
        if not self.advance():
            self._ask(self.timeout if timeout is None else timeout)
        if self.error is not None:
            raise self.error

    def _ask(self, timeout: timedelta) -> None:
        for _ in range(_AT_ONCE):
            os.sched_yield()
            if self.advance():
                return
        begun = looked = time.monotonic()
        pause, gone = 0.00005, None
        while not self.advance():
            time.sleep(pause)
            pause = min(pause * 1.2, _LONGEST)
            now = time.monotonic()
            if now - begun > timeout.total_seconds():
                self._give_up(
                    f"Timed out waiting {timeout // timedelta(milliseconds=1)}ms for {self.what} operation to complete"
                )
            elif now - looked > _LOOK:
                # What it sent before it ended may still arrive: asked twice.
                if gone is not None and gone == self.wire.ended():
                    self._give_up(
                        f"Connection closed by peer: rank {gone} has ended, for whom {self.what} waits"
                    )
                looked, gone = now, self.wire.ended()

    def _give_up(self, why: str) -> None:
        with _lock:
            if not self.done:
                if self.status is not None:
                    for request in self.requests:
                        request.Cancel()
                # MPI goes on to read and write these.
                _abandoned.append((self.requests, self.keep))
                self.error = RuntimeError(why)
                self._end()


_abandoned: list[Any] = []


def _told(error: Exception, what: str) -> Exception:
    if type(error).__module__.partition(".")[0] == "mpi4py":
        return RuntimeError(f"{what}: {error}")
    return error


class Wire:
    """The processes of one group, by their ranks in the job, and what arrays do between them."""

    def __init__(self, job: Any, comm: Any, ranks: Sequence[int], timeout: timedelta) -> None:
        self.job, self.comm, self.timeout = job, comm, timeout
        self.ranks = list(ranks)
        self.rank = 0 if comm is None else comm.rank
        self.size = 1 if comm is None else comm.size
        self.sent = 0  # bytes that were handed to MPI, as docs/scaling.md counts them

    def ended(self) -> int | None:
        """The rank in the world of somebody whose process has ended."""
        return None if self.job is None else self.job.ended(self.ranks)

    def begin(
        self, what: str, call: Callable[..., Any], *args: Any, finish: Callable[[], Any] | None = None,
        timeout: timedelta | None = None,
    ) -> Pending:  # fmt: skip
        """Call one of MPI's functions that begin something."""
        with _lock:
            try:
                requests = [call(*args)]
            except Exception as error:
                raise _told(error, what) from None
        return Pending(self, requests, finish, what, timeout, args)

    def done(self, finish: Callable[[], Any] | None = None) -> Pending:
        """What is done without anybody else."""
        made = Pending(self, [], finish, "")
        made.advance()
        return made

    def reduce_all(self, buffer: Array, op: str, finish: Any = None) -> Pending:
        """buffer becomes what op makes of those of all."""
        if self.size == 1:
            return self.done(finish)
        self.sent += buffer.nbytes
        mpi = self.job.mpi
        return self.begin(
            "all_reduce",
            self.comm.Iallreduce,
            mpi.IN_PLACE,
            buffer,
            getattr(mpi, op),
            finish=finish,
        )

    def reduce_to(self, buffer: Array, op: str, root: int, finish: Any = None) -> Pending:
        """As `reduce_all`, for one."""
        if self.size == 1:
            return self.done(finish)
        mpi = self.job.mpi
        self.sent += buffer.nbytes
        own = (mpi.IN_PLACE, buffer) if self.rank == root else (buffer, None)
        return self.begin("reduce", self.comm.Ireduce, *own, getattr(mpi, op), root, finish=finish)

    def reduce_scatter(
        self, parts: Array, own: Array, counts: Sequence[int], op: str, finish: Any = None
    ) -> Pending:
        """own becomes what op makes of the own parts of all."""
        if self.size == 1:
            np.copyto(own, parts)
            return self.done(finish)
        self.sent += parts.nbytes
        call = self.comm.Ireduce_scatter
        return self.begin(
            "reduce_scatter",
            call,
            parts,
            own,
            list(counts),
            getattr(self.job.mpi, op),
            finish=finish,
        )

    def broadcast(self, buffer: Array, root: int, finish: Any = None) -> Pending:
        """buffer becomes that of root."""
        if self.size == 1:
            return self.done(finish)
        self.sent += buffer.nbytes if self.rank == root else 0
        return self.begin("broadcast", self.comm.Ibcast, self._bytes(buffer), root, finish=finish)

    def gather_all(self, own: Array, parts: Array, finish: Any = None) -> Pending:
        """parts become the own ones of all, of one size."""
        if self.size == 1:
            np.copyto(parts.reshape(-1), own.reshape(-1))
            return self.done(finish)
        self.sent += own.nbytes
        return self.begin(
            "allgather", self.comm.Iallgather, self._bytes(own), self._bytes(parts), finish=finish
        )

    def gather_to(self, own: Array, parts: Array | None, root: int, finish: Any = None) -> Pending:
        """As `gather_all`, for one."""
        if self.size == 1:
            np.copyto(parts.reshape(-1), own.reshape(-1))  # type: ignore[union-attr]
            return self.done(finish)
        self.sent += own.nbytes
        into = None if parts is None else self._bytes(parts)
        return self.begin("gather", self.comm.Igather, self._bytes(own), into, root, finish=finish)

    def scatter_from(
        self, parts: Array | None, own: Array, root: int, finish: Any = None
    ) -> Pending:
        """own becomes one of the parts that root has."""
        if self.size == 1:
            np.copyto(own.reshape(-1), parts.reshape(-1))  # type: ignore[union-attr]
            return self.done(finish)
        self.sent += 0 if parts is None else parts.nbytes
        out = None if parts is None else self._bytes(parts)
        return self.begin("scatter", self.comm.Iscatter, out, self._bytes(own), root, finish=finish)

    def exchange(
        self, out: Array, out_counts: Sequence[int], into: Array, into_counts: Sequence[int], finish: Any = None
    ) -> Pending:  # fmt: skip
        """Each gets a part of each; the counts are of elements."""
        if self.size == 1:
            np.copyto(into.reshape(-1), out.reshape(-1))
            return self.done(finish)
        self.sent += out.nbytes
        sides = [
            [self._raw(array), [n * array.itemsize for n in counts], self.job.mpi.BYTE]
            for array, counts in ((out, out_counts), (into, into_counts))
        ]
        return self.begin("alltoall", self.comm.Ialltoallv, *sides, finish=finish)

    def send(self, array: Array, to: int, tag: int) -> Pending:
        """Send to a rank of the group."""
        self.sent += array.nbytes
        return self.begin("send", self.comm.Isend, self._bytes(array), to, tag)

    def receive(
        self, array: Array, source: int | None, tag: int, finish: Any = None, what: str = "recv"
    ) -> Pending:
        """Receive from a rank of the group, or (None) from anybody; its `status` says from whom, and how much."""
        mpi = self.job.mpi
        where = mpi.ANY_SOURCE if source is None else source
        made = self.begin(what, self.comm.Irecv, self._bytes(array), where, tag, finish=finish)
        made.status = mpi.Status()
        return made

    def barrier(self, what: str = "barrier", timeout: timedelta | None = None) -> Pending:
        """Done when all have begun it."""
        if self.size == 1:
            return self.done()
        return self.begin(what, self.comm.Ibarrier, timeout=timeout)

    def _raw(self, array: Array) -> Array:
        return array.reshape(-1).view(np.uint8)

    def _bytes(self, array: Array) -> Any:
        return [self._raw(array), self.job.mpi.BYTE]


class _Part:
    """Something begun, to be asked as MPI's requests are."""

    def __init__(self, pending: Pending) -> None:
        self.pending = pending

    def Test(self, status: Any) -> bool:
        """Whether it is done; what went wrong is raised."""
        done = self.pending.advance()
        if self.pending.error is not None:
            raise self.pending.error
        return done


def together(wire: Wire, parts: Sequence[Pending]) -> Pending:
    """Several that were begun, as one: each does what it has to do when it has come."""
    return Pending(wire, [_Part(part) for part in parts], None, parts[0].what if parts else "")


class _Thread:
    """Asks for what nobody waits for, while there is any."""

    def __init__(self) -> None:
        self.watched: list[Pending] = []
        self.come = threading.Condition()
        self.started = False

    def watch(self, pending: Pending) -> None:
        if pending.done:
            return
        with self.come:
            self.watched.append(pending)
            if not self.started:
                self.started = True
                threading.Thread(target=self.run, name="rushlight-wire", daemon=True).start()
            self.come.notify()

    def run(self) -> None:
        while True:
            with self.come:
                self.come.wait_for(lambda: bool(self.watched))
                now = list(self.watched)
            left = {id(pending) for pending in now if not pending.advance()}
            with self.come:
                seen = {id(pending) for pending in now}
                self.watched = [p for p in self.watched if id(p) in left or id(p) not in seen]
            time.sleep(_LONGEST)

    def forked(self) -> None:
        self.__init__()  # type: ignore[misc]


_thread = _Thread()
watch = _thread.watch
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_thread.forked)
