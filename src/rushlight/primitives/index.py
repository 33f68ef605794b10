"""Rows that read and write by position: slices, integer and boolean indices, gather and scatter.

An index is split into a static part and arrays. `spec` is the index with every array replaced by
ARRAY; the arrays themselves are inputs, so that a recorded program sees them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.primitives.core import Primitive, Sample, Spec
from rushlight.primitives.families import draw
from rushlight.tensor_base import Array

if TYPE_CHECKING:
    from rushlight.autograd.node import PrimitiveNode

Shape = tuple[int, ...]
Index = tuple[Any, ...]


class _Slot:
    """Stands in an index where an array goes."""

    def __repr__(self) -> str:
        return "ARRAY"


ARRAY = _Slot()


def filled(spec: Index, arrays: tuple[Array, ...]) -> Index:
    """The index with its arrays put back."""
    rest = iter(arrays)
    return tuple(next(rest) if part is ARRAY else part for part in spec)


# ---- slices -------------------------------------------------------------------------------------


def _slice(x: Array, *, index: Index) -> Array:
    # The trailing Ellipsis keeps a 0-d result an array that shares memory.
    return x[(*index, ...)] if ... not in index else x[index]


def _slice_rule(x: Array, *, index: Index) -> Spec:
    return _slice(x, index=index).shape, x.dtype


def _slice_label(node: PrimitiveNode) -> str:
    last = node.static["index"][-1] if node.static["index"] else None
    for part in reversed(node.static["index"]):
        if part is not Ellipsis and part != slice(None):
            last = part
            break
    if last is None:
        return "UnsqueezeBackward0"
    return "SelectBackward0" if isinstance(last, int) else "SliceBackward0"


_SLICES: tuple[Index, ...] = (
    (0,),
    (slice(1, None),),
    (slice(None), 1),
    (..., slice(0, 3, 2)),
    (None, 1, 1, 1),
)

slice_ = Primitive(
    "slice", "view", _slice, (lambda g, x_shape, index: place_slice(g, shape=x_shape, index=index),),
    _slice_rule, "view", lambda: [Sample((draw(4, (2, 3, 4)),), {"index": i}) for i in _SLICES],
    view=True, label=_slice_label,
)  # fmt: skip


def _place_slice(g: Array, *, shape: Shape, index: Index) -> Array:
    out = np.zeros(shape, g.dtype)
    out[index] = g
    return out


def _place_samples() -> Iterable[Sample]:
    for index in _SLICES:
        part = draw(4, (2, 3, 4))[index]
        yield Sample((np.asarray(part),), {"shape": (2, 3, 4), "index": index})


place_slice = Primitive(
    "place_slice", "move", _place_slice, (lambda g, index: slice_(g, index=index),),
    lambda g_in, *, shape, index: (shape, g_in.dtype), "scatter", _place_samples, inputs=("g_in",),
    label="SliceBackward0",
)  # fmt: skip

# ---- arrays as indices --------------------------------------------------------------------------


def _index(x: Array, *indices: Array, spec: Index) -> Any:
    return x[filled(spec, indices)]


def _index_rule(x: Array, *indices: Array, spec: Index) -> Spec:
    try:
        return x[filled(spec, indices)].shape, x.dtype
    except IndexError as error:
        for axis, array in zip(_axes(spec), indices, strict=True):
            if axis is not None and array.dtype.kind in "iu" and array.size and axis < x.ndim:
                size = x.shape[axis]
                wrong = array[(array < -size) | (array >= size)]
                if wrong.size:
                    raise IndexError(
                        f"index {wrong.flat[0]} is out of bounds for dimension {axis} with size {size}"
                    ) from None
            elif axis is not None and array.dtype.kind == "b":
                raise IndexError(
                    f"The shape of the mask {list(array.shape)} at index {axis} does not match the "
                    f"shape of the indexed tensor {list(x.shape)} at index {axis}"
                ) from None
        if "broadcast" in str(error):
            shapes = ", ".join(str(list(a.shape)) for a in indices)
            raise IndexError(
                f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}"
            ) from None
        raise


def _axes(spec: Index) -> list[int | None]:
    """Which dimension each array indexes; None past an Ellipsis, where it depends on the rank."""
    axes: list[int | None] = []
    axis: int | None = 0
    for part in spec:
        if part is ARRAY:
            axes.append(axis)
        if part is Ellipsis:
            axis = None
        if part is not None and axis is not None:
            axis += 1
    return axes


def _index_samples() -> Iterable[Sample]:
    x = draw(5, (3, 4))
    yield Sample((x, np.array([2, 0, 2])), {"spec": (ARRAY,)})
    yield Sample((x, np.array([[0], [1]]), np.array([1, -1])), {"spec": (ARRAY, ARRAY)})
    yield Sample((x, np.array([0, 3])), {"spec": (slice(1, None), ARRAY)})
    yield Sample((x, x > 0), {"spec": (ARRAY,)})


def _index_vjp(g: Any, x_shape: Shape, indices: Any, spec: Index) -> Any:
    return place_index(g, *indices, shape=x_shape, spec=spec)


index = Primitive(
    "index", "index", _index, (_index_vjp,), _index_rule, "gather", _index_samples,
)  # fmt: skip


def add_at(out: Array, where: Index, values: Array) -> None:
    """out[where] += values, with repeated positions counted each time."""
    rows = where[0]
    if (
        len(where) == 1
        and isinstance(rows, np.ndarray)
        and rows.dtype.kind in "iu"
        and out.ndim == 2
        and values.shape == (*rows.shape, out.shape[1])
        and out.dtype.kind == "f"
    ):
        _add_rows(out, rows.reshape(-1), values.reshape(-1, out.shape[1]))
    elif all(isinstance(part, np.ndarray) and part.dtype.kind == "b" for part in where):
        out[where] += values
    else:
        np.add.at(out, where, values)


def _add_rows(out: Array, rows: Array, values: Array) -> None:
    # Sorting the rows and summing runs is many times faster than add.at on whole rows.
    if not rows.size:
        return
    rows = np.where(rows < 0, rows + out.shape[0], rows)
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    out[ordered[starts]] += np.add.reduceat(values[order], starts, axis=0)


def _place_index(g: Array, *indices: Array, shape: Shape, spec: Index) -> Array:
    out = np.zeros(shape, g.dtype)
    add_at(out, filled(spec, indices), g)
    return out


def _place_index_vjp(g: Any, indices: Any, spec: Index) -> Any:
    return index(g, *indices, spec=spec)


def _place_index_samples() -> Iterable[Sample]:
    yield Sample((draw(1, (3, 4)), np.array([2, 0, 2])), {"shape": (3, 4), "spec": (ARRAY,)})
    yield Sample((draw(1, (2,)), np.array([1, 1])), {"shape": (3,), "spec": (ARRAY,)})


place_index = Primitive(
    "place_index", "index", _place_index, (_place_index_vjp,),
    lambda g_in, *indices, shape, spec: (shape, g_in.dtype), "scatter", _place_index_samples,
    inputs=("g_in", "*indices"), label="IndexBackward0",
)  # fmt: skip


def _put(x: Array, values: Array, *indices: Array, spec: Index, accumulate: bool) -> Array:
    out = x.copy()
    put_into(out, values, filled(spec, indices), accumulate)
    return out


def put_into(out: Array, values: Array, where: Index, accumulate: bool) -> None:
    """Write or add values at an index, in place."""
    target = out[where]
    # torch lets values have extra leading dimensions of size 1.
    while values.ndim > np.ndim(target) and values.shape[0] == 1:
        values = values[0]
    if accumulate:
        np.add.at(out, where, values)
    else:
        out[where] = values


def _put_rule(x: Array, values: Array, *indices: Array, spec: Index, accumulate: bool) -> Spec:
    target, _ = _index_rule(x, *indices, spec=spec)
    try:
        np.broadcast_shapes(target, values.shape)
    except ValueError:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast to "
            f"indexing result of shape {list(target)}"
        ) from None
    return x.shape, x.dtype


def _put_x(g: Any, indices: Any, spec: Index, accumulate: bool) -> Any:
    if accumulate:
        return g
    return put(g, index(g, *indices, spec=spec) * 0, *indices, spec=spec, accumulate=False)


def _put_values(g: Any, values_shape: Shape, indices: Any, spec: Index) -> Any:
    part = index(g, *indices, spec=spec)
    return part if part._data.ndim >= len(values_shape) else part.reshape(
        (1,) * (len(values_shape) - part._data.ndim) + part.shape)  # fmt: skip


def _put_samples() -> Iterable[Sample]:
    for accumulate in (False, True):
        static = {"spec": (ARRAY,), "accumulate": accumulate}
        yield Sample((draw(1, (3, 4)), draw(2, (2, 4)), np.array([2, 0])), static)
        static = {"spec": (slice(0, 2), ARRAY), "accumulate": accumulate}
        yield Sample((draw(1, (3, 4)), draw(2, (2,)), np.array([2, 0])), static)
    yield Sample((draw(1, (3, 4)), draw(2, (2,))), {"spec": (1, slice(1, 3)), "accumulate": False})


put = Primitive(
    "put", "index", _put, (_put_x, _put_values), _put_rule, "scatter", _put_samples,
    label="IndexPutBackward0",
)  # fmt: skip
