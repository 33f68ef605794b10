"""Constants whose size is open: what Python made for one size is recognised, and made in the graph for any."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.core.tensor import Array
from rushlight.onnx.exporting.story import Var, Varying
from rushlight.onnx.exporting.writer import Writer
from rushlight.onnx.proto import tensor_of


def pattern(w: Writer, var: Var) -> str:
    """The name of a constant that is another array at each size."""
    arrays: tuple[Array, ...] = var.array.values
    for way in (_number, _full, _steps, _triangle):
        made = way(w, var, arrays)
        if made is not None:
            return made
    shapes = ", ".join(str(list(a.shape)) for a in arrays)
    w.refuse(
        f"a tensor that Python made, of shapes {shapes} at several sizes, follows from them in no way that is "
        "known: make it of torch.arange, torch.zeros and operations on tensors"
    )
    raise AssertionError  # refuse has raised


def _number(w: Writer, var: Var, arrays: tuple[Array, ...]) -> str | None:
    if any(a.size != 1 for a in arrays):
        return None
    name = w.sizes.scalar(Varying(tuple(a.item() for a in arrays)), var.dtype)
    return name if not var.rank else w.graph.reshape(name, *[1] * var.rank)


def _full(w: Writer, var: Var, arrays: tuple[Array, ...]) -> str | None:
    """The same number everywhere."""
    if any(a.size and not (a == a.flat[0]).all() for a in arrays):
        return None
    values = {a.flat[0].item() for a in arrays if a.size}
    if len(values) > 1:
        number = w.sizes.scalar(Varying(tuple(a.flat[0].item() for a in arrays)), var.dtype)
        return w.graph.op("Expand", number, w.sizes.dims(var.shape))
    value = np.array([values.pop() if values else 0]).astype(var.dtype)
    return w.graph.op("ConstantOfShape", w.sizes.dims(var.shape), value=tensor_of(value, "value"))


def _steps(w: Writer, var: Var, arrays: tuple[Array, ...]) -> str | None:
    """a, a + b, a + 2b, ... along the one dimension that is longer than 1."""
    lines = [a.reshape(-1) for a in arrays]
    long = [d for d in range(var.rank) if any(a.shape[d] != 1 for a in arrays)]
    if len(long) != 1 or any(len(line) < 2 for line in lines) or var.dtype.kind not in "iuf":
        return None
    wide = [line.astype(np.float64) for line in lines]
    steps = [float(line[1] - line[0]) for line in wide]
    if any(
        np.abs(np.diff(line) - s).max() > 1e-5 * max(1.0, abs(s))
        for line, s in zip(wide, steps, strict=True)
    ):
        return None
    g = w.graph
    count = g.squeeze(w.sizes.dim(var.shape[long[0]]), 0)
    name = g.op("Range", g.constant(0, np.int64), count, g.constant(1, np.int64))
    name = g.cast(name, var.dtype) if var.dtype != np.int64 else name
    for op, values, neutral in (("Mul", steps, 1), ("Add", [float(line[0]) for line in wide], 0)):
        if all(v == neutral for v in values):
            continue
        number: Any = values[0] if len(set(values)) == 1 else Varying(tuple(values))
        name = g.op(op, name, w.operand(number, var.dtype))
    return (
        name
        if var.rank == 1
        else g.reshape(name, *(-1 if d == long[0] else 1 for d in range(var.rank)))
    )


def _triangle(w: Writer, var: Var, arrays: tuple[Array, ...]) -> str | None:
    """One number below a diagonal, another above it; or on it and elsewhere."""
    if var.rank < 2 or any(a.size and any(n != 1 for n in a.shape[:-2]) for a in arrays):
        return None
    planes = [a.reshape(a.shape[-2:]) for a in arrays]
    values = np.unique(np.concatenate([p.reshape(-1) for p in planes]))
    if len(values) != 2:
        return None
    g = w.graph
    largest = max(planes, key=lambda p: p.size)
    rows, columns = largest.shape
    # How far each element stands to the right of the diagonal.
    beside = np.arange(columns) - np.arange(rows)[:, None]
    for value, other in (values, values[::-1]):
        for op, compare in (("Equal", np.equal), ("Greater", np.greater), ("Less", np.less)):
            inside = beside[largest == value]
            if not inside.size:
                continue
            at = (
                int(inside[0])
                if op == "Equal"
                else int(inside.min()) - 1
                if op == "Greater"
                else int(inside.max()) + 1
            )
            fits = all(
                (
                    np.where(
                        compare(np.arange(p.shape[1]) - np.arange(p.shape[0])[:, None], at),
                        value,
                        other,
                    )
                    == p
                ).all()
                for p in planes
            )
            if not fits:
                continue
            zero, one = g.constant(0, np.int64), g.constant(1, np.int64)
            across = g.op("Range", zero, g.squeeze(w.sizes.dim(var.shape[-1]), 0), one)
            down = g.op("Range", zero, g.squeeze(w.sizes.dim(var.shape[-2]), 0), one)
            away = g.op("Sub", g.unsqueeze(across, 0), g.unsqueeze(down, 1))
            mask = g.op(op, away, g.constant(at, np.int64))
            name = g.op("Where", mask, g.number(value, var.dtype), g.number(other, var.dtype))
            return name if var.rank == 2 else g.unsqueeze(name, *range(var.rank - 2))
    return None
