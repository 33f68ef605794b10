"""Kernels that write into memory."""

from __future__ import annotations

import functools

import numpy as np

from rushlight.compiler.emit.expressions import written_expression
from rushlight.compiler.graph import NoC, Place
from rushlight.compiler.lowering.places import elsewhere, region
from rushlight.compiler.lowering.pointwise import computed, kind_of, parameters
from rushlight.compiler.lowering.program import KERNELS, Lowering
from rushlight.compiler.recording import values
from rushlight.compiler.recording.entries import Write
from rushlight.compiler.recording.printing import called
from rushlight.primitives import writing
from rushlight.primitives.formulas import FORMULAS


def write(lowering: Lowering, entry: Write) -> None:
    """A kernel with a C expression for what stands there afterwards."""
    target, kernel = lowering.place(entry.target), entry.kernel
    bare = kernel.args[0] if isinstance(kernel, functools.partial) else kernel
    if entry.turning:
        raise NoC("a write into what is conjugated")
    if bare is writing.copy_region:
        target = region(target, entry.static["index"])
    if not _apart(target):
        raise NoC("a write into what is shown again and again")
    if bare is writing.copy_region:
        source = elsewhere(lowering, lowering.place(entry.inputs[0]), target)
        lowering.loop(target, lowering.element(source, target.shape))
    elif (known := KERNELS.get(bare)) is not None:
        if bare is not kernel:
            raise NoC(f"the kernel {called(kernel)} for {target.dtype}")
        known(lowering, target, entry.inputs, entry.static)
    else:
        _elements(lowering, target, entry)


def _elements(lowering: Lowering, target: Place, entry: Write) -> None:
    """A kernel that computes each element from those at the same place."""
    kernel, shape = entry.kernel, target.shape
    known = FORMULAS.get(kernel.args[0] if isinstance(kernel, functools.partial) else kernel)
    if known is None:
        raise NoC(f"the kernel {called(kernel)}")
    names = known[0]
    static, figures = parameters(entry.static)
    inputs = {names[0]: lowering.element(target, shape), **figures}
    kinds = []
    for name, x in zip(names[1:], entry.inputs, strict=False):
        if x.__class__ is not values.Value:
            kind = kind_of(x, None)
            operand = (
                lowering.load(x, kind, shape)
                if kind is None or isinstance(kind, np.dtype)
                else None
            )
        else:
            place = lowering.place(x)
            kind = place.dtype
            if place != target:
                place = elsewhere(lowering, place, target)
            operand = lowering.element(place, shape)
        kinds.append(kind)
        if operand is not None:
            inputs[name] = operand
    made = written_expression(kernel, target.dtype, kinds, static, target.size)
    if made is None or made.check is not None:
        raise NoC(f"the kernel {called(kernel)} for {target.dtype}")
    template = made.template.replace("{target}", f"{{{names[0]}}}")
    lowering.loop(target, computed(template, target.dtype, inputs, made.fragments))


def _apart(place: Place) -> bool:
    """Whether no element is shown again and again."""
    return all(s or n <= 1 for n, s in zip(place.shape, place.strides, strict=True))
