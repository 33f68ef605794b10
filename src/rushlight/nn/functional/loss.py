"""Losses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.pretended import remember
from rushlight.core.doors import apply, check, literal
from rushlight.core.tensor import TensorBase
from rushlight.errors import warn
from rushlight.nn import _reduction
from rushlight.nn.functional.linear import linear
from rushlight.ops import loss as ops
from rushlight.ops.activation import log_softmax
from rushlight.ops.arguments import need_float, need_int, need_tensor, relabel, size_at, type_name
from rushlight.ops.conversion import alike
from rushlight.ops.loss import constant, reduced, where_zero
from rushlight.ops.precision import in_single
from rushlight.ops.shape import broadcast_tensors
from rushlight.primitives import loss as rows
from rushlight.primitives.families import FLOAT, result_type, supported
from rushlight.primitives.index import ARRAY, index
from rushlight.primitives.kernel import closed

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

Flag = bool | None


def chosen_reduction(size_average: Flag, reduce: Flag, reduction: str) -> str:
    """The reduction's name, after the two old arguments had their say."""
    if size_average is not None or reduce is not None:
        return _reduction.legacy_get_string(size_average, reduce)
    _reduction.get_enum(reduction)
    return "mean" if reduction == "elementwise_mean" else reduction


def named_reduction(reduction: str) -> str:
    """The reduction of a loss that torch writes in Python: the old name of the mean is none."""
    if not isinstance(reduction, str):
        raise TypeError(f"reduction is none, mean or sum, not {type_name(reduction)}")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid: reduction is none, mean or sum")
    return reduction


# ---- distances of numbers -----------------------------------------------------------------------


def _need_sized(name: str, input: Any, target: Any) -> None:
    """Raise the error of torch's losses, which ask for both sizes first, for what is no tensor."""
    for part, given in (("target", target), ("input", input)):
        if isinstance(given, np.ndarray):
            raise TypeError(f"{name}() needs a tensor as {part}: torch.from_numpy({part}) is one")
        if not isinstance(given, TensorBase):
            raise AttributeError(
                f"'{type(given).__name__}' object has no attribute 'size': {name}() needs a tensor as "
                f"{part}; write torch.tensor({part})"
            )


