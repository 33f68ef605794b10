"""Kernels that write into memory."""

from __future__ import annotations

import numpy as np

from rushlight.compiler.emit.expressions import written_expression
from rushlight.compiler.graph import NoC, Place
from rushlight.compiler.lowering.moves import region
from rushlight.compiler.lowering.pointwise import computed, kind_of, parameters
from rushlight.compiler.lowering.program import Lowering
from rushlight.compiler.recording import values
from rushlight.compiler.recording.entries import Write
from rushlight.compiler.recording.printing import called
from rushlight.primitives import writing
from rushlight.primitives.formulas import FORMULAS


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
    static, figures = parameters(entry.static)
    inputs = {names[0]: lowering.element(target, shape), **figures}
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
    lowering.loop(target, computed(template, target.dtype, inputs, made.fragments))


def _apart(place: Place) -> bool:
    """Whether no element is shown again and again."""
    return all(s or n <= 1 for n, s in zip(place.shape, place.strides, strict=True))
