"""A dataset made from a mathematical function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rushlight import random
from rushlight._tensor import Tensor
from rushlight.autograd.state import no_grad
from rushlight.core.doors import draw
from rushlight.dtypes import dtype as Dtype
from rushlight.dtypes import get_default_dtype
from rushlight.ops.creation import from_numpy
from rushlight.utils.data.dataset import TensorDataset


class FunctionDataset(TensorDataset):
    """Points between low and high and the values of fn there; rushlight's own.

    low and high are numbers, or sequences with one bound for each of fn's arguments. fn gets all
    points as one (n, arguments) tensor and returns a tensor of n rows; a result of shape (n,)
    becomes (n, 1), the shape of a network's output. The points are drawn uniformly from [low, high)
    or, with grid=True, lie evenly spaced from low to high, n for each argument. noise is the
    standard deviation of normal noise on the values.

    >>> import rushlight as torch
    >>> line = FunctionDataset(lambda x: 2 * x + 1, 0, 1, 3, grid=True)
    >>> line.x.tolist(), line.y.tolist()
    ([[0.0], [0.5], [1.0]], [[1.0], [2.0], [3.0]])
    """

    def __init__(
        self,
        fn: Callable[[Tensor], Tensor],
        low: float | Sequence[float],
        high: float | Sequence[float],
        n: int,
        *,
        grid: bool = False,
        noise: float = 0.0,
        dtype: Dtype | None = None,
        generator: random.Generator | None = None,
    ) -> None:
        lows, highs = _bounds(low, high)
        if not isinstance(n, int) or isinstance(n, bool) or n <= 0:
            raise ValueError(f"n should be a positive integer value, but got n={n}")
        if noise < 0:
            raise ValueError(f"noise is a standard deviation and cannot be negative, got {noise}")
        storage = (dtype or get_default_dtype()).numpy
        if grid:
            axes = [np.linspace(a, b, n) for a, b in zip(lows, highs, strict=True)]
            grid_points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes))
            points = from_numpy(grid_points)
        else:
            unit = draw(random.uniform, generator, shape=(n, len(lows)), dtype=storage)
            points = from_numpy(lows) + unit * from_numpy(highs - lows)
        self.fn = fn
        self.low, self.high = low, high
        self.x = points.to(dtype or get_default_dtype())
        self.y = _values(fn, self.x)
        if noise:
            place = {"shape": tuple(self.y.shape), "dtype": storage}
            self.y = self.y + draw(random.normal, generator, **place, std=noise)
        super().__init__(self.x, self.y)

    def __repr__(self) -> str:
        name = getattr(self.fn, "__name__", repr(self.fn))
        return f"FunctionDataset({name}, low={self.low}, high={self.high}, n={len(self)})"


def _bounds(low: Any, high: Any) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    lows, highs = (np.atleast_1d(np.asarray(bound, np.float64)) for bound in (low, high))
    if lows.shape != highs.shape or lows.ndim != 1:
        raise ValueError(
            f"low and high need one bound for each argument of the function, got low={low} and "
            f"high={high}"
        )
    if not (np.isfinite(lows).all() and np.isfinite(highs).all() and (lows < highs).all()):
        raise ValueError(f"low must be below high and both finite, got low={low}, high={high}")
    return lows, highs


def _values(fn: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    with no_grad():
        y = fn(x)
    if not isinstance(y, Tensor):
        raise TypeError(f"the function should return a Tensor, but returned {type(y).__name__}")
    if y.dim() == 0 or y.size(0) != x.size(0):
        raise ValueError(
            f"the function got {x.size(0)} points as a tensor of shape {tuple(x.shape)} and should "
            f"return as many rows, but returned shape {tuple(y.shape)}"
        )
    return y.unsqueeze(1) if y.dim() == 1 else y
