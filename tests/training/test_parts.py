"""Blocks, names, metrics, penalties, history, progress."""

from __future__ import annotations

import functools
import io
import math
import sys
from collections import OrderedDict

import numpy as np
import pytest

import rushlight as torch
from rushlight import nn
from rushlight.nn import functional as F
from rushlight.training import (
    Bias,
    Dense,
    Function,
    History,
    Mean,
    Net,
    Stack,
    Trainer,
    accuracy,
    binary_accuracy,
    l1,
    l2,
    names,
    progress,
    top_k,
)
from rushlight.training.metrics import metrics_of, size_of

X = torch.linspace(-1, 1, 30).reshape(10, 3)
Y = X.sum(1, keepdim=True)

# ---- blocks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", names.ACTIVATIONS)
def test_a_dense_layer_with_each_activation(name):
    layer = Dense(3, 4, name)
    function = getattr(F, name)
    expected = F.linear(X, layer.weight, layer.bias)
    expected = function(expected, dim=-1) if "softmax" in name else function(expected)
    assert torch.equal(layer(X), expected)
    assert repr(layer) == f"Dense(in_features=3, out_features=4, bias=True, activation={name})"


def test_dense_layers_begin_as_linear_ones():
    torch.manual_seed(0)
    ours = Dense(3, 4, None)
    torch.manual_seed(0)
    theirs = nn.Linear(3, 4)
    assert torch.equal(ours(X), theirs(X))
    assert [*ours.state_dict()] == ["weight", "bias"]
    assert Dense(3, 4, bias=False).bias is None
    assert Dense(3, 4, torch.sin)(X).abs().max().item() <= 1
    assert Dense(3, 4, nn.Softmax(-1))(X).sum(-1).tolist() == pytest.approx([1] * 10)


def test_stacks():
    stack = Stack([3, 8, 5, 2], "tanh", "softmax")
    assert [layer.activation_name for layer in stack] == ["tanh", "tanh", "softmax"]
    assert stack(X).sum(1).tolist() == pytest.approx([1] * 10)
    assert [layer.activation_name for layer in Stack([1, 2, 3])] == ["relu", "linear"]
    assert [layer.activation_name for layer in Stack([1, 2, 3], ["relu", "tanh"])][1] == "tanh"
    dropping = Stack([3, 8, 1], dropout=0.5)
    assert [type(layer).__name__ for layer in dropping] == ["Dense", "Dropout", "Dense"]
    assert Stack([3, 1], bias=False)[0].bias is None


def test_a_separate_bias():
    model = nn.Sequential(Dense(3, 2, None, bias=False), Bias(2))
    assert torch.equal(model[1](X[:, :2]), X[:, :2])
    model(X).sum().backward()
    assert model[1].bias.grad.tolist() == [10, 10]
    assert repr(model[1]) == "Bias(2)"


def test_a_net_of_an_ordered_dict():
    torch.manual_seed(0)
    parameters = OrderedDict(
        W1=torch.randn(3, 8) / 2, b1=np.zeros(8), W2=torch.randn(8, 1) / 2, b2=torch.zeros(1), n=3
    )
    net = Net(parameters, lambda p, x: (x @ p["W1"] + p["b1"].float()).tanh() @ p["W2"] + p["b2"])
    assert [*net.p] == [*net.state_dict()] == [*parameters]
    assert not net.n.requires_grad
    assert repr(net) == "Net(W1: [3, 8], b1: [8], W2: [8, 1], b2: [1], n: [])"
    trainer = Trainer(net, "mse", ("sgd", {"lr": 0.1}))
    history = trainer.fit(X, Y, epochs=30, batch_size=3, progress=False)
    assert history[-1]["loss"] < history[0]["loss"] / 5

    class Own(Net):
        def forward(self, x):
            return x * self.p["scale"]

    assert Own({"scale": 2.0})(X).tolist() == (X * 2).tolist()
    with pytest.raises(NotImplementedError, match="forward"):
        Net({"scale": 2.0})(X)


def test_lists_of_blocks():
    model = Trainer([Dense(3, 4, None), "tanh", torch.sin, nn.Linear(4, 1)], "mse").model
    assert repr(model).splitlines()[2:4] == ["  (1): Function(tanh)", "  (2): Function(sin)"]
    assert isinstance(model[2], Function)
    assert torch.equal(model(X), model[3](torch.sin(model[0](X).tanh())))


def test_blocks_can_be_saved_whole():
    for model in (Stack([3, 4, 2], "gelu", "softmax"), Trainer([Dense(3, 2), "tanh"]).model):
        file = io.BytesIO()
        torch.save(model, file)
        file.seek(0)
        assert torch.equal(torch.load(file, weights_only=False)(X), model(X))


