"""The functions of a program that stands alone: memory by its name, numbers as variables."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from rushlight.compiler.emit.file import FileWriter
from rushlight.compiler.emit.naming import comment, told
from rushlight.compiler.emit.nest import NestWriter, Writer
from rushlight.compiler.graph import (
    Dtype,
    Graph,
    Memory,
    NoC,
    Outside,
    Place,
    Statement,
    Where,
    c_type,
)
from rushlight.compiler.kernels.target import PLAIN
from rushlight.compiler.passes.fuse import Group
from rushlight.compiler.recording.entries import Constant, Option, Store
from rushlight.compiler.recording.values import Figure
from rushlight.core.tensor import Array
from rushlight.memory import strided_view

_WORD = re.compile(r"\b[A-Za-z_]\w*\b")


class _Nest(NestWriter):
    """Loops whose pragma a compiler may be told to see: C99 knows none."""

    def _pragma(self, folds: list[str]) -> None:
        self.line(f"SIMD({' '.join(f'reduction({clause})' for clause in folds)})")


class AloneWriter(FileWriter):
    """Writes the functions of a program for one thread and any processor."""

    BUFFER = "static "

    def __init__(self, name: str, graph: Graph, groups: list[Group], handed: list[Memory]) -> None:
        super().__init__(name, graph, groups, PLAIN, 1)
        # What is packed when the file is written costs nothing later.
        for place, shape in self.uses:
            if place.memory.kind == "constant":
                self.uses[place, shape] = 1 << 20
        # What the caller hands over: inputs, and where results go.
        self.handed = {id(memory) for memory in handed}
        self.body: list[str] = []
        # Calls that bring constants into the form of a kernel, with what they read and make.
        self.prepared: list[tuple[str, Memory, Memory]] = []
        # What constants that are written to hold at first.
        self.initial: dict[str, Array] = {}
        self.numbers: dict[int, str] = {}
        self.options: dict[tuple[int, str, int | None], str] = {}
        self.values: dict[str, float] = {}
        self.shown: Where | None = None

    # ---- how functions come to memory and numbers --------------------------------------------------

    def _nest_writer(self, group: Group, inside: set[int]) -> NestWriter:
        return _Nest(group, inside)

    def _pointer(self, memory: Memory, offset: int) -> str:
        self._use(memory)
        return self.names[id(memory)] + (f" + {offset}" if offset else "")

    def _own(self, name: str, dtype: Dtype, size: int) -> Memory:
        memory = super()._own(name, dtype, size)
        self.names[id(memory)] = self._free(f"{name}_{memory.number}")
        return memory

    def _small(
        self,
        name: str,
        group: list[Statement],
        pointers: dict[int, tuple[Memory, bool]],
        body: Writer,
    ) -> str:
        parameters, arguments = [], []
        for memory, writes in pointers.values():
            self._use(memory)
            if id(memory) in self.handed:
                const = "" if writes else "const "
                parameters.append(f"{const}{c_type(memory.dtype)} *{self.names[id(memory)]}")
                arguments.append(self.names[id(memory)])
        head = f"static int {name}({', '.join(parameters) or 'void'}) {{"
        self.functions[name] = "\n".join([comment(group), head, *body.lines, "}", ""])
        return f"{name}({', '.join(arguments)})"

    def _figure(self, figure: Figure) -> str:
        name = self.numbers.get(figure.index)
        if name is None:
            name = self.numbers[figure.index] = self._free(figure.name)
        return name

    def _free(self, wanted: str) -> str:
        """A name that nothing has."""
        taken = {*self.names.values(), *self.numbers.values(), *self.options.values()}
        while wanted in taken:
            wanted += "_"
        return wanted

    def option(self, entry: Option, stored: set[Any]) -> None:
        """A number among the options of an optimizer is a variable; `stored` are those that the program sets."""
        (figure,) = entry.outs
        key = id(entry.options), entry.key, entry.part
        name = self.options.get(key)
        if name is None:
            part = "" if entry.part is None else f"_{entry.part}"
            name = self._free(re.sub(r"\W+", "_", f"{self.title}_{entry.key}{part}"))
            self.options[key] = name
            self.values[name] = float(entry.found)
        if key in stored:
            # What is looked up stays what it was when the option is set later.
            self.body.append(f"{self._figure(figure)} = {name};")
        else:
            self.numbers[figure.index] = name

    # ---- calls -------------------------------------------------------------------------------------

    def _call(self, call: str, beside: bool = False) -> None:
        self._tell()
        self.body.append(f"{call};")

    def _checked(self, call: str) -> None:
        self._tell()
        self.body += [f"stopped = {call};", "if (stopped) return stopped;"]

    def _tell(self) -> None:
        """The user's line, if it is another than before."""
        where = self.groups[self.moment].statements[0].where
        if where != self.shown:
            self.shown = where
            self.body.append(f"/* {told(where)} */")

    def _end_run(self) -> None:
        """All is in one function."""

    def _outside(self, statement: Outside) -> None:
        entry = statement.entry
        for place in (*statement.reads(), *statement.writes()):
            self._use(place.memory)
        if isinstance(entry, Store):
            (x,) = entry.inputs
            name = self.options.get((id(entry.options), entry.key, None))
            if name is not None:
                text = self._figure(x) if isinstance(x, Figure) else repr(float(x))
                self._tell()
                self.body.append(f"{name} = {text};")
            return
        if not isinstance(entry, Constant):
            raise NoC(statement.reason)
        (out,) = entry.outs
        place = self.graph.places[out.index]
        memory, flat = place.memory, np.zeros(place.memory.size, place.dtype)
        strides = tuple(s * place.dtype.itemsize for s in place.strides)
        strided_view(flat, place.shape, strides, place.offset * place.dtype.itemsize)[...] = (
            entry.array
        )
        name = self.names[id(memory)]
        size = f"{flat.size} * sizeof(*{name})"
        self._tell()
        if not flat.view(np.uint8).any():
            self.body.append(f"memset({name}, 0, {size});")
            return
        self.initial[initial := self._free(f"{name}_initial")] = flat
        self.body.append(f"memcpy({name}, {initial}, {size});")

    def _prepare(self, call: str, operand: Place, packed: Memory) -> None:
        if operand.memory.kind == "constant":
            self.prepared.append((call, operand.memory, packed))
        else:
            self._call(call)

    def needed(self, calls: list[str]) -> dict[str, str]:
        """The functions that some calls need, by their names, in an order that C can read."""
        found: set[str] = set()
        texts = list(calls)
        while texts:
            for word in set(_WORD.findall(texts.pop())):
                if word in self.functions and word not in found:
                    found.add(word)
                    texts.append(self.functions[word])
        return {name: _plain(text) for name, text in self.functions.items() if name in found}


def _plain(text: str) -> str:
    """A function without what only some compilers read."""
    lines = text.split("\n")
    return "\n".join(line for line in lines if not line.lstrip().startswith("#pragma GCC"))


def words(text: str) -> set[str]:
    """The names in a piece of C."""
    return set(_WORD.findall(text))
