"""Convolutions, and the windows that they look at: unfold and fold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rushlight.core.doors import apply
from rushlight.ops.arguments import need_tensor, relabel
from rushlight.ops.convolution import (
    Ints,
    as_ints,
)
from rushlight.primitives.flat_buffer import out_sizes
from rushlight.primitives.windows import windows, windows_sum

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def _pair(name: str, argument: str, value: Ints) -> tuple[int, int]:
    if isinstance(value, (list, tuple)) and len(value) != 2:
        raise RuntimeError(f"It is expected {argument} equals to 2, but got size {len(value)}")
    first, second = as_ints(name, argument, value, 2)
    return first, second


def _form(
    name: str, kernel_size: Ints, dilation: Ints, padding: Ints, stride: Ints
) -> dict[str, tuple[int, int]]:
    form = {
        "kernel": _pair(name, "kernel_size", kernel_size),
        "stride": _pair(name, "stride", stride),
        "padding": _pair(name, "padding", padding),
        "dilation": _pair(name, "dilation", dilation),
    }
    for word in ("kernel", "stride", "dilation"):
        if min(form[word]) <= 0:
            raise RuntimeError(
                f"{word} should be greater than zero, but got {form[word][0]} x {form[word][1]}"
            )
    if min(form["padding"]) < 0:
        raise RuntimeError(f"padding should be non-negative, but got {form['padding']}")
    return form


def _not_whole(kernel: str, input: Tensor) -> None:
    if input._data_.dtype.kind in "iu":
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{input.dtype.word}'")


def unfold(
    input: Tensor, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1
) -> Tensor:
    """The windows of [N, C, H, W] as columns: [N, C * kernel elements, windows].

    >>> import rushlight as torch
    >>> torch.nn.functional.unfold(torch.arange(9.0).reshape(1, 1, 3, 3), 2)[0, :, 0]
    tensor([0., 1., 3., 4.])
    """
    need_tensor("im2col", "input", 1, input)
    shape = input._data_.shape
    form = _form("im2col", kernel_size, dilation, padding, stride)
    if len(shape) < 2 or (len(shape) == 2 and shape[1]):
        raise IndexError(
            f"Dimension out of range (expected to be in range of [-{len(shape)}, {len(shape) - 1}], "
            f"but got 2): unfold takes [N, C, H, W] or [C, H, W], got {list(shape)}"
        )
    if len(shape) not in (3, 4) or 0 in shape[-3:]:
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, but got: {list(shape)}"
        )
    if min(out_sizes(shape[-2:], **form)) < 1:
        raise RuntimeError(
            f"Given input with spatial size {shape[-2:]}, kernel_size={form['kernel']}, "
            f"dilation={form['dilation']}, padding={form['padding']}, calculated shape of the array of "
            f"sliding blocks as {out_sizes(shape[-2:], **form)}, but its components must be at least "
            "one."
        )
    _not_whole("im2col_out_cpu", input)
    batch = input if len(shape) == 4 else input.unsqueeze(0)
    columns = apply(windows, batch, **form)
    n, channels, elements, count = columns._data_.shape
    joined = columns.reshape((n, channels * elements, count))
    return relabel(joined if len(shape) == 4 else joined.squeeze(0), "Im2ColBackward0")


def fold(
    input: Tensor, output_size: Ints, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0,
    stride: Ints = 1,
) -> Tensor:  # fmt: skip
    """Put windows back into images of output_size, adding up where they overlap.

    >>> import rushlight as torch
    >>> torch.nn.functional.fold(torch.ones(1, 4, 4), (3, 3), 2)[0, 0]
    tensor([[1., 2., 1.],
            [2., 4., 2.],
            [1., 2., 1.]])
    """
    need_tensor("col2im", "input", 1, input)
    shape = input._data_.shape
    form = _form("col2im", kernel_size, dilation, padding, stride)
    size = _pair("col2im", "output_size", output_size)
    if len(shape) not in (2, 3) or 0 in shape[-2:]:
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero "
            f"dimensions for input, but got: {list(shape)}"
        )
    elements = form["kernel"][0] * form["kernel"][1]
    if shape[-2] % elements:
        raise RuntimeError(
            f"Expected size of input's dimension 1 to be divisible by the product of kernel_size, but "
            f"got input.size(1)={shape[-2]} and kernel_size={form['kernel']}."
        )
    rows, columns = out_sizes(size, **form)
    if min(rows, columns) < 1 or shape[-1] != rows * columns:
        raise RuntimeError(
            f"Given output_size={size}, kernel_size={form['kernel']}, dilation={form['dilation']}, "
            f"padding={form['padding']}, stride={form['stride']}, expected size of input's dimension 2 "
            f"to match the calculated number of sliding blocks {rows} * {columns} = {rows * columns}, "
            f"but got input.size(2)={shape[-1]}."
        )
    _not_whole("col2im_out_cpu", input)
    batch = input if len(shape) == 3 else input.unsqueeze(0)
    parts = batch.reshape((batch.shape[0], shape[-2] // elements, elements, shape[-1]))
    result: Tensor = apply(windows_sum, parts, size=size, **form)
    return relabel(result if len(shape) == 3 else result.squeeze(0), "Col2ImBackward0")
