"""`profile`: the block whose operations are measured, and the schedule of its steps."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from rushlight.errors import warn
from rushlight.profiler import places, trace, tree
from rushlight.profiler.events import EventList
from rushlight.profiler.watch import Watch, record_function


class ProfilerActivity(Enum):
    """What is measured: here the CPU."""

    CPU = 0
    XPU = 1
    MTIA = 4
    CUDA = 2
    HPU = 3
    PrivateUse1 = 5

    def __repr__(self) -> str:
        return f"<{self}: {self.value}>"


class ProfilerAction(Enum):
    """What is done in a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3
    DEVICE_STOPPED = 4


class _ExperimentalConfig:
    """Settings of torch's own machinery, accepted; overload names are those of operations without any."""

    def __init__(self, **options: Any) -> None:
        vars(self).update(options)


def supported_activities() -> set[ProfilerActivity]:
    """The CPU."""
    return {ProfilerActivity.CPU}


def kineto_available() -> bool:
    """True: the block can be used."""
    return True


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
) -> Callable[[int], ProfilerAction]:  # fmt: skip
    """What is done in which step: wait, warm up, record, and again (repeat times, or for ever).

    >>> plan = schedule(wait=1, warmup=1, active=2, repeat=1)
    >>> [plan(step).name for step in range(5)]
    ['NONE', 'WARMUP', 'RECORD', 'RECORD_AND_SAVE', 'NONE']
    """

    def schedule_fn(step: int) -> ProfilerAction:
        if step < 0:
            raise AssertionError(f"Step must be non-negative. Got {step}.")
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

    if wait < 0 or warmup < 0 or active <= 0 or repeat < 0 or skip_first < 0:
        raise AssertionError(
            f"Invalid profiler schedule arguments. Got wait={wait} (need >= 0), warmup={warmup} (need >= 0), "
            f"active={active} (need > 0), repeat={repeat} (need >= 0), skip_first={skip_first} (need >= 0)."
        )
    if warmup == 0:
        warn("Profiler won't be using warmup, this can skew profiler results")
    return schedule_fn


def _default_schedule_fn(_: int) -> ProfilerAction:
    return ProfilerAction.RECORD


def _checked(activities: Iterable[Any] | None) -> set[ProfilerActivity]:
    """The activities that are known; a dict names some of the work of one."""
    if activities is None:
        return supported_activities()
    found: set[ProfilerActivity] = set()
    for activity in activities:
        found.update(activity if isinstance(activity, dict) else [activity])
    known = {activity for activity in found if isinstance(activity, ProfilerActivity)}
    if not known:
        raise AssertionError("No valid profiler activities found")
    return known


