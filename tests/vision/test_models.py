"""Networks: parameters, first weights and outputs, as torchvision 0.28 under the same seed."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as torch
from rushlight import nn
from rushlight.vision import models
from rushlight.vision.models import resnet, vgg


@pytest.fixture
def image() -> Any:
    return torch.linspace(-1, 1, 3 * 64 * 64).reshape(1, 3, 64, 64)


def test_resnet18(image: Any) -> None:
    torch.manual_seed(0)
    model = models.resnet18(num_classes=4)
    assert sum(p.numel() for p in model.parameters()) == 11178564
    weights = model.conv1.weight[0, 0, 0, :4].tolist()
    assert weights == pytest.approx([0.04778, 0.018385, -0.02771, 0.017459], abs=1e-6)
    keys = list(model.state_dict())
    assert keys[:3] == ["conv1.weight", "bn1.weight", "bn1.bias"]
    assert "layer2.0.downsample.1.num_batches_tracked" in keys
    with torch.no_grad():
        out = model.eval()(image)
    assert out[0].tolist() == pytest.approx([-0.14866, 0.07273, -0.15074, -0.01071], abs=1e-4)
    out = model.train()(torch.cat([image, image.flip(-1)]))
    assert out[0].tolist() == pytest.approx([0.57586, 0.4508, -0.37865, 0.38427], abs=2e-3)
    out.sum().backward()
    assert model.conv1.weight.grad.abs().sum().item() == pytest.approx(23689.42, rel=1e-2)


def test_bottlenecks_and_groups(image: Any) -> None:
    torch.manual_seed(0)
    options = {"num_classes": 3, "groups": 2, "width_per_group": 32}
    model = models.ResNet(resnet.Bottleneck, [1, 1, 1, 1], **options).eval()
    assert sum(p.numel() for p in model.parameters()) == 6455363
    with torch.no_grad():
        out = model(image)
    assert out[0].tolist() == pytest.approx([0.01731, 0.00284, -0.01173], abs=1e-4)
    zero = models.ResNet(resnet.BasicBlock, [1] * 4, zero_init_residual=True, num_classes=2)
    assert zero.layer1[0].bn2.weight.abs().sum().item() == 0
    dilated = models.ResNet(
        resnet.Bottleneck, [1] * 4, replace_stride_with_dilation=[False, True, True], num_classes=2
    )
    with torch.no_grad():
        kept = dilated.layer4(dilated.layer3(torch.rand(1, 512, 8, 8)))
    assert kept.shape == (1, 2048, 8, 8)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("resnet18", 11689512), ("resnet34", 21797672), ("resnext50_32x4d", 25028904)],
)
def test_numbers_of_parameters(name: str, parameters: int) -> None:
    model = getattr(models, name)()
    assert sum(p.numel() for p in model.parameters()) == parameters


def test_vgg(image: Any) -> None:
    torch.manual_seed(0)
    features = vgg.make_layers([8, "M", 16, 16, "M"], batch_norm=True).eval()
    kinds = [type(layer).__name__ for layer in features]
    block = ["Conv2d", "BatchNorm2d", "ReLU"]
    assert kinds == [*block, "MaxPool2d", *block, *block, "MaxPool2d"]
    with torch.no_grad():
        out = features(image)
    assert out[0, :3, 0, 0].tolist() == pytest.approx([0.06882, 0.0, 0.0], abs=1e-5)
    assert models.vgg16.__name__ == "vgg16"
    assert models.vgg19_bn.__name__ == "vgg19_bn"


def test_alexnet_is_put_together() -> None:
    model = models.alexnet(num_classes=2)
    assert model.classifier[-1].out_features == 2
    with torch.no_grad():
        assert model.eval()(torch.rand(1, 3, 64, 64)).shape == (1, 2)


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="groups=1 and base_width=64, got 2, 64"):
        resnet.BasicBlock(4, 4, groups=2)
    with pytest.raises(NotImplementedError, match="Dilation"):
        resnet.BasicBlock(4, 4, dilation=2)
    with pytest.raises(ValueError, match="3-element tuple"):
        models.ResNet(resnet.BasicBlock, [1] * 4, replace_stride_with_dilation=[True])
    assert isinstance(resnet.conv1x1(1, 2), nn.Conv2d)


def test_weights_have_torchvisions_names(tmp_path, monkeypatch):
    kinds = models.ResNet18_Weights, models.VGG16_Weights
    assert [repr(kind.DEFAULT) for kind in kinds] == [
        "ResNet18_Weights.IMAGENET1K_V1",
        "VGG16_Weights.IMAGENET1K_V1",
    ]
    assert models.get_weight("ResNet50_Weights.DEFAULT") is models.ResNet50_Weights.IMAGENET1K_V2
    assert models.get_model_weights("resnet18") is kinds[0]
    assert models.list_models(include="vgg1*_bn", exclude=["*13*"]) == [
        "vgg11_bn",
        "vgg16_bn",
        "vgg19_bn",
    ]
    for name, count in (("resnet18", 11689512), ("alexnet", 61100840)):
        assert sum(p.numel() for p in models.get_model(name).parameters()) == count
        assert models.get_model_weights(name).DEFAULT.meta["num_params"] == count
    shown = kinds[0].DEFAULT.transforms()(torch.rand(3, 300, 260))
    assert shown.shape == (3, 224, 224)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"resnet18-f37072fd\.pth"):
        models.resnet18(weights="DEFAULT")
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    model = models.resnet18()
    torch.save(model.state_dict(), tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth")
    trained = models.resnet18(weights=kinds[0].DEFAULT)
    assert torch.equal(trained.fc.weight, model.fc.weight)
