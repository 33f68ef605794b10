"""Sizes, borders, turns: each on Pillow images and on tensors (..., channels, height, width)."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight._tensor import Tensor
from rushlight.errors import warn
from rushlight.ops.creation import from_numpy
from rushlight.vision.pictures import checked, pillow
from rushlight.vision.transforms.functional import resample
from rushlight.vision.transforms.functional.conversion import get_dimensions
from rushlight.vision.transforms.functional.modes import PIL_NUMBER, InterpolationMode, as_mode

_FLIP_LEFT_RIGHT, _FLIP_TOP_BOTTOM, _AFFINE = 0, 1, 0
_PADDING_MODES = {"edge": "edge", "reflect": "reflect", "symmetric": "symmetric"}


def _pair(size: Any) -> tuple[int, int]:
    """(height, width) from a number, or a sequence of one or two."""
    if isinstance(size, numbers.Number):
        return (int(size), int(size))  # type: ignore[call-overload]
    if len(size) == 1:
        return (size[0], size[0])
    if len(size) != 2:
        raise ValueError(f"Please provide only two dimensions (h, w) for size, got {size}.")
    return (size[0], size[1])


def hflip(img: Any) -> Any:
    """Left becomes right."""
    get_dimensions(img)
    return img.flip(-1) if isinstance(img, Tensor) else img.transpose(_FLIP_LEFT_RIGHT)


def vflip(img: Any) -> Any:
    """Top becomes bottom."""
    get_dimensions(img)
    return img.flip(-2) if isinstance(img, Tensor) else img.transpose(_FLIP_TOP_BOTTOM)


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """A part of the image; what lies outside the image is black."""
    bottom, right = top + height, left + width
    if not isinstance(img, Tensor):
        return checked(img).crop((left, top, right, bottom))
    _, h, w = get_dimensions(img)
    inside = img[..., max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    if left >= 0 and top >= 0 and right <= w and bottom <= h:
        return inside
    before = (max(-left + min(0, right), 0), max(-top + min(0, bottom), 0))
    after = (max(right - max(w, left), 0), max(bottom - max(h, top), 0))
    return pad(inside, [*before, *after])


def center_crop(img: Any, output_size: Any) -> Any:
    """The middle of the image, with a black border where it is too small."""
    height, width = _pair(output_size)
    _, h, w = get_dimensions(img)
    if width > w or height > h:
        more_w, more_h = max(width - w, 0), max(height - h, 0)
        img = pad(img, [more_w // 2, more_h // 2, (more_w + 1) // 2, (more_h + 1) // 2])
        _, h, w = get_dimensions(img)
    if (h, w) == (height, width):
        return img
    return crop(img, round((h - height) / 2), round((w - width) / 2), height, width)


def five_crop(img: Any, size: Any) -> tuple[Any, ...]:
    """The four corners (top left, top right, bottom left, bottom right) and the middle."""
    height, width = _pair(size)
    _, h, w = get_dimensions(img)
    if width > w or height > h:
        raise ValueError(f"Requested crop size {size} is bigger than input size {(h, w)}")
    corners = [(top, left) for top in (0, h - height) for left in (0, w - width)]
    parts = [crop(img, top, left, height, width) for top, left in corners]
    return (*parts, center_crop(img, (height, width)))


def ten_crop(img: Any, size: Any, vertical_flip: bool = False) -> tuple[Any, ...]:
    """`five_crop` of the image and of the flipped image."""
    return five_crop(img, size) + five_crop(vflip(img) if vertical_flip else hflip(img), size)


def _resized(h: int, w: int, size: Sequence[int], max_size: int | None) -> tuple[int, int]:
    if len(size) == 2:
        return (size[0], size[1])
    wanted = size[0]
    short, long = min(h, w), max(h, w)
    new_short, new_long = wanted, int(wanted * long / short)
    if max_size is not None:
        if max_size <= wanted:
            raise ValueError(
                f"max_size = {max_size} must be strictly greater than the requested size for the "
                f"smaller edge size = {wanted}"
            )
        if new_long > max_size:
            new_short, new_long = int(max_size * new_short / new_long), max_size
    return (new_long, new_short) if w <= h else (new_short, new_long)


def resize(
    img: Any,
    size: Any,
    interpolation: Any = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """The image at another size: (height, width), or the length of the shorter edge.

    max_size bounds the longer edge. antialias is for tensors; images are always antialiased.
    """
    mode = as_mode(interpolation)
    if isinstance(size, int):
        size = [size]
    if len(size) not in (1, 2):
        raise ValueError(
            f"Size must be an int or a 1 or 2 element tuple/list, not a {len(size)} element "
            f"tuple/list"
        )
    if max_size is not None and len(size) != 1:
        raise ValueError(
            "max_size should only be passed if size specifies the length of the smaller edge, i.e. "
            "size should be an int or a sequence of length 1."
        )
    _, h, w = get_dimensions(img)
    height, width = _resized(h, w, size, max_size)
    if (h, w) == (height, width):
        return img
    if not isinstance(img, Tensor):
        if antialias is False:
            warn(
                "Anti-alias option is always applied for PIL Image input. Argument antialias is "
                "ignored."
            )
        return checked(img).resize((width, height), PIL_NUMBER[mode])
    if mode.value not in ("nearest", "nearest-exact", "bilinear", "bicubic"):
        raise ValueError(f"tensors cannot be resized with interpolation {mode.value!r}")
    rows, columns = (
        resample.scaling(old, new, mode.value, bool(antialias))
        for old, new in ((h, height), (w, width))
    )
    clamp = mode is InterpolationMode.BICUBIC and img.dtype.name == "uint8"
    return resample.along_axes(img, rows, columns, clamp)


def resized_crop(
    img: Any,
    top: int,
    left: int,
    height: int,
    width: int,
    size: Any,
    interpolation: Any = InterpolationMode.BILINEAR,
    antialias: bool | None = True,
) -> Any:
    """A part of the image at another size."""
    part = crop(img, top, left, height, width)
    return resize(part, size, interpolation, antialias=antialias)


def _borders(padding: Any) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) from a number, or a sequence of one, two or four."""
    if not isinstance(padding, (numbers.Number, tuple, list)):
        raise TypeError(f"Got inappropriate padding arg: {padding!r}")
    given: list[Any] = [padding] if isinstance(padding, numbers.Number) else list(padding)
    if len(given) not in (1, 2, 4):
        raise ValueError(
            f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(given)} element "
            f"tuple"
        )
    left, top, right, bottom = given * (4 // len(given))
    return left, top, right, bottom


def _fill_for(img: Any, fill: Any) -> Any:
    """A colour for a Pillow image: a number, or one for each of several channels."""
    channels = len(img.getbands())
    fill = 0 if fill is None else fill
    given = list(fill) if isinstance(fill, (tuple, list)) else [fill]
    if len(given) not in (1, channels):
        raise ValueError(
            f"The number of elements in 'fill' does not match the number of channels of the image "
            f"({len(given)} != {channels})"
        )
    if img.mode != "F":
        given = [int(value) for value in given]
    return tuple(given * channels if len(given) == 1 else given) if channels > 1 else given[0]


def pad(img: Any, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Any:
    """A border around the image: padding is left, top, right, bottom; or (x, y); or one number.

    The border is of the colour fill, or the image goes on there: "edge" repeats the last pixel,
    "reflect" mirrors without it, "symmetric" with it. Negative padding crops.
    """
    _, h, w = get_dimensions(img)
    left, top, right, bottom = _borders(padding)
    if fill is not None and not isinstance(fill, (numbers.Number, tuple, list)):
        raise TypeError(f"Got inappropriate fill arg: {fill!r}")
    if padding_mode != "constant" and padding_mode not in _PADDING_MODES:
        raise ValueError(
            f"Padding mode should be either constant, edge, reflect or symmetric, got "
            f"{padding_mode!r}"
        )
    if padding_mode == "constant":
        return _with_border(img, (left, top, right, bottom), fill)
    rows = _going_on(h, top, bottom, padding_mode)
    columns = _going_on(w, left, right, padding_mode)
    if isinstance(img, Tensor):
        return img[..., from_numpy(rows)[:, None], from_numpy(columns)]
    padded = pillow().fromarray(np.asarray(img)[rows[:, None], columns])
    if img.mode == "P":
        padded.putpalette(img.getpalette())
    return padded


def _going_on(size: int, before: int, after: int, mode: str) -> np.ndarray[Any, Any]:
    """The indices along one axis of a padded image."""
    kept = np.arange(max(-before, 0), size - max(-after, 0))
    return np.pad(kept, (max(before, 0), max(after, 0)), _PADDING_MODES[mode])  # type: ignore[call-overload]


def _with_border(img: Any, borders: tuple[int, int, int, int], fill: Any) -> Any:
    left, top, right, bottom = borders
    if isinstance(img, Tensor):
        if isinstance(fill, (tuple, list)):
            raise TypeError(f"Got inappropriate fill arg: tensors take one number, got {fill!r}")
        _, h, w = get_dimensions(img)
        size = (*img.shape[:-2], max(h + top + bottom, 0), max(w + left + right, 0))
        padded = img.new_full(size, fill or 0)
        inside = img[..., max(-top, 0) : h - max(-bottom, 0), max(-left, 0) : w - max(-right, 0)]
        y, x = max(top, 0), max(left, 0)
        padded[..., y : y + inside.shape[-2], x : x + inside.shape[-1]] = inside
        return padded
    expanded = pillow("ImageOps").expand(img, borders, _fill_for(img, fill))
    if img.mode == "P":
        expanded.putpalette(img.getpalette())
    return expanded


def _inverse_affine(
    center: Sequence[float],
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: Sequence[float],
) -> list[float]:
    """The map from result to source of: scale and shear, turn around center, move by translate."""
    turn, sx, sy = (math.radians(degrees) for degrees in (angle, *shear))
    a = math.cos(turn - sy) / math.cos(sy)
    b = -math.cos(turn - sy) * math.tan(sx) / math.cos(sy) - math.sin(turn)
    c = math.sin(turn - sy) / math.cos(sy)
    d = -math.sin(turn - sy) * math.tan(sx) / math.cos(sy) + math.cos(turn)
    (p, q), (r, s) = (d / scale, -b / scale), (-c / scale, a / scale)
    (cx, cy), (tx, ty) = center, translate
    x0 = p * (-cx - tx) + q * (-cy - ty) + cx
    y0 = r * (-cx - tx) + s * (-cy - ty) + cy
    return [p, q, x0, r, s, y0]


def _from_middle(img: Any, center: Sequence[float] | None) -> list[float]:
    _, h, w = get_dimensions(img)
    return [0.0, 0.0] if center is None else [center[0] - w * 0.5, center[1] - h * 0.5]


def _bounding(matrix: Sequence[float], h: int, w: int) -> tuple[int, int]:
    """The (height, width) that a turned image needs."""
    corners = np.array([[x * w / 2, y * h / 2, 1] for x in (-1, 1) for y in (-1, 1)], np.float32)
    points = corners @ np.array(matrix, np.float32).reshape(2, 3).T
    middle = np.array([w / 2, h / 2], np.float32)
    # Rounding errors must not add a row of pixels.
    fine = np.float32(1e-4)
    low = np.floor(np.trunc((points.min(0) + middle) / fine) * fine)
    high = np.ceil(np.trunc((points.max(0) + middle) / fine) * fine)
    width, height = (high - low).astype(int).tolist()
    return height, width


def _check_turn(angle: Any, center: Any) -> None:
    if not isinstance(angle, (int, float)):
        raise TypeError(f"Argument angle should be int or float, got {angle!r}")
    if center is not None and not isinstance(center, (list, tuple)):
        raise TypeError(f"Argument center should be a sequence, got {center!r}")


def rotate(
    img: Any,
    angle: float,
    interpolation: Any = InterpolationMode.NEAREST,
    expand: bool = False,
    center: Sequence[float] | None = None,
    fill: Any = None,
) -> Any:
    """The image turned by angle degrees, counter-clockwise, around center (x, y) or the middle.

    expand=True makes the result large enough for all of it.
    """
    mode = as_mode(interpolation)
    _check_turn(angle, center)
    if not isinstance(img, Tensor):
        colour = _fill_for(checked(img), fill)
        return img.rotate(angle, PIL_NUMBER[mode], expand, center, fillcolor=colour)
    matrix = _inverse_affine(_from_middle(img, center), -angle, (0.0, 0.0), 1.0, (0.0, 0.0))
    _, h, w = get_dimensions(img)
    size = _bounding(matrix, h, w) if expand else (h, w)
    return resample.affine_map(img, matrix, mode.value, size, fill)


def affine(
    img: Any,
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: Any,
    interpolation: Any = InterpolationMode.NEAREST,
    fill: Any = None,
    center: Sequence[float] | None = None,
) -> Any:
    """The image turned clockwise by angle, scaled, sheared by degrees along x and y, and moved."""
    mode = as_mode(interpolation)
    _check_turn(angle, center)
    if not isinstance(translate, (list, tuple)):
        raise TypeError(f"Argument translate should be a sequence, got {translate!r}")
    if len(translate) != 2:
        raise ValueError(f"Argument translate should be a sequence of length 2, got {translate}")
    if scale <= 0.0:
        raise ValueError(f"Argument scale should be positive, got {scale}")
    if not isinstance(shear, (numbers.Number, list, tuple)):
        raise TypeError(
            f"Shear should be either a single value or a sequence of two values, got {shear!r}"
        )
    if isinstance(shear, numbers.Number):
        shear = (shear, 0.0)
    elif len(shear) == 1:
        shear = (shear[0], shear[0])
    if len(shear) != 2:
        raise ValueError(f"Shear should be a sequence containing two values. Got {shear}")
    _, h, w = get_dimensions(img)
    if not isinstance(img, Tensor):
        middle = center or (w * 0.5, h * 0.5)
        matrix = _inverse_affine(middle, angle, translate, scale, shear)
        colour = _fill_for(img, fill)
        return img.transform(img.size, _AFFINE, matrix, PIL_NUMBER[mode], fillcolor=colour)
    matrix = _inverse_affine(_from_middle(img, center), angle, translate, scale, shear)
    return resample.affine_map(img, matrix, mode.value, (h, w), fill)
