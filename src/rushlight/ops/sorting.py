"""Sorted, ranked and searched: `sort`, `topk`, `unique`, `searchsorted`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import return_types
from rushlight.autograd.pretended import remember, reusable
from rushlight.core.doors import apply, check, literal, read
from rushlight.core.state import state
from rushlight.core.tape import refresh
from rushlight.core.tensor import Array, TensorBase, wants_grad
from rushlight.errors import warn_once
from rushlight.narrow import need_common
from rushlight.ops.arguments import (
    anew,
    apart,
    like,
    need_flag,
    need_int,
    need_real_gradient,
    need_tensor,
    need_unrecorded,
    numpy_names,
    one_dim,
    relabel,
    write_out,
    write_outs,
)
from rushlight.ops.conversion import alike, in_rows
from rushlight.primitives import sort as rows
from rushlight.primitives.constant import computed
from rushlight.primitives.families import NUMERIC, REAL, result_type, supported
from rushlight.primitives.kernel import closed
from rushlight.primitives.pointwise import where
from rushlight.primitives.scatter import gather

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

Pair = tuple["Tensor", "Tensor"]


def _sortable(name: str, input: Any, dim: int) -> tuple[Tensor, int]:
    """(input with at least one dimension, dim counted from the front)."""
    need_tensor(name, "input", 1, input)
    at = one_dim(dim, input._data_.ndim)
    if input._data_.dtype.kind == "c" and name != "kthvalue":
        word = " topk" if name == "topk" else " Sort"
        raise RuntimeError(f"{word} does not support complex dtypes on CPU\nSort .abs() or .real.")
    return (input if input._data_.ndim else input.reshape(1)), at


def _at(x: Tensor, places: Tensor, at: int, label: str, input: Tensor) -> Pair:
    """(values, indices), in the number of dimensions of the input."""
    values = relabel(apply(gather, x, places, dim=at), label)
    if not input._data_.ndim:
        places = anew(places.reshape(()))
        values = remember(relabel(values.reshape(()), label), places)
    return values, places


def _ordered(
    name: str, order: tuple[Any, ...], descending: bool, stable: bool | None
) -> tuple[int, bool]:
    """dim and descending given without their names, which torch takes only where stable= is not."""
    if stable is not None or len(order) > 2:
        raise TypeError(
            f"{name}() received an invalid combination of arguments: with stable=, dim= and "
            "descending= are given by name"
        )
    return order[0], order[1] if len(order) > 1 else descending


def _directed(name: str, descending: Any, stable: Any) -> dict[str, bool]:
    stable = False if stable is None else need_flag(name, "stable", 2, stable)
    return {"descending": need_flag(name, "descending", 3, descending), "stable": stable}


@numpy_names
def sort(
    input: Tensor,
    *order: Any,
    dim: int = -1,
    descending: bool = False,
    stable: bool | None = None,
    out: Pair | None = None,
) -> Any:
    """(values, indices) in sorted order along dim; nan is largest. Called sort(input, dim, descending).

    With stable=True equal elements keep their order; else they come as in torch (`primitives.ties`).

    >>> import rushlight as torch
    >>> torch.tensor([2, 3, 1]).sort()
    torch.return_types.sort(
    values=tensor([1, 2, 3]),
    indices=tensor([2, 0, 1]))
    """
    if order:
        dim, descending = _ordered("sort", order, descending, stable)
    need_unrecorded(out, input)
    x, at = _sortable("sort", input, dim)
    places = apply(rows.order, x, dim=at, **_directed("sort", descending, stable))
    # torch has a function of its own for those that say whether.
    label = "SortBackward0" if stable is None else "SortBackward1"
    values, places = _at(x, places, at, label, input)
    values = relabel(alike(values, input), label)
    return write_outs(out, return_types.sort((values, places)))


@numpy_names
def argsort(
    input: Tensor,
    *order: Any,
    dim: int = -1,
    descending: bool = False,
    stable: bool | None = None,
) -> Tensor:
    """Where the elements stand, in sorted order along dim. Called argsort(input, dim, descending)."""
    if order:
        dim, descending = _ordered("argsort", order, descending, stable)
    x, at = _sortable("argsort", input, dim)
    if state.grad:
        # torch sorts, and lets go of the values.
        refresh(input)
    places: Tensor = apply(rows.order, x, dim=at, **_directed("argsort", descending, stable))
    return places if input._data_.ndim else anew(places.reshape(()))


def msort(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements in sorted order along the first dimension."""
    need_tensor("msort", "input", 1, input)
    need_unrecorded(out, input)
    return write_out(out, sort(input, 0)[0], same=True)


