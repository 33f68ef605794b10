"""Rows that fold dimensions away."""

from __future__ import annotations

import math
from typing import Any

from rushlight.compiler.graph import Expression, Fold, Literal, NoC, Place
from rushlight.compiler.lowering.program import Lowering, rule
from rushlight.compiler.recording.entries import Operation

SUM = Fold("+", "0")
MOST = Fold("max", "-INFINITY")
LEAST = Fold("min", "INFINITY")


def dims_of(static: dict[str, Any], rank: int) -> tuple[int, ...]:
    """The dimensions that are folded."""
    dim = static["dim"]
    if dim is None:
        return tuple(range(rank))
    return (dim,) if isinstance(dim, int) else tuple(dim)


def floating(place: Place) -> None:
    """Only plain floats are folded here."""
    if place.dtype.kind != "f":
        raise NoC(f"a fold of {place.dtype}")


@rule("sum", "mean")
def _sum(lowering: Lowering, entry: Operation) -> None:
    x = lowering.place(entry.inputs[0])
    floating(x)
    out = lowering.out(entry.outs[0])
    dims = dims_of(entry.static, len(x.shape))
    value = lowering.element(x, x.shape)
    if entry.row.name == "sum":
        lowering.folded(out, value, x.shape, dims, SUM)
        return
    total = lowering.temporary(out.shape, out.dtype, "total")
    lowering.folded(total, value, x.shape, dims, SUM)
    lowering.loop(out, divided(lowering, total, math.prod(x.shape[d] for d in dims)))


def divided(lowering: Lowering, total: Place, count: int) -> Expression:
    """A sum divided by how many there were."""
    return lowering.compute(
        total.dtype,
        "{t} / {n}",
        t=lowering.element(total, total.shape),
        n=Literal(total.dtype, float(count)),
    )


@rule("any", "all")
def _every(lowering: Lowering, entry: Operation) -> None:
    x = lowering.place(entry.inputs[0])
    if x.dtype.kind not in "biuf":
        raise NoC(f"a fold of {x.dtype}")
    out = lowering.out(entry.outs[0])
    holds = lowering.compute(out.dtype, "{x} != 0", x=lowering.element(x, x.shape))
    fold = Fold("|", "0") if entry.row.name == "any" else Fold("&", "1")
    lowering.folded(out, holds, x.shape, dims_of(entry.static, len(x.shape)), fold)


@rule("prod")
def _prod(lowering: Lowering, entry: Operation) -> None:
    x = lowering.place(entry.inputs[0])
    floating(x)
    out = lowering.out(entry.outs[0])
    value = lowering.element(x, x.shape)
    lowering.folded(out, value, x.shape, dims_of(entry.static, len(x.shape)), Fold("*", "1"))


@rule("amax", "amin")
def _extreme(lowering: Lowering, entry: Operation) -> None:
    x = lowering.place(entry.inputs[0])
    floating(x)
    out = lowering.out(entry.outs[0])
    fold = MOST if entry.row.name == "amax" else LEAST
    dims = dims_of(entry.static, len(x.shape))
    lowering.folded(out, lowering.element(x, x.shape), x.shape, dims, fold)


@rule("inner")
def _inner(lowering: Lowering, entry: Operation) -> None:
    x, y = map(lowering.place, entry.inputs)
    floating(x)
    value = lowering.compute(
        x.dtype, "{x} * {y}", x=lowering.element(x, x.shape), y=lowering.element(y, x.shape)
    )
    lowering.folded(lowering.out(entry.outs[0]), value, x.shape, entry.static["dims"], SUM)


@rule("vector_norm")
def _norm(lowering: Lowering, entry: Operation) -> None:
    x = lowering.place(entry.inputs[0])
    floating(x)
    dims = dims_of(entry.static, len(x.shape))
    if entry.static["ord"] != 2:
        raise NoC("another norm")
    element = lowering.element(x, x.shape)
    out = lowering.out(entry.outs[0])
    if math.prod(x.shape[d] for d in dims) == 1:
        lowering.folded(out, lowering.call("fabs", element), x.shape, dims, SUM)
        return
    total = lowering.temporary(out.shape, out.dtype, "squares")
    square = lowering.compute(x.dtype, "{x} * {x}", x=element)
    lowering.folded(total, square, x.shape, dims, SUM)
    lowering.loop(out, lowering.call("sqrt", lowering.element(total, out.shape)))
