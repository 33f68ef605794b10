"""Rows that move elements without changing them: views where NumPy can, copies where it must."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from rushlight.layout import ORDERS, channels_last, contiguous_format, memory_format
from rushlight.primitives.core import Primitive, Sample, Spec
from rushlight.primitives.families import broadcast_shapes, draw, promote_many
from rushlight.tensor_base import Array, wrap

Shape = tuple[int, ...]


def _samples(*static: dict[str, Any], shape: Shape = (2, 3, 4)) -> Any:
    return lambda: [Sample((draw(7, shape),), s) for s in static]


# ---- shape --------------------------------------------------------------------------------------


def _reshape(x: Array, *, shape: Shape) -> Array:
    result = x.reshape(shape)
    if result.shape != shape and min(shape) < -1:
        raise ValueError("NumPy infers the size for any negative number")
    return result


def _reshape_rule(x: Array, *, shape: Shape) -> Spec:
    known = math.prod(n for n in shape if n != -1)
    unknown = shape.count(-1)
    if unknown > 1:
        raise RuntimeError("only one dimension can be inferred: write at most one -1")
    fits = x.size == known if not unknown else (known != 0 and x.size % known == 0)
    if not fits:
        raise RuntimeError(
            f"shape '{list(shape)}' is invalid for input of size {x.size}: the input of shape "
            f"{list(x.shape)} has {x.size} elements, and the sizes must multiply to that"
        )
    return tuple(n if n != -1 else x.size // known for n in shape), x.dtype


reshape = Primitive(
    "reshape", "view", _reshape, (lambda g, x_shape: g.reshape(x_shape),), _reshape_rule, "view",
    _samples({"shape": (6, 4)}, {"shape": (24,)}, {"shape": (1, -1, 2)}), view=True,
    label="ViewBackward0",
)  # fmt: skip


def _permute(x: Array, *, dims: Shape) -> Array:
    return x.transpose(dims)


def _permute_vjp(g: Any, dims: Shape) -> Any:
    inverse = [0] * len(dims)
    for i, d in enumerate(dims):
        inverse[d] = i
    return permute(g, dims=tuple(inverse))


def _permute_rule(x: Array, *, dims: Shape) -> Spec:
    if sorted(dims) != list(range(x.ndim)):
        raise RuntimeError(
            f"permute(sparse_coo): dims {list(dims)} must name each of the {x.ndim} dimensions of "
            f"the input of shape {list(x.shape)} once"
        )
    return tuple(x.shape[d] for d in dims), x.dtype


permute = Primitive(
    "permute", "view", _permute, (_permute_vjp,), _permute_rule, "view",
    _samples({"dims": (2, 0, 1)}, {"dims": (0, 1, 2)}), view=True,
)  # fmt: skip


def _expand(x: Array, *, size: Shape) -> Array:
    extra = len(size) - x.ndim
    if not x.flags.c_contiguous or extra < 0:
        return np.broadcast_to(x, size)
    # What broadcast_to does, without its checks in Python.
    strides = [0] * extra
    for n, wanted, step in zip(x.shape, size[extra:], x.strides, strict=True):
        if n != wanted and n != 1:
            raise ValueError("sizes do not broadcast")
        strides.append(step if n == wanted else 0)
    return np.ndarray(size, x.dtype, x, 0, tuple(strides))


def _expand_rule(x: Array, *, size: Shape) -> Spec:
    if len(size) < x.ndim or broadcast_shapes([x.shape, size]) != tuple(size):
        raise RuntimeError(
            f"The expanded size of the tensor ({list(size)}) must match the existing size "
            f"({list(x.shape)}) at every dimension that is not 1"
        )
    return tuple(size), x.dtype


expand = Primitive(
    "expand", "view", _expand, (lambda g, x_shape: g.sum_to_size(x_shape),), _expand_rule, "view",
    lambda: [
        Sample((draw(8, (2, 1)),), {"size": (4, 2, 3)}), Sample((draw(9, ()),), {"size": (2,)}),
    ],
    view=True,
)  # fmt: skip


# ---- several views at once ----------------------------------------------------------------------


def _split(x: Array, *, sizes: Shape, dim: int) -> tuple[Array, ...]:
    before: tuple[Any, ...] = (slice(None),) * dim
    parts, start = [], 0
    for size in sizes:
        parts.append(x[(*before, slice(start, start + size), ...)])
        start += size
    return tuple(parts)


def _given(g: list[Any], shapes: list[Shape]) -> list[Any]:
    """The gradients of several outputs, with zeros for those that none flowed to."""
    dtype = next(part for part in g if part is not None)._data.dtype
    return [
        wrap(np.zeros(n, dtype)) if part is None else part
        for part, n in zip(g, shapes, strict=True)
    ]


def _split_vjp(g: list[Any], x_shape: Shape, sizes: Shape, dim: int) -> Any:
    shapes = [(*x_shape[:dim], n, *x_shape[dim + 1 :]) for n in sizes]
    return cat(*_given(g, shapes), dim=dim)


split = Primitive(
    "split", "view", _split, (_split_vjp,),
    lambda x, *, sizes, dim: [((*x.shape[:dim], n, *x.shape[dim + 1 :]), x.dtype) for n in sizes],
    "view", _samples({"sizes": (1, 2), "dim": 1}, {"sizes": (2, 2), "dim": 2}), view=True,
)  # fmt: skip


def _unbind(x: Array, *, dim: int) -> tuple[Array, ...]:
    if not dim and x.ndim > 1:
        return tuple(x)
    before: tuple[Any, ...] = (slice(None),) * dim
    return tuple(x[(*before, i, ...)] for i in range(x.shape[dim]))


def _unbind_vjp(g: list[Any], x_shape: Shape, dim: int) -> Any:
    part = (*x_shape[:dim], *x_shape[dim + 1 :])
    return stack(*_given(g, [part] * len(g)), dim=dim)


unbind = Primitive(
    "unbind", "view", _unbind, (_unbind_vjp,),
    lambda x, *, dim: [((*x.shape[:dim], *x.shape[dim + 1 :]), x.dtype)] * x.shape[dim], "view",
    _samples({"dim": 0}, {"dim": 2}), view=True,
)  # fmt: skip


def _reinterpret(x: Array, *, dtype: np.dtype[Any]) -> Array:
    return x.view(dtype)


def _reinterpret_rule(x: Array, *, dtype: np.dtype[Any]) -> Spec:
    if x.dtype.itemsize == dtype.itemsize:
        return x.shape, dtype
    if not x.ndim:
        raise RuntimeError(
            f"self.dim() cannot be 0 to view {x.dtype} as {dtype} (different element sizes)"
        )
    if x.strides[-1] != x.itemsize:
        raise RuntimeError(
            f"self.stride(-1) must be 1 to view {x.dtype} as {dtype} (different element sizes), "
            f"but got {x.strides[-1] // x.itemsize}: call .contiguous() first"
        )
    if (x.shape[-1] * x.itemsize) % dtype.itemsize:
        raise RuntimeError(
            f"self.size(-1) must be divisible by {dtype.itemsize // x.itemsize} to view {x.dtype} "
            f"as {dtype} (different element sizes), but got {x.shape[-1]}"
        )
    return (*x.shape[:-1], x.shape[-1] * x.itemsize // dtype.itemsize), dtype


reinterpret = Primitive(
    "reinterpret", "view", _reinterpret, None, _reinterpret_rule, "view",
    _samples({"dtype": np.dtype("int64")}, {"dtype": np.dtype("int32")}), view=True,
)  # fmt: skip


# ---- any strides --------------------------------------------------------------------------------


class _Memory:
    """What NumPy reads to make an array on the memory of `owner`, which it keeps alive."""

    def __init__(self, owner: Array, size: Shape, stride: Shape, offset: int) -> None:
        self.owner = owner
        interface = owner.__array_interface__
        address, read_only = interface["data"]
        self.__array_interface__ = interface | {
            "shape": tuple(size),
            "strides": tuple(s * owner.itemsize for s in stride),
            "data": (address + offset * owner.itemsize, read_only),
        }


def _at(x: Array, size: Shape, stride: Shape, offset: int) -> Array:
    return np.asarray(_Memory(x, size, stride, offset))


def memory(x: Array) -> Array:
    """The array that holds the memory of which x is a part."""
    while True:
        base = x.base
        if isinstance(base, np.ndarray):
            x = base
        elif isinstance(base, _Memory):
            x = base.owner
        else:
            return x


def laid_out(x: Array, layout: Shape, always: bool = False) -> Array:
    """x in memory with these strides (in elements), as its base has them; a copy if it differs."""
    if not always and tuple(s // x.itemsize for s in x.strides) == tuple(layout):
        return x
    extent = 1 + sum((n - 1) * s for n, s in zip(x.shape, layout, strict=True)) if x.size else 0
    placed = _at(np.zeros(extent, x.dtype), x.shape, layout, 0)
    placed[...] = x
    return placed


def _as_strided(x: Array, *, size: Shape, stride: Shape, offset: int, layout: Shape) -> Array:
    return _at(laid_out(x, layout), size, stride, offset)


def _as_strided_vjp(
    g: Any, x_shape: Shape, size: Shape, stride: Shape, offset: int, layout: Shape
) -> Any:
    return as_strided_sum(g, shape=x_shape, size=size, stride=stride, offset=offset, layout=layout)


def _geometry_samples(drawn: Shape, **more: Any) -> Any:
    place = {"size": (2, 2), "stride": (3, 1), "offset": 1, "layout": (3, 1)}
    return lambda: [Sample((draw(1, drawn),), {**place, **more})]


as_strided = Primitive(
    "as_strided", "view", _as_strided, (_as_strided_vjp,),
    lambda x, *, size, stride, offset, layout: (tuple(size), x.dtype), "view",
    _geometry_samples((3, 3)), view=True,
)  # fmt: skip


def _as_strided_sum(
    g: Array, *, shape: Shape, size: Shape, stride: Shape, offset: int, layout: Shape
) -> Array:
    total = laid_out(np.broadcast_to(np.zeros((), g.dtype), shape), layout, always=True)
    place = _as_strided(total, size=size, stride=stride, offset=offset, layout=layout)
    if _overlaps(size, stride):
        for index in np.ndindex(*size):
            place[index] += g[index]
    else:
        place[...] = g
    return total


def _overlaps(size: Shape, stride: Shape) -> bool:
    reach = 0
    for n, s in sorted(
        ((n, s) for n, s in zip(size, stride, strict=True) if n > 1), key=lambda p: p[1]
    ):
        if s <= reach:
            return True
        reach += (n - 1) * s
    return False


def _as_strided_sum_vjp(
    g: Any, shape: Shape, size: Shape, stride: Shape, offset: int, layout: Shape
) -> Any:
    return as_strided(g, size=size, stride=stride, offset=offset, layout=layout)


as_strided_sum = Primitive(
    "as_strided_sum", "view", _as_strided_sum, (_as_strided_sum_vjp,),
    lambda g, *, shape, size, stride, offset, layout: (tuple(shape), g.dtype), "scatter",
    _geometry_samples((2, 2), shape=(3, 3)), inputs=("g_in",),
)  # fmt: skip


def _as_strided_scatter(
    x: Array, src: Array, *, size: Shape, stride: Shape, offset: int, layout: Shape
) -> Array:
    out = laid_out(x, layout, always=True)
    _as_strided(out, size=size, stride=stride, offset=offset, layout=layout)[...] = src
    return out


def _kept_vjp(g: Any, size: Shape, stride: Shape, offset: int, layout: Shape) -> Any:
    place = {"size": size, "stride": stride, "offset": offset, "layout": layout}
    hole = as_strided(g, **place) * 0
    return as_strided_scatter(g, hole, **place)


as_strided_scatter = Primitive(
    "as_strided_scatter", "view", _as_strided_scatter,
    (_kept_vjp, lambda g, size, stride, offset, layout: as_strided(
        g, size=size, stride=stride, offset=offset, layout=layout)),
    lambda x, src, *, size, stride, offset, layout: (x.shape, x.dtype), "scatter",
    lambda: [Sample((draw(1, (3, 3)), draw(2, (2, 2))),
                    {"size": (2, 2), "stride": (3, 1), "offset": 1, "layout": (3, 1)})],
    label="CopySlices",
)  # fmt: skip


# ---- joining, turning, padding ------------------------------------------------------------------


def _cat(*xs: Array, dim: int) -> Array:
    for x in xs:
        if not x.flags.c_contiguous:
            break
    else:
        return np.concatenate(xs, axis=dim)
    # Row order whatever the parts' order is, as in torch: programs call .view() on the result.
    shape, dtype = _cat_rule(*xs, dim=dim)
    return np.concatenate(xs, axis=dim, out=np.empty(shape, dtype))


def _cat_vjp(g: Any, xs_shapes: tuple[Shape, ...], dim: int, needs: tuple[bool, ...]) -> list[Any]:
    parts, start = [], 0
    for shape, needed in zip(xs_shapes, needs, strict=True):
        # torch lets an empty 1-d tensor stand among others of any shape.
        size = shape[dim] if len(shape) == g._data.ndim else 0
        parts.append(g.narrow(dim, start, size) if needed and size else None)
        start += size
    return parts


def _cat_rule(*xs: Array, dim: int) -> Spec:
    first = xs[0].shape
    for i, x in enumerate(xs):
        if x.ndim != len(first):
            raise RuntimeError(
                f"Tensors must have same number of dimensions: got {len(first)} and {x.ndim} "
                f"(tensor {i} of shape {list(x.shape)})"
            )
        for d, (a, b) in enumerate(zip(first, x.shape, strict=True)):
            if d != dim and a != b:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {a} but "
                    f"got size {b} for tensor number {i} in the list."
                )
    size = sum(x.shape[dim] for x in xs)
    return (*first[:dim], size, *first[dim + 1 :]), np.result_type(*xs)


cat = Primitive(
    "cat", "join", _cat, _cat_vjp, _cat_rule, "copy",
    lambda: [
        Sample((draw(1, (2, 3)), draw(2, (1, 3))), {"dim": 0}),
        Sample((draw(1, (2, 3)),), {"dim": 1}),
    ],
    promote=promote_many,
)  # fmt: skip


def _stack(*xs: Array, dim: int) -> Array:
    where = (*(slice(None),) * dim, None)
    return _cat(*(x[where] for x in xs), dim=dim)


def _stack_rule(*xs: Array, dim: int) -> Spec:
    first = xs[0].shape
    for i, x in enumerate(xs):
        if x.shape != first:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(first)} at entry 0 and "
                f"{list(x.shape)} at entry {i}"
            )
    return (*first[:dim], len(xs), *first[dim:]), np.result_type(*xs)


stack = Primitive(
    "stack", "join", _stack, lambda g, dim: g.unbind(dim), _stack_rule, "copy",
    lambda: [Sample((draw(1, (2, 3)), draw(2, (2, 3))), {"dim": d}) for d in (0, 1, 2)],
    promote=promote_many,
)  # fmt: skip


def _flip(x: Array, *, dims: Shape) -> Array:
    turned = [slice(None)] * x.ndim
    for d in dims:
        turned[d] = slice(None, None, -1)
    return x[tuple(turned)].copy(order="C")


flip: Primitive = Primitive(
    "flip", "move", _flip, (lambda g, dims: flip(g, dims=dims),),
    lambda x, *, dims: (x.shape, x.dtype),
    "copy", _samples({"dims": (0,)}, {"dims": (0, 2)}),
)  # fmt: skip


def _roll(x: Array, *, shifts: Shape, dims: Shape | None) -> Array:
    if dims is None:
        return _rolled(x.reshape(-1), shifts[0], 0).reshape(x.shape)
    for shift, dim in zip(shifts, dims, strict=True):
        x = _rolled(x, shift, dim)
    return x


def _rolled(x: Array, shift: int, dim: int) -> Array:
    size = x.shape[dim]
    start = -shift % size if size else 0
    before = (slice(None),) * dim
    return np.concatenate((x[(*before, slice(start, None))], x[(*before, slice(start))]), dim)


roll: Primitive = Primitive(
    "roll", "move", _roll,
    (lambda g, shifts, dims: roll(g, shifts=tuple(-s for s in shifts), dims=dims),),
    lambda x, *, shifts, dims: (x.shape, x.dtype), "copy",
    _samples({"shifts": (1, -2), "dims": (0, 1)}, {"shifts": (5,), "dims": None}),
)  # fmt: skip

Widths = tuple[tuple[int, int], ...]


def _pad(x: Array, *, widths: Widths, value: complex) -> Array:
    shape = tuple(n + a + b for n, (a, b) in zip(x.shape, widths, strict=True))
    out = np.full(shape, value, x.dtype) if value else np.zeros(shape, x.dtype)
    source, target = [], []
    for n, (before, after) in zip(x.shape, widths, strict=True):
        source.append(slice(max(-before, 0), n - max(-after, 0)))
        target.append(slice(max(before, 0), max(before, 0) + n - max(-after, 0) - max(-before, 0)))
    out[tuple(target)] = x[tuple(source)]
    return out


def _pad_rule(x: Array, *, widths: Widths, value: complex) -> Spec:
    shape = tuple(n + a + b for n, (a, b) in zip(x.shape, widths, strict=True))
    if min(shape, default=0) < 0:
        raise RuntimeError(
            f"The input size {list(x.shape)}, plus negative padding {list(widths)}, resulted in a "
            "negative output size: pad less"
        )
    return shape, x.dtype


def _pad_vjp(g: Any, widths: Widths) -> Any:
    return pad(g, widths=tuple((-a, -b) for a, b in widths), value=0)


pad = Primitive(
    "pad", "move", _pad, (_pad_vjp,), _pad_rule, "copy",
    _samples({"widths": ((1, 0), (0, 2), (-1, 1)), "value": 0.5}), label="ConstantPadNdBackward0",
)  # fmt: skip


@lru_cache(maxsize=32)
def _mask(rows: int, columns: int, diagonal: int, upper: bool) -> Array:
    i, j = np.arange(rows)[:, None], np.arange(columns)[None, :]
    return j - i >= diagonal if upper else j - i <= diagonal


def _triangle(x: Array, *, diagonal: int, upper: bool) -> Array:
    return np.where(_mask(*x.shape[-2:], diagonal, upper), x, x.dtype.type(0))


def _triangle_rule(x: Array, *, diagonal: int, upper: bool) -> Spec:
    if x.ndim < 2:
        name = "triu" if upper else "tril"
        raise RuntimeError(
            f"{name}: input tensor must have at least 2 dimensions, got {list(x.shape)}"
        )
    return x.shape, x.dtype


triangle: Primitive = Primitive(
    "triangle", "move", _triangle,
    (lambda g, diagonal, upper: triangle(g, diagonal=diagonal, upper=upper),), _triangle_rule,
    "copy",
    _samples({"diagonal": 0, "upper": True}, {"diagonal": -1, "upper": False}),
    label=lambda node: "TriuBackward0" if node.static["upper"] else "TrilBackward0",
)  # fmt: skip


def _diagonal(x: Array, *, offset: int, dim1: int, dim2: int) -> Array:
    view = np.diagonal(x, offset, dim1, dim2).view()
    # NumPy hands the diagonal out read-only; a tensor's view may be written.
    if x.flags.writeable:
        view.flags.writeable = True
    return view


def _diagonal_rule(x: Array, *, offset: int, dim1: int, dim2: int) -> Spec:
    rest = tuple(n for i, n in enumerate(x.shape) if i not in (dim1, dim2))
    rows, columns = x.shape[dim1], x.shape[dim2]
    length = min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns)
    return (*rest, max(length, 0)), x.dtype


def _diagonal_vjp(g: Any, x_shape: Shape, offset: int, dim1: int, dim2: int) -> Any:
    return diagonal_fill(g, shape=x_shape, offset=offset, dim1=dim1, dim2=dim2)


_DIAGONALS = ({"offset": 0, "dim1": 0, "dim2": 1}, {"offset": -1, "dim1": 1, "dim2": 2})

diagonal = Primitive(
    "diagonal", "view", _diagonal, (_diagonal_vjp,), _diagonal_rule, "view", _samples(*_DIAGONALS),
    view=True,
)  # fmt: skip


def _diagonal_fill(g: Array, *, shape: Shape, offset: int, dim1: int, dim2: int) -> Array:
    out = np.zeros(shape, g.dtype)
    _diagonal(out, offset=offset, dim1=dim1, dim2=dim2)[...] = g
    return out


diagonal_fill = Primitive(
    "diagonal_fill", "move", _diagonal_fill,
    (lambda g, offset, dim1, dim2: diagonal(g, offset=offset, dim1=dim1, dim2=dim2),),
    lambda g_in, *, shape, offset, dim1, dim2: (shape, g_in.dtype), "scatter",
    lambda: [Sample((draw(2, (3, 2)),), {"shape": (2, 2, 3), "offset": 0, "dim1": 0, "dim2": 1})],
    inputs=("g_in",),
)  # fmt: skip


def _unfold(x: Array, *, dim: int, size: int, step: int) -> Array:
    windows = np.lib.stride_tricks.sliding_window_view(x, size, dim, writeable=x.flags.writeable)
    return windows[(slice(None),) * dim + (slice(None, None, step),)]


def _unfold_rule(x: Array, *, dim: int, size: int, step: int) -> Spec:
    length = x.shape[dim]
    if size > length:
        raise RuntimeError(
            f"maximum size for tensor at dimension {dim} is {length} but size is {size}: windows "
            "must fit"
        )
    return (*x.shape[:dim], (length - size) // step + 1, *x.shape[dim + 1 :], size), x.dtype


def _unfold_vjp(g: Any, x_shape: Shape, dim: int, size: int, step: int) -> Any:
    return fold_windows(g, shape=x_shape, dim=dim, size=size, step=step)


unfold = Primitive(
    "unfold", "view", _unfold,
    (_unfold_vjp,), _unfold_rule, "view",
    _samples({"dim": 2, "size": 2, "step": 1}, {"dim": 1, "size": 2, "step": 2}),
    view=True,
)  # fmt: skip


def _fold_windows(g: Array, *, shape: Shape, dim: int, size: int, step: int) -> Array:
    out = np.zeros(shape, g.dtype)
    for window in range(g.shape[dim]):
        start = window * step
        place = (slice(None),) * dim + (slice(start, start + size),)
        out[place] += np.moveaxis(g.take(window, dim), -1, dim)
    return out


fold_windows: Primitive = Primitive(
    "fold_windows", "move", _fold_windows,
    (lambda g, dim, size, step: unfold(g, dim=dim, size=size, step=step),),
    lambda g_in, *, shape, dim, size, step: (shape, g_in.dtype), "scatter",
    lambda: [Sample((draw(2, (2, 3, 2)),), {"shape": (2, 4), "dim": 1, "size": 2, "step": 1})],
    inputs=("g_in",),
)  # fmt: skip


def dims_of(x: Array, order: memory_format) -> Shape:
    """The dimensions of x, outermost in memory first, in a memory format."""
    dims = ORDERS.get(order) or tuple(range(x.ndim))
    if len(dims) != x.ndim:
        raise RuntimeError(
            f"required rank {len(dims)} tensor to use {order.name} format, but this one has shape "
            f"{list(x.shape)}"
        )
    return dims


def _compact(x: Array, *, order: memory_format = contiguous_format) -> Array:
    if order is contiguous_format:
        return np.array(x, order="C", copy=True)
    dims = dims_of(x, order)
    return np.array(x.transpose(dims), order="C", copy=True).transpose(np.argsort(dims))


compact = Primitive(
    "compact", "move", _compact, (lambda g: g,),
    lambda x, *, order=contiguous_format: (x.shape, x.dtype), "copy",
    lambda: [
        Sample((draw(1, (3, 2)).T,)), Sample((draw(1, (2, 3, 2, 2)),), {"order": channels_last}),
    ],
    label="CloneBackward0",
)  # fmt: skip
