"""A profile as a file that Perfetto and chrome://tracing show."""

from __future__ import annotations

import gzip
import json
import os
import platform
import uuid
from typing import Any

from rushlight.profiler.events import BACKWARD, MEMORY_EVENT_NAME, EventList, FunctionEvent


def write(path: str, events: EventList, epoch: int, begun: int, facts: dict[str, Any]) -> None:
    """Write the events, gzipped where the path ends so; epoch + begun is when they began, in nanoseconds."""
    base = (epoch + begun) // 1_000_000_000 * 1_000_000_000
    shift = (epoch + begun - base) / 1e3
    process = os.getpid()
    trace = {
        "schemaVersion": 1,
        "deviceProperties": [],
        "trace_id": uuid.uuid4().hex.upper(),
        "host_name": platform.node(),
        "displayTimeUnit": "ms",
        "baseTimeNanoseconds": base,
        **facts,
        "traceEvents": [
            *_names(process, events),
            *_flows(events, process, shift),
            *_span(events, shift),
        ],
        "traceName": os.path.basename(path),
    }
    text = json.dumps(trace, default=str)
    opener: Any = gzip.open if path.endswith(".gz") else open
    with opener(path, "wt") as file:
        file.write(text)


def _names(process: int, events: EventList) -> list[dict[str, Any]]:
    """What the process and its threads are called."""
    threads = sorted({event.thread for event in events})
    named = [("process_name", 0, {"name": "python"}), ("process_labels", 0, {"labels": "CPU"})]
    named += [("thread_name", t, {"name": f"thread {t} (python)"}) for t in threads]
    return [
        {"ph": "M", "name": name, "ts": 0, "pid": process, "tid": thread, "args": args}
        for name, thread, args in named
    ]


def _span(events: EventList, shift: float) -> list[dict[str, Any]]:
    """From when to when was measured."""
    last = max((event.time_range.end for event in events), default=0.0)
    name, span = "PyTorch Profiler", {"pid": "Spans", "tid": "PyTorch Profiler", "ts": shift}
    return [
        {
            "ph": "X",
            "cat": "Trace",
            "name": f"{name} (0)",
            **span,
            "dur": last,
            "args": {"Op count": 0},
        },
        {
            "ph": "i",
            "s": "g",
            "name": f"Iteration Start: {name}",
            "pid": "Traces",
            "tid": f"Trace {name}",
            "ts": shift,
        },
        {
            "ph": "i",
            "s": "g",
            "name": "Record Window End",
            "pid": "",
            "tid": "",
            "ts": shift + last,
        },
    ]


def _flows(events: EventList, process: int, shift: float) -> list[dict[str, Any]]:
    """The events, and the arrows from each operation to its part in backward."""
    written, forward, arrows = [], dict[int, FunctionEvent](), []
    for index, event in enumerate(events):
        place = {"pid": process, "tid": event.thread, "ts": event.time_range.start + shift}
        if event.name == MEMORY_EVENT_NAME:
            args = {"Bytes": event.cpu_memory_usage, "Device Type": 0, "Device Id": -1}
            written.append(
                {
                    "ph": "i",
                    "cat": "cpu_instant_event",
                    "s": "t",
                    "name": "[memory]",
                    **place,
                    "args": args,
                }
            )
            continue
        written.append(
            {
                "ph": "X", "cat": _category(event), "name": event.trace_name, **place,
                "dur": event.time_range.elapsed_us(), "args": _details(event, index),
            }
        )  # fmt: skip
        if event.sequence_nr < 0 or event.name.startswith("autograd::engine"):
            continue
        if event.scope != BACKWARD:
            forward[event.sequence_nr] = event
        elif (start := forward.pop(event.sequence_nr, None)) is not None:
            arrow = {"id": event.sequence_nr, "cat": "fwdbwd", "name": "fwdbwd", "pid": process}
            began = start.time_range.start + shift
            arrows.append({"ph": "s", **arrow, "tid": start.thread, "ts": began})
            arrows.append({"ph": "f", **arrow, "tid": event.thread, "ts": place["ts"], "bp": "e"})
    return written + arrows


def _category(event: FunctionEvent) -> str:
    if event.is_user_annotation:
        return "user_annotation"
    return "python_function" if event.name.startswith("nn.Module: ") else "cpu_op"


def _details(event: FunctionEvent, index: int) -> dict[str, Any]:
    found: dict[str, Any] = {"External id": event.id, "Record function id": 0, "Ev Idx": index}
    if event.sequence_nr >= 0:
        found |= {"Sequence number": event.sequence_nr, "Fwd thread id": event.fwd_thread}
    if event.input_shapes:
        found |= {"Input Dims": event.input_shapes, "Input type": event.input_dtypes}
        found["Input Strides"] = event.structured_input_strides
        found["Concrete Inputs"] = ["" if c is None else str(c) for c in event.concrete_inputs]
    if event.stack:
        found["Call stack"] = ";".join(event.stack)
    if event.flops:
        found["flops"] = event.flops
    return found
