"""Facts about Python: what a container held, and whether it is as it was."""

from __future__ import annotations

import collections
import math
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.compiler.recording.errors import CannotRecord
from rushlight.core import doors
from rushlight.core.tensor import TensorBase

# The numbers and words that are compared by value; everything else is the same only as itself.
PLAIN = (bool, int, float, complex, str, bytes, type(None), dtypes.dtype, np.generic, np.dtype)
MISSING = object()
# In the place of a tensor that the program itself replaces: there must be one.
TENSOR = object()
# The key under which an array of NumPy's has its elements.
VALUES = object()


def same(a: Any, b: Any) -> bool:
    """Whether Python would find one where it found the other."""
    if a is b:
        return True
    if a is TENSOR:
        return isinstance(b, TensorBase)
    if type(a) is not type(b):
        return False
    if isinstance(a, PLAIN):
        return bool(a == b or (a != a and b != b)) and (bool(a) or _signs(a) == _signs(b))
    if isinstance(a, tuple | frozenset) and not isinstance(a, TensorBase):
        if isinstance(a, frozenset) or len(a) != len(b):
            return bool(a == b)
        return all(map(same, a, b))
    if isinstance(a, types.MethodType):
        return a.__self__ is b.__self__ and a.__func__ is b.__func__
    return isinstance(a, range | slice) and a == b


def _signs(zero: Any) -> Any:
    """What tells zeros apart that are equal."""
    if isinstance(zero, float | np.floating):
        return math.copysign(1.0, zero)
    if isinstance(zero, complex | np.complexfloating):
        return math.copysign(1.0, zero.real), math.copysign(1.0, zero.imag)
    return None


def told(value: Any) -> str:
    """A value in a message."""
    if value is MISSING:
        return "not there"
    if isinstance(value, TensorBase):
        return f"a tensor of shape {list(value._data_.shape)}"
    text = repr(value)
    return text if len(text) < 60 else f"a {type(value).__name__}"


@dataclass(eq=False)
class Fact:
    """What a container holds: read gives all of it by key; expected is what was found there."""

    name: Callable[[Any], str]
    read: Callable[[], Any]
    expected: dict[Any, Any]
    # Entries count only where the code that ran names them; otherwise all do, and there are no others.
    by_name: bool
    # Puts another value under a key.
    put: Callable[[Any, Any], None] | None = None
    # The container itself, a dict, list or cell, if that is what read shows; and where Python finds it:
    # an object, the name of its attribute and, if that is a mapping of containers, a key.
    holder: Any = None
    found: tuple[Any, ...] | None = None

    def differences(self, used: set[str] | None = None) -> Iterator[tuple[Any, Any, Any]]:
        """The keys at which something else is found, with what was and what is there."""
        now = self.read()
        get = now.get
        for key, value in self.expected.items():
            found = get(key, MISSING)
            if found is not value and not same(value, found):
                yield key, value, found
        if len(now) != len(self.expected):
            for key, found in list(now.items()):
                if key not in self.expected and (used is None or not self.by_name or key in used):
                    yield key, MISSING, found

    def hold(self, wanted: dict[Any, Any], now: dict[Any, Any]) -> None:
        """Let the container hold what is wanted, where that can be done."""
        if isinstance(self.holder, list | collections.deque):
            self.holder.clear()
            self.holder.extend(wanted.values())
        elif isinstance(self.holder, set):
            self.holder.clear()
            self.holder.update(wanted.values())
        elif self.put is not None:
            for key, value in wanted.items():
                if not same(now.get(key, MISSING), value):
                    self.put(key, value)
            for key in now:
                if key not in wanted and isinstance(self.holder, dict):
                    del self.holder[key]

    def keep(self, used: set[str]) -> None:
        """Forget what the code did not name."""
        if self.by_name:
            self.expected = {k: v for k, v in self.expected.items() if k in used}

    def message(self, key: Any, before: Any, now: Any) -> str:
        """What has changed."""
        name = self.name(key)
        if key is VALUES:
            return f"the array {name} holds other values now than when it was recorded"
        return f"{name} is {told(now)} now, and was {told(before)} when it was recorded"


@dataclass(eq=False)
class Place:
    """Where an iterator stands, and how another is put there."""

    name: str
    iterator: Any
    put: Callable[[Any], None]


class Taken:
    """An iterator that the function found outside: each replay takes the next from it, too."""

    def __init__(self, iterator: Any) -> None:
        self.iterator = iterator

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self.iterator)

    def __iter__(self) -> Taken:
        return self

    def __getattr__(self, name: str) -> Any:
        raise CannotRecord(
            f"the function asks an iterator for {name!r}, which cannot be watched: take from it with next()"
        )

    def __next__(self) -> Any:
        return doors.perform(self.iterator.__next__)


class Through:
    """An object that stands for a function, and through which one looks at that."""

    function: Any


def but_of(facts: list[Fact], containers: dict[int, Any]) -> list[Fact]:
    """Facts but those of these containers, unless they are found elsewhere, too."""
    rest = [fact for fact in facts if id(fact.holder) not in containers]
    elsewhere = {id(value) for fact in rest for value in fact.expected.values()}
    return [f for f in facts if id(f.holder) not in containers or id(f.holder) in elsewhere]
