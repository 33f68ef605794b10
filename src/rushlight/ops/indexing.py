"""Reading and writing by index: `x[i]`, `x[i] = v`.

An index works in two steps. Integers, slices, None and `...` give a view first; then tensors pick
elements of that view. So an integer beside a tensor takes its dimension away before the tensor's
result finds its place, where NumPy would count it among the tensors.
"""

from __future__ import annotations

import contextlib
import operator
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.arrays import Box
from rushlight.autograd.pretended import reusable
from rushlight.core.doors import apply, into, literal, number
from rushlight.core.state import state
from rushlight.core.tape import attach, refresh
from rushlight.core.tensor import Array, TensorBase, bump, wrap
from rushlight.errors import warn
from rushlight.memory import beside, need_distinct
from rushlight.narrow import need_common, need_signed
from rushlight.ops.arguments import need_apart, need_tensor, type_name
from rushlight.ops.data import array_of, checked
from rushlight.ops.inplace import ask, copy_, fill_, rebase, stand_in
from rushlight.ops.masking import filling
from rushlight.ops.writable import admit, check_copy, check_memory
from rushlight.overriding.functions import met
from rushlight.primitives import index as rows
from rushlight.primitives import pointwise
from rushlight.primitives.index import ARRAY, FULL
from rushlight.primitives.writing import copy_region

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

