"""torch.autograd.profiler: the older names of torch.profiler."""

from __future__ import annotations

from typing import Any

from rushlight.absent import refused
from rushlight.autograd.profiler_util import EnforceUnique, MemRecordsAcc
from rushlight.profiler import profiler
from rushlight.profiler.events import DeviceType, EventList, FunctionEvent, FunctionEventAvg
from rushlight.profiler.profiler import ProfilerActivity, _ExperimentalConfig, kineto_available
from rushlight.profiler.watch import record_function, watches

__all__ = [
    "DeviceType",
    "EnforceUnique",
    "EventList",
    "FunctionEvent",
    "FunctionEventAvg",
    "KinetoStepTracker",
    "MemRecordsAcc",
    "ProfilerActivity",
    "_ExperimentalConfig",
    "emit_itt",
    "emit_nvtx",
    "kineto_available",
    "load_nvprof",
    "parse_nvprof_trace",
    "profile",
    "record_function",
]  # fmt: skip

_GPU = "it reads what a tool for GPUs has written; use torch.profiler"
load_nvprof = refused("load_nvprof", _GPU, __name__)
parse_nvprof_trace = refused("parse_nvprof_trace", _GPU, __name__)


class profile(profiler._KinetoProfile):
    """Measures the operations in a block; what was measured, itself.

    >>> import rushlight as torch
    >>> with torch.autograd.profiler.profile() as measured:
    ...     x = torch.ones(2).exp()
    >>> [event.name for event in measured.function_events if "exp" in event.name]
    ['aten::exp']
    """

    def __init__(
        self, enabled: bool = True, *, use_cuda: bool = False, use_device: str | None = None,
        record_shapes: bool = False, with_flops: bool = False, profile_memory: bool = False,
        with_stack: bool = False, with_modules: bool = False, use_kineto: bool = False, use_cpu: bool = True,
        experimental_config: Any = None, acc_events: bool = False,
        custom_trace_id_callback: Any = None, **others: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            record_shapes=record_shapes, with_flops=with_flops, profile_memory=profile_memory,
            with_stack=with_stack, with_modules=with_modules, experimental_config=experimental_config,
            acc_events=acc_events, custom_trace_id_callback=custom_trace_id_callback,
        )  # fmt: skip
        self.enabled, self.entered = enabled, False
        self.use_device, self.use_cpu = use_device, use_cpu
        if enabled:
            self.prepare_trace()

    def __enter__(self) -> profile | None:
        if not self.enabled:
            return None
        if self.entered:
            raise RuntimeError("Profiler context manager is not reentrant")
        self.entered = True
        self.start_trace()
        return self

    def __exit__(self, *exception: Any) -> None:
        if self.enabled:
            self.stop_trace()

    def __repr__(self) -> str:
        if self._events is None:
            return "<disabled torch.autograd.profiler.profile>"
        return repr(self._events)

    def __str__(self) -> str:
        if self._events is None:
            return "<disabled torch.autograd.profiler.profile>"
        return str(self._events)

    @property
    def function_events(self) -> EventList:
        """What was measured, in order."""
        return self.events()

    @property
    def self_cpu_time_total(self) -> float:
        """The time of all, each counted once."""
        return self.events().self_cpu_time_total

    def total_average(self) -> FunctionEventAvg:
        """All events as one."""
        return self.events().total_average()

    def table(self, *args: Any, **options: Any) -> str:
        """What was measured, in lines."""
        return self.events().table(*args, **options)


class _Marks:
    """Marks for a tool that watches a device: without them, a block that does nothing."""

    device = ""

    def __init__(self, enabled: bool = True, record_shapes: bool = False) -> None:
        self.enabled, self.record_shapes = enabled, record_shapes

    def __enter__(self) -> _Marks | None:
        if not self.enabled:
            return None
        raise AssertionError(f"Torch not compiled with {self.device} enabled: use torch.profiler")

    def __exit__(self, *exception: Any) -> None:
        pass


class emit_nvtx(_Marks):
    """Marks for NVIDIA's tools; with enabled=False nothing is done."""

    device = "CUDA"


class emit_itt(_Marks):
    """Marks for Intel's tools; with enabled=False nothing is done."""

    device = "ITT"


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
    return bool(watches)
