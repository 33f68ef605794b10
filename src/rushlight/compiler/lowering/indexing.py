"""Rows that pick elements by number."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.compiler.graph import (
    Expression,
    Fold,
    Guard,
    Literal,
    NoC,
    Outside,
    Pick,
    Place,
    Position,
    Shape,
)
from rushlight.compiler.lowering.program import Lowering, rule
from rushlight.compiler.recording.entries import Checked, Operation
from rushlight.primitives.index import ARRAY, FULL

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


class _Where:
    """What an index of arrays and whole dimensions shows of an array: its shape, and at which positions."""

    def __init__(self, lowering: Lowering, arrays: Any, spec: Any, shape: Shape) -> None:
        slots = [*spec, *(FULL,) * (len(shape) - len(spec))]
        axes = [d for d, slot in enumerate(slots) if slot is ARRAY]
        places = [lowering.place(x) for x in arrays]
        if any(slot is not ARRAY and slot != FULL for slot in slots) or len(slots) != len(shape):
            raise NoC("an index of another kind")
        if axes[-1] - axes[0] >= len(axes) or any(p.dtype.kind != "i" for p in places):
            raise NoC("an index of masks, or of arrays apart")
        spread = np.broadcast_shapes(*(p.shape for p in places))
        first, after = axes[0], shape[axes[-1] + 1 :]
        self.shape = (*shape[:first], *spread, *after)
        self.positions: list[Expression] = []
        for d, count in enumerate(shape):
            if d not in axes:
                at = d if d < first else d - len(axes) + len(spread)
                self.positions.append(Position(_LONG, at))
                continue
            place = places[d - first]
            _in_range_or_from_the_end(lowering, place, count)
            place = place.spread(spread)
            strides = (*(0,) * first, *place.strides, *(0,) * len(after))
            whole = Place(place.memory, place.offset, self.shape, strides)
            index = lowering.element(whole, self.shape, _LONG)
            self.positions.append(_from_the_start(lowering, index, count))
        _asked_here(lowering, arrays)


def _in_range_or_from_the_end(lowering: Lowering, index: Place, count: int) -> None:
    """Let the program stop where an index is out of range; -1 is the last."""
    condition = lowering.compute(
        _BOOL, "{i} >= -{n} && {i} < {n}", i=lowering.element(index, index.shape),
        n=Literal(_LONG, count),
    )  # fmt: skip
    if index.size:
        lowering.add(Guard(lowering.where, index.shape, condition))


def _from_the_start(lowering: Lowering, index: Expression, count: int) -> Expression:
    return lowering.compute(_LONG, "{i} < 0 ? {i} + {n} : {i}", i=index, n=Literal(_LONG, count))


def _asked_here(lowering: Lowering, arrays: Any) -> None:
    """Python need not ask any more whether the places are there."""
    lowering.statements[:] = [
        s for s in lowering.statements
        if not (
            isinstance(s, Outside) and isinstance(s.entry, Checked)
            and s.entry.why == "that the places are there" and s.entry.inputs[0] in arrays
        )
    ]  # fmt: skip


@rule("index")
def _index(lowering: Lowering, entry: Operation) -> None:
    x = lowering.place(entry.inputs[0])
    where = _Where(lowering, entry.inputs[1:], entry.static["spec"], x.shape)
    out = lowering.out(entry.outs[0])
    lowering.loop(out, Pick(x.dtype, x, tuple(where.positions)))


@rule("place_index")
def _place_index(lowering: Lowering, entry: Operation) -> None:
    g = lowering.place(entry.inputs[0])
    out = lowering.out(entry.outs[0])
    where = _Where(lowering, entry.inputs[1:], entry.static["spec"], out.shape)
    lowering.loop(out, Literal(out.dtype, 0))
    _add(lowering, out, lowering.element(g, where.shape), where.shape, where.positions)


@rule("put")
def _put(lowering: Lowering, entry: Operation) -> None:
    x, values = map(lowering.place, entry.inputs[:2])
    out = lowering.out(entry.outs[0])
    where = _Where(lowering, entry.inputs[2:], entry.static["spec"], x.shape)
    if len(values.shape) > len(where.shape):
        raise NoC("values with more dimensions than their place")
    lowering.loop(out, lowering.element(x, x.shape))
    value = lowering.element(values, where.shape, out.dtype)
    if entry.static["accumulate"]:
        _add(lowering, out, value, where.shape, where.positions)
    else:
        lowering.loop(out, value, where.shape, None, tuple(where.positions))


def _add(
    lowering: Lowering, out: Place, value: Expression, shape: Shape, positions: list[Expression]
) -> None:
    if out.dtype.kind != "f":
        raise NoC(f"a sum of {out.dtype} here and there")
    lowering.loop(out, value, shape, Fold("+", "0"), tuple(positions))


def _along(lowering: Lowering, index: Place, dim: int, count: int) -> list[Expression]:
    """The positions of `gather`: those of the index, but along one dimension its elements."""
    positions: list[Expression] = [Position(_LONG, d) for d in range(len(index.shape))]
    _in_range(lowering, index, count)
    positions[dim] = lowering.element(index, index.shape, _LONG)
    return positions


@rule("gather")
def _gather(lowering: Lowering, entry: Operation) -> None:
    x, index = map(lowering.place, entry.inputs)
    if not x.shape:
        raise NoC("a single number")
    out = lowering.out(entry.outs[0])
    positions = _along(lowering, index, dim := entry.static["dim"], x.shape[dim])
    lowering.loop(out, Pick(x.dtype, x, tuple(positions)))
    _asked_here(lowering, entry.inputs[1:])


@rule("spread")
def _spread_row(lowering: Lowering, entry: Operation) -> None:
    g, index = map(lowering.place, entry.inputs)
    out = lowering.out(entry.outs[0])
    if not out.shape:
        raise NoC("a single number")
    positions = _along(lowering, index, dim := entry.static["dim"], out.shape[dim])
    lowering.loop(out, Literal(out.dtype, 0))
    _add(lowering, out, lowering.element(g, index.shape), index.shape, positions)
    _asked_here(lowering, entry.inputs[1:])
