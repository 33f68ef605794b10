"""A function of Python written as straight lines, with what they name in its closure."""

from __future__ import annotations

import hashlib
import marshal
import sys
from contextlib import suppress
from typing import Any

from rushlight.compiler.build import cache_folder, put, whole, with_sum, writable

# Texts of so many characters are kept on disk as Python has read them, which takes a while.
_LONG = 10_000


class Text:
    """Lines of a function, and the objects that they name."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.objects: dict[str, Any] = {}
        self.known: dict[int, str] = {}
        self.depth = 1

    def name(self, thing: Any, hint: str = "k") -> str:
        """The name of an object."""
        if thing is None or thing is True or thing is False:
            return repr(thing)
        found = self.known.get(id(thing))
        if found is None:
            found = f"{hint}{len(self.objects)}"
            self.known[id(thing)] = found
            self.objects[found] = thing
        return found

    def literal(self, thing: Any) -> str:
        """A key of a dict."""
        return repr(thing) if isinstance(thing, str | int) else self.name(thing)

    def line(self, text: str) -> None:
        """One more line."""
        self.lines.append("    " * self.depth + text)

    def function(self, head: str) -> Any:
        """The function."""
        outer = ", ".join(self.objects)
        text = f"def make({outer}):\n    {head}\n" + "\n".join("    " + x for x in self.lines)
        text += f"\n    return {head[4 : head.index('(')]}\n"
        space: dict[str, Any] = {}
        exec(_code(text), space)
        # In their order: Python would look for each name among all of them.
        return space["make"](*self.objects.values()), text


def _code(text: str) -> Any:
    """A text as Python's code."""
    if len(text) < _LONG:
        return compile(text, "<calling>", "exec")
    told = f"{sys.implementation.cache_tag} {sys.version} {text}"
    file = writable(cache_folder()) / f"{hashlib.sha256(told.encode()).hexdigest()[:32]}.calling"
    with suppress(OSError):
        if (kept := whole(file.read_bytes())) is not None:
            return marshal.loads(kept)
    code = compile(text, "<calling>", "exec")
    with suppress(OSError):
        put(file, with_sum(marshal.dumps(code)))
    return code
