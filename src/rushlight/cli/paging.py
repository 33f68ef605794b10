"""`rushlight run --page`: a training step of a program, the first or a later one, as a page to step through."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rushlight.autograd import engine
from rushlight.cli.watcher import Watcher, cannot_be_written, refuse, say, target
from rushlight.errors import MissingExtraError
from rushlight.optim.optimizer import Optimizer, register_optimizer_step_post_hook
from rushlight.visual.records import UPDATE, Operation
from rushlight.visual.stepping import watch
from rushlight.visual.stepping.writing import check_extra

# Backward may come several times before the optimizer's step; so often it is watched.
_MOST_BACKWARDS = 8


class OneStep(Watcher):
    """Watches till an optimizer's step, or till the backward after one that changed leaves by hand.

    Of what ran before the first backward only what led to it is kept. A later step is watched from the end of
    the one before, which is an optimizer's step, or a backward in programs that have no optimizer.
    """

    def __init__(self, value: str, which: str = "1") -> None:
        if not which.isdecimal() or int(which) < 1:
            refuse(f"--page-step {which}: steps are counted from 1")
        path = Path(value)
        self.path, self.target = path, target("page", path, _problem(path))
        self.run = watch()
        self.run.most = 5000
        self.which = int(which)
        # Steps that are to end before it watches.
        self.ahead = self.which - 1
        self.by_hand: bool | None = None
        self.backwards = 0
        self.open = False
        self.process = os.getpid()

    def watch(self) -> None:
        """Begin."""
        if not self.ahead:
            self.run.__enter__()
        engine.observers.append(self._backward)
        self.handle = register_optimizer_step_post_hook(self._stepped)
        self.open = True

    def _one_less(self) -> None:
        self.ahead -= 1
        if not self.ahead:
            # What the run sees of a backward comes before what is asked of it here.
            engine.observers.remove(self._backward)
            self.run.__enter__()
            engine.observers.append(self._backward)

    def _backward(self, roots: Any) -> Callable[[], None] | None:
        if self.run.walking:
            return None
        if self.ahead:
            if self.by_hand is None:
                self.by_hand = not any(isinstance(one, Optimizer) for one in gc.get_objects())
            return self._one_less if self.by_hand else None
        self.backwards += 1
        if self.backwards == 1:
            self.run.keep_only(self.run.roots)
        elif self._changed() or self.backwards > _MOST_BACKWARDS:
            self._finish()
        return None

    def _changed(self) -> bool:
        """Whether the program has changed leaves itself; what came behind that is of the next step."""
        events = self.run.events
        updates = [
            i for i, e in enumerate(events) if isinstance(e, Operation) and e.phase == UPDATE
        ]
        if updates:
            del events[updates[-1] + 1 :]
        return bool(updates)

    def _stepped(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if self.ahead:
            self._one_less()
        elif self.backwards:
            self._finish()

    def _finish(self) -> None:
        """Stop watching, and write; the program goes on in any case."""
        if not self.open or os.getpid() != self.process:
            return
        self.open = False
        engine.observers.remove(self._backward)
        self.handle.remove()
        self.run.__exit__()
        try:
            self.run.page(self.target, title=f"{Path(sys.argv[0]).name}, {self.name}")
        except Exception as error:
            say(f"the page could not be written: {' '.join(str(error).split())}")
        else:
            say(f"the page of {self.name} is in {self.path}")

    @property
    def name(self) -> str:
        """Which step it is, in words."""
        return "the first step" if self.which == 1 else f"step {self.which}"

    def report(self) -> None:
        """The program has ended: write what there is, or say that there is nothing."""
        if not self.open or os.getpid() != self.process:
            return
        if self.backwards or any(isinstance(e, Operation) and e.error for e in self.run.events):
            self._finish()
            return
        self.open = False
        engine.observers.remove(self._backward)
        self.handle.remove()
        if self.ahead:
            say(f"fewer than {self.which} steps were made, so that there is no page in {self.path}")
            return
        self.run.__exit__()
        say(f"no backward ran, so that there is no page in {self.path}")


def _problem(path: Path) -> str | None:
    """Why no page can be written there, as far as is known beforehand."""
    if path.suffix.lower() not in (".html", ".htm"):
        return "a page is an HTML file: name one, such as step.html"
    if (found := cannot_be_written(path)) is not None:
        return found
    try:
        check_extra()
    except MissingExtraError as error:
        return str(error)
    return None