@numpy_names
def topk(
    input: Tensor,
    k: int,
    dim: int = -1,
    largest: bool = True,
    sorted: bool = True,
    *,
    out: Pair | None = None,
) -> Any:
    """(values, indices) of the k largest (or smallest) elements along dim, in order.

    >>> import rushlight as torch
    >>> torch.tensor([2, 3, 1]).topk(2).values
    tensor([3, 2])
    """
    k = need_int("topk", "k", 2, k)
    largest = need_flag("topk", "largest", 4, largest)
    sorted = need_flag("topk", "sorted", 5, sorted)
    need_unrecorded(out, input)
    x, at = _sortable("topk", input, dim)
    size = x._data_.shape[at]
    if not 0 <= k <= size:
        raise RuntimeError(
            f"selected index k out of range: k is {k}, and dimension {at} has {size} elements"
        )
    if x._data_.dtype.kind == "b":
        raise RuntimeError("topk does not support bool dtypes on CPU")
    # One number alone is its own answer, whatever k is.
    k = k if input._data_.ndim else 1
    places = apply(rows.top, x, dim=at, k=k, largest=largest, in_order=sorted)
    return write_outs(out, return_types.topk(_at(x, places, at, "TopkBackward0", input)), input)


@numpy_names
def kthvalue(
    input: Tensor, k: int, dim: int = -1, keepdim: bool = False, *, out: Pair | None = None
) -> Any:
    """(values, indices) of the k-th smallest element along dim, counted from 1."""
    k = need_int("kthvalue", "k", 2, k)
    need_flag("kthvalue", "keepdim", 4, keepdim)
    need_unrecorded(out, input)
    x, at = _sortable("kthvalue", input, dim)
    size = x._data_.shape[at]
    if not size:
        raise IndexError(f"kthvalue(): Expected reduction dim {at} to have non-zero size.")
    if not 1 <= k <= size:
        raise RuntimeError(
            f"kthvalue(): selected number k out of range for dimension {at}: k is {k}, its size "
            f"{size}"
        )
    if input._data_.ndim and x._data_.dtype.kind in "bc":
        raise NotImplementedError(f"\"kthvalue_cpu\" not implemented for '{x.dtype.word}'")
    need_real_gradient("kthvalue", input)
    places = apply(rows.kth, x, dim=at, nth=k - 1)
    values, places = _at(x, places, at, "KthvalueBackward0", input)
    if not keepdim and input._data_.ndim:
        values, places = relabel(values.squeeze(at), "KthvalueBackward0"), anew(places.squeeze(at))
    places = in_rows(places)
    if out is not None:
        apart(out[0], input)
    return write_outs(out, return_types.kthvalue((values, places)))


# ---- different elements -------------------------------------------------------------------------


def _underived(result: Tensor, input: Tensor, name: str, label: str) -> Tensor:
    """The result as one that depends on input in a way that has no derivative."""
    if not (state.grad and wants_grad(input)):
        return result
    reason = f"the derivative for '{name}' is not implemented."
    source = apply(closed, input.sum(), reason=reason, error=NotImplementedError)
    joined: Tensor = apply(where, literal(np.ones((), bool)), result, source)
    return relabel(reusable(joined), label)


def _answer(
    input: Tensor, parts: list[Array], inverse: bool, counts: bool, name: str, label: str
) -> Any:
    """What `unique` returns: a tensor, or a tuple with the extras that were asked for."""
    wanted = [*([parts[1]] if inverse else []), *([parts[2]] if counts else [])]
    first = _underived(literal(np.array(parts[0], order="C")), input, name, label)
    tensors = (first, *(literal(np.array(part, order="C")) for part in wanted))
    return tensors if len(tensors) > 1 else tensors[0]


def _sliced(dim: int, shape: tuple[int, ...]) -> int:
    """The dimension whose slices are told apart, or torch's error."""
    at = one_dim(dim, len(shape))
    if not shape:
        raise IndexError(f"Dimension specified as {at} but tensor has no dimensions")
    if shape[at] and 0 in shape:
        raise RuntimeError(
            "There are 0 sized dimensions, and they aren't selected, so unique cannot be applied"
        )
    if shape.count(0) > 1:
        raise RuntimeError(
            "Number of zero sized dimensions is more than one, so unique cannot be applied"
        )
    return at


