"""torch.signal.windows: windows of M points, symmetric unless sym=False makes them periodic.

>>> import rushlight as torch
>>> torch.signal.windows.hann(5)
tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.core.tensor import Array
from rushlight.layout import strided
from rushlight.ops.creation import finish
from rushlight.ops.windows import BLACKMAN, HANN, Shape, cosines, sampled, triangle
from rushlight.ops.windows import kaiser as kaiser_shape

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

__all__ = [
    "bartlett",
    "blackman",
    "cosine",
    "exponential",
    "gaussian",
    "general_cosine",
    "general_hamming",
    "hamming",
    "hann",
    "kaiser",
    "nuttall",
]


def _window(
    name: str,
    shape: Shape,
    M: int,
    sym: bool,
    *,
    dtype: Any = None,
    layout: Any = strided,
    **options: Any,
) -> Tensor:
    kind = dtypes.get_default_dtype() if dtype is None else dtype
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if layout is not strided:
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    if kind not in (dtypes.float32, dtypes.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {kind}")
    return finish(sampled(shape, operator.index(M), sym, kind.numpy), **options)


def bartlett(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """Up and down along two lines."""
    return _window("bartlett", triangle, M, sym, **options)


def blackman(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """0.42 - 0.5 cos x + 0.08 cos 2x over one turn."""
    return _window("blackman", BLACKMAN, M, sym, **options)


def cosine(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """Half a wave of the sine, taken between the points."""

    def shape(places: Array, length: float) -> Array:
        return np.sin(math.pi * (places + 0.5) / (length + 1))

    return _window("cosine", shape, M, sym, **options)


def exponential(
    M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True, **options: Any
) -> Tensor:
    """exp(-|k - center| / tau)."""
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")

    def shape(places: Array, length: float) -> Array:
        return np.exp(-np.abs(places - (length / 2 if center is None else center)) / tau)

    return _window("exponential", shape, M, sym, **options)


def gaussian(M: int, *, std: float = 1.0, sym: bool = True, **options: Any) -> Tensor:
    """The bell curve with this standard deviation."""
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")

    def shape(places: Array, length: float) -> Array:
        return np.exp(-0.5 * ((places - length / 2) / std) ** 2)

    return _window("gaussian", shape, M, sym, **options)


def general_cosine(M: int, *, a: Iterable[float], sym: bool = True, **options: Any) -> Tensor:
    """a[0] - a[1] cos x + a[2] cos 2x - ... over one turn."""
    if not isinstance(a, Iterable):
        raise TypeError("Coefficients must be a list/tuple")
    weights = tuple(a)
    if not weights:
        raise ValueError("Coefficients cannot be empty")
    return _window("general_cosine", cosines(*weights), M, sym, **options)


def general_hamming(M: int, *, alpha: float = 0.54, sym: bool = True, **options: Any) -> Tensor:
    """Alpha - (1 - alpha) cos x over one turn."""
    return general_cosine(M, a=(alpha, 1.0 - alpha), sym=sym, **options)


def hamming(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """0.54 - 0.46 cos x over one turn."""
    return general_hamming(M, sym=sym, **options)


def hann(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """(1 - cos x) / 2 over one turn."""
    return _window("general_cosine", HANN, M, sym, **options)


def kaiser(M: int, *, beta: float = 12.0, sym: bool = True, **options: Any) -> Tensor:
    """The modified Bessel function of a half circle; the larger beta, the narrower."""
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    return _window("kaiser", kaiser_shape(beta), M, sym, **options)


def nuttall(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """Four waves whose side lobes stay below -98 dB. Nuttall 1981."""
    return general_cosine(M, a=(0.3635819, 0.4891775, 0.1365995, 0.0106411), sym=sym, **options)
