"""Rows that follow an index along one dimension: gather, and what writes where it points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rushlight.compiler.emit.expressions import expression
from rushlight.compiler.graph import Compute, Expression, Literal, NoC, Pick, Place, Position
from rushlight.compiler.lowering.indexing import add, asked_here, in_range
from rushlight.compiler.lowering.places import elsewhere
from rushlight.compiler.lowering.program import Lowering, rule, written
from rushlight.compiler.recording.entries import Operation
from rushlight.core.table import TABLE
from rushlight.primitives.scatter import KERNELS

_LONG = np.dtype(np.int64)
# The row of two operands by which elements that meet become one.
_FOLDS = {"prod": "mul", "amax": "maximum", "amin": "minimum"}


def _along(lowering: Lowering, index: Place, dim: int, whole: Place) -> list[Expression]:
    """The positions of an index: its own, but along one dimension what it says."""
    if not whole.shape:
        raise NoC("a single number")
    positions: list[Expression] = [Position(_LONG, d) for d in range(len(index.shape))]
    in_range(lowering, index, whole.shape[dim])
    positions[dim] = lowering.element(index, index.shape, _LONG)
    return positions


@rule("gather")
def _gather(lowering: Lowering, entry: Operation) -> None:
    x, index = map(lowering.place, entry.inputs)
    out = lowering.out(entry.outs[0])
    positions = _along(lowering, index, entry.static["dim"], x)
    lowering.loop(out, Pick(x.dtype, x, tuple(positions)))
    asked_here(lowering, entry.inputs[1:])


@rule("spread")
def _spread(lowering: Lowering, entry: Operation) -> None:
    g, index = map(lowering.place, entry.inputs)
    out = lowering.out(entry.outs[0])
    positions = _along(lowering, index, entry.static["dim"], out)
    lowering.loop(out, Literal(out.dtype, 0))
    add(lowering, out, lowering.element(g, index.shape), index.shape, positions)
    asked_here(lowering, entry.inputs[1:])


@rule("scatter", "scatter_fill", "scatter_add", "scatter_fold")
def _on_copy(lowering: Lowering, entry: Operation) -> None:
    x = lowering.place(entry.inputs[0])
    out = lowering.out(entry.outs[0])
    lowering.loop(out, lowering.element(x, x.shape))
    static = {**entry.static, "adds": entry.row.name == "scatter_add"}
    _into(lowering, out, entry.inputs[1:], static)


@written(KERNELS["scatter_add"])
def _add_into(
    lowering: Lowering, out: Place, inputs: Sequence[Any], static: dict[str, Any]
) -> None:
    _into(lowering, out, inputs, {**static, "adds": True})


@written(KERNELS["scatter"], KERNELS["scatter_fill"], KERNELS["scatter_fold"])
def _into(lowering: Lowering, out: Place, inputs: Sequence[Any], static: dict[str, Any]) -> None:
    index = lowering.place(inputs[0])
    positions = _along(lowering, index, static["dim"], out)
    asked_here(lowering, inputs[:1])
    if len(inputs) == 1:
        number = static["value"]
        if not isinstance(number, bool | int | float | np.generic) or isinstance(
            number, np.complexfloating
        ):
            raise NoC("a number that is known only when the program runs")
        lowering.loop(out, Literal(out.dtype, number), index.shape, None, tuple(positions))
        return
    # Of a larger source only the first elements count.
    source = replace(lowering.place(inputs[1]), shape=index.shape)
    value: Expression = lowering.element(elsewhere(lowering, source, out), index.shape, out.dtype)
    fold = static.get("fold")
    if fold is not None:
        value = _folded(Pick(out.dtype, out, tuple(positions)), value, _FOLDS[fold])
    elif static.get("adds", False):
        add(lowering, out, value, index.shape, positions)
        return
    lowering.loop(out, value, index.shape, None, tuple(positions))


def _folded(own: Expression, value: Expression, name: str) -> Expression:
    row = TABLE[name]
    found = expression(row, [own.dtype, own.dtype], {})
    if found is None:
        raise NoC(f"{name} of {own.dtype}")
    return Compute(found.dtype, found.template, row.inputs[:2], (own, value), found.fragments)
