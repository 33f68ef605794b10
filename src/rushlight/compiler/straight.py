"""A function of Python written as straight lines, with what they name in its closure."""

from __future__ import annotations

from typing import Any


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
        exec(compile(text, "<calling>", "exec"), space)
        return space["make"](**self.objects), text
