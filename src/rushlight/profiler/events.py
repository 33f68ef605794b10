"""What was measured: the operations, through the door that they all pass, and the blocks that a program names."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable
from typing import Any

from rushlight.core.doors import Interpreter


class FunctionEvent:
    """An operation or a block that ran, or several of a name: times in microseconds."""

    def __init__(self, name: str, start: float, end: float, depth: int = 0) -> None:
        self.name = self.key = name
        self.start, self.end, self.depth = start, end, depth
        self.count = 1
        self.cpu_time_total = (end - start) * 1e6
        self.self_cpu_time_total = self.cpu_time_total
        self.device_time_total = self.self_device_time_total = self.cuda_time_total = 0.0
        self.cpu_memory_usage = self.self_cpu_memory_usage = 0
        self.device_memory_usage = self.flops = 0
        self.input_shapes: list[Any] = []
        self.stack: list[str] = []

    @property
    def cpu_time(self) -> float:
        """The mean time."""
        return self.cpu_time_total / self.count

    @property
    def cpu_time_str(self) -> str:
        """The mean time in words."""
        return f"{self.cpu_time:.3f}us"

    def __repr__(self) -> str:
        return f"<FunctionEventAvg key={self.key} self_cpu_time={self.self_cpu_time_total:.3f}us count={self.count}>"


class EventList(list[Any]):
    """Events, and tables of them."""

    @property
    def self_cpu_time_total(self) -> float:
        """The time of all, each counted once."""
        return float(sum(event.self_cpu_time_total for event in self))

    def key_averages(self, *args: Any, **options: Any) -> EventList:
        """One event for each name."""
        found: dict[str, FunctionEvent] = {}
        for event in self:
            known = found.get(event.name)
            if known is None:
                known = found[event.name] = FunctionEvent(event.name, 0.0, 0.0)
                known.count = 0
            known.count += event.count
            known.cpu_time_total += event.cpu_time_total
            known.self_cpu_time_total += event.self_cpu_time_total
        return EventList(found.values())

    def total_average(self) -> FunctionEvent:
        """All events as one."""
        total = FunctionEvent("Total", 0.0, 0.0)
        total.count = sum(event.count for event in self)
        total.cpu_time_total = sum(event.cpu_time_total for event in self)
        total.self_cpu_time_total = self.self_cpu_time_total
        return total

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        header: str | None = None,
        **options: Any,
    ) -> str:
        """The events in lines, the longest names first in the columns that torch has for a CPU."""
        events: Iterable[Any] = self
        if sort_by is not None:
            events = sorted(self, key=lambda event: getattr(event, sort_by, 0), reverse=True)
        rows = [
            (
                e.key,
                f"{e.self_cpu_time_total:.3f}us",
                f"{e.cpu_time_total:.3f}us",
                f"{e.cpu_time:.3f}us",
                str(e.count),
            )
            for e in list(events)[: row_limit if row_limit >= 0 else None]
        ]
        heads = ("Name", "Self CPU", "CPU total", "CPU time avg", "# of Calls")
        widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
        rule = "  ".join("-" * width for width in widths)
        lines = [
            "  ".join(word.rjust(width) for word, width in zip(row, widths, strict=True))
            for row in [heads, *rows]
        ]
        total = f"Self CPU time total: {self.self_cpu_time_total:.3f}us"
        return "\n".join(
            [*([header] if header else []), rule, lines[0], rule, *lines[1:], rule, total, ""]
        )

    def __str__(self) -> str:
        return self.table()


class Watch(Interpreter):
    """Measures each operation."""

    def __init__(self) -> None:
        self.events = EventList()
        self.open: list[float] = []

    def apply(self, row: Any, inputs: Any, static: Any) -> Any:
        """Run a row, and take the time."""
        return self.timed(
            f"aten::{row.name}", lambda: super(Watch, self).apply(row, inputs, static)
        )

    def timed(self, name: str, run: Callable[[], Any]) -> Any:
        """Run, and take the time."""
        start = self.begin()
        try:
            return run()
        finally:
            self.finish(name, start)

    def begin(self) -> float:
        """Something begins: the time that is spent in others within it is counted."""
        self.open.append(0.0)
        return time.perf_counter()

    def finish(self, name: str, start: float) -> None:
        """It ends."""
        end = time.perf_counter()
        event = FunctionEvent(name, start, end, len(self.open) - 1)
        event.self_cpu_time_total -= self.open.pop() * 1e6
        if self.open:
            self.open[-1] += end - start
        self.events.append(event)


# Who measures now.
watches: list[Watch] = []


class record_function:
    """A block, or a function, that goes by a name in the profile."""

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name, self.args = name, args

    def __enter__(self) -> record_function:
        self._starts = [(watch, watch.begin()) for watch in watches]
        return self

    def __exit__(self, *exception: Any) -> None:
        for watch, start in self._starts:
            watch.finish(self.name, start)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, each call under the name."""

        @functools.wraps(function)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name, self.args):
                return function(*args, **kwargs)

        return recorded
