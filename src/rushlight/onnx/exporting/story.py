"""What a model did, seen once or at several sizes: one list of steps, in which what differs is `Varying`.

A size that is to stay open is no number in the file. Which numbers of a program come from it is found
out by running the model at other sizes, too: programs are laid side by side, and what is not the same
in all of them varies (`sizes` finds out how).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rushlight.caller import Line
from rushlight.compiler.recording.entries import (
    Arithmetic,
    Checked,
    Constant,
    Decision,
    Draw,
    Entry,
    Look,
    Operation,
    Perform,
    Seen,
    Turn,
    Write,
)
from rushlight.compiler.recording.errors import source
from rushlight.compiler.recording.facts import same
from rushlight.compiler.recording.program import Argument, Program
from rushlight.compiler.recording.tree import Leaf
from rushlight.compiler.recording.values import Figure, Value
from rushlight.core.tensor import Array
from rushlight.core.turned import held
from rushlight.onnx.exporting.observing import Observed, Span


@dataclass(frozen=True)
class Varying:
    """What is another in each of the recordings."""

    values: tuple[Any, ...]


Size = int | Varying


@dataclass(eq=False)
class Var:
    """An array of the model."""

    number: int
    dtype: np.dtype[Any]
    shape: tuple[Size, ...]
    # In whose memory it lies, and the step that made it.
    base: Var | None = None
    made_by: Step | None = None
    # What it holds, if that depends on no input: one array, or one for each recording.
    array: Any = None
    # The number of the argument that it is, or the tensor of the model.
    argument: int | None = None
    held: Any = None
    # A Python number that came out of a tensor: beside arrays it takes their type.
    weak: bool = False
    # It is written into: its first contents are no constant.
    written: bool = False

    @property
    def rank(self) -> int:
        """How many dimensions it has."""
        return len(self.shape)


@dataclass(eq=False)
class Step:
    """One entry: a row of the table, a write, a draw, or arithmetic of Python's numbers."""

    kind: str
    name: str
    inputs: tuple[Any, ...]
    outs: list[Var]
    static: dict[str, Any]
    line: Line
    entry: Entry
    target: Var | None = None

    @property
    def where(self) -> str:
        """The user's line, with its text."""
        text = source(self.line)
        return f"{self.line[0]}:{self.line[1]}" + (f"  {text}" if text else "")


@dataclass(eq=False)
class Call:
    """A public function that was called, from the step `begin` to before `end`."""

    name: str
    begin: int
    end: int
    args: dict[str, Any]
    outs: list[Var]


@dataclass(eq=False)
class Story:
    """The steps of a model, what it takes and what it returns."""

    steps: list[Step]
    calls: list[Call]
    arguments: dict[int, Var]
    # The results, in the order of the leaves: Var, number, or argument.
    results: list[Any]
    spec: Any
    looks: list[Step]
    # For each value, the last step that reads it.
    last_use: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Passed:
    """An argument that comes out as it came in, and is used for nothing else."""

    number: int


class _Nowhere:
    """An entry that is on no line."""

    line = None


class Diverged(Exception):
    """The model does other things at other sizes; the line where."""

    def __init__(self, line: Line | None, what: str) -> None:
        super().__init__(what)
        self.line = line


def merged(parts: Sequence[Any]) -> Any:
    """One of several that are alike, with `Varying` where they are not."""
    first = parts[0]
    kind = type(first)
    if all(type(p) is kind for p in parts):
        if kind in (tuple, list) and all(len(p) == len(first) for p in parts):
            return kind([merged(each) for each in zip(*parts, strict=True)])
        if kind is slice:
            return slice(
                *(merged([getattr(p, n) for p in parts]) for n in ("start", "stop", "step"))
            )
        if kind is dict and all(p.keys() == first.keys() for p in parts):
            return {key: merged([p[key] for p in parts]) for key in first}
        if isinstance(first, np.ndarray):
            alike = all(p.shape == first.shape and p.dtype == first.dtype for p in parts)
            if alike and all(p.tobytes() == first.tobytes() for p in parts):
                return first
            return Varying(tuple(parts))
        if kind in (int, float, bool, complex, str) and all(same(p, first) for p in parts):
            return first
        if all(p is first or p == first for p in parts):
            return first
    return Varying(tuple(parts))


