"""What is known of a function before it runs: what came out of its operations in another process.

A function sees a world of Python's (`recording/world.py`): code, objects, numbers, tensors by their
geometry. Where that is as it was when its program was kept (`remembered.py`), the same operations are to
be expected, and they may wait (`recording/waiting.py`). If something else comes after all, it is
computed as ever; what C is used is decided by the program that was recorded, never by this.
"""

from __future__ import annotations

import hashlib
import pickle
import types
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from rushlight.compiler.build import cache_folder, put, whole, with_sum, writable
from rushlight.compiler.recording.facts import PLAIN
from rushlight.compiler.recording.modes import modes
from rushlight.compiler.recording.program import Program
from rushlight.compiler.recording.tree import Leaf
from rushlight.compiler.recording.waiting import Known, known_of
from rushlight.compiler.recording.world import World, names_of
from rushlight.compiler.remembered import code_of, world_of_ours
from rushlight.core.tensor import TensorBase
from rushlight.nn.parameter import is_lazy

# Whoever names these looks at what is no part of the world, or at memory past all doors.
_UNSEEN = frozenset({"environ", "getenv", "data_ptr", "untyped_storage", "storage"})


class Foreseen:
    """What is known of the calls of a function."""

    def __init__(self) -> None:
        self.file: Path | None = None
        self.known: Known | None = None

    def __call__(self, world: World) -> Known | None:
        """What is known of the operations in a function that sees this world."""
        told = hashlib.sha256(repr((world_of_ours(), modes())).encode())
        for part in _told(world):
            told.update(part.encode())
            told.update(b"\0")
        self.file = writable(cache_folder()) / f"{told.hexdigest()[:32]}.outcomes"
        with suppress(OSError):
            data = whole(self.file.read_bytes())
            self.known = None if data is None else pickle.loads(data)
        return self.known

    def keep(self, program: Program, certain: dict[int, bool], codes: Iterable[Any]) -> None:
        """Let others know what came out of the operations of a program, which codes of the user's ran."""
        if self.file is None or program.backward is not None:
            return
        if any(names_of(code) & _UNSEEN for code in codes):
            return
        found = dict(known_of(program.entries, certain))
        if found != self.known:
            with suppress(OSError):
                put(self.file, with_sum(pickle.dumps(found, pickle.HIGHEST_PROTOCOL)))


def _told(world: World) -> Iterator[str]:
    """All that is in a world, in words that another process would choose as well."""
    for leaf in world.rest[1]:
        yield repr(leaf) if isinstance(leaf, PLAIN) else str(leaf.__class__ is Leaf)
    for thing in world.seen.values():
        yield _word(thing)
    for fact in world.facts:
        if fact is not world.environment:
            for key, value in fact.expected.items():
                if isinstance(value, PLAIN):
                    yield f"{key!r}: {value!r}" if isinstance(key, PLAIN) else repr(value)


def _word(thing: Any) -> str:
    if isinstance(thing, TensorBase):
        array = None if is_lazy(thing) else getattr(thing, "_data_", None)
        if array.__class__ is not np.ndarray:
            return "no memory"
        return f"{array.shape} {array.dtype.name} {array.strides} {thing._requires_grad_}"
    if isinstance(thing, types.FunctionType):
        return repr(code_of(thing.__code__))
    if isinstance(thing, type | types.ModuleType):
        return str(thing.__name__)
    return f"{thing.__class__.__module__}.{thing.__class__.__qualname__}"
