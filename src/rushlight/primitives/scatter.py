"""Rows that follow an index along one dimension: gather, and the scatters that undo it.

All of them work on flat positions: where each entry of the index lies among the elements of the
whole, counted in row order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.arrays import brought, contiguous
from rushlight.core.doors import check
from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.state import state
from rushlight.core.tensor import Array, TensorBase
from rushlight.primitives.families import draw
from rushlight.primitives.index import add_flat
from rushlight.primitives.kernel import hang
from rushlight.primitives.pointwise import where
from rushlight.primitives.view import pad

Shape = tuple[int, ...]


def positions(shape: Shape, dim: int, index: Array) -> Array:
    """The flat positions of `index` along dim in an array of this shape in row order."""
    places = index.astype(np.int64) if index.dtype != np.int64 else index
    if index.ndim == 1:
        return places
    step, offset = _offsets(shape, dim, index.shape)
    offset = brought(offset, index)
    return places * step + offset if step != 1 else places + offset


@lru_cache(maxsize=64)
def _offsets(shape: Shape, dim: int, index: Shape) -> tuple[int, Array]:
    """The step of dim, and where the lines along dim start that an index of this shape follows."""
    steps, step = [0] * len(shape), 1
    for d in reversed(range(len(shape))):
        steps[d], step = step, step * shape[d]
    offset: Any = np.zeros((), np.int64)
    for d, n in enumerate(index):
        line = np.arange(n) * steps[d] if d != dim else np.zeros(1, np.int64)
        offset = np.add.outer(offset, line)
    return steps[dim], offset


def check_index(name: str, x: Array, index: Array, dim: int, source: Array | None = None) -> None:
    """Raise torch's error unless places may index dim of x: they are no larger than x elsewhere.

    source, from which a scatter takes, is to be as large as they are, or larger.
    """
    if index.size and index.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"{name}(): Expected dtype int64 for index, not {index.dtype}")
    if source is not None and source.dtype != x.dtype:
        raise RuntimeError(
            f"{name}(): Expected self.dtype to be equal to src.dtype, got {dtypes.of(x.dtype)} and "
            f"{dtypes.of(source.dtype)}"
        )
    if not index.size:
        return
    if index.ndim != x.ndim:
        theirs = "input" if name == "gather" else "self"
        raise RuntimeError(
            f"Index tensor must have the same number of dimensions as {theirs} tensor: {name}() "
            f"got an index of shape {list(index.shape)} for a tensor of shape {list(x.shape)}"
        )
    for d, (n, limit) in enumerate(zip(index.shape, x.shape, strict=True)):
        if d != dim and n > limit:
            raise RuntimeError(
                f"Size does not match at dimension {d} expected index {list(index.shape)} to be no "
                f"larger than self {list(x.shape)} apart from dimension {dim}"
            )
    if source is not None:
        _check_source(name, index, source)


def check_places(places: TensorBase, size: int, dim: int) -> None:
    """Raise torch's error unless all of the places are within a dimension of this size."""
    index = places._data_
    if not index.size:
        return
    wide = np.uint64 if index.itemsize == 8 else np.uint32
    # Read as unsigned, a negative number is too large as well.
    values = check(places, "that the places are there")
    if values.view(wide).max() >= size:
        wrong = values.min() if values.min() < 0 else values.max()
        raise RuntimeError(f"index {wrong} is out of bounds for dimension {dim} with size {size}")


def _check_source(name: str, index: Array, source: Array) -> None:
    sizes = source.shape or (1,)
    for d, n in enumerate(index.shape):
        if d == len(sizes):
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{d}, {d - 1}], but got {d}): "
                f"{name}() got an index of shape {list(index.shape)} for a src of shape "
                f"{list(sizes)}"
            )
        if n > sizes[d]:
            break
    else:
        if len(sizes) == index.ndim:
            return
    if len(sizes) != index.ndim:
        raise RuntimeError(
            "Index tensor must have the same number of dimensions as src tensor: "
            f"{list(index.shape)} and {list(sizes)}"
        )
    raise RuntimeError(
        f"Expected index {list(index.shape)} to be no larger size than src {list(sizes)} in "
        f"every dimension; dimension {d} is"
    )


