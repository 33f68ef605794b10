"""What compiled functions reach: rows that scan, scatter and pick, narrow floats, what they hand out."""

from collections.abc import Callable

import pytest

import rushlight as torch
from rushlight import nn
from rushlight._dynamo.exc import InvalidBackend
from rushlight.compiler.compile import Step
from rushlight.compiler.recording.entries import Operation, Write

pytestmark = pytest.mark.usefixtures("quick")
F = nn.functional


def masked(x: torch.Tensor) -> torch.Tensor:
    return x[x > 0].cumsum(0) + x[x > 0].std()


def masked_in_place(x: torch.Tensor) -> torch.Tensor:
    y = x.clone()
    y[y > 0] = y[y > 0] * 2
    y[:, 1][y[:, 1] < 0] = 7.0
    return y


def added(x: torch.Tensor) -> torch.Tensor:
    index = torch.tensor([2, 0, 2])
    y = (x[:3] * 0).index_add(0, index, x[:3])
    y.scatter_(1, torch.tensor([[1], [0], [3]]), x[:, :1])
    return y.scatter_reduce(0, torch.tensor([[0, 1, 2, 0]]), x[:1], "amax")


def pooled(x: torch.Tensor) -> torch.Tensor:
    images = x.reshape(1, 1, 4, 4)
    return F.avg_pool2d(images, 3, 1, 1) + F.max_pool2d(images, 3, 1, 1) + images.flip(2).tril()


def best(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return (*x.max(1), x.argmin(), x.logsumexp((0, 1)), x.var(0), (x > 0).sum(), x.norm(3))


def one_place(x: torch.Tensor) -> torch.Tensor:
    y = x[0].clone()
    y[torch.tensor([2])] = 9.0
    return y


FUNCTIONS = (masked_in_place, added, pooled, best, one_place)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_in_c(function: Callable[..., object]) -> None:
    step = Step(function)
    torch.manual_seed(0)
    signs = torch.randn(4, 4).sign()
    for _ in range(3):
        x = torch.rand(4, 4) * signs
        made, known = step(x), function(x)
        torch.testing.assert_close(made, known)
    assert len(step.programs) == 1, step.refusals
    outside = [e for e in step.programs[0].machine.order if isinstance(e, Operation | Write)]
    assert not outside, outside


def test_another_count_of_a_mask_is_another_program() -> None:
    step = Step(masked)
    for count in (3, 3, 5, 3):
        x = -torch.ones(8)
        x[:count] = torch.rand(count)
        torch.testing.assert_close(step(x), masked(x))
    assert len(step.programs) == 2


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_narrow_floats_train(dtype: torch.dtype) -> None:
    def losses(compiled: bool) -> list[float]:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.Linear(8, 3)).to(dtype)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        x, y = torch.randn(5, 6).to(dtype), torch.randn(5, 3).to(dtype)

        def step() -> torch.Tensor:
            optimizer.zero_grad()
            loss = F.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            return loss.detach()

        run = Step(step) if compiled else step
        found = [run().item() for _ in range(6)]
        assert not compiled or run.programs
        return found

    assert losses(True) == pytest.approx(losses(False), rel=2e-2)


def test_a_parameter_whose_memory_is_returned_keeps_its_gradient() -> None:
    layer = nn.Linear(2, 2)
    step = Step(lambda x: (layer.state_dict(), x + 1))
    for _ in range(3):
        step(torch.ones(2))
    assert layer.weight.requires_grad


def test_a_hook_that_the_function_hangs_on_a_leaf_is_no_program() -> None:
    w = torch.ones(2, requires_grad=True)

    def function(x: torch.Tensor) -> None:
        w.register_hook(lambda g: g * 2)
        (w * x).sum().backward()

    step = Step(function)
    for _ in range(2):
        step(torch.ones(2))
    assert w.grad is not None
    assert w.grad.tolist() == [2.0 + 4.0] * 2
    assert "hooks" in step.refusals[0]


def test_tuples_with_names_are_arguments() -> None:
    step = Step(lambda pair: pair[0] * pair.indices)
    for seed in range(3):
        pair = torch.rand(3, 2).add(seed).max(1)
        torch.testing.assert_close(step(pair), pair[0] * pair[1])


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(InvalidBackend, match="Invalid backend: 'nonsense'"):
        torch.compile(lambda x: x, backend="nonsense")
