"""Transforms of whole samples: images, videos, masks, boxes and points together.

>>> import rushlight as torch
>>> from rushlight.vision.transforms import v2
>>> v2.CenterCrop(2)({"image": torch.zeros(3, 4, 4), "label": 7})["image"].shape
torch.Size([3, 2, 2])
"""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.vision.transforms.functional import InterpolationMode
from rushlight.vision.transforms.v2 import functional
from rushlight.vision.transforms.v2.color import (
    ColorJitter, GaussianBlur, GaussianNoise, Grayscale, JPEG, RGB, RandomAdjustSharpness,
    RandomAutocontrast, RandomChannelPermutation, RandomEqualize, RandomErasing, RandomGrayscale,
    RandomInvert, RandomPhotometricDistort, RandomPosterize, RandomSolarize,
)
from rushlight.vision.transforms.v2.containers import (
    Compose, Identity, Lambda, RandomApply, RandomChoice, RandomOrder,
)
from rushlight.vision.transforms.v2.conversion import (
    ClampBoundingBoxes, ClampKeyPoints, ConvertBoundingBoxFormat, ConvertImageDtype, CutMix,
    LinearTransformation, MixUp, Normalize, PILToTensor, SanitizeBoundingBoxes, SanitizeKeyPoints,
    SetClampingMode, ToDtype, ToImage, ToPILImage, ToPureTensor, ToTensor, UniformTemporalSubsample,
)
from rushlight.vision.transforms.v2.geometry import (
    CenterCrop, ElasticTransform, FiveCrop, Pad, RandomAffine, RandomCrop, RandomHorizontalFlip,
    RandomIoUCrop, RandomPerspective, RandomResize, RandomResizedCrop, RandomRotation,
    RandomShortestSize, RandomVerticalFlip, RandomZoomOut, Resize, ScaleJitter, TenCrop,
)
from rushlight.vision.transforms.v2.transform import Transform

__all__ = [
    "JPEG", "RGB", "CenterCrop", "ClampBoundingBoxes", "ClampKeyPoints", "ColorJitter", "Compose",
    "ConvertBoundingBoxFormat", "ConvertImageDtype", "CutMix", "ElasticTransform", "FiveCrop",
    "GaussianBlur", "GaussianNoise", "Grayscale", "Identity", "InterpolationMode", "Lambda",
    "LinearTransformation", "MixUp", "Normalize", "PILToTensor", "Pad", "RandomAdjustSharpness",
    "RandomAffine", "RandomApply", "RandomAutocontrast", "RandomChannelPermutation", "RandomChoice",
    "RandomCrop", "RandomEqualize", "RandomErasing", "RandomGrayscale", "RandomHorizontalFlip",
    "RandomInvert", "RandomIoUCrop", "RandomOrder", "RandomPerspective", "RandomPhotometricDistort",
    "RandomPosterize", "RandomResize", "RandomResizedCrop", "RandomRotation", "RandomShortestSize",
    "RandomSolarize", "RandomVerticalFlip", "RandomZoomOut", "Resize", "SanitizeBoundingBoxes",
    "SanitizeKeyPoints", "ScaleJitter", "SetClampingMode", "TenCrop", "ToDtype", "ToImage",
    "ToPILImage", "ToPureTensor", "ToTensor", "Transform", "UniformTemporalSubsample", "functional",
]
# fmt: on
# ---- names: end ----
