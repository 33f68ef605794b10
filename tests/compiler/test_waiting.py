"""A function that was compiled before is recorded without computing, and C computes its first call."""

import functools
from pathlib import Path

import numpy as np
import pytest

import rushlight as torch
from rushlight.compiler.recording.waiting import Waiting
from rushlight.nn import functional as F

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RUSHLIGHT_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many operations waited, each time they were computed in NumPy after all."""
    counts: list[int] = []
    compute = Waiting.compute

    def counted(self, entries, everything):
        counts.append(len(self.late))
        return compute(self, entries, everything)

    monkeypatch.setattr(Waiting, "compute", counted)
    return counts


def network(seed=3):
    torch.manual_seed(seed)
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3, bias=False), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Flatten(),
        torch.nn.Dropout(0.3), torch.nn.Linear(4 * 36, 5),
    )  # fmt: skip


def training(optimizer, more=lambda loss, model: None, wrap=torch.compile, seed=3):
    """A step, its network, and batches."""
    model = network(seed)
    moves = optimizer(model.parameters())

    def step(x, y):
        moves.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        more(loss, model)
        moves.step()
        return loss

    return wrap(step), model, moves


def batches(count=4):
    torch.manual_seed(5)
    return [(torch.rand(6, 1, 8, 8), torch.randint(5, (6,))) for _ in range(count)]


def all_of(step, model, moves):
    """What is seen of some steps."""
    seen = []
    torch.manual_seed(9)
    for x, y in batches():
        loss = step(x, y)
        seen += [loss.detach().clone(), *(p.grad.clone() for p in model.parameters())]
        seen += [p.detach().clone() for p in (*model.parameters(), *model.buffers())]
        seen += [
            torch.as_tensor(v).clone()
            for state in moves.state.values()
            for v in state.values()
            if v is not None
        ]
    seen.append(torch.rand(3))
    return seen


def alike(a, b, room=1e-4):
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        torch.testing.assert_close(x, y, rtol=room, atol=room)


OPTIMIZERS = {
    "sgd": functools.partial(torch.optim.SGD, lr=0.1, momentum=0.9, weight_decay=0.01),
    "adamw": functools.partial(torch.optim.AdamW, lr=0.01),
    "adadelta": functools.partial(torch.optim.Adadelta, lr=1.0),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_first_call_is_computed_by_c(name, computed):
    optimizer = OPTIMIZERS[name]
    first = all_of(*training(optimizer))
    assert computed == []
    step, model, moves = training(optimizer)
    again = all_of(step, model, moves)
    assert computed == []
    assert not step.refusals
    alike(first, again)
    alike(again, all_of(*training(optimizer, wrap=lambda f: f)))


def test_other_weights_are_the_same_function(computed, folder):
    all_of(*training(OPTIMIZERS["adamw"]))
    kept = set(folder.glob("*.program"))
    step, model, moves = training(OPTIMIZERS["adamw"], seed=4)
    found = all_of(step, model, moves)
    assert computed == []
    assert set(folder.glob("*.program")) == kept
    alike(found, all_of(*training(OPTIMIZERS["adamw"], wrap=lambda f: f, seed=4)))


def test_what_others_keep_is_computed(computed):
    """Where somebody holds more than the results, NumPy computes all of it, as ever."""
    torch.nn.init.__dict__["_kept_by_a_test"] = kept = []
    try:
        for turn in range(2):
            step, model, _ = training(OPTIMIZERS["sgd"])
            model[2].register_forward_hook(lambda module, given, made: kept.append(made.detach()))
            torch.manual_seed(1)
            x, y = batches(1)[0]
            step(x, y)
            assert float((kept[-1] < 0).sum()) == 0
            assert float(kept[-1].abs().sum()) > 0
            if turn:
                torch.testing.assert_close(kept[0], kept[-1])
    finally:
        del torch.nn.init.__dict__["_kept_by_a_test"]


def test_a_look_at_values_computes_what_waits(computed):
    def step(x, w):
        y = (x * w).sum(1)
        z = y.exp()
        top = z.max().item()
        return z * 2, top

    x, w = torch.rand(40, 30), torch.rand(30)
    for _ in range(2):
        made, top = torch.compile(step)(x, w)
        torch.testing.assert_close(made, (x * w).sum(1).exp() * 2)
        assert top == pytest.approx(float((x * w).sum(1).exp().max()))
    assert len(computed) == 1
    assert computed[0] >= 3


def test_what_is_refused_later_is_computed():
    def step(x, count):
        y = x * 3
        if count[0]:
            history.append(y)
            print(end="")
        return (y + 1).sum(), y

    x = torch.rand(50, 20)
    for turn in (0, 0, 1, 0):
        history: list[torch.Tensor] = []
        total, y = torch.compile(step)(x, [turn])
        torch.testing.assert_close(y, x * 3)
        torch.testing.assert_close(total, (x * 3 + 1).sum())
        for old in history:
            torch.testing.assert_close(old, x * 3)


def test_errors_come_where_they_arise(computed):
    def step(x, y):
        try:
            loss = F.cross_entropy(x * 2, y)
        except IndexError:
            return x.sum()
        return loss

    x, good, bad = torch.rand(30, 5), torch.arange(30) % 5, torch.full((30,), 7)
    for _ in range(2):
        torch.testing.assert_close(torch.compile(step)(x, good), F.cross_entropy(x * 2, good))
    torch.testing.assert_close(torch.compile(step)(x, bad), x.sum())


def test_an_error_of_the_function_leaves_what_was_done():
    w = torch.ones(40, 40)

    def step(x, fail):
        w.mul_(2)
        w.add_(x)
        if fail[0]:
            raise KeyError("mine")
        return (w * 3).sum()

    x = torch.rand(40, 40)
    for fail in (0, 0, 1):
        w.fill_(1)
        if fail:
            with pytest.raises(KeyError):
                torch.compile(step)(x, [fail])
        else:
            torch.compile(step)(x, [fail])
        torch.testing.assert_close(w, 2 + x)


def test_graphs_that_live_on_are_whole(computed):
    w = torch.rand(30, 20, requires_grad=True)

    def step(x):
        return (x @ w).tanh().sum()

    x = torch.rand(25, 30)
    grads = []
    for _ in range(3):
        w.grad = None
        torch.compile(step)(x).backward()
        grads.append(w.grad.clone())
    torch.testing.assert_close(grads[0], grads[1])
    torch.testing.assert_close(grads[0], grads[2])


def test_parts_of_a_result_do_not_hide_the_rest():
    def step(x):
        y = (x * 2 + 1) @ x.T
        return y[:, -1], y.mean()

    x = torch.rand(30, 20)
    for _ in range(3):
        last, mean = torch.compile(step)(x)
        y = (x * 2 + 1) @ x.T
        torch.testing.assert_close(last, y[:, -1])
        torch.testing.assert_close(mean, y.mean())
        assert last._base is None or torch.allclose(last._base, y)


def test_aliases_of_memory_are_seen():
    a = torch.rand(40, 20)
    flat = a.view(-1)

    def step(x):
        a.mul_(x)
        b = flat[20:60] + 1
        flat.add_(1)
        return a.sum(0), b

    x = torch.rand(40, 20)
    start = a.clone()
    for _ in range(3):
        a.copy_(start)
        total, b = torch.compile(step)(x)
        torch.testing.assert_close(a, start * x + 1)
        torch.testing.assert_close(total, (start * x + 1).sum(0))
        torch.testing.assert_close(b, (start * x).view(-1)[20:60] + 1)


def test_a_c_that_stops_is_computed(monkeypatch, computed):
    """The C is refused at its first call: NumPy does it from the beginning, and nothing is done twice."""
    from rushlight.compiler.machine import Machine, Stopped

    w, x = torch.ones(30, 20), torch.rand(30, 20)
    state = torch.zeros(())

    def step(x):
        state.add_(1)
        w.mul_(x)
        mask = torch.rand(30, 20)
        w.add_(mask)
        return w.sum(), mask

    def whole():
        w.fill_(1)
        state.zero_()
        torch.manual_seed(2)
        total, mask = torch.compile(step)(x)
        torch.testing.assert_close(w, x + mask)
        torch.testing.assert_close(total, (x + mask).sum())
        assert state.item() == 1
        return mask, torch.rand(2)

    first = whole()
    run = Machine.run

    def stopped(self, tensors, slots, again=False):
        run(self, tensors, slots, again)
        raise Stopped(None)

    monkeypatch.setattr(Machine, "run", stopped)
    for one, other in zip(first, whole(), strict=True):
        torch.testing.assert_close(one, other)
    assert computed


def test_environment_is_no_part_of_what_is_foreseen(folder, monkeypatch):
    import os

    def step(x):
        y = x * 2
        return y + 1 if os.environ.get("RUSHLIGHT_TEST_WAY") else np.float32(2) * y

    torch.compile(step)(torch.rand(30, 20))
    assert not list(folder.glob("*.outcomes"))
