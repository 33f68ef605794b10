"""Which trained weights there are for each network: a table, of torchvision 0.28's figures."""

from __future__ import annotations

from functools import partial
from typing import Any

from rushlight.vision.models.trained import Weights, WeightsEnum
from rushlight.vision.transforms.functional import InterpolationMode
from rushlight.vision.transforms.presets import ImageClassification, SemanticSegmentation

Recipes = dict[str, Weights]

WHERE = "https://download.pytorch.org/models/"
_FINE: dict[str, Any] = {"interpolation": InterpolationMode.BICUBIC}
_HALF: dict[str, Any] = {"mean": (0.5,) * 3, "std": (0.5,) * 3}


def _file(
    file: str, count: int, least: int = 1, resize: int = 256, crop: int = 224, **options: Any
) -> Weights:
    """A file for networks that tell classes apart.

    count: its parameters; least: the edge of the smallest image; resize, crop: what images go through.
    """
    made = partial(ImageClassification, crop_size=crop, resize_size=resize, **options)
    return Weights(WHERE + file, made, {"num_params": count, "min_size": (least, least)})


def _first(*file: Any, **options: Any) -> Recipes:
    return {"IMAGENET1K_V1": _file(*file, **options)}


def _twice(stem: str, first: str, second: str, count: int) -> Recipes:
    """A network of torchvision's two recipes, whose files differ in the marks at their ends."""
    again = _file(f"{stem}-{second}.pth", count, 1, 232)
    return {**_first(f"{stem}-{first}.pth", count), "IMAGENET1K_V2": again}


def _swag(
    stem: str, ends: str, linear: str, size: int, count: int, fewer: int, whole: bool = False
) -> Recipes:
    """Weakly supervised, then trained end to end or in the last layer; whole: for images of one size."""
    least, small = (size, 224) if whole else (1, 1)
    first = _file(f"{stem}_swag-{ends}.pth", count, least, size, size, **_FINE)
    second = _file(f"{stem}_lc_swag-{linear}.pth", fewer, small, 224, 224, **_FINE)
    return {"IMAGENET1K_SWAG_E2E_V1": first, "IMAGENET1K_SWAG_LINEAR_V1": second}


def _segments(file: str, count: int) -> Recipes:
    made = partial(SemanticSegmentation, resize_size=520)
    known = Weights(WHERE + file, made, {"num_params": count, "min_size": (1, 1)})
    return {"COCO_WITH_VOC_LABELS_V1": known}


def _of(network: str, *recipes: Recipes) -> Any:
    """The enumeration for a network; its default is torchvision's second recipe, or else the first."""
    known = {name: weights for some in recipes for name, weights in some.items()}
    default = known.get("IMAGENET1K_V2") or next(iter(known.values()))
    make: Any = WeightsEnum
    kind: Any = make(f"{network}_Weights", [*known.items(), ("DEFAULT", default)], module=__name__)
    kind.__doc__ = f"Of {network}."
    return kind


