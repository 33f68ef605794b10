"""The memory that was there before: whose it is, what it held, and who has written into it."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np

from rushlight.caller import Line
from rushlight.compiler.recording.errors import CannotRecord, place
from rushlight.compiler.recording.program import hooks_of
from rushlight.compiler.recording.values import fingerprint
from rushlight.compiler.recording.world import World
from rushlight.core.tensor import Array, TensorBase
from rushlight.core.turned import held
from rushlight.memory import root
from rushlight.random.generator import everyone


class Memories:
    """Every tensor that is alive when a recording starts, by its array; what its memory held."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.names: dict[int, str] = {}
        self.existing: dict[int, list[Any]] = {}
        # How often each has been changed, and what those that the function can see held.
        self.counts: dict[int, tuple[list[Any], int]] = {}
        self.sums: dict[int, int] = {}
        # Changes that are counted by what is run again as it is.
        self.apart: dict[int, int] = {}
        # Which of them wanted a gradient.
        self.wanted: dict[int, bool] = {}
        # The hooks that hang on them.
        self.hooked: dict[int, tuple[int, ...]] = {}
        # Memory that the function has used, with a copy from before.
        self.before: dict[int, tuple[Array, Array]] = {}
        self.changed: set[int] = set()
        # The random generators that were there.
        self.generators = set(map(id, everyone))
        kinds = set(_kinds_of(TensorBase))
        for thing in [thing for thing in gc.get_objects() if type(thing) in kinds]:
            if hasattr(thing, "_changes_"):
                self._add(thing)
        for tensor in world.tensors:
            self._mark(tensor)
        world.found = self._mark

    def _add(self, tensor: Any) -> None:
        array = _memory_of(tensor)
        if type(array) is np.ndarray:
            self.existing.setdefault(id(array), []).append(tensor)
            self.counts[id(tensor._changes_)] = tensor._changes_, tensor._changes_[0]
            self.wanted[id(tensor)] = tensor._requires_grad_
            if tensor._hooks_ is not None:
                self.hooked[id(tensor)] = hooks_of(tensor)

    def _mark(self, tensor: Any) -> None:
        """The function can see a tensor: know what it holds before it is used."""
        array = _memory_of(tensor)
        if type(array) is np.ndarray:
            self.sums[id(array)] = fingerprint(array)

    def adopt(self, tensor: Any, name: str) -> None:
        """A tensor that was made just now counts as one that was there."""
        self._add(tensor)
        self.names[id(tensor)] = name

    def find(self, tensor: TensorBase, array: Array) -> Any:
        """The tensor that had this array before; None if none had it."""
        owners = self.existing.get(id(array))
        if not owners or held(owners[0]) is not array:
            return None
        if any(owner is tensor for owner in owners):
            return tensor
        known = [t for t in owners if id(t) in self.world.names] or owners
        return next((t for t in known if t._requires_grad_), known[0])

    def first(self, array: Array, name: str, line: Line) -> None:
        """Memory is used for the first time: keep what it holds."""
        expected = self.sums.get(id(array))
        memory = root(array)
        if id(memory) in self.before:
            return
        if expected is not None and fingerprint(array) != expected:
            raise CannotRecord(
                f"the memory of {name} was written past rushlight (through NumPy?) before it was used "
                f"at {place(line)}: a replay would not write it. Change it outside, or with operations "
                "on tensors"
            )
        self.before[id(memory)] = memory, memory.copy()

    def touched(self, counted: set[int]) -> Any:
        """A tensor that has got hooks, other memory or changes unseen; None. counted: whose changes are known."""
        for key, owners in self.existing.items():
            for tensor in owners:
                changes = tensor._changes_
                same = id(changes) in counted or id(changes) not in self.counts
                if not same:
                    expected = self.counts[id(changes)][1] + self.apart.get(id(changes), 0)
                    same = changes[0] == expected
                moved = id(_memory_of(tensor)) != key
                if moved or not same or hooks_of(tensor) != self.hooked.get(id(tensor), ()):
                    return tensor
        return None

    def written(self, array: Array) -> None:
        """Memory has been written."""
        self.changed.add(id(root(array)))

    def is_written(self, array: Array) -> bool:
        """Whether memory has been written since the recording started."""
        return id(root(array)) in self.changed

    def marks(self) -> tuple[dict[int, int], dict[int, int]]:
        """What the memory that has been used holds, and all counts, to compare with."""
        held_now = {key: fingerprint(memory) for key, (memory, _) in self.before.items()}
        return held_now, {key: changes[0] for key, (changes, _) in self.counts.items()}

    def rewritten(self, marks: tuple[dict[int, int], dict[int, int]]) -> list[tuple[Array, Array]]:
        """The memory that holds other values than when it was marked, with a copy."""
        before, counts = marks
        for key, (changes, _) in self.counts.items():
            if (more := changes[0] - counts.get(key, changes[0])) != 0:
                self.apart[key] = self.apart.get(key, 0) + more
        found = [self.before[key][0] for key in before]
        changed = [m for m in found if fingerprint(m) != before[id(m)]]
        self.changed.update(map(id, changed))
        return [(memory, memory.copy()) for memory in changed]

    def now(self) -> list[tuple[Array, Array]]:
        """The memory that has been used, with a copy of what it holds now."""
        return [(memory, memory.copy()) for memory, _ in self.before.values()]

    def go_back(self) -> None:
        """Let the memory that has been used hold what it held."""
        put(list(self.before.values()))

    def let_go(self) -> None:
        """The recording is over."""
        self.existing.clear()
        self.counts.clear()
        self.before.clear()

    def uncount(self) -> None:
        """Let every count of changes be what it was, and who wants gradients."""
        for changes, count in self.counts.values():
            if changes[0] != count:
                changes[0] = count
        for owners in self.existing.values():
            for tensor in owners:
                if tensor._node_ is None:
                    tensor._requires_grad_ = self.wanted[id(tensor)]


def _kinds_of(cls: type) -> set[type]:
    """A class and all that descend from it."""
    return {cls}.union(*map(_kinds_of, cls.__subclasses__()))


def _memory_of(tensor: Any) -> Array | None:
    """The array of a tensor; None for what has none: parameters still to come, sparse tensors."""
    try:
        return held(tensor)
    except (ValueError, NotImplementedError):
        return None


def put(memories: list[tuple[Array, Array]]) -> None:
    """Write values into memory, where it holds others."""
    for memory, values in memories:
        if not same_bits(memory, values):
            memory[...] = values


def same_bits(a: Array, b: Array) -> bool:
    """Whether two arrays of one shape and type hold the same, bit for bit."""
    if a.flags.c_contiguous and b.flags.c_contiguous and a.nbytes % 8 == 0 and a.nbytes:
        return bool((a.reshape(-1).view(np.uint64) == b.reshape(-1).view(np.uint64)).all())
    return fingerprint(a) == fingerprint(b)
