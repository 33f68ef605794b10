"""Sums and the like of segments, one behind the other, by their lengths."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.core.doors import check, literal
from rushlight.ops.arguments import need_tensor, relabel
from rushlight.ops.creation import full
from rushlight.primitives.families import supported
from rushlight.primitives.pointwise import where

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

# What a segment begins with, and what `index_reduce` calls the rest.
_STARTS = {
    "sum": (0.0, ""), "mean": (0.0, ""), "prod": (1.0, "prod"), "max": (-math.inf, "amax"),
    "amax": (-math.inf, "amax"), "min": (math.inf, "amin"), "amin": (math.inf, "amin"),
}  # fmt: skip


def segment_reduce(
    data: Tensor,
    reduce: str,
    *,
    lengths: Tensor | None = None,
    indices: Tensor | None = None,
    offsets: Tensor | None = None,
    axis: int = 0,
    unsafe: bool = False,
    initial: Any = None,
) -> Tensor:
    """The "sum", "mean", "max", "min" or "prod" of each segment along axis.

    lengths: of the segments, with the sizes of data before axis; or offsets, where they begin and the last one
    ends. initial: what each begins with.

    >>> import rushlight as torch
    >>> torch.segment_reduce(torch.arange(6.0), "sum", lengths=torch.tensor([2, 0, 4]))
    tensor([ 1.,  0., 14.])
    """
    need_tensor("segment_reduce", "data", 1, data)
    if reduce not in _STARTS:
        raise RuntimeError(
            f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}"
        )
    if indices is not None:
        raise RuntimeError("segment_reduce(): indices based reduction is not supported yet.")
    if lengths is None and offsets is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")
    supported("_segment_reduce_cpu", "fV", [data._data])
    ends = offsets is not None
    given: Any = offsets if ends else lengths
    counts = check(given, "the segments")
    if counts.dtype.kind not in "iu":
        raise NotImplementedError(
            f"\"_segment_reduce_lengths_cpu_kernel1\" not implemented for '{given.dtype.word}': lengths and "
            "offsets are whole numbers"
        )
    axis = axis + data.ndim if axis < 0 else axis
    if counts.ndim > data.ndim or axis != counts.ndim - 1:
        raise RuntimeError(
            f"segment_reduce(): lengths of {counts.ndim} dimensions go with axis={counts.ndim - 1} of data with as "
            f"many or more, not with axis={axis} of {data.ndim}"
        )
    begins = counts[..., :1].reshape(-1).tolist() if ends else None
    if ends:
        counts = np.diff(counts, axis=-1)
    if (counts < 0).any():
        raise RuntimeError("lengths contains negative value!")
    long = data.shape[axis]
    totals = counts.sum(-1)
    if not unsafe and not ends and (totals != long).any():
        raise RuntimeError(
            "segment_reduce(): Expected all rows of lengths along axis to sum to data.size(lengths.dim()-1) when "
            "!unsafe."
        )
    rest = tuple(data.shape[axis + 1 :])
    segments = counts.shape[-1]
    flat = counts.reshape(-1, segments)
    # Each row's elements lie one behind the other; those before the first and behind the last segment belong to none.
    starts = begins or [0] * len(flat)
    rows = [
        np.arange(s, s + n) + i * long
        for i, (s, n) in enumerate(zip(starts, flat.sum(1), strict=True))
    ]
    used = np.concatenate(rows).astype(np.int64)
    place = literal(np.repeat(np.arange(flat.size), flat.reshape(-1)))
    picked = data.reshape(-1, *rest).index_select(0, literal(used))
    begin, how = _STARTS[reduce]
    start = full((flat.size, *rest), begin if initial is None else initial, dtype=data.dtype)
    if how:
        result = start.index_reduce(0, place, picked, how)
    else:
        result = start.index_add(0, place, picked)
    if reduce == "mean":
        sizes = literal(flat.reshape(-1, *(1,) * len(rest)).astype(data._data.dtype))
        empty = sizes == 0
        result = where(empty, math.nan if initial is None else result, result / sizes)
    return relabel(result.reshape(*counts.shape, *rest), "SegmentReduceBackward0")
