"""Normalization within one sample: layers, groups, root mean squares, neighbouring channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.core.doors import literal
from rushlight.nn import functional as F
from rushlight.nn import init
from rushlight.nn.modules.module import Module
from rushlight.nn.modules.utils import new_parameter, register_affine, reset_affine

__all__ = ["CrossMapLRN2d", "GroupNorm", "LayerNorm", "LocalResponseNorm", "RMSNorm"]

Dtype = dtypes.dtype | None
Shape = int | Sequence[int]


class LayerNorm(Module):
    """Mean 0 and variance 1 over the last dimensions, then weight and bias (Ba et al. 2016).

    >>> import rushlight as torch
    >>> torch.nn.LayerNorm(2)(torch.tensor([[1.0, 3.0]])).detach()
    tensor([[-1.0000,  1.0000]])
    """

    __constants__ = ["normalized_shape", "eps", "elementwise_affine"]

    __shown__ = "*normalized_shape eps elementwise_affine bias"

    normalized_shape: tuple[int, ...]
    weight: Tensor | None
    bias: Tensor | None

    def __init__(
        self,
        normalized_shape: Shape,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else normalized_shape
        self.normalized_shape = tuple(shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        affine = elementwise_affine, elementwise_affine and bias
        register_affine(self, *affine, self.normalized_shape, device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight 1, bias 0."""
        reset_affine(self)

    def forward(self, input: Tensor) -> Tensor:
        """(*, *normalized_shape) to the same shape."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)


class RMSNorm(Module):
    """Divide by the root of the mean square over the last dimensions (Zhang and Sennrich 2019)."""

    __constants__ = ["normalized_shape", "eps", "elementwise_affine"]

    __shown__ = "*normalized_shape eps elementwise_affine"

    normalized_shape: tuple[int, ...]
    weight: Tensor | None

    def __init__(
        self,
        normalized_shape: Shape,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else normalized_shape
        self.normalized_shape = tuple(shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.register_parameter(
            "weight",
            new_parameter(*self.normalized_shape, device=device, dtype=dtype)
            if elementwise_affine
            else None,
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(*, *normalized_shape) to the same shape."""
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)


class GroupNorm(Module):
    """Mean 0 and variance 1 over each group of channels of a sample (Wu and He 2018)."""

    __constants__ = ["num_groups", "num_channels", "eps", "affine"]

    __shown__ = "*num_groups *num_channels eps affine bias"

    weight: Tensor | None
    bias: Tensor | None

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Dtype = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(
                f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})"
            )
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        register_affine(self, affine, affine and bias, (num_channels,), device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight 1, bias 0."""
        reset_affine(self)

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, *) to the same shape."""
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)


class LocalResponseNorm(Module):
    """Divide by (k + alpha * mean square of nearby channels) ** beta (Krizhevsky et al. 2012)."""

    __constants__ = ["size", "alpha", "beta", "k"]

    __shown__ = "*size alpha beta k"

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, *) to the same shape."""
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)


class CrossMapLRN2d(LocalResponseNorm):
    """Local response norm as Lua torch had it, and torch has it still.

    Its window is one channel smaller for even sizes, and never drops the first channel.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__(size, alpha, beta, k)

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        if input.dim() != 4:
            raise ValueError(f"CrossMapLRN2d: Expected input to be 4D, got {input.dim()}D instead.")
        reach, channels = (self.size + 1) // 2, input.shape[1]
        squares = input * input
        margin = [0, 0, 0, 0, reach - 1, reach - 1]
        padded = F.pad(squares, margin)
        total = padded.narrow(1, 0, channels)
        for start in range(1, 2 * reach - 1):
            total = total + padded.narrow(1, start, channels)
        later = (np.arange(channels) >= reach).reshape(-1, 1, 1)
        total = total + squares.narrow(1, 0, 1) * literal(later.astype(input._data_.dtype))
        return input * (self.k + self.alpha / self.size * total) ** -self.beta
