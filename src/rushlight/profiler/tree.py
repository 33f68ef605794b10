"""From marks to events: named as torch names them, with what each ran within."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rushlight.profiler import naming
from rushlight.profiler.events import (
    BACKWARD,
    MEMORY_EVENT_NAME,
    EventList,
    FunctionEvent,
)
from rushlight.profiler.watch import BLOCK, CALL, DOOR, LOOK, NODE, PART, Mark, Watch


def events(watch: Watch, *, shapes: bool, flops: bool, memory: bool) -> EventList:
    """The events of what was measured, in the order in which they began."""
    made = _Maker(watch, shapes, flops)
    for mark in _joined(watch.roots):
        made.of(mark, None)
    for event in [e for e in made.events if not e.cpu_children]:
        made.fill(event, event.name)
    for when, size, thread in watch.loose if memory else ():
        made.event(MEMORY_EVENT_NAME, when, when, None, thread).cpu_memory_usage = size
    found = EventList(made.events, profile_memory=memory, with_flops=flops)
    found.sort(key=lambda e: e.time_range.start)
    _hand_up_memory(found)
    _hand_on_stacks(found)
    found._tree_built = True
    return found


_EVALUATE = "autograd::engine::evaluate_function: "


class _Maker:
    def __init__(self, watch: Watch, shapes: bool, flops: bool) -> None:
        self.watch, self.shapes, self.flops = watch, shapes, flops
        self.events: list[FunctionEvent] = []

    def of(self, mark: Mark, parent: FunctionEvent | None) -> None:
        """The event of a mark, and those of what is within."""
        if mark.kind == CALL:
            self._call(mark, parent)
        elif mark.kind == LOOK and (parent is None or parent.name != "aten::item"):
            self.of(mark, self._step("item", mark, _sizes(mark), parent))
        elif mark.kind in (DOOR, LOOK):
            sizes = _sizes(mark)
            name = naming.door(mark.name, sizes, mark.out)
            self._step(name, mark, naming.of_kernel(name, sizes, mark.out), parent)
        else:
            self._block(mark, parent)

    def _pair(self, name: str, when: int, parent: FunctionEvent | None, thread: int) -> None:
        """A node of torch's that has no work of its own here."""
        inner = naming.within(name)
        parent = self.event(f"{_EVALUATE}{name}", when, when, parent, thread)
        parent = self.event(name, when, when, parent, thread)
        parent.scope, parent.fwd_thread = BACKWARD, 1
        if inner is not None:
            self.event(f"aten::{inner}", when, when, parent, thread)

    def _block(self, mark: Mark, parent: FunctionEvent | None) -> None:
        if mark.kind == NODE and isinstance(mark.of, tuple):
            (before, after), mark.of = mark.of, None
            for name in before:
                self._pair(name, mark.start, parent, mark.thread)
            self._block(mark, parent)
            for name in after:
                self._pair(name, mark.end, parent, mark.thread)
            return
        event = self.event(mark.name, mark.start, mark.end, parent, mark.thread, mark)
        event.is_user_annotation = mark.kind == BLOCK
        if self.shapes and mark.kind == NODE:
            event.input_shapes = [list(size or ()) for size in _sizes(mark)]
        inner = naming.within(mark.name) if mark.kind == NODE else None
        if inner is not None and mark.children:
            first, last = mark.children[0], mark.children[-1]
            event = self.event(f"aten::{inner}", first.start, last.end, event, mark.thread)
            if len(mark.children) == 1 and first.kind == DOOR:
                self._describe(event, inner, _sizes(first), first.shapes)
            event.cpu_memory_usage = sum(map(_brought, mark.children))
            return
        for child in _joined(mark.children):
            self.of(child, event)

    def _call(self, mark: Mark, parent: FunctionEvent | None) -> None:
        children = [c for c in mark.children if c.kind != LOOK or mark.name == "item"]
        part = mark.parent is not None and mark.parent.kind in (CALL, NODE)
        if not (children or (mark.kept and not part)):
            return
        sizes = _sizes(mark)
        event = self._step(mark.name, mark, sizes, parent)
        recorded = (child.sequence for child in children if child.sequence >= 0)
        event.sequence_nr = next(recorded, -1)
        steps = naming.parts(mark.name, sizes, [child.name for child in children])
        if mark.name.startswith("conv") and len(children) == 1 and self.flops:
            event.flops = naming.of_convolution(sizes, children[0].out)
        if steps is None:
            for child in children:
                name = naming.door(child.name, (), None)
                own = child.name in naming.OWN or mark.name in (name, f"{name}_")
                if child.kind == DOOR and own:
                    event.cpu_memory_usage += child.bytes
                else:
                    self.of(child, event)
            return
        # One of the steps stands for what was done; the others are ATen's own, and take no time.
        worked = children[0] if children else None
        event.cpu_memory_usage += sum(child.bytes for child in children)
        leaf = None
        for chain in steps:
            inside = event
            start, end = (worked.start, children[-1].end) if worked else (mark.start, mark.start)
            turned = chain is naming.TURNED
            if turned or leaf is not None:
                start = end = start if turned else end
            for name in chain:
                given = (
                    sizes[1:2] if turned else naming.of_kernel(name, sizes, (worked or mark).out)
                )
                inside = self.event(f"aten::{name}", start, end, inside, mark.thread)
                self._describe(inside, name, given, None)
            if leaf is None and not turned:
                leaf = inside
                leaf.sequence_nr = leaf.sequence_nr if worked is None else worked.sequence
        if leaf is not None and children and chain[-1] not in naming.FILLING:
            # The memory came where the work was done.
            size, event.cpu_memory_usage = event.cpu_memory_usage - mark.bytes, mark.bytes
            leaf.cpu_memory_usage += size

    def _step(
        self, name: str, mark: Mark, sizes: Sequence[Any], parent: FunctionEvent | None
    ) -> FunctionEvent:
        full = f"{naming.space(name)}::{name}"
        event = self.event(full, mark.start, mark.end, parent, mark.thread, mark)
        self._describe(event, name, sizes, mark.shapes)
        return event

    def _describe(self, event: FunctionEvent, name: str, sizes: Sequence[Any], given: Any) -> None:
        if self.shapes:
            event.input_shapes = naming.filled(name, sizes)
            if given is not None:
                event.concrete_inputs = [None if isinstance(g, tuple) else g for g in given]
                event.input_dtypes = [str(g[2]) if isinstance(g, tuple) else "" for g in given]
                event.structured_input_shapes = event.input_shapes
                event.structured_input_strides = [
                    list(g[1]) if isinstance(g, tuple) else [] for g in given
                ]
        if self.flops:
            event.flops = naming.flops(name, sizes)

    def fill(self, event: FunctionEvent, outer: str) -> None:
        """What ATen does within an operation; the first of it has the time."""
        start, end = event.time_range.start, event.time_range.end
        for name in naming.inside(event.name.removeprefix("aten::")):
            made = self._add(f"aten::{name}", event.thread, start, end, event)
            self._describe(made, name, [size or None for size in event.input_shapes or ()], None)
            start = end
            if made.name != outer:
                self.fill(made, made.name)

    def event(
        self,
        name: str,
        start: int,
        end: int,
        parent: FunctionEvent | None,
        thread: int,
        mark: Mark | None = None,
    ) -> FunctionEvent:
        """An event within another."""
        begun = self.watch.begun
        ended = max(end, start)
        made = self._add(name, thread, (start - begun) / 1e3, (ended - begun) / 1e3, parent)
        if mark is not None:
            made.cpu_memory_usage, made.scope = mark.bytes, mark.scope
            made.sequence_nr, made.stack = mark.sequence, mark.stack or []
        if made.scope == BACKWARD:
            made.fwd_thread = 1
        return made

    def _add(
        self, name: str, thread: int, start: float, end: float, parent: FunctionEvent | None
    ) -> FunctionEvent:
        # The steps of a profile count as one.
        key = "ProfilerStep*" if name.startswith("ProfilerStep#") else name
        made = FunctionEvent(
            len(self.events), key, thread, start, end,
            fwd_thread=0, overload_name="", flops=0, trace_name=name,
        )  # fmt: skip
        if parent is not None:
            parent.append_cpu_child(made)
            made.set_cpu_parent(parent)
        self.events.append(made)
        return made


