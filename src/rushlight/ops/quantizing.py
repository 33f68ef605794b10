"""Numbers as quantization would leave them: rounded to steps and cut off, with gradients as if not rounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.state import no_grad
from rushlight.core.doors import check
from rushlight.core.tensor import TensorBase
from rushlight.ops.arguments import need_tensor, one_dim, relabel
from rushlight.ops.conversion import alike
from rushlight.primitives.pointwise import where

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def _stepped(
    input: Tensor, scale: Any, zero_point: Any, quant_min: int, quant_max: int, label: str
) -> Tensor:
    """(clamp(round(x / scale) + zero_point) - zero_point) * scale, the gradient that of x where nothing is cut off."""
    if quant_min > quant_max:
        raise RuntimeError("`quant_min` should be less than or equal to `quant_max`.")
    with no_grad():
        steps = (input.detach() * (1.0 / scale)).round() + zero_point
        inside = (steps >= quant_min).logical_and(steps <= quant_max)
        # What is no number becomes the smallest.
        steps = where(steps.isnan(), float(quant_min), steps).clamp(quant_min, quant_max)
        value = ((steps - zero_point) * scale).to(input.dtype)
    result = where(inside, value + (input - input.detach()), value)
    return relabel(alike(result, input), label)


def dequantize(tensor: Any) -> Any:
    """A tensor, or each of a list, as float32: there are none whose numbers stand for others."""
    if isinstance(tensor, list | tuple):
        return tuple(map(dequantize, tensor))
    need_tensor("dequantize", "tensor", 1, tensor)
    return tensor.float()


def fake_quantize_per_tensor_affine(
    input: Tensor, scale: Any, zero_point: Any, quant_min: int, quant_max: int
) -> Tensor:
    """The nearest multiples of scale, from (quant_min - zero_point) * scale to (quant_max - zero_point) * scale.

    >>> import rushlight as torch
    >>> torch.fake_quantize_per_tensor_affine(torch.tensor([0.26, 9.0]), 0.1, 2, 0, 63)
    tensor([0.3000, 6.1000])
    """
    need_tensor("fake_quantize_per_tensor_affine", "input", 1, input)
    point = zero_point
    if not isinstance(zero_point, TensorBase) and not quant_min <= point <= quant_max:
        raise RuntimeError("`zero_point` must be between `quant_min` and `quant_max`.")
    label = "FakeQuantizePerTensorAffineCachemaskBackward0"
    if isinstance(scale, TensorBase):
        label = "FakeQuantizePerTensorAffineCachemaskTensorQparamsBackward0"
        scales: Any = scale
        scale, zero_point = scales.detach().reshape(()), zero_point.detach().reshape(())
    else:
        scale = float(np.float32(scale)) if input.dtype is dtypes.float32 else scale
    return _stepped(input, scale, zero_point, quant_min, quant_max, label)


def fake_quantize_per_channel_affine(
    input: Tensor, scale: Tensor, zero_point: Tensor, axis: int, quant_min: int, quant_max: int
) -> Tensor:
    """`fake_quantize_per_tensor_affine` with a scale and a zero point for each slice along axis."""
    need_tensor("fake_quantize_per_channel_affine", "input", 1, input)
    if zero_point.dtype not in (dtypes.int32, dtypes.float32, dtypes.float16):
        raise RuntimeError(
            f"Zero-point must be Int32, Float or Half, found {zero_point.dtype.word}"
        )
    if scale.dtype is not dtypes.float32:
        raise RuntimeError(f"Scale must be Float, found {scale.dtype.word}")
    dim = one_dim(axis, input.ndim)
    count = input.shape[dim]
    for name, given in (("scale", scale), ("zero-point", zero_point)):
        if given.ndim != 1 or len(given) != count:
            raise RuntimeError(
                f"dimensions of {name} and input must agree: {list(given.shape)} for {count} slices along {axis}"
            )
    points = check(zero_point, "that the zero points are in range")
    if zero_point.dtype is dtypes.int32 and ((points < quant_min) | (points > quant_max)).any():
        raise RuntimeError("`zero_point` must be between `quant_min` and `quant_max`.")
    shape = [count if d == dim else 1 for d in range(input.ndim)]
    scales, zeros = scale.detach().reshape(shape), zero_point.detach().reshape(shape)
    label = "FakeQuantizePerChannelAffineCachemaskBackward0"
    return _stepped(input, scales, zeros, quant_min, quant_max, label)
