"""Tensors on another grid of pixels: along each axis by a matrix, or by an affine map.

Pixels are squares: the centre of pixel i lies at i + 1/2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.ops.creation import from_numpy
from rushlight.ops.vision import cubic, tent

Array = np.ndarray[Any, Any]


def scaling(size: int, new: int, mode: str, antialias: bool) -> Array:
    """The (new, size) matrix that scales one axis: "nearest", "nearest-exact", "bilinear" ..."""
    step = size / new
    if mode in ("nearest", "nearest-exact"):
        offset = 0.5 if mode == "nearest-exact" else 0.0
        chosen = np.minimum(((np.arange(new) + offset) * step).astype(np.int64), size - 1)
        return np.eye(size)[chosen]
    centres = (np.arange(new) + 0.5) * step
    if not antialias:
        return _between(centres, size, tent if mode == "bilinear" else partial(cubic, a=-0.75))
    # A wider kernel when shrinking, so that every pixel counts; cut off at the borders.
    stretch = max(step, 1.0)
    reach = (1 if mode == "bilinear" else 2) * stretch
    kernel = tent if mode == "bilinear" else cubic
    pixels = np.arange(size)
    first = np.maximum((centres - reach + 0.5).astype(np.int64), 0)[:, None]
    last = np.minimum((centres + reach + 0.5).astype(np.int64), size)[:, None]
    weights = kernel((pixels + 0.5 - centres[:, None]) / stretch)
    weights = np.where((pixels >= first) & (pixels < last), weights, 0.0)
    return weights / weights.sum(1, keepdims=True)


def _between(centres: Array, size: int, kernel: Callable[[Array], Array]) -> Array:
    """Interpolate at the centres; beyond the borders lies what is on the border."""
    matrix = np.zeros((len(centres), size))
    at = centres - 0.5
    if kernel is tent:
        at = np.maximum(at, 0)
    rows = np.arange(len(centres))
    for shift in (-1, 0, 1, 2):
        pixel = np.floor(at).astype(np.int64) + shift
        np.add.at(matrix, (rows, np.clip(pixel, 0, size - 1)), kernel(at - pixel))
    return matrix


def blurring(size: int, kernel_size: int, sigma: float) -> Array:
    """The (size, size) matrix of a Gaussian kernel along one axis, reflected at the borders."""
    half = kernel_size // 2
    if half >= size:
        raise RuntimeError(
            f"a kernel of size {kernel_size} needs more than {half} pixels on each axis, got {size}"
        )
    bell = np.exp(-0.5 * (np.arange(-half, half + 1) / sigma) ** 2)
    sources = np.pad(np.arange(size), half, "reflect")
    matrix = np.zeros((size, size))
    for shift, weight in enumerate(bell / bell.sum()):
        np.add.at(matrix, (np.arange(size), sources[shift : shift + size]), weight)
    return matrix


def along_axes(img: Tensor, rows: Array, columns: Array, clamp: bool = False) -> Tensor:
    """Apply a matrix to the rows and one to the columns of (..., height, width)."""
    work = img if img.is_floating_point() else img.to(dtypes.float32)
    storage = work.dtype.numpy
    result = from_numpy(rows.astype(storage)) @ work @ from_numpy(columns.T.astype(storage))
    return back_to(img.dtype, result.clamp(0, 255) if clamp else result)


def back_to(dtype: dtypes.dtype, result: Tensor) -> Tensor:
    """A result in the dtype of the image, rounded if that has no fractions."""
    if result.dtype is dtype:
        return result
    return (result if dtype.is_floating_point else result.round()).to(dtype)


def affine_map(
    img: Tensor,
    matrix: Sequence[float],
    mode: str,
    size: tuple[int, int],
    fill: float | Sequence[float] | None,
) -> Tensor:
    """Put at each pixel of an image of the given (height, width) what lies where matrix leads.

    The six numbers of matrix map (x, y) from the centre of the result to the centre of img.
    """
    if mode not in ("nearest", "bilinear"):
        raise ValueError(f"Interpolation mode '{mode}' is unsupported with Tensor input")
    channels = img.shape[-3] if img.dim() > 2 else 1
    if isinstance(fill, Sequence) and len(fill) not in (1, channels):
        raise ValueError(
            f"The number of elements in 'fill' cannot broadcast to match the number of channels of "
            f"the image ({len(fill)} != {channels})"
        )
    source = img.detach().numpy()
    work = source if source.dtype.kind in "fV" else source.astype(np.float32)
    x, y = _positions(np.asarray(matrix, work.dtype).reshape(2, 3), source.shape[-2:], size)
    if mode == "nearest":
        result, coverage = _pixel(work, np.rint(y), np.rint(x))
    else:
        result, coverage = _four_pixels(work, y, x)
    if fill is not None:
        colours = np.asarray(fill, work.dtype).reshape(-1, 1, 1)
        if mode == "nearest":
            result = np.where(coverage < 0.5, colours, result)
        else:
            result = result * coverage + (1 - coverage) * colours
    if source.dtype.kind not in "fV":
        result = np.rint(result)
    return from_numpy(
        np.ascontiguousarray(result.astype(source.dtype).reshape(*source.shape[:-2], *size))
    )


def _positions(
    matrix: Array, source: tuple[int, ...], size: tuple[int, int]
) -> tuple[Array, Array]:
    """The coordinates x, y in the source of each pixel of the result."""
    height, width = size
    storage = matrix.dtype
    across = np.arange(-width / 2 + 0.5, width / 2, dtype=storage)
    down = np.arange(-height / 2 + 0.5, height / 2, dtype=storage)[:, None]
    half = np.array([[source[1] / 2], [source[0] / 2]], storage)
    # From -1 to 1, as torch's grid_sample has it, so that the same roundings are made.
    grid = matrix / half
    gx, gy = (row[0] * across + row[1] * down + row[2] for row in grid)
    x, y = (((g + 1) * n - 1) / 2 for g, n in ((gx, source[1]), (gy, source[0])))
    return x, y


def _pixel(img: Array, y: Array, x: Array) -> tuple[Array, Array]:
    """The pixels at whole coordinates, and 1 where there is one; elsewhere 0."""
    height, width = img.shape[-2:]
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    rows, columns = (np.where(inside, c, 0).astype(np.int64) for c in (y, x))
    return img[..., rows, columns] * inside, inside.astype(img.dtype)


def _four_pixels(img: Array, y: Array, x: Array) -> tuple[Array, Array]:
    """The weighted mean of the four pixels around, and how much of it lies inside."""
    top, left = np.floor(y), np.floor(x)
    down, right = y - top, x - left
    result: Any = 0
    coverage: Any = 0
    for dy, part_y in ((0, 1 - down), (1, down)):
        for dx, part_x in ((0, 1 - right), (1, right)):
            values, inside = _pixel(img, top + dy, left + dx)
            result = result + values * (part_y * part_x)
            coverage = coverage + inside * (part_y * part_x)
    return result, coverage
