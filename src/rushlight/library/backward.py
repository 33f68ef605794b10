"""ATen's operators that go backward, and others by whose name no function of torch is called.

>>> import rushlight as torch
>>> torch.ops.aten.silu_backward(torch.ones(2), torch.tensor([0.0, 1.0]))
tensor([0.5000, 0.9277])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rushlight._tensor import Tensor
from rushlight.func import vjp
from rushlight.nn import functional as F

Function = Callable[..., Any]
# What ATen's numbers for reductions stand for.
_REDUCTIONS = ("none", "mean", "sum")


def _back(function: Function, grad: Tensor, *inputs: Tensor) -> tuple[Any, ...]:
    """The gradients of a function's inputs."""
    return tuple(vjp(function, *inputs)[1](grad))


def _of_input(function: Function) -> Function:
    """The gradient of what is computed from one tensor and options, which stand behind it."""

    def backward(grad_output: Tensor, self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return _back(lambda x: function(x, *args, **kwargs), grad_output, self)[0]

    return backward


def _of_loss(function: Function, option: str = "") -> Function:
    """The gradient of a loss, whose reduction is a number; then the option, if it has one."""

    def backward(
        grad_output: Tensor, self: Tensor, target: Tensor, reduction: int, *rest: Any
    ) -> Tensor:
        options = {option: rest[0]} if rest else {}
        return _back(
            lambda x: function(x, target, reduction=_REDUCTIONS[reduction], **options),
            grad_output, self,
        )[0]  # fmt: skip

    return backward


def _binary_cross_entropy(
    grad_output: Tensor, self: Tensor, target: Tensor, weight: Any = None, reduction: int = 1
) -> Tensor:
    how = _REDUCTIONS[reduction]
    return _back(
        lambda x: F.binary_cross_entropy(x, target, weight, reduction=how), grad_output, self
    )[0]


def _sigmoid(grad_output: Tensor, output: Tensor) -> Tensor:
    return grad_output * (1 - output) * output


def _tanh(grad_output: Tensor, output: Tensor) -> Tensor:
    return grad_output * (1 - output * output)


def _threshold(grad_output: Tensor, self: Tensor, threshold: Any) -> Tensor:
    return grad_output.masked_fill(self <= threshold, 0)


def _leaky(
    grad_output: Tensor, self: Tensor, negative_slope: Any, self_is_result: bool = False
) -> Tensor:
    return grad_output.where(self > 0, grad_output * negative_slope)


def _elu(
    grad_output: Tensor, alpha: Any, scale: Any, input_scale: Any, is_result: bool, self_or_result: Tensor
) -> Tensor:  # fmt: skip
    x = self_or_result
    below = x + alpha * scale if is_result else (x * input_scale).exp() * (alpha * scale)
    return grad_output * (below * input_scale).where(x <= 0, scale)


def _convolution(
    grad_output: Tensor, input: Tensor, weight: Tensor, bias_sizes: Any, stride: Sequence[int],
    padding: Sequence[int], dilation: Sequence[int], transposed: bool, output_padding: Sequence[int],
    groups: int, output_mask: Sequence[bool],
) -> tuple[Any, ...]:  # fmt: skip
    from rushlight import convolution

    wanted = [t for t, asked in zip((input, weight), output_mask, strict=False) if asked]

    def forward(*given: Tensor) -> Any:
        left = iter(given)
        x, w = (
            next(left) if asked else t
            for t, asked in zip((input, weight), output_mask, strict=False)
        )
        return convolution(
            x, w, None, stride, padding, dilation, transposed, output_padding, groups
        )

    found = iter(_back(forward, grad_output, *wanted) if wanted else ())
    pair = [next(found) if asked else None for asked in output_mask[:2]]
    batched = [0, *range(2, grad_output.dim())]
    return (*pair, grad_output.sum(batched) if output_mask[2] else None)


def _masked(
    function: Function, grad: Tensor, inputs: Sequence[Any], mask: Sequence[bool]
) -> tuple[Any, ...]:
    """The gradients of input, weight and bias that are asked for and there."""
    there = [i for i, t in enumerate(inputs) if t is not None]

    def forward(*given: Tensor) -> Any:
        full = list(inputs)
        for i, t in zip(there, given, strict=True):
            full[i] = t
        return function(*full)

    found = dict(zip(there, _back(forward, grad, *(inputs[i] for i in there)), strict=True))
    return tuple(found.get(i) if asked else None for i, asked in enumerate(mask))


def _bias_of(weight: Any) -> Any:
    return None if weight is None else weight.new_zeros(weight.shape)


def _batch_norm(
    grad_out: Tensor, input: Tensor, weight: Any, running_mean: Any, running_var: Any,
    save_mean: Any, save_invstd: Any, train: bool, eps: float, output_mask: Sequence[bool],
) -> tuple[Any, ...]:  # fmt: skip
    mean, var = (None, None) if train else (running_mean, running_var)
    return _masked(
        lambda x, w, b: F.batch_norm(x, mean, var, w, b, train, 0.0, eps),
        grad_out, (input, weight, _bias_of(weight)), output_mask,
    )  # fmt: skip


def _layer_norm(
    grad_out: Tensor, input: Tensor, normalized_shape: Sequence[int], mean: Tensor, rstd: Tensor,
    weight: Any, bias: Any, output_mask: Sequence[bool],
) -> tuple[Any, ...]:  # fmt: skip
    size = len(normalized_shape)
    shape = (*input.shape[: input.dim() - size], *(1,) * size)

    def normalized(x: Tensor, w: Any, b: Any) -> Any:
        # The moments are given with their eps in them: their own gradients are those of exact ones.
        dims = tuple(range(-size, 0))
        centred = x - x.mean(dims, keepdim=True)
        variance = centred.square().mean(dims, keepdim=True)
        held = rstd.detach().reshape(shape)
        out = centred * (variance + (held**-2 - variance.detach())).rsqrt()
        out = out if w is None else out * w
        return out if b is None else out + b

    return _masked(normalized, grad_out, (input, weight, bias), output_mask)


def _group_norm(
    grad_out: Tensor, input: Tensor, mean: Tensor, rstd: Tensor, weight: Any, N: int, C: int,
    HxW: int, group: int, output_mask: Sequence[bool],
) -> tuple[Any, ...]:  # fmt: skip
    def normalized(x: Tensor, w: Any, b: Any) -> Any:
        rows = x.reshape(N, group, -1)
        centred = rows - rows.mean(-1, keepdim=True)
        variance = centred.square().mean(-1, keepdim=True)
        held = rstd.detach().reshape(N, group, 1)
        out = centred * (variance + (held**-2 - variance.detach())).rsqrt()
        out = out.reshape(N, C, HxW)
        return (out if w is None else out * w[:, None] + b[:, None]).reshape(input.shape)

    return _masked(normalized, grad_out, (input, weight, _bias_of(weight)), output_mask)


def _max_pool(pool: Function) -> Function:
    def backward(
        grad_output: Tensor, self: Tensor, kernel_size: Any, stride: Any, padding: Any,
        dilation: Any, ceil_mode: bool, indices: Tensor,
    ) -> Tensor:  # fmt: skip
        steps = stride or None
        return _back(
            lambda x: pool(x, kernel_size, steps, padding, dilation, ceil_mode=ceil_mode),
            grad_output, self,
        )[0]  # fmt: skip

    return backward


def _select(grad_output: Tensor, input_sizes: Sequence[int], dim: int, index: int) -> Tensor:
    return grad_output.new_zeros(input_sizes).select_scatter(grad_output, dim, index)


def _slice(
    grad_output: Tensor, input_sizes: Sequence[int], dim: int, start: int, end: int, step: int
) -> Tensor:
    return grad_output.new_zeros(input_sizes).slice_scatter(grad_output, dim, start, end, step)


def _diagonal(
    grad_output: Tensor, input_sizes: Sequence[int], offset: int, dim1: int, dim2: int
) -> Tensor:
    return grad_output.new_zeros(input_sizes).diagonal_scatter(grad_output, offset, dim1, dim2)


def _embedding(
    grad_output: Tensor, indices: Tensor, num_weights: int, padding_idx: int, scale_grad_by_freq: bool
) -> Tensor:  # fmt: skip
    table = grad_output.new_zeros(num_weights, grad_output.shape[-1])
    padding = None if padding_idx < 0 else padding_idx
    return _back(
        lambda w: F.embedding(indices, w, padding, scale_grad_by_freq=scale_grad_by_freq),
        grad_output, table,
    )[0]  # fmt: skip


def _dropout(grad_output: Tensor, mask: Tensor, scale: float) -> Tensor:
    return grad_output * (mask * scale)


def _nothing(*args: Any, **options: Any) -> None:
    """What only a compiler asks about."""


def _assert_scalar(self: Any, assert_msg: str) -> None:
    if not self:
        raise RuntimeError(assert_msg)


def _is_dense(self: Tensor) -> bool:
    """Whether its elements lie in memory one by one, in some order of the dimensions."""
    expected = 1
    for stride, size in sorted(zip(self.stride(), self.shape, strict=True)):
        if size == 1:
            continue
        if stride != expected:
            return False
        expected *= size
    return True


OPERATORS: dict[str, Function] = {
    **{
        f"{name}_backward": _of_input(getattr(F, name))
        for name in (
            "silu",
            "mish",
            "hardswish",
            "hardsigmoid",
            "gelu",
            "softplus",
            "softshrink",
            "hardshrink",
            "glu",
        )
    },
    "hardtanh_backward": _of_input(F.hardtanh),
    "log_sigmoid_backward": _of_input(lambda x, buffer: F.logsigmoid(x)),
    "logit_backward": _of_input(Tensor.logit),
    "avg_pool2d_backward": _of_input(F.avg_pool2d),
    "avg_pool3d_backward": _of_input(F.avg_pool3d),
    "_adaptive_avg_pool2d_backward": lambda grad_output, self: _back(
        lambda x: F.adaptive_avg_pool2d(x, grad_output.shape[-2:]), grad_output, self
    )[0],
    "reflection_pad2d_backward": _of_input(lambda x, padding: F.pad(x, padding, "reflect")),
    "replication_pad2d_backward": _of_input(lambda x, padding: F.pad(x, padding, "replicate")),
    "sigmoid_backward": _sigmoid,
    "tanh_backward": _tanh,
    "threshold_backward": _threshold,
    "leaky_relu_backward": _leaky,
    "elu_backward": _elu,
    "mse_loss_backward": _of_loss(F.mse_loss),
    "soft_margin_loss_backward": _of_loss(F.soft_margin_loss),
    "smooth_l1_loss_backward": _of_loss(F.smooth_l1_loss, "beta"),
    "huber_loss_backward": _of_loss(F.huber_loss, "delta"),
    "binary_cross_entropy_backward": _binary_cross_entropy,
    "convolution_backward": _convolution,
    "native_batch_norm_backward": _batch_norm,
    "native_layer_norm_backward": _layer_norm,
    "native_group_norm_backward": _group_norm,
    "max_pool2d_with_indices_backward": _max_pool(F.max_pool2d),
    "max_pool3d_with_indices_backward": _max_pool(F.max_pool3d),
    "select_backward": _select,
    "slice_backward": _slice,
    "diagonal_backward": _diagonal,
    "embedding_dense_backward": _embedding,
    "native_dropout_backward": _dropout,
    "reflection_pad2d": lambda self, padding: F.pad(self, padding, "reflect"),
    "replication_pad2d": lambda self, padding: F.pad(self, padding, "replicate"),
    "upsample_nearest2d": lambda self, output_size, scales_h=None, scales_w=None: F.interpolate(
        self, output_size, mode="nearest"
    ),
    "upsample_bilinear2d": lambda self, output_size, align_corners, scales_h=None, scales_w=None: (
        F.interpolate(self, output_size, mode="bilinear", align_corners=align_corners)
    ),
    "upsample_bicubic2d": lambda self, output_size, align_corners, scales_h=None, scales_w=None: (
        F.interpolate(self, output_size, mode="bicubic", align_corners=align_corners)
    ),
    "lift_fresh": lambda self: self,
    "lift_fresh_copy": Tensor.clone,
    "is_pinned": Tensor.is_pinned,
    "is_non_overlapping_and_dense": _is_dense,
    "sym_storage_offset": Tensor.storage_offset,
    "sym_constrain_range_for_size": _nothing,
    "_assert_scalar": _assert_scalar,
    "_assert_tensor_metadata": _nothing,
    "_conj": Tensor.conj,
    "_grouped_mm": F.grouped_mm,
}
