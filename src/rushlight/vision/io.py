"""torchvision.io: pictures as tensors of bytes, by Pillow; videos are refused."""

from __future__ import annotations

import io
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from rushlight._tensor import Tensor
from rushlight.absent import refused
from rushlight.core.doors import read
from rushlight.errors import require
from rushlight.ops.creation import from_numpy

_VIDEO = "read videos with PyAV or OpenCV, and make tensors of the pictures"
read_video = refused("read_video", _VIDEO, __name__)
read_video_timestamps = refused("read_video_timestamps", _VIDEO, __name__)
write_video = refused("write_video", _VIDEO, __name__)
VideoReader = refused("VideoReader", _VIDEO, __name__)


class ImageReadMode(Enum):
    """Which channels a picture is read in."""

    UNCHANGED = 0
    GRAY = 1
    GRAY_ALPHA = 2
    RGB = 3
    RGB_ALPHA = 4


_MODES = {
    ImageReadMode.GRAY: "L", ImageReadMode.GRAY_ALPHA: "LA", ImageReadMode.RGB: "RGB",
    ImageReadMode.RGB_ALPHA: "RGBA",
}  # fmt: skip


def read_file(path: Any) -> Tensor:
    """The bytes of a file."""
    return from_numpy(np.fromfile(path, np.uint8))


def write_file(filename: Any, data: Tensor) -> None:
    """Write bytes."""
    Path(filename).write_bytes(read(data, "a file").tobytes())


def decode_image(input: Any, mode: Any = ImageReadMode.UNCHANGED, **options: Any) -> Tensor:
    """A picture of bytes, or of a file: uint8 of (channels, height, width)."""
    raw = (
        read(input, "a picture").tobytes()
        if isinstance(input, Tensor)
        else Path(input).read_bytes()
    )
    image: Any = require("PIL.Image", extra="vision")
    picture = image.open(io.BytesIO(raw))
    mode = ImageReadMode[mode] if isinstance(mode, str) else mode
    if mode in _MODES:
        picture = picture.convert(_MODES[mode])
    pixels = np.array(picture, np.uint8)
    return from_numpy(
        np.ascontiguousarray(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))
    )


decode_png = decode_jpeg = decode_image


def read_image(path: Any, mode: Any = ImageReadMode.UNCHANGED, **options: Any) -> Tensor:
    """A picture of a file: uint8 of (channels, height, width)."""
    return decode_image(path, mode)


def _encoded(input: Tensor, kind: str, **options: Any) -> bytes:
    image: Any = require("PIL.Image", extra="vision")
    pixels = read(input, "a file").transpose(1, 2, 0)
    written = io.BytesIO()
    image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(
        written, kind, **options
    )
    return written.getvalue()


def encode_png(input: Tensor, compression_level: int = 6) -> Tensor:
    """A picture as the bytes of a PNG file."""
    return from_numpy(
        np.frombuffer(_encoded(input, "PNG", compress_level=compression_level), np.uint8).copy()
    )


def encode_jpeg(input: Tensor, quality: int = 75) -> Tensor:
    """A picture as the bytes of a JPEG file."""
    return from_numpy(np.frombuffer(_encoded(input, "JPEG", quality=quality), np.uint8).copy())


def write_png(input: Tensor, filename: Any, compression_level: int = 6) -> None:
    """Write a picture as PNG."""
    Path(filename).write_bytes(_encoded(input, "PNG", compress_level=compression_level))


def write_jpeg(input: Tensor, filename: Any, quality: int = 75) -> None:
    """Write a picture as JPEG."""
    Path(filename).write_bytes(_encoded(input, "JPEG", quality=quality))
