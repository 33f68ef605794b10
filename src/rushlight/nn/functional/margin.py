"""Losses with margins: of classes, labels, rankings and pairs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from rushlight.autograd.pretended import remember
from rushlight.core.doors import apply, check
from rushlight.narrow import need_wide
from rushlight.nn.functional.loss import Flag, chosen_reduction, named_reduction
from rushlight.ops import loss as ops
from rushlight.ops.activation import logsigmoid
from rushlight.ops.arguments import need_castable, need_number, need_tensor, relabel
from rushlight.ops.conversion import alike
from rushlight.ops.loss import constant, reduced, where_zero
from rushlight.ops.precision import in_single
from rushlight.primitives.families import FLOAT, broadcast_shapes, result_type, supported
from rushlight.primitives.kernel import closed, entering
from rushlight.primitives.loss import label_masks, multi_margin

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def _positive(gaps: Tensor) -> Tensor:
    """What is more than 0; nothing of the others, nan among them."""
    return where_zero(gaps > 0, gaps)


@in_single
def multi_margin_loss(
    input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0, weight: Tensor | None = None,
    size_average: Flag = None, reduce: Flag = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The mean over the wrong classes i of max(0, margin - x[target] + x[i]) ** p."""
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    need_tensor("multi_margin_loss", "input", 1, input)
    need_tensor("multi_margin_loss", "target", 2, target)
    how = chosen_reduction(size_average, reduce, reduction)
    if weight is not None and weight._data_.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    need_number("multi_margin_loss", "margin", 4, margin)
    constant("multi_margin_loss", weight=weight)
    shape = input._data_.shape
    if len(shape) > 2 or 0 in shape[-1:]:
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(shape)}"
        )
    single, out_shape = len(shape) < 2, target._data_.shape
    if single:
        input = input.reshape((1, -1))
    target = target.reshape((-1,)) if single else target
    if target._data_.ndim != 1 or target._data_.shape[0] != input._data_.shape[0]:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input "
            f"samples (batch size). Expected target size [{input._data_.shape[0]}], but got "
            f"{list(target._data_.shape)}. Input has shape {list(input._data_.shape)}."
        )
    supported("multi_margin_loss_cpu_kernel", FLOAT, [input._data_])
    need_wide("multi_margin_loss_cpu_kernel", input._data_)
    classes = input._data_.shape[1]
    if input._data_.size and target._data_.size:
        # Of these types torch reaches no class.
        supported("multi_margin_loss_cpu_kernel", FLOAT, [input._data_])
    labels = check(target, "that the labels are classes")
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        raise RuntimeError("target out of range")
    if weight is not None and weight._data_.shape != (classes,):
        raise RuntimeError(
            f"inconsistent weight size, expected {classes} but got {list(weight._data_.shape)}"
        )
    if target._data_.dtype != np.int64:
        raise RuntimeError(
            f"expected scalar type Long but found {target.dtype.word}: convert the target with .long()"
        )
    if weight is not None and weight._data_.dtype != input._data_.dtype:
        raise RuntimeError(
            f"expected scalar type {input.dtype.word} but found {weight.dtype.word}: the weights are "
            "of the input's type"
        )
    input = entering(input, refused="multi_margin_loss_backward")
    losses: Tensor = apply(multi_margin, input, target, weight, p=p, margin=float(margin))
    if how == "none":
        return relabel(losses.reshape(out_shape), "MultiMarginLossBackward0")
    return remember(reduced(losses, how, "MultiMarginLossBackward0"), input)


