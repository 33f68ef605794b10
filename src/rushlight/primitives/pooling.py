"""Pooling: the largest element, or the sum, of windows that move over the last dimensions.

A window's maximum and its sum are taken one dimension after the other: k + k passes instead of
k * k. Where the maximum came from is found only for a gradient or for indices.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from rushlight.arrays import as_array, brought, contiguous
from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.tensor import Array
from rushlight.primitives.families import draw
from rushlight.primitives.kernel import one_kernel
from rushlight.primitives.placement import arranged, as_first, rows_of, suggested
from rushlight.primitives.select import choose
from rushlight.primitives.windows import Shape, ends, inside, padded, taps


def _fold(
    x: Array, ufunc: np.ufunc, out_size: Shape, kernel: Shape, stride: Shape, dilation: Shape
) -> Array:
    """Combine all windows, dimension by dimension; the first ones have contiguous lines."""
    first = x.ndim - len(kernel)
    for axis, (o, k, s, d) in enumerate(
        zip(out_size, kernel, stride, dilation, strict=True), first
    ):
        before = (slice(None),) * axis
        parts = [x[(*before, slice(t * d, t * d + (o - 1) * s + 1, s))] for t in range(k)]
        if k == 1:
            x = parts[0]
            continue
        # Of two equal zeros NumPy takes the second: the one that comes first in the window.
        total = ufunc(parts[1], parts[0])
        for part in parts[2:]:
            ufunc(part, total, out=total)
        x = total
    return contiguous(x)


def pooled_sizes(
    size: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil_mode: bool
) -> Shape:
    """How many windows fit; with ceil_mode the last one may begin inside and end beyond.

    >>> pooled_sizes((5,), (2,), (2,), (0,), (1,), True)
    (3,)
    """
    sizes = []
    for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True):
        room = n + 2 * p - d * (k - 1) - 1
        count = -(-room // s) + 1 if ceil_mode else room // s + 1
        if ceil_mode and (count - 1) * s >= n + p:
            count -= 1
        sizes.append(count)
    return tuple(sizes)


# ---- maximum ------------------------------------------------------------------------------------


def _lowest(dtype: np.dtype[Any]) -> Any:
    return -np.inf if dtype.kind in "fV" else np.iinfo(dtype).min


def _max_pool(
    x: Array, *, out_size: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape
) -> Array:
    whole = padded(x, out_size, kernel, stride, padding, dilation, _lowest(x.dtype))
    out = _fold(whole, np.maximum, out_size, kernel, stride, dilation)
    return out.copy() if max(kernel) == 1 else out


def _max_pool_rule(x: Array, *, out_size: Shape, kernel: Shape, **_: Any) -> Spec:
    return (*x.shape[: -len(kernel)], *out_size), x.dtype


# (sizes, kernel, stride, padding, dilation, ceil_mode)
_FORMS: tuple[tuple[Shape, Shape, Shape, Shape, Shape, bool], ...] = (
    ((6,), (2,), (2,), (0,), (1,), False),
    ((5, 6), (2, 3), (2, 2), (1, 0), (1, 1), True),
    ((5, 4), (2, 2), (1, 1), (0, 1), (2, 1), False),
    ((3, 4, 2), (2, 2, 1), (2, 1, 1), (0, 0, 0), (1, 1, 1), False),
)


def _forms() -> Iterable[tuple[Array, dict[str, Any]]]:
    for seed, (size, kernel, stride, padding, dilation, ceil_mode) in enumerate(_FORMS):
        form: dict[str, Any] = {"kernel": kernel, "stride": stride, "padding": padding}
        out_size = pooled_sizes(size, kernel, stride, padding, dilation, ceil_mode)
        yield draw(seed, (2, *size)), {**form, "dilation": dilation, "out_size": out_size}


def _as_images(forward: Callable[..., Any], arrays: Sequence[Any], static: dict[str, Any]) -> Any:
    """In the input's memory format, but for a plain maximum of lines and for sums of volumes."""
    result = forward(*arrays, **static)
    x, dims = arrays[0], len(static["kernel"])
    order: Shape | None = (1, 2, 3, 0)
    if x.ndim == dims + 2:
        order = suggested(x, lines=dims == 1)
    elif dims != 3 or x.flags.c_contiguous or not x.transpose(order).flags.c_contiguous:
        order = None
    if result.__class__ is tuple:
        return tuple(arranged(part, order) for part in result)
    if forward is _max_pool if dims == 1 else forward is _window_sum and dims == 3:
        return rows_of(result)
    return arranged(result, order)


max_pool = Primitive(
    "max_pool", "pooling", _max_pool, None, _max_pool_rule, "pool:max",
    lambda: [Sample((x,), form) for x, form in _forms()], layout=_as_images,
)  # fmt: skip


