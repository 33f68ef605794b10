"""`draw`: what was computed from what, as a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from rushlight.errors import MissingExtraError
from rushlight.nn import Module
from rushlight.visual import parts, recorded, tape
from rushlight.visual.boxes import Drawn, Group, Item, boxes_in, counted
from rushlight.visual.capture import Capture
from rushlight.visual.dot import written
from rushlight.visual.facts import names_of
from rushlight.visual.graphviz import KINDS, DrawingError, picture
from rushlight.visual.inputs import arguments, undone

_MIME = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf"}
_SOURCE_SUFFIXES = ("dot", "gv")
# With more boxes than the first, layers are drawn as one box each; with more than the second, modules.
_COMFORTABLE, _READABLE = 40, 100


@dataclass(frozen=True)
class Drawing:
    """A graph in DOT, and the pictures Graphviz makes of it. A notebook shows it by itself.

    `source` is the DOT text; it and `save("graph.dot")` need no more than Python. `format` is what
    a notebook gets.
    """

    source: str = field(repr=False)
    format: str = "svg"

    def render(self, format: str | None = None) -> bytes:
        """The picture as the bytes of an svg, png or pdf file.

        Raises GraphvizNotFoundError where there is no Graphviz: `pip install "rushlight[draw]"` brings it.
        """
        kind = _known_format(format or self.format)
        # Graphviz's 96 dots an inch are too coarse for small letters.
        source = self.source.replace("{", "{ dpi=144", 1) if kind == "png" else self.source
        return picture(source, kind)

    @property
    def svg(self) -> str:
        """The picture as the text of an SVG file."""
        return self.render("svg").decode()

    def save(self, path: str | PathLike[str]) -> Path:
        """Write to path, in the format its suffix names: .dot, .gv, .svg, .png or .pdf.

        A failed call leaves an existing file as it was. Returns the path.
        """
        target = Path(path)
        suffix = target.suffix.lower().removeprefix(".")
        if suffix in _SOURCE_SUFFIXES:
            data = self.source.encode()
        elif suffix in _MIME:
            data = self.render(suffix)
        else:
            known = ", ".join(f".{name}" for name in (*_SOURCE_SUFFIXES, *_MIME))
            raise ValueError(
                f"save: the suffix of {str(path)!r} names no format; use one of {known}"
            )
        target.write_bytes(data)
        return target

    def _repr_svg_(self) -> str | None:
        # None lets a notebook go on to the text, which says what is missing.
        try:
            return self.svg if self.format == "svg" else None
        except (MissingExtraError, DrawingError):
            return None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        try:
            image = self.render()
        except (MissingExtraError, DrawingError) as error:
            return {"text/plain": f"{self!r}: {error}"}
        shown: str | bytes = image.decode() if self.format == "svg" else image
        return {_MIME[self.format]: shown, "text/plain": repr(self)}


def draw(
    what: Any,
    inputs: Any = None,
    *more: Any,
    params: Any = None,
    detail: str | int = "auto",
    format: str = "svg",
    limit: int = 500,
    rankdir: str = "TB",
    **named: Any,
) -> Drawing:
    """Draw what was computed from what: values, operations, parameters by name, shapes, gradients.

    - what: a tensor, or a tuple, list or dict of some, whose graph is drawn; a module, which is run on inputs
      (without inputs its parts are drawn); a function, which is run too; or a `Capture`, of which what led to its
      backward is drawn.
    - inputs: for a module or function: a tensor, a tuple of arguments, a dict of them, or sizes such as
      (1, 3, 32, 32). Or all arguments as in a call, draw(model, x, mask=m).
    - params: for a tensor: a Module, or a mapping of names to tensors; leaves found in it are drawn by name.
    - detail: "operations", "layers" (one box each), or how deep modules are opened; by itself as much as can
      be looked at. Of modules that come several times in a row, alike, one is drawn, with the count.
    - format: "svg", "png" or "pdf", for notebooks and `render()`; `save` goes by the suffix.
    - limit: how many boxes with operations are drawn, the last ones; the rest is counted.
    - rankdir: "TB" draws from top to bottom, "LR" from left to right (also "BT" and "RL").

    A module runs as it is (training or not), without changes to its buffers or random numbers.
    Needs `pip install "rushlight[draw]"` for anything but DOT.

    >>> import rushlight as torch
    >>> from rushlight.visual import draw
    >>> w = torch.ones(3, requires_grad=True)
    >>> loss = (w * w).sum()
    >>> loss.backward()
    >>> "grad norm 3.4641" in draw(loss, params={"w": w}).source
    True
    >>> "Linear" in draw(torch.nn.Sequential(torch.nn.Linear(8, 2), torch.nn.ReLU()), (1, 8)).source
    True
    """
    _known_format(format)
    if rankdir not in ("TB", "LR", "BT", "RL"):
        raise ValueError(f"draw: rankdir must be one of TB, LR, BT, RL, got {rankdir!r}")
    if detail not in ("auto", "operations", "layers") and not isinstance(detail, int):
        raise ValueError(
            f"draw: detail must be auto, operations, layers or a depth, got {detail!r}"
        )
    if limit < 1:
        raise ValueError(f"draw: limit must be 1 or more, got {limit}")
    call = None if inputs is None else arguments(inputs, "draw")
    if more or named:
        call = (*(() if inputs is None else (inputs,)), *more), named
    read, thing, fine = _reader(what, call, params)
    return Drawing(_source(read, thing, limit, rankdir, detail, fine), format)


def draw_run(run: recorded.Run) -> Drawing:
    """A drawing of what led to the roots of a run."""
    return Drawing(_source(lambda: recorded.read(run), "operation", 500, "TB", "auto", False))


def _reader(
    what: Any, call: tuple[tuple[Any, ...], dict[str, Any]] | None, params: Any
) -> tuple[Callable[[], list[Item]], str, bool]:
    """What reads the boxes, what is counted, and whether operations come before layers."""
    module = what if isinstance(what, Module) else None
    if module is not None and params is not None:
        raise TypeError("draw: params is for tensors; a module knows its parameters")
    if module is not None and call is None:
        return lambda: parts.read(module), "module", False
    if callable(what) and not isinstance(what, Capture):
        with undone(what):
            run = recorded.run_call(what, *(call or ((), {})))
        return lambda: recorded.read(run, module), "operation", module is None
    if call is not None:
        raise TypeError(
            f"draw: inputs are for modules and functions, not for {type(what).__name__}"
        )
    if isinstance(what, Capture):
        return lambda: recorded.read(recorded.run_of(what)), "operation", False
    tensors = list(recorded.tensors_in(what, "output"))
    if not tensors:
        raise TypeError(
            f"draw: expected a Tensor, got {type(what).__name__}; a Module, a function or a Capture can be drawn, too"
        )
    names = names_of(params)
    model = params if hasattr(params, "named_modules") else None
    return lambda: tape.read(tensors, names, model), "operation", True


def _source(
    read: Callable[[], list[Item]],
    thing: str,
    limit: int,
    rankdir: str,
    detail: str | int,
    fine: bool,
) -> str:
    """The DOT of what read gives, with as much detail as can be looked at."""
    drawn = Drawn(read())
    total = sum(box.operations for box in boxes_in(drawn.items))
    owning = [box for box in boxes_in(drawn.items) if box.kind == "parameter" or box.elements]
    drawn = _with_detail(drawn, read, detail, fine)
    if left_out := drawn.cut(limit):
        kept = set(boxes_in(drawn.items))
        owning = [box for box in owning if box in kept]
    if total:
        caption = counted(total, thing)
        if left_out:
            caption = f"the last {total - left_out:,} of {caption}"
        if owning:
            elements = counted(sum(box.elements for box in owning), "element")
            count = sum(box.parameters for box in owning)
            caption += f" · {counted(count, 'parameter')} ({elements})"
    else:
        caption = "a leaf: no operation made it"
    return written(drawn, f"\n{caption}", rankdir)


def _with_detail(
    drawn: Drawn, read: Callable[[], list[Item]], detail: str | int, fine: bool
) -> Drawn:
    """Operations if they can be looked at and are asked for first, else layers, else modules."""
    if not any(isinstance(item, Group) for item in drawn.items):
        return drawn
    deepest = _depth(drawn.items)
    if detail == "operations" or (detail == "auto" and fine):
        drawn.open_layers()
        drawn.fold()
        if detail == "operations" or _size(drawn) <= _COMFORTABLE:
            return drawn
    for level in [detail] if isinstance(detail, int) else range(deepest, 0, -1):
        drawn = Drawn(read())
        drawn.close(level)
        drawn.fold()
        if detail == "layers" or _size(drawn) <= _READABLE:
            break
    return drawn


def _size(drawn: Drawn) -> int:
    return sum(1 for _ in boxes_in(drawn.items))


def _depth(items: list[Item]) -> int:
    return max((1 + _depth(item.items) for item in items if isinstance(item, Group)), default=0)


def _known_format(format: str) -> str:
    if format not in KINDS:
        raise ValueError(f"draw: format must be one of {', '.join(KINDS)}, got {format!r}")
    return format
