"""The recorder: an interpreter that writes down what comes to the doors."""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rushlight import random
from rushlight.allocation import Uncollected
from rushlight.caller import Line, site, user_line
from rushlight.compiler.recording.entries import (
    Arithmetic,
    Checked,
    Constant,
    Cut,
    Decision,
    Draw,
    Entry,
    Look,
    Operation,
    Option,
    Outcome,
    Perform,
    Seed,
    Seen,
    Store,
    Turn,
    Write,
)
from rushlight.compiler.recording.errors import CannotRecord, place
from rushlight.compiler.recording.examined import examine
from rushlight.compiler.recording.grads import Grads
from rushlight.compiler.recording.memories import Memories
from rushlight.compiler.recording.numbers import Options, has_numbers, plain_options, remember
from rushlight.compiler.recording.printing import called
from rushlight.compiler.recording.program import Argument, Grad, Held, Location, Source, hooks_of
from rushlight.compiler.recording.rates import rates_of
from rushlight.compiler.recording.tree import apart
from rushlight.compiler.recording.values import (
    Figure,
    Number,
    Value,
    computed,
    fingerprint,
    is_number,
    lay,
    plain,
)
from rushlight.compiler.recording.waiting import Waiting
from rushlight.compiler.recording.world import World
from rushlight.core import doors
from rushlight.core.doors import Interpreter
from rushlight.core.row import Primitive
from rushlight.core.state import state
from rushlight.core.tensor import Array, TensorBase
from rushlight.core.turned import held
from rushlight.memory import root

# Doors behind which no code of the user's runs.
_OWN = {"apply", "into", "read", "number", "check", "draw", "literal"}


