"""Slices and elements picked, added, copied and filled at positions along one dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.pretended import remember, reusable
from rushlight.core.doors import apply, check, literal
from rushlight.core.state import state
from rushlight.core.tensor import TensorBase
from rushlight.memory import need_distinct
from rushlight.narrow import need_common, need_signed
from rushlight.ops.arguments import (
    apart,
    fitting_factor,
    need_number,
    need_scalar,
    need_tensor,
    need_type,
    need_unrecorded,
    numpy_names,
    one_dim,
    relabel,
    write_out,
)
from rushlight.ops.conversion import alike, in_rows
from rushlight.ops.indexing import place
from rushlight.ops.inplace import asked, assign
from rushlight.ops.labels import backward_name
from rushlight.ops.masking import filling
from rushlight.ops.precision import in_widest
from rushlight.ops.writable import admit, check_memory
from rushlight.primitives import index as rows
from rushlight.primitives import pointwise
from rushlight.primitives.index import ARRAY, FULL
from rushlight.primitives.kernel import entering
from rushlight.settings import alert_not_deterministic

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

# ---- along one dimension ------------------------------------------------------------------------


def _row(name: str, input: Tensor, dim: int, index: Tensor) -> int:
    """dim counted from the front; raises unless the index is a vector or a single number."""
    at = one_dim(dim, input._data_.ndim)
    if index._data_.ndim > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector, not of shape {index.shape}")
    return at


def _need_whole(name: str, index: Tensor) -> None:
    if index._data_.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"{name}(): Expected dtype int32 or int64 for index, not {index.dtype}")


def _within(
    name: str, input: Tensor, at: int, index: Tensor, error: type[Exception] = IndexError
) -> tuple[Tensor, tuple[Any, ...]]:
    """(index as a vector of int64, spec); raises if it points outside of the dimension."""
    data = index._data_
    size = input._data_.shape[at] if input._data_.ndim else 1
    # Read as unsigned, a negative number is too large as well.
    wide = np.uint64 if data.itemsize == 8 else np.uint32
    places = check(index, "that the places are there")
    if data.size and places.view(wide).max() >= size:
        wrong = places.min() if places.min() < 0 else places.max()
        raise error(f"{name}(): index {wrong} is out of range for dimension {at} with size {size}")
    if data.dtype != np.int64 or not data.ndim:
        index = index.astype(np.dtype(np.int64)).reshape(-1)
    return index, (*(FULL,) * at, ARRAY)


@numpy_names
def index_select(input: Tensor, dim: int, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The slices of dim at these positions, in a new tensor.

    >>> import rushlight as torch
    >>> torch.tensor([1, 2, 3]).index_select(0, torch.tensor([2, 0]))
    tensor([3, 1])
    """
    need_tensor("index_select", "input", 1, input)
    need_tensor("index_select", "index", 3, index)
    need_unrecorded(out, input)
    at = _row("index_select", input, dim, index)
    shape, count = input._data_.shape, index._data_.size
    if not shape and count != 1:
        raise RuntimeError(
            f"index_select(): Index to scalar can have only 1 value, got {count} value(s)"
        )
    _need_whole("index_select", index)
    if len(shape) < 2:
        need_signed("index_select", input._data_)
    if out is not None and out._data_.dtype != input._data_.dtype:
        raise RuntimeError("index_select(): self and result must have the same scalar type")
    if out is not None:
        need_distinct(apart(out, input, index)._data_)
    if len(shape) > 1 and not shape[at] and count:
        raise RuntimeError(
            f"index_select(): there is nothing to select in dimension {at} of size 0"
        )
    # torch has a kernel of its own for dimension 1, with an error of its own.
    error = RuntimeError if at == 1 or (len(shape) > 1 and 0 in shape) else IndexError
    where, spec = _within("index_select", input, at, index, error)
    if not shape:
        result = apply(pointwise.clone, input)
    else:
        result = in_rows(apply(rows.index, input, where, spec=spec))
    relabel(result, "IndexSelectBackward0")
    return result if out is None else write_out(out, result, same=True)


def _lifted(input: Tensor) -> Tensor:
    return input if input._data_.ndim else input.reshape(1)


def _need_operands(name: str, input: Any, index: Any, source: Any) -> None:
    need_tensor(name, "input", 1, input)
    need_tensor(name, "index", 3, index)
    need_tensor(name, "source", 4, source)


def _need_same_dtype(name: str, input: Tensor, source: Tensor) -> None:
    if source._data_.dtype != input._data_.dtype:
        raise RuntimeError(
            f"{name}(): self ({input.dtype.word}) and source ({source.dtype.word}) must have the "
            "same scalar type"
        )


