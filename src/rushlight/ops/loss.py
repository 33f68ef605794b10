"""Losses that `torch` itself names, with the reduction as a number: 0 none (the default), 1 mean, 2 sum.

`nn.functional` calls the same functions with the reduction's name.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rushlight import dtypes
from rushlight.autograd.pretended import remember
from rushlight.core.doors import apply, check, literal, read_each
from rushlight.core.state import state
from rushlight.core.tensor import TensorBase, wants_grad
from rushlight.narrow import need_wide
from rushlight.ops.arguments import (
    as_sizes,
    need_flag,
    need_float,
    need_int,
    need_tensor,
    relabel,
    type_name,
)
from rushlight.ops.conversion import alike
from rushlight.ops.distance import pairwise_distance
from rushlight.ops.pointwise import clamp_min
from rushlight.ops.precision import in_single
from rushlight.primitives import activation, pointwise
from rushlight.primitives.ctc import ctc, ctc_layout
from rushlight.primitives.families import DISCRETE, FLOAT, supported
from rushlight.primitives.kernel import entering

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

Reduction = int | str
_NAMES = {0: "none", 1: "mean", 2: "sum", "none": "none", "mean": "mean", "sum": "sum"}


def reduced(loss: Tensor, reduction: Reduction, label: str | None = None) -> Tensor:
    """The losses themselves, their mean or their sum."""
    how = _NAMES.get(reduction)
    if how is None:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if how == "mean":
        loss = loss.mean()
    elif how == "sum":
        loss = loss.sum()
    return loss if label is None else relabel(loss, label)


def where_zero(condition: Tensor, x: Tensor) -> Tensor:
    """x where the condition holds, else 0."""
    return apply(pointwise.where, condition, x, 0)


def constant(function: str, **arguments: Tensor | None) -> None:
    """Raise torch's error if one of these requires grad: the loss has no derivative with respect to it."""
    for name, value in arguments.items():
        if value is not None and wants_grad(value) and state.grad:
            raise RuntimeError(
                f"The function '{function}' is not differentiable with respect to argument '{name}'. "
                "This input cannot have requires_grad True: detach() it."
            )


@in_single
def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, pos_weight: Tensor | None = None,
    reduction: Reduction = 0,
) -> Tensor:  # fmt: skip
    """Binary cross-entropy of sigmoid(input), without overflow; pos_weight weighs the positives."""
    for position, (name, factor) in enumerate((("weight", weight), ("pos_weight", pos_weight)), 3):
        if factor is not None:
            need_tensor("binary_cross_entropy_with_logits", name, position, factor)
    need_tensor("binary_cross_entropy_with_logits", "input", 1, input)
    need_tensor("binary_cross_entropy_with_logits", "target", 2, target)
    if target._data_.dtype.kind in "biu" and input._data_.dtype.kind in "fV":
        raise RuntimeError(
            f"result type {dtypes.of(input._data_.dtype).word} can't be cast to the desired output type "
            f"{dtypes.of(target._data_.dtype).word}: binary_cross_entropy_with_logits wants a floating "
            "target, as target.float() is"
        )
    constant("binary_cross_entropy_with_logits", weight=weight, pos_weight=pos_weight)
    supported("log_sigmoid_cpu", FLOAT, [input._data_])
    # The result is of the target's type, whatever is mixed into it. The gradient lies as that of the
    # logarithm, which was made last, and comes first.
    given, input = input, entering(input, itself=False, lies="like")
    loss = ((1 - target) * input).to(target.dtype)
    log_sigmoid: Tensor = apply(activation.log_sigmoid, input)
    if pos_weight is not None:
        log_sigmoid = ((pos_weight - 1) * target + 1) * log_sigmoid
    loss = (loss - log_sigmoid).to(target.dtype)
    if weight is not None:
        loss = (loss * weight).to(target.dtype)
    loss = alike(loss, target)
    loss = reduced(loss, reduction, "BinaryCrossEntropyWithLogitsBackward0")
    return remember(loss, given, target)


@in_single
def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: Reduction = 0
) -> Tensor:
    """1 - cosine where the target is 1, max(0, cosine - margin) where it is -1."""
    for position, (name, tensor) in enumerate(
        (("input1", input1), ("input2", input2), ("target", target)), 1
    ):
        need_tensor("cosine_embedding_loss", name, position, tensor)
    ndim = target._data_.ndim
    if ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if ndim == 1 and (input1._data_.ndim != 2 or input2._data_.ndim != 2):
        raise RuntimeError(
            "1D target tensor expects 2D input tensors, but found inputs with sizes "
            f"{list(input1._data_.shape)} and {list(input2._data_.shape)}."
        )
    if ndim == 0 and (input1._data_.ndim != 1 or input2._data_.ndim != 1):
        raise RuntimeError(
            "0D target tensor expects 1D input tensors, but found inputs with sizes "
            f"{list(input1._data_.shape)} and {list(input2._data_.shape)}."
        )
    product = (input1 * input2).sum(ndim)
    lengths = ((input1 * input1).sum(ndim) + 1e-12) * ((input2 * input2).sum(ndim) + 1e-12)
    cosine = product / lengths.sqrt()
    alike = where_zero(target == 1, 1 - cosine)
    unlike = where_zero(target == -1, (cosine - margin).clamp(min=0))
    return reduced(alike + unlike, reduction)


