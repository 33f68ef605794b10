"""The table of events, column by column as torch prints it: programs read it, and so do people."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

_WIDTH, _SPACE = 12, "  "
_UNITS = {"s": 1e6, "ms": 1e3, "us": 1.0}
_FLOPS = ("FLOPs", "KFLOPs", "MFLOPs", "GFLOPs", "TFLOPs", "PFLOPs")


class _Column(NamedTuple):
    head: str
    width: int
    cell: Callable[[Any], str]
    side: str = ">"


def in_time(microseconds: float, unit: str | None = None) -> str:
    """A time in seconds, milliseconds or microseconds: the largest that makes it 1 at least."""
    if unit not in _UNITS:
        unit = next((u for u, size in _UNITS.items() if microseconds >= size), "us")
    return f"{microseconds / _UNITS[unit]:.3f}{unit}"


def in_bytes(count: int) -> str:
    """A size of memory, in the largest unit that makes it 1 at least."""
    for unit, size in (("GB", 2**30), ("MB", 2**20), ("KB", 2**10)):
        if abs(count) >= size:
            return f"{count / size:.2f} {unit}"
    return f"{count} B"


def _share(time: float, whole: float) -> str:
    return f"{time * 100.0 / whole:.2f}%" if whole else "NaN"


def _cut(text: str, width: int | None) -> str:
    return text if width is None or len(text) < width - 3 else text[: width - 3] + "..."


def _end_of(line: str, width: int) -> str:
    return line if len(line) <= width else "..." + line[len(line) - width + 3 :]


def _least(width: int, most: int | None) -> int:
    return width if most is None else min(width, most)


def table(
    events: Sequence[Any],
    sort_by: str | None,
    row_limit: int,
    widths: tuple[int | None, int | None, int | None],
    header: str | None,
    top_level_events_only: bool,
    time_unit: str | None,
    profile_memory: bool,
    with_flops: bool,
) -> str:
    """The events in lines; widths are at most those of names, shapes and lines of source."""
    if not events:
        return ""
    if sort_by is not None:
        key = sort_by
        for device in ("cuda", "xpu", "privateuse1"):
            key = key.replace(device, "device")
        events = sorted(events, key=lambda event: getattr(event, key), reverse=True)
    whole = sum(event.self_cpu_time_total for event in events)
    columns = _columns(events, whole, widths, time_unit, profile_memory, with_flops)
    rule = "".join("-" * column.width + _SPACE for column in columns)
    double = "=" * (len(rule) - len(_SPACE))
    lines = [] if header is None else [double, header]
    if top_level_events_only:
        lines += [double, "This report only display top-level ops statistics"]
    lines += [rule, _row(columns, [column.head for column in columns]), rule]
    shown = [e for e in events if not (top_level_events_only and e.cpu_parent is not None)]
    stacked = next((i for i, column in enumerate(columns) if column.side == "<"), None)
    for event in shown if row_limit < 0 else shown[:row_limit]:
        lines.append(_row(columns, [column.cell(event) for column in columns]))
        if stacked is None:
            continue
        for entry in [*event.stack[1:], ""]:
            cells = [""] * len(columns)
            # torch sets what follows into the last column, be it that of the lines or of arithmetic.
            cells[-1] = _end_of(entry, columns[stacked].width)
            lines.append(_row(columns, cells))
    lines += [rule, f"Self CPU time total: {in_time(whole, time_unit)}"]
    return "\n".join(lines) + "\n"


def _row(columns: Sequence[_Column], cells: Sequence[str]) -> str:
    return "".join(
        f"{cell:{column.side}{column.width}}{_SPACE}"
        for column, cell in zip(columns, cells, strict=True)
    )


def _columns(
    events: Sequence[Any],
    whole: float,
    widths: tuple[int | None, int | None, int | None],
    unit: str | None,
    profile_memory: bool,
    with_flops: bool,
) -> list[_Column]:
    names, shapes, lines = widths
    width = _least(max(len(event.key) for event in events) + 4, names)
    columns = [_Column("Name", width, lambda e: _cut(e.key, names))]
    if any(event.overload_name for event in events):
        columns.append(
            _Column("Overload Name", width, lambda e: _cut(e.overload_name or "", names))
        )
    plain: list[tuple[str, Callable[[Any], str]]] = [
        ("Self CPU %", lambda e: _share(e.self_cpu_time_total, whole)),
        ("Self CPU", lambda e: in_time(e.self_cpu_time_total, unit)),
        ("CPU total %", lambda e: "0" if e.is_async else _share(e.cpu_time_total, whole)),
        ("CPU total", lambda e: in_time(e.cpu_time_total, unit)),
        ("CPU time avg", lambda e: in_time(e.cpu_time, unit)),
    ]
    if profile_memory:
        plain += [
            ("CPU Mem", lambda e: in_bytes(e.cpu_memory_usage)),
            ("Self CPU Mem", lambda e: in_bytes(e.self_cpu_memory_usage)),
        ]
    plain.append(("# of Calls", lambda e: str(e.count)))
    if any(event.node_id != -1 for event in events):
        plain.append(("Node ID", lambda e: str(e.node_id)))
    columns += [_Column(head, _WIDTH, cell) for head, cell in plain]
    if any(event.input_shapes for event in events):
        wide = _least(max(len(str(event.input_shapes)) for event in events) + 4, shapes)
        columns.append(_Column("Input Shapes", wide, lambda e: str(e.input_shapes)[:wide]))
    last = []
    longest = max((len(entry) for event in events for entry in event.stack or ()), default=None)
    if longest is not None:
        far = _least(longest + 4, lines)
        last.append(
            _Column("Source Location", far, lambda e: _end_of((e.stack or [""])[0], far), "<")
        )
    counted = [event.flops for event in events if (event.flops or 0) > 0]
    if with_flops and counted:
        power = int(min(math.log10(min(counted)) / 3, len(_FLOPS) - 1))
        scale = pow(10, power * -3.0)
        last.append(
            _Column(
                f"Total {_FLOPS[power]}",
                _WIDTH,
                lambda e: f"{e.flops * scale:8.3f}" if (e.flops or 0) > 0 else "--",
            )
        )
    if len(last) == 2:
        # torch sets each of the two under the other's head.
        source, arithmetic = last
        last = [source._replace(cell=arithmetic.cell), arithmetic._replace(cell=source.cell)]
    columns += last
    return columns
