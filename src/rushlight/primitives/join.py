"""Rows that give several views of one tensor, or make one tensor of several."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.core.doors import literal
from rushlight.core.row import Primitive, Sample, Spec
from rushlight.core.tensor import Array
from rushlight.memory import beside, placed, plain
from rushlight.primitives.families import draw, promote_many
from rushlight.primitives.placement import empty_in, suggested

Shape = tuple[int, ...]

# ---- several views at once ----------------------------------------------------------------------


def _split(x: Array, *, sizes: Shape, dim: int) -> tuple[Array, ...]:
    before: tuple[Any, ...] = (slice(None),) * dim
    parts, start = [], 0
    for size in sizes:
        part = x[(*before, slice(start, start + size), ...)]
        parts.append(
            part if part.size else beside(x, part.shape, x.strides, start * x.strides[dim])
        )
        start += size
    return tuple(parts)


def _given(g: list[Any], shapes: list[Shape]) -> list[Any]:
    """The gradients of several outputs, with zeros for those that none flowed to."""
    dtype = next(part for part in g if part is not None)._data_.dtype
    return [
        literal(np.zeros(n, dtype)) if part is None else part
        for part, n in zip(g, shapes, strict=True)
    ]


def _split_vjp(g: list[Any], x_shape: Shape, sizes: Shape, dim: int) -> Any:
    shapes = [(*x_shape[:dim], n, *x_shape[dim + 1 :]) for n in sizes]
    return cat(*_given(g, shapes), dim=dim)


split = Primitive(
    "split", "view", _split, (_split_vjp,),
    lambda x, *, sizes, dim: [((*x.shape[:dim], n, *x.shape[dim + 1 :]), x.dtype) for n in sizes],
    "view", lambda: [
        Sample((draw(7, (2, 3, 4)),), {"sizes": (1, 2), "dim": 1}),
        Sample((draw(7, (2, 3, 4)),), {"sizes": (2, 2), "dim": 2}),
    ],
    view=True,
)  # fmt: skip


def _unbind(x: Array, *, dim: int) -> tuple[Array, ...]:
    if not x.size:
        rest = (x.shape[:dim] + x.shape[dim + 1 :], x.strides[:dim] + x.strides[dim + 1 :])
        return tuple(beside(x, *rest, i * x.strides[dim]) for i in range(x.shape[dim]))
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
    lambda: [Sample((draw(7, (2, 3, 4)),), {"dim": d}) for d in (0, 2)], view=True,
)  # fmt: skip


# ---- one tensor of several -----------------------------------------------------------------------


def _cat(*xs: Array, dim: int) -> Array:
    for x in xs:
        if not x.flags.c_contiguous or (x.ndim > 3 and x.base is not None and placed(x)):
            break
    else:
        return np.concatenate(xs, axis=dim)
    # Row order whatever the parts' order is, but for images that all are in channels last.
    shape, dtype = _cat_rule(*xs, dim=dim)
    formats = {suggested(x) for x in xs}
    out = empty_in(shape, dtype, formats.pop() if len(formats) == 1 else None, xs[0])
    return np.concatenate(xs, axis=dim, out=out)


def _cat_vjp(g: Any, xs_shapes: tuple[Shape, ...], dim: int, needs: tuple[bool, ...]) -> list[Any]:
    parts, start = [], 0
    for shape, needed in zip(xs_shapes, needs, strict=True):
        # torch lets an empty 1-d tensor stand among others of any shape, and takes it for a constant.
        if shape == (0,):
            zeros = np.zeros(shape, g._data_.dtype, like=plain(g._data_))
            parts.append(literal(zeros) if needed else None)
            continue
        parts.append(g.narrow(dim, start, shape[dim]) if needed else None)
        start += shape[dim]
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
    promote=promote_many, as_is=True, linear=True,
)  # fmt: skip


def _stack(*xs: Array, dim: int) -> Array:
    shape = xs[0].shape
    if dim < len(shape) and all(x.shape == shape for x in xs):
        return _cat(*xs, dim=dim).reshape((*shape[:dim], len(xs), *shape[dim:]))
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
    promote=promote_many, as_is=True, linear=True,
)  # fmt: skip
