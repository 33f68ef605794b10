"""Windows that move over the last dimensions: where their elements are; and as rows of their own."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np

from rushlight.arrays import contiguous
from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.tensor import Array
from rushlight.primitives.families import draw
from rushlight.primitives.flat_buffer import out_sizes

Shape = tuple[int, ...]


def padded(x: Array, out_size: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape,
            value: float) -> Array:  # fmt: skip
    """x with room for all windows; x itself where they fit."""
    size = x.shape[-len(kernel) :]
    reach = ends(out_size, kernel, stride, dilation)
    if not any(padding) and all(e <= n for e, n in zip(reach, size, strict=True)):
        return x
    whole = [max(e, n + p) for e, n, p in zip(reach, size, padding, strict=True)]
    out = np.full((*x.shape[: -len(kernel)], *whole), value, x.dtype, like=x)
    out[inside(size, padding)] = x
    return out


def ends(out_size: Shape, kernel: Shape, stride: Shape, dilation: Shape) -> list[int]:
    """Where the last window ends, in each dimension."""
    return [
        (o - 1) * s + d * (k - 1) + 1
        for o, k, s, d in zip(out_size, kernel, stride, dilation, strict=True)
    ]


def inside(size: Shape, padding: Shape) -> tuple[Any, ...]:
    """The index of what is not padding."""
    return (..., *(slice(p, p + n) for n, p in zip(size, padding, strict=True)))


@lru_cache(maxsize=256)
def taps(
    out_size: Shape, kernel: Shape, stride: Shape, dilation: Shape
) -> tuple[tuple[int, tuple[Any, ...]], ...]:
    """For every position in the window its number, and the index of that element of all windows."""
    axes = [
        [slice(t * d, t * d + (o - 1) * s + 1, s) for t in range(k)]
        for o, k, s, d in zip(out_size, kernel, stride, dilation, strict=True)
    ]
    return tuple((number, (..., *place)) for number, place in enumerate(itertools.product(*axes)))


def _windows(x: Array, *, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape) -> Array:
    """The elements of all windows: [N, C, ...] gives [N, C, elements, windows]."""
    out_size = out_sizes(x.shape[2:], kernel, stride, padding, dilation)
    whole = padded(x, out_size, kernel, stride, padding, dilation, 0)
    out = np.empty((*x.shape[:2], math.prod(kernel), *out_size), x.dtype, like=x)
    for tap, place in taps(out_size, kernel, stride, dilation):
        out[:, :, tap] = whole[place]
    return out.reshape(*x.shape[:2], math.prod(kernel), math.prod(out_size))


def _windows_rule(
    x: Array, *, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape
) -> Spec:
    out_size = out_sizes(x.shape[2:], kernel, stride, padding, dilation)
    return (*x.shape[:2], math.prod(kernel), math.prod(out_size)), x.dtype


def _windows_vjp(
    g: Any, x_shape: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape
) -> Any:
    form = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    return windows_sum(g, size=x_shape[2:], **form)


# (sizes, kernel, stride, padding, dilation)
_FORMS: tuple[tuple[Shape, Shape, Shape, Shape, Shape], ...] = (
    ((5,), (2,), (2,), (0,), (1,)),
    ((4, 5), (2, 3), (1, 2), (1, 0), (2, 1)),
)


def _forms() -> Iterable[tuple[Shape, dict[str, Shape]]]:
    for size, kernel, stride, padding, dilation in _FORMS:
        yield size, {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}


windows = Primitive(
    "windows", "pooling", _windows, (_windows_vjp,), _windows_rule, "gather",
    lambda: [Sample((draw(1, (2, 2, *size)),), form) for size, form in _forms()],
    label="Im2ColBackward0", linear=True,
)  # fmt: skip


def _windows_sum(
    x: Array, *, size: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape
) -> Array:
    """Put the elements of all windows back, adding up what meets."""
    out_size = out_sizes(size, kernel, stride, padding, dilation)
    reach = ends(out_size, kernel, stride, dilation)
    whole = tuple(max(e, n + 2 * p) for e, n, p in zip(reach, size, padding, strict=True))
    total = np.zeros((*x.shape[:2], *whole), x.dtype, like=x)
    parts = x.reshape(*x.shape[:3], *out_size)
    for tap, place in taps(out_size, kernel, stride, dilation):
        total[place] += parts[:, :, tap]
    return total if whole == size else contiguous(total[inside(size, padding)])


def _windows_sum_rule(x: Array, *, size: Shape, **_: Any) -> Spec:
    return (*x.shape[:2], *size), x.dtype


def _windows_sum_vjp(g: Any, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape) -> Any:
    return windows(g, kernel=kernel, stride=stride, padding=padding, dilation=dilation)


def _sum_samples() -> Iterable[Sample]:
    for size, form in _forms():
        out_size = out_sizes(size, **form)
        shape = (2, 2, math.prod(form["kernel"]), math.prod(out_size))
        yield Sample((draw(1, shape),), {**form, "size": size})


windows_sum = Primitive(
    "windows_sum", "pooling", _windows_sum, (_windows_sum_vjp,), _windows_sum_rule, "scatter",
    _sum_samples, label="Col2ImBackward0", linear=True,
)  # fmt: skip
