"""Elements picked and filled by masks, and where elements are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.pretended import remember
from rushlight.core import doors
from rushlight.core.doors import apply, check, into, literal, read
from rushlight.core.state import state
from rushlight.core.tensor import Array, TensorBase, bump, wrap
from rushlight.memory import need_distinct, strided_view
from rushlight.narrow import need_common, need_signed
from rushlight.ops.arguments import (
    apart,
    like,
    need_number,
    need_tensor,
    relabel,
    write_out,
)
from rushlight.ops.conversion import astype, in_rows
from rushlight.ops.inplace import asked, assign
from rushlight.ops.writable import admit, check_memory
from rushlight.primitives import index as rows
from rushlight.primitives import pointwise
from rushlight.primitives.constant import computed
from rushlight.primitives.families import broadcast_shapes
from rushlight.primitives.index import ARRAY
from rushlight.primitives.kernel import entering
from rushlight.primitives.placement import columns, copied, empty_in, order_of
from rushlight.primitives.writing import fill_where

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

# ---- masks --------------------------------------------------------------------------------------


def _need_mask(name: str, mask: Any) -> None:
    need_tensor(name, "mask", 2, mask)
    if mask._data_.dtype.kind != "b":
        raise RuntimeError(
            f"{name} only supports boolean masks, but got mask with dtype {mask.dtype}"
        )


def masked_select(input: Tensor, mask: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements where mask (which broadcasts) is True, in one dimension.

    >>> import rushlight as torch
    >>> torch.tensor([1, 2, 3]).masked_select(torch.tensor([True, False, True]))
    tensor([1, 3])
    """
    need_tensor("masked_select", "input", 1, input)
    need_tensor("masked_select", "mask", 2, mask)
    if mask._data_.dtype.kind != "b":
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    shape = broadcast_shapes([input._data_.shape, mask._data_.shape])
    if input._data_.size:
        need_signed("masked_select", input._data_)
    x = entering(input, itself=False, lies="like")
    x = x if input._data_.shape == shape else x.expand(shape)
    where = mask if mask._data_.shape == shape else mask.expand(shape)
    if not shape:
        x, where = x.reshape(1), where.reshape(1)
    result = relabel(apply(rows.index, x, where, spec=(ARRAY,)), "MaskedSelectBackward0")
    remember(result, input)
    if out is not None and out._data_.dtype != result._data_.dtype:
        raise RuntimeError(
            f"masked_select(): self and result must have the same scalar type, not {out.dtype}"
        )
    if out is None:
        return result
    need_distinct(apart(out, input, mask)._data_)
    return write_out(out, result, same=True)


def filling(value: Any, dtype: np.dtype[Any]) -> Tensor:
    """The value to fill with, a 0-d tensor, in the type of what is filled, which must hold it."""
    found = check(value, "that it fits").flat
    plain = map(complex, found) if value._data_.dtype.kind == "c" else found
    numbers = [dtypes.number_in(n, dtype) for n in plain]
    if value._requires_grad_ or state.interpreters:
        return astype(value, dtype)
    return wrap(np.asarray(*numbers))


def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """A copy of the input with a number where mask (which broadcasts) is True.

    >>> import rushlight as torch
    >>> torch.ones(2).masked_fill(torch.tensor([True, False]), 0)
    tensor([0., 1.])
    """
    need_tensor("masked_fill", "input", 1, input)
    need_common("masked_fill", input._data_)
    _need_mask("masked_fill", mask)
    label = "MaskedFillBackward0"
    if isinstance(value, TensorBase):
        if value._data_.ndim:
            raise RuntimeError(
                "masked_fill only supports a 0-dimensional value tensor, but got tensor with "
                f"{value._data_.ndim} dimension(s)."
            )
        label = "MaskedFillBackward1"
        value = filling(value, input._data_.dtype)
    else:
        need_number("masked_fill", "value", 3, value)
        value = literal(np.asarray(dtypes.number_in(value, input._data_.dtype)))
    return relabel(in_rows(apply(pointwise.where, in_rows(mask), value, input)), label)


@asked(masked_fill)
def masked_fill_(self: Tensor, mask: Tensor, value: Any) -> Tensor:
    """`masked_fill`, in place."""
    recorded = admit(self, value)
    check_memory("masked_fill", self._data_, mask)
    if recorded:
        return assign(self, masked_fill(self, mask, value), "masked_fill_")
    if isinstance(value, TensorBase):
        return assign(self, masked_fill(self, mask, value), "masked_fill_")
    _need_mask("masked_fill", mask)
    need_common("masked_fill", self._data_)
    need_number("masked_fill_", "value", 2, value)
    number = dtypes.number_in(value, self._data_.dtype)
    if (
        mask._data_.shape != self._data_.shape
        and broadcast_shapes([self._data_.shape, mask._data_.shape]) != self._data_.shape
    ):
        raise RuntimeError(
            f"masked_fill_: the mask of shape {list(mask._data_.shape)} does not broadcast to the "
            f"tensor of shape {list(self._data_.shape)}"
        )
    into(self, fill_where, mask, number)
    bump(self, "masked_fill_")
    return self


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """A copy of the input with the first elements of source, in order, where mask is True."""
    need_tensor("masked_scatter", "input", 1, input)
    need_tensor("masked_scatter", "source", 2, source)
    need_signed("masked_scatter", input._data_)
    _need_mask("masked_scatter", mask)
    if source._data_.dtype != input._data_.dtype:
        raise RuntimeError(
            "masked_scatter: expected self and source to have same dtypes but got "
            f"{input.dtype.word} and {source.dtype.word}"
        )
    shape = broadcast_shapes([input._data_.shape, mask._data_.shape])
    x = entering(input, itself=False, lies="rows")
    x = x if input._data_.shape == shape else x.expand(shape)
    if state.interpreters:
        return relabel(_chosen(x, mask, source), "MaskedScatterBackward0")
    where = np.broadcast_to(read(mask, "where the mask is True"), shape)
    count = int(np.count_nonzero(where))
    if count > source._data_.size:
        raise RuntimeError(
            f"masked_scatter: expected self to have number of elements in mask <= source: {count} "
            f"are True, and source has {source._data_.size}"
        )
    if not shape:
        x, where = x.reshape(1), where.reshape(1)
    values = source.reshape(-1)[:count]
    result = in_rows(apply(rows.put, x, values, wrap(where), spec=(ARRAY,), accumulate=False))
    result = relabel(result if shape else result.reshape(()), "MaskedScatterBackward0")
    return remember(result, mask)


