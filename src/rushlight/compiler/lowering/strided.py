"""Rows that go through a geometry of strides: gradients of `as_strided`, and of views that were changed."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.compiler.graph import Literal, NoC, Place, Position, Shape
from rushlight.compiler.lowering.indexing import add
from rushlight.compiler.lowering.program import Lowering, rule
from rushlight.compiler.recording.entries import Operation
from rushlight.memory import extent, shows_twice

_LONG = np.dtype(np.int64)


def _room(
    lowering: Lowering, dtype: Any, shape: Shape, static: dict[str, Any]
) -> tuple[Place, Place]:
    """Zeros with room for the whole and for a part of it: the places of both."""
    layout, size, stride = static["layout"], tuple(static["size"]), tuple(static["stride"])
    start = min(static["offset"], 0)
    end = max(extent(shape, layout), static["offset"] + extent(size, stride))
    if shows_twice(shape, layout):
        raise NoC("a whole that shows elements twice")
    room = lowering.temporary((end - start,), dtype, "room")
    lowering.loop(room, Literal(dtype, 0))
    whole = Place(room.memory, -start, tuple(shape), tuple(layout))
    return whole, Place(room.memory, static["offset"] - start, size, stride)


@rule("as_strided_scatter")
def _scatter(lowering: Lowering, entry: Operation) -> None:
    x, src = map(lowering.place, entry.inputs)
    whole, part = _room(lowering, x.dtype, x.shape, entry.static)
    if shows_twice(part.shape, part.strides):
        raise NoC("a part that shows elements twice")
    lowering.loop(whole, lowering.element(x, x.shape))
    lowering.loop(part, lowering.element(src, part.shape))
    lowering.loop(lowering.out(entry.outs[0]), lowering.element(whole, whole.shape))


@rule("as_strided_part")
def _part(lowering: Lowering, entry: Operation) -> None:
    x, out = lowering.place(entry.inputs[0]), lowering.out(entry.outs[0])
    whole, part = _room(lowering, x.dtype, entry.static["shape"], entry.static)
    if shows_twice(out.shape, out.strides):
        raise NoC("a result that shows elements twice")
    lowering.loop(whole, lowering.element(x, x.shape))
    lowering.loop(out, lowering.element(part, part.shape))


@rule("as_strided_sum")
def _sum(lowering: Lowering, entry: Operation) -> None:
    g, out = lowering.place(entry.inputs[0]), lowering.out(entry.outs[0])
    whole, part = _room(lowering, g.dtype, entry.static["shape"], entry.static)
    element = lowering.element(g, part.shape)
    if shows_twice(part.shape, part.strides):
        texts = [f"{{d{d}}} * {s}" for d, s in enumerate(part.strides)]
        dims = {f"d{d}": Position(_LONG, d) for d in range(len(part.shape))}
        at = lowering.compute(_LONG, " + ".join([*texts, str(part.offset)]), **dims)
        flat = Place(whole.memory, 0, (whole.memory.size,), (1,))
        add(lowering, flat, element, part.shape, (at,))
    else:
        lowering.loop(part, element)
    lowering.loop(out, lowering.element(whole, whole.shape))
