"""What a run did: operations, modules, lines, backward's visits with their gradients, the updates."""

import numpy as np
import pytest

import rushlight as torch
import rushlight.nn.functional as F
from rushlight import nn
from rushlight.autograd import engine
from rushlight.nn.modules import hooks
from rushlight.visual.capture import Capture
from rushlight.visual.records import Landing, Operation, Value, Visit


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        return x + F.relu(self.fc(x))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Block(), Block()])
        self.norm = nn.BatchNorm1d(4)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


def step(net, optimizer, x, target):
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), target)
    loss.backward()
    optimizer.step()
    return loss


@pytest.fixture
def ran():
    torch.manual_seed(0)
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    x, target = torch.randn(5, 4), torch.tensor([0, 1, 2, 0, 1])
    with Capture(np.copy) as run:
        loss = step(net, optimizer, x, target)
    return net, loss, run


def operations(run, phase):
    return [e for e in run.events if isinstance(e, Operation) and e.phase == phase]


def test_a_step_is_written_down(ran):
    _, loss, run = ran
    forward = operations(run, "forward")
    assert [o.name for o in forward if o.module and o.module.path.startswith("blocks.1")] == [
        "linear",
        "relu",
        "add",
    ]
    linear = next(o for o in forward if o.name == "linear")
    assert (linear.module.path, linear.module.kind) == ("blocks.0.fc", "Linear")
    assert [c.path for c in (linear.module.parent, linear.module.parent.parent)] == ["blocks.0", ""]
    assert [v.name for v in linear.inputs] == ["x", "blocks.0.fc.weight", "blocks.0.fc.bias"]
    assert linear.line.file == __file__
    assert linear.line.function == "forward"
    assert linear.lines[-1].number != linear.line.number
    (root,) = run.roots
    assert root.name == "loss"
    assert root.seen == loss.detach().numpy()
    buffers = {o.outputs[0].name for o in forward if o.kind == "write"}
    assert "norm.running_mean" in buffers


def test_each_gradient_is_the_tensors(ran):
    net, _, run = ran
    landed = {e.leaf.name: e.gradient for e in run.events if isinstance(e, Landing)}
    assert landed.keys() == {name for name, _ in net.named_parameters()}
    for name, p in net.named_parameters():
        np.testing.assert_array_equal(landed[name].seen, p.grad.numpy())
        last = [o for o in operations(run, "update") if o.outputs[0].name == name][-1]
        np.testing.assert_array_equal(last.outputs[0].seen, p.detach().numpy())
        assert last.owner == "SGD"


def test_the_visits_of_backward(ran):
    _, _, run = ran
    visits = [e for e in run.events if isinstance(e, Visit)]
    assert [v.operation.name for v in visits[:3]] == ["cross_entropy", "normalize", "add"]
    relu = next(v for v in visits if v.operation.name == "relu")
    assert [o.name for o in relu.rule] == ["relu_backward"]
    incoming, kept = relu.incoming[0].seen, relu.operation.inputs[0].seen > 0
    np.testing.assert_array_equal(relu.outgoing[0].seen, incoming * kept)
    # Where two ways meet, the sum stands behind the visit that brought the second gradient.
    assert any(o.name == "add" for v in visits for o in v.passing)
    assert all(o.visit in visits for v in visits for o in v.rule)


def test_the_numbers_are_those_of_a_run_that_nobody_watches(ran):
    net, loss, _ = ran
    torch.manual_seed(0)
    other = Net()
    optimizer = torch.optim.SGD(other.parameters(), lr=0.1, momentum=0.9)
    x, target = torch.randn(5, 4), torch.tensor([0, 1, 2, 0, 1])
    assert torch.equal(loss, step(other, optimizer, x, target))
    for a, b in zip(net.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_nothing_is_left_behind(ran):
    assert not engine.observers
    assert not hooks._global_forward_pre_hooks
    assert not hooks._global_forward_hooks


def test_changes_in_place_give_new_values():
    x = torch.ones(3)
    with Capture(np.copy) as run:
        view = x[1:]
        view.mul_(2.0)
        y = x + 1
    last = run.events[-1]
    (seen,) = [v for v in last.inputs if isinstance(v, Value)]
    assert seen.seen.tolist() == [1, 2, 2]
    assert seen.maker.name == "mul"
    assert last.outputs[0].seen.tolist() == y.tolist()


def test_a_function_of_the_users_and_a_failure():
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    w = torch.ones(2, requires_grad=True)
    with Capture(np.copy) as run:
        Twice.apply(w).sum().backward()
        with pytest.raises(RuntimeError):
            w @ torch.ones(3)
    visits = [e for e in run.events if isinstance(e, Visit)]
    assert [v.operation.name for v in visits] == ["sum", "Twice"]
    assert [o.name for o in visits[1].operation.inside] == ["mul"]
    assert visits[1].operation.line.function == "test_a_function_of_the_users_and_a_failure"
    assert visits[1].outgoing[0].seen.tolist() == [2, 2]
    assert [o.name for o in visits[1].rule] == ["mul"]
    assert "RuntimeError" in run.events[-1].error


def test_what_came_before_a_step_can_be_forgotten():
    w = torch.ones(2, requires_grad=True)
    with Capture() as run:
        (torch.ones(3) + 1).exp()
        loss = (w * 3).sum()
        loss.backward()
        run.keep_only(run.roots)
    assert [o.name for o in operations(run, "forward")] == ["mul", "sum"]
    assert len([e for e in run.events if isinstance(e, Visit)]) == 2
