"""How rows take a batch: some ten rules, and a loop over the examples for what has none.

A rule gets the inputs of a row with the batch in front of those that have one, and gives the result
with the batch in front. It computes with rows on ordinary tensors, so it is recorded, batched again
and differentiated as anything else is. Most rows need no more than to be told that all their
dimensions have moved by one: `AXES` says which of their parameters name dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.core.doors import literal
from rushlight.core.row import Primitive
from rushlight.core.table import TABLE
from rushlight.core.tensor import TensorBase, wrap
from rushlight.func.batching import Rule, Vmap, refuse
from rushlight.memory import extent
from rushlight.ops.joining import stack
from rushlight.primitives.index import ARRAY, FULL

Values = list[Any]
Flags = list[bool]
Static = dict[str, Any]

# ---- what several rules need --------------------------------------------------------------------


def is_tensor(value: Any) -> bool:
    """Whether a value is a tensor, and not a number or None."""
    return isinstance(value, TensorBase)


def rank(value: Any, has: bool) -> int:
    """The number of dimensions of one example."""
    return value._data_.ndim - has if is_tensor(value) else 0


def aligned(value: Any, has: bool, wanted: int) -> Any:
    """A batched value whose examples have this many dimensions: sizes of 1 come after the batch."""
    missing = wanted - rank(value, has)
    if not has or missing <= 0:
        return value
    shape = value._data_.shape
    return value.reshape((shape[0], *(1,) * missing, *shape[1:]))


def spread(level: Vmap, value: Any, has: bool) -> Any:
    """A value with the batch in front; the same for every example if it had none."""
    if has or not is_tensor(value):
        return value
    return value.expand((level.size, *value._data_.shape))


def looped(level: Vmap, row: Primitive, values: Values, flags: Flags, static: Static) -> Any:
    """One example after the other."""
    parts = [
        value.unbind(0) if has else (value,) * level.size
        for value, has in zip(values, flags, strict=True)
    ]
    results = [row(*(part[i] for part in parts), **static) for i in range(level.size)]
    if results[0].__class__ is tuple:
        return tuple([stack(column) for column in zip(*results, strict=True)])
    return stack(results)


# ---- elementwise ---------------------------------------------------------------------------------


def pointwise(level: Vmap, row: Primitive, values: Values, flags: Flags, static: Static) -> Any:
    """The batch is one more dimension to broadcast over; types promote as those of one example."""
    ranks = [rank(v, has) for v, has in zip(values, flags, strict=True)]
    highest = max(ranks)
    if len(values) > 1:
        if row.promote is not None and any(
            has and not r for r, has in zip(ranks, flags, strict=True)
        ):
            values = _promoted(row, values, ranks)
        values = [aligned(v, has, highest) for v, has in zip(values, flags, strict=True)]
    return row(*values, **static)


def _promoted(row: Primitive, values: Values, ranks: list[int]) -> Values:
    """Numbers and 0-d tensors count less than others: so decide by the ranks of one example."""
    tensors = [v for v in values if is_tensor(v)]
    if row.promote is None or all(t._data_.dtype is tensors[0]._data_.dtype for t in tensors):
        return values
    examples = [
        np.empty((1,) * r, v._data_.dtype) if is_tensor(v) else v
        for v, r in zip(values, ranks, strict=True)
    ]
    return [
        v.to(wrap(like).dtype) if is_tensor(v) else v
        for v, like in zip(values, row.promote(examples), strict=True)
    ]


# ---- all dimensions move by one ------------------------------------------------------------------

Move = Callable[[Any, int, int], Any]


def _moved(dim: Any, count: int, size: int) -> Any:
    """A dimension, or several; None stands for all."""
    if dim is None:
        return tuple(range(1, count + 1))
    if isinstance(dim, tuple):
        return tuple(_moved(d, count, size) for d in dim)
    return dim + 1 if dim >= 0 else dim


def _permuted(dims: Any, count: int, size: int) -> Any:
    return None if dims is None else (0, *_moved(dims, count, size))


def _sized(shape: Any, count: int, size: int) -> Any:
    return (size, *shape)


def _full(index: Any, count: int, size: int) -> Any:
    return (FULL, *index)


def _widths(widths: Any, count: int, size: int) -> Any:
    return ((0, 0), *widths)


_NONE: dict[str, Move] = {}
_DIM: dict[str, Move] = {"dim": _moved}
_DIMS: dict[str, Move] = {"dims": _moved}
_SHAPE: dict[str, Move] = {"shape": _sized}

# Rows of which each parameter that names dimensions is moved; the others have leading dimensions that
# stand by themselves, so that a batch is just one more of them.
AXES: dict[str, dict[str, Move]] = {
    # views
    "variable": _NONE, "squeeze": _DIMS, "overwrite": _NONE,
    "reshape": _SHAPE, "permute": {"dims": _permuted},
    "reinterpret": _NONE, "diagonal": {"dim1": _moved, "dim2": _moved}, "unfold": _DIM,
    "slice": {"index": _full}, "split": _DIM, "unbind": _DIM, "view_as_real": _NONE,
    "view_as_complex": _NONE, "conj_view": _NONE, "neg_view": {},
    # moves
    "flip": _DIMS, "pad": {"widths": _widths}, "triangle": _NONE,
    "diagonal_fill": _SHAPE | {"dim1": _moved, "dim2": _moved}, "fold_windows": _SHAPE | _DIM,
    "place_slice": _SHAPE | {"index": _full},
    # reductions
    **dict.fromkeys(
        ("sum", "prod", "mean", "amax", "amin", "any", "all", "var", "std", "logsumexp",
         "vector_norm", "median_index", "mode_index"), _DIM,
    ),
    "inner": _DIMS, "signed_sum": _DIMS,
    # along a dimension
    **dict.fromkeys(
        ("softmax", "log_softmax", "cumsum", "cumprod", "recurrence", "logcumsumexp", "cummax_index",
         "cummin_index", "order", "top", "kth", "cat", "stack", "gather", "scatter", "scatter_fill",
         "scatter_add", "scatter_fold"), _DIM,
    ),
    "spread": _SHAPE | _DIM,
    # several dimensions
    "fft_c2c": _DIMS, "fft_r2c": _DIMS, "fft_c2r": _DIMS,
    # the last dimensions, whatever stands before them
    **dict.fromkeys(
        ("linalg_inv_ex", "linalg_slogdet", "linalg_det", "linalg_cholesky_ex", "linalg_qr",
         "linalg_eigh", "linalg_eig", "linalg_pinv", "linalg_svd", "linalg_matrix_exp", "linalg_lu_factor_ex",
         "linalg_ldl_factor_ex", "geqrf", "max_pool", "pool_winner", "max_pool_from",
         "pool_positions", "pool_scatter", "pool_gather", "window_sum", "window_spread"), _NONE,
    ),
}  # fmt: skip


def leading(level: Vmap, row: Primitive, values: Values, flags: Flags, static: Static) -> Any:
    """The row itself, with the batch as its first dimension."""
    moves = AXES[row.name]
    counts = [rank(v, has) for v, has in zip(values, flags, strict=True) if is_tensor(v)]
    values = [spread(level, v, has) for v, has in zip(values, flags, strict=True)]
    count = counts[0]
    moved = {
        name: moves[name](value, count, level.size) if name in moves else value
        for name, value in static.items()
    }
    if "dim" not in moves or min(counts) or row.name in ("stack", "unbind"):
        return row(*values, **moved)
    if max(counts):
        return looped(level, row, values, [is_tensor(v) for v in values], static)
    # A 0-d tensor counts as one with a single element along its dimension.
    if static["dim"] is None or static["dim"] == ():
        moved["dim"] = (1,)
    lines = [v.reshape((level.size, 1)) if is_tensor(v) else v for v in values]
    result = row(*lines, **moved)
    if result.__class__ is tuple:
        return tuple([part.reshape((level.size,)) for part in result])
    return result.reshape((level.size,))


def expand(level: Vmap, row: Primitive, values: Values, flags: Flags, static: Static) -> Any:
    """New dimensions come between the batch and those that an example has."""
    size = static["size"]
    return row(aligned(values[0], True, len(size)), size=(level.size, *size))


def flat(level: Vmap, row: Primitive, values: Values, flags: Flags, static: Static) -> Any:
    """A row that without a dimension works on all elements in a line."""
    name = "dims" if "dims" in static else "dim"
    if static[name] is not None:
        if rank(values[0], True) == 0:
            return looped(level, row, values, flags, static)
        return row(*values, **{**static, name: _moved(static[name], rank(values[0], True), 0)})
    (x,) = values
    line = x.reshape((level.size, -1 if x._data_.size else math.prod(x._data_.shape[1:])))
    if name == "dims":
        return row(line, **{**static, name: (1,) * len(static["shifts"])}).reshape(x.shape)
    result = row(line, **{**static, name: 1, "keepdim": False})
    return result.reshape((level.size, *(1,) * rank(x, True))) if static["keepdim"] else result


def compact(level: Vmap, row: Primitive, values: Values, flags: Flags, static: Static) -> Any:
    """A copy in some order of memory: the batch is the slowest dimension."""
    (x,) = values
    dims = static.get("dims")
    if dims is not None:
        return row(x, dims=(0, *(d + 1 for d in dims)))
    return looped(level, row, values, flags, static) if "order" in static else row(x)


def laid(level: Vmap, row: Primitive, values: Values, flags: Flags, static: Static) -> Any:
    """A copy with strides of its own: each example is laid out so, one behind the other."""
    (x,), strides = values, static["strides"]
    if strides is None:
        return row(x, strides=None)
    return row(x, strides=(extent(x._data_.shape[1:], strides), *strides))


def strided(level: Vmap, row: Primitive, values: Values, flags: Flags, static: Static) -> Any:
    """Geometries: each example has memory of its own, apart from the others."""
    size, offset, stride, layout = (static[n] for n in ("size", "offset", "stride", "layout"))
    values = [spread(level, v, has) for v, has in zip(values, flags, strict=True)]
    if row.name == "as_strided":
        data = values[0]._data_
        apart = data.strides[0] // data.itemsize
    else:
        shape = static.get("shape") or values[0]._data_.shape[1:]
        apart = max(extent(shape, layout), offset + extent(size, stride)) - min(offset, 0)
    moved = {
        **static, "size": (level.size, *size), "stride": (apart, *stride), "layout": (apart, *layout),
    }  # fmt: skip
    if "shape" in static:
        moved["shape"] = (level.size, *static["shape"])
    return row(*values, **moved)


# ---- products ------------------------------------------------------------------------------------


def matmul(level: Vmap, row: Primitive, values: Values, flags: Flags, static: Static) -> Any:
    """Matrices may stand in batches already."""
    highest = max(rank(v, has) for v, has in zip(values, flags, strict=True))
    return row(*(aligned(v, has, highest) for v, has in zip(values, flags, strict=True)))


def dot(level: Vmap, row: Primitive, values: Values, flags: Flags, static: Static) -> Any:
    """A row times a column."""
    x, y = values
    left = x.unsqueeze(-2)
    return TABLE["matmul"](left, y.unsqueeze(-1)).reshape((level.size,))


def linear(level: Vmap, row: Primitive, values: Values, flags: Flags, static: Static) -> Any:
    """With one weight for all it is the row itself; with many, products of matrices."""
    x, weight, *rest = values
    bias = rest[0] if rest else None
    if not any(flags[1:]):
        return row(*values)
    if not flags[1]:
        out = row(x, weight)
    else:
        # The rows of each example, below one another.
        lines = x.reshape((*x._data_.shape[: flags[0]], -1, x._data_.shape[-1]))
        out = TABLE["matmul"](lines, weight.mT)
        shape = x._data_.shape[flags[0] : -1]
        out = out.reshape((level.size, *shape, weight._data_.shape[-2]))
    if bias is None:
        return out
    if flags[2]:
        bias = aligned(bias, True, rank(out, flags[0] or flags[1]))
        if not (flags[0] or flags[1]):
            return out + bias
    return out + bias


def linear_weight(level: Vmap, row: Primitive, values: Values, flags: Flags, static: Static) -> Any:
    """Products of matrices."""
    g, x = (
        v.reshape((*v._data_.shape[:has], -1, v._data_.shape[-1]))
        for v, has in zip(values, flags, strict=True)
    )
    return TABLE["matmul"](g.mT, x)


# ---- positions -----------------------------------------------------------------------------------


def embedding(level: Vmap, row: Primitive, values: Values, flags: Flags, static: Static) -> Any:
    """Indices of any shape look into one table; many tables are looked into one by one."""
    return row(*values, **static) if not flags[0] else looped(level, row, values, flags, static)


def embedding_sum(level: Vmap, row: Primitive, values: Values, flags: Flags, static: Static) -> Any:
    """The tables of all examples below one another."""
    if static["padding_idx"] >= 0 or static["scale_grad_by_freq"]:
        return looped(level, row, values, flags, static)
    g, indices = (spread(level, v, has) for v, has in zip(values, flags, strict=True))
    rows = static["rows"]
    first = literal(np.arange(level.size) * rows).reshape((level.size, *(1,) * rank(indices, True)))
    total = row(g, indices + first, **{**static, "rows": level.size * rows})
    return total.reshape((level.size, rows, total._data_.shape[-1]))


def search(level: Vmap, row: Primitive, values: Values, flags: Flags, static: Static) -> Any:
    """One sorted line for all, or a line for each example."""
    sequence, wanted = values
    if not flags[0] and sequence._data_.ndim == 1:
        return row(sequence, wanted, **static)
    alone = rank(sequence, flags[0]) == 1
    sequence, wanted = (spread(level, v, has) for v, has in zip(values, flags, strict=True))
    if not alone:
        return row(sequence, wanted, **static)
    lines = wanted.reshape((level.size, math.prod(wanted._data_.shape[1:])))
    return row(sequence, lines, **static).reshape(wanted.shape)


def _split_index(spec: Any, indices: Values, flags: Flags) -> tuple[int, int, bool]:
    """Dimensions before the first index, dimensions of the indices, whether these stand together."""
    places = [i for i, part in enumerate(spec) if part is ARRAY]
    count = max(rank(i, has) for i, has in zip(indices, flags, strict=True))
    together = places[-1] - places[0] == len(places) - 1
    return (places[0] if together else 0), count, together


def indexed(level: Vmap, row: Primitive, values: Values, flags: Flags, static: Static) -> Any:
    """Positions that are the same for all, or the number of the example as one more position."""
    first = 2 if row.name == "put" else 1
    (x, *more), indices = values[:first], values[first:]
    spec = static["spec"]
    masks = [
        has and i._data_.dtype.kind == "b" for i, has in zip(indices, flags[first:], strict=True)
    ]
    if True in masks:
        return _masked(level, row, values, flags, static)
    if any(isinstance(part, int) for part in spec) and indices:
        return looped(level, row, values, flags, static)
    x = spread(level, x, flags[0])
    moved = dict(static)
    if "shape" in static:
        moved["shape"] = (level.size, *static["shape"])
    if not any(flags[first:]):
        if indices:
            _, _, together = _split_index(spec, indices, flags[first:])
            if not together:
                return looped(level, row, values, flags, static)
        if more:
            more = [_filling(level, x, more[0], flags[1], spec, indices, flags[first:])]
        moved["spec"] = (FULL, *spec)
        return row(x, *more, *indices, **moved)
    before, count, _ = _split_index(spec, indices, flags[first:])
    numbers = literal(np.arange(level.size)).reshape((level.size, *(1,) * count))
    indices = [aligned(i, has, count) for i, has in zip(indices, flags[first:], strict=True)]
    moved["spec"] = (ARRAY, *spec)
    # The dimensions of the indices come first; between them and the batch stand those before.
    if row.name == "place_index":
        out = row(_first(x, before, count), numbers, *indices, **moved)
    elif row.name == "put":
        (filling,) = more
        filling = _filling(level, x, filling, flags[1], spec, indices, flags[first:])
        out = row(x, _first(filling, before, count), numbers, *indices, **moved)
    else:
        out = row(x, *more, numbers, *indices, **moved)
        if row.name == "index" and before:
            dims = range(out._data_.ndim)
            order = (0, *dims[1 + count : 1 + count + before], *dims[1 : 1 + count])
            out = out.permute((*order, *dims[1 + count + before :]))
    return out


def _first(g: Any, before: int, count: int) -> Any:
    """The dimensions of the indices moved to just after the batch."""
    if not before:
        return g
    dims = range(g._data_.ndim)
    order = (0, *dims[1 + before : 1 + before + count], *dims[1 : 1 + before])
    return g.permute((*order, *dims[1 + before + count :]))


def _filling(
    level: Vmap, x: Any, filling: Any, has: bool, spec: Any, indices: Values, flags: Flags
) -> Any:
    """What is put at an index, with as many dimensions as the index leaves, after the batch."""
    if indices:
        taken = sum(part is ARRAY for part in spec)
        masks = [i._data_.ndim if i._data_.dtype.kind == "b" else 1 for i in indices]
        shapes = max(
            1 if i._data_.dtype.kind == "b" else rank(i, own)
            for i, own in zip(indices, flags, strict=True)
        )
        target = rank(x, True) - taken - (sum(masks) - len(masks)) + shapes
    else:
        target = _remaining(rank(x, True), spec)
    missing = target - rank(filling, has)
    if missing < 0:
        shape = filling._data_.shape[int(has) :][-missing:]
        filling = filling.reshape((*filling._data_.shape[: int(has)], *shape))
        missing = 0
    if has:
        return aligned(filling, True, target)
    return filling.reshape((1,) * (missing + 1) + tuple(filling._data_.shape))


def _remaining(count: int, spec: Any) -> int:
    """The number of dimensions of what a basic index shows."""
    return count - sum(isinstance(p, int) for p in spec) + sum(p is None for p in spec)


def _masked(level: Vmap, row: Primitive, values: Values, flags: Flags, static: Static) -> Any:
    """A mask that differs between the examples can be filled with one value, and no more."""
    spec = static["spec"]
    if spec == (ARRAY,) and (
        row.name == "blank" or (row.name == "put" and not static["accumulate"])
    ):
        filling: Any = 0
        x, mask = values[0], values[-1]
        if row.name == "put":
            filling = values[1]
        own = False if row.name == "blank" else flags[1]
        if rank(filling, own) == 0:
            count = rank(x, flags[0])
            x = spread(level, x, flags[0])
            mask = mask.reshape((*mask._data_.shape, *(1,) * (count - rank(mask, True))))
            if is_tensor(filling):
                filling = aligned(filling.to(x.dtype), own, count)
            return TABLE["where"](mask, filling, x)
    refuse(
        "an index that is a mask (the number of elements that it picks differs between examples)"
    )


# ---- convolution and normalisation ---------------------------------------------------------------


def _folded(x: Any) -> Any:
    """The batch folded into the dimension behind it."""
    shape = x._data_.shape
    return x.reshape((shape[0] * shape[1], *shape[2:]))


def _channels(x: Any) -> Any:
    """The batch moved behind the first dimension, and folded into the channels."""
    shape = x._data_.shape
    return x.movedim(0, 1).reshape((shape[1], shape[0] * shape[2], *shape[3:]))


def convolution(level: Vmap, row: Primitive, values: Values, flags: Flags, static: Static) -> Any:
    """One weight for all: more images. A weight for each: as many groups more."""
    x, weight, *rest = values
    bias = rest[0] if rest else None
    size = level.size
    if not any(flags[1:]) and row.name != "convolution_weight":
        out = row(_folded(x), *values[1:], **static)
        return out.reshape((size, *x._data_.shape[1:2], *out._data_.shape[1:]))
    x, weight, bias = (
        spread(level, v, has) for v, has in zip((x, weight, bias), (*flags, False)[:3], strict=True)
    )
    form = {**static, "groups": static["groups"] * size}
    if row.name == "convolution_weight":
        out = row(_channels(x), _channels(weight), **form)
        return out.reshape((size, out._data_.shape[0] // size, *out._data_.shape[1:]))
    out = row(_channels(x), _folded(weight), None if bias is None else _folded(bias), **form)
    shape = out._data_.shape
    return out.reshape((shape[0], size, shape[1] // size, *shape[2:])).movedim(1, 0)


def windows(level: Vmap, row: Primitive, values: Values, flags: Flags, static: Static) -> Any:
    """More images."""
    (x,) = values
    out = row(_folded(x), **static)
    return out.reshape((level.size, *x._data_.shape[1:2], *out._data_.shape[1:]))


def normalize(level: Vmap, row: Primitive, values: Values, flags: Flags, static: Static) -> Any:
    """The batch is one more dimension over which nothing is averaged."""
    size = level.size
    moved = {
        **static,
        "view": (size, *static["view"]),
        "dims": tuple(d + 1 for d in static["dims"]),
    }
    first = 1 if row.name == "normalize" else 4
    affine, own = values[first:], flags[first:]
    # The gradients of weights are summed over all but their own dimensions, of which the batch is one.
    each = any(own) or row.name == "normalize_grad"
    if each:
        affine = [spread(level, v, has) for v, has in zip(affine, own, strict=True)]
    moved["broadcast"] = (size if each else 1, *static["broadcast"])
    rest = [spread(level, v, has) for v, has in zip(values[:first], flags, strict=False)]
    out = row(*rest, *affine, **moved)
    if row.name == "normalize" or len(out) == 1:
        return out
    return (out[0], *(part.reshape((size, part._data_.size // size)) for part in out[1:]))


# ---- losses --------------------------------------------------------------------------------------


def classes(level: Vmap, row: Primitive, values: Values, flags: Flags, static: Static) -> Any:
    """Losses of one class per sample: the samples of all examples below one another, then reduced."""
    x, target, *rest = values
    weight, shared = (rest[0] if rest else None), not any(flags[2:])
    if not shared or not rank(x, flags[0]):
        return looped(level, row, values, flags, static)
    x, target = spread(level, x, flags[0]), spread(level, target, flags[1])
    form = {"reduction": "none", "ignore_index": static["ignore_index"]}
    given = (
        (_folded(x), _folded(target)) if weight is None else (_folded(x), _folded(target), weight)
    )
    losses, _, *scores = row(*given, **form)
    # How much each sample counts is the loss of scores that are all -1.
    counts, _ = TABLE["nll"](given[0].detach() * 0 - 1, *given[1:], **form)
    dims = tuple(range(1, target._data_.ndim))
    losses, total = losses.reshape(target.shape), counts.reshape(target.shape).sum(dims)
    if static["reduction"] != "none":
        losses = losses.sum(dims)
    if static["reduction"] == "mean":
        losses = losses / total
    return (losses, total, *(part.reshape(x.shape) for part in scores))


def classes_back(level: Vmap, row: Primitive, values: Values, flags: Flags, static: Static) -> Any:
    """The gradients of such losses: one number for each sample."""
    targets = 2 if row.name == "cross_entropy_grad" else 1
    if any(flags[targets + 1 :]):
        return looped(level, row, values, flags, static)
    given = [spread(level, v, has) for v, has in zip(values[: targets + 1], flags, strict=False)]
    target = given[targets]
    given[0] = aligned(given[0], True, rank(target, True)).expand(target.shape)
    moved = dict(static)
    if "shape" in static:
        count, *shape = static["shape"]
        moved["shape"] = (level.size * count, *shape)
    out = row(*map(_folded, given), *values[targets + 1 :], **moved)
    return out.reshape((level.size, target._data_.shape[1], *out._data_.shape[1:]))


# ---- the table -----------------------------------------------------------------------------------


def solve(level: Vmap, row: Primitive, values: Values, flags: Flags, static: Static) -> Any:
    """Several matrices that belong together: all of them with the batch, and of one rank."""
    # Pivots are vectors beside the matrices.
    ranks = [
        rank(v, has) + (name == "pivots")
        for v, has, name in zip(values, flags, row.inputs, strict=True)
    ]
    highest = max(ranks)
    wanted = [highest - (name == "pivots") for name in row.inputs]
    values = [spread(level, v, has) for v, has in zip(values, flags, strict=True)]
    return row(*(aligned(v, True, n) for v, n in zip(values, wanted, strict=True)), **static)


FAMILIES: dict[str, Rule] = {"unary": pointwise, "binary": pointwise, "ternary": pointwise}

ROWS: dict[str, Rule] = {
    **dict.fromkeys(AXES, leading),
    "expand": expand, "argmax": flat, "argmin": flat, "roll": flat, "compact": compact, "laid_out": laid,
    **dict.fromkeys(("as_strided", "as_strided_sum", "as_strided_part", "as_strided_scatter"), strided),
    "matmul": matmul, "dot": dot, "linear": linear, "linear_weight": linear_weight,
    "embedding": embedding, "embedding_sum": embedding_sum, "search": search,
    **dict.fromkeys(("index", "place_index", "put", "blank"), indexed),
    **dict.fromkeys(("convolution", "convolution_transpose", "convolution_weight"), convolution),
    "windows": windows, "windows_sum": windows, "normalize": normalize, "normalize_grad": normalize,
    "nll": classes, "cross_entropy": classes,
    "nll_scatter": classes_back, "cross_entropy_grad": classes_back,
    **dict.fromkeys(
        ("linalg_solve_triangular", "cholesky_solve", "linalg_ldl_solve", "linalg_solve_ex"), solve
    ),
}  # fmt: skip


def rule_of(row: Primitive) -> Rule:
    """The rule by which a row takes a batch."""
    return ROWS.get(row.name) or FAMILIES.get(row.family) or looped
