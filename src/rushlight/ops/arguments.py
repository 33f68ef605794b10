"""Checks and conversions of arguments that most operations share."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from rushlight import dtypes
from rushlight.arrays import brought, is_foreign
from rushlight.autograd.accumulate import exchange
from rushlight.autograd.state import need_tracked
from rushlight.core.doors import calculate, into, number
from rushlight.core.state import state
from rushlight.core.tensor import (
    Array,
    TensorBase,
    bump,
    wants_grad,
)
from rushlight.core.turned import held
from rushlight.elsewhere import has_memory
from rushlight.errors import warn
from rushlight.memory import FULL, PARTIAL, is_dense, laid, need_distinct, overlap
from rushlight.ops.moving import lay_out
from rushlight.ops.overloads import need_dim
from rushlight.overriding.functions import ask_late, met_late
from rushlight.primitives.families import result_type
from rushlight.primitives.writing import copy
from rushlight.return_types import ReturnType

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

Dim = int | Sequence[int] | None
F = TypeVar("F", bound=Callable[..., Any])

Number = int | float | complex | bool
NUMBERS = (int, float, complex, np.number, np.bool_)

_NUMPY_NAMES = {
    "axis": "dim",
    "keepdims": "keepdim",
    "a": "input",
    "x": "input",
    "x1": "input",
    "x2": "other",
}


def numpy_names(function: F) -> F:
    """Let a function be called with NumPy's names too: axis for dim, keepdims for keepdim.

    >>> import rushlight as torch
    >>> torch.cat([torch.zeros(1, 2), torch.zeros(1, 3)], axis=1).shape
    torch.Size([1, 5])
    """
    code = function.__code__
    own = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    names = {theirs: ours for theirs, ours in _NUMPY_NAMES.items() if theirs not in own}

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            given = {names.get(name, name): v for name, v in kwargs.items()} if kwargs else None
            if given and "keepdim" in given and "dim" not in given and len(args) < 2:
                need_dim(called.__name__)
            return function(*args, **given) if given else function(*args)
        except met_late():
            return ask_late()

    return called  # type: ignore[return-value]


def spelled(
    function: str, given: tuple[Any, ...], named: dict[str, Any], *keywords: str
) -> tuple[Any, ...]:
    """What stands for `*sizes`: given one by one, as one list, or by one of the keywords and no other."""
    if named:
        others = named.keys() - keywords or (named if given or len(named) > 1 else ())
        if others:
            raise TypeError(f"{function}() got an unexpected keyword argument '{min(others)}'")
        return tuple(named.values())
    if not given:
        raise TypeError(f'{function}() missing 1 required positional arguments: "{keywords[0]}"')
    return given


def named(function: F, name: str, what: str) -> F:
    """A function that was made for a name, called by it, with its docstring."""
    function.__name__ = function.__qualname__ = name
    function.__doc__ = what
    return function


# What the backwards of views are called, but for the number at the end.
_VIEWS = frozenset(
    f"{name}Backward"
    for name in (
        "Alias", "Conj", "Diagonal", "Expand", "Permute", "Select", "Slice", "Split",
        "SplitWithSizes", "Squeeze", "T", "Transpose", "Unbind",
        "Unfold", "UnsafeSplit", "UnsafeSplitWithSizes", "Unsqueeze", "View",
    )
)  # fmt: skip


def relabel(result: Any, name: str) -> Any:
    """Call the backward of a result, or of a tuple of them, name; returns the result.

    For composites that torch shows as one node. The result must be new: not an input handed back. If
    it is a view of something that only the composite knew, it is none for the user.
    """
    for tensor in (result,) if isinstance(result, TensorBase) else result:
        if tensor._node_ is not None:
            tensor._node_._label = name
        if tensor._view_ is not None and name[:-1] not in _VIEWS:
            tensor._view_ = None
    return result


def anew(result: Tensor) -> Tensor:
    """A view of what nobody else will ever see, as a tensor that is no view."""
    result._view_ = None
    return result


def like(result: Tensor, source: TensorBase) -> Tensor:
    """A result that no row has made, brought to the library of arrays of what it was made from."""
    if is_foreign(memory := held(source)) and has_memory(memory):
        result._data_ = brought(result._data_, memory)
    return result


def rounded_once(function: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
    """function(*tensors) as one kernel of torch's: narrow floats in float32, rounded once."""
    dtype = tensors[0]._data_.dtype
    if dtype not in dtypes.NARROW:
        return function(*tensors)
    return function(*(tensor.float() for tensor in tensors)).to(dtypes.of(dtype))


