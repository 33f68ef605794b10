"""Normalisation of activations, and of vectors to length 1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rushlight.ops import normalization as ops
from rushlight.ops.arguments import (
    need_float,
    need_int,
    need_tensor,
    write_out,
)
from rushlight.ops.padding import pad
from rushlight.ops.pooling import avg_pool

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """`torch.layer_norm`: the last dimensions brought to mean 0 and variance 1."""
    return ops.layer_norm(input, normalized_shape, weight, bias, eps)


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel (dimension 1) brought to mean 0 and variance 1 over the batch.

    In training with the statistics of the batch, towards which the running ones are moved in place;
    else with the running ones. S. Ioffe and C. Szegedy, "Batch Normalization", 2015.

    >>> import rushlight as torch
    >>> x = torch.tensor([[1.0], [3.0]])
    >>> torch.nn.functional.batch_norm(x, None, None, training=True)
    tensor([[-1.0000],
            [ 1.0000]])
    """
    need_tensor("batch_norm", "input", 1, input)
    if eps < 0 or (eps == 0 and training):
        kind = "positive during training" if training else "non-negative"
        raise ValueError(f"batch_norm eps must be {kind}, but got {eps}")
    if training:
        if (running_mean is None) != (running_var is None):
            raise ValueError(
                "running_mean and running_var must either both be None or neither be None"
            )
        if not input._data_.size:
            running_mean = running_var = None  # an empty batch has no statistics to move to
        shape = input._data_.shape
        if shape and shape[0] * math.prod(shape[2:]) == 1:
            raise ValueError(
                f"Expected more than 1 value per channel when training, got input size {input.shape}"
            )
    return ops.batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel of each sample brought to mean 0 and variance 1.

    D. Ulyanov et al., "Instance Normalization", 2016.
    """
    need_tensor("instance_norm", "input", 1, input)
    if use_input_stats and math.prod(input._data_.shape[2:]) == 1:
        raise ValueError(
            f"Expected more than 1 spatial element when training, got input size {input.shape}"
        )
    return ops.instance_norm(
        input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps
    )


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Each group of channels of each sample brought to mean 0 and variance 1.

    Y. Wu and K. He, "Group Normalization", 2018.
    """
    need_tensor("group_norm", "input", 1, input)
    num_groups = need_int("group_norm", "num_groups", 2, num_groups)
    shape = input._data_.shape
    if len(shape) >= 2:
        size = shape[0] * shape[1] // num_groups * math.prod(shape[2:])
        if size == 1:
            raise ValueError(
                f"Expected more than 1 value per channel when training, got input size {list(shape)}"
            )
    return ops.group_norm(input, num_groups, weight, bias, eps)


def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """x / (k + alpha * mean of the squares of `size` neighbouring channels) ** beta.

    A. Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks", 2012.
    """
    need_tensor("local_response_norm", "input", 1, input)
    shape = input._data_.shape
    if len(shape) < 3:
        raise ValueError(
            f"Expected 3D or higher dimensionality input (got {len(shape)} dimensions)"
        )
    if not input._data_.size:
        return input
    squares, around = input * input, (size // 2, (size - 1) // 2)
    if len(shape) == 3:
        squares = pad(squares.unsqueeze(1), (0, 0, *around))
        mean = avg_pool("avg_pool2d", 2, squares, (size, 1), stride=1).squeeze(1)
    else:
        squares = pad(squares.view(shape[0], 1, shape[1], shape[2], -1), (0, 0, 0, 0, *around))
        mean = avg_pool("avg_pool3d", 3, squares, (size, 1, 1), stride=1).squeeze(1).view(shape)
    return input / (mean * alpha + k) ** beta


def normalize(
    input: Tensor,
    p: float = 2.0,
    dim: int = 1,
    eps: float = 1e-12,
    out: Tensor | None = None,
) -> Tensor:
    """x divided by its p-norm along dim, or by eps if that is larger.

    >>> import rushlight as torch
    >>> torch.nn.functional.normalize(torch.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    need_tensor("normalize", "input", 1, input)
    p = need_float("normalize", "p", 2, p)
    result = input / input.norm(p, dim, keepdim=True).clamp_min(eps).expand_as(input)
    return result if out is None else write_out(out, result)
