"""Transforms of where the pixels are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight import random as streams
from rushlight.core.doors import draw
from rushlight.ops.creation import zeros
from rushlight.ops.joining import cat
from rushlight.vision.ops.boxes import box_iou
from rushlight.vision.transforms import functional as V1
from rushlight.vision.transforms import geometry as first
from rushlight.vision.transforms.base import (
    angles,
    below,
    between,
    chance,
    check_sequence,
    pair,
)
from rushlight.vision.transforms.functional.warping import perspective_coefficients
from rushlight.vision.transforms.v2.functional import functions as F
from rushlight.vision.transforms.v2.functional.boxes import borders, converted
from rushlight.vision.transforms.v2.transform import (
    RandomTransform,
    Transform,
    Values,
    first_boxes,
    is_shown,
    simple,
    size_of,
)

Params = dict[str, Any]
BILINEAR, NEAREST = "bilinear", "nearest"
RandomHorizontalFlip = simple(
    "RandomHorizontalFlip",
    "horizontal_flip",
    RandomTransform,
    "Left becomes right with probability p.",
)
RandomVerticalFlip = simple(
    "RandomVerticalFlip", "vertical_flip", RandomTransform, "Top becomes bottom with probability p."
)


def fill_for(fill: Any, inpt: Any) -> Any:
    """The colour for this input: one for all, or a dict of them by type, with "others"."""
    if not isinstance(fill, dict):
        return fill
    for key, value in fill.items():
        if isinstance(key, type) and isinstance(inpt, key):
            return value
    if "others" in fill:
        return fill["others"]
    raise RuntimeError(
        "This should never happen, please open an issue on the torchvision repo if you hit this."
    )


class Resize(Transform):
    """Another size: (height, width), or the length of the shorter edge."""

    def __init__(
        self, size: Any, interpolation: Any = BILINEAR, max_size: int | None = None, antialias: bool | None = True
    ) -> None:  # fmt: skip
        super().__init__()
        if size is not None and not isinstance(size, (int, Sequence)):
            raise ValueError(
                f"size can be an integer, a sequence of one or two integers, or None, but got {size}."
            )
        if size is None and not isinstance(max_size, int):
            raise ValueError(
                f"max_size must be an integer when size is None, but got {max_size} instead."
            )
        self.size = [size] if isinstance(size, int) else size if size is None else list(size)
        self.interpolation, self.max_size, self.antialias = interpolation, max_size, antialias

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, resized."""
        return self._call_kernel(
            F.resize, inpt, self.size, interpolation=self.interpolation, max_size=self.max_size,
            antialias=self.antialias,
        )  # fmt: skip


class CenterCrop(Transform):
    """The middle."""

    def __init__(self, size: Any) -> None:
        super().__init__()
        self.size = pair(size)

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, cut."""
        return self._call_kernel(F.center_crop, inpt, output_size=self.size)


class RandomResizedCrop(Transform):
    """A part of random area and shape, resized."""

    get_params = staticmethod(first.RandomResizedCrop.get_params)

    def __init__(
        self,
        size: Any,
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3.0 / 4.0, 4.0 / 3.0),
        interpolation: Any = BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        first.check_range(scale, ratio)
        self.size, self.scale, self.ratio = pair(size), scale, ratio
        self.interpolation, self.antialias = interpolation, antialias

    def make_params(self, flat_inputs: Values) -> Params:
        """The part."""
        place = self.get_params(zeros(1, *size_of(flat_inputs)), self.scale, self.ratio)
        return dict(zip(("top", "left", "height", "width"), place, strict=True))

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, cut and resized."""
        return self._call_kernel(
            F.resized_crop, inpt, **params, size=self.size, interpolation=self.interpolation,
            antialias=self.antialias,
        )  # fmt: skip


