"""Rows that read and write by position: slices, integer and boolean indices.

An index is split into a static part and arrays. `spec` is the index with every array replaced by
ARRAY; the arrays themselves are inputs, so that a recorded program sees them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.arrays import Box, as_array, contiguous, is_array, is_foreign
from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.tensor import Array
from rushlight.dtypes import cast
from rushlight.memory import beside, is_repeated, laid, placed
from rushlight.primitives.families import draw
from rushlight.primitives.kernel import laid_out
from rushlight.primitives.placement import copied, iterated, preserved, view_strides
from rushlight.primitives.select import choose

if TYPE_CHECKING:
    from rushlight.core.node import PrimitiveNode

Shape = tuple[int, ...]
Index = tuple[Any, ...]

FULL = slice(None)


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


def sliced(shape: Shape, index: Index) -> Shape:
    """The shape of what a basic index shows of an array of this shape."""
    return np.broadcast_to(np.empty(()), shape)[index].shape


def _slice(x: Array, *, index: Index) -> Array:
    # The trailing Ellipsis keeps a 0-d result an array that shares memory.
    part = x[(*index, ...)] if ... not in index else x[index]
    if None not in index:
        return part if part.size else _placed(x, index, part)
    for entry in index:
        if entry is not None and entry is not ... and entry != FULL:
            return _placed(x, index, part)
    if x.base is None or (x.flags.c_contiguous and not placed(x)):
        return x.reshape(part.shape)
    return _placed(x, index, part)


def _placed(x: Array, index: Index, part: Array) -> Array:
    """x[index] with torch's strides along new dimensions, where NumPy has 0, and where torch starts it.

    The strides are those of a dimension put in before the ones to its right are sliced.
    """
    strides: list[int] = []
    start = axis = 0
    for place, entry in enumerate(index if ... in index else (*index, ...)):
        if entry is None:
            strides.append(x.shape[axis] * x.strides[axis] if axis < x.ndim else x.itemsize)
        elif entry is ...:
            end = x.ndim - sum(e is not None for e in index[place + 1 :])
            strides.extend(x.strides[axis:end])
            axis = end
        else:
            step = x.strides[axis]
            if isinstance(entry, slice):
                entry, _, stride = entry.indices(x.shape[axis])
                strides.append(step * stride)
            start += step * (entry if entry >= 0 else entry + x.shape[axis])
            axis += 1
    return beside(x, part.shape, tuple(strides), start)


def _slice_rule(x: Array, *, index: Index) -> Spec:
    axis, rest = 0, list(index)
    while rest:
        part = rest.pop(0)
        if part is Ellipsis:
            axis = x.ndim - sum(p is not None for p in rest)
        elif part is not None:
            if axis >= x.ndim:
                break
            if isinstance(part, int) and not -x.shape[axis] <= part < x.shape[axis]:
                raise IndexError(
                    f"index {part} is out of bounds for dimension {axis} with size {x.shape[axis]}"
                )
            axis += 1
    if sum(p is not None and p is not Ellipsis for p in index) > x.ndim:
        if not x.ndim:
            if isinstance(index[0], slice):
                raise IndexError("slice() cannot be applied to a 0-dim tensor.")
            raise IndexError(
                "invalid index of a 0-dim tensor. Use `tensor.item()` in Python to convert a 0-dim "
                "tensor to a number"
            )
        raise IndexError(f"too many indices for tensor of dimension {x.ndim}: {len(index)} given")
    return _slice(x, index=index).shape, x.dtype


def _slice_label(node: PrimitiveNode) -> str:
    index = node.static["index"]
    if index in ((), (Ellipsis,)):
        return "AliasBackward0"
    for part in reversed(index):
        if part is None:
            return "UnsqueezeBackward0"
        if isinstance(part, int):
            return "SelectBackward0"
        if part is not Ellipsis and part != FULL:
            break
    return "SliceBackward0"


_SLICES: tuple[Index, ...] = (
    (0,),
    (slice(1, None),),
    (slice(None), 1),
    (..., slice(0, 3, 2)),
    (None, 1, 1, 1),
)


def _slice_vjp(g: Any, x_shape: Shape, index: Index) -> Any:
    if index == (Ellipsis,):
        return g
    if None in index:
        new = _new_dims(len(x_shape), index)
        if tuple(n for d, n in enumerate(g._data_.shape) if d not in new) == x_shape:
            return g.squeeze(new)
    return place_slice(g, shape=x_shape, index=index)


def unsqueezed(x: Any, shape: Shape, dims: Iterable[int]) -> Any:
    """x with dimensions of size 1 put in, which are these of the shape that it then has."""
    array = x._data_
    if array.__class__ is np.ndarray and array.base is not None and placed(array):
        # Their strides are those that torch gives to new dimensions.
        index = tuple(None if d in dims else FULL for d in range(len(shape)))
        return slice_(x, index=index)
    return x.reshape(shape)


def _new_dims(ndim: int, index: Index) -> Shape:
    """Where the new dimensions of x[index] stand, x of so many dimensions."""
    new, at = [], 0
    for place, entry in enumerate(index):
        if entry is ...:
            at += ndim - sum(e is not None for e in (*index[:place], *index[place + 1 :]))
        else:
            if entry is None:
                new.append(at)
            at += entry is None or isinstance(entry, slice)
    return tuple(new)


slice_ = Primitive(
    "slice", "view", _slice,
    (_slice_vjp,), _slice_rule, "view", lambda: [Sample((draw(4, (2, 3, 4)),), {"index": i}) for i in _SLICES],
    view=True, label=_slice_label,
)  # fmt: skip


def _place_slice(g: Array, *, shape: Shape, index: Index) -> Array:
    out = np.zeros(shape, g.dtype, like=g)
    out[index] = g
    return out


def _place_samples() -> Iterable[Sample]:
    for index in _SLICES:
        part = draw(4, (2, 3, 4))[index]
        yield Sample((np.asarray(part),), {"shape": (2, 3, 4), "index": index})


place_slice: Primitive = Primitive(
    "place_slice", "move", _place_slice, (lambda g, index: slice_(g, index=index),),
    lambda g_in, *, shape, index: (shape, g_in.dtype), "scatter", _place_samples, inputs=("g_in",),
    label="SliceBackward0", as_is=True, linear=True,
)  # fmt: skip

# ---- arrays as indices --------------------------------------------------------------------------


def _picked(x: Array, indices: Sequence[Array], spec: Index) -> Array:
    """x[index]; where that is nothing, torch does not look at where the index points."""
    try:
        part = as_array(x[filled(spec, tuple(indices))])
    except IndexError:
        anywhere = tuple(i if i.dtype.kind == "b" else np.zeros_like(i) for i in indices)
        part = x[filled(spec, anywhere)]
        if part.size:
            raise
    if not part.size:
        # NumPy takes a mask of nothing for one of any size.
        check_masks(x.shape, indices, spec)
    return part


def _index(x: Array, *indices: Array, spec: Index) -> Any:
    if len(indices) == 1:
        where = indices[0]
        axis = spec.index(ARRAY)
        # `take` is the fastest way to whole slices, but first it would put all of x in order.
        if where.dtype.kind == "i" and x.flags.c_contiguous and spec == (*(FULL,) * axis, ARRAY):
            try:
                part = x.take(where, axis)
            except IndexError:
                part = _picked(x, indices, spec)
            return _in_order(part, x, indices, spec) if 1 in part.shape or not part.size else part
    part = _picked(x, indices, spec)
    if 1 in part.shape or not part.size:
        return _in_order(part, x, indices, spec)
    return contiguous(part)


def _index_rule(x: Array, *indices: Array, spec: Index) -> Spec:
    try:
        # Of what only stands for an array, the shape will do.
        plain = [
            np.zeros(i.shape, i.dtype) if isinstance(i, Box) or not is_array(i) else i
            for i in indices
        ]
        shown = np.broadcast_to(np.empty(()), x.shape)
        return _picked(shown, plain, spec).shape, x.dtype
    except IndexError as error:
        check_masks(x.shape, indices, spec)
        for axis, array in _placed_arrays(indices, spec)[0]:
            if array.dtype.kind != "b":
                _check_within(array, x.shape, axis)
        if "broadcast" in str(error):
            shapes = ", ".join(str(list(a.shape)) for a in indices)
            raise IndexError(
                "shape mismatch: indexing tensors could not be broadcast together with shapes "
                f"{shapes}"
            ) from None
        raise


def _placed_arrays(indices: Sequence[Array], spec: Index) -> tuple[list[tuple[int, Array]], int]:
    """(the first dimension that each index array stands for, and it; how many the index stands for)."""
    axis, rest, found = 0, iter(indices), []
    for part in spec:
        array = next(rest) if part is ARRAY else None
        if array is not None:
            found.append((axis, array))
        axis += array.ndim if array is not None and array.dtype.kind == "b" else 1
    return found, axis


def check_masks(shape: Shape, indices: Sequence[Array], spec: Index) -> None:
    """Raise torch's error for masks of other shapes than what they stand for, and for too many indices."""
    found, count = _placed_arrays(indices, spec)
    for axis, array in found:
        own = array.shape
        if array.dtype.kind == "b" and axis < len(shape) and own != shape[axis : axis + len(own)]:
            raise IndexError(
                f"The shape of the mask {list(own)} at index {axis} does not match the "
                f"shape of the indexed tensor {list(shape)} at index {axis}"
            )
    if count > len(shape):
        raise IndexError(
            f"too many indices for tensor of dimension {len(shape)}: the index stands for {count}"
        )


