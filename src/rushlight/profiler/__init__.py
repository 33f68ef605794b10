"""torch.profiler: how long operations take, and blocks that programs name."""

from rushlight.profiler import profiler
from rushlight.profiler.events import DeviceType, EventList, FunctionEvent, FunctionEventAvg
from rushlight.profiler.profiler import (
    ExecutionTraceObserver,
    ProfilerAction,
    ProfilerActivity,
    _ExperimentalConfig,
    _KinetoProfile,
    kineto_available,
    profile,
    schedule,
    supported_activities,
    tensorboard_trace_handler,
)
from rushlight.profiler.watch import record_function

__all__ = [
    "DeviceType", "EventList", "ExecutionTraceObserver", "FunctionEvent", "FunctionEventAvg", "ProfilerAction",
    "ProfilerActivity", "_ExperimentalConfig", "_KinetoProfile", "kineto_available", "profile", "profiler",
    "record_function", "schedule", "supported_activities", "tensorboard_trace_handler",
]  # fmt: skip
