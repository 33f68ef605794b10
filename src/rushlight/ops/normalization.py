"""Normalisation: batch, instance, layer, group and RMS, under torch's names and signatures.

`torch` and `torch.nn.functional` name their arguments in different order; here are the operations
themselves and torch's own order, in `nn.functional` the other one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rushlight import dtypes
from rushlight.autograd.pretended import remember
from rushlight.autograd.state import no_grad
from rushlight.core.doors import apply, into, literal
from rushlight.core.tensor import TensorBase, bump
from rushlight.errors import warn_once
from rushlight.narrow import rounded
from rushlight.ops.arguments import (
    need_flag,
    need_float,
    need_tensor,
    relabel,
    type_name,
    write_out,
)
from rushlight.ops.conversion import following, in_rows
from rushlight.ops.geometry import contiguous
from rushlight.primitives import normalization as rows
from rushlight.primitives.families import FLOAT, supported
from rushlight.primitives.kernel import entering
from rushlight.primitives.writing import copy

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def _check_size(name: str, tensor: Tensor | None, channels: int) -> None:
    if tensor is not None and tensor._data_.size != channels:
        raise RuntimeError(f"{name} should contain {channels} elements not {tensor._data_.size}")


def _one_type(input: Tensor, *others: Tensor | None) -> None:
    """Weights and statistics are of the input's type; those of narrow floats may all be float32."""
    own = input._data_.dtype
    for other in others:
        if other is not None and other._data_.dtype is not own:
            theirs = other._data_.dtype
            if theirs == own:
                continue
            if own in dtypes.NARROW and all(
                t is None or t._data_.dtype == np.float32 for t in others
            ):
                return
            raise RuntimeError(
                "mixed dtype (CPU): all inputs must share same datatype. The input is "
                f"{dtypes.of(own)}, a weight or a running statistic is {dtypes.of(theirs)}: "
                "convert one of them with .to(dtype)"
            )


def _is_one_type(input: Tensor, *others: Tensor | None) -> bool:
    return all(t is None or t._data_.dtype == input._data_.dtype for t in others)


def _move(running: Tensor | None, batch: Tensor, momentum: float, factor: float = 1.0) -> None:
    """Move running statistics towards factor times those of the batch; no version counts it."""
    if running is not None:
        with no_grad():
            values = batch.reshape((running._data_.size,))
            kind = running._data_.dtype
            if kind.kind == "V":
                # For bfloat16 torch rounds after every step, and the two shares first.
                share = running.mul(rounded(1 - momentum, kind))
                moved = share.add_((values * factor).to(running.dtype).mul(rounded(momentum, kind)))
            else:
                moved = running.mul(1 - momentum).add_(values, alpha=momentum * factor)
        into(running, copy, moved)


def _with_running(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, mean: Tensor, variance: Tensor,
    eps: float,
) -> Tensor:  # fmt: skip
    """Normalise with given statistics: one factor and one shift per channel."""
    spread = (1, -1, *(1,) * (input._data_.ndim - 2))
    # torch has one kernel for the gradients of all three.
    taken = entering(input, weight, zeros=False, lies="images")
    bias = (
        None
        if bias is None
        else entering(bias, input, weight, itself=False, zeros=False, lies="rows")
    )
    weight = None if weight is None else entering(weight, input, zeros=False)
    input = taken
    # Copies: a later forward in training may move the running statistics before backward comes here.
    mean, variance = mean.detach().clone(), variance.detach().clone()
    own = input.dtype
    if input._data_.dtype in dtypes.NARROW:
        # In float32, and rounded once.
        input, mean, variance = input.float(), mean.float(), variance.float()
        weight = None if weight is None else weight.float()
        bias = None if bias is None else bias.float()
    factor = (variance + eps).rsqrt()
    if weight is not None:
        factor = factor * weight
    shift = -mean * factor if bias is None else bias - mean * factor
    result = input * factor.reshape(spread) + shift.reshape(spread)
    return result.to(own)


