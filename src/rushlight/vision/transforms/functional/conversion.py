"""Between images, arrays and tensors; the sizes of images; normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.ops.creation import from_numpy
from rushlight.vision.pictures import checked, is_picture, picture

# Pillow's modes whose elements are not bytes.
_ARRAY_TYPES = {"I": np.int32, "I;16": np.int16, "F": np.float32}
_MODES = {
    # channels: the mode of bytes, and what else may be asked for
    2: ("LA", ()),
    3: ("RGB", ("YCbCr", "HSV")),
    4: ("RGBA", ("CMYK", "RGBX")),
}
# 1.0 would not fit: the largest integer is no number of the floating type.
_UNSAFE = {("float32", "int32"), ("float32", "int64"), ("float64", "int64")}
_ONE_CHANNEL = {"uint8": "L", "int16": "I;16", "int32": "I", "float32": "F"}


def get_dimensions(img: Any) -> list[int]:
    """[channels, height, width] of an image or a tensor (..., channels, height, width)."""
    if isinstance(img, Tensor):
        if img.dim() < 2:
            raise TypeError(f"Tensor is not a torch image: its shape is {tuple(img.shape)}")
        return [1 if img.dim() == 2 else img.shape[-3], *img.shape[-2:]]
    if not is_picture(img):
        checked(img)
    return [len(img.getbands()), img.height, img.width]


def get_image_size(img: Any) -> list[int]:
    """[width, height] of an image or a tensor."""
    return get_dimensions(img)[:0:-1]


def get_image_num_channels(img: Any) -> int:
    """The number of channels of an image or a tensor."""
    return get_dimensions(img)[0]


def to_tensor(pic: Any) -> Tensor:
    """An image or array (height, width[, channels]) as a tensor (channels, height, width).

    Bytes become numbers of the default dtype from 0 to 1; other elements keep their value.
    """
    if isinstance(pic, np.ndarray):
        if pic.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
        array = pic
    elif is_picture(pic):
        array = np.array(pic, _ARRAY_TYPES.get(pic.mode, np.uint8))
        if pic.mode == "1":
            array *= 255
    else:
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    array = array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
    if array.dtype == np.uint8:
        scaled = np.empty(array.shape, dtypes.get_default_dtype().numpy)
        return from_numpy(np.divide(array, 255, out=scaled, dtype=scaled.dtype))
    return from_numpy(np.array(array, order="C"))


def pil_to_tensor(pic: Any) -> Tensor:
    """An image as a tensor (channels, height, width) with the values as they are."""
    if not is_picture(pic):
        raise TypeError(f"pic should be PIL Image. Got {type(pic)}")
    array = np.array(pic)
    return from_numpy(array[None] if array.ndim == 2 else array.transpose(2, 0, 1))


def to_pil_image(pic: Any, mode: str | None = None) -> Any:
    """A tensor (channels, height, width), or an array (height, width[, channels]), as an image.

    Floating-point values from 0 to 1 become bytes from 0 to 255, without rounding up.
    """
    if isinstance(pic, Tensor):
        array = (pic.permute(1, 2, 0) if pic.dim() == 3 else pic).numpy(force=True)
    elif isinstance(pic, np.ndarray):
        array = pic
    else:
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    if array.ndim not in (2, 3):
        raise ValueError(f"pic should be 2/3 dimensional. Got {array.ndim} dimensions.")
    channels = array.shape[2] if array.ndim == 3 else 1
    if channels > 4:
        raise ValueError(f"pic should not have > 4 channels. Got {channels} channels.")
    if array.dtype.kind in "fV" and mode != "F":
        # Through int64, so that numbers beyond a byte wrap round instead of being undefined.
        array = (array * 255).astype(np.int64).astype(np.uint8)
    return picture(array, _mode_of(array.dtype.name, channels, mode))


def _mode_of(dtype: str, channels: int, asked: str | None) -> str:
    if channels <= 1:
        mode = _ONE_CHANNEL.get(dtype)
        allowed = [mode]
    else:
        of_bytes, others = _MODES[channels]
        mode = of_bytes if dtype == "uint8" else None
        allowed = [of_bytes, *others]
    if asked is not None and asked not in allowed:
        raise ValueError(
            f"Incorrect mode ({asked}) supplied for {dtype} with {channels} channel(s). "
            f"Should be one of {allowed}"
        )
    if asked is None and mode is None:
        raise TypeError(f"Input type {dtype} is not supported")
    return asked or str(mode)


def largest(dtype: dtypes.dtype) -> int:
    """What white is: the largest integer of a dtype, or 1."""
    return int(np.iinfo(dtype.numpy).max) if dtype.category == dtypes.INTEGER else 1


def convert_image_dtype(image: Tensor, dtype: dtypes.dtype = dtypes.float32) -> Tensor:
    """A tensor image in another dtype, scaled: floating from 0 to 1, integers up to their largest.

    RuntimeError where integers would overflow: float32 to int32 or int64, float64 to int64.
    """
    if not isinstance(image, Tensor):
        raise TypeError(f"Input img should be Tensor Image, got {type(image)}")
    source = image.dtype
    if source is dtype:
        return image
    if source.is_floating_point:
        if dtype.is_floating_point:
            return image.to(dtype)
        if (source.name, dtype.name) in _UNSAFE:
            raise RuntimeError(f"The cast from {source} to {dtype} cannot be performed safely.")
        # Just below the next power of two: equal shares of 0 to 1 for all values, and 1.0 fits.
        return image.mul(largest(dtype) + 1.0 - 1e-3).to(dtype)
    if dtype.is_floating_point:
        return image.to(dtype) / float(largest(source))
    if largest(source) > largest(dtype):
        factor = (largest(source) + 1) // (largest(dtype) + 1)
        return image.div(factor, rounding_mode="floor").to(dtype)
    return image.to(dtype) * ((largest(dtype) + 1) // (largest(source) + 1))


def normalize(
    tensor: Tensor, mean: Sequence[float], std: Sequence[float], inplace: bool = False
) -> Tensor:
    """(tensor - mean) / std for each channel of a floating tensor (..., channels, height, width).

    >>> import rushlight as torch
    >>> normalize(torch.ones(1, 1, 2), [0.5], [0.25])
    tensor([[[2., 2.]]])
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    get_dimensions(tensor)
    if not tensor.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    if tensor.dim() < 3:
        raise ValueError(
            f"Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = "
            f"{tensor.size()}"
        )
    shift, scale = (np.asarray(values, tensor.dtype.numpy) for values in (mean, std))
    if not scale.all():
        raise ValueError(
            f"std evaluated to zero after conversion to {tensor.dtype}, leading to division by "
            f"zero: {std}"
        )
    shift, scale = (a[:, None, None] if a.ndim == 1 else a for a in (shift, scale))
    # In place, so that channels that do not fit are an error and not broadcast.
    result = tensor if inplace else tensor.clone()
    return result.sub_(from_numpy(shift)).div_(from_numpy(scale))
