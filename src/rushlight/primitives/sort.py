"""Rows that find an order: where the elements would stand when sorted.

They return positions only, which have no gradient; the values are then gathered at these positions,
which has one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np

from rushlight.primitives.core import Primitive, Sample, Spec
from rushlight.primitives.families import draw
from rushlight.primitives.placement import as_first
from rushlight.tensor_base import Array

# Up to this length NumPy's stable sort is the faster way.
_SHORT = 256


def stable_order(x: Array, descending: bool) -> Array:
    """Positions along the last dimension in sorted order; equal ones keep theirs, nan is last."""
    n = x.shape[-1]
    if n <= _SHORT or x.dtype.kind not in "iuf" or x.itemsize < 4:
        if not descending:
            return np.argsort(x, axis=-1, kind="stable")
        return n - 1 - np.argsort(x[..., ::-1], axis=-1, kind="stable")[..., ::-1]
    # The unstable sort is several times faster; runs of equal elements are put in order afterwards.
    order = np.argsort(x, axis=-1)
    if descending:
        order = order[..., ::-1]
    values = np.take_along_axis(x, order, -1)
    new = values[..., 1:] != values[..., :-1]
    if x.dtype.kind == "f":
        new &= ~(np.isnan(values[..., 1:]) & np.isnan(values[..., :-1]))
    if new.all():
        return order
    run = np.zeros(x.shape, np.int64)
    np.cumsum(new, axis=-1, out=run[..., 1:])
    run *= n
    keyed = run + order
    keyed.sort(axis=-1)
    keyed -= run
    return keyed


def _order(x: Array, *, dim: int, descending: bool) -> Array:
    if dim == x.ndim - 1:
        return np.ascontiguousarray(stable_order(x, descending))
    turned = np.ascontiguousarray(np.moveaxis(x, dim, -1))
    return np.ascontiguousarray(np.moveaxis(stable_order(turned, descending), -1, dim))


def _order_samples() -> Iterable[Sample]:
    x = draw(1, (3, 4))
    x[0, 1] = x[1, 1] = x[2, 1]
    for dim, descending in ((0, False), (1, False), (0, True), (1, True)):
        yield Sample((x,), {"dim": dim, "descending": descending})


order = Primitive(
    "order", "sort", _order, None, lambda x, *, dim, descending: (x.shape, np.dtype(np.int64)),
    "sort",
    _order_samples, layout=as_first,
)  # fmt: skip


def _top(x: Array, *, dim: int, k: int, largest: bool) -> Array:
    last = dim == x.ndim - 1
    turned = x if last else np.moveaxis(x, dim, -1)
    n = turned.shape[-1]
    if k and 8 * k < n and n > _SHORT and turned.dtype.kind in "iuf":
        part = n - k if largest else k - 1
        chosen = np.argpartition(turned, part, axis=-1)
        chosen = np.sort(chosen[..., n - k :] if largest else chosen[..., :k], axis=-1)
        values = np.take_along_axis(turned, chosen, -1)
        found = np.take_along_axis(chosen, stable_order(values, largest), -1)
    else:
        found = stable_order(turned, largest)[..., :k]
    return np.array(found if last else np.moveaxis(found, -1, dim), order="C", copy=True)


def _top_rule(x: Array, *, dim: int, k: int, largest: bool) -> Spec:
    return (*x.shape[:dim], k, *x.shape[dim + 1 :]), np.dtype(np.int64)


def _top_samples() -> Iterable[Sample]:
    for static in ({"dim": 0, "k": 2, "largest": True}, {"dim": 1, "k": 1, "largest": False}):
        yield Sample((draw(2, (3, 20)),), static)


top = Primitive("top", "sort", _top, None, _top_rule, "sort", _top_samples)


def _search(sequence: Array, values: Array, *, right: bool) -> Any:
    side: Literal["left", "right"] = "right" if right else "left"
    if sequence.ndim == 1:
        return np.searchsorted(sequence, values, side)
    found = np.empty(values.shape, np.int64)
    for row in np.ndindex(sequence.shape[:-1]):
        found[row] = np.searchsorted(sequence[row], values[row], side)
    return found


def _search_samples() -> Iterable[Sample]:
    line = np.sort(draw(3, (2, 5)), axis=-1)
    yield Sample((line[0], draw(4, (2, 3))), {"right": False})
    yield Sample((line, draw(4, (2, 3))), {"right": True})


search = Primitive(
    "search", "sort", _search, None,
    lambda sequence, values, *, right: (values.shape, np.dtype(np.int64)),
    "search", _search_samples,
)  # fmt: skip