AlexNet_Weights = _of("AlexNet", _first("alexnet-owt-7be5be79.pth", 61100840, 63))
ConvNeXt_Base_Weights = _of(
    "ConvNeXt_Base", _first("convnext_base-6075fbad.pth", 88591464, 32, 232)
)
ConvNeXt_Large_Weights = _of(
    "ConvNeXt_Large", _first("convnext_large-ea097f82.pth", 197767336, 32, 232)
)
ConvNeXt_Small_Weights = _of(
    "ConvNeXt_Small", _first("convnext_small-0c510722.pth", 50223688, 32, 230)
)
ConvNeXt_Tiny_Weights = _of(
    "ConvNeXt_Tiny", _first("convnext_tiny-983f1562.pth", 28589128, 32, 236)
)
DenseNet121_Weights = _of("DenseNet121", _first("densenet121-a639ec97.pth", 7978856, 29))
DenseNet161_Weights = _of("DenseNet161", _first("densenet161-8d451a50.pth", 28681000, 29))
DenseNet169_Weights = _of("DenseNet169", _first("densenet169-b2777c0a.pth", 14149480, 29))
DenseNet201_Weights = _of("DenseNet201", _first("densenet201-c1103571.pth", 20013928, 29))
EfficientNet_B0_Weights = _of(
    "EfficientNet_B0", _first("efficientnet_b0_rwightman-7f5810bc.pth", 5288548, **_FINE)
)
EfficientNet_B1_Weights = _of(
    "EfficientNet_B1",
    _first("efficientnet_b1_rwightman-bac287d4.pth", 7794184, 1, 256, 240, **_FINE),
    {"IMAGENET1K_V2": _file("efficientnet_b1-c27df63c.pth", 7794184, 1, 255, 240)},
)
EfficientNet_B2_Weights = _of(
    "EfficientNet_B2",
    _first("efficientnet_b2_rwightman-c35c1473.pth", 9109994, 1, 288, 288, **_FINE),
)
EfficientNet_B3_Weights = _of(
    "EfficientNet_B3",
    _first("efficientnet_b3_rwightman-b3899882.pth", 12233232, 1, 320, 300, **_FINE),
)
EfficientNet_B4_Weights = _of(
    "EfficientNet_B4",
    _first("efficientnet_b4_rwightman-23ab8bcd.pth", 19341616, 1, 384, 380, **_FINE),
)
EfficientNet_B5_Weights = _of(
    "EfficientNet_B5",
    _first("efficientnet_b5_lukemelas-1a07897c.pth", 30389784, 1, 456, 456, **_FINE),
)
EfficientNet_B6_Weights = _of(
    "EfficientNet_B6",
    _first("efficientnet_b6_lukemelas-24a108a5.pth", 43040704, 1, 528, 528, **_FINE),
)
EfficientNet_B7_Weights = _of(
    "EfficientNet_B7",
    _first("efficientnet_b7_lukemelas-c5b4e57e.pth", 66347960, 1, 600, 600, **_FINE),
)
EfficientNet_V2_L_Weights = _of(
    "EfficientNet_V2_L",
    _first("efficientnet_v2_l-59c71312.pth", 118515272, 33, 480, 480, **_FINE, **_HALF),
)
EfficientNet_V2_M_Weights = _of(
    "EfficientNet_V2_M", _first("efficientnet_v2_m-dc08266a.pth", 54139356, 33, 480, 480)
)
EfficientNet_V2_S_Weights = _of(
    "EfficientNet_V2_S", _first("efficientnet_v2_s-dd5fe13b.pth", 21458488, 33, 384, 384)
)
GoogLeNet_Weights = _of("GoogLeNet", _first("googlenet-1378be20.pth", 6624904, 15))
Inception_V3_Weights = _of(
    "Inception_V3", _first("inception_v3_google-0cc3c7bd.pth", 27161264, 75, 342, 299)
)
MNASNet0_5_Weights = _of("MNASNet0_5", _first("mnasnet0.5_top1_67.823-3ffadce67e.pth", 2218512))
MNASNet0_75_Weights = _of("MNASNet0_75", _first("mnasnet0_75-7090bc5f.pth", 3170208, 1, 232))
MNASNet1_0_Weights = _of("MNASNet1_0", _first("mnasnet1.0_top1_73.512-f206786ef8.pth", 4383312))
MNASNet1_3_Weights = _of("MNASNet1_3", _first("mnasnet1_3-a4c69d6f.pth", 6282256, 1, 232))
MobileNet_V2_Weights = _of("MobileNet_V2", _twice("mobilenet_v2", "b0353104", "7ebf99e0", 3504872))
MobileNet_V3_Large_Weights = _of(
    "MobileNet_V3_Large", _twice("mobilenet_v3_large", "8738ca79", "5c1a4163", 5483032)
)
MobileNet_V3_Small_Weights = _of(
    "MobileNet_V3_Small", _first("mobilenet_v3_small-047dcff4.pth", 2542856)
)
RegNet_X_16GF_Weights = _of(
    "RegNet_X_16GF", _twice("regnet_x_16gf", "2007eb11", "ba3796d7", 54278536)
)
RegNet_X_1_6GF_Weights = _of(
    "RegNet_X_1_6GF", _twice("regnet_x_1_6gf", "e3633e7f", "a12f2b72", 9190136)
)
RegNet_X_32GF_Weights = _of(
    "RegNet_X_32GF", _twice("regnet_x_32gf", "9d47f8d0", "6eb8fdc6", 107811560)
)
RegNet_X_3_2GF_Weights = _of(
    "RegNet_X_3_2GF", _twice("regnet_x_3_2gf", "f342aeae", "7071aa85", 15296552)
)
RegNet_X_400MF_Weights = _of(
    "RegNet_X_400MF", _twice("regnet_x_400mf", "adf1edd5", "62229a5f", 5495976)
)
RegNet_X_800MF_Weights = _of(
    "RegNet_X_800MF", _twice("regnet_x_800mf", "ad17e45c", "94a99ebd", 7259656)
)
RegNet_X_8GF_Weights = _of("RegNet_X_8GF", _twice("regnet_x_8gf", "03ceed89", "2b70d774", 39572648))
RegNet_Y_128GF_Weights = _of(
    "RegNet_Y_128GF", _swag("regnet_y_128gf", "c8ce3e52", "cbe8ce12", 384, 644812894, 644812894)
)
RegNet_Y_16GF_Weights = _of(
    "RegNet_Y_16GF",
    _twice("regnet_y_16gf", "9e6ed7dd", "3e4a00f9", 83590140),
    _swag("regnet_y_16gf", "43afe44d", "f3ec0043", 384, 83590140, 83590140),
)
RegNet_Y_1_6GF_Weights = _of(
    "RegNet_Y_1_6GF", _twice("regnet_y_1_6gf", "b11a554e", "0d7bc02a", 11202430)
)
RegNet_Y_32GF_Weights = _of(
    "RegNet_Y_32GF",
    _twice("regnet_y_32gf", "4dee3f7a", "8db6d4b5", 145046770),
    _swag("regnet_y_32gf", "04fdfa75", "e1583746", 384, 145046770, 145046770),
)
RegNet_Y_3_2GF_Weights = _of(
    "RegNet_Y_3_2GF", _twice("regnet_y_3_2gf", "b5a9779c", "9180c971", 19436338)
)
RegNet_Y_400MF_Weights = _of(
    "RegNet_Y_400MF", _twice("regnet_y_400mf", "c65dace8", "e6988f5f", 4344144)
)
RegNet_Y_800MF_Weights = _of(
    "RegNet_Y_800MF", _twice("regnet_y_800mf", "1b27b58c", "58fc7688", 6432512)
)
RegNet_Y_8GF_Weights = _of("RegNet_Y_8GF", _twice("regnet_y_8gf", "d0d0e4a8", "dc2b1b54", 39381472))
ResNet101_Weights = _of("ResNet101", _twice("resnet101", "63fe2227", "cd907fc2", 44549160))
ResNet152_Weights = _of("ResNet152", _twice("resnet152", "394f9c45", "f82ba261", 60192808))
ResNet18_Weights = _of("ResNet18", _first("resnet18-f37072fd.pth", 11689512))
ResNet34_Weights = _of("ResNet34", _first("resnet34-b627a593.pth", 21797672))
ResNet50_Weights = _of("ResNet50", _twice("resnet50", "0676ba61", "11ad3fa6", 25557032))
ResNeXt101_32X8D_Weights = _of(
    "ResNeXt101_32X8D", _twice("resnext101_32x8d", "8ba56ff5", "110c445d", 88791336)
)
ResNeXt101_64X4D_Weights = _of(
    "ResNeXt101_64X4D", _first("resnext101_64x4d-173b62eb.pth", 83455272, 1, 232)
)
ResNeXt50_32X4D_Weights = _of(
    "ResNeXt50_32X4D", _twice("resnext50_32x4d", "7cdf4587", "1a0047aa", 25028904)
)
ShuffleNet_V2_X0_5_Weights = _of(
    "ShuffleNet_V2_X0_5", _first("shufflenetv2_x0.5-f707e7126e.pth", 1366792)
)
ShuffleNet_V2_X1_0_Weights = _of(
    "ShuffleNet_V2_X1_0", _first("shufflenetv2_x1-5666bf0f80.pth", 2278604)
)
ShuffleNet_V2_X1_5_Weights = _of(
    "ShuffleNet_V2_X1_5", _first("shufflenetv2_x1_5-3c479a10.pth", 3503624, 1, 232)
)
ShuffleNet_V2_X2_0_Weights = _of(
    "ShuffleNet_V2_X2_0", _first("shufflenetv2_x2_0-8be3c8ee.pth", 7393996, 1, 232)
)
SqueezeNet1_0_Weights = _of("SqueezeNet1_0", _first("squeezenet1_0-b66bff10.pth", 1248424, 21))
SqueezeNet1_1_Weights = _of("SqueezeNet1_1", _first("squeezenet1_1-b8a52dc0.pth", 1235496, 17))
Swin_B_Weights = _of("Swin_B", _first("swin_b-68c6b09e.pth", 87768224, 224, 238, **_FINE))
Swin_S_Weights = _of("Swin_S", _first("swin_s-5e29d889.pth", 49606258, 224, 246, **_FINE))
Swin_T_Weights = _of("Swin_T", _first("swin_t-704ceda3.pth", 28288354, 224, 232, **_FINE))
Swin_V2_B_Weights = _of(
    "Swin_V2_B", _first("swin_v2_b-781e5279.pth", 87930848, 256, 272, 256, **_FINE)
)
Swin_V2_S_Weights = _of(
    "Swin_V2_S", _first("swin_v2_s-637d8ceb.pth", 49737442, 256, 260, 256, **_FINE)
)
Swin_V2_T_Weights = _of(
    "Swin_V2_T", _first("swin_v2_t-b137f0e2.pth", 28351570, 256, 260, 256, **_FINE)
)
VGG11_BN_Weights = _of("VGG11_BN", _first("vgg11_bn-6002323d.pth", 132868840, 32))
VGG11_Weights = _of("VGG11", _first("vgg11-8a719046.pth", 132863336, 32))
VGG13_BN_Weights = _of("VGG13_BN", _first("vgg13_bn-abd245e5.pth", 133053736, 32))
VGG13_Weights = _of("VGG13", _first("vgg13-19584684.pth", 133047848, 32))
VGG16_BN_Weights = _of("VGG16_BN", _first("vgg16_bn-6c64b313.pth", 138365992, 32))
VGG16_Weights = _of(
    "VGG16",
    _first("vgg16-397923af.pth", 138357544, 32),
    {"IMAGENET1K_FEATURES": _file("vgg16_features-amdegroot-88682ab5.pth", 138357544, 32)},
)
VGG19_BN_Weights = _of("VGG19_BN", _first("vgg19_bn-c79401a0.pth", 143678248, 32))
VGG19_Weights = _of("VGG19", _first("vgg19-dcbb9e9d.pth", 143667240, 32))
ViT_B_16_Weights = _of(
    "ViT_B_16",
    _first("vit_b_16-c867db91.pth", 86567656, 224),
    _swag("vit_b_16", "9ac1b537", "4e70ced5", 384, 86859496, 86567656, whole=True),
)
ViT_B_32_Weights = _of("ViT_B_32", _first("vit_b_32-d86f8d99.pth", 88224232, 224))
ViT_H_14_Weights = _of(
    "ViT_H_14", _swag("vit_h_14", "80465313", "c1eb923e", 518, 633470440, 632045800, whole=True)
)
ViT_L_16_Weights = _of(
    "ViT_L_16",
    _first("vit_l_16-852ce7e3.pth", 304326632, 224, 242),
    _swag("vit_l_16", "4f3808c9", "4d563306", 512, 305174504, 304326632, whole=True),
)
ViT_L_32_Weights = _of("ViT_L_32", _first("vit_l_32-c7638314.pth", 306535400, 224))
Wide_ResNet101_2_Weights = _of(
    "Wide_ResNet101_2", _twice("wide_resnet101_2", "32ee1156", "d733dc28", 126886696)
)
Wide_ResNet50_2_Weights = _of(
    "Wide_ResNet50_2", _twice("wide_resnet50_2", "95faca4d", "9ba9bcbe", 68883240)
)
DeepLabV3_MobileNet_V3_Large_Weights = _of(
    "DeepLabV3_MobileNet_V3_Large", _segments("deeplabv3_mobilenet_v3_large-fc3c493d.pth", 11029328)
)
DeepLabV3_ResNet101_Weights = _of(
    "DeepLabV3_ResNet101", _segments("deeplabv3_resnet101_coco-586e9e4e.pth", 60996202)
)
DeepLabV3_ResNet50_Weights = _of(
    "DeepLabV3_ResNet50", _segments("deeplabv3_resnet50_coco-cd0a2569.pth", 42004074)
)
FCN_ResNet101_Weights = _of("FCN_ResNet101", _segments("fcn_resnet101_coco-7ecb50ca.pth", 54314346))
FCN_ResNet50_Weights = _of("FCN_ResNet50", _segments("fcn_resnet50_coco-1167a1af.pth", 35322218))
LRASPP_MobileNet_V3_Large_Weights = _of(
    "LRASPP_MobileNet_V3_Large", _segments("lraspp_mobilenet_v3_large-d234d4ea.pth", 3221538)
)
