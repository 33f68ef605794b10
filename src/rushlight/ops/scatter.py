"""Following an index along one dimension: `gather`, `scatter` and their kin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.pretended import remember
from rushlight.autograd.state import no_grad
from rushlight.core.doors import apply, check, into, literal, read_each
from rushlight.core.row import Primitive
from rushlight.core.state import state
from rushlight.core.tensor import TensorBase, bump, wants_grad
from rushlight.elsewhere import has_memory
from rushlight.errors import warn_once
from rushlight.narrow import need_common, need_signed
from rushlight.ops.arguments import (
    apart,
    need_number,
    need_real_gradient,
    need_scalar,
    need_tensor,
    need_unrecorded,
    numpy_names,
    one_dim,
    relabel,
    write_out,
)
from rushlight.ops.conversion import in_rows
from rushlight.ops.inplace import asked, assign
from rushlight.ops.writable import admit, check_memory
from rushlight.primitives import index as index_rows
from rushlight.primitives import scatter as rows
from rushlight.primitives.families import broadcast_shapes
from rushlight.primitives.kernel import closed, hang
from rushlight.primitives.pointwise import where

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def _checked(
    name: str, input: Tensor, dim: int, index: Any, src: Tensor | None = None, inside: bool = True
) -> tuple[Tensor, int, Tensor]:
    """(input, dim, index) of at least one dimension each, or torch's error.

    inside: the places are looked at here, and not later.
    """
    need_tensor(name, "input", 1, input)
    need_tensor(name, "index", 3, index)
    at = one_dim(dim, input._data_.ndim)
    x = input if input._data_.ndim else input.reshape(1)
    places = index if index._data_.ndim else index.reshape(1)
    rows.check_index(name, x._data_, places._data_, at, None if src is None else src._data_)
    if inside:
        rows.check_places(places, x._data_.shape[at], at)
    return x, at, places


@numpy_names
def gather(
    input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False, out: Tensor | None = None
) -> Tensor:
    """Elements picked along dim: `out[i][j] = input[index[i][j]][j]` for dim 0.

    >>> import rushlight as torch
    >>> torch.tensor([[1, 2], [3, 4]]).gather(1, torch.tensor([[0, 0], [1, 0]]))
    tensor([[1, 1],
            [4, 3]])
    """
    need_unrecorded(out, input)
    x, at, places = _checked("gather", input, dim, index)
    need_signed("gather_cpu", x._data_)
    if not places._data_.size:
        nowhere = literal(np.zeros(index._data_.shape, np.int64))
        picked = apply(index_rows.index, x.reshape(-1), nowhere, spec=(index_rows.ARRAY,))
        result = relabel(picked, "GatherBackward0")
    else:
        result = apply(rows.gather, x, places, dim=at)
        if result._data_.shape != index._data_.shape:
            result = relabel(result.reshape(index._data_.shape), "GatherBackward0")
    remember(result, input)
    if out is not None and out._data_.dtype != result._data_.dtype:
        raise RuntimeError(
            f"gather(): Expected self.dtype to be equal to out.dtype, not {out.dtype}"
        )
    return result if out is None else write_out(apart(out, input, index), result)


@numpy_names
def take_along_dim(
    input: Tensor, indices: Tensor, dim: int | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Elements at indices along dim (of all elements in row order if None); the rest broadcasts.

    >>> import rushlight as torch
    >>> x = torch.tensor([[3, 1, 2]])
    >>> x.take_along_dim(x.argsort(1), 1)
    tensor([[1, 2, 3]])
    """
    need_tensor("take_along_dim", "input", 1, input)
    need_tensor("take_along_dim", "indices", 2, indices)
    if indices._data_.dtype != np.int64:
        raise RuntimeError(
            f"torch.take_along_dim(): dtype of indices should be Long but got {indices.dtype.word}"
        )
    if dim is None:
        return gather(input.reshape(-1), 0, indices.reshape(-1), out=out)
    ndim = input._data_.ndim
    if indices._data_.ndim != ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, "
            f"but got {ndim} dimensions for input, and {indices._data_.ndim} dimensions for indices"
        )
    at = one_dim(dim, ndim)
    ours, theirs = input._data_.shape, indices._data_.shape
    common = broadcast_shapes(
        [(*ours[:at], 1, *ours[at + 1 :]), (*theirs[:at], 1, *theirs[at + 1 :])]
    )
    x = input.expand((*common[:at], ours[at], *common[at + 1 :]))
    readable = indices._data_.size and has_memory(indices._data_)
    if readable and read_each(indices, "whether places are counted back").min() < 0:
        indices = where(indices < 0, indices + ours[at], indices)
    places = indices.expand((*common[:at], theirs[at], *common[at + 1 :]))
    return gather(x, at, places, out=out)


