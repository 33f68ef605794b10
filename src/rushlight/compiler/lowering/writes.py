"""Kernels that write into memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.compiler.emit.expressions import Figure, written_expression
from rushlight.compiler.graph import Compute, Expression, NoC, Place, Scalar
from rushlight.compiler.lowering.moves import region
from rushlight.compiler.lowering.pointwise import kind_of
from rushlight.compiler.lowering.program import Lowering
from rushlight.compiler.recording import values
from rushlight.compiler.recording.entries import Write
from rushlight.compiler.recording.printing import called
from rushlight.primitives import writing
from rushlight.primitives.formulas import FORMULAS

_DOUBLE = np.dtype(np.float64)


def write(lowering: Lowering, entry: Write) -> None:
    """A kernel with a C expression for what stands there afterwards."""
    target, kernel = lowering.place(entry.target), entry.kernel
    if kernel is writing.copy_region and not entry.turning:
        part = region(target, entry.static["index"])
        if _apart(part):
            lowering.loop(part, lowering.load(entry.inputs[0], None, part.shape))
            return
    known = FORMULAS.get(kernel)
    if entry.turning or known is None:
        raise NoC(f"the kernel {called(kernel)}")
    if not _apart(target):
        raise NoC("a write into what is shown again and again")
    names, shape = known[0], target.shape
    static: dict[str, Any] = {}
    inputs: dict[str, Expression] = {names[0]: lowering.element(target, shape)}
    for name, value in entry.static.items():
        static[name] = value
        if value.__class__ is values.Figure:
            static[name] = Figure(f"{{{name}}}")
            inputs[name] = Scalar(_DOUBLE, value)
    kinds = []
    for name, x in zip(names[1:], entry.inputs, strict=False):
        kind = kind_of(x, None if x.__class__ is not values.Value else lowering.place(x).dtype)
        kinds.append(kind)
        if isinstance(kind, np.dtype) or kind is None:
            inputs[name] = lowering.load(x, kind, shape)
    made = written_expression(kernel, target.dtype, kinds, static, target.size)
    if made is None or made.check is not None:
        raise NoC(f"the kernel {called(kernel)} for {target.dtype}")
    template = made.template.replace("{target}", f"{{{names[0]}}}")
    used = {name: x for name, x in inputs.items() if f"{{{name}}}" in template}
    lowering.loop(
        target, Compute(target.dtype, template, tuple(used), tuple(used.values()), made.fragments)
    )


def _apart(place: Place) -> bool:
    """Whether no element is shown again and again."""
    return all(s or n <= 1 for n, s in zip(place.shape, place.strides, strict=True))
