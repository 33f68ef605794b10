"""What a `Capture` wrote down of a forward pass, as boxes: operations in their modules, with values and gradients."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from rushlight import public as ops
from rushlight.core.state import state
from rushlight.core.tensor import Array
from rushlight.nn import Module, functional
from rushlight.visual.boxes import Box, Fact, Item, Step, grouped, with_leaves
from rushlight.visual.capture import Capture
from rushlight.visual.facts import gradient, norm, number, shape_of, values
from rushlight.visual.names import BUFFER, CONSTANT, INPUT, LEAF, PARAMETER, Names
from rushlight.visual.records import FORWARD, WRITE, Call, Operation, Value, Visit
from rushlight.visual.tape import is_layer, short

_BEGINS = (PARAMETER, BUFFER, LEAF)
# torch's name for the last step of a product, which tells nobody what was done.
_UNTOLD = "UnsafeView"
# What tells which function made of another one was called.
_MAIN = {"window_sum": "AvgPool", "max_pool_from": "MaxPool", "max_pool": "MaxPool"}
# What functions of one operation, made by a function, are called in Python's frames.
_BUILDERS = ("", "apply", "take", "function", "method", "getitem")


def look(array: Array) -> float | complex | None:
    """What is kept of an array for a drawing: a single number, and of gradients the norm."""
    if array.dtype.kind not in "fiubcV":
        return None
    if array.size == 1:
        return array.astype(np.float64).item() if array.dtype.kind == "V" else array.item()
    return norm(array) if state.walk is not None else None


class Run(NamedTuple):
    """What was written down, where it led, what torch calls the nodes of its operations, and names of the roots."""

    capture: Capture
    roots: Sequence[Value]
    labels: Mapping[Operation, str]
    names: Sequence[str | None] = ()


def run_call(what: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Run:
    """A call of a module or a function, written down; inputs are called as it calls them."""
    run = Capture(look)
    if isinstance(what, Module):
        run.names.add(what, type(what).__name__.lower())
    with run:
        for name, tensor in _named_arguments(what, args, kwargs):
            run.value_of(tensor).name = name
        out = what(*args, **kwargs)
        named = [(name, run.value_of(tensor)) for name, tensor in tensors_in(out, "output")]
    return Run(run, [value for _, value in named], labels_of(run), [name for name, _ in named])


def labels_of(run: Capture) -> dict[Operation, str]:
    """What torch calls the operations whose nodes are alive."""
    return {operation: short(node.name()) for operation, node in run.nodes()}


def run_of(capture: Capture) -> Run:
    """What led to where backward began, or else to what came last."""
    events = capture.events
    last = [e for e in events if isinstance(e, Operation) and e.phase == FORWARD and e.outputs]
    roots = capture.roots or [e.outputs[0] for e in last[-1:]]
    return Run(capture, roots, labels_of(capture))


def _named_arguments(
    what: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Iterable[tuple[str, Any]]:
    try:
        given = inspect.signature(getattr(what, "forward", what)).bind(*args, **kwargs).arguments
    except (TypeError, ValueError):
        given = {f"input {i}": value for i, value in enumerate(args)} | dict(kwargs)
    for name, value in given.items():
        yield from tensors_in(value, name)


def tensors_in(value: Any, name: str) -> Iterable[tuple[str, Any]]:
    """The tensors in nested tuples, lists and dicts, each with a name."""
    if hasattr(value, "grad_fn"):
        yield name, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from tensors_in(inner, f"{name}[{key!r}]")
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from tensors_in(inner, f"{name}[{place}]")


def read(run: Run, module: Any = None) -> list[Item]:
    """The boxes of what led to the roots of a run; module: the one whose call it was, if it was one."""
    return _Reader(run, module).items(run.roots)


class _Reader:
    def __init__(self, noted: Run, module: Any) -> None:
        run = noted.capture
        self.tensors = {} if module is None else dict(module.named_parameters())
        # The call of the module that is drawn needs no frame, unless it is a layer itself: all is in it.
        self.whole = None if module is None or not run.calls else run.calls[0]
        self.full = {} if module is not None else _full_names(run.names)
        self.kinds = {path: type(module) for path, module in run.names.modules()}
        self.labels, self.names = noted.labels, noted.names
        self.gradients: dict[Operation, Any] = {}
        for event in run.events:
            if isinstance(event, Visit) and event.incoming and event.incoming[0] is not None:
                self.gradients[event.operation] = event.incoming[0]
        self.leaves: dict[int, Box] = {}
        self.boxes: dict[Operation, Box] = {}

    def items(self, roots: Sequence[Value]) -> list[Item]:
        """The boxes, in groups."""
        drawn = self._drawn(roots)
        for operation in drawn:
            self.boxes[operation] = self._box(operation)
        for operation, box in self.boxes.items():
            box.reads = [
                (source, words)
                for v in operation.inputs
                if isinstance(v, Value)
                for source, words in self._source(v)
            ]
        calls = _calls_of_functions(list(self.boxes))
        asked: dict[int, str] = {}
        for operation, call in calls.items():
            asked[call] = asked.get(call) or _function(operation) or _MAIN.get(operation.name, "")
        placed = []
        for operation, box in self.boxes.items():
            way = self._way(operation.module)
            if operation in calls and not (way and way[-1].layer):
                call = calls[operation]
                way = (*way, Step(("function", call), "", asked[call], True))
            placed.append((box, way))
        items = with_leaves(grouped(placed), list(self.leaves.values()))
        return [*items, *map(self._output, roots, self.names or [r.name for r in roots])]

    def _drawn(self, roots: Sequence[Value]) -> list[Operation]:
        """The operations that led to roots and matter: within a module, or made of what is learned."""
        needed: set[Operation] = set()
        stack = [root.maker for root in roots]
        while stack:
            operation = stack.pop()
            if operation is not None and operation not in needed:
                needed.add(operation)
                stack += [_maker(v) for v in operation.inputs if isinstance(v, Value)]
        order = sorted(needed, key=lambda operation: operation.number)
        matters: set[Operation] = set()
        for operation in order:
            if operation.module is not None or any(
                v.kind in (PARAMETER, LEAF) or v.maker in matters
                for v in operation.inputs
                if isinstance(v, Value)
            ):
                matters.add(operation)
        return [o for o in order if (o in matters or not matters) and not _lands(o)]

    def _way(self, call: Call | None) -> tuple[Step, ...]:
        steps: list[Step] = []
        while call is not None:
            kind = self.kinds.get(call.path)
            layer = kind is not None and is_layer(kind)
            if layer or call is not self.whole:
                name = self.full.get(call.path, call.path)
                steps.append(Step(call.number, name, call.kind, layer))
            call = call.parent
        return tuple(reversed(steps))

    def _source(self, value: Value) -> Iterable[tuple[Box, str]]:
        maker = _maker(value)
        if maker is not None and _lands(maker):
            yield from self._source(maker.inputs[1])
        elif maker is not None and maker in self.boxes:
            number = maker.outputs.index(value) if value in maker.outputs else 0
            yield self.boxes[maker], f" {number}" if number else ""
        elif value.kind != CONSTANT or value.shape:
            yield self._leaf(value), ""

    def _leaf(self, value: Value) -> Box:
        box = self.leaves.get(value.number)
        if box is None:
            kind = value.kind if value.kind in (PARAMETER, BUFFER, LEAF, CONSTANT) else INPUT
            if kind == CONSTANT and value.name is not None:
                kind = INPUT
            name = self.full.get(value.name, value.name) if value.name else kind
            facts = [*self._facts(value), *self._landed(value)]
            box = self.leaves[value.number] = Box(kind, name, kind, facts)
            if kind == PARAMETER:
                box.parameters, box.elements = 1, math.prod(value.shape)
        return box

    def _facts(self, value: Value) -> list[Fact]:
        shape = shape_of(value.shape, value.dtype)
        seen = _number(value)
        if seen is None or math.prod(value.shape) != 1:
            return [shape]
        shown = number("value", seen)
        return [shown] if shape.words == "scalar" else [shape, shown]

    def _landed(self, value: Value) -> list[Fact]:
        if value.gradient is not None:
            return _gradient(value.gradient)
        tensor = self.tensors.get(value.name or "")
        if tensor is None or tensor.grad is None:
            return []
        return [gradient(values(tensor.grad))]

    def _box(self, operation: Operation) -> Box:
        title = self.labels.get(operation, _UNTOLD)
        if title == _UNTOLD:
            title = _camel(operation.name)
        facts = self._facts(operation.outputs[0]) if operation.outputs else []
        if operation in self.gradients:
            facts += _gradient(self.gradients[operation])
        numbers = [v for v in operation.inputs if isinstance(v, int | float)]
        if numbers and operation.module is None:
            facts.insert(0, Fact(f"with {', '.join(f'{n:g}' for n in numbers)}"))
        inputs = [v.name for v in operation.inputs if isinstance(v, Value) and v.name]
        names = [self.full.get(name, name) for name in inputs]
        line = operation.line
        where = f"\n{line.file}:{line.number}, in {line.function}" if line is not None else ""
        reads = f" ({', '.join(names)})" if names else ""
        tooltip = f"{title}{reads}{where}"
        return Box("operation", title, title, facts, tooltip=tooltip, operations=1)

    def _output(self, root: Value, name: str | None) -> Box:
        name = name or "output"
        return Box("output", name, "output", self._facts(root), [*self._source(root)])


def _full_names(names: Names) -> dict[str, str]:
    """The paths in the module whose paths are plain, behind the name of the variable that holds it."""
    root = None if names.first is None else names.first[0]()
    if root is None or names.first is None:
        return {}
    variable = names.first[1]
    inside = [path for path, _ in root.named_modules() if path]
    inside += [path for path, _ in root.named_parameters()]
    inside += [path for path, _ in root.named_buffers()]
    return {"": variable} | {path: f"{variable}.{path}" for path in inside}


def _maker(value: Value) -> Operation | None:
    """What made a value, if that is drawn: parameters are where it begins."""
    maker = value.maker
    return None if value.kind in _BEGINS or maker is None or maker.phase != FORWARD else maker


def _gradient(value: Value) -> list[Fact]:
    seen = _number(value)
    if seen is None:
        return []
    return [number("grad" if math.prod(value.shape) == 1 else "grad norm", seen)]


def _number(value: Value) -> Any:
    """The number that was seen of a value, or its norm; of one seen for a page (`stepping`), by its statistics."""
    seen = value.seen
    if not isinstance(seen, dict):
        return seen
    if seen.get("st") is None:
        return None
    *_, mean, size, _, nans, infinite = seen["st"]
    count = math.prod(value.shape)
    if nans or infinite or mean is None:
        return math.nan if nans else math.inf
    return mean if count == 1 else size * math.sqrt(count)


def _calls_of_functions(operations: Sequence[Operation]) -> dict[Operation, int]:
    """Which operations are parts of one call of a function: those with the same number."""
    calls: dict[Operation, int] = {}
    group: list[Operation] = []
    for operation in operations:
        if _function(operation) is None:
            group = []
            continue
        if group and not _continues(operation, group):
            group = []
        group.append(operation)
        # What reads of two calls is the place where they are one.
        mine = {calls[m] for m in _makers(operation) if m in group}
        calls[operation] = min(mine, default=operation.number)
        for other in group:
            if calls[other] in mine:
                calls[other] = calls[operation]
    return calls


def _continues(operation: Operation, group: Sequence[Operation]) -> bool:
    """Whether an operation may be a part of the call that the ones before it are parts of.

    One that is the first again, on what came of the call, belongs to another.
    """
    first = group[0]
    as_before = (operation.asked, operation.lines, operation.module)
    again = operation.name == first.name and any(m in group for m in _makers(operation))
    return as_before == (first.asked, first.lines, first.module) and not again


def _makers(operation: Operation) -> list[Operation]:
    return [v.maker for v in operation.inputs if isinstance(v, Value) and v.maker is not None]


def _lands(operation: Operation) -> bool:
    """Whether it writes what was computed in the same call where it belongs, the end of a change in place."""
    made = _makers(operation)[-1:]
    if (
        not made
        or (operation.kind, operation.name) != (WRITE, "copy")
        or operation.asked == "copy_"
    ):
        return False
    return (made[0].lines, made[0].module) == (operation.lines, operation.module)


def _function(operation: Operation) -> str | None:
    """The function that the user called there, "" if its name is not known; None for operators and methods."""
    name = operation.asked
    if name in _BUILDERS or name.startswith("_"):
        return None
    return _camel(name) if hasattr(functional, name) or hasattr(ops, name) else ""


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.strip("_").split("_"))
