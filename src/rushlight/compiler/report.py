"""What a compiled function consists of, what each part takes, and how near that is to the machine's limit.

The program is compiled once more, with a clock around each call, and run a few times on the memory that is
there, as it was recorded; afterwards all is set back.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from rushlight.compiler.emit.calls import Call
from rushlight.compiler.graph import (
    Attention,
    Compute,
    Images,
    Loop,
    Outside,
    Place,
    Product,
    Statement,
    Where,
    walk,
)
from rushlight.compiler.kernels import attention
from rushlight.compiler.limits import Limits, limits
from rushlight.compiler.machine import Machine
from rushlight.compiler.passes.fuse import Group
from rushlight.compiler.recording.entries import Entry, Perform
from rushlight.compiler.recording.errors import source
from rushlight.compiler.recording.program import Held, Program, State
from rushlight.core.tensor import wrap
from rushlight.core.turned import held
from rushlight.threads import get_num_threads

_SECONDS, _TURNS = 0.3, 5


@dataclass
class Kernel:
    """A function of the C: what one run of the program calls it for."""

    name: str
    calls: int = 0
    # The user's lines whose work it does.
    lines: list[str] = field(default_factory=list)
    # Operations of float arithmetic (an exp counts as one; a convolution as its plain formula), and bytes
    # read and written, what stays in a nest of loops left out. Both 0: it prepares what another does.
    flops: float = 0.0
    bytes: float = 0.0
    nanoseconds: float = 0.0
    # What the machine would need at least.
    limit: float = 0.0

    @property
    def share(self) -> float:
        """How much of the machine's limit it reaches; Winograd's convolutions may pass 1."""
        return self.limit / self.nanoseconds if self.nanoseconds else 0.0


@dataclass
class Stayed:
    """What runs as Python and NumPy between two pieces of C, and why."""

    text: str
    line: str
    reason: str
    nanoseconds: float = 0.0


@dataclass
class ProgramReport:
    """One compiled program."""

    name: str
    # Shapes of what it takes.
    inputs: list[str]
    kernels: list[Kernel]
    stayed: list[Stayed]
    # Bytes of all temporaries.
    arena: int

    @property
    def nanoseconds(self) -> float:
        """What the parts of a run take, the guards of the call left out."""
        return sum(k.nanoseconds for k in self.kernels) + sum(s.nanoseconds for s in self.stayed)

    def lines(self) -> Iterator[str]:
        """As text."""
        in_python = sum(stayed.nanoseconds for stayed in self.stayed)
        yield f"program {self.name}({', '.join(self.inputs)})"
        yield (
            f"  {_us(self.nanoseconds)} us a run, in {_plural(len(self.kernels), 'function')} of C"
            + (f" and {_us(in_python)} in Python" if self.stayed else "")
            + f"; temporaries: {_size(self.arena)}"
        )
        yield f"  {'us':>9} {'of all':>6} {'calls':>5} {'Mflop':>8} {'moved':>9} {'of limit':>8}  function"
        small = []
        for kernel in sorted(self.kernels, key=lambda k: -k.nanoseconds):
            part = kernel.nanoseconds / max(self.nanoseconds, 1e-9)
            if part < _SMALL:
                small.append(kernel)
                continue
            work = f"{kernel.flops / 1e6:>8.3g} {_size(kernel.bytes):>9} {kernel.share:>8.0%}"
            if not kernel.bytes:
                work = f"{'':>8} {'':>9} {'':>8}"
            yield f"  {_us(kernel.nanoseconds):>9} {part:>6.1%} {kernel.calls:>5} {work}  {kernel.name}"
            for line in kernel.lines[:_SHOWN]:
                yield f"{'':>54}{line}"
            if len(kernel.lines) > _SHOWN:
                yield f"{'':>54}and {_plural(len(kernel.lines) - _SHOWN, 'line')} more"
        if small:
            took, calls = sum(k.nanoseconds for k in small), sum(k.calls for k in small)
            part = took / max(self.nanoseconds, 1e-9)
            rest = f"{'':>27}  {_plural(len(small), 'function')} more, each less than {_SMALL:.1%}"
            yield f"  {_us(took):>9} {part:>6.1%} {calls:>5} {rest}"
        if self.stayed:
            yield "  stays with NumPy or Python:"
        for stayed in self.stayed:
            yield f"  {_us(stayed.nanoseconds):>9}  {stayed.text}, at {stayed.line}: {stayed.reason}"


# Lines of the user's under a function, and the part of the time from which a function is shown.
_SHOWN, _SMALL = 4, 0.002


@dataclass
class Report:
    """All programs of a compiled function, the latest first, and what was refused."""

    threads: int
    limits: Limits | None
    programs: list[ProgramReport]
    refusals: list[str]

    def __str__(self) -> str:
        lines = []
        if self.limits is not None:
            lines.append(f"{_plural(self.threads, 'thread')}; measured here: {self.limits}")
            for program in self.programs:
                lines += program.lines()
        else:
            lines.append("nothing is compiled: " + ("" if self.refusals else "call it first"))
        lines += [f"refused: {refusal}" for refusal in self.refusals]
        return "\n".join(lines)


def report(programs: list[Program], refusals: list[str]) -> Report:
    """Measure programs. Nobody else may use their tensors meanwhile."""
    threads = get_num_threads()
    known = limits(threads) if programs else None
    return Report(
        threads,
        known,
        [_program_report(program, known) for program in programs if known is not None],
        list(refusals),
    )


class _Measured(Machine):
    """A machine with a clock around each call."""

    def __init__(self, program: Program) -> None:
        super().__init__(program, "-DPROFILE")
        count = max(len(self.file.measured), 1)
        self.library.times.restype = ctypes.POINTER(ctypes.c_double)
        self.spent = np.ctypeslib.as_array(self.library.times(), (count,))
        self.python: dict[int, float] = {}

    def step(self, entry: Entry, *rest: Any) -> None:
        start = time.perf_counter_ns()
        super().step(entry, *rest)
        self.python[id(entry)] = time.perf_counter_ns() - start


def _program_report(program: Program, limit: Limits) -> ProgramReport:
    machine = _Measured(program)
    calls = machine.file.measured
    outside = {
        id(s.entry): s for g in machine.groups for s in g.statements if isinstance(s, Outside)
    }
    best = np.full(len(machine.spent), np.inf)
    python = dict.fromkeys(outside, float("inf"))
    for run in _runs(program, machine):
        machine.spent[:] = 0
        run()
        np.minimum(best, machine.spent, out=best)
        python = {key: min(was, machine.python.get(key, was)) for key, was in python.items()}
    kernels: dict[str, Kernel] = {}
    for call, took in zip(calls, best.tolist(), strict=False):
        name = _function(call)
        kernel = kernels.setdefault(name, Kernel(name))
        kernel.calls += 1
        kernel.nanoseconds += took
        kernel.lines += [line for line in _lines_of(call.group) if line not in kernel.lines]
        if not call.beside:
            flops, moved = arithmetic(call.group), traffic(call)
            kernel.flops += flops
            kernel.bytes += moved
            kernel.limit += limit.nanoseconds(flops, moved)
    return ProgramReport(
        program.name,
        [f"{s.value.name}: {s.value.kind}" for s in program.sources if not isinstance(s.location, Held)],
        list(kernels.values()),
        [_stayed(statement, python[key]) for key, statement in outside.items()],
        machine.arena.nbytes,
    )  # fmt: skip


def _runs(program: Program, machine: Machine) -> Iterator[Callable[[], None]]:
    """Runs of a program on its own memory, which is set back at the end."""
    tensors = [
        s.location.tensor if isinstance(s.location, Held) else wrap(s.array)
        for s in program.sources
    ]
    performed = [entry.outcome for entry in program.entries if isinstance(entry, Perform)]
    written = [held(t) for s, t in zip(program.sources, tensors, strict=True) if s.written]
    written += [array for outcome in performed for array, _ in outcome.writes]
    moved = [generator for outcome in performed for generator, _ in outcome.moved]
    before = State(written, [*program.generators, *moved], program.stores)

    def run() -> None:
        slots: list[Any] = [None] * program.size
        for one, tensor in zip(program.sources, tensors, strict=True):
            slots[one.value.index] = held(tensor)
        machine.run(tensors, slots, again=True)

    end = time.perf_counter() + _SECONDS
    turns = 0
    while turns < _TURNS or time.perf_counter() < end:
        turns += 1
        try:
            yield run
        finally:
            before.restore()


def _stayed(statement: Outside, took: float) -> Stayed:
    return Stayed(statement.entry.text(), _line(statement.where), statement.reason, took)


def _function(call: Call) -> str:
    """What a call is a call of; the pool's is of what it shares out."""
    text = call.text
    if text.startswith("{"):
        return text[1:].split()[0].removesuffix("_given")
    return text.partition("(")[0]


