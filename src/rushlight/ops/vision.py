"""Operations on images that `torch` itself names: shuffles, sampling at given points."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.core.doors import apply, literal
from rushlight.core.tensor import Array
from rushlight.memory import shared
from rushlight.ops.arguments import need_tensor, need_whole, relabel
from rushlight.ops.composed import composed
from rushlight.ops.conversion import following, in_rows
from rushlight.ops.joining import stack
from rushlight.primitives import embedding as embedding_rows
from rushlight.primitives.contract import matmul
from rushlight.primitives.families import FLOAT, supported
from rushlight.primitives.kernel import entering
from rushlight.primitives.pointwise import where
from rushlight.primitives.view import flip

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

# ---- shuffles -----------------------------------------------------------------------------------


def _planes(name: str, input: Tensor, word: str, factor: Any) -> tuple[tuple[int, ...], int]:
    """The shape of planes of pixels, and the factor by which they grow or shrink, both checked."""
    need_tensor(name, "input", 1, input)
    shape, r = input._data_.shape, need_whole(name, word, 2, factor)
    if len(shape) < 3:
        raise RuntimeError(
            f"{name} expects input to have at least 3 dimensions, but got input with "
            f"{len(shape)} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"{name} expects a positive {word}, but got {r}")
    return shape, r


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Channels dealt out to pixels: [*, C r**2, H, W] gives [*, C, H r, W r].

    W. Shi et al., "Real-Time Single Image and Video Super-Resolution", 2016.

    >>> import rushlight as torch
    >>> torch.pixel_shuffle(torch.arange(4.0).reshape(4, 1, 1), 2)
    tensor([[[0., 1.],
             [2., 3.]]])
    """
    shape, r = _planes("pixel_shuffle", input, "upscale_factor", upscale_factor)
    *lead, channels, height, width = shape
    if channels % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of "
            f"upscale_factor, but input.size(-3)={channels} is not divisible by {r * r}"
        )
    n, c = len(lead), channels // (r * r)
    split = _dense(input).reshape((*lead, c, r, r, height, width))
    order = (*range(n), n, n + 3, n + 1, n + 4, n + 2)
    out = split.permute(order).reshape((*lead, c, height * r, width * r))
    return relabel(_fresh(following(out, input), input), "PixelShuffleBackward0")


def _dense(input: Tensor) -> Tensor:
    """The input, as a kernel takes it whose gradient is one too, and shows no element twice."""
    return entering(input, itself=False, lies="dense")


