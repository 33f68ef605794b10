"""Who measures: marks of what begins and ends, at the doors and at a few places besides.

Operations, writes and random numbers pass the doors (`rushlight.core.doors`). What a program calls by name, what
modules, nodes of backward and optimizers do is measured by functions that `rushlight.profiler.places` puts
there while somebody measures, and takes away.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rushlight.caller import HERE
from rushlight.core.doors import Interpreter
from rushlight.core.state import State
from rushlight.core.tensor import TensorBase
from rushlight.profiler.events import FUNCTION, USER

_now = time.perf_counter_ns

# What a mark is of: a door, a function by its public name, a module, a node of backward, a block of the user's, a look
# at a value, the forward of a function of the user's.
DOOR, CALL, MODULE, NODE, BLOCK, LOOK, FORWARD = range(7)
# Of a node of backward that goes on with what the one before it does.
PART = "part"


class Mark:
    """Something that began, and ended: what it was given, and what came out."""

    __slots__ = (
        "kind", "name", "start", "end", "parent", "thread", "shapes", "out", "scope", "sequence", "bytes", "stack",
        "children", "kept", "of",
    )  # fmt: skip

    def __init__(self, kind: int, name: str, parent: Mark | None, thread: int) -> None:
        self.kind, self.name, self.parent, self.thread = kind, name, parent, thread
        self.scope, self.sequence = FUNCTION, -1
        self.shapes: Any = None
        self.out: tuple[int, ...] | None = None
        self.bytes = 0
        self.stack: list[str] | None = None
        self.children: list[Mark] = []
        self.start = self.end = 0
        # A call without an operation in it is shown only if torch has an operation for it all the same.
        self.kept = True
        # The row, or module, or node.
        self.of: Any = None


class _Thread(threading.local):
    """What is open in this thread, and its number."""

    def __init__(self) -> None:
        self.open: Mark | None = None
        self.number = 0


class Watch(Interpreter):
    """Makes marks of all that happens between `start` and `stop`, in every thread.

    memory, stack, modules: whether these are noted, each of which takes time of its own.
    """

    def __init__(
        self,
        *,
        memory: bool = False,
        stack: bool = False,
        modules: bool = False,
    ) -> None:
        self.memory, self.stack, self.modules = memory, stack, modules
        self.here = _Thread()
        self.roots: list[Mark] = []
        # (when, bytes) of memory that came or went while nothing was open.
        self.loose: list[tuple[int, int, int]] = []
        self._known: dict[int, Any] = {}
        self._threads = 0
        self._names: dict[int, str] = {}
        self._counts: dict[str, int] = {}
        self.begun = self.ended = self.epoch = 0

    # ---- begin and end ---------------------------------------------------------------------------

    def start(self) -> None:
        """Measure from now on."""
        self.epoch = self.epoch or time.time_ns() - _now()
        watches.append(self)
        self.__enter__()
        # Threads that are begun from now on ask this one, too.
        State.interpreters = (self, *State.interpreters)
        self.begun = self.begun or _now()

    def stop(self) -> None:
        """Measure no more."""
        self.ended = _now()
        State.interpreters = tuple(i for i in State.interpreters if i is not self)
        self.__exit__()
        watches.remove(self)
        self._known.clear()

    def begin(self, kind: int, name: str, inputs: Sequence[Any] = ()) -> Mark:
        """Something begins."""
        here = self.here
        if not here.number:
            self._threads += 1
            here.number = self._threads
        mark = Mark(kind, name, here.open, here.number)
        mark.shapes = [described(given) for given in inputs]
        if self.stack and kind in (CALL, DOOR, BLOCK):
            mark.stack = user_stack()
        (self.roots if here.open is None else here.open.children).append(mark)
        here.open = mark
        mark.start = _now()
        return mark

    def end(self, mark: Mark) -> None:
        """It ends."""
        mark.end = _now()
        self.here.open = mark.parent

    # ---- the doors -------------------------------------------------------------------------------

    def apply(self, row: Any, inputs: Any, static: Any) -> Any:
        """An operation."""
        mark = self.begin(DOOR, row.name, inputs)
        try:
            out = super().apply(row, inputs, static)
        finally:
            self.end(mark)
        self._came(mark, out)
        return out

    def into(self, target: Any, kernel: Any, inputs: Any, static: Any) -> None:
        """A write."""
        mark = self.begin(DOOR, f"{kernel.__name__}_", (target, *inputs))
        try:
            super().into(target, kernel, inputs, static)
        finally:
            self.end(mark)

    def draw(self, numbers: Any, generator: Any, inputs: Any, static: Any) -> Any:
        """Random numbers."""
        mark = self.begin(DOOR, f"{numbers.__name__}_", inputs)
        try:
            out = super().draw(numbers, generator, inputs, static)
        finally:
            self.end(mark)
        self._came(mark, out)
        return out

    def number(self, tensor: Any, why: str) -> Any:
        """A look at one value."""
        mark = self.begin(LOOK, "_local_scalar_dense", (tensor,))
        try:
            return super().number(tensor, why)
        finally:
            self.end(mark)

    def literal(self, tensor: Any) -> None:
        """A tensor of Python's numbers."""
        super().literal(tensor)
        if self.here.open is not None:
            self.here.open.kept = True
            self._came(self.here.open, tensor)

    # ---- memory ----------------------------------------------------------------------------------

    def _came(self, mark: Mark, out: Any) -> None:
        """Note the shape of a result, and the memory that results brought, and see when that goes."""
        first: Any = out[0] if isinstance(out, tuple) and out else out
        if isinstance(first, TensorBase):
            mark.out = first._data_.shape
            if first._node_ is not None:
                mark.sequence = first._node_._sequence
        if not self.memory:
            return
        for part in out if isinstance(out, tuple) else (out,):
            data = part._data_ if isinstance(part, TensorBase) else None
            if data.__class__ is not np.ndarray or data.base is not None or id(data) in self._known:
                continue
            size, key = data.nbytes, id(data)
            mark.bytes += size
            self._known[key] = weakref.ref(data, self._farewell(key, size))

    def _farewell(self, key: int, size: int) -> Callable[[Any], None]:
        def gone(_: Any) -> None:
            self._went(key, size)

        return gone

    def _went(self, key: int, size: int) -> None:
        if self._known.pop(key, None) is None:
            return
        open_now = self.here.open
        if open_now is not None:
            open_now.bytes -= size
        else:
            self.loose.append((_now(), -size, self.here.number or 1))

    # ---- names -----------------------------------------------------------------------------------

    def module_name(self, module: Any) -> str:
        """`Linear_0`: the class, and which of its modules it is in the order of their first calls."""
        name = self._names.get(id(module))
        if name is None:
            cls = type(module).__name__
            number = self._counts.get(cls, 0)
            self._counts[cls] = number + 1
            name = self._names[id(module)] = f"{cls}_{number}"
        return name


