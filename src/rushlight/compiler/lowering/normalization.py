"""Softmax and its logarithm; batch, layer and group norm."""

from __future__ import annotations

import math
from typing import Any

from rushlight.compiler.graph import Expression, Literal, NoC, Place, Shape
from rushlight.compiler.lowering.program import Lowering, rule
from rushlight.compiler.lowering.reductions import MOST, SUM, divided, floating
from rushlight.compiler.recording.entries import Operation


def _centred(
    lowering: Lowering, x: Place, dim: int, masked: bool = False
) -> tuple[Place, Expression]:
    """The maxima along a dimension, and x less them; masked: less 0 where all is -inf."""
    shape = tuple(1 if d == dim else n for d, n in enumerate(x.shape))
    peak = lowering.temporary(shape, x.dtype, "peak")
    lowering.folded(peak, lowering.element(x, x.shape), x.shape, (dim,), MOST)
    if masked:
        peak = _chosen(lowering, peak, "{x} == -INFINITY ? 0 : {x}", "seen")
    less = lowering.compute(
        x.dtype,
        "{x} - {peak}",
        x=lowering.element(x, x.shape),
        peak=lowering.element(peak, x.shape),
    )
    return peak, less


def _chosen(lowering: Lowering, x: Place, template: str, name: str) -> Place:
    """One number for each line, where some are others than they would be."""
    out = lowering.temporary(x.shape, x.dtype, name)
    lowering.loop(out, lowering.compute(x.dtype, template, x=lowering.element(x, x.shape)))
    return out


@rule("softmax")
def _softmax(lowering: Lowering, entry: Operation) -> None:
    x = lowering.place(entry.inputs[0])
    floating(x)
    masked = entry.static.get("masked", False)
    dim, shape, dtype = entry.static["dim"], x.shape, x.dtype
    out = lowering.out(entry.outs[0])
    peak, less = _centred(lowering, x, dim, masked)
    raised = lowering.temporary(shape, dtype, "raised")
    lowering.loop(raised, lowering.call("exp", less))
    total = lowering.temporary(peak.shape, dtype, "total")
    lowering.folded(total, lowering.element(raised, shape), shape, (dim,), SUM)
    if masked:
        total = _chosen(lowering, total, "{x} == 0 ? 1 : {x}", "divisor")
    lowering.loop(
        out,
        lowering.compute(
            dtype, "{x} / {t}", x=lowering.element(raised, shape), t=lowering.element(total, shape)
        ),
    )


def log_softmax(lowering: Lowering, x: Place, out: Place, dim: int) -> None:
    """x less the logarithm of the sum of its exponentials, along a dimension."""
    shape, dtype = x.shape, x.dtype
    peak, less = _centred(lowering, x, dim)
    lessened = lowering.temporary(shape, dtype, "less")
    lowering.loop(lessened, less)
    total = lowering.temporary(peak.shape, dtype, "total")
    element = lowering.element(lessened, shape)
    lowering.folded(total, lowering.call("exp", element), shape, (dim,), SUM)
    logarithm = lowering.temporary(peak.shape, dtype, "logarithm")
    of_total = lowering.element(total, peak.shape)
    lowering.loop(logarithm, lowering.call("log", of_total))
    lowering.loop(
        out,
        lowering.compute(dtype, "{x} - {t}", x=element, t=lowering.element(logarithm, shape)),
    )


@rule("log_softmax")
def _log_softmax(lowering: Lowering, entry: Operation) -> None:
    x = lowering.place(entry.inputs[0])
    floating(x)
    log_softmax(lowering, x, lowering.out(entry.outs[0]), entry.static["dim"])


def _affine(lowering: Lowering, operand: Any, broadcast: Shape, view: Shape) -> Expression | None:
    """A weight or a bias for each element."""
    if operand is None:
        return None
    return lowering.element(lowering.place(operand).reshaped(broadcast), view)


def _form(x: Place, static: dict[str, Any]) -> tuple[Shape, tuple[int, ...], Shape]:
    """The view, its dimensions that are folded, and the shape of weights: by pixels, not lines of pixels."""
    view, dims, broadcast = static["view"], static["dims"], static["broadcast"]
    rank = len(x.shape)
    if view != x.shape and rank > 3 == len(view) and view[:2] == x.shape[:2] and 2 in dims:
        rest = tuple(range(2, rank))
        return x.shape, (*(d for d in dims if d != 2), *rest), (*broadcast[:2], *(1,) * (rank - 2))
    return view, dims, broadcast