def _fresh(result: Tensor, source: Tensor) -> Tensor:
    """The result, in memory of its own."""
    if result._changes_ is not source._changes_:
        return result
    # A copy whose gradient is one, too.
    return apply(flip, result, dims=())


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """The inverse of `pixel_shuffle`: [*, C, H r, W r] gives [*, C r**2, H, W]."""
    shape, r = _planes("pixel_unshuffle", input, "downscale_factor", downscale_factor)
    *lead, c, height, width = shape
    for name, size, at in (("height", height, -2), ("width", width, -1)):
        if size % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but "
                f"input.size({at})={size} is not divisible by {r}"
            )
    n = len(lead)
    split = _dense(input).reshape((*lead, c, height // r, r, width // r, r))
    order = (*range(n), n, n + 2, n + 4, n + 1, n + 3)
    out = split.permute(order).reshape((*lead, c * r * r, height // r, width // r))
    return relabel(_fresh(following(out, input), input), "PixelUnshuffleBackward0")


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Channels [N, groups * k, ...] reordered so that each group gets some of every group.

    X. Zhang et al., "ShuffleNet", 2018.
    """
    need_tensor("channel_shuffle", "input", 1, input)
    shape = input._data_.shape
    if len(shape) <= 2:
        raise RuntimeError(
            f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(shape)}"
        )
    if groups <= 0:
        raise RuntimeError(
            f"Number of groups to divide channels in must be positive. Value of groups:{groups}"
        )
    if shape[1] % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {shape[1]} channels and {groups} "
            "groups."
        )
    if not input._data_.size:
        return relabel(input.view(shape), "ChannelShuffleBackward0")
    split = _dense(input).reshape((shape[0], groups, shape[1] // groups, *shape[2:]))
    out = split.transpose(1, 2).reshape(shape)
    out = following(out.clone() if shared(out._data_, input._data_) else out, input)
    return relabel(out, "ChannelShuffleBackward0")


native_channel_shuffle = channel_shuffle


# ---- affine grids -------------------------------------------------------------------------------


def affine_grid_generator(theta: Tensor, size: Sequence[int], align_corners: bool) -> Tensor:
    """Points of an affine map of the output's pixels, for `grid_sampler`."""
    need_tensor("affine_grid_generator", "theta", 1, theta)
    sizes = tuple(size)
    dims = len(sizes) - 2
    if theta._data_.ndim != 3 or theta._data_.shape != (sizes[0], dims, dims + 1):
        raise RuntimeError(
            f"affine_grid: expected theta of shape [{sizes[0]}, {dims}, {dims + 1}] for size "
            f"{list(sizes)}, got {list(theta._data_.shape)}"
        )
    axes = [_points(n, align_corners, theta._data_.dtype) for n in sizes[2:]]
    # x, which belongs to the last dimension, comes first; then y and z; and 1 for the translation.
    mesh = [*reversed(np.meshgrid(*axes, indexing="ij")), np.ones(sizes[2:], theta._data_.dtype)]
    base = literal(np.stack(mesh, -1).reshape(1, -1, dims + 1))
    grid = apply(matmul, base, theta.mT).reshape((sizes[0], *sizes[2:], dims))
    return relabel(grid, "AffineGridGeneratorBackward0")


def _points(count: int, align_corners: bool, dtype: np.dtype[Any]) -> Array:
    if count <= 1:
        return np.zeros(count, dtype)
    points = np.linspace(-1, 1, count, dtype=dtype)
    return points if align_corners else points * dtype.type((count - 1) / count)


# ---- sampling at points -------------------------------------------------------------------------

_MODES = ("bilinear", "nearest", "bicubic")
_PADDINGS = ("zeros", "border", "reflection")


def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """The input's values at the points of a grid: [N, C, H, W] and [N, h, w, 2], or one more of each.

    Points are (x, y) or (x, y, z) in [-1, 1]. Modes: 0 bilinear, 1 nearest, 2 bicubic; paddings:
    0 zeros, 1 border, 2 reflection.
    """
    need_tensor("grid_sampler", "input", 1, input)
    need_tensor("grid_sampler", "grid", 2, grid)
    x, g = input._data_.shape, grid._data_.shape
    if len(x) not in (4, 5) or len(x) != len(g):
        raise RuntimeError(
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but "
            f"got input with sizes {list(x)} and grid with sizes {list(g)}"
        )
    if x[0] != g[0]:
        raise RuntimeError(
            "grid_sampler(): expected grid and input to have same batch size, but got input with sizes "
            f"{list(x)} and grid with sizes {list(g)}"
        )
    if g[-1] != len(x) - 2:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {len(x) - 2} in last dimension, but got grid "
            f"with sizes {list(g)}"
        )
    if 0 in x[2:]:
        raise RuntimeError(
            "grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes "
            f"{list(x)}"
        )
    if input._data_.dtype != grid._data_.dtype:
        raise RuntimeError(
            f"expected scalar type {dtypes.of(input._data_.dtype).word} but found "
            f"{dtypes.of(grid._data_.dtype).word}: input and grid must have one dtype"
        )
    if not 0 <= interpolation_mode < 3 or not 0 <= padding_mode < 3:
        raise RuntimeError("grid_sampler(): unknown interpolation or padding mode")
    mode, padding = _MODES[interpolation_mode], _PADDINGS[padding_mode]
    if mode == "bicubic" and len(x) != 4:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    supported(f"grid_sampler_{len(x) - 2}d_cpu", FLOAT, [input._data_])
    sampled = _sampled_images if len(x) == 4 else _sampled_volumes
    return sampled(input, grid, mode=mode, padding=padding, align_corners=align_corners)


def _sampled_at(
    input: Tensor, grid: Tensor, *, mode: str, padding: str, align_corners: bool
) -> Tensor:
    taken = entering(input, grid, zeros=False, lies="rows"), entering(grid, input, zeros=False)
    out = in_rows(_sampled(*taken, mode, padding, align_corners))
    return relabel(out, f"GridSampler{input._data_.ndim - 2}DBackward0")


_sampled_images = composed("GridSampler2DBackward0", 1 << 6)(_sampled_at)
_sampled_volumes = composed("GridSampler3DBackward0", 1 << 9)(_sampled_at)


def grid_sampler_2d(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """`grid_sampler` of images."""
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


def grid_sampler_3d(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """`grid_sampler` of volumes."""
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


def _sampled(input: Tensor, grid: Tensor, mode: str, padding: str, align_corners: bool) -> Tensor:
    size = input._data_.shape[2:]
    dims = len(size)
    # The grid's last coordinate belongs to the first spatial dimension.
    places = []
    for d, n in enumerate(size):
        point = grid.select(-1, dims - 1 - d)
        scaled = (point + 1) * ((n - 1) / 2) if align_corners else ((point + 1) * n - 1) / 2
        places.append(scaled)
    if mode != "bicubic":
        places = [_bounded(p, n, padding, align_corners) for p, n in zip(places, size, strict=True)]
    taps = [_TAPS[mode](p) for p in places]
    if mode == "bicubic":
        taps = [
            (_bounded(spots, n, padding, align_corners), weights)
            for (spots, weights), n in zip(taps, size, strict=True)
        ]
    order = (0, *range(2, dims + 2), 1)
    table = input.permute(order).reshape((-1, input._data_.shape[1]))
    # All neighbours of all points at once: those along each dimension stand in a dimension of their own.
    values = _looked_up(table, [_among(spots, d, dims) for d, (spots, _) in enumerate(taps)], size)
    if mode != "nearest":
        weight = functools.reduce(
            operator.mul, [_among(weights, d, dims) for d, (_, weights) in enumerate(taps)]
        )
        values = values * weight.unsqueeze(-1)
    result = values.flatten(0, dims - 1).sum(0).movedim(-1, 1)
    if mode == "nearest":
        # The grid gets a gradient, of zeros.
        nothing = apply(where, literal(np.zeros((), bool)), grid, 0)
        result = result + nothing.sum(-1).unsqueeze(1)
    return result


def _among(taps: Tensor, d: int, dims: int) -> Tensor:
    """The taps along dimension d, first, as dimension d of those of all dimensions."""
    count, *rest = taps._data_.shape
    return taps.reshape((*(1,) * d, count, *(1,) * (dims - 1 - d), *rest))


def _looked_up(table: Tensor, spots: list[Tensor], size: tuple[int, ...]) -> Tensor:
    """Values of all channels at whole positions; zeros outside."""
    batch = spots[0]._data_.shape[len(size)]
    flat = literal(np.arange(batch).reshape(-1, *(1,) * len(size)))
    inside = literal(np.ones((), bool))
    for spot, n in zip(spots, size, strict=True):
        inside = inside.logical_and((spot >= 0).logical_and(spot <= n - 1))
        # nan is outside, too.
        place = spot.nan_to_num(0.0, 0.0, 0.0).clamp(0, n - 1).to(dtypes.int64)
        flat = flat * n + place
    values: Tensor = apply(
        embedding_rows.embedding, table, flat, padding_idx=-1, scale_grad_by_freq=False
    )
    return apply(where, inside.unsqueeze(-1), values, 0)


def _bounded(place: Tensor, size: int, padding: str, align_corners: bool) -> Tensor:
    if padding == "zeros":
        return place
    if padding == "reflection":
        low, high = (0.0, size - 1.0) if align_corners else (-0.5, size - 0.5)
        place = _reflected(place, low, high)
    # As in torch, no gradient flows to points on the border itself.
    inside = (place > 0).logical_and(place < size - 1).detach()
    limited = place.detach().clamp(0, size - 1).nan_to_num(0.0)
    return place.where(inside, limited)


def _reflected(place: Tensor, low: float, high: float) -> Tensor:
    span = high - low
    if span == 0:
        return place * 0
    distance = (place - low).abs()
    turns = (distance.detach() / span).floor()
    rest = distance - turns * span
    forth = (turns.remainder(2) == 0).detach()
    return (rest + low).where(forth, span - rest + low)


def _nearest_taps(place: Tensor) -> tuple[Tensor, Tensor]:
    spots = place.detach().round().unsqueeze(0)
    return spots, spots


def _linear_taps(place: Tensor) -> tuple[Tensor, Tensor]:
    before = place.detach().floor()
    rest = place - before
    return stack([before, before + 1]), stack([1 - rest, rest])


def tent(x: Array) -> Array:
    """The weight of a neighbour at distance x where lines are drawn between pixels."""
    return np.maximum(1 - np.abs(x), 0)


def cubic(x: Array, a: float = -0.5) -> Array:
    """The same for cubic curves: Keys's are of a = -0.5."""
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


# R. Keys, "Cubic Convolution Interpolation", 1981, with torch's parameter.
_CUBIC = -0.75


def cubic_weights(rest: Any, a: float = _CUBIC) -> list[Any]:
    """Weights of the four neighbours of a point that lies `rest` behind the second."""
    far, near = rest + 1, 1 - rest
    beyond = near + 1
    return [
        ((a * far - 5 * a) * far + 8 * a) * far - 4 * a,
        ((a + 2) * rest - (a + 3)) * rest * rest + 1,
        ((a + 2) * near - (a + 3)) * near * near + 1,
        ((a * beyond - 5 * a) * beyond + 8 * a) * beyond - 4 * a,
    ]


def _cubic_taps(place: Tensor) -> tuple[Tensor, Tensor]:
    second = place.detach().floor()
    weights = cubic_weights(place - second)
    return stack([second + (i - 1) for i in range(4)]), stack(weights)


# The whole positions around a point along one dimension, and what each of them weighs.
_TAPS = {"nearest": _nearest_taps, "bilinear": _linear_taps, "bicubic": _cubic_taps}
