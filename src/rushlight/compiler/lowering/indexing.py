"""Rows that pick elements by number."""

from __future__ import annotations

import numpy as np

from rushlight.compiler.graph import Fold, Guard, Literal, NoC, Pick, Place, Position
from rushlight.compiler.lowering.program import Lowering, rule
from rushlight.compiler.recording.entries import Operation

_BOOL, _LONG = np.dtype(np.bool_), np.dtype(np.int64)


def _in_range(lowering: Lowering, index: Place, count: int) -> None:
    """Let the program stop where an index is out of range."""
    condition = lowering.compute(
        _BOOL, "{i} >= 0 && {i} < {n}", i=lowering.element(index, index.shape),
        n=Literal(_LONG, count),
    )  # fmt: skip
    if index.size:
        lowering.add(Guard(lowering.where, index.shape, condition))


def _spread(index: Place, shape: tuple[int, ...]) -> Place:
    """One number for all elements of a row."""
    return Place(
        index.memory, index.offset, shape, (*index.strides, *(0,) * (len(shape) - len(index.shape)))
    )


@rule("embedding")
def _embedding(lowering: Lowering, entry: Operation) -> None:
    weight, index = map(lowering.place, entry.inputs)
    if len(weight.shape) != 2:
        raise NoC("an embedding of more than vectors")
    out = lowering.out(entry.outs[0])
    _in_range(lowering, index, weight.shape[0])
    at = lowering.element(_spread(index, out.shape), out.shape, _LONG)
    column = Position(_LONG, len(out.shape) - 1)
    lowering.loop(out, Pick(weight.dtype, weight, (at, column)))


@rule("embedding_sum")
def _embedding_sum(lowering: Lowering, entry: Operation) -> None:
    x, index = map(lowering.place, entry.inputs)
    if entry.static["scale_grad_by_freq"] or x.dtype.kind != "f":
        raise NoC("a gradient scaled by frequency")
    out = lowering.out(entry.outs[0])
    _in_range(lowering, index, out.shape[0])
    lowering.loop(out, Literal(out.dtype, 0))
    shape = x.shape
    at = lowering.element(_spread(index, shape), shape, _LONG)
    column = Position(_LONG, len(shape) - 1)
    lowering.loop(out, lowering.element(x, shape), shape, Fold("+", "0"), (at, column))
    padding = entry.static["padding_idx"]
    if padding >= 0:
        row = Place(
            out.memory, out.offset + padding * out.strides[0], out.shape[1:], out.strides[1:]
        )
        lowering.loop(row, Literal(out.dtype, 0))
