"""Arrays as small pictures: heat maps, tiles of them, images; and the PNG that holds them."""

from __future__ import annotations

import base64
import math
import struct
import zlib

import numpy as np

from rushlight.core.tensor import Array

# Below zero, zero, above; of what has no sign nothing and all. What is no number, and what is infinite.
_SIGNED = np.array(
    [(26, 82, 156), (146, 190, 222), (246, 246, 246), (244, 165, 130), (165, 20, 40)], float
)
_COUNTED = np.array([(246, 246, 246), (158, 188, 220), (84, 96, 178), (50, 16, 90)], float)
_NAN, _INFINITE = (214, 39, 214), (255, 190, 0)
_GAP = 225
# The longest side of one map, and how many maps stand side by side.
_SIDE, _TILES = 256, 64


def picture(array: Array) -> Array:
    """Bytes (rows, columns, 3) for real numbers of any shape: an image as it is, else a heat map or tiles of them."""
    if array.dtype.kind not in "fiub":
        array = array.astype(np.float32)
    if _is_image(array):
        return _image(array)
    maps = array.reshape(-1, *(array.shape[-2:] if array.ndim > 1 else (1, array.size)))[:_TILES]
    side = _SIDE if len(maps) == 1 else _SIDE // (4 if len(maps) > 4 else 2)
    shown = [_smaller(matrix, side) for matrix in maps]
    # Means of blocks lie closer together than what they are means of.
    low, high = ends(np.stack(shown))
    heats = [heat(matrix, low, high) for matrix in shown]
    return heats[0] if len(heats) == 1 else _tiled(heats)


def heat(values: Array, low: float, high: float) -> Array:
    """The colour of each number of a matrix: of both signs around zero, else from the least to the largest."""
    values = values.astype(np.float64)
    finite = np.isfinite(values)
    kept = np.where(finite, values, 0.0)
    if low < 0:
        reach = max(-low, high) or 1.0
        place, colors = (kept / reach + 1) / 2, _SIGNED
    else:
        place, colors = (kept - low) / ((high - low) or 1.0), _COUNTED
    place = np.clip(place, 0, 1) * (len(colors) - 1)
    stops = np.arange(len(colors))
    channels = [np.interp(place, stops, colors[:, channel]) for channel in range(3)]
    pixels = np.stack(channels, -1).astype(np.uint8)
    pixels[np.isnan(values)] = _NAN
    pixels[np.isinf(values)] = _INFINITE
    return pixels


def png(pixels: Array) -> bytes:
    """A PNG file (ISO/IEC 15948) of bytes (rows, columns, 3)."""
    rows, columns, _ = pixels.shape
    lines = np.zeros((rows, 1 + columns * 3), np.uint8)
    lines[:, 1:] = pixels.reshape(rows, -1)
    head = struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines.tobytes(), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


def as_img(pixels: Array, longest: int = 320) -> str:
    """An <img> with the picture in it, enlarged to be seen."""
    rows, columns = pixels.shape[:2]
    scale = max(1, min(24, longest // max(rows, columns)))
    height = max(rows * scale, 16)
    data = base64.b64encode(png(pixels)).decode()
    style = "image-rendering:pixelated;max-width:100%;border:1px solid rgba(128,128,128,.35)"
    return (
        f'<img alt="heat map" width="{columns * scale}" height="{height}" style="{style}" '
        f'src="data:image/png;base64,{data}">'
    )


def ends(array: Array) -> tuple[float, float]:
    """The least and the largest number that is finite; zeros if there is none."""
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def _is_image(array: Array) -> bool:
    if array.ndim != 3 or array.shape[0] not in (1, 3) or min(array.shape[1:]) < 8:
        return False
    low, high = ends(array)
    unit = array.dtype.kind == "f" and low >= 0 and high <= 1 and bool(np.isfinite(array).all())
    return array.dtype == np.uint8 or unit


def _image(array: Array) -> Array:
    step = math.ceil(max(array.shape[1:]) / (2 * _SIDE))
    rows = array[:, ::step, ::step].transpose(1, 2, 0)
    values = rows if array.dtype == np.uint8 else np.rint(rows.astype(np.float64) * 255)
    return np.ascontiguousarray(np.broadcast_to(values, (*values.shape[:2], 3))).astype(np.uint8)


def _smaller(matrix: Array, side: int) -> Array:
    """The means of blocks, so that no side is longer."""
    rows, columns = (math.ceil(n / side) or 1 for n in matrix.shape)
    if rows == columns == 1:
        return matrix
    for dim, step in enumerate((rows, columns)):
        starts = np.arange(0, matrix.shape[dim], step)
        sizes = np.diff(np.append(starts, matrix.shape[dim]))
        with np.errstate(all="ignore"):
            matrix = np.add.reduceat(matrix.astype(np.float64), starts, dim)
            matrix /= sizes[:, None] if dim == 0 else sizes
    return matrix


def _tiled(maps: list[Array]) -> Array:
    rows, columns = maps[0].shape[:2]
    across = math.ceil(math.sqrt(len(maps) * rows / columns)) if rows < 4 * columns else len(maps)
    across = max(1, min(across, len(maps)))
    down = math.ceil(len(maps) / across)
    page = np.full((down * (rows + 1) - 1, across * (columns + 1) - 1, 3), _GAP, np.uint8)
    for at, one in enumerate(maps):
        top, left = (at // across) * (rows + 1), (at % across) * (columns + 1)
        page[top : top + rows, left : left + columns] = one
    return page
