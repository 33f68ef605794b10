"""NumPy's functions on tensors.

A ufunc (`np.exp(t)`) gives a tensor. Of the other functions, those that torch's tensors answer by
a method of their own (`np.clip`, `np.reshape`, `np.sum`) give tensors, and all others arrays, as
under torch. Where a tensor requires grad, and torch would refuse, the function is looked up in a
table and carried out here, so that the gradient flows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.core import doors
from rushlight.core.doors import literal, read
from rushlight.core.state import state
from rushlight.core.tensor import TensorBase, wrap
from rushlight.core.turned import class_of
from rushlight.memory import in_memory
from rushlight.ops.conversion import astype
from rushlight.overriding.asking import converted

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

# NumPy's names of ufuncs, where they differ from torch's.
_UFUNCS = {
    "absolute": "abs", "fabs": "abs", "negative": "neg", "subtract": "sub", "multiply": "mul",
    "divide": "div", "true_divide": "div", "power": "pow", "mod": "remainder", "conjugate": "conj",
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2", "arcsinh": "asinh",
    "arccosh": "acosh", "arctanh": "atanh", "rint": "round", "degrees": "rad2deg",
    "radians": "deg2rad", "greater": "gt", "greater_equal": "ge", "less": "lt", "less_equal": "le",
    "equal": "eq", "not_equal": "ne", "invert": "bitwise_not", "left_shift": "bitwise_left_shift",
    "right_shift": "bitwise_right_shift",
}  # fmt: skip

# The ufuncs behind Python's operators: `array + tensor` promotes as `tensor + array` does.
_OPERATORS = {
    "add", "subtract", "multiply", "divide", "true_divide", "floor_divide", "remainder", "mod",
    "power", "matmul", "greater", "greater_equal", "less", "less_equal", "equal", "not_equal",
    "bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift",
}  # fmt: skip

_COMPARISONS = {"greater", "greater_equal", "less", "less_equal", "equal", "not_equal"}

# Functions that hand over to a method of the tensor, and so give a tensor.
_METHODS = {
    "all", "amax", "amin", "any", "argmax", "argmin", "around", "clip", "argsort",
    "cumprod", "cumsum", "diagonal", "max", "mean", "min", "prod", "repeat", "reshape", "round", "squeeze",
    "std",
    "sum", "swapaxes", "take", "trace", "transpose", "var",
}  # fmt: skip


def _torch(name: str) -> Callable[..., Any] | None:
    """Our function of this name."""
    import rushlight

    return getattr(rushlight, name, None)


def _arrays(value: Any) -> Any:
    """The value with arrays in place of tensors, in lists and tuples too."""
    if isinstance(value, TensorBase):
        return value.numpy()  # type: ignore[attr-defined]
    if isinstance(value, list | tuple):
        return type(value)(_arrays(item) for item in value)
    return value


def _tensors(value: Any) -> Any:
    """The value with tensors in place of arrays."""
    if isinstance(value, np.ndarray | np.generic):
        return literal(np.asarray(value))
    if isinstance(value, list | tuple):
        return tuple(_tensors(item) for item in value)
    return value


def _bytes(result: Any, name: str, inputs: tuple[Any, ...]) -> Any:
    """torch's tensors take the flags of NumPy's functions as uint8, not those of its comparisons."""
    if isinstance(result, tuple):
        return tuple(_bytes(part, name, inputs) for part in result)
    compared = name in _COMPARISONS and any(isinstance(x, np.ndarray) for x in inputs)
    if isinstance(result, TensorBase) and result._data.dtype.kind == "b" and not compared:
        return wrap(read(result, "NumPy").view(np.uint8))
    return result


def _wants_gradient(values: Iterable[Any]) -> bool:
    for value in values:
        if isinstance(value, TensorBase):
            if value._requires_grad:
                return True
        elif isinstance(value, list | tuple) and _wants_gradient(value):
            return True
    return False


def _operand(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return literal(value)
    # A NumPy number weighs no more than a Python one, as under torch.
    return dtypes.python_number(value)


def with_array(operation: Callable[..., Any], ufunc: np.ufunc, *inputs: Any) -> Tensor:
    """A tensor and an array joined by an operator: the result has NumPy's type, as under torch."""
    if ufunc.__name__ in _COMPARISONS:
        return operation(*(_operand(x) for x in inputs))
    arrays = [read(x, "NumPy") if isinstance(x, TensorBase) else x for x in inputs]
    result = np.asarray(ufunc(*arrays))
    if not doors.watching and not (state.grad and _wants_gradient(inputs)):
        return _bytes(wrap(in_memory(result)), ufunc.__name__, inputs)
    common = result.dtype if result.dtype.kind in "fcV" else np.result_type(*arrays)
    tensors = (x if isinstance(x, TensorBase) else literal(x) for x in inputs)
    return operation(*(astype(t, common) for t in tensors))


