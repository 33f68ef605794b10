"""Rows that move elements: copies into other shapes, joined, padded, placed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from rushlight.compiler.graph import Literal, NoC, Place
from rushlight.compiler.lowering.program import Lowering, rule
from rushlight.compiler.recording.entries import Operation
from rushlight.memory import address, strided_view
from rushlight.primitives.index import slice_


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


def region(place: Place, index: Any) -> Place:
    """The part of an array that integers, slices, None and `...` show."""
    # NumPy says where it lies, on memory that nobody touches.
    item = np.dtype(np.uint8)
    memory = np.empty(max(place.span()[1], 1), item)
    whole = strided_view(memory, place.shape, place.strides, place.offset)
    part = slice_.forward(whole, index=index)
    if part.size and not np.shares_memory(part, memory):
        raise NoC("an index that copies")
    offset = address(part) - address(memory)
    return Place(place.memory, offset, part.shape, part.strides)


@rule("roll")
def _roll(lowering: Lowering, entry: Operation) -> None:
    x = lowering.place(entry.inputs[0])
    out = lowering.out(entry.outs[0])
    dims, shifts = entry.static["dims"], entry.static["shifts"]
    if dims is None:
        x, out, dims = x.reshaped((x.size,)), out.reshaped((x.size,)), (0,)
    if len(set(dims)) != len(dims):
        raise NoC("a dimension rolled twice")
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