# ---- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "function"),
    [
        ("mse", F.mse_loss),
        ("mse_loss", F.mse_loss),
        ("MSELoss", F.mse_loss),
        ("mae", F.l1_loss),
        ("l1", F.l1_loss),
        ("huber", F.huber_loss),
        (F.mse_loss, F.mse_loss),
        (nn.MSELoss, F.mse_loss),
        (nn.MSELoss(), F.mse_loss),
        (("mse", {"reduction": "sum"}), functools.partial(F.mse_loss, reduction="sum")),
        ((nn.MSELoss, {"reduction": "sum"}), functools.partial(F.mse_loss, reduction="sum")),
        (lambda outputs, targets: (outputs - targets).sum(), lambda a, b: (a - b).sum()),
    ],
)
def test_losses(given, function):
    loss = Trainer(Stack([3, 1]), given).loss
    assert loss(X, X * X).item() == function(X, X * X).item()


@pytest.mark.parametrize(
    ("name", "outputs", "targets"),
    [
        ("cross_entropy", X, torch.arange(10) % 3),
        ("CrossEntropyLoss", X, torch.arange(10) % 3),
        ("nll", X, torch.arange(10) % 3),
        ("bce", X.sigmoid(), (X > 0).float()),
        ("bce_with_logits", X, (X > 0).float()),
        ("binary_cross_entropy_with_logits", X, (X > 0).float()),
        ("smooth_l1", X, X * 2),
        ("kl_div", X.log_softmax(1), X.softmax(1)),
    ],
)
def test_more_losses(name, outputs, targets):
    options = {"reduction": "sum"}
    assert names.loss((name, options))(outputs, targets).ndim == 0


@pytest.mark.parametrize(
    "given",
    [
        "sgd", "SGD", "adam_w", ("rmsprop", {"lr": 0.5}), torch.optim.Adagrad,
        (torch.optim.NAdam, {"lr": 0.5}), lambda p: torch.optim.Adamax(p, lr=0.5),
        functools.partial(torch.optim.RAdam, lr=0.5),
    ],
)  # fmt: skip
def test_optimizers(given):
    trainer = Trainer(Stack([3, 1]), "mse", given)
    assert isinstance(trainer.optimizer, torch.optim.Optimizer)
    if isinstance(given, tuple):
        assert trainer.optimizer.param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize(
    "given",
    [
        ("step_lr", {"step_size": 3}), ("StepLR", {"step_size": 3}),
        lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 3),
        (torch.optim.lr_scheduler.StepLR, {"step_size": 3}), {"": ("step_lr", {"step_size": 3})},
    ],
)  # fmt: skip
def test_schedulers(given):
    trainer = Trainer(Stack([3, 1]), "mse", "adam", given)
    assert trainer.schedulers[""].step_size == 3


def test_a_ready_scheduler():
    model = Stack([3, 1])
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    ready = torch.optim.lr_scheduler.StepLR(optimizer, 3)
    assert Trainer(model, "mse", optimizer, ready).schedulers[""] is ready
    with pytest.raises(ValueError, match="another optimizer"):
        Trainer(model, "mse", "adam", ready)


# ---- metrics -------------------------------------------------------------------------------------


def test_metric_functions():
    outputs = torch.tensor([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3], [0.2, 0.3, 0.5]])
    targets = torch.tensor([1, 2, 2])
    assert accuracy(outputs, targets) == pytest.approx(2 / 3)
    assert accuracy(outputs, F.one_hot(targets, 3)) == pytest.approx(2 / 3)
    assert top_k(2)(outputs, targets) == pytest.approx(1)
    pixels = outputs.reshape(1, 3, 3).transpose(1, 2)
    assert accuracy(pixels, targets.reshape(1, 3)) == pytest.approx(2 / 3)
    assert binary_accuracy(torch.tensor([[0.9], [0.2]]), torch.tensor([1, 1])) == 0.5
    logits = functools.partial(binary_accuracy, threshold=0)
    assert logits(torch.tensor([0.3, -2.0]), torch.tensor([1.0, 0.0])) == 1
    with pytest.raises(ValueError, match="binary_accuracy"):
        accuracy(torch.ones(3, 1), torch.ones(3))
    with pytest.raises(ValueError, match="targets have shape"):
        accuracy(outputs, targets[:2])


