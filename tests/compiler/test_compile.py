"""Compiled functions beside eager ones: the same numbers, state and gradients, call after call."""

from __future__ import annotations

import cProfile
import sys

import numpy as np
import pytest

import rushlight as torch
from rushlight import nn
from rushlight.compiler.compile import Step


def _close(a: torch.Tensor, b: torch.Tensor) -> None:
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=2e-5, atol=1e-6)


def _trained(make: object, batches: int, compiled: bool) -> tuple[list[float], list[torch.Tensor]]:
    torch.manual_seed(0)
    model, optimizer, loss_of, data = make()  # type: ignore[operator]

    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss = loss_of(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    run = Step(step) if compiled else step
    losses = [float(run(*data(i)).detach()) for i in range(batches)]
    if compiled:
        assert len(run.programs) >= 1, run.refusals
    return losses, [p.detach() for p in model.parameters()]


def _mlp(optimizer: str, **options: float) -> object:
    def make() -> tuple[object, ...]:
        model = nn.Sequential(nn.Linear(7, 12), nn.GELU(), nn.LayerNorm(12), nn.Linear(12, 5))
        steps = getattr(torch.optim, optimizer)(model.parameters(), **options)
        x, y = torch.randn(6, 9, 7), torch.randint(5, (6, 9))
        return model, steps, nn.functional.cross_entropy, lambda i: (x[i % 6], y[i % 6])

    return make


class _Reader(nn.Module):
    def __init__(self, kind: type[nn.Module]) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 6)
        self.layer = kind(6, 8, batch_first=True)
        self.head = nn.Linear(8, 11)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.layer(self.embedding(x))[0]).flatten(0, 1)


def _reader(kind: type[nn.Module]) -> object:
    def make() -> tuple[object, ...]:
        model = _Reader(kind)
        steps = torch.optim.AdamW(model.parameters(), lr=1e-2)
        x = torch.randint(11, (4, 3, 6))
        return (
            model,
            steps,
            lambda a, b: nn.functional.cross_entropy(a, b.flatten()),
            lambda i: (
                x[i % 4, :, :-1],
                x[i % 4, :, 1:],
            ),
        )

    return make


class _Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 16, 3, padding=1)
        self.norm = nn.BatchNorm2d(16)
        self.second = nn.Conv2d(16, 16, 3, padding=1, bias=False)
        self.third = nn.Conv2d(16, 8, 3, stride=2)
        self.head = nn.Linear(8 * 4 * 4, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.first(x)).relu()
        x = (self.second(x) + x).relu()
        x = nn.functional.max_pool2d(self.third(x), 2, padding=1)
        return self.head(nn.functional.dropout(x.flatten(1), 0.3))


def _images() -> tuple[object, ...]:
    model = _Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    x, y = torch.randn(3, 4, 3, 15, 15), torch.randint(5, (3, 4))
    return model, optimizer, nn.functional.cross_entropy, lambda i: (x[i % 3], y[i % 3])


CASES = {
    "sgd": _mlp("SGD", lr=0.1),
    "momentum": _mlp("SGD", lr=0.1, momentum=0.9, weight_decay=1e-3),
    "adam": _mlp("Adam", lr=1e-2),
    "adamw": _mlp("AdamW", lr=1e-2),
    "adadelta": _mlp("Adadelta"),
    "rmsprop": _mlp("RMSprop", lr=1e-3),
    "lstm": _reader(nn.LSTM),
    "gru": _reader(nn.GRU),
    "rnn": _reader(nn.RNN),
    "images": _images,
}


@pytest.mark.parametrize("name", CASES)
def test_training_is_eager_training(name: str) -> None:
    losses, weights = _trained(CASES[name], 12, False)
    compiled, others = _trained(CASES[name], 12, True)
    np.testing.assert_allclose(compiled, losses, rtol=1e-4)
    for a, b in zip(weights, others, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-3, atol=1e-4)


def test_the_learning_rate_may_change() -> None:
    runs = []
    for compiled in (False, True):
        torch.manual_seed(0)
        w = torch.randn(5, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.5)

        def step(x: torch.Tensor, w: torch.Tensor = w, optimizer: object = optimizer) -> object:
            loss = (w * x).sum().square()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        run = Step(step) if compiled else step
        for rate in (0.5, 0.25, 0.125, 0.01):
            optimizer.param_groups[0]["lr"] = rate
            run(torch.arange(5.0) / 10)
        runs.append(w)
    _close(*runs)


def test_another_shape_is_another_program() -> None:
    run = Step(lambda x: (x * 2).sum(0))
    for rows in (3, 5, 3, 5, 3):
        x = torch.randn(rows, 4)
        _close(run(x), (x * 2).sum(0))
    assert len(run.programs) == 2


