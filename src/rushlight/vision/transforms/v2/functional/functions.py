"""The public functions: each asks what there is for the kind of its input (`images` says what)."""

from __future__ import annotations

from typing import Any

from rushlight.dtypes import float32
from rushlight.vision.transforms.functional.modes import InterpolationMode
from rushlight.vision.transforms.v2.functional import images as _images
from rushlight.vision.transforms.v2.functional.kinds import dispatched

BILINEAR, NEAREST = InterpolationMode.BILINEAR, InterpolationMode.NEAREST
_READY = _images.FUNCTIONS


def horizontal_flip(inpt: Any) -> Any:
    """Left becomes right."""
    return dispatched("horizontal_flip", inpt)


def vertical_flip(inpt: Any) -> Any:
    """Top becomes bottom."""
    return dispatched("vertical_flip", inpt)


def crop(inpt: Any, top: int, left: int, height: int, width: int) -> Any:
    """A part; what lies outside is black."""
    return dispatched("crop", inpt, top=top, left=left, height=height, width=width)


def center_crop(inpt: Any, output_size: Any) -> Any:
    """The middle."""
    return dispatched("center_crop", inpt, output_size=output_size)


def resize(
    inpt: Any,
    size: Any,
    interpolation: Any = BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """Another size: (height, width), or the length of the shorter edge; of None, max_size is that of the longer."""
    return dispatched(
        "resize",
        inpt,
        size=size,
        interpolation=interpolation,
        max_size=max_size,
        antialias=antialias,
    )


def pad(inpt: Any, padding: Any, fill: Any = None, padding_mode: str = "constant") -> Any:
    """A border: a number, (left and right, top and bottom), or (left, top, right, bottom)."""
    return dispatched("pad", inpt, padding=padding, fill=fill, padding_mode=padding_mode)


def affine(
    inpt: Any,
    angle: float,
    translate: Any,
    scale: float,
    shear: Any,
    interpolation: Any = NEAREST,
    fill: Any = None,
    center: Any = None,
) -> Any:
    """Turned clockwise by angle, scaled, sheared, and moved."""
    return dispatched(
        "affine",
        inpt,
        angle=angle,
        translate=translate,
        scale=scale,
        shear=shear,
        interpolation=interpolation,
        fill=fill,
        center=center,
    )


def rotate(
    inpt: Any,
    angle: float,
    interpolation: Any = NEAREST,
    expand: bool = False,
    center: Any = None,
    fill: Any = None,
) -> Any:
    """Turned counter-clockwise; expand makes room for all of it."""
    return dispatched(
        "rotate",
        inpt,
        angle=angle,
        interpolation=interpolation,
        expand=expand,
        center=center,
        fill=fill,
    )


def perspective(
    inpt: Any,
    startpoints: Any,
    endpoints: Any,
    interpolation: Any = BILINEAR,
    fill: Any = None,
    coefficients: Any = None,
) -> Any:
    """The corners startpoints come to lie at endpoints."""
    return dispatched(
        "perspective",
        inpt,
        startpoints=startpoints,
        endpoints=endpoints,
        interpolation=interpolation,
        fill=fill,
        coefficients=coefficients,
    )


def elastic(inpt: Any, displacement: Any, interpolation: Any = BILINEAR, fill: Any = None) -> Any:
    """Each pixel from where displacement (1, height, width, 2) leads."""
    return dispatched(
        "elastic", inpt, displacement=displacement, interpolation=interpolation, fill=fill
    )


def resized_crop(
    inpt: Any,
    top: int,
    left: int,
    height: int,
    width: int,
    size: Any,
    interpolation: Any = BILINEAR,
    antialias: bool | None = True,
) -> Any:
    """A part at another size."""
    return dispatched(
        "resized_crop",
        inpt,
        top=top,
        left=left,
        height=height,
        width=width,
        size=size,
        interpolation=interpolation,
        antialias=antialias,
    )


def five_crop(inpt: Any, size: Any) -> Any:
    """The four corners and the middle."""
    return dispatched("five_crop", inpt, size=size)


def ten_crop(inpt: Any, size: Any, vertical_flip: bool = False) -> Any:
    """`five_crop` as it is and flipped."""
    return dispatched("ten_crop", inpt, size=size, vertical_flip=vertical_flip)


def adjust_brightness(inpt: Any, brightness_factor: float) -> Any:
    """Darker below 1, brighter above."""
    return dispatched("adjust_brightness", inpt, brightness_factor=brightness_factor)


def adjust_contrast(inpt: Any, contrast_factor: float) -> Any:
    """Less contrast below 1, more above."""
    return dispatched("adjust_contrast", inpt, contrast_factor=contrast_factor)


def adjust_gamma(inpt: Any, gamma: float, gain: float = 1) -> Any:
    """Values from 0 to 1 raised to the power gamma, times gain."""
    return dispatched("adjust_gamma", inpt, gamma=gamma, gain=gain)


def adjust_hue(inpt: Any, hue_factor: float) -> Any:
    """Colours moved round the wheel, by -0.5 to 0.5 of a turn."""
    return dispatched("adjust_hue", inpt, hue_factor=hue_factor)


def adjust_saturation(inpt: Any, saturation_factor: float) -> Any:
    """Paler below 1, stronger colours above."""
    return dispatched("adjust_saturation", inpt, saturation_factor=saturation_factor)


def adjust_sharpness(inpt: Any, sharpness_factor: float) -> Any:
    """Blurred below 1, sharper above."""
    return dispatched("adjust_sharpness", inpt, sharpness_factor=sharpness_factor)


def autocontrast(inpt: Any) -> Any:
    """Each channel stretched from black to white."""
    return dispatched("autocontrast", inpt)


def equalize(inpt: Any) -> Any:
    """Each channel with about as many pixels of every level."""
    return dispatched("equalize", inpt)


def invert(inpt: Any) -> Any:
    """The negative."""
    return dispatched("invert", inpt)


def posterize(inpt: Any, bits: int) -> Any:
    """The given number of highest bits of every value."""
    return dispatched("posterize", inpt, bits=bits)


def solarize(inpt: Any, threshold: float) -> Any:
    """The negative of what is as bright as threshold."""
    return dispatched("solarize", inpt, threshold=threshold)


def rgb_to_grayscale(inpt: Any, num_output_channels: int = 1) -> Any:
    """The brightness, once or in three equal channels."""
    return dispatched("rgb_to_grayscale", inpt, num_output_channels=num_output_channels)


def grayscale_to_rgb(inpt: Any) -> Any:
    """Three channels."""
    return dispatched("grayscale_to_rgb", inpt)


def permute_channels(inpt: Any, permutation: Any) -> Any:
    """The channels in another order."""
    return dispatched("permute_channels", inpt, permutation=permutation)


def gaussian_blur(inpt: Any, kernel_size: Any, sigma: Any = None) -> Any:
    """A Gaussian blur; sizes are odd."""
    return dispatched("gaussian_blur", inpt, kernel_size=kernel_size, sigma=sigma)


def gaussian_noise(inpt: Any, mean: float = 0.0, sigma: float = 0.1, clip: bool = True) -> Any:
    """Normal noise added to values from 0 to 1 (bytes: to 255)."""
    return dispatched("gaussian_noise", inpt, mean=mean, sigma=sigma, clip=clip)


def erase(inpt: Any, i: int, j: int, h: int, w: int, v: Any, inplace: bool = False) -> Any:
    """A rectangle set to v."""
    return dispatched("erase", inpt, i=i, j=j, h=h, w=w, v=v, inplace=inplace)


def jpeg(inpt: Any, quality: int) -> Any:
    """As JPEG keeps it, of quality 1 to 100."""
    return dispatched("jpeg", inpt, quality=quality)


def normalize(inpt: Any, mean: Any, std: Any, inplace: bool = False) -> Any:
    """(image - mean) / std for each channel."""
    return dispatched("normalize", inpt, mean=mean, std=std, inplace=inplace)


def to_dtype(inpt: Any, dtype: Any = float32, scale: bool = False) -> Any:
    """Another dtype; with scale, images go from the range of the one to that of the other."""
    return dispatched("to_dtype", inpt, dtype=dtype, scale=scale)


def uniform_temporal_subsample(inpt: Any, num_samples: int) -> Any:
    """So many frames at equal distances."""
    return dispatched("uniform_temporal_subsample", inpt, num_samples=num_samples)


def get_dimensions(inpt: Any) -> Any:
    """[channels, height, width]."""
    return dispatched("get_dimensions", inpt)


def get_num_channels(inpt: Any) -> Any:
    """How many channels there are."""
    return dispatched("get_num_channels", inpt)


def get_num_frames(inpt: Any) -> Any:
    """How many frames there are."""
    return dispatched("get_num_frames", inpt)


def get_size(inpt: Any) -> list[int]:
    """[height, width] of an image, or of the canvas of boxes and points."""
    canvas = getattr(inpt, "canvas_size", None)
    return list(canvas) if canvas is not None else dispatched("get_size", inpt)


hflip, vflip, elastic_transform, to_grayscale = (
    horizontal_flip,
    vertical_flip,
    elastic,
    rgb_to_grayscale,
)
get_image_num_channels = get_num_channels
