"""Rows that move elements: copies into other shapes, joined, padded, placed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rushlight.compiler.graph import Expression, Literal, NoC, Pick, Place, Position, Shape
from rushlight.compiler.lowering.indexing import add
from rushlight.compiler.lowering.places import region, shown
from rushlight.compiler.lowering.program import Lowering, rule
from rushlight.compiler.recording.entries import Operation
from rushlight.primitives.view import diagonal

_LONG = np.dtype(np.int64)


@rule("compact", "clone", "laid_out", "entry", "dependent", "overwrite")
def _copy(lowering: Lowering, entry: Operation) -> None:
    x = lowering.place(entry.inputs[0])
    out = lowering.out(entry.outs[0])
    if x.shape != out.shape or x.dtype != out.dtype or len(entry.outs) != 1:
        raise NoC("a copy of another kind")
    lowering.loop(out, lowering.element(x, out.shape))


@rule("reshape")
def _reshape(lowering: Lowering, entry: Operation) -> None:
    """A reshape that had to copy: its result is in row order, whatever the shape."""
    x = lowering.place(entry.inputs[0])
    out = lowering.out(entry.outs[0])
    lowering.loop(out.reshaped(x.shape), lowering.element(x, x.shape))


@rule("cat", "stack")
def _cat(lowering: Lowering, entry: Operation) -> None:
    out = lowering.out(entry.outs[0])
    dim, at = entry.static["dim"], 0
    for operand in entry.inputs:
        x = lowering.place(operand)
        if entry.row.name == "stack":
            shape = (*x.shape[:dim], 1, *x.shape[dim:])
            strides = (*x.strides[:dim], 0, *x.strides[dim:])
            x = replace(x, shape=shape, strides=strides)
        elif len(x.shape) != len(out.shape):
            # A vector without elements is passed over, as in torch.
            continue
        part = replace(out, offset=out.offset + at * out.strides[dim], shape=x.shape)
        lowering.loop(part, lowering.element(x, x.shape))
        at += x.shape[dim]


@rule("pad")
def _pad(lowering: Lowering, entry: Operation) -> None:
    x = lowering.place(entry.inputs[0])
    out = lowering.out(entry.outs[0])
    value = entry.static["value"]
    if not isinstance(value, bool | int | float):
        raise NoC("padding with what is no number")
    if x.size != out.size:
        lowering.loop(out, Literal(out.dtype, value))
    offset_in, offset_out, shape = x.offset, out.offset, []
    for d, (before, after) in enumerate(entry.static["widths"]):
        offset_in += max(-before, 0) * x.strides[d]
        offset_out += max(before, 0) * out.strides[d]
        shape.append(x.shape[d] + min(before, 0) + min(after, 0))
    if any(n <= 0 for n in shape):
        return
    inner = replace(x, offset=offset_in, shape=tuple(shape))
    target = replace(out, offset=offset_out, shape=tuple(shape))
    lowering.loop(target, lowering.element(inner, target.shape))


@rule("place_slice")
def _place_slice(lowering: Lowering, entry: Operation) -> None:
    g = lowering.place(entry.inputs[0])
    out = lowering.out(entry.outs[0])
    lowering.loop(out, Literal(out.dtype, 0))
    target = region(out, entry.static["index"])
    lowering.loop(target, lowering.element(g, target.shape))


@rule("roll")
def _roll(lowering: Lowering, entry: Operation) -> None:
    x = lowering.place(entry.inputs[0])
    out = lowering.out(entry.outs[0])
    dims, shifts = entry.static["dims"], entry.static["shifts"]
    if dims is None:
        rows = lowering.temporary(x.shape, x.dtype, "rows")
        lowering.loop(rows, lowering.element(x, x.shape))
        flat = lowering.temporary((x.size,), x.dtype, "rolled")
        _roll_into(lowering, rows.reshaped((x.size,)), flat, (0,), shifts)
        lowering.loop(out, lowering.element(flat.reshaped(x.shape), x.shape))
        return
    if len(set(dims)) != len(dims):
        raise NoC("a dimension rolled twice")
    _roll_into(lowering, x, out, dims, shifts)


def _roll_into(lowering: Lowering, x: Place, out: Place, dims: Shape, shifts: Shape) -> None:
    parts = [(x, out)]
    for dim, shift in zip(dims, shifts, strict=True):
        size = x.shape[dim]
        start = shift % size
        whole = (slice(None),) * dim
        parts = [
            (region(a, (*whole, source)), region(b, (*whole, target)))
            for a, b in parts
            for source, target in (
                (slice(0, size - start), slice(start, size)),
                (slice(size - start, size), slice(0, start)),
            )
        ]
    for source, target in parts:
        if source.size:
            lowering.loop(target, lowering.element(source, target.shape))


@rule("flip")
def _flip(lowering: Lowering, entry: Operation) -> None:
    x, out = lowering.place(entry.inputs[0]), lowering.out(entry.outs[0])
    positions: list[Expression] = []
    for d, n in enumerate(x.shape):
        at = Position(_LONG, d)
        turned = d in entry.static["dims"]
        positions.append(lowering.compute(_LONG, f"{n - 1} - {{at}}", at=at) if turned else at)
    lowering.loop(out, Pick(x.dtype, x, tuple(positions)))


@rule("triangle")
def _triangle(lowering: Lowering, entry: Operation) -> None:
    x, out = lowering.place(entry.inputs[0]), lowering.out(entry.outs[0])
    row, column = (Position(_LONG, len(x.shape) - d) for d in (2, 1))
    sign = ">=" if entry.static["upper"] else "<="
    text = f"{{j}} - {{i}} {sign} {entry.static['diagonal']} ? {{x}} : 0"
    lowering.loop(
        out, lowering.compute(x.dtype, text, i=row, j=column, x=lowering.element(x, x.shape))
    )


@rule("diagonal_fill")
def _diagonal_fill(lowering: Lowering, entry: Operation) -> None:
    g, out = lowering.place(entry.inputs[0]), lowering.out(entry.outs[0])
    where = {name: entry.static[name] for name in ("offset", "dim1", "dim2")}
    lowering.loop(out, Literal(out.dtype, 0))
    target = shown(out, diagonal, where)
    lowering.loop(target, lowering.element(g, target.shape))


@rule("fold_windows")
def _fold_windows(lowering: Lowering, entry: Operation) -> None:
    g, out = lowering.place(entry.inputs[0]), lowering.out(entry.outs[0])
    dim, step, last = entry.static["dim"], entry.static["step"], len(g.shape) - 1
    positions: list[Expression] = [Position(_LONG, d) for d in range(last)]
    positions[dim] = lowering.compute(
        _LONG, f"{{window}} * {step} + {{at}}", window=positions[dim], at=Position(_LONG, last)
    )
    lowering.loop(out, Literal(out.dtype, 0))
    add(lowering, out, lowering.element(g, g.shape), g.shape, positions)
