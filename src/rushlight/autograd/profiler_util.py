"""torch.autograd.profiler_util: where torch keeps the classes of events."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

from rushlight.profiler.events import (
    MEMORY_EVENT_NAME,
    DeviceType,
    EventList,
    FunctionEvent,
    FunctionEventAvg,
    Interval,
)

__all__ = [
    "MEMORY_EVENT_NAME", "DeviceType", "EnforceUnique", "EventList", "FunctionEvent", "FunctionEventAvg", "Interval",
    "MemRecordsAcc",
]  # fmt: skip


class EnforceUnique:
    """Raises where a key comes a second time."""

    def __init__(self) -> None:
        self.seen: set[tuple[Any, ...]] = set()

    def see(self, *key: Any) -> None:
        """Tell of one."""
        if key in self.seen:
            raise RuntimeError("duplicate key: " + str(key))
        self.seen.add(key)


class MemRecordsAcc:
    """Records of memory by when they were made."""

    def __init__(self, mem_records: Sequence[Any]) -> None:
        self._records = sorted(mem_records, key=lambda record: record[0].start_ns())
        self._starts = [record[0].start_ns() for record in self._records]

    def in_interval(self, start_ns: int, end_ns: int) -> Iterator[Any]:
        """Those from start_ns to end_ns."""
        first, last = bisect_left(self._starts, start_ns), bisect_right(self._starts, end_ns)
        yield from self._records[first:last]
