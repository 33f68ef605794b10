"""Tensors made larger at their sides: by a constant, or by what they hold."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rushlight import dtypes
from rushlight.core.doors import apply, number
from rushlight.core.tensor import TensorBase
from rushlight.ops.arguments import (
    need_float,
    need_tensor,
    relabel,
    type_name,
)
from rushlight.ops.conversion import following, in_rows
from rushlight.ops.joining import cat
from rushlight.ops.precision import single
from rushlight.primitives import view
from rushlight.primitives.kernel import entering

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def constant_pad_nd(input: Tensor, pad: Sequence[int], value: Any = 0) -> Tensor:
    """Pad with a value: pad holds (before, after) for the last dimension, then the one before it...

    Negative widths cut off.

    >>> import rushlight as torch
    >>> torch.constant_pad_nd(torch.ones(2), (1, 0))
    tensor([0., 1., 1.])
    """
    need_tensor("constant_pad_nd", "input", 1, input)
    widths = list(map(operator.index, pad))
    shape = input._data_.shape
    if len(widths) % 2 or len(widths) > 2 * len(shape):
        raise RuntimeError(
            f"Length of pad must be even and no more than twice the number of dimensions of the input: "
            f"pad is of length {len(widths)} while the input has {len(shape)} dims."
        )
    pairs = [(0, 0)] * len(shape)
    for d in range(len(widths) // 2):
        pairs[-1 - d] = (widths[2 * d], widths[2 * d + 1])
        left = shape[-1 - d] + sum(width for width in pairs[-1 - d] if width < 0)
        if left < 0:
            raise RuntimeError(
                f"The input size {shape[-1 - d]}, plus negative padding {pairs[-1 - d][0]} and "
                f"{pairs[-1 - d][1]}, resulted in a negative output size, which is invalid. Check "
                f"dimension {len(shape) - 1 - d} of your input."
            )
    if isinstance(value, TensorBase):
        value = number(value, "the value to pad with")
    if max(widths, default=0) > 0:
        value = dtypes.number_in(value, input._data_.dtype).item()
    else:
        value = 0
    return apply(view.pad, input, widths=tuple(pairs), value=value)


def _reflect(input: Tensor, dim: int, before: int, after: int) -> list[Tensor]:
    size = input._data_.shape[dim]
    if before >= size or after >= size:
        raise RuntimeError(
            "Padding size should be less than the corresponding input dimension, but got: padding "
            f"({before}, {after}) at dimension {dim} of input {list(input._data_.shape)}"
        )
    left = input.narrow(dim, 1, before).flip(dim) if before else None
    right = input.narrow(dim, size - 1 - after, after).flip(dim) if after else None
    return [part for part in (left, input, right) if part is not None]


def _replicate(input: Tensor, dim: int, before: int, after: int) -> list[Tensor]:
    shape = list(input._data_.shape)
    if not shape[dim]:
        raise RuntimeError("replicate padding needs at least one element to repeat")
    parts = []
    for at, width in ((0, before), (shape[dim] - 1, after)):
        shape[dim] = width
        parts.append(input.narrow(dim, at, 1).expand(tuple(shape)) if width else None)
    return [part for part in (parts[0], input, parts[1]) if part is not None]


def _circular(input: Tensor, dim: int, before: int, after: int) -> list[Tensor]:
    size = input._data_.shape[dim]
    if before > size or after > size:
        raise RuntimeError("Padding value causes wrapping around more than once.")
    left = input.narrow(dim, size - before, before) if before else None
    right = input.narrow(dim, 0, after) if after else None
    return [part for part in (left, input, right) if part is not None]


def _cut(input: Tensor, dim: int, before: int, after: int) -> Tensor:
    """Without the elements that negative widths cut off."""
    before, after = max(-before, 0), max(-after, 0)
    if not before and not after:
        return input
    size = input._data_.shape[dim] - before - after
    if size < 0:
        raise RuntimeError(
            f"narrow(): length must be non-negative: {before} + {after} elements to be cut off "
            f"dimension {dim} of {list(input._data_.shape)}"
        )
    return input.narrow(dim, before, size)


_SIDES: dict[str, tuple[Callable[..., list[Tensor]], str]] = {
    "reflect": (_reflect, "ReflectionPad{}DBackward0"),
    "replicate": (_replicate, "ReplicationPad{}DBackward0"),
    "circular": (_circular, "torch::autograd::CopySlices"),
}


def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """Pad with a constant, or continue by "reflect", "replicate" or "circular".

    pad holds (before, after) for the last dimension, then for the one before it, and so on;
    negative widths cut off.

    >>> import rushlight as torch
    >>> torch.nn.functional.pad(torch.tensor([[1.0, 2.0, 3.0]]), (2, 1), mode="reflect")
    tensor([[3., 2., 1., 2., 3., 2.]])
    """
    need_tensor("pad", "input", 1, input)
    if value is not None and value.__class__ is not float:
        value = need_float("pad", "value", 4, value)
    if not isinstance(mode, str):
        raise TypeError(f"pad(): argument 'mode' (position 3) must be str, not {type_name(mode)}")
    if not isinstance(pad, list | tuple):
        raise TypeError(
            f"pad(): argument 'pad' (position 2) must be tuple of ints, not {type_name(pad)}"
        )
    widths = list(map(operator.index, pad))
    ndim = input._data_.ndim
    if len(widths) % 2:
        raise RuntimeError(f"Padding length must be divisible by 2, but got {len(widths)}")
    if len(widths) > 2 * ndim:
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got "
            f"padding length {len(widths)} and input of dimension {ndim}"
        )
    if mode == "constant":
        return constant_pad_nd(input, widths, 0 if value is None else float(value))
    if mode not in _SIDES:
        raise NotImplementedError(
            f"Unrecognised padding mode {mode}: constant, reflect, replicate or circular"
        )
    if value:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    dims = len(widths) // 2
    if ndim not in (dims + 1, dims + 2) or not 0 < dims < 4:
        raise NotImplementedError(
            f"Padding size {len(widths)} is not supported for {ndim}D input tensor: non-constant "
            "padding pads the last one, two or three dimensions, behind channels and perhaps a batch"
        )
    if mode == "replicate" or (mode == "reflect" and dims < 3):
        input = single(input)
    sides, label = _SIDES[mode]
    given = input
    if mode != "circular":
        if input._data_.dtype.kind == "b":
            raise NotImplementedError(f"\"{mode}ion_pad{dims}d\" not implemented for 'Bool'")
        sizes = [
            n + sum(widths[2 * i : 2 * i + 2])
            for i, n in enumerate(input._data_.shape[: -dims - 1 : -1])
        ]
        if 0 in input._data_.shape[ndim - dims - 1 :]:
            raise RuntimeError(
                f"Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with possibly 0 batch size and "
                f"other non-zero dimensions for input, but got: {list(input._data_.shape)}"
            )
        if max(sizes) < 1 or min(sizes) < 0:
            raise RuntimeError(
                f"input of size {list(input._data_.shape)} is too small. Calculated output sizes, from "
                f"the last dimension: {sizes}"
            )
        input = entering(input, lies="images")
    else:
        input = entering(input, itself=False, lies="rows")
    for i in range(dims):
        dim, before, after = ndim - 1 - i, widths[2 * i], widths[2 * i + 1]
        if mode == "circular":
            # What is cut off does not come round again.
            input = _cut(input, dim, before, after)
        if before > 0 or after > 0:
            input = cat(sides(input, dim, max(before, 0), max(after, 0)), dim)
        if mode != "circular":
            input = _cut(input, dim, before, after)
    # torch joins the parts of a circle in row order.
    laid = following(input, given) if mode != "circular" else in_rows(input)
    if min(widths) < 0 or not any(widths):
        # What is cut off is not in the memory of the result, nor is it that of the input.
        laid = apply(view.flip, laid, dims=())
    return relabel(laid, label.format(dims))
