"""What is kept of what ran before the first backward, which alone says what it was for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rushlight.visual.names import INPUT, LEAF, PARAMETER, RESULT
from rushlight.visual.records import FORWARD, Call, Event, Operation, Value


def kept(
    events: Sequence[Event], calls: Sequence[Call], running: Sequence[Call], roots: Iterable[Value]
) -> tuple[list[Event], list[Call]]:
    """The events without operations of the forward that had no part in these values, and the calls of the rest.

    Parameters are where it begins: how they were made is forgotten.
    """
    needed: set[int] = set()
    stack = [v.maker for v in roots]
    while stack:
        operation = stack.pop()
        if operation is not None and operation.number not in needed:
            needed.add(operation.number)
            stack += [v.maker for v in operation.inputs if isinstance(v, Value) and not _begins(v)]
    left = [
        event
        for event in events
        if not isinstance(event, Operation) or event.phase != FORWARD or event.number in needed
    ]
    inside: set[int] = set()
    for event in left:
        for v in event.inputs if isinstance(event, Operation) else ():
            if isinstance(v, Value) and _begins(v):
                v.maker = None
        call = event.module if isinstance(event, Operation) else None
        while call is not None and call.number not in inside:
            inside.add(call.number)
            call = call.parent
    return left, [c for c in calls if c.number in inside or c in running]


def its_end(events: list[Event], most: int) -> list[Event]:
    """The last events; what those before them made has come from nowhere."""
    if len(events) <= most:
        return events
    for event in events[:-most]:
        for value in event.outputs if isinstance(event, Operation) else ():
            value.maker, value.kind = None, INPUT if value.kind == RESULT else value.kind
    return events[-most:]


def without_the_dead(known: dict[Any, Any]) -> None:
    """Leave out what was noted of objects that are gone."""
    for key, entry in list(known.items()):
        if (entry[0] if isinstance(entry, tuple) else entry)() is None:
            del known[key]


def _begins(value: Value) -> bool:
    return value.kind in (PARAMETER, LEAF)
