"""How many elements fall where: `bincount`, `histc`, `histogram`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes, return_types
from rushlight.core.doors import check, read
from rushlight.core.tensor import Array, TensorBase, wrap
from rushlight.core.turned import alias
from rushlight.narrow import need_signed, need_wide
from rushlight.ops.arguments import (
    like,
    need_int,
    need_real_scalar,
    need_tensor,
    need_whole,
    write_out,
    write_outs,
)
from rushlight.ops.ranges import linspace
from rushlight.primitives.constant import computed

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each number from 0 on occurs in a 1-d tensor of integers; or its weights' sum.

    >>> import rushlight as torch
    >>> torch.tensor([0, 2, 2]).bincount()
    tensor([1, 0, 2])
    """
    need_tensor("bincount", "input", 1, input)
    if weights is not None:
        need_tensor("bincount", "weights", 2, weights)
    minlength = need_int("bincount", "minlength", 3, minlength)
    data = input._data_
    if minlength < 0:
        raise RuntimeError(f"minlength should be >= 0, not {minlength}")
    if data.dtype.kind not in "iu":
        raise NotImplementedError(f'"bincount_cpu" not implemented for {input.dtype.word!r}')
    need_signed("bincount_cpu", data)
    if data.ndim != 1 or (data.size and check(input, "the numbers").min() < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is None:
        return like(computed(_times, input, minlength=minlength), input)
    if weights._data_.shape != data.shape:
        raise RuntimeError(
            f"weights should be 1-d and have the same length as input: {list(weights._data_.shape)} "
            f"and {list(data.shape)}"
        )
    return computed(_weighed, input, weights, minlength=minlength)


def _times(data: Array, minlength: int) -> Array:
    return np.bincount(data.astype(np.int64, copy=False), minlength=minlength)


def _weighed(data: Array, weights: Array, minlength: int) -> Array:
    values = np.bincount(data.astype(np.int64, copy=False), weights, minlength)
    return values.astype(np.float32 if weights.dtype == np.float32 else np.float64, copy=False)


def _need_floats(name: str, input: Any) -> None:
    need_tensor(name, "input", 1, input)
    if input._data_.dtype.kind not in "fV":
        raise NotImplementedError(f'"{name}_cpu" not implemented for {input.dtype.word!r}')


def _ends(name: str, data: Array, low: float, high: float) -> tuple[float, float]:
    """The outermost edges: as given, or those of the data, apart from each other."""
    if low == high and data.size:
        low, high = float(data.min()), float(data.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(f"torch.{name}: range of [{low}, {high}] is not finite")
    if low > high:
        raise RuntimeError(f"torch.{name}: max must be larger than min, not {low} and {high}")
    return (low - 1, high + 1) if low == high else (low, high)


def histc(
    input: Tensor, bins: int = 100, min: float = 0, max: float = 0, *, out: Tensor | None = None
) -> Tensor:
    """How many elements fall into each of `bins` equal parts of [min, max] (of the data if equal).

    >>> import rushlight as torch
    >>> torch.histc(torch.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
    """
    _need_floats("histc" if input._data_.dtype.kind == "c" else "histogram", input)
    bins = need_whole("histc", "bins", 2, bins)
    min = need_real_scalar("histc", "min", 3, min)
    max = need_real_scalar("histc", "max", 4, max)
    if bins <= 0:
        raise RuntimeError(f"bins must be > 0, not {bins}")
    result = like(computed(_parts, input, bins=bins, low=float(min), high=float(max)), input)
    return result if out is None else write_out(out, result, same=True, judged=True)


def _parts(x: Array, bins: int, low: float, high: float) -> Array:
    data = x.reshape(-1)
    low, high = _ends("histc", data, low, high)
    inside = data[(data >= low) & (data <= high)]
    start, end = data.dtype.type(low), data.dtype.type(high)
    places = ((inside - start) * data.dtype.type(bins) / (end - start)).astype(np.int64)
    return np.bincount(np.minimum(places, bins - 1), minlength=bins).astype(data.dtype)


def _edges(name: str, bins: Any, column: Array, limits: tuple[float, float] | None) -> Array:
    """The edges of the bins of one dimension: a tensor of them, or how many bins."""
    if isinstance(bins, TensorBase):
        if bins._data_.ndim != 1 or not bins._data_.size:
            raise RuntimeError(
                f"torch.{name}(): bins tensor should have one dimension, not be empty"
            )
        if bins._data_.dtype != column.dtype:
            raise RuntimeError(
                f"torch.{name}(): input tensor and bins tensors should have the same dtype"
            )
        return read(bins, "the edges of the bins")
    if bins <= 0:
        raise RuntimeError(f"torch.{name}(): bins must be > 0, but got {bins}")
    if limits is not None and limits[0] > limits[1]:
        raise RuntimeError(
            f"torch.{name}(): min should not exceed max, but got min {limits[0]} max {limits[1]}"
        )
    if limits is None:
        limits = (float(column.min()), float(column.max())) if column.size else (0.0, 1.0)
    if not (math.isfinite(limits[0]) and math.isfinite(limits[1])):
        raise RuntimeError(f"torch.{name}(): range of {limits} is not finite")
    low, high = limits if limits[0] < limits[1] else (limits[0] - 0.5, limits[1] + 0.5)
    edges = linspace(low, high, int(bins) + 1, dtype=dtypes.of(column.dtype))
    return read(edges, "the edges of the bins")


def _counted(
    name: str, points: Array, edges: list[Array], weight: Tensor | None, density: bool
) -> Array:
    """The (weighted) numbers of points, one a row, in each cell of the grid of edges."""
    shape = tuple(edge.size - 1 for edge in edges)
    cells = np.zeros(len(points), np.int64)
    inside = np.ones(len(points), bool)
    for column, edge, bins in zip(points.T, edges, shape, strict=True):
        inside &= (column >= edge[0]) & (column <= edge[-1])
        place = np.minimum(np.searchsorted(edge, column, "right") - 1, bins - 1)
        cells = cells * bins + place
    weights = None
    if weight is not None:
        if weight._data_.size != len(points):
            raise RuntimeError(
                f"torch.{name}(): if weight tensor is provided it should have the same shape as "
                "the input tensor excluding its innermost dimension, not "
                f"{list(weight._data_.shape)}"
            )
        if weight._data_.dtype != points.dtype:
            raise RuntimeError(
                f"torch.{name}(): if weight tensor is provided, input tensor and weight tensor "
                f"should have the same dtype, but got {points.dtype} and {weight._data_.dtype}"
            )
        weights = read(weight, "weights").reshape(-1)[inside]
    counts = np.bincount(cells[inside], weights, math.prod(shape)).astype(points.dtype)
    counts = counts.reshape(shape)
    if density:
        counts = counts / counts.sum()
        for axis, edge in enumerate(edges):
            width = np.diff(edge)
            counts = counts / width.reshape((-1,) + (1,) * (len(edges) - axis - 1))
    return counts


def histogram(
    input: Tensor,
    bins: Any = 100,
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
    out: tuple[Tensor, Tensor] | None = None,
) -> Any:
    """(hist, bin_edges): how many elements fall into a number of bins, or between given edges.

    >>> import rushlight as torch
    >>> torch.histogram(torch.tensor([1.0, 2.0, 1.0]), 2, range=(0.0, 3.0)).hist
    tensor([2., 1.])
    """
    _need_floats("histogram", input)
    need_wide("histogramdd", input._data_)
    limits = None if range is None else (float(range[0]), float(range[1]))
    tensors = [t for t in (input, bins, weight) if isinstance(t, TensorBase)]
    given = None if isinstance(bins, TensorBase) else bins

    def counted(x: Array, *rest: Array) -> tuple[Array, Array]:
        line, more = x.reshape(-1), list(rest)
        parts = wrap(more.pop(0)) if given is None else given
        edges = _edges("histogram", parts, line, limits).copy()
        weights = wrap(more.pop(0)) if more else None
        return _counted("histogram", line[:, None], [edges], weights, density), edges

    return write_outs(out, return_types.histogram(computed(counted, *tensors)))


def histogramdd(
    input: Tensor,
    bins: Any,
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> Any:
    """(hist, bin_edges) of points whose coordinates lie along the last dimension of the input."""
    _need_floats("histogramdd", input)
    need_wide("histogramdd", input._data_)
    if input._data_.ndim < 2:
        raise RuntimeError("torch.histogramdd(): input tensor should have at least 2 dimensions")
    points = read(input, "the points that are counted").reshape(-1, input._data_.shape[-1])
    dims = points.shape[1]
    each = list(bins) if isinstance(bins, list | tuple) else [bins] * dims
    if len(each) != dims:
        raise RuntimeError(
            "torch.histogramdd(): The size of bins should be equal to the innermost dimension of "
            f"the input tensor: {len(each)} and {dims}"
        )
    if range is not None and len(range) != 2 * dims:
        raise RuntimeError(
            f"torch.histogramdd(): for a {dims}-dimensional histogram range should have {2 * dims} "
            f"elements, but got {len(range)}"
        )
    edges = []
    for d, own in enumerate(each):
        limits = None if range is None else (float(range[2 * d]), float(range[2 * d + 1]))
        edges.append(_edges("histogramdd", own, points[:, d], limits))
    counts = _counted("histogramdd", points, edges, weight, density)
    # Unlike histogram's, edges that were given are handed back as they are.
    shown = tuple(
        alias(own) if isinstance(own, TensorBase) else wrap(edge)
        for own, edge in zip(each, edges, strict=True)
    )
    return return_types.histogramdd((wrap(counts), shown))
