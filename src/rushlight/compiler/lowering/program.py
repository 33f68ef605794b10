"""`lower`: every entry of a program becomes statements of the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

import numpy as np

from rushlight.compiler.emit.expressions import SUFFIXES, conversion, expression
from rushlight.compiler.emit.fragments import fragment, function
from rushlight.compiler.graph import (
    Cast,
    Compute,
    Expression,
    Fold,
    Graph,
    Guard,
    Literal,
    Load,
    Loop,
    Memory,
    NoC,
    Outside,
    Place,
    Scalar,
    Shape,
    Statement,
    c_type,
    in_rows,
)
from rushlight.compiler.kernels.target import PLAIN, Target
from rushlight.compiler.lowering.attention import Plan, planned
from rushlight.compiler.lowering.numbers import NUMBERS
from rushlight.compiler.recording.entries import (
    Constant,
    Draw,
    Entry,
    Operation,
    Option,
    Perform,
    Store,
    Write,
)
from rushlight.compiler.recording.program import Program
from rushlight.compiler.recording.values import Figure, Value
from rushlight.core.table import TABLE
from rushlight.dtypes import NARROW
from rushlight.memory import address
from rushlight.narrow import EXACT, rounded

Dtype = np.dtype[Any]
Rule = Callable[["Lowering", Any], None]

# What a row is in loops, by its name; filled by the modules beside this one.
ROWS: dict[str, Rule] = {}
# The same of kernels that write into memory: (lowering, target, operands, parameters).
Kernel = Callable[["Lowering", Place, Sequence[Any], dict[str, Any]], None]
KERNELS: dict[Callable[..., Any], Kernel] = {}

_SINGLE = np.dtype(np.float32)


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Say what rows are in loops."""

    def note(function: Rule) -> Rule:
        for name in names:
            ROWS[name] = function
        return function

    return note


def written(*kernels: Callable[..., Any]) -> Callable[[Kernel], Kernel]:
    """Say what kernels write in loops."""

    def note(function: Kernel) -> Kernel:
        for kernel in kernels:
            KERNELS[kernel] = function
        return function

    return note


def lower(program: Program, target: Target = PLAIN) -> Graph:
    """The graph of a program; what has no C is in it as it is. target: for which several rows may be one kernel."""
    if plan := planned(program, target):
        try:
            return Lowering(program, plan).run()
        except _Unplanned:
            pass
    return Lowering(program, {}).run()


class _Unplanned(Exception):
    """What was to stand for several entries has no C."""


def _asks(statements: Sequence[Statement]) -> bool | None:
    """Whether statements stop the program by whole numbers that they look at; None: by something else."""
    guards = [s for s in statements if isinstance(s, Guard)]
    if any(place.dtype.kind not in "biu" for guard in guards for place in guard.reads()):
        return None
    if any(True for guard in guards for _ in guard.numbers_read()):
        return None
    return bool(guards)


