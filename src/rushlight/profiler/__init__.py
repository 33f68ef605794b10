"""torch.profiler: how long operations take, and blocks that programs name."""

from rushlight.profiler import profiler
from rushlight.profiler.events import EventList, FunctionEvent, record_function
from rushlight.profiler.profiler import (
    DeviceType,
    ExecutionTraceObserver,
    ProfilerAction,
    ProfilerActivity,
    kineto_available,
    profile,
    schedule,
    supported_activities,
    tensorboard_trace_handler,
)

__all__ = [
    "DeviceType", "EventList", "ExecutionTraceObserver", "FunctionEvent", "ProfilerAction", "ProfilerActivity",
    "kineto_available", "profile", "profiler", "record_function", "schedule", "supported_activities",
    "tensorboard_trace_handler",
]  # fmt: skip
