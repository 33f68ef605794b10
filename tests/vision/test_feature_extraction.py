"""torchvision's feature extraction, whose results under torchvision 0.28 stand here."""

import copy

import pytest

import rushlight as torch
from rushlight.vision.models import resnet18
from rushlight.vision.models.feature_extraction import (
    create_feature_extractor,
    get_graph_node_names,
)


def test_paths_of_nodes():
    train, evaluating = get_graph_node_names(resnet18())
    assert train == evaluating
    assert len(train) == 70
    assert train[:7] == ["x", "conv1", "bn1", "relu", "maxpool", "layer1.0.conv1", "layer1.0.bn1"]
    assert train[10:12] == ["layer1.0.add", "layer1.0.relu_1"]
    assert train[-4:] == ["layer4.1.relu_1", "avgpool", "flatten", "fc"]


def test_what_is_inside_is_given_and_the_rest_taken_out():
    model = resnet18().eval()
    inside = create_feature_extractor(
        model, {"layer1": "f1", "layer3.0.relu": "f2", "avgpool": "p"}
    )
    x = torch.ones(1, 3, 64, 64)
    assert {name: tuple(value.shape) for name, value in inside(x).items()} == {
        "f1": (1, 64, 16, 16),
        "f2": (1, 256, 4, 4),
        "p": (1, 512, 1, 1),
    }
    assert "fc" not in dict(inside.named_children())
    assert torch.equal(copy.deepcopy(inside)(x)["p"], inside(x)["p"])
    first = model.layer1(model.maxpool(model.relu(model.bn1(model.conv1(x)))))
    assert torch.equal(inside(x)["f1"], first)


class Dropped(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.drop, self.lin = torch.nn.Dropout(), torch.nn.Linear(2, 2)

    def forward(self, x):
        if self.training:
            x = self.drop(x)
        return torch.relu(self.lin(x)) + 1


def test_each_mode_has_its_graph():
    with pytest.warns(UserWarning, match="eval mode are a subsequence"):
        names = get_graph_node_names(Dropped())
    assert names == (["x", "drop", "lin", "relu", "add"], ["x", "lin", "relu", "add"])
    inside = create_feature_extractor(
        Dropped(),
        train_return_nodes=["drop"],
        eval_return_nodes=["relu", "add"],
        suppress_diff_warning=True,
    )
    assert list(inside(torch.ones(1, 2))) == ["drop"]
    assert list(inside.eval()(torch.ones(1, 2))) == ["relu", "add"]


def test_wrong_questions():
    with pytest.raises(ValueError, match="is not present in model"):
        create_feature_extractor(Dropped(), ["nope"])
    with pytest.raises(ValueError, match="return_nodes"):
        create_feature_extractor(Dropped())
