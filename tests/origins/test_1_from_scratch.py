"""The first origin: a small framework with dense layers, a scalar autodiff, and a training loop."""

import pytest

from tests.parity import parity


def test_dense_layer() -> None:
    parity("""
    layer = nn.Linear(5, 3)
    x = torch.randn(4, 5, requires_grad=True)
    y = layer(x)
    y.square().sum().backward()
    by_hand = x @ layer.weight.T + layer.bias
    without_bias = nn.Linear(5, 3, bias=False)(x)
    """)


def test_autodiff_with_scalars() -> None:
    parity("""
    x = torch.tensor(3.0, requires_grad=True)
    y = torch.tensor([1.0, -2.0], requires_grad=True)
    out = (2 * x - 1) / (4 - x) + 3 / x + x * y - 7 + (x - 2) ** 3 + 2 ** x
    out.sum().backward()
    mixed = [torch.tensor(1) + 2.5, torch.tensor(True) * 2, 3 - torch.tensor([1, 2])]
    item = out.sum().item()
    """)


def test_shape_mismatches() -> None:
    run = parity("""
    a, b = torch.ones(2, 3), torch.ones(4, 5)
    added = attempt(lambda: a + b)
    multiplied = attempt(lambda: a @ b)
    layer = attempt(lambda: nn.Linear(4, 2)(a))
    stacked = attempt(lambda: torch.stack([a, b]))
    reshaped = attempt(lambda: a.reshape(4, 2))
    not_scalar = attempt(lambda: a.clone().requires_grad_().backward())
    wrong_gradient = attempt(lambda: (a.clone().requires_grad_() * 2).backward(b))
    """)
    for name, sizes in {
        "added": "35", "multiplied": "34", "layer": "34", "stacked": "2345", "reshaped": "426",
        "wrong_gradient": "2345",
    }.items():  # fmt: skip
        assert all(size in str(run[name]) for size in sizes), run[name]


def test_power_edge_cases() -> None:
    parity("""
    base = torch.tensor([0.0, -0.0, 0.0, -2.0, -2.0, -8.0, 2.0, 1.0], requires_grad=True)
    exponent = torch.tensor([0.0, 2.0, 1.0, 3.0, -2.0, 1 / 3, 0.5, 0.0], requires_grad=True)
    power = base ** exponent
    power.sum().backward()
    by_number = []
    for number in (0, 1, 2, 3, 0.5, -1, 0.0, 1.5):
        x = torch.tensor([0.0, 1.0, -2.0, 4.0], requires_grad=True)
        y = x ** number
        y.sum().backward()
        by_number.append((y, x.grad))
    x = torch.tensor([0.0, 1.0, -1.0, 2.0], requires_grad=True)
    of_number = 0.0 ** x, 2.0 ** x, (-2.0) ** x, 1 ** x
    gradients = [torch.autograd.grad(y.sum(), x)[0] for y in of_number]
    integers = torch.tensor([-2, 0, 3]) ** 3, torch.tensor(0) ** 0, 2 ** torch.arange(4)
    negative_integer_power = attempt(lambda: torch.tensor([2]) ** -1)
    """)


def test_logarithm() -> None:
    parity("""
    x = torch.tensor([1.0, 2.5, 1e-30, 0.0, -1.0], requires_grad=True)
    y = x.log()
    y.sum().backward()
    others = x.detach().log2(), x.detach().log10(), x.detach().log1p()
    integers = torch.tensor([1, 2, 3]).log()
    """)


def test_exponential() -> None:
    parity("""
    x = torch.tensor([0.0, 1.0, -1.0, 100.0, -200.0], requires_grad=True)
    y = x.exp()
    y.sum().backward()
    small = torch.tensor([1e-10, -1e-10]).expm1()
    """)


def test_clip() -> None:
    parity("""
    x = torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0, float("nan")], requires_grad=True)
    y = x.clip(-1, 1)
    y[:5].sum().backward()
    low = x.clip(min=0.5)
    high = torch.clamp(x, max=0.5)
    by_tensor = torch.clip(x, torch.tensor(-0.5), torch.linspace(0, 1, 6))
    crossed = torch.arange(4.0).clip(3, 1)
    neither = attempt(lambda: x.clip())
    """)


def test_numerical_instability() -> None:
    parity("""
    x = torch.tensor([1000.0, 0.0, -1000.0], requires_grad=True)
    target = torch.tensor([0.0, 1.0, 1.0])
    naive = (x.exp() / x.exp().sum())
    stable = [x.softmax(0), x.log_softmax(0), x.logsumexp(0), x.sigmoid(), F.logsigmoid(x),
              F.softplus(x), torch.logaddexp(x, x), x.tanh(), F.cross_entropy(x, torch.tensor(2)),
              F.binary_cross_entropy_with_logits(x, target)]
    gradients = [torch.autograd.grad(y.sum(), x)[0] for y in stable]
    found = naive.isnan().any().item(), [y.isfinite().all().item() for y in stable]
    bounded = F.binary_cross_entropy(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.0]))
    """)