class InteropMethods:
    """Mixed into Tensor."""

    __slots__ = ()

    __array_priority__ = 1000

    def __array_wrap__(
        self, array: Any, context: Any = None, return_scalar: bool = False
    ) -> Tensor:
        """An array as a tensor, flags as uint8, as torch hands NumPy's results on."""
        return _bytes(wrap(in_memory(np.asarray(array))), "", ())

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        recorded = state.grad and _wants_gradient(inputs)
        name = ufunc.__name__
        number = name in _OPERATORS and any(isinstance(x, np.generic) for x in inputs)
        if method == "__call__" and not kwargs and (recorded or number):
            ours = _torch(_UFUNCS.get(name, name))
            if ours is not None and any(isinstance(x, np.ndarray) for x in inputs):
                return with_array(ours, ufunc, *inputs)
            if ours is not None:
                return ours(*(_operand(x) for x in inputs))
        result = getattr(ufunc, method)(
            *(_arrays(x) for x in inputs), **{k: _arrays(v) for k, v in kwargs.items()}
        )
        if "out" in kwargs:
            return result
        result = _bytes(_tensors(result), name, inputs)
        own: Any = self
        return converted(result, class_of(own)) if own._spreads else result

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        name = func.__name__
        if state.grad and _wants_gradient((*args, *kwargs.values())):
            ours = _FUNCTIONS.get(name)
            if ours is not None and func.__module__ in ("numpy", "numpy.linalg"):
                return ours(*args, **kwargs)
        result = func(*_arrays(args), **{k: _arrays(v) for k, v in kwargs.items()})
        return _tensors(result) if name in _METHODS and func.__module__ == "numpy" else result


# ---- functions through which gradients flow -----------------------------------------------------


def _reduction(name: str) -> Callable[..., Tensor]:
    def function(a: Tensor, axis: Any = None, keepdims: bool = False, ddof: int = 0) -> Tensor:
        x: Any = _operand(a)
        options = {"correction": ddof} if name in ("std", "var") else {}
        if axis is None:
            axis = tuple(range(x._data.ndim))
        if name == "prod":
            return x.prod(axis, keepdim=keepdims) if isinstance(axis, int) else x.prod()
        return getattr(x, name)(axis, keepdim=keepdims, **options)

    return function


def _joined(name: str) -> Callable[..., Tensor]:
    def function(arrays: Any, axis: int = 0) -> Any:
        parts = [_tensors(part) for part in arrays]
        if axis is None:
            parts, axis = [part.reshape(-1) for part in parts], 0
        return _torch(name)(parts, axis)  # type: ignore[misc]

    return function


def _listed(name: str) -> Callable[..., Any]:
    return lambda arrays: _torch(name)([_tensors(part) for part in arrays])  # type: ignore[misc]


def _called(name: str) -> Callable[..., Any]:
    return lambda *args, **kwargs: _torch(name)(*(_operand(a) for a in args), **kwargs)  # type: ignore[misc]


def _transpose(a: Any, axes: Any = None) -> Any:
    return a.permute(*(axes if axes is not None else range(a.ndim)[::-1]))


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    import rushlight

    return rushlight.linalg.norm(x, ord, axis, keepdims)


# Called alike under both names of the library.
_SAME_ARGUMENTS = (
    "broadcast_to", "clip", "cumsum", "diag", "diagonal", "dot", "einsum", "flip", "fliplr",
    "flipud", "inner", "kron", "moveaxis", "outer", "ravel", "reshape", "roll", "rot90", "squeeze",
    "swapaxes", "tensordot", "tile", "trace", "tril", "triu", "where",
)  # fmt: skip

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{n: _reduction(n) for n in ("sum", "mean", "prod", "amax", "amin", "std", "var")},
    "max": _reduction("amax"),
    "min": _reduction("amin"),
    "concatenate": _joined("cat"),
    "stack": _joined("stack"),
    **{n: _listed(n) for n in ("hstack", "vstack", "dstack", "column_stack")},
    **{n: _called(n) for n in _SAME_ARGUMENTS},
    "expand_dims": _called("unsqueeze"),
    "copy": _called("clone"),
    "transpose": _transpose,
    "norm": _norm,
}
