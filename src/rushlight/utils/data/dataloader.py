"""DataLoader: batches of a dataset, made here or by worker processes.

Its random numbers are torch's: a new iterator takes one seed for its workers from the generator,
and a shuffling sampler takes another when the first index is asked for.
"""

from __future__ import annotations

import itertools
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from rushlight import random
from rushlight._utils import ExceptionWrapper
from rushlight.errors import warn
from rushlight.threads import processors
from rushlight.utils.data._utils.collate import default_collate, default_convert
from rushlight.utils.data._utils.fetch import _BaseDatasetFetcher, _DatasetKind
from rushlight.utils.data._utils.info import get_worker_info
from rushlight.utils.data.datapipes.datapipe import (
    IterDataPipe,
    MapDataPipe,
    _IterDataPipeSerializationWrapper,
    _MapDataPipeSerializationWrapper,
)
from rushlight.utils.data.dataset import IterableDataset
from rushlight.utils.data.graph_settings import (
    apply_random_seed,
    apply_sharding,
    apply_shuffle_settings,
)
from rushlight.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    draw_seed,
)

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

__all__ = ["DataLoader", "default_collate", "default_convert", "get_worker_info"]

T_co = TypeVar("T_co", covariant=True)
_collate_fn_t = Callable[[list[Any]], Any]
_worker_init_fn_t = Callable[[int], None]

_FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


class _InfiniteConstantSampler(Sampler[None]):
    """None for ever: an iterable dataset is asked for the next sample, not for one by index."""

    def __iter__(self) -> Iterator[None]:
        return itertools.repeat(None)


class DataLoader(Generic[T_co]):
    """Batches of a dataset, in order or shuffled.

    dataset has `__getitem__` and `__len__`, or is an IterableDataset. batch_size=None gives single
    samples. With num_workers > 0 that many processes prepare prefetch_factor batches each ahead;
    the order stays, unless in_order=False. An exception in a worker is raised here with its type
    and traceback; a worker that dies is a RuntimeError. timeout: seconds to wait for a batch.

    >>> import rushlight as torch
    >>> data = torch.utils.data.TensorDataset(torch.arange(5))
    >>> [batch.tolist() for (batch,) in DataLoader(data, batch_size=2)]
    [[0, 1], [2, 3], [4]]
    """

    dataset: Any
    batch_size: int | None
    num_workers: int
    pin_memory: bool
    drop_last: bool
    timeout: float
    sampler: Any
    batch_sampler: Any
    prefetch_factor: int | None
    _iterator: _BaseDataLoaderIter | None
    __initialized = False

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Sampler[Any] | Iterable[Any] | None = None,
        batch_sampler: Sampler[Any] | Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: str | BaseContext | None = None,
        generator: random.Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        dataset, shuffle = _piped(dataset, shuffle)
        iterable = isinstance(dataset, IterableDataset)
        self._dataset_kind = _DatasetKind.Iterable if iterable else _DatasetKind.Map
        if iterable:
            _check_iterable(shuffle, sampler, batch_sampler)
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, "
                    "sampler, and drop_last"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError(
                "batch_size=None option disables auto-batching and is mutually exclusive with "
                "drop_last"
            )
        if sampler is None:
            if iterable:
                sampler = _InfiniteConstantSampler()
            elif shuffle:
                sampler = RandomSampler(dataset, generator=generator)
            else:
                sampler = SequentialSampler(dataset)
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = 2 if num_workers > 0 and prefetch_factor is None else prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.generator = generator
        if collate_fn is None:
            collate_fn = default_convert if batch_sampler is None else default_collate
        self.collate_fn = collate_fn
        self.persistent_workers = persistent_workers
        self.__initialized = True
        self._IterableDataset_len_called: int | None = None
        self._iterator = None
        self.check_worker_number_rationality()

    def __setattr__(self, attr: str, value: Any) -> None:
        if self.__initialized and attr in _FIXED:
            raise ValueError(
                f"{attr} attribute should not be set after {type(self).__name__} is initialized: "
                f"make a new one"
            )
        super().__setattr__(attr, value)

    @property
    def multiprocessing_context(self) -> BaseContext | None:
        """The context that worker processes are started in; None for the default one."""
        return self.__context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context: str | BaseContext | None) -> None:
        if context is not None:
            context = _checked_context(context, self.num_workers)
        self.__context = context

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        return self.batch_sampler if self._auto_collation else self.sampler

    def _get_iterator(self) -> _BaseDataLoaderIter:
        if self.num_workers == 0:
            return _SingleProcessDataLoaderIter(self)
        self.check_worker_number_rationality()
        return _MultiProcessingDataLoaderIter(self)

    def __iter__(self) -> _BaseDataLoaderIter:
        if not self.persistent_workers:
            return self._get_iterator()
        if self._iterator is None or self._iterator._ended:
            self._iterator = self._get_iterator()
        else:
            self._iterator._reset(self)
        return self._iterator

    def __len__(self) -> int:
        if self._dataset_kind == _DatasetKind.Map:
            return len(self._index_sampler)
        samples = self._IterableDataset_len_called = len(self.dataset)
        if self.batch_size is None:
            return samples
        return samples // self.batch_size if self.drop_last else -(-samples // self.batch_size)

    def check_worker_number_rationality(self) -> None:
        """Warn where there are to be more workers than cores."""
        cores = processors()
        if self.num_workers > cores:
            warn(
                f"This DataLoader will create {self.num_workers} worker processes in total. Our "
                f"suggested max number of worker in current system is {cores}, which is smaller "
                f"than what this DataLoader is going to create. Please be aware that excessive "
                f"worker creation might get DataLoader running slow or even freeze, lower the "
                f"worker number to avoid potential slowness/freeze if necessary."
            )


