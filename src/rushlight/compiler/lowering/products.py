"""Rows that are products of matrices."""

from __future__ import annotations

import math
from dataclasses import replace

from rushlight.compiler.emit.expressions import expression
from rushlight.compiler.graph import Fold, NoC, Place, Product
from rushlight.compiler.lowering.pointwise import computed
from rushlight.compiler.lowering.program import Lowering, rule
from rushlight.compiler.recording.entries import Operation
from rushlight.core.table import TABLE
from rushlight.dtypes import NARROW


def flat(lowering: Lowering, x: Place) -> Place:
    """All rows of x, one below the other; copied where they lie in another order."""
    if len(x.shape) == 2:
        return x
    shape = (math.prod(x.shape[:-1]), x.shape[-1])
    try:
        return x.reshaped(shape)
    except NoC:
        copy = lowering.temporary(x.shape, x.dtype, "rows")
        lowering.loop(copy, lowering.element(x, x.shape))
        return copy.reshaped(shape)


def product(lowering: Lowering, a: Place, b: Place, c: Place) -> None:
    """c = a @ b."""
    if a.dtype != b.dtype or a.dtype.kind not in "iuf" or a.dtype in NARROW:
        raise NoC(f"a product of {a.dtype}")
    if 0 in a.shape or 0 in b.shape:
        raise NoC("a product of nothing")
    if a.dtype.kind != "f":
        _whole(lowering, a, b, c)
        return
    lowering.add(Product(lowering.where, a, b, c))


def _whole(lowering: Lowering, a: Place, b: Place, c: Place) -> None:
    """A product of whole numbers, which wrap around."""
    shape = (*a.shape, b.shape[-1])
    rank = len(shape)
    left = replace(a, shape=(*a.shape, 1), strides=(*a.strides, 0))
    right = replace(
        b, shape=(*b.shape[:-2], 1, *b.shape[-2:]), strides=(*b.strides[:-2], 0, *b.strides[-2:])
    )
    wrapped = expression(TABLE["mul"], [a.dtype, a.dtype], {})
    if wrapped is None:
        raise NoC(f"a product of {a.dtype}")
    parts = {"x": lowering.element(left, shape), "y": lowering.element(right, shape)}
    lowering.folded(
        c,
        computed(wrapped.template, a.dtype, parts, wrapped.fragments),
        shape,
        (rank - 2,),
        Fold("+", "0"),
    )


@rule("linear")
def _linear(lowering: Lowering, entry: Operation) -> None:
    x, weight = (flat(lowering, lowering.place(operand)) for operand in entry.inputs[:2])
    out = lowering.out(entry.outs[0])
    rows = out if len(out.shape) == 2 else out.reshaped((x.shape[0], weight.shape[0]))
    product(lowering, x, weight.permuted((1, 0)), rows)
    if len(entry.inputs) > 2 and entry.inputs[2] is not None:
        total = lowering.compute(
            out.dtype,
            "{x} + {bias}",
            x=lowering.element(rows, rows.shape),
            bias=lowering.element(lowering.place(entry.inputs[2]), rows.shape),
        )
        lowering.loop(rows, total)


@rule("linear_weight")
def _linear_weight(lowering: Lowering, entry: Operation) -> None:
    g, x = (flat(lowering, lowering.place(operand)) for operand in entry.inputs)
    product(lowering, g.permuted((1, 0)), x, lowering.out(entry.outs[0]))


@rule("matmul")
def _matmul(lowering: Lowering, entry: Operation) -> None:
    a, b = map(lowering.place, entry.inputs)
    out = lowering.out(entry.outs[0])
    if len(b.shape) == 2 and len(a.shape) > 2:
        a = flat(lowering, a)
        product(lowering, a, b, out.reshaped((a.shape[0], b.shape[1])))
        return
    batch = out.shape[:-2]
    product(lowering, a.spread((*batch, *a.shape[-2:])), b.spread((*batch, *b.shape[-2:])), out)