def varies(thing: Any) -> bool:
    """Whether anything in it varies."""
    if isinstance(thing, Varying):
        return True
    if isinstance(thing, tuple | list):
        return any(map(varies, thing))
    if isinstance(thing, slice):
        return varies((thing.start, thing.stop, thing.step))
    return isinstance(thing, dict) and any(map(varies, thing.values()))


def chosen(thing: Any, number: int) -> Any:
    """What it is in one of the recordings."""
    if isinstance(thing, Varying):
        return thing.values[number]
    if isinstance(thing, tuple | list):
        return type(thing)([chosen(part, number) for part in thing])
    if isinstance(thing, slice):
        return slice(*(chosen(p, number) for p in (thing.start, thing.stop, thing.step)))
    return thing


def each(function: Callable[..., Any], count: int, *things: Any) -> Any:
    """function of what things are in each recording, merged again."""
    return merged([function(*(chosen(t, i) for t in things)) for i in range(count)])


_Row = list[tuple[int, Entry]]

# What leaves no trace in the graph.
_SILENT = (Checked, Decision)


class Merging:
    """Lays recordings side by side."""

    def __init__(self, observed: Sequence[Observed]) -> None:
        self.observed = observed
        self.programs = [o.program for o in observed]
        self.maps: list[dict[int, Var]] = [{} for _ in observed]
        self.count = 0

    def story(self) -> Story:
        """One story of all recordings; Diverged if they are not alike."""
        arguments = self._sources()
        steps: list[Step] = []
        looks: list[Step] = []
        places: list[dict[int, int]] = [{} for _ in self.programs]
        whole = [self._told(p) for p in self.programs]
        for rows, spans in self._stretches(whole):
            if spans is not None:
                for at, row in zip(places, rows, strict=True):
                    at.update((number, len(steps)) for number, _ in row)
                steps.append(self._called(spans, rows[0][0][1]))
                continue
            for entries in zip(*rows, strict=False):
                for at, (number, _) in zip(places, entries, strict=True):
                    at[number] = len(steps)
                step = self._step([entry for _, entry in entries])
                if step is not None and step.kind == "look":
                    looks.append(step)
                if step is not None:
                    steps.append(step)
            shortest = min(map(len, rows))
            longest = max(rows, key=len)
            if len(longest) > shortest:
                entry = longest[shortest][1]
                raise Diverged(entry.line, "takes more steps at one size than at another")
        for at, program in zip(places, self.programs, strict=True):
            at[len(program.entries)] = len(steps)
        results, spec = self._results()
        story = Story(steps, self._calls(places[0]), arguments, results, spec, looks)
        for i, step in enumerate(steps):
            for var in variables((step.inputs, tuple(step.static.values()), step.target)):
                story.last_use[var.number] = i
        for var in variables(results):
            story.last_use[var.number] = len(steps)
        return story

    def _stretches(self, whole: list[_Row]) -> Iterator[tuple[list[_Row], Sequence[Span] | None]]:
        """The entries between and in calls of public functions; with the calls, where these did different things."""
        outer = [_outermost(o.spans) for o in self.observed]
        alike = len({tuple(s.name for s in spans) for spans in outer}) == 1
        begun = [0] * len(whole)
        for spans in zip(*outer, strict=True) if alike else ():
            inside = [
                [(i, e) for i, e in row if s.begin <= i < s.end]
                for row, s in zip(whole, spans, strict=True)
            ]
            if len({tuple(_kind(e) for _, e in row) for row in inside}) == 1 or not all(inside):
                continue
            yield (
                [
                    [(i, e) for i, e in row if at <= i < s.begin]
                    for row, at, s in zip(whole, begun, spans, strict=True)
                ],
                None,
            )
            yield inside, spans
            begun = [s.end for s in spans]
        yield (
            [[(i, e) for i, e in row if i >= at] for row, at in zip(whole, begun, strict=True)],
            None,
        )

    def _called(self, spans: Sequence[Span], entry: Entry) -> Step:
        """A call that took other steps at one size than at another: it is written as one, or not at all."""
        first = spans[0]
        if any(s.args.keys() != first.args.keys() or len(s.outs) != len(first.outs) for s in spans):
            raise Diverged(entry.line, "does other things at one size than at another")
        inputs = tuple(self._operand([s.args[k] for s in spans], entry) for k in first.args)
        step = Step("call", first.name, inputs, [], {}, entry.line, entry)
        outs = [[s.outs[n] for s in spans] for n in range(len(first.outs))]
        if any(not isinstance(v, Value) for each in outs for v in each):
            raise Diverged(entry.line, "does other things at one size than at another")
        step.outs = [self._var(each) for each in outs]
        for out in step.outs:
            out.made_by, out.base = step, None
        return step

    def _told(self, program: Program) -> list[tuple[int, Entry]]:
        return [(i, e) for i, e in enumerate(program.entries) if not isinstance(e, _SILENT)]

    def _sources(self) -> dict[int, Var]:
        arguments = {}
        counts = {len(p.sources) for p in self.programs}
        if len(counts) > 1:
            raise Diverged(None, "uses other tensors at one size than at another")
        tensors = self.observed[0].tensors
        for number, sources in enumerate(zip(*(p.sources for p in self.programs), strict=True)):
            var = self._var([s.value for s in sources])
            where = sources[0].location
            if isinstance(where, Argument):
                var.argument = where.number
                arguments[where.number] = var
            else:
                var.held = tensors[number]
                var.array = merged([s.array for s in sources])
            var.written = any(s.written for s in sources)
        return arguments

    def _var(self, values: Sequence[Value | Figure]) -> Var:
        self.count += 1
        first = values[0]
        if isinstance(first, Figure):
            var = Var(self.count, np.dtype(first.kind), (), weak=True)
        else:
            known = [v for v in values if isinstance(v, Value)]
            shapes = [v.shape for v in known]
            if len({len(s) for s in shapes}) > 1 or len({v.dtype for v in known}) > 1:
                raise Diverged(None, "makes arrays of other ranks at one size than at another")
            var = Var(self.count, first.dtype, merged(shapes))
            if first.base is not None:
                var.base = self.maps[0].get(first.base.index)
        for known_as, value in zip(self.maps, values, strict=True):
            known_as[value.index] = var
        return var

    def _operand(self, parts: Sequence[Any], entry: Any) -> Any:
        first = parts[0]
        if isinstance(first, Value | Figure):
            found = [
                known.get(p.index) if isinstance(p, Value | Figure) else None
                for known, p in zip(self.maps, parts, strict=True)
            ]
            if any(v is not found[0] for v in found) or found[0] is None:
                raise Diverged(entry.line, "computes with other things at one size than at another")
            return found[0]
        if isinstance(first, tuple | list) and all(
            isinstance(p, tuple | list) and len(p) == len(first) for p in parts
        ):
            # Sizes that vary are no torch.Size.
            kind: type[Any] = list if isinstance(first, list) else tuple
            return kind([self._operand(each, entry) for each in zip(*parts, strict=True)])
        return merged(parts)

    def _step(self, entries: Sequence[Entry]) -> Step | None:
        entry = entries[0]
        if any(type(e) is not type(entry) for e in entries):
            raise Diverged(entry.line, "does other things at one size than at another")
        if isinstance(entry, Constant):
            var = self._var([e.outs[0] for e in entries])
            var.array = merged([e.array for e in entries if isinstance(e, Constant)])
            return None
        kinds = {
            Operation: "row", Write: "write", Draw: "draw", Look: "look", Arithmetic: "python", Seen: "seen",
            Turn: "turn", Perform: "perform",
        }  # fmt: skip
        kind = kinds.get(type(entry), "other")
        name = _name(entry)
        if any(_name(e) != name or len(e.inputs) != len(entry.inputs) for e in entries):
            raise Diverged(entry.line, "does other things at one size than at another")
        inputs = tuple(
            self._operand(each, entry) for each in zip(*(e.inputs for e in entries), strict=True)
        )
        statics = [getattr(e, "static", {}) for e in entries]
        static = {key: self._operand([s.get(key) for s in statics], entry) for key in statics[0]}
        target = None
        if isinstance(entry, Write):
            target = self._operand([e.target for e in entries if isinstance(e, Write)], entry)
            root = target
            while root.base is not None:
                root = root.base
            root.written = True
        if len({len(e.outs) for e in entries}) > 1:
            raise Diverged(entry.line, "makes more arrays at one size than at another")
        step = Step(kind, name, inputs, [], static, entry.line, entry, target)
        step.outs = [self._var(each) for each in zip(*(e.outs for e in entries), strict=True)]
        for out in step.outs:
            out.made_by = step
        return step

    def _results(self) -> tuple[list[Any], Any]:
        trees = [p.tree for p in self.programs]
        spec, leaves = trees[0]
        if any(len(t[1]) != len(leaves) for t in trees):
            raise Diverged(None, "returns more at one size than at another")
        results: list[Any] = []
        for number, leaf in enumerate(leaves):
            parts = [t[1][number] for t in trees]
            if isinstance(leaf, Leaf):
                found = []
                for known, program, part in zip(self.maps, self.programs, parts, strict=True):
                    result = program.results[part.number]
                    found.append(self._result(known, program, result))
                results.append(found[0])
            elif isinstance(leaf, Figure):
                results.append(self._operand(parts, _Nowhere))
            else:
                results.append(merged(parts))
        return results, spec

    def _result(self, known: dict[int, Var], program: Program, result: Any) -> Any:
        if result.value is not None:
            return known.get(result.value.index)
        where = result.location
        for one in program.sources:
            if one.location == where:
                return known.get(one.value.index)
        if isinstance(where, Argument):
            return Passed(where.number)
        self.count += 1
        array = held(where.tensor)
        return Var(self.count, array.dtype, array.shape, array=array, held=where.tensor)

    def _calls(self, places: dict[int, int]) -> list[Call]:
        """The public functions of all recordings, as far as they are alike."""
        rows = [o.spans for o in self.observed]
        if len({len(r) for r in rows}) > 1:
            return []
        calls = []
        for spans in zip(*rows, strict=True):
            call = self._call(spans, places)
            if call is not None:
                calls.append(call)
        return calls

    def _call(self, spans: Sequence[Span], places: dict[int, int]) -> Call | None:
        first = spans[0]
        if any(s.name != first.name or s.args.keys() != first.args.keys() for s in spans):
            return None
        entry = _Nowhere
        try:
            args = {k: self._operand([s.args[k] for s in spans], entry) for k in first.args}
            outs = self._operand([s.outs for s in spans], entry)
        except Diverged:
            return None
        if any(not isinstance(out, Var) for out in outs):
            return None
        begin, end = (_after(places, at) for at in (first.begin, first.end))
        return Call(first.name, begin, end, args, outs) if begin < end else None


