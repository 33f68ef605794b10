"""Between Pillow images, arrays, tensors and images of `tv_tensors`; boxes that are none left out."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight._tensor import Tensor
from rushlight.errors import warn
from rushlight.ops.creation import from_numpy, tensor
from rushlight.vision.pictures import is_picture
from rushlight.vision.transforms import functional as F
from rushlight.vision.transforms.functional.conversion import (
    convert_image_dtype,
    pil_to_tensor,
    to_pil_image,
)
from rushlight.vision.transforms.v2.functional.boxes import converted
from rushlight.vision.transforms.v2.functional.functions import get_size
from rushlight.vision.transforms.v2.functional.kinds import is_pure_tensor

__all__ = ["convert_image_dtype", "pil_to_tensor", "to_pil_image"]


def to_image(inpt: Any) -> Any:
    """A Pillow image, an array (height, width, channels) or a tensor as `tv_tensors.Image`, values as they are."""
    from rushlight.vision.tv_tensors import Image

    if isinstance(inpt, np.ndarray):
        inpt = from_numpy(np.atleast_3d(inpt)).permute(2, 0, 1).contiguous()
    elif is_picture(inpt):
        inpt = pil_to_tensor(inpt)
    elif not isinstance(inpt, Tensor):
        raise TypeError(
            "Input can either be a pure Tensor, a numpy array, or a PIL image, but got "
            f"{type(inpt)} instead."
        )
    return Image(inpt)


def to_tensor(inpt: Any) -> Tensor:
    """`transforms.functional.to_tensor`, with torchvision's warning that it will go."""
    warn(
        "The function `to_tensor(...)` is deprecated and will be removed in a future release. "
        "Instead, please use `to_image(...)` followed by `to_dtype(..., dtype=torch.float32, scale=True)`."
    )
    return F.to_tensor(inpt)


def get_image_size(inpt: Any) -> list[int]:
    """[width, height], with torchvision's warning that it will go."""
    warn(
        "The function `get_image_size(...)` is deprecated and will be removed in a future release. "
        "Instead, please use `get_size(...)` which returns `[h, w]` instead of `[w, h]`."
    )
    return get_size(inpt)[::-1]


def sanitize_bounding_boxes(
    bounding_boxes: Tensor,
    format: Any = None,
    canvas_size: Any = None,
    min_size: float = 1.0,
    min_area: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """The boxes that are large enough and inside of the canvas, and which they are."""
    from rushlight.vision.tv_tensors import BoundingBoxes, as_format, wrap

    if is_pure_tensor(bounding_boxes):
        if format is None or canvas_size is None:
            raise ValueError(
                "format and canvas_size cannot be None if bounding_boxes is a pure tensor. Got "
                f"format={format} and canvas_size={canvas_size}. Set those to appropriate values or pass "
                "bounding_boxes as a tv_tensors.BoundingBoxes object."
            )
        valid = _valid(bounding_boxes, as_format(format), canvas_size, min_size, min_area)
        return bounding_boxes[valid], valid
    if not isinstance(bounding_boxes, BoundingBoxes):
        raise ValueError(
            "bounding_boxes must be a tv_tensors.BoundingBoxes instance or a pure tensor, got "
            f"{type(bounding_boxes)}"
        )
    if format is not None or canvas_size is not None:
        raise ValueError(
            "format and canvas_size must be None when bounding_boxes is a tv_tensors.BoundingBoxes instance"
        )
    plain = bounding_boxes.as_subclass(Tensor)
    known: Any = bounding_boxes
    valid = _valid(plain, known.format, known.canvas_size, min_size, min_area)
    return wrap(plain[valid], like=bounding_boxes), valid


def _valid(
    boxes: Tensor, format: Any, canvas_size: Any, min_size: float, min_area: float
) -> Tensor:
    from rushlight.vision.tv_tensors import BoundingBoxFormat

    corners = converted(boxes, format, BoundingBoxFormat.XYXY)
    height, width = canvas_size
    w, h = corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]
    inside = (corners >= 0).all(-1)
    inside &= (corners <= tensor([width, height, width, height])).all(-1)
    return (w >= min_size) & (h >= min_size) & (w * h >= min_area) & inside


def sanitize_keypoints(key_points: Tensor, canvas_size: Any = None) -> tuple[Tensor, Tensor]:
    """The points inside of the canvas, and which they are."""
    from rushlight.vision.tv_tensors import KeyPoints, wrap

    plain = key_points
    if not is_pure_tensor(key_points):
        if not isinstance(key_points, KeyPoints):
            raise ValueError(
                f"key_points must be a tv_tensors.KeyPoints instance or a pure tensor, got {type(key_points)}"
            )
        if canvas_size is not None:
            raise ValueError(
                "canvas_size must be None when key_points is a tv_tensors.KeyPoints instance"
            )
        plain, canvas_size = key_points.as_subclass(Tensor), key_points.canvas_size
    elif canvas_size is None:
        raise ValueError("canvas_size cannot be None if key_points is a pure tensor")
    height, width = canvas_size
    x, y = plain[..., 0], plain[..., 1]
    valid = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    if valid.ndim > 1:
        valid = valid.flatten(1).any(1)
    kept = plain[valid]
    return (kept if plain is key_points else wrap(kept, like=key_points)), valid