def _check_within(array: Array, shape: Shape, axis: int) -> None:
    """Raise torch's error if an array of positions points beyond dimension `axis` of such a shape."""
    size = shape[axis]
    wrong = array[(array < -size) | (array >= size)]
    if wrong.size:
        raise IndexError(
            f"index {wrong.flat[0]} is out of bounds for dimension {axis} with size {size}"
        )


def _index_samples() -> Iterable[Sample]:
    x = draw(5, (3, 4))
    yield Sample((x, np.array([2, 0, 2])), {"spec": (ARRAY,)})
    yield Sample((x, np.array([[0], [1]]), np.array([1, -1])), {"spec": (ARRAY, ARRAY)})
    yield Sample((x, np.array([0, 3])), {"spec": (FULL, ARRAY)})
    yield Sample((x, x > 0), {"spec": (ARRAY,)})


def _index_vjp(g: Any, x_shape: Shape, indices: Any, spec: Index) -> Any:
    return place_index(g, *indices, shape=x_shape, spec=spec)


def _as_indexed(
    forward: Callable[..., Any], arrays: Sequence[Array], static: dict[str, Any]
) -> Array:
    """Elementwise of the input, which stands still along what is indexed, and of the indices."""
    x, *indices = arrays
    spec: Index = static["spec"]
    return _in_order(_picked(x, indices, spec), x, indices, spec)