def _piped(dataset: Any, shuffle: bool | None) -> tuple[Any, bool | None]:
    """A pipe in a wrapper that can be sent to workers, told whether to shuffle; other datasets as they are."""
    if isinstance(dataset, IterDataPipe):
        dataset = _IterDataPipeSerializationWrapper(dataset)
        # A shuffler that this adds, where there is none, is not gone through: so it is in torch.
        apply_shuffle_settings(dataset, shuffle)
        return dataset, None
    if isinstance(dataset, MapDataPipe):
        dataset = _MapDataPipeSerializationWrapper(dataset)
    return dataset, shuffle


def _sharding_worker_init_fn(
    worker_init_fn: _worker_init_fn_t | None, world_size: int, rank_id: int, worker_id: int
) -> None:
    """For the loaders of other libraries: let the pipe of this worker give its part of the items."""
    info = get_worker_info()
    if info is None:
        raise RuntimeError("this is called in a worker of a loader")
    apply_sharding(info.dataset, info.num_workers * world_size, worker_id * world_size + rank_id)
    if worker_init_fn is not None:
        worker_init_fn(worker_id)


def _share_dist_seed(generator: Any, pg: Any) -> int:
    """A seed for the pipes of all processes, of which there is one."""
    return draw_seed(generator)


def _checked_context(context: Any, num_workers: int) -> BaseContext:
    import multiprocessing

    if num_workers == 0:
        raise ValueError(
            f"multiprocessing_context can only be used with multi-process loading "
            f"(num_workers > 0), but got num_workers={num_workers}"
        )
    if isinstance(context, str):
        valid = multiprocessing.get_all_start_methods()
        if context not in valid:
            raise ValueError(
                f"multiprocessing_context option should specify a valid start method in "
                f"{valid!r}, but got multiprocessing_context={context!r}"
            )
        context = multiprocessing.get_context(context)
    if not isinstance(context, multiprocessing.context.BaseContext):
        raise TypeError(
            f"multiprocessing_context option should be a valid context object or a string "
            f"specifying the start method, but got multiprocessing_context={context}"
        )
    return context


def _check_workers(
    num_workers: int, timeout: float, prefetch_factor: int | None, persistent_workers: bool
) -> None:
    if num_workers < 0:
        raise ValueError(
            "num_workers option should be non-negative; use num_workers=0 to disable "
            "multiprocessing."
        )
    if timeout < 0:
        raise ValueError(f"timeout option should be non-negative, got {timeout}")
    if num_workers == 0 and prefetch_factor is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing: "
            "let num_workers > 0 to enable multiprocessing, otherwise set prefetch_factor to None."
        )
    if prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError(f"prefetch_factor option should be non-negative, got {prefetch_factor}")
    if persistent_workers and num_workers == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")


def _check_iterable(shuffle: bool | None, sampler: Any, batch_sampler: Any) -> None:
    given = {"shuffle": shuffle or None, "sampler": sampler, "batch_sampler": batch_sampler}
    for option, value in given.items():
        if value is not None:
            raise ValueError(
                f"DataLoader with IterableDataset: expected unspecified {option} option, but got "
                f"{option}={value}; the order is the dataset's own"
            )


