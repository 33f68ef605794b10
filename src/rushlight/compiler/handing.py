"""The backward of a compiled function: one node on the tape, which hands gradients on through C."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight.compiler.blocks import Block
from rushlight.compiler.graph import Memory
from rushlight.compiler.machine import Machine, Stopped
from rushlight.compiler.recording.entries import Entry
from rushlight.compiler.recording.program import Backward, Program, Way
from rushlight.core.node import Node
from rushlight.core.state import state
from rushlight.core.tape import refresh
from rushlight.core.tensor import Array, TensorBase, wrap
from rushlight.core.turned import held
from rushlight.errors import FREED, stale
from rushlight.memory import address


class _Back:
    """How one way back is run."""

    def __init__(self, machine: Machine, way: Way, steps: list[Any]) -> None:
        self.way, self.steps = way, steps
        places = machine.graph.places
        self.seeds = [places[value.index].memory for value in way.seeds]
        self.python = any(isinstance(step, Entry) for step in steps)
        # Where each gradient will be, and the memory that is made for them.
        self.made = [None if r is None else places[r.value.index] for r in way.grads]  # type: ignore[union-attr]
        kept = {id(m) for m in machine.kept_after}
        self.fresh: dict[int, tuple[Memory, tuple[int, ...]]] = {}
        for place in self.made:
            if place is not None and id(memory := place.memory) in kept:
                known = self.fresh.get(memory.number)
                if known is None or place.is_whole():
                    shape = place.shape if place.is_whole() else (memory.size,)
                    self.fresh[memory.number] = memory, shape


class Handing:
    """How the C of a backward is run, for one program."""

    def __init__(self, program: Program, machine: Machine, backward: Backward) -> None:
        self.program, self.machine, self.backward = program, machine, backward
        self.kinds = [(r.value.shape, r.value.dtype) for r in backward.outs]  # type: ignore[union-attr]
        self.ways = {
            way.outs: _Back(machine, way, steps)
            for way, steps in zip(backward.ways, machine.after, strict=True)
        }
        self.every = backward.ways[0].outs
        self._find_crossing()

    def _find_crossing(self) -> None:
        """What a backward reads that is there when the call has run."""
        machine, late = self.machine, False
        read: set[int] = set()
        before: set[int] = set()
        figures: set[int] = set()
        self.numbers = False
        for group in machine.groups:
            late = late or machine.is_cut(group)
            touched = {p.memory.number for p in (*group.reads(), *group.writes())}
            (read if late else before).update(touched)
            for statement in group.statements:
                if late:
                    self.numbers |= any(f.index in figures for f in statement.numbers_read())
                elif (made := statement.number_written()) is not None:
                    figures.add(made.index)
        crossing = [
            memory for memory in machine.graph.memories
            if memory.number in read and (memory.number in before or memory.kind == "source")
            and memory.kind not in ("own", "constant")
        ]  # fmt: skip
        self.pointers = np.array([m.number for m in crossing], np.intp)
        self.arrays = [m for m in crossing if m.kind in ("kept", "given")]
        wanted = {m.number for m in crossing if m.kind == "source"}
        # Their tensors, by number among the sources.
        places = machine.graph.places
        self.sources = [
            number for number, source in enumerate(self.program.sources)
            if places[source.value.index].memory.number in wanted
        ]  # fmt: skip
        self.python = any(back.python for back in self.ways.values())

    def node(
        self, given: list[Any], tensors: list[Any], block: Block | None, results: list[Any]
    ) -> None:
        """Put the node of a call that has just run onto its results."""
        targets = [location.find(given) for location in self.backward.targets]
        machine = self.machine
        read = [tensors[number] for number in self.sources]
        versions = [part for t in read for part in (t._changes_, t._changes_[0])]
        arrays = {
            m.number: (machine.given if m.kind == "given" else machine.flat)[m.number]
            for m in self.arrays
        }
        kept = Kept(
            machine.pointers[self.pointers], block, [held(t) for t in read], arrays,
            [held(t) for t in tensors] if self.python else [],
            machine.numbers.copy() if self.numbers else None,
        )  # fmt: skip
        CompiledFunctionBackward(self, *_edges(targets), kept, versions).put_on(results)

    def gradients(self, kept: Kept, given: Sequence[Any]) -> list[Any]:
        """What the C makes of the gradients of the results."""
        # Its memory is that of all calls: one after the other.
        with self.machine.busy:
            return self._gradients(kept, given)

    def _gradients(self, kept: Kept, given: Sequence[Any]) -> list[Any]:
        present = tuple(i for i, g in enumerate(given) if g is not None)
        back = self.ways.get(present) or self.ways[self.every]
        machine = self.machine
        pointers, table = machine.pointers, machine.table
        before = pointers[self.pointers]
        pointers[self.pointers] = kept.pointers
        try:
            for memory, number in zip(back.seeds, back.way.outs, strict=True):
                machine.give(memory, _laid(given[number], *self.kinds[number]))
            if kept.numbers is not None:
                machine.numbers[:] = kept.numbers
            fresh: dict[int, Array] = {}
            for number, (memory, shape) in back.fresh.items():
                array = fresh[number] = np.empty(shape, memory.dtype)
                table[number] = address(array)
            self._run(back, kept, fresh)
            return [
                self._made(back, at, fresh, kept) if self._reached(at, present) else None
                for at in range(len(back.made))
            ]
        finally:
            pointers[self.pointers] = before
            machine.given.clear()

    def _run(self, back: _Back, kept: Kept, fresh: dict[int, Array]) -> None:
        machine = self.machine
        try:
            if back.python:
                self._show(kept, fresh)
                tensors = [wrap(array) for array in kept.all]
                machine.steps(back.steps, tensors, [None] * self.program.size)
                return
            for step in back.steps:
                if step(machine._table, machine._numbers):
                    raise Stopped(None)
        except Stopped:
            raise RuntimeError(
                "the backward of a compiled function found an index out of range: what the function was "
                "given has been written past rushlight since"
            ) from None

    def _show(self, kept: Kept, fresh: dict[int, Array]) -> None:
        """Let NumPy find what the C does."""
        machine = self.machine
        if kept.block is not None:
            machine.flat.update(kept.block.parts)
        for memory in self.arrays:
            where = machine.given if memory.kind == "given" else machine.flat
            where[memory.number] = kept.arrays[memory.number]
        machine.flat.update({number: array.reshape(-1) for number, array in fresh.items()})

    def _reached(self, target: int, present: tuple[int, ...]) -> bool:
        """Whether a target gets a gradient from any of the results that have one."""
        if present == self.every:
            return True
        return any(target in self.backward.reached[number] for number in present)

    def _made(self, back: _Back, at: int, fresh: dict[int, Array], kept: Kept) -> Any:
        """One gradient."""
        place = back.made[at]
        if place is None:
            return None
        number = place.memory.number
        array = fresh.get(number)
        if array is not None and array.shape == place.shape and place.is_whole():
            return wrap(array)
        self._show(kept, fresh)
        result = back.way.grads[at]
        tensors = [wrap(a) for a in kept.all]
        found = self.machine.array(result.value.index, tensors)  # type: ignore[union-attr]
        # What others see is not handed out.
        return wrap(found if array is not None or place.memory.kind == "given" else found.copy())


class Kept:
    """What a backward needs of its call."""

    __slots__ = ("pointers", "block", "read", "arrays", "all", "numbers")

    def __init__(
        self,
        pointers: Array,
        block: Block | None,
        read: Sequence[Array],
        arrays: dict[int, Array],
        every: list[Array],
        numbers: Array | None,
    ) -> None:
        self.pointers, self.block, self.read = pointers, block, read
        self.arrays, self.all, self.numbers = arrays, every, numbers


class CompiledFunctionBackward(Node):
    """The node of one call."""

    __slots__ = ("handing", "kept", "versions")

    def __init__(
        self,
        handing: Handing,
        edges: list[Any],
        numbers: list[int] | None,
        kept: Kept,
        versions: list[Any],
    ) -> None:
        super().__init__(edges, numbers)
        self.handing = handing
        self.kept: Kept | None = kept
        self.versions = versions

    def put_on(self, results: list[Any]) -> None:
        """Let the results that are differentiated come out of it."""
        kinds = self.handing.kinds
        if len(results) > 1:
            self._metas = kinds
        else:
            self._out_shape, self._out_dtype = kinds[0]
        for number, tensor in enumerate(results):
            tensor._requires_grad_ = True
            tensor._node_ = self
            if number:
                tensor._output_nr_ = number
        # What a backward reads of the results is not to be changed, either.
        for tensor in results:
            self.versions += tensor._changes_, tensor._changes_[0]

    def _gradients(self, g: Any) -> Sequence[Any]:
        """Run the C on what was kept."""
        kept = self.kept
        if kept is None:
            raise RuntimeError(FREED)
        versions = iter(self.versions)
        for changes in versions:
            if changes[0] != (count := next(versions)):
                raise RuntimeError(
                    stale("what a compiled function was given, or gave,", changes, count)
                )
        if g is None:
            return ()
        made = self.handing.gradients(kept, g if self._metas is not None else (g,))
        if state.grad:
            for tensor in made:
                if tensor is not None:
                    tensor._requires_grad_ = True
                    tensor._node_ = CompiledFunctionBackwardBackward(tensor)
        return made

    def _release(self) -> None:
        """Let go of what was kept."""
        self.kept = None


class CompiledFunctionBackwardBackward(Node):
    """The derivative of a compiled backward, which there is not."""

    __slots__ = ()

    def __init__(self, tensor: TensorBase) -> None:
        super().__init__((), None)
        self._out_shape, self._out_dtype = tensor._data_.shape, tensor._data_.dtype

    def _gradients(self, g: Any) -> Sequence[Any]:
        raise RuntimeError(
            "torch.compile with aot_autograd does not currently support double backward"
        )


def _edges(targets: list[Any]) -> tuple[list[Any], list[int]]:
    """Where gradients of tensors go: leaves, or the nodes from which they come."""
    for target in targets:
        if target._view_ is not None:
            refresh(target)
    edges = [target if target._node_ is None else target._node_ for target in targets]
    return edges, [0 if t._node_ is None else t._output_nr_ for t in targets]


def _laid(g: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    """A gradient as the C takes it: in row order, and zeros if there is none."""
    if g is None:
        return np.zeros(shape, dtype)
    return np.ascontiguousarray(g._data_).reshape(shape)


__all__ = ["CompiledFunctionBackward", "Handing"]
