"""What autocast does to the arguments of an operation, if it is on.

Products are computed in the lower precision (`in_half`), what loses too much there in float32
(`in_single`); everything else takes its arguments as they come. float64 is left alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from rushlight.core.state import state
from rushlight.core.tensor import TensorBase
from rushlight.layout import strided
from rushlight.overriding.functions import ask_late, met_late

F = TypeVar("F", bound=Callable[..., Any])

_SINGLE = np.dtype(np.float32)


def _sparse(tensor: Any) -> bool:
    return tensor.layout is not strided


def _brought(value: Any, dtype: np.dtype[Any]) -> Any:
    """A tensor, or a list of them, in dtype; whatever else it is, as it is."""
    if isinstance(value, TensorBase):
        if _sparse(value):
            return value
        own = value._data_.dtype
        if own.kind not in "fV" or own == dtype or own == np.float64:
            return value
        return _cached(value, dtype)
    if isinstance(value, (list, tuple)) and any(isinstance(item, TensorBase) for item in value):
        return type(value)(_brought(item, dtype) for item in value)
    return value


def _cached(tensor: Any, dtype: np.dtype[Any]) -> Any:
    """The tensor in dtype; a weight is converted once for as long as the outermost block lasts."""
    cache = state.autocast_cache
    if (
        cache is None
        or not state.grad
        or dtype is _SINGLE
        or not tensor._requires_grad_
        or tensor._node_ is not None
        or tensor._view_ is not None
    ):
        return tensor.astype(dtype)
    known = cache.get(id(tensor))
    if known is None:
        # The weight is kept with it: while it is there its id is nobody else's.
        known = cache[id(tensor)] = (tensor, tensor.astype(dtype))
    return known[1]


def _types(args: Any) -> list[np.dtype[Any]]:
    """The floating types, except float64, of the tensors among arguments."""
    tensors = [t for arg in args for t in (arg if isinstance(arg, (list, tuple)) else (arg,))]
    types = (t._data_.dtype for t in tensors if isinstance(t, TensorBase) and not _sparse(t))
    return [kind for kind in types if kind.kind in "fV" and kind != np.float64]


def _lower(dtype: np.dtype[Any], args: Any) -> np.dtype[Any]:
    return dtype


def _single(dtype: np.dtype[Any], args: Any) -> np.dtype[Any]:
    return _SINGLE


def _widest(dtype: np.dtype[Any], args: Any) -> np.dtype[Any]:
    widest: np.dtype[Any] = dtype
    for kind in _types(args):
        if _SINGLE in (kind, widest):
            widest = _SINGLE
        elif kind is not dtype and kind.kind in "fV" and kind.itemsize == 2:
            raise RuntimeError(
                "Unexpected floating ScalarType in at::autocast::prioritize: autocast joins tensors of "
                f"float32 and of {dtype}, and no others of two bytes"
            )
    return widest


def _casting(function: F, choose: Callable[..., np.dtype[Any]]) -> F:
    def as_given(*args: Any, **kwargs: Any) -> Any:
        # What the operation is made of has its types by now.
        dtype, state.autocast = state.autocast, None
        try:
            return function(*args, **kwargs)
        finally:
            state.autocast = dtype

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            dtype = state.autocast
            if dtype is None:
                return function(*args, **kwargs)
            if kwargs.get("out") is not None:
                return as_given(*args, **kwargs)
            target = choose(dtype, (*args, *kwargs.values()))
            return as_given(
                *[_brought(value, target) for value in args],
                **{name: _brought(value, target) for name, value in kwargs.items()},
            )
        except met_late():
            return ask_late()

    called.as_given = functools.wraps(function)(as_given)  # type: ignore[attr-defined]
    return called  # type: ignore[return-value]


def in_half(function: F) -> F:
    """The operation, computed by autocast in the lower precision."""
    return _casting(function, _lower)


def in_single(function: F) -> F:
    """The operation, computed by autocast in float32."""
    return _casting(function, _single)


def in_widest(function: F) -> F:
    """The operation, computed by autocast in the widest of its arguments' types."""
    return _casting(function, _widest)


def need_joinable(tensors: Any) -> None:
    """Raise torch's error for tensors that autocast does not join."""
    if state.autocast is not None:
        _widest(state.autocast, tensors)


def need_one_type(name: str, *tensors: Any) -> None:
    """Raise torch's error of a function that compares the types before autocast brings them together."""
    types = {t._data_.dtype for t in tensors}
    if len(types) > 1:
        raise RuntimeError(
            f"{name}(): all tensors must be of the same dtype, but got "
            f"{' and '.join(str(t.dtype) for t in tensors)}"
        )


def lowered(*tensors: Any) -> Any:
    """The tensors in the lower precision: what `in_half` does, for functions that are in a hurry."""
    return tuple(_brought(tensor, state.autocast) for tensor in tensors)


def single(tensor: Any) -> Any:
    """The tensor, under autocast in float32."""
    return tensor if state.autocast is None else _brought(tensor, _SINGLE)


def uncast(function: F) -> F:
    """The operation as autocast leaves it alone, which holds for in-place methods."""
    return getattr(function, "as_given", function)