def _in_order(part: Array, x: Array, indices: Sequence[Array], spec: Index) -> Array:
    if not part.ndim:
        return part
    if not x.size:
        x = laid(x)
    # A mask is a list of positions for each of its dimensions.
    lists = [np.nonzero(i)[0] if i.dtype.kind == "b" else i for i in indices]
    covered = [i.ndim if i.dtype.kind == "b" else 1 for i in indices]
    count = max(i.ndim for i in lists)
    axis, places, rest = 0, [], iter(covered)
    before: list[int] = []
    after: list[int] = []
    for entry in spec:
        if entry is ARRAY:
            places.append(axis)
            axis += next(rest)
        else:
            (after if places else before).append(x.strides[axis])
            axis += 1
    after += x.strides[axis:]
    if places[-1] - places[0] != sum(covered[:-1]):
        # What is indexed here and there comes first.
        before, after = [], before + after
    operands = [(part.shape, (*before, *(0,) * count, *after), x.itemsize)]
    spread = part.shape[len(before) : len(before) + count]
    # torch sees the indices as views with dimensions of size 1 around their own.
    seen = (*(1,) * len(before), *spread, *(1,) * len(after))
    for i in lists:
        i = np.broadcast_to(laid(i), spread)
        steps = view_strides(spread, i.strides, seen, i.itemsize)
        operands.append((seen, steps or (0,) * part.ndim, i.itemsize))
    return iterated(part, *operands)


index = Primitive(
    "index", "index", _index, (_index_vjp,), _index_rule, "gather", _index_samples,
    layout=_as_indexed, as_is=True, linear=True,
)  # fmt: skip

# From this many numbers on, a sparse product pays for its set-up.
_SPARSE = 8192


def add_at(out: Array, where: Index, values: Array) -> None:
    """out[where] += values, repeated positions counted each time; where as `filled` gives it."""
    if all(is_array(p) and p.dtype.kind == "b" for p in where):
        out[where] += values
        return
    arrays = [p for p in where if is_array(p)]
    axis = len(where) - 1
    if len(arrays) == 1 and where[-1] is arrays[0] and arrays[0].dtype.kind in "iu":
        moved = out if not axis else np.moveaxis(out, axis, 0)
        rows = arrays[0]
        shape = (*out.shape[:axis], *rows.shape, *out.shape[axis + 1 :])
        if values.shape != shape:
            values = np.broadcast_to(values, shape)
        if axis:
            values = np.moveaxis(values, range(axis, axis + rows.ndim), range(rows.ndim))
        _add_rows(moved, rows.reshape(-1), values.reshape(rows.size, *moved.shape[1:]))
        return
    # Where each position lies among all of out, counted in elements.
    places = np.arange(out.size, like=out).reshape(out.shape)[where]
    add_flat(out, places, np.broadcast_to(values, places.shape))


