"""What stands in regions of feature maps, brought to one size.

Regions are boxes (k, 5), the number of the picture first, or a list of boxes (k, 4) for each picture. There is no
gradient in the boxes, as in torchvision.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight import nn
from rushlight._tensor import Tensor
from rushlight.core.doors import read
from rushlight.core.tensor import wrap
from rushlight.ops.creation import full_like, zeros
from rushlight.ops.einsum import einsum
from rushlight.ops.joining import cat, stack


def _numbered(boxes: Any) -> Any:
    """Boxes (k, 5) whose first number says in which picture they are."""
    if isinstance(boxes, list | tuple):
        for box in boxes:
            if box.size(1) != 4:
                raise AssertionError(
                    "The shape of the tensor in the boxes list is not correct as List[Tensor[L, 4]]"
                )
        numbers = [full_like(box[:, :1], i) for i, box in enumerate(boxes)]
        return cat([cat(numbers), cat(list(boxes))], 1)
    if not hasattr(boxes, "size"):
        raise AssertionError("boxes is expected to be a Tensor[L, 5] or a List[Tensor[K, 4]]")
    if boxes.size(1) != 5:
        raise AssertionError("The boxes tensor shape is not correct as Tensor[K, 5]")
    return boxes


def _pair(size: Any) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else tuple(size)


def _read(boxes: Any, dtype: Any) -> tuple[Any, Any]:
    """The pictures' numbers (k), and corners (k, 4), as arrays."""
    rois = read(boxes.detach(), "the regions of a picture").astype(dtype, copy=False)
    return rois[:, 0].astype(np.int64), rois[:, 1:]


def _samples(start: Any, size: Any, bins: int, ratio: int, length: int) -> tuple[Any, Any, Any]:
    """Along one side: for each region, bin and sample the two places and their weights; and samples in a bin.

    (k, bins, samples, 2) each. A place outside of the map counts nothing, one at its edge is the edge.
    """
    step = size / bins
    grid = np.full(len(start), ratio) if ratio > 0 else np.ceil(step).astype(np.int64)
    most = max(int(grid.max(initial=1)), 1)
    index = np.arange(most)
    within = (index + start.dtype.type(0.5)) * (step / np.maximum(grid, 1))[:, None]
    at = (start[:, None] + np.arange(bins) * step[:, None])[..., None] + within[:, None, :]
    counts = (index < grid[:, None])[:, None, :] & (at >= -1) & (at <= length)
    at = np.clip(at, 0, length - 1)
    low = np.minimum(at.astype(np.int64), length - 1)
    high = np.minimum(low + 1, length - 1)
    share = at - low
    weights = np.stack([1 - share, share], -1) * counts[..., None]
    return np.stack([low, high], -1), weights.astype(start.dtype), grid


def _aligned(
    input: Any, boxes: Any, size: Any, scale: float, ratio: int, shift: float, least: Any
) -> Any:
    """The mean of samples, interpolated, in each bin of each region: (k, c, *size)."""
    n, c, h, w = input.shape
    (bins_h, bins_w), rois = _pair(size), _numbered(boxes)
    picture, corners = _read(rois, input._data_.dtype)
    x1, y1, x2, y2 = (corners * corners.dtype.type(scale) - corners.dtype.type(shift)).T
    width, height = x2 - x1, y2 - y1
    if least is not None:
        width, height = np.maximum(width, least), np.maximum(height, least)
    rows, down, grid_h = _samples(y1, height, bins_h, ratio, h)
    columns, across, grid_w = _samples(x1, width, bins_w, ratio, w)
    count = np.maximum(grid_h * grid_w, 1).astype(corners.dtype)
    table = input.permute(0, 2, 3, 1).reshape(n * h * w, c)
    k = len(picture)
    # (k, bins, 1, samples, 1, low or high) by (k, 1, bins, 1, samples): all samples of a bin side by side.
    total: Any = zeros((k, bins_h, bins_w, c), dtype=input.dtype, device=input.device)
    for i in (0, 1):
        for j in (0, 1):
            y, x = rows[..., i], columns[..., j]
            place = (picture[:, None, None] * h + y)[:, :, None, :, None] * w + x[
                :, None, :, None, :
            ]
            weight = down[..., i][:, :, None, :, None] * across[..., j][:, None, :, None, :]
            weight = weight / count[:, None, None, None, None]
            values = table.index_select(0, wrap(place.reshape(-1))).reshape(
                k, bins_h, bins_w, -1, c
            )
            share = wrap(np.ascontiguousarray(weight.reshape(k, bins_h, bins_w, 1, -1)))
            total = total + (share @ values).squeeze(-2)
    return total.permute(0, 3, 1, 2)


