"""The fifth origin: a value class with all its operators, the optimizers, and a small trainer."""

import pytest

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
