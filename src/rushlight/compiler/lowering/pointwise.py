"""Rows that compute each element from the elements at the same place."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.compiler.emit.expressions import ABSENT, Figure, expression
from rushlight.compiler.graph import Compute, Expression, Guard, NoC, Scalar
from rushlight.compiler.lowering.program import Lowering, rule
from rushlight.compiler.recording import values
from rushlight.compiler.recording.entries import Operation

_BOOL, _DOUBLE = np.dtype(np.bool_), np.dtype(np.float64)


@rule("pointwise")
def pointwise(lowering: Lowering, entry: Operation) -> None:
    """A row with a C expression."""
    row = entry.row
    static, figures = parameters(entry.static)
    kinds = [
        kind_of(x, kind) for x, kind in zip(entry.inputs, lowering.promoted(entry), strict=True)
    ]
    names = row.inputs
    if any(name.startswith("*") for name in names):
        raise NoC(f"the row {row.name}")
    for number, value in enumerate(entry.outs):
        found = expression(row, kinds, static, number)
        if found is None:
            raise NoC(f"the row {row.name}")
        inputs: dict[str, Expression] = dict(figures)
        for name, x, kind in zip(names, entry.inputs, kinds, strict=False):
            if isinstance(kind, np.dtype) or kind is None:
                inputs[name] = lowering.load(x, kind, value.shape)
        made = computed(found.template, found.dtype, inputs, found.fragments)
        if found.check is not None and not number:
            wrong = computed(found.check, _BOOL, inputs, found.fragments)
            right = Compute(_BOOL, "!{wrong}", ("wrong",), (wrong,))
            lowering.add(Guard(lowering.where, value.shape, right))
        lowering.loop(lowering.out(value), made)


def parameters(static: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Expression]]:
    """Static parameters as expressions take them, and those that are numbers of the run."""
    known = dict(static)
    figures: dict[str, Expression] = {}
    for name, value in static.items():
        if value.__class__ is values.Figure:
            known[name] = Figure(f"{{{name}}}")
            figures[name] = Scalar(_DOUBLE, value)
    return known, figures


def computed(
    template: str, dtype: np.dtype[Any], inputs: dict[str, Any], fragments: tuple[str, ...]
) -> Compute:
    """A C expression over those of the inputs that its template names."""
    used = {name: x for name, x in inputs.items() if f"{{{name}}}" in template}
    return Compute(dtype, template, tuple(used), tuple(used.values()), fragments)


def kind_of(operand: Any, promoted: np.dtype[Any] | None) -> Any:
    """What an expression must know of an operand: its type, or that it is a number, and which."""
    if operand is None:
        return ABSENT
    if operand.__class__ is values.Figure:
        return None
    if operand.__class__ is values.Value:
        return promoted
    return operand if isinstance(operand, bool | int | float | complex | np.generic) else ABSENT