@in_single
def multilabel_margin_loss(
    input: Tensor, target: Tensor, size_average: Flag = None, reduce: Flag = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The sum over labels j and other classes i of max(0, 1 - x[j] + x[i]), by number of classes.

    Rows of the target hold labels up to the first -1.
    """
    need_tensor("multilabel_margin_loss", "input", 1, input)
    need_tensor("multilabel_margin_loss", "target", 2, target)
    how = chosen_reduction(size_average, reduce, reduction)
    shape = input._data_.shape
    if len(shape) > 2 or 0 in shape[-1:]:
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(shape)}"
        )
    if target._data_.shape != shape and not (target._data_.size == input._data_.size == 1):
        raise RuntimeError(
            f"inconsistent target size: {list(target._data_.shape)} for input of size: {list(shape)}"
        )
    classes = shape[-1] if shape else 1
    given = check(target, "that the labels are classes")
    if given.size and not -1 <= given.min() <= given.max() < classes:
        raise RuntimeError("argument #2 'target' is out of range")
    supported("multilabel_margin_loss_forward_out_frame", FLOAT, [input._data_])
    need_wide("multilabel_margin_loss_forward_out_frame", input._data_)
    if target._data_.dtype != np.int64:
        raise RuntimeError(
            f"expected scalar type Long but found {target.dtype.word}: convert the target with .long()"
        )
    input = entering(input, refused="multilabel_margin_loss_backward")
    lines, labels = input.reshape((-1, classes)), target.reshape((-1, classes))
    safe, counts, occurs = apply(label_masks, labels)
    right = lines.gather(1, safe)
    gaps = _positive(1 - right.unsqueeze(2) + lines.unsqueeze(1))
    wrong = counts.unsqueeze(2).logical_and(occurs.logical_not().unsqueeze(1))
    losses = where_zero(wrong, gaps).sum((1, 2)) / classes
    if how == "none":
        losses = losses.reshape(shape[:-1])
    return remember(reduced(losses, how, "MultilabelMarginLossBackward0"), input)


@in_single
def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: Flag = None, reduce: Flag = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """log(1 + exp(-target * input)), targets being 1 and -1."""
    need_tensor("soft_margin_loss", "input", 1, input)
    need_tensor("soft_margin_loss", "target", 2, target)
    how = chosen_reduction(size_average, reduce, reduction)
    constant("soft_margin_loss", target=target)
    product = -input
    kind = product._data_.dtype.kind
    if kind not in "fcV":
        common = result_type(product._data_, 0.5).word
        raise RuntimeError(
            f"result type {common} can't be cast to the desired output type {input.dtype.word}: "
            "soft_margin_loss wants a floating input"
        )
    need_castable(result_type(product._data_, target._data_), input)
    if broadcast_shapes([input._data_.shape, target._data_.shape]) != input._data_.shape:
        raise RuntimeError(
            f"output with shape {list(input._data_.shape)} doesn't match the broadcast shape "
            f"{list(np.broadcast_shapes(input._data_.shape, target._data_.shape))}"
        )
    # Of the input's type, and with the exponential's overflow, as torch has it.
    loss = alike((product * target).to(input.dtype).exp().log1p(), product)
    if target._data_.dtype.kind == "b":
        reason = "Negation, the `-` operator, on a bool tensor is not supported: no gradient of "
        loss = closed(
            loss, reason=reason + "soft_margin_loss with a boolean target", error=RuntimeError
        )
    return remember(reduced(loss, how, "SoftMarginLossBackward0"), input, target)


def multilabel_soft_margin_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Flag = None,
    reduce: Flag = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Binary cross-entropy with logits, averaged over the classes (the last dimension)."""
    need_tensor("multilabel_soft_margin_loss", "input", 1, input)
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        loss = loss * weight
    if not input._data_.ndim:
        raise IndexError("Dimension specified as -1 but tensor has no dimensions")
    dim = input._data_.ndim - 1
    loss = loss.sum(dim) / input._data_.shape[dim]
    return reduced(loss, chosen_reduction(size_average, reduce, named_reduction(reduction)))


@in_single
def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, size_average: Flag = None,
    reduce: Flag = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """x where the target is 1, max(0, margin - x) where it is -1."""
    return ops.hinge_embedding_loss(
        input, target, margin, chosen_reduction(size_average, reduce, reduction)
    )


@in_single
def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: Flag = None,
    reduce: Flag = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """max(0, margin - target * (x1 - x2)): target 1 wants x1 above x2, -1 below."""
    need_tensor("margin_ranking_loss", "input1", 1, input1)
    need_tensor("margin_ranking_loss", "input2", 2, input2)
    need_tensor("margin_ranking_loss", "target", 3, target)
    how = chosen_reduction(size_average, reduce, reduction)
    if not input1._data_.ndim == input2._data_.ndim == target._data_.ndim:
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.shape}, input2: {input2.shape}, target: {target.shape} "
        )
    return ops.margin_ranking_loss(input1, input2, target, margin, how)


@in_single
def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: Flag = None,
    reduce: Flag = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """1 - cosine where the target is 1, max(0, cosine - margin) where it is -1."""
    how = chosen_reduction(size_average, reduce, reduction)
    return ops.cosine_embedding_loss(input1, input2, target, margin, how)


@in_single
def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2,
    eps: float = 1e-6, swap: bool = False, size_average: Flag = None, reduce: Flag = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """max(0, margin + distance to the positive - distance to the negative)."""
    how = chosen_reduction(size_average, reduce, reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    return ops.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, how)


def triplet_margin_with_distance_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None, margin: float = 1.0,
    swap: bool = False, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """`triplet_margin_loss` with any distance."""
    need_tensor("triplet_margin_with_distance_loss", "anchor", 1, anchor)
    how = chosen_reduction(None, None, reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    measure = ops.pairwise_distance if distance_function is None else distance_function
    return ops.apart_by(margin, measure, anchor, positive, negative, swap, how)
