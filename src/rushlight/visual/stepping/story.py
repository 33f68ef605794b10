"""A run as the page tells it: steps forward, backward and of the update, with values, modules, lines, rows."""

from __future__ import annotations

import linecache
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from rushlight.core.row import Primitive
from rushlight.core.tensor import TensorBase
from rushlight.visual.capture import Capture
from rushlight.visual.formulas import formula
from rushlight.visual.names import LEAF, PARAMETER
from rushlight.visual.records import (
    BACKWARD,
    FORWARD,
    UPDATE,
    WRITE,
    Call,
    Landing,
    Line,
    Operation,
    Value,
    Visit,
)
from rushlight.visual.sources import shown, source_of, sources_of, sources_of_function
from rushlight.visual.stepping.marks import marks

# Lines that are shown around the user's own.
_AROUND = 3
_LONG = 60
Json = dict[str, Any]


class Story:
    """Writes a capture down as plain data; `data` is what goes into the page.

    Of an operation's operands a number is a value's place, a word one of Python's, None nothing.
    """

    def __init__(self, capture: Capture, title: str, note: str) -> None:
        self.capture = capture
        self.values: list[Json] = []
        self.lines: list[Json] = []
        self.rows: dict[str, Json] = {}
        self.steps: list[Json] = []
        self._value_at: dict[int, int] = {}
        self._line_at: dict[Line, int] = {}
        self._step_of: dict[int, int] = {}
        # The number of what was told last.
        self._last = 0
        needed = self._needed()
        self._tell(needed)
        self.data: Json = {
            "title": title,
            "note": note,
            "steps": self.steps,
            "values": self.values,
            "calls": [self._call(call) for call in capture.calls],
            "lines": self.lines,
            "rows": self.rows,
            "marks": self._marks(),
        }

    # ---- steps ----------------------------------------------------------------------------------

    def _needed(self) -> set[int]:
        """The operations that lead to the roots of backward; all of them if there is none."""
        events = self.capture.events
        operations = [e for e in events if isinstance(e, Operation) and e.phase == FORWARD]
        visited = {e.operation.number for e in events if isinstance(e, Visit)}
        stack = [v.maker for v in self.capture.roots] + [
            e.operation for e in events if isinstance(e, Visit)
        ]
        if not self.capture.roots:
            return {o.number for o in operations}
        needed = set(visited)
        seen: set[int] = set()
        while stack:
            operation = stack.pop()
            if operation is not None and operation.number not in seen:
                seen.add(operation.number)
                needed.add(operation.number)
                stack += [v.maker for v in operation.inputs if isinstance(v, Value)]
        return needed

    def _tell(self, needed: set[int]) -> None:
        update: list[Operation] = []
        for event in self.capture.events:
            if isinstance(event, Visit):
                self._add(event.number, self._visit(event))
            elif isinstance(event, Landing):
                self._landing(event)
            elif event.phase == FORWARD and self._is_echo(event):
                self._value_at[event.outputs[0].number] = self._value(event.inputs[1])
            elif event.phase == FORWARD:
                self._forward(event, event.number in needed)
            elif event.phase == UPDATE:
                update.append(event)
                written = event.outputs[0] if event.kind == WRITE and event.outputs else None
                if written is not None and written.kind in (PARAMETER, LEAF):
                    self._update(update)
                    update = []
            elif event.phase == BACKWARD and event.error is not None:
                self._forward(event, True)
        if update:
            self._update(update)

    def _is_echo(self, event: Operation) -> bool:
        """Whether a write is the second half of a recorded change in place: the result is the value."""
        if event.kind != WRITE or event.name != "copy" or len(event.inputs) != 2:
            return False
        before, result = event.inputs
        return (
            isinstance(result, Value)
            and result.maker is not None
            and result.maker.number == self._last
            and result.shape == event.outputs[0].shape
            and before.kind not in (PARAMETER, LEAF)
        )

    def _add(self, number: int, step: Json) -> int:
        self._step_of[number] = len(self.steps)
        self._last = number
        self.steps.append(step)
        return len(self.steps) - 1

    def _forward(self, operation: Operation, needed: bool) -> int:
        known = self._step_of.get(operation.number)
        if known is not None:
            return known
        step = {"p": "f", **self._operation(operation)}
        step["lines"] = [self._line(line) for line in operation.lines]
        own = operation.line
        step["line"] = None if own is None else self._line(own)
        if operation.module is not None:
            step["call"] = self.capture.calls.index(operation.module)
        if operation.asked and not operation.asked.startswith("__"):
            step["asked"] = operation.asked
        if operation.inside:
            step["inside"] = [self._operation(o) for o in operation.inside]
        if not needed and operation.error is None:
            step["minor"] = 1
        return self._add(operation.number, step)

    def _visit(self, visit: Visit) -> Json:
        return {
            "p": "b",
            "of": self._forward(visit.operation, True),
            "in": self._operands(visit.incoming),
            "out": self._operands(visit.outgoing),
            "rule": [self._operation(o) for o in visit.rule],
            "pass": [self._operation(o) for o in visit.passing],
            "lines": [self._line(line) for line in visit.lines],
        }

    def _landing(self, landing: Landing) -> None:
        pair = [self._value(landing.leaf), self._value(landing.gradient)]
        if self.steps and self.steps[-1]["p"] == "g":
            self.steps[-1]["land"].append(pair)
            self._step_of[landing.number] = len(self.steps) - 1
        else:
            self._add(landing.number, {"p": "g", "land": [pair]})

    def _update(self, operations: list[Operation]) -> None:
        """A step for what changes a leaf; a second change of the same leaf belongs to it."""
        last = operations[-1]
        before = self.steps[-1] if self.steps and self.steps[-1]["p"] == "u" else None
        if before is not None and before.get("leaf") == _leaf(last) is not None:
            before["ops"] += [self._operation(o) for o in operations]
            before["after"] = self._value(last.outputs[0])
            self._moved(before, last)
            self._gradient(before, operations)
            for o in operations:
                self._step_of[o.number] = len(self.steps) - 1
            return
        step: Json = {
            "p": "u",
            "leaf": _leaf(last),
            "owner": last.owner,
            "ops": [self._operation(o) for o in operations],
            "lines": [self._line(line) for line in last.lines],
        }
        if last.outputs and last.inputs and isinstance(last.inputs[0], Value):
            step["before"] = self._value(last.inputs[0])
            step["after"] = self._value(last.outputs[0])
            self._moved(step, last)
            self._gradient(step, operations)
        at = self._add(last.number, step)
        for o in operations:
            self._step_of[o.number] = at

    def _moved(self, step: Json, last: Operation) -> None:
        if last.moved is not None and math.isfinite(last.moved):
            step["moved"] = float(f"{last.moved:.2g}")

    def _gradient(self, step: Json, operations: list[Operation]) -> None:
        for v in (v for o in operations for v in o.inputs):
            if isinstance(v, Value) and (v.name or "").endswith(".grad"):
                step.setdefault("grad", self._value(v))

    def _operation(self, operation: Operation) -> Json:
        told: Json = {
            "name": operation.name,
            "in": self._operands(operation.inputs),
            "out": self._operands(operation.outputs),
        }
        if operation.kind != "row":
            told["kind"] = operation.kind
        static = [[name, _shown(value)] for name, value in operation.static.items()]
        if static:
            told["static"] = static
        if operation.error is not None:
            told["error"] = operation.error
        told["row"] = self._row(operation)
        return told

    # ---- what they point to ---------------------------------------------------------------------

    def _operands(self, operands: Iterable[Any]) -> list[Any]:
        return [
            self._value(o) if isinstance(o, Value) else None if o is None else _shown(o)
            for o in operands
        ]

    def _value(self, value: Value) -> int:
        at = self._value_at.get(value.number)
        if at is None:
            at = self._value_at[value.number] = len(self.values)
            told: Json = {"s": list(value.shape), "d": _dtype(value.dtype)}
            if value.kind != "result":
                told["k"] = value.kind
            if value.name:
                told["n"] = value.name
            told.update(value.seen or {})
            self.values.append(told)
            if value.gradient is not None:
                told["g"] = self._value(value.gradient)
        return at

    def _line(self, line: Line) -> int:
        at = self._line_at.get(line)
        if at is None:
            at = self._line_at[line] = len(self.lines)
            around = {}
            for number in range(max(1, line.number - _AROUND), line.number + _AROUND + 1):
                text = linecache.getline(line.file, number)
                if text:
                    around[number] = text.rstrip("\n")
            told: Json = {
                "file": shown(line.file), "at": line.number, "in": line.function, "src": around
            }  # fmt: skip
            if line.library:
                told["lib"] = 1
            self.lines.append(told)
        return at

    def _call(self, call: Call) -> Json:
        told: Json = {"path": call.path, "kind": call.kind}
        if call.parent is not None and call.parent in self.capture.calls:
            told["up"] = self.capture.calls.index(call.parent)
        return told

    def _row(self, operation: Operation) -> str:
        """The place among the rows of what an operation ran."""
        row, code = operation.row, operation.code
        key = operation.name if row is not None else f"{operation.kind} {operation.name}"
        if isinstance(code, type):
            key = f"{operation.kind} {code.__module__}.{code.__qualname__}"
        if key not in self.rows:
            if row is not None:
                self.rows[key] = _row(row)
            elif isinstance(code, type):
                written = sources_of_function(code)
                self.rows[key] = {"own": 1, "src": [source._asdict() for source in written]}
            else:
                source = source_of(code, operation.kind)
                self.rows[key] = {"src": [] if source is None else [source._asdict()]}
        return key

    def _marks(self) -> list[Json]:
        return [
            {"k": mark.kind, "s": self._step_of[mark.event.number], "t": mark.text}
            for mark in marks(self.capture.events)
            if mark.event.number in self._step_of
        ]


def _row(row: Primitive) -> Json:
    known = formula(row)
    return {
        "family": row.family,
        "inputs": list(row.inputs),
        "def": known.definition,
        "der": known.derivatives,
        "src": [source._asdict() for source in sources_of(row)],
    }


def _leaf(operation: Operation) -> str | None:
    """Which leaf a write changes, if it has a name."""
    return operation.outputs[0].name if operation.kind == WRITE and operation.outputs else None


def _dtype(dtype: np.dtype[Any]) -> str:
    return dtype.name


def _shown(value: Any) -> str:
    """A value of Python's in a few letters."""
    if isinstance(value, TensorBase):
        return f"tensor of shape {list(value._data_.shape)}"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, np.dtype):
        return value.name
    text = repr(value)
    return text if len(text) <= _LONG else text[: _LONG - 1] + "…"