def _lines_of(group: Group) -> list[str]:
    return list(dict.fromkeys(_line(statement.where) for statement in group.statements))


def _line(where: Where) -> str:
    line, back = where
    place = f"{os.path.basename(line[0])}:{line[1]}  {source(line)}".rstrip()
    return ("backward of " if back else "") + place


def arithmetic(group: Group) -> float:
    """Operations of a group."""
    return float(sum(_operations(statement) for statement in group.statements))


def _operations(statement: Statement) -> int:
    if isinstance(statement, Product):
        *many, rows, inner = statement.a.shape
        return 2 * prod(many) * rows * inner * statement.b.shape[-1]
    if isinstance(statement, Attention):
        heads = prod(statement.inputs[0].shape[:-2])
        return attention.operations(statement.heads, heads, backward=statement.backward)
    if isinstance(statement, Images):
        if hasattr(statement.form, "products"):
            return 2 * statement.form.products
        return statement.outs[0].size * (statement.form.taps if statement.way == "maximum" else 1)
    if isinstance(statement, Loop):
        computed = len({x for x in walk(statement.value) if isinstance(x, Compute)})
        return prod(statement.shape) * (computed + (statement.fold is not None))
    return 0


def traffic(call: Call) -> float:
    """Bytes that a group reads and writes, each once; what only it touches is in registers or caches."""
    moved: dict[tuple[int, bool], int] = {}
    for statement in call.group.statements:
        most = prod(statement.shape) if isinstance(statement, Loop) else None
        for places, writes in ((statement.reads(), False), (statement.writes(), True)):
            for place in places:
                if id(place.memory) in call.inside:
                    continue
                key = id(place.memory), writes
                size = _elements(place) if most is None else min(most, _elements(place))
                moved[key] = max(moved.get(key, 0), size * place.dtype.itemsize)
    return float(sum(moved.values()))


def _elements(place: Place) -> int:
    return prod(n for n, stride in zip(place.shape, place.strides, strict=True) if stride)


def _us(nanoseconds: float) -> str:
    return f"{nanoseconds / 1e3:,.2f}" if nanoseconds < 1e5 else f"{nanoseconds / 1e3:,.0f}"


def _size(count: float) -> str:
    for unit in ("B", "KB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"


def _plural(count: int, what: str) -> str:
    return f"{count} {what}" + ("s" if count != 1 else "")
