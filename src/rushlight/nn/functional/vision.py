"""Images made larger, smaller, bent and rearranged."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.core.doors import apply, literal
from rushlight.core.tensor import Array
from rushlight.errors import warn
from rushlight.narrow import need_wide
from rushlight.ops import vision as ops
from rushlight.ops.arguments import (
    need_tensor,
    relabel,
    type_name,
)
from rushlight.ops.conversion import following
from rushlight.ops.pooling import adaptive_avg_pool, along
from rushlight.ops.precision import in_half, in_single
from rushlight.ops.vision import (
    cubic,
    cubic_weights,
    tent,
)
from rushlight.primitives.families import supported
from rushlight.primitives.index import ARRAY, index
from rushlight.primitives.pooling import window_spread

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

# ---- other sizes --------------------------------------------------------------------------------

_LINEAR = {"linear": 1, "bilinear": 2, "trilinear": 3}
_SMOOTH = ("linear", "bilinear", "bicubic", "trilinear", "lanczos")


def _target_size(
    input: Tensor, size: Any, scale_factor: Any, recompute: bool | None
) -> tuple[tuple[int, ...], list[float | None]]:
    """The output's sizes, and the factors that positions are computed with (None: from the sizes)."""
    spatial = input._data_.shape[2:]
    # A tensor of no dimensions has, for torch, two less than none.
    dims = input._data_.ndim - 2
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if size is not None:
        if recompute:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        sizes = tuple(size) if isinstance(size, list | tuple) else (size,) * dims
        if isinstance(size, list | tuple) and len(sizes) != dims:
            raise ValueError(
                "Input and output must have the same number of spatial dimensions, but got input with "
                f"spatial dimensions of {list(spatial)} and output size of {size}. Please provide "
                "input tensor in (N, C, d1, d2, ...,dK) format and output size in (o1, o2, ...,oK) "
                "format."
            )
        return tuple(map(operator.index, sizes)), [None] * dims
    factors = (
        tuple(scale_factor) if isinstance(scale_factor, list | tuple) else (scale_factor,) * dims
    )
    if isinstance(scale_factor, list | tuple) and len(factors) != dims:
        raise ValueError(
            "Input and scale_factor must have the same number of spatial dimensions, but got input with "
            f"spatial dimensions of {list(spatial)} and scale_factor of shape {scale_factor}. Please "
            "provide input tensor in (N, C, d1, d2, ...,dK) format and scale_factor in (s1, s2, "
            "...,sK) format."
        )
    for factor in factors:
        if not isinstance(factor, (int, float, np.number)):
            raise TypeError(
                f"interpolate(): argument 'scale_factor' must be float, not {type_name(factor)}"
            )
    sizes = tuple(math.floor(n * float(f)) for n, f in zip(spatial, factors, strict=True))
    return sizes, [None] * dims if recompute else [float(f) for f in factors]


