"""`rushlight run --draw`: the graph of a program's first backward, and a program that goes on in any case."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from rushlight.autograd import engine
from rushlight.cli.watcher import Watcher, say
from rushlight.errors import MissingExtraError, require

_BY_GRAPHVIZ = (".svg", ".png", ".pdf")
_AS_TEXT = (".dot", ".gv")


class FirstBackward(Watcher):
    """Draws the graph of the first backward into a file.

    What can be known before is refused at once, in one line; what goes wrong later is said in one.
    """

    def __init__(self, value: str) -> None:
        path = Path(value)
        problem = _problem(path)
        if problem is not None:
            print(f"rushlight run: --draw {path}: {problem}", file=sys.stderr)
            raise SystemExit(2)
        # A program may go to another folder.
        self.path, self.target = path, path.absolute()
        self.done = False
        self.process = os.getpid()

    def watch(self) -> None:
        """Wait for the first backward."""
        engine.observers.append(self._draw)

    def _draw(self, roots: Any) -> None:
        engine.observers.remove(self._draw)
        self.done = True
        try:
            from rushlight.visual import draw

            draw(roots[0], params=_parameters_in_sight()).save(self.target)
        except Exception as error:
            line = " ".join(str(error).split())
            say(f"the graph of the first backward could not be drawn: {line}")
        else:
            say(f"the graph of the first backward is in {self.path}")

    def report(self) -> None:
        """Say so if there was none."""
        if not self.done and os.getpid() == self.process:
            engine.observers.remove(self._draw)
            say(f"no backward ran, so that there is no graph in {self.path}")


def _problem(path: Path) -> str | None:
    """Why nothing can be drawn there, as far as is known beforehand."""
    suffix = path.suffix.lower()
    if path.is_dir():
        return "this is a folder: name a file, such as graph.svg"
    if suffix not in _BY_GRAPHVIZ + _AS_TEXT:
        return f"the suffix says the format: use one of {', '.join(_BY_GRAPHVIZ + _AS_TEXT)}"
    if not path.absolute().parent.is_dir():
        return f"there is no folder {path.parent}"
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        return "this cannot be written"
    try:
        require("graphviz", extra="draw")
    except MissingExtraError as error:
        return str(error)
    if suffix in _BY_GRAPHVIZ and shutil.which("dot") is None:
        return (
            f"{suffix} needs Graphviz's program 'dot', which is not on the PATH: install Graphviz, "
            "or draw into a .dot file"
        )
    return None


def _parameters_in_sight() -> dict[str, Any]:
    """The parameters of all modules that a variable of the running program holds, by their path."""
    from rushlight.nn import Module

    found: dict[str, Any] = {}
    seen: set[int] = set()
    frame = sys._getframe(1)
    while frame.f_back is not None:
        for variables in (frame.f_locals, frame.f_globals):
            for name, value in list(variables.items()):
                if not isinstance(value, Module):
                    continue
                for path, parameter in value.named_parameters(prefix=name):
                    if id(parameter) not in seen:
                        seen.add(id(parameter))
                        found[path] = parameter
        frame = frame.f_back
    return found
