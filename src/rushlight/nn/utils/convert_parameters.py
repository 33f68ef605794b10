"""All parameters as one vector, and back."""

from __future__ import annotations

import math
from collections.abc import Iterable

from rushlight._tensor import Tensor
from rushlight.core.tensor import TensorBase
from rushlight.public.torch import cat

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """The elements of all parameters, one after the other; gradients flow through.

    >>> import rushlight as torch
    >>> layer = torch.nn.Linear(3, 2)
    >>> torch.nn.utils.parameters_to_vector(layer.parameters()).shape
    torch.Size([8])
    """
    return cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Let the parameters be views of consecutive parts of vec."""
    if not isinstance(vec, TensorBase):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    listed = list(parameters)
    total = sum(math.prod(parameter.shape) for parameter in listed)
    if vec.shape[0] < total:
        raise RuntimeError(
            f"a vector of {vec.shape[0]} elements is too short for parameters of {total} elements"
        )
    start = 0
    for parameter in listed:
        size = math.prod(parameter.shape)
        parameter.data = vec[start : start + size].reshape(parameter.shape).data
        start += size
