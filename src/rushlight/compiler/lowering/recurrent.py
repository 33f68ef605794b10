"""Recurrent layers: a product and a few passes for each step."""

from __future__ import annotations

from dataclasses import replace

from rushlight.compiler.graph import Expression, NoC, Place
from rushlight.compiler.lowering.products import product
from rushlight.compiler.lowering.program import Lowering, rule
from rushlight.compiler.recording.entries import Operation


def _rows(place: Place, first: int, count: int) -> Place:
    """Some rows of a matrix."""
    offset = place.offset + first * place.strides[0]
    return replace(place, offset=offset, shape=(count, *place.shape[1:]))


def _columns(place: Place, first: int, count: int) -> Place:
    """Some columns of a matrix."""
    offset = place.offset + first * place.strides[1]
    return replace(place, offset=offset, shape=(place.shape[0], count))


def _starts(entry: Operation) -> tuple[list[int], int]:
    """The first row of each step, in the order in which they run, and how many rows each has."""
    sizes = entry.static["sizes"]
    if len(set(sizes)) != 1:
        raise NoC("sequences of several lengths")
    starts = [step * sizes[0] for step in range(len(sizes))]
    return (starts[::-1] if entry.static["reverse"] else starts), sizes[0]


def _sum(lowering: Lowering, x: Expression, y: Expression) -> Expression:
    return lowering.compute(x.dtype, "{x} + {y}", x=x, y=y)


@rule("lstm")
def _lstm(lowering: Lowering, entry: Operation) -> None:
    gx, h, c, weight = map(lowering.place, entry.inputs[:4])
    if len(entry.inputs) > 4 and entry.inputs[4] is not None:
        raise NoC("an LSTM with a projection")
    starts, batch = _starts(entry)
    width, dtype = c.shape[1], gx.dtype
    hs, cs, gates = map(lowering.out, entry.outs)
    pre = lowering.temporary((batch, 4 * width), dtype, "pre")
    for start in starts:
        product(lowering, h, weight.permuted((1, 0)), pre)
        given, gate = _rows(gx, start, batch), _rows(gates, start, batch)
        shape = (batch, width)
        parts = []
        for number in range(4):
            at = number * width
            total = _sum(
                lowering,
                lowering.element(_columns(pre, at, width), shape),
                lowering.element(_columns(given, at, width), shape),
            )
            value = lowering.call("tanh", total) if number == 2 else lowering.row("sigmoid", total)
            out = _columns(gate, at, width)
            lowering.loop(out, value)
            parts.append(lowering.element(out, shape))
        state = _rows(cs, start, batch)
        moved = lowering.compute(
            dtype, "{f} * {c} + {i} * {n}", f=parts[1], c=lowering.element(c, shape), i=parts[0],
            n=parts[2],
        )  # fmt: skip
        lowering.loop(state, moved)
        out = _rows(hs, start, batch)
        shown = lowering.call("tanh", lowering.element(state, shape))
        lowering.loop(out, lowering.compute(dtype, "{t} * {o}", t=shown, o=parts[3]))
        h, c = out, state


@rule("rnn")
def _rnn(lowering: Lowering, entry: Operation) -> None:
    gx, h, weight = map(lowering.place, entry.inputs[:3])
    starts, batch = _starts(entry)
    out = lowering.out(entry.outs[0])
    width, dtype = out.shape[1], gx.dtype
    pre = lowering.temporary((batch, width), dtype, "pre")
    shape = (batch, width)
    for start in starts:
        product(lowering, h, weight.permuted((1, 0)), pre)
        given = lowering.element(_rows(gx, start, batch), shape)
        total = _sum(lowering, lowering.element(pre, shape), given)
        if entry.static["relu"]:
            value = lowering.row("relu", total)
        else:
            value = lowering.call("tanh", total)
        h = _rows(out, start, batch)
        lowering.loop(h, value)


@rule("gru")
def _gru(lowering: Lowering, entry: Operation) -> None:
    gx, h, weight = map(lowering.place, entry.inputs[:3])
    bias = entry.inputs[3] if len(entry.inputs) > 3 else None
    starts, batch = _starts(entry)
    width, dtype = h.shape[1], gx.dtype
    hs, gates, news = map(lowering.out, entry.outs)
    pre = lowering.temporary((batch, 3 * width), dtype, "pre")
    shape = (batch, width)
    for start in starts:
        product(lowering, h, weight.permuted((1, 0)), pre)
        given, gate = _rows(gx, start, batch), _rows(gates, start, batch)
        inner = []
        for number in range(3):
            value: Expression = lowering.element(_columns(pre, number * width, width), shape)
            if bias is not None:
                place = lowering.place(bias)
                own = replace(
                    place, offset=place.offset + number * width * place.strides[-1], shape=(width,),
                    strides=place.strides[-1:],
                )  # fmt: skip
                value = _sum(lowering, value, lowering.element(own, shape))
            inner.append(value)
        parts = []
        for number in range(2):
            at = number * width
            total = _sum(
                lowering, inner[number], lowering.element(_columns(given, at, width), shape)
            )
            out = _columns(gate, at, width)
            lowering.loop(out, lowering.row("sigmoid", total))
            parts.append(lowering.element(out, shape))
        own_new = _rows(news, start, batch)
        lowering.loop(own_new, inner[2])
        last = lowering.element(_columns(given, 2 * width, width), shape)
        total = lowering.compute(
            dtype, "{r} * {n} + {g}", r=parts[0], n=lowering.element(own_new, shape), g=last
        )
        new = _columns(gate, 2 * width, width)
        lowering.loop(new, lowering.call("tanh", total))
        out = _rows(hs, start, batch)
        moved = lowering.compute(
            dtype, "({h} - {n}) * {z} + {n}", h=lowering.element(h, shape),
            n=lowering.element(new, shape), z=parts[1],
        )  # fmt: skip
        lowering.loop(out, moved)
        h = out
