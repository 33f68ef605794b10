"""A program that runs as C: its memory, its pointers, and what Python does between the pieces."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from rushlight.compiler.blocks import Block, Blocks
from rushlight.compiler.build import built, join_pool
from rushlight.compiler.graph import Graph, Guard, Memory, Place
from rushlight.compiler.kernels.target import Target
from rushlight.compiler.midway import Settings
from rushlight.compiler.passes.arena import LINE, Need, arranged
from rushlight.compiler.recording.entries import Cut, Entry, Option, Perform
from rushlight.compiler.recording.program import Program
from rushlight.compiler.recording.values import Figure, Value
from rushlight.compiler.room import zeros
from rushlight.compiler.sizes import Sizes
from rushlight.compiler.written import Written
from rushlight.core.tensor import Array
from rushlight.core.turned import held
from rushlight.memory import address, root, strided_view

# So many programs for other sizes are looked at to see what varies.
_COMPARED = 3


class Stopped(Exception):
    """A guard did not hold: nothing has been changed."""

    def __init__(self, guard: Guard | None) -> None:
        super().__init__()
        self.guard = guard


class Late(Exception):
    """An error of the function's own, when something has been changed: as eager would leave it."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class Machine(Written):
    """The C of a program, ready to run; flags: more of them for the compiler.

    sizes: the libraries that it may share with programs for other sizes, some of which are `alike`.
    known: its graph and its C, where these are known from before. processor: written for another than this.
    room: gives the memory for temporaries, which others may use between its calls.
    """

    def __init__(
        self,
        program: Program,
        *flags: str,
        sizes: Sizes | None = None,
        alike: Sequence[Program] = (),
        known: dict[str, Any] | None = None,
        processor: Target | None = None,
        room: Callable[[int], Array] | None = None,
    ) -> None:
        super().__init__(program, sizes is not None, known, processor)
        # Taken by the call that uses its memory, and what Python gave in that call.
        self.busy = threading.Lock() if sizes is None else sizes.busy
        self.library = self._built(flags) if sizes is None else self._shared(sizes, alike)
        if "parallel" in self.file.text:
            join_pool(self.library)
        self.performed: list[Any] = []
        # The options, at the beginning of that call and behind each of these.
        self.settings: list[Settings] = []
        # Taken while C draws from generators, from which others may draw meanwhile.
        streams = {id(m.array) for m in self.graph.memories if m.kind == "stream"}
        self.locks = [g.lock for g in program.generators] if streams else []
        self.doubles = (ctypes.c_double * max(program.size, 1))()
        self.numbers = np.frombuffer(memoryview(self.doubles), np.float64)
        self.table = (ctypes.c_void_p * max(len(self.graph.memories), 1))()
        # What a call does; and what each of its backwards does later.
        self.order: list[Any] = []
        self.after: list[list[Any]] = []
        steps = self.order
        for step in self.file.order:
            if isinstance(step, str):
                function = self.library[step]
                function.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
                steps.append(function)
            elif isinstance(step, Cut):
                steps = []
                self.after.append(steps)
            else:
                steps.append(step)
        # Of what NumPy does, that before which something has been changed: an error there is the function's.
        self.late = set(map(id, self.afterwards))
        self._numbers = ctypes.c_void_p(address(self.numbers))
        self._table = ctypes.c_void_p(ctypes.addressof(self.table))
        late = {id(step) for step in self.order if isinstance(step, Option)}
        options = [e for e in program.entries if isinstance(e, Option)]
        self.options = [entry for entry in options if id(entry) not in late]
        # Of each step in Python, which might set them, the options that the function looks up behind it.
        self.early: dict[int, list[Option]] = {}
        behind: list[Option] = []
        for entry in reversed(program.entries):
            if isinstance(entry, Perform):
                self.early[id(entry)] = list(behind)
            elif isinstance(entry, Option) and id(entry) not in late:
                behind.append(entry)
        self.set_by_python = [(e.options, e.key) for e in options] if self.early else []
        bordered = any(memory.bordered for memory in self.graph.memories)
        room = room if sizes is None else sizes.arena
        self._lay_out(zeros if room is None or bordered else room)

    def _built(self, flags: Sequence[str]) -> ctypes.CDLL:
        """Its own library."""
        return built(self.file.text, *flags, parts=self.file.parts)

    def _shared(self, sizes: Sizes, alike: Sequence[Program]) -> ctypes.CDLL:
        """The library of many sizes, and the numbers that it is handed for these."""
        library, self.file.text, numbers = sizes.library(
            self.file.text, lambda: [Written(one, True).file.text for one in alike[:_COMPARED]]
        )
        if self.sizes is not None:
            self.sizes.array, self.sizes.size = numbers, numbers.size
        return library

    # ---- memory ----------------------------------------------------------------------------------

    def _lay_out(self, room: Callable[[int], Array]) -> None:
        """Give temporaries and constants their memory."""
        starts, size = self.laid = self.laid or arranged(self._needs())
        # Zeros: borders of images are read, and never written.
        self.arena = room(size + LINE)
        base = -address(self.arena) % LINE
        # The array of each memory, flat; those of sources and of what is given change with each call.
        self.flat: dict[int, Array] = {}
        for memory in self.graph.memories:
            if memory.number in starts:
                start = base + starts[memory.number]
                size = self.file.near.get(memory.number, memory.size)
                part = self.arena[start : start + size * memory.dtype.itemsize]
                self._hold(memory, part.view(memory.dtype))
            elif memory.kind in ("constant", "stream") and memory.array is not None:
                self._hold(memory, np.ascontiguousarray(memory.array).reshape(-1))
        of = {
            self.graph.places[r.value.index].memory.number for r in self.program.kept() if r.value
        }
        lasting = [m for m in self.graph.memories if m.kind == "kept"]
        self.kept = [m for m in lasting if m.number in of]
        self.kept_after = [m for m in lasting if m.number not in of]
        saved = [m for m in self.graph.memories if m.kind == "saved"]
        self.blocks = Blocks(saved) if saved else None
        self.pointers = np.frombuffer(memoryview(self.table), np.uintp)
        # Arrays that NumPy or Python has handed out in this call, by memory.
        self.given: dict[int, Array] = {}
        self.sources = []
        # Sources in the memory of another, and how far behind it they begin.
        self.together = [
            (number, first, address(source.array) - address(self.program.sources[first].array))
            for number, (source, first) in enumerate(
                zip(self.program.sources, self.program.shared, strict=True)
            )
            if first != number
        ]
        seen: set[int] = set()
        for number, source in enumerate(self.program.sources):
            place = self.graph.places[source.value.index]
            if place.memory.number not in seen:
                seen.add(place.memory.number)
                back = place.offset * place.dtype.itemsize
                self.sources.append((number, place.memory.number, back))

    def _needs(self) -> list[Need]:
        """The temporaries; borders stay, and what Python looks at."""
        kept = self.looked_at()
        needs = []
        for memory in self.graph.memories:
            if memory.kind == "own" and memory.number in self.file.used:
                stays = memory.bordered or memory.number in kept
                life = (0, self.count) if stays else self.file.lives[memory.number]
                size = self.file.near.get(memory.number, memory.size)
                needs.append(Need(memory.number, size * memory.dtype.itemsize, *life))
        return needs

    def looked_at(self) -> set[int]:
        """The memories that Python reads between the pieces of C."""
        return {
            self.graph.places[x.index].memory.number
            for step in (*self.order, *(step for steps in self.after for step in steps))
            if isinstance(step, Entry)
            for x in step.reads()
            if x.__class__ is Value and x.index in self.graph.places
        }

    def save_in(self, block: Block) -> None:
        """Let a call keep in a block what its backward reads."""
        self.flat.update(block.parts)
        self.pointers[self.blocks.numbers] = block.addresses  # type: ignore[union-attr]

    def _hold(self, memory: Memory, flat: Array) -> None:
        self.flat[memory.number] = flat
        self.table[memory.number] = address(flat)

    # ---- running ---------------------------------------------------------------------------------

    def run(self, tensors: list[Any], slots: list[Any], again: bool = False) -> None:
        """Run on the sources; leave in the slots what Python needs. again: as when it was recorded."""
        for entry in self.options:
            (entry.again if again else entry.run)(slots)
            figure = entry.outs[0]
            self.numbers[figure.index] = slots[figure.index]
        self.performed, self.settings = [], [self._settings()]
        for number, first, behind in self.together:
            if address(held(tensors[number])) - address(held(tensors[first])) != behind:
                raise Stopped(None)
        for number, at, back in self.sources:
            self.table[at] = address(held(tensors[number])) - back
        for memory in self.kept:
            self._hold(memory, np.empty(memory.size, memory.dtype))
        if again and self.blocks is not None:
            block = self.blocks.take()
            self.save_in(block)
        self.steps(self.order, tensors, slots, again)
        wanted = self.program.kept()
        if again and self.after:
            for memory in self.kept_after:
                self._hold(memory, np.empty(memory.size, memory.dtype))
            for cut, steps in zip(self.cuts, self.after, strict=True):
                self.steps([cut, *steps], tensors, slots, again)
            wanted = self.program.lasting()
        for result in wanted:
            if result.value is not None and slots[result.value.index] is None:
                slots[result.value.index] = self.array(result.value.index, tensors)
        for leaf in self.program.tree[1]:
            if leaf.__class__ is Figure:
                self._number(leaf, slots)

    def steps(
        self, steps: list[Any], tensors: list[Any], slots: list[Any], again: bool = False
    ) -> None:
        """Do what a call, or its backward, does."""
        for step in steps:
            if isinstance(step, Entry):
                try:
                    self.step(step, tensors, slots, again)
                except Exception as error:
                    raise (Late(error) if id(step) in self.late else error) from None
                if isinstance(step, Perform) and not again:
                    self._same_options(step, slots)
            else:
                with ExitStack() as stack:
                    for lock in self.locks:
                        stack.enter_context(lock)
                    stopped = step(self._table, self._numbers)
                if stopped:
                    raise Stopped(self.file.stops[stopped - 1])

    def _settings(self) -> Settings:
        return [(options, key, options[key]) for options, key in self.set_by_python]

    def _same_options(self, step: Perform, slots: list[Any]) -> None:
        """Python has not set an option that was looked up before its turn."""
        for entry in self.early[id(step)]:
            before = slots[entry.outs[0].index]
            entry.run(slots)
            if slots[entry.outs[0].index] is not before:
                raise Stopped(None)

    def _number(self, figure: Figure, slots: list[Any]) -> None:
        if slots[figure.index] is None:
            slots[figure.index] = figure.kind(self.numbers[figure.index])

    def step(self, entry: Entry, tensors: list[Any], slots: list[Any], again: bool) -> None:
        """An entry that has no C."""
        for x in entry.reads():
            if x.__class__ is Figure:
                self._number(x, slots)
            elif slots[x.index] is None:
                slots[x.index] = self.array(x.index, tensors)
        try:
            (entry.again if again else entry.run)(slots)
        finally:
            if isinstance(entry, Perform) and entry.given is not None:
                self.performed.append(entry.given)
                self.settings.append(self._settings())
                entry.given = None
        for out in entry.outs:
            if out.__class__ is Figure:
                self.numbers[out.index] = slots[out.index]
                continue
            place = self.graph.places[out.index]
            if place.memory.kind == "given":
                array = slots[out.index]
                if array.strides != out.strides or not array.size:
                    slots[out.index] = array = _laid_as(array, out)
                self.give(place.memory, array)

    def give(self, memory: Memory, array: Array) -> None:
        """Let memory be that of an array, which NumPy or Python has made."""
        self.given[memory.number] = array
        self.table[memory.number] = address(array)

    def array(self, index: int, tensors: list[Any]) -> Array:
        """The array of a value."""
        place = self.graph.places[index]
        memory = place.memory
        item = memory.dtype.itemsize
        strides = tuple(s * item for s in place.strides)
        if not place.size and not any(strides):
            # Nothing, as NumPy makes it.
            return np.empty(place.shape, memory.dtype)
        if memory.kind == "source":
            for number, at, back in self.sources:
                if at == memory.number:
                    array = held(tensors[number])
                    owner = root(array)
                    offset = address(array) - back + place.offset * item - address(owner)
                    return strided_view(owner, place.shape, strides, offset, memory.dtype)
        if memory.kind == "given":
            array = self.given[memory.number]
            owner = root(array)
            offset = address(array) + place.offset * item - address(owner)
            return strided_view(owner, place.shape, strides, offset, memory.dtype)
        flat = self.flat[memory.number]
        if place.is_whole() and place.size:
            return flat.reshape(place.shape)
        return strided_view(flat, place.shape, strides, place.offset * item, memory.dtype)


def _laid_as(array: Array, value: Value) -> Array:
    """The same elements, laid out as recorded."""
    if not array.size:
        empty = np.empty(value.shape, value.dtype)
        return strided_view(empty, value.shape, value.strides) if any(value.strides) else empty
    last = sum((n - 1) * s for n, s in zip(value.shape, value.strides, strict=True))
    flat = np.empty(last // value.dtype.itemsize + 1, value.dtype)
    out = strided_view(flat, value.shape, value.strides)
    out[...] = array
    return out


__all__ = ["Graph", "Machine", "Place", "Stopped"]
