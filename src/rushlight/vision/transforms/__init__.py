"""Transforms of images: for Pillow images and for tensors (..., channels, height, width)."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.vision.transforms import functional
from rushlight.vision.transforms.autoaugment import (
    AugMix, AutoAugment, AutoAugmentPolicy, RandAugment, TrivialAugmentWide,
)
from rushlight.vision.transforms.color import (
    ColorJitter, GaussianBlur, Grayscale, RandomErasing, RandomGrayscale, RandomInvert,
)
from rushlight.vision.transforms.containers import (
    Compose, Lambda, RandomApply, RandomChoice, RandomOrder,
)
from rushlight.vision.transforms.conversion import (
    ConvertImageDtype, Normalize, PILToTensor, ToPILImage, ToTensor,
)
from rushlight.vision.transforms.functional import InterpolationMode
from rushlight.vision.transforms.geometry import (
    CenterCrop, FiveCrop, Pad, RandomAffine, RandomCrop, RandomHorizontalFlip, RandomResizedCrop,
    RandomRotation, RandomVerticalFlip, Resize, TenCrop,
)
from rushlight.vision.transforms.tones import (
    ElasticTransform, LinearTransformation, RandomAdjustSharpness, RandomAutocontrast,
    RandomEqualize, RandomPerspective, RandomPosterize, RandomSolarize,
)

__all__ = [
    "AugMix", "AutoAugment", "AutoAugmentPolicy", "CenterCrop", "ColorJitter", "Compose",
    "ConvertImageDtype", "ElasticTransform", "FiveCrop", "GaussianBlur", "Grayscale",
    "InterpolationMode", "Lambda", "LinearTransformation", "Normalize", "PILToTensor", "Pad",
    "RandAugment", "RandomAdjustSharpness", "RandomAffine", "RandomApply", "RandomAutocontrast",
    "RandomChoice", "RandomCrop", "RandomEqualize", "RandomErasing", "RandomGrayscale",
    "RandomHorizontalFlip", "RandomInvert", "RandomOrder", "RandomPerspective", "RandomPosterize",
    "RandomResizedCrop", "RandomRotation", "RandomSolarize", "RandomVerticalFlip", "Resize",
    "TenCrop", "ToPILImage", "ToTensor", "TrivialAugmentWide", "functional",
]
# fmt: on
# ---- names: end ----