class _Crops(Transform):
    def check_inputs(self, flat_inputs: Values) -> None:
        """TypeError for what has no five parts: masks, boxes and points."""
        for value in flat_inputs:
            if not is_shown(value) and type(value).__name__ in (
                "BoundingBoxes",
                "Mask",
                "KeyPoints",
            ):
                raise TypeError(
                    f"BoundingBoxes'es, Mask's and KeyPoints's are not supported by {type(self).__name__}()"
                )


class FiveCrop(_Crops):
    """The four corners and the middle, as a tuple."""

    def __init__(self, size: Any) -> None:
        super().__init__()
        self.size = pair(size)

    def transform(self, inpt: Any, params: Params) -> Any:
        """Five parts of one value."""
        return self._call_kernel("five_crop", inpt, self.size)


class TenCrop(_Crops):
    """`FiveCrop` of the image and of the flipped image."""

    def __init__(self, size: Any, vertical_flip: bool = False) -> None:
        super().__init__()
        self.size, self.vertical_flip = pair(size), vertical_flip

    def transform(self, inpt: Any, params: Params) -> Any:
        """Ten parts of one value."""
        return self._call_kernel("ten_crop", inpt, self.size, vertical_flip=self.vertical_flip)


class Pad(Transform):
    """A border."""

    def __init__(self, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> None:
        super().__init__()
        borders(padding)
        if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
            raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value with the border."""
        fill = fill_for(self.fill, inpt)
        return self._call_kernel(
            F.pad, inpt, padding=self.padding, fill=fill, padding_mode=self.padding_mode
        )


class RandomZoomOut(RandomTransform):
    """Somewhere on a larger canvas, with probability p."""

    def __init__(
        self, fill: Any = 0, side_range: Sequence[float] = (1.0, 4.0), p: float = 0.5
    ) -> None:
        super().__init__(p)
        check_sequence("side_range", side_range, (2,))
        if side_range[0] < 1.0 or side_range[0] > side_range[1]:
            raise ValueError(f"Invalid side range provided {side_range}.")
        self.fill, self.side_range = fill, side_range

    def make_params(self, flat_inputs: Values) -> Params:
        """The border."""
        height, width = size_of(flat_inputs)
        low, high = self.side_range
        r = np.float32(low) + np.float32(chance()) * np.float32(high - low)
        wide, tall = int(np.float32(width) * r), int(np.float32(height) * r)
        across, down = draw(streams.uniform, None, shape=(2,), dtype=np.dtype(np.float32)).tolist()
        left, top = int((wide - width) * across), int((tall - height) * down)
        return {"padding": [left, top, wide - (left + width), tall - (top + height)]}

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value on the canvas."""
        return self._call_kernel(F.pad, inpt, **params, fill=fill_for(self.fill, inpt))


class RandomRotation(Transform):
    """Turned by a random number of degrees."""

    get_params = staticmethod(first.RandomRotation.get_params)

    def __init__(
        self, degrees: Any, interpolation: Any = NEAREST, expand: bool = False, center: Any = None, fill: Any = 0
    ) -> None:  # fmt: skip
        super().__init__()
        self.degrees = angles("degrees", degrees)
        if center is not None:
            check_sequence("center", center, (2,))
        self.interpolation, self.expand, self.center, self.fill = (
            interpolation,
            expand,
            center,
            fill,
        )

    def make_params(self, flat_inputs: Values) -> Params:
        """The angle."""
        return {"angle": between(*self.degrees)}

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, turned."""
        return self._call_kernel(
            F.rotate, inpt, **params, interpolation=self.interpolation, expand=self.expand, center=self.center,
            fill=fill_for(self.fill, inpt),
        )  # fmt: skip


class RandomAffine(Transform):
    """Turned, moved, scaled and sheared at random; what is None stays as it is."""

    get_params = staticmethod(first.RandomAffine.get_params)

    def __init__(
        self,
        degrees: Any,
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: Any = None,
        interpolation: Any = NEAREST,
        fill: Any = 0,
        center: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        plain = first.RandomAffine(degrees, translate, scale, shear, center=center)
        self.degrees, self.translate, self.scale = plain.degrees, translate, scale
        self.shear, self.center = plain.shear, center
        self.interpolation, self.fill = interpolation, fill

    def make_params(self, flat_inputs: Values) -> Params:
        """Angle, way, scale and shear."""
        height, width = size_of(flat_inputs)
        drawn = self.get_params(
            self.degrees, self.translate, self.scale, self.shear, [width, height]
        )
        return dict(zip(("angle", "translate", "scale", "shear"), drawn, strict=True))

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, mapped."""
        return self._call_kernel(
            F.affine, inpt, **params, interpolation=self.interpolation, fill=fill_for(self.fill, inpt),
            center=self.center,
        )  # fmt: skip


class RandomCrop(Transform):
    """A part at a random place, of the image or of the image with a border."""

    def __init__(
        self,
        size: Any,
        padding: Any = None,
        pad_if_needed: bool = False,
        fill: Any = 0,
        padding_mode: str = "constant",
    ) -> None:
        super().__init__()
        self.size = pair(size)
        if padding is not None:
            borders(padding)
        self.padding = list(borders(padding)) if padding is not None else None
        self.pad_if_needed, self.fill, self.padding_mode = pad_if_needed, fill, padding_mode

    def make_params(self, flat_inputs: Values) -> Params:
        """The border and the part."""
        height, width = size_of(flat_inputs)
        left, top, right, bottom = self.padding or (0, 0, 0, 0)
        tall, wide = height + top + bottom, width + left + right
        rows, columns = self.size
        if self.pad_if_needed:
            more = max(rows - tall, 0), max(columns - wide, 0)
            top, bottom, left, right = (
                top + more[0],
                bottom + more[0],
                left + more[1],
                right + more[1],
            )
            tall, wide = tall + 2 * more[0], wide + 2 * more[1]
        if tall < rows or wide < columns:
            raise ValueError(
                f"Required crop size {(rows, columns)} is larger than padded input image size {(tall, wide)}."
            )
        params: Params = {
            "padding": [left, top, right, bottom],
            "needs_pad": any((left, top, right, bottom)),
        }
        params["top"] = below(tall - rows + 1) if rows < tall else 0
        params["left"] = below(wide - columns + 1) if columns < wide else 0
        params["needs_crop"] = (rows, columns) != (tall, wide)
        return params

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, cut."""
        if params["needs_pad"]:
            fill = fill_for(self.fill, inpt)
            inpt = self._call_kernel(
                F.pad, inpt, padding=params["padding"], fill=fill, padding_mode=self.padding_mode
            )
        if params["needs_crop"]:
            height, width = self.size
            place = {"top": params["top"], "left": params["left"], "height": height, "width": width}
            inpt = self._call_kernel(F.crop, inpt, **place)
        return inpt


class RandomPerspective(RandomTransform):
    """Seen aslant with probability p."""

    def __init__(
        self, distortion_scale: float = 0.5, p: float = 0.5, interpolation: Any = BILINEAR, fill: Any = 0
    ) -> None:  # fmt: skip
        super().__init__(p)
        if not 0 <= distortion_scale <= 1:
            raise ValueError("Argument distortion_scale value should be between 0 and 1")
        self.distortion_scale, self.interpolation, self.fill = distortion_scale, interpolation, fill

    def make_params(self, flat_inputs: Values) -> Params:
        """The eight numbers of the perspective."""
        height, width = size_of(flat_inputs)
        start, end = slanted(width, height, self.distortion_scale)
        return {"coefficients": perspective_coefficients(start, end)}

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, aslant."""
        fill = fill_for(self.fill, inpt)
        return self._call_kernel(
            F.perspective, inpt, startpoints=None, endpoints=None, fill=fill, interpolation=self.interpolation,
            **params,
        )  # fmt: skip


def slanted(
    width: int, height: int, distortion_scale: float
) -> tuple[list[list[int]], list[list[int]]]:
    """The corners of an image, and where they come to lie: each at random towards the middle."""
    w, h = int(distortion_scale * (width // 2)) + 1, int(distortion_scale * (height // 2)) + 1
    end = []
    for right, low in ((False, False), (True, False), (True, True), (False, True)):
        x = below(w) + (width - w if right else 0)
        end.append([x, below(h) + (height - h if low else 0)])
    return [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], end


class ElasticTransform(Transform):
    """As through uneven glass: pixels moved by smooth noise of strength alpha and width sigma."""

    def __init__(
        self, alpha: Any = 50.0, sigma: Any = 5.0, interpolation: Any = BILINEAR, fill: Any = 0
    ) -> None:  # fmt: skip
        super().__init__()
        self.alpha, self.sigma = two_numbers("alpha", alpha), two_numbers("sigma", sigma)
        self.interpolation, self.fill = interpolation, fill

    def make_params(self, flat_inputs: Values) -> Params:
        """Where each pixel comes from."""
        size = size_of(flat_inputs)
        return {"displacement": uneven(size, self.alpha, self.sigma, size[::-1])}

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, moved."""
        fill = fill_for(self.fill, inpt)
        return self._call_kernel(
            F.elastic, inpt, **params, fill=fill, interpolation=self.interpolation
        )


def two_numbers(name: str, value: Any) -> list[float]:
    """[x, y] from a number, or one or two of them."""
    given = [value] if isinstance(value, (int, float)) else value
    if not isinstance(given, (list, tuple)):
        raise TypeError(f"{name} should be a number or a sequence of numbers. Got {type(value)}.")
    if len(given) not in (1, 2):
        raise ValueError(f"If {name} is a sequence its length should be 1 or 2. Got {len(given)}.")
    return [float(number) for number in given] * (2 // len(given))


def uneven(
    size: Sequence[int], alpha: Sequence[float], sigma: Sequence[float], edges: Sequence[int]
) -> Any:
    """The displacement (1, height, width, 2) of smooth noise, its two parts over two edges."""
    moves = []
    for strength, width, edge in zip(alpha, sigma, edges, strict=True):
        move = draw(streams.uniform, None, shape=(1, 1, *size), dtype=np.dtype(np.float32)) * 2 - 1
        if width > 0.0:
            kernel = int(8 * width + 1)
            kernel += kernel % 2 == 0
            move = V1.gaussian_blur(move, [kernel, kernel], list(sigma))
        moves.append(move * strength / edge)
    return cat(moves, 1).permute(0, 2, 3, 1)


class RandomIoUCrop(Transform):
    """A part in which some box overlaps it well enough (Liu et al., "SSD", 2016)."""

    def __init__(
        self,
        min_scale: float = 0.3,
        max_scale: float = 1.0,
        min_aspect_ratio: float = 0.5,
        max_aspect_ratio: float = 2.0,
        sampler_options: list[float] | None = None,
        trials: int = 40,
    ) -> None:
        super().__init__()
        self.min_scale, self.max_scale = min_scale, max_scale
        self.min_aspect_ratio, self.max_aspect_ratio = min_aspect_ratio, max_aspect_ratio
        self.options = sampler_options or [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0]
        self.trials = trials

    def check_inputs(self, flat_inputs: Values) -> None:
        """TypeError where there are no boxes, or no image."""
        try:
            first_boxes(flat_inputs)
        except ValueError:
            raise TypeError(
                f"{type(self).__name__}() requires input sample to contain tensor or PIL images and bounding "
                "boxes."
            ) from None

    def make_params(self, flat_inputs: Values) -> Params:
        """The part, and which boxes have their middle in it; nothing where the image stays whole."""
        from rushlight._tensor import Tensor
        from rushlight.vision.tv_tensors import BoundingBoxFormat

        height, width = size_of(flat_inputs)
        held = first_boxes(flat_inputs)
        corners = converted(held.as_subclass(Tensor), held.format, BoundingBoxFormat.XYXY)
        while True:
            least = self.options[below(len(self.options))]
            if least >= 1.0:
                return {}
            for _ in range(self.trials):
                r = draw(streams.uniform, None, shape=(2,), dtype=np.dtype(np.float32))
                part_w, part_h = (self.min_scale + (self.max_scale - self.min_scale) * r).tolist()
                new_w, new_h = int(width * part_w), int(height * part_h)
                if not new_h or not self.min_aspect_ratio <= new_w / new_h <= self.max_aspect_ratio:
                    continue
                across, down = draw(
                    streams.uniform, None, shape=(2,), dtype=np.dtype(np.float32)
                ).tolist()
                left, top = int((width - new_w) * across), int((height - new_h) * down)
                right, bottom = left + new_w, top + new_h
                if left == right or top == bottom:
                    continue
                cx, cy = (
                    (corners[:, 0] + corners[:, 2]) * 0.5,
                    (corners[:, 1] + corners[:, 3]) * 0.5,
                )
                inside = (left < cx) & (cx < right) & (top < cy) & (cy < bottom)
                if not inside.any():
                    continue
                part = corners.new_tensor([[left, top, right, bottom]])
                if box_iou(corners[inside], part).max() < least:
                    continue
                return {
                    "top": top, "left": left, "height": new_h, "width": new_w, "is_within_crop_area": inside
                }  # fmt: skip

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, cut; boxes whose middle is outside become empty."""
        if not params:
            return inpt
        inside = params["is_within_crop_area"]
        place = {name: params[name] for name in ("top", "left", "height", "width")}
        result = self._call_kernel(F.crop, inpt, **place)
        if type(result).__name__ == "BoundingBoxes":
            result[~inside] = 0
        return result


class _Sized(Transform):
    interpolation: Any
    antialias: bool | None

    def transform(self, inpt: Any, params: Params) -> Any:
        """One value, resized."""
        kind = {"interpolation": self.interpolation, "antialias": self.antialias}
        return self._call_kernel(F.resize, inpt, size=params["size"], **kind)


class ScaleJitter(_Sized):
    """Scaled at random around what fits target_size (Ghiasi et al., "Simple copy-paste", 2021)."""

    def __init__(
        self,
        target_size: tuple[int, int],
        scale_range: tuple[float, float] = (0.1, 2.0),
        interpolation: Any = BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.target_size, self.scale_range = target_size, scale_range
        self.interpolation, self.antialias = interpolation, antialias

    def make_params(self, flat_inputs: Values) -> Params:
        """The size."""
        height, width = size_of(flat_inputs)
        low, high = self.scale_range
        scale = np.float32(low) + np.float32(chance()) * np.float32(high - low)
        r = np.float32(min(self.target_size[1] / height, self.target_size[0] / width)) * scale
        return {"size": (int(np.float32(height) * r), int(np.float32(width) * r))}


class RandomShortestSize(_Sized):
    """The shorter edge at random one of min_size, the longer at most max_size."""

    def __init__(
        self, min_size: Any, max_size: int | None = None, interpolation: Any = BILINEAR,
        antialias: bool | None = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.min_size = [min_size] if isinstance(min_size, int) else list(min_size)
        self.max_size, self.interpolation, self.antialias = max_size, interpolation, antialias

    def make_params(self, flat_inputs: Values) -> Params:
        """The size."""
        height, width = size_of(flat_inputs)
        r = self.min_size[below(len(self.min_size))] / min(height, width)
        if self.max_size is not None:
            r = min(r, self.max_size / max(height, width))
        return {"size": (int(height * r), int(width * r))}


class RandomResize(_Sized):
    """The shorter edge at random from min_size to below max_size."""

    def __init__(
        self, min_size: int, max_size: int, interpolation: Any = BILINEAR, antialias: bool | None = True
    ) -> None:  # fmt: skip
        super().__init__()
        self.min_size, self.max_size = min_size, max_size
        self.interpolation, self.antialias = interpolation, antialias

    def make_params(self, flat_inputs: Values) -> Params:
        """The size."""
        return {"size": [self.min_size + below(self.max_size - self.min_size)]}
