"""What has been lowered before is found again, and only for what is the same."""

from pathlib import Path

import pytest

import rushlight as torch
from rushlight.compiler import lowering, remembered
from rushlight.nn import functional as F

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RUSHLIGHT_CACHE", str(tmp_path))
    return tmp_path


def trained(wrap=torch.compile):
    """The losses of a small network with dropout, and what is left of it."""
    torch.manual_seed(3)
    model = torch.nn.Sequential(
        torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Dropout(0.3), torch.nn.Linear(8, 3)
    )
    moves = torch.optim.Adam(model.parameters(), lr=0.01)

    def step(x, y):
        moves.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        moves.step()
        return loss

    step = wrap(step)
    torch.manual_seed(4)
    losses = [step(torch.rand(5, 4), torch.tensor([0, 1, 2, 0, 1])).item() for _ in range(5)]
    if wrap is torch.compile:
        assert not step.refusals
    return losses, torch.rand(1).item(), [p.sum().item() for p in model.parameters()]


def nothing_new(monkeypatch):
    def lowered(program):
        raise AssertionError("it is lowered again")

    monkeypatch.setattr(lowering, "lower", lowered)


def close(a, b):
    return a[1] == b[1] and a[0] == pytest.approx(b[0]) and a[2] == pytest.approx(b[2], 1e-4, 1e-5)


def test_a_program_is_found_again(folder, monkeypatch):
    first, eager = trained(), trained(lambda step: step)
    assert close(first, eager)
    assert len(list(folder.glob("*.program"))) == 1
    nothing_new(monkeypatch)
    assert trained() == first


def test_half_a_file_is_none(folder):
    first = trained()
    (kept,) = folder.glob("*.program")
    kept.write_bytes(kept.read_bytes()[:-7])
    assert trained() == first


@pytest.mark.parametrize(
    "other",
    [
        lambda x: x * 2 + 1.5,
        lambda x: x * 2 + (1 if x.ndim else 0),
        lambda x: x * 2 + torch.tensor([1.0, 2.0]),
        lambda x: (x * 2).double() + 1,
    ],
)
def test_another_function_is_another_program(folder, other):
    x = torch.ones(2)
    for f in (lambda x: x * 2 + 1, other, lambda x: x * 2 + torch.tensor([1.0, 3.0])):
        compiled = torch.compile(f)
        for _ in range(2):
            assert compiled(x).tolist() == f(x).tolist()
            assert compiled(x).dtype is f(x).dtype
    assert len(list(folder.glob("*.program"))) == 3


def test_shapes_and_sources_count(folder, monkeypatch):
    def f(x):
        return x * 2 + 1

    for x in (torch.ones(2), torch.ones(3), torch.ones(2, 2).T):
        assert torch.compile(f)(x).tolist() == f(x).tolist()
    monkeypatch.setattr(remembered, "_sources", lambda: [("other", 1, 1)])
    torch.compile(f)(torch.ones(2))
    assert len(list(folder.glob("*.program"))) == 4


def test_a_constant_stays_with_its_program(folder, monkeypatch):
    def f(x):
        table = torch.tensor([3.0, 1.0, 2.0])
        return x[torch.tensor([2, 0])] + table[:2]

    x = torch.tensor([1.0, 2.0, 4.0])
    torch.compile(f)(x)
    nothing_new(monkeypatch)
    again = torch.compile(f)
    assert [again(x).tolist() for _ in range(3)] == [f(x).tolist()] * 3
    assert not again.refusals


def test_what_numpy_writes_is_seen_in_a_program_that_is_found_again(folder):
    def run(past):
        weight = torch.ones(100_000)
        count = torch.zeros(1)
        view = count.numpy()

        @torch.compile
        def step(x):
            weight.mul_(1 + count)
            if past:
                view[0] += 1
            weight.add_(x)
            return x * 2

        for _ in range(3):
            step(torch.ones(100_000))
        return count.item(), step.refusals

    assert run(False) == (0.0, [])
    counted, refusals = run(True)
    assert counted == 3.0
    assert refusals
