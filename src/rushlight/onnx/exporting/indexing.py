"""Rows that read and write at places that tensors name."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rushlight.onnx.exporting.moves import expanded, parts_of, reshaped
from rushlight.onnx.exporting.pointwise import Translator
from rushlight.onnx.exporting.story import Step, Var, Varying, varies
from rushlight.onnx.exporting.writer import Writer
from rushlight.primitives.index import ARRAY
from rushlight.vision.ops.boxes import kept_boxes

_LAST = 2**63 - 1


class Place:
    """Where an index with arrays points: the places as ONNX wants them, and how dimensions lie there."""

    def __init__(self, w: Writer, x: Var, indices: tuple[Any, ...], spec: tuple[Any, ...]) -> None:
        g = w.graph
        axes: list[int] = []
        columns: list[str] = []
        axis, ranks, rest = 0, [], iter(indices)
        first, together, whole = -1, True, None
        for part in spec:
            if part is not ARRAY:
                if part != slice(None):
                    w.refuse("an index of arrays and of parts of dimensions: take the parts first")
                together = together and not columns if columns and part is ARRAY else together
                axis += 1
                continue
            array = next(rest)
            if first < 0:
                first = axis
            elif axis != axes[-1] + 1:
                together = False
            if array.dtype.kind == "b" and len(indices) == 1:
                axes += range(axis, axis + array.rank)
                axis += array.rank
                ranks.append(1)
                whole = g.transpose(g.op("NonZero", w.name(array)), (1, 0))
            elif array.dtype.kind == "b":
                found = g.op("NonZero", w.name(array))
                for d in range(array.rank):
                    columns.append(g.op("Gather", found, g.constant(d, np.int64), axis=0))
                axes += range(axis, axis + array.rank)
                axis += array.rank
                ranks.append(1)
            else:
                columns.append(w.operand(array, np.int64) or "")
                axes.append(axis)
                axis += 1
                ranks.append(array.rank)
        self.axes, self.rank = axes, max(ranks)
        self.order = [*axes, *(d for d in range(x.rank) if d not in axes)]
        # Where the dimensions of the index stand in the result.
        self.at = first if together else 0
        self.masked = any(i.dtype.kind == "b" for i in indices)
        self.places = self._joined(w, columns) if whole is None else whole

    def _joined(self, w: Writer, columns: list[str]) -> str:
        g = w.graph
        if len(columns) > 1:
            total = columns[0]
            for other in columns[1:]:
                total = g.op("Add", total, other)
            shape = g.op("Shape", total)
            columns = [g.op("Expand", c, shape) for c in columns]
        columns = [g.unsqueeze(c, -1) for c in columns]
        return g.op("Concat", *columns, axis=-1) if len(columns) > 1 else columns[0]

    def front(self, w: Writer, name: str) -> str:
        """x with the dimensions that are indexed first."""
        return w.graph.transpose(name, self.order)

    def back(self, w: Writer, name: str) -> str:
        """The inverse of `front`."""
        return w.graph.transpose(name, [self.order.index(d) for d in range(len(self.order))])

    def moved(self, total: int) -> list[int]:
        """Which dimensions of (index, rest) the result has, in order."""
        rest = list(range(self.rank, total))
        return [*rest[: self.at], *range(self.rank), *rest[self.at :]]


def _index(w: Writer, step: Step) -> str:
    x, *indices = step.inputs
    spec = step.static["spec"]
    only = indices[0]
    if len(indices) == 1 and only.dtype.kind != "b":
        axis = spec.index(ARRAY)
        if all(part is ARRAY or part == slice(None) for part in spec):
            return w.graph.op("Gather", w.name(x), w.operand(only, np.int64), axis=axis)
    place = Place(w, x, tuple(indices), spec)
    name = w.graph.op("GatherND", place.front(w, w.name(x)), place.places)
    return w.graph.transpose(name, place.moved(step.outs[0].rank))


def _put(w: Writer, step: Step) -> str:
    x, values, *indices = step.inputs
    return put(
        w, x, w.name(x), values, indices, step.static["spec"], bool(step.static["accumulate"])
    )


def put(w: Writer, x: Var, name: str, values: Any, indices: list[Any], spec: Any, add: bool) -> str:
    """x with values at the places of an index."""
    g, given = w.graph, w.operand(values, x.dtype) or ""
    rank = values.rank if isinstance(values, Var) else 0
    mask = indices[0]
    if mask.dtype.kind == "b" and len(indices) == 1 and spec[0] is ARRAY and not rank and not add:
        wide = g.unsqueeze(w.name(mask), *range(mask.rank, x.rank))
        return g.op("Where", wide, given, name)
    place = Place(w, x, tuple(indices), spec)
    front = place.front(w, name)
    total = place.rank + x.rank - len(place.axes)
    shape = g.op("Shape", g.op("GatherND", front, place.places))
    order = place.moved(total)
    if order != sorted(order):
        shape = g.op("Gather", shape, g.ints(*order), axis=0)
    back = [order.index(d) for d in range(total)]
    spread = g.transpose(g.op("Expand", given, shape), back)
    if add:
        g.needs(16, "index_put(accumulate=True)")
    made = g.op("ScatterND", front, place.places, spread, reduction="add" if add else None)
    return place.back(w, made)


def _gather(w: Writer, step: Step) -> str:
    x, places = step.inputs
    values = w.aside.get(("values", x.number, places.number))
    if values is not None:
        return values
    if not x.rank:
        return w.graph.op("Identity", w.name(x))
    return w.graph.op(
        "GatherElements", w.name(x), w.operand(places, np.int64), axis=step.static["dim"]
    )


def _scattered(w: Writer, step: Step, reduction: str | None) -> str:
    x, places, *rest = step.inputs
    g, name = w.graph, w.name(x)
    at = w.operand(places, np.int64)
    if not rest:
        value = w.operand(step.static["value"], x.dtype)
        source = g.op("Expand", value, w.sizes.dims(places.shape, (places,)))
    else:
        source = w.operand(rest[0], x.dtype) or ""
        if rest[0].shape != places.shape:
            # Only the first elements count.
            for d, (n, m) in enumerate(zip(rest[0].shape, places.shape, strict=True)):
                if n != m:
                    source = g.slice(source, d, 0, w.sizes.dim(m, (places,)))
    if reduction is not None:
        g.needs(16 if reduction in ("add", "mul") else 18, step.name)
    return g.op("ScatterElements", name, at, source, axis=step.static["dim"], reduction=reduction)


def _scatter(w: Writer, step: Step) -> str:
    return _scattered(w, step, None)


def _scatter_add(w: Writer, step: Step) -> str:
    return _scattered(w, step, "add")


def _scatter_fold(w: Writer, step: Step) -> str:
    kinds = {"prod": "mul", "amax": "max", "amin": "min", "sum": "add"}
    return _scattered(w, step, kinds[step.static["fold"]])


def _place_slice(w: Writer, step: Step) -> str:
    (part,) = step.inputs
    shape = step.static["shape"]
    zero = w.graph.op("Expand", w.graph.number(0, part.dtype), w.sizes.dims(shape))
    return write_slice(w, zero, tuple(shape), step.static["index"], w.name(part), part)


def write_slice(
    w: Writer, name: str, shape: tuple[Any, ...], index: tuple[Any, ...], given: str, values: Var
) -> str:
    """An array of this shape with values in the part that integers, slices, None and `...` show."""
    parts = parts_of(w, index, len(shape))
    kept = [p for p in parts if p is None or isinstance(p, slice)]
    rank = values.rank
    # New dimensions of the part, counted from the end as broadcasting counts.
    new = [i - len(kept) for i, p in enumerate(kept) if p is None]
    given = w.graph.squeeze(given, *(d for d in new if -d <= rank))
    rank -= sum(-d <= rank for d in new)
    shown = [p for p in parts if p is not None]
    gone = [d for d, p in enumerate(shown) if not isinstance(p, slice)]
    ends = [d - len(shown) for d in gone]
    inside = [
        d
        for d in ends
        if len(shown) - len(gone) - sum(e > d for e in ends) >= 0 and _within(d, ends, rank)
    ]
    given = w.graph.unsqueeze(given, *inside)
    return _written(w, name, shape, shown, 0, given)


def _within(dim: int, gone: list[int], rank: int) -> bool:
    """Whether values of this rank reach a dimension that an integer took away."""
    behind = -dim - 1 - sum(e > dim for e in gone)
    return behind < rank


def _written(
    w: Writer, name: str, shape: tuple[Any, ...], parts: list[Any], dim: int, given: str
) -> str:
    g = w.graph
    while dim < len(parts) and isinstance(parts[dim], slice) and _all(parts[dim], shape[dim]):
        dim += 1
    if dim == len(parts):
        return g.op("Expand", given, g.op("Shape", name))
    part, size = parts[dim], shape[dim]
    if isinstance(part, slice) and part.step not in (None, 1):
        return _stepping(w, name, shape, parts, dim, given)
    start, stop = (part.start, part.stop) if isinstance(part, slice) else (part, None)
    start = 0 if start is None else start
    if not isinstance(part, slice):
        stop = w.each(lambda a: a + 1 if a != -1 else None, start)
    begin = w.sizes.dim(start) if isinstance(start, Varying) else g.ints(start)
    end = (
        w.sizes.dim(stop) if isinstance(stop, Varying) else g.ints(_LAST if stop is None else stop)
    )
    middle = g.slice(name, dim, begin, end)
    middle = _written(w, middle, shape, parts, dim + 1, given)
    pieces = [middle]
    if start != 0:
        pieces.insert(0, g.slice(name, dim, 0, begin))
    if stop is not None and stop != size:
        pieces.append(g.slice(name, dim, end, _LAST))
    return g.op("Concat", *pieces, axis=dim) if len(pieces) > 1 else middle


def _all(part: slice, size: Any) -> bool:
    return (
        part.step in (None, 1)
        and part.start in (None, 0)
        and (part.stop is None or part.stop == size)
    )


def _stepping(
    w: Writer, name: str, shape: tuple[Any, ...], parts: list[Any], dim: int, given: str
) -> str:
    """As `_written`, where the part of a dimension has a step: taken out, written, and put where it was."""
    if varies((shape[dim], parts[dim])):
        w.refuse("it writes with a step along an open size: write with torch.where")
    g, size = w.graph, shape[dim]
    inside = list(range(*parts[dim].indices(size)))
    rest = [i for i in range(size) if i not in set(inside)]
    middle = g.op("Gather", name, g.ints(*inside), axis=dim)
    middle = _written(w, middle, shape, parts, dim + 1, given)
    if not rest:
        return middle
    both = g.op("Concat", middle, g.op("Gather", name, g.ints(*rest), axis=dim), axis=dim)
    order = np.argsort(inside + rest)
    return g.op("Gather", both, g.ints(*order.tolist()), axis=dim)


def put_back(w: Writer, view: Step, whole: Var, name: str, part: str, number: int) -> str:
    """The array `name` with `part` where a view shows it: the view undone."""
    g, s = w.graph, view.static
    shown = view.outs[number]
    if view.name in ("reshape", "squeeze", "variable", "laid_out"):
        return reshaped(w, part, shown, whole.shape)
    if view.name == "permute":
        return g.transpose(part, [s["dims"].index(d) for d in range(whole.rank)])
    if view.name == "slice":
        return write_slice(w, name, whole.shape, s["index"], part, shown)
    if view.name == "split":
        start = w.each(lambda sizes: sum(sizes[:number]), tuple(s["sizes"]))
        stop = w.each(lambda a, n: a + n, start, s["sizes"][number])
        index = (*(slice(None),) * s["dim"], slice(start, stop))
        return write_slice(w, name, whole.shape, index, part, shown)
    if view.name == "unbind":
        return write_slice(w, name, whole.shape, (*(slice(None),) * s["dim"], number), part, shown)
    if varies(whole.shape) or varies(s):
        w.refuse("it writes into a view of what has an open size")
    forward = view.entry.row.forward  # type: ignore[attr-defined]
    all_places = np.arange(math.prod(whole.shape)).reshape(whole.shape)  # type: ignore[arg-type]
    places = np.asarray(forward(all_places, **s)).reshape(-1).astype(np.int64)
    flat = g.op(
        "ScatterElements", g.reshape(name, -1), g.constant(places), g.reshape(part, -1), axis=0
    )
    return g.reshape(flat, *whole.shape)  # type: ignore[arg-type]


def _diagonal_fill(w: Writer, step: Step) -> str:
    (part,) = step.inputs
    s = w.fixed(step.static, "a diagonal")
    places = np.arange(math.prod(s["shape"])).reshape(s["shape"])
    places = places.diagonal(s["offset"], s["dim1"], s["dim2"]).reshape(-1).astype(np.int64)
    g = w.graph
    zero = g.constant(np.zeros(math.prod(s["shape"]), part.dtype))
    flat = g.op("ScatterElements", zero, g.constant(places), g.reshape(w.name(part), -1), axis=0)
    return g.reshape(flat, *s["shape"])


def spread_to(w: Writer, name: str, source: Any, target: Var) -> str:
    """A value spread over an array that is written."""
    shape = source.shape if isinstance(source, Var) else ()
    return expanded(w, name, target.shape, shape)


def _computed(w: Writer, step: Step) -> str | None:
    """What NumPy computes: of all that, which boxes to keep has an operator."""
    if step.static["function"] is not kept_boxes:
        raise w._unsupported(step)
    threshold = step.static["arguments"][0]
    g, (boxes, scores, _order) = w.graph, step.inputs
    found = g.op(
        "NonMaxSuppression", g.unsqueeze(w.operand(boxes, np.float32) or "", 0),
        g.reshape(w.operand(scores, np.float32) or "", 1, 1, -1), g.constant(np.array([_LAST], np.int64)),
        g.constant(np.array([threshold], np.float32)),
    )  # fmt: skip
    return g.op("Gather", found, g.constant(2, np.int64), axis=1)


INDEXING: dict[str, Translator] = {
    "constant": _computed,
    "index": _index, "put": _put, "gather": _gather, "scatter": _scatter, "scatter_fill": _scatter,
    "scatter_add": _scatter_add, "scatter_fold": _scatter_fold, "place_slice": _place_slice,
    "diagonal_fill": _diagonal_fill,
}  # fmt: skip
