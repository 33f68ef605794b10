"""torch.monitor: events and counts that a program reports to whoever listens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any


class Aggregation(Enum):
    """What is made of numbers."""

    VALUE = 0
    MEAN = 1
    COUNT = 2
    SUM = 3
    MAX = 4
    MIN = 5


VALUE, MEAN, COUNT = Aggregation.VALUE, Aggregation.MEAN, Aggregation.COUNT
SUM, MAX, MIN = Aggregation.SUM, Aggregation.MAX, Aggregation.MIN

# What an event that tells of a Stat is called.
STAT_EVENT = "torch.monitor.Stat"

# What an event may hold.
data_value_t = str | float | int | bool


@dataclass
class Event:
    """Something that happened."""

    name: str
    timestamp: datetime
    data: dict[str, Any]


@dataclass
class EventHandlerHandle:
    """A listener that can be taken away."""

    handler: Callable[[Event], None]


_handlers: list[EventHandlerHandle] = []


def register_event_handler(handler: Callable[[Event], None]) -> EventHandlerHandle:
    """Tell handler of each event."""
    handle = EventHandlerHandle(handler)
    _handlers.append(handle)
    return handle


def unregister_event_handler(handle: EventHandlerHandle) -> None:
    """Tell it no more."""
    _handlers.remove(handle)


def log_event(event: Event) -> None:
    """Tell all that listen."""
    for handle in list(_handlers):
        handle.handler(event)


_MADE: dict[Aggregation, Callable[[list[float]], float]] = {
    Aggregation.VALUE: lambda v: v[-1],
    Aggregation.MEAN: lambda v: sum(v) / len(v),
    Aggregation.COUNT: lambda v: float(len(v)),
    Aggregation.SUM: sum,
    Aggregation.MAX: max,
    Aggregation.MIN: min,
}


@dataclass
class Stat:
    """Numbers, and what is made of them.

    >>> stat = Stat("losses", [Aggregation.SUM, Aggregation.COUNT], 10)
    >>> stat.add(2.0)
    >>> stat.get()
    {<Aggregation.SUM: 3>: 2.0, <Aggregation.COUNT: 2>: 1.0}
    """

    name: str
    aggregations: list[Aggregation]
    max_samples: int = 1 << 60
    _values: list[float] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many numbers there are."""
        return len(self._values)

    def add(self, v: float) -> None:
        """Add a number."""
        self._values.append(v)

    def get(self) -> dict[Aggregation, float]:
        """What is made of them so far."""
        return {
            kind: _MADE[kind](self._values) if self._values else 0.0 for kind in self.aggregations
        }


class TensorboardEventHandler:
    """Writes what events of numbers tell to a SummaryWriter: `register_event_handler(TensorboardEventHandler(w))`."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def __call__(self, event: Event) -> None:
        """Tell of one event."""
        if event.name != STAT_EVENT:
            return
        when = event.timestamp.timestamp()
        for name, value in event.data.items():
            self._writer.add_scalar(name, value, walltime=when)
