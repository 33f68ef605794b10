"""Operators on whole numbers that stand for others, on signals, and on boxes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rushlight.onnx.loading.nets import _conv
from rushlight.onnx.loading.operator import (
    Handler,
    Operator,
    array_of,
    dtype_of,
    number,
    tensor_of,
    torch_type,
)
from rushlight.onnx.proto import dtype_of as proto_type
from rushlight.public import fft
from rushlight.public import torch as T

# ---- quantized numbers ---------------------------------------------------------------------------


def _spread(op: Operator, x: Any, part: Any) -> Any:
    """A scale, or a zero point, as it goes with x: one, one for each slice, or one for each block."""
    if part is None or not part.ndim or part.numel() == 1:
        return None if part is None else part.reshape(())
    axis = op.get("axis", 1) % x.ndim
    if part.ndim == 1 and x.ndim != 1 and not op.get("block_size", 0):
        return part.reshape(*(1,) * axis, -1, *(1,) * (x.ndim - axis - 1))
    block = op.get("block_size", 0)
    return part.repeat_interleave(block, axis).narrow(axis, 0, x.shape[axis]) if block else part


def _quantize(op: Operator, x: Any, scale: Any, zero: Any = None) -> Any:
    kind = op.get("output_dtype", 0)
    dtype = (
        np.dtype(proto_type(kind))
        if kind
        else np.dtype(np.uint8)
        if zero is None
        else dtype_of(zero)
    )
    if dtype.kind not in "iu":
        raise op.refuse(f"numbers in {dtype}")
    limits = np.iinfo(dtype)
    wide = T.round(x / _spread(op, x, scale).to(x.dtype))
    if zero is not None:
        wide = wide + _spread(op, x, zero).to(x.dtype)
    # What is no number, as a mask's infinity divided by an infinite scale, is the least, as in onnxruntime.
    within = T.nan_to_num(T.clamp(wide, limits.min, limits.max), nan=float(limits.min))
    return within.to(torch_type(dtype))


def _dequantize(op: Operator, x: Any, scale: Any, zero: Any = None) -> Any:
    wide = x.to(scale.dtype)
    if zero is not None:
        wide = wide - _spread(op, x, zero).to(scale.dtype)
    return wide * _spread(op, x, scale)


def _whole_product(op: Operator, a: Any, b: Any, za: Any = None, zb: Any = None) -> Any:
    a, b = a.to(torch_type(np.int32)), b.to(torch_type(np.int32))
    if za is not None:
        a = a - (za.reshape(-1, 1) if za.ndim == 1 and za.numel() > 1 else za).to(a.dtype)
    if zb is not None:
        b = b - zb.to(b.dtype)
    return T.matmul(a, b)


def _rounded(op: Operator, y: Any, scale: Any, zero: Any) -> Any:
    limits = np.iinfo(dtype_of(zero))
    y = T.round(y / scale) + zero.to(y.dtype)
    return T.clamp(y, limits.min, limits.max).to(zero.dtype)


def _quantized_product(
    op: Operator, a: Any, sa: Any, za: Any, b: Any, sb: Any, zb: Any, sy: Any, zy: Any
) -> Any:
    wide = torch_type(np.float64)
    made = _whole_product(op, a, b, za, zb).to(wide)
    return _rounded(op, made * (sa.to(wide) * sb.to(wide)), sy.to(wide), zy)


def _whole_conv(op: Operator, x: Any, w: Any, zx: Any = None, zw: Any = None) -> Any:
    wide = torch_type(np.float64)
    x = x.to(wide) - (0 if zx is None else zx.to(wide))
    w = w.to(wide) - (0 if zw is None else zw.to(wide).reshape(-1, *(1,) * (w.ndim - 1)))
    return T.round(_conv(op, x, w)).to(torch_type(np.int32))


def _quantized_conv(
    op: Operator,
    x: Any,
    sx: Any,
    zx: Any,
    w: Any,
    sw: Any,
    zw: Any,
    sy: Any,
    zy: Any,
    bias: Any = None,
) -> Any:
    wide = torch_type(np.float64)
    made = _whole_conv(op, x, w, zx, zw).to(wide)
    ones = (1,) * (x.ndim - 2)
    if bias is not None:
        made = made + bias.to(wide).reshape(-1, *ones)
    scale = sx.to(wide) * sw.to(wide).reshape(-1, *ones)
    return _rounded(op, made * scale, sy.to(wide), zy)


# ---- signals -------------------------------------------------------------------------------------


def _dft(op: Operator, x: Any, length: Any = None, axis: Any = None) -> Any:
    at = op.get("axis", 1) if op.version < 20 else -2 if axis is None else int(number(axis))
    at = at % x.ndim
    size = x.shape[at] if length is None else int(number(length))
    inverse, half = op.get("inverse", 0), op.get("onesided", 0)
    if x.shape[-1] == 2:
        wide = T.view_as_complex(x.contiguous())
    else:
        wide = x.squeeze(-1)
        if inverse or not half:
            wide = wide.to(torch_type(np.complex64 if x.dtype.itemsize < 8 else np.complex128))
    if half and not inverse:
        made = fft.rfft(wide.real if wide.is_complex() else wide, size, at)
    elif half:
        # The length is that of the signal, of which a little more than half is given.
        size = 2 * (x.shape[at] - 1) if length is None else int(number(length))
        return fft.irfft(wide, size, at).unsqueeze(-1)
    else:
        made = (fft.ifft if inverse else fft.fft)(wide, size, at)
    return T.view_as_real(made)


def _stft(op: Operator, signal: Any, step: Any, window: Any = None, length: Any = None) -> Any:
    size = window.shape[0] if window is not None else int(number(length))
    hop = int(number(step))
    if signal.ndim == 3:
        signal = (
            T.view_as_complex(signal.contiguous()) if signal.shape[-1] == 2 else signal.squeeze(-1)
        )
    frames = signal.unfold(1, size, hop)
    if window is not None:
        frames = frames * window
    if op.get("onesided", 1) and not frames.is_complex():
        return T.view_as_real(fft.rfft(frames, size, -1))
    return T.view_as_real(fft.fft(frames, size, -1))


def _mel(op: Operator, bins: Any, length: Any, rate: Any, low: Any, high: Any) -> Any:
    count, size, sampled = int(number(bins)), int(number(length)), float(number(rate))
    dtype = proto_type(op.get("output_datatype", 1))
    edges = 2595 * np.log10(1 + np.array([float(number(low)), float(number(high))]) / 700)
    points = edges[0] + np.arange(count + 2) * (edges[1] - edges[0]) / (count + 2)
    hertz = 700 * (10 ** (points / 2595) - 1)
    at = ((size + 1) * hertz // sampled).astype(np.int64)
    out = np.zeros((size // 2 + 1, count), dtype)
    for i in range(count):
        a, b, c = at[i : i + 3]
        if a == b:
            out[b, i] = 1
        else:
            for j in range(a, b + 1):
                out[j, i] = (j - a) / (b - a)
        for j in range(b, c if c > b else b):
            out[j, i] = (c - j) / (c - b)
    return tensor_of(out)


# ---- boxes ---------------------------------------------------------------------------------------


def _suppression(
    op: Operator, boxes: Any, scores: Any, most: Any = None, overlap: Any = None, least: Any = None
) -> Any:
    count = 0 if most is None else int(number(most))
    limit = 0.0 if overlap is None else float(number(overlap))
    floor = -math.inf if least is None else float(number(least))
    b, s = array_of(boxes).astype(np.float64), array_of(scores)
    if op.get("center_point_box", 0):
        half = b[..., 2:] / 2
        corners = np.concatenate([b[..., :2] - half, b[..., :2] + half], -1)
    else:
        corners = np.concatenate(
            [np.minimum(b[..., :2], b[..., 2:]), np.maximum(b[..., :2], b[..., 2:])], -1
        )
    kept: list[list[int]] = []
    for n in range(s.shape[0]):
        for c in range(s.shape[1]):
            chosen: list[int] = []
            for i in np.argsort(-s[n, c], kind="stable").tolist():
                if len(chosen) >= count or s[n, c, i] <= floor:
                    break
                if all(_shared(corners[n, i], corners[n, j]) <= limit for j in chosen):
                    chosen.append(i)
            kept += [[n, c, i] for i in chosen]
    return tensor_of(np.array(kept, np.int64).reshape(-1, 3))


def _shared(a: Any, b: Any) -> float:
    size = np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0)
    both = float(size.prod())
    total = float((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod()) - both
    return both / total if total > 0 else 0.0


OTHERS: dict[str, Handler] = {
    "QuantizeLinear": _quantize, "DequantizeLinear": _dequantize, "MatMulInteger": _whole_product,
    "QLinearMatMul": _quantized_product, "ConvInteger": _whole_conv, "QLinearConv": _quantized_conv,
    "DFT": _dft, "STFT": _stft, "MelWeightMatrix": _mel, "NonMaxSuppression": _suppression,
}  # fmt: skip
