"""The middle and the most frequent element: rows that find positions, and the median of all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.arrays import contiguous
from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.tensor import Array
from rushlight.primitives.families import REAL, draw, has_no_line, is_empty, taking
from rushlight.primitives.placement import in_rows
from rushlight.primitives.reduce import fill_evenly, position_rule
from rushlight.primitives.sort import torch_order
from rushlight.primitives.ties import sorted_by_less


def _order(x: Array) -> Array:
    return np.argsort(x, axis=-1, kind="stable")


def _median_index(x: Array, *, dim: int, keepdim: bool, ignore_nan: bool) -> Any:
    """Where the lower median stands; the first nan, unless they are to be ignored."""
    lanes = np.moveaxis(x, dim, -1) if x.ndim else x.reshape(1)
    size = lanes.shape[-1]
    middle = (size - 1) // 2
    missing = np.isnan(lanes) if x.dtype.kind in "fV" else np.zeros(1, bool, like=x)
    if not missing.any():
        # Among equal elements the one that a stable sort would put there.
        value = np.partition(lanes, middle, axis=-1)[..., middle, None]
        rank = middle - np.count_nonzero(lanes < value, axis=-1)[..., None]
        count = np.add.accumulate(lanes == value, axis=-1, dtype=np.int32)
        found = (count > rank).argmax(-1)
    else:
        there = size - np.count_nonzero(missing, axis=-1)
        rank = np.maximum(there - 1, 0) // 2
        found = np.take_along_axis(_order(lanes), rank[..., None], -1)[..., 0]
        if not ignore_nan:
            found = np.where(there < size, missing.argmax(-1), found)
    return np.expand_dims(found, dim) if keepdim and x.ndim else found


def _mode_index(x: Array, *, dim: int, keepdim: bool) -> Any:
    """Where the last of the smallest of the most frequent values stands."""
    lanes = np.moveaxis(x, dim, -1) if x.ndim else x.reshape(1)
    # torch sorts the lines, and so do we: equal elements stand in the order of its algorithm.
    order = torch_order(contiguous(lanes)[None], False)[0]
    if x.dtype.kind in "fV" and (lost := np.isnan(lanes).any(-1)).any():
        # The order is by < alone here, in which nan has no place.
        order = contiguous(order)
        order[lost] = sorted_by_less(lanes[lost])
    ordered = np.take_along_axis(lanes, order, -1)
    place = np.arange(lanes.shape[-1], like=x)
    starts = np.concatenate(
        [np.ones_like(ordered[..., :1], bool), ordered[..., 1:] != ordered[..., :-1]], -1
    )
    run = place - np.maximum.accumulate(np.where(starts, place, 0), axis=-1)
    found = np.take_along_axis(order, run.argmax(-1)[..., None], -1)[..., 0]
    return np.expand_dims(found, dim) if keepdim and x.ndim else found


def _middle_rule(name: str) -> Callable[..., Spec]:
    rule = position_rule(name)
    return lambda x, *, dim, keepdim, **_: rule(x, dim=dim, keepdim=keepdim)


median_index = Primitive(
    "median_index", "reduce", _median_index, None, _middle_rule("median"), "call",
    lambda: [Sample((draw(4, (3, 4)),), {"dim": 1, "keepdim": k, "ignore_nan": k})
             for k in (False, True)],
    promote=taking("median", "iufV", list), layout=in_rows,
)  # fmt: skip
mode_index = Primitive(
    "mode_index", "reduce", _mode_index, None, _middle_rule("mode"), "call",
    lambda: [Sample((np.round(draw(4, (3, 4))),), {"dim": d, "keepdim": False}) for d in (0, 1)],
    promote=taking("mode", REAL, list, idle=has_no_line), layout=in_rows,
)  # fmt: skip


def _median(x: Array, *, ignore_nan: bool) -> Any:
    flat = x.reshape(-1)
    if not flat.size:
        if x.dtype.kind in "biu":
            return np.full((), 1 if x.dtype.kind == "b" else np.iinfo(x.dtype).min, x.dtype, like=x)
        return np.full((), np.nan, x.dtype, like=x)
    missing = np.isnan(flat) if x.dtype.kind in "fV" else np.zeros(1, bool, like=x)
    if missing.any():
        if not ignore_nan or missing.all():
            return flat[missing.argmax()]
        flat = flat[~missing]
    middle = (flat.size - 1) // 2
    return np.partition(flat, middle)[middle]


def _median_vjp(g: Any, x: Any, out: Any) -> Any:
    return fill_evenly(g, x, out)


median = Primitive(
    "median", "reduce", _median, (_median_vjp,), lambda x, *, ignore_nan: ((), x.dtype), "call",
    lambda: [Sample((draw(4, shape),), {"ignore_nan": False}) for shape in ((3, 4), (5,), ())],
    promote=taking("median", "iufV", list, idle=is_empty),
    label=lambda node: "NanmedianBackward0" if node.static["ignore_nan"] else "MedianBackward0",
)  # fmt: skip
