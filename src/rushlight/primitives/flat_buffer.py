"""How a convolution lies in memory: every tap of the kernel is a shift of one flat buffer.

The input [N, C, H, W] is copied once into a flat buffer [C, H * N * pitch]: the first dimension
outermost, the batch before the last one. The pitch of a line leaves just so much room that a shift
never brings in a neighbour's data: zeros at the end of a line pad its right end and the next line's
left end. Then

    out[:, t] = sum over taps k of W_k @ buffer[:, t + shift_k]

for all output positions t at once: long contiguous copies and one matrix product, whatever the
number of dimensions. With a stride the input is first dealt out to one buffer for each phase
(position modulo stride), and each tap reads from the buffer of its phase. The outputs that fall
into the gaps are computed and thrown away.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rushlight.core.tensor import Array

Shape = tuple[int, ...]

# Columns of the matrix that one product works on: the gathered taps should stay in the cache.
_CACHE = 1 << 19
_FEWEST, _MOST = 1024, 8192


@dataclass(frozen=True)
class Grid:
    """Pitches and shifts for one convolution; sizes are those of the dimensions after channels."""

    batch: int
    size: Shape
    out_size: Shape
    stride: Shape
    # Sizes of the flat buffers' dimensions after channels and the outermost one.
    inner: Shape
    # Per tap, in the kernel's order: its phase (one number per dimension) and its shift.
    phases: tuple[Shape, ...]
    shifts: tuple[int, ...]

    @property
    def row(self) -> int:
        """Columns of one step of the outermost dimension."""
        return math.prod(self.inner)

    @property
    def length(self) -> int:
        """Columns of an output."""
        return self.row * (self.out_size[0] if len(self.size) > 1 else self.batch)

    def phase_length(self, phase: Shape) -> int:
        """Columns of the input's elements of one phase."""
        if len(self.size) == 1:
            return self.row * self.batch
        return self.row * len(range(phase[0], self.size[0], self.stride[0]))

    def phase(self, x: Array, phase: Shape) -> Array:
        """The view of the input's elements, [N, C, ...], of one phase."""
        places = map(slice, phase, self.size, self.stride)
        return x[(slice(None), slice(None), *places)]

    def spread(self, x: Array, lead: int, length: int) -> Array:
        """[N, C, ...] as a flat buffer [C, length] that begins with `lead` zeros, zero in the gaps."""
        buffer = np.zeros((x.shape[1], length), x.dtype, like=x)
        rows = (length - lead) // self.row
        cells = buffer[:, lead : lead + rows * self.row].reshape(-1, rows, *self.inner)
        ordered = self._ordered(x)[:, :rows]
        cells[tuple(map(slice, ordered.shape))] = ordered
        return buffer

    def crop(self, flat: Array, target: Array) -> None:
        """Copy what lies outside the gaps of [C, columns] into [N, C, ...]."""
        ordered = self._ordered(target)
        cells = flat.reshape(flat.shape[0], -1, *self.inner)
        ordered[...] = cells[tuple(map(slice, ordered.shape))]

    def _ordered(self, x: Array) -> Array:
        dims = x.ndim - 2
        return x.transpose(1, *range(2, dims + 1), 0, dims + 1)


def out_sizes(size: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape) -> Shape:
    """Sizes of a convolution's output.

    >>> out_sizes((28, 28), (3, 3), (2, 2), (1, 1), (1, 1))
    (14, 14)
    """
    return tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True)
    )


@lru_cache(maxsize=512)
def grid_of(
    batch: int, size: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape
) -> Grid:
    """The grid of a convolution of a batch of inputs of these sizes."""
    out_size = out_sizes(size, kernel, stride, padding, dilation)
    pitches, steps = [], []
    for n, o, k, s, p, d in zip(size, out_size, kernel, stride, padding, dilation, strict=True):
        # Output o reads input o * s + tap * d - p, which is element o + q of phase r.
        taps = [divmod(tap * d - p, s) for tap in range(k)]
        lowest, highest = min(q for q, _ in taps), max(q for q, _ in taps)
        elements = -(-n // s)
        pitches.append(max(o, elements, elements - lowest, o + highest))
        steps.append(taps)
    # The outermost dimension has nothing beside it, and needs no room.
    inner = (*pitches[1:-1], batch, pitches[-1]) if len(size) > 1 else (pitches[-1],)
    strides = [math.prod(inner[d:]) for d in range(len(size) - 1)] + [1]
    taps = list(itertools.product(*steps))
    return Grid(
        batch, size, out_size, stride, inner, tuple(tuple(r for _, r in tap) for tap in taps),
        tuple(sum(q * n for (q, _), n in zip(tap, strides, strict=True)) for tap in taps),
    )  # fmt: skip


def chunks(length: int, rows: int) -> list[tuple[int, int]]:
    """Ranges of columns for gathered matrices of so many rows."""
    width = min(max(_CACHE // max(rows, 1), _FEWEST), _MOST)
    count = max(1, round(length / width))
    width = -(-length // count)
    return [(start, min(start + width, length)) for start in range(0, length, width)]


def gather(sources: list[Array], start: int, stop: int, columns: Array) -> Array:
    """Columns start to stop of all shifted sources [groups, channels, T], stacked as rows."""
    groups, taps, channels, _ = columns.shape
    part = columns[..., : stop - start]
    for i, source in enumerate(sources):
        part[:, i] = source[..., start:stop]
    rows = columns.reshape(groups, taps * channels, -1)
    return rows[..., : stop - start]


def product(weights: Array, sources: list[Array], length: int) -> Array:
    """sum over taps k of W_k @ sources[k]: [groups, rows, taps * channels] gives [groups * rows, T]."""
    groups, rows, depth = weights.shape
    out = np.empty((groups, rows, length), weights.dtype, like=weights)
    pieces = chunks(length, groups * depth)
    columns = _columns(sources, pieces)
    for start, stop in pieces:
        np.matmul(weights, gather(sources, start, stop, columns), out=out[..., start:stop])
    return out.reshape(groups * rows, length)


def correlation(g: Array, sources: list[Array], length: int) -> Array:
    """sum over columns of every source times g: [groups, rows, T] gives [groups, taps * channels, rows].

    With the many rows on the left, BLAS is up to twice as fast as the other way round.
    """
    groups, rows, _ = g.shape
    depth = len(sources) * sources[0].shape[1]
    total = np.zeros((groups, depth, rows), g.dtype, like=g)
    pieces = chunks(length, groups * depth)
    columns = _columns(sources, pieces)
    for start, stop in pieces:
        total += gather(sources, start, stop, columns) @ g[..., start:stop].swapaxes(1, 2)
    return total


def _columns(sources: list[Array], pieces: list[tuple[int, int]]) -> Array:
    groups, channels, _ = sources[0].shape
    width = max((stop - start for start, stop in pieces), default=0)
    return np.empty((groups, len(sources), channels, width), sources[0].dtype, like=sources[0])
