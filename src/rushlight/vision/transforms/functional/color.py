"""Colours, blur and erasing: on Pillow images and on tensors (..., channels, height, width)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.ops.creation import from_numpy
from rushlight.vision.pictures import checked, is_picture, picture, pillow
from rushlight.vision.transforms.functional import resample
from rushlight.vision.transforms.functional.conversion import (
    convert_image_dtype,
    get_dimensions,
    largest,
    pil_to_tensor,
    to_pil_image,
)

# How bright the eye sees red, green and blue: ITU-R BT.601.
_LUMA = (0.2989, 0.587, 0.114)


def _check_channels(img: Tensor) -> int:
    channels = get_dimensions(img)[0]
    if channels not in (1, 3):
        raise TypeError(
            f"Input image tensor permitted channel values are [1, 3], but found {channels}"
        )
    return channels


def _check_factor(name: str, factor: float) -> None:
    if factor < 0:
        raise ValueError(f"{name} ({factor}) is not non-negative.")


def _blend(img: Tensor, other: Tensor | float, ratio: float) -> Tensor:
    mixed = img * ratio + other * (1.0 - ratio)
    return mixed.clamp(0, largest(img.dtype)).to(img.dtype)


def rgb_to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """The brightness of an RGB image, once or in three equal channels."""
    if isinstance(img, Tensor):
        if img.dim() < 3:
            raise TypeError(
                f"Input image tensor should have at least 3 dimensions, but found {img.dim()}"
            )
        channels = _check_channels(img)
    else:
        checked(img)
    if num_output_channels not in (1, 3):
        raise ValueError(f"num_output_channels should be either 1 or 3, got {num_output_channels}")
    if not isinstance(img, Tensor):
        gray = img.convert("L")
        if num_output_channels == 1:
            return gray
        return picture(np.dstack([np.asarray(gray)] * 3), "RGB")
    if channels == 1:
        gray = img.clone()
    else:
        red, green, blue = img.unbind(-3)
        bright = red * _LUMA[0] + green * _LUMA[1] + blue * _LUMA[2]
        gray = bright.to(img.dtype).unsqueeze(-3)
    return gray.expand(img.shape) if num_output_channels == 3 else gray


def to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """`rgb_to_grayscale` for Pillow images alone."""
    if not is_picture(img):
        raise TypeError(f"Input should be PIL Image, got {type(img)}")
    return rgb_to_grayscale(img, num_output_channels)


def adjust_brightness(img: Any, brightness_factor: float) -> Any:
    """Darker below 1, brighter above; 0 is black."""
    if not isinstance(img, Tensor):
        return pillow("ImageEnhance").Brightness(checked(img)).enhance(brightness_factor)
    _check_factor("brightness_factor", brightness_factor)
    _check_channels(img)
    return _blend(img, 0.0, brightness_factor)


def adjust_contrast(img: Any, contrast_factor: float) -> Any:
    """Less contrast below 1, more above; 0 is one gray."""
    if not isinstance(img, Tensor):
        return pillow("ImageEnhance").Contrast(checked(img)).enhance(contrast_factor)
    _check_factor("contrast_factor", contrast_factor)
    gray = rgb_to_grayscale(img) if _check_channels(img) == 3 else img
    if not gray.is_floating_point():
        gray = gray.to(dtypes.float32)
    return _blend(img, gray.mean(dim=(-3, -2, -1), keepdim=True), contrast_factor)


def adjust_saturation(img: Any, saturation_factor: float) -> Any:
    """Paler below 1, stronger colours above; 0 is gray."""
    if not isinstance(img, Tensor):
        return pillow("ImageEnhance").Color(checked(img)).enhance(saturation_factor)
    _check_factor("saturation_factor", saturation_factor)
    if _check_channels(img) == 1:
        return img
    return _blend(img, rgb_to_grayscale(img), saturation_factor)


def adjust_hue(img: Any, hue_factor: float) -> Any:
    """Colours moved round the wheel by hue_factor, from -0.5 to 0.5 of a turn."""
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    if not isinstance(img, Tensor):
        if checked(img).mode in ("L", "1", "I", "F"):
            return img
        hue, saturation, value = img.convert("HSV").split()
        # A byte is a whole turn: sums wrap round.
        turned = np.asarray(hue) + np.int32(hue_factor * 255).astype(np.uint8)
        channels = (picture(turned, "L"), saturation, value)
        return pillow().merge("HSV", channels).convert(img.mode)
    if _check_channels(img) == 1:
        return img
    floating = convert_image_dtype(img, dtypes.float32).detach().numpy()
    hue, saturation, value = _to_hsv(floating)
    turned = _to_rgb(np.mod(hue + np.float32(hue_factor), np.float32(1)), saturation, value)
    return convert_image_dtype(from_numpy(turned), img.dtype)


def _to_hsv(rgb: Any) -> tuple[Any, Any, Any]:
    red, green, blue = np.moveaxis(rgb, -3, 0)
    high, low = rgb.max(-3), rgb.min(-3)
    spread = high - low
    divisor = np.where(spread == 0, np.float32(1), spread)
    r, g, b = ((high - part) / divisor for part in (red, green, blue))
    sector = np.where(high == red, b - g, np.where(high == green, 2 + r - b, 4 + g - r))
    hue = np.fmod(sector / np.float32(6) + np.float32(1), np.float32(1))
    return hue, spread / np.where(spread == 0, np.float32(1), high), high


def _to_rgb(hue: Any, saturation: Any, value: Any) -> Any:
    sixth = hue * np.float32(6)
    sector = np.floor(sixth)
    rest = sixth - sector
    p, q, t = (
        np.clip(value * (1 - saturation * part), 0, 1) for part in (np.float32(1), rest, 1 - rest)
    )
    which = sector.astype(np.int64) % 6
    channels = ((value, q, p, p, t, value), (t, value, value, q, p, p), (p, p, t, value, value, q))
    return np.stack([np.choose(which, channel) for channel in channels], -3)


def adjust_gamma(img: Any, gamma: float, gain: float = 1) -> Any:
    """Values from 0 to 1 raised to the power gamma, times gain."""
    if isinstance(img, Tensor):
        _check_channels(img)
    else:
        checked(img)
    if gamma < 0:
        raise ValueError(f"Gamma should be a non-negative real number, got {gamma}")
    if not isinstance(img, Tensor):
        table = [int((255 + 1 - 1e-3) * gain * (level / 255.0) ** gamma) for level in range(256)]
        return img.convert("RGB").point(table * 3).convert(img.mode)
    work = img if img.is_floating_point() else convert_image_dtype(img, dtypes.float32)
    return convert_image_dtype((work.pow(gamma) * gain).clamp(0, 1), img.dtype)


def invert(img: Any) -> Any:
    """The negative."""
    if not isinstance(img, Tensor):
        return pillow("ImageOps").invert(checked(img))
    _check_channels(img)
    return largest(img.dtype) - img


def gaussian_blur(img: Any, kernel_size: Any, sigma: Any = None) -> Any:
    """A Gaussian blur; kernel_size and sigma are numbers or pairs (x, y), sizes odd."""
    sizes = [kernel_size] * 2 if isinstance(kernel_size, int) else list(kernel_size)
    if len(sizes) != 2 or any(size % 2 == 0 or size < 0 for size in sizes):
        raise ValueError(
            f"kernel_size should be one or two odd and positive integers. Got {kernel_size}"
        )
    if sigma is None:
        sigma = [size * 0.15 + 0.35 for size in sizes]
    sigmas = [float(sigma)] * 2 if isinstance(sigma, (int, float)) else list(sigma)
    sigmas = sigmas * 2 if len(sigmas) == 1 else sigmas
    if len(sigmas) != 2 or any(s <= 0 for s in sigmas):
        raise ValueError(f"sigma should be one or two positive values. Got {sigma}")
    if not isinstance(img, Tensor):
        return to_pil_image(gaussian_blur(pil_to_tensor(img), sizes, sigmas), mode=img.mode)
    _, h, w = get_dimensions(img)
    rows = resample.blurring(h, sizes[1], sigmas[1])
    return resample.along_axes(img, rows, resample.blurring(w, sizes[0], sigmas[0]))


def erase(
    img: Tensor, i: int, j: int, h: int, w: int, v: Tensor | Sequence[float], inplace: bool = False
) -> Tensor:
    """The tensor with the rectangle of height h and width w at row i, column j set to v."""
    if not isinstance(img, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(img)}")
    get_dimensions(img)
    erased = img if inplace else img.clone()
    erased[..., i : i + h, j : j + w] = v
    return erased