# ---- scatter ------------------------------------------------------------------------------------


class _Write:
    """One scatter: the row, its inputs and parameters; for the copy and for the form in place."""

    def __init__(
        self, row: Primitive, label: str, inputs: tuple[Tensor, ...], **static: Any
    ) -> None:
        self.row = row
        self.label = label
        self.inputs = inputs
        self.static = static

    def copied(self, x: Tensor) -> Tensor:
        """A copy of x with the scatter done."""
        return relabel(apply(self.row, x, *self.inputs, **self.static), self.label)

    def into(self, x: Tensor, name: str) -> Tensor:
        """x with the scatter done in place."""
        recording = admit(x, *self.inputs)
        need_common("scatter_gather_tensor_cpu", x._data_)
        if recording:
            return assign(x, self.copied(x), name)
        into(x, rows.KERNELS[self.row.name], *self.inputs, **self.static)
        bump(x, name)
        return x


def _source(index: Tensor, src: Tensor, whole: bool = False) -> Tensor:
    """src of at least one dimension; `whole`: its gradient is taken of all of it."""
    source = src if src._data_.ndim else src.reshape(1)
    if not index._data_.size:
        return source
    if not whole and source._data_.shape != index._data_.shape and wants_grad(source):
        reason = (
            f"Function ScatterBackward0 returned an invalid gradient: got {list(index._data_.shape)} but "
            f"expected shape compatible with {list(src._data_.shape)}. There is a gradient of src only "
            "where index is of its shape"
        )
        source = closed(source, reason=reason, error=RuntimeError)
    return source


_UNNAMED = "torch::autograd::NotImplemented"
_REDUCTIONS = {"add": "sum", "multiply": "prod"}


def _scatter_plan(
    input: Tensor, dim: int, index: Tensor, src: Any, reduce: str | None
) -> tuple[Tensor, _Write | None]:
    if not isinstance(src, TensorBase):
        need_number("scatter", "value", 4, src)
    given: Any = src if isinstance(src, TensorBase) else None
    x, at, places = _checked("scatter", input, dim, index, given)
    if reduce is not None and reduce not in _REDUCTIONS:
        raise RuntimeError("reduce argument must be either add or multiply.")
    if given is not None:
        values = _source(places, given)
        if not places._data_.size:
            return x, None
        if reduce is None:
            return x, _Write(rows.scatter, "ScatterBackward0", (places, values), dim=at)
        warn_once(
            "The reduce argument of torch.scatter with Tensor src is deprecated and will be removed in a future "
            "PyTorch release. Use torch.scatter_reduce instead for more reduction options."
        )
    else:
        if not places._data_.size:
            return x, None
        if reduce is None:
            value = dtypes.number_in(src, x._data_.dtype)
            return x, _Write(rows.scatter_fill, "ScatterBackward1", (places,), dim=at, value=value)
        filler = np.asarray(dtypes.number_in(src, x._data_.dtype))
        values = literal(np.broadcast_to(filler, places._data_.shape))
    if reduce == "add":
        return x, _Write(rows.scatter_add, _UNNAMED, (places, values), dim=at)
    return x, _Write(rows.scatter_fold, _UNNAMED, (places, values), dim=at, fold="prod")


def _copied(
    input: Tensor, x: Tensor, index: Tensor, src: Any, write: _Write | None, out: Tensor | None
) -> Tensor:
    result = hang(in_rows(x.clone()), (src,)) if write is None else write.copied(x)
    if result._data_.shape != input._data_.shape:
        result = result.reshape(input._data_.shape)
        if write is not None:
            relabel(result, write.label)
    if out is None:
        return result
    others = (src,) if isinstance(src, TensorBase) else ()
    return write_out(apart(out, index, *others), result, same=True)


def _into(self: Tensor, x: Tensor, src: Any, write: _Write | None, name: str) -> Tensor:
    if write is None:
        if admit(self, src):
            return assign(self, hang(in_rows(self.clone()), (src,)), name)
        bump(self, name)
        return self
    if x is self:
        return write.into(self, name)
    return assign(self, write.copied(x).reshape(()), name)


