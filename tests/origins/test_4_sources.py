"""The fourth origin: a tensor that knows its sources, layers with a separate bias, and MNIST."""

from collections import OrderedDict
from pathlib import Path

import pytest

import rushlight as rl
from rushlight.training import Bias, Net, Trainer
from rushlight.utils.data import FunctionDataset
from rushlight.vision import datasets, transforms
from tests.origins.digits import write_mnist
from tests.parity import parity


def test_a_tensor_knows_its_sources() -> None:
    parity("""
    a = torch.tensor([1.0, 2.0], requires_grad=True)
    b = torch.tensor([3.0, 4.0])
    c = a * b
    d = (c + a).sum()
    names = [t.grad_fn and t.grad_fn.name() for t in (a, b, c, d)]
    sources = [fn and fn.name() for fn, _ in d.grad_fn.next_functions[0][0].next_functions]
    leaf = c.grad_fn.next_functions[0][0].variable is a
    unknown = c.grad_fn.next_functions[1][0]
    flags = [t.requires_grad for t in (a, b, c, d)]
    texts = repr(a), repr(b), repr(c), repr(d)
    d.backward()
    """)


def test_backward_reaches_all_sources_however_deep() -> None:
    run = parity("""
    x = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    _y = x
    for _ in range(20_000):
        _y = _y * 1.0001 + 1e-6
    _y.backward()
    value = _y.item()
    del _y
    """)
    assert run["x"].grad.item() == pytest.approx(1.0001**20_000)


def test_layers_with_a_separate_bias_layer() -> None:
    parity("""
    class Bias(nn.Module):
        def __init__(self, size):
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(size))

        def forward(self, x):
            return x + self.bias

    model = nn.Sequential(nn.Linear(3, 4, bias=False), Bias(4), nn.Tanh(),
                          nn.Linear(4, 1, bias=False), Bias(1))
    x = torch.randn(6, 3)
    y = model(x)
    F.mse_loss(y, x.sum(1, keepdim=True)).backward()
    together = nn.Linear(3, 4)
    together.load_state_dict({"weight": model[0].weight, "bias": model[1].bias})
    same = torch.allclose(together(x), model[:2](x))
    """)


def test_the_bias_block() -> None:
    run = parity("""
    layer = nn.Linear(3, 2)
    x = torch.randn(5, 3)
    y = layer(x)
    y.square().sum().backward()
    """)
    weight = rl.nn.Linear(3, 2, bias=False)
    model = rl.nn.Sequential(weight, Bias(2))
    assert [*model.state_dict()] == ["0.weight", "1.bias"]
    model.load_state_dict({"0.weight": run["layer"].weight, "1.bias": run["layer"].bias})
    y = model(run["x"])
    assert rl.allclose(y, run["y"])
    y.square().sum().backward()
    assert rl.allclose(model[1].bias.grad, run["layer"].bias.grad)


def test_mean_squared_error() -> None:
    parity("""
    x, y = torch.randn(4, 3, requires_grad=True), torch.randn(4, 3)
    losses = [nn.MSELoss(reduction=how)(x, y) for how in ("mean", "sum", "none")]
    losses[0].backward()
    by_hand = ((x - y) ** 2).mean()
    wrong = attempt(lambda: nn.MSELoss()(x, torch.ones(4, 2)))
    """)


def test_batches_from_a_mathematical_function() -> None:
    run = parity(
        """
    def batch(size):
        x = torch.rand(size, 1) * 6 - 3
        return x, torch.sin(x)

    model = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(200):
        x, y = batch(32)
        loss = F.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    del model, optimizer, loss
    """,
        rtol=1e-2,
        atol=1e-4,
    )
    assert run["losses"][-1] < 0.01


def test_a_data_set_made_from_a_mathematical_function() -> None:
    rl.manual_seed(0)
    data = FunctionDataset(lambda x: x.sin(), -3, 3, 200)
    x, y = data[7]
    assert y.item() == pytest.approx(x.sin().item())
    assert -3 <= x.item() < 3
    trainer = Trainer(
        [rl.nn.Linear(1, 32), "tanh", rl.nn.Linear(32, 1)], "mse", ("adam", {"lr": 0.02})
    )
    history = trainer.fit(data, epochs=40, batch_size=32, progress=False)
    assert history[-1]["loss"] < 0.01
    assert trainer.predict(rl.tensor([[0.5]])).item() == pytest.approx(0.479, abs=0.1)


def test_a_net_with_an_ordered_dictionary_of_parameters() -> None:
    parity("""
    from collections import OrderedDict
    parameters = OrderedDict(
        first=torch.randn(3, 4, requires_grad=True),
        first_bias=torch.zeros(4, requires_grad=True),
        second=torch.randn(4, 2, requires_grad=True),
    )
    x = torch.randn(5, 3)
    y = (x @ parameters["first"] + parameters["first_bias"]).relu() @ parameters["second"]
    y.square().mean().backward()
    optimizer = torch.optim.SGD(parameters.values(), lr=0.1)
    optimizer.step()

    model = nn.Sequential(OrderedDict(first=nn.Linear(3, 4), act=nn.ReLU(), second=nn.Linear(4, 2)))
    names = list(model.state_dict())
    state = model.state_dict()
    out = model(x)
    kept = nn.ParameterDict({"scale": nn.Parameter(torch.ones(2)), "shift": torch.zeros(2)})
    order = list(kept)
    by_name = dict(model.named_parameters())["second.bias"] is model.second.bias
    """)


def test_a_net_made_of_an_ordered_dictionary() -> None:
    rl.manual_seed(0)
    x = rl.linspace(-1, 1, 50).reshape(-1, 1)
    weights = OrderedDict(
        w1=rl.randn(1, 16), b1=rl.zeros(16), w2=rl.randn(16, 1) / 4, b2=rl.zeros(1)
    )
    net = Net(weights, lambda p, x: (x @ p["w1"] + p["b1"]).tanh() @ p["w2"] + p["b2"])
    assert [*net.state_dict()] == [*weights]
    history = Trainer(net, "mse", ("adam", {"lr": 0.02})).fit(x, x.abs(), epochs=60, progress=False)
    assert history[-1]["loss"] < history[0]["loss"] / 20


def test_mnist(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    train, test = (
        datasets.MNIST(tmp_path, train=part, transform=transforms.ToTensor())
        for part in (True, False)
    )
    image, label = train[0]
    assert (image.shape, image.dtype, label) == ((1, 28, 28), rl.float32, 0)
    rl.manual_seed(0)
    model = [rl.nn.Flatten(), rl.nn.Linear(784, 64), "relu", rl.nn.Linear(64, 10)]
    trainer = Trainer(model, "cross_entropy", ("adam", {"lr": 2e-3}), metrics=["accuracy"])
    history = trainer.fit(train, epochs=4, validation=test, progress=False)
    assert history[-1]["loss"] < history[0]["loss"] / 3
    assert history[-1]["val_accuracy"] > 0.85