def _statistic(place: Place, view: Shape, dims: tuple[int, ...]) -> Place:
    """Means, in the shape in which they spread over the view."""
    return place.reshaped(tuple(1 if d in dims else n for d, n in enumerate(view)))


@rule("normalize")
def _normalize(lowering: Lowering, entry: Operation) -> None:
    x = lowering.place(entry.inputs[0])
    floating(x)
    static, dtype = entry.static, x.dtype
    view, dims, broadcast = _form(x, static)
    weight, bias = (*entry.inputs[1:], None, None)[:2]
    if any(value.dtype != dtype for value in entry.outs):
        raise NoC("a norm in several types")
    count = math.prod(view[d] for d in dims)
    out, *statistics = map(lowering.out, entry.outs)
    mean, rstd, variance = (_statistic(place, view, dims) for place in statistics)
    lines, shown = x.reshaped(view), out.reshaped(view)
    total = lowering.temporary(mean.shape, dtype, "total")
    element = lowering.element(lines, view)
    lowering.folded(total, element, view, dims, SUM)
    lowering.loop(mean, divided(lowering, total, count))
    distance = lowering.compute(dtype, "{x} - {mean}", x=element, mean=lowering.element(mean, view))
    squares = lowering.temporary(mean.shape, dtype, "squares")
    squared = lowering.compute(dtype, "{d} * {d}", d=distance)
    lowering.folded(squares, squared, view, dims, SUM)
    lowering.loop(variance, divided(lowering, squares, count))
    spread = lowering.compute(
        dtype, "{v} + {eps}", v=lowering.element(variance, rstd.shape),
        eps=Literal(dtype, static["eps"]),
    )  # fmt: skip
    lowering.loop(rstd, lowering.compute(dtype, "1 / {root}", root=lowering.call("sqrt", spread)))
    text, parts = "{d} * {r}", {"d": distance, "r": lowering.element(rstd, view)}
    factor = _affine(lowering, weight, broadcast, view)
    if factor is not None:
        text, parts = text + " * {w}", {**parts, "w": factor}
    shift = _affine(lowering, bias, broadcast, view)
    if shift is not None:
        text, parts = text + " + {b}", {**parts, "b": shift}
    lowering.loop(shown, lowering.compute(dtype, text, **parts))


@rule("normalize_grad")
def _normalize_grad(lowering: Lowering, entry: Operation) -> None:
    g, x, mean, rstd = map(lowering.place, entry.inputs[:4])
    floating(x)
    static, dtype = entry.static, x.dtype
    view, dims, broadcast = _form(x, static)
    weight = entry.inputs[4] if len(entry.inputs) > 4 else None
    if any(value.dtype != dtype for value in entry.outs) or g.dtype != dtype:
        raise NoC("a norm in several types")
    count = math.prod(view[d] for d in dims)
    outs = [lowering.out(value) for value in entry.outs]
    mean, rstd = (_statistic(place, view, dims) for place in (mean, rstd))
    upper, lines = g.reshaped(view), x.reshaped(view)
    up = lowering.element(upper, view)
    scale = lowering.element(rstd, view)
    normal = lowering.compute(
        dtype, "({x} - {m}) * {r}", x=lowering.element(lines, view),
        m=lowering.element(mean, view), r=scale,
    )  # fmt: skip
    with_normal = lowering.compute(dtype, "{g} * {n}", g=up, n=normal)
    shared = tuple(d for d, n in enumerate(broadcast) if n == 1)
    rest = iter(outs[1:])
    for value, needed in zip((with_normal, up), static["affine"], strict=False):
        if needed:
            part = next(rest).reshaped(tuple(n for d, n in enumerate(view) if d not in shared))
            lowering.folded(part, value, view, shared, SUM)
    factor = _affine(lowering, weight, broadcast, view)
    weighted = up if factor is None else lowering.compute(dtype, "{g} * {w}", g=up, w=factor)
    sums = []
    for name, value in (
        ("along", weighted),
        ("across", lowering.compute(dtype, "{g} * {n}", g=weighted, n=normal)),
    ):
        total = lowering.temporary(mean.shape, dtype, name)
        lowering.folded(total, value, view, dims, SUM)
        mean_of = lowering.temporary(mean.shape, dtype, f"mean_{name}")
        lowering.loop(mean_of, divided(lowering, total, count))
        sums.append(lowering.element(mean_of, view))
    dx = lowering.compute(
        dtype, "({g} - ({n} * {across} + {along})) * {r}", g=weighted, n=normal, across=sums[1],
        along=sums[0], r=scale,
    )  # fmt: skip
    lowering.loop(outs[0].reshaped(view), dx)