def interpolate(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Resample [N, C, ...] to a size or by a factor.

    Modes: nearest, nearest-exact, area; linear (3-d), bilinear, bicubic (4-d), trilinear (5-d). All
    but the nearest ones are a matrix along each dimension.

    >>> import rushlight as torch
    >>> x = torch.tensor([[[1.0, 2.0]]])
    >>> torch.nn.functional.interpolate(x, scale_factor=2, mode="linear")
    tensor([[[1.0000, 1.2500, 1.7500, 2.0000]]])
    """
    need_tensor("interpolate", "input", 1, input)
    if align_corners is not None and mode in ("nearest", "area", "nearest-exact"):
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | bilinear "
            "| bicubic | trilinear"
        )
    shape = input._data_.shape
    dims = len(shape) - 2
    sizes, factors = _target_size(input, size, scale_factor, recompute_scale_factor)
    if antialias and not (mode in ("bilinear", "bicubic", "lanczos") and dims == 2):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a "
            "4-D tensor as input"
        )
    known = (*_SMOOTH, "nearest", "nearest-exact", "area")
    if dims not in (1, 2, 3) or mode not in known:
        raise NotImplementedError(
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {len(shape)}D) for the "
            f"modes: {' | '.join(known)} (got {mode})"
        )
    needed = _LINEAR.get(mode, 2 if mode in ("bicubic", "lanczos") else dims)
    if dims != needed:
        raise NotImplementedError(
            f"Got {len(shape)}D input, but {mode} mode needs {needed + 2}D input"
        )
    if mode == "lanczos" and not antialias:
        raise ValueError("lanczos mode needs antialias=True")
    if mode == "area":
        return adaptive_avg_pool(f"adaptive_avg_pool{dims}d", dims, input, sizes)
    if min(sizes) <= 0 or 0 in shape[2:]:
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input {list(shape[2:])} and "
            f"output {list(sizes)}"
        )
    if not shape[1]:
        raise RuntimeError(
            f"Non-empty {len(shape)}D data tensor expected but got a tensor with sizes {list(shape)}"
        )
    supported(f"upsample_{mode}{dims}d", "fVu", [input._data_])
    if mode in ("nearest", "nearest-exact"):
        return _nearest(input, sizes, factors, mode == "nearest-exact")
    return _smooth(input, sizes, factors, mode, bool(align_corners), antialias)


def _nearest(
    input: Tensor, sizes: tuple[int, ...], factors: list[float | None], exact: bool
) -> Tensor:
    dims, before = len(sizes), input._data_.shape[2:]
    times = tuple(
        count // size if count % size == 0 and factor in (None, count // size) else 1
        for count, size, factor in zip(sizes, before, factors, strict=True)
    )
    result = input
    if max(times) > 1:
        # A whole factor puts every element into a window of its own.
        apart = {"kernel": times, "stride": times, "padding": (0,) * dims, "dilation": (1,) * dims}
        size = tuple(n * t for n, t in zip(before, times, strict=True))
        result = apply(window_spread, input, size=size, **apart)
    for d, (count, factor, repeats) in enumerate(zip(sizes, factors, times, strict=True)):
        if count == before[d] * repeats and (repeats > 1 or factor in (None, 1)):
            continue
        if dims == 2 and not exact and count in (before[d], 2 * before[d]):
            # For images torch takes no notice of a factor that leads to the same size, or to twice it.
            factor = None
        scale = np.float32(1 / factor if factor else before[d] / count)
        steps = np.arange(count, dtype=np.float32) + np.float32(0.5 if exact else 0)
        positions = np.minimum(np.floor(steps * scale).astype(np.int64), before[d] - 1)
        spec = (*(slice(None),) * (2 + d), ARRAY)
        result = apply(index, result, literal(positions), spec=spec)
    if result is input:
        result = input.clone()
    label = f"UpsampleNearest{'Exact' if exact else ''}{dims}DBackward0"
    return relabel(following(result, input), label)


def _smooth(
    input: Tensor, sizes: tuple[int, ...], factors: list[float | None], mode: str,
    align_corners: bool, antialias: bool,
) -> Tensor:  # fmt: skip
    dims = len(sizes)
    if mode == "bilinear" and input._data_.dtype in dtypes.NARROW:
        wide = _smooth(input.float(), sizes, factors, mode, align_corners, antialias)
        return relabel(wide.to(input.dtype), _smooth_label(mode, dims, antialias))
    whole = input._data_.dtype.kind == "u"
    # Wide enough for sums of products of bytes and weights to be exact.
    result = input.double() if whole else input
    working = np.dtype(np.float64 if result._data_.dtype.itemsize == 8 else np.float32)
    # Bytes are rounded after each dimension: torch begins with the last.
    for d in reversed(range(dims)) if whole else range(dims):
        count, factor = sizes[d], factors[d]
        size = input._data_.shape[2 + d]
        if whole and count == size:
            continue
        if align_corners:
            scale = (size - 1) / (count - 1) if count > 1 else 0.0
        else:
            scale = 1 / factor if factor else size / count
        if antialias:
            matrix, reach = _averaging(size, count, scale, mode, align_corners)
        else:
            matrix, reach = _interpolating(size, count, scale, mode, align_corners, working)
        if whole:
            result = _of_bytes(result, d - dims, matrix, reach)
        else:
            result = along(result, d - dims, matrix.astype(result._data_.dtype), reach)
    result = following(result, input)
    if whole:
        return result.to(input.dtype)
    return relabel(result, _smooth_label(mode, dims, antialias))


def _of_bytes(result: Tensor, dim: int, matrix: Array, reach: Array) -> Tensor:
    """One dimension of an image of bytes, by weights of 16 bits, as Pillow computes it."""
    digits, largest = 0, matrix.max(initial=0.0)
    while digits < 22 and int(0.5 + largest * 2 ** (digits + 1)) < 1 << 15:
        digits += 1
    weights = np.trunc(matrix * 2.0**digits + np.copysign(0.5, matrix))
    total = along(result, dim, weights, reach)
    return ((total + 2.0 ** (digits - 1)) * 2.0**-digits).floor().clamp(0, 255)


def _smooth_label(mode: str, dims: int, antialias: bool) -> str:
    name = {"lanczos": "Lanczos2D", "bicubic": "Bicubic2D"}.get(mode, f"{mode.title()}{dims}D")
    return f"Upsample{name}{'Aa' if antialias else ''}Backward0"


def _interpolating(
    size: int, count: int, scale: float, mode: str, align_corners: bool, dtype: np.dtype[Any]
) -> tuple[Array, Array]:
    """Row i holds the weights of the neighbours of output i; and which elements are neighbours."""
    steps = np.arange(count, dtype=dtype)
    factor = dtype.type(scale)
    half = dtype.type(0.5)
    places = steps * factor if align_corners else (steps + half) * factor - half
    curved = mode == "bicubic"
    if not curved:
        places = np.maximum(places, 0)
    first = np.floor(places).astype(np.int64)
    rest = places - first
    weights = cubic_weights(rest) if curved else [1 - rest, rest]
    matrix, taps = np.zeros((count, size), dtype), np.zeros((3, count, size), np.int8)
    for i, weight in enumerate(weights):
        place = np.arange(count), np.clip(first + (i - 1 if curved else i), 0, size - 1)
        np.add.at(matrix, place, weight)
        taps[(np.sign(weight).astype(np.int8) + 1, *place)] = 1
    kinds = taps.sum(0, dtype=np.int8)
    return matrix, np.minimum(kinds, 2)


def _lanczos(x: Array) -> Array:
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0.0)


_FILTERS = {"bilinear": (tent, 2), "bicubic": (cubic, 4), "lanczos": (_lanczos, 6)}


def _averaging(
    size: int, count: int, scale: float, mode: str, align_corners: bool
) -> tuple[Array, Array]:
    """Rows of weights that also average what a smaller output leaves out; and which count."""
    function, width = _FILTERS[mode]
    stretch = max(scale, 1.0)
    support = width * 0.5 * stretch
    matrix, reach = np.zeros((count, size)), np.zeros((count, size), bool)
    for i in range(count):
        centre = scale * (i + 0.5)
        first = max(int(centre - support + 0.5), 0)
        last = min(int(centre + support + 0.5), size)
        weights = function((np.arange(first, last) - centre + 0.5) / stretch)
        matrix[i, first:last] = weights / weights.sum()
        reach[i, first:last] = True
    return matrix, reach


def upsample(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:  # fmt: skip
    """The old name of `interpolate`."""
    warn("`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """The old name of `interpolate` with mode "nearest"."""
    warn("`nn.functional.upsample_nearest` is deprecated. Use `nn.functional.interpolate` instead.")
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """The old name of `interpolate` with mode "bilinear" and aligned corners."""
    warn(
        "`nn.functional.upsample_bilinear` is deprecated. Use `nn.functional.interpolate` instead."
    )
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


# ---- points of one's own ------------------------------------------------------------------------


@in_single
def grid_sample(
    input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:  # fmt: skip
    """The input [N, C, H, W] at the points (x, y) of a grid [N, h, w, 2]: [N, C, h, w].

    -1 and 1 are the centres of the corner pixels if align_corners, else their outer edges. Volumes
    and points (x, y, z) have one dimension more.
    """
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(
            "nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but "
            f"got: '{mode}'"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or "
            f"'reflection', but got: '{padding_mode}'"
        )
    if align_corners is None:
        warn(
            "Default grid_sample and affine_grid behavior has changed to align_corners=False since "
            "1.3.0. Please specify align_corners=True if the old behavior is desired. See the "
            "documentation of grid_sample for details."
        )
        align_corners = False
    how = ("bilinear", "nearest", "bicubic").index(mode)
    edge = ("zeros", "border", "reflection").index(padding_mode)
    return ops.grid_sampler(input, grid, how, edge, align_corners)


@in_half
def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """The grid for `grid_sample` of an affine map theta [N, 2, 3] or [N, 3, 4]; size is the output's.

    M. Jaderberg et al., "Spatial Transformer Networks", 2015.
    """
    need_tensor("affine_grid", "theta", 1, theta)
    if align_corners is None:
        warn(
            "Default grid_sample and affine_grid behavior has changed to align_corners=False since "
            "1.3.0. Please specify align_corners=True if the old behavior is desired. See the "
            "documentation of grid_sample for details."
        )
        align_corners = False
    if theta._data_.dtype.kind not in "fV":
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    sizes, shape = tuple(size), theta._data_.shape
    if len(sizes) not in (4, 5):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, "
            f"respectively. Got size {sizes}."
        )
    dims = len(sizes) - 2
    if len(shape) != 3 or shape[-2:] != (dims, dims + 1):
        raise ValueError(
            f"Expected a batch of {dims}D affine matrices of shape Nx{dims}x{dims + 1} for size "
            f"{sizes}. Got {theta.shape}."
        )
    if min(sizes) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {sizes}")
    if align_corners and min(sizes[2:]) == 1:
        warn(
            "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when "
            "align_corners=True. This is not an intended use case of affine_grid."
        )
    if min(sizes[2:]) == 1:
        need_wide("tensor_cpu", theta._data_)
    return ops.affine_grid_generator(theta, sizes, align_corners)