_HINT = (
    "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid "
    "indices "
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
    try:
        basic, spec, tensors = _parsed(index, self)
    except _REFUSED:
        if not met(index):
            _refuse(self, index)
            raise
        return self[index]
    if basic is None:
        source = self
    else:
        source = apply(rows.slice_, self, index=basic)
        if not tensors:
            return source
    result = apply(rows.index, source, *tensors, spec=spec)
    return result


def _parsed(
    index: Any, x: TensorBase, told: bool = True
) -> tuple[Any, tuple[Any, ...], list[Tensor]]:
    """(index that gives a view, or None; index of tensors into that view; the tensors).

    told: bytes among them are warned of.
    """
    if index.__class__ is not tuple:
        index = _as_tuple(index)
    basic: list[Any] = []
    spec: list[Any] = []
    tensors: list[Tensor] = []
    trivial = True
    for position, part in enumerate(index):
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
            before, after = index[:position], index[position + 1 :]
            if any(p is Ellipsis for p in before):
                # The first one took all dimensions that were left: no more can be asked for.
                if _consumed(after) or any(p is None for p in after):
                    raise IndexError("nothing may be indexed after a second ellipsis ('...')")
                continue
            covered = x._data_.ndim - _consumed(before) - _consumed(after)
            basic.extend([FULL] * covered)
            spec.extend([FULL] * covered)
        elif kind is bool:
            _add_flag(part, basic, spec, tensors)
            trivial = False
        else:
            if part.__class__ is np.ndarray or _is_bytes(part):
                _need_room(x, index)
            tensor = _index_tensor(part, told)
            data = tensor._data_
            if data.ndim == 0 and data.dtype.kind == "b":
                _add_flag(bool(number(tensor, "an index")), basic, spec, tensors)
                trivial = False
            elif data.ndim == 0 and data.__class__ is np.ndarray:
                # torch selects with a 0-d integer, as with a Python one.
                basic.append(int(number(tensor, "an index")))
                trivial = False
            else:
                basic.extend([FULL] * (data.ndim if data.dtype.kind == "b" else 1))
                spec.append(ARRAY)
                tensors.append(tensor)
    if not tensors:
        return tuple(basic), (), tensors
    if trivial and len(basic) > x._data_.ndim:
        raise IndexError(
            f"too many indices for tensor of dimension {x._data_.ndim}: the index stands for "
            f"{len(basic)}"
        )
    while spec[-1] is FULL:
        spec.pop()
    return None if trivial else tuple(basic), tuple(spec), tensors


def _add_flag(flag: bool, basic: list[Any], spec: list[Any], tensors: list[Tensor]) -> None:
    # True is a new dimension of size 1, False one of size 0.
    basic.append(None)
    spec.append(ARRAY)
    tensors.append(literal(np.zeros(1 if flag else 0, np.int64)))


def _as_tuple(index: Any) -> tuple[Any, ...]:
    """An index that is no tuple; torch takes a short list with anything but numbers in it for one."""
    means_tuple = (
        index.__class__ is list
        and len(index) < 32
        and any(
            part is None
            or part is Ellipsis
            or isinstance(part, TensorBase | slice | list | tuple | range | np.ndarray)
            for part in index
        )
    )
    if means_tuple or isinstance(index, str):
        warn(
            "Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in "
            "pytorch 2.9; use x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this will be interpreted as tensor "
            "index, x[torch.tensor(seq)], which will result either in an error or a different result"
        )
    return tuple(index) if means_tuple else (index,)


_REFUSED = (IndexError, TypeError, ValueError, RuntimeError)


def _refuse(x: TensorBase, index: Any) -> None:
    """Raise torch's error for an index that was refused: there are too many parts, or else the first wrong one.

    Tensors of a wrong type are the last to be found.
    """
    with warnings.catch_warnings(action="ignore"):
        parts = index if index.__class__ is tuple else _as_tuple(index)
        if index.__class__ is not slice:
            _need_room(x, parts)
        anywhere = literal(np.zeros(1, np.int64))
        tried = tuple(
            anywhere
            if isinstance(p, TensorBase) and p._data_.ndim and p._data_.dtype.kind != "b"
            else p
            for p in parts
        )
        for end in range(1, len(tried) + 1):
            rows.slice_.rule(x._data_, index=_parsed(tried[:end], x)[0] or ())


def _need_room(x: TensorBase, parts: Sequence[Any]) -> None:
    if _consumed(parts) > x._data_.ndim:
        raise IndexError(
            f"too many indices for tensor of dimension {x._data_.ndim}: the index stands for "
            f"{_consumed(parts)}"
        )


_OF_BYTES = (
    "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead."
)


def _is_bytes(part: Any) -> bool:
    """Whether a part of an index is a tensor of the type that torch warns of."""
    return isinstance(part, TensorBase) and part._data_.dtype == np.uint8


def _tell_of_bytes(
    parts: Sequence[Any], value: Tensor, filled: bool, region: Array, tensors: Sequence[Tensor], spec: Any
) -> None:  # fmt: skip
    """Warn of bytes in the index of one value; as the only mask torch refuses them there."""
    if value._data_.size != 1 or not any(
        _is_bytes(p) or (p.__class__ is np.ndarray and p.dtype == np.uint8) for p in parts
    ):
        return
    rows.check_masks(region.shape, [t._data_ for t in tensors], spec)
    if filled:
        raise RuntimeError(
            "masked_fill_ only supports boolean masks, but got mask with dtype unsigned char: write mask.bool()"
        )
    warn(_OF_BYTES)


def _index_tensor(part: Any, told: bool = True) -> Tensor:
    """A tensor of int64 or bool for a list, an array or a tensor in an index."""
    if isinstance(part, TensorBase):
        data = part._data_
        if not data.ndim and data.dtype.kind in "iu" and not isinstance(data, Box):
            # One number is a position, whatever its type, and bytes are flags.
            wanted = np.int64 if data.dtype != np.uint8 else np.bool_
            return literal(np.asarray(number(part, "an index"), wanted))
    elif isinstance(part, np.ndarray):
        # Anything but flags becomes a position.
        data = checked(part)
        if data.dtype.kind != "b" and data.dtype != np.uint8:
            data = data.astype(np.int64)
    elif isinstance(part, np.integer):
        return literal(np.asarray(part))
    elif isinstance(part, list | tuple | range):
        data = _listed(part)
    elif isinstance(part, str | bytes):
        raise TypeError(f"new(): invalid data type '{type_name(part)}'")
    elif hasattr(part, "__index__") and not isinstance(part, np.bool_):
        return literal(np.asarray(operator.index(part)))
    else:
        raise IndexError(_HINT.format(type_name(part)))
    if data.dtype == np.int64 or data.dtype.kind == "b":
        return part if isinstance(part, TensorBase) else literal(data)  # type: ignore[return-value]
    if data.dtype == np.uint8:
        if told:
            warn(_OF_BYTES)
        return apply(pointwise.ne, part, 0) if isinstance(part, TensorBase) else literal(data != 0)
    if data.dtype == np.int32:
        if isinstance(part, TensorBase):
            return apply(pointwise.convert, part, dtype=data.astype(np.int64).dtype)
        return literal(data.astype(np.int64))
    raise IndexError("tensors used as indices must be long, int, byte or bool tensors")


def _listed(part: Sequence[Any]) -> Array:
    """What a sequence says of places, or of flags."""
    if not part or part[0].__class__ in (int, bool):
        with contextlib.suppress(ValueError, OverflowError):
            data = np.asarray(part)
            if data.dtype == np.int64 or data.dtype.kind == "b":
                return data
    data = array_of(part, None)
    return data if data.dtype.kind == "b" else array_of(part, dtypes.int64)


def _consumed(parts: Sequence[Any]) -> int:
    """How many dimensions the parts of an index stand for."""
    total = 0
    for part in parts:
        if part is None or part is Ellipsis or part.__class__ is bool:
            continue
        data = part._data_ if isinstance(part, TensorBase) else None
        total += (
            data.ndim
            if data is not None and (data.dtype.kind == "b" or data.dtype == np.uint8)
            else 1
        )
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
    try:
        value = _assigned(self, value)
        if index is False:
            return
        basic, spec, tensors = _parsed(index, self, value._data_.size != 1)
    except _REFUSED as error:
        if not met(value) and not met(index):
            value = _assigned(self, value)
            _need_apart(self, index if index.__class__ is tuple else (index,))
            _refuse(self, index)
            if isinstance(error, IndexError):
                admit(self)
            raise
        self[index] = value
        return
    region = self._data_ if basic is None else _region(self, basic)
    if not tensors:
        whole = region.shape == self._data_.shape and all(map(_is_whole, basic))
        if state.grad and self._view_ is not None and not whole:
            # It is a part of it that is changed, which knows where it stands.
            refresh(self)
        recording = admit(self, value)
        if recording and (whole or self._view_ is not None):
            # What was recorded of a view is recorded of the region alone, which may show less twice.
            part = self if whole else apply(rows.slice_, self, index=basic)
            if value._data_.ndim and value._data_.shape != region.shape:
                check_copy(self, region, value, _spread(value._data_, region.shape))
            if not value._data_.ndim and part._data_.ndim:
                fill_(part, value)
            else:
                copy_(part, _over(value, part._data_.shape))
            refresh(self)
            return
        if value._data_.ndim or not region.ndim:
            check_copy(self, region, value, _spread(value._data_, region.shape))
        elif 0 in region.strides:
            need_distinct(region)
        if not recording and (not value._data_.ndim or value._data_.shape == region.shape):
            into(self, copy_region, value, index=basic)
            bump(self, "__setitem__")
        else:
            place(self, value, (), basic, False, recording)
        return
    # torch fills the places of a single mask; all other places are written without conversion.
    filled = value._data_.size == 1 and (_is_mask(tensors) or index is True)
    _tell_of_bytes(
        index if index.__class__ is tuple else (index,), value, filled, region, tensors, spec
    )
    if value._data_.dtype != self._data_.dtype:
        if not filled:
            admit(self)
            _same_dtype(self, value, region, spec, tensors)
        value = filling(value, self._data_.dtype)
    try:
        recording = admit(self, value)
    except RuntimeError:
        shown = self if basic is None else apply(rows.slice_, self, index=basic)
        ask(rows.put, shown, (value, *tensors), {"spec": spec, "accumulate": False})
        raise
    _check_places(region, value, tensors, filled)
    if basic is None:
        target = self
    else:
        target = apply(rows.slice_, self, index=basic)
    place(target, value, tuple(tensors), spec, False, recording)


def _need_apart(target: Tensor, index: Sequence[Any]) -> None:
    """Raise torch's error for a target that is its own index, which is asked before what indices may be."""
    for part in index:
        if isinstance(part, TensorBase):
            need_apart(target._data_, part._data_, disjoint=True)


def _is_whole(part: Any) -> bool:
    """Whether a part of an index, if it takes nothing away, leaves the tensor what it is."""
    return part is Ellipsis or (part.__class__ is slice and part.step in (None, 1))


def _spread(value: Array, shape: tuple[int, ...]) -> Array:
    """value as torch spreads it over a region of this shape, if it fits."""
    if value.shape == shape:
        return value
    if value.__class__ is not np.ndarray:
        # A batch lies as one of its examples does.
        value = np.broadcast_to(np.empty((), value.dtype), value.shape)
    while value.ndim and value.shape[0] == 1:
        value = value[0, ...]
    if value.shape == shape:
        return value
    try:
        spread = np.broadcast_to(value, shape)
    except ValueError:
        return value
    missing = len(shape) - value.ndim
    if not value.ndim or not missing or value.size < spread.size:
        return spread
    # New dimensions of size 1 step over all that follows.
    return beside(value, shape, (value.shape[0] * value.strides[0],) * missing + value.strides)


def _is_mask(tensors: Sequence[Tensor]) -> bool:
    return len(tensors) == 1 and tensors[0]._data_.dtype.kind == "b"


def _check_places(region: Array, value: Tensor, tensors: Sequence[Tensor], filled: bool) -> None:
    """Raise torch's errors for a region that cannot be written; a mask may be the region itself."""
    if filled:
        if _is_mask(tensors) and (mask := tensors[0]._data_).shape != region.shape[: mask.ndim]:
            return  # That it does not fit is said before.
        check_memory("index_put", region)
        check_memory("masked_fill", region, *tensors)
    else:
        check_memory("index_put", region, value, *tensors)


def _over(value: Tensor, wanted: tuple[int, ...]) -> Tensor:
    """value without the leading dimensions of size 1 that are too many, and spread if it fits."""
    shape = value._data_.shape
    while len(shape) > len(wanted) and shape[0] == 1:
        shape = shape[1:]
    if len(shape) != value._data_.ndim:
        value = value.reshape(shape)
    fits = zip(reversed(shape), reversed(wanted), strict=False)
    if shape == wanted or len(shape) > len(wanted) or any(n not in (1, m) for n, m in fits):
        return value
    return value.expand(wanted)


def _region(self: Tensor, basic: Any) -> Array:
    """The part of a tensor's array that integers, slices, None and `...` show."""
    data = self._data_
    if data.__class__ is not np.ndarray:
        part: Tensor = apply(rows.slice_, self.detach(), index=basic)
        return part._data_
    try:
        return rows.slice_.forward(data, index=basic)
    except IndexError:
        rows.slice_.rule(data, index=basic)
        raise


_WHOLE = (int, np.integer)
_ASSIGNABLE = (float, complex, *_WHOLE)


def _assigned(self: Tensor, value: Any) -> Tensor:
    """The value of an assignment as a tensor."""
    if isinstance(value, TensorBase):
        return value  # type: ignore[return-value]
    if not isinstance(value, _ASSIGNABLE):
        raise TypeError(
            f"can't assign a {type_name(value)} to a {self.type()}: write torch.tensor(value)"
        )
    if isinstance(value, _WHOLE) and not -(2**63) <= value < 2**63:
        raise ValueError(f"Overflow when unpacking long long: {value} needs over 64 bits")
    return literal(np.asarray(dtypes.one_in(value, self._data_.dtype)))


def place(
    self: Tensor, value: Tensor, tensors: tuple[Tensor, ...], spec: Any, add: bool, recording: bool
) -> None:
    """Put value into self's memory, and self at the place of that `put` in the graph."""
    if tensors:
        name = "masked_fill" if _is_mask(tensors) and value._data_.size == 1 else "index_put"
        (need_common if name == "masked_fill" else need_signed)(name, self._data_)
    if recording and value._data_.dtype != self._data_.dtype:
        value = value.astype(self._data_.dtype)
    static: dict[str, Any] = {"spec": spec, "accumulate": add}
    try:
        into(self, rows.put_into, value, *tensors, **static)
    except (ValueError, IndexError, TypeError) as error:
        arrays = [t._data_ for t in tensors]
        rows.put.rule(self._data_, value._data_, *arrays, **static)
        if isinstance(error, TypeError):
            raise RuntimeError(f"index_put: {error}") from None
        raise
    if recording:
        _record(self, (value, *tensors), static)
    bump(self, "__setitem__")
    if recording:
        refresh(self)


def _record(self: Tensor, inputs: tuple[Tensor, ...], static: dict[str, Any]) -> None:
    # The rules of `put` ask for no values, so there is no need to compute it beside the memory.
    result = wrap(self._data_)
    # The gradient of a part is a part of the gradient, which lies as the tensor does.
    data = self._data_
    layout = None if inputs[1:] else tuple([s // data.itemsize for s in data.strides])
    static = {**static, "layout": layout}
    attach(rows.put, (stand_in(self), *inputs), static, result)
    if static["accumulate"] and not inputs[0]._requires_grad_:
        reusable(result)
    rebase(self, result)


# ---- by several tensors -------------------------------------------------------------------------


def _index_parts(
    name: str, input: Tensor, indices: Any, values: Tensor, accumulate: bool
) -> tuple[tuple[Any, ...], tuple[Tensor, ...]]:
    if isinstance(indices, TensorBase):
        raise TypeError(f"{name}(): argument 'indices' must be tuple of Tensors, not Tensor")
    spec: list[Any] = []
    tensors = []
    for part in indices:
        if part is None:
            spec.append(FULL)
        else:
            spec.append(ARRAY)
            tensors.append(_index_tensor(part, values._data_.size != 1))
    filled = _is_mask(tensors) and not accumulate
    _tell_of_bytes(indices, values, filled, input._data_, tensors, tuple(spec))
    return tuple(spec), tuple(tensors)


def index_put(
    input: Tensor, indices: Sequence[Tensor | None], values: Tensor, accumulate: bool = False
) -> Tensor:
    """A copy of the input with values written (or added) at `input[indices]`."""
    need_tensor("index_put", "input", 1, input)
    need_tensor("index_put", "values", 3, values)
    spec, tensors = _index_parts("index_put", input, indices, values, accumulate)
    _same_dtype(input, values, input._data_, spec, tensors)
    rows.put.rule(
        input._data_, values._data_, *(t._data_ for t in tensors), spec=spec, accumulate=accumulate
    )
    return apply(rows.put, input, values, *tensors, spec=spec, accumulate=accumulate)


def _same_dtype(
    input: Tensor, values: Tensor, region: Array, spec: tuple[Any, ...], tensors: Sequence[Tensor]
) -> None:
    if input._data_.dtype != values._data_.dtype:
        rows.check_masks(region.shape, [t._data_ for t in tensors], spec)
        raise RuntimeError(
            f"Index put requires the source and destination dtypes match, got {input.dtype.word} "
            f"for the destination and {values.dtype.word} for the source."
        )


def index_put_(
    self: Tensor, indices: Sequence[Tensor | None], values: Tensor, accumulate: bool = False
) -> Tensor:
    """`index_put`, in place."""
    need_tensor("index_put_", "values", 3, values)
    try:
        spec, tensors = _index_parts("index_put_", self, indices, values, accumulate)
    except IndexError:
        _need_apart(self, indices)
        raise
    recording = admit(self, values)
    _same_dtype(self, values, self._data_, spec, tensors)
    filled = values._data_.size == 1 and _is_mask(tensors) and not accumulate
    _check_places(self._data_, values, tensors, filled)
    place(self, values, tensors, spec, accumulate, recording)
    return self
