"""The fifth origin: a value class with all its operators, the optimizers, and a small trainer."""

import numpy as np
import pytest
import torch

import rushlight as rl
from rushlight.training import Dense, Stack, Trainer, l1, l2
from tests.parity import parity

UNARY = (
    "-a", "+a", "abs(a)", "a.exp()", "a.log()", "a.sqrt()", "a.tanh()", "a.sigmoid()", "a.relu()",
    "a.sin()", "a.cos()", "F.leaky_relu(a)", "F.elu(-a)", "F.softplus(a)", "a ** 3", "a ** -1",
    "a ** 0.5", "1 / a", "2 - a", "3 * a", "5 + a", "2 ** a", "a / 4", "a - 1", "a % 0.4",
)  # fmt: skip
BINARY = ("a + b", "a - b", "a * b", "a / b", "a ** b", "a % b", "a @ b", "a.maximum(b)")
INPLACE = ("+= 2", "-= b", "*= b", "/= 3", "**= 2")
COMPARISONS = ("a < b", "a <= b", "a == b", "a != b", "a >= b", "a > b", "a == 1.5", "2 > a")
FLOORED = ("a // 0.3", "a // b", "7 // a", "7 % a", "i // j", "-i // 2", "j % -4")
BITWISE = ("i & j", "i | j", "i ^ j", "~i", "i << 1", "j >> 1", "(i > 2) & (j > 2)", "~(i > 2)")


@pytest.mark.parametrize("operation", UNARY + BINARY)
def test_operators(operation: str) -> None:
    parity(f"""
    a = torch.tensor([0.5, 1.5, 2.5], requires_grad=True)
    b = torch.tensor([2.0, 1.5, -0.5], requires_grad=True)
    y = {operation}
    y.sum().backward()
    """)


@pytest.mark.parametrize("operation", INPLACE)
def test_operators_in_place(operation: str) -> None:
    parity(f"""
    a = torch.tensor([0.5, 1.5, 2.5], requires_grad=True)
    b = torch.tensor([2.0, 1.5, -0.5], requires_grad=True)
    y = a * 1
    same = y
    y {operation}
    y.sum().backward()
    is_the_same = same is y
    on_a_leaf = attempt(lambda: a.add_(1))
    """)


@pytest.mark.parametrize("operation", COMPARISONS + FLOORED + BITWISE)
def test_operators_without_gradient(operation: str) -> None:
    parity(f"""
    a = torch.tensor([0.5, 1.5, 2.5], requires_grad=True)
    b = torch.tensor([2.0, 1.5, -0.5], requires_grad=True)
    i, j = torch.tensor([1, 2, 3]), torch.tensor([3, 6, 2])
    y = {operation}
    """)


def test_conversions_of_a_value() -> None:
    parity("""
    a = torch.tensor(2.75, requires_grad=True)
    numbers = float(a), int(a), bool(a), a.item(), len(torch.ones(3, 2)), f"{a.item():.1f}"
    several = attempt(lambda: float(torch.ones(2)))
    truth = attempt(lambda: bool(torch.ones(2)))
    text = str(a), format(a.detach(), ".1f")
    rows = [row.tolist() for row in torch.eye(2)]
    """)


def test_sequence() -> None:
    parity("""
    model = nn.Sequential(nn.Linear(2, 3), nn.Sigmoid(), nn.Sequential(nn.Linear(3, 1), nn.Tanh()))
    out = model(torch.randn(4, 2))
    out.sum().backward()
    kinds = [type(module).__name__ for module in model.modules()]
    """)


OPTIMIZERS = {
    "SGD": "torch.optim.SGD(model.parameters(), lr=0.1)",
    "SGD with schedule": "torch.optim.SGD(model.parameters(), lr=0.3)",
    "momentum": "torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)",
    "Nesterov": "torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)",
    "AdaGrad": "torch.optim.Adagrad(model.parameters(), lr=0.1)",
    "RMSProp": "torch.optim.RMSprop(model.parameters(), lr=0.01)",
    "Adam": "torch.optim.Adam(model.parameters(), lr=0.05)",
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name: str) -> None:
    schedule = "ExponentialLR(optimizer, 0.9)" if "schedule" in name else "None"
    run = parity(f"""
    from torch.optim.lr_scheduler import ExponentialLR
    x = torch.randn(20, 3)
    y = x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 0.3
    model = nn.Linear(3, 1)
    optimizer = {OPTIMIZERS[name]}
    schedule = {schedule}
    losses = []
    for _ in range(30):
        loss = F.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if schedule is not None:
            schedule.step()
        losses.append(loss.item())
    """)
    assert run["losses"][-1] < run["losses"][0] / 2


def test_dropout() -> None:
    parity("""
    dropout = nn.Dropout(p=0.25)
    x = torch.randn(6, 7, requires_grad=True)
    y = dropout(x)
    y.sum().backward()
    share = (y == 0).float().mean().item()
    unchanged = torch.equal(dropout.eval()(x), x)
    """)


def test_both_losses() -> None:
    parity("""
    scores = torch.randn(5, 3, requires_grad=True)
    labels = torch.tensor([0, 2, 1, 1, 0])
    cross_entropy = nn.CrossEntropyLoss()(scores, labels)
    squared = nn.MSELoss()(scores, F.one_hot(labels, 3).float())
    (cross_entropy + squared).backward()
    """)