def _gather(x: Array, index: Array, *, dim: int) -> Array:
    if x.ndim == 1:
        return x.take(index)
    return x.reshape(-1).take(positions(x.shape, dim, index))


def _spread_vjp(g: Any, x_shape: Shape, index: Any, dim: int) -> Any:
    return spread(g, index, shape=x_shape, dim=dim)


_X, _INDEX = (3, 4), np.array([[2, 0, 1], [0, 0, 2]])


def _samples(*rest: Callable[[], Array], **static: Any) -> Callable[[], Iterable[Sample]]:
    """Both dimensions, with an index that is smaller than the whole and names places twice."""
    return lambda: [
        Sample(
            (draw(1, _X), index, *(r() if dim == 0 else r().T for r in rest)),
            {"dim": dim, **static},
        )
        for dim, index in ((0, _INDEX), (1, _INDEX.T))
    ]


gather = Primitive(
    "gather", "index", _gather, (_spread_vjp, None),
    lambda x, index, *, dim: (index.shape, x.dtype),
    "gather", _samples(), as_is=True, linear=True,
)  # fmt: skip


def _spread(g: Array, index: Array, *, shape: Shape, dim: int) -> Array:
    out = np.zeros(shape, g.dtype, like=g)
    add_flat(out, positions(shape, dim, index), g)
    return out


spread = Primitive(
    "spread", "index", _spread, (lambda g, index, dim: gather(g, index, dim=dim), None),
    lambda g_in, index, *, shape, dim: (shape, g_in.dtype), "scatter",
    lambda: [Sample((draw(1, (2, 3)), _INDEX), {"shape": _X, "dim": 0})],
    inputs=("g_in", "index"), label="GatherBackward0", linear=True,
)  # fmt: skip

# ---- written into a copy ------------------------------------------------------------------------

Kernel = Callable[..., None]


def _flat(out: Array) -> tuple[Array, Array | None]:
    """out as one dimension in row order, and the copy to write back if that is not its memory."""
    if out.flags.c_contiguous:
        return out.reshape(-1), None
    ordered = contiguous(out)
    return ordered.reshape(-1), ordered


def _assign_into(out: Array, index: Array, src: Array, *, dim: int) -> None:
    flat, ordered = _flat(out)
    flat[positions(out.shape, dim, index)] = _leading(src, index.shape)
    if ordered is not None:
        out[...] = ordered


def _leading(src: Array, shape: Shape) -> Array:
    # src may be larger than the index: only its first elements count.
    return src if src.shape == shape else src[tuple(slice(n) for n in shape)]


def _fill_into(out: Array, index: Array, *, dim: int, value: Any) -> None:
    flat, ordered = _flat(out)
    flat[positions(out.shape, dim, index)] = value
    if ordered is not None:
        out[...] = ordered


def _add_into(out: Array, index: Array, src: Array, *, dim: int) -> None:
    add_flat(out, positions(out.shape, dim, index), _leading(src, index.shape))


def _fold_into(out: Array, index: Array, src: Array, *, dim: int, fold: str) -> None:
    flat, ordered = _flat(out)
    ufunc = {"prod": np.multiply, "amax": np.maximum, "amin": np.minimum}[fold]
    places, values = positions(out.shape, dim, index), _leading(src, index.shape)
    before = flat[places]
    ufunc.at(flat, places, values)
    if fold != "prod" and out.dtype.kind in "fV":
        _first_zeros(flat, places, before, values)
    if ordered is not None:
        out[...] = ordered


def _first_zeros(flat: Array, places: Array, before: Array, values: Array) -> None:
    """Of zeros that are the extreme the first one stays, whatever its sign."""
    zero = flat[places] == 0
    if not zero.any():
        return
    new, kept = zero & (values == 0), zero & (before == 0)
    # Of several for one place the last is written, so the first one comes last.
    flat[places[new][::-1]] = values[new][::-1]
    flat[places[kept]] = before[kept]


def _on_copy(kernel: Kernel) -> Callable[..., Array]:
    def forward(x: Array, *rest: Array, **static: Any) -> Array:
        out = x.copy(order="C")
        kernel(out, *rest, **static)
        return out

    return forward


def _same(x: Array, *rest: Array, **static: Any) -> Spec:
    return x.shape, x.dtype


def _src_vjp(g: Any, index: Any, src_shape: Shape, dim: int) -> Any:
    return _padded(gather(g, index, dim=dim), src_shape)