def type_name(value: Any) -> str:
    """How torch names the type of a bad argument."""
    if isinstance(value, TensorBase):
        return "Tensor"
    module = "numpy." if isinstance(value, np.ndarray | np.generic) else ""
    return module + type(value).__name__


# What torch's functions in Python ask first of what they take for a tensor.
_TOUCHED = {
    function: asked
    for asked, functions in {
        "size": "adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool2d adaptive_max_pool3d",
        "dim": "dropout1d dropout2d dropout3d embedding_bag fractional_max_pool2d fractional_max_pool3d glu "
        "group_norm interpolate local_response_norm",
        "contiguous": "embedding_renorm_",
        "pow": "lp_pool1d lp_pool2d lp_pool3d",
        "log_softmax": "nn.functional.log_softmax",
        "softmax": "nn.functional.softmax",
        "abs": "softsign",
        "tanh": "tanhshrink",
    }.items()
    for function in functions.split()
}


def need_tensor(function: str, name: str, position: int, value: Any) -> None:
    """Raise torch's TypeError unless value is a tensor, or its AttributeError."""
    if not isinstance(value, TensorBase):
        if position == 1 and not hasattr(value, _TOUCHED.get(function, "__class__")):
            raise AttributeError(
                f"'{type(value).__name__}' object has no attribute '{_TOUCHED[function]}': {function}() takes a Tensor"
            )
        raise TypeError(
            f"{function}(): argument '{name}' (position {position}) must be Tensor, not "
            f"{type_name(value)}"
        )


def need_number(function: str, name: str, position: int, value: Any) -> None:
    """Raise torch's TypeError unless value is a number, of Python or NumPy."""
    if not isinstance(value, NUMBERS):
        raise TypeError(
            f"{function}(): argument '{name}' (position {position}) must be Number, not "
            f"{type_name(value)}"
        )


def whole_numbers(
    function: str, name: str, value: Any, count: int, told: Callable[[list[int]], str]
) -> tuple[int, ...]:
    """A whole number for each of count dimensions, from one for all of them or a list.

    told makes the message for a list of another length.
    """
    if value.__class__ is int:
        return (value,) * count
    if not isinstance(value, (tuple, list)):
        return (need_int(function, name, 0, value),) * count
    values = as_sizes((value,))
    if len(values) == 1:
        return values * count
    if len(values) != count:
        raise RuntimeError(told(list(values)))
    return values


def need_int(function: str, name: str, position: int, value: Any) -> int:
    """A whole number, of Python, NumPy or a tensor; anything else is torch's TypeError.

    >>> need_int("triu", "diagonal", 1, 1.0)
    Traceback (most recent call last):
    TypeError: triu(): argument 'diagonal' (position 1) must be int, not float
    """
    if value.__class__ is not int:
        value = _index(value, f"{function}(): argument '{name}' (position {position})")
    if not -_MOST <= value < _MOST:
        raise ValueError(f"Overflow when unpacking long long: {name} does not fit 64 bits")
    return value


def need_whole(function: str, name: str, position: int, value: Any) -> int:
    """`need_int`, of a number or a tensor without dimensions alone."""
    if value.__class__ is int or isinstance(value, (int, np.integer)):
        pass
    elif not isinstance(value, TensorBase) or value._data_.ndim:
        raise TypeError(
            f"{function}(): argument '{name}' (position {position}) must be int, not "
            f"{type_name(value)}"
        )
    return need_int(function, name, position, value)


def need_scalar(function: str, name: str, position: int, value: Any) -> Any:
    """A number as it is; of a tensor without dimensions and gradient what it holds."""
    if isinstance(value, TensorBase) and not value._data_.ndim and not value._requires_grad_:
        return number(value, "an argument")
    need_number(function, name, position, value)
    if isinstance(value, int) and not -_MOST <= value < 2 * _MOST:
        raise OverflowError(f"int too big to convert: {name} of {function}() does not fit 64 bits")
    return value


