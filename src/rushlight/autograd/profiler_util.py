"""torch.autograd.profiler_util: where torch keeps the classes of events."""

from rushlight.profiler.events import (
    MEMORY_EVENT_NAME,
    DeviceType,
    EventList,
    FunctionEvent,
    FunctionEventAvg,
    Interval,
)

__all__ = [
    "MEMORY_EVENT_NAME", "DeviceType", "EventList", "FunctionEvent", "FunctionEventAvg", "Interval",
]  # fmt: skip
