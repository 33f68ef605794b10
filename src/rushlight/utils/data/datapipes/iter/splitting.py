"""One pipe as several: each gets all items, or a function says which."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from rushlight.errors import warn
from rushlight.utils.data.datapipes._decorator import functional_datapipe
from rushlight.utils.data.datapipes.datapipe import IterDataPipe, no_length, warn_of_lambdas

__all__ = ["DemultiplexerIterDataPipe", "ForkerIterDataPipe"]


@functional_datapipe("fork")
class ForkerIterDataPipe(IterDataPipe[Any]):
    """num_instances pipes, each with all items; at most buffer_size are kept for the slowest."""

    def __new__(
        cls,
        datapipe: IterDataPipe[Any],
        num_instances: int,
        buffer_size: int = 1000,
        copy: str | None = None,
    ) -> Any:
        """The pipes, which are not of this class."""
        _need_some(num_instances)
        if num_instances == 1:
            return datapipe
        shared = _ForkerIterDataPipe(datapipe, num_instances, buffer_size, copy)
        return [_ChildDataPipe(shared, i) for i in range(num_instances)]


@functional_datapipe("demux")
class DemultiplexerIterDataPipe(IterDataPipe[Any]):
    """num_instances pipes; classifier_fn gives the number of the one that gets an item, or None."""

    def __new__(
        cls, datapipe: IterDataPipe[Any], num_instances: int, classifier_fn: Callable[[Any], int | None],
        drop_none: bool = False, buffer_size: int = 1000,
    ) -> Any:  # fmt: skip
        """The pipes, which are not of this class."""
        _need_some(num_instances)
        warn_of_lambdas(classifier_fn)
        shared = _DemultiplexerIterDataPipe(
            datapipe, num_instances, classifier_fn, drop_none, buffer_size
        )
        return [_ChildDataPipe(shared, i) for i in range(num_instances)]


def _need_some(num_instances: int) -> None:
    if num_instances < 1:
        raise ValueError(f"Expected `num_instances` larger than 0, but {num_instances} is found")


def _warn_of_no_limit(buffer_size: int) -> None:
    if buffer_size < 0:
        warn("Unlimited buffer size is set, please be aware of OOM risks")


class _Shared(IterDataPipe[Any]):
    """What the pipes that come of one share: its iterator, and what waits for the others."""

    main_datapipe: IterDataPipe[Any]
    num_instances: int

    def _start(self) -> None:
        self._datapipe_iterator: Any = None
        self._child_stop = [True] * self.num_instances

    def _open(self, instance_id: int) -> None:
        if self._datapipe_iterator is None and self._child_stop[instance_id]:
            self._datapipe_iterator = iter(self.main_datapipe)
            self._child_stop = [False] * self.num_instances

    def get_next_element_by_instance(self, instance_id: int) -> Iterator[Any]:
        """The items for one of them."""
        raise NotImplementedError

    def get_length_by_instance(self, instance_id: int) -> int:
        """How many items it gets."""
        raise NotImplementedError

    def is_every_instance_exhausted(self) -> bool:
        """Whether all are through."""
        return self._datapipe_iterator is None and all(self._child_stop)


class _ForkerIterDataPipe(_Shared):
    def __init__(
        self, datapipe: Any, num_instances: int, buffer_size: int = 1000, copy: str | None = None
    ) -> None:
        self.main_datapipe = datapipe
        self.num_instances = num_instances
        self.buffer_size = buffer_size
        if copy not in (None, "shallow", "deep"):
            raise ValueError(
                f"Unknown copy method `{copy}` requested, choose one of None, `shallow` or `deep`."
            )
        self._copy = copy
        _warn_of_no_limit(buffer_size)
        self._clear()
        self._start()

    def _clear(self) -> None:
        # Items that not all have had, the number of the first of them, and how many each has had.
        self.buffer: deque[Any] = deque()
        self.first = 0
        self.taken = [0] * self.num_instances
        self.end: int | None = None

    def __len__(self) -> int:
        return len(self.main_datapipe)

    def get_length_by_instance(self, instance_id: int) -> int:
        return len(self)

    def get_next_element_by_instance(self, instance_id: int) -> Iterator[Any]:
        self._open(instance_id)
        try:
            while not self._child_stop[instance_id]:
                place = self.taken[instance_id]
                if place == self.end or not self._fill(place):
                    break
                item = self.buffer[place - self.first]
                self.taken[instance_id] += 1
                if min(self.taken) > self.first:
                    self.buffer.popleft()
                    self.first += 1
                if 0 <= self.buffer_size < max(self.taken) - self.first:
                    raise BufferError(
                        f"ForkerIterDataPipe buffer overflow,buffer size {self.buffer_size} is insufficient."
                    )
                yield self._copied(item)
        finally:
            self._child_stop[instance_id] = True
            if all(self._child_stop):
                self._datapipe_iterator = None
                self._clear()

    def _fill(self, place: int) -> bool:
        """Whether there is an item at that place, which may have to be asked for."""
        if place < self.first + len(self.buffer):
            return True
        try:
            self.buffer.append(next(self._datapipe_iterator))
        except StopIteration:
            self.end = place
            return False
        return True

    def _copied(self, item: Any) -> Any:
        if self._copy is None:
            return item
        return copy.copy(item) if self._copy == "shallow" else copy.deepcopy(item)

    def reset(self) -> None:
        """Nothing kept, nobody begun."""
        self._clear()
        self._start()


class _DemultiplexerIterDataPipe(_Shared):
    def __init__(
        self, datapipe: Any, num_instances: int, classifier_fn: Callable[[Any], int | None], drop_none: bool,
        buffer_size: int,
    ) -> None:  # fmt: skip
        self.main_datapipe = datapipe
        self.num_instances = num_instances
        self.buffer_size = buffer_size
        self.classifier_fn = classifier_fn
        self.drop_none = drop_none
        _warn_of_no_limit(buffer_size)
        self.reset()

    def reset(self) -> None:
        """Nothing kept, nobody begun."""
        self._start()
        self.buffers: list[deque[Any]] = [deque() for _ in range(self.num_instances)]
        self.main_datapipe_exhausted = False

    def get_length_by_instance(self, instance_id: int) -> int:
        raise TypeError

    def get_next_element_by_instance(self, instance_id: int) -> Iterator[Any]:
        self._open(instance_id)
        own = self.buffers[instance_id]
        try:
            while not self._child_stop[instance_id]:
                if own:
                    yield own.popleft()
                    continue
                try:
                    item = self._find_next(instance_id)
                except StopIteration:
                    self.main_datapipe_exhausted = True
                    self._datapipe_iterator = None
                    break
                yield item
        finally:
            self._child_stop[instance_id] = True
            if all(self._child_stop):
                self._datapipe_iterator = None
                for buffer in self.buffers:
                    buffer.clear()

    def _find_next(self, instance_id: int) -> Any:
        while True:
            if self.main_datapipe_exhausted or self._datapipe_iterator is None:
                raise StopIteration
            item = next(self._datapipe_iterator)
            number = self.classifier_fn(item)
            if number is None and self.drop_none:
                continue
            if number is None or not 0 <= number < self.num_instances:
                raise ValueError(
                    f"Output of the classification fn should be between 0 and {self.num_instances - 1}. {number} "
                    "is returned."
                )
            if number == instance_id:
                return item
            self.buffers[number].append(item)
            if 0 <= self.buffer_size < sum(map(len, self.buffers)):
                raise BufferError(
                    f"DemultiplexerIterDataPipe buffer overflow, buffer size {self.buffer_size} is insufficient."
                )


class _ChildDataPipe(IterDataPipe[Any]):
    """One of the pipes that a pipe was split into."""

    _is_child_datapipe = True

    def __init__(self, main_datapipe: _Shared, instance_id: int) -> None:
        self.main_datapipe = main_datapipe
        self.instance_id = instance_id

    def __iter__(self) -> Iterator[Any]:
        return self.main_datapipe.get_next_element_by_instance(self.instance_id)

    def __len__(self) -> int:
        try:
            return self.main_datapipe.get_length_by_instance(self.instance_id)
        except TypeError:
            raise no_length(self) from None

    def _set_main_datapipe_valid_iterator_id(self) -> int:
        """All of them begin a pass together: who begins a second time begins the next one for all."""
        main = self.main_datapipe
        if main._valid_iterator_id is None:
            main._valid_iterator_id = 0
        elif self._valid_iterator_id == main._valid_iterator_id:
            main._valid_iterator_id += 1
            if not main.is_every_instance_exhausted():
                warn(
                    "Some child DataPipes are not exhausted when __iter__ is called. We are resetting the buffer "
                    "and each child DataPipe will read from the start again."
                )
            main.reset()
        self._valid_iterator_id = main._valid_iterator_id
        return self._valid_iterator_id

    def _check_valid_iterator_id(self, iterator_id: int) -> bool:
        return iterator_id == self._valid_iterator_id == self.main_datapipe._valid_iterator_id