def _chosen(x: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """`masked_scatter`, with no look at how many elements are True."""
    mask = mask.expand(x._data_.shape)
    numbers = mask.reshape(-1).to(dtypes.int64).cumsum(0) - 1
    values = source.reshape(-1).index_select(0, numbers.clamp(0, source._data_.size - 1))
    return apply(pointwise.where, mask, values.reshape(x._data_.shape), x)


def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor like the input with every element value, a number or a 0-d tensor."""
    need_tensor("fill", "input", 1, input)
    everywhere = literal(np.ones((), bool))
    if isinstance(value, TensorBase):
        if value._data_.ndim:
            raise RuntimeError(
                "fill only supports 0-dimension value tensor but got tensor with "
                f"{value._data_.ndim} dimensions."
            )
        filler, label = astype(value, input._data_.dtype), "FillBackward1"
    else:
        filler, label = (
            literal(np.asarray(dtypes.number_in(value, input._data_.dtype))),
            "FillBackward0",
        )
    return relabel(apply(pointwise.where, everywhere, filler, input), label)


# ---- where elements are -------------------------------------------------------------------------


def nonzero(input: Tensor, *, as_tuple: bool = False, out: Tensor | None = None) -> Any:
    """The positions of all elements that are not zero, as rows; as_tuple: a tensor a dimension.

    >>> import rushlight as torch
    >>> torch.tensor([[0, 1], [2, 0]]).nonzero()
    tensor([[0, 1],
            [1, 0]])
    """
    need_tensor("nonzero", "input", 1, input)
    # Whoever watches learns that nothing else of the values is looked at.
    data = read(input != 0 if doors.watching else input, "where it is not zero")
    need_common("nonzero_count_cpu", data)
    if as_tuple and not data.ndim:
        data = data.reshape(1)
    result = like(literal(_turned(_found(data))), input)
    if as_tuple:
        return result.unbind(1)
    if out is not None and out._data_.dtype != np.int64:
        raise RuntimeError(
            f"nonzero: Expected out tensor to have scalar type Long, not {out.dtype}"
        )
    return result if out is None else write_out(out, result)


def nonzero_static(
    input: Tensor, *, size: int, fill_value: int = -1, out: Tensor | None = None
) -> Tensor:
    """The first `size` rows of `nonzero`, filled up with fill_value."""
    if size < 0:
        raise RuntimeError(f"nonzero_static: 'size' must be an non-negative integer, not {size}")
    return write_out(out, computed(_first, input, size=size, fill_value=fill_value))


def _found(data: Array) -> Array:
    return np.argwhere(data) if data.ndim else np.empty((int(data != 0), 0), np.int64)


def _turned(found: Array) -> Array:
    """Column after column, and as wide as there are rows."""
    return columns(found) if len(found) else strided_view(found, found.shape, (found.itemsize, 0))


def _first(data: Array, size: int, fill_value: int) -> Array:
    places = _found(data)[:size]
    rest = np.full((size - len(places), data.ndim), fill_value, np.int64)
    return np.concatenate([places, rest])


def argwhere(input: Tensor) -> Tensor:
    """The positions of all elements that are not zero, as rows."""
    need_tensor("argwhere", "input", 1, input)
    return like(computed(lambda data: _turned(_found(data)), input), input)


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """Positions counted in row order as coordinates in a tensor of this shape.

    >>> import rushlight as torch
    >>> torch.unravel_index(torch.tensor([1, 5]), (2, 3))
    (tensor([0, 1]), tensor([1, 2]))
    """
    need_tensor("unravel_index", "indices", 1, indices)
    if indices._data_.dtype.kind not in "iu":
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    if isinstance(shape, TensorBase):
        shape = read(shape, "a shape").tolist()
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    for n in sizes:
        if not isinstance(n, int | np.integer):
            raise TypeError(
                f"expected 'shape' sequence items to be int, but got {type(n).__name__}"
            )
        if n < 0:
            raise ValueError(f"'shape' cannot have negative values, but got {sizes}")
    parts = computed(_coordinates, indices, sizes=sizes)
    return tuple(parts.unbind(-1))


def _coordinates(indices: Array, sizes: tuple[int, ...]) -> Array:
    places = copied(indices, np.dtype(np.int64))
    # As in torch the coordinates of one position stand side by side in memory.
    order = order_of(places) or range(places.ndim)
    parts = empty_in((*places.shape, len(sizes)), places.dtype, (*order, places.ndim))
    for d, n in reversed(list(enumerate(sizes))):
        parts[..., d] = places % n if n else places
        places = places // n if n else places
    return parts