def normalize_batch(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None,
    bias: Tensor | None, training: bool, momentum: float, eps: float,
) -> tuple[Tensor, Tensor | None, Tensor | None]:  # fmt: skip
    """The normalised batch, and the mean and rstd of its channels if they were computed."""
    need_tensor("batch_norm", "input", 1, input)
    need_flag("batch_norm", "training", 6, training)
    need_float("batch_norm", "momentum", 7, momentum)
    need_float("batch_norm", "eps", 8, eps)
    ndim = input._data_.ndim
    if ndim != 0 and not input._data_.size:
        # As torch: whatever weight and bias belong to, their first elements are in the graph.
        result = input.clone()
        result = result if weight is None or ndim == 1 else result * weight[0]
        return (result if bias is None or ndim == 1 else result + bias[0]), None, None
    if not ndim and training:
        raise IndexError("tuple index out of range: batch_norm normalises along dimension 1")
    channels = input._data_.shape[1] if ndim > 1 else 0
    if not training and (running_mean is None or running_var is None):
        missing = "running_mean" if running_mean is None else "running_var"
        raise RuntimeError(f"{missing} must be defined in evaluation mode")
    _check_size("running_mean", running_mean, channels)
    _check_size("running_var", running_var, channels)
    supported("batch_norm", FLOAT, [input._data_])
    _one_type(input, weight, bias, running_mean, running_var)
    for name, running in (("running_mean", running_mean), ("running_var", running_var)):
        if running is not None and running._requires_grad_:
            raise RuntimeError(
                f"The function 'native_batch_norm' is not differentiable with respect to argument "
                f"'{name}'. This input cannot have requires_grad True."
            )
    _check_size("weight", weight, channels)
    _check_size("bias", bias, channels)
    if ndim < 2 and training:
        raise IndexError(
            "Dimension out of range (expected to be in range of [-1, 0], but got 1): batch_norm normalises along it"
        )
    if running_mean is not None and running_var is not None and not training:
        result = _with_running(input, weight, bias, running_mean, running_var, eps)
        result = relabel(_as_normalized(result, input), "NativeBatchNormBackward0")
        return remember(result, input, weight, running_mean, running_var), None, None
    shape = input._data_.shape
    pixels = math.prod(shape[2:])
    out, mean, rstd, variance = apply(
        rows.normalize, input, weight, bias, view=(shape[0], channels, pixels), dims=(0, 2),
        broadcast=(1, channels, 1), eps=eps,
        batch=_is_one_type(input, weight, bias, running_mean, running_var),
    )  # fmt: skip
    count = shape[0] * pixels
    _move(running_mean, mean, momentum)
    # The running variance is the unbiased one.
    _move(running_var, variance, momentum, count / max(count - 1, 1))
    relabel(out, "NativeBatchNormBackward0")
    return remember(out, running_mean, running_var), mean, rstd


def batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None,
    running_var: Tensor | None, training: bool, momentum: float, eps: float,
    cudnn_enabled: bool = False,
) -> Tensor:  # fmt: skip
    """Each channel (dimension 1) brought to mean 0 and variance 1 over the batch.

    S. Ioffe and C. Szegedy, "Batch Normalization", 2015.
    """
    return normalize_batch(input, running_mean, running_var, weight, bias, training, momentum, eps)[
        0
    ]


def native_batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None,
    running_var: Tensor | None, training: bool, momentum: float, eps: float, *,
    out: tuple[Tensor, Tensor, Tensor] | None = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """`batch_norm` together with the mean and 1 / standard deviation that it used."""
    result, mean, rstd = normalize_batch(
        input, running_mean, running_var, weight, bias, training, momentum, eps
    )
    if mean is None or rstd is None:
        mean = rstd = literal(np.empty(0, input._data_.dtype))
    parts = (result, mean.detach().reshape((-1,)), rstd.detach().reshape((-1,)))
    if out is None:
        return parts
    return tuple(map(write_out, out, parts))  # type: ignore[return-value]


