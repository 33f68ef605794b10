"""The transforms as functions, each for images, videos, masks, boxes and points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight import random as streams
from rushlight._tensor import Tensor
from rushlight.core.doors import draw
from rushlight.ops.comparison import where
from rushlight.ops.creation import from_numpy
from rushlight.ops.joining import stack
from rushlight.ops.ranges import linspace
from rushlight.vision.pictures import is_picture
from rushlight.vision.transforms import functional as F
from rushlight.vision.transforms.functional.modes import InterpolationMode, as_mode
from rushlight.vision.transforms.functional.warping import (
    even_grid,
    perspective_by,
    perspective_coefficients,
)
from rushlight.vision.transforms.v2.functional import boxes
from rushlight.vision.transforms.v2.functional.kinds import FUNCTIONS, Function

_NEAREST, _BILINEAR = InterpolationMode.NEAREST, InterpolationMode.BILINEAR


def mode_of(interpolation: Any) -> InterpolationMode:
    """The mode meant by one, its name, or Pillow's number."""
    if isinstance(interpolation, str):
        return InterpolationMode(interpolation)
    return as_mode(interpolation)


def _with_mode(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel that takes the name of a mode too."""

    def call(inpt: Any, *args: Any, interpolation: Any = None, **kwargs: Any) -> Any:
        if interpolation is not None:
            kwargs["interpolation"] = mode_of(interpolation)
        return kernel(inpt, *args, **kwargs)

    return call


def _masked(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel of images for masks: no value between two, and (height, width) will do."""

    def call(mask: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if "interpolation" in kwargs:
            kwargs["interpolation"] = _NEAREST
        whole: Tensor = kernel(mask.unsqueeze(0) if mask.ndim < 3 else mask, *args, **kwargs)
        return whole.squeeze(0) if mask.ndim < 3 else whole

    return call


def _geometric(name: str, kernel: Any, on_boxes: Any, on_points: Any, picture: Any = None) -> None:
    moded = _with_mode(kernel)
    FUNCTIONS[name] = Function(moded, picture or moded, _masked(moded), on_boxes, on_points)


def _of_colour(name: str, image: Any, picture: Any = None) -> None:
    FUNCTIONS[name] = Function(image, picture or image)


def _resize(img: Any, size: Any, max_size: Any = None, antialias: Any = True, **mode: Any) -> Any:
    _, height, width = F.get_dimensions(img)
    return F.resize(
        img, list(boxes.new_size((height, width), size, max_size)), antialias=antialias, **mode
    )


def _pad(img: Any, padding: Any, fill: Any = None, padding_mode: str = "constant") -> Any:
    border = list(boxes.borders(padding))
    if isinstance(img, Tensor) and isinstance(fill, (tuple, list)):
        if padding_mode != "constant":
            raise ValueError(
                f"Padding mode '{padding_mode}' is not supported if fill is not scalar"
            )
        result = F.pad(img, border, 0, padding_mode)
        inside = F.pad(img.new_ones((1, *img.shape[-2:]), dtype=dtypes.bool_), border, 0)
        colour = img.new_tensor(list(fill)).view(-1, 1, 1)
        return where(inside, result, colour)
    return F.pad(img, border, 0 if fill is None else fill, padding_mode)


def _perspective(
    img: Any,
    startpoints: Any,
    endpoints: Any,
    fill: Any = None,
    coefficients: Any = None,
    interpolation: Any = _BILINEAR,
) -> Any:
    numbers = _numbers(startpoints, endpoints, coefficients)
    return perspective_by(img, numbers, mode_of(interpolation), fill)


def _numbers(startpoints: Any, endpoints: Any, coefficients: Any) -> list[float]:
    if coefficients is None:
        if startpoints is None or endpoints is None:
            raise ValueError(
                "Either the startpoints/endpoints or the coefficients must have non `None` values."
            )
        return perspective_coefficients(startpoints, endpoints)
    if startpoints is not None and endpoints is not None:
        raise ValueError(
            "The startpoints/endpoints and the coefficients shouldn't be defined concurrently."
        )
    if len(coefficients) != 8:
        raise ValueError("Argument coefficients should have 8 float values")
    return list(coefficients)


def _seen(startpoints: Any, endpoints: Any, coefficients: Any) -> Callable[[Tensor], Tensor]:
    """Where points go in a perspective: the way back of the map of pixels."""
    a, b, c, d, e, f, g, h = _numbers(startpoints, endpoints, coefficients)
    back = np.linalg.inv(np.array([[a, b, c], [d, e, f], [g, h, 1.0]]))

    def moving(points: Tensor) -> Tensor:
        m = from_numpy(back.astype(points._data_.dtype))
        moved = points @ m[:, :2].T + m[:, 2]
        return moved[:, :2] / moved[:, 2:]

    return moving


def _perspective_boxes(
    inpt: Tensor, startpoints: Any, endpoints: Any, fill: Any = None, coefficients: Any = None,
    interpolation: Any = None, *, format: Any, canvas_size: Any, clamping_mode: Any = "soft",
) -> Any:  # fmt: skip
    moving = _seen(startpoints, endpoints, coefficients)
    return boxes.around(inpt, moving, format, canvas_size, clamping_mode), canvas_size


def _perspective_points(
    inpt: Tensor, startpoints: Any, endpoints: Any, fill: Any = None, coefficients: Any = None,
    interpolation: Any = None, *, canvas_size: Any,
) -> Any:  # fmt: skip
    work = inpt.reshape(-1, 2)
    work = work if work.is_floating_point() else work.float()
    moved = _seen(startpoints, endpoints, coefficients)(work)
    return moved.reshape(inpt.shape).to(inpt.dtype), canvas_size


def _displaced(displacement: Tensor, canvas_size: Any, up: bool) -> Callable[[Tensor], Tensor]:
    """Where points go: against the displacement at the pixel, which is the way back but for its changes."""
    height, width = canvas_size
    grid = from_numpy(even_grid((height, width), displacement._data_.dtype)) - displacement

    def moving(points: Tensor) -> Tensor:
        at = (points.ceil() if up and points.is_floating_point() else points).long()
        x, y = at[:, 0].clamp(0, width - 1), at[:, 1].clamp(0, height - 1)
        size = grid.new_tensor([width, height])
        return ((grid[0, y, x] + 1) * (0.5 * size) - 0.5).to(points.dtype)

    return moving


def _elastic_boxes(
    inpt: Tensor, displacement: Tensor, fill: Any = None, interpolation: Any = None, *,
    format: Any, canvas_size: Any, clamping_mode: Any = "soft",
) -> Any:  # fmt: skip
    moving = _displaced(displacement, canvas_size, True)
    return boxes.around(inpt, moving, format, canvas_size, clamping_mode), canvas_size


def _elastic_points(
    inpt: Tensor, displacement: Tensor, fill: Any = None, interpolation: Any = None, *, canvas_size: Any
) -> Any:  # fmt: skip
    moved = _displaced(displacement, canvas_size, False)(inpt.reshape(-1, 2))
    return moved.reshape(inpt.shape), canvas_size


_geometric("horizontal_flip", F.hflip, *boxes.flip_x)
_geometric("vertical_flip", F.vflip, *boxes.flip_y)
_geometric("crop", F.crop, boxes.crop_boxes, boxes.crop_points)
_geometric("center_crop", F.center_crop, boxes.center_crop_boxes, boxes.center_crop_points)
_geometric("resize", _resize, boxes.resize_boxes, boxes.resize_points)
_geometric("pad", _pad, boxes.pad_boxes, boxes.pad_points)
_geometric("affine", F.affine, boxes.affine_boxes, boxes.affine_points)
_geometric("rotate", F.rotate, boxes.rotate_boxes, boxes.rotate_points)
_geometric("perspective", _perspective, _perspective_boxes, _perspective_points)
_geometric("elastic", F.elastic_transform, _elastic_boxes, _elastic_points)
_geometric(
    "resized_crop",
    lambda img, top, left, height, width, size, antialias=True, **mode: _resize(
        F.crop(img, top, left, height, width), size, antialias=antialias, **mode
    ),
    boxes.resized_crop_boxes,
    boxes.resized_crop_points,
)
FUNCTIONS["five_crop"] = Function(F.five_crop, F.five_crop, several=True)
FUNCTIONS["ten_crop"] = Function(F.ten_crop, F.ten_crop, several=True)


def _brightened(img: Tensor, brightness_factor: float) -> Tensor:
    return F.adjust_brightness(img, brightness_factor)


def _to_rgb(img: Tensor) -> Tensor:
    return img if img.shape[-3] >= 3 else F.rgb_to_grayscale(img, 3)


def _permuted(img: Any, permutation: Sequence[int]) -> Any:
    if is_picture(img):
        return F.to_pil_image(_permuted(F.pil_to_tensor(img), permutation))
    if len(permutation) != img.shape[-3]:
        raise ValueError(
            f"Length of permutation does not match number of channels: {len(permutation)} != {img.shape[-3]}"
        )
    return img[..., list(permutation), :, :]


def _noisy(img: Tensor, mean: float = 0.0, sigma: float = 0.1, clip: bool = True) -> Tensor:
    if sigma < 0:
        raise ValueError(f"sigma shouldn't be negative. Got {sigma}")
    real = img.is_floating_point()
    if not real and img.dtype is not dtypes.uint8:
        raise ValueError(
            f"Input tensor is expected to be in uint8 or float dtype, got dtype={img.dtype}"
        )
    kind = img._data_.dtype if real else dtypes.float32.numpy
    noise = draw(streams.normal, None, shape=tuple(img.shape), dtype=kind)
    if real:
        noisy = img + (mean + noise * sigma)
        return noisy.clamp(0, 1) if clip else noisy
    noise = ((mean + noise * sigma) * 255).to(dtypes.int16)
    noisy = img.to(dtypes.int16) + noise
    return (noisy.clamp(0, 255) if clip else noisy).to(dtypes.uint8)


def _erased(img: Any, i: int, j: int, h: int, w: int, v: Any, inplace: bool = False) -> Any:
    if is_picture(img):
        return F.to_pil_image(F.erase(F.pil_to_tensor(img), i, j, h, w, v), mode=img.mode)
    return F.erase(img, i, j, h, w, v, inplace)


def _jpeg(img: Any, quality: int) -> Any:
    from rushlight.vision.io import decode_image, encode_jpeg

    if is_picture(img):
        return F.to_pil_image(_jpeg(F.pil_to_tensor(img), quality), mode=img.mode)
    if not img.numel() or img.ndim > 3:
        parts = img.reshape(-1, *img.shape[-3:])
        return (
            stack([_jpeg(part, quality) for part in parts]).reshape(img.shape)
            if len(parts)
            else img
        )
    return decode_image(encode_jpeg(img, quality))


_of_colour("adjust_brightness", _brightened, F.adjust_brightness)
for _name, _kernel in (
    ("adjust_contrast", F.adjust_contrast), ("adjust_gamma", F.adjust_gamma), ("adjust_hue", F.adjust_hue),
    ("adjust_saturation", F.adjust_saturation), ("adjust_sharpness", F.adjust_sharpness),
    ("autocontrast", F.autocontrast), ("equalize", F.equalize), ("invert", F.invert),
    ("posterize", F.posterize), ("solarize", F.solarize), ("rgb_to_grayscale", F.rgb_to_grayscale),
    ("gaussian_blur", F.gaussian_blur), ("erase", _erased), ("permute_channels", _permuted), ("jpeg", _jpeg),
):  # fmt: skip
    _of_colour(_name, _kernel)
FUNCTIONS["grayscale_to_rgb"] = Function(_to_rgb, lambda img: img.convert(mode="RGB"))
FUNCTIONS["normalize"] = Function(F.normalize)
FUNCTIONS["gaussian_noise"] = Function(_noisy)


def to_dtype_image(image: Tensor, dtype: Any = dtypes.float32, scale: bool = False) -> Tensor:
    """An image in another dtype; with scale, from the range of the one to that of the other."""
    return F.convert_image_dtype(image, dtype) if scale else image.to(dtype)


def _only_cast(inpt: Tensor, dtype: Any = dtypes.float32, scale: bool = False) -> Tensor:
    return inpt.to(dtype)


FUNCTIONS["to_dtype"] = Function(
    to_dtype_image,
    None,
    _only_cast,
    lambda inpt, dtype=dtypes.float32, scale=False, **known: (inpt.to(dtype), known["canvas_size"]),
    lambda inpt, dtype=dtypes.float32, scale=False, **known: (inpt.to(dtype), known["canvas_size"]),
)
FUNCTIONS["uniform_temporal_subsample"] = Function(
    lambda video, num_samples: video.index_select(
        -4, linspace(0, video.shape[-4] - 1, num_samples).long()
    )
)


def _height_width(img: Any) -> list[int]:
    return F.get_dimensions(img)[1:]


FUNCTIONS["get_dimensions"] = Function(F.get_dimensions, F.get_dimensions, asks=True)
FUNCTIONS["get_num_channels"] = Function(
    F.get_image_num_channels, F.get_image_num_channels, asks=True
)
FUNCTIONS["get_num_frames"] = Function(lambda video: video.shape[-4], asks=True)
FUNCTIONS["get_size"] = Function(_height_width, _height_width, _height_width, asks=True)
