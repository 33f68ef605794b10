"""Convolutions under torch's names."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.core.doors import apply
from rushlight.core.state import state
from rushlight.errors import warn_once
from rushlight.kernels import refusal
from rushlight.ops.arguments import need_tensor, relabel, whole_numbers
from rushlight.ops.conversion import in_rows
from rushlight.ops.precision import lowered
from rushlight.primitives import convolution as rows
from rushlight.primitives import view
from rushlight.primitives.families import result_type
from rushlight.primitives.flat_buffer import out_sizes
from rushlight.primitives.kernel import entering

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

Ints = int | Sequence[int]


def as_ints(name: str, argument: str, value: Any, dims: int) -> tuple[int, ...]:
    """One integer for all dimensions, or a list of one or `dims` integers."""
    return whole_numbers(
        name, argument, value, dims,
        lambda given: f"expected {argument} to be a single integer value or a list of {dims} values to match "
        f"the convolution dimensions, but got {argument}={given}",
    )  # fmt: skip


def _check(
    name: str, input: Tensor, weight: Tensor, bias: Tensor | None, dims: int, groups: int,
    transposed: bool,
) -> None:  # fmt: skip
    """Everything about types and shapes that torch refuses."""
    need_tensor(name, "input", 1, input)
    need_tensor(name, "weight", 2, weight)
    if bias is not None:
        need_tensor(name, "bias", 3, bias)
    x, w = input._data_.shape, weight._data_.shape
    if len(w) != dims + 2:
        raise RuntimeError(
            f"weight should have {dims + 2} dimensions for {name}, got {list(w)}: "
            f"{'[in, out / groups' if transposed else '[out, in / groups'}, *kernel_size]"
        )
    if 0 in w[2:]:
        raise RuntimeError(f"kernel size should be greater than zero, but got {list(w[2:])}")
    if len(x) not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {name}, but got "
            f"input of size: {list(x)}"
        )
    for other in (weight, bias):
        if other is weight and not input._data_.size and input._data_.dtype.kind != "c":
            continue
        if other is not None and other._data_.dtype != input._data_.dtype:
            word = "weight" if other is weight else "bias"
            ours, theirs = dtypes.of(input._data_.dtype), dtypes.of(other._data_.dtype)
            raise RuntimeError(
                f"Input type ({ours}) and {word} type ({theirs}) should be the same: convert one "
                f"with .to()"
            )
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    channels = x[-dims - 1]
    wanted = w[0] if transposed else w[1] * groups
    if channels != wanted:
        raise RuntimeError(
            f"Given {'transposed=1' if transposed else f'groups={groups}'}, weight of size {list(w)}, "
            f"expected input{list(x)} to have {wanted} channels, but got {channels} channels instead"
        )
    if 0 in w[:1]:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least 1 at dimension 0, but got weight "
            f"of size {list(w)} instead"
        )
    if w[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but "
            f"got weight of size {list(w)} instead"
        )
    outputs = w[1] * groups if transposed else w[0]
    if bias is not None and bias._data_.shape != (outputs,):
        raise RuntimeError(
            f"Given weight of size {list(w)}, expected bias to be 1-dimensional with {outputs} "
            f"elements, but got bias of size {list(bias._data_.shape)} instead"
        )


def _check_steps(stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int]) -> None:
    if min(stride) <= 0:
        raise RuntimeError("non-positive stride is not supported")
    if min(padding) < 0:
        raise RuntimeError("negative padding is not supported")
    if min(dilation) <= 0:
        raise RuntimeError("dilation should be greater than zero")


def _of_nothing(
    dims: int, input: Tensor, weight: Tensor, bias: Tensor | None, channels: int, size: Sequence[int]
) -> Tensor:  # fmt: skip
    """What torch makes of no batch, or of no channels, without a kernel: so many channels of these sizes."""
    whole = input._data_.shape if input._data_.ndim == dims + 2 else (1, *input._data_.shape)
    if whole[0] and whole[1]:
        raise RuntimeError(
            f"Only zero batch or zero channel inputs are supported, but got input shape: {list(whole)}"
        )
    # Without a batch it is a single weight that torch multiplies by.
    factor = weight._data_ if whole[0] else np.empty((), weight._data_.dtype)
    kind = result_type(input._data_, factor)
    # From no channels come no channels, whatever the weight says.
    shape = (whole[0], channels if whole[1] else 0, *size)
    given = input, weight, *(() if bias is None else (bias,))
    nothing = [(entering(t, itself=False, lies="like").sum() * 0).to(kind) for t in given]
    total = functools.reduce(operator.add, nothing)
    result = relabel(in_rows(total.to(kind).expand(shape)), "ConvolutionBackward0")
    return result if input._data_.ndim == dims + 2 else result.squeeze(0)


def _same(
    name: str, input: Tensor, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> tuple[Tensor, tuple[int, ...]]:
    """The padding that keeps the sizes; where it is uneven, the rest is padded on at the end."""
    if max(stride) != 1:
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    totals = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    if any(t % 2 for t in totals):
        if not name.startswith("conv1"):
            warn_once(
                "Using padding='same' with even kernel lengths and odd dilation may require a zero-padded copy "
                "of the input be created"
            )
        widths = [(0, 0)] * (input._data_.ndim - len(totals)) + [(0, t % 2) for t in totals]
        input = apply(view.pad, input, widths=tuple(widths), value=0)
    return input, tuple(t // 2 for t in totals)


def conv(
    name: str, dims: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Ints,
    padding: Ints | str, dilation: Ints, groups: int,
) -> Tensor:  # fmt: skip
    """A convolution over `dims` dimensions, of one input or a batch."""
    if state.autocast is not None:
        input, weight, bias = lowered(input, weight, bias)
    _check(name, input, weight, bias, dims, groups, False)
    if input._data_.dtype.kind == "b" and input._data_.size:
        kernel_name = "compute_columns3d" if dims == 3 else "slow_conv2d_cpu"
        raise NotImplementedError(f"\"{kernel_name}\" not implemented for 'Bool'")
    steps, spread = as_ints(name, "stride", stride, dims), as_ints(name, "dilation", dilation, dims)
    kernel = weight._data_.shape[2:]
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise RuntimeError(
                f"Invalid padding string: '{padding}': write 'valid', 'same' or numbers"
            )
        _check_steps(steps, (0,), spread)
        margin = (0,) * dims
        if padding == "same":
            input, margin = _same(name, input, kernel, steps, spread)
    else:
        margin = as_ints(name, "padding", padding, dims)
    _check_steps(steps, margin, spread)
    size = input._data_.shape[-dims:]
    sizes = out_sizes(size, kernel, steps, margin, spread)
    if min(sizes, default=1) < 1:
        padded = [n + 2 * p for n, p in zip(size, margin, strict=True)]
        effective = [d * (k - 1) + 1 for k, d in zip(kernel, spread, strict=True)]
        raise RuntimeError(
            f"Calculated padded input size per channel: ({' x '.join(map(str, padded))}). Kernel "
            f"size: ({' x '.join(map(str, effective))}). Kernel size can't be greater than actual "
            "input size"
        )
    if not input._data_.size:
        return _of_nothing(dims, input, weight, bias, weight._data_.shape[0], sizes)
    form = {"stride": steps, "padding": margin, "dilation": spread, "groups": groups}
    if input._data_.ndim == dims + 2:
        return apply(rows.convolution, input, weight, bias, **form)
    return apply(rows.convolution, input.unsqueeze(0), weight, bias, **form).squeeze(0)


def conv_transpose(
    name: str, dims: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Ints,
    padding: Ints, output_padding: Ints, groups: int, dilation: Ints,
) -> Tensor:  # fmt: skip
    """The transpose of a convolution over `dims` dimensions, of one input or a batch."""
    if state.autocast is not None:
        input, weight, bias = lowered(input, weight, bias)
    _check(name, input, weight, bias, dims, groups, True)
    empty = not input._data_.size
    if input._data_.dtype.kind in "biu" and input.dtype is not dtypes.int64 and not empty:
        raise refusal(f"slow_conv_transpose{max(dims, 2)}d_out_cpu", input.dtype)
    steps, spread = as_ints(name, "stride", stride, dims), as_ints(name, "dilation", dilation, dims)
    margin = as_ints(name, "padding", padding, dims)
    extra = as_ints(name, "output_padding", output_padding, dims)
    _check_steps(steps, margin, spread)
    if min(extra) < 0:
        raise RuntimeError("negative output_padding is not supported")
    for e, s, d in zip(extra, steps, spread, strict=True):
        if e >= s and e >= d and not empty:
            raise RuntimeError(
                f"output padding must be smaller than either stride or dilation, but got "
                f"output_padding={list(extra)}, stride={list(steps)}, dilation={list(spread)}"
            )
    size = tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + e + 1
        for n, s, p, d, k, e in zip(
            input._data_.shape[-dims:], steps, margin, spread, weight._data_.shape[2:], extra,
            strict=True,
        )
    )  # fmt: skip
    if min(size, default=1) < 1 - empty:
        raise RuntimeError(
            f"Given input size per channel: {list(input._data_.shape[-dims:])}. Calculated output "
            f"size per channel: {list(size)}. Output size is too small"
        )
    if empty:
        return _of_nothing(dims, input, weight, bias, weight._data_.shape[1] * groups, size)
    form = {
        "size": size, "stride": steps, "padding": margin, "dilation": spread, "groups": groups,
    }  # fmt: skip
    if input._data_.ndim == dims + 2:
        return apply(rows.convolution_transpose, input, weight, bias, **form)
    row = rows.convolution_transpose
    return apply(row, input.unsqueeze(0), weight, bias, **form).squeeze(0)


def conv1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1,
    padding: Ints | str = 0, dilation: Ints = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Slide kernels [out, in / groups, K] over [N, in, L] or [in, L].

    >>> import rushlight as torch
    >>> torch.conv1d(torch.ones(1, 1, 4), torch.ones(1, 1, 2))
    tensor([[[2., 2., 2.]]])
    """
    return conv("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1,
    padding: Ints | str = 0, dilation: Ints = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Slide kernels [out, in / groups, K, K] over [N, in, H, W] or [in, H, W].

    padding may be 'same' (stride 1 only) or 'valid'.

    >>> import rushlight as torch
    >>> torch.conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 3, 3), padding=1)[0, 0, 1]
    tensor([6., 9., 6.])
    """
    return conv("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1,
    padding: Ints | str = 0, dilation: Ints = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Slide kernels [out, in / groups, K, K, K] over [N, in, D, H, W] or [in, D, H, W]."""
    return conv("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1, padding: Ints = 0,
    output_padding: Ints = 0, groups: int = 1, dilation: Ints = 1,
) -> Tensor:  # fmt: skip
    """The transpose of `conv1d`, with kernels [in, out / groups, K]."""
    return conv_transpose(
        "conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups,
        dilation,
    )  # fmt: skip


