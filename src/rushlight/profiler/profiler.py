"""`profile`: the block whose operations are measured, and the schedule of its steps."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from rushlight.profiler.events import EventList, Watch, watches


class ProfilerActivity(Enum):
    """What is measured: here the CPU."""

    CPU = 0
    XPU = 1
    MTIA = 3
    CUDA = 2
    HPU = 4
    PrivateUse1 = 5


class DeviceType(Enum):
    """Where something ran."""

    CPU = 0
    CUDA = 1


class ProfilerAction(Enum):
    """What is done in a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


def supported_activities() -> set[ProfilerActivity]:
    """The CPU."""
    return {ProfilerActivity.CPU}


def kineto_available() -> bool:
    """True: the block can be used."""
    return True


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0,
    **options: Any,
) -> Callable[[int], ProfilerAction]:  # fmt: skip
    """What is done in which step: wait, warm up, record, and again.

    >>> plan = schedule(wait=1, warmup=1, active=2, repeat=1)
    >>> [plan(step).name for step in range(5)]
    ['NONE', 'WARMUP', 'RECORD', 'RECORD_AND_SAVE', 'NONE']
    """

    def action(step: int) -> ProfilerAction:
        if step < 0:
            raise AssertionError(f"step={step}: steps are counted from 0")
        if step < skip_first:
            return ProfilerAction.NONE
        step -= skip_first
        if skip_first_wait:
            step += wait
        cycle = wait + warmup + active
        if repeat > 0 and step // cycle >= repeat:
            return ProfilerAction.NONE
        place = step % cycle
        if place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD if place < cycle - 1 else ProfilerAction.RECORD_AND_SAVE

    return action


def _default_schedule_fn(_: int) -> ProfilerAction:
    return ProfilerAction.RECORD


class profile:
    """Measures the operations in a block.

    >>> import rushlight as torch
    >>> with profile() as measured:
    ...     x = torch.ones(2).exp()
    >>> [event.key for event in measured.key_averages()]
    ['aten::exp']
    """

    def __init__(
        self,
        *,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[..., Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        **options: Any,
    ) -> None:
        self.activities = set(activities) if activities else supported_activities()
        self.schedule = schedule or _default_schedule_fn
        self._scheduled = schedule is not None
        self.on_trace_ready = on_trace_ready
        self.step_num = 0
        self._watch: Watch | None = None
        self._events = EventList()

    @property
    def current_action(self) -> ProfilerAction:
        """What is done in this step."""
        return self.schedule(self.step_num)

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        self.stop()

    def start(self) -> None:
        """Begin."""
        self._follow(self.current_action)

    def stop(self) -> None:
        """End, and hand over what was recorded."""
        recorded = self._watch is not None
        self._follow(ProfilerAction.NONE)
        if recorded and self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def step(self) -> None:
        """The next step of the schedule."""
        before = self.current_action
        self.step_num += 1
        if before is ProfilerAction.RECORD_AND_SAVE:
            self._follow(ProfilerAction.NONE)
            if self.on_trace_ready is not None:
                self.on_trace_ready(self)
        self._follow(self.current_action)

    def _follow(self, action: ProfilerAction) -> None:
        recording = action in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)
        if recording and self._watch is None:
            self._watch = Watch()
            watches.append(self._watch)
            self._watch.__enter__()
        elif not recording and self._watch is not None:
            watches.remove(self._watch)
            self._watch.__exit__()
            self._events, self._watch = self._watch.events, None

    def events(self) -> EventList:
        """What was measured, in order."""
        return self._events if self._watch is None else self._watch.events

    def key_averages(self, *args: Any, **options: Any) -> EventList:
        """One event for each name."""
        return self.events().key_averages()

    def export_chrome_trace(self, path: str) -> None:
        """Write what was measured as a file that chrome://tracing shows."""
        trace = [
            {"name": e.name, "ph": "X", "ts": e.start * 1e6, "dur": e.cpu_time_total, "pid": os.getpid(), "tid": 0}
            for e in self.events()
        ]  # fmt: skip
        with open(path, "w") as file:
            json.dump({"traceEvents": trace}, file)

    def export_stacks(self, path: str, metric: str = "self_cpu_time_total") -> None:
        """Write the names and their times."""
        with open(path, "w") as file:
            file.writelines(f"{e.key} {int(getattr(e, metric))}\n" for e in self.key_averages())

    def add_metadata(self, key: str, value: str) -> None:
        """Accepted."""

    add_metadata_json = preset_metadata_json = add_metadata

    def toggle_collection_dynamic(self, enable: bool, activities: Any) -> None:
        """Accepted."""


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[profile], None]:
    """What writes each recording into a folder, for `on_trace_ready`."""

    def handler(recorded: profile) -> None:
        os.makedirs(dir_name, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        recorded.export_chrome_trace(
            os.path.join(dir_name, f"{worker}.{time.time_ns()}.pt.trace.json")
        )

    return handler


class ExecutionTraceObserver:
    """Writes the operations of a program into a file: registered, and silent."""

    def register_callback(self, output_file_path: str) -> ExecutionTraceObserver:
        """Accepted."""
        return self

    def unregister_callback(self) -> None:
        """Accepted."""

    def start(self) -> None:
        """Accepted."""

    def stop(self) -> None:
        """Accepted."""
