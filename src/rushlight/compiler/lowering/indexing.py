"""Rows that pick elements by number: embeddings, and indices of arrays and masks."""

from __future__ import annotations

from collections.abc import Sequence
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
    in_rows,
)
from rushlight.compiler.lowering.places import elsewhere, region
from rushlight.compiler.lowering.program import Lowering, rule, written
from rushlight.compiler.recording.entries import Checked, Operation
from rushlight.dtypes import NARROW
from rushlight.primitives.index import ARRAY, FULL, put_into

_BOOL, _LONG = np.dtype(np.bool_), np.dtype(np.int64)


def in_range(lowering: Lowering, index: Place, count: int, least: int = 0) -> None:
    """Let the program stop where an index is out of range."""
    condition = lowering.compute(
        _BOOL, "{i} >= {least} && {i} < {n}", i=lowering.element(index, index.shape),
        n=Literal(_LONG, count), least=Literal(_LONG, least),
    )  # fmt: skip
    if index.size:
        lowering.add(Guard(lowering.where, index.shape, condition))


def asked_here(lowering: Lowering, arrays: Sequence[Any]) -> None:
    """Python need not ask any more whether the places are there."""
    lowering.statements[:] = [
        s for s in lowering.statements
        if not (
            isinstance(s, Outside) and isinstance(s.entry, Checked)
            and s.entry.why == "that the places are there" and s.entry.inputs[0] in arrays
        )
    ]  # fmt: skip


def add(
    lowering: Lowering, out: Place, value: Expression, shape: Shape, positions: Sequence[Expression]
) -> None:
    """out[positions] += value, for each element of a shape."""
    if out.dtype in NARROW:
        raise NoC(f"a sum of {out.dtype} here and there")
    sign = "|" if out.dtype.kind == "b" else "+"
    lowering.loop(out, value, shape, Fold(sign, "0"), tuple(positions))


# ---- embeddings ----------------------------------------------------------------------------------


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
    in_range(lowering, index, weight.shape[0])
    at = lowering.element(_spread(index, out.shape), out.shape, _LONG)
    column = Position(_LONG, len(out.shape) - 1)
    lowering.loop(out, Pick(weight.dtype, weight, (at, column)))


@rule("embedding_sum")
def _embedding_sum(lowering: Lowering, entry: Operation) -> None:
    x, index = map(lowering.place, entry.inputs)
    if entry.static["scale_grad_by_freq"]:
        raise NoC("a gradient scaled by frequency")
    out = lowering.out(entry.outs[0])
    in_range(lowering, index, out.shape[0])
    lowering.loop(out, Literal(out.dtype, 0))
    shape = x.shape
    at = lowering.element(_spread(index, shape), shape, _LONG)
    column = Position(_LONG, len(shape) - 1)
    add(lowering, out, lowering.element(x, shape), shape, (at, column))
    padding = entry.static["padding_idx"]
    if padding >= 0:
        row = Place(
            out.memory, out.offset + padding * out.strides[0], out.shape[1:], out.strides[1:]
        )
        lowering.loop(row, Literal(out.dtype, 0))


# ---- arrays and masks as indices -----------------------------------------------------------------