def _padded(part: Any, shape: Shape) -> Any:
    """The gradient of a src of which only the first elements counted."""
    if part._data_.shape == shape:
        return part
    widths = tuple((0, n - m) for n, m in zip(shape, part._data_.shape, strict=True))
    return pad(part, widths=widths, value=0)


def _src() -> Array:
    return draw(2, (2, 3))


def _larger_src() -> Array:
    return draw(2, (2, 4))


scatter = Primitive(
    "scatter", "index", _on_copy(_assign_into),
    (lambda g, index, dim: scatter_fill(g, index, dim=dim, value=0), None, _src_vjp), _same,
    "scatter",
    lambda: [Sample((draw(1, _X), np.array([[2, 0, 1], [0, 1, 2]]), _larger_src()), {"dim": 0})],
    inputs=("x", "index", "src"), as_is=True, linear=True,
)  # fmt: skip

scatter_fill: Primitive = Primitive(
    "scatter_fill", "index", _on_copy(_fill_into),
    (lambda g, index, dim: scatter_fill(g, index, dim=dim, value=0), None), _same, "scatter",
    _samples(value=0.5), inputs=("x", "index"), label="ScatterBackward1", as_is=True,
)  # fmt: skip

scatter_add = Primitive(
    "scatter_add", "index", _on_copy(_add_into), (lambda g: g, None, _src_vjp), _same, "scatter",
    _samples(_src), inputs=("x", "index", "src"), linear=True,
)  # fmt: skip


def _fold_vjp(
    g: Any, x: Any, index: Any, src: Any, out: Any, dim: int, fold: str, needs: tuple[bool, ...]
) -> list[Any]:
    if fold != "prod":
        # As in torch all of src is compared with what index fetches, which it need not fit.
        dx, dsrc = _extreme_vjp(g, x, index, src, out, dim)
        return [dx, None, dsrc]
    dx, dsrc = _prod_vjp(g, x, index, _first(src, index), out, dim)
    return [dx, None, _padded(dsrc, src._data_.shape)]


def _first(src: Any, index: Any) -> Any:
    shape = index._data_.shape
    return src if src._data_.shape == shape else src[tuple(slice(n) for n in shape)]


def _extreme_vjp(g: Any, x: Any, index: Any, src: Any, out: Any, dim: int) -> tuple[Any, Any]:
    """Equal extremes share the gradient evenly."""
    mine = (x == out).to(g.dtype)
    theirs = (src == gather(out, index, dim=dim)).to(g.dtype)
    share = g / scatter_add(mine, index, theirs, dim=dim)
    return mine * share, theirs * gather(share, index, dim=dim)


def _prod_vjp(g: Any, x: Any, index: Any, src: Any, out: Any, dim: int) -> tuple[Any, Any]:
    """The product of the others, also where some of them are zero."""
    ones = x.new_ones(x.shape)
    dx = g * scatter_fold(ones, index, src, dim=dim, fold="prod").conj()
    if state.grad:
        # torch divides the product by x.
        dx = hang(dx, (x,))
    zero = src == 0
    count = scatter_add(x.new_zeros(x.shape), index, zero.to(x.dtype), dim=dim)
    alone = (zero.to(x.dtype) * gather(count, index, dim=dim)) == 1
    without = scatter_fold(x, index, src.masked_fill(alone, 1), dim=dim, fold="prod")
    divided = gather(g * out.conj(), index, dim=dim) / src.masked_fill(zero, 1).conj()
    return dx, where(alone, gather(g * without.conj(), index, dim=dim), divided)


def _fold_samples() -> Iterable[Sample]:
    for fold in ("prod", "amax", "amin"):
        yield Sample((draw(1, _X), _INDEX, _src()), {"dim": 0, "fold": fold})


scatter_fold = Primitive(
    "scatter_fold", "index", _on_copy(_fold_into), _fold_vjp, _same, "scatter", _fold_samples,
    inputs=("x", "index", "src"), label="ScatterReduceBackward0",
)  # fmt: skip

# What writes into memory, for the forms in place.
KERNELS: dict[str, Kernel] = {
    "scatter": _assign_into,
    "scatter_fill": _fill_into,
    "scatter_add": _add_into,
    "scatter_fold": _fold_into,
}