class _BaseDataLoaderIter:
    """One pass over a loader."""

    # Whether there are workers no more, though there should be.
    _ended = False

    def __init__(self, loader: DataLoader[Any]) -> None:
        self._dataset = loader.dataset
        self._share_seed(loader)
        self._dataset_kind = loader._dataset_kind
        self._auto_collation = loader._auto_collation
        self._drop_last = loader.drop_last
        self._index_sampler = loader._index_sampler
        self._num_workers = loader.num_workers
        self._timeout = loader.timeout
        self._collate_fn = loader.collate_fn
        self._persistent_workers = loader.persistent_workers
        # There is no device that reads it.
        self._pin_memory = False
        if loader.pin_memory:
            warn(
                "'pin_memory' argument is set as true but no accelerator is found, then device "
                "pinned memory won't be used."
            )
        self._sampler_iter = iter(self._index_sampler)
        self._base_seed = draw_seed(loader.generator)
        self._start_counting(loader)

    def _share_seed(self, loader: DataLoader[Any]) -> None:
        """Seed the pipes that draw random numbers, alike in all processes."""
        self._shared_seed: int | None = None
        if isinstance(self._dataset, IterDataPipe):
            self._shared_seed = draw_seed(loader.generator)
            apply_random_seed(self._dataset, random.Generator().manual_seed(self._shared_seed))

    def _start_counting(self, loader: DataLoader[Any]) -> None:
        self._num_yielded = 0
        self._IterableDataset_len_called = loader._IterableDataset_len_called

    def _reset(self, loader: DataLoader[Any], first_iter: bool = False) -> None:
        self._sampler_iter = iter(self._index_sampler)
        self._start_counting(loader)
        self._share_seed(loader)

    def __iter__(self) -> _BaseDataLoaderIter:
        return self

    def __next__(self) -> Any:
        data = self._next_data()
        self._num_yielded += 1
        reported = self._IterableDataset_len_called
        if reported is not None and self._num_yielded > reported:
            self._warn_of_length(reported)
        return data

    def _next_index(self) -> Any:
        return next(self._sampler_iter)

    def _next_data(self) -> Any:
        raise NotImplementedError

    def _warn_of_length(self, reported: int) -> None:
        advice = ""
        if self._num_workers > 0:
            advice = (
                "Each worker iterates its own copy of the dataset: use get_worker_info() in "
                "__iter__ to give each its share."
            )
        warn(
            f"Length of IterableDataset {self._dataset} was reported to be "
            f"{reported} (when accessing len(dataloader)), but {self._num_yielded} "
            f"samples have been fetched. {advice}"
        )

    def __len__(self) -> int:
        return len(self._index_sampler)

    def __getstate__(self) -> NoReturn:
        raise NotImplementedError(f"{type(self).__name__} cannot be pickled")


class _SingleProcessDataLoaderIter(_BaseDataLoaderIter):
    """Each batch is made when it is asked for."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)
        if loader.timeout != 0:
            raise AssertionError(
                f"timeout={loader.timeout} needs num_workers > 0: nothing is waited for here"
            )
        self._dataset_fetcher: _BaseDatasetFetcher = _DatasetKind.create_fetcher(
            self._dataset_kind,
            self._dataset,
            self._auto_collation,
            self._collate_fn,
            self._drop_last,
        )

    def _next_data(self) -> Any:
        return self._dataset_fetcher.fetch(self._next_index())


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    """Batches are made ahead by worker processes, which take turns.

    Each item of the sampler is a task with a number. `_order` has the tasks that are sent and not
    yet given out, with their workers; `_outcomes` what has come back.
    """

    def __init__(self, loader: DataLoader[Any]) -> None:
        # Only here: multiprocessing takes as long to import as the whole room.
        import multiprocessing

        from rushlight.utils.data._utils.pool import WorkerPool
        from rushlight.utils.data._utils.worker import End, Job

        super().__init__(loader)
        self._end = End
        if not loader.prefetch_factor:
            raise AssertionError(
                f"prefetch_factor must be greater than 0, got {loader.prefetch_factor}"
            )
        self._max_tasks = loader.prefetch_factor * loader.num_workers
        self._in_order = loader.in_order
        self._prefetch_factor = loader.prefetch_factor
        self._passes = 0
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
            self._shared_seed,
        )
        self._pool.start(loader.multiprocessing_context or multiprocessing.get_context(), job)
        # A second time, as torch does it: a sampler that draws in __iter__ draws twice.
        self._reset(loader, first_iter=True)

    @property
    def _ended(self) -> bool:  # type: ignore[override]
        return self._pool.stopped

    def _reset(self, loader: DataLoader[Any], first_iter: bool = False) -> None:
        super()._reset(loader, first_iter)
        self._passes += 1
        self._pass = self._passes, self._shared_seed
        self._task = 0
        self._order: deque[tuple[int, int]] = deque()
        self._outcomes: dict[int, Any] = {}
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
            if isinstance(outcome, self._end):
                self._live[worker] = False
            self._send_task()
            if isinstance(outcome, ExceptionWrapper):
                outcome.reraise()
            elif not isinstance(outcome, self._end):
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