@in_single
def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, reduction: Reduction = 0
) -> Tensor:
    """x where the target is 1, max(0, margin - x) where it is -1."""
    need_tensor("hinge_embedding_loss", "input", 1, input)
    need_tensor("hinge_embedding_loss", "target", 2, target)
    dtype = input._data_.dtype
    if dtype.kind in "iu":
        # The margin is of the input's type, whole where that is.
        if not np.iinfo(dtype).min <= margin <= np.iinfo(dtype).max:
            raise RuntimeError(
                f"value cannot be converted to type {dtype.name}_t without overflow: the margin "
                f"{margin} of hinge_embedding_loss"
            )
        margin = int(margin)
    far = where_zero(target != 1, (margin - input).clamp(min=0))
    return reduced(far + where_zero(target != -1, input), reduction)


@in_single
def kl_div(
    input: Tensor, target: Tensor, reduction: Reduction = 0, *, log_target: bool = False
) -> Tensor:
    """target * (log target - input), the input being log-probabilities."""
    need_tensor("kl_div", "input", 1, input)
    need_tensor("kl_div", "target", 2, target)
    need_flag("kl_div", "log_target", 4, log_target)
    for kinds, what in ((DISCRETE, "Integral"), ("c", "Complex")):
        if input._data_.dtype.kind in kinds or target._data_.dtype.kind in kinds:
            raise RuntimeError(f"kl_div: {what} inputs not supported.")
    if log_target:
        return reduced(target.exp() * (target - input), reduction)
    return reduced(target.xlogy(target) - target * input, reduction)


@in_single
def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: Reduction = 0
) -> Tensor:
    """max(0, margin - target * (x1 - x2))."""
    need_tensor("margin_ranking_loss", "input1", 1, input1)
    return reduced((-target * (input1 - input2) + float(margin)).clamp(min=0), reduction)


@in_single
def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: Reduction
) -> Tensor:
    """The negative log-likelihood of counts under a Poisson distribution; full adds Stirling's term."""
    need_tensor("poisson_nll_loss", "input", 1, input)
    need_tensor("poisson_nll_loss", "target", 2, target)
    need_flag("poisson_nll_loss", "log_input", 3, log_input)
    need_flag("poisson_nll_loss", "full", 4, full)
    need_float("poisson_nll_loss", "eps", 5, eps)
    if log_input:
        loss = input.exp() - target * input
    else:
        loss = input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        loss = loss + stirling.masked_fill(target <= 1, 0)
    return reduced(loss, reduction)


@in_single
def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2.0,
    eps: float = 1e-6, swap: bool = False, reduction: Reduction = 0,
) -> Tensor:  # fmt: skip
    """max(0, margin + distance to the positive - distance to the negative).

    V. Balntas et al., "Learning shallow convolutional feature descriptors with triplet losses",
    2016; swap takes the nearer of both distances to the negative.
    """
    for position, (name, tensor) in enumerate(
        (("anchor", anchor), ("positive", positive), ("negative", negative)), 1
    ):
        need_tensor("triplet_margin_loss", name, position, tensor)
    p = need_float("triplet_margin_loss", "p", 5, p)
    need_flag("triplet_margin_loss", "swap", 7, swap)
    measure = functools.partial(pairwise_distance, p=p, eps=eps)
    return apart_by(margin, measure, anchor, positive, negative, swap, reduction)


def apart_by(
    margin: float, measure: Callable[..., Tensor], anchor: Tensor, positive: Tensor, negative: Tensor,
    swap: bool, reduction: Reduction,
) -> Tensor:  # fmt: skip
    """How much less than margin the negative is farther from the anchor than the positive, by a distance."""
    ranks = [t._data_.ndim for t in (anchor, positive, negative)]
    if len(set(ranks)) != 1:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got: anchor {ranks[0]}D, positive {ranks[1]}D, and negative {ranks[2]}D "
            "inputs"
        )
    near = measure(anchor, positive)
    far = measure(anchor, negative)
    if swap:
        far = far.minimum(measure(positive, negative))
    return reduced(clamp_min(margin + near - far, 0), reduction)


# ---- connectionist temporal classification -----------------------------------------------------


def _lengths(name: str, value: Tensor | Sequence[int]) -> Tensor:
    if not isinstance(value, (TensorBase, tuple, list)):
        wrong = type_name(value)
        raise TypeError(
            f"ctc_loss(): argument '{name}' must be Tensor or tuple of ints, not {wrong}"
        )
    tensor: Tensor
    if isinstance(value, TensorBase):
        tensor = value
    else:
        tensor = literal(np.asarray(as_sizes((value,)), np.int64))
    if tensor._data_.dtype.kind not in "iu":
        raise RuntimeError(f"{name} must be integral")
    return tensor.to(dtypes.int64).reshape((-1,))