def conv_transpose2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1, padding: Ints = 0,
    output_padding: Ints = 0, groups: int = 1, dilation: Ints = 1,
) -> Tensor:  # fmt: skip
    """The transpose of `conv2d`, with kernels [in, out / groups, K, K].

    >>> import rushlight as torch
    >>> torch.conv_transpose2d(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2), stride=2).shape
    torch.Size([1, 1, 4, 4])
    """
    return conv_transpose(
        "conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups,
        dilation,
    )  # fmt: skip


def conv_transpose3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1, padding: Ints = 0,
    output_padding: Ints = 0, groups: int = 1, dilation: Ints = 1,
) -> Tensor:  # fmt: skip
    """The transpose of `conv3d`, with kernels [in, out / groups, K, K, K]."""
    return conv_transpose(
        "conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups,
        dilation,
    )  # fmt: skip


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """`conv1d` on [time, batch, channels], with kernels [K, in, out]."""
    need_tensor("conv_tbc", "input", 1, input)
    need_tensor("conv_tbc", "weight", 2, weight)
    need_tensor("conv_tbc", "bias", 3, bias)
    if input._data_.ndim != 3 or weight._data_.ndim != 3 or bias._data_.ndim != 1:
        raise RuntimeError(
            "conv_tbc: Input must have 3 dims (time, batch, in_channel), weight 3 (kernel_width, "
            f"in_channel, out_channel), bias 1; got {list(input._data_.shape)}, "
            f"{list(weight._data_.shape)}, {list(bias._data_.shape)}"
        )
    out = conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad)
    return out.permute(2, 0, 1)


def convolution(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Ints, padding: Ints, dilation: Ints,
    transposed: bool, output_padding: Ints, groups: int,
) -> Tensor:  # fmt: skip
    """A convolution, or its transpose, in as many dimensions as the weight has."""
    need_tensor("convolution", "weight", 2, weight)
    dims = weight._data_.ndim - 2
    if transposed:
        return conv_transpose(
            "convolution", dims, input, weight, bias, stride, padding, output_padding, groups,
            dilation,
        )  # fmt: skip
    return conv("convolution", dims, input, weight, bias, stride, padding, dilation, groups)
