"""What programs change in place after computing it, where torch keeps something else for backward."""

import pytest

from tests.parity import parity

CALLS = [
    "F.max_pool2d(x, 2)",
    "F.max_pool2d(x, 3, 1, 1)",
    "F.max_pool1d(x[0], 2)",
    "F.max_pool2d(x, 2, return_indices=True)[0]",
    "F.adaptive_max_pool2d(x, 2)",
    "F.elu(x)",
    "F.selu(x)",
    "F.celu(x, 0.5)",
    "F.nll_loss(x, y)",
    "F.nll_loss(x, y, reduction='none')",
    "F.nll_loss(x, y, torch.arange(1.0, 5.0), ignore_index=1)",
    "F.cross_entropy(x, y)",
]
CHANGES = ["F.relu_(out)", "out.mul_(2)", "out.div_(3)", "out.add_(1)"]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("call", CALLS)
def test_changed_before_backward(call, change):
    parity(f"""
x = torch.randn(2, 4, 6, 6, requires_grad=True)
y = torch.randint(4, (2, 6, 6))
out = {call}
{change}
out.sum().backward()
""")


def test_relu_in_place_after_pooling():
    parity("""
net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.MaxPool2d(2), nn.ReLU(inplace=True), nn.Flatten())
_loss = F.cross_entropy(net(torch.randn(4, 1, 8, 8)), torch.tensor([1, 0, 2, 5]))
_loss /= 4
_loss.backward()
loss = _loss.item()
""")


@pytest.mark.parametrize("call", ["x.exp()", "x.sigmoid()", "x.softmax(-1)", "x.logsumexp(-1)"])
def test_what_torch_keeps_must_not_change(call):
    parity(f"""
x = torch.randn(3, 4, requires_grad=True)
_out = {call}
_out.mul_(2)
error = attempt(lambda: _out.sum().backward())
""")


def test_further_derivatives_of_elu():
    parity("""
x = torch.tensor([-200.0, -1.0, 0.0, 1.0, 200.0], dtype=torch.float64, requires_grad=True)
first, = torch.autograd.grad(F.elu(x, 0.7).sum(), x, create_graph=True)
second, = torch.autograd.grad(first.sum(), x, create_graph=True)
third, = torch.autograd.grad(second.sum(), x)
""")
