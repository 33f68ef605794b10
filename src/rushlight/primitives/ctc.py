"""Connectionist temporal classification: the probability of labels, over all their alignments.

A. Graves et al., "Connectionist Temporal Classification", 2006: alpha and beta are the sums over the
beginnings and the ends of alignments, along the labels with blanks between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


def _total(*logs: Array) -> Array:
    """The logarithm of a sum, from logarithms; -inf stands for nothing."""
    # A peak of -inf, from which nothing can be taken away, counts as the least number.
    peak = np.full_like(logs[0], np.finfo(logs[0].dtype).min)
    for one in logs:
        np.maximum(peak, one, out=peak)
    total = np.zeros_like(peak)
    for one in logs:
        part = one - peak
        total += np.exp(part, out=part)
    return np.add(np.log(total, out=total), peak, out=total)


def _scores(log_probs: Array, labels: Array) -> Array:
    """The log-probability of every label of the layout in every frame, [T, N, W]."""
    samples = np.arange(labels.shape[0], like=labels).reshape(-1, 1)
    return as_array(log_probs[:, samples, labels])


def _barriers(skips: Array, dtype: np.dtype[Any]) -> Array:
    """0 where a blank may be skipped, and -inf where it may not."""
    return np.where(skips, dtype.type(0), dtype.type(-np.inf))


class _Frames:
    """Goes from frame to frame: stay, go on by one, or skip a blank where there is no barrier.

    The same sum as that of `_total`, in memory that all frames share.
    """

    def __init__(self, barriers: Array) -> None:
        self.barriers = barriers
        self.least = np.finfo(barriers.dtype).min
        self.ways = np.empty_like(barriers, shape=(3, *barriers.shape))
        self.peak = np.empty_like(barriers)

    def advance(self, before: Array, scores: Array, out: Array) -> Array:
        """One frame further. Two columns of -inf stand before it."""
        ways, peak = self.ways, self.peak
        ways[0], ways[1] = before[:, 2:], before[:, 1:-1]
        np.add(before[:, :-2], self.barriers, out=ways[2])
        np.maximum.reduce(ways, axis=0, out=peak, initial=self.least)
        np.subtract(ways, peak, out=ways)
        np.add.reduce(np.exp(ways, out=ways), axis=0, out=out)
        np.add(np.log(out, out=out), peak, out=out)
        return np.add(out, scores, out=out)


def _behind_nothing(shape: Sequence[int], like: Array) -> Array:
    """-inf, two columns more than asked for."""
    return np.full((*shape[:-1], shape[-1] + 2), -np.inf, like.dtype, like=like)


def _alpha(scores: Array, skips: Array) -> Array:
    alpha, frames = _behind_nothing(scores.shape, scores), _Frames(_barriers(skips, scores.dtype))
    alpha[0, :, 2:4] = scores[0, :, :2]
    for t in range(1, len(scores)):
        frames.advance(alpha[t - 1], scores[t], alpha[t, :, 2:])
    return alpha[..., 2:]


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


def _ctc_rule(x: Array, labels: Array, skips: Array, ins: Array, outs: Array, **_: Any) -> Spec:
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
    batch, states = (np.arange(n, like=labels) for n in labels.shape)
    last = states >= (2 * outs - 1).reshape(-1, 1)
    inside = states <= (2 * outs).reshape(-1, 1)
    # Backward, the skip into a label is one out of the label two places before it.
    leaps = np.zeros_like(skips)
    leaps[:, 2:] = skips[:, :1:-1] & inside[:, :1:-1]
    frames = _Frames(_barriers(leaps, x.dtype))
    beta = _behind_nothing(labels.shape, x)
    through = np.full_like(scores, -np.inf)
    nothing = x.dtype.type(-np.inf)
    # Of each frame: where alignments end, and where there are any.
    time = np.arange(len(scores), like=ins).reshape(-1, 1, 1)
    ends = (ins.reshape(-1, 1) - 1 == time) & last
    beyond = ~((ins.reshape(-1, 1) > time) & inside)
    moved = np.empty_like(scores[0])
    for t in range(len(scores) - 1, -1, -1):
        frames.advance(beta, scores[t, :, ::-1], moved[:, ::-1])
        np.copyto(moved, scores[t], where=ends[t])
        np.copyto(moved, nothing, where=beyond[t])
        np.add(alpha[t], moved, out=through[t])
        beta[:, 2:] = moved[:, ::-1]
    # How often each label is expected in each frame: at most once in all, so that it can be added up
    # as it is. What is impossible was never there, unless the class is impossible itself: that is nan.
    expected = np.exp(through + loss.reshape(-1, 1) - scores)
    expected[through == nothing] = 0
    grad = np.exp(nothing + loss.reshape(-1, 1) - x, order="C")
    # One index for all dimensions: with three it takes several times as long.
    at = (time * len(ins) + batch.reshape(-1, 1)) * x.shape[2] + labels
    np.add.at(grad.reshape(-1), at.reshape(-1), expected.reshape(-1))
    grad *= -g.reshape(-1, 1)
    left = time[..., 0] >= ins
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
