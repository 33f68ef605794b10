"""The noise of dropout's relatives, as arrays to multiply with."""

from __future__ import annotations

import math

import numpy as np

from .arithmetic import Dtype, Shape, uniform64
from .discrete import bernoulli
from .generator import Array, Generator, source_of

# scale * alpha of SELU: what alpha dropout puts where it drops (G. Klambauer et al.,
# "Self-Normalizing Neural Networks", 2017).
_ALPHA = 1.7580993408473766


def dropout_noise(
    shape: Shape, dtype: Dtype, p: float, generator: Generator | None = None
) -> Array:
    """0 with probability p, else 1 / (1 - p) rounded as torch does; 0 < p < 1.

    `torch.nn.functional.dropout` is `input * noise`. For p of 0 and 1 torch draws nothing.

    >>> from rushlight.random import Generator
    >>> dropout_noise((4,), np.dtype("float32"), 0.5, Generator().manual_seed(0))
    array([0., 0., 2., 0.], dtype=float32)
    """
    noise = bernoulli(shape, dtype, 1.0 - p, generator)
    inner = np.float64 if dtype.itemsize == 8 else np.float32
    noise *= dtype.type(inner(1) / inner(1.0 - p))
    return noise


def alpha_dropout_noise(
    shape: Shape, dtype: Dtype, p: float, generator: Generator | None = None
) -> tuple[Array, Array]:
    """(noise, shift) such that alpha dropout is `input * noise + shift`; 0 < p < 1."""
    kept = bernoulli(shape, dtype, 1.0 - p, generator)
    a = 1.0 / math.sqrt((_ALPHA * _ALPHA * p + 1.0) * (1.0 - p))
    shift = kept.copy()
    shift -= dtype.type(1)
    shift *= dtype.type(_ALPHA * a)
    shift += dtype.type(_ALPHA * a * p)
    kept *= dtype.type(a)
    return kept, shift


def feature_shape(shape: Shape) -> Shape:
    """The shape of noise that drops whole channels: (N, C, 1, 1, ...).

    >>> feature_shape((8, 3, 32, 32))
    (8, 3, 1, 1)
    """
    return tuple(size if axis < 2 else 1 for axis, size in enumerate(shape))


def rrelu_noise(x: Array, lower: float, upper: float, generator: Generator | None = None) -> Array:
    """The slope of each element of randomised leaky ReLU: random where x <= 0, else 1.

    A draw is taken only for the elements that need one.
    """
    noise = np.ones(x.shape, x.dtype)
    falls = x <= 0
    start, end = float(x.dtype.type(lower)), float(x.dtype.type(upper))
    u = uniform64(source_of(generator).raw64(int(np.count_nonzero(falls))))
    noise[falls] = u * (end - start) + start
    return noise
