"""Networks for images, under torchvision's names, with torch's initial weights."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.vision.models.alexnet import AlexNet, alexnet
from rushlight.vision.models.resnet import (
    ResNet, resnet101, resnet152, resnet18, resnet34, resnet50, resnext101_32x8d, resnext50_32x4d,
    wide_resnet101_2, wide_resnet50_2,
)
from rushlight.vision.models.trained import (
    AlexNet_Weights, ResNeXt101_32X8D_Weights, ResNeXt50_32X4D_Weights, ResNet101_Weights,
    ResNet152_Weights, ResNet18_Weights, ResNet34_Weights, ResNet50_Weights, VGG11_BN_Weights,
    VGG11_Weights, VGG13_BN_Weights, VGG13_Weights, VGG16_BN_Weights, VGG16_Weights,
    VGG19_BN_Weights, VGG19_Weights, Wide_ResNet101_2_Weights, Wide_ResNet50_2_Weights, get_model,
    get_model_builder, get_model_weights, get_weight, list_models,
)
from rushlight.vision.models.vgg import (
    VGG, vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn,
)

__all__ = [
    "VGG", "AlexNet", "AlexNet_Weights", "ResNeXt50_32X4D_Weights", "ResNeXt101_32X8D_Weights",
    "ResNet", "ResNet18_Weights", "ResNet34_Weights", "ResNet50_Weights", "ResNet101_Weights",
    "ResNet152_Weights", "VGG11_BN_Weights", "VGG11_Weights", "VGG13_BN_Weights", "VGG13_Weights",
    "VGG16_BN_Weights", "VGG16_Weights", "VGG19_BN_Weights", "VGG19_Weights",
    "Wide_ResNet50_2_Weights", "Wide_ResNet101_2_Weights", "alexnet", "get_model",
    "get_model_builder", "get_model_weights", "get_weight", "list_models", "resnet18", "resnet34",
    "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d", "vgg11",
    "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn", "wide_resnet50_2",
    "wide_resnet101_2",
]
# fmt: on
# ---- names: end ----
