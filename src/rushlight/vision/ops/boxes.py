"""Boxes (..., 4): how they are written, how far they overlap, and which of many to keep."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rushlight._tensor import Tensor
from rushlight.autograd.state import no_grad
from rushlight.dtypes import float32, float64, int32, int64
from rushlight.ops.comparison import where
from rushlight.ops.creation import empty, zeros, zeros_like
from rushlight.ops.joining import stack
from rushlight.ops.pointwise import maximum, minimum
from rushlight.ops.sorting import unique
from rushlight.primitives.constant import computed

ALIGNED = ("xyxy", "xywh", "cxcywh")
ROTATED = ("cxcywhr", "xywhr", "xyxyxyxy")


def _upcast(t: Any) -> Any:
    """Numbers of a type in which products of sides fit."""
    if t.is_floating_point():
        return t if t.dtype in (float32, float64) else t.float()
    return t if t.dtype in (int32, int64) else t.int()


# ---- which to keep -------------------------------------------------------------------------------------


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """The indices of boxes (n, 4) that no better one overlaps by more than the threshold, best first.

    >>> import rushlight as torch
    >>> boxes = torch.tensor([[0.0, 0, 2, 2], [0, 0, 2, 1.9], [3, 3, 4, 4]])
    >>> nms(boxes, torch.tensor([0.5, 0.9, 0.1]), 0.5)
    tensor([1, 2])
    """
    if boxes.dim() != 2 or boxes.shape[1] != 4:
        raise RuntimeError(f"nms: boxes should be of shape [n, 4], got {tuple(boxes.shape)}")
    if scores.dim() != 1 or scores.shape[0] != boxes.shape[0]:
        raise RuntimeError(
            f"nms: boxes and scores should have the same number of elements, got {boxes.shape[0]} boxes and "
            f"scores of shape {tuple(scores.shape)}"
        )
    order = scores.detach().sort(descending=True, stable=True)[1]
    return computed(kept_boxes, boxes.detach(), scores.detach(), order, iou_threshold=iou_threshold)


def kept_boxes(corners: Any, scores: Any, order: Any, iou_threshold: float) -> Any:
    """The places in `order` of the boxes that are kept; the scores are for whoever writes this down otherwise."""
    x1, y1, x2, y2 = np.ascontiguousarray(corners.T)
    areas = (x2 - x1) * (y2 - y1)
    left = np.ones(len(order), bool)
    kept = []
    for place, i in enumerate(order):
        if not left[i]:
            continue
        kept.append(i)
        others = order[place + 1 :]
        width = np.minimum(x2[i], x2[others]) - np.maximum(x1[i], x1[others])
        height = np.minimum(y2[i], y2[others]) - np.maximum(y1[i], y1[others])
        shared = np.maximum(width, 0) * np.maximum(height, 0)
        with np.errstate(all="ignore"):
            left[others[shared / (areas[i] + areas[others] - shared) > iou_threshold]] = False
    return np.array(kept, np.int64)


def batched_nms(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """`nms` within each of the groups that idxs names."""
    if boxes.numel() == 0:
        return empty((0,), dtype=int64, device=boxes.device)
    if boxes.numel() <= 4000:
        # Moved apart by more than the picture, boxes of two groups do not meet.
        apart = idxs.to(boxes) * (boxes.max() + 1)
        return nms(boxes + apart.unsqueeze(-1), scores, iou_threshold)
    keep: Any = zeros_like(scores) > 0
    for group in unique(idxs):
        own = where(idxs == group)[0]
        keep[own[nms(boxes[own], scores[own], iou_threshold)]] = True
    kept = where(keep)[0]
    return kept[scores[kept].sort(descending=True)[1]]


def remove_small_boxes(boxes: Tensor, min_size: float) -> Tensor:
    """The indices of boxes whose sides are both at least min_size."""
    sides = boxes[..., 2:] - boxes[..., :2]
    return where((sides >= min_size).all(-1))[0]


def clip_boxes_to_image(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Boxes (..., 4) cut off at the edges of a picture of size (height, width)."""
    height, width = size
    x, y = boxes[..., 0::2].clamp(0, width), boxes[..., 1::2].clamp(0, height)
    return stack((x, y), boxes.dim()).reshape(boxes.shape)


# ---- how they are written ------------------------------------------------------------------------------