def test_both_penalties() -> None:
    parity("""
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    l1 = sum(p.abs().sum() for p in model.parameters())
    l2 = sum(p.square().sum() for p in model.parameters())
    (1e-2 * l1 + 1e-3 * l2).backward()
    """)


def copied(module: torch.nn.Module) -> dict[str, rl.Tensor]:
    return {name: rl.from_numpy(t.numpy().copy()) for name, t in module.state_dict().items()}


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("relu", torch.relu),
        ("tanh", torch.tanh),
        ("sigmoid", torch.sigmoid),
        ("softmax", lambda x: x.softmax(-1)),
        (None, lambda x: x),
    ],
)
def test_a_layer_with_its_activation_by_name(name: str | None, function: object) -> None:
    torch.manual_seed(0)
    layer, x = torch.nn.Linear(4, 3), torch.randn(5, 4)
    dense = Dense(4, 3, name)
    dense.load_state_dict(copied(layer))
    wanted = function(layer(x)).detach().numpy()
    np.testing.assert_allclose(np.asarray(dense(rl.from_numpy(x.numpy())).detach()), wanted, 1e-5)


def test_a_name_that_is_no_activation_is_refused() -> None:
    with pytest.raises(ValueError, match="relu"):
        Dense(4, 3, "rleu")


def test_a_stack_with_activations_by_name() -> None:
    torch.manual_seed(0)
    layers = torch.nn.Linear(4, 6), torch.nn.Linear(6, 5), torch.nn.Linear(5, 2)
    x = torch.randn(7, 4)
    stack = Stack([4, 6, 5, 2], ["relu", "tanh", "sigmoid"])
    for dense, layer in zip(stack, layers, strict=True):
        dense.load_state_dict(copied(layer))
    wanted = layers[2](layers[1](layers[0](x).relu()).tanh()).sigmoid().detach().numpy()
    np.testing.assert_allclose(np.asarray(stack(rl.from_numpy(x.numpy())).detach()), wanted, 1e-5)
    model = Stack([4, 6, 2], "relu", dropout=0.5)
    assert sum(isinstance(module, rl.nn.Dropout) for module in model) == 1


DATA = np.random.default_rng(0)
X = DATA.standard_normal((50, 3), dtype=np.float32)
Y = (X @ [[1.0], [-2.0], [0.5]] + 0.1).astype(np.float32)
PENALTIES = {
    "none": (None, lambda parameters: 0.0),
    "l1": (l1(0.01), lambda parameters: 0.01 * sum(p.abs().sum() for p in parameters)),
    "l2": (l2(0.01), lambda parameters: 0.01 * sum(p.square().sum() for p in parameters)),
    "both": (
        [l1(0.01), l2(0.02)],
        lambda ps: sum(0.01 * p.abs().sum() + 0.02 * p.square().sum() for p in ps),
    ),
}


@pytest.mark.parametrize("penalty", PENALTIES)
def test_model_training_with_validation_every_n_epochs(penalty: str) -> None:
    """Fifty samples in batches of 16: the last batch has 2, and counts as 2."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    ours = Stack([3, 8, 1], "tanh")
    ours.load_state_dict(dict(zip(ours.state_dict(), copied(model).values(), strict=True)))
    given, by_hand = PENALTIES[penalty]

    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
    x, y = torch.from_numpy(X[:40]), torch.from_numpy(Y[:40])
    held_x, held_y = torch.from_numpy(X[40:]), torch.from_numpy(Y[40:])
    losses, validated = [], []
    for epoch in range(7):
        total = 0.0
        for start in range(0, 40, 16):
            batch = x[start : start + 16], y[start : start + 16]
            loss = torch.nn.functional.mse_loss(model(batch[0]), batch[1])
            optimizer.zero_grad()
            (loss + by_hand(list(model.parameters()))).backward()
            optimizer.step()
            total += loss.item() * len(batch[0])
        schedule.step()
        losses.append(total / 40)
        if (epoch + 1) % 3 == 0:
            with torch.no_grad():
                validated.append(torch.nn.functional.mse_loss(model(held_x), held_y).item())

    trainer = Trainer(
        ours,
        "mse",
        ("sgd", {"lr": 0.1, "momentum": 0.9}),
        ("step_lr", {"step_size": 2, "gamma": 0.5}),
        penalty=given,
    )
    history = trainer.fit(
        X[:40], Y[:40], epochs=7, batch_size=16, shuffle=False,
        validation=(X[40:], Y[40:]), validate_every=3, progress=False,
    )  # fmt: skip
    assert history.column("loss") == pytest.approx(losses, rel=1e-4)
    found = history.column("val_loss")
    assert [epoch for epoch, value in enumerate(found, 1) if value is not None] == [3, 6]
    assert [value for value in found if value is not None] == pytest.approx(validated, rel=1e-4)
    for mine, theirs in zip(ours.parameters(), model.parameters(), strict=True):
        np.testing.assert_allclose(mine.detach().numpy(), theirs.detach().numpy(), 1e-3, 1e-5)