@numpy_names
def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Any = None,
    *,
    value: Any = None,
    reduce: str | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of the input with src (a tensor or a number) written where index points along dim.

    For dim 0: `out[index[i][j]][j] = src[i][j]`. reduce "add" or "multiply" combines with what is
    there.

    >>> import rushlight as torch
    >>> torch.zeros(3).scatter(0, torch.tensor([2, 0]), torch.tensor([5.0, 7.0]))
    tensor([7., 0., 5.])
    """
    need_unrecorded(out, input, src)
    if reduce is not None and state.grad and (wants_grad(input) or _wants(src)):
        # torch has no derivative of it.
        with no_grad():
            result = scatter(input, dim, index, src, value=value, reduce=reduce)
        return relabel(hang(result, (input, src), "scatter"), _UNNAMED)
    x, write = _scatter_plan(input, dim, index, value if src is None else src, reduce)
    return _copied(input, x, index, src, write, out)


def _wants(src: Any) -> bool:
    return isinstance(src, TensorBase) and wants_grad(src)


@asked(scatter)
@numpy_names
def scatter_(
    self: Tensor,
    dim: int,
    index: Tensor,
    src: Any = None,
    *,
    value: Any = None,
    reduce: str | None = None,
) -> Tensor:
    """`scatter`, in place."""
    if src is None and value is None:
        need_number("scatter_", "value", 4, value)
    recorded = admit(self, src)
    one_dim(dim, self._data_.ndim)
    check_memory("scatter", self._data_, index, src)
    if reduce is not None and recorded:
        result = scatter(self, dim, index, src, value=value, reduce=reduce)
        return assign(self, result, "scatter_")
    x, write = _scatter_plan(self, dim, index, value if src is None else src, reduce)
    return _into(self, x, src, write, "scatter_")


def _add_plan(input: Tensor, dim: int, index: Tensor, src: Any) -> tuple[Tensor, _Write | None]:
    need_tensor("scatter_add", "src", 4, src)
    x, at, places = _checked("scatter_add", input, dim, index, src)
    values = _source(places, src)
    if not places._data_.size:
        return x, None
    return x, _Write(rows.scatter_add, "ScatterAddBackward0", (places, values), dim=at)


@numpy_names
def scatter_add(
    input: Tensor, dim: int, index: Tensor, src: Tensor, *, out: Tensor | None = None
) -> Tensor:
    """A copy of the input with src added where index points along dim, repeated places each time.

    >>> import rushlight as torch
    >>> torch.zeros(2).scatter_add(0, torch.tensor([1, 1]), torch.tensor([5.0, 7.0]))
    tensor([ 0., 12.])
    """
    need_unrecorded(out, input, src)
    x, write = _add_plan(input, dim, index, src)
    return _copied(input, x, index, src, write, out)


@asked(scatter_add)
@numpy_names
def scatter_add_(self: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """`scatter_add`, in place."""
    admit(self, src)
    one_dim(dim, self._data_.ndim)
    check_memory("scatter_add", self._data_, index, src)
    x, write = _add_plan(self, dim, index, src)
    return _into(self, x, src, write, "scatter_add_")


# ---- scatter_reduce -----------------------------------------------------------------------------

_KINDS = ("sum", "prod", "mean", "amax", "amin")


@numpy_names
def scatter_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of the input with all of src that index sends to a place reduced there.

    reduce: "sum", "prod", "mean", "amax" or "amin"; include_self counts what was there as well.

    >>> import rushlight as torch
    >>> x, index = torch.ones(2), torch.tensor([0, 0])
    >>> x.scatter_reduce(0, index, torch.tensor([3.0, 5.0]), "mean", include_self=False)
    tensor([4., 1.])
    """
    at = one_dim(dim, input._data_.ndim)
    need_tensor("scatter_reduce", "src", 4, src)
    x, at, places = _checked("scatter_reduce", input, at, index, src, inside=False)
    if reduce not in _KINDS:
        raise RuntimeError(
            f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}."
        )
    kind = input._data_.dtype.kind
    if (kind == "c" and reduce in ("amax", "amin")) or (kind == "b" and reduce == "mean"):
        if index._data_.size:
            name = f"scatter_gather_tensor_cpu_reduce_{reduce}"
            raise NotImplementedError(f"\"{name}\" not implemented for '{input.dtype.word}'")
        if kind == "b":
            raise NotImplementedError("\"div_floor_cpu\" not implemented for 'Bool'")
    rows.check_places(places, x._data_.shape[at], at)
    need_real_gradient("scatter_reduce", input, src)
    values = _source(places, src, whole=reduce in ("amax", "amin"))
    if places._data_.size:
        result = _reduced(x, at, places, values, reduce, include_self)
    else:
        result = hang(in_rows(x.clone()), (src,))
    if result._data_.shape != input._data_.shape:
        result = result.reshape(input._data_.shape)
    relabel(remember(result, input, src, result), "ScatterReduceBackward0")
    return result if out is None else write_out(out, result)


