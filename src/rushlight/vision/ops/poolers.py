"""Regions of all sizes, each from the feature map whose pixels suit it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rushlight import nn
from rushlight.ops.comparison import where
from rushlight.ops.creation import zeros
from rushlight.ops.joining import cat
from rushlight.vision.ops.boxes import box_area
from rushlight.vision.ops.regions import _numbered, roi_align


class LevelMapper:
    """Which map suits a box: level k0 those of side s0, a level more for twice the side."""

    def __init__(
        self,
        k_min: int,
        k_max: int,
        canonical_scale: int = 224,
        canonical_level: int = 4,
        eps: float = 1e-6,
    ) -> None:
        self.k_min, self.k_max, self.eps = k_min, k_max, eps
        self.s0, self.lvl0 = canonical_scale, canonical_level

    def __call__(self, boxlists: Any) -> Any:
        """The number of the map for each box."""
        side = cat([box_area(boxes) for boxes in boxlists]).sqrt()
        level = (self.lvl0 + (side / self.s0).log2() + self.eps).floor()
        return level.clamp(self.k_min, self.k_max).long() - self.k_min


class MultiScaleRoIAlign(nn.Module):
    """`roi_align` of several maps, by their names in a dict.

    How much smaller than the picture each map is, is read off the first input.
    """

    def __init__(
        self,
        featmap_names: Sequence[str],
        output_size: Any,
        sampling_ratio: int,
        *,
        canonical_scale: int = 224,
        canonical_level: int = 4,
    ) -> None:
        super().__init__()
        size = (output_size, output_size) if isinstance(output_size, int) else tuple(output_size)
        self.featmap_names, self.sampling_ratio, self.output_size = (
            featmap_names,
            sampling_ratio,
            size,
        )
        self.scales: list[float] | None = None
        self.map_levels: LevelMapper | None = None
        self.canonical_scale, self.canonical_level = canonical_scale, canonical_level

    def _measure(self, maps: Sequence[Any], image_shapes: Any) -> tuple[list[float], LevelMapper]:
        if not image_shapes:
            raise ValueError("images list should not be empty")
        height = max(shape[0] for shape in image_shapes)
        scales = [2.0 ** round(math.log2(m.shape[-2] / height)) for m in maps]
        first, last = (int(-math.log2(scale)) for scale in (scales[0], scales[-1]))
        return scales, LevelMapper(first, last, self.canonical_scale, self.canonical_level)

    def forward(self, x: Any, boxes: Any, image_shapes: Any) -> Any:
        """x: a dict of maps; boxes: a list of (k, 4), one for each picture; image_shapes: (h, w) of each."""
        maps = [value for name, value in x.items() if name in self.featmap_names]
        if self.scales is None or self.map_levels is None:
            self.scales, self.map_levels = self._measure(maps, image_shapes)
        rois, ratio = _numbered(boxes), self.sampling_ratio
        if len(maps) == 1:
            return roi_align(maps[0], rois, self.output_size, self.scales[0], ratio)
        levels, like = self.map_levels(boxes), maps[0]
        shape = (len(rois), like.shape[1], *self.output_size)
        result: Any = zeros(shape, dtype=like.dtype, device=like.device)
        for level, (own, scale) in enumerate(zip(maps, self.scales, strict=True)):
            index = where(levels == level)[0]
            result[index] = roi_align(own, rois[index], self.output_size, scale, ratio)
        return result

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(featmap_names={self.featmap_names}, output_size={self.output_size}, "
            f"sampling_ratio={self.sampling_ratio})"
        )