def test_metrics_over_batches_of_different_size():
    rng = np.random.RandomState(0)
    outputs, targets = rng.randn(10, 1), rng.randn(10, 1)
    metrics = metrics_of(["mae", "mse", "rmse", "r2", _largest])
    for start, end in ((0, 4), (4, 8), (8, 10)):
        for metric in metrics.values():
            metric.update(torch.tensor(outputs[start:end]), torch.tensor(targets[start:end]))
    error = outputs - targets
    expected = {
        "mae": abs(error).mean(),
        "mse": (error**2).mean(),
        "rmse": math.sqrt((error**2).mean()),
        "r2": 1 - (error**2).sum() / ((targets - targets.mean()) ** 2).sum(),
    }
    for name, value in expected.items():
        assert metrics[name].compute() == pytest.approx(value), name
    for metric in metrics.values():
        metric.reset()
        metric.update(torch.ones(1, 1), torch.zeros(1, 1))
    assert metrics["rmse"].compute() == 1


def _largest(outputs, targets):
    return outputs.max()


def test_names_of_metrics():
    found = metrics_of([_largest, functools.partial(binary_accuracy, threshold=0), top_k(3)])
    assert [*found] == ["_largest", "binary_accuracy", "top_3"]
    assert [*metrics_of({"first": "mae", "second": "mae"})] == ["first", "second"]
    assert [*metrics_of("mae")] == ["mae"]
    assert metrics_of(None) == {}
    mine = Mean(_largest)
    assert metrics_of([mine])["mean"] is mine


def test_sizes_of_batches():
    assert size_of(torch.ones(3, 2)) == 3
    assert size_of([torch.ones(3, 2), torch.ones(3)]) == 3
    assert size_of({"a": [torch.ones(4)], "b": 1}) == 4
    assert size_of(("text", torch.ones(5))) == 5
    assert size_of(torch.tensor(1.0)) == 1


# ---- penalties -----------------------------------------------------------------------------------


def test_penalties_and_their_gradients():
    w = torch.tensor([[1.0, -2.0, 0.0]], requires_grad=True)
    b = torch.tensor([3.0], requires_grad=True)
    for penalty, value, slope in (
        (l1(0.1), 0.6, [0.1, -0.1, 0]),
        (l2(0.1), 1.4, [0.2, -0.4, 0]),
        (l1(0.1, biases=False), 0.3, [0.1, -0.1, 0]),
    ):
        w.grad = None
        total = penalty([w, b])
        total.backward()
        assert total.item() == pytest.approx(value)
        assert w.grad.tolist()[0] == pytest.approx(slope)
    assert repr(l1(0.1)) == "l1(0.1)"


# ---- history and progress ------------------------------------------------------------------------


def trained(epochs=3, **options):
    trainer = Trainer(Stack([3, 3]), "cross_entropy", metrics="accuracy")
    labels = torch.arange(10) % 3
    trainer.fit(X, labels, epochs=epochs, validation=(X, labels), **options)
    return trainer


def test_the_history_is_drawn(tmp_path):
    history = trained(progress=False, validate_every=2).history
    figure = history.plot()
    assert [panel.get_title() for panel in figure.axes] == ["loss", "accuracy", "lr"]
    training, validation = figure.axes[0].lines
    assert list(training.get_ydata()) == history.column("loss")
    assert list(validation.get_xdata()) == [2]
    figure.savefig(tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000
    assert len(history.plot("loss").axes) == 1
    with pytest.raises(ValueError, match="empty"):
        History().plot()
    with pytest.raises(KeyError, match="'val_loss'"):
        history.column("speed")


def test_lines_of_progress(capsys):
    trained(progress=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("epoch 2/3  loss ")
    assert "accuracy" in lines[1]
    assert "val_loss" in lines[1]
    assert lines[2].endswith("0:00 left")
    trained(progress=False)
    assert capsys.readouterr().out == ""


def test_the_bar(capsys):
    trainer = trained(progress="bar")
    out = capsys.readouterr().out
    assert "epoch 3/3" in out
    assert f"{trainer.history[-1]['val_loss']:.4g}" in out


def test_the_bar_goes_away_after_an_error(capsys):
    trainer = Trainer(Stack([3, 1]), "mse")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="infinite"):
            trainer.fit(X / 0, Y, progress="bar")
    assert len(trainer.fit(X, Y, progress="bar")) == 1


def test_without_rich_it_is_said_once(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(progress, "_said", False)
    trained(epochs=1)
    trained(epochs=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert 'pip install "rushlight[demo]"' in lines[0]
    assert lines[1].startswith("epoch 1/1")


def test_hours_and_minutes():
    assert progress._clock(5) == "0:05"
    assert progress._clock(3725) == "1:02:05"
