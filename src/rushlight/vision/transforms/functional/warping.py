"""Images seen aslant, or through uneven glass: on Pillow images and on tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.core.doors import read
from rushlight.nn.functional import grid_sample
from rushlight.ops.comparison import where
from rushlight.ops.creation import from_numpy, ones, tensor
from rushlight.ops.joining import cat
from rushlight.vision.pictures import checked
from rushlight.vision.transforms.functional.conversion import pil_to_tensor, to_pil_image
from rushlight.vision.transforms.functional.geometry import _fill_for
from rushlight.vision.transforms.functional.modes import PIL_NUMBER, InterpolationMode, as_mode

_PERSPECTIVE = 2
Points = Sequence[Sequence[int]]


def perspective_coefficients(startpoints: Points, endpoints: Points) -> list[float]:
    """The eight numbers that lead from a pixel of the result to its source.

    The source of (x, y) is ((a x + b y + c) / (g x + h y + 1), (d x + e y + f) / (g x + h y + 1)).
    """
    if len(startpoints) != 4 or len(endpoints) != 4:
        raise ValueError(
            f"Please provide exactly four corners, got {len(startpoints)} startpoints and "
            f"{len(endpoints)} endpoints."
        )
    rows = []
    for (x, y), (u, v) in zip(endpoints, startpoints, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    wanted = np.asarray(startpoints, np.float64).ravel()
    solution = np.linalg.lstsq(np.asarray(rows, np.float64), wanted, rcond=None)[0]
    return [float(value) for value in solution.astype(np.float32)]


def warped(img: Tensor, grid: Tensor, mode: str, fill: Any) -> Tensor:
    """What lies where the grid (1, height, width, 2) leads, and fill where that is outside."""
    if mode not in ("nearest", "bilinear"):
        raise ValueError(f"Interpolation mode '{mode}' is unsupported with Tensor input")
    channels = img.shape[-3]
    if isinstance(fill, (tuple, list)) and len(fill) not in (1, channels):
        raise ValueError(
            f"The number of elements in 'fill' cannot broadcast to match the number of channels of the image "
            f"({len(fill)} != {channels})"
        )
    shape = (*img.shape[:-2], *grid.shape[1:3])
    flat = img.reshape(-1, *img.shape[-3:])
    work = flat.to(grid.dtype)
    if fill is not None:
        work = cat([work, ones(len(flat), 1, *img.shape[-2:], dtype=grid.dtype)], 1)
    work = grid_sample(work, grid.expand(len(flat), -1, -1, -1), mode, "zeros", align_corners=False)
    if fill is not None:
        work, mask = work[:, :-1], work[:, -1:]
        given = list(fill) if isinstance(fill, (tuple, list)) else [float(fill)]
        colour = tensor(given, dtype=work.dtype).view(1, -1, 1, 1)
        if mode == "nearest":
            work = where(mask < 0.5, colour, work)
        else:
            work = (work - colour) * mask + colour
    result = work if img.dtype is grid.dtype else work.round().to(img.dtype)
    return result.reshape(shape)


def _kind(img: Tensor) -> dtypes.dtype:
    return img.dtype if img.is_floating_point() else dtypes.float32


def perspective_by(
    img: Any, coefficients: Sequence[float], mode: InterpolationMode, fill: Any
) -> Any:
    """`perspective` by its eight numbers."""
    if not isinstance(img, Tensor):
        colour = _fill_for(checked(img), fill)
        numbers = list(coefficients)
        return img.transform(img.size, _PERSPECTIVE, numbers, PIL_NUMBER[mode], fillcolor=colour)
    height, width = img.shape[-2:]
    storage = _kind(img).numpy
    a, b, c, d, e, f, g, h = (storage.type(value) for value in coefficients)
    x = np.arange(width, dtype=storage) + storage.type(0.5)
    y = (np.arange(height, dtype=storage) + storage.type(0.5))[:, None]
    below = g * x + h * y + 1
    across = (a * x + b * y + c) / storage.type(0.5 * width) / below - 1
    down = (d * x + e * y + f) / storage.type(0.5 * height) / below - 1
    return warped(img, from_numpy(np.stack([across, down], -1)[None]), mode.value, fill)


def perspective(
    img: Any,
    startpoints: Points,
    endpoints: Points,
    interpolation: Any = InterpolationMode.BILINEAR,
    fill: Any = None,
) -> Any:
    """The image whose corners startpoints come to lie at endpoints: (x, y), from the top left clockwise."""
    numbers = perspective_coefficients(startpoints, endpoints)
    return perspective_by(img, numbers, as_mode(interpolation), fill)


def even_grid(size: Sequence[int], dtype: Any) -> Any:
    """The array (1, height, width, 2) of where the pixels' centres are, from -1 to 1."""
    height, width = size
    x = np.linspace((1 - width) / width, (width - 1) / width, width, dtype=dtype)
    y = np.linspace((1 - height) / height, (height - 1) / height, height, dtype=dtype)
    return np.stack(np.broadcast_arrays(x, y[:, None]), -1)[None]


def elastic_transform(
    img: Any,
    displacement: Tensor,
    interpolation: Any = InterpolationMode.BILINEAR,
    fill: Any = None,
) -> Any:
    """Each pixel from where displacement (1, height, width, 2) leads, in halves of the image."""
    if not isinstance(displacement, Tensor):
        raise TypeError("Argument displacement should be a Tensor")
    mode = as_mode(interpolation)
    if not isinstance(img, Tensor):
        moved = elastic_transform(pil_to_tensor(checked(img)), displacement, mode, fill)
        return to_pil_image(moved, mode=img.mode)
    wanted = (1, *img.shape[-2:], 2)
    if tuple(displacement.shape) != wanted:
        raise ValueError(
            f"Argument displacement expected shape is {wanted}, but given {tuple(displacement.shape)}"
        )
    kind = _kind(img)
    moves = read(displacement, "where pixels come from").astype(kind.numpy)
    return warped(img, from_numpy(even_grid(wanted[1:3], kind.numpy) + moves), mode.value, fill)