def roi_align(
    input: Tensor,
    boxes: Any,
    output_size: Any,
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
) -> Tensor:
    """Regions of a map (n, c, h, w) at output_size, (k, c, *output_size), by samples between the pixels.

    K. He, G. Gkioxari, P. Dollar, R. Girshick, "Mask R-CNN", 2017. sampling_ratio: how many samples each way in a
    bin, as many as there are pixels if it is not positive. aligned: pixels are squares around their centres.
    """
    shift, least = (0.5, None) if aligned else (0.0, 1.0)
    return _aligned(input, boxes, output_size, spatial_scale, sampling_ratio, shift, least)


def _own_channels(found: Any, size: tuple[int, int]) -> Any:
    """Of (k, c * h * w, h, w) for each bin its own channels: (k, c, h, w)."""
    h, w = size
    k, channels = found.shape[:2]
    found = found.reshape(k, channels // (h * w), h, w, h, w)
    return found.diagonal(dim1=2, dim2=4).diagonal(dim1=2, dim2=3)


def _need_channels(input: Any, size: tuple[int, int]) -> None:
    if input.size(1) % (size[0] * size[1]):
        raise RuntimeError(
            f"input channels must be a multiple of pooling height * pooling width, got {input.size(1)} for {size}"
        )


def ps_roi_align(
    input: Tensor,
    boxes: Any,
    output_size: Any,
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
) -> Tensor:
    """`roi_align` where each bin has channels of its own: (n, c * h * w, ...) to (k, c, h, w)."""
    size = _pair(output_size)
    _need_channels(input, size)
    found = _aligned(input, boxes, size, spatial_scale, sampling_ratio, 0.5, None)
    return _own_channels(found, size).contiguous()


def _rounded(x: Any) -> Any:
    """To whole numbers, halves away from 0, as in C."""
    return (np.sign(x) * np.floor(np.abs(x) + x.dtype.type(0.5))).astype(np.int64)


def _bins(start: Any, size: Any, bins: int, length: int) -> tuple[Any, Any]:
    """Where the bins of regions begin and end, in whole pixels: (k, bins) each."""
    step = (size.astype(np.float32) / np.float32(bins))[:, None]
    index = np.arange(bins, dtype=np.float32)
    first = np.floor(index * step).astype(np.int64) + start[:, None]
    last = np.ceil((index + 1) * step).astype(np.int64) + start[:, None]
    return np.clip(first, 0, length), np.clip(last, 0, length)


def roi_pool(input: Tensor, boxes: Any, output_size: Any, spatial_scale: float = 1.0) -> Tensor:
    """The largest values in the bins of regions of a map (n, c, h, w): (k, c, *output_size), 0 where a bin is empty.

    R. Girshick, "Fast R-CNN", 2015.
    """
    _, c, h, w = input.shape
    (bins_h, bins_w), rois = _pair(output_size), _numbered(boxes)
    picture, corners = _read(rois, input._data_.dtype)
    x1, y1, x2, y2 = _rounded(corners * corners.dtype.type(spatial_scale)).T
    rows = _bins(y1, np.maximum(y2 - y1 + 1, 1), bins_h, h)
    columns = _bins(x1, np.maximum(x2 - x1 + 1, 1), bins_w, w)
    values = read(input.detach(), "where the largest values are")
    place = np.full((len(picture), c, bins_h, bins_w), -1, np.int64)
    for k, own in enumerate(picture):
        for i in range(bins_h):
            top, bottom = rows[0][k, i], rows[1][k, i]
            for j in range(bins_w):
                left, right = columns[0][k, j], columns[1][k, j]
                if bottom <= top or right <= left:
                    continue
                best = values[own, :, top:bottom, left:right].reshape(c, -1).argmax(1)
                y, x = top + best // (right - left), left + best % (right - left)
                place[k, :, i, j] = ((own * c + np.arange(c)) * h + y) * w + x
    filled = wrap(np.maximum(place, 0).reshape(-1))
    found = input.reshape(-1).index_select(0, filled).reshape(place.shape)
    return found.masked_fill(wrap(place < 0), 0)


def ps_roi_pool(input: Tensor, boxes: Any, output_size: Any, spatial_scale: float = 1.0) -> Tensor:
    """The means of bins of regions, each bin of channels of its own: (n, c * h * w, ...) to (k, c, h, w).

    J. Dai, Y. Li, K. He, J. Sun, "R-FCN", 2016.
    """
    size = _pair(output_size)
    _need_channels(input, size)
    _, channels, h, w = input.shape
    picture, corners = _read(_numbered(boxes), input._data_.dtype)
    x1, y1, x2, y2 = _rounded(corners * corners.dtype.type(spatial_scale)).T
    shares = []
    for start, end, bins, length in ((y1, y2, size[0], h), (x1, x2, size[1], w)):
        first, last = _bins(start, np.maximum(end - start, 1), bins, length)
        index = np.arange(length)
        inside = (index >= first[..., None]) & (index < last[..., None])
        share = inside / np.maximum(inside.sum(-1, keepdims=True), 1)
        shares.append(wrap(share.astype(corners.dtype)))
    found = [
        einsum("chwyx,hy,wx->chw", input[own].reshape(-1, *size, h, w), shares[0][k], shares[1][k])
        for k, own in enumerate(picture.tolist())
    ]
    return stack(found) if found else input.new_zeros((0, channels // (size[0] * size[1]), *size))


class _Pooled(nn.Module):
    """A pooling of regions as a module."""

    shown: tuple[str, ...] = ("output_size", "spatial_scale")

    def __init__(self, output_size: Any, spatial_scale: float) -> None:
        super().__init__()
        self.output_size, self.spatial_scale = output_size, spatial_scale

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={getattr(self, name)}" for name in self.shown)
        return f"{type(self).__name__}({values})"


class _Sampled(_Pooled):
    shown: tuple[str, ...] = ("output_size", "spatial_scale", "sampling_ratio")

    def __init__(self, output_size: Any, spatial_scale: float, sampling_ratio: int) -> None:
        super().__init__(output_size, spatial_scale)
        self.sampling_ratio = sampling_ratio


class RoIAlign(_Sampled):
    """`roi_align` as a module."""

    shown = ("output_size", "spatial_scale", "sampling_ratio", "aligned")

    def __init__(
        self, output_size: Any, spatial_scale: float, sampling_ratio: int, aligned: bool = False
    ) -> None:
        super().__init__(output_size, spatial_scale, sampling_ratio)
        self.aligned = aligned

    def forward(self, input: Tensor, rois: Any) -> Tensor:
        """input: (n, c, h, w); rois: boxes."""
        options = self.spatial_scale, self.sampling_ratio, self.aligned
        return roi_align(input, rois, self.output_size, *options)


class PSRoIAlign(_Sampled):
    """`ps_roi_align` as a module."""

    def forward(self, input: Tensor, rois: Any) -> Tensor:
        """input: (n, c * h * w, ...); rois: boxes."""
        return ps_roi_align(input, rois, self.output_size, self.spatial_scale, self.sampling_ratio)


class RoIPool(_Pooled):
    """`roi_pool` as a module."""

    def forward(self, input: Tensor, rois: Any) -> Tensor:
        """input: (n, c, h, w); rois: boxes."""
        return roi_pool(input, rois, self.output_size, self.spatial_scale)


class PSRoIPool(_Pooled):
    """`ps_roi_pool` as a module."""

    def forward(self, input: Tensor, rois: Any) -> Tensor:
        """input: (n, c * h * w, ...); rois: boxes."""
        return ps_roi_pool(input, rois, self.output_size, self.spatial_scale)
