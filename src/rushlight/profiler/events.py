"""What was measured: an event for each operation or block, and lists of them, under torch's names."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from enum import Enum
from operator import attrgetter
from typing import Any, NamedTuple

from rushlight.errors import warn
from rushlight.profiler.table import in_time, table

# What holds memory that no operation was open for as it came or went.
MEMORY_EVENT_NAME = "[memory]"
# The scopes of `RecordScope` that occur here.
FUNCTION, BACKWARD, USER = 0, 1, 7


class DeviceType(Enum):
    """Where something ran."""

    CPU = 0
    CUDA = 1


class Interval(NamedTuple):
    """From when to when, in microseconds."""

    start: float
    end: float

    def elapsed_us(self) -> float:
        """How long."""
        return self.end - self.start


class _Times:
    """The times of an event in words, and their mean."""

    count: int
    cpu_time_total: float
    device_time_total: float
    self_cpu_time_total: float
    self_device_time_total: float

    @property
    def cpu_time(self) -> float:
        """The mean time."""
        return self.cpu_time_total / self.count if self.count else 0.0

    @property
    def device_time(self) -> float:
        """The mean time on another device."""
        return self.device_time_total / self.count if self.count else 0.0

    @property
    def cuda_time(self) -> float:
        """`device_time` under its older name."""
        warn("`cuda_time` is deprecated, please use `device_time` instead.", FutureWarning)
        return self.device_time

    cpu_time_str = property(lambda self: in_time(self.cpu_time))
    device_time_str = property(lambda self: in_time(self.device_time))
    cpu_time_total_str = property(lambda self: in_time(self.cpu_time_total))
    device_time_total_str = property(lambda self: in_time(self.device_time_total))
    self_cpu_time_total_str = property(lambda self: in_time(self.self_cpu_time_total))
    self_device_time_total_str = property(lambda self: in_time(self.self_device_time_total))


class FunctionEvent(_Times):
    """An operation or a block that ran once: times in microseconds, memory in bytes.

    `cpu_children` and `cpu_parent` make a tree of the events; `sequence_nr` says which operation a
    backward (scope 1) belongs to; `stack` are the user's lines, the innermost first.
    """

    def __init__(
        self, id: int, name: str, thread: int, start_us: float, end_us: float, overload_name: str | None = None,
        fwd_thread: int | None = None, input_shapes: Any = None, stack: list[str] | None = None, scope: int = 0,
        use_device: str | None = None, cpu_memory_usage: int = 0, device_memory_usage: int = 0,
        is_async: bool = False, is_remote: bool = False, sequence_nr: int = -1, node_id: int = -1,
        device_type: DeviceType = DeviceType.CPU, device_index: int = 0, is_legacy: bool = False,
        flops: int | None = None, trace_name: str | None = None, concrete_inputs: list[Any] | None = None,
        is_user_annotation: bool = False, input_dtypes: list[str] | None = None, **others: Any,
    ) -> None:  # fmt: skip
        self.id, self.name, self.thread = id, name, thread
        self.trace_name = name if trace_name is None else trace_name
        self.overload_name = overload_name
        self.time_range = Interval(start_us, end_us)
        self.fwd_thread = fwd_thread
        self.input_shapes = input_shapes
        self.concrete_inputs = [] if concrete_inputs is None else concrete_inputs
        self.input_dtypes = [] if input_dtypes is None else input_dtypes
        self.stack = [] if stack is None else stack
        self.scope, self.sequence_nr, self.node_id = scope, sequence_nr, node_id
        self.use_device, self.device_type, self.device_index = use_device, device_type, device_index
        self.cpu_memory_usage, self.device_memory_usage = cpu_memory_usage, device_memory_usage
        self.is_async, self.is_remote, self.is_legacy = is_async, is_remote, is_legacy
        self.is_user_annotation = is_user_annotation
        self.flops = flops
        self.count = 1
        self.kernels: list[Any] = []
        self.kwinputs: dict[str, Any] = {}
        self.structured_input_shapes = self.input_shapes or []
        self.structured_input_strides: list[Any] = []
        # What torch says of events of other devices, of Python and of flows between them: nothing here.
        self.activity_type, self.event_metadata, self.metadata_json = "cpu_op", None, ""
        self.external_id, self.device_resource_id = id, thread
        self.flow_id = self.flow_type = self.linked_correlation_id = 0
        self.flow_start = self.is_python_function = False
        self.python_id = self.python_parent_id = self.python_module_id = -1
        self.self_cpu_percent = self.total_cpu_percent = self.total_device_percent = -1
        self.cpu_children: list[FunctionEvent] = []
        self.cpu_parent: FunctionEvent | None = None
        vars(self).update(others)

    @property
    def key(self) -> str:
        """What it is counted under."""
        return self.name

    def append_kernel(self, name: str, device: int, duration: float) -> None:
        """Work on another device, of which there is none here."""
        self.kernels.append((name, device, duration))

    def append_cpu_child(self, child: FunctionEvent) -> None:
        """What ran within it."""
        self.cpu_children.append(child)

    def set_cpu_parent(self, parent: FunctionEvent) -> None:
        """What it ran within."""
        self.cpu_parent = parent

    @property
    def cpu_time_total(self) -> float:  # type: ignore[override]
        """How long it took, with all that ran within."""
        return self.time_range.elapsed_us() if self.device_type is DeviceType.CPU else 0

    @property
    def self_cpu_time_total(self) -> float:  # type: ignore[override]
        """How long it took, without what ran within."""
        if self.is_async or self.device_type is not DeviceType.CPU:
            return 0
        return self.cpu_time_total - sum(child.cpu_time_total for child in self.cpu_children)

    @property
    def self_cpu_memory_usage(self) -> int:
        """The memory that it left behind, without what ran within."""
        if self.is_async or self.device_type is not DeviceType.CPU:
            return 0
        return self.cpu_memory_usage - sum(child.cpu_memory_usage for child in self.cpu_children)

    device_time_total = self_device_time_total = 0
    self_device_memory_usage = self_cuda_memory_usage = 0

    @property
    def cuda_time_total(self) -> float:
        """`device_time_total` under its older name."""
        warn(
            "`cuda_time_total` is deprecated, please use `device_time_total` instead.",
            FutureWarning,
        )
        return self.device_time_total

    @property
    def self_cuda_time_total(self) -> float:
        """`self_device_time_total` under its older name."""
        warn(
            "`self_cuda_time_total` is deprecated, please use `self_device_time_total` instead.",
            FutureWarning,
        )
        return self.self_device_time_total

    def __repr__(self) -> str:
        children = [child.id for child in self.cpu_children]
        return (
            f"<FunctionEvent id={self.id} name={self.name} overload_name={self.overload_name} "
            f"device_type={self.device_type} node_id={self.node_id} cpu_time={self.cpu_time_str} "
            f"start_us={self.time_range.start} end_us={self.time_range.end} cpu_children={children} "
            f"{self.use_device}_time={self.device_time_str} name={self.name} thread={self.thread} "
            f"input_shapes={self.input_shapes} cpu_memory_usage={self.cpu_memory_usage} "
            f"{self.use_device}_memory_usage={self.device_memory_usage} is_async={self.is_async} "
            f"is_remote={self.is_remote} seq_nr={self.sequence_nr} is_legacy={self.is_legacy}>"
        )


class FunctionEventAvg(_Times):
    """All events of a key: `count` of them, and their sums."""

    _OF_THE_FIRST = (
        "key", "node_id", "is_async", "is_remote", "cpu_parent", "cpu_children", "overload_name", "input_shapes",
        "stack", "scope", "device_type", "is_legacy", "use_device", "is_user_annotation",
    )  # fmt: skip
    _SUMMED = (
        "cpu_time_total", "device_time_total", "self_cpu_time_total", "self_device_time_total", "cpu_memory_usage",
        "device_memory_usage", "self_cpu_memory_usage", "self_device_memory_usage", "count", "flops",
    )  # fmt: skip

    def __init__(self) -> None:
        self.key: str | None = None
        self.count = self.node_id = 0
        self.is_async = self.is_remote = self.is_legacy = False
        self.use_device: str | None = None
        self.cpu_time_total = self.device_time_total = 0
        self.self_cpu_time_total = self.self_device_time_total = 0
        self.input_shapes: Any = None
        self.overload_name: str | None = None
        self.stack: Any = None
        self.scope: int | None = None
        self.cpu_memory_usage = self.device_memory_usage = 0
        self.self_cpu_memory_usage = self.self_device_memory_usage = 0
        self.cpu_children: list[FunctionEvent] | None = None
        self.cpu_parent: FunctionEvent | None = None
        self.device_type = DeviceType.CPU
        self.flops = 0

    def add(self, other: Any) -> FunctionEventAvg:
        """Count one more event, or the events that another has counted."""
        if self.key is None:
            vars(self).update({name: getattr(other, name) for name in self._OF_THE_FIRST})
        if other.key != self.key:
            raise AssertionError(f"Expected keys to match, but got {other.key} vs {self.key}")
        for name in self._SUMMED:
            setattr(self, name, getattr(self, name) + (getattr(other, name) or 0))
        return self

    __iadd__ = add

    def __repr__(self) -> str:
        device = self.use_device or "cuda"
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={self.self_cpu_time_total_str} "
            f"cpu_time={self.cpu_time_str}  self_{device}_time={self.self_device_time_total_str} "
            f"{device}_time={self.device_time_str} input_shapes={self.input_shapes} "
            f"cpu_memory_usage={self.cpu_memory_usage} {device}_memory_usage={self.device_memory_usage}>"
        )


class EventList(list[Any]):
    """Events, and what is made of them: tables, averages, files."""

    def __init__(
        self, events: Iterable[Any] = (), use_device: str | None = None, profile_memory: bool = False,
        with_flops: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(events)
        self._use_device, self._profile_memory, self._with_flops = (
            use_device,
            profile_memory,
            with_flops,
        )
        self._tree_built = False

    @property
    def self_cpu_time_total(self) -> float:
        """The time of all, each counted once."""
        return float(sum(event.self_cpu_time_total for event in self))

    def _build_tree(self) -> None:
        """Let events know what they ran within: those of a thread by their times."""
        known = attrgetter("thread", "node_id")
        within = [e for e in self if not e.is_async and e.device_type is DeviceType.CPU]
        for _, events in itertools.groupby(sorted(within, key=known), key=known):
            outer: list[FunctionEvent] = []
            for event in sorted(events, key=lambda e: (e.time_range.start, -e.time_range.end)):
                start, end = event.time_range
                while outer and (
                    start >= outer[-1].time_range.end or end > outer[-1].time_range.end
                ):
                    outer.pop()
                if outer:
                    outer[-1].append_cpu_child(event)
                    event.set_cpu_parent(outer[-1])
                outer.append(event)
        self._join_same()
        self._tree_built = True

    def _join_same(self) -> None:
        """An event whose only part has its own name is one with it."""
        for event in list(self):
            parent = event.cpu_parent
            if parent is not None and parent.name == event.name and parent.cpu_children == [event]:
                parent.cpu_children = event.cpu_children
                for child in event.cpu_children:
                    child.cpu_parent = parent
                self[:] = [other for other in self if other is not event]

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int | None = 75,
        max_name_column_width: int | None = 55,
        max_shapes_column_width: int | None = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
        time_unit: str | None = None,
    ) -> str:
        """The events in lines, in torch's columns.

        sort_by: an attribute, as "self_cpu_time_total", "cpu_memory_usage" or "count", largest first;
        time_unit: "s", "ms" or "us" for all times.
        """
        return table(
            self, sort_by, row_limit, (max_name_column_width, max_shapes_column_width, max_src_column_width),
            header, top_level_events_only, time_unit, self._profile_memory, self._with_flops,
        )  # fmt: skip

    def __str__(self) -> str:
        return self.table()

    def key_averages(
        self,
        group_by_input_shapes: bool = False,
        group_by_stack_n: int = 0,
        group_by_overload_name: bool = False,
    ) -> EventList:
        """One `FunctionEventAvg` for each name; on request for each name and shapes, or name and lines."""
        if not self._tree_built:
            raise AssertionError("Expected tree to be built before calling key_averages")
        found: dict[tuple[Any, ...], FunctionEventAvg] = {}
        for event in self:
            key = (
                event.key, event.node_id, event.device_type, event.is_legacy, event.is_user_annotation,
                event.overload_name if group_by_overload_name else None,
                str(event.input_shapes) if group_by_input_shapes else None,
                *event.stack[:group_by_stack_n],
            )  # fmt: skip
            found.setdefault(key, FunctionEventAvg()).add(event)
        for average in found.values():
            average.stack = average.stack[:group_by_stack_n]
            if not group_by_input_shapes:
                average.input_shapes = ""
            if not group_by_overload_name:
                average.overload_name = ""
        return EventList(found.values(), self._use_device, self._profile_memory, self._with_flops)

    def total_average(self) -> FunctionEventAvg:
        """All events as one."""
        total = FunctionEventAvg()
        for event in self:
            total.key = None
            total.add(event)
        total.key = "Total"
        return total

    def export_chrome_trace(self, path: str) -> None:
        """Write the events as a file for chrome://tracing; `profile.export_chrome_trace` writes more."""
        events = [
            {
                "name": e.trace_name, "ph": "X", "ts": e.time_range.start, "dur": e.time_range.elapsed_us(),
                "tid": e.thread, "pid": "CPU functions", "args": {},
            }
            for e in self
        ]  # fmt: skip
        with open(path, "w") as file:
            json.dump(events, file)

    def supported_export_stacks_metrics(self) -> list[str]:
        """What `export_stacks` can write."""
        return [f"self_{device}_time_total" for device in ("cpu", "cuda", "xpu", "privateuse1")]

    def export_stacks(self, path: str, metric: str) -> None:
        """Write a line for each event: the user's lines, the outermost first, and its time.

        Flame graphs are drawn from such files (https://github.com/brendangregg/FlameGraph).
        """
        if metric not in self.supported_export_stacks_metrics():
            raise ValueError(f"metric should be one of: {self.supported_export_stacks_metrics()}")
        plain = str.maketrans(" ;\t\n", "____")
        own = metric if "cpu" in metric else "self_device_time_total"
        with open(path, "w") as file:
            for event in self:
                time = int(getattr(event, own))
                if event.stack and time > 0:
                    lines = ";".join(line.translate(plain) for line in reversed(event.stack))
                    file.write(f"{lines} {time}\n")