def _pool_winner(
    x: Array, out: Array, *, out_size: Shape, kernel: Shape, stride: Shape, padding: Shape,
    dilation: Shape,
) -> Array:  # fmt: skip
    """The number within its window of the first element that equals the maximum; nan: the last."""
    places = taps(out_size, kernel, stride, dilation)
    number = np.dtype(np.uint8 if len(places) <= 256 else np.int32)
    winner = np.zeros(out.shape, number, like=out)
    # Padding with nan: it never wins, not even against windows of nothing but -inf.
    floating = x.dtype.kind in "fV"
    blank = np.nan if floating else _lowest(x.dtype)
    whole = padded(x, out_size, kernel, stride, padding, dilation, blank)
    for tap, place in reversed(places):
        winner = choose(whole[place] == out, number.type(tap), winner)
    if floating and np.isnan(out).any():
        whole = padded(x, out_size, kernel, stride, padding, dilation, -np.inf)
        for tap, place in places:
            winner[np.isnan(whole[place])] = tap
    return winner


def _pool_winner_rule(x: Array, out: Array, *, kernel: Shape, **_: Any) -> Spec:
    return out.shape, np.dtype(np.uint8 if math.prod(kernel) <= 256 else np.int32)


pool_winner = Primitive(
    "pool_winner", "pooling", _pool_winner, None, _pool_winner_rule, "pool:argmax",
    lambda: [Sample((x, _max_pool(x, **form)), form) for x, form in _forms()],
)  # fmt: skip


def _max_pool_from(x: Array, **form: Shape) -> tuple[Array, Array]:
    out = _max_pool(x, **form)
    return out, _pool_winner(x, out, **form)


def _max_pool_from_rule(x: Array, **form: Shape) -> list[Spec]:
    out = _max_pool_rule(x, **form)
    return [out, (out[0], np.dtype(np.uint8 if math.prod(form["kernel"]) <= 256 else np.int32))]


@one_kernel(flat=True, image=1)
def _max_pool_from_vjp(
    g: list[Any], x: Any, out1: Any, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape
) -> Any:
    if g[0] is None:
        return None
    form = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    return pool_scatter(g[0], out1, size=x._data_.shape[-len(kernel) :], **form)


# The maximum and its winner, for gradients: programs go on to change the maximum in place (ReLU after
# pooling), and torch lets them.
max_pool_from = Primitive(
    "max_pool_from", "pooling", _max_pool_from, (_max_pool_from_vjp,), _max_pool_from_rule,
    "pool:max", lambda: [Sample((x,), form) for x, form in _forms()],
    label=lambda node: f"MaxPool{max(len(node.static['kernel']), 2)}DWithIndicesBackward0",
    layout=_as_images,
)  # fmt: skip


def _pool_positions(
    winner: Array, *, size: Shape, out_size: Shape, kernel: Shape, stride: Shape, padding: Shape,
    dilation: Shape,
) -> Array:  # fmt: skip
    """Where in its flat plane every winner stands."""
    flat = np.zeros(winner.shape, np.int64, like=winner)
    within = np.unravel_index(np.arange(math.prod(kernel)), kernel)
    for d, n in enumerate(size):
        starts = np.arange(out_size[d], like=winner) * stride[d] - padding[d]
        places = brought(within[d] * dilation[d], winner)[winner]
        places += starts.reshape(-1, *(1,) * (len(size) - 1 - d))
        flat *= n
        flat += places
    return flat


def _pool_positions_rule(winner: Array, **_: Any) -> Spec:
    return winner.shape, np.dtype(np.int64)


def _positions_samples() -> Iterable[Sample]:
    for x, form in _forms():
        winner = _pool_winner(x, _max_pool(x, **form), **form)
        yield Sample((winner,), {**form, "size": x.shape[-len(form["kernel"]) :]})


pool_positions = Primitive(
    "pool_positions", "pooling", _pool_positions, None, _pool_positions_rule, "pool:positions",
    _positions_samples, layout=as_first,
)  # fmt: skip


def _pool_scatter(
    x: Array, winner: Array, *, size: Shape, kernel: Shape, stride: Shape, padding: Shape,
    dilation: Shape,
) -> Array:  # fmt: skip
    """Put every value where the winner of its window stands, adding up what meets."""
    dims = len(kernel)
    out_size = x.shape[-dims:]
    reach = ends(out_size, kernel, stride, dilation)
    whole = tuple(max(e, n + 2 * p) for e, n, p in zip(reach, size, padding, strict=True))
    apart = all(s >= d * (k - 1) + 1 for k, s, d in zip(kernel, stride, dilation, strict=True))
    tiled = whole == size and all(
        k == s and o * s == n for k, s, o, n in zip(kernel, stride, out_size, size, strict=True)
    )
    make = np.empty if tiled else np.zeros
    total = make((*x.shape[:-dims], *whole), x.dtype, like=x)
    nothing = np.zeros((), x.dtype, like=x)
    for tap, place in taps(out_size, kernel, stride, dilation):
        part = choose(winner == tap, x, nothing)
        if apart:
            total[place] = part
        else:
            total[place] += part
    return total if whole == size else contiguous(total[inside(size, padding)])


