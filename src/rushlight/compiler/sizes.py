"""One library for many sizes: C whose numbers are handed in at the call.

A program is recorded, checked and written for one size, and every size in its C is a constant. Where a
function is called with one size after the other, the texts for these are compared, word by word. If
nothing but numbers differs, these become variables: one library for all such sizes, compiled once. Each
size keeps a program of its own, with its guards, its places in memory and its numbers. So no rule is needed
of how anything depends on a size, and nothing is guessed: what a size needs is what would have been compiled
for it alone. A text that differs in more is compiled for itself.
"""

from __future__ import annotations

import ctypes
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from rushlight.compiler.build import NoCompiler, built
from rushlight.compiler.graph import NoC
from rushlight.compiler.room import zeros
from rushlight.core.tensor import Array

_WORD = re.compile(
    r"/\*.*?\*/|^[ \t]*\#[^\n]*|[A-Za-z_]\w*"
    r"|(?:0[xX][\da-fA-F.]+(?:[pP][+-]?\d+)?|\d[\d.]*(?:[eE][+-]?\d+)?)[fFuUlL]*|\S",
    re.S | re.M,
)
_NAME = re.compile(r"[A-Za-z_]\w*")
# What C takes a number for. Others stay constants.
_KINDS = (
    ("long", re.compile(r"\d+")),
    ("float", re.compile(r"(?:0x[\da-f.]+p[+-]?\d+|\d+\.\d*(?:e[+-]?\d+)?|\d+e[+-]?\d+)f")),
    ("double", re.compile(r"0x[\da-f.]+p[+-]?\d+|\d+\.\d*(?:e[+-]?\d+)?|\d+e[+-]?\d+")),
)
# Names that a text defines itself: what they mean stands in it, too.
_DEFINED = re.compile(r"^static \w+ (\w+)\(|^\} (\w+);", re.M)


class Alone(NoC):
    """A program has no C in common with those for other sizes."""


class Words:
    """A text of C as its words, without comments."""

    def __init__(self, text: str) -> None:
        self.text = text
        found = [m for m in _WORD.finditer(text) if not m[0].startswith("/*")]
        self.words = [m[0] for m in found]
        self.spans = [m.span() for m in found]
        self.defined = {name for pair in _DEFINED.findall(text) for name in pair if name}

    def differing(self, other: Words) -> set[int] | None:
        """Which numbers differ; None if the texts differ in more.

        Names that both define may differ: each stands for one of the other.
        """
        if len(self.words) != len(other.words):
            return None
        found = set()
        names: dict[str, str] = {}
        back: dict[str, str] = {}
        for at, (a, b) in enumerate(zip(self.words, other.words, strict=True)):
            if _NAME.match(a):
                if names.setdefault(a, b) != b or back.setdefault(b, a) != a:
                    return None
                if a != b and not (a in self.defined and b in other.defined):
                    return None
            elif a != b:
                if (kind := _kind(a)) is None or kind != _kind(b):
                    return None
                found.add(at)
        return found


def _kind(word: str) -> str | None:
    """The type of a number; None if it is none that may vary."""
    return next((kind for kind, form in _KINDS if form.fullmatch(word)), None)


class Library:
    """Compiled C in which some numbers are variables."""

    def __init__(self, words: Words, holes: set[int]) -> None:
        self.words, self.holes = words, holes
        self.kinds = [(at, _kind(words.words[at])) for at in sorted(holes)]
        self.text = self._opened()
        self.loaded = built(self.text)

    def _opened(self) -> str:
        """The text with names in the place of numbers."""
        declared, taken, parts, end = [], [], [], 0
        # No name of the user's is in the way.
        name = "size"
        while f"{name}_" in self.words.text:
            name += "s"
        for number, (at, kind) in enumerate(self.kinds):
            first, last = self.words.spans[at]
            parts += [self.words.text[end:first], f"{name}_{number}"]
            end = last
            declared.append(f"static {kind} {name}_{number};")
            taken.append(f"    {name}_{number} = from[{number}].{'l' if kind == 'long' else 'd'};")
        head = [
            "/* Numbers of the call, as they are for its sizes. */",
            "typedef union { long long l; double d; } Number_of_call;",
            *declared,
            "static void take_sizes(const Number_of_call *from) {",
            *taken,
            "}",
        ]
        return "\n".join([*head, "".join([*parts, self.words.text[end:]])])

    def differing(self, words: Words) -> set[int] | None:
        """In which numbers a text differs from this one; None if it is another."""
        return self.words.differing(words)

    def numbers(self, words: Words) -> Array:
        """What a text has in the places of the variables."""
        made = np.zeros(len(self.kinds), np.int64)
        for number, (at, kind) in enumerate(self.kinds):
            word = words.words[at]
            if kind == "long":
                made[number] = int(word)
            else:
                made.view(np.float64)[number] = _float(word, kind)
        return made


