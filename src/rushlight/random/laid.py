"""Numbers for memory that is not in row order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.memory import strided_view

from .arithmetic import Dtype, Shape
from .generator import Array, Generator


def laid(
    *inputs: Array,
    numbers: Callable[..., Array],
    order: tuple[Shape, Shape],
    shape: Shape,
    dtype: Dtype,
    generator: Generator | None = None,
    **parameters: Any,
) -> Array:
    """What numbers draws for an array of this shape, in the order in which its elements lie in memory.

    order: its dimensions, outermost first, and its strides in elements. inputs broadcast to shape.

    >>> from rushlight.random import uniform
    >>> place = {"shape": (2, 3), "dtype": np.dtype("float32"), "generator": Generator().manual_seed(0)}
    >>> laid(numbers=uniform, order=((1, 0), (1, 2)), **place).T.round(2)
    array([[0.5 , 0.77],
           [0.09, 0.13],
           [0.31, 0.63]], dtype=float32)
    """
    dims, strides = order
    turned = [np.broadcast_to(x, shape).transpose(dims) for x in inputs]
    sizes = tuple(shape[d] for d in dims)
    rows = numbers(*turned, shape=sizes, dtype=dtype, generator=generator, **parameters)
    return strided_view(rows, shape, tuple(s * rows.itemsize for s in strides))
