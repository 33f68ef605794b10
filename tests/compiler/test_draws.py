"""Random numbers in C are eager's, bit for bit, and the generator stands where it would stand."""

import threading
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight import heavy
from rushlight.compiler.compile import Step
from rushlight.compiler.graph import Drawing
from rushlight.nn import functional as F

pytestmark = pytest.mark.usefixtures("quick", "seen")

ours = torch.Generator()
WEIGHT = (torch.arange(600.0) % 7 - 3).view(75, 8)
DRAWS: dict[str, Any] = {
    "dropout": lambda x: F.dropout(x, 0.3),
    "dropout by columns": lambda x: F.dropout(x.t() * 2, 0.3),
    "dropout of channels": lambda x: F.dropout2d(x[None, :, :, None], 0.5),
    "dropout twice": lambda x: F.dropout(F.dropout(x, 0.5) + torch.randn(40, 30), 0.1),
    "rand": lambda x: torch.rand(7, 333) * 2,
    "rand64": lambda x: torch.rand(1001, dtype=torch.float64) * 2,
    "uniform": lambda x: torch.nn.init.uniform_(torch.zeros_like(x), -2, 3) * 1,
    "uniform from 0": lambda x: torch.nn.init.uniform_(torch.zeros_like(x), 0, 3) * 1,
    "uniform64": lambda x: x.double().uniform_(0, 3) * 1,
    "uniform64 of width 1": lambda x: x.double().uniform_(-2, -1) * 1,
    "randint": lambda x: torch.randint(-3, 10, (1234,)) * 1,
    "randint of 64 bits": lambda x: torch.randint(-5, 2**40, (1234,)) * 1,
    "randn of 16": lambda x: torch.randn(16) * 1,
    "randn of 29": lambda x: torch.randn(29) * 1,
    "randn with a rest": lambda x: torch.randn(16384 * 2 + 17) * 1,
    "normal": lambda x: torch.nn.init.normal_(torch.zeros_like(x), 1.5, 0.3) * 1,
    "normal around 0": lambda x: torch.nn.init.normal_(torch.zeros_like(x), 0, 0.3) * 1,
    "normal around 2": lambda x: torch.nn.init.normal_(torch.zeros_like(x), 2, 1) * 1,
    "coins": lambda x: torch.empty(999).bernoulli_(0.37) * 1,
    "two generators": lambda x: torch.rand(50, generator=ours) + torch.randn(50) + torch.rand(50),
    # Images that a kernel lays out its own way, between two draws; sums of whole numbers are exact.
    "dropout of what was pooled": lambda x: F.dropout(
        F.relu(F.dropout(F.max_pool2d(x.sign().view(4, 3, 10, 10), 2), 0.5).flatten(1) @ WEIGHT),
        0.5,
    ),
}


def bits(step: Any) -> list[bytes]:
    torch.manual_seed(5)
    ours.manual_seed(7)
    x = torch.linspace(-1, 1, 1200).view(40, 30)
    made = [step(x) for _ in range(4)]
    return [t.numpy().tobytes() for t in (*made, torch.rand(3), torch.rand(3, generator=ours))]


@pytest.mark.parametrize("name", DRAWS)
def test_c_draws_what_eager_draws(name: str) -> None:
    step = Step(DRAWS[name])
    assert bits(step) == bits(DRAWS[name])
    groups = step.programs[0].machine.groups
    assert any(isinstance(s, Drawing) for group in groups for s in group.statements)


def test_what_stops_late_gives_numbers_back() -> None:
    w = torch.zeros(3)

    def step(x: Any) -> Any:
        drawn = torch.rand(20)
        w.add_(drawn[:3])
        if x.sum() + drawn.sum() * 0 > 0:
            return x * drawn[0]
        return x - drawn[0]

    compiled, results = Step(step), []
    for run in (step, compiled):
        torch.manual_seed(0)
        w.zero_()
        calls = [run(torch.tensor([float(s)])) for s in (1, 1, -1, 1, -1)]
        results.append([*(t.item() for t in calls), *w.tolist(), torch.rand(1).item()])
    assert results[0] == results[1]


def test_threads_draw_one_after_the_other() -> None:
    step = Step(lambda: torch.rand(4000) * 1)
    step()
    torch.manual_seed(0)
    expected = torch.rand(4000 * 40).sort()[0]
    torch.manual_seed(0)
    found: list[Any] = []

    def draw() -> None:
        for _ in range(10):
            found.append(step() if len(found) % 2 else torch.rand(4000))

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torch.equal(torch.cat(found).sort()[0], expected)


def test_eager_draws_in_c_what_numpy_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    heavy.loops(10**9)
    heavy._loops.job.done.wait()
    assert heavy.loops(10**9) is not None
    made = []
    for enabled in (True, False):
        monkeypatch.setattr(heavy.switch, "enabled", enabled)
        torch.manual_seed(3)
        made.append(
            [
                torch.randn(200_003), torch.rand(70_001), torch.empty(5000).uniform_(-1, 2),
                torch.empty(1003).normal_(-3, 0.1), F.dropout(torch.ones(70_001), 0.2),
                torch.randn(1001, dtype=torch.complex64), torch.rand(5),
            ]
        )  # fmt: skip
    for one, other in zip(*made, strict=True):
        assert np.array_equal(one.numpy().view(np.int32), other.numpy().view(np.int32))
