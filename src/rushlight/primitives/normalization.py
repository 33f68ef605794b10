"""Centre and scale to mean 0 and variance 1 along some dimensions: batch, layer and group norm.

All of them are one row. `view` is the shape in which the statistics run along `dims` (group norm
splits the channels, batch norm joins the pixels), and `broadcast` is the shape in which weight and
bias spread over it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from rushlight.arrays import contiguous
from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.tensor import Array
from rushlight.dtypes import NARROW, cast
from rushlight.narrow import through, widen
from rushlight.primitives.families import draw
from rushlight.primitives.inner import inner, inner_products, totals
from rushlight.primitives.placement import arranged, empty_like, rows_of, suggested
from rushlight.threads import ranges, share

Shape = tuple[int, ...]

# Elements that one thread should work on at least; elements of a line that stays in the cache.
_PART, _LINE = 1 << 18, 1 << 16
# Lines shorter than this torch takes element by element, without vectors.
_LANES = 8
# Up to so many elements it takes no time to be exact.
_FEW = 1024


def statistics(view: Shape, dims: Shape) -> Shape:
    """The shape of the means: `view` with 1 along dims."""
    return tuple(1 if d in dims else n for d, n in enumerate(view))


def _cuts(view: Shape, dims: Shape, broadcast: Shape) -> list[tuple[Any, ...]]:
    """Indices that cut the view into parts that have nothing to do with each other: channels."""
    elements = math.prod(view)
    channel = next((d for d, n in enumerate(broadcast) if n == view[d] and d not in dims), None)
    if elements < 2 * _PART or channel is None or any(broadcast[d] != 1 for d in dims):
        return [(...,)]
    least = _PART * view[channel] // elements
    return [(*(slice(None),) * channel, part) for part in ranges(view[channel], least)]


def _level(values: Array, view: Shape) -> Array:
    """Values for each channel, repeated along the pixels where that makes the passes faster.

    NumPy's loop over two long lines runs at twice the speed of many over a short line and a number.
    """
    if values.ndim != 3 or len(values) != 1 or view[0] < 4 or math.prod(view[1:]) > _LINE:
        return values
    return contiguous(np.broadcast_to(values, (1, *view[1:])))


def _normalize(
    x: Array, weight: Array | None = None, bias: Array | None = None, *, view: Shape, dims: Shape,
    broadcast: Shape, eps: float, batch: bool | None = None,
) -> tuple[Array, Array, Array, Array]:  # fmt: skip
    """(x - mean) * rstd * weight + bias; mean; rstd = 1 / sqrt(variance + eps); variance.

    batch: in a batch norm, whether all is of one type; narrow statistics are then rounded first.
    """
    kept = _kept_in(x, weight, batch)
    if batch and kept in NARROW:
        return _by_rounded(x, weight, bias, view, dims, broadcast, eps)
    full = widen(x).reshape(view)
    size = math.prod(view[d] for d in dims)
    if full.size <= _FEW and full.dtype == np.float32:
        fused = batch is not None and (x.flags.c_contiguous or suggested(x) is not None)
        shown, *rest = _summed_wide(full, weight, bias, dims, broadcast, eps, fused, batch is None)
        mean, rstd, variance = rest
        shown = shown.astype(x.dtype, copy=False).reshape(x.shape)
        return shown, mean.astype(kept, copy=False), rstd.astype(kept, copy=False), variance
    out = np.empty_like(full)
    mean, rstd, variance = (
        np.empty(statistics(view, dims), full.dtype, like=full) for _ in range(3)
    )
    factor = None if weight is None else widen(weight).reshape(broadcast)
    shift = None if bias is None else widen(bias).reshape(broadcast)
    even = all(broadcast[d] == 1 for d in dims)

    def work(dealt: Iterator[tuple[Any, ...]]) -> None:
        for cut in dealt:
            shape = full[cut].shape
            np.divide(totals(full[cut], dims), size, out=mean[cut])
            y = np.subtract(full[cut], _level(mean[cut], shape), out=out[cut])
            np.divide(inner_products(y, y, dims), size, out=variance[cut])
            scale = np.add(variance[cut], eps, out=rstd[cut])
            np.sqrt(scale, out=scale)
            np.reciprocal(scale, out=scale)
            if factor is not None and even:
                y *= _level(scale * factor[cut], shape)
            else:
                y *= _level(scale, shape)
                if factor is not None:
                    y *= factor[cut]
            if shift is not None:
                y += _level(shift[cut], shape)

    share(work, _cuts(view, dims, broadcast))
    shown = out.astype(x.dtype, copy=False).reshape(x.shape)
    return shown, mean.astype(kept, copy=False), rstd.astype(kept, copy=False), variance


def _summed_wide(
    full: Array, weight: Array | None, bias: Array | None, dims: Shape, broadcast: Shape, eps: float,
    fused: bool, layer: bool,
) -> list[Array]:  # fmt: skip
    """`_normalize` of a few numbers, summed in double precision: what is constant has its own mean.

    As in torch, a batch norm is a product and a sum in one rounding, which a constant shows, and a
    missing bias is an added zero, which -0 shows.
    """
    single, wide = full.dtype.type, full.astype(np.float64)
    size = math.prod(full.shape[d] for d in dims)
    if layer and 0 < size < _LANES:
        mean, variance = _running(full, dims)
        return _scaled(full, mean, variance, weight, bias, broadcast, eps)
    mean = (wide.sum(dims, keepdims=True) / size).astype(single)
    distance = wide - mean
    spread = (distance * distance).sum(dims, keepdims=True) / size
    variance = spread.astype(single)
    if fused:
        factor = single(1) if weight is None else widen(weight).reshape(broadcast)
        shift = single(0) if bias is None else widen(bias).reshape(broadcast)
        rstd = np.reciprocal(np.sqrt(spread + eps)).astype(single)
        scale = rstd * factor
        return [(wide * scale + (shift - mean * scale)).astype(single), mean, rstd, variance]
    return _scaled(full, mean, variance, weight, bias, broadcast, eps)


def _scaled(
    full: Array, mean: Array, variance: Array, weight: Array | None, bias: Array | None,
    broadcast: Shape, eps: float,
) -> list[Array]:  # fmt: skip
    single = full.dtype.type
    factor = single(1) if weight is None else widen(weight).reshape(broadcast)
    shift = single(0) if bias is None else widen(bias).reshape(broadcast)
    rstd = np.reciprocal(np.sqrt(variance + single(eps)))
    return [(full - mean) * rstd * factor + shift, mean, rstd, variance]


def _running(full: Array, dims: Shape) -> tuple[Array, Array]:
    """Mean and variance of lines too short for torch's vectors: one element after the other.

    B. P. Welford, 1962. Where elements are nearly the same, their variance is what was rounded.
    """
    single, shape = full.dtype.type, statistics(full.shape, dims)
    lines = full.reshape(*full.shape[: dims[0]], math.prod(full.shape[dims[0] :]))
    mean, squares = np.zeros_like(lines[..., 0]), np.zeros_like(lines[..., 0])
    for step in range(lines.shape[-1]):
        x = lines[..., step]
        distance = x - mean
        mean = mean + distance / single(step + 1)
        squares = squares + distance * (x - mean)
    return mean.reshape(shape), (squares / single(lines.shape[-1])).reshape(shape)


def _kept_in(x: Array, weight: Array | None, batch: bool | None) -> np.dtype[Any]:
    """The type of the statistics: that of x, unless narrow floats have weights in float32."""
    if batch is False:
        return widen(x).dtype
    return x.dtype if weight is None or weight.dtype == x.dtype else widen(x).dtype


def _by_rounded(
    x: Array, weight: Array | None, bias: Array | None, view: Shape, dims: Shape, broadcast: Shape,
    eps: float,
) -> tuple[Array, Array, Array, Array]:  # fmt: skip
    full, kept = widen(x).reshape(view), x.dtype
    size = math.prod(view[d] for d in dims)
    mean = totals(full, dims) / np.float32(size)
    distance = full - mean
    variance = inner_products(distance, distance, dims) / np.float32(size)
    if kept.kind == "V":
        # Of bfloat16 torch rounds the variance, too.
        variance = through(variance, kept)
    spread = np.sqrt(variance + np.float32(eps))
    mean, rstd = cast(mean, kept), cast(np.reciprocal(spread), kept)
    out = full - widen(mean)
    out *= widen(rstd) if weight is None else widen(rstd) * widen(weight).reshape(broadcast)
    if bias is not None:
        out += widen(bias).reshape(broadcast)
    return cast(out, kept).reshape(x.shape), mean, rstd, variance


def _spread(x: Any, dims: Shape, size: int) -> Any:
    return x.sum(dims, keepdim=True) / size


def _normalize_vjp(
    g: list[Any], x: Any, weight: Any, weight_shape: Shape, bias_shape: Shape, out1: Any,
    out2: Any, view: Shape, dims: Shape, broadcast: Shape, needs: tuple[bool, ...],
) -> list[Any]:  # fmt: skip
    mean, rstd = out1, out2
    form = {"view": view, "dims": dims, "broadcast": broadcast}
    results: list[Any] = [None] * len(needs)
    if g[0] is not None:
        affine = tuple(needs[1:])
        parts = iter(normalize_grad(g[0], x, mean, rstd, weight, affine=affine, **form))
        results[0] = next(parts)
        for i, shape in enumerate((weight_shape, bias_shape)[: len(affine)], 1):
            if needs[i]:
                results[i] = next(parts) if len(shape) == 1 else next(parts).reshape(shape)
    if needs[0] and any(part is not None for part in g[1:]):
        across = _through_statistics(g, x.reshape(view) - mean, rstd, dims).reshape(x.shape)
        results[0] = across if g[0] is None else results[0] + across
    return results


def _through_statistics(g: list[Any], centred: Any, rstd: Any, dims: Shape) -> Any:
    """d mean = 1 / n, d variance = 2 (x - mean) / n, d rstd = -rstd**3 (x - mean) / n."""
    size = math.prod(centred.shape[d] for d in dims)
    total = centred * 0
    if g[1] is not None:
        total = total + g[1] / size
    if g[2] is not None:
        total = total - centred * (g[2] * rstd**3 / size)
    if g[3] is not None:
        total = total + centred * (g[3] * (2 / size))
    return total


def _normalize_rule(
    x: Array, weight: Array | None = None, bias: Array | None = None, *, view: Shape, dims: Shape,
    broadcast: Shape, eps: float, batch: bool | None = None,
) -> list[Spec]:  # fmt: skip
    shape, kept = statistics(view, dims), _kept_in(x, weight, batch)
    return [(x.shape, x.dtype), (shape, kept), (shape, kept), (shape, widen(x).dtype)]


# (shape, view, dims, broadcast, size of weight): layer, batch and group norm.
_FORMS: tuple[tuple[Shape, Shape, Shape, Shape, Shape], ...] = (
    ((4, 3), (4, 3), (1,), (1, 3), (3,)),
    ((2, 3, 4), (2, 3, 4), (0, 2), (1, 3, 1), (3,)),
    ((2, 4, 3), (2, 2, 2, 3), (2, 3), (1, 2, 2, 1), (4,)),
)


def _normalize_samples() -> Iterable[Sample]:
    for seed, (shape, view, dims, broadcast, size) in enumerate(_FORMS):
        form = {"view": view, "dims": dims, "broadcast": broadcast, "eps": 1e-5}
        x = draw(seed, shape)
        yield Sample((x, draw(10, size), draw(11, size)), form)
        yield Sample((x, None, None), form)


def _as_input(forward: Callable[..., Any], arrays: Sequence[Any], static: dict[str, Any]) -> Any:
    out, *rest = forward(*arrays, **static)
    if len(static["view"]) == 2:
        # What is normalised line by line lies so.
        return rows_of(out), *rest
    if not out.size:
        return empty_like(arrays[0]), *rest
    return arranged(out, suggested(arrays[0])), *rest


def _as_normalized(
    forward: Callable[..., Any], arrays: Sequence[Any], static: dict[str, Any]
) -> Any:
    """As the result does for which this is the gradient, with the input in the second place."""
    return _as_input(lambda *_, **__: forward(*arrays, **static), arrays[1:], static)


normalize = Primitive(
    "normalize", "normalize", _normalize, _normalize_vjp, _normalize_rule, "normalize",
    _normalize_samples, layout=_as_input, as_is=True,
)  # fmt: skip


def _normalize_grad(
    upper: Array, x: Array, mean: Array, rstd: Array, weight: Array | None = None, *, view: Shape,
    dims: Shape, broadcast: Shape, affine: tuple[bool, ...],
) -> tuple[Array, ...]:  # fmt: skip
    """The gradients of x and, as far as `affine` says, of weight and bias."""
    g = widen(upper).reshape(view)
    size = math.prod(view[d] for d in dims)
    full = widen(x).reshape(view)
    own = upper.dtype if weight is None else weight.dtype
    weight, mean, rstd = widen(weight), widen(mean), widen(rstd)
    if any(broadcast[d] != 1 for d in dims):
        exact = x.dtype == np.float32 and full.size <= _FEW and full.ndim == 2
        normal = full - mean
        normal *= rstd
        shared = tuple(d for d, n in enumerate(broadcast) if n == 1)
        sums = (inner_products(g, normal, shared), totals(g, shared)) if any(affine) else ()
        dx = g * weight.reshape(broadcast) if weight is not None else g.copy()
        along, across = totals(dx, dims), inner_products(dx, normal, dims)
        along /= size
        across /= size
        normal *= across
        normal += along
        dx -= normal
        dx *= rstd
        if exact:
            shaped = None if weight is None else weight.reshape(broadcast)
            dx = _as_torch_rounds(g, full, mean, rstd, shaped)
    else:
        # The weight is constant along dims: the sums for x are those for weight and bias.
        factor = None if weight is None else weight.reshape(broadcast)
        dx = np.empty_like(full)
        sums = np.empty_like(rstd), np.empty_like(rstd)

        def work(dealt: Iterator[tuple[Any, ...]]) -> None:
            for cut in dealt:
                upward, scale = g[cut], rstd[cut]
                shape = upward.shape
                y = np.subtract(full[cut], _level(mean[cut], shape))
                across, along = sums[0][cut], sums[1][cut]
                along[...] = totals(upward, dims)
                np.multiply(inner_products(upward, y, dims), scale, out=across)
                gain = scale if factor is None else scale * factor[cut]
                part = np.multiply(upward, _level(gain, shape), out=dx[cut])
                y *= _level(gain * across * scale / -size, shape)
                part += y
                part -= _level(gain * along / size, shape)

        share(work, _cuts(view, dims, broadcast))
    results = [dx.astype(x.dtype, copy=False).reshape(x.shape)]
    for part, needed in zip(sums, affine, strict=False):
        if needed:
            rest = tuple(d for d, n in enumerate(part.shape) if n != broadcast[d])
            results.append(totals(part, rest).reshape(-1).astype(own, copy=False))
    return tuple(results)


def _as_torch_rounds(g: Array, x: Array, mean: Array, rstd: Array, weight: Array | None) -> Array:
    """The gradient of a layer norm's input, rounded where torch's kernel does.

    It is b * x + rstd * g * weight + c, with two coefficients for each line. If the elements of a line are
    nearly the same, what these leave of each other is rounding, and large.
    """
    single, size = x.dtype.type, x.shape[1]
    fold = _in_order if size < _LANES else _at_once
    scaled = g if weight is None else g * weight
    products = g * x if weight is None else g * x * weight
    inside, sums, scale = fold(products), fold(scaled), single(1) / single(size)
    b = _fused(sums, mean, -inside) * rstd * rstd * rstd * scale
    c = _fused(-b, mean, -(sums * rstd * scale))
    gain = rstd * g
    return _fused(b, x, gain if weight is None else gain * weight) + c


def _in_order(x: Array) -> Array:
    return np.add.accumulate(x, axis=1)[:, -1:]


def _at_once(x: Array) -> Array:
    return np.add.reduce(x, axis=1, keepdims=True)


def _fused(x: Array, y: Array, z: Array) -> Array:
    """x * y + z, rounded once."""
    return (x.astype(np.float64) * y + z).astype(x.dtype)


def _normalize_grad_vjp(
    g: list[Any], upper: Any, x: Any, mean: Any, rstd: Any, weight: Any, view: Shape, dims: Shape,
    broadcast: Shape, affine: tuple[bool, ...],
) -> list[Any]:  # fmt: skip
    size = math.prod(view[d] for d in dims)
    rest = iter(g[1:])
    upper_affine = [next(rest) if needed else None for needed in affine] or [None, None]
    for_weight, for_bias = (None if t is None else t.reshape(broadcast) for t in upper_affine)
    u, centred = upper.reshape(view), x.reshape(view) - mean
    normal = centred * rstd
    zero = normal * 0
    to_upper, to_normal, to_weight, to_rstd = zero, zero, None, zero.sum(dims, keepdim=True)
    if g[0] is not None:
        h = g[0].reshape(view)
        w = 1 if weight is None else weight.reshape(broadcast)
        along, across = inner(u * w, normal, dims=dims) / size, inner(h, normal, dims=dims) / size
        even = u * w - _spread(u * w, dims, size)
        back = rstd * (h - _spread(h, dims, size) - normal * across)
        to_upper = back * w
        to_weight = None if weight is None else (back * u).sum_to_size(broadcast)
        to_normal = -rstd * (h * along + u * w * across)
        to_rstd = inner(h, even - normal * along, dims=dims)
    if for_weight is not None:
        to_upper = to_upper + normal * for_weight
        to_normal = to_normal + u * for_weight
    if for_bias is not None:
        to_upper = to_upper + for_bias
    to_rstd = to_rstd + inner(to_normal, centred, dims=dims)
    to_x = to_normal * rstd
    return [
        to_upper.reshape(upper.shape),
        to_x.reshape(x.shape),
        -to_x.sum(dims, keepdim=True),
        to_rstd,
        None if to_weight is None else to_weight.reshape(weight.shape),
    ]


def _normalize_grad_rule(
    upper: Array, x: Array, mean: Array, rstd: Array, weight: Array | None = None, *, view: Shape,
    dims: Shape, broadcast: Shape, affine: tuple[bool, ...],
) -> list[Spec]:  # fmt: skip
    size = (math.prod(broadcast),)
    own = upper.dtype if weight is None else weight.dtype
    return [(x.shape, x.dtype), *((size, own) for needed in affine if needed)]


def _normalize_grad_samples() -> Iterable[Sample]:
    for seed, (shape, view, dims, broadcast, size) in enumerate(_FORMS):
        form = {"view": view, "dims": dims, "broadcast": broadcast}
        means = statistics(view, dims)
        arrays = draw(seed, shape), draw(seed + 20, shape), draw(7, means), draw(8, means, 0.5, 2.0)
        yield Sample((*arrays, draw(9, size)), {**form, "affine": (True, True)})
        yield Sample((*arrays, None), {**form, "affine": (False, False)})


normalize_grad = Primitive(
    "normalize_grad", "normalize", _normalize_grad, _normalize_grad_vjp, _normalize_grad_rule,
    "normalize", _normalize_grad_samples, label="NativeLayerNormBackwardBackward0",
    as_is=True, layout=_as_normalized,
)  # fmt: skip
