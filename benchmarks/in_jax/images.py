"""Images in jax, which lie with their channels last, as jax has them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import arrays
from benchmarks.in_jax.training import Arrays


def labelled(count: int, shape: tuple[int, int, int]) -> arrays.Batches:
    return [
        (np.ascontiguousarray(x.transpose(0, 2, 3, 1)), y) for x, y in arrays.labelled(count, shape)
    ]


def channels_last(parameters: Arrays) -> Arrays:
    """The filters as jax has them: height, width, inputs, outputs."""
    return {k: p.transpose(2, 3, 1, 0) if p.ndim == 4 else p for k, p in parameters.items()}


def convolution(x: jax.Array, filters: jax.Array, stride: int = 1, padding: int = 0) -> jax.Array:
    return jax.lax.conv_general_dilated(
        x, filters, (stride, stride), [(padding, padding)] * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )  # fmt: skip


def largest(x: jax.Array, size: int) -> jax.Array:
    window = (1, size, size, 1)
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")