def _float(word: str, kind: str | None) -> float:
    if kind != "float":
        return float.fromhex(word) if word.startswith("0x") else float(word)
    word = word[:-1]
    return float(np.float32(float.fromhex(word) if word.startswith("0x") else word))


class Sizes:
    """The libraries of a function whose sizes change, and what its programs share.

    They run one at a time: their numbers are the library's, and their temporaries lie in one memory.
    """

    def __init__(self) -> None:
        self.libraries: list[Library] = []
        self.busy = threading.Lock()
        self._arena: Array = np.zeros(0, np.uint8)
        # Whether there may be more of them.
        self.full = False
        # What the compiler did not take is not tried again.
        self.failed = False

    def arena(self, size: int) -> Array:
        """Memory for the temporaries of a call, at least so many bytes."""
        if self._arena.size < size:
            self._arena = zeros(max(size, 2 * self._arena.size))
        return self._arena

    def library(
        self, text: str, others: Callable[[], Iterable[str]]
    ) -> tuple[ctypes.CDLL, str, Array]:
        """A library that does what a text says, its own text, and the numbers that it is handed.

        others: texts for other sizes, by which it is seen what varies. Raises Alone if nothing does, or if
        there may be no further library.
        """
        words = Words(text)
        for known in self.libraries:
            found = known.differing(words)
            if found is not None and found <= known.holes:
                return known.loaded, known.text, known.numbers(words)
        if self.full:
            raise Alone("there are as many libraries as there may be")
        holes: set[int] = set()
        for known in list(self.libraries):
            if (found := known.differing(words)) is not None:
                # What it does, the new one does as well.
                holes |= known.holes | found
                self.libraries.remove(known)
        for other in others():
            holes |= words.differing(Words(other)) or set()
        if not holes:
            raise Alone("no other size has this C")
        try:
            made = Library(words, holes)
        except NoCompiler as error:
            self.failed = True
            raise Alone(str(error)) from None
        self.libraries.append(made)
        return made.loaded, made.text, made.numbers(words)


def shapes_of(args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """The shapes of the tensors that a function is given."""
    given = (*args, *kwargs.values())
    return tuple(x._data_.shape for x in given if hasattr(x, "_data_"))


def mark_dynamic(t: Any, index: Any, **limits: Any) -> None:
    """Say that the size of a tensor along a dimension, or several, will change.

    From the second such size on a compiled function takes it as a number of the call.

    >>> import rushlight as torch
    >>> x = torch.ones(3, 2)
    >>> torch._dynamo.mark_dynamic(x, 0)
    """
    marked: set[int] = getattr(t, "_dynamo_dynamic_indices", set())
    t._dynamo_dynamic_indices = marked | set(index if isinstance(index, list | tuple) else (index,))


def maybe_mark_dynamic(t: Any, index: Any) -> None:
    """Say that a size may change; here no more than `mark_dynamic` says."""
    marked: set[int] = getattr(t, "_dynamo_weak_dynamic_indices", set())
    t._dynamo_weak_dynamic_indices = marked | set(
        index if isinstance(index, list | tuple) else (index,)
    )


def mark_static(t: Any, index: Any = None) -> Any:
    """Say that a size, or every one, stays as it is: sizes that do not change are not numbers of the call anyway.

    A class of modules is given back, as a decorator would.
    """
    if isinstance(t, type):
        return t
    if isinstance(index, int):
        t._dynamo_static_indices = {*getattr(t, "_dynamo_static_indices", ()), index}
    elif index is not None or hasattr(t, "dim"):
        for dim in range(t.dim()) if index is None else index:
            mark_static(t, dim)
    return None


def is_marked(tensors: Iterable[Any]) -> bool:
    """Whether the size of any will change."""
    return any(
        hasattr(t, "_dynamo_dynamic_indices") or hasattr(t, "_dynamo_weak_dynamic_indices")
        for t in tensors
    )


__all__ = [
    "Alone",
    "Library",
    "Sizes",
    "Words",
    "is_marked",
    "mark_dynamic",
    "mark_static",
    "maybe_mark_dynamic",
    "shapes_of",
]
