"""The iterator over a DataLoader with workers."""

from __future__ import annotations

import itertools
import multiprocessing
import time
import weakref
from collections import deque
from typing import Any

from rushlight._utils import ExceptionWrapper
from rushlight.utils.data._utils.pool import WorkerPool
from rushlight.utils.data._utils.worker import End, Job, Outcome
from rushlight.utils.data.dataloader import DataLoader, _BaseDataLoaderIter


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    """Batches are made ahead by worker processes, which take turns.

    Each item of the sampler is a task with a number. `_order` has the tasks that are sent and not
    yet given out, with their workers; `_outcomes` what has come back.
    """

    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)
        if not loader.prefetch_factor:
            raise AssertionError(
                f"prefetch_factor must be greater than 0, got {loader.prefetch_factor}"
            )
        self._max_tasks = loader.prefetch_factor * loader.num_workers
        self._in_order = loader.in_order
        self._prefetch_factor = loader.prefetch_factor
        self._pass = 0
        self._pool = WorkerPool()
        # When the iterator is dropped, or at the interpreter's end.
        weakref.finalize(self, self._pool.stop)
        job = Job(
            self._dataset,
            self._dataset_kind,
            self._auto_collation,
            self._collate_fn,
            self._drop_last,
            self._base_seed,
            loader.worker_init_fn,
            loader.num_workers,
        )
        self._pool.start(loader.multiprocessing_context or multiprocessing.get_context(), job)
        # A second time, as torch does it: a sampler that draws in __iter__ draws twice.
        self._reset(loader, first_iter=True)

    @property
    def _ended(self) -> bool:  # type: ignore[override]
        return self._pool.stopped

    def _reset(self, loader: DataLoader[Any], first_iter: bool = False) -> None:
        super()._reset(loader, first_iter)
        self._pass += 1
        self._task = 0
        self._order: deque[tuple[int, int]] = deque()
        self._outcomes: dict[int, Outcome] = {}
        self._tasks_of = [0] * self._num_workers
        self._live = [True] * self._num_workers
        self._turns = itertools.cycle(range(self._num_workers))
        for _ in range(self._max_tasks):
            self._send_task()

    def _send_task(self) -> None:
        worker = self._next_worker()
        if worker is None:
            return
        try:
            index = self._next_index()
        except StopIteration:
            return
        self._pool.send(worker, (self._pass, self._task, index))
        self._order.append((self._task, worker))
        self._tasks_of[worker] += 1
        self._task += 1

    def _next_worker(self) -> int | None:
        """Whose turn it is, of those whose stream goes on; out of order, only one with room."""
        live = sum(self._live)
        for worker in itertools.islice(self._turns, self._num_workers):
            has_room = self._in_order or self._tasks_of[worker] < self._max_tasks // live
            if self._live[worker] and has_room:
                return worker
        return None

    def _next_data(self) -> Any:
        while self._order:
            task, worker = self._next_answered()
            self._order.remove((task, worker))
            outcome = self._outcomes.pop(task)
            self._tasks_of[worker] -= 1
            if isinstance(outcome, End):
                self._live[worker] = False
            self._send_task()
            if isinstance(outcome, ExceptionWrapper):
                outcome.reraise()
            elif not isinstance(outcome, End):
                return outcome.data
        if not self._persistent_workers:
            self._pool.stop()
        raise StopIteration

    def _next_answered(self) -> tuple[int, int]:
        """The task to give out: the first one, or out of order the first one that has an answer."""
        deadline = time.monotonic() + self._timeout if self._timeout else None
        while True:
            for task, worker in self._order:
                if task in self._outcomes:
                    return task, worker
                if self._in_order:
                    break
            answer = self._pool.receive(deadline)
            if answer is None:
                raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds")
            this_pass, task, outcome = answer
            # Answers to an earlier pass, which was left before its end, are dropped.
            if this_pass == self._pass:
                self._outcomes[task] = outcome
