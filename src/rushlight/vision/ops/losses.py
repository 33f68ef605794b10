"""Losses of detection."""

from __future__ import annotations

import math
from typing import Any

from rushlight._tensor import Tensor
from rushlight.autograd.state import no_grad
from rushlight.dtypes import float32, float64
from rushlight.nn.functional import binary_cross_entropy_with_logits
from rushlight.ops.pointwise import maximum, minimum


def _reduced(loss: Any, reduction: str, empty_is_zero: bool) -> Any:
    if reduction == "none":
        return loss
    if reduction == "sum" or (reduction == "mean" and empty_is_zero and loss.numel() == 0):
        return loss.sum()
    if reduction == "mean":
        return loss.mean()
    raise ValueError(
        f"Invalid Value for arg 'reduction': '{reduction} \n Supported reduction modes: 'none', 'mean', 'sum'"
    )


def sigmoid_focal_loss(
    inputs: Tensor,
    targets: Tensor,
    alpha: float = 0.25,
    gamma: float = 2,
    reduction: str = "none",
) -> Tensor:
    """Binary cross entropy of logits, less of it the surer (T. Lin and others, "Focal loss", 2017).

    alpha: the weight of ones, 1 - alpha that of zeros; -1 for none.
    """
    if not 0 <= alpha <= 1 and alpha != -1:
        raise ValueError(
            f"Invalid alpha value: {alpha}. alpha must be in the range [0,1] or -1 for ignore."
        )
    p = inputs.sigmoid()
    right = p * targets + (1 - p) * (1 - targets)
    loss = binary_cross_entropy_with_logits(inputs, targets, reduction="none")
    loss = loss * (1 - right) ** gamma
    if alpha >= 0:
        loss = (alpha * targets + (1 - alpha) * (1 - targets)) * loss
    return _reduced(loss, reduction, empty_is_zero=False)


class _Pair:
    """Two boxes (..., 4), corner by corner: what they share, and what is around both."""

    def __init__(self, boxes1: Any, boxes2: Any, eps: float) -> None:
        one, other = (b if b.dtype in (float32, float64) else b.float() for b in (boxes1, boxes2))
        self.one, self.other = one.unbind(-1), other.unbind(-1)
        x1, y1, x2, y2 = self.one
        a1, b1, a2, b2 = self.other
        width, height = minimum(x2, a2) - maximum(x1, a1), minimum(y2, b2) - maximum(y1, b1)
        apart = (width <= 0) | (height <= 0)
        both = (width * height).masked_fill(apart, 0)
        self.union = (x2 - x1) * (y2 - y1) + (a2 - a1) * (b2 - b1) - both
        self.iou = both / (self.union + eps)
        self.around = maximum(x2, a2) - minimum(x1, a1), maximum(y2, b2) - minimum(y1, b1)

    def distance_loss(self, eps: float) -> Any:
        (x1, y1, x2, y2), (a1, b1, a2, b2) = self.one, self.other
        diagonal = self.around[0] ** 2 + self.around[1] ** 2 + eps
        away = ((x2 + x1) / 2 - (a1 + a2) / 2) ** 2 + ((y2 + y1) / 2 - (b1 + b2) / 2) ** 2
        return 1 - self.iou + away / diagonal


def generalized_box_iou_loss(
    boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7
) -> Tensor:
    """1 less the generalized intersection over union of each box and its partner."""
    pair = _Pair(boxes1, boxes2, eps)
    area = pair.around[0] * pair.around[1]
    loss = 1 - (pair.iou - (area - pair.union) / (area + eps))
    return _reduced(loss, reduction, empty_is_zero=True)


def distance_box_iou_loss(
    boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7
) -> Tensor:
    """1 less the intersection over union, and the distance of the centres."""
    return _reduced(_Pair(boxes1, boxes2, eps).distance_loss(eps), reduction, empty_is_zero=True)


def complete_box_iou_loss(
    boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7
) -> Tensor:
    """`distance_box_iou_loss`, and a measure of how differently the boxes are shaped."""
    pair = _Pair(boxes1, boxes2, 1e-7)
    (x1, y1, x2, y2), (a1, b1, a2, b2) = pair.one, pair.other
    angle = ((a2 - a1) / (b2 - b1)).atan() - ((x2 - x1) / (y2 - y1)).atan()
    v = 4 / math.pi**2 * angle.pow(2)
    with no_grad():
        alpha = v / (1 - pair.iou + v + eps)
    return _reduced(pair.distance_loss(1e-7) + alpha * v, reduction, empty_is_zero=True)