def _outermost(spans: Sequence[Span]) -> list[Span]:
    """The calls that are in no other one."""
    found: list[Span] = []
    for span in spans:
        if span.begin < span.end and (not found or span.begin >= found[-1].end):
            found.append(span)
    return found


def _kind(entry: Entry) -> Any:
    return type(entry), _name(entry), len(entry.inputs), len(entry.outs)


def _after(places: dict[int, int], at: int) -> int:
    """The step that an entry became, or the first behind it."""
    return min((step for number, step in places.items() if number >= at), default=0)


def _name(entry: Entry) -> str:
    if isinstance(entry, Operation):
        return entry.row.name
    if isinstance(entry, Write):
        kernel = entry.kernel
        return str(getattr(getattr(kernel, "args", [kernel])[0], "__name__", kernel))
    if isinstance(entry, Draw):
        return str(getattr(entry.numbers, "__name__", entry.numbers))
    if isinstance(entry, Arithmetic):
        return str(entry.operation.__name__)
    return type(entry).__name__.lower()


def variables(thing: Any) -> Iterator[Var]:
    """The arrays in it."""
    if isinstance(thing, Var):
        yield thing
    elif isinstance(thing, tuple | list):
        for part in thing:
            yield from variables(part)


def told(observed: Sequence[Observed]) -> Story:
    """The story of one or several recordings of a model."""
    return Merging(observed).story()


def constant(var: Var) -> Array | None:
    """The array of a variable that depends on no input and on no size."""
    found, root = var.array, var
    while root.base is not None:
        root = root.base
    return found if isinstance(found, np.ndarray) and not root.written else None