def test_what_a_caller_keeps_is_not_written_again() -> None:
    w = torch.ones(3, requires_grad=True)

    def step(x: torch.Tensor) -> torch.Tensor:
        w.grad = None
        loss = (w * x).sum()
        loss.backward()
        return loss

    run = Step(step)
    results, grads, arrays = [], [], []
    for i in range(5):
        results.append(run(torch.full((3,), float(i))))
        grads.append(w.grad)
        arrays.append(w.grad.numpy())
    assert [r.item() for r in results] == [0, 3, 6, 9, 12]
    assert [g[0].item() for g in grads] == [a[0] for a in arrays] == [0, 1, 2, 3, 4]


def test_a_wrong_label_is_the_error_of_eager_and_changes_nothing() -> None:
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    run, x = Step(step), torch.randn(2, 4)
    for _ in range(3):
        run(x, torch.tensor([0, 2]))
    before = model.weight.detach().clone()
    with pytest.raises(IndexError, match="out of bounds"):
        run(x, torch.tensor([0, 3]))
    assert torch.equal(model.weight, before)


def test_python_that_cannot_be_replayed_runs_once_a_call() -> None:
    seen = []

    def step(x: torch.Tensor) -> torch.Tensor:
        seen.append(x.sum().item())
        return x + 1

    run = Step(step)
    for i in range(6):
        assert run(torch.full((2,), float(i))).tolist() == [i + 1, i + 1]
    assert seen == [0, 2, 4, 6, 8, 10]
    assert run.refusals


@pytest.mark.parametrize("backend", ["inductor", "eager"])
def test_a_profiler_goes_on_looking(backend: str) -> None:
    run = torch.compile(lambda x: x + len(f"{x.shape}"), backend=backend)

    def given() -> torch.Tensor:
        return torch.zeros(1)

    with cProfile.Profile() as profiler:
        for _ in range(3):
            assert run(given()).item() == 15
    assert [one.callcount for one in profiler.getstats() if one.code is given.__code__] == [3]
    assert sys.getprofile() is None


def test_a_wrong_label_behind_a_draw_and_running_statistics_changes_nothing() -> None:
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    run, x = Step(step), torch.randn(5, 4)
    for _ in range(3):
        run(x, torch.tensor([0, 2, 1, 1, 0]))
    assert len(run.programs) == 1
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    with pytest.raises(IndexError, match="out of bounds"):
        run(x, torch.tensor([0, 3, 1, 1, 0]))
    eager = {
        name for name, value in model.state_dict().items() if not torch.equal(value, before[name])
    }
    # As eager: the statistics have moved, and what was drawn is drawn, when the loss raises its error.
    assert eager == {"1.running_mean", "1.running_var", "1.num_batches_tracked"}
    assert not torch.equal(state, torch.get_rng_state())


def test_a_long_sum_over_rows_is_added_up_where_it_is_wanted() -> None:
    run = Step(lambda x: x.sum(0))
    for _ in range(3):
        x = torch.randn(3, 70_000)
        np.testing.assert_allclose(run(x).numpy(), x.sum(0).numpy(), rtol=1e-5, atol=1e-6)
    assert run.programs


def test_a_cell_of_one_row_is_compiled_whole():
    """Its gates are runs of one memory that begin at several places."""
    torch.manual_seed(0)
    cell, x, h = torch.nn.GRUCell(3, 4), torch.randn(1, 3), torch.randn(1, 4)

    def step(x, h):
        with torch.no_grad():
            return cell(x, h)

    compiled = torch.compile(step, fullgraph=True)
    for _ in range(3):
        assert torch.allclose(compiled(x, h), step(x, h), atol=1e-6)


def test_two_of_a_kind_over_the_same_rows() -> None:
    run = Step(
        lambda x: (torch.where(x > 0, x, 0.5).log_softmax(-1) + x).sum() + x.log_softmax(-1).sum()
    )
    for _ in range(3):
        x = torch.randn(4, 4)
        want = (torch.where(x > 0, x, 0.5).log_softmax(-1) + x).sum() + x.log_softmax(-1).sum()
        _close(run(x), want)
    assert run.programs, run.refusals


def test_attention_whose_lines_are_masked_whole_is_c():
    q, k = torch.randn(1, 1, 3, 4), torch.randn(1, 1, 5, 4)
    seen = torch.tensor([[False] * 5, [True] * 5, [True, False, True, True, False]])

    def attention(q, k):
        return torch.nn.functional.scaled_dot_product_attention(q, k, k, attn_mask=seen)

    expected = attention(q, k)
    compiled = torch.compile(attention)
    results = [compiled(q, k) for _ in range(3)]
    assert all(torch.allclose(result, expected, atol=1e-6) for result in results)
    assert "NumPy" not in str(compiled.report())
