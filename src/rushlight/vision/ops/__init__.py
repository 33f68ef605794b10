"""Operators and layers of detection, under torchvision's names."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.vision.ops.boxes import (
    batched_nms, box_area, box_convert, box_iou, clip_boxes_to_image, complete_box_iou,
    distance_box_iou, generalized_box_iou, masks_to_boxes, nms, remove_small_boxes,
)
from rushlight.vision.ops.deform_conv import DeformConv2d, deform_conv2d
from rushlight.vision.ops.dropping import (
    DropBlock2d, DropBlock3d, StochasticDepth, drop_block2d, drop_block3d, stochastic_depth,
)
from rushlight.vision.ops.feature_pyramid_network import FeaturePyramidNetwork
from rushlight.vision.ops.losses import (
    complete_box_iou_loss, distance_box_iou_loss, generalized_box_iou_loss, sigmoid_focal_loss,
)
from rushlight.vision.ops.misc import (
    Conv2dNormActivation, Conv3dNormActivation, FrozenBatchNorm2d, MLP, Permute, SqueezeExcitation,
)
from rushlight.vision.ops.poolers import MultiScaleRoIAlign
from rushlight.vision.ops.regions import (
    PSRoIAlign, PSRoIPool, RoIAlign, RoIPool, ps_roi_align, ps_roi_pool, roi_align, roi_pool,
)

__all__ = [
    "MLP", "Conv2dNormActivation", "Conv3dNormActivation", "DeformConv2d", "DropBlock2d",
    "DropBlock3d", "FeaturePyramidNetwork", "FrozenBatchNorm2d", "MultiScaleRoIAlign", "PSRoIAlign",
    "PSRoIPool", "Permute", "RoIAlign", "RoIPool", "SqueezeExcitation", "StochasticDepth",
    "batched_nms", "box_area", "box_convert", "box_iou", "clip_boxes_to_image", "complete_box_iou",
    "complete_box_iou_loss", "deform_conv2d", "distance_box_iou", "distance_box_iou_loss",
    "drop_block2d", "drop_block3d", "generalized_box_iou", "generalized_box_iou_loss",
    "masks_to_boxes", "nms", "ps_roi_align", "ps_roi_pool", "remove_small_boxes", "roi_align",
    "roi_pool", "sigmoid_focal_loss", "stochastic_depth",
]
# fmt: on
# ---- names: end ----