def add_flat(out: Array, places: Array, values: Array) -> None:
    """Add values to the elements of out at these places, counted in row order."""
    if out.flags.c_contiguous:
        np.add.at(out.reshape(-1), places.reshape(-1), values.reshape(-1))
    else:
        ordered = contiguous(out)
        np.add.at(ordered.reshape(-1), places.reshape(-1), values.reshape(-1))
        out[...] = ordered


def _add_rows(out: Array, rows: Array, values: Array) -> None:
    """out[rows] += values for whole slices of the first dimension."""
    if not values.size:
        return
    if _sums_pay(rows, values):
        out += _row_sums(rows, values, out.shape)
    elif out.ndim == 1:
        np.add.at(out, rows, values.reshape(-1))
    else:
        width = values.size // rows.size
        if rows.min() < 0:
            rows = np.where(rows < 0, rows + out.shape[0], rows)
        add_flat(out, rows[:, None] * width + np.arange(width, like=rows), values)


def _sums_pay(rows: Array, values: Array) -> bool:
    large = values.size >= _SPARSE and values.size > rows.size
    wide = values.dtype.kind in "fcV" and values.itemsize > 2
    return large and wide and not is_foreign(values)


def _row_sums(rows: Array, values: Array, shape: Shape) -> Array:
    """The sums of the values of each row, in one pass in C.

    They are a sparse matrix with a one in each column, times the values; so the same bits come one by one,
    as long as that costs less than to load what knows sparse matrices.
    """
    if rows.min() < 0:
        rows = np.where(rows < 0, rows + shape[0], rows)
    if not _is_loaded(values.size):
        sums: Array = np.zeros(shape, values.dtype)
        width = values.size // rows.size
        add_flat(sums, rows[:, None] * width + np.arange(width), values)
        return sums
    from scipy.sparse import csc_matrix

    ones = np.ones(rows.size, values.dtype)
    pick = csc_matrix((ones, rows, np.arange(rows.size + 1)), shape=(shape[0], rows.size))
    sums = pick @ values.reshape(rows.size, values.size // rows.size)
    return sums.reshape(shape)


# To load SciPy's sparse matrices takes as long as to add so many elements without them.
_LOADING = 100_000_000
_added = 0


def _is_loaded(size: int) -> bool:
    """Whether sparse matrices are there, or are to be loaded as so many more elements are added."""
    global _added
    _added += size
    return _added >= _LOADING or "scipy.sparse" in sys.modules


def _place_index(g: Array, *indices: Array, shape: Shape, spec: Index) -> Array:
    if spec == (ARRAY,) and indices[0].dtype.kind != "b" and _sums_pay(indices[0], g):
        return _row_sums(indices[0].reshape(-1), g, shape)
    out = np.zeros(shape, g.dtype, like=g)
    where = filled(spec, indices)
    if len(indices) == 1 and indices[0].dtype.kind == "b":
        out[where] = g
    else:
        add_at(out, where, g)
    return out


def _place_index_vjp(g: Any, indices: Any, spec: Index) -> Any:
    return index(g, *indices, spec=spec)


def _place_index_samples() -> Iterable[Sample]:
    yield Sample((draw(1, (3, 4)), np.array([2, 0, 2])), {"shape": (3, 4), "spec": (ARRAY,)})
    yield Sample((draw(1, (2,)), np.array([1, 1])), {"shape": (3,), "spec": (ARRAY,)})


place_index = Primitive(
    "place_index", "index", _place_index, (_place_index_vjp,),
    lambda g_in, *indices, shape, spec: (shape, g_in.dtype), "scatter", _place_index_samples,
    inputs=("g_in", "*indices"), label="IndexBackward0", as_is=True, linear=True,
)  # fmt: skip


def _put(
    x: Array, values: Array, *indices: Array, spec: Index, accumulate: bool,
    layout: Shape | None = None,
) -> Array:  # fmt: skip
    out = copied(x) if indices else preserved(x)
    put_into(out, values, *indices, spec=spec, accumulate=accumulate)
    return out


def _is_mask(index: Array, out: Array) -> bool:
    return index.dtype.kind == "b" and index.shape == out.shape


def put_into(
    out: Array, values: Array, *indices: Array, spec: Index, accumulate: bool = False
) -> None:
    """Write or add values at an index, in place; values broadcast, and take the type of out."""
    values = cast(values, out.dtype)
    if spec == (ARRAY,) and not values.ndim and not accumulate and _is_mask(indices[0], out):
        if is_repeated(out):
            np.copyto(out, values, where=indices[0], casting="unsafe")
        else:
            out[...] = choose(indices[0], values.astype(out.dtype), out)
        return
    if not all(i.size for i in indices):
        check_masks(out.shape, indices, spec)
    where = filled(spec, indices)
    if values.ndim and values.shape[0] == 1:
        # torch lets values have extra leading dimensions of size 1.
        ndim = out[where].ndim
        while values.ndim > ndim and values.shape[0] == 1:
            values = values[0]
    if accumulate:
        if is_repeated(out):
            np.add.at(out, where, values)
        else:
            add_at(out, where, values)
    else:
        try:
            out[where] = values
        except IndexError:
            if not indices or _picked(out, indices, spec).size:
                raise


def _put_rule(x: Array, values: Array, *indices: Array, spec: Index, **_: Any) -> Spec:
    # Which shape the values must have is asked before where the indices point.
    first = [np.zeros(i.shape, i.dtype) if i.dtype.kind in "iu" else i for i in indices]
    if not indices:
        target = _slice_rule(x, index=spec)[0]
    else:
        target = _index_rule(x, *(first if x.size else indices), spec=spec)[0]
    shape = values.shape
    while len(shape) > len(target) and shape[0] == 1:
        shape = shape[1:]
    try:
        fits = np.broadcast_shapes(target, shape) == target
    except ValueError:
        fits = False
    if not fits:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast to "
            f"indexing result of shape {list(target)}"
        )
    if indices:
        _index_rule(x, *indices, spec=spec)
    return x.shape, x.dtype


