"""The header and the file of a program that stands alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from rushlight.compiler.alone.arrays import defined
from rushlight.compiler.alone.folding import folded
from rushlight.compiler.alone.writer import AloneWriter, words
from rushlight.compiler.emit import fragments as maths
from rushlight.compiler.emit.naming import told
from rushlight.compiler.graph import Dtype, Graph, Guard, Memory, Shape, c_type
from rushlight.compiler.kernels import fragments
from rushlight.compiler.kernels.text import fill
from rushlight.compiler.passes.arena import Need, arranged
from rushlight.core.tensor import Array

# So many bytes of elements stand in the file itself, more in one beside it.
_SMALL = 16 << 10

_HEAD = """\
#include <math.h>
#include <stdint.h>
#include <string.h>
"""
_SIMD = """\
/* Loops whose steps may be done side by side; sums are then added up in another order.
   Build with -D{name}_SIMD -fopenmp-simd where the compiler knows that. */
#ifdef {name}_SIMD
#define PRAGMA(text) _Pragma(#text)
#define SIMD(...) PRAGMA(omp simd __VA_ARGS__)
#else
#define SIMD(...)
#endif
"""


@dataclass(frozen=True)
class Handed:
    """An array that the caller hands over: an input, or where a result goes."""

    name: str
    dtype: Dtype
    shape: Shape
    written: bool

    @property
    def size(self) -> int:
        """How many elements it has."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def parameter(self) -> str:
        """As C declares it."""
        return f"{'' if self.written else 'const '}{c_type(self.dtype)} *{self.name}"

    def __str__(self) -> str:
        return f"{self.name}: {self.dtype}{list(self.shape)}"


@dataclass(frozen=True)
class Text:
    """What is written: files by their names, and what they need."""

    files: dict[str, str]
    # "run" or "step".
    call: str
    constants: int
    temporaries: int


def write(
    stem: str,
    title: str,
    graph: Graph,
    writer: AloneWriter,
    inputs: list[Handed],
    results: list[Handed],
    state: dict[int, Array],
) -> Text:
    """All files of a program; `state`: what memory that stays holds at first, by its number."""
    upper = stem.upper()
    named = {memory.number: writer.names[id(memory)] for memory in graph.memories}
    constants, ready = folded(writer)
    body = list(writer.body)
    if not ready and writer.prepared:
        calls = "".join(f"\n        {call};" for call, _, _ in writer.prepared)
        body.insert(
            0, f"static int prepared;\n    if (!prepared) {{{calls}\n        prepared = 1;\n    }}"
        )
    functions = writer.needed(body)
    helpers = maths.fragments(writer.calls_of)
    code = "\n".join([*functions.values(), *body])
    shared = _shared(writer, code)
    used = words(code)
    values: list[str] = []
    fixed = 0
    for memory in graph.memories:
        if memory.kind == "constant" and memory.array is not None and named[memory.number] in used:
            constants.setdefault(
                named[memory.number], np.ascontiguousarray(memory.array).reshape(-1)
            )
    for name, flat in {**constants, **writer.initial}.items():
        if name in used:
            values.append(defined("static const ", name, flat, _shape(graph, named, name)))
            fixed += flat.nbytes
    kept = [
        defined("", named[number], flat, _shape(graph, named, named[number]))
        for number, flat in state.items()
    ]
    fixed += sum(flat.nbytes for flat in state.values())
    held = {
        memory.number
        for memory in graph.memories
        if memory.kind == "own"
        and memory.number in writer.used
        # Within a function names may stand for something of its own.
        and named[memory.number] in used - set(constants)
    }
    stay = {packed.number for _, _, packed in writer.prepared}
    memory_text, temporaries = _temporaries(graph, writer, named, held, stay)
    options = [f"double {name} = {value!r};" for name, value in writer.values.items()]
    numbers = sorted(n for n in set(writer.numbers.values()) & used if n not in writer.values)
    if numbers:
        memory_text.append(f"static double {', '.join(numbers)};")
    call = "step" if state else "run"
    handed = ", ".join(h.parameter for h in (*inputs, *results)) or "void"
    prototype = f"int {stem}_{call}({handed})"
    names = {
        "STEM": stem, "UPPER": upper, "PROTOTYPE": prototype, "TITLE": title, "CALL": f"{stem}_{call}",
        "ARRAYS": "\n".join(f"     {'to  ' if h.written else 'from'} {h}" for h in (*inputs, *results)),
        "SIZES": "\n".join(f"#define {upper}_{h.name.upper()}_SIZE {max(h.size, 1)}" for h in (*inputs, *results)),
        "OPTIONS": "\n".join(f"extern double {name};" for name in writer.values),
        "STATE": "\n".join(
            f"extern {c_type(flat.dtype)} {named[n]}[{max(flat.size, 1)}];" for n, flat in state.items()
        ),
    }  # fmt: skip
    header = re.sub(r"\n{3,}", "\n\n", fill(_template("header.h"), names))
    weights = "\n".join([*values, *kept])
    result = {f"{stem}.h": header}
    if fixed > _SMALL:
        result[f"{stem}_weights.inc"] = weights + "\n"
        weights = f'#include "{stem}_weights.inc"'
    if any(line.startswith("stopped") for line in body):
        body.insert(0, "int stopped;")
    lines = "\n".join(f"    {line}" for line in body)
    parts = [
        fill(
            _template("head.c"), {**names, "FIXED": f"{fixed:,}", "TEMPORARY": f"{temporaries:,}"}
        ),
        _HEAD,
        "\n".join(options),
        weights,
        "\n".join(memory_text),
        _SIMD.format(name=upper) if "SIMD(" in code else "",
        helpers,
        shared,
        *functions.values(),
        _errors(stem, writer.stops),
        f"{prototype}\n{{\n{lines}\n    return 0;\n}}",
        _main(names, inputs, results),
    ]
    result[f"{stem}.c"] = "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"
    return Text(result, call, fixed, temporaries)


