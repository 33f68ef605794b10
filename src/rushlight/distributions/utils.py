"""What families share: parameters of one shape, parameters computed on demand, odds and probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Number
from typing import Any

from rushlight.autograd.state import enable_grad
from rushlight.core.tensor import TensorBase
from rushlight.dtypes import finfo, get_default_dtype
from rushlight.ops.creation import ones, tensor, zeros
from rushlight.ops.sampling import normal
from rushlight.ops.shape import broadcast_tensors

__all__ = ["broadcast_all", "clamp_probs", "lazy_property", "logits_to_probs", "probs_to_logits"]


def broadcast_all(*values: Any) -> Any:
    """Numbers and tensors as tensors of one shape; numbers take the dtype of the first tensor."""
    if not all(isinstance(v, TensorBase | Number) for v in values):
        raise ValueError(
            "Input arguments must all be instances of Number, torch.Tensor or objects "
            "implementing __torch_function__."
        )
    first: Any = next((v for v in values if isinstance(v, TensorBase)), None)
    dtype = get_default_dtype() if first is None else first.dtype
    tensors = (v if isinstance(v, TensorBase) else tensor(v, dtype=dtype) for v in values)
    return broadcast_tensors(*tensors)


class lazy_property:
    """A parameter computed from another one when it is first asked for, then an attribute.

    It is computed with gradients on, since the first to ask may be sample().
    """

    def __init__(self, compute: Callable[[Any], Any]) -> None:
        self.compute, self.__doc__ = compute, compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        with enable_grad():
            value = self.compute(instance)
        setattr(instance, self.name, value)
        return value


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


def standard_normal(shape: Sequence[int], dtype: Any) -> Any:
    """Normal numbers in the order of torch's stream."""
    return normal(zeros(shape, dtype=dtype), ones(shape, dtype=dtype))


def sum_rightmost(value: Any, dims: int) -> Any:
    """The sum over the last dims dimensions."""
    return value.sum(tuple(range(-dims, 0))) if dims else value
