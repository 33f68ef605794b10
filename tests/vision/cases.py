"""Transforms and pictures on which rushlight.vision is held against torchvision."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

TRANSFORMS = """
ToTensor()
PILToTensor()
ToPILImage()
Compose([ToTensor(), Normalize((0.5, 0.4, 0.3), (0.2, 0.3, 0.4))])
Compose([PILToTensor(), ConvertImageDtype(torch.float32)])
Compose([ToTensor(), ConvertImageDtype(torch.uint8), ToPILImage()])
Lambda(lambda img: img)
Resize(8)
Resize((9, 20))
Resize([12])
Resize(40, max_size=50)
Resize((30, 30), InterpolationMode.NEAREST)
Resize((30, 30), InterpolationMode.BICUBIC)
Resize((7, 5), InterpolationMode.BICUBIC)
Resize((7, 5), antialias=True)
CenterCrop(10)
CenterCrop((11, 6))
CenterCrop((30, 40))
CenterCrop((30, 5))
FiveCrop(8)
TenCrop((5, 7), vertical_flip=True)
Pad(3)
Pad((2, 3), fill=7)
Pad((1, 2, 3, 4), padding_mode='edge')
Pad([1, 2, 3, 4], padding_mode='reflect')
Pad(2, padding_mode='symmetric')
Pad(-2)
Pad((-1, 2, 3, -2), padding_mode='edge')
RandomCrop(8)
RandomCrop((16, 20), padding=4)
RandomCrop(10, padding=(1, 2), padding_mode='reflect')
RandomCrop((30, 34), pad_if_needed=True)
RandomCrop((16, 24))
RandomHorizontalFlip()
RandomHorizontalFlip(p=0.9)
RandomVerticalFlip(0.6)
RandomResizedCrop(12)
RandomResizedCrop((8, 10), scale=(0.5, 1.0), ratio=(1.0, 1.0))
RandomResizedCrop(12, scale=(0.9, 1.0), ratio=(5.0, 6.0))
RandomRotation(30)
RandomRotation((10, 90), expand=True)
RandomRotation(45, InterpolationMode.BILINEAR, fill=9)
RandomRotation(45, center=(3, 4), fill=1)
RandomAffine(20)
RandomAffine(20, translate=(0.1, 0.2), scale=(0.8, 1.2), shear=10)
RandomAffine((0, 90), shear=(-5, 5, -10, 10), interpolation=InterpolationMode.BILINEAR, fill=5)
RandomAffine(0, scale=(2.0, 2.0), center=(0, 0))
Grayscale()
Grayscale(3)
RandomGrayscale(p=0.7)
RandomInvert()
ColorJitter(0.4, 0.3, 0.2, 0.1)
ColorJitter(brightness=(0.5, 1.5))
ColorJitter(hue=0.5)
ColorJitter(saturation=2)
ColorJitter()
GaussianBlur(3)
GaussianBlur((5, 7), sigma=(0.5, 1.5))
GaussianBlur(3, 1.0)
Compose([ToTensor(), RandomErasing(p=1.0)])
Compose([ToTensor(), RandomErasing(p=1.0, value='random')])
Compose([ToTensor(), RandomErasing(p=0.5, scale=(0.1, 0.2), ratio=(0.5, 2.0), value=(1, 2, 3))])
RandomErasing(p=0.5)
RandomApply([RandomHorizontalFlip(p=1), Pad(1)], p=0.5)
RandomChoice([Pad(1), Pad(2), Pad(3)])
RandomChoice([Pad(1), Pad(2)], p=[0.9, 0.1])
RandomOrder([Pad(1), CenterCrop(12)])
torch.nn.Sequential(CenterCrop(10), Pad(1))
""".strip().splitlines()

CALLS = """
functional.get_dimensions(img)
functional.get_image_size(img)
functional.get_image_num_channels(img)
functional.convert_image_dtype(img, torch.float64)
functional.convert_image_dtype(img, torch.int16)
functional.convert_image_dtype(img, torch.int32)
functional.convert_image_dtype(img, torch.int8)
functional.normalize(img, [0.5] * 3, [0.2] * 3)
functional.normalize(img, (0.5,), (0.0,))
functional.normalize(img, 0.5, 0.3)
functional.resize(img, [10, 12, 13])
functional.resize(img, (10, 12), max_size=20)
functional.resize(img, 10, max_size=9)
functional.resize(img, (10, 12), 2)
functional.resize(img, (10, 12), 'bilinear')
functional.resize(img, (40, 60), InterpolationMode.NEAREST_EXACT)
functional.resize(img, (10, 12), InterpolationMode.NEAREST_EXACT)
functional.resize(img, 10, antialias=None)
functional.pad(img, 1, 3)
functional.pad(img, [1, 2, 3])
functional.pad(img, 1, padding_mode='round')
functional.pad(img, 'x')
functional.pad(img, 1, fill='x')
functional.crop(img, 2, 3, 5, 6)
functional.crop(img, -2, -3, 8, 9)
functional.crop(img, 12, 20, 8, 9)
functional.center_crop(img, [9])
functional.five_crop(img, 40)
functional.rotate(img, 90)
functional.rotate(img, 45.5, InterpolationMode.BILINEAR, expand=True)
functional.rotate(img, 'x')
functional.rotate(img, 10, center=3)
functional.rotate(img, 10, fill=[1.0, 2.0])
functional.affine(img, 10, [2, 3], 1.5, [5, 6])
functional.affine(img, 10.0, (2, 3), 0.5, 7, InterpolationMode.BILINEAR)
functional.affine(img, 0, (0, 0), 1.0, (0.0,), center=[1, 2])
functional.affine(img, 0, (0,), 1.0, 0)
functional.affine(img, 0, (0, 0), 0.0, 0)
functional.affine(img, 0, (0, 0), 1.0, (1, 2, 3))
functional.affine(img, 0, (0, 0), 1.0, 'x')
functional.affine(img, 0, 1, 1.0, 0)
functional.rgb_to_grayscale(img, 2)
functional.to_grayscale(img)
functional.adjust_brightness(img, 1.7)
functional.adjust_brightness(img, -0.5)
functional.adjust_contrast(img, 0.5)
functional.adjust_saturation(img, 1.7)
functional.adjust_hue(img, -0.4)
functional.adjust_hue(img, 0.6)
functional.adjust_gamma(img, 2.2, 0.8)
functional.adjust_gamma(img, -1)
functional.gaussian_blur(img, [3, 5], [0.5, 1.0])
functional.gaussian_blur(img, 4)
functional.gaussian_blur(img, [3, 5, 7])
functional.gaussian_blur(img, 3, -1.0)
functional.erase(img, 1, 2, 3, 4, torch.ones(3, 1, 1))
functional.to_tensor(img)
functional.pil_to_tensor(img)
functional.to_pil_image(img)
functional.hflip(img)
functional.vflip(img)
""".strip().splitlines()

WRONG = """
Resize('x')
Resize((1, 2, 3))
Resize(None)
CenterCrop((1, 2, 3))
Pad('x')
Pad((1, 2, 3))
Pad(1, padding_mode='round')
Pad(1, fill='x')
Lambda(3)
RandomChoice(3)
RandomChoice([Pad(1)], p=3)
RandomRotation(-1)
RandomRotation((1, 2, 3))
RandomRotation(10, center=2)
RandomRotation(10, center=(1,))
RandomRotation(10, fill=object())
RandomAffine(10, translate=(2, 0))
RandomAffine(10, translate=1)
RandomAffine(10, scale=(0, 1))
RandomAffine(10, shear=(1, 2, 3))
RandomAffine(10, fill=object())
ColorJitter(-1)
ColorJitter((1, 2, 3))
ColorJitter('x')
ColorJitter(hue=0.7)
ColorJitter(brightness=(2, 1))
GaussianBlur(2)
GaussianBlur(3, 0)
GaussianBlur(3, (2, 1))
GaussianBlur(3, (1, 2, 3))
GaussianBlur((1, 2, 3))
RandomErasing(value='x')
RandomErasing(value=None)
RandomErasing(scale=(-1, 0.5))
RandomErasing(p=2)
RandomErasing(scale=3)
RandomResizedCrop(3, scale=3)
RandomResizedCrop((1, 2, 3))
RandomCrop((1, 2, 3))
""".strip().splitlines()

DRAWS = 3


def pictures(torch: Any) -> dict[str, Any]:
    """Pictures of several kinds by name, tensors of the given framework among them."""
    from PIL import Image

    noise = np.random.RandomState(0).randint(0, 256, (16, 24, 3)).astype(np.uint8)
    slope = np.add.outer(np.arange(16) * 7, np.arange(24) * 5).astype(np.uint8)
    channels = torch.from_numpy(noise.transpose(2, 0, 1).copy())
    gray = torch.from_numpy(slope[None].copy())
    return {
        "RGB": Image.fromarray(noise),
        "L": Image.fromarray(slope),
        "bytes": channels,
        "floats": channels.float() / 255,
        "gray": gray.double() / 255,
        "batch": torch.stack([channels, channels.flip(-1)]).float() / 255,
        "array": noise,
        "row": torch.arange(5.0),
        "text": "x",
    }


def evaluate(transforms: Any, torch: Any, text: str, img: Any) -> list[Any]:
    """What an expression gives: its repr and results if it is a transform, or the error's type."""
    names = {**vars(transforms), "torch": torch, "img": img}
    torch.manual_seed(5)
    random.seed(5)
    try:
        value = eval(text, names)
        if not callable(value):
            return digest(value)
        if isinstance(img, str):
            return [repr(value)]
        results = [digest(value(img)) for _ in range(DRAWS)]
    except Exception as error:
        return [next(t.__name__ for t in type(error).__mro__ if t.__module__ == "builtins")]
    # What is drawn next shows how much was drawn.
    results = results if results != [results[0]] * DRAWS else results[:1]
    return [*(part for result in results for part in result), round(float(torch.rand(1)), 4)]


def digest(value: Any) -> list[Any]:
    """Kind, shape, mean, and a mean with varying weights of each picture in a result."""
    if isinstance(value, tuple):
        return [part for item in value for part in digest(item)]
    if not hasattr(value, "dtype") and not hasattr(value, "getbands"):
        return [value]
    kind = str(value.dtype) if hasattr(value, "dtype") else value.mode
    array = np.asarray(value, np.float64)
    weights = np.sin(np.arange(array.size) + 1)
    return [
        f"{kind} {'x'.join(map(str, array.shape))}",
        round(float(array.mean()), 5),
        round(float((array.ravel() * weights).mean()), 5),
    ]
