"""Writes into memory: the array has another name from then on, and so has what it lies in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rushlight.onnx.exporting import indexing
from rushlight.onnx.exporting.story import Step, Var
from rushlight.onnx.exporting.writer import Writer

Kernel = Callable[[Writer, Var, str, Step], str]


def write(w: Writer, step: Step) -> None:
    """Write one step that writes."""
    target = step.target
    if target is None:
        w.refuse("it writes into nothing")
        return
    kernel = KERNELS.get(step.name)
    if kernel is None:
        w.refuse("this way to write into memory has no operator: make a new tensor")
        return
    name = kernel(w, target, w.name(target), step)
    replaced(w, target, name)


def replaced(w: Writer, target: Var, name: str) -> None:
    """The elements of an array are these now; what it is a view of changes with it."""
    var = target
    chain = [(var, name)]
    while var.base is not None:
        view = var.made_by
        if view is None:
            w.refuse("it writes into a view of which nobody knows how it was made")
            return
        whole = var.base
        number = view.outs.index(var)
        name = indexing.put_back(w, view, whole, w.name(whole), name, number)
        var = whole
        chain.append((var, name))
    w.writes[var.number] = w.writes.get(var.number, 0) + 1
    for changed, now in chain:
        w.put(changed, now)


def _copy(w: Writer, target: Var, name: str, step: Step) -> str:
    (values,) = step.inputs
    return indexing.spread_to(w, w.operand(values, target.dtype) or "", values, target)


def _fill(w: Writer, target: Var, name: str, step: Step) -> str:
    (value,) = step.inputs
    return indexing.spread_to(w, w.operand(value, target.dtype) or "", None, target)


def _fill_where(w: Writer, target: Var, name: str, step: Step) -> str:
    mask, value = step.inputs
    return w.graph.op("Where", w.operand(mask, np.bool_), w.operand(value, target.dtype), name)


def _copy_region(w: Writer, target: Var, name: str, step: Step) -> str:
    (values,) = step.inputs
    given = w.operand(values, target.dtype) or ""
    shown = values if isinstance(values, Var) else Var(-1, target.dtype, ())
    return indexing.write_slice(w, name, target.shape, step.static["index"], given, shown)


def _put_into(w: Writer, target: Var, name: str, step: Step) -> str:
    values, *indices = step.inputs
    static = step.static
    return indexing.put(
        w, target, name, values, indices, static["spec"], bool(static.get("accumulate"))
    )


def _arithmetic(op: str) -> Kernel:
    def kernel(w: Writer, target: Var, name: str, step: Step) -> str:
        y, *rest = step.inputs
        alpha = rest[0] if rest else step.static.get("alpha", 1)
        other = w.operand(y, target.dtype)
        if alpha != 1:
            other = w.graph.op("Mul", other, w.operand(alpha, target.dtype))
        made = w.graph.op(op, name, other)
        shape = y.shape if isinstance(y, Var) else ()
        # Beside a larger operand the result would be larger: then NumPy has refused.
        return made if len(shape) <= target.rank else name

    return kernel


def _scaled(op: str) -> Kernel:
    def kernel(w: Writer, target: Var, name: str, step: Step) -> str:
        first, second = (w.operand(x, target.dtype) for x in step.inputs)
        value = step.static.get("value", 1)
        if value != 1:
            first = w.graph.op("Mul", first, w.operand(value, target.dtype))
        return w.graph.op("Add", name, w.graph.op(op, first, second))

    return kernel


def _lerp(w: Writer, target: Var, name: str, step: Step) -> str:
    end, weight = (w.operand(x, target.dtype) for x in step.inputs)
    return w.graph.op("Add", name, w.graph.op("Mul", weight, w.graph.op("Sub", end, name)))


def _sqrt(w: Writer, target: Var, name: str, step: Step) -> str:
    return w.graph.op("Sqrt", name)


def _as_row(row: str) -> Kernel:
    def kernel(w: Writer, target: Var, name: str, step: Step) -> str:
        now = Step("row", row, (target, *step.inputs), [target], step.static, step.line, step.entry)
        return str(indexing.INDEXING[row](w, now))

    return kernel


# The kernels of `primitives/writing.py` and `primitives/scatter.py`, by the names of their functions.
KERNELS: dict[str, Kernel] = {
    "copy": _copy, "fill": _fill, "fill_where": _fill_where, "copy_region": _copy_region,
    "put_into": _put_into, "add": _arithmetic("Add"), "sub": _arithmetic("Sub"), "mul": _arithmetic("Mul"),
    "div": _arithmetic("Div"), "addcmul": _scaled("Mul"), "addcdiv": _scaled("Div"), "lerp": _lerp,
    "sqrt": _sqrt, "_assign_into": _as_row("scatter"), "_fill_into": _as_row("scatter_fill"),
    "_add_into": _as_row("scatter_add"), "_fold_into": _as_row("scatter_fold"),
}  # fmt: skip