def _from_xywh(boxes: Any) -> Any:
    x, y, w, h = boxes.unbind(-1)
    return stack([x, y, x + w, y + h], -1)


def _from_cxcywh(boxes: Any) -> Any:
    cx, cy, w, h = boxes.unbind(-1)
    return stack([cx - 0.5 * w, cy - 0.5 * h, cx + 0.5 * w, cy + 0.5 * h], -1)


def _to_xywh(boxes: Any) -> Any:
    x1, y1, x2, y2 = boxes.unbind(-1)
    return stack([x1, y1, x2 - x1, y2 - y1], -1)


def _to_cxcywh(boxes: Any) -> Any:
    x1, y1, x2, y2 = boxes.unbind(-1)
    return stack([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1], -1)


def _turned(boxes: Any, sign: int) -> Any:
    """The centre of turned boxes from their first corner (sign 1), or back."""
    x, y, w, h, angle = boxes.unbind(-1)
    turn = angle * math.pi / 180
    cos, sin = turn.cos(), turn.sin()
    across = x + sign * (w / 2 * cos + h / 2 * sin)
    down = y + sign * (h / 2 * cos - w / 2 * sin)
    return stack([across, down, w, h, angle], -1)


def corners_of(boxes: Any) -> Any:
    """The four corners of turned boxes (x, y, w, h, angle), from the first on."""
    x, y, w, h, angle = boxes.unbind(-1)
    turn = angle * math.pi / 180
    cos, sin = turn.cos(), turn.sin()
    right, down = (w * cos, -w * sin), (h * sin, h * cos)
    points = [(x, y), (x + right[0], y + right[1])]
    points += [(x + right[0] + down[0], y + right[1] + down[1]), (x + down[0], y + down[1])]
    return stack([value for point in points for value in point], -1)


def _from_corners(boxes: Any) -> Any:
    x1, y1, x2, y2, x3, y3, _, _ = boxes.unbind(-1)
    angle = (y1 - y2).atan2(x2 - x1) * 180 / math.pi
    w = ((x2 - x1) ** 2 + (y1 - y2) ** 2).sqrt()
    h = ((x3 - x2) ** 2 + (y3 - y2) ** 2).sqrt()
    return stack([x1, y1, w, h, angle], -1)


# Through which the others go: xyxy, and the first corner, sides and angle.
_INTO = {
    "xyxy": lambda b: b, "xywh": _from_xywh, "cxcywh": _from_cxcywh,
    "xywhr": lambda b: b, "cxcywhr": lambda b: _turned(b, -1), "xyxyxyxy": _from_corners,
}  # fmt: skip
_OUT_OF = {
    "xyxy": lambda b: b, "xywh": _to_xywh, "cxcywh": _to_cxcywh,
    "xywhr": lambda b: b, "cxcywhr": lambda b: _turned(b, 1), "xyxyxyxy": corners_of,
}  # fmt: skip


def box_convert(boxes: Tensor, in_fmt: str, out_fmt: str) -> Tensor:
    """Boxes written otherwise: by corners (xyxy), corner and size (xywh), centre and size (cxcywh).

    Turned ones have an angle in degrees at the end (xywhr, cxcywhr), or four corners (xyxyxyxy).
    """
    for name in (in_fmt, out_fmt):
        if name not in ALIGNED + ROTATED:
            raise ValueError(
                f"Unsupported Bounding Box Conversions for given in_fmt {in_fmt} and out_fmt {out_fmt}"
            )
    if in_fmt == out_fmt:
        return boxes.clone()
    if (in_fmt in ALIGNED) != (out_fmt in ALIGNED):
        raise NotImplementedError(
            f"Unsupported Bounding Box Conversions for given in_fmt {in_fmt} and out_fmt {out_fmt}"
        )
    return _OUT_OF[out_fmt](_INTO[in_fmt](boxes)).to(boxes.dtype)


# ---- how far they overlap ------------------------------------------------------------------------------


def box_area(boxes: Tensor, fmt: str = "xyxy") -> Tensor:
    """The areas of boxes (..., 4)."""
    if fmt not in ALIGNED:
        raise ValueError(f"Unsupported Bounding Box area for given format {fmt}")
    boxes = _upcast(boxes)
    sides = boxes[..., 2:] - boxes[..., :2] if fmt == "xyxy" else boxes[..., 2:]
    return sides[..., 0] * sides[..., 1]


