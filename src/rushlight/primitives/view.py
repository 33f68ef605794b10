"""Rows that move elements without changing them: views where NumPy can, copies where it must."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from rushlight.arrays import brought, is_foreign
from rushlight.core.doors import literal
from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.tensor import Array
from rushlight.layout import ORDERS, channels_last, contiguous_format, memory_format
from rushlight.memory import address, beside, copy_in_rows, laid, placed, plain, root, strided_view
from rushlight.primitives.constant import computed
from rushlight.primitives.families import draw
from rushlight.primitives.index import unsqueezed
from rushlight.primitives.placement import (
    as_first,
    copied,
    empty_like,
    in_format,
    in_rows,
    packed,
    rows_of,
    seen,
    view_strides,
)

Shape = tuple[int, ...]


def _samples(*static: dict[str, Any], shape: Shape = (2, 3, 4)) -> Any:
    return lambda: [Sample((draw(7, shape),), s) for s in static]


# ---- shape --------------------------------------------------------------------------------------


def _reshape(x: Array, *, shape: Shape) -> Array:
    result = x.reshape(shape)
    made = result.shape
    if made != shape and min(shape) < -1:
        raise ValueError("NumPy infers the size for any negative number")
    if (1 in made or 0 in made) and placed(x):
        strides = view_strides(x.shape, x.strides, made, x.itemsize)
        if strides is not None and strides != result.strides:
            return beside(x, made, strides)
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


def _squeeze(x: Array, *, dims: Shape) -> Array:
    return x.squeeze(dims)


def _squeeze_rule(x: Array, *, dims: Shape) -> Spec:
    return tuple(n for d, n in enumerate(x.shape) if d not in dims), x.dtype


def _squeeze_vjp(g: Any, x_shape: Shape, dims: Shape) -> Any:
    return g if g._data_.shape == x_shape else unsqueezed(g, x_shape, dims)


# As `reshape`, but the strides of the other dimensions stay as they are.
squeeze = Primitive(
    "squeeze", "view", _squeeze, (_squeeze_vjp,), _squeeze_rule, "view",
    lambda: [
        Sample((draw(7, (2, 1, 3, 1)),), {"dims": dims}) for dims in ((1,), (1, 3), ())
    ],
    view=True,
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
    if extra < 0:
        raise ValueError("an expanded tensor has no fewer dimensions")
    # Nothing is put in before a 0-d tensor.
    if not x.ndim:
        return strided_view(x, size, (0,) * extra)
    strides: list[int] = []
    for n, wanted, step in zip(x.shape, size[extra:], x.strides, strict=True):
        if n != wanted and n != 1:
            raise ValueError("sizes do not broadcast")
        strides.append(step if n == wanted else 0)
    for d in range(extra - 1, -1, -1):
        # As in torch: a new dimension of size 1 has the strides of one that was put in.
        strides.insert(0, size[d + 1] * strides[0] if size[d] == 1 else 0)
    if x.flags.c_contiguous:
        return strided_view(x, size, tuple(strides))
    return beside(x, size, tuple(strides))


def _expand_rule(x: Array, *, size: Shape) -> Spec:
    extra = len(size) - x.ndim
    for d in reversed(range(x.ndim)):
        if x.shape[d] not in (1, size[extra + d]):
            raise RuntimeError(
                f"The expanded size of the tensor ({size[extra + d]}) must match the existing size "
                f"({x.shape[d]}) at non-singleton dimension {extra + d}.  Target sizes: {list(size)}.  Tensor "
                f"sizes: {list(x.shape)}"
            )
    return tuple(size), x.dtype


expand = Primitive(
    "expand", "view", _expand, (lambda g, x_shape: g.sum_to_size(x_shape),), _expand_rule, "view",
    lambda: [
        Sample((draw(8, (2, 1)),), {"size": (4, 2, 3)}), Sample((draw(9, ()),), {"size": (2,)}),
    ],
    view=True,
)  # fmt: skip


def _reinterpret(x: Array, *, dtype: np.dtype[Any]) -> Array:
    if x.itemsize != dtype.itemsize:
        _reinterpret_rule(x, dtype=dtype)
    return x.view(dtype)


def _reinterpret_rule(x: Array, *, dtype: np.dtype[Any]) -> Spec:
    if x.dtype.itemsize == dtype.itemsize:
        return x.shape, dtype
    if not x.ndim:
        raise RuntimeError(
            f"self.dim() cannot be 0 to view {x.dtype} as {dtype} (different element sizes)"
        )
    strides = laid(x).strides
    if strides[-1] != x.itemsize:
        raise RuntimeError(
            f"self.stride(-1) must be 1 to view {x.dtype} as {dtype} (different element sizes), "
            f"but got {strides[-1] // x.itemsize}: call .contiguous() first"
        )
    if (x.shape[-1] * x.itemsize) % dtype.itemsize:
        raise RuntimeError(
            f"self.size(-1) must be divisible by {dtype.itemsize // x.itemsize} to view {x.dtype} "
            f"as {dtype} (different element sizes), but got {x.shape[-1]}"
        )
    if any(step % dtype.itemsize for step in strides[:-1]):
        raise RuntimeError(
            f"self.stride() must be divisible by {dtype.itemsize // x.itemsize} to view {x.dtype} as "
            f"{dtype} (different element sizes), but got {[s // x.itemsize for s in strides]}"
        )
    start = address(x) - address(root(x))
    if start % dtype.itemsize:
        raise RuntimeError(
            f"self.storage_offset() must be divisible by {dtype.itemsize // x.itemsize} to view "
            f"{x.dtype} as {dtype} (different element sizes), but got {start // x.itemsize}"
        )
    return (*x.shape[:-1], x.shape[-1] * x.itemsize // dtype.itemsize), dtype


reinterpret = Primitive(
    "reinterpret", "view", _reinterpret, None, _reinterpret_rule, "view",
    _samples({"dtype": np.dtype("int64")}, {"dtype": np.dtype("int32")}), view=True,
)  # fmt: skip


# What a gradient is taken in: the same memory, at a place of its own in the graph.
variable = Primitive(
    "variable", "view", lambda x: x[...], (lambda g: g,), lambda x: (x.shape, x.dtype), "view",
    _samples({}), view=True, label="AliasBackward0",
)  # fmt: skip


# ---- turning, padding ----------------------------------------------------------------------------


def _flip(x: Array, *, dims: Shape) -> Array:
    turned = [slice(None)] * x.ndim
    for d in dims:
        turned[d] = slice(None, None, -1)
    out = empty_like(x)
    out[...] = x[tuple(turned)]
    return out


flip: Primitive = Primitive(
    "flip", "move", _flip, (lambda g, dims: flip(g, dims=dims),),
    lambda x, *, dims: (x.shape, x.dtype),
    "copy", _samples({"dims": (0,)}, {"dims": (0, 2)}), as_is=True, linear=True,
)  # fmt: skip


def _roll(x: Array, *, shifts: Shape, dims: Shape | None) -> Array:
    if not x.size:
        return copied(x)
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


def _as_rolled(forward: Callable[..., Any], arrays: Sequence[Any], static: dict[str, Any]) -> Any:
    """In channels last if that is suggested and all moves; as it was where nothing is there."""
    x, dims = arrays[0], static["dims"]
    if dims is None:
        return in_rows(forward, arrays, static)
    if not x.size:
        return as_first(forward, arrays, static)
    moves = all(shift % x.shape[dim] for shift, dim in zip(static["shifts"], dims, strict=True))
    return (in_format if moves else in_rows)(forward, arrays, static)


roll: Primitive = Primitive(
    "roll", "move", _roll,
    (lambda g, shifts, dims: roll(g, shifts=tuple(-s for s in shifts), dims=dims),),
    lambda x, *, shifts, dims: (x.shape, x.dtype), "copy",
    _samples({"shifts": (1, -2), "dims": (0, 1)}, {"shifts": (5,), "dims": None}), layout=_as_rolled,
    as_is=True, linear=True,
)  # fmt: skip

Widths = tuple[tuple[int, int], ...]


def _pad(x: Array, *, widths: Widths, value: complex) -> Array:
    if all(width <= 0 for pair in widths for width in pair):
        inside = tuple(slice(-a, n + b) for n, (a, b) in zip(x.shape, widths, strict=True))
        return copied(laid(x)[inside])
    shape = tuple(n + a + b for n, (a, b) in zip(x.shape, widths, strict=True))
    nothing = value == 0 and math.copysign(1, value.real) > 0
    out = np.zeros(shape, x.dtype, like=x) if nothing else np.full(shape, value, x.dtype, like=x)
    source, target = [], []
    for n, (before, after) in zip(x.shape, widths, strict=True):
        source.append(slice(max(-before, 0), n - max(-after, 0)))
        target.append(slice(max(before, 0), max(before, 0) + n - max(-after, 0) - max(-before, 0)))
    out[tuple(target)] = x[tuple(source)]
    return out


def _padded(forward: Callable[..., Any], arrays: Sequence[Any], static: dict[str, Any]) -> Any:
    """In channels last if that is suggested; as it was where nothing is added."""
    if all(width <= 0 for pair in static["widths"] for width in pair):
        return forward(*arrays, **static)
    return in_format(forward, arrays, static)


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
    layout=_padded, as_is=True,
)  # fmt: skip


@lru_cache(maxsize=32)
def _mask(rows: int, columns: int, diagonal: int, upper: bool) -> Array:
    i, j = np.arange(rows)[:, None], np.arange(columns)[None, :]
    return j - i >= diagonal if upper else j - i <= diagonal


def _triangle(x: Array, *, diagonal: int, upper: bool) -> Array:
    return np.where(brought(_mask(*x.shape[-2:], diagonal, upper), x), x, x.dtype.type(0))


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
    layout=in_rows, as_is=True, linear=True,
)  # fmt: skip


def _diagonal(x: Array, *, offset: int, dim1: int, dim2: int) -> Array:
    view = np.diagonal(x, offset, dim1, dim2).view()
    if not view.shape[-1]:
        # Nothing there: torch leaves it where x is.
        return beside(x, view.shape, view.strides)
    # NumPy hands the diagonal out read-only; a tensor's view may be written.
    if not is_foreign(x) and x.flags.writeable:
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
    out = np.zeros(shape, g.dtype, like=g)
    _diagonal(out, offset=offset, dim1=dim1, dim2=dim2)[...] = g
    return out


diagonal_fill = Primitive(
    "diagonal_fill", "move", _diagonal_fill,
    (lambda g, offset, dim1, dim2: diagonal(g, offset=offset, dim1=dim1, dim2=dim2),),
    lambda g_in, *, shape, offset, dim1, dim2: (shape, g_in.dtype), "scatter",
    lambda: [Sample((draw(2, (3, 2)),), {"shape": (2, 2, 3), "offset": 0, "dim1": 0, "dim2": 1})],
    inputs=("g_in",), as_is=True, linear=True,
)  # fmt: skip


def _unfold(x: Array, *, dim: int, size: int, step: int) -> Array:
    shape, _ = _unfold_rule(x, dim=dim, size=size, step=step)
    between = x.strides[dim]
    strides = (*x.strides[:dim], between * step, *x.strides[dim + 1 :], between)
    return beside(x, shape, strides)


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
    out = np.zeros(shape, g.dtype, like=g)
    count, before = g.shape[dim], (slice(None),) * dim
    if count <= size:
        for window in range(count):
            start = window * step
            out[(*before, slice(start, start + size))] += np.moveaxis(g.take(window, dim), -1, dim)
        return out
    # The same sums in the same order: the first window that shows an element shows it last.
    for place in reversed(range(size)):
        out[(*before, slice(place, place + (count - 1) * step + 1, step))] += g[..., place]
    return out


fold_windows: Primitive = Primitive(
    "fold_windows", "move", _fold_windows,
    (lambda g, dim, size, step: unfold(g, dim=dim, size=size, step=step),),
    lambda g_in, *, shape, dim, size, step: (shape, g_in.dtype), "scatter",
    lambda: [Sample((draw(2, (2, 3, 2)),), {"shape": (2, 4), "dim": 1, "size": 2, "step": 1})],
    inputs=("g_in",), linear=True,
)  # fmt: skip


def _overwrite(*xs: Array, alike: bool) -> Array:
    return xs[0].copy()


def _overwrite_vjp(
    g: Any, xs_shapes: tuple[Shape, ...], needs: tuple[bool, ...], alike: bool
) -> list[Any]:
    def zeros(shape: Shape) -> Any:
        like = plain(g._data_)
        if alike and shape == like.shape:
            return literal(empty_like(like, make=functools.partial(np.zeros, like=like)))
        zero = literal(np.zeros(shape, like.dtype, like=like))
        # For each example where there is a batch, as torch's lie.
        return zero if g._data_ is like else computed(lambda z, _: z.copy(), zero, g)

    rest = [zeros(n) if need else None for n, need in zip(xs_shapes[1:], needs[1:], strict=True)]
    return [g if needs[0] else None, *rest]


# The first tensor, in the place of others that took part in the operation, or were there before; `alike`: their
# zeros lie as the gradient does.
overwrite = Primitive(
    "overwrite", "move", _overwrite, _overwrite_vjp,
    lambda *xs, alike: (xs[0].shape, xs[0].dtype), "copy",
    lambda: [Sample((draw(1, (2, 3)), draw(2, (2, 3)), draw(3, (1, 3))), {"alike": True})], as_is=True, linear=True,
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


def _compact(
    x: Array,
    *,
    order: memory_format = contiguous_format,
    dims: Shape | None = None,
    strides: Shape | None = None,
) -> Array:
    """A copy in a memory format, or with these dimensions outermost first in memory.

    strides, in elements, are those of that order but for dimensions of size 1 (or without elements).
    """
    if order is not contiguous_format:
        dims = dims_of(x, order)
    if dims is None:
        return rows_of(copy_in_rows(x))
    rows = rows_of(copy_in_rows(x.transpose(dims)))
    return seen(rows, (dims, packed(x.shape, dims) if strides is None else strides))


compact = Primitive(
    "compact", "move", _compact, (lambda g: g,),
    lambda x, *, order=contiguous_format, dims=None, strides=None: (x.shape, x.dtype), "copy",
    lambda: [
        Sample((draw(1, (3, 2)).T,)), Sample((draw(1, (2, 3, 2, 2)),), {"order": channels_last}),
    ],
    label="CloneBackward0", as_is=True, linear=True,
)  # fmt: skip