def _reduced(
    x: Tensor, at: int, places: Tensor, values: Tensor, reduce: str, include_self: bool
) -> Tensor:
    if reduce in ("sum", "mean"):
        start = x if include_self else _emptied(x, at, places, 0)
        total: Tensor = apply(rows.scatter_add, start, places, values, dim=at)
        if reduce == "sum":
            return total
        ones = literal(np.full(values._data_.shape, 1, x._data_.dtype))
        first = literal(np.full(x._data_.shape, int(include_self), x._data_.dtype))
        count = apply(rows.scatter_add, first, places, ones, dim=at)
        count = (
            count.clamp(min=1) if count._data_.dtype.kind != "c" else where(count == 0, 1, count)
        )
        whole = x._data_.dtype.kind in "iu"
        return total.div(count, rounding_mode="floor") if whole else total / count
    if not include_self:
        x = _emptied(x, at, places, _neutral(reduce, x._data_.dtype))
    return apply(rows.scatter_fold, x, places, values, dim=at, fold=reduce)


def _emptied(x: Tensor, at: int, places: Tensor, value: Any) -> Tensor:
    return apply(rows.scatter_fill, x, places, dim=at, value=value)


def _neutral(reduce: str, dtype: np.dtype[Any]) -> Any:
    """What a reduction starts from: no value of this dtype changes it."""
    if reduce == "prod":
        return 1
    largest = reduce == "amin"
    if dtype.kind in "fV":
        return np.inf if largest else -np.inf
    if dtype.kind == "b":
        return largest
    return np.iinfo(dtype).max if largest else np.iinfo(dtype).min


def index_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:
    """`scatter_reduce` of whole slices of dim; reduce is "prod", "mean", "amax" or "amin"."""
    need_tensor("index_reduce", "input", 1, input)
    if reduce not in _KINDS[1:]:
        raise RuntimeError(
            "index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got "
            f"{reduce}."
        )
    at = one_dim(dim, input._data_.ndim)
    shape, own = source._data_.shape, input._data_.shape
    if index._data_.ndim > 1:
        raise IndexError(
            f"index_reduce_(): Index is supposed to be a vector, but got dim: {index._data_.ndim}"
        )
    if source._data_.dtype != input._data_.dtype:
        raise RuntimeError(
            f"index_reduce_(): self ({input.dtype.word}) and source ({source.dtype.word}) must have the same "
            "scalar type"
        )
    if at and at >= len(shape):
        raise RuntimeError(
            f"index_reduce_(): Indexing dim {at} is out of bounds of the source tensor with dim {len(shape)}"
        )
    if index._data_.size != (shape[at] if shape else 1):
        if not shape:
            raise IndexError(f"Dimension specified as {at} but tensor has no dimensions")
        raise RuntimeError(
            f"index_reduce_(): Number of indices ({index._data_.size}) should be equal to source.size(dim): "
            f"({shape[at]}), for dim: {at}"
        )
    if len(shape) != len(own) or (shape[:at], shape[at + 1 :]) != (own[:at], own[at + 1 :]):
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. Got "
            f"self.shape = {list(own)} source.shape = {list(shape)}"
        )
    kind = input._data_.dtype.kind
    if kind in "bc" and own and (len(own) == 1 or not include_self):
        raise NotImplementedError(f"\"index_func_\" not implemented for '{input.dtype.word}'")
    values = source if shape else source.reshape(1)
    line = index.reshape((1,) * at + (-1,) + (1,) * (values._data_.ndim - at - 1))
    warn_once("index_reduce() is in beta and the API may change at any time.")
    wanted = check(index, "that the slices are there")
    if wanted.size and not 0 <= wanted.min() <= wanted.max() < (own[at] if own else 1):
        raise IndexError("index out of range in self")
    places = line.expand(values._data_.shape)
    x = input if input._data_.ndim else input.reshape(1)
    if wanted.size:
        result = scatter_reduce(x, at, places, values, reduce, include_self=include_self)
    else:
        result = x.clone()
    if result._data_.shape != input._data_.shape:
        result = result.reshape(input._data_.shape)
    relabel(result, "IndexReduceBackward0")
    return result if out is None else write_out(out, result)


def fill_diagonal_(self: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """Write a number on the diagonal, in place; wrap starts anew below a tall matrix.

    >>> import rushlight as torch
    >>> torch.zeros(2, 2).fill_diagonal_(1)
    tensor([[1., 0.],
            [0., 1.]])
    """
    fill_value = need_scalar("fill_diagonal_", "fill_value", 1, fill_value)
    shape = self._data_.shape
    if len(shape) < 2:
        raise RuntimeError("dimensions must larger than 1")
    if len(shape) > 2 and len(set(shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    strides = self.stride()
    length = min(shape)
    step = sum(strides)
    diagonal = self.as_strided((length,), (step,), self.storage_offset())
    diagonal.fill_(fill_value)
    if wrap and len(shape) == 2 and shape[0] > shape[1] + 1:
        self[shape[1] + 1 :].fill_diagonal_(fill_value, wrap=True)
    return self