def need_real_scalar(function: str, name: str, position: int, value: Any) -> Any:
    """`need_scalar` where torch takes real numbers alone."""
    value = need_scalar(function, name, position, value)
    if isinstance(value, (complex, np.complexfloating)):
        if value.imag:
            raise RuntimeError(
                f"{function}(): value cannot be converted to type double without overflow"
            )
        return float(value.real)
    return value


def _index(value: Any, what: str, one: bool = False) -> int:
    """The whole number that value is; one: a single dimension, which torch takes from fewer types."""
    wrong = isinstance(value, bool)
    if isinstance(value, TensorBase):
        wrong = value._data_.dtype.kind == "b" or (
            value._data_.ndim > 0 if one else value._data_.size != 1
        )
    elif one:
        wrong = wrong or not isinstance(value, (int, np.integer))
    if not wrong:
        try:
            return operator.index(value)
        except TypeError:
            pass
    raise TypeError(f"{what} must be int, not {type_name(value)}")


def need_flag(function: str, name: str, position: int, value: Any) -> bool:
    """Raise torch's TypeError unless value is Python's True or False.

    >>> need_flag("topk", "largest", 4, 1)
    Traceback (most recent call last):
    TypeError: topk(): argument 'largest' (position 4) must be bool, not int
    """
    if value.__class__ is not bool:
        raise TypeError(
            f"{function}(): argument '{name}' (position {position}) must be bool, not {type_name(value)}"
        )
    return value


def need_real(function: str, name: str, position: int, value: Any) -> float:
    """`need_float` for what torch takes as any number, and then as a real one."""
    if isinstance(value, (complex, np.complexfloating)):
        raise RuntimeError(f"{function}(): {name}={value} cannot be converted to a real number")
    if not isinstance(value, TensorBase):
        need_number(function, name, position, value)
        return float(value)
    return need_float(function, name, position, value)


def need_float(function: str, name: str, position: int, value: Any) -> float:
    """A real number, of Python, NumPy or a tensor of one; anything else is torch's TypeError."""
    if value.__class__ is float:
        return value
    if isinstance(value, (int, float, np.floating, np.integer)):
        return float(value)
    if isinstance(value, TensorBase) and not value._data_.ndim and not value._requires_grad_:
        return float(number(value, "an argument"))
    raise TypeError(
        f"{function}(): argument '{name}' (position {position}) must be float, not {type_name(value)}"
    )


def accumulated_in(
    input: Tensor, dtype: dtypes.dtype | None, out: Tensor | None
) -> dtypes.dtype | None:
    """The dtype in which elements are added or multiplied up: as asked for, or that of `out=`."""
    if dtype is None:
        return None if out is None else out.dtype
    dtype = as_dtype(dtype)
    if out is not None and out.dtype is not dtype:
        raise RuntimeError(f"Expected out tensor to have dtype {dtype.word}, not {out.dtype.word}")
    if dtype.category < dtypes.FLOATING and state.grad and wants_grad(input):
        raise RuntimeError(
            f"Autograd not support dtype: {dtype.word}: there is no gradient through whole numbers"
        )
    return dtype


def one_dim(dim: int, ndim: int) -> int:
    """dim counted from the front; a 0-d tensor takes 0 and -1.

    >>> one_dim(-1, 3)
    2
    """
    if dim.__class__ is not int:
        dim = _index(dim, "argument 'dim'", one=True)
    size = ndim or 1
    if not -size <= dim < size:
        if not -_MOST <= dim < _MOST:
            raise ValueError("Overflow when unpacking long long: dim does not fit 64 bits")
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-size}, {size - 1}], but got {dim})"
        )
    return dim + size if dim < 0 else dim


def size_at(x: TensorBase, dim: int) -> int:
    """The size of a dimension; unlike `one_dim`, a 0-d tensor has none."""
    shape = x._data_.shape
    if not shape:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return shape[one_dim(dim, len(shape))]


def many_dims(dim: Dim, ndim: int) -> tuple[int, ...] | None:
    """Dimensions counted from the front and sorted; None (or none given) stays None: all of them."""
    if dim is None:
        return None
    if not isinstance(dim, (tuple, list)):
        dim = one_dim(dim if dim.__class__ is int else _index(dim, "argument 'dim'"), ndim)
        return (dim,) if ndim else ()
    try:
        dims = tuple(one_dim(d, ndim) for d in dim)
    except ValueError as error:
        raise TypeError(f"argument 'dim' failed to unpack: {error}") from None
    if len(set(dims)) != len(dims):
        repeated = next(d for d in dims if dims.count(d) > 1)
        raise RuntimeError(f"dim {repeated} appears multiple times in the list of dims")
    if not dims:
        return None
    return tuple(sorted(dims)) if ndim else ()


