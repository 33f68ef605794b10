"""Changes drawn from lists: the sums of pixels are torchvision 0.28's under the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import rushlight as torch
from rushlight.vision import transforms as T

# Of a tensor and of a Pillow image in turn. Where pixels are moved or scaled, some differ by one.
SUMS = {
    "AutoAugment()": [
        268571,
        268581,
        179900,
        153212,
        143552,
        180581,
        268571,
        181838,
        170176,
        268571,
        179617,
        181705,
    ],
    "AutoAugment(T.AutoAugmentPolicy.CIFAR10, fill=7)": [
        176196,
        251569,
        268571,
        180582,
        180581,
        180581,
        180581,
        180581,
        180581,
        176239,
        125586,
        268571,
    ],
    "AutoAugment(T.AutoAugmentPolicy.SVHN, T.InterpolationMode.BILINEAR, [1, 2, 3])": [
        81833,
        186619,
        162011,
        186619,
        168931,
        151829,
        157742,
        180582,
        169637,
        125586,
        161751,
        162912,
    ],
    "RandAugment()": [
        163412,
        158302,
        162724,
        168786,
        131137,
        162720,
        130954,
        180582,
        171820,
        180582,
        179302,
        111654,
    ],
    "RandAugment(3, 5, 11, fill=3)": [
        116530,
        146279,
        162730,
        77220,
        179077,
        165784,
        179902,
        115472,
        75137,
        221356,
        151658,
        105946,
    ],
    "TrivialAugmentWide()": [
        180439,
        179846,
        268571,
        180080,
        180581,
        268571,
        180582,
        153119,
        253550,
        180470,
        27254,
        180582,
    ],
    "TrivialAugmentWide(7, T.InterpolationMode.BILINEAR)": [
        180378,
        175608,
        268571,
        181738,
        170176,
        268571,
        180582,
        148308,
        242820,
        181017,
        0,
        180582,
    ],
    "AugMix()": [
        174226,
        246713,
        178510,
        165585,
        177723,
        196045,
        182893,
        179393,
        178187,
        180409,
        172015,
        178827,
    ],
    "AugMix(5, 2, 2, 0.5, False)": [
        181984,
        172030,
        157121,
        189852,
        204561,
        176081,
        179394,
        144575,
        223360,
        153488,
        172578,
        177013,
    ],
}


@pytest.mark.parametrize("made", SUMS)
def test_draws_and_pixels(made: str) -> None:
    torch.manual_seed(0)
    image = torch.randint(0, 256, (3, 20, 24), dtype=torch.uint8)
    picture = Image.fromarray(image.permute(1, 2, 0).numpy())
    transform = eval(f"T.{made}")
    torch.manual_seed(1)
    found = []
    for _ in range(6):
        found += [
            int(transform(image).long().sum()),
            int(np.asarray(transform(picture)).astype(int).sum()),
        ]
    assert found == pytest.approx(SUMS[made], rel=1e-3)


def test_of_many_images_and_what_is_refused() -> None:
    images = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    for transform in (T.AutoAugment(), T.RandAugment(), T.TrivialAugmentWide(), T.AugMix()):
        assert transform(images).shape == images.shape
    assert repr(T.RandAugment(3)) == (
        "RandAugment(num_ops=3, magnitude=9, num_magnitude_bins=31, "
        "interpolation=InterpolationMode.NEAREST, fill=None)"
    )
    with pytest.raises(ValueError, match="severity must be between"):
        T.AugMix(11)
    with pytest.raises(ValueError, match="not recognized"):
        T.AutoAugment("unknown")
