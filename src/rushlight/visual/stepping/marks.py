"""What to look at in a run: where nan, infinity, very large or small gradients, and dead units first come up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rushlight.visual.records import Event, Operation, Value, Visit

# Root mean squares beyond which values and gradients are marked.
EXPLODING, VANISHING = 1e4, 1e-9
_DEAD = 0.05


@dataclass(frozen=True)
class Mark:
    """Something to look at: its kind, the event at which it first comes up, and words."""

    kind: str
    event: Event
    text: str


def marks(events: Iterable[Event]) -> list[Mark]:
    """The marks of a run, in the order of events: each where it comes out of what had none of it."""
    found: list[Mark] = []
    for event in events:
        if isinstance(event, Operation):
            if event.error is not None:
                found.append(Mark("error", event, f"{event.name} failed: {event.error}"))
            if event.visit is None:
                found += _came_up(event, event.inputs, event.outputs, event.name, "of")
                found += _dead(event)
        elif isinstance(event, Visit):
            name = event.operation.name
            found += _came_up(event, event.incoming, event.outgoing, name, "backward through")
    return found


def _came_up(
    event: Event, before: Iterable[object], after: Iterable[object], name: str, how: str
) -> list[Mark]:
    """What is in the values after an event, and in none of those before."""
    had, has = _kinds(before), _kinds(after)
    backward = how != "of"
    found = []
    for kind, text in has.items():
        if kind not in had and (backward or kind not in ("vanishing", "zero")):
            what = f"{how} {name}" if backward else f"the output of {name}"
            found.append(Mark(kind, event, f"{text}, {what}"))
    return found


def _kinds(values: Iterable[object]) -> dict[str, str]:
    """What is to be said of values, by kind."""
    said: dict[str, str] = {}
    for value in values:
        if not isinstance(value, Value) or not value.seen or value.seen["st"] is None:
            continue
        if value.dtype.kind not in "fcV":
            continue
        low, high, _, size, zeros, nans, infinite = value.seen["st"]
        count = 1
        for n in value.shape:
            count *= n
        if nans:
            said.setdefault("nan", f"NaN in {nans:,} of {count:,} elements")
        if infinite:
            said.setdefault("infinite", f"infinity in {infinite:,} of {count:,} elements")
        if size is not None and size > EXPLODING:
            said.setdefault("exploding", f"very large: root mean square {size:.3g}")
        if zeros == count and low == high == 0:
            said.setdefault("zero", "zero throughout")
        elif size is not None and size < VANISHING:
            said.setdefault("vanishing", f"vanishing: root mean square {size:.3g}")
    return said


def _dead(operation: Operation) -> list[Mark]:
    """Units of an activation that are zero for the whole batch, while what came in is not."""
    if operation.row is None or operation.row.family != "unary" or not operation.outputs:
        return []
    seen = operation.outputs[0].seen
    before = [v.seen for v in operation.inputs if isinstance(v, Value) and v.seen]
    if not seen or "dead" not in seen or any("dead" in facts for facts in before):
        return []
    dead, units = seen["dead"]
    if dead < _DEAD * units:
        return []
    text = f"{dead} of {units} units are zero for the whole batch behind {operation.name}"
    return [Mark("dead", operation, text)]