def instance_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None,
    running_var: Tensor | None, use_input_stats: bool, momentum: float, eps: float,
    cudnn_enabled: bool = False,
) -> Tensor:  # fmt: skip
    """Each channel of each sample brought to mean 0 and variance 1.

    D. Ulyanov et al., "Instance Normalization", 2016.
    """
    need_tensor("instance_norm", "input", 1, input)
    supported("batch_norm", FLOAT, [input._data_])
    _one_type(input, weight, bias)
    shape = input._data_.shape
    if 0 in shape[:2] and not (weight is None and bias is None):
        raise IndexError(
            "select(): index 0 out of range for tensor of size [0] at dimension 0: instance_norm() has no "
            "sample, or no channel, to repeat weights for"
        )
    # torch folds the samples into the channels, which puts them in row order, and repeats the weight.
    input, weight = input.contiguous(), None if weight is None else weight.clone()
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise RuntimeError(
                "Expected running_mean and running_var to be defined when use_input_stats is false"
            )
        wide = dtypes.float32 if input._data_.dtype in dtypes.NARROW else input.dtype
        statistics = running_mean.to(wide), running_var.to(wide)
        out = _with_running(input, weight, bias, *statistics, eps)
        return remember(relabel(out, "ViewBackward0"), input)
    channels, pixels = shape[1], math.prod(shape[2:])
    for name, tensor in (("weight", weight), ("bias", bias)):
        _check_size(name, tensor, channels)
    view, broadcast = (shape[0], channels, 1, pixels), (1, channels, 1, 1)
    out, mean, _, variance = apply(
        rows.normalize,
        input,
        weight,
        bias,
        view=view,
        dims=(2, 3),
        broadcast=broadcast,
        eps=eps,
        batch=_is_one_type(input, weight, bias, running_mean, running_var),
    )
    if (pixels or not shape[0]) and (running_mean is not None or running_var is not None):
        # The running statistics move towards the mean of those of the samples.
        _move(running_mean, mean.detach().mean(0), momentum)
        _move(running_var, variance.detach().mean(0), momentum, pixels / max(pixels - 1, 1))
        for running in (running_mean, running_var):
            if running is not None:
                bump(running, "instance_norm")
    return relabel(in_rows(out), "ViewBackward0")


def _layer_shape(
    name: str, input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None,
    bias: Tensor | None,
) -> tuple[int, ...]:  # fmt: skip
    need_tensor(name, "input", 1, input)
    if not isinstance(normalized_shape, list | tuple):
        raise TypeError(
            f"{name}(): argument 'normalized_shape' (position 2) must be tuple of ints, not "
            f"{type_name(normalized_shape)}"
        )
    shape, wanted = input._data_.shape, tuple(normalized_shape)
    if not wanted:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
            "element, but got normalized_shape = []"
        )
    for word, tensor in (("weight", weight), ("bias", bias)):
        if tensor is not None and tensor._data_.shape != wanted:
            raise RuntimeError(
                f"Expected {word} to be of same shape as normalized_shape, but got {word} of shape "
                f"{list(tensor._data_.shape)} and normalized_shape = {list(wanted)}"
            )
    if shape[len(shape) - len(wanted) :] != wanted or len(shape) < len(wanted):
        inner = ", ".join(map(str, wanted))
        raise RuntimeError(
            f"Given normalized_shape={list(wanted)}, expected input with shape [*, {inner}], but got "
            f"input of size{list(shape)}"
        )
    return wanted


def normalize_layer(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None, bias: Tensor | None,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """The normalised input, and the mean and rstd of every row."""
    if eps.__class__ is not float:
        eps = need_float("layer_norm", "eps", 5, eps)
    wanted = _layer_shape("layer_norm", input, normalized_shape, weight, bias)
    _one_type(input, weight, bias)
    supported("LayerNormKernelImpl", FLOAT, [input._data_])
    width, outer = math.prod(wanted), input._data_.shape[: input._data_.ndim - len(wanted)]
    view = (math.prod(outer), width)
    input = input.contiguous()
    out, mean, rstd, _ = apply(
        rows.normalize, input, weight, bias, view=view, dims=(1,), broadcast=(1, width), eps=eps
    )
    return remember(relabel(out, "NativeLayerNormBackward0"), bias), mean, rstd


def layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None,
    bias: Tensor | None = None, eps: float = 1e-5, cudnn_enable: bool = True,
) -> Tensor:  # fmt: skip
    """The last dimensions, of sizes normalized_shape, brought to mean 0 and variance 1.

    J. L. Ba et al., "Layer Normalization", 2016.

    >>> import rushlight as torch
    >>> torch.layer_norm(torch.tensor([[1.0, 3.0]]), (2,), eps=0.0)
    tensor([[-1.,  1.]])
    """
    return normalize_layer(input, normalized_shape, weight, bias, eps)[0]


