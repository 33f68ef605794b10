"""What is kept of an array: all of it if it is small, else its sizes, a histogram and a map of a sample."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np

from rushlight.core.tensor import Array

# So many elements are kept as they are; of more, a map of at most so many rows and columns.
WHOLE = 256
_ROWS, _COLUMNS, _TILE, _NARROW = 32, 48, 12, 8
_BINS, _SAMPLE = 32, 4096
# A share of zeros from which on it is worth to ask for units that are zero throughout.
_MANY_ZEROS = 0.1


def look(array: Array) -> dict[str, Any]:
    """The facts of an array, as they go into the page.

    "st": lowest, highest, mean, root of the mean square (None: nothing finite), how many zeros, nan, infinite;
    "x": the elements in base64, float32 or (with "w") float64; or "h": counts of a histogram from lowest to
    highest, and "m": a map [rows, columns, value of the darkest, bytes in base64, words]; "dead": units that
    are zero throughout, and of how many.
    """
    if array.dtype.kind not in "fiubcV" or not array.size:
        return {"st": None}
    if array.dtype.kind == "c":
        array = np.abs(array)
    elif array.dtype.kind not in "f" or array.dtype.itemsize < 4:
        array = array.astype(np.float32 if array.dtype.kind in "fV" else np.float64)
    with np.errstate(all="ignore"):
        return _facts(array)


def _facts(x: Array) -> dict[str, Any]:
    flat = x.ravel(order="K")
    low, high = float(flat.min()), float(flat.max())
    broken = not (math.isfinite(low) and math.isfinite(high))
    nans, finite = 0, flat
    if broken:
        nans = int(np.isnan(flat).sum())
        finite = flat[np.isfinite(flat)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    mean, size = None, None
    if finite.size:
        mean = float(finite.mean(dtype=np.float64))
        square = float(np.dot(finite, finite))
        if not 1e-30 < square < 1e30:
            square = float(np.square(finite, dtype=np.float64).sum())
        size = math.sqrt(square / finite.size)
    zeros = int(flat.size - np.count_nonzero(flat))
    infinite = int(flat.size - finite.size) - nans
    facts: dict[str, Any] = {"st": [*map(short, (low, high, mean, size)), zeros, nans, infinite]}
    if x.ndim > 1 and zeros >= _MANY_ZEROS * x.size:
        dead, units = _dead(x)
        if dead:
            facts["dead"] = [dead, units]
    if x.size <= WHOLE:
        facts["x"] = _encoded(np.ascontiguousarray(x))
        if x.dtype != np.float32:
            facts["w"] = 1
        return facts
    sample = finite[:: max(1, finite.size // _SAMPLE) | 1]
    if low < high and math.isfinite(high - low):
        wide = sample.astype(np.float64)
        facts["h"] = np.histogram(wide, _BINS, (low, high))[0].tolist()
    facts["m"] = _map(x)
    return facts


def short(value: float | None) -> float | None:
    """A number with the digits that are worth to be written; None where it is beyond all numbers."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.5g}")


def _encoded(array: Array) -> str:
    return base64.b64encode(array.tobytes()).decode()


def _dead(x: Array) -> tuple[int, int]:
    """Units (channels, or features where there are no images) that are zero for every example."""
    axis = 1 if x.ndim in (2, 4, 5) else x.ndim - 1
    alive = (x != 0).any(axis=tuple(d for d in range(x.ndim) if d != axis))
    return int(alive.size - np.count_nonzero(alive)), int(alive.size)


def _map(x: Array) -> list[Any]:
    """A sample of elements as bytes: 0 to 254 for minus to plus the largest, 255 for nan and infinity."""
    if x.ndim == 4 and min(x.shape[2:]) >= 4:
        part, words = _tiles(x[0])
    else:
        part, words = _matrix(x)
    finite = np.isfinite(part)
    largest = float(np.abs(part[finite]).max()) if finite.any() else 0.0
    scaled = np.where(finite, part, 0) * (127 / largest if largest else 0.0) + 127
    levels = np.where(finite, np.round(scaled), 255).astype(np.uint8)
    return [*part.shape, short(largest), _encoded(levels), words]


def _matrix(x: Array) -> tuple[Array, str]:
    """Rows along the last dimension."""
    if x.ndim == 1:
        columns = min(x.size, _COLUMNS)
        rows = min(x.size // columns, _ROWS)
        return x[_spread(x.size, rows * columns)].reshape(rows, columns), _words(rows * columns, x)
    # Kernels of a few elements lie beside each other, a row for each unit.
    cut = 1 if x.shape[-1] < _NARROW else x.ndim - 1
    lead, width = x.shape[:cut], math.prod(x.shape[cut:])
    lines = x[np.unravel_index(_spread(math.prod(lead), _ROWS), lead)]
    part = lines.reshape(len(lines), width)[:, _spread(width, _COLUMNS)]
    along = f" · rows along {list(lead)}, columns along {list(x.shape[cut:])}"
    return part, _words(part.size, x) + along


def _words(count: int, x: Array) -> str:
    return f"a sample of {count:,} of {x.size:,} elements" if count < x.size else "all elements"


def _tiles(image: Array) -> tuple[Array, str]:
    """The channels of one image beside each other."""
    channels = _spread(len(image), 12)
    rows, columns = (_spread(n, _TILE) for n in image.shape[1:])
    tiles = image[channels][:, rows][:, :, columns]
    across = min(len(tiles), 4)
    down = -(-len(tiles) // across)
    whole = np.zeros((down * across, *tiles.shape[1:]), image.dtype)
    whole[: len(tiles)] = tiles
    whole = whole.reshape(down, across, *tiles.shape[1:]).transpose(0, 2, 1, 3)
    words = f"the first of the batch, {len(tiles)} of its {len(image)} slices as tiles"
    return whole.reshape(down * len(rows), across * len(columns)), words


def _spread(count: int, most: int) -> Array:
    """Places from the first to the last, evenly, at most so many."""
    return np.linspace(0, count - 1, min(count, most)).round().astype(np.intp)
