"""Rows that run along a dimension: each element is made of the one before it."""

from __future__ import annotations

import numpy as np

from rushlight.compiler.emit.expressions import expression
from rushlight.compiler.graph import Cast, Compute, Expression, Literal, NoC, Pick, Place, Position
from rushlight.compiler.lowering.program import Lowering, rule
from rushlight.compiler.recording.entries import Operation
from rushlight.core.table import TABLE

_LONG, _DOUBLE = np.dtype(np.int64), np.dtype(np.float64)


class _Line:
    """A walk along a dimension, in the order of the elements."""

    def __init__(self, lowering: Lowering, state: Place, dim: int) -> None:
        self.lowering, self.state, self.dim = lowering, state, dim
        at = Position(_LONG, dim)
        self.at: Expression = at
        self.positions = tuple(Position(_LONG, d) for d in range(len(state.shape)))
        back = lowering.compute(_LONG, "{at} - 1", at=at)
        before = (*self.positions[:dim], back, *self.positions[dim + 1 :])
        self.before = Pick(state.dtype, state, before)

    def run(self, text: str, start: str, *fragments: str, **parts: Expression) -> None:
        """Let the state be what text says of `{before}` and the parts; at the start what start says."""
        value = self.lowering.compute(
            self.state.dtype, f"{{at}} > 0 ? {text} : {start}", *fragments, at=self.at,
            before=self.before, **parts,
        )  # fmt: skip
        self.lowering.loop(self.state, value, self.state.shape, None, self.positions)


def _single(lowering: Lowering, out: Place, x: Place) -> bool:
    """Whether there is one number only, which is what it begins with."""
    if not out.shape:
        lowering.loop(out, lowering.element(x, ()))
    return not out.shape


@rule("cumsum", "cumprod")
def _running(lowering: Lowering, entry: Operation) -> None:
    x, out = lowering.place(entry.inputs[0]), lowering.out(entry.outs[0])
    if _single(lowering, out, x):
        return
    # Single precision is summed in double and rounded at every step.
    wide = _DOUBLE if out.dtype.kind == "f" else out.dtype
    state = out if wide == out.dtype else lowering.temporary(x.shape, wide, "running")
    sign = "+" if entry.row.name == "cumsum" else "*"
    # torch begins with 0, so that no sum is -0.
    start = "{x} + 0" if sign == "+" else "{x}"
    line = _Line(lowering, state, entry.static["dim"])
    line.run(f"{{before}} {sign} {{x}}", start, x=lowering.element(x, x.shape, wide))
    if state is not out:
        lowering.loop(out, lowering.element(state, out.shape))


@rule("recurrence")
def _recurrence(lowering: Lowering, entry: Operation) -> None:
    a, b = map(lowering.place, entry.inputs)
    out = lowering.out(entry.outs[0])
    if _single(lowering, out, b):
        return
    if b.dtype.kind != "f" or a.dtype != b.dtype:
        raise NoC(f"a recurrence of {b.dtype}")
    factor, term = lowering.element(a, b.shape), lowering.element(b, b.shape)
    line = _Line(lowering, out, entry.static["dim"])
    line.run("{a} * {before} + {b}", "{a} * 0 + {b}", a=factor, b=term)


@rule("logcumsumexp")
def _logcumsumexp(lowering: Lowering, entry: Operation) -> None:
    x, out = lowering.place(entry.inputs[0]), lowering.out(entry.outs[0])
    if _single(lowering, out, x):
        return
    row = TABLE["logaddexp"]
    found = expression(row, [_DOUBLE, _DOUBLE], {})
    if found is None or out.dtype.kind != "f":
        raise NoC(f"a running sum of exponentials of {x.dtype}")
    state = lowering.temporary(x.shape, _DOUBLE, "running")
    line = _Line(lowering, state, entry.static["dim"])
    element = lowering.element(x, x.shape, _DOUBLE)
    joined = Compute(
        _DOUBLE, found.template, row.inputs[:2], (line.before, element), found.fragments
    )
    line.run("{joined}", "{x}", joined=joined, x=element)
    value = lowering.compute(_DOUBLE, "{s} + 0.0", s=lowering.element(state, out.shape))
    lowering.loop(out, Cast(out.dtype, value))


@rule("cummax_index", "cummin_index")
def _latest(lowering: Lowering, entry: Operation) -> None:
    """The latest of equal ones; once there is a nan, the latest nan."""
    x, out = lowering.place(entry.inputs[0]), lowering.out(entry.outs[0])
    if not x.shape:
        lowering.loop(out, Literal(_LONG, 0))
        return
    dim = entry.static["dim"]
    line = _Line(lowering, out, dim)
    best = Pick(x.dtype, x, (*line.positions[:dim], line.before, *line.positions[dim + 1 :]))
    sign = ">=" if entry.row.name == "cummax_index" else "<="
    line.run(
        f"({{x}} {sign} {{best}} || {{x}} != {{x}} ? {{own}} : {{before}})", "0",
        x=lowering.element(x, x.shape), best=best, own=line.at,
    )  # fmt: skip