def _pool_scatter_rule(x: Array, winner: Array, *, size: Shape, kernel: Shape, **_: Any) -> Spec:
    return (*x.shape[: -len(kernel)], *size), x.dtype


def _pool_scatter_vjp(
    g: Any, x_shape: Shape, winner: Any, kernel: Shape, stride: Shape, padding: Shape,
    dilation: Shape,
) -> Any:  # fmt: skip
    form = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    return pool_gather(g, winner, **form)


def _scatter_samples() -> Iterable[Sample]:
    for x, form in _forms():
        winner = _pool_winner(x, _max_pool(x, **form), **form)
        rest = {name: form[name] for name in ("kernel", "stride", "padding", "dilation")}
        size = x.shape[-len(form["kernel"]) :]
        yield Sample((draw(9, winner.shape), winner), {**rest, "size": size})


pool_scatter = Primitive(
    "pool_scatter", "pooling", _pool_scatter, (_pool_scatter_vjp, None), _pool_scatter_rule,
    "pool:scatter", _scatter_samples, label="MaxPool2DWithIndicesBackwardBackward0", linear=True,
)  # fmt: skip


def _pool_gather(
    x: Array, winner: Array, *, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape
) -> Array:
    """From every window the element where its winner stands."""
    out_size = winner.shape[-len(kernel) :]
    whole = padded(x, out_size, kernel, stride, padding, dilation, 0)
    out = np.zeros(winner.shape, x.dtype, like=x)
    for tap, place in taps(out_size, kernel, stride, dilation):
        np.copyto(out, whole[place], where=winner == tap)
    return out


def _pool_gather_rule(x: Array, winner: Array, **_: Any) -> Spec:
    return winner.shape, x.dtype


def _pool_gather_vjp(
    g: Any, x_shape: Shape, winner: Any, kernel: Shape, stride: Shape, padding: Shape,
    dilation: Shape,
) -> Any:  # fmt: skip
    form = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    return pool_scatter(g, winner, size=x_shape[-len(kernel) :], **form)


def _gather_samples() -> Iterable[Sample]:
    for x, form in _forms():
        winner = _pool_winner(x, _max_pool(x, **form), **form)
        rest = {name: form[name] for name in ("kernel", "stride", "padding", "dilation")}
        yield Sample((draw(9, x.shape), winner), rest)


pool_gather = Primitive(
    "pool_gather", "pooling", _pool_gather, (_pool_gather_vjp, None), _pool_gather_rule,
    "pool:gather", _gather_samples, label="MaxPool2DWithIndicesBackward0", linear=True,
)  # fmt: skip

# ---- sums ---------------------------------------------------------------------------------------


def _window_sum(
    x: Array, *, out_size: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape
) -> Array:
    whole = padded(x, out_size, kernel, stride, padding, dilation, 0)
    out = _fold(whole, np.add, out_size, kernel, stride, dilation)
    out = out.astype(x.dtype, copy=max(kernel) == 1)
    out += 0  # torch begins with 0, so that no sum is -0
    return out


def _window_sum_vjp(
    g: Any, x_shape: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape
) -> Any:
    form = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    # What is added to 0 in torch is never -0.
    return window_spread(g + 0.0, size=x_shape[-len(kernel) :], **form)


window_sum = Primitive(
    "window_sum", "pooling", _window_sum, (_window_sum_vjp,), _max_pool_rule, "pool:+",
    lambda: [Sample((x,), form) for x, form in _forms()],
    label=lambda node: f"AvgPool{len(node.static['kernel'])}DBackward0", layout=_as_images,
    linear=True,
)  # fmt: skip


def _window_spread(
    x: Array, *, size: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape
) -> Array:
    """Add every value to all elements of its window: dimension by dimension, the last one first."""
    out_size = x.shape[-len(kernel) :]
    reach = ends(out_size, kernel, stride, dilation)
    first = x.ndim - len(kernel)
    for i in reversed(range(len(kernel))):
        axis, o, k, s, d = first + i, out_size[i], kernel[i], stride[i], dilation[i]
        length = max(reach[i], size[i] + 2 * padding[i])
        tiled = s == k and d == 1 and length == o * k
        make = np.empty if tiled else np.zeros
        total = make((*x.shape[:axis], length, *x.shape[axis + 1 :]), x.dtype, like=x)
        for t in range(k):
            place = (slice(None),) * axis + (slice(t * d, t * d + (o - 1) * s + 1, s),)
            if tiled:
                total[place] = x
            else:
                total[place] += x
        x = total
    return contiguous(x[inside(size, padding)])