class Lowering:
    """Places of values, and statements, as they come."""

    def __init__(self, program: Program, plan: Plan) -> None:
        self.program, self.plan = program, plan
        self.memories: list[Memory] = []
        self.statements: list[Statement] = []
        self.places: dict[int, Place] = {}
        self.where: Any = None
        # Per random generator the place of its words.
        self.twisters: dict[int, Place] = {}
        # The index of the last value that stands for another.
        self.stands = 0
        # The entries that are C, by number: whether they stop by whole numbers; by others they may not.
        self.certain: dict[int, bool] = {}
        # Values whose memory is written, or seen by Python afterwards: a constant must be a copy then.
        self.exposed = {r.value.index for r in program.lasting() if r.value is not None}
        self.exposed |= {e.target.index for e in program.entries if isinstance(e, Write)}
        for entry in reversed(program.entries):
            for out in entry.outs:
                if out.__class__ is Value and out.base is not None and out.index in self.exposed:
                    self.exposed.add(out.base.index)
        self._sources()

    def run(self) -> Graph:
        """Lower every entry."""
        for number, entry in enumerate(self.program.entries):
            self.where = entry.line, entry.back
            known, done = dict(self.places), len(self.statements)
            try:
                if number not in self.plan:
                    self._entry(entry)
                elif (instead := self.plan[number]) is not None:
                    instead(self)
            except NoC as reason:
                if number in self.plan:
                    raise _Unplanned from None
                self.places = known
                del self.statements[done:]
                self._outside(entry, str(reason))
                continue
            if (asks := _asks(self.statements[done:])) is not None:
                self.certain[number] = asks
        return self._graph()

    def _graph(self) -> Graph:
        program = self.program
        wanted = {r.value.index for r in program.lasting() if r.value is not None}
        for index in wanted:
            place = self.places.get(index)
            if place is not None and place.memory.kind == "own":
                place.memory.kind = "kept"
        return Graph(self.memories, self.statements, self.places, wanted, self.certain)

    # ---- memory ----------------------------------------------------------------------------------

    def _sources(self) -> None:
        """Sources that lie in one memory are places in it."""
        groups: dict[int, list[Any]] = {}
        for source, first in zip(self.program.sources, self.program.shared, strict=True):
            groups.setdefault(first, []).append(source)
        for group in groups.values():
            dtype = group[0].value.dtype
            low = min(address(source.array) for source in group)
            item = dtype.itemsize
            size = 0
            for source in group:
                value = source.value
                last = sum((n - 1) * s for n, s in zip(value.shape, value.strides, strict=True))
                if source.array.size:
                    size = max(size, (address(source.array) - low + last) // item + 1)
            memory = self.memory(group[0].value.name, dtype, size, "source")
            for source in group:
                value = source.value
                offset = address(source.array) - low
                if value.dtype != dtype or offset % item:
                    raise NoC(f"{value.name} shares memory with elements of another type")
                self._lay(value, memory, offset // item)

    def memory(self, name: str, dtype: Dtype, size: int, kind: str, array: Any = None) -> Memory:
        """New memory."""
        memory = Memory(name, dtype, size, kind, array, len(self.memories))
        self.memories.append(memory)
        return memory

    def _lay(self, value: Value, memory: Memory, offset: int) -> Place:
        item = value.dtype.itemsize
        if any(s % item for s in value.strides):
            raise NoC("strides that are no multiples of the elements' size")
        place = Place(memory, offset, value.shape, tuple(s // item for s in value.strides))
        self.places[value.index] = place
        return place

    def out(self, value: Value, kind: str = "own") -> Place:
        """New memory for a result, laid out as recorded."""
        item = value.dtype.itemsize
        last = sum((n - 1) * s for n, s in zip(value.shape, value.strides, strict=True))
        size = last // item + 1 if 0 not in value.shape else 0
        if kind == "own":
            c_type(value.dtype)
        return self._lay(value, self.memory(value.name, value.dtype, size, kind), 0)

    def temporary(self, shape: Shape, dtype: Dtype, name: str = "temporary") -> Place:
        """New memory in row order for something in between."""
        c_type(dtype)
        size = int(np.prod(shape, dtype=np.int64))
        return Place(self.memory(name, dtype, size, "own"), 0, shape, in_rows(shape))

    def place(self, operand: Any) -> Place:
        """Where an operand lies."""
        if operand.__class__ is not Value:
            raise NoC("a number where an array is needed")
        found = self.places.get(operand.index)
        if found is None:
            raise NoC("an operand that lies nowhere")
        c_type(found.dtype)
        return found

    # ---- expressions -----------------------------------------------------------------------------

    def load(self, operand: Any, dtype: Dtype | None, shape: Shape) -> Expression:
        """An operand for each element of a shape, in a type; None: as it is."""
        if operand.__class__ is Value:
            return self.element(self.place(operand), shape, dtype)
        if operand.__class__ is Figure:
            # Formulas bring a number of Python's to their type themselves.
            return Scalar(np.dtype(np.float64), operand)
        if isinstance(operand, bool | int | float | np.generic):
            if dtype is None:
                dtype = np.asarray(operand).dtype
            return Literal(dtype, operand)
        raise NoC(f"an operand of type {type(operand).__name__}")

    def element(self, place: Place, shape: Shape, dtype: Dtype | None = None) -> Expression:
        """An array for each element of a shape to which it broadcasts, in a type."""
        memory = place.memory
        if memory.kind == "constant" and memory.array is not None and place.size:
            first = memory.array.flat[0]
            if (memory.array == first).all():
                return Literal(dtype or memory.dtype, first)
        load = Load(place.dtype, place.spread(shape))
        return load if dtype is None else self.cast(load, dtype)

    def cast(self, x: Expression, dtype: Dtype) -> Expression:
        """An expression in another type."""
        if x.dtype == dtype:
            return x
        if x.dtype not in NARROW and dtype not in NARROW:
            return Cast(dtype, x)
        found = conversion(x.dtype, dtype)
        if found is None:
            raise NoC(f"{x.dtype} as {dtype}")
        return Compute(dtype, found.template, ("x",), (x,), found.fragments)

    def compute(
        self, dtype: Any, template: str, *fragments: str, **inputs: Expression
    ) -> Expression:
        """A C expression over others, by name."""
        return Compute(np.dtype(dtype), template, tuple(inputs), tuple(inputs.values()), fragments)

    def call(self, name: str, x: Expression) -> Expression:
        """A function of <math.h>, or of `compiler/c`, for the type of its argument."""
        suffix = SUFFIXES[x.dtype.name]
        known = function(name, suffix)
        if known is None:
            raise NoC(f"{name} of {x.dtype}")
        fragments = (known,) if fragment(known) is not None else ()
        return Compute(x.dtype, known + "({x})", ("x",), (x,), fragments)

    def row(self, name: str, x: Expression) -> Expression:
        """A row of one operand, by the formula that stands in it."""
        found = expression(TABLE[name], [x.dtype], {})
        if found is None:
            raise NoC(f"{name} of {x.dtype}")
        return Compute(found.dtype, found.template, ("x",), (x,), found.fragments)

    # ---- statements ------------------------------------------------------------------------------

    def loop(
        self,
        out: Place,
        value: Expression,
        shape: Shape | None = None,
        fold: Fold | None = None,
        indices: tuple[Expression, ...] | None = None,
    ) -> None:
        """Let out be the value, for each element of a shape; nothing if there are none."""
        shape = out.shape if shape is None else shape
        value = self.cast(value, out.dtype)
        if 0 not in shape:
            self.statements.append(Loop(self.where, shape, out, value, fold, indices))

    def folded(
        self, out: Place, value: Expression, shape: Shape, dims: Sequence[int], fold: Fold
    ) -> None:
        """Fold values of a shape along dims; out has the other dims, or has them with size 1."""
        kept = [d for d in range(len(shape)) if d not in dims]
        strides = [0] * len(shape)
        if len(out.shape) == len(shape):
            for d in kept:
                strides[d] = out.strides[d]
        else:
            for d, stride in zip(kept, out.strides, strict=True):
                strides[d] = stride
        spread = Place(out.memory, out.offset, shape, tuple(strides))
        if 0 in shape:
            self.loop(out, Compute(out.dtype, fold.initial, (), ()))
        elif all(shape[d] == 1 for d in dims):
            if fold.kind == "+" and dims and out.dtype.kind == "f":
                # A sum is no negative zero.
                value = self.compute(value.dtype, "{x} + 0", x=value)
            self.loop(spread, value)
        else:
            self.loop(spread, value, shape, fold)

    def add(self, statement: Statement) -> None:
        """One more statement."""
        self.statements.append(statement)

    # ---- entries ---------------------------------------------------------------------------------

    def _entry(self, entry: Entry) -> None:
        if isinstance(entry, Operation):
            self._operation(entry)
        elif isinstance(entry, Write):
            from rushlight.compiler.lowering.writes import write

            write(self, entry)
        elif isinstance(entry, Draw):
            from rushlight.compiler.lowering.draws import draw

            draw(self, entry)
        elif isinstance(entry, Constant):
            self._constant(entry)
        elif isinstance(entry, Option):
            # Python looks it up before all else, and again when it has run what the program begins with
            # (`next(batches)`); what runs later might set it.
            begun = False
            for statement in self.statements:
                if isinstance(statement, Outside) and isinstance(statement.entry, Perform | Store):
                    if begun:
                        raise NoC("an option that may have been set")
                else:
                    begun = True
        elif (number := NUMBERS.get(type(entry))) is not None:
            number(self, entry)
        else:
            raise NoC(f"{type(entry).__name__.lower()} is Python's")

    def _operation(self, entry: Operation) -> None:
        if entry.turning:
            raise NoC("a conjugated copy")
        based = [out.base is not None for out in entry.outs]
        if all(based) and entry.row.view:
            for out in entry.outs:
                self._view(out)
            return
        if any(based):
            raise NoC("a result that is part of an operand")
        if all(0 in out.shape for out in entry.outs):
            for out in entry.outs:
                self.out(out)
            return
        known = ROWS.get(entry.row.name)
        narrow = [x.dtype for x in entry.reads() if x.__class__ is Value and x.dtype in NARROW]
        if known is None:
            ROWS["pointwise"](self, entry)
        elif narrow and not entry.row.as_is:
            self._widened(known, entry, narrow[0])
        else:
            known(self, entry)

    def _widened(self, known: Rule, entry: Operation, narrow: Dtype) -> None:
        """A row computed in single precision, as `apply` does it: what it takes is widened, what it gives rounded."""
        wide = copy(entry)
        exact = entry.row.name in EXACT
        inputs: list[Any] = []
        for x in entry.inputs:
            if x.__class__ is Figure and not exact:
                raise NoC(f"a number of {narrow} that is known only when the program runs")
            if x.__class__ is not Value or x.dtype not in NARROW:
                inputs.append(x if exact else rounded(x, narrow))
                continue
            inputs.append(stand := self._single(x))
            place = self.temporary(x.shape, _SINGLE, x.name)
            self.places[stand.index] = place
            self.loop(place, self.element(self.place(x), x.shape, _SINGLE))
        wide.inputs = tuple(inputs)
        wide.outs = [self._single(out) if out.dtype in NARROW else out for out in entry.outs]
        known(self, wide)
        for out, stand in zip(entry.outs, wide.outs, strict=True):
            if out is not stand:
                self.loop(self.out(out), self.element(self.places[stand.index], out.shape))

    def _single(self, value: Value) -> Value:
        """What stands for narrow floats in single precision."""
        self.stands -= 1
        wider = _SINGLE.itemsize // value.dtype.itemsize
        strides = tuple(s * wider for s in value.strides)
        return Value(self.stands, value.shape, _SINGLE, strides, value.name)

    def _view(self, out: Value) -> None:
        base = out.base
        place = None if base is None else self.places.get(base.index)
        if place is None:
            raise NoC("a view of what lies nowhere")
        if place.dtype != out.dtype or out.offset % out.dtype.itemsize:
            raise NoC("a view that reads other types")
        self._lay(out, place.memory, place.offset + out.offset // out.dtype.itemsize)

    def _constant(self, entry: Constant) -> None:
        (value,) = entry.outs
        array = entry.array
        c_type(array.dtype)
        if value.index in self.exposed:
            raise NoC("a constant that is handed out, or written")
        memory = self.memory(value.name, array.dtype, array.size, "constant", array)
        if array.size and array.strides != value.strides:
            raise NoC("a constant in another layout")
        self._lay(value, memory, 0)

    def _outside(self, entry: Entry, reason: str) -> None:
        """It runs in Python."""
        inputs = []
        for x in entry.reads():
            if x.__class__ is Value:
                known = self.places.get(x.index)
                if known is not None:
                    inputs.append(known)
        outs = []
        for out in entry.outs:
            if out.__class__ is not Value:
                continue
            if out.base is not None and out.base.index in self.places:
                try:
                    self._view(out)
                    outs.append(self.places[out.index])
                    continue
                except NoC:
                    pass
            outs.append(self.out(out, "given"))
        if isinstance(entry, Write):
            outs.append(self.places[entry.target.index])
        self.add(Outside(self.where, entry, tuple(inputs), tuple(outs), reason))

    def promoted(self, entry: Operation) -> list[Dtype | None]:
        """The type in which the row takes each operand; None for a number that stays one."""
        samples: list[Any] = []
        for x in entry.inputs:
            if x.__class__ is Value:
                samples.append(np.broadcast_to(np.zeros((), x.dtype), x.shape))
            elif x.__class__ is Figure:
                samples.append(x.kind(1))
            else:
                samples.append(x)
        if entry.promote is not None:
            samples = entry.promote(samples)
        return [x.dtype if isinstance(x, np.ndarray | np.generic) else None for x in samples]
