"""What families share: parameters of one shape, parameters computed on demand, odds and probabilities."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from numbers import Number
from typing import Any

from rushlight.autograd.state import enable_grad
from rushlight.core.tensor import TensorBase
from rushlight.dtypes import finfo, get_default_dtype
from rushlight.ops.creation import empty, tensor
from rushlight.ops.ranges import arange
from rushlight.ops.shape import broadcast_tensors

__all__ = [
    "broadcast_all",
    "clamp_probs",
    "lazy_property",
    "logits_to_probs",
    "probs_to_logits",
    "tril_matrix_to_vec",
    "vec_to_tril_matrix",
]

euler_constant = 0.5772156649015329


def broadcast_all(*values: Any) -> Any:
    """Numbers and tensors as tensors of one shape; numbers take the dtype of the first tensor."""
    if not all(isinstance(v, TensorBase | Number) for v in values):
        raise ValueError(
            "Input arguments must all be instances of Number, torch.Tensor or objects "
            "implementing __torch_function__."
        )
    first: Any = next((v for v in values if isinstance(v, TensorBase)), None)
    of = {"dtype": get_default_dtype()} if first is None else _like(first)
    tensors = (v if isinstance(v, TensorBase) else tensor(v, **of) for v in values)
    return broadcast_tensors(*tensors)


def _like(value: Any) -> dict[str, Any]:
    return {"dtype": value.dtype, "device": value.device}


class lazy_property:
    """A parameter computed from another one when it is first asked for, then an attribute.

    It is computed with gradients on, since the first to ask may be sample(). Asked of the class it is a
    property, by which documentation and subclasses know it.
    """

    def __init__(self, wrapped: Callable[[Any], Any]) -> None:
        self.wrapped = wrapped
        functools.update_wrapper(self, wrapped)  # type: ignore[arg-type]

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return _OfClass(self.wrapped)
        with enable_grad():
            value = self.wrapped(instance)
        setattr(instance, getattr(self, "name", self.wrapped.__name__), value)
        return value


class _OfClass(lazy_property, property):
    def __init__(self, wrapped: Callable[[Any], Any]) -> None:
        property.__init__(self, wrapped)


def checked(method: Callable[..., Any]) -> Any:
    """A method of a value that has been looked at: a ValueError where it is outside of the support."""

    @functools.wraps(method)
    def of_valid(self: Any, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        return method(self, value)

    return of_valid


def clamp_probs(probs: Any) -> Any:
    """Probabilities kept an epsilon away from 0 and 1, where logarithms are finite."""
    eps = finfo(probs.dtype).eps
    return probs.clamp(eps, 1 - eps)


def probs_to_logits(probs: Any, is_binary: bool = False) -> Any:
    """Logarithms of probabilities; of the odds if binary."""
    clamped = clamp_probs(probs)
    return clamped.log() - (-clamped).log1p() if is_binary else clamped.log()


def logits_to_probs(logits: Any, is_binary: bool = False) -> Any:
    """Probabilities of logits, along the last dimension unless binary."""
    return logits.sigmoid() if is_binary else logits.softmax(-1)


def need_one(probs: Any, logits: Any) -> tuple[str, Any]:
    """The name and value of the one parameter of two that is given."""
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")
    return ("logits", logits) if probs is None else ("probs", probs)


def uniforms(shape: Sequence[int], like: Any) -> Any:
    """Numbers from 0 up to 1, of a tensor's dtype."""
    return like.new_empty(shape).uniform_()


def _standard_normal(shape: Sequence[int], dtype: Any, device: Any) -> Any:
    """Normal numbers of mean 0 and deviation 1."""
    return empty(shape, dtype=dtype, device=device).normal_()


def _sum_rightmost(value: Any, dim: int) -> Any:
    """The sum over the last dim dimensions."""
    return value.reshape(*value.shape[:-dim], -1).sum(-1) if dim else value


def _below(size: int, diag: int, device: Any) -> Any:
    """Which elements of a square matrix stand on the diagonal of that number, or below it."""
    index = arange(size, device=device)
    return index < index.unsqueeze(-1) + (diag + 1)


def tril_matrix_to_vec(mat: Any, diag: int = 0) -> Any:
    """What stands on and below a diagonal of square matrices, row after row: (..., n, n) to (..., k)."""
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    return mat[..., _below(n, diag, mat.device)]


def vec_to_tril_matrix(vec: Any, diag: int = 0) -> Any:
    """The square matrices whose elements on and below a diagonal are given, row after row."""
    size = vec.shape[-1]
    # The k elements of an n by n matrix make n(n+1)/2 with diag 0; each diagonal adds or takes its own.
    odd = 1 + 2 * diag
    n = (-odd + (odd**2 + 8 * size + 4 * abs(diag) * (diag + 1)) ** 0.5) / 2
    if round(n) - n > finfo(vec.dtype).eps:
        raise ValueError(
            f"The size of last dimension is {size} which cannot be expressed as "
            "the lower triangular part of a square D x D matrix."
        )
    mat = vec.new_zeros(*vec.shape[:-1], round(n), round(n))
    mat[..., _below(round(n), diag, vec.device)] = vec
    return mat
