"""Sharpness, contrast by what an image has, fewer levels: on Pillow images and on tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.core.doors import read
from rushlight.nn.functional import conv2d
from rushlight.ops.comparison import where
from rushlight.ops.creation import from_numpy
from rushlight.vision.pictures import checked, pillow
from rushlight.vision.transforms.functional.color import _check_channels, _check_factor, invert
from rushlight.vision.transforms.functional.conversion import convert_image_dtype, largest


def adjust_sharpness(img: Any, sharpness_factor: float) -> Any:
    """Blurred below 1, sharper above; the outermost pixels stay."""
    if not isinstance(img, Tensor):
        return pillow("ImageEnhance").Sharpness(checked(img)).enhance(sharpness_factor)
    channels = _check_channels(img)
    _check_factor("sharpness_factor", sharpness_factor)
    if min(img.shape[-2:]) <= 2:
        return img
    work = img.to(img.dtype if img.is_floating_point() else dtypes.float32, copy=True)
    flat = work.reshape(-1, channels, *img.shape[-2:])
    weights = np.full((channels, 1, 3, 3), 1 / 13.0, flat._data_.dtype)
    weights[..., 1, 1] = 5 / 13.0
    blurred = conv2d(flat, from_numpy(weights), groups=channels)
    if not img.is_floating_point():
        blurred = blurred.round()
    inside = flat[..., 1:-1, 1:-1]
    flat[..., 1:-1, 1:-1] = inside + (blurred - inside) * (1.0 - sharpness_factor)
    return flat.clamp(0, largest(img.dtype)).reshape(img.shape).to(img.dtype)


def autocontrast(img: Any) -> Any:
    """Each channel stretched from black to white."""
    if not isinstance(img, Tensor):
        return pillow("ImageOps").autocontrast(checked(img))
    _check_channels(img)
    bound = largest(img.dtype)
    work = img if img.is_floating_point() else img.to(dtypes.float32)
    low, high = work.amin((-2, -1), keepdim=True), work.amax((-2, -1), keepdim=True)
    flat = high == low
    scale = where(flat, 1.0, (high - low) * (1.0 / bound))
    return ((work - where(flat, 0.0, low)) / scale).clamp(0, bound).to(img.dtype)


def equalize(img: Any) -> Any:
    """Each channel with about as many pixels of every level."""
    if not isinstance(img, Tensor):
        return pillow("ImageOps").equalize(checked(img))
    levels = read(convert_image_dtype(img, dtypes.uint8), "how many pixels there are of each level")
    planes = levels.reshape(-1, *levels.shape[-2:])
    result = np.stack([_equal(plane) for plane in planes]) if len(planes) else planes
    return convert_image_dtype(from_numpy(result.reshape(levels.shape)), img.dtype)


def _equal(plane: Any) -> Any:
    counts = np.bincount(plane.ravel(), minlength=256)
    step = int(counts[counts > 0][:-1].sum()) // 255 if plane.size else 0
    if not step:
        return plane
    table = (np.concatenate([[0], np.cumsum(counts)[:-1]]) + step // 2) // step
    table[0] = 0
    return np.clip(table, 0, 255).astype(np.uint8)[plane]


def posterize(img: Any, bits: int) -> Any:
    """The given number of highest bits of every value."""
    if not isinstance(img, Tensor):
        return pillow("ImageOps").posterize(checked(img), bits)
    if img.is_floating_point():
        levels = 1 << bits
        return (img * levels).floor().clamp(0, levels - 1) * (1.0 / levels)
    wide = largest(img.dtype).bit_length()
    return img if bits >= wide else img & (((1 << bits) - 1) << (wide - bits))


def solarize(img: Any, threshold: float) -> Any:
    """The negative of what is as bright as threshold, or brighter."""
    if not isinstance(img, Tensor):
        return pillow("ImageOps").solarize(checked(img), threshold)
    _check_channels(img)
    if threshold > largest(img.dtype):
        raise TypeError(
            f"Threshold should be less or equal the maximum value of the dtype, but got {threshold}"
        )
    return where(img >= threshold, invert(img), img)