def test_instability_is_detected_and_named() -> None:
    run = parity("""
    def backward():
        with torch.autograd.set_detect_anomaly(True):
            x = torch.zeros(1, requires_grad=True)
            (x.sqrt() * 0).sum().backward()
    error = attempt(backward)
    """)
    assert "sqrt" in str(run["error"]).lower()


def test_micrograd_expression() -> None:
    run = parity("""
    a = torch.tensor(-4.0, dtype=torch.float64, requires_grad=True)
    b = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    c = a + b
    d = a * b + b**3
    c = c + c + 1
    c = c + 1 + c + (-a)
    d = d + d * 2 + (b + a).relu()
    d = d + 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g = g + 10.0 / f
    g.backward()
    """)
    assert run["g"].item() == pytest.approx(24.70408163265306, rel=1e-14)
    assert run["a"].grad.item() == pytest.approx(138.83381924198252, rel=1e-14)
    assert run["b"].grad.item() == pytest.approx(645.5772594752186, rel=1e-14)


MOONS = """
import random
from sklearn.datasets import make_moons
np.random.seed(1337)
random.seed(1337)
_x, _y = make_moons(n_samples=100, noise=0.1)
_x, _y = torch.from_numpy(_x), torch.from_numpy(_y * 2 - 1)

# micrograd's MLP(2, [16, 16, 1]): a neuron draws its weights one by one, its bias is 0.
_layers = []
for inputs, outputs in ((2, 16), (16, 16), (16, 1)):
    weights = [[random.uniform(-1, 1) for _ in range(inputs)] for _ in range(outputs)]
    _layers.append((torch.tensor(weights, dtype=torch.float64, requires_grad=True),
                    torch.zeros(outputs, dtype=torch.float64, requires_grad=True)))
parameters = [tensor for layer in _layers for tensor in layer]

def scores(x):
    for weight, bias in _layers[:-1]:
        x = (x @ weight.T + bias).relu()
    weight, bias = _layers[-1]
    return (x @ weight.T + bias).squeeze(1)

losses, accuracies = [], []
for step in range(100):
    margin = scores(_x)
    loss = (1 - _y * margin).relu().mean() + 1e-4 * sum((p * p).sum() for p in parameters)
    for p in parameters:
        p.grad = None
    loss.backward()
    with torch.no_grad():
        for p in parameters:
            p -= (1.0 - 0.9 * step / 100) * p.grad
    losses.append(loss.item())
    accuracies.append(((margin > 0) == (_y > 0)).double().mean().item())
"""


def test_micrograd_moons_demo() -> None:
    run = parity(MOONS)
    # What micrograd itself prints, one Python number at a time.
    expected = {
        0: 0.8958441028683222,
        1: 1.723590533697202,
        2: 0.7429006313851131,
        10: 0.2450702385365804,
        50: 0.09875114765619643,
        99: 0.010978370135492719,
    }
    for step, loss in expected.items():
        assert run["losses"][step] == pytest.approx(loss, rel=1e-6)
    assert [run["accuracies"][step] for step in (0, 1, 10, 50)] == [0.50, 0.81, 0.91, 0.96]
    assert run["accuracies"][-1] == 1.0


def test_topological_order_where_a_tensor_is_used_many_times() -> None:
    parity("""
    x = torch.tensor(1.5, requires_grad=True)
    y = x * x + x
    z = y * x + y.sin() + y
    (z * y + z + x).backward()

    # Two to the sixtieth paths lead back: each node must be visited once.
    leaf = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    doubled = leaf
    for _ in range(60):
        doubled = doubled + doubled
    doubled.backward()

    order = []
    a = torch.ones(2, requires_grad=True)
    b = a * 2
    c = b + 1
    d = (b * c).sum()
    for name, tensor in (("a", a), ("b", b), ("c", c), ("d", d)):
        tensor.register_hook(lambda gradient, name=name: order.append(name))
    d.backward()
    """)


def test_mlp_converges_on_a_simple_data_set() -> None:
    run = parity(
        """
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1), nn.Sigmoid())
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    losses = []
    for _ in range(300):
        loss = F.binary_cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    predictions = (model(x) > 0.5).float()
    """,
        rtol=1e-3,
    )
    assert run["losses"][-1] < 0.05
    assert run["predictions"].tolist() == [[0.0], [1.0], [1.0], [0.0]]


