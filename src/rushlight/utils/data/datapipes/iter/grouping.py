"""Items in batches, out of batches, and in groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sized
from typing import Any

from rushlight.utils.data.datapipes._decorator import functional_datapipe
from rushlight.utils.data.datapipes.datapipe import (
    DataChunk,
    IterDataPipe,
    no_length,
    warn_of_lambdas,
)

__all__ = ["BatcherIterDataPipe", "GrouperIterDataPipe", "UnBatcherIterDataPipe"]


@functional_datapipe("batch")
class BatcherIterDataPipe(IterDataPipe[DataChunk[Any]]):
    """Lists of batch_size items; the last may be shorter, or is left out."""

    def __init__(
        self, datapipe: IterDataPipe[Any], batch_size: int, drop_last: bool = False,
        wrapper_class: Any = DataChunk,
    ) -> None:  # fmt: skip
        if batch_size <= 0:
            raise AssertionError("Batch size is required to be larger than 0!")
        super().__init__()
        self.datapipe = datapipe
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.wrapper_class = wrapper_class

    def __iter__(self) -> Iterator[Any]:
        batch: list[Any] = []
        for item in self.datapipe:
            batch.append(item)
            if len(batch) == self.batch_size:
                yield self.wrapper_class(batch)
                batch = []
        if batch and not self.drop_last:
            yield self.wrapper_class(batch)

    def __len__(self) -> int:
        if not isinstance(self.datapipe, Sized):
            raise no_length(self)
        count = len(self.datapipe)
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)


@functional_datapipe("unbatch")
class UnBatcherIterDataPipe(IterDataPipe[Any]):
    """The items of lists, so many levels down; -1: of all."""

    def __init__(self, datapipe: IterDataPipe[Any], unbatch_level: int = 1) -> None:
        self.datapipe = datapipe
        self.unbatch_level = unbatch_level

    def __iter__(self) -> Iterator[Any]:
        for item in self.datapipe:
            yield from self._dive(item, self.unbatch_level)

    def _dive(self, element: Any, unbatch_level: int) -> Iterator[Any]:
        if unbatch_level < -1:
            raise ValueError("unbatch_level must be -1 or >= 0")
        listed = isinstance(element, list | DataChunk)
        if unbatch_level == 0 or (unbatch_level == -1 and not listed):
            yield element
        elif not listed:
            raise IndexError(
                f"unbatch_level {self.unbatch_level} exceeds the depth of the DataPipe"
            )
        else:
            for part in element:
                yield from self._dive(part, max(unbatch_level - 1, -1) if unbatch_level > 0 else -1)


@functional_datapipe("groupby")
class GrouperIterDataPipe(IterDataPipe[DataChunk[Any]]):
    """Items with the same key together, as soon as there are group_size, or when the buffer is full."""

    def __init__(
        self, datapipe: IterDataPipe[Any], group_key_fn: Callable[[Any], Any], *, keep_key: bool = False,
        buffer_size: int = 10000, group_size: int | None = None, guaranteed_group_size: int | None = None,
        drop_remaining: bool = False,
    ) -> None:  # fmt: skip
        warn_of_lambdas(group_key_fn)
        self.datapipe = datapipe
        self.group_key_fn = group_key_fn
        self.keep_key = keep_key
        self.max_buffer_size = buffer_size
        self.group_size = group_size
        self.guaranteed_group_size = group_size if buffer_size is not None else None
        if group_size is not None and buffer_size is not None and not 0 < group_size <= buffer_size:
            raise AssertionError("group_size must be > 0 and <= buffer_size")
        if guaranteed_group_size is not None:
            if group_size is None or not 0 < guaranteed_group_size <= group_size:
                raise AssertionError(
                    "guaranteed_group_size must be > 0 and <= group_size and group_size must be set"
                )
            self.guaranteed_group_size = guaranteed_group_size
        self.drop_remaining = drop_remaining
        self.wrapper_class = DataChunk
        self.reset()

    def __iter__(self) -> Iterator[Any]:
        groups = self.buffer_elements
        for item in self.datapipe:
            key = self.group_key_fn(item)
            groups[key].append(item)
            if self.group_size is not None and self.group_size == len(groups[key]):
                yield self._taken(key)
            if sum(map(len, groups.values())) == self.max_buffer_size:
                largest = max(groups, key=lambda k: len(groups[k]))
                enough = self.guaranteed_group_size
                if enough is None or len(groups[largest]) >= enough:
                    yield self._taken(largest)
                elif self.drop_remaining:
                    del groups[largest]
                else:
                    raise RuntimeError("Failed to group items", str(groups[largest]))
        for key in tuple(groups):
            yield self._taken(key)

    def _taken(self, key: Any) -> Any:
        group: Any = self.wrapper_class(self.buffer_elements.pop(key))
        return (key, group) if self.keep_key else group

    def reset(self) -> None:
        """An empty buffer."""
        self.buffer_elements: defaultdict[Any, list[Any]] = defaultdict(list)
