"""Convolution in any number of dimensions, its transpose, and the gradient of its weight.

The three are each other's derivatives, as they must be for any order of derivative to exist: they
are the three ways to leave one factor out of the trilinear form

    sum over n, o, c, positions and taps of g[n, o, out] * weight[o, c, tap] * x[n, c, in]
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.state import state
from rushlight.core.tensor import Array
from rushlight.primitives.families import draw
from rushlight.primitives.flat_buffer import Grid, Shape, correlation, grid_of, out_sizes, product
from rushlight.primitives.index import slice_
from rushlight.primitives.kernel import hang, laid_out
from rushlight.primitives.placement import arranged, lies, packed, suggested
from rushlight.primitives.pointwise import conj
from rushlight.threads import get_num_threads, share

# Multiplications that are worth a thread: some 300 microseconds of them; and parts at the most.
_HEAVY, _MOST_PARTS = 1 << 24, 16


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


def _batches(batch: int, products: int) -> list[slice]:
    """The batch in parts that are worth a thread each; how many does not depend on the threads."""
    count = 1
    while 2 * count <= min(batch, _MOST_PARTS) and products >= 2 * count * _HEAVY:
        count *= 2
    step = -(-batch // count)
    return [slice(start, start + step) for start in range(0, batch, step)]


def _forward(
    x: Array, weight: Array, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Array:
    batch, outputs, kernel = x.shape[0], weight.shape[0], weight.shape[2:]
    out_size = out_sizes(x.shape[2:], kernel, stride, padding, dilation)
    if not x.size or not weight.size or 0 in out_size:
        return np.zeros((batch, outputs, *out_size), x.dtype, like=x)
    out = np.empty((batch, outputs, *out_size), x.dtype, like=x)
    taps = weight.reshape(groups, outputs // groups, weight.shape[1], -1)
    matrix = taps.swapaxes(2, 3).reshape(groups, outputs // groups, -1)

    def work(dealt: Iterator[slice]) -> None:
        for part in dealt:
            inputs, results = x[part], out[part]
            if _is_pointwise(kernel, stride, padding):
                planes = inputs.reshape(len(inputs), groups, -1, math.prod(out_size))
                np.matmul(matrix, planes, out=results.reshape(len(inputs), *matrix.shape[:2], -1))
                continue
            grid = grid_of(len(inputs), x.shape[2:], kernel, stride, padding, dilation)
            sources = _input_sources(inputs, grid, groups)
            grid.crop(product(matrix, sources, grid.length), results)

    share(work, _batches(batch, out.size * weight[0].size))
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
        return np.zeros((batch, inputs, *size), g.dtype, like=g)
    out = np.empty((batch, inputs, *size), g.dtype, like=g)
    taps = weight.reshape(groups, outputs // groups, weight.shape[1], -1)

    def work(dealt: Iterator[slice]) -> None:
        for part in dealt:
            upper, results = g[part], out[part]
            if _is_pointwise(kernel, stride, padding) and g.shape[2:] == size:
                planes = upper.reshape(len(upper), groups, outputs // groups, math.prod(size))
                filled = results.reshape(len(upper), groups, weight.shape[1], -1)
                np.matmul(taps[..., 0].swapaxes(1, 2), planes, out=filled)
                continue
            grid = grid_of(len(upper), size, kernel, stride, padding, dilation)
            _scatter(upper, taps, grid, results)

    share(work, _batches(batch, g.size * weight[0].size))
    return out


def _scatter(g: Array, taps: Array, grid: Grid, out: Array) -> None:
    """Fill out, phase by phase, with what every output position sends back to the inputs it saw."""
    groups, _, inputs, _ = taps.shape
    lengths = {phase: grid.phase_length(phase) for phase in set(grid.phases)}
    # An input shorter than the stride has no elements of some phases.
    lengths = {phase: length for phase, length in lengths.items() if length}
    lead = max(0, max(grid.shifts))
    whole = lead + max(grid.length, max(lengths.values(), default=0) - min(grid.shifts))
    buffer = _grouped(grid.spread(g, lead, whole), groups)
    for phase, length in lengths.items():
        chosen = [i for i, own in enumerate(grid.phases) if own == phase]
        starts = [lead - grid.shifts[i] for i in chosen]
        sources = [buffer[..., start : start + length] for start in starts]
        matrix = taps[..., chosen].transpose(0, 2, 3, 1).reshape(groups, inputs, -1)
        grid.crop(product(matrix, sources, length), grid.phase(out, phase))
    for phase in itertools.product(*map(range, grid.stride)):
        if phase not in lengths:
            grid.phase(out, phase)[...] = 0


def _weight_gradient(
    x: Array, g: Array, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Array:
    batch, inputs, outputs = x.shape[0], x.shape[1] // groups, g.shape[1]
    shape = (outputs, inputs, *kernel)
    if not x.size or not g.size:
        return np.zeros(shape, x.dtype, like=x)
    batches = _batches(batch, g.size * math.prod(shape[1:]))
    totals = np.empty((len(batches), *shape), x.dtype, like=x)

    def work(dealt: Iterator[int]) -> None:
        for i in dealt:
            lower, upper = x[batches[i]], g[batches[i]]
            if _is_pointwise(kernel, stride, padding):
                left = upper.reshape(len(upper), groups, outputs // groups, -1)
                right = lower.reshape(len(lower), groups, inputs, -1)
                totals[i] = (left @ right.swapaxes(2, 3)).sum(axis=0).reshape(shape)
                continue
            grid = grid_of(len(lower), x.shape[2:], kernel, stride, padding, dilation)
            sources = _input_sources(lower, grid, groups)
            flat = _grouped(grid.spread(upper, 0, grid.length), groups)
            total = correlation(flat, sources, grid.length)
            if not np.isfinite(total.sum()):
                # Zeros lie between the lines of g: nan and infinity are not to meet them.
                ones = np.ones((len(lower), 1, *g.shape[2:]), bool, like=g)
                seen = grid.spread(ones, 0, grid.length)[0]
                sources = [source[..., seen] for source in sources]
                total = correlation(flat[..., seen], sources, ones.size)
            total = total.reshape(groups, math.prod(kernel), inputs, outputs // groups)
            totals[i] = total.transpose(0, 3, 2, 1).reshape(shape)

    share(work, range(len(batches)))
    return totals[0] if len(batches) == 1 else np.add.reduce(totals, axis=0)


# ---- the rows -----------------------------------------------------------------------------------


def _convolution(
    x: Array, weight: Array, bias: Array | None = None, *, stride: Shape, padding: Shape,
    dilation: Shape, groups: int,
) -> Array:  # fmt: skip
    out = _forward(x, weight, stride, padding, dilation, groups)
    if bias is not None:
        out += bias.reshape(-1, *(1,) * len(stride))
    return out.astype(x.dtype, copy=False)


def _as_images(forward: Callable[..., Any], arrays: Sequence[Any], static: dict[str, Any]) -> Array:
    """In channels last if the strides of the input or of the weight suggest it.

    Lines count as in row order, unless they are so and seem otherwise as well; and so do volumes that torch
    computes in its own way (`use_mkldnn` in aten/src/ATen/native/Convolution.cpp): in double precision, one
    volume in one group, and, in one thread, few of them under a kernel that looks at one place.
    """
    x, weight = arrays[:2]
    own = x.ndim == 5 and (
        x.dtype == np.float64
        or (len(x) == 1 and static["groups"] == 1)
        or (
            len(x) <= 16 and max(weight.shape[-2:]) == 1 and get_num_threads() == 1
            and {*static["stride"], *static["dilation"]} == {1}
        )
    )  # fmt: skip
    return arranged(forward(*arrays, **static), None if own else _order(x, weight))


def _order(x: Array, weight: Array) -> Shape | None:
    return suggested(x, lines=x.flags.c_contiguous) or suggested(weight, lines=True)


def _convolution_rule(
    x: Array, weight: Array, bias: Array | None = None, *, stride: Shape, padding: Shape,
    dilation: Shape, groups: int,
) -> Spec:  # fmt: skip
    sizes = out_sizes(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    return (x.shape[0], weight.shape[0], *sizes), x.dtype


def _convolution_x(
    g: Any, x: Any, weight: Any, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Any:
    form = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    out = convolution_transpose(g, conj(weight), None, size=x._data_.shape[2:], **form)
    return together(_as_input(out, x, weight), x, weight)


def _convolution_w(
    g: Any, x: Any, weight: Any, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Any:
    form = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    out = convolution_weight(conj(x), g, kernel=weight._data_.shape[2:], **form)
    return together(_as_input(out, x, weight), x, weight)


def _bias_gradient(g: Any, x: Any, weight: Any) -> Any:
    return together(g.sum((0, *range(2, g._data_.ndim))), x, weight)


def _as_input(gradient: Any, x: Any, weight: Any) -> Any:
    """The gradient in the order in which x or the weight lies, whatever that of the result's is."""
    dims = _order(x._data_, weight._data_)
    if (dims is None and gradient._data_.ndim < 4) or lies(gradient._data_, dims):
        return gradient
    return laid_out(gradient, strides=None if dims is None else packed(gradient._data_.shape, dims))


