"""What is known of tensors: the operation that made them, at which line, from parameters or data."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from rushlight.doctor.places import Place

# The operation of what was drawn at random, and of what was copied there from elsewhere.
DRAWN, COPIED = "random", "copied"


class Fact:
    """Of the values in a piece of memory: which operation made them, where, and from what.

    learned: whether parameters that are trained have a part in them. passes: the calls of modules that
    made them. parent: the fact of the (first) input, where the operation is one that only scales.
    """

    __slots__ = ("crossed", "learned", "op", "parent", "passes", "place", "shape", "static")

    def __init__(
        self,
        op: str,
        place: Place,
        static: dict[str, Any],
        shape: tuple[int, ...],
        learned: bool,
        passes: tuple[Any, ...] = (),
        parent: Fact | None = None,
    ) -> None:
        self.op, self.place, self.static, self.shape = op, place, static, shape
        self.learned, self.passes, self.parent = learned, passes, parent
        # Of an argmax: whether it runs over another dimension than that of what the last layer gives.
        self.crossed = False


def owner(array: Any) -> Any:
    """The array that has the memory; None for what is no array of NumPy's."""
    if array.__class__ is not np.ndarray:
        return None
    while array.base.__class__ is np.ndarray:
        array = array.base
    return array


class Memory:
    """Facts by the memory that they are about: views and `detach()` share them, as they share it."""

    def __init__(self) -> None:
        self._facts: dict[int, tuple[Any, Fact]] = {}

    def of(self, tensor: Any) -> Fact | None:
        """What is known of a tensor."""
        whose = owner(tensor._data_)
        entry = self._facts.get(id(whose))
        return entry[1] if entry is not None else None

    def put(self, tensor: Any, fact: Fact) -> None:
        """Learn of the values of a tensor."""
        whose = owner(tensor._data_)
        if whose is None:
            return
        key, facts = id(whose), self._facts
        entry = facts.get(key)
        if entry is not None:
            facts[key] = (entry[0], fact)
            return
        facts[key] = (weakref.ref(whose, lambda _: facts.pop(key, None)), fact)
