"""What a worker process of a DataLoader does, from its start to its end.

Parent and worker share one two-way connection. The parent sends (pass, task, indices); the worker
answers each task in turn with (pass, task, outcome) and the raw buffers of the arrays in it. A
worker ends when its connection does: when the parent closes it, or is no more.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import random as python_random
import signal
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np

from rushlight import random
from rushlight._utils import ExceptionWrapper
from rushlight.core.tensor import result_class
from rushlight.ops.shared_memory import reduced, send_between_processes
from rushlight.ops.storage import UntypedStorage
from rushlight.threads import set_num_threads
from rushlight.utils.data._utils.fetch import _DatasetKind
from rushlight.utils.data._utils.info import WorkerInfo, be_worker, get_worker_info
from rushlight.utils.data.datapipes.datapipe import IterDataPipe, MapDataPipe
from rushlight.utils.data.graph_settings import apply_random_seed, apply_sharding

__all__ = ["get_worker_info", "work"]

# Who this is in a worker of another library's loader.
_worker_info: WorkerInfo | None = None

send_between_processes()

# How often an idle worker looks whether its parent still lives, should the connection not tell.
CHECK_SECONDS = 5.0

# The parent's ends of the connections. A forked worker inherits those to its elder siblings and
# closes them: otherwise these would not notice that the parent is gone.
parents_ends: weakref.WeakSet[Connection] = weakref.WeakSet()


@dataclass(frozen=True)
class _IterableDatasetStopIteration:
    """A worker of another library's loader has no more data."""

    worker_id: int


@dataclass(frozen=True)
class _ResumeIteration:
    """Such a worker is to begin another pass, with this seed."""

    seed: int | None = None


class ManagerWatchdog:
    """Tells a worker whether the process that started it still lives."""

    def __init__(self) -> None:
        self.manager_pid = os.getppid()
        self.manager_dead = False

    def is_alive(self) -> bool:
        """Whether it does."""
        self.manager_dead = self.manager_dead or os.getppid() != self.manager_pid
        return not self.manager_dead


@dataclass(frozen=True)
class Job:
    """What all workers of a loader are told at their start."""

    dataset: Any
    kind: int
    batched: bool
    collate_fn: Callable[[Any], Any]
    drop_last: bool
    base_seed: int
    init_fn: Callable[[int], None] | None
    num_workers: int
    # With which pipes that draw random numbers are seeded.
    shared_seed: int | None = None


@dataclass(frozen=True)
class Result:
    """A task's data."""

    data: Any


@dataclass(frozen=True)
class End:
    """A stream has no more data."""


# Which pass, and with what its pipes are seeded.
Pass = tuple[int, int | None]
Outcome = Result | End | ExceptionWrapper


def work(job: Job, worker_id: int, connection: Connection) -> None:
    """Be worker number worker_id until the connection ends."""
    for end in list(parents_ends):
        if end is not connection:
            end.close()
    outbox: queue.SimpleQueue[list[Any]] = queue.SimpleQueue()
    # Sending waits until the parent reads; meanwhile this thread goes on to the next task.
    threading.Thread(target=_send, args=(connection, outbox), daemon=True).start()
    # The parent has gone, has closed, or is being interrupted as well.
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        if hasattr(signal, "pthread_sigmask"):
            # A new process inherits that they were held.
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        _answer_tasks(job, worker_id, connection, outbox)