def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different elements in rising order, or the different slices of dim.

    return_inverse adds where each element of the input went, return_counts how often each occurs.

    >>> import rushlight as torch
    >>> torch.tensor([3, 1, 3]).unique(return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    need_tensor("unique", "input", 1, input)
    for position, (name, flag) in enumerate(
        (("sorted", sorted), ("return_inverse", return_inverse), ("return_counts", return_counts)),
        2,
    ):
        need_flag("unique", name, position, flag)
    data = input._data_
    supported("unique" if dim is None else "unique_dim", REAL, [data])
    if dim is None:
        if not (return_inverse or return_counts):
            data = read(input, "the different elements")
            found = literal(_first_zero(np.unique(data, equal_nan=False), data))
            return like(_underived(found, input, "_unique2", "Unique2Backward0"), input)
        data = read(input, "the different elements")
        values, inverse, counts = np.unique(
            data, return_inverse=True, return_counts=True, equal_nan=False
        )
        if data.dtype.kind in "fV" and values.size and np.isnan(values[-1]):
            # Every nan is different: they are numbered in the order of torch's sort.
            places = rows.torch_order(data.reshape(-1), False)
            inverse = inverse.reshape(-1)
            inverse[places] = np.repeat(np.arange(values.size), counts)
        parts = [_first_zero(values, data), inverse.reshape(data.shape), counts]
        return _answer(input, parts, return_inverse, return_counts, "_unique2", "Unique2Backward0")
    at = _sliced(dim, data.shape)
    data = read(input, "the different slices")
    values, inverse, counts = np.unique(
        data, return_inverse=True, return_counts=True, axis=at, equal_nan=False
    )
    parts = [np.moveaxis(values, at, 0), inverse.reshape(-1), counts]
    answer = _answer(
        input, parts, return_inverse, return_counts, "unique_dim", "UniqueDimBackward0"
    )
    return _along(at, answer)


def _first_zero(values: Array, data: Array) -> Array:
    """The different elements, and of zeros the one that torch's sort puts in front."""
    zeros = data[data == 0]
    if data.dtype.kind == "f" and np.signbit(zeros).any() and not np.signbit(zeros).all():
        flat = data.reshape(-1)
        ordered = flat[rows.torch_order(flat, False)]
        values[values == 0] = ordered[ordered == 0][0]
    return values


def _along(at: int, answer: Any) -> Any:
    """The different slices along dim `at`: as in torch a view, the slices lie one after the other."""
    if answer.__class__ is tuple:
        return answer[0].movedim(0, at), *answer[1:]
    return answer.movedim(0, at)


def unique_consecutive(
    input: Tensor,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The elements without those that equal the one before; with dim, the slices.

    >>> import rushlight as torch
    >>> torch.tensor([1, 1, 2, 1]).unique_consecutive()
    tensor([1, 2, 1])
    """
    need_tensor("unique_consecutive", "input", 1, input)
    need_flag("unique_consecutive", "return_inverse", 2, return_inverse)
    need_flag("unique_consecutive", "return_counts", 3, return_counts)
    data = input._data_
    supported("unique", REAL, [data])
    if dim is None:
        line = read(input, "where elements change").reshape(-1)
        new = line[1:] != line[:-1]
        shape: tuple[int, ...] = data.shape
    else:
        at = _sliced(dim, data.shape)
        line = np.moveaxis(read(input, "where slices change"), at, 0)
        new = (line[1:] != line[:-1]).any(axis=tuple(range(1, line.ndim)))
        shape = (line.shape[0],)
    size = line.shape[0]
    starts = np.flatnonzero(np.concatenate(([True], new))) if size else np.empty(0, np.int64)
    inverse = np.concatenate(([0], np.cumsum(new))) if size else np.empty(0, np.int64)
    counts = np.diff(np.append(starts, size)) if size else np.empty(0, np.int64)
    parts = [line[starts], inverse.reshape(shape), counts]
    answer = _answer(
        input, parts, return_inverse, return_counts, "unique_consecutive",
        "UniqueConsecutiveBackward0",
    )  # fmt: skip
    return answer if dim is None else _along(at, answer)


def isin(
    elements: Any,
    test_elements: Any,
    *,
    assume_unique: bool = False,
    invert: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """Which elements are among test_elements; either may be a number.

    >>> import rushlight as torch
    >>> torch.isin(torch.tensor([1, 2, 3]), torch.tensor([2, 5]))
    tensor([False,  True, False])
    """
    if not isinstance(elements, TensorBase) and not isinstance(test_elements, TensorBase):
        need_tensor("isin", "elements", 1, elements)
    ours: Any
    theirs: Any
    ours, theirs = (
        x if isinstance(x, TensorBase) else literal(np.asarray(x))
        for x in (elements, test_elements)
    )
    for t in (ours, theirs):
        if t._data_.dtype.kind in "bc":
            raise RuntimeError(f"Unsupported input type encountered for isin(): {t.dtype.word}")
    if ours._data_.size and isinstance(test_elements, TensorBase):
        need_common("isin_default_cpu", ours._data_, theirs._data_)
    if theirs._data_.size < int(10 * ours._data_.size**0.145) and theirs._data_.ndim:
        # Each of so few is looked at in turn: they are to be one line in memory.
        theirs = theirs.view(-1)
    found = computed(np.isin, ours, theirs, unique=assume_unique, invert=invert)
    return write_out(out, found)


# ---- in a sorted sequence -----------------------------------------------------------------------


def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Where values would have to go into a sorted sequence; along its last dimension.

    Before equal elements, or after them with right=True (side="right"). sorter: the order that
    sorts a sequence that is not sorted.

    >>> import rushlight as torch
    >>> torch.searchsorted(torch.tensor([1, 3, 5]), torch.tensor([3, 6]))
    tensor([1, 3])
    """
    need_tensor("searchsorted", "sorted_sequence", 1, sorted_sequence)
    if side not in (None, "left", "right"):
        raise RuntimeError(
            "torch.searchsorted(): side can only be 'left' or 'right' but got " + str(side)
        )
    if side == "left" and right:
        raise RuntimeError(
            "torch.searchsorted(): side and right can't be set to opposites, got side of left "
            "while right was True"
        )
    values = input if isinstance(input, TensorBase) else literal(np.asarray(input))
    sequence = sorted_sequence
    data, wanted = sequence._data_, values._data_
    if not data.ndim:
        raise RuntimeError("torch.searchsorted(): boundaries tensor should have positive dimension")
    if data.ndim != 1 and data.shape[:-1] != wanted.shape[:-1]:
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 "
            "dimensions of boundaries tensor and input value tensor must match, but we got "
            f"boundaries tensor {list(data.shape)} and input value tensor {list(wanted.shape)}"
        )
    _need_comparable(data, wanted)
    _tell_of_copies(values, sequence)
    if sorter is not None:
        sequence = _sorted_by(sequence, sorter)
    found = apply(rows.search, sequence, values, right=right or side == "right")
    return _positions("searchsorted", found, out_int32, out)


def _tell_of_copies(values: TensorBase, boundaries: TensorBase) -> None:
    for name, tensor in (("input value", values), ("boundary", boundaries)):
        if not tensor._data_.flags.c_contiguous:
            warn_once(
                f"torch.searchsorted(): {name} tensor is non-contiguous, this will lower the performance due to "
                f"extra data copy when converting non-contiguous tensor to contiguous, please use contiguous {name} "
                "tensor if possible. This message will only appear once per program."
            )


def _need_comparable(sequence: Array, values: Array) -> None:
    """Raise torch's error for types without an order, if anything is to be found."""
    if values.size:
        common = result_type(sequence, values).numpy
        supported("searchsorted_out_cpu", NUMERIC, [np.empty(0, common)])


def _sorted_by(sequence: Tensor, sorter: Tensor) -> Tensor:
    data, places = sequence._data_, sorter._data_
    if places.shape != data.shape:
        raise RuntimeError(
            "torch.searchsorted(): boundary and sorter must have the same size, but got boundary "
            f"tensor {list(data.shape)} and got sorter tensor {list(places.shape)}"
        )
    if places.dtype != np.int64:
        raise RuntimeError(
            "torch.searchsorted(): sorter must be a tensor of long dtype but got dtype "
            f"{sorter.dtype.word}"
        )
    all_places = check(sorter, "that they are places")
    if places.size and not (all_places.min() >= 0 and all_places.max() < data.shape[-1]):
        raise RuntimeError("torch.searchsorted(): sorter index out of range")
    return apply(gather, sequence, sorter, dim=data.ndim - 1)


def _positions(name: str, found: Tensor, out_int32: bool, out: Tensor | None) -> Tensor:
    if out_int32:
        found = found.astype(np.dtype(np.int32))
    if out is not None and out._data_.dtype != found._data_.dtype:
        raise RuntimeError(
            f"torch.{name}(): output tensor's dtype is wrong, it can only be Int(int32) or "
            "Long(int64) depending on whether out_int32 flag is True, but we got output tensor's "
            f"dtype {out.dtype.word} and out_int32 flag is {out_int32}"
        )
    return found if out is None else write_out(out, found)


def bucketize(
    input: Any,
    boundaries: Tensor,
    *,
    out_int32: bool = False,
    right: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """The number of the bucket, between sorted boundaries, that each value falls into.

    >>> import rushlight as torch
    >>> torch.bucketize(torch.tensor([0, 2, 9]), torch.tensor([1, 3]))
    tensor([0, 1, 2])
    """
    need_tensor("bucketize", "boundaries", 2, boundaries)
    if boundaries._data_.ndim != 1:
        raise RuntimeError(
            f"boundaries tensor must be 1 dimension, but got dim({boundaries._data_.ndim})"
        )
    values = input if isinstance(input, TensorBase) else literal(np.asarray(input))
    _tell_of_copies(values, boundaries)
    _need_comparable(boundaries._data_, values._data_)
    found = apply(rows.search, boundaries, values, right=need_flag("bucketize", "right", 3, right))
    return _positions("bucketize", found, out_int32, out)