def native_layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None, bias: Tensor | None,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """`layer_norm` together with the mean and 1 / standard deviation of every row."""
    out, mean, rstd = normalize_layer(input, normalized_shape, weight, bias, eps)
    dims = len(tuple(normalized_shape))
    shape = (*input._data_.shape[: input._data_.ndim - dims], *(1,) * dims)
    return out, mean.detach().reshape(shape), rstd.detach().reshape(shape)


def normalize_groups(
    input: Tensor, num_groups: int, weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The normalised input, and the mean and rstd of every group."""
    need_tensor("group_norm", "input", 1, input)
    shape = input._data_.shape
    if len(shape) < 2:
        raise RuntimeError(
            f"Expected at least 2 dimensions for input tensor but received {len(shape)}"
        )
    if num_groups <= 0:
        raise RuntimeError(f"Expected num groups to be greater than 0, got {num_groups}")
    if shape[1] % num_groups:
        raise RuntimeError(
            f"Expected number of channels in input to be divisible by num_groups, but got input of "
            f"shape {list(shape)} and num_groups={num_groups}"
        )
    for word, tensor in (("weight", weight), ("bias", bias)):
        if tensor is not None and tensor._data_.shape != (shape[1],):
            raise RuntimeError(
                f"Expected {word} to be a vector of size equal to the number of channels in input, "
                f"but got {word} of shape {list(tensor._data_.shape)} and input of shape {list(shape)}"
            )
    _one_type(input, weight, bias)
    supported("GroupNormKernelImpl", FLOAT, [input._data_])
    each = shape[1] // num_groups
    view, broadcast = (shape[0], num_groups, each, math.prod(shape[2:])), (1, num_groups, each, 1)
    out, mean, rstd, _ = apply(
        rows.normalize,
        input,
        weight,
        bias,
        view=view,
        dims=(2, 3),
        broadcast=broadcast,
        eps=eps,
    )
    return relabel(following(out, input), "NativeGroupNormBackward0"), mean, rstd


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None,
    eps: float = 1e-5, cudnn_enabled: bool = True,
) -> Tensor:  # fmt: skip
    """Each group of channels of each sample brought to mean 0 and variance 1.

    Y. Wu and K. He, "Group Normalization", 2018.
    """
    return normalize_groups(input, num_groups, weight, bias, eps)[0]


def native_group_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, N: int, C: int, HxW: int, group: int,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """`group_norm` together with the mean and 1 / standard deviation of every group, [N, group]."""
    out, mean, rstd = normalize_groups(input, group, weight, bias, eps)
    return out, mean.reshape((N, group)), rstd.reshape((N, group))


def _as_normalized(result: Tensor, input: Tensor) -> Tensor:
    """In row order if the input can be read so, be it in channels last as well; else as it suggests."""
    return in_rows(result) if input._data_.flags.c_contiguous else following(result, input)


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:  # fmt: skip
    """The last dimensions, of sizes normalized_shape, divided by their root mean square.

    B. Zhang and R. Sennrich, "Root Mean Square Layer Normalization", 2019.
    """
    if isinstance(input, TensorBase) and input._data_.ndim < len(normalized_shape):
        raise ValueError(
            f"Input tensor must have at least {len(normalized_shape)} dimensions, but got "
            f"{input._data_.ndim}"
        )
    wanted = _layer_shape("rms_norm", input, normalized_shape, weight, None)
    supported("rms_norm", "fcV", [input._data_])
    if weight is not None and weight._data_.dtype != input._data_.dtype:
        warn_once(
            f"Mismatch dtype between input and weight: input dtype = {input.dtype}, weight dtype = "
            f"{weight.dtype}, Cannot dispatch to fused implementation.",
            kind="rms_norm",
        )
    dims = tuple(range(input._data_.ndim - len(wanted), input._data_.ndim))
    # Narrow floats are computed in float32, with its eps, and rounded once, after the weight.
    wide = input.to(dtypes.float32) if input._data_.dtype in dtypes.NARROW else input
    if eps is None:
        eps = float(np.finfo(wide._data_.dtype).eps)
    result = wide * ((wide * wide).mean(dims, keepdim=True) + eps).rsqrt()
    if weight is not None:
        result = result * weight
    result = result.to(input.dtype)
    # What can be read in row order stays as the product has left it.
    return contiguous(result) if input._data_.flags.c_contiguous else following(result, input)
