"""The transforms as functions, on Pillow images and on tensors (..., channels, height, width)."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.vision.transforms.functional.color import (
    adjust_brightness, adjust_contrast, adjust_gamma, adjust_hue, adjust_saturation, erase,
    gaussian_blur, invert, rgb_to_grayscale, to_grayscale,
)
from rushlight.vision.transforms.functional.conversion import (
    convert_image_dtype, get_dimensions, get_image_num_channels, get_image_size, normalize,
    pil_to_tensor, to_pil_image, to_tensor,
)
from rushlight.vision.transforms.functional.geometry import (
    affine, center_crop, crop, five_crop, hflip, pad, resize, resized_crop, rotate, ten_crop, vflip,
)
from rushlight.vision.transforms.functional.modes import InterpolationMode
from rushlight.vision.transforms.functional.tones import (
    adjust_sharpness, autocontrast, equalize, posterize, solarize,
)
from rushlight.vision.transforms.functional.warping import elastic_transform, perspective

__all__ = [
    "InterpolationMode", "adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue",
    "adjust_saturation", "adjust_sharpness", "affine", "autocontrast", "center_crop",
    "convert_image_dtype", "crop", "elastic_transform", "equalize", "erase", "five_crop",
    "gaussian_blur", "get_dimensions", "get_image_num_channels", "get_image_size", "hflip",
    "invert", "normalize", "pad", "perspective", "pil_to_tensor", "posterize", "resize",
    "resized_crop", "rgb_to_grayscale", "rotate", "solarize", "ten_crop", "to_grayscale",
    "to_pil_image", "to_tensor", "vflip",
]
# fmt: on
# ---- names: end ----