def _put_x(g: Any, indices: Any, spec: Index, accumulate: bool, layout: Shape | None) -> Any:
    if accumulate:
        return g
    return blank(g if indices else _placed_as(g, layout), *indices, spec=spec)


def _placed_as(g: Any, layout: Shape | None) -> Any:
    """A gradient as the tensor lies in which a part was written."""
    array = g._data_
    if layout is None or tuple(s // array.itemsize for s in array.strides) == layout:
        return g
    return laid_out(g, strides=layout)


def _put_values(
    g: Any, values_shape: Shape, indices: Any, spec: Index, layout: Shape | None
) -> Any:
    if indices:
        part = index(g, *indices, spec=spec)
    else:
        part = laid_out(slice_(_placed_as(g, layout), index=spec), strides=None)
    missing = len(values_shape) - part._data_.ndim
    return part.reshape((1,) * missing + part.shape) if missing > 0 else part


def _put_samples() -> Iterable[Sample]:
    for accumulate in (False, True):
        static: dict[str, Any] = {"spec": (ARRAY,), "accumulate": accumulate}
        yield Sample((draw(1, (3, 4)), draw(2, (2, 4)), np.array([2, 0])), static)
        static = {"spec": (FULL, ARRAY), "accumulate": accumulate}
        yield Sample((draw(1, (3, 4)), draw(2, (2,)), np.array([2, 0])), static)
    yield Sample(
        (draw(1, (3, 4)), draw(2, (2,))),
        {"spec": (1, slice(1, 3)), "accumulate": False, "layout": (4, 1)},
    )


put = Primitive(
    "put", "index", _put, (_put_x, _put_values), _put_rule, "scatter", _put_samples,
    label=lambda node: "IndexPutBackward0" if ARRAY in node.static["spec"] else "torch::autograd::CopySlices",
    as_is=True, linear=True,
)  # fmt: skip


def _blank(x: Array, *indices: Array, spec: Index) -> Array:
    return _put(x, np.zeros((), x.dtype, like=x), *indices, spec=spec, accumulate=False)


blank: Primitive = Primitive(
    "blank", "index", _blank, (lambda g, indices, spec: blank(g, *indices, spec=spec),),
    lambda x, *indices, spec: (x.shape, x.dtype), "scatter",
    lambda: [Sample((draw(1, (3, 4)), np.array([2, 0])), {"spec": (ARRAY,)}),
             Sample((draw(1, (3, 4)),), {"spec": (1,)})], as_is=True, linear=True,
)  # fmt: skip
