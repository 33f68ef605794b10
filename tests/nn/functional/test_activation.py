"""Activations and softmax."""

import pytest
from tests.nn.functional.programs import derivatives, errors
from tests.parity import parity

# Points apart from the kinks of all functions here.
X = "torch.linspace(-7.3, 7.1, 24).reshape(2, 3, 4)"

CALLS = [
    "F.relu(x)",
    "F.relu6(x)",
    "F.hardtanh(x)",
    "F.hardtanh(x, -2.0, 0.5)",
    "F.leaky_relu(x)",
    "F.leaky_relu(x, -0.3)",
    "F.leaky_relu(x, 1.5)",
    "F.elu(x)",
    "F.elu(x, 0.4)",
    "F.selu(x)",
    "F.celu(x)",
    "F.celu(x, 0.7)",
    "F.gelu(x)",
    "F.gelu(x, approximate='tanh')",
    "F.silu(x)",
    "F.mish(x)",
    "F.softplus(x)",
    "F.softplus(x, 2.5, 3.0)",
    "F.softsign(x)",
    "F.tanhshrink(x)",
    "F.hardshrink(x)",
    "F.hardshrink(x, 2.0)",
    "F.softshrink(x)",
    "F.softshrink(x, 2.0)",
    "F.threshold(x, 0.9, -4.0)",
    "F.hardswish(x)",
    "F.logsigmoid(x)",
    "F.sigmoid(x)",
    "F.tanh(x)",
    "F.glu(x)",
    "F.glu(x, 0)",
    "F.rrelu(x)",
    "F.softmax(x, 1)",
    "F.softmin(x, -1)",
    "F.log_softmax(x, 0)",
    "torch.softmax(x, 2)",
    "x.log_softmax(-1)",
    "torch.celu(x, 2.0)",
    "torch.hardshrink(x, 1.0)",
]


@pytest.mark.parametrize("call", CALLS)
def test_values_and_derivatives(call):
    derivatives(call, x=X)


def test_hardsigmoid():
    # torch has no second derivative of it.
    derivatives("F.hardsigmoid(x)", x=X, twice=False)


@pytest.mark.parametrize("weight", ["torch.tensor([0.3])", "torch.tensor([0.1, 0.2, -0.4])"])
def test_prelu(weight):
    derivatives("F.prelu(x, w)", x=X, w=weight)


@pytest.mark.parametrize(
    "call",
    [
        "F.relu(y, True)", "F.relu6(y, True)", "F.leaky_relu(y, 0.2, True)", "F.elu(y, 1.0, True)",
        "F.selu(y, True)", "F.celu(y, 1.0, True)", "F.silu(y, True)", "F.mish(y, True)",
        "F.hardtanh(y, inplace=True)", "F.hardswish(y, True)", "F.hardsigmoid(y, True)",
        "F.threshold(y, 0.1, 2.0, True)", "F.rrelu(y, inplace=True)", "F.relu_(y)", "F.elu_(y)",
        "F.leaky_relu_(y)", "F.hardtanh_(y)", "F.selu_(y)", "F.celu_(y)", "F.threshold_(y, 0.0, 1.0)",
        "torch.relu_(y)", "torch.rrelu_(y)", "y.relu_()",
    ],
)  # fmt: skip
def test_in_place(call):
    parity(
        f"""
        x = torch.linspace(-4.1, 4.0, 10, requires_grad=True)
        y = x * 1.0
        _before = y
        out = {call}
        same = out is y
        y.sum().backward()
        plain = torch.linspace(-1.3, 1.2, 5)
        y = plain
        {call}
        """
    )


def test_extremes():
    parity(
        """
        x = torch.tensor([float("inf"), -float("inf"), float("nan"), 0.0, -0.0, 1e4, -1e4])
        outs = [f(x) for f in (
            F.relu, F.elu, F.selu, F.silu, F.mish, F.softplus, F.logsigmoid, F.hardswish, F.hardsigmoid,
            F.leaky_relu, F.hardtanh, F.softsign, F.hardshrink, F.softshrink)]
        tops = F.softmax(torch.tensor([[1e4, 1e4], [-1e4, 0.0], [-float("inf"), 0.0]]), 1)
        logs = F.log_softmax(torch.tensor([[1e4, 1e4], [-1e4, 0.0]]), 1)
        nothing = F.softmax(torch.zeros(0, 3), 0), F.log_softmax(torch.tensor(2.0), 0)
        """
    )


def test_types():
    parity(
        """
        whole = torch.tensor([-3, 0, 5])
        outs = F.relu(whole), F.hardtanh(whole, -1, 2), F.threshold(whole, 1, 7), F.relu6(whole)
        half = torch.tensor([-1.5, 0.25, 3.0]).half()
        halves = F.gelu(half), F.silu(half), F.softmax(half, 0), F.elu(half), F.softplus(half)
        wide = F.softmax(whole, 0, dtype=torch.float64), F.log_softmax(half, 0, dtype=torch.float32)
        spiral = F.silu(torch.tensor([1 + 2j, -0.5j]))
        into = torch.empty(3)
        same = F.gelu(torch.ones(3), out=into) is into, F.logsigmoid(torch.ones(3), out=into) is into
        """
    )
    errors(
        "F.gelu(w)", "F.elu(w)", "F.leaky_relu(w)", "F.softmax(w, 0)", "F.softplus(w)", "F.glu(x[:3])",
        "F.gelu(x, approximate='foo')", "F.softmax(x, 2)", "F.glu(torch.tensor(1.0))", "F.relu(None)",
        "F.softshrink(x, -1.0)", "F.celu(x, 0.0)", "F.prelu(x, torch.ones(2))", "F.prelu(x, torch.ones(2, 2))",
        "F.rrelu(x, 0.5, 0.1)", "F.prelu(x, torch.ones(1).double())", "F.hardtanh(x, 1.0, -1.0)",
        more="x = torch.ones(4); w = torch.tensor([1, 2])",
    )  # fmt: skip


def test_random():
    parity(
        """
        x = torch.linspace(-2, 2, 12).reshape(3, 4).requires_grad_()
        noisy = F.rrelu(x, 0.1, 0.9, training=True)
        noisy.sum().backward()
        soft = F.gumbel_softmax(x, tau=0.5)
        hard = F.gumbel_softmax(x, hard=True, dim=0)
        (hard * torch.arange(12.0).reshape(3, 4)).sum().backward()
        """
    )


def test_large():
    # Beyond the sizes at which other ways of computing are taken.
    parity(
        """
        x = torch.linspace(-5, 5, 20000).reshape(100, 200).requires_grad_()
        loss = sum(f(x).square().mean() for f in (F.relu, F.leaky_relu, F.gelu, F.elu, F.hardshrink))
        loss = loss + F.softmax(x, 1).square().sum() + F.log_softmax(x, 0).mean()
        loss.backward()
        """,
        atol=1e-6,
    )