def _slices(input: Tensor, source: Tensor, at: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The shapes of both without the dimension of the index."""
    x, values = input._data_.shape, source._data_.shape
    return (*x[:at], *x[at + 1 :]), (*values[:at], *values[at + 1 :])


def _fitting_add(name: str, input: Tensor, dim: int, index: Tensor, source: Tensor) -> int:
    """dim counted from the front, if index and source fit, else torch's errors in torch's order."""
    at = _row(name, input, dim, index)
    _need_whole(name, index)
    _need_same_dtype(name, input, source)
    count, x, values = index._data_.size, input._data_.shape, source._data_.shape
    if at and at >= len(values):
        raise RuntimeError(f"{name}(): dimension {at} is not there in a source of shape {values}")
    if count != (values[at] if values else 1):
        error = RuntimeError if values else IndexError
        raise error(f"{name}(): {count} indices for a source of shape {list(values)} in dim {at}")
    if not x or not values:
        fits = x == values
    else:
        ours, theirs = _slices(input, source, at)
        fits = ours == theirs
    if not fits:
        raise RuntimeError(
            f"{name}(): source tensor shape must match self tensor shape, excluding the specified "
            f"dimension. Got self.shape = {list(x)} source.shape = {list(values)}"
        )
    return at


def _fitting_copy(name: str, input: Tensor, dim: int, index: Tensor, source: Tensor) -> int:
    """The same for index_copy, which checks in another order."""
    at = _row(name, input, dim, index)
    count, x, values = index._data_.size, input._data_.shape, source._data_.shape
    if not values and count != 1:
        raise IndexError(f"{name}(): a source of no dimensions needs 1 index, not {count}")
    if x and values and len(x) != len(values):
        raise IndexError(
            f"{name}(): When source and destination are not scalars, their dimensionality must "
            f"match, but they are of shape {list(values)} and {list(x)}"
        )
    _need_long(name, index)
    _need_same_dtype(name, input, source)
    ours, theirs = _slices(input, source, at)
    if ours != theirs:
        raise RuntimeError(
            f"{name}(): Source/destination tensor must have same slice shapes: {list(ours)} in the "
            f"destination, {list(theirs)} in the source"
        )
    if values and count != values[at]:
        raise IndexError(
            f"{name}(): Number of indices ({count}) should be equal to source.size(dim) ({values[at]})"
        )
    return at


def _outside(input: Tensor, at: int, accumulate: bool) -> type[Exception]:
    """torch's error for an index that points outside, which depends on the kernel it comes to."""
    shape = input._data_.shape
    if accumulate:
        odd = len(shape) > 1 and at in (0, len(shape) - 1)
    else:
        odd = 0 in shape[at : at + 1]
    return RuntimeError if odd else IndexError


def _put_along(
    name: str, input: Tensor, dim: int, index: Tensor, source: Tensor, alpha: Any, accumulate: bool
) -> Tensor:
    _need_operands(name, input, index, source)
    at = (_fitting_add if accumulate else _fitting_copy)(name, input, dim, index, source)
    need_common(f"{name}_cpu", input._data_)
    if accumulate and not input._data_.size and input._data_.ndim > 1:
        return apply(pointwise.clone, input)
    where, spec = _within(name, input, at, index, _outside(input, at, accumulate))
    x, values = _lifted(input), _lifted(source)
    if alpha.__class__ is not int or alpha != 1:
        alpha = need_scalar(name, "alpha", 5, alpha)
        values = values * fitting_factor(alpha, values._data_.dtype)
    result = apply(rows.put, x, values, where, spec=spec, accumulate=accumulate)
    if accumulate and result._node_ is not None and not values._requires_grad_:
        reusable(result)
    return result if input._data_.ndim else result.reshape(())


def _put_along_(
    name: str, self: Tensor, dim: int, index: Tensor, source: Tensor, alpha: Any, accumulate: bool
) -> Tensor:
    _need_operands(name, self, index, source)
    need_common(f"{name}cpu", self._data_)
    recording = admit(self, source)
    one_dim(dim, self._data_.ndim)
    if not accumulate:
        check_memory(name[:-1], self._data_, index, source)
    if not self._data_.size or not self._data_.ndim:
        result = _put_along(name, self, dim, index, source, alpha, accumulate)
        return assign(self, result, name)
    at = (_fitting_add if accumulate else _fitting_copy)(name, self, dim, index, source)
    where, spec = _within(name, self, at, index, _outside(self, at, accumulate))
    values = _lifted(source)
    check_memory(name[:-1], self._data_, index, source)
    if alpha != 1:
        values = values * fitting_factor(alpha, values._data_.dtype)
    place(self, values, (where,), spec, accumulate, recording)
    if self._node_ is not None and self._view_ is None:
        self._node_._label = backward_name(name)
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
    need_unrecorded(out, input, source)
    result = in_rows(_put_along("index_add", input, dim, index, source, alpha, True))
    relabel(result, "IndexAddBackward0")
    return result if out is None else write_out(apart(out, index, source), result, same=True)


@asked(index_add)
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
    need_unrecorded(out, input, source)
    need_type(out, input._data_.dtype)
    result = in_rows(_put_along("index_copy", input, dim, index, source, 1, False))
    relabel(result, "IndexCopyBackward0")
    return result if out is None else write_out(apart(out, index, source), result, same=True)


@asked(index_copy)
@numpy_names
def index_copy_(self: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """`index_copy`, in place."""
    return _put_along_("index_copy_", self, dim, index, source, 1, False)


@numpy_names
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """A copy of the input with a number in the slices of dim at these positions."""
    need_tensor("index_fill", "input", 1, input)
    need_tensor("index_fill", "index", 3, index)
    if isinstance(value, TensorBase):
        if value._data_.ndim:
            raise RuntimeError(
                "index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                f"{value._data_.ndim} dimension(s)."
            )
    else:
        need_number("index_fill", "value", 4, value)
    if index._data_.dtype != np.int64:
        raise IndexError(f"index_fill_(): Expected dtype int64 for index, not {index.dtype}")
    is_complex = (
        value._data_.dtype.kind == "c"
        if isinstance(value, TensorBase)
        else isinstance(value, complex)
    )
    if is_complex and input._data_.dtype.kind != "c":
        raise RuntimeError(
            "index_fill_(): Converting complex Scalar to non-complex type is not supported"
        )
    at = _row("index_fill", input, dim, index)
    need_common("index_fill_cpu", input._data_)
    size = input._data_.shape[at] if input._data_.ndim else 1
    if not input._data_.size and size:
        return input.clone()
    x = _lifted(input)
    label = "IndexFillBackward0"
    if isinstance(value, TensorBase):
        label = "IndexFillBackward1"
        filler: Any = filling(value, x._data_.dtype)
    else:
        need_number("index_fill", "value", 4, value)
        if isinstance(value, complex) and x._data_.dtype.kind != "c":
            raise RuntimeError(
                "index_fill_(): Converting complex Scalar to non-complex type is not supported"
            )
        filler = literal(np.asarray(dtypes.number_in(value, x._data_.dtype)))
    index = pointwise.where(pointwise.lt(index, 0), index + size, index)
    where, spec = _within("index_fill", input, at, index, _outside(input, at, False))
    if filler._requires_grad_ or state.interpreters:
        # A place named twice gets the value, and passes its gradient on, once.
        nowhere, here = literal(np.zeros(size, bool)), literal(np.ones((), bool))
        named = apply(rows.put, nowhere, here, where, spec=(ARRAY,), accumulate=False)
        line = named.reshape((size,) + (1,) * (x._data_.ndim - 1 - at))
        result = apply(pointwise.where, line, filler, x)
    else:
        result = apply(rows.put, x, filler, where, spec=spec, accumulate=False)
    result = result if input._data_.ndim else result.reshape(())
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
    need_unrecorded(out, input)
    _need_long("take", index)
    need_type(out, input._data_.dtype)
    need_common("take_cpu", input._data_)
    if out is not None and (input._data_.size or not index._data_.size):
        need_distinct(apart(out, input, index)._data_)
    flat = entering(input, itself=False, lies="like").reshape(-1)
    _check_flat("take", flat, index)
    result = relabel(apply(rows.index, flat, index, spec=(ARRAY,)), "TakeBackward0")
    remember(result, input)
    return result if out is None else write_out(out, result, same=True)


def _need_long(name: str, index: Tensor) -> None:
    if index._data_.dtype != np.int64:
        raise RuntimeError(
            f"{name}(): Expected a long tensor for index, but got {index.dtype.word}"
        )


def _check_flat(name: str, flat: Tensor, index: Tensor) -> None:
    size, places = flat._data_.size, check(index, "that the places are there")
    if not size and places.size:
        raise IndexError(f"{name}(): tried to take from an empty tensor")
    if places.size and not (places.min() >= -size and places.max() < size):
        raise IndexError(f"out of range: {name}() of a tensor with {size} elements")


def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of the input with source at these positions, counted in row order."""
    need_tensor("put", "input", 1, input)
    need_tensor("put", "source", 3, source)
    _need_long("put_", index)
    if source._data_.dtype != input._data_.dtype:
        raise RuntimeError(
            "put_(): self and source expected to have the same dtype, but got self.dtype = "
            f"{input.dtype.word} and source.dtype = {source.dtype.word}"
        )
    if source._data_.size != index._data_.size:
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got "
            f"source.numel() = {source._data_.size}, index.numel() = {index._data_.size}"
        )
    flat = input.reshape(-1)
    _check_flat("put_", flat, index)
    values = source.reshape(index._data_.shape)
    if not accumulate:
        alert_not_deterministic("put_")
    result = apply(rows.put, flat, values, index, spec=(ARRAY,), accumulate=accumulate)
    return relabel(alike(result.reshape(input._data_.shape), input), "PutBackward0")
