"""Operations that wait: what C is about to compute need not be computed in NumPy before.

Where a function was compiled before and is found as it was then (`compiler/foreseen.py`), its first call
is recorded without computing. An operation of which is known what comes out gets memory that nobody has
filled yet; views of it are views, and writes wait as well. If the program is the one whose C is there, C
does all of it (`Recording.prove`). As soon as somebody wants to see values, or something is not known,
`settle` computes what waits, in the order in which it came, into the memory that has been handed out, and
the rest of the function runs as ever.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.compiler.recording.entries import Entry, Operation, Write, names_in
from rushlight.compiler.recording.facts import PLAIN
from rushlight.compiler.recording.values import Figure, Value, fingerprint, type_name
from rushlight.core import doors
from rushlight.core.row import Primitive
from rushlight.core.state import state
from rushlight.core.tape import attach
from rushlight.core.tensor import Array, TensorBase, wrap
from rushlight.memory import is_dense, nowhere, root

if TYPE_CHECKING:
    from rushlight.compiler.recording.recorder import Recorder

# What comes out: shape, type and strides of each result, and whether it owns its memory.
Outcome = tuple[tuple[tuple[int, ...], str, tuple[int, ...], bool], ...]
# What is known of each call of a row, or of a kernel; and whether it may raise errors by whole numbers.
Known = dict[Any, tuple[Outcome, bool]]

# Up to so many elements are computed at once, where nothing that they need waits.
_FEW = 16


class Unlike(Exception):
    """A call that cannot be told from others by what it is called with."""


def form(entry: Entry) -> Any:
    """By what a call is known again: its row or kernel, and what it is called with."""
    if isinstance(entry, Operation):
        return _form_of(entry.row, entry.inputs, entry.static)
    if isinstance(entry, Write) and not entry.turning:
        kernel = entry.kernel.__module__, entry.kernel.__qualname__
        return kernel, _form(entry.target), _form((*entry.inputs, *entry.static.items()))
    raise Unlike


def _form_of(row: Primitive, inputs: Any, static: dict[str, Any]) -> Any:
    # A number of Python's that is recorded may say how large something is.
    for x in names_in(tuple(static.values())):
        if x.__class__ is Figure and x.kind is int:
            raise Unlike
    return row.name, _form(inputs), _form(tuple(static.items()))


def _form(x: Any) -> Any:
    kind = x.__class__
    if kind is int or kind is str or x is None:
        # Numbers of other types equal these, and are told with their type.
        return x
    if kind is Value:
        return x.shape, type_name(x.dtype), x.strides
    if kind is tuple or kind is list:
        return tuple([_form(part) for part in x])
    if kind is Figure:
        return x.kind.__name__
    if isinstance(x, PLAIN) or kind is slice or x is ...:
        return kind.__name__, repr(x)
    raise Unlike


def outcome(outs: Sequence[Value], owned: Sequence[bool]) -> Outcome | None:
    """What has come out; None if that cannot be made in this form without computing."""
    # A type by its name: those that are pickled are not the ones that are asked for by identity.
    found = tuple(
        [(x.shape, type_name(x.dtype), x.strides, own) for x, own in zip(outs, owned, strict=True)]
    )
    if any(0 in x.shape or x.dtype.kind not in "biufc" for x in outs):
        return None
    return found if all(_made(*one).strides == one[2] for one in found) else None


def _made(shape: tuple[int, ...], dtype: str, strides: tuple[int, ...], owned: bool) -> Array:
    """Memory that nobody has filled."""
    if owned:
        return np.empty(shape, dtype)
    return np.empty_like(nowhere(shape, np.dtype(dtype), strides))[...]


class Waiting:
    """What waits while a function is recorded."""

    def __init__(self, recorder: Recorder, known: Known) -> None:
        self.recorder, self.known = recorder, known
        # The entries that wait; the memory that they write and read.
        self.late: dict[int, Entry] = {}
        self.unfilled: set[int] = set()
        self.read: set[int] = set()
        # What is there, by slot: arrays and numbers; and what is handed out, and waits to be filled.
        self.slots: dict[int, Any] = {}
        self.handed: dict[int, weakref.ref[Array]] = {}
        # What stands for the memory of a value that lies in no other's.
        self.homes: dict[int, int] = {}

    # ---- what waits ------------------------------------------------------------------------------

    def home(self, value: Value) -> int:
        """What stands for the memory in which a value lies."""
        while value.base is not None:
            value = value.base
        found = self.homes.get(value.index)
        if found is None:
            array = self.slots.get(value.index)
            found = self.homes[value.index] = value.index if array is None else -id(root(array))
        return found

    def waits(self, *operands: Any) -> bool:
        """Whether something of this waits to be computed."""
        found = [self.home(x) for x in names_in(operands) if x.__class__ is Value]
        return not self.unfilled.isdisjoint(found)

    def result(
        self,
        row: Primitive,
        inputs: Any,
        static: dict[str, Any],
        operands: Any,
        figures: dict[str, Any],
    ) -> Any:
        """The tensors of an operation that will be computed later; None: it is computed now.

        operands and figures: what stands in the entry for its inputs and parameters.
        """
        waits = self.waits(*operands, *figures.values())
        if row.view and not any(t._turned_ for t in inputs if isinstance(t, TensorBase)):
            return None
        try:
            key = _form_of(row, operands, figures)
        except Unlike:
            key = None
        found = self.known.get(key)
        if found is None or (
            found[1] and waits and not self._passes(row, inputs, static, operands)
        ):
            if waits:
                self.recorder.settle()
            return None
        outs, _ = found
        if not waits and all(math.prod(shape) <= _FEW for shape, *_ in outs):
            return None
        made = [wrap(_made(*one)) for one in outs]
        out: Any = made[0] if len(made) == 1 else tuple(made)
        if state.grad and row.vjp is not None:
            attach(row, inputs, static, out, False)
        return out

    def _passes(
        self, row: Primitive, inputs: Sequence[Any], static: dict[str, Any], operands: Any
    ) -> bool:
        """Let a row that may refuse whole numbers (classes, places) look at them: an error is raised here."""
        given = []
        for tensor, value in zip(inputs, operands, strict=True):
            if value.__class__ is Value and self.waits(value):
                if value.dtype.kind not in "fcV":
                    return False
                given.append(wrap(np.broadcast_to(np.zeros((), value.dtype), value.shape)))
            else:
                given.append(tensor)
        recording, state.grad = state.grad, False
        try:
            doors.apply(row, *given, **static)
        finally:
            state.grad = recording
        return True

    def note(self, entry: Operation, arrays: Sequence[Array], made: bool) -> bool:
        """An operation is written down: does it wait? made: its results are memory that nobody has filled."""
        if not (made or (entry.row.view and self.waits(*entry.reads()))):
            return False
        self.late[id(entry)] = entry
        self.read.update(self.home(x) for x in entry.reads() if x.__class__ is Value)
        for out, array in zip(entry.outs, arrays, strict=True):
            del self.slots[out.index]
            if out.base is None:
                self.unfilled.add(out.index)
                self.handed[out.index] = weakref.ref(array)
        return True

    def writes(self, entry: Write) -> bool:
        """Whether a write waits; if not it is done now."""
        operands = (entry.target, *entry.reads())
        waits = self.waits(*operands)
        try:
            known = not entry.turning and form(entry) in self.known
        except Unlike:
            known = False
        target = self.home(entry.target)
        small = math.prod(entry.target.shape) <= _FEW
        if not waits and target not in self.read and (small or not known):
            return False
        if not known:
            self.recorder.settle()
            return False
        self.late[id(entry)] = entry
        self.unfilled.add(target)
        self.read.update(self.home(x) for x in operands if x.__class__ is Value)
        return True

    # ---- computing after all ---------------------------------------------------------------------

    def unseen(self, results: Sequence[Array]) -> bool:
        """Whether nobody holds what waits but those that hold these arrays."""
        known = {
            id(root(array))
            for array in results
            if array.size == root(array).size and is_dense(array)
        }
        alive = [array for ref in self.handed.values() if (array := ref()) is not None]
        return all(id(root(array)) in known for array in alive)

    def compute(self, entries: Sequence[Entry], everything: bool) -> None:
        """Compute what waits; everything: from the beginning, where memory is as it was then."""
        slots: Any = self.slots
        for entry in entries:
            if not everything and id(entry) not in self.late:
                continue
            there = [self._there(out) for out in entry.outs]
            entry.again(slots)
            for out, array in zip(entry.outs, there, strict=True):
                if array is not None and slots[out.index] is not array:
                    if root(slots[out.index]) is not root(array):
                        array[...] = slots[out.index]
                    slots[out.index] = array
            view = isinstance(entry, Operation) and entry.row.view
            if id(entry) in self.late:
                entry.sums = [None if view else fingerprint(slots[x.index]) for x in entry.made()]

    def _there(self, out: Any) -> Array | None:
        """The array that has been handed out for a result, if it is still there."""
        if out.__class__ is not Value:
            return None
        ref = self.handed.get(out.index)
        found: Array | None = self.slots.get(out.index) if ref is None else ref()
        return found


def known_of(entries: Sequence[Entry], certain: dict[int, bool]) -> Iterator[tuple[Any, Any]]:
    """What another recording may know of these; certain: which of them C computes, and whether it asks numbers."""
    for number, entry in enumerate(entries):
        if number not in certain:
            continue
        try:
            if isinstance(entry, Write):
                yield form(entry), ((), certain[number])
            elif isinstance(entry, Operation) and entry.owned is not None:
                found = outcome(entry.outs, entry.owned)
                if found is not None:
                    yield form(entry), (found, certain[number])
        except Unlike:
            continue