def _pair(
    name: str, input: Tensor, target: Tensor, weight: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Both in one shape, the weights in that of the input; torch promotes their types when they have it."""
    _need_sized(name, input, target)
    own = input._data_.shape
    if own != target._data_.shape:
        warn(
            f"Using a target size ({target.shape}) that is different to the input size "
            f"({input.shape}). This will likely lead to incorrect results due to broadcasting. "
            "Please ensure they have the same size."
        )
        input, target = broadcast_tensors(input, target)
    if weight is not None:
        need_tensor("loss", "weight", 3, weight)
        if weight._data_.shape != own:
            raise ValueError("Weights and input must have the same size.")
    return input, target


def _common(
    name: str, input: Tensor, target: Tensor, weight: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Both in one shape and type, one that the kernel takes."""
    input, target = _pair(name, input, target, weight)
    common = result_type(input._data_, target._data_)
    supported(name.replace("_loss", "_cpu"), FLOAT, [np.empty(0, common.numpy)])
    return input.to(common), target.to(common)


def _weighted(loss: Tensor, weight: Tensor | None, how: str) -> Tensor:
    if weight is None:
        return reduced(loss, how)
    loss = loss * weight
    return loss.sum() / weight.sum() if how == "mean" else reduced(loss, how)


@in_single
def mse_loss(
    input: Tensor, target: Tensor, size_average: Flag = None, reduce: Flag = None,
    reduction: str = "mean", weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """(input - target) ** 2.

    >>> import rushlight as torch
    >>> torch.nn.functional.mse_loss(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
    tensor(2.)
    """
    given = input, target
    how = chosen_reduction(size_average, reduce, reduction)
    input, target = _common("mse_loss", input, target, weight)
    loss: Tensor = apply(rows.squared_distance, input, target)
    if weight is None:
        return remember(reduced(loss, how, "MseLossBackward0"), *given)
    return _weighted(remember(loss, *given), weight, how)


@in_single
def l1_loss(
    input: Tensor, target: Tensor, size_average: Flag = None, reduce: Flag = None,
    reduction: str = "mean", weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """|input - target|."""
    how = chosen_reduction(size_average, reduce, reduction)
    input, target = _pair("l1_loss", input, target, weight)
    return _weighted((input - target).abs(), weight, how)


@in_single
def smooth_l1_loss(
    input: Tensor, target: Tensor, size_average: Flag = None, reduce: Flag = None,
    reduction: str = "mean", beta: float = 1.0,
) -> Tensor:  # fmt: skip
    """d**2 / (2 beta) for distances d below beta, d - beta / 2 from there on."""
    if beta == 0:
        return l1_loss(input, target, size_average, reduce, reduction)
    given = input, target
    input, target = _common("smooth_l1_loss", input, target)
    how = chosen_reduction(size_average, reduce, reduction)
    if not beta >= 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    loss: Tensor = apply(rows.rounded_distance, input, target, bend=float(beta), slope=1.0)
    return remember(reduced(loss, how, "SmoothL1LossBackward0"), *given)


@in_single
def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """d**2 / 2 for distances d up to delta, delta * (d - delta / 2) beyond.

    P. J. Huber, "Robust Estimation of a Location Parameter", 1964.
    """
    input, target = _pair("huber_loss", input, target, weight)
    how = chosen_reduction(None, None, reduction)
    if not delta > 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    own, common = input.dtype, result_type(input._data_, target._data_)
    if common.category > own.category:
        # Unlike the others, it is of the input's type.
        raise RuntimeError(
            f"result type {common.word} can't be cast to the desired output type {own.word}: "
            "huber_loss is of the type of its input"
        )
    supported("huber_cpu", FLOAT, [np.empty(0, common.numpy)])
    pair = input.to(common), target.to(common)
    loss: Tensor = apply(rows.rounded_distance, *pair, bend=float(delta), slope=float(delta))
    loss = alike(loss.to(own), input)
    if own != target.dtype:
        reason = (
            f"Found dtype {target.dtype.word} but expected {own.word}: no gradient of huber_loss"
        )
        loss = closed(loss, reason=reason, error=RuntimeError)
    if weight is not None:
        # Unlike mse_loss and l1_loss, torch takes the plain mean here.
        return remember(reduced(_weighted(loss, weight, "none"), how), input, target)
    return remember(reduced(loss, how, "HuberLossBackward0"), input, target)


# ---- one class of several -----------------------------------------------------------------------


def _check_classes(input: Tensor, target: Tensor, weight: Tensor | None) -> None:
    x, t = input._data_.shape, target._data_.shape
    if len(x) == 1 and len(t) > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if len(x) < 1:
        raise ValueError(f"Expected 1 or more dimensions (got {len(x)})")
    if len(x) != 1 and x[0] != (t[0] if t else 0):
        raise ValueError(
            f"Expected input batch_size ({x[0]}) to match target batch_size ({t[0] if t else 0})."
        )
    if len(x) != 1 and t and (*x[:1], *x[2:]) != t:
        raise RuntimeError(
            f"size mismatch (got input: {list(x)} , target: {list(t)}): a target of class indices "
            "has the input's shape without dimension 1"
        )
    constant("nll_loss_forward", weight=weight)
    if target._data_.dtype not in (np.int64, np.uint8):
        raise RuntimeError(
            f"expected target dtype to be Long or Byte, but got {dtypes.of(target._data_.dtype).word}: "
            "convert class indices with .long()"
        )
    if len(x) == 1 and t not in ((), (1,)):
        raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {t[0]}")
    if len(x) != 1 and not t:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    classes = x[1] if len(x) > 1 else x[0]
    if weight is not None and weight._data_.shape != (classes,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes but got "
            f"weight tensor of shape: {list(weight._data_.shape)}"
        )
    image = len(x) > 2
    supported(f"nll_loss{'2d_forward' if image else ''}_out_frame", FLOAT, [input._data_])
    if image and target._data_.dtype != np.int64:
        raise RuntimeError(
            "expected scalar type Long but found Byte: convert class indices with .long()"
        )
    if weight is not None and weight._data_.dtype != input._data_.dtype:
        raise RuntimeError(
            f"expected scalar type {dtypes.of(input._data_.dtype).word} but found "
            f"{dtypes.of(weight._data_.dtype).word}: the weights are of the input's type"
        )


def _chosen(
    row: Any, input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, how: str
) -> Tensor:
    """The rows `nll` and `cross_entropy`, which pick one class of dimension 1."""
    _check_classes(input, target, weight)
    single, indices = input._data_.ndim == 1, target._data_.ndim
    if single:
        input, target = input.unsqueeze(0), target.reshape((1,))
    static = {"reduction": how, "ignore_index": ignore_index}
    loss: Tensor = apply(row, input, target, weight, **static)[0]
    if single and indices and input._data_.size > 1:
        reason = (
            f"size mismatch (got input: [{input._data_.size}], target: [1]): give the class of a 1-D "
            "input as a 0-D target where a gradient is wanted"
        )
        loss = closed(loss, reason=reason, error=RuntimeError)
    if input._data_.ndim > 2 and loss._node_ is not None:
        # Lines are images of one row.
        line = how == "none" and input._data_.ndim != 4
        relabel(loss, "ViewBackward0" if line else "NllLoss2DBackward0")
    if single and how == "none":
        return relabel(loss.squeeze(0), "NllLossBackward0")
    return loss


@in_single
def nll_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Flag = None,
    ignore_index: int = -100, reduce: Flag = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """-weight[target] * input[target]: input [N, C, ...] of log-probabilities, target [N, ...].

    The mean divides by the sum of the weights that were used.

    >>> import rushlight as torch
    >>> torch.nn.functional.nll_loss(torch.tensor([[-1.0, -2.0]]), torch.tensor([1]))
    tensor(2.)
    """
    how = chosen_reduction(size_average, reduce, reduction)
    ignore_index = _parsed("nll_loss_nd", input, target, weight, ignore_index)
    return _chosen(rows.nll, input, target, weight, ignore_index, how)


def _parsed(name: str, input: Any, target: Any, weight: Any, ignore_index: Any) -> int:
    """What torch looks at first: the types of arguments."""
    need_tensor(name, "input", 1, input)
    need_tensor(name, "target", 2, target)
    if weight is not None:
        need_tensor(name, "weight", 3, weight)
    return need_int(name, "ignore_index", 5, ignore_index)


@in_single
def cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Flag = None,
    ignore_index: int = -100, reduce: Flag = None, reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:  # fmt: skip
    """Cross-entropy of softmax(input), [N, C, ...], with classes [N, ...] or probabilities.

    A floating target of the input's shape holds probabilities. With label_smoothing, that share of
    the probability is spread evenly over all classes.

    >>> import rushlight as torch
    >>> torch.nn.functional.cross_entropy(torch.zeros(1, 4), torch.tensor([2]))
    tensor(1.3863)
    """
    how = chosen_reduction(size_average, reduce, reduction)
    ignore_index = _parsed("cross_entropy_loss", input, target, weight, ignore_index)
    label_smoothing = need_float("cross_entropy_loss", "label_smoothing", 6, label_smoothing)
    if label_smoothing > 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    dim = 0 if input._data_.ndim == 1 else 1
    if input._data_.shape == target._data_.shape:
        if target._data_.dtype.kind not in "fV":
            raise RuntimeError(
                "Expected floating point type for target with class probabilities, got "
                f"{dtypes.of(target._data_.dtype).word}: class indices have the input's shape without "
                "the dimension of the classes"
            )
        if ignore_index >= 0:
            raise RuntimeError(
                "ignore_index is not supported for floating point target: targets of probabilities "
                "have no index"
            )
        size_at(input, dim)
        return _soft_cross_entropy(log_softmax(input, dim), target, weight, how, label_smoothing)
    size_at(input, dim)
    if label_smoothing <= 0:
        if input._data_.size:
            supported("log_softmax_lastdim_kernel_impl", FLOAT, [input._data_])
        if input._data_.dtype in dtypes.NARROW:
            # Of these torch rounds the logarithms first.
            scores = log_softmax(input, dim)
            return _chosen(rows.nll, scores, target, weight, ignore_index, how)
        return _chosen(rows.cross_entropy, input, target, weight, ignore_index, how)
    return _smoothed(log_softmax(input, dim), target, weight, ignore_index, how, label_smoothing)


def _along(weight: Tensor, ndim: int) -> Tensor:
    """Weights of classes so that they broadcast over [N, C, ...]."""
    return weight if ndim == 1 else weight.reshape((1, -1, *(1,) * (ndim - 2)))


def _soft_cross_entropy(
    scores: Tensor, target: Tensor, weight: Tensor | None, how: str, smoothing: float
) -> Tensor:
    ndim = scores._data_.ndim
    dim = 0 if ndim == 1 else 1
    classes = scores._data_.shape[dim]
    if smoothing > 0:
        target = target * (1 - smoothing) + smoothing / max(classes, 1)
    terms = scores * target
    if weight is not None:
        if weight._data_.shape != (classes,):
            raise RuntimeError(
                f"cross_entropy: weight tensor should be defined either for all {classes} classes or "
                f"no classes but got weight tensor of shape: {list(weight._data_.shape)}"
            )
        terms = terms * _along(weight, ndim)
    if how == "none":
        return -terms.sum(dim)
    total = -terms.sum()
    if how == "sum":
        return total
    return relabel(total / (terms._data_.size // max(classes, 1)), "DivBackward1")


def _smoothed(
    scores: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, how: str,
    smoothing: float,
) -> Tensor:  # fmt: skip
    ndim = scores._data_.ndim
    dim = 0 if ndim == 1 else 1
    if ndim == 1 and target._data_.ndim:
        if target._data_.shape != (1,):
            raise ValueError(
                f"For 1D input, 1D target must have size 1, but got target size {target._data_.size}"
            )
        # What is wrong with the class itself torch sees before.
        _chosen(rows.nll, scores, target, weight, ignore_index, how)
        raise RuntimeError(
            f"output with shape [] doesn't match the broadcast shape {list(target._data_.shape)}: the "
            "class of a 1-D input is a 0-D target where labels are smoothed"
        )
    exact = _chosen(rows.nll, scores, target, weight, ignore_index, how)
    even = -(scores if weight is None else scores * _along(weight, ndim)).sum(dim)
    kept = target != ignore_index
    even = where_zero(kept, even)
    if how == "mean":
        if weight is None:
            divisor = kept.to(scores.dtype).sum()
        else:
            safe = target.where(kept, literal(np.zeros((), target._data_.dtype)))
            divisor = where_zero(kept, apply(index, weight, safe.long(), spec=(ARRAY,))).sum()
        even = even.sum() / divisor
    elif how == "sum":
        even = even.sum()
    return exact * (1 - smoothing) + even * (smoothing / max(scores._data_.shape[dim], 1))


@dataclass(frozen=True)
class LinearCrossEntropyOptions:
    """How torch cuts `linear_cross_entropy` into chunks; accepted here, without effect."""

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: dtypes.dtype | None = None


def linear_cross_entropy(
    input: Tensor, linear_weight: Tensor, target: Tensor, *, linear_bias: Tensor | None = None,
    weight: Tensor | None = None, reduction: str = "mean", ignore_index: int | None = None,
    label_smoothing: float = 0.0, options: LinearCrossEntropyOptions | None = None,
) -> Tensor:  # fmt: skip
    """Cross-entropy of the classes input @ linear_weight.T + linear_bias.

    linear_weight is [C, in_features], or [C, d1, ..., in_features]. options, which in torch choose
    how the work is cut into chunks, change nothing here.
    """
    need_tensor("linear_cross_entropy", "input", 1, input)
    need_tensor("linear_cross_entropy", "linear_weight", 2, linear_weight)
    outputs, width = linear_weight._data_.shape[:-1], linear_weight._data_.shape[-1]
    if len(outputs) > 1 and input._data_.ndim < 2:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {linear_weight._data_.shape} requires "
            f"batched input, (N, {width}), got unbatched input with shape {input._data_.shape}"
        )
    scores = linear(input, linear_weight.reshape((-1, width)))
    scores = scores.reshape((*input._data_.shape[:-1], *outputs))
    if linear_bias is not None:
        scores = scores + linear_bias
    return cross_entropy(
        scores, target, weight, ignore_index=-100 if ignore_index is None else ignore_index,
        reduction=reduction, label_smoothing=label_smoothing,
    )  # fmt: skip


# ---- probabilities ------------------------------------------------------------------------------


@in_single
def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Flag = None,
    reduce: Flag = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """-(target * log(input) + (1 - target) * log(1 - input)); logarithms stop at -100.

    For inputs that come from a sigmoid, `binary_cross_entropy_with_logits` is more accurate.
    """
    _need_sized("binary_cross_entropy", input, target)
    how = chosen_reduction(size_average, reduce, reduction)
    if target._data_.shape != input._data_.shape:
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size "
            f"({input.shape}) is deprecated. Please ensure they have the same size."
        )
    if target._data_.dtype != input._data_.dtype:
        raise RuntimeError(
            f"Found dtype {dtypes.of(target._data_.dtype).word} but expected "
            f"{dtypes.of(input._data_.dtype).word}: convert the target to the input's dtype"
        )
    supported("binary_cross_entropy", FLOAT, [input._data_])
    values = check(input, "that these are probabilities")
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        raise RuntimeError(
            "all elements of input should be between 0 and 1: apply a sigmoid, or use "
            "binary_cross_entropy_with_logits"
        )
    wanted = check(target, "that these are probabilities")
    if wanted.size and not (wanted.min() >= 0 and wanted.max() <= 1):
        raise RuntimeError(
            "all elements of target should be between 0 and 1: they are probabilities"
        )
    if weight is not None:
        need_tensor("binary_cross_entropy", "weight", 3, weight)
    constant("binary_cross_entropy", weight=weight)
    loss = apply(rows.binary_cross_entropy, input, target)
    if weight is not None:
        loss = (loss * weight).to(input.dtype)
    return remember(reduced(loss, how, "BinaryCrossEntropyBackward0"), input, target)


@in_single
def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Flag = None,
    reduce: Flag = None, reduction: str = "mean", pos_weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Binary cross-entropy of sigmoid(input), without overflow; pos_weight weighs the positives.

    >>> import rushlight as torch
    >>> f = torch.nn.functional.binary_cross_entropy_with_logits
    >>> f(torch.tensor([0.0]), torch.tensor([1.0]))
    tensor(0.6931)
    """
    _need_sized("binary_cross_entropy_with_logits", input, target)
    how = chosen_reduction(size_average, reduce, reduction)
    if target._data_.shape != input._data_.shape:
        raise ValueError(
            f"Target size ({target.shape}) must be the same as input size ({input.shape})"
        )
    return ops.binary_cross_entropy_with_logits(input, target, weight, pos_weight, how)


@in_single
def kl_div(
    input: Tensor, target: Tensor, size_average: Flag = None, reduce: Flag = None,
    reduction: str = "mean", log_target: bool = False,
) -> Tensor:  # fmt: skip
    """target * (log target - input), the input holding log-probabilities.

    With log_target the target holds log-probabilities too. "batchmean" divides the sum by the batch
    size, which is the divergence itself; "mean" by the number of elements.
    """
    if reduction == "batchmean" and size_average is None and reduce is None:
        total = ops.kl_div(input, target, "sum", log_target=log_target)
        return total / input._data_.shape[0] if input._data_.ndim else total
    how = chosen_reduction(size_average, reduce, reduction)
    if how == "mean" and size_average is None and reduce is None:
        warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size."
            "'batchmean' divides only by the batch size, and aligns with the KL div math definition."
            "'mean' will be changed to behave the same as 'batchmean' in the next major release."
        )
    return ops.kl_div(input, target, how, log_target=log_target)


@in_single
def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool = True, full: bool = False,
    size_average: Flag = None, eps: float = 1e-8, reduce: Flag = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The negative log-likelihood of counts under a Poisson distribution.

    input is the rate, or with log_input its logarithm; full adds Stirling's term.
    """
    how = chosen_reduction(size_average, reduce, named_reduction(reduction))
    return ops.poisson_nll_loss(input, target, log_input, full, eps, how)


def _spread(var: Tensor | float, input: Tensor) -> Tensor:
    """The variances, so that they broadcast to the input."""
    if isinstance(var, float):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        return (input * 0 + var).detach()
    need_tensor("gaussian_nll_loss", "var", 3, var)
    spread: Tensor = var
    if (check(spread, "that no variance is negative") < 0).any():
        raise ValueError("var has negative entry/entries")
    own, wanted = spread._data_.shape, input._data_.shape
    if own == wanted:
        return spread
    if own == wanted[:-1]:
        return spread.unsqueeze(-1)
    if len(own) != len(wanted) or any(n not in (1, m) for n, m in zip(own, wanted, strict=True)):
        raise ValueError(
            f"var is of incorrect size: {list(own)} for an input of size {list(wanted)}"
        )
    return spread


def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Tensor | float, full: bool = False, eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """(log var + (input - target)**2 / var) / 2, var being at least eps; full adds log(2 pi) / 2."""
    need_tensor("gaussian_nll_loss", "input", 1, input)
    need_tensor("gaussian_nll_loss", "target", 2, target)
    spread = _spread(var, input)
    how = named_reduction(reduction)
    if spread._data_.dtype.kind not in "fcV" and isinstance(eps, float):
        raise RuntimeError(
            f"result type Float can't be cast to the desired output type {spread.dtype.word}: var "
            "holds whole numbers, which are not clamped to eps; use var.float()"
        )
    # The gradient flows as if nothing had been clamped.
    spread = spread + (spread.detach().clamp(min=eps) - spread.detach())
    distance = input - target
    loss = 0.5 * (spread.log() + distance * distance / spread)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduced(loss, how)


@in_single
def ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths: Tensor | Sequence[int],
    target_lengths: Tensor | Sequence[int], blank: int = 0, reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """The negative log-probability of label sequences under [T, N, C] log-probabilities of frames.

    targets are [N, S], or all sequences in one row; the mean first divides each loss by its target's
    length. A. Graves et al., "Connectionist Temporal Classification", 2006.
    """
    how = chosen_reduction(None, None, reduction)
    return ops.ctc_loss(
        log_probs, targets, input_lengths, target_lengths, blank, how, zero_infinity
    )