def _shared(boxes1: Any, boxes2: Any, fmt: str = "xyxy") -> tuple[Any, Any]:
    """The intersections and unions of all pairs, (..., n, m)."""
    area1, area2 = box_area(boxes1, fmt), box_area(boxes2, fmt)
    one, other = _INTO[fmt](boxes1).unsqueeze(-2), _INTO[fmt](boxes2).unsqueeze(-3)
    inner = minimum(one[..., 2:], other[..., 2:]) - maximum(one[..., :2], other[..., :2])
    inner = _upcast(inner).clamp(min=0)
    both = inner[..., 0] * inner[..., 1]
    return both, area1.unsqueeze(-1) + area2.unsqueeze(-2) - both


def _around(boxes1: Any, boxes2: Any) -> Any:
    """The sides of the smallest box around both of each pair."""
    one, other = boxes1.unsqueeze(-2), boxes2.unsqueeze(-3)
    outer = maximum(one[..., 2:], other[..., 2:]) - minimum(one[..., :2], other[..., :2])
    return _upcast(outer).clamp(min=0)


def box_iou(boxes1: Tensor, boxes2: Tensor, fmt: str = "xyxy") -> Tensor:
    """The intersection over the union of all pairs: (..., n, 4) and (..., m, 4) to (..., n, m)."""
    if fmt in ROTATED:
        raise NotImplementedError("box_iou of turned boxes is not here: give boxes along the axes")
    if fmt not in ALIGNED:
        raise ValueError(
            f"Unsupported format '{fmt}'. Supported axis-aligned formats: {ALIGNED}. "
            f"Supported rotated formats: {ROTATED}."
        )
    both, union = _shared(boxes1, boxes2, fmt)
    return both / union


def generalized_box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """`box_iou` less the share of the box around both that is in neither (H. Rezatofighi and others, 2019)."""
    both, union = _shared(boxes1, boxes2)
    outer = _around(boxes1, boxes2)
    area = outer[..., 0] * outer[..., 1]
    return both / union - (area - union) / area


def _centres(boxes: Any) -> tuple[Any, Any]:
    return (boxes[..., 0] + boxes[..., 2]) / 2, (boxes[..., 1] + boxes[..., 3]) / 2


def distance_box_iou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> Tensor:
    """`box_iou` less the distance of the centres, over the diagonal around both (Z. Zheng and others, 2020)."""
    boxes1, boxes2 = _upcast(boxes1), _upcast(boxes2)
    outer = _around(boxes1, boxes2)
    diagonal = outer[..., 0] ** 2 + outer[..., 1] ** 2 + eps
    (x1, y1), (x2, y2) = _centres(boxes1), _centres(boxes2)
    across = _upcast(x1.unsqueeze(-1) - x2.unsqueeze(-2)) ** 2
    away = across + _upcast(y1.unsqueeze(-1) - y2.unsqueeze(-2)) ** 2
    return box_iou(boxes1, boxes2) - away / diagonal


def complete_box_iou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> Tensor:
    """`distance_box_iou` less a measure of how differently the boxes are shaped (Z. Zheng and others, 2020)."""
    boxes1, boxes2 = _upcast(boxes1), _upcast(boxes2)
    one, other = ((b[..., 2:] - b[..., :2]).unbind(-1) for b in (boxes1, boxes2))
    angles = (one[0] / one[1]).atan().unsqueeze(-1) - (other[0] / other[1]).atan().unsqueeze(-2)
    v = 4 / math.pi**2 * angles.pow(2)
    with no_grad():
        alpha = v / (1 - box_iou(boxes1, boxes2) + v + eps)
    return distance_box_iou(boxes1, boxes2, eps) - alpha * v


def masks_to_boxes(masks: Tensor) -> Tensor:
    """The smallest boxes (n, 4) around what is not zero in masks (n, h, w); zeros for empty ones."""
    if masks.numel() == 0:
        return zeros((0, 4), dtype=float32, device=masks.device)
    rows, columns = (masks.bool().any(dim).float() for dim in (2, 1))
    first = [columns.argmax(1), rows.argmax(1)]
    last = [c.shape[1] - 1 - c.flip(1).argmax(1) for c in (columns, rows)]
    return stack([*first, *last], 1).float().masked_fill(rows.sum(1, keepdim=True) == 0, 0)
