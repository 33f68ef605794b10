"""Windows for signals: weights that fall off towards both ends.

A shape is a function of the places 0 to count - 1 and of the length at which the window would
repeat: count - 1 for a symmetric window, count for a periodic one, which suits a Fourier transform.
Computed in float64 and rounded once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.core.tensor import Array
from rushlight.layout import strided
from rushlight.ops.arguments import as_dtype, need_flag, need_whole
from rushlight.ops.creation import finish

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

Shape = Callable[[Array, float], Array]


def cosines(*weights: float) -> Shape:
    """Waves of 0, 1, 2 ... periods with these weights and alternating signs."""

    def shape(places: Array, length: float) -> Array:
        turns = places * (2 * math.pi / length)
        return sum((-1) ** i * w * np.cos(i * turns) for i, w in enumerate(weights))

    return shape


HANN = cosines(0.5, 0.5)
BLACKMAN = cosines(0.42, 0.5, 0.08)


def triangle(places: Array, length: float) -> Array:
    """Up and down along two lines. Bartlett 1950."""
    return 1 - np.abs(2 * places / length - 1)


def kaiser(beta: float) -> Shape:
    """The modified Bessel function of a half circle. Kaiser 1974."""

    def shape(places: Array, length: float) -> Array:
        across = np.clip(1 - (2 * places / length - 1) ** 2, 0, None)
        return np.i0(beta * np.sqrt(across)) / np.i0(beta)

    return shape


def sampled(shape: Shape, count: int, symmetric: bool, dtype: np.dtype[Any]) -> Array:
    """count points of a shape; a single point is 1."""
    if count <= 1:
        return np.ones(count, dtype)
    places = np.arange(count, dtype=np.float64)
    return shape(places, count - 1 if symmetric else count).astype(dtype)


def _window(
    name: str,
    shape: Shape,
    window_length: int,
    periodic: bool,
    *,
    dtype: Any = None,
    layout: Any = None,
    **options: Any,
) -> Tensor:
    if isinstance(window_length, bool) or not hasattr(window_length, "__index__"):
        raise TypeError(
            f"{name}(): argument 'window_length' (position 1) must be int, not "
            f"{type(window_length).__name__}"
        )
    kind = dtypes.get_default_dtype() if dtype is None else as_dtype(dtype)
    if layout not in (None, strided):
        raise RuntimeError(f"{name} is not implemented for sparse types, got: {layout}")
    if not kind.is_floating_point:
        raise RuntimeError(f"{name} expects floating point dtypes, got: {kind}")
    count = need_whole(name, "window_length", 1, window_length)
    need_flag(name, "periodic", 2, periodic)
    if count < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={count}")
    return finish(sampled(shape, count, not periodic, kind.numpy), **options)


def bartlett_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """Up and down along two lines."""
    return _window("bartlett_window", triangle, window_length, periodic, **options)


def blackman_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """0.42 - 0.5 cos x + 0.08 cos 2x over one turn."""
    return _window("blackman_window", BLACKMAN, window_length, periodic, **options)


def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    **options: Any,
) -> Tensor:
    """Alpha - beta cos x over one turn."""
    return _window("hamming_window", cosines(alpha, beta), window_length, periodic, **options)


def hann_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """(1 - cos x) / 2 over one turn.

    >>> import rushlight as torch
    >>> torch.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return _window("hann_window", HANN, window_length, periodic, **options)


def kaiser_window(
    window_length: int, periodic: bool = True, beta: float = 12.0, **options: Any
) -> Tensor:
    """The Kaiser window; the larger beta, the narrower."""
    return _window("kaiser_window", kaiser(beta), window_length, periodic, **options)