def _joined(marks: Sequence[Mark]) -> list[Mark]:
    """The marks, those of nodes that go on with what one before them does within that."""
    found: list[Mark] = []
    for mark in marks:
        if mark.kind == NODE and mark.of == PART and found and found[-1].kind == NODE:
            last, inner = found[-1], found[-1].children[0]
            last.end = inner.end = mark.end
            inner.children = [*inner.children, *mark.children[0].children]
        else:
            found.append(mark)
    return found


def _brought(mark: Mark) -> int:
    """The memory that came while a mark was open."""
    return mark.bytes + sum(map(_brought, mark.children))


def _sizes(mark: Mark) -> list[Any]:
    found = [given[0] if isinstance(given, tuple) else None for given in mark.shapes or ()]
    return naming.in_order(mark.name, found)


def _hand_up_memory(found: Iterable[FunctionEvent]) -> None:
    """What is within counts for what it is within."""
    for event in reversed(list(found)):
        if event.cpu_parent is not None:
            event.cpu_parent.cpu_memory_usage += event.cpu_memory_usage


def _hand_on_stacks(found: Sequence[FunctionEvent]) -> None:
    """The rules of a node have the lines of the operation that they are the derivative of."""
    forward: dict[int, list[str]] = {}
    for event in found:
        if event.scope != BACKWARD and event.stack and event.sequence_nr >= 0:
            forward.setdefault(event.sequence_nr, event.stack)
    if not forward:
        return
    for event in found:
        outer: FunctionEvent | None = event
        while outer is not None and outer.scope != BACKWARD:
            outer = outer.cpu_parent
        if outer is not None:
            event.stack = forward.get(outer.sequence_nr, [])
