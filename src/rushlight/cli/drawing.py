"""`rushlight run --draw`: the graph of a program's first backward, and a program that goes on in any case."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rushlight.autograd import engine
from rushlight.cli.watcher import Watcher, cannot_be_written, say, target
from rushlight.visual import Capture
from rushlight.visual.drawing import Drawing, draw_run
from rushlight.visual.graphviz import KINDS, problem
from rushlight.visual.recorded import Run, look, run_of

_PICTURES = tuple(f".{kind}" for kind in KINDS)
_AS_TEXT = (".dot", ".gv")


class FirstBackward(Watcher):
    """Draws the graph of the first backward, with the gradients it left, into a file.

    What can be known before is refused at once, in one line; what goes wrong later is said in one.
    """

    def __init__(self, value: str) -> None:
        path = Path(value)
        self.path, self.target = path, target("draw", path, _problem(path))
        self.capture = Capture(look)
        self.capture.most = 20_000
        self.done = False
        self.process = os.getpid()

    def watch(self) -> None:
        """Write down what runs, until the first backward is over."""
        self.capture.__enter__()
        engine.observers.append(self._begins)

    def _begins(self, roots: Any) -> Callable[[], None] | None:
        # Only then do the nodes know what they are called.
        run = run_of(self.capture)
        return lambda: self._over(run)

    def _over(self, run: Run) -> None:
        self._stop()
        self.done = True
        try:
            drawing: Drawing = draw_run(run)
            drawing.save(self.target)
        except Exception as error:
            line = " ".join(str(error).split())
            say(f"the graph of the first backward could not be drawn: {line}")
        else:
            say(f"the graph of the first backward is in {self.path}")

    def _stop(self) -> None:
        engine.observers.remove(self._begins)
        self.capture.__exit__()

    def report(self) -> None:
        """Say so if there was none."""
        if not self.done and os.getpid() == self.process:
            self._stop()
            say(f"no backward ran, so that there is no graph in {self.path}")


def _problem(path: Path) -> str | None:
    """Why nothing can be drawn there, as far as is known beforehand."""
    suffix = path.suffix.lower()
    if (found := cannot_be_written(path)) is not None:
        return found
    if suffix not in _PICTURES + _AS_TEXT:
        return f"the suffix says the format: use one of {', '.join(_PICTURES + _AS_TEXT)}"
    return problem(suffix[1:]) if suffix in _PICTURES else None
