"""Losses that pick one class per sample, and the elementwise cross-entropy of probabilities."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from rushlight.arrays import as_array
from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.tensor import Array
from rushlight.primitives.families import FLOAT, binary, draw
from rushlight.primitives.inner import inner
from rushlight.primitives.kernel import lying_like, one_kernel
from rushlight.primitives.placement import as_first, in_rows
from rushlight.primitives.pointwise import abs, eq, ge, le, lt, mul, where
from rushlight.primitives.scatter import gather, scatter, scatter_fill
from rushlight.primitives.select import choose
from rushlight.primitives.softmax import log_softmax

Shape = tuple[int, ...]

# ---- distances of numbers -----------------------------------------------------------------------


def _rounded_distance(x: Array, y: Array, *, bend: float, slope: float) -> Any:
    """slope * |x - y|, with a parabola for a tip: |x - y| < bend."""
    distance = np.abs(np.subtract(x, y))
    tip = distance * distance * (0.5 * (1.0 if slope == bend else slope / bend))
    return choose(distance < bend, as_array(tip), as_array((distance - 0.5 * bend) * slope))


def _rounded_slope(g: Any, x: Any, bend: float, slope: float) -> Any:
    # Where x is nan, so is the slope, but not the curvature.
    tip = where(lt(abs(x), bend), x, x.detach()) * (slope / bend)
    return mul(g, where(le(x, -bend), -slope, where(ge(x, bend), slope, tip)))


def _rounded_x(g: Any, x: Any, y: Any, bend: float, slope: float) -> Any:
    return _rounded_slope(g, x - y, bend, slope)


def _rounded_y(g: Any, x: Any, y: Any, bend: float, slope: float) -> Any:
    return _rounded_slope(g, y - x, bend, slope)


# The two gradients by the same formula, so that a zero has no sign in either.
rounded_distance = binary(
    "rounded_distance", _rounded_distance,
    tuple(one_kernel(rule, flat=True, in_rows=True) for rule in (_rounded_x, _rounded_y)),
    "fabs({x} - {y}) < {bend} ? ({x} - {y}) * ({x} - {y}) * ({T})(0.5 * {slope:d} / {bend:d}) : "
    "(fabs({x} - {y}) - ({T})(0.5 * {bend:d})) * {slope}",
    takes=FLOAT, static=({"bend": 0.5, "slope": 1.0}, {"bend": 1.5, "slope": 1.5}),
)  # fmt: skip


def _squared_distance(x: Array, y: Array) -> Any:
    difference = np.subtract(x, y)
    return np.multiply(difference, difference)


squared_distance = binary(
    "squared_distance", _squared_distance,
    (one_kernel(lambda g, x, y: (x - y) * g * 2, in_rows=True),
     one_kernel(lambda g, x, y: (y - x) * g * 2, in_rows=True)),
    "({x} - {y}) * ({x} - {y})", takes=FLOAT, label="MseLossBackward0", as_is=True,
)  # fmt: skip

# ---- one class per sample -----------------------------------------------------------------------


def _classes(target: Array, count: int, ignored: int) -> tuple[Array, Array | None]:
    """Targets that are safe to index with, and where they are to be ignored (None: nowhere)."""
    if not target.size:
        return target, None
    if ignored < 0 and target.min() >= 0:
        # One that is too large is found when it is used.
        return target, None
    hidden = target == ignored
    if hidden.any():
        target = np.where(hidden, 0, target)
    _check_range(target, count, ignored)
    return target, hidden


def _check_range(target: Array, count: int, ignored: int) -> None:
    if target.min() < 0 or target.max() >= count:
        wrong = target[(target < 0) | (target >= count)].flat[0]
        raise IndexError(
            f"Target {wrong} is out of bounds: class indices must be at least 0 and below the number "
            f"of classes, {count}, or equal to ignore_index ({ignored})"
        )


def _where(target: Array) -> tuple[Array, ...]:
    """An index of [N, C, ...] that picks one class for each element of [N, ...]."""
    if target.ndim == 1:
        return np.arange(target.size, like=target), target
    batch, *rest = (
        np.arange(n, like=target).reshape(n, *(1,) * (target.ndim - 1 - d))
        for d, n in enumerate(target.shape)
    )
    return (batch, target, *rest)


def _nll(
    x: Array, target: Array, weight: Array | None = None, *, reduction: str, ignore_index: int
) -> tuple[Any, Any]:
    """-weight[target] * x[target], reduced; and the total of the weights that were used."""
    chosen, hidden = _classes(target, x.shape[1], ignore_index)
    losses = np.negative(x[_where(chosen)])
    if weight is None and hidden is None:
        total = x.dtype.type(target.size)
    else:
        used = np.ones(target.shape, x.dtype, like=x) if weight is None else weight[chosen]
        if hidden is not None:
            used = np.where(hidden, x.dtype.type(0), used)
            losses = np.where(hidden, x.dtype.type(0), losses)
        losses *= used
        total = used.sum()
    if reduction == "none":
        return losses, total
    loss = losses.sum()
    # torch's mean over nothing is nan.
    return (np.true_divide(loss, total) if reduction == "mean" else loss), total


@one_kernel(flat=True)
def _nll_vjp(
    g: list[Any], x: Any, target: Any, weight: Any, out1: Any, reduction: str,
    ignore_index: int,
) -> Any:  # fmt: skip
    if g[0] is None:
        return None
    share = g[0] / out1.detach() if reduction == "mean" else g[0]
    return nll_scatter(share, target, weight, shape=x._data_.shape, ignore_index=ignore_index)


def _nll_rule(
    x: Array, target: Array, weight: Array | None = None, *, reduction: str, ignore_index: int
) -> list[Spec]:
    if target.size:
        _check_range(_classes(target, x.shape[1], ignore_index)[0], x.shape[1], ignore_index)
    return [(target.shape if reduction == "none" else (), x.dtype), ((), x.dtype)]


_TARGETS: tuple[tuple[Shape, Any], ...] = (
    ((3, 4), [1, 0, 3]),
    ((3, 4), [1, -100, 3]),
    ((2, 3, 2), [[0, 2], [1, -100]]),
)


def _nll_samples() -> Iterable[Sample]:
    for seed, (shape, target) in enumerate(_TARGETS):
        for reduction in ("mean", "sum", "none"):
            weight = draw(7, (shape[1],), 0.5, 2.0) if reduction != "sum" else None
            static = {"reduction": reduction, "ignore_index": -100}
            yield Sample((draw(seed, shape), np.array(target), weight), static)


nll = Primitive(
    "nll", "loss", _nll, (_nll_vjp, None, None), _nll_rule, "nll", _nll_samples, label="NllLossBackward0",
    layout=in_rows,
)  # fmt: skip


def _nll_scatter(
    x: Array, target: Array, weight: Array | None = None, *, shape: Shape, ignore_index: int
) -> Array:
    """-weight[target] * x at the target class, 0 at all others."""
    chosen, hidden = _classes(target, shape[1], ignore_index)
    values = np.negative(x) if weight is None else -weight[chosen] * x
    if hidden is not None:
        values = np.where(hidden, x.dtype.type(0), values)
    out = np.zeros(shape, x.dtype, like=x)
    out[_where(chosen)] = values
    return out


def _nll_scatter_vjp(g: Any, target: Any, weight: Any, ignore_index: int) -> Any:
    return nll(g, target, weight, reduction="none", ignore_index=ignore_index)[0]


def _nll_scatter_rule(
    x: Array, target: Array, weight: Array | None = None, *, shape: Shape, ignore_index: int
) -> Spec:
    return shape, x.dtype


def _nll_scatter_samples() -> Iterable[Sample]:
    for seed, (shape, target) in enumerate(_TARGETS):
        index = np.array(target)
        weight = draw(7, (shape[1],), 0.5, 2.0) if seed else None
        x = draw(seed, index.shape if seed else ())
        yield Sample((x, index, weight), {"shape": shape, "ignore_index": -100})


# x may be one number for all samples; the engine sums its gradient.
nll_scatter = Primitive(
    "nll_scatter", "loss", _nll_scatter, (_nll_scatter_vjp, None, None), _nll_scatter_rule,
    "scatter", _nll_scatter_samples, label="NllLossBackwardBackward0",
)  # fmt: skip

# ---- softmax and the choice of a class in one -------------------------------------------------


def _cross_entropy(
    x: Array, target: Array, weight: Array | None = None, *, reduction: str, ignore_index: int
) -> tuple[Any, Any, Array]:
    """`nll` of the log-softmax of x along dimension 1; the total weight; the log-softmax."""
    scores = log_softmax.forward(x, dim=1)
    loss, total = _nll(scores, target, weight, reduction=reduction, ignore_index=ignore_index)
    return loss, total, scores


@one_kernel
def _cross_entropy_vjp(
    g: list[Any], target: Any, weight: Any, out1: Any, out2: Any, reduction: str, ignore_index: int
) -> Any:
    total = None
    if g[0] is not None:
        share = g[0] / out1.detach() if reduction == "mean" else g[0]
        total = cross_entropy_grad(share, out2, target, weight, ignore_index=ignore_index)
    if g[2] is not None:
        through = g[2] - out2.exp() * g[2].sum(1, keepdim=True)
        total = through if total is None else total + through
    return total


def _cross_entropy_rule(
    x: Array, target: Array, weight: Array | None = None, *, reduction: str, ignore_index: int
) -> list[Spec]:
    first = _nll_rule(x, target, weight, reduction=reduction, ignore_index=ignore_index)
    return [*first, (x.shape, x.dtype)]


cross_entropy = Primitive(
    "cross_entropy", "loss", _cross_entropy, (_cross_entropy_vjp, None, None), _cross_entropy_rule,
    "cross_entropy", _nll_samples, label="NllLossBackward0", layout=in_rows,
)  # fmt: skip


def _cross_entropy_grad(
    x: Array, scores: Array, target: Array, weight: Array | None = None, *, ignore_index: int
) -> Array:
    """x * weight[target] * (exp(scores) - one_hot(target)); x is one number, or one per sample."""
    chosen, hidden = _classes(target, scores.shape[1], ignore_index)
    factor = np.negative(x if weight is None else x * weight[chosen])
    if hidden is not None:
        factor = np.where(hidden, x.dtype.type(0), factor)
    out = np.exp(scores)
    at = _where(chosen)
    # The gradient of the scores is `factor` at the target and 0 elsewhere, and so is their sum: but
    # for its sign if it is zero.
    total = factor if out.shape[1] == 1 else factor + x.dtype.type(0)
    there = factor - out[at] * total
    out *= np.expand_dims(total, 1) if np.ndim(total) else total
    np.subtract(x.dtype.type(0), out, out=out)
    out[at] = there
    return out


def _cross_entropy_grad_x(g: Any, scores: Any, target: Any, weight: Any, ignore_index: int) -> Any:
    chosen = {"reduction": "none", "ignore_index": ignore_index}
    # The mean under softmax minus the element at the target, each times the weight.
    return nll(g - inner(g, scores.exp(), dims=(1,)), target, weight, **chosen)[0]


def _cross_entropy_grad_scores(
    g: Any, x: Any, scores: Any, target: Any, weight: Any, ignore_index: int
) -> Any:
    # The weights of the targets, 0 where they are ignored.
    chosen = {"reduction": "none", "ignore_index": ignore_index}
    used = nll(scores.detach() * 0 - 1, target, weight, **chosen)[0]
    kept = nll(scores.detach() * 0 - 1, target, None, **chosen)[0]
    # What is ignored is left out, even if the mean of nothing is nan.
    return g * scores.exp() * where(eq(kept, 0), 0, x * used).unsqueeze(1)


def _cross_entropy_grad_rule(
    x: Array, scores: Array, target: Array, weight: Array | None = None, *, ignore_index: int
) -> Spec:
    return scores.shape, scores.dtype


def _cross_entropy_grad_samples() -> Iterable[Sample]:
    for seed, (shape, target) in enumerate(_TARGETS):
        index = np.array(target)
        weight = draw(7, (shape[1],), 0.5, 2.0) if seed else None
        x = draw(seed, index.shape if seed else ())
        scores = log_softmax.forward(draw(seed + 5, shape), dim=1)
        yield Sample((x, scores, index, weight), {"ignore_index": -100})


cross_entropy_grad = Primitive(
    "cross_entropy_grad", "loss", _cross_entropy_grad,
    (_cross_entropy_grad_x, _cross_entropy_grad_scores, None, None), _cross_entropy_grad_rule,
    "cross_entropy", _cross_entropy_grad_samples, label="LogSoftmaxBackwardDataBackward0",
)  # fmt: skip

# ---- margins ------------------------------------------------------------------------------------


def _multi_margin(
    x: Array, target: Array, weight: Array | None = None, *, p: int, margin: float
) -> Array:
    """Of each line the sum of max(0, margin - x[target] + x[i]) ** p over the wrong classes i."""
    rows = np.arange(len(x), like=x)
    gaps = x.dtype.type(margin) - x[rows, target][:, None] + x
    gaps = choose(gaps > 0, gaps, x.dtype.type(0))
    if p == 2:
        gaps = gaps * gaps
    if weight is not None:
        gaps = gaps * weight[target][:, None]
    gaps[rows, target] = 0
    return np.add.reduce(gaps, axis=1) / x.shape[1]


def _multi_margin_vjp(g: Any, x: Any, target: Any, weight: Any, p: int, margin: float) -> Any:
    """As in torch the slopes come first, that of the right class among them, and then their product with g."""
    size, place = x._data_.shape[1], target.unsqueeze(1)
    gaps = margin - gather(x, place, dim=1) + x
    above = gaps > 0
    slopes = where(above, gaps * 2, 0) / size if p == 2 else above.to(x.dtype) / size
    if weight is not None:
        slopes = slopes * weight[target].unsqueeze(1)
    wrong = scatter_fill(slopes, place, dim=1, value=0)
    return scatter(wrong, place, 0 - wrong.sum(1, keepdim=True), dim=1) * g.unsqueeze(1)


def _multi_margin_samples() -> Iterable[Sample]:
    for seed, (p, weighted) in enumerate(((1, False), (2, True))):
        weight = draw(5, (4,), 0.5, 2.0) if weighted else None
        yield Sample((draw(seed, (3, 4)), np.array([1, 0, 3]), weight), {"p": p, "margin": 1.0})


multi_margin = Primitive(
    "multi_margin", "loss", _multi_margin, (_multi_margin_vjp, None, None),
    lambda x, target, weight=None, *, p, margin: (x.shape[:1], x.dtype), "call",
    _multi_margin_samples, label="MultiMarginLossBackward0",
)  # fmt: skip

# ---- probabilities ------------------------------------------------------------------------------


def _binary(x: Array, y: Array) -> Any:
    # As torch does, logarithms stop at -100, so that a confident mistake costs 100 and not infinity.
    yes, no = np.maximum(np.log(x), -100), np.maximum(np.log1p(-x), -100)
    return (y - 1) * no - y * yes


@one_kernel
def _binary_x(g: Any, x: Any, y: Any) -> Any:
    return lying_like(g * (x - y) / ((1 - x) * x).clamp(min=1e-12), x)


@one_kernel
def _binary_y(g: Any, x: Any) -> Any:
    return ((1 - x).log() - x.log()) * g


binary_cross_entropy = binary(
    "binary_cross_entropy", _binary, (_binary_x, _binary_y),
    "({y} - 1) * maximum(log1p(-{x}), -100) - {y} * maximum(log({x}), -100)", domain=(0.05, 0.95),
    takes=FLOAT, as_is=True, layout=as_first,
)  # fmt: skip

# ---- several labels per sample ------------------------------------------------------------------


def _label_masks(target: Array) -> tuple[Array, Array, Array]:
    """Of rows of labels that end at the first -1: labels to index with, which count, which occur."""
    counts = np.logical_and.accumulate(target >= 0, axis=-1)
    safe = np.where(counts, target, 0)
    classes = np.arange(target.shape[-1], like=target)
    occurs = ((safe[..., None] == classes) & counts[..., None]).any(axis=-2)
    return safe, counts, occurs


def _label_masks_rule(target: Array) -> list[Spec]:
    flags = (target.shape, np.dtype(bool))
    return [(target.shape, target.dtype), flags, flags]


label_masks = Primitive(
    "label_masks", "loss", _label_masks, None, _label_masks_rule, "labels",
    lambda: [Sample((np.array([[2, 0, -1, 1], [-1, 0, 1, 2]]),))],
)  # fmt: skip
