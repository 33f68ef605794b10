"""How a convolution lies in memory: every tap of the kernel is a shift of one flat buffer.

The input is copied once into rows of a flat buffer [channels, batch * pitch_1 * pitch_2 ...], whose
pitches leave just so much room between lines, planes and images that a shift never brings in a
neighbour's data: zeros at the end of a line pad its right end and the next line's left end. Then

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

from rushlight.tensor_base import Array

Shape = tuple[int, ...]

# Columns of the matrix that one product works on: the gathered taps should stay in the cache.
_CACHE = 1 << 18
_FEWEST, _MOST = 1024, 8192


@dataclass(frozen=True)
class Grid:
    """Pitches and shifts for one convolution; sizes are those of the dimensions after channels."""

    size: Shape
    out_size: Shape
    stride: Shape
    pitch: Shape
    # Per tap, in the kernel's order: its phase (one number per dimension) and its shift.
    phases: tuple[Shape, ...]
    shifts: tuple[int, ...]

    @property
    def lead(self) -> int:
        """Zeros needed before the buffer."""
        return max(0, -min(self.shifts))

    @property
    def tail(self) -> int:
        """Zeros needed behind it."""
        return max(0, max(self.shifts))

    def length(self, batch: int) -> int:
        """Columns of the flat buffers."""
        return batch * math.prod(self.pitch)

    def spread(self, x: Array, phase: Shape, lead: int, tail: int) -> Array:
        """The input's elements of one phase [N, C, ...] as a flat buffer [C, lead + T + tail]."""
        batch, channels = x.shape[:2]
        part = x[(slice(None), slice(None), *map(slice, phase, self.size, self.stride))]
        return self._filled(part, batch, channels, lead, tail)

    def spread_out(self, g: Array, lead: int, tail: int) -> Array:
        """An array of the output's shape as a flat buffer, zero in the gaps."""
        return self._filled(g, g.shape[0], g.shape[1], lead, tail)

    def _filled(self, x: Array, batch: int, channels: int, lead: int, tail: int) -> Array:
        length = self.length(batch)
        buffer = np.zeros((channels, lead + length + tail), x.dtype)
        cells = buffer[:, lead : lead + length].reshape(channels, batch, *self.pitch)
        cells[(slice(None), slice(None), *map(slice, x.shape[2:]))] = x.swapaxes(0, 1)
        return buffer

    def crop(self, flat: Array, batch: int, target: Array) -> None:
        """Copy what lies outside the gaps of [C, T] into [N, C, ...]."""
        cells = flat.reshape(flat.shape[0], batch, *self.pitch)
        target[...] = cells[(slice(None), slice(None), *map(slice, target.shape[2:]))].swapaxes(
            0, 1
        )


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
def grid_of(size: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape) -> Grid:
    """The grid of a convolution of an input of these sizes."""
    out_size = out_sizes(size, kernel, stride, padding, dilation)
    pitch, steps = [], []
    for n, o, k, s, p, d in zip(size, out_size, kernel, stride, padding, dilation, strict=True):
        # Output o reads input o * s + tap * d - p, which is element o + q of phase r.
        taps = [divmod(tap * d - p, s) for tap in range(k)]
        lowest, highest = min(q for q, _ in taps), max(q for q, _ in taps)
        elements = -(-n // s)
        pitch.append(max(o, elements, elements - lowest, o + highest))
        steps.append(taps)
    strides = [math.prod(pitch[i + 1 :]) for i in range(len(pitch))]
    taps = list(itertools.product(*steps))
    return Grid(
        size, out_size, stride, tuple(pitch),
        tuple(tuple(r for _, r in tap) for tap in taps),
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
    out = np.empty((groups, rows, length), weights.dtype)
    ranges = chunks(length, groups * depth)
    columns = _columns(sources, ranges)
    for start, stop in ranges:
        np.matmul(weights, gather(sources, start, stop, columns), out=out[..., start:stop])
    return out.reshape(groups * rows, length)


def correlation(g: Array, sources: list[Array], length: int) -> Array:
    """sum over columns of g times every source: [groups, rows, T] gives [groups, rows, taps * channels]."""
    groups, rows, _ = g.shape
    depth = len(sources) * sources[0].shape[1]
    total = np.zeros((groups, rows, depth), g.dtype)
    ranges = chunks(length, groups * depth)
    columns = _columns(sources, ranges)
    for start, stop in ranges:
        total += g[..., start:stop] @ gather(sources, start, stop, columns).swapaxes(1, 2)
    return total


def _columns(sources: list[Array], ranges: list[tuple[int, int]]) -> Array:
    groups, channels, _ = sources[0].shape
    width = max((stop - start for start, stop in ranges), default=0)
    return np.empty((groups, len(sources), channels, width), sources[0].dtype)
