"""Dropout and its relatives, with torch's masks under the same seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import elsewhere, random
from rushlight.core.doors import draw, literal
from rushlight.core.tensor import Array, wrap
from rushlight.memory import placed
from rushlight.ops.arguments import named, need_flag, need_float, need_tensor
from rushlight.ops.inplace import assign
from rushlight.ops.writable import check_memory
from rushlight.outline import blank
from rushlight.primitives.kernel import laid_out
from rushlight.primitives.placement import order_like

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def _check(name: str, input: Any, p: Any, train: Any) -> None:
    need_tensor(name, "input", 1, input)
    need_flag(name, "train", 3, train)
    need_float(name, "p", 2, p)
    if not 0 <= p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropped(input: Tensor, p: float, *, features: bool = False, alpha: bool = False) -> Tensor:
    """The input with elements, or whole features, dropped with probability p."""
    if p == 1:
        return input * literal(np.zeros((), input._data_.dtype))
    if input._data_.dtype.kind == "c":
        word = input.dtype.word
        raise NotImplementedError(f"\"bernoulli_scalar_cpu_\" not implemented for '{word}'")
    shape = input._data_.shape
    if features:
        if len(shape) < 2:
            raise RuntimeError(
                "Feature dropout requires at least 2 dimensions in the input, got shape "
                f"{list(shape)}"
            )
        shape = random.feature_shape(shape)
    if input._data_.dtype.kind not in "fV":
        raise RuntimeError(
            "result type Float can't be cast to the desired output type "
            f"{input.dtype}: dropout scales what it keeps; convert the input with .float()"
        )
    order = None if features else _memory_order(input._data_)
    strides = None if features else _odd_strides(input._data_)
    if order is not None:
        shape = tuple(shape[d] for d in order)
    place = {"shape": shape, "dtype": input._data_.dtype, "p": p}
    if not elsewhere.has_memory(input._data_):
        return input * _back(wrap(blank(shape, input._data_.dtype)), order)
    if alpha:
        factor, shift = draw(random.alpha_dropout_noise, None, **place)
        return input * _back(factor, order) + _back(shift, order)
    mask = _back(draw(random.dropout_noise, None, **place), order)
    return input * (mask if strides is None else laid_out(mask, strides=strides))


def _memory_order(data: Array) -> tuple[int, ...] | None:
    """The dimensions in the order of memory, in which torch fills masks; None if it is theirs."""
    if data.flags.c_contiguous or 0 in data.strides:
        return None
    order = sorted(range(data.ndim), key=lambda d: -abs(data.strides[d]))
    return None if order == list(range(data.ndim)) else tuple(order)


def _odd_strides(data: Array) -> tuple[int, ...] | None:
    """The strides of torch's mask where dimensions of size 1 have others than NumPy gives."""
    if data.base is None or 1 not in data.shape or not placed(data):
        return None
    order = order_like(data)
    return None if order is None else order[1]


def _back(mask: Tensor, order: tuple[int, ...] | None) -> Tensor:
    return mask if order is None else mask.permute([order.index(d) for d in range(len(order))])


def _dropping(name: str, what: str, *, features: bool, alpha: bool) -> Callable[..., Tensor]:
    def function(input: Tensor, p: float, train: bool) -> Tensor:
        _check(name, input, p, train)
        if p == 0 or not train or not input._data_.size:
            return input
        return dropped(input, p, features=features, alpha=alpha)

    return named(function, name, what)


def _in_place(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    name = function.__name__ + "_"

    def inplace(input: Tensor, p: float, train: bool) -> Tensor:
        _check(name, input, p, train)
        if p == 0 or not train or not input._data_.size:
            return input
        # torch, too, has drawn its mask before it refuses a leaf.
        result = function(input, p, train)
        check_memory("mul", input._data_)
        return assign(input, result, name)

    inplace.__name__ = inplace.__qualname__ = name
    inplace.__doc__ = f"`{function.__name__}`, written into the input."
    return inplace


dropout = _dropping(
    "dropout",
    "Zeros with probability p, the rest scaled by 1 / (1 - p); the input itself if not train.",
    features=False,
    alpha=False,
)
feature_dropout = _dropping(
    "feature_dropout",
    "Whole channels (dimension 1) set to zero with probability p.",
    features=True,
    alpha=False,
)
alpha_dropout = _dropping(
    "alpha_dropout",
    "Dropout that keeps mean and variance of SELU's outputs (Klambauer et al., 2017).",
    features=False,
    alpha=True,
)
feature_alpha_dropout = _dropping(
    "feature_alpha_dropout",
    "`alpha_dropout` of whole channels (dimension 1).",
    features=True,
    alpha=True,
)
dropout_ = _in_place(dropout)
feature_dropout_ = _in_place(feature_dropout)
alpha_dropout_ = _in_place(alpha_dropout)
feature_alpha_dropout_ = _in_place(feature_alpha_dropout)


def native_dropout(input: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    """The input after dropout, and the mask of what was kept."""
    need_tensor("native_dropout", "input", 1, input)
    if not input._data_.size or train is False:
        return input.clone(), (input.detach() * 0 == 0)
    if p == 1:
        return input * 0.0, (input.detach() * 0 != 0)
    place = {"shape": input._data_.shape, "dtype": input._data_.dtype}
    if elsewhere.has_memory(input._data_):
        scale = draw(random.dropout_noise, None, **place, p=p)
    else:
        scale = wrap(blank(*place.values()))
    return input * scale, scale != 0