# Who measures now, the outermost first.
watches: list[Watch] = []


def described(given: Any) -> Any:
    """Of a tensor (shape, strides, type); else None, or the number."""
    if isinstance(given, TensorBase):
        try:
            data = given._data_
        except NotImplementedError:  # It is sparse.
            return None
        return data.shape, tuple(s // (data.itemsize or 1) for s in data.strides), data.dtype
    return given if isinstance(given, int | float | bool | str) else None


def user_stack() -> list[str]:
    """The user's lines that are running, the innermost first, as torch writes them."""
    lines = []
    frame: Any = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        file = code.co_filename
        if not file.startswith((HERE, "<frozen")):
            lines.append(f"{_short(file)}({frame.f_lineno}): {code.co_name}")
        frame = frame.f_back
    return lines


_shortened: dict[str, str] = {}


def _short(file: str) -> str:
    """The path from the first folder of `sys.path` that holds it."""
    known = _shortened.get(file)
    if known is None:
        known = file
        for folder in sorted(sys.path, key=len, reverse=True):
            if folder and file.startswith(folder.rstrip(os.sep) + os.sep):
                known = file[len(folder.rstrip(os.sep)) + 1 :]
                break
        _shortened[file] = known
    return known


class record_function:
    """A block, or a function, that goes by a name in the profile.

    >>> import rushlight as torch
    >>> x = torch.ones(2)
    >>> with torch.profiler.profile() as measured, record_function("mine"):
    ...     y = x.exp()
    >>> [event.key for event in measured.key_averages()]
    ['mine', 'aten::exp']
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name, self.args = name, args
        self.run_callbacks_on_exit = True
        self._marks: list[tuple[Watch, Mark]] = []

    def __enter__(self) -> record_function:
        self._marks = opened(BLOCK, self.name)
        return self

    def __exit__(self, *exception: Any) -> None:
        closed(self._marks)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, each call under the name."""

        @functools.wraps(function)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name, self.args):
                return function(*args, **kwargs)

        return recorded


def opened(kind: int, name: str, inputs: Sequence[Any] = ()) -> list[tuple[Watch, Mark]]:
    """A mark for everybody who measures."""
    marks = [(watch, watch.begin(kind, name, inputs)) for watch in watches]
    if kind == BLOCK:
        for _, mark in marks:
            mark.scope = USER
    return marks


def closed(marks: list[tuple[Watch, Mark]]) -> None:
    """These end, the innermost first."""
    for watch, mark in reversed(marks):
        watch.end(mark)
