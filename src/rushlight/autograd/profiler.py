"""torch.autograd.profiler: the older names of torch.profiler."""

from __future__ import annotations

from typing import Any

from rushlight.absent import refused
from rushlight.profiler import events, profiler
from rushlight.profiler.events import EventList, FunctionEvent, record_function

__all__ = [
    "EventList", "FunctionEvent", "KinetoStepTracker", "emit_itt", "emit_nvtx", "load_nvprof", "parse_nvprof_trace",
    "profile", "record_function",
]  # fmt: skip

_GPU = "it marks the work of a GPU; use torch.profiler"
emit_itt = refused("emit_itt", _GPU, __name__)
emit_nvtx = refused("emit_nvtx", _GPU, __name__)
load_nvprof = refused("load_nvprof", _GPU, __name__)
parse_nvprof_trace = refused("parse_nvprof_trace", _GPU, __name__)


class profile(profiler.profile):
    """Measures the operations in a block; an iterable of what was measured."""

    def __init__(self, enabled: bool = True, **options: Any) -> None:
        super().__init__()
        self.enabled = enabled

    def __enter__(self) -> profile:
        if self.enabled:
            self.start()
        return self

    @property
    def function_events(self) -> EventList:
        """What was measured, in order."""
        return self.events()

    def total_average(self) -> FunctionEvent:
        """All events as one."""
        return self.events().total_average()

    def table(self, *args: Any, **options: Any) -> str:
        """What was measured, in lines."""
        return self.key_averages().table(*args, **options)

    @property
    def self_cpu_time_total(self) -> float:
        """The time of all."""
        return self.events().self_cpu_time_total

    def __str__(self) -> str:
        return self.table()


class KinetoStepTracker:
    """Counts the steps of those that profile."""

    current = 0

    @classmethod
    def init_step_count(cls, requester: str) -> None:
        """Accepted."""

    @classmethod
    def increment_step(cls, requester: str) -> int:
        """The next step."""
        cls.current += 1
        return cls.current

    @classmethod
    def current_step(cls) -> int:
        """The step."""
        return cls.current


def _profiler_enabled() -> bool:
    return bool(events.watches)
