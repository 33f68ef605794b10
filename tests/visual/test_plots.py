"""Curves, confusion and weights as matplotlib's figures."""

import numpy as np
import pytest

import rushlight as torch
from rushlight import nn
from rushlight.training.history import History
from rushlight.visual import confusion, curves, weights

pytest.importorskip("matplotlib")


def points(panel):
    return {line.get_label(): np.column_stack(line.get_data()).tolist() for line in panel.lines}


def test_curves():
    rows = [{"epoch": 1, "loss": 0.5, "accuracy": 0.1}, {"epoch": 2, "loss": 0.25, "val_loss": 0.5}]
    for history in (History(rows), rows):
        loss, accuracy = curves(history).axes
        assert points(loss) == {"training": [[1, 0.5], [2, 0.25]], "validation": [[2, 0.5]]}
        assert (accuracy.get_title(), accuracy.get_legend()) == ("accuracy", None)
    (panel,) = curves({"loss": [3.0, 2.0], "val_loss": [4.0, 3.0]}, "loss").axes
    assert points(panel)["validation"] == [[1, 4], [2, 3]]
    with pytest.raises(KeyError, match="no 'lost'; it has"):
        curves(rows, "lost")
    with pytest.raises(ValueError, match="the history is empty"):
        curves([])


def test_confusion():
    targets, scores = torch.tensor([0, 1, 1, 2]), torch.eye(3)[[0, 1, 2, 2]]
    panel = confusion(targets, scores).axes[0]
    assert [text.get_text() for text in panel.texts] == [
        "1",
        "0",
        "0",
        "0",
        "1",
        "1",
        "0",
        "0",
        "1",
    ]
    assert panel.get_title() == "75.0% right"
    shares = confusion([[3, 1], [0, 0]], normalize=True, labels=["a", "b"]).axes[0]
    assert [text.get_text() for text in shares.texts] == ["0.75", "0.25", "0.00", "0.00"]
    for wrong, words in (
        (([0, 1], [0]), "do not match"),
        (([0.5, 1], [0, 1]), "targets must be classes"),
        (([0, -1], [0, 1]), "targets must be classes"),
        (([[1, 2, 3]],), "square matrix"),
        (([3], [[0.1, 0.9]]), "class 3 among targets, scores for 2 classes"),
    ):
        with pytest.raises(ValueError, match=words):
            confusion(*wrong)
    with pytest.raises(ValueError, match="1 labels for 2 classes"):
        confusion([0, 1], [0, 1], labels=["a"])


def test_weights():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Linear(5, 3))
    figure = weights(model)
    images = [panel for panel in figure.axes if panel.images]
    assert [panel.get_title() for panel in images] == ["0.weight [4, 1, 3, 3]", "2.weight [3, 5]"]
    assert images[0].images[0].get_array().shape == (7, 7, 3)
    assert len(figure.axes) == 4
    assert len(weights(model, limit=1).axes) == 2
    assert len(weights(torch.ones(3, 3)).axes) == 2
    with pytest.raises(ValueError, match="no parameters with two dimensions"):
        weights(nn.ReLU())
    with pytest.raises(TypeError, match="weights: expected"):
        weights([1])