class Recorder(Interpreter):
    """Writes every operation, write, look and draw down as an entry, and lets it happen."""

    def __init__(
        self, world: World, memories: Memories, grads: Grads, lenient: bool = False
    ) -> None:
        # lenient: what cannot be recorded is noted in `refused`, and happens all the same.
        self.lenient = lenient
        self.refused: CannotRecord | None = None
        self.world = world
        self.memories = memories
        self.grads = grads
        self.recording = True
        # What comes out of a graph may be used: its gradient is handed on.
        self.open = False
        # A backward has run in the function; that which hands gradients on, behind it, is running.
        self.walked = self.handing = False
        self.entries: list[Entry] = []
        self.sources: list[Source] = []
        self.size = 0
        # The value that an array holds, by identity, as long as the array is there.
        self.known: dict[int, tuple[weakref.ref[Array], Value]] = {}
        self.by_tensor = {id(t): i for i, t in enumerate(world.tensors_given)}
        # Memory that holds what depends on nothing but Python.
        self.fixed: set[int] = set()
        self.fixed_values: set[int] = set()
        self.constants: list[tuple[Array, Constant]] = []
        self.lines: weakref.WeakKeyDictionary[Any, Line] = weakref.WeakKeyDictionary()
        self.generators: dict[int, tuple[Any, Any]] = {}
        self.remember_generator(random.default_generator)
        self.kept: list[Any] = []
        # Options that were read, arithmetic and comparisons that were made, each noted once.
        self.asked: dict[tuple[int, str, int | None], Number] = {}
        self.sums: dict[tuple[Any, ...], Number] = {}
        self.decided: set[tuple[Any, ...]] = set()
        # Arrays that were made of Python's numbers.
        self.literals: dict[int, weakref.ref[Array]] = {}
        # While it records Python does not look for cycles.
        self.uncollected = Uncollected()
        # What is not computed yet; None: everything is.
        self.waiting: Waiting | None = None

    def let_go(self) -> None:
        """The recording is over: what is left are the entries."""
        self.waiting = None
        self.kept, self.known, self.constants, self.grads = [], {}, [], Grads()

    # ---- the doors -------------------------------------------------------------------------------

    def take(self, watchers: tuple[Interpreter, ...], door: str, *what: Any) -> Any:
        """What came to a door."""
        if self.refused is None:
            # Behind these doors nothing but rushlight runs, at which nobody need look.
            looks = sys.getprofile() if door in _OWN and len(watchers) == 1 else None
            if looks is not None:
                sys.setprofile(None)
            try:
                return super().take(watchers, door, *what)
            except CannotRecord as error:
                if not self.lenient:
                    raise
                self.refuse(error)
            finally:
                if looks is not None:
                    sys.setprofile(looks)
        return self._passed_on(watchers, door, *what)

    def refuse(self, error: CannotRecord) -> None:
        """This is not recorded any more."""
        self.settle()
        self.refused = self.refused or error
        self.recording = False
        # Who knows how long the function goes on.
        self.uncollected.end()

    def settle(self, everything: bool = False) -> None:
        """Compute what waits; everything: all, where memory is as it was at first."""
        waiting, self.waiting = self.waiting, None
        if waiting is not None:
            waiting.compute(self.entries, everything)

    def _passed_on(self, watchers: tuple[Interpreter, ...], door: str, *what: Any) -> Any:
        state.interpreters = watchers[:-1]
        try:
            return getattr(Interpreter, door)(self, *map(_bare, what))
        finally:
            state.interpreters = watchers

    def apply(self, row: Primitive, inputs: tuple[Any, ...], static: dict[str, Any]) -> Any:
        """An operation."""
        line, back = self.where()
        operands = tuple(map(self.held_operand if row.view else self.operand, inputs))
        numbers = any(is_number(x) for x in inputs) or has_numbers(static)
        figures, bare, taken = static, static, inputs
        if numbers:
            figures = {name: self.operand(value) for name, value in static.items()}
            bare = {name: plain(value) for name, value in static.items()}
            taken = tuple(map(plain, inputs))
        out = None
        if self.waiting is not None:
            out = self.waiting.result(row, taken, bare, operands, figures)
        later = out is not None
        if out is None:
            out = doors.apply(row, *taken, **bare)
        if numbers:
            remember(out, inputs, static)
        several = isinstance(out, tuple)
        tensors: Sequence[Any] = out if several else (out,)
        node = tensors[0]._node_ if tensors else None
        if node is not None:
            self.lines.setdefault(node, line)
        arrays = [held(t) for t in tensors]
        given = [_array(plain(x), row.view) for x in inputs]
        outs = [self.new(a) for a in arrays]
        for out_value, array in zip(outs, arrays, strict=True):
            lay(out_value, array, operands, given)
        if row.name == "entry":
            # Where others stand in the graph is nothing to a program, and no reason to keep them.
            figures = figures | {"others": ()}
        entry = Operation(row, given, (line, back), operands, outs, figures, several)
        if row.view:
            entry.turning = _turned_copy(row, inputs[0], tensors)
        elif len({id(root(a)) for a in arrays}) == len(arrays):
            entry.owned = tuple([a.base is None for a in arrays])
        if self.waiting is None or not self.waiting.note(entry, arrays, later):
            entry.sums = [None if row.view else fingerprint(a) for a in arrays]
        self.entries.append(entry)
        if not numbers and all(x.index in self.fixed_values for x in operands if type(x) is Value):
            self.fixed_values.update(out.index for out in entry.outs)
        return out

    def into(
        self,
        target: TensorBase,
        kernel: Callable[..., None],
        inputs: tuple[Any, ...],
        static: dict[str, Any],
    ) -> None:
        """A write into memory."""
        where = self.where()
        memory = self.memory(target)
        operands = tuple(map(self.operand, inputs))
        figures = {name: self.operand(value) for name, value in static.items()}
        bare = {name: plain(value) for name, value in static.items()}
        entry = Write(memory, kernel, target._turned_, where, operands, [], figures, False)
        array = held(target)
        if root(array).base is not None and memory.index in self.fixed_values:
            raise CannotRecord(
                f"{entry.text()} writes into the memory of NumPy or of another library, at {place(where[0])}: "
                "hand that over as a tensor"
            )
        if self.waiting is None or not self.waiting.writes(entry):
            doors.into(target, kernel, *map(plain, inputs), **bare)
            entry.sums = [fingerprint(array)]
        self.entries.append(entry)
        self.memories.written(array)

    def read(self, tensor: TensorBase, why: str) -> Array:
        """A look at values."""
        value = self.seen(tensor)
        array = doors.read(tensor, why)
        if not self.is_fixed(value, held(tensor)):
            self.entries.append(Seen(np.array(array), why, self.where(), [value]))
        return array

    def check(self, tensor: TensorBase, why: str) -> Any:
        """A look at values that decides whether an error is raised."""
        value = self.seen(tensor)
        array = doors.check(tensor, why)
        if self.is_fixed(value, held(tensor)):
            return array
        return examine(array, value, why, self)

    def decides(
        self, decide: Callable[[Any], Any], sources: tuple[Value, ...], found: Any, why: str
    ) -> None:
        """A check has come out."""
        if self.recording:
            self.entries.append(Checked(decide, found, why, self.where(), sources))

    def pin(self, value: Value, why: str) -> None:
        """All of a value decides."""
        array = next(ref() for ref, known in self.known.values() if known is value)
        self.entries.append(Seen(np.array(array), why, self.where(), [value]))

    def number(self, tensor: TensorBase, why: str) -> Any:
        """The one value of a tensor as a Python number."""
        value = self.seen(tensor)
        found = doors.number(tensor, why)
        if self.is_fixed(value, held(tensor)):
            return found
        number = Number(found, self.figure(found), self)
        self.entries.append(Look(self.where(), [value], [number.figure]))
        if found.__class__ is float or found.__class__ is int:
            return number
        self.entries.append(Seen(found, why, self.where(), [number.figure]))
        return found

    def draw(
        self,
        numbers: Callable[..., Any],
        generator: Any,
        inputs: tuple[Any, ...],
        static: dict[str, Any],
    ) -> Any:
        """Random numbers."""
        where = self.where()
        self.note_generator(generator)
        operands = tuple(map(self.operand, inputs))
        figures = {name: self.operand(value) for name, value in static.items()}
        bare = {name: plain(value) for name, value in static.items()}
        if self.waiting is not None and self.waiting.waits(*operands, *figures.values()):
            self.settle()
        out = doors.draw(numbers, generator, *map(plain, inputs), **bare)
        several = isinstance(out, tuple)
        arrays = [held(t) for t in (out if several else (out,))]
        used = random.default_generator if generator is None else generator
        outs = [self.new(a) for a in arrays]
        entry = Draw(numbers, used, where, operands, outs, figures, several)
        entry.sums = list(map(fingerprint, arrays))
        self.entries.append(entry)
        return out

    def literal(self, tensor: TensorBase) -> None:
        """A tensor of Python's numbers."""
        array = held(tensor)
        self.literals[id(array)] = weakref.ref(array)

    def options(self, options: dict[str, Any]) -> dict[str, Any]:
        """The options of an optimizer: their numbers are read anew at each run."""
        return Options(self, options)

    def calculate(self, function: Callable[..., Any], numbers: tuple[Any, ...]) -> Any:
        """A function of numbers."""
        return computed(function, *numbers)

    def once(self, make: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """What is made before the first step, and was there at every other: it is no part of the step."""
        steady = getattr(getattr(make, "__self__", None), "_steady_state", make)
        made = doors.once(steady, *map(plain_options, args))
        for name, value in made.items():
            if isinstance(value, TensorBase):
                self.memories.adopt(value, name)
        self.world.made(made)
        return made

    def perform(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Python code that is run again each time."""
        where = self.where()
        operands = tuple(map(self.operand, args))
        if self.waiting is not None and self.waiting.late:
            self.settle()
        owner = getattr(function, "__self__", None)
        kind = Perform
        if isinstance(owner, random.Generator):
            kind = Seed
            self.remember_generator(owner)
        before = [rates_of(group) for group, _ in self.world.rates]
        held_before = self.memories.marks()
        places = [(g, position(g)) for g, _ in self.generators.values()]
        result = doors.perform(function, *map(plain, args))
        for (group, expected), was in zip(self.world.rates, before, strict=False):
            expected.update({k: v for k, v in rates_of(group).items() if was.get(k) != v})
        self.asked.clear()
        writes = self.memories.rewritten(held_before)
        moved = [(g, end) for g, start in places if ((end := position(g)) != start).any()]
        tensors, rest = apart(result)
        if any(t._requires_grad_ for t in tensors):
            refusal = CannotRecord(
                f"{called(function)} gave a tensor that requires grad, at {place(where[0])}: a replay would "
                "not leave it a gradient"
            )
            if not self.lenient:
                raise refusal
            # It has happened, and must not happen again.
            self.refuse(refusal)
            return result
        arrays = [held(t) for t in tensors]
        self.kept.append(tensors)
        outcome = Outcome(
            rest, [a.copy("K") for a in arrays], [t._turned_ for t in tensors], writes, moved
        )
        outs = [self.new(a) for a in arrays]
        self.entries.append(kind(function, outcome, where, operands, outs))
        return result

    # ---- numbers ---------------------------------------------------------------------------------

    def computed(
        self, operation: Callable[..., Any], figures: list[Any], told: list[Any], value: Any
    ) -> Any:
        """Arithmetic of Python, noted once on this side of a backward that hands gradients on.

        told: the operands so that one and 1.0 are told apart.
        """
        number = self.sums.get(key := (self.handing, operation, *told))
        if number is None:
            number = self.sums[key] = Number(value, self.figure(value), self)
            self.entries.append(Arithmetic(operation, self.where(), figures, [number.figure]))
        return number

    def compared(
        self, operation: Callable[..., Any], number: Number, other: Any, found: bool
    ) -> None:
        """A comparison, by which Python will decide something."""
        figures = number.figure, other.figure if type(other) is Number else other
        if (operation, figures) not in self.decided:
            self.decided.add((operation, figures))
            self.entries.append(Decision(operation, found, self.where(), figures))

    def fix(self, number: Number) -> None:
        """Python needs the number itself."""
        if self.recording:
            why = "which Python needed as a plain number"
            self.entries.append(Seen(number.value, why, self.where(), [number.figure]))

    def option(self, options: dict[str, Any], key: str, part: int | None, found: Any) -> Any:
        """A number among the options of an optimizer."""
        number: Number | None = self.asked.get((id(options), key, part))
        if number is None:
            number = Number(found, self.figure(found), self)
            self.asked[id(options), key, part] = number
            entry = Option(options, key, part, found, self.where(), (), [number.figure])
            self.entries.append(entry)
        return number

    def stored(self, options: dict[str, Any], key: str, value: Any) -> None:
        """A number among the options, or in the state, of an optimizer is set."""
        if is_number(value):
            self.entries.append(Store(options, key, self.where(), [value.figure]))
            self.asked[id(options), key, None] = value
            self.world.stored(options, key)

    # ---- values ----------------------------------------------------------------------------------

    def where(self) -> tuple[Line, bool]:
        """The user's line that is running; in a backward that of which it is the derivative."""
        node = state.walk.node if state.walk is not None else None
        self.walked |= state.walk is not None and not self.handing
        if node is not None and (line := self.lines.get(node)) is not None:
            return line, True
        return site.line or user_line(), False

    def figure(self, found: Any) -> Figure:
        """A slot for a number."""
        self.size += 1
        if self.waiting is not None:
            self.waiting.slots[self.size - 1] = found
        return Figure(self.size - 1, f"n{self.size - 1}", type(found))

    def new(self, array: Array, name: str | None = None) -> Value:
        """A slot for an array that has just been made."""
        self.size += 1
        value = Value(
            self.size - 1, array.shape, array.dtype, array.strides, name or f"t{self.size - 1}"
        )
        self.known[id(array)] = weakref.ref(array), value
        if self.waiting is not None:
            self.waiting.slots[value.index] = array
        return value

    def value(self, array: Array) -> Value | None:
        """The value that an array holds, if it is known."""
        found = self.known.get(id(array))
        return found[1] if found is not None and found[0]() is array else None

    def operand(self, x: Any) -> Any:
        """What stands for an operand in an entry."""
        kind = type(x)
        if kind is Number:
            return x.figure
        if kind is tuple or kind is list:
            return kind([self.operand(part) for part in x])
        if not isinstance(x, TensorBase):
            return x
        value = self.memory(x)
        if not x._turned_:
            return value
        self.settle()
        shown = self.new(x._data_, f"{value.name}.turned")
        self.entries.append(Turn(self.where(), [value], [shown]))
        return shown

    def seen(self, tensor: TensorBase) -> Any:
        """What stands for a tensor whose values are looked at."""
        value = self.operand(tensor)
        if self.waiting is not None and self.waiting.waits(value):
            self.settle()
        return value

    def held_operand(self, x: Any) -> Any:
        """What stands for the input of a view: its memory as it lies."""
        return self.memory(x) if isinstance(x, TensorBase) else self.operand(x)

    def memory(self, tensor: TensorBase) -> Value:
        """The value in the memory of a tensor."""
        array = held(tensor)
        value = self.value(array)
        if value is not None:
            return value
        # A literal may lie in an array that is kept, as another did that is still there.
        known = self.literals.get(id(array))
        location = None if known is not None and known() is array else self.locate(tensor, array)
        if location is not None:
            return self.source(location, tensor, array)
        return self.constant(array)

    def locate(self, tensor: TensorBase, array: Array) -> Location | None:
        """Where a tensor is found that was there before; None if it was not."""
        owner = self.grads.owner_of(array)
        if owner is not None:
            where = self.locate(owner, held(owner))
            if where is not None:
                return Grad(where, f"{where.name}.grad")
        found = self.memories.find(tensor, array)
        if found is None:
            return None
        number = self.by_tensor.get(id(found))
        if number is not None:
            return Argument(number, self.world.names.get(id(found), f"argument {number}"))
        name = self.world.names.get(id(found)) or self.memories.names.get(id(found))
        return Held(found, name or f"a tensor of shape {list(array.shape)}")

    def source(self, location: Location, tensor: TensorBase, array: Array) -> Value:
        """A tensor that was there before is used for the first time."""
        line, _ = self.where()
        owner = self.memories.find(tensor, array)
        if owner._node_ is not None and not self.open:
            raise CannotRecord(
                f"{location.name} comes out of a graph (grad_fn) that was recorded before, at "
                f"{place(line)}: give it detached"
            )
        self.memories.first(array, location.name, line)
        value = self.new(array, location.name)
        self.sources.append(
            Source(
                location,
                value,
                array,
                self.memories.wanted[id(owner)],
                turned=owner._turned_,
                hooks=hooks_of(owner),
                tensor=owner,
                node=owner._node_,
            )
        )
        self.kept.append(array)
        return value

    def constant(self, array: Array) -> Value:
        """An array that came from Python alone."""
        known = self.literals.get(id(array))
        if array.size and (known is None or known() is not array):
            line, _ = self.where()
            raise CannotRecord(
                f"at {place(line)} there is a tensor {array.dtype}{list(array.shape)} that no recorded "
                "operation made: rushlight computed it past its doors, so a replay could not"
            )
        self.kept.append(array)
        value = self.new(array)
        copy = array.copy("K")
        if copy.strides != array.strides and array.size:
            # Spread over dimensions: nobody can write into it.
            copy = array
        entry = Constant(copy, self.where(), (), [value])
        at = len(self.entries)
        if not self.handing:
            # A result that Python alone has made is there at the call, and not only at its backward.
            at = next((i for i, e in enumerate(self.entries) if isinstance(e, Cut)), at)
        self.entries.insert(at, entry)
        self.constants.append((array, entry))
        self.fixed.add(id(root(array)))
        self.fixed_values.add(value.index)
        return value

    def is_shared(self, array: Array) -> bool:
        """Whether an array lies in the memory of a known tensor, and no operation says so."""
        known = [memory for memory, _ in self.memories.before.values()]
        known += [made for ref, _ in self.known.values() if (made := ref()) is not None]
        memory = root(array)
        return any(root(a) is not memory and np.may_share_memory(array, a) for a in known)

    def is_constant(self, array: Array) -> bool:
        """Whether it came from Python alone."""
        return any(made is array for made, _ in self.constants)

    def is_fixed(self, value: Value, array: Array) -> bool:
        """Whether a value depends on nothing but Python, whatever runs."""
        return value.index in self.fixed_values and not self.memories.is_written(array)

    def note_generator(self, generator: Any) -> None:
        """A generator is drawn from: its state, before the first time."""
        if generator is None or id(generator) in self.generators:
            return
        self.remember_generator(generator)
        if id(generator) not in self.memories.generators:
            # One that the function has made: it starts anew at each run.
            start = functools.partial(_set_to, generator, position(generator))
            self.entries.append(
                Seed(start, Outcome(apart(generator)[1], [], [], [], []), self.where(), (), ())
            )

    def remember_generator(self, generator: Any) -> None:
        """Know where a generator stood before the recording moved it."""
        self.generators.setdefault(id(generator), (generator, position(generator)))


def _bare(x: Any) -> Any:
    """What comes to a door with the numbers themselves."""
    if type(x) is dict:
        return {name: plain(value) for name, value in x.items()}
    return plain_options(x)


def _set_to(generator: Any, state: Array) -> Any:
    return generator.set_state(state)


def position(generator: Any) -> Any:
    """The whole state of a generator, as bytes."""
    return generator.get_state()._data_.copy()


def _array(x: Any, view: bool) -> Any:
    return (held(x) if view else x._data_) if isinstance(x, TensorBase) else x


def _turned_copy(row: Primitive, source: Any, tensors: Sequence[Any]) -> bool:
    """Whether a view that shows its input turned came out as a copy, turned already."""
    turning = row.turns is not source._turned_
    return turning and bool(tensors) and not tensors[0]._turned_
