"""Connectionist temporal classification: the probability of labels, over all their alignments.

A. Graves et al., "Connectionist Temporal Classification", 2006: alpha and beta are the sums over the
beginnings and the ends of alignments, along the labels with blanks between them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from rushlight.arrays import as_array
from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.tensor import Array
from rushlight.primitives.families import draw
from rushlight.primitives.kernel import one_kernel


def _layout(
    targets: Array, target_lengths: Array, *, blank: int, longest: int
) -> tuple[Array, Array]:
    """Labels with blanks between them, [N, 2 * longest + 1]; and where a blank may be skipped."""
    batch = target_lengths.size
    labels = np.full((batch, 2 * longest + 1), blank, np.int64, like=targets)
    starts = (np.cumsum(target_lengths) - target_lengths).tolist()
    for n, length in enumerate(target_lengths.tolist()):
        row = targets[n, :length] if targets.ndim == 2 else targets[starts[n] : starts[n] + length]
        labels[n, 1 : 2 * length : 2] = row
    skips = np.zeros(labels.shape, bool, like=labels)
    skips[:, 2:] = labels[:, 2:] != labels[:, :-2]
    return labels, skips


def _layout_rule(targets: Array, target_lengths: Array, *, blank: int, longest: int) -> list[Spec]:
    shape = (target_lengths.size, 2 * longest + 1)
    return [(shape, np.dtype(np.int64)), (shape, np.dtype(bool))]


ctc_layout = Primitive(
    "ctc_layout", "loss", _layout, None, _layout_rule, "labels",
    lambda: [Sample((np.array([[1, 1], [2, 0]]), np.array([2, 1])), {"blank": 0, "longest": 2})],
)  # fmt: skip


def _total(first: Array, second: Array, third: Array | None = None) -> Array:
    """The logarithm of a sum, from logarithms; -inf stands for nothing."""
    peak = (
        np.maximum(first, second) if third is None else np.maximum(np.maximum(first, second), third)
    )
    peak = np.where(peak == -np.inf, peak.dtype.type(0), peak)
    total = np.exp(first - peak) + np.exp(second - peak)
    if third is not None:
        total += np.exp(third - peak)
    return np.log(total) + peak


def _scores(log_probs: Array, labels: Array) -> Array:
    """The log-probability of every label of the layout in every frame, [T, N, W]."""
    samples = np.arange(labels.shape[0], like=labels).reshape(-1, 1)
    return as_array(log_probs[:, samples, labels])


def _advance(before: Array, skips: Array, scores: Array) -> Array:
    """One frame further: stay, go on by one, or skip a blank."""
    one, two = np.full_like(before, -np.inf), np.full_like(before, -np.inf)
    one[:, 1:] = before[:, :-1]
    two[:, 2:] = np.where(skips[:, 2:], before[:, :-2], before.dtype.type(-np.inf))
    return _total(before, one, two) + scores


def _alpha(scores: Array, skips: Array) -> Array:
    alpha = np.full_like(scores, -np.inf)
    alpha[0, :, :2] = scores[0, :, :2]
    for t in range(1, len(scores)):
        alpha[t] = _advance(alpha[t - 1], skips, scores[t])
    return alpha


def _ctc(
    x: Array, labels: Array, skips: Array, ins: Array, outs: Array, *, zero_infinity: bool
) -> Array:
    """-log of the probability of each sample's labels."""
    alpha = _alpha(_scores(x, labels), skips)
    batch = np.arange(labels.shape[0], like=labels)
    # The sequence may end with its last label or with the blank behind it.
    ended = alpha[np.maximum(ins - 1, 0), batch]
    label = np.where(outs > 0, ended[batch, np.maximum(2 * outs - 1, 0)], x.dtype.type(-np.inf))
    loss = -_total(ended[batch, 2 * outs], label)
    # -log(1), which torch has as -0.
    nothing = np.where(outs == 0, x.dtype.type(-0.0), x.dtype.type(np.inf))
    return np.where(ins > 0, loss, nothing)


def _ctc_rule(
    x: Array, labels: Array, skips: Array, ins: Array, outs: Array, *, zero_infinity: bool
) -> Spec:
    return ins.shape, x.dtype


def _ctc_samples() -> Iterable[Sample]:
    layout = _layout(np.array([[1, 1], [2, 0]]), np.array([2, 1]), blank=0, longest=2)
    probable = draw(1, (4, 2, 3))
    probable -= np.log(np.exp(probable).sum(axis=-1, keepdims=True))
    yield Sample((probable, *layout, np.array([4, 3]), np.array([2, 1])), {"zero_infinity": False})


@one_kernel(refused="_ctc_loss_backward")
def _ctc_vjp(
    g: Any, x: Any, labels: Any, skips: Any, ins: Any, outs: Any, out: Any, zero_infinity: bool
) -> Any:
    return ctc_backward(g, x, labels, skips, ins, outs, out, zero_infinity=zero_infinity)


ctc = Primitive(
    "ctc", "loss", _ctc, (_ctc_vjp, None, None, None, None), _ctc_rule, "ctc", _ctc_samples,
    label="CtcLossBackward0",
)  # fmt: skip


def _ctc_backward(
    g: Array, x: Array, labels: Array, skips: Array, ins: Array, outs: Array, loss: Array,
    *, zero_infinity: bool,
) -> Array:  # fmt: skip
    """-g times how often each class is expected in each frame."""
    scores = _scores(x, labels)
    alpha = _alpha(scores, skips)
    batch, states = np.arange(labels.shape[0], like=labels), np.arange(labels.shape[1], like=labels)
    last = states >= (2 * outs - 1).reshape(-1, 1)
    inside = states <= (2 * outs).reshape(-1, 1)
    # Backward, the skip into a label is one out of the label two places before it.
    leaps = np.zeros_like(skips)
    leaps[:, 2:] = skips[:, :1:-1] & inside[:, :1:-1]
    beta = np.full((labels.shape[0], labels.shape[1]), -np.inf, x.dtype, like=x)
    mass = np.full(x.shape, -np.inf, x.dtype, like=x)
    for t in range(len(scores) - 1, -1, -1):
        moved = _advance(beta[:, ::-1], leaps, scores[t, :, ::-1])[:, ::-1]
        moved = np.where((ins - 1 == t).reshape(-1, 1) & last, scores[t], moved)
        running = (ins > t).reshape(-1, 1) & inside
        beta = np.where(running, moved, x.dtype.type(-np.inf))
        through = np.where(running, alpha[t] + beta, x.dtype.type(-np.inf))
        for s in range(labels.shape[1]):
            place = (t, batch, labels[:, s])
            mass[place] = np.logaddexp(mass[place], through[:, s])
    grad = np.exp(mass + loss.reshape(-1, 1) - x) * -g.reshape(-1, 1)
    left = np.arange(len(x), like=x).reshape(-1, 1) >= ins
    if zero_infinity:
        left = left | (loss == np.inf)
    grad[left] = 0
    return as_array(grad)


def _ctc_backward_rule(
    g: Array, x: Array, labels: Array, skips: Array, ins: Array, outs: Array, loss: Array,
    *, zero_infinity: bool,
) -> Spec:  # fmt: skip
    return x.shape, x.dtype


def _ctc_backward_samples() -> Iterable[Sample]:
    for sample in _ctc_samples():
        loss = _ctc(*sample.arrays, **sample.static)
        yield Sample((draw(2, (2,)), *sample.arrays, loss), sample.static)


ctc_backward = Primitive(
    "ctc_backward", "loss", _ctc_backward, None, _ctc_backward_rule, "ctc", _ctc_backward_samples,
)  # fmt: skip