class _Where:
    """What an index of arrays, masks and whole dimensions shows of an array: its shape, and at which positions.

    result: the shape of what is shown, as far as it is known from elsewhere: a mask does not say how much it
    shows.
    """

    def __init__(
        self, lowering: Lowering, arrays: Sequence[Any], spec: Any, shape: Shape, result: Shape
    ) -> None:
        places = [lowering.place(x) for x in arrays]
        axes = _axes(places, spec)
        first = axes[0] if axes[-1] - axes[0] < len(axes) else 0
        lists: list[tuple[Place, int, int]] = []
        for place in places:
            if place.dtype.kind == "b":
                if len(places) > 1 or place.shape != shape[axes[0] : axes[-1] + 1]:
                    raise NoC("a mask beside other indices")
                found, below = _found(lowering, place, result[first]), place.size
                for n in place.shape:
                    below //= n
                    lists.append((found, below, n))
            elif place.dtype.kind in "iu":
                n = shape[axes[len(lists)]]
                in_range(lowering, place, n, -n)
                lists.append((place, 0, n))
            else:
                raise NoC(f"an index of {place.dtype}")
        spread = np.broadcast_shapes(*(place.shape for place, _, _ in lists))
        rest = [n for d, n in enumerate(shape) if d not in axes]
        self.shape = (*rest[:first], *spread, *rest[first:])
        self.positions: list[Expression] = []
        after, known = (0,) * (len(rest) - first), iter(lists)
        for d in range(len(shape)):
            if d not in axes:
                at = d - sum(a < d for a in axes)
                at += len(spread) if at >= first else 0
                self.positions.append(Position(_LONG, at))
                continue
            place, below, n = next(known)
            place = place.spread(spread)
            strides = (*(0,) * first, *place.strides, *after)
            whole = Place(place.memory, place.offset, self.shape, strides)
            index = lowering.element(whole, self.shape, _LONG)
            text = "{i} / {below} % {n}" if below else "{i} < 0 ? {i} + {n} : {i}"
            numbers = {
                "n": Literal(_LONG, n),
                **({"below": Literal(_LONG, below)} if below else {}),
            }
            self.positions.append(lowering.compute(_LONG, text, i=index, **numbers))
        asked_here(lowering, arrays)


def _axes(places: list[Place], spec: Any) -> list[int]:
    """Which dimensions are indexed: a mask stands for as many as it has."""
    axes: list[int] = []
    d, rest = 0, iter(places)
    for slot in spec:
        if slot is ARRAY:
            place = next(rest)
            covered = len(place.shape) if place.dtype.kind == "b" else 1
            axes += range(d, d + covered)
            d += covered
        elif slot == FULL:
            d += 1
        else:
            raise NoC("an index of another kind")
    if not axes:
        raise NoC("an index of no dimension")
    return axes


def _found(lowering: Lowering, mask: Place, count: int) -> Place:
    """Where a mask holds, in row order; the program stops unless these are as many as when it was recorded."""
    size = mask.size
    if not size:
        raise NoC("a mask of nothing")
    steps = in_rows(mask.shape)
    dims = {f"d{d}": Position(_LONG, d) for d in range(len(mask.shape))}
    flat = lowering.compute(
        _LONG, " + ".join(f"{{d{d}}} * {s}" for d, s in enumerate(steps)), **dims
    )
    holds = lowering.element(mask, mask.shape)
    running = lowering.temporary((size,), _LONG, "running")
    before = Pick(_LONG, running, (lowering.compute(_LONG, "{at} - 1", at=flat),))
    total = lowering.compute(_LONG, "{at} > 0 ? {b} + {m} : {m}", at=flat, b=before, m=holds)
    lowering.loop(running, total, mask.shape, None, (flat,))
    last = Place(running.memory, size - 1, (), ())
    n = Literal(_LONG, count)
    same = lowering.compute(_BOOL, "{last} == {n}", last=lowering.element(last, ()), n=n)
    lowering.add(Guard(lowering.where, (), same))
    # What holds nowhere goes behind the others.
    there = lowering.temporary((count + 1,), _LONG, "there")
    number = Pick(_LONG, running, (flat,))
    text = "{m} && {number} <= {n} ? {number} - 1 : {n}"
    at = lowering.compute(_LONG, text, m=holds, number=number, n=n)
    lowering.loop(there, flat, mask.shape, None, (at,))
    return Place(there.memory, 0, (count,), (1,))


@rule("index")
def _index(lowering: Lowering, entry: Operation) -> None:
    x = lowering.place(entry.inputs[0])
    out = lowering.out(entry.outs[0])
    where = _Where(lowering, entry.inputs[1:], entry.static["spec"], x.shape, out.shape)
    lowering.loop(out, Pick(x.dtype, x, tuple(where.positions)))


