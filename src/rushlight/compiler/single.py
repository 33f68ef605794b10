"""Programs of one call, for `heavy.py`: C for a row, or for a rule of many operations, on bare arrays."""

from __future__ import annotations

import ctypes
import inspect
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.state import no_grad
from rushlight.compiler.build import NoCompiler, built, target
from rushlight.compiler.emit.fragments import HEADERS, fragments
from rushlight.compiler.machine import Machine
from rushlight.compiler.recording.entries import Operation
from rushlight.compiler.recording.program import Argument, Program, Result, Source
from rushlight.compiler.recording.record import record
from rushlight.compiler.recording.tree import Leaf
from rushlight.compiler.recording.values import Value
from rushlight.compiler.room import zeros
from rushlight.core.tensor import Array, wrap
from rushlight.memory import address, strided_view
from rushlight.primitives.warm import Form

if TYPE_CHECKING:
    from rushlight.core.row import Primitive

# Bytes that all these programs together may hold for what they compute in between: in one stretch of memory,
# of which what nobody has touched takes none, and for images with borders, which stay, in some of their own.
_ROOM = 1 << 28
_held = 0
_one_at_a_time = threading.Lock()
# Taken by the call that computes in that stretch. A fork waits for it: nobody would give it back in the child.
_computing = threading.Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_computing.acquire,
        after_in_parent=_computing.release,
        after_in_child=_computing.release,
    )

Like = tuple[tuple[int, ...], tuple[int, ...], np.dtype[Any]]


class NotInC(Exception):
    """There is no C for this call, or no compiler."""


def loops() -> ctypes.CDLL:
    """The loops of `c/loops.c`; raises NotInC."""
    drawing = fragments(["draw_coins_f32", "draw_uniform_f32", "draw_normal_f32"])
    text = files("rushlight.compiler").joinpath("c", "loops.c").read_text()
    try:
        library = built("\n".join([HEADERS, drawing, text]))
    except NoCompiler as error:
        raise NotInC(str(error)) from None
    pointer, number = ctypes.c_void_p, ctypes.c_long
    library.swap_each.argtypes = (pointer, pointer, number, number, number)
    library.swap_each.restype = None
    library.poisson.argtypes = (pointer, pointer, number, pointer, number, pointer)
    library.poisson.restype = number
    double, single = ctypes.c_double, ctypes.c_float
    for function, types in (
        (library.draw_coins, (ctypes.c_int64,)),
        (library.draw_uniform, (double, double, single)),
        (library.draw_normal, (single, single)),
    ):
        function.argtypes, function.restype = (pointer, pointer, number, *types), None
    return library


def program_of_row(row: Primitive, like: Sequence[Like | None], static: dict[str, Any]) -> Program:
    """A row for arrays of these shapes, strides and types; raises NotInC."""
    with _given_up():
        return _program(row, [one and _filled(*one) for one in like], static)


def program_of_rule(rule: Callable[..., Any], form: tuple[Any, ...]) -> Program:
    """A rule for such arguments; raises NotInC. It is recorded, which no other thread may do meanwhile."""
    tensors: list[Any] = []

    def given(part: Any, number: list[int], ts: Sequence[Any]) -> Any:
        if isinstance(part, Form):
            number[0] += 1
            return ts[number[0] - 1]
        return tuple([given(one, number, ts) for one in part]) if part.__class__ is tuple else part

    def collect(part: Any) -> None:
        if isinstance(part, Form):
            tensors.append(wrap(_filled(*part)))
        elif part.__class__ is tuple:
            for one in part:
                collect(one)

    def run(*ts: Any) -> Any:
        number = [0]
        return list(rule(*[given(part, number, ts) for part in form]))

    with _given_up(), no_grad():
        collect(form)
        return record(run, *tensors)[1]


@contextmanager
def _given_up() -> Iterator[None]:
    """What fails in here is given up: a fault of ours, or of the example, is none of the user's."""
    try:
        yield
    except NotInC:
        raise
    except Exception as error:
        raise NotInC(f"{type(error).__name__}: {error}") from error


class Exact:
    """What a product must be to the last bit: BLAS's, of some numbers."""

    # Up to here OpenBLAS takes the inner dimension in one piece, up to twice as many in halves.
    MOST = 448

    def __init__(self, like: Sequence[Like], forward: Callable[..., Array]) -> None:
        if like[0][0][-1] > 2 * self.MOST or like[0][2].kind != "f":
            raise NotInC("a product that BLAS sums in an order of its own")
        generator = np.random.default_rng(0)
        self.arrays = [_filled(*one) for one in like]
        for array in self.arrays:
            array[...] = generator.standard_normal(array.shape, array.dtype)
        self.bits = forward(*self.arrays).tobytes()

    def hold(self, kernel: Kernel) -> None:
        """Hold a kernel to it; raises NotInC."""
        made = kernel(self.arrays)
        if made is None or made[0].tobytes() != self.bits:
            raise NotInC("other bits than BLAS's")


