"""Networks of torchvision's: parameters, names and shapes, first weights under a seed, and outputs.

The figures were recorded from torchvision 0.28 (`python -m tests.vision.record_networks`).
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest

import rushlight as torch
from rushlight.vision import models
from rushlight.vision.models._utils import IntermediateLayerGetter
from tests.vision.record_networks import FILE, made

FIGURES = json.loads(Path(FILE).read_text())


@pytest.mark.parametrize("name", FIGURES)
def test_parameters_are_torchvisions(name: str) -> None:
    figures = FIGURES[name]
    with torch.device("meta"):
        model = made(models, name)
    assert sum(p.numel() for p in model.parameters()) == figures["count"]
    shapes = "\n".join(f"{key} {tuple(v.shape)}" for key, v in model.state_dict().items())
    assert zlib.crc32(shapes.encode()) == figures["keys"]


@pytest.mark.parametrize("name", [name for name, known in FIGURES.items() if "out" in known])
def test_first_weights_and_outputs_are_torchvisions(name: str) -> None:
    figures = FIGURES[name]
    torch.manual_seed(0)
    model = made(models, name).eval()
    total = sum(p.detach().double().abs().sum().item() for p in model.parameters())
    assert total == pytest.approx(figures["sum"], rel=1e-6)
    assert torch.rand(1).item() == figures["next"]
    size = figures["size"]
    image = torch.linspace(-1, 1, 3 * size * size).reshape(1, 3, size, size)
    with torch.no_grad():
        found = model(image)
    found = found["out"] if isinstance(found, dict) else found
    assert found.flatten()[:4].tolist() == pytest.approx(figures["out"], rel=1e-4, abs=1e-4)


def test_what_training_gives_besides() -> None:
    image = torch.rand(2, 3, 80, 80)
    with pytest.warns(FutureWarning, match="initialization of GoogleNet"):
        model = models.googlenet(num_classes=3, aux_logits=False)
    assert model(image).shape == (2, 3)
    net = models.segmentation.fcn_resnet50(weights_backbone=None, num_classes=2, aux_loss=True)
    found = net.eval()(torch.rand(1, 3, 33, 32))
    assert list(found) == ["out", "aux"]
    assert found["aux"].shape == (1, 2, 33, 32)


def test_names_and_weights() -> None:
    assert models.get_model("squeezenet1_1", num_classes=2).num_classes == 2
    assert models.get_weight("ViT_B_16_Weights.DEFAULT") is models.ViT_B_16_Weights.IMAGENET1K_V1
    assert models.EfficientNet_B1_Weights.DEFAULT is models.EfficientNet_B1_Weights.IMAGENET1K_V2
    assert models.list_models(include="convnext*") == [
        f"convnext_{size}" for size in ("base", "large", "small", "tiny")
    ]
    assert "fcn_resnet50" in models.list_models(module=models.segmentation)
    with pytest.raises(NotImplementedError, match="no whole detectors"):
        models.detection.fasterrcnn_resnet50_fpn()
    with pytest.raises(ValueError, match="not present"):
        IntermediateLayerGetter(torch.nn.Sequential(), {"x": "out"})


def test_what_libraries_take_from_the_files_of_networks() -> None:
    from rushlight.vision.models import densenet, resnet, vgg

    assert densenet.DenseNet121_Weights is models.DenseNet121_Weights
    assert resnet.ResNet50_Weights is models.ResNet50_Weights
    layers = vgg.make_layers([4, "M", 8, 8, "M"], batch_norm=True)
    assert [type(layer).__name__ for layer in layers][:4] == [
        "Conv2d",
        "BatchNorm2d",
        "ReLU",
        "MaxPool2d",
    ]
    assert layers(torch.ones(1, 3, 8, 8)).shape == (1, 8, 2, 2)
