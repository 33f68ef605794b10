"""How results lie in memory: the rules of torch's library, each said once.

Nothing here runs where all inputs lie in row order: then every result does. A row's column `layout`
names the rule for the other inputs; it is given the forward, so that it can turn the inputs before
the work is done instead of copying the result afterwards. To the others belong those whose strides
are no row order's only along dimensions of size 1, or which have no elements at all: torch orders
dimensions by these strides, too.

The rule of elementwise operations is that of torch's TensorIterator
(aten/src/ATen/TensorIterator.cpp), re-expressed: the dimensions of the result are ordered by the
operands' strides, the first operand that tells two dimensions apart decides.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from rushlight.arrays import as_array, is_array
from rushlight.core.tensor import Array
from rushlight.memory import address, laid, placed, shows_twice, strided_view, whole

Shape = tuple[int, ...]
Layout = Callable[[Callable[..., Any], Sequence[Any], dict[str, Any]], Any]
# The order of dimensions in memory, outermost first, and the strides in elements it leads to.
Order = tuple[Shape, Shape]

_IMAGES = (0, 2, 3, 1)
# What an order is made from: shape, strides in bytes, size of an element.
Operand = tuple[Shape, Shape, int]
NUMBER: Operand = ((), (), 1)

# ---- strides ------------------------------------------------------------------------------------


def packed(shape: Shape, dims: Iterable[int] | None = None) -> Shape:
    """The strides, in elements, without gaps: in row order, or outermost first as dims says.

    Only row order steps over dimensions without elements as if they had one.

    >>> packed((2, 3, 4)), packed((2, 3, 4), (0, 2, 1))
    ((12, 4, 1), (12, 1, 3))
    >>> packed((2, 0, 4)), packed((2, 0, 4), (0, 2, 1))
    ((4, 4, 1), (0, 1, 0))
    """
    strides = [0] * len(shape)
    step = 1
    for d in reversed(tuple(range(len(shape)) if dims is None else dims)):
        strides[d] = step
        step *= shape[d] if dims is not None or shape[d] else 1
    return tuple(strides)


def _dense(shape: Shape, strides: Shape) -> bool:
    """Whether every element of a piece of memory is there, once."""
    step = 1
    for stride, size in sorted((s, n) for n, s in zip(shape, strides, strict=True) if n != 1):
        if stride != step:
            return False
        step *= size
    return True


@lru_cache(maxsize=1024)
def view_strides(shape: Shape, strides: Shape, made: Shape, item: int) -> Shape | None:
    """torch's strides for a view of another shape, also along dimensions of size 1; None: no view.

    Dimensions that lie as one piece of memory are dealt out to the new ones from the innermost out.
    """
    if not shape:
        return (item,) * len(made)
    if 0 in shape:
        return strides if made == shape else tuple(item * n for n in packed(made))
    wanted = [0] * len(made)
    to = len(made) - 1
    step, size, dealt = strides[-1], 1, 1
    for d in reversed(range(len(shape))):
        size *= shape[d]
        if d and (shape[d - 1] == 1 or strides[d - 1] == size * step):
            continue
        while to >= 0 and (dealt < size or made[to] == 1):
            wanted[to] = dealt * step
            dealt *= made[to]
            to -= 1
        if dealt != size:
            return None
        if d:
            step, size, dealt = strides[d - 1], 1, 1
    return tuple(wanted)


def by_strides(shape: Shape, operands: Sequence[Shape]) -> Shape:
    """Dimensions, outermost first, ordered by the strides of operands (0 where broadcast).

    An insertion sort from the innermost one out, in which pairs that no operand tells apart leave
    each other in place: for those the outcome depends on the steps, which are torch's.
    """

    def outward(a: int, b: int) -> int:
        for strides in operands:
            s, t = strides[a], strides[b]
            if s and t:
                if s != t:
                    return 1 if s > t else -1
                if shape[a] > shape[b]:
                    return 1
        return 0

    order = list(reversed(range(len(shape))))
    for start in range(1, len(order)):
        moving = start
        for other in range(start - 1, -1, -1):
            verdict = outward(order[other], order[moving])
            if verdict > 0:
                order[other], order[moving] = order[moving], order[other]
                moving = other
            elif verdict < 0:
                break
    return tuple(reversed(order))


@lru_cache(maxsize=1024)
def _pointwise_order(*operands: Operand) -> Order | None:
    """Where the result of operands of (shape, strides in bytes, size of an element) lies.

    None: in row order.
    """
    shape = np.broadcast_shapes(*(own for own, _, _ in operands))
    given = [(own, tuple(s // size for s in strides)) for own, strides, size in operands]
    if all(own == shape for own, _ in given):
        if all(_is_rows(own, strides) for own, strides in given):
            return None
        if len(shape) == 4 and all(_is_packed(own, s, _IMAGES) for own, s in given):
            return _IMAGES, packed(shape, _IMAGES)
        first = given[0][1]
        if all(strides == first for _, strides in given) and _dense(shape, first):
            return _as_they_are(shape, first)
    missing = [(0,) * (len(shape) - len(own)) for own, _ in given]
    spread = [
        extra + tuple(0 if n == 1 != whole else s for n, s, whole in zip(
            own, strides, shape[len(extra):], strict=True))
        for extra, (own, strides) in zip(missing, given, strict=True)
    ]  # fmt: skip
    return _sorted_order(shape, spread)


@lru_cache(maxsize=256)
def _like_order(shape: Shape, strides: Shape, size: int) -> Order | None:
    """Where a new tensor like one of this shape and these strides in bytes lies; None: in row order."""
    steps = tuple(s // size for s in strides)
    if 0 in shape or _dense(shape, steps):
        return _as_they_are(shape, steps)
    return _sorted_order(shape, [steps])


def order_like(x: Array) -> Order | None:
    """Where a new tensor lies that is like this one; None: in row order."""
    if not x.size:
        x = laid(x)
    return _like_order(x.shape, x.strides, x.itemsize)


def _as_they_are(shape: Shape, strides: Shape) -> Order:
    by_stride = sorted(range(len(shape)), key=lambda d: (-strides[d], -shape[d], d))
    return tuple(by_stride), strides


def _sorted_order(shape: Shape, operands: Sequence[Shape]) -> Order | None:
    dims = by_strides(shape, operands)
    return None if dims == tuple(range(len(shape))) else (dims, packed(shape, dims))


def _is_packed(shape: Shape, strides: Shape, dims: Iterable[int]) -> bool:
    step = 1
    for d in reversed(tuple(dims)):
        if shape[d] != 1:
            if strides[d] != step:
                return False
            step *= shape[d]
    return True


def _is_rows(shape: Shape, strides: Shape) -> bool:
    return 0 in shape or _is_packed(shape, strides, range(len(shape)))


def place_like(x: Array) -> Order | None:
    """`order_like`, which is asked only where it is not plain that a new tensor is in row order."""
    # Row order allows any strides along dimensions of size 1, and they are kept, too.
    return None if x.flags.c_contiguous and 1 not in x.shape and x.size else order_like(x)


def order_of(x: Array) -> Shape | None:
    """The dimensions of x, outermost in memory first, as a new tensor like it has them.

    None: row order.
    """
    order = None if x.flags.c_contiguous else order_like(x)
    return None if order is None else order[0]


# ---- arrays at a place --------------------------------------------------------------------------


def seen(rows: Array, order: Order) -> Array:
    """An array in row order, whose dimensions are those of `order` outermost first, as the result."""
    dims, strides = order
    shape = [0] * len(dims)
    for d, n in zip(dims, rows.shape, strict=True):
        shape[d] = n
    size = rows.itemsize
    return strided_view(rows, tuple(shape), tuple(s * size for s in strides))


def rows_of(x: Any) -> Array:
    """The array in row order: itself, or a copy."""
    x = as_array(x)
    if not x.flags.c_contiguous:
        return x.copy(order="C")
    # NumPy's strides along dimensions of size 1 may be any.
    return x.reshape(-1).reshape(x.shape) if 1 in x.shape else x


def empty_like(
    x: Array, dtype: np.dtype[Any] | None = None, make: Callable[..., Array] | None = None
) -> Array:
    """An array of the same shape that lies as x does, without gaps: `torch.empty_like`.

    make(shape, dtype) gives its elements in the order of memory, if they are not to be anything.
    """
    dtype = x.dtype if dtype is None else dtype
    order = place_like(x)
    make = functools.partial(np.empty, like=x) if make is None else make
    if order is None:
        return make(x.shape, dtype)
    return seen(make(tuple(x.shape[d] for d in order[0]), dtype), order)


def copied(x: Array, dtype: np.dtype[Any] | None = None) -> Array:
    """A copy that lies as x does, without gaps: `torch.clone`."""
    if x.flags.c_contiguous and 1 not in x.shape and x.size:
        return x.astype(x.dtype if dtype is None else dtype, order="C")
    out = empty_like(x, dtype)
    np.copyto(out, x, casting="unsafe")
    return out


def empty_in(shape: Shape, dtype: np.dtype[Any], dims: Shape | None, like: Any = None) -> Array:
    """Memory with these dimensions outermost first (None: in row order), of the library of `like`."""
    if dims is None:
        return np.empty(shape, dtype, like=like)
    return seen(np.empty([shape[d] for d in dims], dtype, like=like), (dims, packed(shape, dims)))


def preserved(x: Array) -> Array:
    """A copy at the very place of x in a copy of its memory; a plain one where x repeats itself."""
    x = laid(x)
    if shows_twice(x.shape, x.strides):
        return copied(x)
    owner = whole(x)
    return strided_view(
        owner.copy(order="K"), x.shape, x.strides, address(x) - address(owner), x.dtype
    )


def in_columns(*matrices: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A forward whose outputs of these numbers are matrices that lie column after column, as LAPACK's.

    Of a forward with one output, that is number 0.
    """

    def arrange(result: Any) -> Any:
        if result.__class__ is not tuple:
            return columns(result)
        return tuple(columns(x) if i in matrices else rows_of(x) for i, x in enumerate(result))

    def decorate(forward: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(forward)
        def turned(*arrays: Any, **static: Any) -> Any:
            return arrange(forward(*arrays, **static))

        # For who knows of a result without computing it.
        turned.arrange = arrange  # type: ignore[attr-defined]
        return turned

    return decorate


def columns(x: Array) -> Array:
    """Matrices with their columns one after the other in memory."""
    n = x.ndim
    dims = (*range(n - 2), n - 1, n - 2)
    return seen(rows_of(x.transpose(dims)), (dims, column_steps(x.shape)))


def column_steps(shape: Shape) -> Shape:
    """The strides, in elements, of matrices that lie so."""
    *outer, column, row = packed((*shape[:-2], shape[-1], shape[-2]))
    return (*outer, row, column)


def suggested(x: Array, lines: bool = False) -> Shape | None:
    """The order of dimensions, channels last, that the strides of images suggest, or None.

    Not the same as lying in it: gaps are allowed, and where sizes of 1 leave it open, it is not.
    With `lines`, [N, C, L] counts as images of height 1.
    """
    if x.ndim not in (4, 5) and not (lines and x.ndim == 3):
        return None
    shape, strides = x.shape, x.strides
    if x.ndim == 3:
        shape = (*shape[:2], 1, shape[2])
        strides = (*strides[:2], strides[2] * shape[3], strides[2])
    if not strides[1]:
        return None
    least = 0
    for d in (1, *reversed(range(2, len(shape))), 0):
        if not shape[d] or strides[d] < least or (d == 0 and least == strides[1]):
            return None
        least = strides[d] * shape[d]
    return (0, *range(2, x.ndim), 1)


# ---- the rules ----------------------------------------------------------------------------------


def pointwise(
    forward: Callable[..., Any],
    arrays: Sequence[Any],
    static: dict[str, Any],
    number: Operand | None = NUMBER,
) -> Any:
    """Elementwise: as the operands lie; a number is an operand without dimensions, or none."""
    first = None
    for a in arrays:
        # What is one number, perhaps spread over a shape, has no say.
        if not is_array(a) or not any(a.strides):
            continue
        if first is None:
            first = a
        elif a.strides != first.strides or a.shape != first.shape:
            break
    else:
        # All alike: NumPy's own order is the same, but for gaps, repetition and sizes of 1.
        result = forward(*arrays, **static)
        if is_array(result) and result.size:
            if first is None:
                same = not placed(result)
            elif result.flags.c_contiguous:
                same = first.shape == result.shape and not placed(first) and not placed(result)
            else:
                same = result.strides == first.strides and 1 not in result.shape
            if same:
                return result
    given = []
    for a in arrays:
        if is_array(a):
            given.append((a.shape, (a if a.size else laid(a)).strides, a.itemsize))
        elif a is not None and number is not None:
            given.append(number)
    order = _pointwise_order(*given)
    in_order = {"order": "C", **static} if forward.__class__ is np.ufunc else static
    if order is None:
        result = forward(*arrays, **in_order)
        return tuple(map(rows_of, result)) if result.__class__ is tuple else rows_of(result)
    dims = order[0]
    turned = [
        a.transpose(dims) if is_array(a) and a.ndim == len(dims) else _turned(a, dims)
        for a in arrays
    ]
    result = forward(*turned, **in_order)
    if result.__class__ is tuple:
        return tuple(seen(rows_of(part), order) for part in result)
    if result.flags.c_contiguous and 1 not in result.shape and result.size:
        return result.transpose(_inverse(dims))
    return seen(rows_of(result), order)


def apart_from_numbers(
    forward: Callable[..., Any], arrays: Sequence[Any], static: dict[str, Any]
) -> Any:
    """Elementwise of tensors; numbers beside them are the kernel's parameters."""
    return pointwise(forward, arrays, static, None)


def second_first(forward: Callable[..., Any], arrays: Sequence[Any], static: dict[str, Any]) -> Any:
    """Elementwise of two, of which the second is asked first."""
    x, y = arrays
    return pointwise(lambda b, a: forward(a, b, **static), (y, x), {})


def _turned(a: Any, dims: Shape) -> Any:
    """An operand of fewer dimensions, or a number, with its dimensions in this order."""
    if not is_array(a) or not a.ndim:
        return a
    return a[(*(None,) * (len(dims) - a.ndim), ...)].transpose(dims)


@lru_cache(maxsize=256)
def _inverse(dims: Shape) -> Shape:
    return tuple(dims.index(d) for d in range(len(dims)))


def in_rows(forward: Callable[..., Any], arrays: Sequence[Any], static: dict[str, Any]) -> Any:
    """Row after row, whatever the inputs are."""
    result = forward(*arrays, **static)
    return tuple(map(rows_of, result)) if result.__class__ is tuple else rows_of(result)


def as_first(forward: Callable[..., Any], arrays: Sequence[Any], static: dict[str, Any]) -> Any:
    """As the first input lies, whose shape the results have."""
    result = forward(*arrays, **static)
    if result.__class__ is tuple:
        return tuple(alike(part, arrays[0]) for part in result)
    return alike(result, arrays[0])


def of_kind(kinds: str, layout: Layout, otherwise: Layout = pointwise) -> Layout:
    """This rule where the first input's elements are of these kinds, else the other."""

    def chosen(forward: Callable[..., Any], arrays: Sequence[Any], static: dict[str, Any]) -> Any:
        rule = layout if arrays[0].dtype.kind in kinds else otherwise
        return rule(forward, arrays, static)

    return chosen


def alike(result: Array, first: Array) -> Array:
    """The result as an array of the same shape lies."""
    order = order_like(first)
    if order is None:
        return rows_of(result)
    return seen(rows_of(result.transpose(order[0])), order)


def in_format(forward: Callable[..., Any], arrays: Sequence[Any], static: dict[str, Any]) -> Any:
    """In channels last if the first input's strides suggest it, else row after row."""
    result = forward(*arrays, **static)
    dims = suggested(arrays[0])
    if result.__class__ is tuple:
        return tuple(arranged(part, dims) for part in result)
    return arranged(result, dims)


def arranged(x: Array, dims: Shape | None) -> Array:
    """The array with these dimensions outermost first in memory (None: in row order)."""
    if dims is None or len(dims) != x.ndim:
        return rows_of(x)
    return seen(rows_of(x.transpose(dims)), (dims, packed(x.shape, dims)))


def iterated(x: Array, *operands: Operand) -> Array:
    """The array, an elementwise result, as such operands of (shape, strides, size of an element) say."""
    order = _pointwise_order(*operands)
    return rows_of(x) if order is None else seen(rows_of(x.transpose(order[0])), order)


def result_strides(shape: Shape, *operands: Operand) -> Shape:
    """The strides, in elements, of the elementwise result of such operands, which has this shape."""
    order = _pointwise_order(*operands)
    return packed(shape) if order is None else order[1]


def lies(x: Array, dims: Shape | None) -> bool:
    """Whether the strides are those of `arranged`, also along dimensions of size 1."""
    strides = (x if x.size else laid(x)).strides
    return tuple(s // x.itemsize for s in strides) == packed(x.shape, dims)
