"""Which trained weights there are for the newer networks: a table, of torchvision 0.28's figures."""

from __future__ import annotations

from functools import partial
from typing import Any

from rushlight.vision.models.trained import WHERE, Weights, WeightsEnum, given
from rushlight.vision.transforms.functional import InterpolationMode
from rushlight.vision.transforms.presets import SemanticSegmentation

_FINE: dict[str, Any] = {"interpolation": InterpolationMode.BICUBIC}
_HALF: dict[str, Any] = {"mean": (0.5,) * 3, "std": (0.5,) * 3}


def _whole(size: int) -> dict[str, Any]:
    """Nothing is cut off."""
    return {"crop_size": size, "resize_size": size, **_FINE}


def _segments(file: str, count: int, least: int) -> Weights:
    made = partial(SemanticSegmentation, resize_size=520)
    return Weights(WHERE + file, made, {"num_params": count, "min_size": (least, least)})


def _kind(name: str, default: str, **known: Weights) -> Any:
    members = [*known.items(), ("DEFAULT", known[default])]
    make: Any = WeightsEnum
    kind: Any = make(name, members, module=__name__)
    kind.__doc__ = f"Of {name.removesuffix('_Weights')}."
    return kind


ConvNeXt_Base_Weights = _kind(
    "ConvNeXt_Base_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("convnext_base-6075fbad.pth", 88591464, 32, resize_size=232),
)
ConvNeXt_Large_Weights = _kind(
    "ConvNeXt_Large_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("convnext_large-ea097f82.pth", 197767336, 32, resize_size=232),
)
ConvNeXt_Small_Weights = _kind(
    "ConvNeXt_Small_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("convnext_small-0c510722.pth", 50223688, 32, resize_size=230),
)
ConvNeXt_Tiny_Weights = _kind(
    "ConvNeXt_Tiny_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("convnext_tiny-983f1562.pth", 28589128, 32, resize_size=236),
)
DenseNet121_Weights = _kind(
    "DenseNet121_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("densenet121-a639ec97.pth", 7978856, 29),
)
DenseNet161_Weights = _kind(
    "DenseNet161_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("densenet161-8d451a50.pth", 28681000, 29),
)
DenseNet169_Weights = _kind(
    "DenseNet169_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("densenet169-b2777c0a.pth", 14149480, 29),
)
DenseNet201_Weights = _kind(
    "DenseNet201_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("densenet201-c1103571.pth", 20013928, 29),
)
EfficientNet_B0_Weights = _kind(
    "EfficientNet_B0_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("efficientnet_b0_rwightman-7f5810bc.pth", 5288548, 1, **_FINE),
)
EfficientNet_B1_Weights = _kind(
    "EfficientNet_B1_Weights",
    "IMAGENET1K_V2",
    IMAGENET1K_V1=given(
        "efficientnet_b1_rwightman-bac287d4.pth", 7794184, 1, crop_size=240, **_FINE
    ),
    IMAGENET1K_V2=given("efficientnet_b1-c27df63c.pth", 7794184, 1, crop_size=240, resize_size=255),
)
EfficientNet_B2_Weights = _kind(
    "EfficientNet_B2_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given(
        "efficientnet_b2_rwightman-c35c1473.pth",
        9109994,
        1,
        crop_size=288,
        resize_size=288,
        **_FINE,
    ),
)
EfficientNet_B3_Weights = _kind(
    "EfficientNet_B3_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given(
        "efficientnet_b3_rwightman-b3899882.pth",
        12233232,
        1,
        crop_size=300,
        resize_size=320,
        **_FINE,
    ),
)
EfficientNet_B4_Weights = _kind(
    "EfficientNet_B4_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given(
        "efficientnet_b4_rwightman-23ab8bcd.pth",
        19341616,
        1,
        crop_size=380,
        resize_size=384,
        **_FINE,
    ),
)
EfficientNet_B5_Weights = _kind(
    "EfficientNet_B5_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given(
        "efficientnet_b5_lukemelas-1a07897c.pth",
        30389784,
        1,
        crop_size=456,
        resize_size=456,
        **_FINE,
    ),
)
EfficientNet_B6_Weights = _kind(
    "EfficientNet_B6_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given(
        "efficientnet_b6_lukemelas-24a108a5.pth",
        43040704,
        1,
        crop_size=528,
        resize_size=528,
        **_FINE,
    ),
)
EfficientNet_B7_Weights = _kind(
    "EfficientNet_B7_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given(
        "efficientnet_b7_lukemelas-c5b4e57e.pth",
        66347960,
        1,
        crop_size=600,
        resize_size=600,
        **_FINE,
    ),
)
EfficientNet_V2_L_Weights = _kind(
    "EfficientNet_V2_L_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given(
        "efficientnet_v2_l-59c71312.pth",
        118515272,
        33,
        crop_size=480,
        resize_size=480,
        **_FINE,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
    ),
)
EfficientNet_V2_M_Weights = _kind(
    "EfficientNet_V2_M_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given(
        "efficientnet_v2_m-dc08266a.pth", 54139356, 33, crop_size=480, resize_size=480
    ),
)
EfficientNet_V2_S_Weights = _kind(
    "EfficientNet_V2_S_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given(
        "efficientnet_v2_s-dd5fe13b.pth", 21458488, 33, crop_size=384, resize_size=384
    ),
)
GoogLeNet_Weights = _kind(
    "GoogLeNet_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("googlenet-1378be20.pth", 6624904, 15),
)
Inception_V3_Weights = _kind(
    "Inception_V3_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given(
        "inception_v3_google-0cc3c7bd.pth", 27161264, 75, crop_size=299, resize_size=342
    ),
)
MNASNet0_5_Weights = _kind(
    "MNASNet0_5_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("mnasnet0.5_top1_67.823-3ffadce67e.pth", 2218512, 1),
)
MNASNet0_75_Weights = _kind(
    "MNASNet0_75_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("mnasnet0_75-7090bc5f.pth", 3170208, 1, resize_size=232),
)
MNASNet1_0_Weights = _kind(
    "MNASNet1_0_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("mnasnet1.0_top1_73.512-f206786ef8.pth", 4383312, 1),
)
MNASNet1_3_Weights = _kind(
    "MNASNet1_3_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("mnasnet1_3-a4c69d6f.pth", 6282256, 1, resize_size=232),
)
MobileNet_V2_Weights = _kind(
    "MobileNet_V2_Weights",
    "IMAGENET1K_V2",
    IMAGENET1K_V1=given("mobilenet_v2-b0353104.pth", 3504872, 1),
    IMAGENET1K_V2=given("mobilenet_v2-7ebf99e0.pth", 3504872, 1, resize_size=232),
)
MobileNet_V3_Large_Weights = _kind(
    "MobileNet_V3_Large_Weights",
    "IMAGENET1K_V2",
    IMAGENET1K_V1=given("mobilenet_v3_large-8738ca79.pth", 5483032, 1),
    IMAGENET1K_V2=given("mobilenet_v3_large-5c1a4163.pth", 5483032, 1, resize_size=232),
)
MobileNet_V3_Small_Weights = _kind(
    "MobileNet_V3_Small_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("mobilenet_v3_small-047dcff4.pth", 2542856, 1),
)
RegNet_X_16GF_Weights = _kind(
    "RegNet_X_16GF_Weights",
    "IMAGENET1K_V2",
    IMAGENET1K_V1=given("regnet_x_16gf-2007eb11.pth", 54278536, 1),
    IMAGENET1K_V2=given("regnet_x_16gf-ba3796d7.pth", 54278536, 1, resize_size=232),
)
RegNet_X_1_6GF_Weights = _kind(
    "RegNet_X_1_6GF_Weights",
    "IMAGENET1K_V2",
    IMAGENET1K_V1=given("regnet_x_1_6gf-e3633e7f.pth", 9190136, 1),
    IMAGENET1K_V2=given("regnet_x_1_6gf-a12f2b72.pth", 9190136, 1, resize_size=232),
)
RegNet_X_32GF_Weights = _kind(
    "RegNet_X_32GF_Weights",
    "IMAGENET1K_V2",
    IMAGENET1K_V1=given("regnet_x_32gf-9d47f8d0.pth", 107811560, 1),
    IMAGENET1K_V2=given("regnet_x_32gf-6eb8fdc6.pth", 107811560, 1, resize_size=232),
)
RegNet_X_3_2GF_Weights = _kind(
    "RegNet_X_3_2GF_Weights",
    "IMAGENET1K_V2",
    IMAGENET1K_V1=given("regnet_x_3_2gf-f342aeae.pth", 15296552, 1),
    IMAGENET1K_V2=given("regnet_x_3_2gf-7071aa85.pth", 15296552, 1, resize_size=232),
)
RegNet_X_400MF_Weights = _kind(
    "RegNet_X_400MF_Weights",
    "IMAGENET1K_V2",
    IMAGENET1K_V1=given("regnet_x_400mf-adf1edd5.pth", 5495976, 1),
    IMAGENET1K_V2=given("regnet_x_400mf-62229a5f.pth", 5495976, 1, resize_size=232),
)
RegNet_X_800MF_Weights = _kind(
    "RegNet_X_800MF_Weights",
    "IMAGENET1K_V2",
    IMAGENET1K_V1=given("regnet_x_800mf-ad17e45c.pth", 7259656, 1),
    IMAGENET1K_V2=given("regnet_x_800mf-94a99ebd.pth", 7259656, 1, resize_size=232),
)
RegNet_X_8GF_Weights = _kind(
    "RegNet_X_8GF_Weights",
    "IMAGENET1K_V2",
    IMAGENET1K_V1=given("regnet_x_8gf-03ceed89.pth", 39572648, 1),
    IMAGENET1K_V2=given("regnet_x_8gf-2b70d774.pth", 39572648, 1, resize_size=232),
)
RegNet_Y_128GF_Weights = _kind(
    "RegNet_Y_128GF_Weights",
    "IMAGENET1K_SWAG_E2E_V1",
    IMAGENET1K_SWAG_E2E_V1=given(
        "regnet_y_128gf_swag-c8ce3e52.pth",
        644812894,
        1,
        crop_size=384,
        resize_size=384,
        **_FINE,
    ),
    IMAGENET1K_SWAG_LINEAR_V1=given(
        "regnet_y_128gf_lc_swag-cbe8ce12.pth", 644812894, 1, **_whole(224)
    ),
)
RegNet_Y_16GF_Weights = _kind(
    "RegNet_Y_16GF_Weights",
    "IMAGENET1K_V2",
    IMAGENET1K_V1=given("regnet_y_16gf-9e6ed7dd.pth", 83590140, 1),
    IMAGENET1K_V2=given("regnet_y_16gf-3e4a00f9.pth", 83590140, 1, resize_size=232),
    IMAGENET1K_SWAG_E2E_V1=given(
        "regnet_y_16gf_swag-43afe44d.pth",
        83590140,
        1,
        crop_size=384,
        resize_size=384,
        **_FINE,
    ),
    IMAGENET1K_SWAG_LINEAR_V1=given(
        "regnet_y_16gf_lc_swag-f3ec0043.pth", 83590140, 1, **_whole(224)
    ),
)
RegNet_Y_1_6GF_Weights = _kind(
    "RegNet_Y_1_6GF_Weights",
    "IMAGENET1K_V2",
    IMAGENET1K_V1=given("regnet_y_1_6gf-b11a554e.pth", 11202430, 1),
    IMAGENET1K_V2=given("regnet_y_1_6gf-0d7bc02a.pth", 11202430, 1, resize_size=232),
)
RegNet_Y_32GF_Weights = _kind(
    "RegNet_Y_32GF_Weights",
    "IMAGENET1K_V2",
    IMAGENET1K_V1=given("regnet_y_32gf-4dee3f7a.pth", 145046770, 1),
    IMAGENET1K_V2=given("regnet_y_32gf-8db6d4b5.pth", 145046770, 1, resize_size=232),
    IMAGENET1K_SWAG_E2E_V1=given(
        "regnet_y_32gf_swag-04fdfa75.pth",
        145046770,
        1,
        crop_size=384,
        resize_size=384,
        **_FINE,
    ),
    IMAGENET1K_SWAG_LINEAR_V1=given(
        "regnet_y_32gf_lc_swag-e1583746.pth", 145046770, 1, **_whole(224)
    ),
)
RegNet_Y_3_2GF_Weights = _kind(
    "RegNet_Y_3_2GF_Weights",
    "IMAGENET1K_V2",
    IMAGENET1K_V1=given("regnet_y_3_2gf-b5a9779c.pth", 19436338, 1),
    IMAGENET1K_V2=given("regnet_y_3_2gf-9180c971.pth", 19436338, 1, resize_size=232),
)
RegNet_Y_400MF_Weights = _kind(
    "RegNet_Y_400MF_Weights",
    "IMAGENET1K_V2",
    IMAGENET1K_V1=given("regnet_y_400mf-c65dace8.pth", 4344144, 1),
    IMAGENET1K_V2=given("regnet_y_400mf-e6988f5f.pth", 4344144, 1, resize_size=232),
)
RegNet_Y_800MF_Weights = _kind(
    "RegNet_Y_800MF_Weights",
    "IMAGENET1K_V2",
    IMAGENET1K_V1=given("regnet_y_800mf-1b27b58c.pth", 6432512, 1),
    IMAGENET1K_V2=given("regnet_y_800mf-58fc7688.pth", 6432512, 1, resize_size=232),
)
RegNet_Y_8GF_Weights = _kind(
    "RegNet_Y_8GF_Weights",
    "IMAGENET1K_V2",
    IMAGENET1K_V1=given("regnet_y_8gf-d0d0e4a8.pth", 39381472, 1),
    IMAGENET1K_V2=given("regnet_y_8gf-dc2b1b54.pth", 39381472, 1, resize_size=232),
)
ShuffleNet_V2_X0_5_Weights = _kind(
    "ShuffleNet_V2_X0_5_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("shufflenetv2_x0.5-f707e7126e.pth", 1366792, 1),
)
ShuffleNet_V2_X1_0_Weights = _kind(
    "ShuffleNet_V2_X1_0_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("shufflenetv2_x1-5666bf0f80.pth", 2278604, 1),
)
ShuffleNet_V2_X1_5_Weights = _kind(
    "ShuffleNet_V2_X1_5_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("shufflenetv2_x1_5-3c479a10.pth", 3503624, 1, resize_size=232),
)
ShuffleNet_V2_X2_0_Weights = _kind(
    "ShuffleNet_V2_X2_0_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("shufflenetv2_x2_0-8be3c8ee.pth", 7393996, 1, resize_size=232),
)
SqueezeNet1_0_Weights = _kind(
    "SqueezeNet1_0_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("squeezenet1_0-b66bff10.pth", 1248424, 21),
)
SqueezeNet1_1_Weights = _kind(
    "SqueezeNet1_1_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("squeezenet1_1-b8a52dc0.pth", 1235496, 17),
)
Swin_B_Weights = _kind(
    "Swin_B_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("swin_b-68c6b09e.pth", 87768224, 224, resize_size=238, **_FINE),
)
Swin_S_Weights = _kind(
    "Swin_S_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("swin_s-5e29d889.pth", 49606258, 224, resize_size=246, **_FINE),
)
Swin_T_Weights = _kind(
    "Swin_T_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("swin_t-704ceda3.pth", 28288354, 224, resize_size=232, **_FINE),
)
ViT_B_16_Weights = _kind(
    "ViT_B_16_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("vit_b_16-c867db91.pth", 86567656, 224),
    IMAGENET1K_SWAG_E2E_V1=given(
        "vit_b_16_swag-9ac1b537.pth",
        86859496,
        384,
        crop_size=384,
        resize_size=384,
        **_FINE,
    ),
    IMAGENET1K_SWAG_LINEAR_V1=given("vit_b_16_lc_swag-4e70ced5.pth", 86567656, 224, **_whole(224)),
)
ViT_B_32_Weights = _kind(
    "ViT_B_32_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("vit_b_32-d86f8d99.pth", 88224232, 224),
)
ViT_H_14_Weights = _kind(
    "ViT_H_14_Weights",
    "IMAGENET1K_SWAG_E2E_V1",
    IMAGENET1K_SWAG_E2E_V1=given(
        "vit_h_14_swag-80465313.pth",
        633470440,
        518,
        crop_size=518,
        resize_size=518,
        **_FINE,
    ),
    IMAGENET1K_SWAG_LINEAR_V1=given("vit_h_14_lc_swag-c1eb923e.pth", 632045800, 224, **_whole(224)),
)
ViT_L_16_Weights = _kind(
    "ViT_L_16_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("vit_l_16-852ce7e3.pth", 304326632, 224, resize_size=242),
    IMAGENET1K_SWAG_E2E_V1=given(
        "vit_l_16_swag-4f3808c9.pth",
        305174504,
        512,
        crop_size=512,
        resize_size=512,
        **_FINE,
    ),
    IMAGENET1K_SWAG_LINEAR_V1=given("vit_l_16_lc_swag-4d563306.pth", 304326632, 224, **_whole(224)),
)
ViT_L_32_Weights = _kind(
    "ViT_L_32_Weights",
    "IMAGENET1K_V1",
    IMAGENET1K_V1=given("vit_l_32-c7638314.pth", 306535400, 224),
)
DeepLabV3_MobileNet_V3_Large_Weights = _kind(
    "DeepLabV3_MobileNet_V3_Large_Weights",
    "COCO_WITH_VOC_LABELS_V1",
    COCO_WITH_VOC_LABELS_V1=_segments("deeplabv3_mobilenet_v3_large-fc3c493d.pth", 11029328, 1),
)
DeepLabV3_ResNet101_Weights = _kind(
    "DeepLabV3_ResNet101_Weights",
    "COCO_WITH_VOC_LABELS_V1",
    COCO_WITH_VOC_LABELS_V1=_segments("deeplabv3_resnet101_coco-586e9e4e.pth", 60996202, 1),
)
DeepLabV3_ResNet50_Weights = _kind(
    "DeepLabV3_ResNet50_Weights",
    "COCO_WITH_VOC_LABELS_V1",
    COCO_WITH_VOC_LABELS_V1=_segments("deeplabv3_resnet50_coco-cd0a2569.pth", 42004074, 1),
)
FCN_ResNet101_Weights = _kind(
    "FCN_ResNet101_Weights",
    "COCO_WITH_VOC_LABELS_V1",
    COCO_WITH_VOC_LABELS_V1=_segments("fcn_resnet101_coco-7ecb50ca.pth", 54314346, 1),
)
FCN_ResNet50_Weights = _kind(
    "FCN_ResNet50_Weights",
    "COCO_WITH_VOC_LABELS_V1",
    COCO_WITH_VOC_LABELS_V1=_segments("fcn_resnet50_coco-1167a1af.pth", 35322218, 1),
)
