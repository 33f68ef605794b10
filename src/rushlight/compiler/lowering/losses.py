"""Losses that pick one class per sample."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.compiler.graph import Expression, Guard, Literal, Pick, Place, Position, Shape
from rushlight.compiler.lowering.normalization import log_softmax
from rushlight.compiler.lowering.program import Lowering, rule
from rushlight.compiler.lowering.reductions import SUM, floating
from rushlight.compiler.recording.entries import Operation

_BOOL = np.dtype(np.bool_)
_LONG = np.dtype(np.int64)
# Of a class: as wide as floats.
_INT = np.dtype(np.int32)


class _Targets:
    """Which class each sample has, and which samples count."""

    def __init__(self, lowering: Lowering, entry: Operation, at: int, classes: int) -> None:
        self.lowering = lowering
        self.target = lowering.place(entry.inputs[at])
        weight = entry.inputs[at + 1] if len(entry.inputs) > at + 1 else None
        self.weight = None if weight is None else lowering.place(weight)
        self.ignored = entry.static["ignore_index"]
        text = "({t} >= 0 && {t} < {n}) || {t} == {hidden}"
        shape = self.target.shape
        condition = lowering.compute(
            _BOOL, text, t=self.load(shape), n=Literal(_LONG, classes),
            hidden=Literal(_LONG, self.ignored),
        )  # fmt: skip
        if 0 not in shape:
            lowering.add(Guard(lowering.where, shape, condition))

    def load(self, shape: Shape, dim: int | None = None) -> Expression:
        """The target of each sample; with dim for each element of something with classes there."""
        target = self.target
        if dim is not None:
            spread = (*target.shape[:dim], 1, *target.shape[dim:])
            strides = (*target.strides[:dim], 0, *target.strides[dim:])
            target = Place(target.memory, target.offset, spread, strides)
        return self.lowering.element(target, shape)

    def counts(self, target: Expression, yes: Expression) -> Expression:
        """An expression, or zero where the sample is ignored."""
        return self.lowering.compute(
            yes.dtype, "{t} == {hidden} ? {zero} : {yes}", t=target,
            hidden=Literal(_LONG, self.ignored), zero=Literal(yes.dtype, 0.0), yes=yes,
        )  # fmt: skip

    def safe(self, target: Expression) -> Expression:
        """The target, or class 0 where it is ignored."""
        return self.lowering.compute(
            _LONG, "{t} == {hidden} ? 0 : {t}", t=target, hidden=Literal(_LONG, self.ignored)
        )

    def weights(self, target: Expression, dtype: Any) -> Expression:
        """The weight of each sample."""
        if self.weight is None:
            return Literal(dtype, 1.0)
        return Pick(dtype, self.weight, (self.safe(target),))


def _nll(lowering: Lowering, scores: Place, targets: _Targets, entry: Operation) -> None:
    """The loss and the total weight, the first two results."""
    loss, total = (lowering.out(value) for value in entry.outs[:2])
    shape, dtype = targets.target.shape, scores.dtype
    target = targets.load(shape)
    safe = targets.safe(target)
    indices = (Position(_LONG, 0), safe, *(Position(_LONG, d) for d in range(1, len(shape))))
    score = Pick(dtype, scores, indices)
    weight = targets.weights(target, dtype)
    each = lowering.compute(dtype, "-{x} * {w}", x=score, w=weight)
    each = targets.counts(target, each)
    reduction = entry.static["reduction"]
    every = tuple(range(len(shape)))
    lowering.folded(total, targets.counts(target, weight), shape, every, SUM)
    if reduction == "none":
        lowering.loop(loss, each)
        return
    if reduction == "sum":
        lowering.folded(loss, each, shape, every, SUM)
        return
    sum_of = lowering.temporary((), dtype, "losses")
    lowering.folded(sum_of, each, shape, every, SUM)
    lowering.loop(
        loss,
        lowering.compute(
            dtype, "{x} / {n}", x=lowering.element(sum_of, ()), n=lowering.element(total, ())
        ),
    )


@rule("nll")
def _nll_row(lowering: Lowering, entry: Operation) -> None:
    scores = lowering.place(entry.inputs[0])
    floating(scores)
    _nll(lowering, scores, _Targets(lowering, entry, 1, scores.shape[1]), entry)


@rule("cross_entropy")
def _cross_entropy(lowering: Lowering, entry: Operation) -> None:
    x = lowering.place(entry.inputs[0])
    floating(x)
    targets = _Targets(lowering, entry, 1, x.shape[1])
    scores = lowering.out(entry.outs[2])
    log_softmax(lowering, x, scores, 1)
    _nll(lowering, scores, targets, entry)


def _at_target(lowering: Lowering, targets: _Targets, shape: Shape) -> Expression:
    """Whether an element is that of the class of its sample."""
    target = lowering.cast(targets.load(shape, 1), _INT)
    return lowering.compute(_BOOL, "{at} == {t}", at=Position(_INT, 1), t=target)


def _factor(lowering: Lowering, targets: _Targets, x: Place, shape: Shape) -> Expression:
    """x times the weight, 0 for what is ignored; x is one number, or one for each sample."""
    if len(x.shape):
        x = Place(
            x.memory, x.offset, (*x.shape[:1], 1, *x.shape[1:]), (*x.strides[:1], 0, *x.strides[1:])
        )
    target = targets.load(shape, 1)
    value: Expression = lowering.element(x, shape)
    if targets.weight is not None:
        weight = targets.weights(target, x.dtype)
        value = lowering.compute(x.dtype, "{x} * {w}", x=value, w=weight)
    return targets.counts(target, value)


@rule("nll_scatter")
def _nll_scatter(lowering: Lowering, entry: Operation) -> None:
    x = lowering.place(entry.inputs[0])
    floating(x)
    shape = entry.static["shape"]
    targets = _Targets(lowering, entry, 1, shape[1])
    out = lowering.out(entry.outs[0])
    value = lowering.compute(
        x.dtype, "{hit} ? -{x} : {zero}", hit=_at_target(lowering, targets, shape),
        x=_factor(lowering, targets, x, shape), zero=Literal(x.dtype, 0.0),
    )  # fmt: skip
    lowering.loop(out, value)


@rule("cross_entropy_grad")
def _cross_entropy_grad(lowering: Lowering, entry: Operation) -> None:
    x, scores = map(lowering.place, entry.inputs[:2])
    floating(x)
    shape = scores.shape
    targets = _Targets(lowering, entry, 2, shape[1])
    out = lowering.out(entry.outs[0])
    raised = lowering.call("exp", lowering.element(scores, shape))
    factor = _factor(lowering, targets, x, shape)
    value = lowering.compute(
        x.dtype, "{s} * {f} - ({hit} ? {f} : {zero})", s=raised, f=factor,
        hit=_at_target(lowering, targets, shape), zero=Literal(x.dtype, 0.0),
    )  # fmt: skip
    lowering.loop(out, value)
