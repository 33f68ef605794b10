"""Boxes and points: what they become where an image is flipped, cut, scaled, turned."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.ops.creation import tensor as make
from rushlight.ops.joining import cat, stack
from rushlight.vision.ops.boxes import clip_boxes_to_image, corners_of
from rushlight.vision.transforms.functional.geometry import _inverse_affine, _resized
from rushlight.vision.transforms.v2.functional.kinds import is_pure_tensor

Canvas = tuple[int, int]
Kept = tuple[Tensor, Canvas]


def _halves(wh: Tensor) -> Tensor:
    return wh / 2 if wh.is_floating_point() else wh.div(2, rounding_mode="floor")


def _to_corners(boxes: Tensor, kind: str) -> Tensor:
    first, second = boxes[..., :2], boxes[..., 2:]
    if kind == "XYWH":
        return cat([first, first + second], -1)
    # Whole numbers are halved as floats and cut off at the end.
    low = first - second / 2
    return cat([low, low + second], -1).to(boxes.dtype)


def _from_corners(boxes: Tensor, kind: str) -> Tensor:
    low, high = boxes[..., :2], boxes[..., 2:]
    size = high - low
    if kind == "XYWH":
        return cat([low, size], -1)
    return cat([_halves(low * 2 + size), size], -1)


def _axes(boxes: Tensor) -> tuple[Tensor, Tensor]:
    turn = boxes[..., 4] * math.pi / 180.0
    return turn.cos(), turn.sin()


def _shifted(boxes: Tensor, way: int) -> Tensor:
    """Turned boxes from the middle to the first corner (-1), or from there to the middle (1)."""
    cos, sin = _axes(boxes)
    w, h = (boxes[..., i] / 2 * way for i in (2, 3))
    x = boxes[..., 0] + w * cos + h * sin
    y = boxes[..., 1] - w * sin + h * cos
    return cat([stack([x, y], -1), boxes[..., 2:]], -1)


def _from_four(boxes: Tensor) -> Tensor:
    work = boxes if boxes.dtype in (dtypes.float32, dtypes.float64) else boxes.float()
    x1, y1, x2, y2, x3, y3 = (work[..., i] for i in range(6))
    turn = (y1 - y2).atan2(x2 - x1) / math.pi * 180.0
    w = ((x2 - x1) ** 2 + (y2 - y1) ** 2).sqrt()
    h = ((x3 - x2) ** 2 + (y3 - y2) ** 2).sqrt()
    return stack([x1, y1, w, h, turn], -1).to(boxes.dtype)


def converted(boxes: Tensor, old: Any, new: Any) -> Tensor:
    """Boxes of one format in another; ValueError between turned and straight ones."""
    from rushlight.vision.tv_tensors import is_rotated_bounding_format as turned

    if old is new:
        return boxes
    if turned(old) != turned(new):
        raise ValueError("Cannot convert between rotated and unrotated bounding boxes.")
    if not turned(old):
        if (old.value, new.value) == ("XYWH", "CXCYWH"):
            return cat([boxes[..., :2] + _halves(boxes[..., 2:]), boxes[..., 2:]], -1)
        corners = boxes if old.value == "XYXY" else _to_corners(boxes, old.value)
        return corners if new.value == "XYXY" else _from_corners(corners, new.value)
    if old.value == "XYXYXYXY":
        boxes = _from_four(boxes)
    elif old.value == "CXCYWHR":
        boxes = _shifted(boxes, -1)
    if new.value == "XYXYXYXY":
        return corners_of(boxes)
    return _shifted(boxes, 1) if new.value == "CXCYWHR" else boxes


def convert_bounding_box_format(
    inpt: Tensor, old_format: Any = None, new_format: Any = None, inplace: bool = False
) -> Any:
    """Boxes in another format; of a plain tensor the old one is to be said.

    >>> import rushlight as torch
    >>> convert_bounding_box_format(torch.tensor([[1, 2, 5, 6]]), "XYXY", "XYWH")
    tensor([[1, 2, 4, 4]])
    """
    from rushlight.vision.tv_tensors import BoundingBoxes, as_format, wrap

    if new_format is None:
        raise TypeError("convert_bounding_box_format() missing 1 required argument: 'new_format'")
    new = as_format(new_format)
    if is_pure_tensor(inpt):
        if old_format is None:
            raise ValueError("For pure tensor inputs, `old_format` has to be passed.")
        result = converted(inpt, as_format(old_format), new)
        return inpt.copy_(result) if inplace and result.shape == inpt.shape else result
    if not isinstance(inpt, BoundingBoxes):
        raise TypeError(
            f"Input can either be a plain tensor or a bounding box tv_tensor, but got {type(inpt)} instead."
        )
    if old_format is not None:
        raise ValueError("For bounding box tv_tensor inputs, `old_format` must not be passed.")
    return wrap(converted(inpt.as_subclass(Tensor), inpt.format, new), like=inpt, format=new)


def clamped(boxes: Tensor, format: Any, canvas_size: Canvas, clamping_mode: str | None) -> Tensor:
    """Straight boxes cut at the border of the canvas."""
    from rushlight.vision.tv_tensors import BoundingBoxFormat

    if clamping_mode is None:
        return boxes.clone()
    _need_straight(format, "clamping")
    work = boxes if boxes.is_floating_point() else boxes.float()
    corners = converted(work, format, BoundingBoxFormat.XYXY)
    cut = clip_boxes_to_image(corners, canvas_size)
    return converted(cut, BoundingBoxFormat.XYXY, format).to(boxes.dtype)


def _need_straight(format: Any, what: str) -> None:
    from rushlight.vision.tv_tensors import is_rotated_bounding_format

    if is_rotated_bounding_format(format):
        raise NotImplementedError(
            f"{what} of turned boxes (format {format.value}) is not offered: convert them to straight boxes, "
            "or transform their corners as KeyPoints"
        )


def clamp_bounding_boxes(
    inpt: Tensor, format: Any = None, canvas_size: Canvas | None = None, clamping_mode: Any = "auto"
) -> Any:
    """Boxes cut at the border of the canvas; of a plain tensor format and canvas are to be said."""
    from rushlight.vision.tv_tensors import BoundingBoxes, as_format, wrap

    if clamping_mode not in (None, "soft", "hard", "auto"):
        raise ValueError(f"clamping_mode must be soft, hard, auto or None, got {clamping_mode}")
    if is_pure_tensor(inpt):
        if format is None or canvas_size is None or clamping_mode == "auto":
            raise ValueError(
                "For pure tensor inputs, `format`, `canvas_size` and `clamping_mode` have to be passed."
            )
        return clamped(inpt, as_format(format), canvas_size, clamping_mode)
    if not isinstance(inpt, BoundingBoxes):
        raise TypeError(
            f"Input can either be a plain tensor or a bounding box tv_tensor, but got {type(inpt)} instead."
        )
    if format is not None or canvas_size is not None:
        raise ValueError(
            "For bounding box tv_tensor inputs, `format` and `canvas_size` must not be passed."
        )
    mode = inpt.clamping_mode if clamping_mode == "auto" else clamping_mode
    return wrap(clamped(inpt.as_subclass(Tensor), inpt.format, inpt.canvas_size, mode), like=inpt)


def clamp_keypoints(inpt: Tensor, canvas_size: Canvas | None = None) -> Any:
    """Points moved into the canvas."""
    from rushlight.vision.tv_tensors import KeyPoints, wrap

    if is_pure_tensor(inpt):
        if canvas_size is None:
            raise ValueError("For pure tensor inputs, `canvas_size` has to be passed.")
        return _inside(inpt, canvas_size)
    if not isinstance(inpt, KeyPoints):
        raise TypeError(
            f"Input can either be a plain tensor or a keypoints tv_tensor, but got {type(inpt)} instead."
        )
    if canvas_size is not None:
        raise ValueError("For keypoints tv_tensor inputs, `canvas_size` must not be passed.")
    return wrap(_inside(inpt.as_subclass(Tensor), inpt.canvas_size), like=inpt)


def _inside(points: Tensor, canvas_size: Canvas) -> Tensor:
    height, width = canvas_size
    x, y = points[..., 0].clamp(0, width - 1), points[..., 1].clamp(0, height - 1)
    return stack([x, y], -1)


# ---- flips, cuts, borders, sizes ------------------------------------------------------------------


def _flipped(axis: int) -> tuple[Callable[..., Kept], Callable[..., Kept]]:
    def boxes(
        inpt: Tensor, *, format: Any, canvas_size: Canvas, clamping_mode: Any = "soft"
    ) -> Kept:
        _need_straight(format, "a flip")
        far = canvas_size[1 - axis]
        result = inpt.clone()
        if format.value == "XYXY":
            result[..., axis], result[..., axis + 2] = (
                far - inpt[..., axis + 2],
                far - inpt[..., axis],
            )
        elif format.value == "XYWH":
            result[..., axis] = far - (inpt[..., axis] + inpt[..., axis + 2])
        else:
            result[..., axis] = far - inpt[..., axis]
        return result, canvas_size

    def points(inpt: Tensor, *, canvas_size: Canvas) -> Kept:
        result = inpt.clone()
        result[..., axis] = canvas_size[1 - axis] - 1 - inpt[..., axis]
        return result, canvas_size

    return boxes, points


flip_x, flip_y = _flipped(0), _flipped(1)


def _moved(boxes: Tensor, format: Any, left: float, top: float) -> Tensor:
    by = [left, top, left, top] if format.value == "XYXY" else [left, top, 0, 0]
    return (boxes + make(by, dtype=boxes.dtype)).to(boxes.dtype)


def crop_boxes(
    inpt: Tensor,
    top: int,
    left: int,
    height: int,
    width: int,
    *,
    format: Any,
    clamping_mode: Any = "soft",
    **_: Any,
) -> Kept:
    """Boxes within a part of the image."""
    _need_straight(format, "a crop")
    moved = _moved(inpt, format, -left, -top)
    return clamped(moved, format, (height, width), clamping_mode), (height, width)


def crop_points(inpt: Tensor, top: int, left: int, height: int, width: int, **_: Any) -> Kept:
    """Points within a part of the image."""
    return inpt - make([left, top], dtype=inpt.dtype), (height, width)


def borders(padding: Any) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) from a number, or one, two or four of them."""
    given = [padding] if isinstance(padding, int) else list(padding)
    if len(given) not in (1, 2, 4):
        raise ValueError(
            f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(given)} element tuple"
        )
    left, top, right, bottom = given * (4 // len(given))
    return left, top, right, bottom


def pad_boxes(
    inpt: Tensor,
    padding: Any,
    fill: Any = None,
    padding_mode: str = "constant",
    *,
    format: Any,
    canvas_size: Canvas,
    clamping_mode: Any = "soft",
) -> Kept:
    """Boxes within the image and its border."""
    _need_straight(format, "a border")
    left, top, right, bottom = _plain_border(padding, padding_mode)
    canvas = (canvas_size[0] + top + bottom, canvas_size[1] + left + right)
    moved = _moved(inpt, format, left, top)
    return clamped(moved, format, canvas, clamping_mode), canvas


def pad_points(
    inpt: Tensor,
    padding: Any,
    fill: Any = None,
    padding_mode: str = "constant",
    *,
    canvas_size: Canvas,
) -> Kept:
    """Points within the image and its border."""
    left, top, right, bottom = _plain_border(padding, padding_mode)
    canvas = (canvas_size[0] + top + bottom, canvas_size[1] + left + right)
    return _inside(inpt + make([left, top], dtype=inpt.dtype), canvas), canvas


def _plain_border(padding: Any, padding_mode: str) -> tuple[int, int, int, int]:
    if padding_mode != "constant":
        raise ValueError(
            f"Padding mode '{padding_mode}' is not supported with bounding boxes and key points"
        )
    return borders(padding)


def new_size(canvas_size: Canvas, size: Any, max_size: int | None) -> Canvas:
    """(height, width) that `resize` gives an image."""
    height, width = canvas_size
    if size is None:
        if not isinstance(max_size, int):
            raise ValueError(f"max_size must be an integer when size is None, but got {max_size}")
        long = max(height, width)
        short = int(max_size * min(height, width) / long)
        return (max_size, short) if height >= width else (short, max_size)
    sizes = [size] if isinstance(size, int) else list(size)
    if max_size is not None and len(sizes) != 1:
        raise ValueError(
            "max_size should only be passed if size is None or specifies the length of the smaller edge, "
            "i.e. size should be an int or a sequence of length 1 in torchscript mode."
        )
    return _resized(height, width, sizes, max_size)


def _scaled(inpt: Tensor, old: Canvas, new: Canvas, times: int) -> Tensor:
    ratios = make([new[1] / old[1], new[0] / old[0]] * times)
    return (inpt * ratios).to(inpt.dtype)


def resize_boxes(
    inpt: Tensor,
    size: Any,
    interpolation: Any = None,
    max_size: int | None = None,
    antialias: Any = None,
    *,
    format: Any,
    canvas_size: Canvas,
    clamping_mode: Any = "soft",
) -> Kept:
    """Boxes of the image at another size."""
    _need_straight(format, "another size")
    new = new_size(canvas_size, size, max_size)
    return (inpt if new == tuple(canvas_size) else _scaled(inpt, canvas_size, new, 2)), new


def resize_points(
    inpt: Tensor,
    size: Any,
    interpolation: Any = None,
    max_size: int | None = None,
    antialias: Any = None,
    *,
    canvas_size: Canvas,
) -> Kept:
    """Points of the image at another size."""
    new = new_size(canvas_size, size, max_size)
    return (inpt if new == tuple(canvas_size) else _scaled(inpt, canvas_size, new, 1)), new


def centred(canvas_size: Canvas, output_size: Any) -> tuple[int, int, int, int]:
    """(top, left, height, width) of the middle."""
    given = [output_size] if isinstance(output_size, int) else list(output_size)
    height, width = given * (2 // len(given))
    return (
        round((canvas_size[0] - height) / 2.0), round((canvas_size[1] - width) / 2.0), height, width
    )  # fmt: skip


def center_crop_boxes(inpt: Tensor, output_size: Any, **known: Any) -> Kept:
    """Boxes within the middle of the image."""
    return crop_boxes(inpt, *centred(known["canvas_size"], output_size), **known)


def center_crop_points(inpt: Tensor, output_size: Any, *, canvas_size: Canvas) -> Kept:
    """Points within the middle of the image."""
    return crop_points(inpt, *centred(canvas_size, output_size))


def resized_crop_boxes(
    inpt: Tensor, top: int, left: int, height: int, width: int, size: Any, *_: Any, **known: Any
) -> Kept:
    """Boxes within a part of the image, at another size."""
    known = {name: known[name] for name in ("format", "clamping_mode")}
    inpt, canvas = crop_boxes(inpt, top, left, height, width, **known)
    return resize_boxes(inpt, size, canvas_size=canvas, **known)


def resized_crop_points(
    inpt: Tensor, top: int, left: int, height: int, width: int, size: Any, *_: Any, **__: Any
) -> Kept:
    """Points within a part of the image, at another size."""
    inpt, canvas = crop_points(inpt, top, left, height, width)
    return resize_points(inpt, size, canvas_size=canvas)


# ---- maps of points: boxes become the straight box around their four corners ----------------------


def around(
    inpt: Tensor, moving: Callable[[Tensor], Tensor], format: Any, canvas: Canvas, mode: Any
) -> Tensor:
    """The boxes around what `moving` makes of the corners (n, 2) of boxes."""
    from rushlight.vision.tv_tensors import BoundingBoxFormat

    _need_straight(format, "a map of points")
    if not inpt.numel():
        return inpt
    work = inpt if inpt.is_floating_point() else inpt.float()
    corners = converted(work, format, BoundingBoxFormat.XYXY).reshape(-1, 4)
    points = corners[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 2)
    moved = moving(points).reshape(-1, 4, 2)
    boxes = cat([moved.amin(1), moved.amax(1)], 1)
    boxes = clamped(boxes, BoundingBoxFormat.XYXY, canvas, mode)
    return converted(boxes, BoundingBoxFormat.XYXY, format).reshape(inpt.shape).to(inpt.dtype)


def _affine_map(
    canvas_size: Canvas, angle: float, translate: Any, scale: float, shear: Any, center: Any
) -> list[list[float]]:
    height, width = canvas_size
    middle = (width * 0.5, height * 0.5) if center is None else center
    shears = (shear, 0.0) if isinstance(shear, (int, float)) else tuple(shear)
    shears = shears * 2 if len(shears) == 1 else shears
    a, b, x0, c, d, y0 = _inverse_affine(middle, angle, translate, scale, shears)
    # The way back of the map that images are computed by.
    size = a * d - b * c
    p, q, r, s = d / size, -b / size, -c / size, a / size
    return [[p, q, -(p * x0 + q * y0)], [r, s, -(r * x0 + s * y0)]]


def _mapped(points: Tensor, matrix: list[list[float]]) -> Tensor:
    work = points if points.is_floating_point() else points.float()
    m = make(matrix, dtype=work.dtype)
    return (work @ m[:, :2].T + m[:, 2]).to(points.dtype)


def affine_boxes(
    inpt: Tensor,
    angle: float,
    translate: Any,
    scale: float,
    shear: Any,
    interpolation: Any = None,
    fill: Any = None,
    center: Any = None,
    *,
    format: Any,
    canvas_size: Canvas,
    clamping_mode: Any = "soft",
) -> Kept:
    """Boxes of the image turned, scaled, sheared and moved."""
    matrix = _affine_map(canvas_size, angle, translate, scale, shear, center)
    moved = around(inpt, lambda p: _mapped(p, matrix), format, canvas_size, clamping_mode)
    return moved, canvas_size


def affine_points(
    inpt: Tensor,
    angle: float,
    translate: Any,
    scale: float,
    shear: Any,
    interpolation: Any = None,
    fill: Any = None,
    center: Any = None,
    *,
    canvas_size: Canvas,
) -> Kept:
    """Points of the image turned, scaled, sheared and moved."""
    matrix = _affine_map(canvas_size, angle, translate, scale, shear, center)
    return _mapped(inpt, matrix), canvas_size


def _turned_map(
    canvas_size: Canvas, angle: float, expand: bool, center: Any
) -> tuple[list[list[float]], Canvas]:
    from rushlight.vision.transforms.functional.geometry import _bounding

    matrix = _affine_map(canvas_size, -angle, (0.0, 0.0), 1.0, (0.0, 0.0), center)
    if not expand:
        return matrix, canvas_size
    height, width = canvas_size
    (p, q, x0), (r, s, y0) = matrix
    corners = [(x, y) for x in (0, width) for y in (0, height)]
    left = min(p * x + q * y + x0 for x, y in corners)
    top = min(r * x + s * y + y0 for x, y in corners)
    middle = (0.0, 0.0) if center is None else (center[0] - width * 0.5, center[1] - height * 0.5)
    inverse = _inverse_affine(middle, -angle, (0.0, 0.0), 1.0, (0.0, 0.0))
    return [[p, q, x0 - left], [r, s, y0 - top]], _bounding(inverse, height, width)


def rotate_boxes(
    inpt: Tensor,
    angle: float,
    interpolation: Any = None,
    expand: bool = False,
    center: Any = None,
    fill: Any = None,
    *,
    format: Any,
    canvas_size: Canvas,
    clamping_mode: Any = "soft",
) -> Kept:
    """Boxes of the image turned."""
    matrix, canvas = _turned_map(canvas_size, angle, expand, center)
    return around(inpt, lambda p: _mapped(p, matrix), format, canvas, clamping_mode), canvas


def rotate_points(
    inpt: Tensor,
    angle: float,
    interpolation: Any = None,
    expand: bool = False,
    center: Any = None,
    fill: Any = None,
    *,
    canvas_size: Canvas,
) -> Kept:
    """Points of the image turned."""
    matrix, canvas = _turned_map(canvas_size, angle, expand, center)
    return _mapped(inpt, matrix), canvas