def _shared(writer: AloneWriter, code: str) -> str:
    """What several kernels share, without what none of them calls."""
    text = fragments.together(dict.fromkeys(writer.fragments), writer.target)
    text = "\n".join(line for line in text.split("\n") if not line.startswith("#include"))
    kept = []
    for line in text.split("\n"):
        name = re.match(r"static inline \w+ (\w+)\(", line)
        if name is None or name[1] in words(code):
            kept.append(line)
    return "\n".join(kept)


def _shape(graph: Graph, named: dict[int, str], name: str) -> str:
    """The shape of the first array that is all of some memory."""
    for place in graph.places.values():
        if named.get(place.memory.number) == name and place.is_whole():
            return str(list(place.shape))
    return ""


def _temporaries(
    graph: Graph, writer: AloneWriter, named: dict[int, str], held: set[int], stay: set[int]
) -> tuple[list[str], int]:
    """Memory for what is in between: those that are not needed at the same time share it, type by type."""
    lines, total = [], 0
    for name in dict.fromkeys(graph.memories[n].dtype.name for n in sorted(held)):
        dtype = np.dtype(name)
        needs, bordered = [], []
        for memory in (graph.memories[n] for n in sorted(held)):
            if memory.dtype != dtype:
                continue
            if memory.bordered or memory.number in stay:
                bordered.append(memory)
            else:
                size = memory.size * dtype.itemsize
                needs.append(Need(memory.number, size, *writer.lives[memory.number]))
        starts, size = arranged(needs)
        count = size // dtype.itemsize
        if count:
            lines.append(f"static {c_type(dtype)} {name}s[{count}];")
            lines += [
                f"static {c_type(dtype)} *const {named[n]} = {name}s + {start // dtype.itemsize};"
                for n, start in starts.items()
            ]
        lines += [f"static {c_type(dtype)} {named[m.number]}[{m.size}];{_why(m)}" for m in bordered]
        total += size + sum(m.size * dtype.itemsize for m in bordered)
    return lines, total


def _why(memory: Memory) -> str:
    return " /* zeros around images, which stay */" if memory.bordered else ""


def _errors(stem: str, stops: list[Guard]) -> str:
    """The function that says what did not hold."""
    cases = [
        f'    case {number}: return "{_quoted(told(guard.where))}";'
        for number, guard in enumerate(stops, 1)
    ]
    switch = ["    switch (status) {", *cases, "    }"] if cases else ["    (void)status;"]
    head = f"const char *{stem}_error(int status)"
    return "\n".join(["/* The line whose condition did not hold. */", head, "{", *switch,
                      '    return "no error";', "}"])  # fmt: skip


def _quoted(text: str) -> str:
    """For a string of C."""
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?")
    return "".join(c if c.isprintable() else " " for c in text)


def _main(names: dict[str, str], inputs: list[Handed], results: list[Handed]) -> str:
    arrays = [
        f"static {c_type(h.dtype)} {h.name}_array[{max(h.size, 1)}];" for h in (*inputs, *results)
    ]

    def table(handed: list[Handed]) -> str:
        rows = [
            f'    {{"{h.name}", "{h.dtype.str.replace("=", "<")}", {h.name}_array, '
            f"sizeof *{h.name}_array, {h.size}, NULL, 0}},"
            for h in handed
        ]
        return "\n".join([*rows, "    {NULL, NULL, NULL, 0, 0, NULL, 0},"])

    given = ", ".join(f"{h.name}_array" for h in (*inputs, *results))
    return fill(_template("main.c"), {
        **names, "DATA": "\n".join(arrays), "INPUTS": table(inputs), "RESULTS": table(results), "GIVEN": given,
        "FILES": "".join(f" {h.name.upper()}" for h in inputs),
    })  # fmt: skip


def _template(name: str) -> str:
    return files("rushlight.compiler").joinpath("alone", name).read_text()
