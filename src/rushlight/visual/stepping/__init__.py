"""A page on which one steps through a run: forward, backward and the optimizer's update, in one HTML file.

summary  what is kept of an array        marks    what to look at
story    the run as plain data           writing  the file: data, script, layout library, font
typesetting  formulas and their font
afterwards  what the tape tells when nobody watched
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rushlight.core.tensor import TensorBase
from rushlight.nn import Module
from rushlight.serialization.atomic import place_of
from rushlight.visual.capture import Capture
from rushlight.visual.names import variables
from rushlight.visual.stepping.afterwards import read_tape, send_back
from rushlight.visual.stepping.story import Story
from rushlight.visual.stepping.summary import look
from rushlight.visual.stepping.writing import check_extra, write


class Run(Capture):
    """What ran in a block of `watch()`: its events, and the page that shows them."""

    def __init__(self) -> None:
        super().__init__(look)

    def page(self, path: str | os.PathLike[str], *, title: str = "", note: str = "") -> Path:
        """Write the page; title stands above it, note beside it. Returns the path.

        Raises MissingExtraError without `pip install "rushlight[page]"`, ValueError if nothing ran.
        """
        check_extra()
        if not self.events:
            raise ValueError(
                "page: no operation ran while it was watched, so that there is nothing to show"
            )
        return write(Story(self, title or Path(path).stem, note).data, path)


def watch() -> Run:
    """Watch what runs in a block: `with watch() as run: ...`, then `run.page("out.html")`.

    Outside of the block nothing is watched and nothing costs more.

    >>> import rushlight as torch
    >>> from rushlight.visual import watch
    >>> w = torch.ones(2, requires_grad=True)
    >>> with watch() as run:
    ...     (w * 3).sum().backward()
    >>> len(run.events) > 4
    True
    """
    return Run()


def page(
    what: TensorBase | Callable[..., Any], path: str | os.PathLike[str], *args: Any, title: str = "",
    **kwargs: Any,
) -> Path:  # fmt: skip
    """Write one HTML file, for which nothing else is needed, to step through what has run, or runs now.

    - a function: what(*args, **kwargs) runs now and is watched: a whole step, with the lines of the program, the
      modules, every value and gradient, and the optimizer's update; of an `autograd.Function` of yours the lines of
      its forward and backward, and what ran inside of both. Where it runs no backward and gives a loss, a gradient is
      sent through that, and no `.grad` is touched;
    - a tensor, a loss: the graph behind it as the tape knows it, without lines and modules (parameters have the
      names that modules in sight give them, other leaves those of variables). A gradient is sent
      through that graph (hooks of tensors run; no `.grad` is touched). After a backward that freed it,
      operations are left but no values: keep it with `backward(retain_graph=True)`, or give the function.

    Needs `pip install "rushlight[page]"`. Raises TypeError for anything else, ValueError where there is nothing
    to show, OSError where there can be no such file, and what the function raises, after the page of what ran until
    then was written.

    >>> import rushlight as torch
    >>> from rushlight.visual import page
    >>> model = torch.nn.Linear(2, 1)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> def step(x):
    ...     loss = model(x).square().mean()
    ...     loss.backward()
    ...     optimizer.step()
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page(step, f"{folder}/step.html", torch.ones(3, 2)).name
    'step.html'
    """
    check_extra()
    place_of(path)
    if isinstance(what, TensorBase):
        if args or kwargs:
            raise TypeError(
                "page: a tensor takes no arguments; these are for a function that is run"
            )
        run = Run()
        seen = list(variables(sys._getframe(1)))
        for name, value in seen:
            if isinstance(value, Module) and run.names.path(value) is None:
                run.names.add(value, name)
        for name, value in seen:
            if isinstance(value, TensorBase) and value._requires_grad_ and value._node_ is None:
                leaf = run.value_of(value)
                leaf.name = leaf.name or name
        return run.page(path, title=title, note=read_tape(what, run))
    if not callable(what):
        raise TypeError(
            f"page: expected a tensor, or a function that takes a step, got {type(what).__name__}"
        )
    run = watch()
    try:
        with run:
            result = what(*args, **kwargs)
            if not run.roots:
                send_back(result)
    except Exception:
        if run.events:
            run.page(
                path, title=title, note="The function raised an error: this is what ran until then."
            )
        raise
    return run.page(path, title=title)
