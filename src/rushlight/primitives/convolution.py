"""Convolution in any number of dimensions, its transpose, and the gradient of its weight.

The three are each other's derivatives, as they must be for any order of derivative to exist: they
are the three ways to leave one factor out of the trilinear form

    sum over n, o, c, positions and taps of g[n, o, out] * weight[o, c, tap] * x[n, c, in]
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from rushlight.primitives.core import Primitive, Sample, Spec
from rushlight.primitives.families import draw
from rushlight.primitives.grid import Grid, Shape, correlation, grid_of, out_sizes, product
from rushlight.primitives.index import slice_
from rushlight.primitives.pointwise import conj
from rushlight.tensor_base import Array


def _widen(*arrays: Array | None) -> list[Any]:
    # Products of halves are summed in single precision.
    return [a.astype(np.float32) if a is not None and a.dtype == np.float16 else a for a in arrays]


def _grouped(buffer: Array, groups: int) -> Array:
    return buffer.reshape(groups, buffer.shape[0] // groups, buffer.shape[1])


def _input_sources(x: Array, grid: Grid, groups: int) -> list[Array]:
    """For each tap the shifted view of the buffer of its phase."""
    length, lead = grid.length, max(0, -min(grid.shifts))
    # Whole steps of the outermost dimension, for as far as the farthest tap reaches.
    whole = lead + length + max(0, -(-max(grid.shifts) // grid.row)) * grid.row
    buffers = {
        phase: _grouped(grid.spread(grid.phase(x, phase), lead, whole), groups)
        for phase in set(grid.phases)
    }
    return [
        buffers[phase][..., lead + shift : lead + shift + length]
        for phase, shift in zip(grid.phases, grid.shifts, strict=True)
    ]


def _is_pointwise(kernel: Shape, stride: Shape, padding: Shape) -> bool:
    return max(kernel) == 1 and max(stride) == 1 and max(padding) == 0


def _forward(
    x: Array, weight: Array, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Array:
    batch, outputs, kernel = x.shape[0], weight.shape[0], weight.shape[2:]
    out_size = out_sizes(x.shape[2:], kernel, stride, padding, dilation)
    if not x.size or not weight.size or 0 in out_size:
        return np.zeros((batch, outputs, *out_size), x.dtype)
    if _is_pointwise(kernel, stride, padding):
        planes = x.reshape(batch, groups, x.shape[1] // groups, math.prod(out_size))
        mixed = weight.reshape(groups, outputs // groups, -1) @ planes
        return mixed.reshape(batch, outputs, *out_size)
    grid = grid_of(batch, x.shape[2:], kernel, stride, padding, dilation)
    sources = _input_sources(x, grid, groups)
    matrix = weight.reshape(groups, outputs // groups, weight.shape[1], -1).swapaxes(2, 3)
    flat = product(matrix.reshape(groups, outputs // groups, -1), sources, grid.length)
    out = np.empty((batch, outputs, *out_size), x.dtype)
    grid.crop(flat, out)
    return out


def _transposed(
    g: Array,
    weight: Array,
    size: Shape,
    stride: Shape,
    padding: Shape,
    dilation: Shape,
    groups: int,
) -> Array:
    """The gradient of the input of a convolution, whose spatial sizes are `size`."""
    batch, outputs, kernel = g.shape[0], weight.shape[0], weight.shape[2:]
    inputs = weight.shape[1] * groups
    if not g.size or not weight.size:
        return np.zeros((batch, inputs, *size), g.dtype)
    if _is_pointwise(kernel, stride, padding) and g.shape[2:] == size:
        planes = g.reshape(batch, groups, outputs // groups, math.prod(size))
        mixed = weight.reshape(groups, outputs // groups, -1).swapaxes(1, 2) @ planes
        return mixed.reshape(batch, inputs, *size)
    grid = grid_of(batch, size, kernel, stride, padding, dilation)
    lengths = {phase: grid.phase_length(phase) for phase in set(grid.phases)}
    # An input shorter than the stride has no elements of some phases.
    lengths = {phase: length for phase, length in lengths.items() if length}
    lead = max(0, max(grid.shifts))
    whole = lead + max(grid.length, max(lengths.values(), default=0) - min(grid.shifts))
    buffer = _grouped(grid.spread(g, lead, whole), groups)
    taps = weight.reshape(groups, outputs // groups, weight.shape[1], -1)
    out = np.zeros((batch, inputs, *size), g.dtype)
    for phase, length in lengths.items():
        chosen = [i for i, own in enumerate(grid.phases) if own == phase]
        starts = [lead - grid.shifts[i] for i in chosen]
        sources = [buffer[..., start : start + length] for start in starts]
        matrix = taps[..., chosen].transpose(0, 2, 3, 1).reshape(groups, weight.shape[1], -1)
        flat = product(matrix, sources, length)
        grid.crop(flat, grid.phase(out, phase))
    return out


def _weight_gradient(
    x: Array, g: Array, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Array:
    batch, inputs, outputs = x.shape[0], x.shape[1] // groups, g.shape[1]
    shape = (outputs, inputs, *kernel)
    if not x.size or not g.size:
        return np.zeros(shape, x.dtype)
    if _is_pointwise(kernel, stride, padding):
        left = g.reshape(batch, groups, outputs // groups, -1)
        right = x.reshape(batch, groups, inputs, -1)
        return (left @ right.swapaxes(2, 3)).sum(axis=0).reshape(shape)
    grid = grid_of(batch, x.shape[2:], kernel, stride, padding, dilation)
    sources = _input_sources(x, grid, groups)
    upper = _grouped(grid.spread(g, 0, grid.length), groups)
    total = correlation(upper, sources, grid.length)
    total = total.reshape(outputs, math.prod(kernel), inputs).swapaxes(1, 2)
    return np.ascontiguousarray(total).reshape(shape)


# ---- the rows -----------------------------------------------------------------------------------


def _convolution(
    x: Array, weight: Array, bias: Array | None = None, *, stride: Shape, padding: Shape,
    dilation: Shape, groups: int,
) -> Array:  # fmt: skip
    wide, kernel, shift = _widen(x, weight, bias)
    out = _forward(wide, kernel, stride, padding, dilation, groups)
    if shift is not None:
        out += shift.reshape(-1, *(1,) * len(stride))
    return out.astype(x.dtype, copy=False)


def _convolution_rule(
    x: Array, weight: Array, bias: Array | None = None, *, stride: Shape, padding: Shape,
    dilation: Shape, groups: int,
) -> Spec:  # fmt: skip
    sizes = out_sizes(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    return (x.shape[0], weight.shape[0], *sizes), x.dtype


def _convolution_x(
    g: Any, x_shape: Shape, weight: Any, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Any:
    form = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return convolution_transpose(g, conj(weight), None, size=x_shape[2:], **form)


def _convolution_w(
    g: Any, x: Any, weight_shape: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Any:
    form = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return convolution_weight(conj(x), g, kernel=weight_shape[2:], **form)


def _bias_gradient(g: Any) -> Any:
    return g.sum((0, *range(2, g._data.ndim)))


# (sizes, kernel, stride, padding, dilation, groups)
_FORMS: tuple[tuple[Shape, Shape, Shape, Shape, Shape, int], ...] = (
    ((5,), (3,), (1,), (0,), (1,), 1),
    ((5, 4), (3, 2), (1, 1), (1, 1), (1, 1), 1),
    ((6, 5), (3, 3), (2, 2), (1, 0), (1, 1), 2),
    ((7,), (2,), (3,), (2,), (2,), 2),
    ((3, 3), (1, 1), (1, 1), (0, 0), (1, 1), 2),
    ((3, 2, 3), (2, 1, 2), (1, 1, 2), (0, 0, 1), (1, 1, 1), 1),
)


def _forms() -> Iterable[tuple[Array, Array, Shape, dict[str, Any]]]:
    for seed, (size, kernel, stride, padding, dilation, groups) in enumerate(_FORMS):
        form = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        x, weight = draw(seed, (2, 2 * groups, *size)), draw(seed + 10, (2 * groups, 2, *kernel))
        yield x, weight, out_sizes(size, kernel, stride, padding, dilation), form


def _convolution_samples() -> Iterable[Sample]:
    for i, (x, weight, _, form) in enumerate(_forms()):
        yield Sample((x, weight, draw(5, weight.shape[:1]) if i % 2 else None), form)


convolution = Primitive(
    "convolution", "convolution", _convolution, (_convolution_x, _convolution_w, _bias_gradient),
    _convolution_rule, "convolution", _convolution_samples, label="ConvolutionBackward0",
)  # fmt: skip


def _convolution_transpose(
    x: Array, weight: Array, bias: Array | None = None, *, size: Shape, stride: Shape,
    padding: Shape, dilation: Shape, groups: int,
) -> Array:  # fmt: skip
    wide, kernel, shift = _widen(x, weight, bias)
    out = _transposed(wide, kernel, size, stride, padding, dilation, groups)
    if shift is not None:
        out += shift.reshape(-1, *(1,) * len(stride))
    return out.astype(x.dtype, copy=False)


def _convolution_transpose_rule(
    x: Array, weight: Array, bias: Array | None = None, *, size: Shape, stride: Shape,
    padding: Shape, dilation: Shape, groups: int,
) -> Spec:  # fmt: skip
    return (x.shape[0], weight.shape[1] * groups, *size), x.dtype


def _fitted(out: Any, shape: Shape) -> Any:
    # An output padding beyond the stride leaves room for more windows than there were.
    if out._data.shape == shape:
        return out
    return slice_(out, index=tuple(map(slice, shape)))


def _transpose_x(
    g: Any, x_shape: Shape, weight: Any, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Any:
    form = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return _fitted(convolution(g, conj(weight), None, **form), x_shape)


def _transpose_w(
    g: Any, x: Any, weight_shape: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Any:
    form = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return convolution_weight(g, conj(x), kernel=weight_shape[2:], **form)


def _convolution_transpose_samples() -> Iterable[Sample]:
    for i, (x, weight, sizes, form) in enumerate(_forms()):
        g = draw(i, (2, weight.shape[0], *sizes))
        bias = draw(5, (x.shape[1],)) if i % 2 else None
        yield Sample((g, weight, bias), {**form, "size": x.shape[2:]})


convolution_transpose = Primitive(
    "convolution_transpose", "convolution", _convolution_transpose,
    (_transpose_x, _transpose_w, _bias_gradient), _convolution_transpose_rule, "convolution",
    _convolution_transpose_samples, label="ConvolutionBackward0",
)  # fmt: skip


def _convolution_weight(
    x: Array,
    y: Array,
    *,
    kernel: Shape,
    stride: Shape,
    padding: Shape,
    dilation: Shape,
    groups: int,
) -> Array:
    wide, upper = _widen(x, y)
    out = _weight_gradient(wide, upper, kernel, stride, padding, dilation, groups)
    return out.astype(x.dtype, copy=False)


def _convolution_weight_rule(
    x: Array,
    y: Array,
    *,
    kernel: Shape,
    stride: Shape,
    padding: Shape,
    dilation: Shape,
    groups: int,
) -> Spec:
    return (y.shape[1], x.shape[1] // groups, *kernel), x.dtype


def _weight_x(
    g: Any, x_shape: Shape, y: Any, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Any:
    form = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return convolution_transpose(conj(y), g, None, size=x_shape[2:], **form)


def _weight_y(
    g: Any, x: Any, y_shape: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Any:
    form = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return _fitted(convolution(conj(x), g, None, **form), y_shape)


def _convolution_weight_samples() -> Iterable[Sample]:
    for i, (x, weight, sizes, form) in enumerate(_forms()):
        g = draw(i, (2, weight.shape[0], *sizes))
        yield Sample((x, g), {**form, "kernel": weight.shape[2:]})


convolution_weight = Primitive(
    "convolution_weight", "convolution", _convolution_weight, (_weight_x, _weight_y),
    _convolution_weight_rule, "convolution", _convolution_weight_samples,
    label="ConvolutionBackwardBackward0",
)  # fmt: skip
