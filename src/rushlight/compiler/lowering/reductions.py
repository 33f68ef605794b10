"""Rows that fold dimensions away, as `emit/reductions.py` says it of their elements."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rushlight.compiler.emit.reductions import REDUCTIONS, reduction
from rushlight.compiler.graph import Expression, Fold, Literal, NoC, Place, Position, Shape
from rushlight.compiler.lowering.pointwise import computed
from rushlight.compiler.lowering.program import Lowering, rule
from rushlight.compiler.recording.entries import Operation
from rushlight.dtypes import NARROW

SUM = Fold("+", "0")
MOST = Fold("max", "-INFINITY")

_LONG = np.dtype(np.int64)


def floating(place: Place) -> None:
    """Only plain floats are computed with here."""
    if place.dtype.kind != "f" or place.dtype in NARROW:
        raise NoC(f"a fold of {place.dtype}")


def _dims_of(static: dict[str, Any], rank: int) -> tuple[int, ...]:
    """The dimensions that are folded."""
    dim = static["dims"] if "dims" in static else static.get("dim")
    if dim is None or not rank:
        return tuple(range(rank))
    return (dim,) if isinstance(dim, int) else tuple(dim)


def _position(lowering: Lowering, shape: Shape, dims: tuple[int, ...]) -> Expression:
    """The number of an element among those that are folded into one."""
    terms: dict[str, Expression] = {}
    texts, step = [], 1
    for d in reversed(dims):
        if shape[d] > 1:
            terms[f"d{d}"] = Position(_LONG, d)
            texts.append(f"{{d{d}}}" if step == 1 else f"{{d{d}}} * {step}")
            step *= shape[d]
    return lowering.compute(_LONG, " + ".join(reversed(texts)) or "0", **terms)


@rule(*REDUCTIONS)
def _fold(lowering: Lowering, entry: Operation) -> None:
    kinds = lowering.promoted(entry)
    shape = lowering.place(entry.inputs[0]).shape
    dims = _dims_of(entry.static, len(shape))
    made = reduction(entry.row, kinds, entry.static, math.prod(shape[d] for d in dims))
    if made is None:
        raise NoC(f"a fold of {kinds[0]}")
    known: dict[str, Expression] = {"position": _position(lowering, shape, dims)}
    for name, operand, kind in zip("xy", entry.inputs, kinds, strict=False):
        known[name] = lowering.load(operand, kind, shape)
    out = lowering.out(entry.outs[0])
    kept = tuple(1 if d in dims else n for d, n in enumerate(shape))
    # What passes before gave, of each result.
    given: dict[str, Expression] = {}
    for one in made.passes:
        last = one is made.passes[-1]
        shown = out if last else lowering.temporary(out.shape, one.dtype, one.name)
        plain = one.finish == "{a}"
        total = shown if plain else lowering.temporary(out.shape, one.dtype, "total")
        term = computed(one.term, one.dtype, known, made.fragments)
        lowering.folded(total, term, shape, dims, Fold(one.kind, one.initial))
        if not plain:
            parts = {**given, "a": lowering.element(total, out.shape)}
            lowering.loop(shown, computed(one.finish, one.dtype, parts, made.fragments))
        given[one.name] = lowering.element(shown, out.shape)
        known[one.name] = lowering.element(shown.reshaped(kept), shape)


def divided(lowering: Lowering, total: Place, count: int) -> Expression:
    """A sum divided by how many there were."""
    return lowering.compute(
        total.dtype,
        "{t} / {n}",
        t=lowering.element(total, total.shape),
        n=Literal(total.dtype, float(count)),
    )
