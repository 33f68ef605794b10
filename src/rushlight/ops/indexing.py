"""Reading and writing by index: `x[i]`, `x[i] = v`, and torch's functions for it.

An index works in two steps. Integers, slices, None and `...` give a view first; then tensors pick
elements of that view. So an integer beside a tensor takes its dimension away before the tensor's
result finds its place, where NumPy would count it among the tensors.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.state import state
from rushlight.ops.arguments import apart, need_tensor, numpy_names, one_dim, relabel, write_out
from rushlight.ops.creation import number_in
from rushlight.ops.inplace import assign, check_writable, rebase
from rushlight.primitives import index as rows
from rushlight.primitives import pointwise
from rushlight.primitives.core import apply, attach, refresh
from rushlight.primitives.families import broadcast_shapes
from rushlight.primitives.index import ARRAY, FULL
from rushlight.tensor_base import TensorBase, alias, bump, wrap

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

__all__ = [
    "argwhere",
    "fill",
    "index_add",
    "index_copy",
    "index_fill",
    "index_put",
    "index_put_",
    "index_select",
    "masked_fill",
    "masked_scatter",
    "masked_select",
    "nonzero",
    "nonzero_static",
    "put",
    "take",
    "unravel_index",
]

_HINT = (
    "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
    "(got {})"
)

# ---- x[i] ---------------------------------------------------------------------------------------


def getitem(self: Tensor, index: Any) -> Tensor:
    """`x[index]`: a view for integers, slices, None and `...`; a copy for lists and tensors."""
    kind = index.__class__
    result: Tensor
    if kind is int:
        result = apply(rows.slice_, self, index=(index,))
        return result
    if index is Ellipsis:
        result = apply(rows.slice_, self, index=(Ellipsis,))
        return result
    basic, spec, tensors = _parsed(index, self)
    if basic is None:
        source = self
    else:
        source = apply(rows.slice_, self, index=basic)
        if not tensors:
            return source
    result = apply(rows.index, source, *tensors, spec=spec)
    return result


def _parsed(index: Any, x: TensorBase) -> tuple[Any, tuple[Any, ...], list[Tensor]]:
    """(index that gives a view, or None; index of tensors into that view; the tensors)."""
    kind = index.__class__
    if kind is not tuple:
        as_tuple = kind is list and _means_tuple(index)
        index = tuple(index) if as_tuple else (index,)
    basic: list[Any] = []
    spec: list[Any] = []
    tensors: list[Tensor] = []
    trivial = True
    for number, part in enumerate(index):
        kind = part.__class__
        if kind is int:
            basic.append(part)
            trivial = False
        elif kind is slice:
            part = _plain_slice(part)
            basic.append(part)
            spec.append(FULL)
            trivial = trivial and part == FULL
        elif part is None:
            basic.append(None)
            spec.append(FULL)
            trivial = False
        elif part is Ellipsis:
            before, after = index[:number], index[number + 1 :]
            if any(p is Ellipsis for p in before):
                raise IndexError("an index can only have a single ellipsis ('...')")
            covered = x._data.ndim - _consumed(before) - _consumed(after)
            basic.extend([FULL] * covered)
            spec.extend([FULL] * covered)
        elif kind is bool or kind is np.bool_:
            _add_flag(bool(part), basic, spec, tensors)
            trivial = False
        else:
            tensor = _index_tensor(part)
            data = tensor._data
            if data.ndim == 0 and data.dtype.kind == "b":
                _add_flag(bool(data), basic, spec, tensors)
                trivial = False
            elif data.ndim == 0:
                # torch selects with a 0-d integer, as with a Python one.
                basic.append(int(data))
                trivial = False
            else:
                basic.extend([FULL] * (data.ndim if data.dtype.kind == "b" else 1))
                spec.append(ARRAY)
                tensors.append(tensor)
    if not tensors:
        return tuple(basic), (), tensors
    if trivial and len(basic) > x._data.ndim:
        raise IndexError(
            f"too many indices for tensor of dimension {x._data.ndim}: the index stands for {len(basic)}"
        )
    while spec[-1] is FULL:
        spec.pop()
    return None if trivial else tuple(basic), tuple(spec), tensors


def _add_flag(flag: bool, basic: list[Any], spec: list[Any], tensors: list[Tensor]) -> None:
    # True is a new dimension of size 1, False one of size 0.
    basic.append(None)
    spec.append(ARRAY)
    tensors.append(wrap(np.zeros(1 if flag else 0, np.int64)))


def _means_tuple(index: list[Any]) -> bool:
    """torch takes a short list with anything but numbers in it for a tuple of indices."""
    return len(index) < 32 and any(
        part is None
        or part is Ellipsis
        or isinstance(part, TensorBase | slice | list | tuple | range | np.ndarray)
        for part in index
    )


def _index_tensor(part: Any) -> Tensor:
    """A tensor of int64 or bool for a list, an array or a tensor in an index."""
    if isinstance(part, TensorBase):
        data = part._data
    elif isinstance(part, np.ndarray):
        data = part
    elif isinstance(part, np.integer):
        return wrap(np.asarray(part))
    elif isinstance(part, list | tuple | range):
        data = np.asarray(part)
        if data.dtype.kind == "f":
            data = data.astype(np.int64)
    elif hasattr(part, "__index__"):
        return wrap(np.asarray(operator.index(part)))
    elif isinstance(part, str):
        raise TypeError("new(): invalid data type 'str'")
    else:
        raise IndexError(_HINT.format(type(part).__name__))
    if data.dtype == np.int64 or data.dtype.kind == "b":
        return part if isinstance(part, TensorBase) else wrap(data)  # type: ignore[return-value]
    if data.dtype == np.uint8:
        warnings.warn(
            "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.",
            UserWarning,
            stacklevel=4,
        )
        return wrap(data != 0)
    if data.dtype == np.int32:
        return wrap(data.astype(np.int64))
    raise IndexError("tensors used as indices must be long, int, byte or bool tensors")


def _consumed(parts: Sequence[Any]) -> int:
    """How many dimensions the parts of an index stand for."""
    total = 0
    for part in parts:
        if part is None or part is Ellipsis or isinstance(part, bool | np.bool_):
            continue
        mask = _index_tensor(part)._data if isinstance(part, list | np.ndarray | TensorBase) else None
        total += mask.ndim if mask is not None and mask.dtype.kind == "b" else 1
    return total


def _plain_slice(s: slice) -> slice:
    step = s.step
    if step is not None:
        step = operator.index(step)
        if step <= 0:
            what = "slice step cannot be zero" if step == 0 else "step must be greater than zero"
            raise ValueError(f"{what}: use .flip() to reverse a dimension")
    start, stop = s.start, s.stop
    if (start is None or start.__class__ is int) and (stop is None or stop.__class__ is int):
        return s
    return slice(
        None if start is None else operator.index(start),
        None if stop is None else operator.index(stop),
        step,
    )


def setitem(self: Tensor, index: Any, value: Any) -> None:
    """`x[index] = value`, in place and differentiable in both."""
    check_writable(self)
    value = _assigned(self, value)
    basic, spec, tensors = _parsed(index, self)
    recording = state.grad and (self._requires_grad or value._requires_grad)
    if not tensors:
        _place(self, value, (), basic, False, recording)
        return
    if value._data.dtype != self._data.dtype:
        if value._data.size != 1:
            raise RuntimeError(
                "Index put requires the source and destination dtypes match, got "
                f"{self.dtype.word} for the destination and {value.dtype.word} for the source."
            )
        value = value.astype(self._data.dtype)
    if basic is None:
        target = self
    elif recording or state.interpreter is not None:
        target = apply(rows.slice_, self, index=basic)
    else:
        rows.slice_.rule(self._data, index=basic)
        target = alias(self)
        target._data = self._data[(*basic, ...)]
    _place(target, value, tuple(tensors), spec, False, recording)


_NUMBERS = (int, float, np.generic)


def _assigned(self: Tensor, value: Any) -> Tensor:
    """The value of an assignment as a tensor."""
    if isinstance(value, TensorBase):
        return value  # type: ignore[return-value]
    if isinstance(value, _NUMBERS):
        return wrap(np.asarray(value).astype(self._data.dtype, copy=False))
    if isinstance(value, complex):
        if self._data.dtype.kind != "c":
            raise RuntimeError(f"value cannot be converted to type {self.dtype.name} without overflow")
        return wrap(np.asarray(value, self._data.dtype))
    raise TypeError(
        f"can't assign a {type(value).__module__.replace('builtins', '')}"
        f"{'' if type(value).__module__ == 'builtins' else '.'}{type(value).__name__} to a "
        f"{self.type()}: write torch.tensor(value)"
    )


def _place(
    self: Tensor, value: Tensor, tensors: tuple[Tensor, ...], spec: Any, add: bool, recording: bool
) -> None:
    """Put value into self's memory, and self at the place of that `put` in the graph."""
    arrays = [t._data for t in tensors]
    if recording and value._data.dtype != self._data.dtype:
        value = value.astype(self._data.dtype)
    static = {"spec": spec, "accumulate": add}
    if state.interpreter is not None:
        assign(self, apply(rows.put, self, value, *tensors, **static), "__setitem__", cast=True)
        return
    try:
        rows.put_into(self._data, value._data, *arrays, **static)
    except (ValueError, IndexError):
        rows.put.rule(self._data, value._data, *arrays, **static)
        raise
    if recording:
        _record(self, (value, *tensors), static)
    bump(self, "__setitem__")