class _KinetoProfile:
    """What is measured between `start` and `stop`, without a schedule."""

    def __init__(
        self,
        *,
        activities: Iterable[Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        experimental_config: Any = None,
        execution_trace_observer: Any = None,
        acc_events: bool = False,
        custom_trace_id_callback: Callable[[], str] | None = None,
        post_processing_timeout_s: float | None = None,
    ) -> None:
        self.activities = _checked(activities)
        self.record_shapes, self.profile_memory = record_shapes, profile_memory
        self.with_stack, self.with_flops, self.with_modules = with_stack, with_flops, with_modules
        self.experimental_config, self.acc_events = experimental_config, acc_events
        self.execution_trace_observer = execution_trace_observer
        self.custom_trace_id_callback = custom_trace_id_callback
        self.post_processing_timeout_s = post_processing_timeout_s
        self.preset_metadata: dict[str, str] = {}
        self._added: dict[str, Any] = {}
        self._watch: Watch | None = None
        # Of the last that was measured: the events, and when it began.
        self._events: EventList | None = None
        self._began = (0, 0)
        self._saved = self._told = self._paused = False

    # ---- measuring -------------------------------------------------------------------------------

    def start(self) -> None:
        """Measure from now on."""
        self.prepare_trace()
        self.start_trace()

    def stop(self) -> None:
        """Measure no more."""
        self.stop_trace()

    def prepare_trace(self) -> None:
        """What is asked about events before there are any."""
        if self._events is not None and not self.acc_events and not self._told:
            self._told = True
            warn(
                "Warning: Profiler clears events at the end of each cycle. Only events from the current cycle "
                "will be reported. To keep events across cycles, set acc_events=True."
            )
        if self._events is None or not self.acc_events:
            self._events = EventList()
            self._events._tree_built = True

    def start_trace(self) -> None:
        """Measure from now on."""
        if self._watch is None:
            self._watch = Watch(
                memory=self.profile_memory,
                stack=self.with_stack,
                modules=self.with_stack,
            )
            places.start(self._watch)

    def stop_trace(self) -> None:
        """Measure no more, and keep what was measured."""
        watch, self._watch = self._watch, None
        if watch is None:
            return
        if not self._paused:
            places.stop(watch)
        self._paused = False
        found = tree.events(
            watch, shapes=self.record_shapes, flops=self.with_flops, memory=self.profile_memory
        )
        if self.acc_events and self._events:
            found[:0] = self._events
        self._events, self._began, self._saved = found, (watch.epoch, watch.begun), False

    # ---- what was measured -----------------------------------------------------------------------

    def _found(self, what: str) -> EventList:
        if self._events is None:
            raise AssertionError(f"Profiler must be initialized before {what}")
        return self._events

    def events(self) -> EventList:
        """What was measured, in the order in which it began."""
        return self._found("accessing events")

    def key_averages(
        self,
        group_by_input_shape: bool = False,
        group_by_stack_n: int = 0,
        group_by_overload_name: bool = False,
    ) -> EventList:
        """One event for each name (and shapes, or lines), with counts and sums."""
        found = self._found("getting key averages")
        return found.key_averages(group_by_input_shape, group_by_stack_n, group_by_overload_name)

    def export_chrome_trace(self, path: str, use_python_export: bool = False) -> None:
        """Write what was measured as a file for Perfetto or chrome://tracing; gzipped as `.gz`."""
        found = self._found("exporting chrome trace")
        if self._saved:
            raise RuntimeError("Trace is already saved.")
        asked = ("with_stack", "profile_memory", "record_shapes", "with_modules", "with_flops")
        facts = {name: 1 for name in asked if getattr(self, name)}
        trace.write(
            str(path), found, *self._began, {**facts, **self.preset_metadata, **self._added}
        )
        self._saved = True

    def export_stacks(self, path: str, metric: str = "self_cpu_time_total") -> None:
        """Write the user's lines and their times, for flame graphs."""
        if not self.with_stack:
            raise AssertionError("export_stacks() requires with_stack=True")
        self._found("exporting stacks").export_stacks(path, metric)

    def add_metadata(self, key: str, value: str) -> None:
        """A line of text for the file of the trace."""
        self._added[key] = value

    def add_metadata_json(self, key: str, value: str) -> None:
        """The same, of a value in JSON."""
        self._added[key] = json.loads(value)

    def preset_metadata_json(self, key: str, value: str) -> None:
        """The same, before it begins."""
        self.preset_metadata[key] = json.loads(value)

    def get_trace_id(self) -> str | None:
        """What the trace is called by `custom_trace_id_callback`."""
        return None if self.custom_trace_id_callback is None else self.custom_trace_id_callback()

    def set_custom_trace_id_callback(self, callback: Callable[[], str]) -> None:
        """How traces are to be called."""
        self.custom_trace_id_callback = callback

    def toggle_collection_dynamic(self, enable: bool, activities: Iterable[Any]) -> None:
        """Stop measuring for a while, or go on."""
        watch = self._watch
        if watch is None or ProfilerActivity.CPU not in activities or enable is not self._paused:
            return
        (places.start if enable else places.stop)(watch)
        self._paused = not enable


class profile(_KinetoProfile):
    """Measures the operations in a block; with a schedule, in some of its steps.

    activities: all are of the CPU here. schedule: what to do in which step (`schedule` makes one);
    on_trace_ready is called with the profile after each cycle of it, or at the end. record_shapes,
    profile_memory, with_stack (the user's lines, and calls of modules) and with_flops (of products and
    convolutions) say what is noted besides; with_modules is for TorchScript and adds nothing, as in torch.

    >>> import rushlight as torch
    >>> with profile() as measured:
    ...     x = torch.ones(2, 3) @ torch.ones(3, 1)
    >>> [(event.key, event.count) for event in measured.key_averages() if "m" in event.key]
    [('aten::matmul', 1), ('aten::mm', 1)]
    """

    def __init__(
        self,
        *,
        activities: Iterable[Any] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[..., Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        experimental_config: Any = None,
        execution_trace_observer: Any = None,
        acc_events: bool = False,
        use_cuda: bool | None = None,
        custom_trace_id_callback: Callable[[], str] | None = None,
        post_processing_timeout_s: float | None = None,
    ) -> None:
        super().__init__(
            activities=activities, record_shapes=record_shapes, profile_memory=profile_memory,
            with_stack=with_stack, with_flops=with_flops, with_modules=with_modules,
            experimental_config=experimental_config, execution_trace_observer=execution_trace_observer,
            acc_events=acc_events, custom_trace_id_callback=custom_trace_id_callback,
            post_processing_timeout_s=post_processing_timeout_s,
        )  # fmt: skip
        if use_cuda is not None:
            warn("`use_cuda` is deprecated, use `activities` argument instead", FutureWarning)
        self.schedule = schedule or _default_schedule_fn
        self.record_steps = schedule is not None
        self.on_trace_ready = on_trace_ready
        self.step_num = 0
        self.current_action = self.schedule(0)
        self.step_rec_fn: record_function | None = None

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        self.stop()

    def start(self) -> None:
        """Begin with the schedule."""
        self._go(ProfilerAction.NONE, self.current_action)
        self._open_step()

    def stop(self) -> None:
        """End, and hand over what was measured."""
        self._close_step()
        self._go(self.current_action, None)

    def step(self) -> None:
        """The next step of the schedule."""
        self._close_step()
        before = self.current_action
        self.step_num += 1
        self.current_action = self.schedule(self.step_num)
        self._go(before, self.current_action)
        self._open_step()

    def _open_step(self) -> None:
        if self.record_steps:
            self.step_rec_fn = record_function(f"ProfilerStep#{self.step_num}")
            self.step_rec_fn.__enter__()

    def _close_step(self) -> None:
        if self.step_rec_fn is not None:
            self.step_rec_fn.__exit__()
            self.step_rec_fn = None

    def _go(self, before: ProfilerAction, after: ProfilerAction | None) -> None:
        """From one step to the next; after is None at the end."""
        none, warmup, save = (
            ProfilerAction.NONE,
            ProfilerAction.WARMUP,
            ProfilerAction.RECORD_AND_SAVE,
        )
        recording = {ProfilerAction.RECORD, save}
        if before in recording and (before is save or after not in recording):
            if before is not save and after in (none, warmup):
                self._wrong("RECORD", after)
            self.stop_trace()
            if (before is save or after is None) and self.on_trace_ready is not None:
                self.on_trace_ready(self)
        elif before is warmup and after in (none, None):
            if after is none:
                self._wrong("WARMUP", after)
            self.start_trace()
            self.stop_trace()
        fresh = before is none or before is save
        if fresh and after in {warmup, *recording}:
            self.prepare_trace()
        if after in recording and (fresh or before is warmup):
            self.start_trace()

    def _wrong(self, before: str, after: Any) -> None:
        warn(f"Incorrect schedule: {before} followed by {after.name}")


def tensorboard_trace_handler(
    dir_name: str,
    worker_name: str | None = None,
    use_gzip: bool = False,
    use_python_export: bool = False,
) -> Callable[[Any], None]:
    """What writes each recording into a folder, for `on_trace_ready`."""

    def handler_fn(recorded: Any) -> None:
        try:
            os.makedirs(dir_name, exist_ok=True)
        except OSError as error:
            raise RuntimeError("Can't create directory: " + dir_name) from error
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        name = f"{worker}.{time.time_ns()}.pt.trace.json" + (".gz" if use_gzip else "")
        recorded.export_chrome_trace(os.path.join(dir_name, name))

    return handler_fn


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