def _window_spread_rule(x: Array, *, size: Shape, kernel: Shape, **_: Any) -> Spec:
    return (*x.shape[: -len(kernel)], *size), x.dtype


def _window_spread_vjp(
    g: Any, x_shape: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape
) -> Any:
    form = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    return window_sum(g, out_size=x_shape[-len(kernel) :], **form)


def _spread_samples() -> Iterable[Sample]:
    for x, form in _forms():
        rest = {name: form[name] for name in ("kernel", "stride", "padding", "dilation")}
        size = x.shape[-len(form["kernel"]) :]
        yield Sample((draw(3, (2, *form["out_size"])),), {**rest, "size": size})


window_spread = Primitive(
    "window_spread", "pooling", _window_spread, (_window_spread_vjp,), _window_spread_rule,
    "pool:spread", _spread_samples, label="AvgPool2DBackwardBackward0", linear=True,
)  # fmt: skip

# ---- windows of any size ------------------------------------------------------------------------


def _last_largest(windows: Array) -> Array:
    """Where the first largest element of each window stands, or the last nan."""
    best: Array = windows.argmax(axis=-1)
    if windows.dtype.kind != "f" or not (odd := np.isnan(windows)).any():
        return best
    last = windows.shape[-1] - 1 - odd[..., ::-1].argmax(axis=-1)
    return np.where(odd.any(axis=-1), last, best)


def _irregular_winner(x: Array, *positions: Array) -> Array:
    """The flat position of the maximum of windows given by the positions of their elements.

    One array of positions per dimension, which broadcasts to [N, C, windows, elements].
    """
    dims = len(positions)
    ranks = []
    for i, position in enumerate(positions):
        shape = [*position.shape[:2], *(1,) * (2 * dims)]
        shape[2 + i], shape[2 + dims + i] = position.shape[2:]
        ranks.append(position.reshape(shape))
    flat = as_array(np.ravel_multi_index(np.broadcast_arrays(*ranks), x.shape[2:]))
    sizes = flat.shape[2 : 2 + dims]
    flat = flat.reshape(*flat.shape[:2], math.prod(sizes), -1)
    planes = x.reshape(*x.shape[:2], 1, -1)
    if flat.shape[:2] == (1, 1):
        # The windows are the same in all planes.
        best = _last_largest(planes[:, :, 0].take(flat[0, 0], axis=-1))
        winner = flat[0, 0, np.arange(len(flat[0, 0]), like=x), best]
    else:
        windows = np.take_along_axis(planes, flat, -1)
        best = _last_largest(windows)[..., None]
        winner = np.take_along_axis(np.broadcast_to(flat, windows.shape), best, -1)[..., 0]
    return as_array(winner.reshape(*x.shape[:2], *sizes))


def _irregular_winner_rule(x: Array, *positions: Array) -> Spec:
    return (*x.shape[:2], *(p.shape[2] for p in positions)), np.dtype(np.int64)


def _irregular_samples() -> Iterable[Sample]:
    rows = np.array([[0, 1], [1, 2], [3, 3]]).reshape(1, 1, 3, 2)
    yield Sample((draw(1, (2, 2, 4)), rows))
    yield Sample((draw(2, (1, 2, 4, 4)), rows, rows[:, :, :2]))


irregular_winner = Primitive(
    "irregular_winner", "pooling", _irregular_winner, None, _irregular_winner_rule, "pool:argmax",
    _irregular_samples,
)  # fmt: skip


def _fractional_positions(samples: Array, *, size: int, count: int, kernel: int) -> Array:
    """Positions of `count` windows whose steps, of two sizes, come in an order the sample decides.

    B. Graham, "Fractional Max-Pooling", 2014.
    """
    if count < 2:
        starts = np.full((*samples.shape, count), size - kernel, np.int64, like=samples)
    else:
        alpha = samples.dtype.type((size - kernel) / (count - 1))
        steps = np.arange(count, dtype=samples.dtype, like=samples) + samples[..., None]
        starts = (steps * alpha).astype(np.int64)
        starts -= (samples * alpha).astype(np.int64)[..., None]
        starts[..., -1] = size - kernel
    return contiguous(starts[..., None] + np.arange(kernel, like=samples))


def _fractional_rule(samples: Array, *, size: int, count: int, kernel: int) -> Spec:
    return (*samples.shape, count, kernel), np.dtype(np.int64)


fractional_positions = Primitive(
    "fractional_positions", "pooling", _fractional_positions, None, _fractional_rule,
    "pool:positions",
    lambda: [Sample((draw(1, (2, 3), 0.0, 1.0),), {"size": 7, "count": 3, "kernel": 2})],
)  # fmt: skip