def as_sizes(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """Sizes given one by one or as one sequence: `f(2, 3)` and `f((2, 3))`."""
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = tuple(sizes[0])
    for size in sizes:
        if size.__class__ is not int:
            # torch looks at the type of the first alone.
            first = _index(sizes[0], "the size at position 0")
            return as_sizes((first, *map(operator.index, sizes[1:])))
        if size >= _MOST:
            raise TypeError(
                f"Overflow when unpacking long long: the size {size} does not fit 64 bits"
            )
    return sizes


_MOST = 2**63


def as_sequence(name: str, argument: str, sizes: Any) -> tuple[int, ...]:
    """Sizes or strides of an argument that is a sequence, never one number."""
    if not isinstance(sizes, (tuple, list)):
        raise TypeError(
            f"{name}(): argument '{argument}' must be tuple of ints, not {type_name(sizes)}"
        )
    return as_sizes((sizes,))


# Python's number types name dtypes too.


def as_dtype(dtype: Any) -> dtypes.dtype:
    """A dtype argument, which may be one of Python's number types."""
    if isinstance(dtype, dtypes.dtype):
        return dtype
    if isinstance(dtype, type) and dtype in dtypes.PYTHON:
        return dtypes.PYTHON[dtype]
    raise TypeError(f"dtype must be torch.dtype, not {type_name(dtype)}")


def numpy_dtype(dtype: dtypes.dtype | None, default: np.dtype[Any]) -> np.dtype[Any]:
    """The NumPy dtype for an optional dtype argument."""
    return default if dtype is None else as_dtype(dtype).numpy


def apart(out: Tensor, *inputs: TensorBase) -> Tensor:
    """`out`, or torch's error if it shares memory with an input that is still being read."""
    need_tensor("out", "out", 0, out)
    for x in inputs:
        need_apart(out._data_, x._data_, disjoint=True)
    return out


def need_apart(target: Array, other: Array, disjoint: bool = False) -> None:
    """Raise torch's error if a target lies partly in memory that is read; disjoint: at all."""
    found = overlap(target, other)
    if found == PARTIAL or (disjoint and found == FULL):
        raise RuntimeError(
            "unsupported operation: some elements of the input tensor and the written-to tensor refer to "
            "a single memory location. Please clone() the tensor before performing the operation."
        )


def fitting_factor(value: Any, dtype: np.dtype[Any]) -> Any:
    """A number by which elements of this type are multiplied, or torch's error where it does not fit."""
    if (value.__class__ is int or value.__class__ is float) and value in (0, 1):
        return value
    fit = calculate(dtypes.number_in, value, dtype)
    return fit.item() if dtype.kind in "iu" or isinstance(value, complex) else value


def need_real_gradient(name: str, input: TensorBase, *others: TensorBase) -> None:
    """Raise torch's error where complex numbers want a gradient that torch has for real ones only."""
    if input._data_.dtype.kind == "c" and state.grad and any(map(wants_grad, (input, *others))):
        raise RuntimeError(
            f"{name} does not support automatic differentiation for outputs with complex dtype."
        )


def need_unrecorded(out: Any, *others: Any) -> None:
    """Raise torch's error for an `out=` that is no tensor, or where something would have to be recorded.

    out may be several. What torch has a derivative of asks for this before it looks at its arguments.
    """
    if out is None:
        return
    outs = out if isinstance(out, tuple | list) else (out,)
    for one in outs:
        if not isinstance(one, TensorBase):
            raise TypeError(f"argument 'out' must be Tensor, not {type_name(one)}")
    if state.grad and any(isinstance(t, TensorBase) and wants_grad(t) for t in (*outs, *others)):
        raise RuntimeError(
            "functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad: leave out= away, or use torch.no_grad()"
        )


def need_castable(ours: dtypes.dtype, out: TensorBase, wrong: Any = RuntimeError) -> None:
    """Raise torch's error unless a result of this type may be written into out's."""
    theirs = dtypes.of(out._data_.dtype)
    if ours.category > theirs.category:
        raise wrong(
            f"result type {ours.word} can't be cast to the desired output type {theirs.word}"
        )


def write_out(
    out: Tensor | None, result: Tensor, *read: Any, same: bool = False, made: bool = False,
    judged: bool = False, wrong: Any = RuntimeError,
) -> Tensor:  # fmt: skip
    """Put a result into the `out=` tensor, if there is one, and return it.

    read: the arguments of an elementwise operation, which may lie in out's memory element by element,
    not otherwise. same: out's dtype must be the result's; else one that the result can be cast to,
    or the error is of type wrong. made: created or drawn; torch then resizes without a warning.
    judged: it is nothing that anybody would differentiate, so that out may want a gradient.
    """
    if out is None:
        return result
    _need_fitting(out, result, same, judged, wrong)
    data = held(out)
    fits = data.shape == result._data_.shape
    if fits or read:
        need_distinct(data)
        for x in read:
            if isinstance(x, TensorBase):
                need_apart(data, held(x))
    if not fits:
        if any(x is out for x in read):
            raise RuntimeError(
                f"output with shape {list(data.shape)} doesn't match the broadcast shape "
                f"{list(result._data_.shape)}: out is also an argument, so it keeps its shape"
            )
        # Where torch computes in another type than out's, it resizes that as well, and tells of both.
        kind = result._data_.dtype
        if read and kind.kind == "b":
            kind = result_type(*(x._data_ if isinstance(x, TensorBase) else x for x in read)).numpy
        resize_out(out, result._data_, told=(not made) * (1 + (bool(read) and kind != data.dtype)))
    into(out, copy, result)
    bump(out, "an out= argument")
    return out


def _need_fitting(
    out: Any, result: Tensor, same: bool, judged: bool = False, wrong: Any = RuntimeError
) -> None:
    """Raise torch's error unless this result may be written into out, as far as types say."""
    need_tensor("out", "out", 0, out)
    need_tracked(out)
    if not judged:
        need_unrecorded(out, result)
    if same:
        need_type(out, result._data_.dtype)
    need_castable(dtypes.of(result._data_.dtype), out, wrong)


def need_type(out: Any, dtype: np.dtype[Any]) -> None:
    """Raise torch's error unless an `out=` is of this type."""
    if isinstance(out, TensorBase) and out._data_.dtype != dtype:
        ours, theirs = dtypes.of(dtype), dtypes.of(out._data_.dtype)
        raise RuntimeError(f"Expected out tensor to have dtype {ours.word}, but got {theirs.word}")


def resize_out(out: Tensor, like: Array, told: int = 1) -> None:
    """Give out the shape and layout of an array, and warn so often: on its own memory, as far as that goes."""
    exchange(out)
    data = held(out)
    for _ in range(told if data.size else 0):
        warn(
            "An output with one or more elements was resized since it had shape "
            f"{list(data.shape)}, which does not match the required output shape {list(like.shape)}. "
            "This behavior is deprecated, and in a future release outputs will not be resized unless "
            "they have zero elements. You can explicitly reuse an out tensor t by resizing it, inplace, "
            "to zero elements with t.resize_(0)."
        )
    order = laid(like if is_dense(like) else np.empty(like.shape, like.dtype, like=like))
    strides = tuple(step // like.itemsize * data.itemsize for step in order.strides)
    del data
    lay_out(out, like.shape, strides)


def write_outs(out: Any, results: Any, *read: TensorBase) -> Any:
    """`write_out` for several results: a tuple of tensors, apart from what is read, for a tuple of results."""
    if out is None:
        return results
    if not isinstance(out, (tuple, list)) or len(out) != len(results):
        raise TypeError(f"argument 'out' must be a tuple of {len(results)} Tensors")
    for o, r in zip(out, results, strict=True):
        _need_fitting(o, r, same=True)
        for x in read:
            need_apart(held(o), held(x))
    written = [write_out(o, r, same=True) for o, r in zip(out, results, strict=True)]
    return results._out(written) if isinstance(results, ReturnType) else tuple(written)


def type_word(dtype: dtypes.dtype) -> str:
    """torch's word for a dtype in messages: `Float`, `Long`."""
    return dtype.word
