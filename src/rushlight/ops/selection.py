"""Slices and elements picked, added, copied and filled at positions along one dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.ops.arguments import (
    apart,
    need_number,
    need_tensor,
    numpy_names,
    one_dim,
    relabel,
    write_out,
)
from rushlight.ops.conversion import alike, astype, in_rows
from rushlight.ops.indexing import place
from rushlight.ops.inplace import admit, assign, check_memory
from rushlight.ops.precision import in_widest
from rushlight.primitives import index as rows
from rushlight.primitives import pointwise
from rushlight.primitives.core import apply
from rushlight.primitives.index import ARRAY, FULL
from rushlight.tensor_base import TensorBase, wrap

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

__all__ = [
    "index_add",
    "index_copy",
    "index_fill",
    "index_select",
    "put",
    "take",
]

# ---- along one dimension ------------------------------------------------------------------------


def _along(name: str, input: Tensor, dim: int, index: Any) -> tuple[int, Tensor, tuple[Any, ...]]:
    """(dim counted from the front, index as int64, spec) for a 1-d index into a dimension."""
    need_tensor(name, "input", 1, input)
    need_tensor(name, "index", 3, index)
    at = one_dim(dim, input._data.ndim)
    data = index._data
    if data.ndim > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector, not of shape {index.shape}")
    if data.dtype not in (np.int64, np.int32):
        # torch is of two minds about this one.
        error = IndexError if name == "index_fill" else RuntimeError
        raise error(f"{name}(): Expected dtype int32 or int64 for index, not {index.dtype}")
    size = input._data.shape[at] if input._data.ndim else 1
    if name == "index_fill" and data.size and -size <= data.min() < 0:
        data = np.where(data < 0, data + size, data)
        index = wrap(data)
    # Read as unsigned, a negative number is too large as well.
    if data.size and data.view(np.uint64 if data.itemsize == 8 else np.uint32).max() >= size:
        wrong = data.min() if data.min() < 0 else data.max()
        raise IndexError(
            f"{name}(): index {wrong} is out of range for dimension {at} with size {size}"
        )
    if data.dtype != np.int64 or not data.ndim:
        index = wrap(data.astype(np.int64).reshape(-1))
    return at, index, (*(FULL,) * at, ARRAY)


@numpy_names
def index_select(input: Tensor, dim: int, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The slices of dim at these positions, in a new tensor.

    >>> import rushlight as torch
    >>> torch.tensor([1, 2, 3]).index_select(0, torch.tensor([2, 0]))
    tensor([3, 1])
    """
    _, where, spec = _along("index_select", input, dim, index)
    if not input._data.ndim:
        if where._data.size != 1:
            raise IndexError("index_select(): Index to scalar can have only 1 value")
        result = apply(pointwise.clone, input)
    else:
        result = in_rows(apply(rows.index, input, where, spec=spec))
    relabel(result, "IndexSelectBackward0")
    return result if out is None else write_out(apart(out, input, index), result)


def _lifted(input: Tensor) -> Tensor:
    return input if input._data.ndim else input.reshape(1)


def _sources(
    name: str, input: Tensor, at: int, index: Tensor, source: Tensor
) -> tuple[Tensor, Tensor]:
    """input and source, both of at least one dimension; raises unless source fits the index."""
    need_tensor(name, "source", 4, source)
    if source._data.dtype != input._data.dtype:
        raise RuntimeError(
            f"{name}(): self ({input.dtype.word}) and source ({source.dtype.word}) must have the "
            "same scalar type"
        )
    x, values = _lifted(input), _lifted(source)
    count = index._data.size
    wanted = (*x._data.shape[:at], count, *x._data.shape[at + 1 :])
    if values._data.shape != wanted:
        counted = values._data.shape[at : at + 1] == (count,)
        error = IndexError if name.startswith("index_copy") and not counted else RuntimeError
        raise error(
            f"{name}(): source of shape {list(source._data.shape)} does not fit: {count} indices "
            f"into dimension {at} of shape {list(input._data.shape)} need shape {list(wanted)}"
        )
    return x, values


def _put_along(
    name: str, input: Tensor, dim: int, index: Tensor, source: Tensor, alpha: Any, accumulate: bool
) -> Tensor:
    at, where, spec = _along(name, input, dim, index)
    x, values = _sources(name, input, at, where, source)
    if alpha != 1:
        values = values * alpha
    result = apply(rows.put, x, values, where, spec=spec, accumulate=accumulate)
    return result if input._data.ndim else result.reshape(())


def _put_along_(
    name: str, self: Tensor, dim: int, index: Tensor, source: Tensor, alpha: Any, accumulate: bool
) -> Tensor:
    recording = admit(self, source)
    if not self._data.ndim:
        result = _put_along(name, self, dim, index, source, alpha, accumulate)
        return assign(self, result, name)
    at, where, spec = _along(name, self, dim, index)
    _, values = _sources(name, self, at, where, source)
    check_memory(name[:-1], self._data, index, source)
    if alpha != 1:
        values = values * alpha
    place(self, values, (where,), spec, accumulate, recording)
    return self


