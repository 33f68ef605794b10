"""Rows that find an order: where the elements would stand when sorted.

They return positions only, which have no gradient; the values are then gathered at these positions,
which has one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np

from rushlight.arrays import contiguous
from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.tensor import Array
from rushlight.primitives.families import draw
from rushlight.primitives.placement import alike, rows_of
from rushlight.primitives.ties import (
    SMALL,
    differ,
    quickselected,
    ranks,
    sorted_as_torch,
    top_as_torch,
)

# Up to this length NumPy's stable sort is the faster way.
_SHORT = 256


def stable_order(x: Array, descending: bool) -> Array:
    """Positions along the last dimension in sorted order; equal ones keep theirs, nan is last."""
    n = x.shape[-1]
    if x.dtype.kind == "b":
        # Other bytes may be seen as flags, and each but 0 is as true as 1.
        x = x.view(np.uint8) != 0
    if n <= _SHORT or x.dtype.kind not in "iufV" or x.itemsize < 4:
        if not descending:
            return np.argsort(x, axis=-1, kind="stable")
        return n - 1 - np.argsort(x[..., ::-1], axis=-1, kind="stable")[..., ::-1]
    if x.dtype.kind in "iu" and x.size and x.dtype != np.uint64:
        least, most, bits = int(x.min()), int(x.max()), (n - 1).bit_length()
        if most - least < 1 << (63 - bits):
            # Numbers and places in one word, which are sorted many times as fast as places alone.
            words = x.astype(np.int64)
            words = (most - words if descending else words - least) << bits
            words |= np.arange(n, like=x)
            words.sort(axis=-1)
            words &= (1 << bits) - 1
            return words
    # The unstable sort is several times faster; runs of equal elements are put in order afterwards.
    order = np.argsort(x, axis=-1)
    if descending:
        order = order[..., ::-1]
    values = np.take_along_axis(x, order, -1)
    new = differ(values)
    if new.all():
        return order
    run = np.zeros(x.shape, np.int64, like=x)
    np.cumsum(new, axis=-1, out=run[..., 1:])
    run *= n
    keyed = run + order
    keyed.sort(axis=-1)
    keyed -= run
    return keyed


# From here on torch sorts a line of whole numbers by their digits, which keeps equal ones in order.
_BY_DIGITS = 32768


def torch_order(x: Array, descending: bool) -> Array:
    """Positions along the last dimension as torch's sort leaves them: see `ties`; nan is largest."""
    n = x.shape[-1]
    digits = x.ndim == 1 and n >= _BY_DIGITS and x.dtype.kind in "iu" and not descending
    if n <= SMALL or digits:
        return stable_order(x, descending)
    order = np.argsort(x, axis=-1)
    if descending:
        order = order[..., ::-1]
    rows, found = x.reshape(-1, n), order.reshape(-1, n)
    tied = ~differ(np.take_along_axis(rows, found, -1)).all(axis=-1)
    if not tied.any():
        return order
    if not found.flags.c_contiguous:
        found = found.copy()
    found[tied] = sorted_as_torch(ranks(rows[tied], found[tied]))
    return found.reshape(x.shape)


def _along(find: Callable[[Array], Array], x: Array, dim: int) -> Array:
    """What `find` finds in the lines along dim, with the lines where they were."""
    if dim == x.ndim - 1:
        return rows_of(find(contiguous(x)))
    turned = contiguous(np.moveaxis(x, dim, -1))
    return rows_of(np.moveaxis(find(turned), -1, dim))


def _order(x: Array, *, dim: int, descending: bool, stable: bool) -> Array:
    find = stable_order if stable else torch_order
    return alike(_along(lambda lines: find(lines, descending), x, dim), x)


def _order_samples() -> Iterable[Sample]:
    x = draw(1, (3, 4))
    x[0, 1] = x[1, 1] = x[2, 1]
    for dim, descending in ((0, False), (1, False), (0, True), (1, True)):
        yield Sample((x,), {"dim": dim, "descending": descending, "stable": dim == 0})
    yield Sample((np.round(draw(5, (2, 40))),), {"dim": 1, "descending": True, "stable": False})


order = Primitive(
    "order", "sort", _order, None,
    lambda x, *, dim, descending, stable: (x.shape, np.dtype(np.int64)),
    "sort", _order_samples,
)  # fmt: skip


def _top_of_lines(x: Array, k: int, largest: bool, in_order: bool) -> Array:
    n = x.shape[-1]
    if not k or not x.size:
        return np.empty((*x.shape[:-1], k), np.int64, like=x)
    rows = x.reshape(-1, n)
    if not in_order and 64 * k > n:
        tied = np.ones(len(rows), bool, like=x)
        found = np.empty((len(rows), k), np.int64, like=x)
    else:
        found, tied = _unique_top(rows, k, largest)
    if tied.any():
        lines = rows[tied]
        order = np.argsort(lines, axis=-1)
        keys = ranks(lines, order[:, ::-1] if largest else order)
        found[tied] = top_as_torch(keys, k, in_order)
    return found.reshape(*x.shape[:-1], k)


