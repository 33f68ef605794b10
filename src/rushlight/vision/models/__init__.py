"""Networks for images, under torchvision's names, with torch's initial weights."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.vision.models.alexnet import AlexNet, alexnet
from rushlight.vision.models.resnet import (
    ResNet, resnet101, resnet152, resnet18, resnet34, resnet50, resnext101_32x8d, resnext50_32x4d,
    wide_resnet101_2, wide_resnet50_2,
)
from rushlight.vision.models.vgg import (
    VGG, vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn,
)

__all__ = [
    "VGG", "AlexNet", "ResNet", "alexnet", "resnet18", "resnet34", "resnet50", "resnet101",
    "resnet152", "resnext50_32x4d", "resnext101_32x8d", "vgg11", "vgg11_bn", "vgg13", "vgg13_bn",
    "vgg16", "vgg16_bn", "vgg19", "vgg19_bn", "wide_resnet50_2", "wide_resnet101_2",
]
# fmt: on
# ---- names: end ----
