"""Operators that move elements: shapes, pieces, joins, padding, places that tensors name."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rushlight.nn import functional as F
from rushlight.onnx.loading.operator import (
    Handler,
    Operator,
    array_of,
    dtype_of,
    ints,
    number,
    tensor_of,
    torch_type,
)
from rushlight.onnx.proto import dtype_of as proto_type
from rushlight.public import torch as T


def _reshape(op: Operator, x: Any, shape: Any = None) -> Any:
    sizes = ints(op.get("shape") if shape is None else shape)
    if not op.get("allowzero", 0):
        sizes = [x.shape[i] if n == 0 else n for i, n in enumerate(sizes)]
    return x.reshape(sizes)


def _flatten(op: Operator, x: Any) -> Any:
    axis = op.get("axis", 1)
    axis = axis + x.ndim if axis < 0 else axis
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


def _axes(op: Operator, axes: Any) -> list[int] | None:
    given = op.get("axes") if axes is None else axes
    return None if given is None else ints(given)


def _squeeze(op: Operator, x: Any, axes: Any = None) -> Any:
    dims = _axes(op, axes)
    return x.squeeze() if dims is None else x.squeeze(tuple(dims))


def _unsqueeze(op: Operator, x: Any, axes: Any = None) -> Any:
    dims = _axes(op, axes) or []
    rank = x.ndim + len(dims)
    for dim in sorted(d % rank for d in dims):
        x = x.unsqueeze(dim)
    return x


def _transpose(op: Operator, x: Any) -> Any:
    return x.permute(op.get("perm") or list(range(x.ndim))[::-1])


def _concat(op: Operator, *inputs: Any) -> Any:
    return T.cat(inputs, op.get("axis", 1))


def _split(op: Operator, x: Any, sizes: Any = None) -> tuple[Any, ...]:
    axis = op.get("axis", 0)
    given = ints(op.get("split") if sizes is None else sizes)
    if not given:
        count = op.get("num_outputs", op.count)
        each = -(-x.shape[axis] // count)
        given = [each] * (count - 1) + [x.shape[axis] - each * (count - 1)]
    return tuple(T.split(x, given, axis))


def _slice(
    op: Operator, x: Any, starts: Any = None, ends: Any = None, axes: Any = None, steps: Any = None
) -> Any:
    if op.version < 10:
        starts, ends, axes = op.get("starts"), op.get("ends"), op.get("axes")
    begin, end = ints(starts), ints(ends)
    dims = ints(axes) if axes is not None else list(range(len(begin)))
    hops = ints(steps) if steps is not None else [1] * len(begin)
    index: list[Any] = [slice(None)] * x.ndim
    turned = []
    for a, b, dim, hop in zip(begin, end, dims, hops, strict=True):
        dim, n = dim % x.ndim, x.shape[dim]
        if hop > 0:
            index[dim] = slice(*slice(a, b, hop).indices(n))
            continue
        # Backwards: the same elements forwards, turned round.
        places = range(*slice(a, None if b < -n else b, hop).indices(n))
        index[dim] = slice(places[-1], places[0] + 1, -hop) if places else slice(0, 0)
        turned.append(dim)
    x = x[tuple(index)] if x.ndim else x
    return T.flip(x, turned) if turned else x


def _shape(op: Operator, x: Any) -> Any:
    sizes = list(x.shape)[slice(op.get("start", 0), op.get("end"))]
    return tensor_of(np.array(sizes, np.int64))


def _size(op: Operator, x: Any) -> Any:
    return tensor_of(np.array(math.prod(x.shape), np.int64))


def _expand(op: Operator, x: Any, shape: Any) -> Any:
    return x.expand(np.broadcast_shapes(tuple(x.shape), tuple(ints(shape))))


def _tile(op: Operator, x: Any, repeats: Any, axis: Any = None) -> Any:
    if op.version < 6:
        times = [1] * x.ndim
        times[int(number(axis))] = int(number(repeats))
        return x.repeat(times)
    return x.repeat(ints(repeats))


def _identity(op: Operator, x: Any) -> Any:
    return x


# ---- padding -------------------------------------------------------------------------------------

_MODES = {"reflect": "reflect", "edge": "edge", "wrap": "wrap"}


def _pad(op: Operator, x: Any, pads: Any = None, value: Any = None, axes: Any = None) -> Any:
    if op.version < 11:
        widths, fill = ints(op.get("pads", op.get("paddings"))), op.get("value", 0.0)
    else:
        widths, fill = ints(pads), 0 if value is None else number(value)
    dims = [d % x.ndim for d in ints(axes)] if axes is not None else list(range(x.ndim))
    half = len(widths) // 2
    pairs = dict(zip(dims, zip(widths[:half], widths[half:], strict=True), strict=True))
    return padded(x, pairs, op.get("mode", "constant"), fill)


def padded(x: Any, pairs: dict[int, tuple[int, int]], mode: str = "constant", fill: Any = 0) -> Any:
    """x with so much put before and behind along dimensions; negative widths take away."""
    if not any(any(pair) for pair in pairs.values()):
        return x
    if mode == "constant":
        flat = [n for d in reversed(range(x.ndim)) for n in pairs.get(d, (0, 0))]
        return F.pad(x, flat, value=fill)
    for dim, (before, behind) in pairs.items():
        n = x.shape[dim]
        places = np.pad(np.arange(n), (max(before, 0), max(behind, 0)), mode=_MODES[mode])  # type: ignore[call-overload]
        places = places[max(-before, 0) : len(places) - max(-behind, 0)]
        x = x.index_select(dim, tensor_of(places.astype(np.int64)))
    return x


# ---- places --------------------------------------------------------------------------------------


def within(places: Any, size: int) -> Any:
    """Places of which negative ones count from the end."""
    places = places.to(torch_type(np.int64))
    return T.where(places < 0, places + size, places)


def _gather(op: Operator, x: Any, places: Any) -> Any:
    axis = op.get("axis", 0) % x.ndim
    at = within(places, x.shape[axis])
    flat = x.index_select(axis, at.reshape(-1))
    return flat.reshape((*x.shape[:axis], *at.shape, *x.shape[axis + 1 :]))


def _gather_elements(op: Operator, x: Any, places: Any) -> Any:
    axis = op.get("axis", 0) % x.ndim
    return T.gather(x, axis, within(places, x.shape[axis]))


def _columns(x: Any, places: Any, batch: int) -> tuple[Any, ...]:
    """The last dimension of places as indices of x, behind indices of the dimensions of the batch."""
    count = places.shape[-1]
    at = tuple(within(places[..., i], x.shape[batch + i]) for i in range(count))
    rank = places.ndim - 1
    lead = tuple(
        tensor_of(np.arange(x.shape[d]).reshape(*(1,) * d, -1, *(1,) * (rank - d - 1)))
        for d in range(batch)
    )
    return (*lead, *at)


def _gather_nd(op: Operator, x: Any, places: Any) -> Any:
    return x[_columns(x, places, op.get("batch_dims", 0))]


def _scatter_nd(op: Operator, x: Any, places: Any, updates: Any) -> Any:
    how, at = op.get("reduction", "none"), _columns(x, places, 0)
    if how in ("none", "add"):
        return x.index_put(at, updates, accumulate=how == "add")
    # By the places among all elements, which the scatters can fold.
    shape = tuple(x.shape)
    rows = x.reshape(-1)
    count = places.shape[-1]
    width = math.prod(shape[count:])
    flat = tensor_of(np.zeros((), np.int64))
    for i, column in enumerate(at):
        flat = flat + column * math.prod(shape[i + 1 : count])
    flat = (flat.reshape(-1, 1) * width + tensor_of(np.arange(width))).reshape(-1)
    kinds = {"mul": "prod", "max": "amax", "min": "amin"}
    return rows.scatter_reduce(0, flat, updates.reshape(-1), kinds[how]).reshape(shape)


def _scatter_elements(op: Operator, x: Any, places: Any, updates: Any) -> Any:
    axis = op.get("axis", 0) % x.ndim
    at, how = within(places, x.shape[axis]), op.get("reduction", "none")
    if how == "none":
        return x.scatter(axis, at, updates)
    kinds = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}
    return x.scatter_reduce(axis, at, updates, kinds[how])


def _tensor_scatter(op: Operator, cache: Any, update: Any, at: Any = None) -> Any:
    axis = op.get("axis", -2) % cache.ndim
    length, size = update.shape[axis], cache.shape[axis]
    first = np.zeros(cache.shape[0], np.int64) if at is None else array_of(at)
    steps = first[:, None] + np.arange(length)
    if op.get("mode", "linear") == "circular":
        steps = steps % size
    shape = [1] * cache.ndim
    shape[0], shape[axis] = steps.shape
    places = np.broadcast_to(steps.reshape(shape), tuple(update.shape))
    return cache.scatter(axis, tensor_of(np.ascontiguousarray(places)), update)


def _compress(op: Operator, x: Any, condition: Any) -> Any:
    axis = op.get("axis")
    if axis is None:
        x, axis = x.reshape(-1), 0
    kept = np.flatnonzero(array_of(condition))
    return x.index_select(axis, tensor_of(kept.astype(np.int64)))


def _one_hot(op: Operator, places: Any, depth: Any, values: Any) -> Any:
    n, axis = int(number(depth)), op.get("axis", -1)
    at = within(places, n)
    rank = places.ndim + 1
    axis = axis % rank
    line = tensor_of(np.arange(n)).reshape(*(1,) * axis, -1, *(1,) * (rank - axis - 1))
    hot = at.unsqueeze(axis) == line
    return T.where(hot, values[1], values[0])


def _non_zero(op: Operator, x: Any) -> Any:
    return T.nonzero(x).t() if x.ndim else T.nonzero(x.reshape(1)).t()[:0]


def _trilu(op: Operator, x: Any, k: Any = None) -> Any:
    at = 0 if k is None else int(number(k))
    rows, columns = x.shape[-2:]
    keep = np.tri(rows, columns, at - 1 if op.get("upper", 1) else at, dtype=bool) != bool(
        op.get("upper", 1)
    )
    return T.where(tensor_of(keep), x, T.zeros_like(x))


def _eye_like(op: Operator, x: Any) -> Any:
    kind = op.get("dtype")
    dtype = dtype_of(x) if kind is None else proto_type(kind)
    rows, columns = x.shape
    return tensor_of(np.eye(rows, columns, op.get("k", 0)).astype(dtype))


def _range(op: Operator, start: Any, limit: Any, delta: Any) -> Any:
    dtype = dtype_of(start)
    first, last, hop = (number(v) for v in (start, limit, delta))
    count = max(math.ceil((last - first) / hop), 0)
    return tensor_of((np.arange(count) * np.asarray(hop).astype(dtype) + first).astype(dtype))


def _constant_of_shape(op: Operator, shape: Any) -> Any:
    value = op.get("value")
    fill = np.zeros(1, np.float32) if value is None else array_of(value)
    return tensor_of(np.full(ints(shape), fill.reshape(-1)[0], fill.dtype))


def _constant(op: Operator) -> Any:
    for name, dtype in (("value_float", np.float32), ("value_int", np.int64), ("value_floats", np.float32),
                        ("value_ints", np.int64)):  # fmt: skip
        if op.get(name) is not None:
            return tensor_of(np.array(op.get(name), dtype))
    if op.get("value") is None:
        raise op.refuse("a constant that is sparse, or of strings")
    return op.get("value")


def _depth_to_space(op: Operator, x: Any) -> Any:
    n, c, *sizes = x.shape
    b = op.get("blocksize")
    rank = len(sizes)
    inner = c // b**rank
    if op.get("mode", "DCR") == "CRD":
        x = x.reshape(n, inner, *[b] * rank, *sizes)
        first = 2
    else:
        x = x.reshape(n, *[b] * rank, inner, *sizes)
        first = 1
    at = 1 if first == 2 else 1 + rank
    order = [0, at]
    for d in range(rank):
        order += [2 + rank + d, first + d]
    return x.permute(order).reshape(n, inner, *(m * b for m in sizes))


def _space_to_depth(op: Operator, x: Any) -> Any:
    n, c, *sizes = x.shape
    b, rank = op.get("blocksize"), len(sizes)
    x = x.reshape(n, c, *(part for m in sizes for part in (m // b, b)))
    blocks, rest = [3 + 2 * d for d in range(rank)], [2 + 2 * d for d in range(rank)]
    order = [0, 1, *blocks, *rest] if op.get("mode", "DCR") == "CRD" else [0, *blocks, 1, *rest]
    return x.permute(order).reshape(n, c * b**rank, *(m // b for m in sizes))


def _reverse_sequence(op: Operator, x: Any, lengths: Any) -> Any:
    batch, time = op.get("batch_axis", 1), op.get("time_axis", 0)
    size = x.shape[time]
    places = np.tile(np.arange(size), (x.shape[batch], 1))
    for row, length in zip(places, ints(lengths), strict=True):
        row[:length] = row[:length][::-1].copy()
    shape = [1] * x.ndim
    shape[batch], shape[time] = x.shape[batch], size
    places = places if batch < time else places.T
    at = np.broadcast_to(places.reshape(shape), tuple(x.shape))
    return T.gather(x, time, tensor_of(np.ascontiguousarray(at)))


SHAPES: dict[str, Handler] = {
    "Reshape": _reshape, "Flatten": _flatten, "Squeeze": _squeeze, "Unsqueeze": _unsqueeze,
    "Transpose": _transpose, "Concat": _concat, "Split": _split, "Slice": _slice, "Shape": _shape, "Size": _size,
    "Expand": _expand, "Tile": _tile, "Identity": _identity, "Pad": _pad, "Gather": _gather,
    "GatherElements": _gather_elements, "GatherND": _gather_nd, "ScatterND": _scatter_nd,
    "ScatterElements": _scatter_elements, "Scatter": _scatter_elements, "TensorScatter": _tensor_scatter,
    "Compress": _compress, "OneHot": _one_hot, "NonZero": _non_zero, "Trilu": _trilu, "EyeLike": _eye_like,
    "Range": _range, "ConstantOfShape": _constant_of_shape, "Constant": _constant,
    "DepthToSpace": _depth_to_space, "SpaceToDepth": _space_to_depth, "ReverseSequence": _reverse_sequence,
}  # fmt: skip