@rule("place_index")
def _place_index(lowering: Lowering, entry: Operation) -> None:
    g = lowering.place(entry.inputs[0])
    out = lowering.out(entry.outs[0])
    arrays = entry.inputs[1:]
    where = _Where(lowering, arrays, entry.static["spec"], out.shape, g.shape)
    lowering.loop(out, Literal(out.dtype, 0))
    value = lowering.element(g, where.shape)
    if all(lowering.place(x).dtype.kind == "b" for x in arrays):
        lowering.loop(out, value, where.shape, None, tuple(where.positions))
    else:
        add(lowering, out, value, where.shape, where.positions)


@rule("put")
def _put(lowering: Lowering, entry: Operation) -> None:
    x = lowering.place(entry.inputs[0])
    out = lowering.out(entry.outs[0])
    lowering.loop(out, lowering.element(x, x.shape))
    _put_into(lowering, out, entry.inputs[1:], entry.static)


@written(put_into)
def _put_into(
    lowering: Lowering, out: Place, inputs: Sequence[Any], static: dict[str, Any]
) -> None:
    values = elsewhere(lowering, lowering.place(inputs[0]), out)
    arrays, spec, adding = inputs[1:], static["spec"], static.get("accumulate", False)
    if not arrays:
        part = region(out, spec)
        lowering.loop(part, lowering.element(values, part.shape, out.dtype))
        return
    places = [lowering.place(x) for x in arrays]
    axes = _axes(places, spec)
    rank = len(out.shape) - len(axes) + 1
    if places[0].dtype.kind == "b" and len(places) == 1:
        while len(values.shape) > rank and values.shape[0] == 1:
            values = Place(values.memory, values.offset, values.shape[1:], values.strides[1:])
        at = len(values.shape) - rank + axes[0]
        if at < 0 or values.shape[at] == 1:
            _put_where(lowering, out, values, places[0], axes, adding)
            return
    where = _Where(lowering, arrays, spec, out.shape, values.shape)
    while len(values.shape) > len(where.shape) and values.shape[0] == 1:
        values = Place(values.memory, values.offset, values.shape[1:], values.strides[1:])
    if len(values.shape) > len(where.shape):
        raise NoC("values with more dimensions than their place")
    value = lowering.element(values, where.shape, out.dtype)
    if adding:
        add(lowering, out, value, where.shape, where.positions)
    else:
        lowering.loop(out, value, where.shape, None, tuple(where.positions))


def _put_where(
    lowering: Lowering, out: Place, values: Place, mask: Place, axes: list[int], adding: bool
) -> None:
    """The same value wherever a mask holds: every element is looked at."""
    after = len(out.shape) - axes[-1] - 1
    cut = max(len(values.shape) - after - 1, 0)
    behind = len(values.shape) - after if len(values.shape) > after else 0
    ones = (1,) * len(axes)
    shape = (*values.shape[:cut], *ones, *values.shape[behind:])
    strides = (*values.strides[:cut], *(0,) * len(axes), *values.strides[behind:])
    if len(values.shape) <= after:
        shape, strides = values.shape, values.strides
    value = lowering.element(
        Place(values.memory, values.offset, shape, strides), out.shape, out.dtype
    )
    strides = (*(0,) * axes[0], *mask.strides, *(0,) * after)
    spread = Place(mask.memory, mask.offset, out.shape, strides)
    own = lowering.element(out, out.shape)
    if adding and (out.dtype.kind == "b" or out.dtype in NARROW):
        raise NoC(f"a sum of {out.dtype} here and there")
    if adding:
        value = lowering.compute(out.dtype, "{x} + {v}", x=own, v=value)
    holds = lowering.element(spread, out.shape)
    lowering.loop(out, lowering.compute(out.dtype, "{m} ? {v} : {x}", m=holds, v=value, x=own))
