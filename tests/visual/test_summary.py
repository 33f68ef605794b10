"""The summary of a model: counts by hand, and beside those that counted when it ran."""

import pytest

import rushlight as torch
from rushlight import nn
from rushlight.utils.flop_counter import FlopCounterMode
from rushlight.visual import summary
from rushlight.visual.overview import described


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc = nn.Sequential(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 10))
        self.pool = nn.MaxPool2d(2)

    def forward(self, x):
        x = self.pool(self.conv2(self.pool(self.conv1(x).relu())).relu())
        return self.fc(x.flatten(1))


def test_counts_by_hand():
    found = summary(LeNet(), (2, 1, 28, 28))
    rows = {row.path: row for row in found.rows}
    assert rows["conv1"].parameters == 6 * 25 + 6
    assert rows["conv1"].multiply_adds == 2 * 6 * 28 * 28 * 25
    assert rows["conv2"].multiply_adds == 2 * 16 * 10 * 10 * 6 * 25
    assert rows["fc"].multiply_adds == 2 * (400 * 120 + 120 * 10)
    assert rows[""].multiply_adds == found.total_mult_adds
    assert rows["pool"].calls == 2
    assert rows["pool"].output == "[2, 16, 5, 5]"
    assert rows["fc"].output == rows[""].output == "[2, 10]"
    total = sum(p.numel() for p in LeNet().parameters())
    assert found.total_params == found.trainable_params == rows[""].parameters == total
    assert (found.input_bytes, found.param_bytes) == (2 * 28 * 28 * 4, total * 4)


MODELS = {
    "groups": (lambda: nn.Conv2d(4, 8, 3, groups=2, stride=2), (2, 4, 9, 9)),
    "transposed": (lambda: nn.ConvTranspose2d(4, 6, 3, stride=2), (2, 4, 5, 5)),
    "encoder": (
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2),
        (2, 5, 8),
    ),
    "gru": (lambda: nn.GRU(4, 8), (5, 2, 4)),
    "cell": (lambda: nn.LSTMCell(4, 8), (2, 4)),
}


@pytest.mark.parametrize("name", MODELS)
def test_multiply_adds_are_the_flop_counters(name):
    make, size = MODELS[name]
    model = make()
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(size))
    assert summary(model, size).total_mult_adds == counter.get_total_flops() // 2 > 0


def test_recurrent_products():
    # For each layer and direction: all inputs at once, and the state at each of 5 steps.
    found = summary(nn.LSTM(4, 8, 2, bidirectional=True), (5, 2, 4))
    first, second = 10 * 32 * 4 + 10 * 32 * 8, 10 * 32 * 16 + 10 * 32 * 8
    assert found.total_mult_adds == 2 * (first + second)
    assert found.rows[0].output == "([5, 2, 16], ([4, 2, 8], [4, 2, 8]))"


def test_shared_frozen_unused():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(10, 4)
            self.head = nn.Linear(4, 10, bias=False)
            self.head.weight = self.embed.weight
            self.layer = nn.Linear(4, 4).requires_grad_(False)
            self.same = self.layer
            self.unused = nn.Linear(2, 2)

        def forward(self, ids):
            return self.head(self.same(self.layer(self.embed(ids))))

    found = summary(Odd(), torch.zeros(3, dtype=torch.int64))
    rows = {row.path: row for row in found.rows}
    assert (found.total_params, found.trainable_params) == (40 + 20 + 6, 46)
    assert (rows["head"].first, rows["same"].first) == ("embed", "layer")
    assert (rows["layer"].calls, rows["unused"].calls) == (2, 0)
    assert (rows["layer"].note, rows[""].note) == ("frozen, 2 calls", "partly frozen")
    text = str(found)
    for words in ("(40)", "same as embed", "not called", "46 trainable, 20 frozen", "[3, 10]"):
        assert words in text, words


def test_what_is_kept_for_backward():
    model = nn.Sequential(nn.Linear(4, 3), nn.Tanh())
    # tanh keeps its result; the product keeps its input, which is there already.
    assert summary(model, torch.zeros(2, 4)).kept_bytes == 2 * 3 * 4
    assert summary(model.requires_grad_(False), torch.zeros(2, 4)).kept_bytes == 0


def test_inputs_and_outputs_of_all_kinds():
    class Two(nn.Module):
        def forward(self, x, *, y):
            return {"sum": x + y, "pair": (x, [y.double()]), "none": None}

    found = summary(Two(), {"x": torch.ones(2), "y": torch.ones(3, 1)})
    assert found.rows[0].output == described(Two()(torch.ones(2), y=torch.ones(3, 1)))
    assert found.rows[0].output == "{sum: [3, 2], pair: ([2], ([3, 1] float64))…"
    assert summary(nn.Bilinear(2, 3, 4), [(5, 2), (5, 3)]).rows[0].output == "[5, 4]"
    assert "Output" not in str(summary(LeNet()))
    with pytest.raises(TypeError, match="summary: expected a Module, got int"):
        summary(3)
    with pytest.raises(TypeError, match="summary: inputs are"):
        summary(LeNet(), "1x28")


def test_the_model_stays_as_it_was():
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 2))
    mean, version = model[0].running_mean, model[0].running_mean._version
    torch.manual_seed(1)
    summary(model, torch.full((4, 3), 7.0))
    after = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(after, torch.rand(1))
    assert model[0].running_mean is mean
    assert mean._version == version
    assert not mean.any()
    with pytest.raises(ValueError, match="more than 1 value per channel") as caught:
        summary(model, (1, 3))
    assert ".eval()" in caught.value.__notes__[-1]
    assert model[0].running_mean is mean


def test_as_a_table_in_a_notebook():
    shown = summary(LeNet(), (1, 1, 28, 28), depth=1)._repr_html_()
    assert shown.count("<tr>") == 6
    assert "117,600" in shown
