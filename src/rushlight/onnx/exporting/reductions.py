"""Rows that fold dimensions, scan along them, or put them in order."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rushlight.onnx.exporting.pointwise import Translator
from rushlight.onnx.exporting.story import Step, Var, Varying
from rushlight.onnx.exporting.writer import Writer

# The row, and its operator.
FOLDS: dict[str, str] = {
    "sum": "ReduceSum", "mean": "ReduceMean", "amax": "ReduceMax", "amin": "ReduceMin",
    "prod": "ReduceProd", "logsumexp": "ReduceLogSumExp",
}  # fmt: skip


def _dims(step: Step) -> tuple[int, ...] | None:
    dim = step.static["dim"]
    return None if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)


def _fold(op: str) -> Translator:
    def translate(w: Writer, step: Step) -> str:
        (x,) = step.inputs
        dtype = step.outs[0].dtype
        name, dims, keep = w.name(x), _dims(step), step.static["keepdim"]
        if x.dtype.kind == "b" and dtype.kind == "b":
            # The largest of truth values.
            name = w.graph.reduce(op, w.graph.cast(name, np.int32), dims, keep)
            return w.graph.cast(name, np.bool_)
        if x.dtype != dtype:
            name = w.graph.cast(name, dtype)
        if not x.rank:
            return name if op != "ReduceLogSumExp" else w.graph.op("Identity", name)
        return w.graph.reduce(op, name, dims, keep)

    return translate


def _truths(op: str) -> Translator:
    def translate(w: Writer, step: Step) -> str:
        (x,) = step.inputs
        name = w.operand(x, np.bool_) or ""
        if x.rank:
            name = w.graph.cast(name, np.int32)
            name = w.graph.reduce(op, name, _dims(step), step.static["keepdim"])
            name = w.graph.cast(name, np.bool_)
        return name if step.outs[0].dtype.kind == "b" else w.graph.cast(name, step.outs[0].dtype)

    return translate


def _place(op: str) -> Translator:
    def translate(w: Writer, step: Step) -> str:
        (x,) = step.inputs
        name, dim, keep = w.name(x), step.static["dim"], int(step.static["keepdim"])
        if x.dtype.kind == "b":
            name = w.graph.cast(name, np.int32)
        if not x.rank:
            return w.graph.constant(0, np.int64)
        if dim is None:
            flat = w.graph.op(op, w.graph.reshape(name, -1), axis=0, keepdims=0)
            return flat if not keep else w.graph.reshape(flat, *[1] * x.rank)
        return w.graph.op(op, name, axis=dim, keepdims=keep)

    return translate


def _count(w: Writer, x: Var, dims: tuple[int, ...] | None) -> Any:
    """How many elements are folded into one."""
    sizes = [n for d, n in enumerate(x.shape) if not dims or d in dims]
    return w.each(lambda part: math.prod(part), tuple(sizes))


def _variance(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    g, dims, dtype = w.graph, _dims(step), step.outs[0].dtype
    name = w.operand(x, dtype) or ""
    center = g.op("Sub", name, g.reduce("ReduceMean", name, dims, True))
    spread = g.reduce("ReduceMean", g.op("Mul", center, center), dims, step.static["keepdim"])
    correction = step.static["correction"]
    if not correction:
        return spread
    count = _count(w, x, dims)
    if isinstance(count, Varying):
        size = w.sizes.scalar(count, dtype)
        less = g.op("Sub", size, g.number(correction, dtype))
        return g.op("Div", g.op("Mul", spread, size), less)
    return g.op(
        "Div",
        g.op("Mul", spread, g.number(count, dtype)),
        g.number(max(count - correction, 0), dtype),
    )


def _deviation(w: Writer, step: Step) -> str:
    return w.graph.op("Sqrt", _variance(w, step))


def _vector_norm(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    g, dims, dtype = w.graph, _dims(step), step.outs[0].dtype
    name, order, keep = w.operand(x, dtype) or "", step.static["ord"], step.static["keepdim"]
    if not x.rank:
        return g.op("Abs", name)
    if order == 2:
        return g.reduce("ReduceL2", name, dims, keep)
    if order == 1:
        return g.reduce("ReduceL1", name, dims, keep)
    size = g.op("Abs", name)
    if order in (math.inf, -math.inf):
        return g.reduce("ReduceMax" if order > 0 else "ReduceMin", size, dims, keep)
    if order == 0:
        there = g.cast(g.op("Greater", size, g.number(0, dtype)), dtype)
        return g.reduce("ReduceSum", there, dims, keep)
    total = g.reduce("ReduceSum", g.op("Pow", size, g.number(order, dtype)), dims, keep)
    return g.op("Pow", total, g.number(1 / order, dtype))


# ---- scans ---------------------------------------------------------------------------------------


def _scan(op: str, since: int) -> Translator:
    def translate(w: Writer, step: Step) -> str:
        (x,) = step.inputs
        w.graph.needs(since, step.name)
        name = w.operand(x, step.outs[0].dtype) or ""
        if not x.rank:
            return name
        return w.graph.op(op, name, w.graph.constant(step.static["dim"], np.int64))

    return translate


def _logcumsumexp(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    g, dim, name = w.graph, step.static["dim"], w.name(x)
    top = g.reduce("ReduceMax", name, (dim,), True)
    total = g.op("CumSum", g.op("Exp", g.op("Sub", name, top)), g.constant(dim, np.int64))
    return g.op("Add", g.op("Log", total), top)


# ---- order ---------------------------------------------------------------------------------------


def _sorted(w: Writer, step: Step, dim: int, count: Any, largest: bool) -> str:
    """The places of the first of a sorted line; the values stand aside for who gathers them."""
    (x,) = step.inputs
    name, kind = w.name(x), x.dtype.kind
    if kind == "b" or x.dtype.itemsize == 1:
        name = w.graph.cast(name, np.int32)
    k = w.sizes.dim(count, (x,))
    values, places = w.graph.several("TopK", 2, name, k, axis=dim, largest=int(largest))
    if name == w.name(x):
        w.aside["values", x.number, step.outs[0].number] = values
    return places


def _top(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    if not x.rank:
        return w.graph.constant(0, np.int64)
    return _sorted(w, step, step.static["dim"], step.static["k"], step.static["largest"])


def _order(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    if not x.rank:
        return w.graph.constant(0, np.int64)
    dim = step.static["dim"]
    return _sorted(w, step, dim, x.shape[dim], step.static["descending"])


def _kth(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    dim, nth = step.static["dim"], step.static["nth"]
    places = _sorted(w, step, dim, w.each(lambda n: n + 1, nth), False)
    w.aside.pop(("values", x.number, step.outs[0].number), None)
    last = w.graph.slice(places, dim, -1, 2**63 - 1)
    return last if len(step.outs[0].shape) == x.rank else w.graph.squeeze(last, dim)


def _median(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    if step.static["ignore_nan"]:
        w.refuse("a median that passes over nan has no operator")
    if not x.rank:
        return w.graph.op("Identity", w.name(x))
    g, size = w.graph, _count(w, x, None)
    half = w.sizes.dim(w.each(lambda n: (n + 1) // 2, size))
    values, _ = g.several("TopK", 2, g.reshape(w.name(x), -1), half, axis=0, largest=0)
    return g.squeeze(g.slice(values, 0, -1, 2**63 - 1), 0)


def _median_place(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    dim, keep = step.static["dim"], step.static["keepdim"]
    if step.static["ignore_nan"]:
        w.refuse("a median that passes over nan has no operator")
    if not x.rank:
        return w.graph.constant(0, np.int64)
    half = w.each(lambda n: (n + 1) // 2, x.shape[dim])
    last = w.graph.slice(_sorted(w, step, dim, half, False), dim, -1, 2**63 - 1)
    w.aside.pop(("values", x.number, step.outs[0].number), None)
    return last if keep else w.graph.squeeze(last, dim)


def _search(w: Writer, step: Step) -> str:
    sequence, values = step.inputs
    if sequence.rank != 1:
        w.refuse("searchsorted of several sequences has no operator: search in each")
    g, dtype = w.graph, np.promote_types(sequence.dtype, values.dtype)
    line, at = w.operand(sequence, dtype) or "", g.unsqueeze(w.operand(values, dtype) or "", -1)
    below = g.compare("LessOrEqual" if step.static["right"] else "Less", line, at)
    return g.reduce("ReduceSum", g.cast(below, step.outs[0].dtype), (-1,), False)


REDUCTIONS: dict[str, Translator] = {
    **{row: _fold(op) for row, op in FOLDS.items()},
    "all": _truths("ReduceMin"), "any": _truths("ReduceMax"), "argmax": _place("ArgMax"),
    "argmin": _place("ArgMin"), "var": _variance, "std": _deviation, "vector_norm": _vector_norm,
    "cumsum": _scan("CumSum", 11), "cumprod": _scan("CumProd", 26), "logcumsumexp": _logcumsumexp,
    "top": _top, "order": _order, "kth": _kth, "median": _median,
    "median_index": _median_place, "search": _search,
}  # fmt: skip