def _check_ctc(log_probs: Tensor, targets: Tensor, ins: Tensor, outs: Tensor, blank: int) -> None:
    checking = "(while checking arguments for ctc_loss_cpu)"
    if not log_probs._data_.size:
        raise RuntimeError("log_probs tensor must not be empty")
    supported("ctc_loss_cpu", FLOAT, [log_probs._data_])
    need_wide("ctc_loss_cpu", log_probs._data_)
    ndim = log_probs._data_.ndim
    if ndim != 3:
        raise RuntimeError(
            f"Expected 3-dimensional tensor, but got {ndim}-dimensional tensor for argument #1 "
            f"'log_probs' {checking}"
        )
    if targets._data_.ndim not in (1, 2):
        raise RuntimeError(
            f"Expected 1 to 2 dimensions, but got {targets._data_.ndim}-dimensional tensor for argument "
            f"#2 'targets' {checking}"
        )
    steps, batch, classes = log_probs._data_.shape
    why = "the lengths"
    if not 0 <= blank < classes:
        raise RuntimeError("blank must be in label range")
    for name, lengths in (("input_lengths", ins), ("target_lengths", outs)):
        if lengths._data_.size != batch:
            raise RuntimeError(f"{name} must be of size batch_size: {batch}, got "
                               f"{lengths._data_.size}")  # fmt: skip
        if lengths._data_.size and check(lengths, why).min() < 0:
            raise RuntimeError(f"Expected {name} to have value at least 0")
    if (longest := check(ins, why).max(initial=0)) > steps:
        raise RuntimeError(
            f"Expected input_lengths to have value at most {steps}, but got value "
            f"{longest} {checking}"
        )
    flat = targets._data_.ndim == 1
    labels = check(outs, why)
    # Of a batch of such batches, the lengths of each one add up to the labels of each.
    used = labels.sum(-1).max(initial=0) if flat else labels.max(initial=0)
    if flat and used != targets._data_.size:
        raise RuntimeError(
            f"Expected tensor to have size {used} at dimension 0, but got size {targets._data_.size} for "
            f"argument #2 'targets' {checking}: labels in one row are as many as target_lengths says"
        )
    if not flat and (targets._data_.shape[0] != batch or used > targets._data_.shape[1]):
        raise RuntimeError(
            f"Expected tensor targets of shape {list(targets._data_.shape)} to hold the target_lengths "
            f"{labels.tolist()} of {batch} samples {checking}"
        )


@in_single
def _normalised(log_probs: Tensor, ins: Tensor) -> Tensor:
    """0, with -exp(log_probs) for its gradient.

    torch's gradient is that of the whole log_softmax before the loss: for normalised inputs both agree.
    """
    times = literal(np.arange(log_probs._data_.shape[0]).reshape(-1, 1))
    mass: Tensor = where_zero((times < ins).unsqueeze(-1), log_probs.exp())
    total = mass.sum((0, 2))
    return total.detach() - total


def ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths: Tensor | Sequence[int],
    target_lengths: Tensor | Sequence[int], blank: int = 0, reduction: Reduction = 0,
    zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """The negative log-probability of label sequences under [T, N, C] frame-wise log-probabilities.

    With zero_infinity, sequences that fit into no frames count nothing.
    """
    need_tensor("ctc_loss", "log_probs", 1, log_probs)
    need_tensor("ctc_loss", "targets", 2, targets)
    blank = need_int("ctc_loss", "blank", 5, blank)
    need_flag("ctc_loss", "zero_infinity", 7, zero_infinity)
    if isinstance(input_lengths, TensorBase) != isinstance(target_lengths, TensorBase):
        raise TypeError(
            "ctc_loss() received an invalid combination of arguments: input_lengths and target_lengths are both "
            "tensors, or both sequences of ints"
        )
    ins, outs = _lengths("input_lengths", input_lengths), _lengths("target_lengths", target_lengths)
    single = log_probs._data_.ndim == 2
    if single:
        log_probs = log_probs.unsqueeze(1)
    _check_ctc(log_probs, targets, ins, outs, blank)
    longest = int(read_each(outs.max(), "the longest target").max()) if outs._data_.size else 0
    labels, skips = apply(ctc_layout, targets, outs, blank=blank, longest=longest)
    loss: Tensor
    loss = apply(ctc, log_probs, labels, skips, ins, outs, zero_infinity=bool(zero_infinity))
    loss = loss - _normalised(log_probs, ins)
    if zero_infinity:
        loss = where_zero(loss != math.inf, loss)
    else:
        relabel(loss, "CtcLossBackward0")
    how = _NAMES.get(reduction)
    if how == "mean":
        return (loss / outs.clamp(min=1).to(loss.dtype)).mean()
    if how == "sum":
        return loss.sum()
    return loss.squeeze(0) if single else loss
