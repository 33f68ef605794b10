"""Transforms against what torchvision 0.28 gave for the same pictures and seeds (see record.py)."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight.vision import transforms
from tests.vision.cases import CALLS, TRANSFORMS, WRONG, evaluate, pictures

RECORDED = json.loads(Path(__file__).with_name("torchvision_0_28.json").read_text())


@pytest.mark.parametrize("text", [*TRANSFORMS, *CALLS])
def test_as_torchvision(text: str) -> None:
    for kind, img in pictures(torch).items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            got = evaluate(transforms, torch, text, img)
        want = RECORDED[text][kind]
        assert len(got) == len(want), (kind, want, got)
        for a, b in zip(want, got, strict=True):
            close = isinstance(a, float) and a == pytest.approx(b, rel=1e-4, abs=0.02)
            assert a == b or close, (kind, want, got)


@pytest.mark.parametrize("text", WRONG)
def test_wrong_arguments(text: str) -> None:
    assert evaluate(transforms, torch, text, "x") == RECORDED[text]["text"]


def test_errors_say_what_is_wrong() -> None:
    image = pictures(torch)["RGB"]
    for action, error, message in (
        (lambda: transforms.Resize(3, interpolation="bilinear"), TypeError, "got 'bilinear'"),
        (
            lambda: transforms.RandomCrop(30)(image),
            ValueError,
            r"\(30, 30\) is larger .* \(16, 24\)",
        ),
        (lambda: transforms.Normalize([0.0], [0.0])(torch.ones(1, 2, 2)), ValueError, "by zero"),
        (lambda: transforms.Normalize([0.0], [1.0])(image), TypeError, "Tensor Image. Got .*Image"),
        (lambda: transforms.RandomCrop(3)(np.ones((5, 5))), TypeError, r"rushlight\[vision\]"),
    ):
        with pytest.raises(error, match=message):
            action()


def test_a_tensor_is_normalised_in_place_only_where_asked() -> None:
    x = torch.ones(1, 2, 2)
    transforms.Normalize([0.5], [0.5])(x)
    assert x.sum().item() == 4
    assert transforms.Normalize([0.0], [0.5], inplace=True)(x) is x
    assert x.sum().item() == 8


def test_gradients_pass_through_what_tensors_go_through() -> None:
    x = torch.rand(3, 8, 8, requires_grad=True)
    chain = transforms.Compose(
        [
            transforms.Normalize([0.5] * 3, [0.25] * 3),
            transforms.CenterCrop(10),
            transforms.Pad(1, padding_mode="reflect"),
            transforms.Resize((20, 20)),
            transforms.Grayscale(),
        ]
    )
    chain(x).sum().backward()
    assert x.grad.shape == x.shape
    assert (x.grad > 0).all()


def test_pictures_of_every_mode_become_tensors_and_back() -> None:
    from PIL import Image

    byte = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "F"):
        image = Image.fromarray(byte).convert("RGB").convert(mode)
        tensor = transforms.functional.pil_to_tensor(image)
        assert tensor.shape == (len(image.getbands()), 3, 4)
        if mode not in ("1", "P"):
            back = transforms.functional.to_pil_image(tensor, mode)
            assert (back.mode, back.tobytes()) == (mode, image.tobytes())
    for dtype, mode in {"int16": "I;16", "int32": "I", "float32": "F"}.items():
        values = np.arange(6).reshape(2, 3).astype(dtype)
        image = transforms.ToPILImage(mode)(values)
        assert image.mode == mode
        assert transforms.ToTensor()(image).numpy().tolist() == [values.tolist()]
        assert str(transforms.ToTensor()(image).dtype) == f"torch.{dtype}"
    for array, mode, error in (
        (np.ones((2, 2, 5), np.uint8), None, ValueError),
        (np.ones((2, 2, 2, 2), np.uint8), None, ValueError),
        (np.ones((2, 2, 3), np.uint8), "L", ValueError),
        (np.ones((2, 2), np.uint8), "RGB", ValueError),
        (np.ones((2, 2), np.int64), None, TypeError),
        ([[1]], None, TypeError),
    ):
        with pytest.raises(error):
            transforms.functional.to_pil_image(array, mode)


def test_noise_beyond_a_byte_wraps_round() -> None:
    values = torch.tensor([[[-0.5, 1.5, 2.25]]])
    assert list(transforms.ToPILImage()(values).tobytes()) == [129, 126, 61]


def test_the_default_dtype_is_that_of_tensors_from_pictures() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        assert transforms.ToTensor()(np.zeros((2, 2), np.uint8)).dtype is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_without_pillow_arrays_and_tensors_still_work(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    monkeypatch.setitem(sys.modules, "PIL", None)
    chain = transforms.Compose([transforms.ToTensor(), transforms.RandomCrop(2, padding=1)])
    assert chain(np.zeros((3, 3), np.uint8)).shape == (1, 2, 2)
    with pytest.raises(ImportError, match=r"rushlight\[vision\]"):
        transforms.ToPILImage()(torch.zeros(1, 2, 2))
    with pytest.raises(TypeError, match="PIL Image or ndarray"):
        transforms.ToTensor()(torch.zeros(1, 2, 2))
