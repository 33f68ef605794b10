"""Checks and conversions of arguments that most operations share."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.state import state
from rushlight.tensor_base import TensorBase, bump

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

Dim = int | Sequence[int] | None


def type_name(value: Any) -> str:
    """How torch names the type of a bad argument."""
    return "Tensor" if isinstance(value, TensorBase) else type(value).__name__


def need_tensor(function: str, name: str, position: int, value: Any) -> None:
    """Raise torch's TypeError unless value is a tensor."""
    if not isinstance(value, TensorBase):
        raise TypeError(
            f"{function}(): argument '{name}' (position {position}) must be Tensor, not "
            f"{type_name(value)}"
        )


def one_dim(dim: int, ndim: int) -> int:
    """dim counted from the front; a 0-d tensor takes 0 and -1.

    >>> one_dim(-1, 3)
    2
    """
    dim = operator.index(dim)
    size = ndim or 1
    if not -size <= dim < size:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-size}, {size - 1}], but got {dim})"
        )
    return dim + size if dim < 0 else dim


def many_dims(dim: Dim, ndim: int) -> tuple[int, ...] | None:
    """Dimensions counted from the front and sorted; None (or none given) stays None: all of them."""
    if dim is None:
        return None
    if isinstance(dim, (int, np.integer)):
        return (one_dim(int(dim), ndim),) if ndim else _check_0d((int(dim),))
    dims = tuple(one_dim(d, ndim) for d in dim)
    if len(set(dims)) != len(dims):
        repeated = next(d for d in dims if dims.count(d) > 1)
        raise RuntimeError(f"dim {repeated} appears multiple times in the list of dims")
    if not dims:
        return None
    return tuple(sorted(dims)) if ndim else ()


def _check_0d(dims: tuple[int, ...]) -> tuple[int, ...]:
    for d in dims:
        one_dim(d, 0)
    return ()


def as_sizes(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """Sizes given one by one or as one sequence: `f(2, 3)` and `f((2, 3))`."""
    if len(sizes) == 1 and not isinstance(sizes[0], (int, np.integer)):
        only = sizes[0]
        if isinstance(only, TensorBase) and only._data.ndim == 0:
            return (int(only._data),)
        sizes = tuple(only)
    try:
        return tuple(map(operator.index, sizes))
    except TypeError:
        wrong = next(s for s in sizes if not isinstance(s, (int, np.integer)))
        raise TypeError(
            f"sizes must be integers, but found {type_name(wrong)}: {wrong!r}"
        ) from None


def numpy_dtype(dtype: dtypes.dtype | None, default: np.dtype[Any]) -> np.dtype[Any]:
    """The NumPy dtype for an optional dtype argument."""
    if dtype is None:
        return default
    if not isinstance(dtype, dtypes.dtype):
        raise TypeError(f"dtype must be torch.dtype, not {type_name(dtype)}")
    return dtype.numpy


def write_out(out: Tensor | None, result: Tensor) -> Tensor:
    """Put a result into the `out=` tensor, if there is one, and return it."""
    if out is None:
        return result
    need_tensor("out", "out", 0, out)
    if state.grad and (out._requires_grad or result._requires_grad):
        raise RuntimeError(
            "functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad: leave out= away, or use torch.no_grad()"
        )
    ours, theirs = dtypes.of(result._data.dtype), dtypes.of(out._data.dtype)
    if ours.category > theirs.category:
        raise RuntimeError(
            f"result type {ours.word} can't be cast to the desired output type {theirs.word}"
        )
    if out._data.shape == result._data.shape:
        out._data[...] = result._data
    else:
        out._data = result._data.astype(out._data.dtype)
    bump(out, "an out= argument")
    return out


def type_word(dtype: dtypes.dtype) -> str:
    """torch's word for a dtype in messages: `Float`, `Long`."""
    return dtype.word