def _record(self: Tensor, inputs: tuple[Tensor, ...], static: dict[str, Any]) -> None:
    # The rules of `put` ask for no values, so there is no need to compute it beside the memory.
    if self._view is not None:
        refresh(self)
    before = alias(self, self._node)
    before._requires_grad = self._requires_grad
    if self._output_nr:
        before._output_nr = self._output_nr
    result = wrap(self._data)
    attach(rows.put, (before, *inputs), static, result)
    rebase(self, result)


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
        result = apply(rows.index, input, where, spec=spec)
    relabel(result, "IndexSelectBackward0")
    return result if out is None else write_out(out, result)  # type: ignore[no-any-return]


def _lifted(input: Tensor) -> Tensor:
    return input if input._data.ndim else input.reshape(1)


def _sources(
    name: str, input: Tensor, at: int, index: Tensor, source: Tensor
) -> tuple[Tensor, Tensor]:
    """input and source, both of at least one dimension; raises unless source fits the index."""
    need_tensor(name, "source", 4, source)
    if source._data.dtype != input._data.dtype:
        raise RuntimeError(
            f"{name}(): self ({input.dtype.word}) and source ({source.dtype.word}) must have the same "
            "scalar type"
        )
    x, values = _lifted(input), _lifted(source)
    count = index._data.size
    wanted = (*x._data.shape[:at], count, *x._data.shape[at + 1 :])
    if values._data.shape != wanted:
        counted = values._data.shape[at : at + 1] == (count,)
        error = IndexError if name.startswith("index_copy") and not counted else RuntimeError
        raise error(
            f"{name}(): source of shape {list(source._data.shape)} does not fit: {count} indices into "
            f"dimension {at} of shape {list(input._data.shape)} need shape {list(wanted)}"
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
    return result if input._data.ndim else result.reshape(())  # type: ignore[no-any-return]


def _put_along_(
    name: str, self: Tensor, dim: int, index: Tensor, source: Tensor, alpha: Any, accumulate: bool
) -> Tensor:
    check_writable(self)
    if not self._data.ndim:
        result = _put_along(name, self, dim, index, source, alpha, accumulate)
        return assign(self, result, name)
    at, where, spec = _along(name, self, dim, index)
    _, values = _sources(name, self, at, where, source)
    if alpha != 1:
        values = values * alpha
    recording = state.grad and (self._requires_grad or values._requires_grad)
    _place(self, values, (where,), spec, accumulate, recording)
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
    result = _put_along("index_add", input, dim, index, source, alpha, True)
    relabel(result, "IndexAddBackward0")
    return result if out is None else write_out(out, result)


@numpy_names
def index_add_(self: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
    """`index_add`, in place."""
    return _put_along_("index_add_", self, dim, index, source, alpha, True)


@numpy_names
def index_copy(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, out: Tensor | None = None
) -> Tensor:
    """A copy of the input with source in the slices of dim at these positions."""
    result = _put_along("index_copy", input, dim, index, source, 1, False)
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
        filler: Any = value.astype(x._data.dtype)
    else:
        filler = wrap(np.asarray(number_in(value, x._data.dtype)))
    result = apply(rows.put, x, filler, where, spec=spec, accumulate=False)
    result = result if input._data.ndim else result.reshape(())
    return relabel(result, label)  # type: ignore[no-any-return]


# ---- by several tensors -------------------------------------------------------------------------


def _index_parts(name: str, indices: Any) -> tuple[tuple[Any, ...], tuple[Tensor, ...]]:
    if isinstance(indices, TensorBase):
        raise TypeError(f"{name}(): argument 'indices' must be tuple of Tensors, not Tensor")
    spec: list[Any] = []
    tensors = []
    for part in indices:
        if part is None:
            spec.append(FULL)
        else:
            spec.append(ARRAY)
            tensors.append(_index_tensor(part))
    return tuple(spec), tuple(tensors)


def index_put(
    input: Tensor, indices: Sequence[Tensor | None], values: Tensor, accumulate: bool = False
) -> Tensor:
    """A copy of the input with values written (or added) at `input[indices]`."""
    need_tensor("index_put", "input", 1, input)
    need_tensor("index_put", "values", 3, values)
    spec, tensors = _index_parts("index_put", indices)
    _same_dtype(input, values)
    rows.put.rule(
        input._data, values._data, *(t._data for t in tensors), spec=spec, accumulate=accumulate
    )
    result: Tensor = apply(rows.put, input, values, *tensors, spec=spec, accumulate=accumulate)
    return result


def _same_dtype(input: Tensor, values: Tensor) -> None:
    if input._data.dtype != values._data.dtype:
        raise RuntimeError(
            "Index put requires the source and destination dtypes match, got "
            f"{input.dtype.word} for the destination and {values.dtype.word} for the source."
        )


def index_put_(
    self: Tensor, indices: Sequence[Tensor | None], values: Tensor, accumulate: bool = False
) -> Tensor:
    """`index_put`, in place."""
    check_writable(self)
    need_tensor("index_put_", "values", 3, values)
    spec, tensors = _index_parts("index_put_", indices)
    _same_dtype(self, values)
    recording = state.grad and (self._requires_grad or values._requires_grad)
    _place(self, values, tensors, spec, accumulate, recording)
    return self


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
    return result if out is None else write_out(apart(out, input, index), result)  # type: ignore[no-any-return]


def _need_long(name: str, index: Tensor) -> None:
    if index._data.dtype != np.int64:
        raise RuntimeError(f"{name}(): Expected a long tensor for index, but got {index.dtype.word}")


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
            f"put_(): self and source expected to have the same dtype, but got self.dtype = "
            f"{input.dtype.word} and source.dtype = {source.dtype.word}"
        )
    if source._data.size != index._data.size:
        raise IndexError(
            f"put_(): Expected source and index to have the same number of elements, but got "
            f"source.numel() = {source._data.size}, index.numel() = {index._data.size}"
        )
    flat = input.reshape(-1)
    _check_flat("put_", flat, index)
    values = source.reshape(index._data.shape)
    result = apply(rows.put, flat, values, index, spec=(ARRAY,), accumulate=accumulate)
    return relabel(result.reshape(input._data.shape), "PutBackward0")  # type: ignore[no-any-return]


# ---- masks --------------------------------------------------------------------------------------


def _need_mask(name: str, mask: Any) -> None:
    need_tensor(name, "mask", 2, mask)
    if mask._data.dtype.kind != "b":
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
    if mask._data.dtype.kind != "b":
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    shape = broadcast_shapes([input._data.shape, mask._data.shape])
    x = input if input._data.shape == shape else input.expand(shape)
    where = mask if mask._data.shape == shape else wrap(np.broadcast_to(mask._data, shape))
    if not shape:
        x, where = x.reshape(1), wrap(where._data.reshape(1))
    result = relabel(apply(rows.index, x, where, spec=(ARRAY,)), "MaskedSelectBackward0")
    if out is not None and out._data.dtype != result._data.dtype:
        raise RuntimeError(
            f"masked_select(): self and result must have the same scalar type, not {out.dtype}"
        )
    return result if out is None else write_out(apart(out, input, mask), result)  # type: ignore[no-any-return]


def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """A copy of the input with a number where mask (which broadcasts) is True.

    >>> import rushlight as torch
    >>> torch.ones(2).masked_fill(torch.tensor([True, False]), 0)
    tensor([0., 1.])
    """
    need_tensor("masked_fill", "input", 1, input)
    _need_mask("masked_fill", mask)
    label = "MaskedFillBackward0"
    if isinstance(value, TensorBase):
        if value._data.ndim:
            raise RuntimeError(
                "masked_fill only supports a 0-dimensional value tensor, but got tensor with "
                f"{value._data.ndim} dimension(s)."
            )
        label = "MaskedFillBackward1"
        if value._data.dtype.kind == "c" and input._data.dtype.kind != "c":
            raise RuntimeError(
                f"value cannot be converted to type {input.dtype.name} without overflow: it is complex"
            )
        value = value.astype(input._data.dtype)
    else:
        value = wrap(np.asarray(number_in(value, input._data.dtype)))
    return relabel(apply(pointwise.where, mask, value, input), label)  # type: ignore[no-any-return]


def masked_fill_(self: Tensor, mask: Tensor, value: Any) -> Tensor:
    """`masked_fill`, in place."""
    check_writable(self)
    wanting = self._requires_grad or getattr(value, "_requires_grad", False)
    if (state.grad and wanting) or state.interpreter is not None or isinstance(value, TensorBase):
        return assign(self, masked_fill(self, mask, value), "masked_fill_")
    _need_mask("masked_fill", mask)
    value = number_in(value, self._data.dtype)
    if mask._data.shape != self._data.shape and broadcast_shapes([self._data.shape, mask._data.shape]) != self._data.shape:
        raise RuntimeError(
            f"masked_fill_: the mask of shape {list(mask._data.shape)} does not broadcast to the tensor "
            f"of shape {list(self._data.shape)}"
        )
    np.copyto(self._data, value, where=mask._data, casting="unsafe")
    bump(self, "masked_fill_")
    return self


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """A copy of the input with the first elements of source, in order, where mask is True."""
    need_tensor("masked_scatter", "input", 1, input)
    _need_mask("masked_scatter", mask)
    if source._data.dtype != input._data.dtype:
        raise RuntimeError(
            "masked_scatter: expected self and source to have same dtypes but got "
            f"{input.dtype.word} and {source.dtype.word}"
        )
    shape = broadcast_shapes([input._data.shape, mask._data.shape])
    x = input if input._data.shape == shape else input.expand(shape)
    where = np.broadcast_to(mask._data, shape)
    count = int(np.count_nonzero(where))
    if count > source._data.size:
        raise RuntimeError(
            "masked_scatter: expected self to have number of elements in mask <= source: "
            f"{count} are True, and source has {source._data.size}"
        )
    if not shape:
        x, where = x.reshape(1), where.reshape(1)
    values = source.reshape(-1)[:count]
    result = apply(rows.put, x, values, wrap(where), spec=(ARRAY,), accumulate=False)
    return relabel(result if shape else result.reshape(()), "MaskedScatterBackward0")  # type: ignore[no-any-return]


def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor like the input with every element value, a number or a 0-d tensor."""
    need_tensor("fill", "input", 1, input)
    everywhere = wrap(np.ones((), bool))
    if isinstance(value, TensorBase):
        if value._data.ndim:
            raise RuntimeError(
                f"fill only supports 0-dimension value tensor but got tensor with "
                f"{value._data.ndim} dimensions."
            )
        filler, label = value.astype(input._data.dtype), "FillBackward1"
    else:
        filler, label = wrap(np.asarray(number_in(value, input._data.dtype))), "FillBackward0"
    return relabel(apply(pointwise.where, everywhere, filler, input), label)  # type: ignore[no-any-return]


# ---- where elements are -------------------------------------------------------------------------


def nonzero(input: Tensor, *, as_tuple: bool = False, out: Tensor | None = None) -> Any:
    """The positions of all elements that are not zero, as rows; as_tuple: a tensor a dimension.

    >>> import rushlight as torch
    >>> torch.tensor([[0, 1], [2, 0]]).nonzero()
    tensor([[0, 1],
            [1, 0]])
    """
    need_tensor("nonzero", "input", 1, input)
    data = input._data
    if as_tuple:
        return tuple(wrap(a) for a in np.nonzero(data if data.ndim else data.reshape(1)))
    if not data.ndim:
        places = np.empty((int(data != 0), 0), np.int64)
    else:
        places = np.argwhere(data)
    result = wrap(places)
    if out is not None and out._data.dtype != np.int64:
        raise RuntimeError(f"nonzero: Expected out tensor to have scalar type Long, not {out.dtype}")
    return result if out is None else write_out(out, result)


def nonzero_static(
    input: Tensor, *, size: int, fill_value: int = -1, out: Tensor | None = None
) -> Tensor:
    """The first `size` rows of `nonzero`, filled up with fill_value."""
    if size < 0:
        raise RuntimeError(f"nonzero_static: 'size' must be an non-negative integer, not {size}")
    places = nonzero(input)._data[:size]
    rest = np.full((size - len(places), input._data.ndim), fill_value, np.int64)
    result = wrap(np.concatenate([places, rest]))
    return result if out is None else write_out(out, result)


def argwhere(input: Tensor) -> Tensor:
    """The positions of all elements that are not zero, as rows."""
    return nonzero(input)  # type: ignore[no-any-return]


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """Positions counted in row order as coordinates in a tensor of this shape.

    >>> import rushlight as torch
    >>> torch.unravel_index(torch.tensor([1, 5]), (2, 3))
    (tensor([0, 1]), tensor([1, 2]))
    """
    need_tensor("unravel_index", "indices", 1, indices)
    if indices._data.dtype.kind not in "iu":
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    if isinstance(shape, TensorBase):
        shape = shape.tolist()
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    for n in sizes:
        if not isinstance(n, int | np.integer):
            raise TypeError(f"expected 'shape' sequence items to be int, but got {type(n).__name__}")
        if n < 0:
            raise ValueError(f"'shape' cannot have negative values, but got {sizes}")
    places = indices._data.astype(np.int64)
    parts = []
    for n in reversed(sizes):
        parts.append(wrap(places % n if n else places))
        places = places // n if n else places
    return tuple(reversed(parts))