@contextlib.contextmanager
def interrupts_held() -> Iterator[None]:
    """Let Ctrl-C wait while a worker is started, until it can end without a traceback."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _send(connection: Connection, outbox: queue.SimpleQueue[list[Any]]) -> None:
    # An OSError means that no one reads any more; the main thread finds out by itself.
    with contextlib.suppress(OSError):
        while True:
            for part in outbox.get():
                connection.send_bytes(part)


def _answer_tasks(
    job: Job, worker_id: int, connection: Connection, outbox: queue.SimpleQueue[list[Any]]
) -> None:
    where = f"in DataLoader worker process {worker_id}"
    not_begun = _begin(job, worker_id, where)
    inbox: deque[tuple[Pass, int, Any]] = deque()
    parent = os.getppid()
    current = None
    while True:
        # All that is there is read before the next task: so a closed connection is seen at once.
        while not inbox or connection.poll():
            if connection.poll(CHECK_SECONDS):
                inbox.append(connection.recv())
            elif os.getppid() != parent:
                return
        this_pass, task, indices = inbox.popleft()
        outcome: Outcome
        if not_begun is not None:
            outcome = not_begun
        else:
            try:
                if this_pass != current:
                    if current is not None:
                        _seed_pipes(job.dataset, this_pass[1])
                    fetcher = _DatasetKind.create_fetcher(
                        job.kind, job.dataset, job.batched, job.collate_fn, job.drop_last
                    )
                    current = this_pass
                outcome = Result(fetcher.fetch(indices))
            except Exception as error:
                ended = job.kind == _DatasetKind.Iterable and isinstance(error, StopIteration)
                outcome = End() if ended else ExceptionWrapper(error, where)
        outbox.put(_packed(this_pass, task, outcome, where))


def _begin(job: Job, worker_id: int, where: str) -> ExceptionWrapper | None:
    """Seed everything, and run the user's init_fn."""
    # Workers run beside each other: each keeps to one core.
    set_num_threads(1)
    seed = job.base_seed + worker_id
    python_random.seed(seed)
    random.manual_seed(seed)
    np.random.seed(_generate_state(job.base_seed, worker_id))
    be_worker(WorkerInfo(worker_id, job.num_workers, seed, job.dataset))
    try:
        if isinstance(job.dataset, IterDataPipe | MapDataPipe):
            _seed_pipes(job.dataset, job.shared_seed)
            apply_sharding(job.dataset, job.num_workers, worker_id)
        if job.init_fn is not None:
            job.init_fn(worker_id)
    except Exception as error:
        return ExceptionWrapper(error, where)
    return None


def _seed_pipes(dataset: Any, seed: int | None) -> None:
    """The pipes that draw random numbers draw them from this seed, alike in all workers."""
    if seed is not None:
        apply_random_seed(dataset, random.Generator().manual_seed(seed))


def _generate_state(base_seed: int, worker_id: int) -> list[int]:
    """What NumPy's generator is seeded with in a worker."""
    words = [worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
    return [int(word) for word in np.random.SeedSequence(words).generate_state(4)]


def _packed(this_pass: Pass, task: int, outcome: Outcome, where: str) -> list[Any]:
    """The parts to send: a pickle, then the memory of its arrays as it is."""
    buffers: list[pickle.PickleBuffer] = []
    body = BytesIO()
    try:
        pickler: Any = ForkingPickler(body, 5, True, buffers.append)
        # The worker may end before its answer is read.
        pickler.dispatch_table[result_class()] = partial(reduced, may_move=False)
        pickler.dispatch_table[UntypedStorage] = UntypedStorage.__reduce__
        pickler.dump(outcome)
    except Exception as error:
        buffers.clear()
        body = BytesIO(pickle.dumps(ExceptionWrapper(error, where)))
    parts: list[Any] = [buffer.raw() for buffer in buffers if buffer.raw().nbytes]
    sizes = [buffer.raw().nbytes for buffer in buffers]
    return [pickle.dumps((this_pass, task, body.getvalue(), sizes)), *parts]


def unpack(connection: Connection) -> tuple[Pass, int, Outcome]:
    """Read one answer: (pass, task, outcome). EOFError or OSError where the worker is dead."""
    this_pass, task, body, sizes = pickle.loads(connection.recv_bytes())
    buffers = [np.empty(size, np.uint8) for size in sizes]
    for buffer in buffers:
        if buffer.size:
            connection.recv_bytes_into(buffer)
    return this_pass, task, pickle.loads(body, buffers=buffers)
