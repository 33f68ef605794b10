"""Rows that move elements: shapes, pieces, joins, padding."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rushlight.onnx.exporting.pointwise import Translator
from rushlight.onnx.exporting.story import Size, Step, Var, Varying, varies
from rushlight.onnx.exporting.writer import Writer


def reshaped(w: Writer, name: str, source: Var, shape: tuple[Size, ...]) -> str:
    """An array in another shape: sizes that vary are those that stay, what is left, or computed."""
    wanted: list[Size] = list(shape)
    if -1 in wanted:
        at = wanted.index(-1)
        wanted[at] = w.each(
            lambda old, new: math.prod(old) // max(1, math.prod(n for n in new if n != -1)),
            tuple(source.shape), tuple(shape),
        )  # fmt: skip
        shape = tuple(wanted)
    open_ = [i for i, n in enumerate(shape) if isinstance(n, Varying)]
    if not open_:
        if 0 in shape:
            return w.graph.op("Reshape", name, w.sizes.dims(shape), allowzero=1)
        return w.graph.reshape(name, *shape)  # type: ignore[arg-type]
    plain: list[int | None] = [None if isinstance(n, Varying) else n for n in shape]
    for i in open_:
        if i < source.rank and source.shape[i] == shape[i]:
            plain[i] = 0
    rest = [i for i, n in enumerate(plain) if n is None]
    if len(rest) <= 1 and 0 not in shape:
        return w.graph.reshape(name, *(-1 if n is None else n for n in plain))
    # What stands for a shape alone is nowhere in the graph.
    near = (source,) if source.number in w.env else ()
    return w.graph.op("Reshape", name, w.sizes.dims(shape, near))


def _reshape(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    shape = step.outs[0].shape
    if varies(step.static["shape"]) or varies(x.shape):
        shape = step.outs[0].shape
    if x.shape == shape:
        return w.name(x)
    rows = w.aside.get(("rows", x.number))
    if rows is not None:
        return reshaped(w, rows, x, shape)
    thin = _thinner(w, x, shape)
    if thin is not None:
        return thin
    # A reshape of a reshape is one.
    before = x.made_by
    if before is not None and before.name == "reshape" and w.root(x).number not in w.writes:
        return reshaped(w, w.name(before.inputs[0]), before.inputs[0], shape)
    return reshaped(w, w.name(x), x, shape)


def _thinner(w: Writer, x: Var, shape: tuple[Size, ...]) -> str | None:
    """Dimensions of size 1 put in or taken out, if the reshape is no more than that."""
    if [n for n in x.shape if n != 1] != [n for n in shape if n != 1] or x.rank == len(shape):
        return None
    more, less = (shape, x.shape) if len(shape) > x.rank else (x.shape, shape)
    at, dims = 0, []
    for d, n in enumerate(more):
        if at < len(less) and less[at] == n:
            at += 1
        elif n == 1:
            dims.append(d)
        else:
            return None
    if at < len(less):
        return None
    return (
        w.graph.unsqueeze(w.name(x), *dims) if more is shape else w.graph.squeeze(w.name(x), *dims)
    )


def _squeeze(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    return w.graph.squeeze(w.name(x), *step.static["dims"])


def _permute(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    return w.graph.transpose(w.name(x), step.static["dims"])


def expanded(w: Writer, name: str, shape: tuple[Size, ...], source: tuple[Size, ...]) -> str:
    """An array spread to a shape; sizes that it has are not computed."""
    if shape == source:
        return name
    missing = len(shape) - len(source)
    padded = (1,) * missing + source
    asked = [
        1 if n == m and isinstance(n, Varying) else n for n, m in zip(shape, padded, strict=True)
    ]
    return w.graph.op("Expand", name, w.sizes.dims(asked))


def _expand(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    return expanded(w, w.name(x), step.outs[0].shape, x.shape)


# ---- slices --------------------------------------------------------------------------------------


def parts_of(w: Writer, index: tuple[Any, ...], rank: int) -> list[Any]:
    """An index of integers, slices, None and `...`, written out for every dimension."""
    used = sum(1 for p in index if p is not None and p is not Ellipsis)
    full = [slice(None)] * (rank - used)
    if Ellipsis in index:
        at = index.index(Ellipsis)
        return [*index[:at], *full, *index[at + 1 :]]
    return [*index, *full]


def end_of(w: Writer, end: Any, near: Var) -> Any:
    """An end of a slice: a number, or the name of one that is computed."""
    return w.sizes.dim(end, (near,)) if isinstance(end, Varying) else int(end)


_LAST = 2**63 - 1


def _slice(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    aside = _last_state(w, step)
    if aside is not None:
        return aside
    name, parts = w.name(x), parts_of(w, step.static["index"], x.rank)
    shown = [p for p in parts if p is not None]
    cut = [
        (d, p) for d, p in enumerate(shown) if isinstance(p, slice) and not _whole(p, x.shape[d])
    ]
    if cut:
        ends: list[list[Any]] = [[], []]
        for _, p in cut:
            forward = p.step is None or p.step > 0
            ends[0].append(
                0
                if p.start is None and forward
                else -1
                if p.start is None
                else end_of(w, p.start, x)
            )
            ends[1].append(
                (_LAST if forward else -_LAST) if p.stop is None else end_of(w, p.stop, x)
            )
        names = [
            w.graph.ints(*side) if all(isinstance(e, int) for e in side)
            else w.graph.op("Concat", *(w.graph.ints(e) if isinstance(e, int) else e for e in side), axis=0)
            if len(side) > 1 else side[0]
            for side in ends
        ]  # fmt: skip
        steps = [
            1 if p.step is None else int(w.fixed(p.step, "the step of a slice")) for _, p in cut
        ]
        axes = w.graph.ints(*(d for d, _ in cut))
        name = w.graph.op(
            "Slice", name, *names, axes, None if set(steps) == {1} else w.graph.ints(*steps)
        )
    for d, p in reversed(list(enumerate(shown))):
        if not isinstance(p, slice):
            at = (
                w.graph.squeeze(end_of(w, p, x), 0)
                if isinstance(p, Varying)
                else w.graph.constant(p, np.int64)
            )
            name = w.graph.op("Gather", name, at, axis=d)
    kept = [p for p in parts if p is None or isinstance(p, slice)]
    return w.graph.unsqueeze(name, *(i for i, p in enumerate(kept) if p is None))


def _whole(part: slice, size: Size) -> bool:
    return (
        part.step in (None, 1)
        and part.start in (None, 0)
        and (part.stop is None or part.stop == size)
    )


def _last_state(w: Writer, step: Step) -> str | None:
    """The last state of a recurrent layer, which the layer itself gives."""
    (x,) = step.inputs
    index = step.static["index"]
    if len(index) != 1 or not isinstance(index[0], slice):
        return None
    return w.aside.get(("ends", x.number, repr((index[0].start, index[0].stop))))


def _split(w: Writer, step: Step) -> tuple[str, ...]:
    (x,) = step.inputs
    dim, sizes = step.static["dim"], step.static["sizes"]
    name, count = w.name(x), len(step.outs)
    if count == 1:
        return (name,)
    if not varies(sizes):
        return w.graph.split(name, sizes, dim)
    return w.graph.several("Split", count, name, w.sizes.dims(sizes, (x,)), axis=dim)


def _unbind(w: Writer, step: Step) -> tuple[str, ...]:
    (x,) = step.inputs
    dim, name = step.static["dim"], w.name(x)
    return tuple(
        w.graph.op("Gather", name, w.graph.constant(i, np.int64), axis=dim)
        for i in range(len(step.outs))
    )


# ---- joins ---------------------------------------------------------------------------------------


def _cat(w: Writer, step: Step) -> str:
    dtype = step.outs[0].dtype
    # Empty tensors of one dimension join with everything.
    kept = [x for x in step.inputs if x.rank == step.outs[0].rank]
    names = [w.operand(x, dtype) for x in kept]
    return (
        w.graph.op("Concat", *names, axis=step.static["dim"]) if len(names) > 1 else names[0] or ""
    )


def _stack(w: Writer, step: Step) -> str:
    dtype, dim = step.outs[0].dtype, step.static["dim"]
    names = [w.graph.unsqueeze(w.operand(x, dtype) or "", dim) for x in step.inputs]
    return w.graph.op("Concat", *names, axis=dim) if len(names) > 1 else names[0]


# ---- turning, padding ----------------------------------------------------------------------------


def _flip(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    dims, name = step.static["dims"], w.name(x)
    if not dims:
        return name
    g, n = w.graph, len(dims)
    return g.op(
        "Slice", name, g.ints(*[-1] * n), g.ints(*[-_LAST] * n), g.ints(*dims), g.ints(*[-1] * n)
    )


def _roll(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    name, dims, shifts = w.name(x), step.static["dims"], step.static["shifts"]
    if dims is None:
        flat = w.graph.reshape(name, -1)
        size = w.each(math.prod, tuple(x.shape))
        rolled = _rolled(w, flat, 0, shifts[0], size)
        return reshaped(w, rolled, Var(-1, x.dtype, (size,)), x.shape)
    for shift, dim in zip(shifts, dims, strict=True):
        name = _rolled(w, name, dim, shift, x.shape[dim])
    return name


def _rolled(w: Writer, name: str, dim: int, shift: Any, size: Size) -> str:
    shift = w.fixed(shift, "how far it rolls")
    if not isinstance(size, Varying):
        shift = shift % size if size else 0
    if not shift:
        return name
    first = w.graph.slice(name, dim, -shift, _LAST)
    return w.graph.op("Concat", first, w.graph.slice(name, dim, 0, -shift), axis=dim)


def _pad(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    return padded(w, w.name(x), x, step.static["widths"], "constant", step.static["value"])


def padded(w: Writer, name: str, x: Var, widths: Any, mode: str, value: Any = 0.0) -> str:
    """Padding, a pair of widths for each dimension."""
    sides = [side for side in (0, 1) for _ in widths]
    flat = [pair[side] for side, pair in zip(sides, [*widths, *widths], strict=True)]
    if not any(flat):
        return name
    number = None if mode != "constant" or not value else w.operand(value, x.dtype)
    if w.graph.opset < 11:
        w.fixed(flat, "the padding")
        return w.graph.op("Pad", name, mode=mode, pads=flat, value=float(value))
    return w.graph.op(
        "Pad", name, w.sizes.dims(flat, (x,)), number, mode=mode if mode != "constant" else None
    )


def _triangle(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    g, name, upper, k = w.graph, w.name(x), step.static["upper"], step.static["diagonal"]
    if g.opset >= 14:
        at = (
            g.squeeze(w.sizes.dim(k, (x,)), 0)
            if isinstance(k, Varying)
            else g.constant(k, np.int64)
        )
        return g.op("Trilu", name, None if k == 0 else at, upper=int(upper))
    rows, columns = w.fixed(x.shape[-2:], "the shape of a triangle")
    mask = np.tri(rows, columns, k - 1 if upper else k, dtype=bool)
    return g.op("Where", g.constant(mask != upper), name, g.number(0, x.dtype))


def _flat_places(w: Writer, x: Var, view: Any) -> np.ndarray[Any, Any]:
    """Where the elements that a view shows stand among those of x, which must not vary."""
    shape = w.fixed(x.shape, "the shape of what it looks at")
    return np.asarray(view(np.arange(math.prod(shape)).reshape(shape)))


def gathered(w: Writer, x: Var, places: np.ndarray[Any, Any]) -> str:
    """Elements of x by their places in row order."""
    flat = w.graph.reshape(w.name(x), -1)
    return w.graph.op("Gather", flat, w.graph.constant(places.astype(np.int64)), axis=0)


def _diagonal(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    s = step.static
    return gathered(
        w, x, _flat_places(w, x, lambda a: a.diagonal(s["offset"], s["dim1"], s["dim2"]))
    )


def _unfold(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    dim, size, hop = (step.static[n] for n in ("dim", "size", "step"))
    n = w.fixed(x.shape[dim], "the size of what is unfolded")
    places = np.arange(0, n - size + 1, hop)[:, None] + np.arange(size)
    name = w.graph.op("Gather", w.name(x), w.graph.constant(places.astype(np.int64)), axis=dim)
    order = [*range(dim + 1), *range(dim + 2, x.rank + 1), dim + 1]
    return w.graph.transpose(name, order)


def _viewed(w: Writer, step: Step) -> str:
    """Any other view, by the places of its elements."""
    (x,) = step.inputs
    forward = step.entry.row.forward  # type: ignore[attr-defined]
    static = w.fixed(step.static, "a view")
    return gathered(w, x, _flat_places(w, x, lambda a: forward(a, **static)))


def _reinterpret(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    w.graph.needs(26, step.name)
    from rushlight.onnx.proto import element_type

    if x.dtype.itemsize != np.dtype(step.static["dtype"]).itemsize:
        w.refuse("the types are of other sizes")
    return w.graph.op("BitCast", w.name(x), to=element_type(np.dtype(step.static["dtype"])))


MOVES: dict[str, Translator] = {
    "reshape": _reshape, "squeeze": _squeeze, "permute": _permute, "expand": _expand, "slice": _slice,
    "split": _split, "unbind": _unbind, "cat": _cat, "stack": _stack, "flip": _flip, "roll": _roll, "pad": _pad,
    "triangle": _triangle, "diagonal": _diagonal, "unfold": _unfold, "as_strided": _viewed,
    "as_strided_part": _viewed, "reinterpret": _reinterpret,
}  # fmt: skip