@numpy_names
def index_add(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    *,
    alpha: Any = 1,
    out: Tensor | None = None,
) -> Tensor:
    """alpha * source added to the slices of dim at these positions, repeated ones each time.

    >>> import rushlight as torch
    >>> torch.zeros(3).index_add(0, torch.tensor([0, 0]), torch.tensor([1.0, 2.0]))
    tensor([3., 0., 0.])
    """
    result = in_rows(_put_along("index_add", input, dim, index, source, alpha, True))
    relabel(result, "IndexAddBackward0")
    return result if out is None else write_out(out, result)


@numpy_names
def index_add_(self: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
    """`index_add`, in place."""
    return _put_along_("index_add_", self, dim, index, source, alpha, True)


@in_widest
@numpy_names
def index_copy(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, out: Tensor | None = None
) -> Tensor:
    """A copy of the input with source in the slices of dim at these positions."""
    result = in_rows(_put_along("index_copy", input, dim, index, source, 1, False))
    relabel(result, "IndexCopyBackward0")
    return result if out is None else write_out(out, result)


@numpy_names
def index_copy_(self: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """`index_copy`, in place."""
    return _put_along_("index_copy_", self, dim, index, source, 1, False)


@numpy_names
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """A copy of the input with a number in the slices of dim at these positions."""
    need_tensor("index_fill", "input", 1, input)
    if isinstance(value, TensorBase) and value._data.ndim:
        raise RuntimeError(
            "index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
            f"{value._data.ndim} dimension(s)."
        )
    _, where, spec = _along("index_fill", input, dim, index)
    # A place named twice gets the value, and passes its gradient on, once.
    where = wrap(np.unique(where._data))
    x = _lifted(input)
    label = "IndexFillBackward0"
    if isinstance(value, TensorBase):
        label = "IndexFillBackward1"
        number = dtypes.number_in(value._data.item(), x._data.dtype)
        filler: Any = (
            astype(value, x._data.dtype) if value._requires_grad else wrap(np.asarray(number))
        )
    else:
        need_number("index_fill", "value", 4, value)
        if isinstance(value, complex) and x._data.dtype.kind != "c":
            raise RuntimeError(
                "index_fill_(): Converting complex Scalar to non-complex type is not supported"
            )
        filler = wrap(np.asarray(dtypes.number_in(value, x._data.dtype)))
    result = apply(rows.put, x, filler, where, spec=spec, accumulate=False)
    result = result if input._data.ndim else result.reshape(())
    return relabel(result, label)


# ---- counted in row order -----------------------------------------------------------------------


def take(input: Tensor, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements at these positions, counted in row order, in the shape of index.

    >>> import rushlight as torch
    >>> torch.tensor([[4, 3], [5, 7]]).take(torch.tensor([0, 3]))
    tensor([4, 7])
    """
    need_tensor("take", "input", 1, input)
    need_tensor("take", "index", 2, index)
    _need_long("take", index)
    flat = input.reshape(-1)
    _check_flat("take", flat, index)
    result = relabel(apply(rows.index, flat, index, spec=(ARRAY,)), "TakeBackward0")
    return result if out is None else write_out(apart(out, input, index), result)


def _need_long(name: str, index: Tensor) -> None:
    if index._data.dtype != np.int64:
        raise RuntimeError(
            f"{name}(): Expected a long tensor for index, but got {index.dtype.word}"
        )


def _check_flat(name: str, flat: Tensor, index: Tensor) -> None:
    size, places = flat._data.size, index._data
    if not size and places.size:
        raise IndexError(f"{name}(): tried to take from an empty tensor")
    if places.size and not (places.min() >= -size and places.max() < size):
        raise IndexError(f"out of range: {name}() of a tensor with {size} elements")


def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of the input with source at these positions, counted in row order."""
    need_tensor("put", "input", 1, input)
    need_tensor("put", "source", 3, source)
    _need_long("put_", index)
    if source._data.dtype != input._data.dtype:
        raise RuntimeError(
            "put_(): self and source expected to have the same dtype, but got self.dtype = "
            f"{input.dtype.word} and source.dtype = {source.dtype.word}"
        )
    if source._data.size != index._data.size:
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got "
            f"source.numel() = {source._data.size}, index.numel() = {index._data.size}"
        )
    flat = input.reshape(-1)
    _check_flat("put_", flat, index)
    values = source.reshape(index._data.shape)
    result = apply(rows.put, flat, values, index, spec=(ARRAY,), accumulate=accumulate)
    return relabel(alike(result.reshape(input._data.shape), input), "PutBackward0")
