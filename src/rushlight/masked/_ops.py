"""What `torch.masked` gives: folds, scans and softmaxes of the elements that a mask lets through."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.core.doors import check, literal
from rushlight.ops import activation, extremes, reduction, scan, transcendental
from rushlight.ops.arguments import Dim, many_dims, need_tensor, one_dim
from rushlight.ops.comparison import where
from rushlight.ops.creation import full_like
from rushlight.ops.pointwise import maximum

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

__all__ = [
    "amax", "amin", "argmax", "argmin", "cumprod", "cumsum", "log_softmax", "logaddexp",
    "logsumexp", "mean", "median", "norm", "normalize", "prod", "softmax", "softmin", "std", "sum",
    "var",
]  # fmt: skip

Dtype = dtypes.dtype | None


def _filled(name: str, input: Tensor, mask: Tensor | None, start: float) -> Tensor:
    """The input with start where the mask is False; an infinity becomes an integer type's last."""
    need_tensor(name, "input", 1, input)
    if mask is None:
        return input
    need_tensor(name, "mask", 2, mask)
    shape = input._data_.shape
    if mask._data_.ndim > len(shape):
        raise IndexError(
            f"masked.{name}: the mask, of shape {list(mask._data_.shape)}, must broadcast to the "
            f"shape of the input, {list(shape)}, and cannot have more dimensions"
        )
    kind = input._data_.dtype.kind
    value: float = start
    if math.isinf(start) and kind in "biu":
        if kind == "b":
            raise NotImplementedError(f"masked.{name}: identity of {name} on torch.bool input")
        limits = np.iinfo(input._data_.dtype)
        value = limits.max if start > 0 else limits.min
    filler = literal(np.full((), value, input._data_.dtype))
    return where(mask.bool().expand(shape), input, filler)


def _count(input: Tensor, dim: Dim, keepdim: bool, mask: Tensor | None) -> Tensor:
    """How many elements count."""
    ones = full_like(input, True, dtype=dtypes.bool_)
    return reduction.sum(_filled("sum", ones, mask, 0), dim, keepdim)


# ---- folds --------------------------------------------------------------------------------------


def _every(dim: Dim, ndim: int) -> tuple[int, ...]:
    """The dimensions to fold: all of them if none is given."""
    return many_dims(dim, ndim) or tuple(range(ndim))


