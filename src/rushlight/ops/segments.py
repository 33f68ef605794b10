"""Sums and the like of segments, one behind the other, by their lengths."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.core.doors import check, literal
from rushlight.ops.arguments import need_tensor, relabel
from rushlight.ops.conversion import in_rows
from rushlight.ops.creation import full
from rushlight.ops.sorting import searchsorted
from rushlight.primitives.families import supported
from rushlight.primitives.kernel import entering
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
    supported("_segment_reduce_cpu", "fV", [data._data_])
    data = entering(data, refused="_segment_reduce_backward")
    ends = offsets is not None
    given: Any = offsets if ends else lengths
    counts = check(given, "the segments")
    if counts.dtype.kind not in "iu":
        raise NotImplementedError(
            f"\"_segment_reduce_lengths_cpu_kernel1\" not implemented for '{given.dtype.word}': lengths and "
            "offsets are whole numbers"
        )
    axis = axis + data.ndim if axis < 0 else axis
    dims = given._data_.ndim
    if dims > data.ndim or axis != dims - 1:
        raise RuntimeError(
            f"segment_reduce(): lengths of {dims} dimensions go with axis={dims - 1} of data with as "
            f"many or more, not with axis={axis} of {data.ndim}"
        )
    if ends:
        counts = np.diff(counts, axis=-1)
    if (counts < 0).any():
        raise RuntimeError("lengths contains negative value!")
    long = data.shape[axis]
    if not unsafe and not ends and (counts.sum(-1) != long).any():
        raise RuntimeError(
            "segment_reduce(): Expected all rows of lengths along axis to sum to data.size(lengths.dim()-1) when "
            "!unsafe."
        )
    before, rest = tuple(data.shape[:axis]), tuple(data.shape[axis + 1 :])
    given = given.to(dtypes.int64)
    sizes = given.diff(dim=-1) if ends else given
    segments = sizes.shape[-1]
    place = literal(np.arange(long))
    last = given.narrow(-1, 1, segments) if ends else given.cumsum(-1)
    segment = searchsorted(last, place.expand((*before, long)).contiguous(), right=True)
    if ends:
        segment = where(place < given.narrow(-1, 0, 1), segments, segment)
    begin, how = _STARTS[reduce]
    if unsafe or ends:
        # What belongs to no segment falls into one more, and is nothing there, nor in the gradients.
        outside = (segment == segments).reshape((*before, long, *(1,) * len(rest)))
        data = where(outside, begin, data)
    rows = math.prod(before)
    first = literal(np.arange(rows).reshape((*before, 1)) * (segments + 1))
    start = full(
        (rows * (segments + 1), *rest), begin if initial is None else initial, dtype=data.dtype
    )
    target, lines = (segment + first).reshape(-1), data.reshape((rows * long, *rest))
    if how:
        result = start.index_reduce(0, target, lines, how)
    else:
        result = start.index_add(0, target, lines)
    result = result.reshape((*before, segments + 1, *rest)).narrow(axis, 0, segments)
    if reduce == "mean":
        sizes = sizes.to(data.dtype).reshape((*sizes.shape, *(1,) * len(rest)))
        result = where(sizes == 0, math.nan if initial is None else result, result / sizes)
    return relabel(in_rows(result), "SegmentReduceBackward0")
