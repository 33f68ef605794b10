"""A module, a function or a training step as C that needs no Python: what `export` does."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rushlight.autograd.state import no_grad
from rushlight.compiler.alone.export import CannotExport, Exported
from rushlight.compiler.alone.page import drawn, module, page
from rushlight.compiler.alone.text import Handed, Text, write
from rushlight.compiler.alone.writer import AloneWriter
from rushlight.compiler.emit.naming import KEYWORDS
from rushlight.compiler.graph import (
    Cast,
    Drawing,
    Expression,
    Graph,
    Load,
    Loop,
    Memory,
    NoC,
    Outside,
    Place,
    Scalar,
    in_rows,
)
from rushlight.compiler.kernels.target import PLAIN
from rushlight.compiler.lowering import lower
from rushlight.compiler.passes.dead import drop_dead
from rushlight.compiler.passes.fuse import fuse
from rushlight.compiler.passes.hoist import hoist
from rushlight.compiler.passes.layout import lay_out
from rushlight.compiler.recording.entries import Constant, Draw, Option, Perform, Store
from rushlight.compiler.recording.errors import place as place_of
from rushlight.compiler.recording.facts import TENSOR
from rushlight.compiler.recording.program import Argument, At, Grad, Program, Result
from rushlight.compiler.recording.record import rehearse
from rushlight.compiler.recording.tree import Leaf, apart, together
from rushlight.compiler.recording.values import Figure
from rushlight.core.tensor import Array
from rushlight.memory import address, strided_view
from rushlight.nn.modules.module import Module

# Why random numbers are refused.
_DRAWN = "random numbers are an argument, or nothing (eval()), in C"


def exported(
    model: Any, example_inputs: Any, path: Path, wasm: bool, ink: tuple[float, float]
) -> Exported:
    """Write the files of a model: see `export`."""
    stem = path.stem
    if path.suffix != ".c" or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", stem) or stem in KEYWORDS:
        raise ValueError(f"export writes NAME.c, NAME a name of C; {path.name!r} is none")
    model = getattr(model, "_orig_mod", model)
    args = example_inputs if isinstance(example_inputs, tuple | list) else (example_inputs,)
    if not callable(model):
        raise TypeError(f"export takes a module or a function, not a {type(model).__name__}")
    tensors, rest = apart(tuple(args))
    copies = [_copy(tensor) for tensor in tensors]
    args = together(rest, lambda x: copies[x.number] if x.__class__ is Leaf else x)
    with _evaluating(model) if isinstance(model, Module) else nullcontext():
        text, inputs, results = _rehearsed(model, args, stem)
    path.parent.mkdir(parents=True, exist_ok=True)
    for name, content in text.files.items():
        (path.parent / name).write_text(content)
    written = [path.parent / name for name in text.files]
    if wasm:
        code = module(path, text.call, [*inputs, *results])
        written.append(path.with_suffix(".wasm"))
        written[-1].write_bytes(code)
        image = drawn(inputs, results)
        if image is not None:
            written.append(path.with_suffix(".html"))
            written[-1].write_text(page(stem, code, *image, ink))
    return Exported(tuple(written), tuple(inputs), tuple(results), text.constants, text.temporaries)


def _copy(tensor: Any) -> Any:
    return tensor.detach().contiguous().clone().requires_grad_(tensor.requires_grad)


@contextmanager
def _evaluating(model: Module) -> Iterator[None]:
    """As it is served: in eval(), without gradients."""
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with no_grad():
            yield
    finally:
        for module, training in before:
            module.training = training


_Made = tuple[Text, list[Handed], list[Handed]]


def _rehearsed(function: Callable[..., Any], args: tuple[Any, ...], stem: str) -> _Made:
    """The C of what a function does once all `.grad` are as they are between calls."""
    given = apart((args, {}))[0]

    def read(program: Program) -> Any:
        return _unsteady(program, given) or _Export(program, function, given, stem).made()

    found = rehearse(function, args, read)
    if isinstance(found, tuple):
        return found
    # Where gradients are added up the first call finds none, which is the same as zeros.
    before = [(tensor, tensor.grad) for tensor, _ in found]
    try:
        for tensor, there in found:
            tensor.grad = _zeros(tensor) if there else None
        found = rehearse(function, args, read)
    finally:
        for tensor, grad in before:
            tensor.grad = grad
    if not isinstance(found, tuple):
        raise CannotExport(
            "the function finds a .grad in one call and none in the next: zero_grad() first"
        )
    return found


def _zeros(tensor: Any) -> Any:
    return tensor.detach().clone().zero_()


def _unsteady(program: Program, given: list[Any]) -> list[tuple[Any, bool]]:
    """Whose `.grad` is looked at, and will be there in the next call if it is not now, or the other way round."""
    left = {id(owner.find(given)): result is not None for owner, result in program.grads}
    pairs = [(owner.find(given), found) for owner, found in program.looked]
    return [(t, left[id(t)]) for t, found in pairs if left.get(id(t), found) is not found]


class _Export:
    def __init__(
        self, program: Program, function: Callable[..., Any], given: list[Any], stem: str
    ) -> None:
        self.function, self.given, self.stem = function, given, stem
        self.rebound, self.grads = program.rebound, program.grads
        # Gradients that nobody reads are no results.
        self.program = replace(program, grads=[], rebound=[])
        try:
            self.graph: Graph = lower(self.program)
        except NoC as reason:
            raise CannotExport(str(reason)) from None
        statements = self.graph.statements
        self.where = statements[-1].where if statements else (("?", 0), False)
        self.handed: list[Memory] = []

    def made(self) -> _Made:
        """The files, the inputs and the results."""
        graph, program = self.graph, self.program
        self._refuse()
        inputs = self._inputs()
        results = self._results()
        self._put_back()
        state = self._values()
        hoist(graph)
        drop_dead(graph)
        lay_out(graph, PLAIN)
        groups = fuse(graph)
        writer = AloneWriter(self.stem, graph, groups, self.handed)
        stored = {(id(e.options), e.key, None) for e in program.entries if isinstance(e, Store)}
        for entry in program.entries:
            if isinstance(entry, Option):
                writer.option(entry, stored)
        try:
            writer.write_groups()
        except NoC as reason:
            raise CannotExport(str(reason)) from None
        written = {id(p.memory) for s in graph.statements for p in s.writes()}

        def handed(places: list[Place]) -> list[Handed]:
            return [
                Handed(writer.names[id(p.memory)], p.dtype, p.shape, id(p.memory) in written)
                for p in places
            ]

        ins, outs = handed(inputs), handed(results)
        kind = type(self.function).__name__
        title = f"The module {kind}"
        if not isinstance(self.function, Module):
            title = f"The function {getattr(self.function, '__name__', kind)}"
        return write(self.stem, title, graph, writer, ins, outs, state), ins, outs

    def _refuse(self) -> None:
        """Raise for what stays with Python."""
        found = []
        for statement in self.graph.statements:
            if isinstance(statement, Drawing):
                found.append(f"{statement.function}, at {place_of(statement.where[0])} ({_DRAWN})")
            if not isinstance(statement, Outside):
                continue
            entry = statement.entry
            if isinstance(entry, Constant | Store | Option):
                continue
            why = statement.reason
            if isinstance(entry, Draw):
                why = _DRAWN
            elif isinstance(entry, Perform):
                why = "what Python gives is an argument in C"
            found.append(f"{entry.text()}, at {place_of(entry.line)} ({why})")
        if found:
            more = f", and {len(found) - 3} more" if len(found) > 3 else ""
            raise CannotExport(f"there is no C for {'; '.join(found[:3])}{more}")

    def _inputs(self) -> list[Place]:
        """The arguments, in their order."""
        of = {
            source.location.number: source
            for source in self.program.sources
            if isinstance(source.location, Argument)
        }
        forward = getattr(self.function, "forward", self.function)
        try:
            names = list(inspect.signature(forward).parameters)
        except (TypeError, ValueError):
            names = []
        places = []
        for number in sorted(of):
            source = of[number]
            found = self.graph.places[source.value.index]
            name = re.sub(
                r"^argument (\d+)",
                lambda m: names[int(m[1])] if int(m[1]) < len(names) else f"x{m[1]}",
                source.value.name,
            )
            found.memory.name = name
            self.handed.append(found.memory)
            places.append(found)
        return places

    # ---- results ---------------------------------------------------------------------------------

    def _results(self) -> list[Place]:
        """Where results go: to memory that the caller hands over."""
        for index in self.graph.wanted:
            memory = self.graph.places[index].memory
            if memory.kind == "kept":
                memory.kind = "own"
        leaves = [x for x in self.program.tree[1] if x.__class__ in (Leaf, Figure)]
        self.graph.wanted = set()
        places: list[Place] = []
        for leaf in leaves:
            name = "result" if len(leaves) == 1 else f"result_{len(places)}"
            if isinstance(leaf, Figure):
                dtype = np.dtype(np.float64 if leaf.kind is float else np.int64)
                out = self._new(name, dtype, ())
                value: Expression = Scalar(np.dtype(np.float64), leaf)
                self._let(out, value if leaf.kind is float else Cast(dtype, value))
            else:
                out = self._result(name, self.program.results[leaf.number])
            places.append(out)
        return places

    def _result(self, name: str, result: Result) -> Place:
        found = self._place_of(result)
        memory = found.memory
        if memory.kind == "own" and found.is_whole() and memory not in self.handed:
            memory.kind, memory.name = "kept", name
            self.handed.append(memory)
            return found
        out = self._new(name, found.dtype, found.shape)
        self._let(out, Load(found.dtype, found))
        return out

    def _place_of(self, result: Result) -> Place:
        if result.value is not None:
            return self.graph.places[result.value.index]
        if result.location is None:
            raise CannotExport("a result has no value")
        tensor = result.location.find(self.given)
        for source in self.program.sources:
            if source.location.find(self.given) is tensor:
                return self.graph.places[source.value.index]
        raise CannotExport(
            f"the function returns {result.location.name} as it is, and does nothing with it"
        )

    def _new(self, name: str, dtype: Any, shape: tuple[int, ...]) -> Place:
        size = int(np.prod(shape, dtype=np.int64))
        memory = Memory(name, dtype, size, "kept", None, len(self.graph.memories))
        self.graph.memories.append(memory)
        self.handed.append(memory)
        return Place(memory, 0, shape, in_rows(shape))

    def _let(self, out: Place, value: Expression) -> None:
        if out.size:
            self.graph.statements.append(Loop(self.where, out.shape, out, value))

    def _put_back(self) -> None:
        """What the function sets anew, and the next call finds, is copied to where it was."""
        for at, result in self.rebound:
            if at.fact.expected.get(at.key) is not TENSOR:
                raise CannotExport(
                    f"{at.name} is a tensor only after the first call: call it once before"
                )
            for source in self.program.sources:
                where = source.location
                if isinstance(where, At) and where.fact is at.fact and where.key == at.key:
                    self._copy_to(source, result, at.name)
        for owner, left in self.grads:
            for source in self.program.sources:
                where = source.location
                if left is None or not isinstance(where, Grad):
                    continue
                if where.owner.find(self.given) is owner.find(self.given):
                    self._copy_to(source, left, where.name)

    def _copy_to(self, source: Any, result: Result, name: str) -> None:
        to = self.graph.places[source.value.index]
        if result.value is None:
            if self._place_of(result).memory is to.memory:
                return
            raise CannotExport(f"{name} becomes a tensor that was there before: copy into it")
        found = self.graph.places[result.value.index]
        if found.memory.kind == "source" or found.shape != to.shape or found.dtype != to.dtype:
            raise CannotExport(f"{name} becomes another tensor: copy into it")
        self._let(to, Load(found.dtype, found))

    # ---- values ----------------------------------------------------------------------------------

    def _values(self) -> dict[int, Array]:
        """Constants get their elements; what state holds at first, by the number of its memory."""
        written = {id(p.memory) for s in self.graph.statements for p in s.writes()}
        groups: dict[int, list[Any]] = {}
        for source in self.program.sources:
            if not isinstance(source.location, Argument):
                memory = self.graph.places[source.value.index].memory
                groups.setdefault(memory.number, []).append(source)
        state = {}
        for number, sources in groups.items():
            memory = self.graph.memories[number]
            low = min(address(source.array) for source in sources)
            flat = np.zeros(memory.size, memory.dtype)
            for source in sources:
                array = source.array
                strided_view(flat, array.shape, array.strides, address(array) - low)[...] = array
            if id(memory) in written:
                memory.name = f"{self.stem}_{memory.name}"
                state[number] = flat
            else:
                memory.kind, memory.array = "constant", flat
        return state