def _fold(
    name: str, start: float, run: Callable[[Tensor, Any, bool, Any], Tensor], what: str,
    dims: Callable[[Any, int], Any] = _every,
) -> Callable[..., Tensor]:  # fmt: skip
    """The public function of a fold; run(filled, dim, keepdim, dtype) folds what is filled in."""

    def function(
        input: Tensor, dim: Dim = None, *, keepdim: bool = False, dtype: Dtype = None,
        mask: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        filled = _filled(name, input, mask, start)
        return run(filled, dims(dim, filled._data_.ndim), keepdim, dtype)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = what
    return function


def _prod(x: Tensor, dims: tuple[int, ...], keepdim: bool, dtype: Dtype) -> Tensor:
    for dim in reversed(dims):
        x = reduction.prod(x, dim, keepdim, dtype=dtype)
    # Over no dimension at all torch hands the input itself back.
    return (
        x
        if dims or (dtype is None and x._data_.dtype.kind in "fcV")
        else reduction.prod(x, dtype=dtype)
    )


def _in_type(fold: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The fold, in the input's type unless a dtype says."""

    def typed(x: Tensor, dim: Dim, keepdim: bool, dtype: Dtype) -> Tensor:
        return fold(x, dim, keepdim).to(dtype or x.dtype)

    return typed


sum = _fold(
    "sum", 0, lambda x, dim, keepdim, dtype: reduction.sum(x, dim, keepdim, dtype=dtype),
    "The sum of all elements that count, or along dim; 0 of none.",
)  # fmt: skip
prod = _fold("prod", 1, _prod, "The product of the elements that count; 1 of none.")
amax = _fold(
    "amax", -math.inf,
    _in_type(extremes.amax),
    "The largest element that counts; -inf, or the least integer, of none.",
)  # fmt: skip
amin = _fold(
    "amin", math.inf,
    _in_type(extremes.amin),
    "The smallest element that counts; inf, or the largest integer, of none.",
)  # fmt: skip
argmax = _fold(
    "argmax", -math.inf,
    _in_type(extremes.argmax),
    "Where the largest element that counts is. As in torch, in the input's type unless dtype says.",
    lambda dim, ndim: dim,
)  # fmt: skip
argmin = _fold(
    "argmin", math.inf,
    _in_type(extremes.argmin),
    "Where the smallest element that counts is. As in torch, in the input's type unless dtype says.",
    lambda dim, ndim: dim,
)  # fmt: skip
logsumexp = _fold(
    "logsumexp", -math.inf,
    _in_type(reduction.logsumexp),
    "The logarithm of the sum of exp(x) of the elements that count; -inf of none.",
)  # fmt: skip


def mean(
    input: Tensor, dim: Dim = None, *, keepdim: bool = False, dtype: Dtype = None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The mean of the elements that count; nan of none. Floating or complex."""
    need_tensor("mean", "input", 1, input)
    if np.dtype((dtype or input.dtype).numpy).kind not in "fcV":
        raise ValueError(
            f"masked.mean: the input or dtype must be floating or complex, not {dtype or input.dtype}"
        )
    total = sum(input, dim, keepdim=keepdim, dtype=dtype, mask=mask)
    return total / _count(input, dim, keepdim, mask)


def median(
    input: Tensor, dim: int | None = -1, *, keepdim: bool = False, dtype: Dtype = None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The (lower) median of the elements that count along dim; nan of none.

    Integers are compared as floats, and raise ValueError where none count. As in torch, dtype is
    only for integers.
    """
    need_tensor("median", "input", 1, input)
    along = one_dim(dim or 0, input._data_.ndim)
    if input._data_.dtype.kind in "fV":
        filled = _filled("median", input, mask, math.nan)
        return extremes.nanmedian(filled, along, keepdim).values
    if not check(_count(input, along, False, mask), "whether a row is empty").all():
        raise ValueError("masked.median: of integers, at least one must count in every row")
    filled = _filled("median", input.to(dtypes.get_default_dtype()), mask, math.nan)
    return extremes.nanmedian(filled, along, keepdim).values.to(dtype or input.dtype)


def norm(
    input: Tensor, ord: float = 2.0, dim: Dim = None, *, keepdim: bool = False,
    dtype: Dtype = None, mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The vector norm of the elements that count, as `linalg.vector_norm` has it."""
    filled = _filled("norm", input, mask, math.inf if ord == -math.inf else 0)
    return reduction.vector_norm(filled, ord, dim, keepdim, dtype=dtype)


def var(
    input: Tensor, dim: Dim = None, unbiased: bool | None = None, *,
    correction: float | None = None, keepdim: bool = False, dtype: Dtype = None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The variance of the elements that count: squares over their number - correction (1)."""
    need_tensor("var", "input", 1, input)
    if unbiased is not None and correction is not None:
        raise AssertionError("masked.var: give one of unbiased and correction, not both")
    kind = input._data_.dtype.kind
    if kind == "b":
        raise RuntimeError("masked.var: not of a bool tensor: use .float()")
    if correction is None:
        correction = 0 if unbiased is False else 1
    x = input.to(dtype or (input.dtype if kind in "fcV" else dtypes.get_default_dtype()))
    away = x - sum(x, dim, keepdim=True, mask=mask) / _count(x, dim, True, mask)
    squares = sum(away * away.conj(), dim, keepdim=keepdim, mask=mask)
    count = (_count(x, dim, keepdim, mask) - correction).clamp(min=0)
    return squares / count.to(squares.dtype)


def std(
    input: Tensor, dim: Dim = None, unbiased: bool | None = None, *,
    correction: float | None = None, keepdim: bool = False, dtype: Dtype = None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The square root of `var`."""
    return var(
        input, dim, unbiased, correction=correction, keepdim=keepdim, dtype=dtype, mask=mask
    ).sqrt()


# ---- of the same shape --------------------------------------------------------------------------


def _along(
    name: str, start: float, run: Callable[[Tensor, int, Any], Tensor], what: str
) -> Callable[..., Tensor]:
    """The public function of something along a dimension; run(filled, dim, dtype)."""

    def function(
        input: Tensor, dim: int | None, *, dtype: Dtype = None, mask: Tensor | None = None
    ) -> Tensor:
        filled = _filled(name, input, mask, start)
        return run(filled, one_dim(dim or 0, filled._data_.ndim), dtype)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = what
    return function


cumsum = _along(
    "cumsum", 0, lambda x, dim, dtype: scan.cumsum(x, dim, dtype=dtype or x.dtype),
    "The sums so far of the elements that count, in the input's type unless dtype says.",
)  # fmt: skip
cumprod = _along(
    "cumprod", 1, lambda x, dim, dtype: scan.cumprod(x, dim, dtype=dtype or x.dtype),
    "The products so far of the elements that count, in the input's type unless dtype says.",
)  # fmt: skip
softmax = _along(
    "softmax", -math.inf, activation.softmax,
    "softmax of the elements that count; the others have 0, and nan where none count.",
)  # fmt: skip
log_softmax = _along(
    "log_softmax", -math.inf, activation.log_softmax,
    "log_softmax of the elements that count; the others have -inf, and nan where none count.",
)  # fmt: skip


def _softmin(x: Tensor, dim: int, dtype: Dtype) -> Tensor:
    return activation.softmax(-x, dim, dtype)


softmin = _along(
    "softmin", math.inf, _softmin,
    "softmax of the negative elements that count; the others have 0, and nan where none count.",
)  # fmt: skip


def normalize(
    input: Tensor, ord: float, dim: int | None, *, eps: float = 1e-12, dtype: Dtype = None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The elements that count divided by their norm along dim, or by eps if that is larger."""
    length = norm(input, ord, dim, keepdim=True, dtype=dtype, mask=mask)
    filled = _filled("normalize", input, mask, 0)
    return filled / maximum(length, full_like(length, eps))


def logaddexp(
    input: Tensor, other: Tensor, *, dtype: Dtype = None, input_mask: Tensor | None = None,
    other_mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """log(exp(input) + exp(other)), where each counts; -inf where neither does."""
    ours = _filled("logaddexp", input, input_mask, -math.inf)
    theirs = _filled("logaddexp", other, other_mask, -math.inf)
    result = transcendental.logaddexp(ours, theirs)
    return result if dtype is None else result.to(dtype)