def test_sequential_model() -> None:
    parity("""
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    y = model(torch.randn(5, 4))
    y.mean().backward()
    first, last, part, count = model[0], model[-1], model[1:], len(model)
    model.append(nn.Softmax(dim=1))
    longer = model(torch.randn(5, 4))
    names = [name for name, _ in model.named_parameters()]
    """)


def test_cross_entropy() -> None:
    parity("""
    logits = torch.randn(6, 4, requires_grad=True)
    labels = torch.tensor([0, 3, 1, 2, 2, 0])
    loss = nn.CrossEntropyLoss()(logits, labels)
    loss.backward()
    by_hand = -logits.log_softmax(1)[torch.arange(6), labels].mean()
    shares = F.cross_entropy(logits, torch.rand(6, 4).softmax(1))
    options = [
        F.cross_entropy(logits, labels, **option)
        for option in (
            dict(reduction="none"), dict(reduction="sum"), dict(label_smoothing=0.1),
            dict(ignore_index=2), dict(weight=torch.tensor([1.0, 2.0, 0.5, 3.0])),
        )
    ]
    out_of_range = attempt(lambda: F.cross_entropy(logits, torch.full((6,), 4)))
    """)


def test_training_loop_and_evaluation() -> None:
    run = parity(
        """
    from sklearn.datasets import load_iris
    _iris = load_iris()
    order = torch.randperm(150)
    _x = torch.tensor(_iris.data, dtype=torch.float32)[order]
    _y = torch.tensor(_iris.target)[order]
    _x = (_x - _x.mean(0)) / _x.std(0)
    model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for epoch in range(15):
        model.train()
        for start in range(0, 120, 16):
            batch = slice(start, min(start + 16, 120))
            loss = F.cross_entropy(model(_x[batch]), _y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        predictions = model(_x[120:]).argmax(1)
    accuracy = (predictions == _y[120:]).float().mean().item()
    confusion = torch.zeros(3, 3, dtype=torch.int64)
    confusion.index_put_((_y[120:], predictions), torch.tensor(1), accumulate=True)
    """,
        rtol=1e-3,
        atol=1e-4,
    )
    assert run["accuracy"] >= 0.9


def test_data_handling() -> None:
    parity("""
    from torch.utils.data import DataLoader, TensorDataset, random_split
    data = TensorDataset(torch.arange(20.0).reshape(10, 2), torch.arange(10))
    train, test = random_split(data, [7, 3])
    indices = list(train.indices), list(test.indices)
    batches = list(DataLoader(train, batch_size=3, shuffle=True))
    dropped = list(DataLoader(train, batch_size=3, drop_last=True))
    sizes = len(data), len(train), len(test), len(DataLoader(train, batch_size=3))
    """)


def test_learning_rate_schedules() -> None:
    parity("""
    from torch.optim.lr_scheduler import (
        CosineAnnealingLR, ExponentialLR, LambdaLR, MultiStepLR, OneCycleLR, StepLR)
    curves = {}
    for make in (
        lambda o: StepLR(o, step_size=3, gamma=0.5),
        lambda o: MultiStepLR(o, milestones=[2, 5]),
        lambda o: ExponentialLR(o, gamma=0.9),
        lambda o: CosineAnnealingLR(o, T_max=8),
        lambda o: LambdaLR(o, lambda epoch: 1 / (1 + 0.1 * epoch)),
        lambda o: OneCycleLR(o, max_lr=1.0, total_steps=10),
    ):
        optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.5)
        schedule = make(optimizer)
        curve = curves.setdefault(type(schedule).__name__, [])
        for _ in range(8):
            curve.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
    """)


def test_regularisation() -> None:
    parity("""
    x, y = torch.randn(8, 3), torch.randn(8, 1)
    model, twin, sparse = nn.Linear(3, 1), nn.Linear(3, 1), nn.Linear(3, 1)
    twin.load_state_dict(model.state_dict())
    decayed = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.2)
    plain = torch.optim.SGD([*twin.parameters(), *sparse.parameters()], lr=0.1)
    for _ in range(5):
        decayed.zero_grad()
        plain.zero_grad()
        F.mse_loss(model(x), y).backward()
        l2 = 0.1 * sum((p ** 2).sum() for p in twin.parameters())
        l1 = 0.1 * sum(p.abs().sum() for p in sparse.parameters())
        (F.mse_loss(twin(x), y) + l2 + F.mse_loss(sparse(x), y) + l1).backward()
        decayed.step()
        plain.step()
    same = torch.allclose(model.weight, twin.weight)
    torch.manual_seed(1)
    dropped = F.dropout(torch.ones(4, 5), 0.3)
    kept = nn.Dropout(0.3).eval()(torch.ones(4, 5))
    """)
