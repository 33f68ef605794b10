"""Sobol's points, as torch draws them.

Directions are those of Joe and Kuo (2008), which SciPy has; scrambling is by random matrices (Owen, Matousek).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.core.doors import literal, read
from rushlight.ops.sampling import randint
from rushlight.random import Generator

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

_BITS = 30


class SobolEngine:
    """Points that fill the unit cube of `dimension` sides more evenly than random ones.

    >>> SobolEngine(2).draw(3)
    tensor([[0.0000, 0.0000],
            [0.5000, 0.5000],
            [0.7500, 0.2500]])
    """

    MAXBIT = _BITS
    MAXDIM = 21201

    def __init__(self, dimension: int, scramble: bool = False, seed: int | None = None) -> None:
        if not 1 <= dimension <= self.MAXDIM:
            raise ValueError(
                f"Supported range of dimensionality for SobolEngine is [1, {self.MAXDIM}]"
            )
        from scipy.stats import qmc

        self.dimension, self.scramble, self.seed = dimension, scramble, seed
        self._directions = np.asarray(
            qmc.Sobol(dimension, scramble=False, bits=_BITS)._sv, np.int64
        )
        self._shift = np.zeros(dimension, np.int64)
        if scramble:
            self._scramble()
        self._quasi = self._shift.copy()
        self.num_generated = 0

    def _scramble(self) -> None:
        generator = None
        if self.seed is not None:
            generator = Generator()
            generator.manual_seed(self.seed)
        size = (self.dimension, _BITS)
        bits = read(randint(2, size, generator=generator), "the shift of Sobol's points")
        self._shift = bits @ (1 << np.arange(_BITS, dtype=np.int64))
        lower = read(
            randint(2, (*size, _BITS), generator=generator), "the matrices of Sobol's points"
        )
        lower = np.tril(lower)
        columns = np.arange(_BITS)
        # Row j of a matrix, the highest bit first, says which bits of a direction make bit j.
        masks = (lower << (_BITS - 1 - columns)).sum(-1) | (1 << (_BITS - 1 - columns))
        scrambled = np.zeros_like(self._directions)
        for j in range(_BITS):
            chosen = self._directions & masks[:, j, None]
            parity = np.bitwise_count(chosen) & 1
            scrambled |= parity.astype(np.int64) << (_BITS - 1 - j)
        self._directions = scrambled

    def _points(self, count: int) -> np.ndarray[Any, Any]:
        points = np.empty((count, self.dimension), np.int64)
        for i in range(count):
            points[i] = self._quasi
            step = self.num_generated + i
            # The lowest bit of the number that is 0.
            self._quasi = self._quasi ^ self._directions[:, (~step & (step + 1)).bit_length() - 1]
        self.num_generated += count
        return points

    def draw(self, n: int = 1, out: Tensor | None = None, dtype: Any = None) -> Tensor:
        """The next n points: a tensor of (n, dimension)."""
        kind = dtypes.get_default_dtype() if dtype is None else dtype
        result: Tensor = literal((self._points(n) * 2.0**-_BITS).astype(kind.numpy), False)
        return result if out is None else out.resize_(result.shape).copy_(result)

    def draw_base2(self, m: int, out: Tensor | None = None, dtype: Any = None) -> Tensor:
        """The next 2**m points, by which there are a power of 2 in all."""
        total = self.num_generated + 2**m
        if total & (total - 1):
            raise ValueError(
                "The balance properties of Sobol' points require n to be a power of 2. "
                f"{self.num_generated} points have been previously generated, then: "
                f"n={self.num_generated}+2**{m}={total}. If you still want to do this, please use "
                "'SobolEngine.draw()' instead."
            )
        return self.draw(2**m, out, dtype)

    def reset(self) -> SobolEngine:
        """Begin again."""
        self._quasi = self._shift.copy()
        self.num_generated = 0
        return self

    def fast_forward(self, n: int) -> SobolEngine:
        """Leave n points out."""
        self._points(n)
        return self

    def __repr__(self) -> str:
        scramble = ", scramble=True" if self.scramble else ""
        seed = "" if self.seed is None else f", seed={self.seed}"
        return f"{type(self).__name__}(dimension={self.dimension}{scramble}{seed})"