def together(gradient: Any, x: Any, weight: Any) -> Any:
    """A gradient of torch's one kernel for all three: it depends on the input and the weight."""
    return hang(gradient, (x, weight), zeros=False) if state.grad else gradient


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
    layout=_as_images,
)  # fmt: skip


def _convolution_transpose(
    x: Array, weight: Array, bias: Array | None = None, *, size: Shape, stride: Shape,
    padding: Shape, dilation: Shape, groups: int,
) -> Array:  # fmt: skip
    out = _transposed(x, weight, size, stride, padding, dilation, groups)
    if bias is not None:
        out += bias.reshape(-1, *(1,) * len(stride))
    return out.astype(x.dtype, copy=False)


def _convolution_transpose_rule(
    x: Array, weight: Array, bias: Array | None = None, *, size: Shape, stride: Shape,
    padding: Shape, dilation: Shape, groups: int,
) -> Spec:  # fmt: skip
    return (x.shape[0], weight.shape[1] * groups, *size), x.dtype


def _fitted(out: Any, shape: Shape) -> Any:
    # An output padding beyond the stride leaves room for more windows than there were.
    if out._data_.shape == shape:
        return out
    return slice_(out, index=tuple(map(slice, shape)))


def _transpose_x(
    g: Any, x: Any, weight: Any, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Any:
    form = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    out = _fitted(convolution(g, conj(weight), None, **form), x._data_.shape)
    return together(_as_input(out, x, weight), x, weight)


def _transpose_w(
    g: Any, x: Any, weight: Any, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Any:
    form = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    out = convolution_weight(g, conj(x), kernel=weight._data_.shape[2:], **form)
    return together(_as_input(out, x, weight), x, weight)


def _convolution_transpose_samples() -> Iterable[Sample]:
    for i, (x, weight, sizes, form) in enumerate(_forms()):
        g = draw(i, (2, weight.shape[0], *sizes))
        bias = draw(5, (x.shape[1],)) if i % 2 else None
        yield Sample((g, weight, bias), {**form, "size": x.shape[2:]})


convolution_transpose = Primitive(
    "convolution_transpose", "convolution", _convolution_transpose,
    (_transpose_x, _transpose_w, _bias_gradient), _convolution_transpose_rule, "convolution",
    _convolution_transpose_samples, label="ConvolutionBackward0", layout=_as_images,
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
    out = _weight_gradient(x, y, kernel, stride, padding, dilation, groups)
    return out.astype(x.dtype, copy=False)


def _convolution_weight_rule(x: Array, y: Array, *, kernel: Shape, groups: int, **_: Any) -> Spec:
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