def _unique_top(rows: Array, k: int, largest: bool) -> tuple[Array, Array]:
    """The first k of each row in order, and whether equal elements leave a choice."""
    n = rows.shape[1]
    if 8 * k < n and n > _SHORT and rows.dtype.kind in "iufV":
        part = n - k if largest else k - 1
        chosen = np.argpartition(rows, part, axis=-1)
        chosen = chosen[:, n - k :] if largest else chosen[:, :k]
        inner = stable_order(np.take_along_axis(rows, chosen, -1), largest)
        found = np.take_along_axis(chosen, inner, -1)
    else:
        found = stable_order(rows, largest)[:, :k].copy()
    values = np.take_along_axis(rows, found, -1)
    last = values[:, -1:]
    same = rows == last
    if rows.dtype.kind in "fV":
        same |= (rows != rows) & (last != last)
    tied = ~differ(values).all(axis=-1) | (np.count_nonzero(same, axis=-1) > 1)
    return found, tied


def _top(x: Array, *, dim: int, k: int, largest: bool, in_order: bool) -> Array:
    return _along(lambda lines: _top_of_lines(lines, k, largest, in_order), x, dim)


def _top_rule(x: Array, *, dim: int, k: int, **_: Any) -> Spec:
    return (*x.shape[:dim], k, *x.shape[dim + 1 :]), np.dtype(np.int64)


def _top_samples() -> Iterable[Sample]:
    for dim, k, largest in ((0, 2, True), (1, 1, False)):
        yield Sample(
            (draw(2, (3, 20)),), {"dim": dim, "k": k, "largest": largest, "in_order": True}
        )
    yield Sample(
        (np.round(draw(2, (3, 20))),), {"dim": 1, "k": 5, "largest": True, "in_order": False}
    )


top = Primitive("top", "sort", _top, None, _top_rule, "sort", _top_samples)


def _kth_of_lines(x: Array, nth: int) -> Array:
    rows = x.reshape(-1, x.shape[-1])
    value = np.partition(rows, nth, axis=-1)[:, nth, None]
    same = rows == value
    if x.dtype.kind in "fV":
        same |= (rows != rows) & (value != value)
    found = same.argmax(-1)
    for row in np.flatnonzero(np.count_nonzero(same, axis=-1) > 1).tolist():
        line = rows[row : row + 1]
        found[row] = quickselected(ranks(line, np.argsort(line, axis=-1))[0], nth)
    return found.reshape(*x.shape[:-1], 1)


def _kth(x: Array, *, dim: int, nth: int) -> Array:
    return _along(lambda lines: _kth_of_lines(lines, nth), x, dim)


kth = Primitive(
    "kth", "sort", _kth, None,
    lambda x, *, dim, nth: ((*x.shape[:dim], 1, *x.shape[dim + 1 :]), np.dtype(np.int64)),
    "sort", lambda: [Sample((np.round(draw(6, (3, 9))),), {"dim": d, "nth": 1}) for d in (0, 1)],
)  # fmt: skip


def _search(sequence: Array, values: Array, *, right: bool) -> Any:
    side: Literal["left", "right"] = "right" if right else "left"
    if not _is_sorted(sequence):
        return _bisect(sequence, values, right)
    if sequence.ndim == 1:
        return np.searchsorted(sequence, values, side)
    found = np.empty(values.shape, np.int64, like=values)
    for row in np.ndindex(sequence.shape[:-1]):
        found[row] = np.searchsorted(sequence[row], values[row], side)
    return found


def _is_sorted(sequence: Array) -> bool:
    rising = (sequence[..., 1:] >= sequence[..., :-1]).all()
    return bool(rising) and not (sequence[..., -1:] != sequence[..., -1:]).any()


def _bisect(sequence: Array, values: Array, right: bool) -> Array:
    """torch's halving, of what is not sorted too; it goes on to the right of a nan."""
    lines = np.broadcast_to(sequence, (*values.shape[:-1], sequence.shape[-1]))
    start = np.zeros(values.shape, np.int64, like=values)
    end = np.full(values.shape, sequence.shape[-1], like=values)
    while (start < end).any():
        middle = start + (end - start) // 2
        if sequence.ndim == 1:
            there = sequence[np.minimum(middle, sequence.shape[-1] - 1)]
        else:
            there = np.take_along_axis(lines, np.minimum(middle, lines.shape[-1] - 1), -1)
        beyond = (there > values if right else there >= values) | (start >= end)
        start, end = (
            np.where(beyond, start, middle + 1),
            np.where(beyond, np.minimum(middle, end), end),
        )
    return start


def _search_samples() -> Iterable[Sample]:
    line = np.sort(draw(3, (2, 5)), axis=-1)
    yield Sample((line[0], draw(4, (2, 3))), {"right": False})
    yield Sample((line, draw(4, (2, 3))), {"right": True})


search = Primitive(
    "search", "sort", _search, None,
    lambda sequence, values, *, right: (values.shape, np.dtype(np.int64)),
    "search", _search_samples,
)  # fmt: skip
