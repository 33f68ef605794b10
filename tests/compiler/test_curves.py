"""The same seed gives the same curve, eagerly and compiled: every optimizer, in double precision."""

from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight import nn
from rushlight.compiler.compile import Step

pytestmark = pytest.mark.usefixtures("quick")

OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.05}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-3}),
    ("Adam", {"lr": 0.01, "amsgrad": True}),
    ("AdamW", {"lr": 0.01}),
    ("RMSprop", {"lr": 0.01, "centered": True, "momentum": 0.5}),
    ("Adagrad", {"lr": 0.05}),
    ("Adadelta", {}),
    ("Adamax", {"lr": 0.01}),
    ("NAdam", {"lr": 0.01}),
    ("RAdam", {"lr": 0.01}),
    ("ASGD", {"lr": 0.05}),
    ("Rprop", {"lr": 0.01}),
]


def curve(name: str, options: dict[str, Any], compiled: bool) -> list[float]:
    torch.manual_seed(0)
    # Without a bias in front of the norm: its gradient would be rounding alone.
    model = nn.Sequential(
        nn.Linear(5, 8, bias=False), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 3)
    ).double()
    optimizer = getattr(torch.optim, name)(model.parameters(), **options)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 10, 0.8)
    x, y = torch.randn(7, 12, 5).double(), torch.randint(3, (7, 12))

    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.detach()

    run: Any = Step(step) if compiled else step
    losses = []
    for i in range(100):
        model.train(i < 40 or i >= 60)
        losses.append(run(x[i % 7], y[i % 7]).item())
        schedule.step()
    assert not compiled or run.programs
    return losses


@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_curve(name: str, options: dict[str, Any]) -> None:
    np.testing.assert_allclose(curve(name, options, True), curve(name, options, False), atol=1e-9)


@pytest.mark.parametrize("late", [False, True])
def test_a_schedule_moves_inside_of_the_step(late: bool) -> None:
    # The rate that the optimizer took is the one before, be it that the program stops behind the schedule.
    def trained(compiled: bool) -> list[Any]:
        torch.manual_seed(0)
        model = nn.Linear(4, 3)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.5)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)

        def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            loss = model(x).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            return nn.functional.cross_entropy(model(x), y) if late else loss

        run: Any = Step(step) if compiled else step
        seen: list[Any] = []
        for i in range(9):
            try:
                seen.append(run(torch.randn(5, 4), torch.arange(5) % (4 if i == 5 else 3)).item())
            except (IndexError, RuntimeError) as error:
                seen.append(str(error))
            rate = schedule.get_last_lr()[0], schedule.last_epoch
            seen.append([*rate, *model.weight.detach().flatten().tolist()])
        return seen

    for eager, compiled in zip(trained(False), trained(True), strict=True):
        assert compiled == (eager if isinstance(eager, str) else pytest.approx(eager, abs=1e-6))
