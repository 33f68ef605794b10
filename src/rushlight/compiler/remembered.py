"""What has been lowered and written before, kept on disk beside its library.

A program is known by all that its C is made from, and by the code of the functions of the user's that
were seen when it was recorded; with the sources of rushlight, the compiler and the processor that is the
key. Whoever finds it there need not lower, fuse and write again. Nor is it run again in NumPy to try
whether the recording tells everything: the same code has led to the same program before, which was tried
then. That the C does what was recorded this time is proved all the same.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import sys
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from rushlight.caller import HERE
from rushlight.compiler.build import (
    FLAGS,
    cache_folder,
    compiler,
    processor,
    put,
    target,
    whole,
    with_sum,
    writable,
)
from rushlight.compiler.recording.entries import (
    Checked,
    Constant,
    Cut,
    Draw,
    Entry,
    Operation,
    Option,
    Perform,
    Store,
)
from rushlight.compiler.recording.program import Program, Result
from rushlight.compiler.recording.values import Figure, Value, type_name
from rushlight.compiler.room import words_of
from rushlight.core.row import Primitive
from rushlight.core.table import TABLE
from rushlight.core.tensor import TensorBase
from rushlight.memory import address
from rushlight.threads import get_num_threads

# What of an entry does not count: sums by which it is tried, what Python looks at when it runs, and what
# follows from the rest.
_APART: dict[type, tuple[str, ...]] = {
    Entry: ("sums", "frees"),
    Operation: ("forward", "promote", "layout", "owned"),
    Draw: ("generator",),
    Constant: ("array",),
    Cut: ("arrays",),
    Option: ("options", "found"),
    Store: ("options",),
    Checked: ("decide",),
    Perform: ("function", "outcome", "given"),
}


class Unknown(Exception):
    """There is something in a program by which it cannot be known again."""


class Remembered:
    """What is known of a program from before."""

    def __init__(self, program: Program, codes: Iterable[Any]) -> None:
        self.program = program
        try:
            self.file: Path | None = writable(cache_folder()) / f"{_key(program, codes)}.program"
        except (Unknown, pickle.PicklingError, RecursionError, TypeError, AttributeError):
            self.file = None
        self.known = self._found()

    def _found(self) -> dict[str, Any] | None:
        """What was kept, whole; None if there is none."""
        try:
            data = whole(self.file.read_bytes()) if self.file else None
        except OSError:
            return None
        if data is None:
            return None
        try:
            found: dict[str, Any] = _Reader(io.BytesIO(data), self.program).load()
        except Exception:
            # It is only a way to spare work.
            return None
        return found

    def keep(self, written: dict[str, Any]) -> None:
        """Keep what was made of the program, for other processes."""
        if self.file is None or self.known is not None:
            return
        kept = io.BytesIO()
        try:
            _Writer(kept, self.program).dump(written)
            put(self.file, with_sum(kept.getvalue()))
        except (Unknown, pickle.PicklingError, RecursionError, TypeError, AttributeError, OSError):
            return


# ---- what is made of a program, by what stands in it --------------------------------------------------


def _parts(program: Program) -> dict[tuple[str, int], Any]:
    """All of a program that lives on in what is made of it."""
    found: dict[tuple[str, int], Any] = {}
    for number, entry in enumerate(program.entries):
        found["entry", number] = entry
        if isinstance(entry, Constant):
            found["constant", number] = entry.array
    for x in program.numbered:
        found["value" if x.__class__ is Value else "figure", x.index] = x
    for number, generator in enumerate(program.generators):
        found["generator", number] = generator
    return found


class _Writer(pickle.Pickler):
    def __init__(self, file: Any, program: Program) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self.parts = {id(part): key for key, part in _parts(program).items()}
        self.twisters = {g.twister: n for n, g in enumerate(program.generators)}

    def persistent_id(self, thing: Any) -> Any:
        key = self.parts.get(id(thing))
        if key is None:
            if isinstance(thing, np.ndarray):
                # Memory that somebody else writes into is the same only as itself.
                twister = self.twisters.get(address(thing))
                return None if twister is None else ("twister", twister)
            if isinstance(thing, Entry | TensorBase):
                raise Unknown
        return key


class _Reader(pickle.Unpickler):
    def __init__(self, file: Any, program: Program) -> None:
        super().__init__(file)
        self.parts = _parts(program)

    def persistent_load(self, key: Any) -> Any:
        kind, number = key
        if kind == "twister":
            return words_of(self.parts["generator", number])
        return self.parts[key]


# ---- the key ------------------------------------------------------------------------------------------


def _key(program: Program, codes: Iterable[Any]) -> str:
    told = _tell((world_of_ours(), FLAGS, [code_of(code) for code in codes], _told(program)))
    text = io.BytesIO()
    pickler = pickle.Pickler(text, pickle.HIGHEST_PROTOCOL)
    # It writes down what things are, and not where they are met again.
    pickler.fast = True
    pickler.dump(told)
    return hashlib.sha256(text.getbuffer()).hexdigest()[:32]


def world_of_ours() -> tuple[Any, ...]:
    """What is there besides a function: Python, NumPy, rushlight, the compiler and the processor."""
    return (
        sys.version, np.__version__, _sources(), compiler(), processor(), target(), get_num_threads(),
    )  # fmt: skip


# What pickle tells by itself as it is.
_WORDS = frozenset({int, str, float, bool, bytes, type(None)})


def _tell(thing: Any) -> Any:
    """The same in words that another process would choose as well."""
    kind = thing.__class__
    if kind in _WORDS:
        return thing
    if kind is tuple or kind is list:
        return kind([part if part.__class__ in _WORDS else _tell(part) for part in thing])
    if kind is dict:
        return {key: _tell(value) for key, value in thing.items()}
    if (tell := _TELL.get(kind)) is not None:
        return tell(thing)
    return ("dtype", type_name(thing)) if isinstance(thing, np.dtype) else thing


def _row(thing: Any) -> Any:
    name = thing.name
    if TABLE.get(name) is not thing:
        raise Unknown
    return "row", name


# How things are told that pickle would tell otherwise.
_TELL: dict[type, Callable[[Any], Any]] = {
    Value: lambda value: ("value", value.index),
    Figure: lambda figure: ("figure", figure.index, figure.kind.__name__),
    Primitive: _row,
    set: lambda things: ("set", sorted(map(repr, things))),
    frozenset: lambda things: ("set", sorted(map(repr, things))),
}


def _told(program: Program) -> Iterable[Any]:
    generators = {id(g): n for n, g in enumerate(program.generators)}
    values = {
        x.index: (x.shape, x.dtype, x.strides, x.name, x.base and x.base.index, x.offset)
        for x in program.numbered if x.__class__ is Value
    }  # fmt: skip
    sources = [
        (
            s.value.index, type(s.location).__name__, s.location.name, s.requires_grad, s.changes, s.written,
            s.wants, s.turned, len(s.hooks), s.open, s.array.size, first,
            address(s.array) - address(program.sources[first].array),
        )
        for s, first in zip(program.sources, program.shared, strict=True)
    ]  # fmt: skip
    backward = program.backward
    ways = () if backward is None else backward.ways
    return [
        program.name, list(values.items()), sources,
        [_entry(entry, generators) for entry in program.entries],
        list(map(_result, program.lasting())), [(at.name, r is None) for at, r in program.grads],
        [at.name for at, _ in program.rebound],
        [(way.outs, way.seeds, [g is None for g in way.grads]) for way in ways],
        [leaf for leaf in program.tree[1] if leaf.__class__ is Figure],
    ]  # fmt: skip


def _entry(entry: Entry, generators: dict[int, int]) -> Any:
    slots = [
        getattr(entry, name)
        for kind in type(entry).__mro__
        for name in getattr(kind, "__slots__", ())
        if name not in _APART.get(kind, ())
    ]
    more: Any = None
    if isinstance(entry, Constant):
        more = entry.array.strides, entry.array.tobytes()
    elif isinstance(entry, Draw):
        more = generators[id(entry.generator)]
    elif isinstance(entry, Option):
        more = entry.found.__class__.__name__
    return type(entry).__name__, slots, more


def _result(result: Result) -> Any:
    return (
        None if result.location is None else result.location.name, result.value, result.requires_grad, result.changes,
        result.inference, result.kind is None, result.turned, result.shares, result.graph,
    )  # fmt: skip


def code_of(code: Any) -> Any:
    """What a function of Python does."""
    constants = [code_of(c) if hasattr(c, "co_code") else repr(c) for c in code.co_consts]
    return code.co_qualname, code.co_code, code.co_names, code.co_varnames, constants


@lru_cache(maxsize=1)
def _sources() -> list[tuple[str, int, int]]:
    """The sources of rushlight, as far as a look at their folders tells."""
    found, waiting = [], [HERE]
    while waiting:
        with os.scandir(waiting.pop()) as folder:
            for one in folder:
                if one.is_dir(follow_symlinks=False):
                    if one.name != "__pycache__":
                        waiting.append(one.path)
                elif one.name.endswith((".py", ".h", ".c")):
                    about = one.stat()
                    found.append((one.path, about.st_size, about.st_mtime_ns))
    if not found:
        raise Unknown
    return sorted(found)