def kernel_of(program: Program, exact: Exact | None = None) -> Kernel:
    """The C of a program of arguments alone; raises NotInC."""
    global _held
    with _given_up(), _one_at_a_time:
        here = replace(target(), matrices=False, as_blas=Exact.MOST) if exact is not None else None
        machine = Machine(program, processor=here, room=_room)
    if not all(callable(step) for step in machine.order) or machine.options:
        raise NotInC(f"{program.name} is not all C")
    if not all(isinstance(source.location, Argument) for source in program.sources):
        raise NotInC(f"{program.name} takes more than what it is given")
    for result in program.results:
        if result.value is None or machine.graph.places[result.value.index].memory.kind != "kept":
            raise NotInC(f"{program.name} gives what was there before")
    shared = machine.arena is _stretch()
    with _one_at_a_time:
        if not shared and _held + machine.arena.nbytes > _ROOM:
            raise NotInC("the memory for such programs is used up")
        _held += 0 if shared else machine.arena.nbytes
    kernel = Kernel(machine, program, _computing if shared else threading.Lock())
    if exact is not None:
        exact.hold(kernel)
    # The arrays that it was made of are no part of it.
    for source in program.sources:
        source.array = np.empty(0, source.array.dtype)
    return kernel


@lru_cache(maxsize=1)
def _stretch() -> Array:
    return zeros(_ROOM)


def _room(size: int) -> Array:
    if size > _ROOM:
        raise NotInC("the memory for such programs is used up")
    return _stretch()


def _filled(shape: tuple[int, ...], strides: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """An array of that geometry, of ones, or zeros where these may be indices."""
    if any(s < 0 or s % dtype.itemsize for s in strides):
        raise NotInC("strides that C does not take")
    last = sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
    flat = np.full(last // dtype.itemsize + 1, dtype.kind == "f", dtype)
    return strided_view(flat, shape, strides)


def _program(row: Primitive, arrays: list[Any], static: dict[str, Any]) -> Program:
    """What `record` would write down of row(*arrays, **static)."""
    sources: list[Source] = []
    inputs: list[Value | None] = []
    for array in arrays:
        if array is None:
            inputs.append(None)
            continue
        index = len(sources)
        value = Value(index, array.shape, array.dtype, array.strides, f"x{index}")
        sources.append(Source(Argument(index, value.name), value, array, requires_grad=False))
        inputs.append(value)
    forward, _ = row.settled([a for a in arrays if a is not None])
    made = forward(*arrays, **static)
    several = made.__class__ is tuple
    outs = [
        Value(len(sources) + i, out.shape, out.dtype, out.strides, f"out{i}")
        for i, out in enumerate(made if several else (made,))
    ]
    code = getattr(inspect.unwrap(row.forward), "__code__", None)
    line = ("", 0) if code is None else (code.co_filename, code.co_firstlineno)
    entry = Operation(row, arrays, (line, False), inputs, outs, static, several)
    # As the forward lays it out: `apply` sees to the rest.
    entry.layout = None
    results = [Result(None, out, False, 0, False, None, False, None) for out in outs]
    leaves = [Leaf(number) for number in range(len(outs))]
    world: Any = None  # it is never called as a function
    return Program(
        row.name, world, sources, [entry], len(sources) + len(outs), (None, leaves), results,
        [], [], list(range(len(sources))), [],
    )  # fmt: skip


class Kernel:
    """A compiled call: given its arrays, it gives what comes out; None if it cannot."""

    def __init__(self, machine: Machine, program: Program, busy: threading.Lock) -> None:
        self.machine, self.busy = machine, busy
        # Whether the row gives a tuple, be it of one.
        first = program.entries[:1]
        self.several = any(isinstance(e, Operation) and e.several for e in first)
        # Which of its arrays stands where in the result.
        self.gives = [leaf.number if isinstance(leaf, Leaf) else leaf for leaf in program.tree[1]]
        # Which of the arrays is the source of a memory, and how far behind that it begins.
        self.takes = [
            (program.sources[number].location.number, at, back)  # type: ignore[union-attr]
            for number, at, back in machine.sources
        ]
        places = [machine.graph.places[r.value.index] for r in program.results if r.value]
        self.outs = [
            (
                place.memory.number,
                place.shape,
                tuple(s * place.dtype.itemsize for s in place.strides),
                place.offset * place.dtype.itemsize,
            )
            for place in places
        ]
        # Nearly always a result is all of a memory of its own, in row order: it need not be cut out.
        empties = [np.empty(place.shape, place.dtype) for place in places]
        memories = {place.memory.number: place.memory for place in places}
        self.whole = len(memories) == len(places) and all(
            (place.memory.size, *out[2:]) == (empty.size, empty.strides, 0)
            for place, out, empty in zip(places, self.outs, empties, strict=True)
        )
        self.memories = (
            [
                (number, shape, e.dtype)
                for (number, shape, *_), e in zip(self.outs, empties, strict=True)
            ]
            if self.whole
            else [(number, (memory.size,), memory.dtype) for number, memory in memories.items()]
        )

    def __call__(self, arrays: Sequence[Array]) -> list[Array] | None:
        """Compute."""
        machine = self.machine
        table = machine.table
        for a in arrays:
            if not a.flags.aligned:
                return None
        with self.busy:
            for number, at, back in self.takes:
                table[at] = address(arrays[number]) - back
            made = {}
            for number, shape, dtype in self.memories:
                made[number] = memory = np.empty(shape, dtype)
                table[number] = address(memory)
            for step in machine.order:
                if step(machine._table, machine._numbers):
                    return None
        if self.whole:
            return list(made.values())
        return [
            strided_view(made[number], shape, strides, offset)
            for number, shape, strides, offset in self.outs
        ]
