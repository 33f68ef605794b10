"""Convolutions that look where offsets say.

J. Dai and others, "Deformable convolutional networks", 2017; with a mask X. Zhu and others, version 2, 2019.
"""

from __future__ import annotations

import math
from typing import Any

from rushlight import nn
from rushlight._tensor import Tensor
from rushlight.ops.creation import empty
from rushlight.ops.ranges import arange


def _two(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _interpolated(planes: Any, y: Any, x: Any) -> Any:
    """Planes (n, g, c, h, w) at places (n, g, k), between their pixels, 0 outside: (n, g, c, k)."""
    n, g, c, h, w = planes.shape
    flat = planes.reshape(n, g, c, h * w)
    top, left = y.detach().floor(), x.detach().floor()
    total: Any = 0.0
    for down in (0, 1):
        row = top + down
        of_row = 1 - (y - row).abs()
        for across in (0, 1):
            column = left + across
            inside = (row >= 0) & (row < h) & (column >= 0) & (column < w)
            weight = (of_row * (1 - (x - column).abs())).masked_fill(~inside, 0)
            place = (row.clamp(0, h - 1) * w + column.clamp(0, w - 1)).long().unsqueeze(2)
            total = total + flat.gather(-1, place.expand(-1, -1, c, -1)) * weight.unsqueeze(2)
    return total


def deform_conv2d(
    input: Tensor,
    offset: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = (1, 1),
    padding: Any = (0, 0),
    dilation: Any = (1, 1),
    mask: Tensor | None = None,
) -> Tensor:
    """A convolution of (n, c, h, w) that takes each pixel of its kernel from where an offset moves it.

    offset: (n, 2 * groups * kh * kw, out_h, out_w), down and across for each place of the kernel; mask: (n,
    groups * kh * kw, out_h, out_w), a factor for each.
    """
    (down, across), (pad_h, pad_w), (step_h, step_w) = _two(stride), _two(padding), _two(dilation)
    n, c, h, w = input.shape
    out_c, group_c, kh, kw = weight.shape
    places = kh * kw
    out_h, out_w = offset.shape[-2:]
    groups = offset.shape[1] // (2 * places)
    expected = tuple(
        (size + 2 * pad - (step * (k - 1) + 1)) // by + 1
        for size, pad, step, k, by in ((h, pad_h, step_h, kh, down), (w, pad_w, step_w, kw, across))
    )
    if groups == 0:
        raise RuntimeError(
            "the shape of the offset tensor at dimension 1 is not valid. It should be a multiple of "
            f"2 * weight.size[2] * weight.size[3]. Got offset.shape[1]={offset.shape[1]}, while "
            f"2 * weight.size[2] * weight.size[3]={2 * places}"
        )
    if (out_h, out_w) != expected:
        raise RuntimeError(
            f"offset output dims: ({out_h}, {out_w}) - output of the convolution: {expected}"
        )
    moved = offset.reshape(n, groups, places, 2, out_h, out_w)
    like: Any = {"dtype": offset.dtype, "device": offset.device}
    rows = arange(kh, **like).repeat_interleave(kw).reshape(places, 1, 1) * step_h - pad_h
    columns = arange(kw, **like).repeat(kh).reshape(places, 1, 1) * step_w - pad_w
    y = moved[:, :, :, 0] + rows + arange(out_h, **like).reshape(-1, 1) * down
    x = moved[:, :, :, 1] + columns + arange(out_w, **like) * across
    planes = input.reshape(n, groups, c // groups, h, w)
    seen = _interpolated(planes, y.reshape(n, groups, -1), x.reshape(n, groups, -1))
    seen = seen.reshape(n, groups, c // groups, places, out_h * out_w)
    if mask is not None:
        seen = seen * mask.reshape(n, groups, 1, places, out_h * out_w)
    own = c // group_c
    kernels = weight.reshape(own, out_c // own, group_c * places)
    result = (kernels @ seen.reshape(n, own, group_c * places, -1)).reshape(n, out_c, out_h, out_w)
    return result if bias is None else result + bias.reshape(1, -1, 1, 1)


class DeformConv2d(nn.Module):
    """`deform_conv2d` with a weight and a bias of its own."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if in_channels % groups:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups:
            raise ValueError("out_channels must be divisible by groups")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride = _two(kernel_size), _two(stride)
        self.padding, self.dilation = _two(padding), _two(dilation)
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = nn.Parameter(empty(shape))
        self.bias: Any
        if bias:
            self.bias = nn.Parameter(empty(out_channels))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As those of a convolution."""
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in = self.weight[0].numel()
            nn.init.uniform_(self.bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))

    def forward(self, input: Tensor, offset: Tensor, mask: Tensor | None = None) -> Tensor:
        """As those of `deform_conv2d`."""
        options = self.stride, self.padding, self.dilation, mask
        return deform_conv2d(input, offset, self.weight, self.bias, *options)

    def __repr__(self) -> str:
        shown = [str(self.in_channels), str(self.out_channels)]
        shown += [f"kernel_size={self.kernel_size}", f"stride={self.stride}"]
        shown += [f"padding={self.padding}"] * (self.padding != (0, 0))
        shown += [f"dilation={self.dilation}"] * (self.dilation != (1, 1))
        shown += [f"groups={self.groups}"] * (self.groups != 1)
        shown += ["bias=False"] * (self.bias is None)
        return f"{type(self).__name__}({', '.join(shown)})"
