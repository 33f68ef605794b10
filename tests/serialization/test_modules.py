"""Whole modules, and the state of training, both ways."""

from __future__ import annotations

import importlib
import inspect
import io

import pytest
import torch
from tests.serialization.test_torch_files import alike, through

import rushlight
from rushlight.serialization import names

BOTH = [(torch, rushlight), (rushlight, torch)]


def network(framework):
    nn = framework.nn
    framework.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(16, 3),
    )


def trained(framework, optimizer="Adam", **options):
    """A network after three steps, and its optimizer."""
    model = network(framework)
    steps = getattr(framework.optim, optimizer)(model.parameters(), **options)
    for _ in range(3):
        loss = model(framework.randn(5, 1, 4, 4)).square().mean()
        steps.zero_grad()
        loss.backward()
        steps.step()
    return model, steps


@pytest.mark.parametrize("frameworks", BOTH, ids=["in", "out"])
def test_a_whole_module(frameworks):
    saver, loader = frameworks
    model, _ = trained(saver)
    model.eval()
    got = through(saver, model, loader, weights_only=False)
    assert repr(got) == repr(model)
    assert got.training is False
    alike(*sorted_by_framework(model.state_dict(), got.state_dict()))
    x = torch.linspace(-1, 1, 32).reshape(2, 1, 4, 4)
    inputs = {torch: x, rushlight: rushlight.from_numpy(x.numpy())}
    want, found = (m(inputs[f]).detach().numpy() for m, f in ((model, saver), (got, loader)))
    assert abs(want - found).max() < 1e-6
    got.train()
    got(inputs[loader]).sum().backward()
    assert all(p.grad is not None for p in got.parameters())


def sorted_by_framework(one, two):
    """torch's first."""
    first = next(iter(one.values()))
    return (one, two) if isinstance(first, torch.Tensor) else (two, one)


@pytest.mark.parametrize("frameworks", BOTH, ids=["in", "out"])
def test_a_trusted_module_class(frameworks):
    saver, loader = frameworks
    with loader.serialization.safe_globals([loader.nn.Linear]):
        got = through(saver, saver.nn.Linear(2, 3), loader)
    assert repr(got) == "Linear(in_features=2, out_features=3, bias=True)"


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "NAdam"])
@pytest.mark.parametrize("frameworks", BOTH, ids=["in", "out"])
def test_training_goes_on_in_the_other_framework(frameworks, optimizer):
    saver, loader = frameworks
    options = {"lr": 0.05, "momentum": 0.9} if optimizer == "SGD" else {"lr": 0.01}
    model, steps = trained(saver, optimizer, **options)
    schedule = saver.optim.lr_scheduler.StepLR(steps, 2)
    state = {"model": model.state_dict(), "steps": steps.state_dict(), "s": schedule.state_dict()}
    got = through(saver, state, loader)
    alike(*((state, got) if saver is torch else (got, state)))
    other = network(loader)
    other.load_state_dict(got["model"])
    other_steps = getattr(loader.optim, optimizer)(other.parameters(), **options)
    other_steps.load_state_dict(got["steps"])
    x = torch.linspace(-1, 1, 32).reshape(2, 1, 4, 4)
    for m, o, f in ((model, steps, saver), (other, other_steps, loader)):
        m.eval()
        o.zero_grad()
        m(x if f is torch else rushlight.from_numpy(x.numpy())).square().mean().backward()
        o.step()
    want, found = sorted_by_framework(model.state_dict(), other.state_dict())
    for name, tensor in want.items():
        assert abs(tensor.numpy() - found[name].numpy()).max() < 1e-5, name


@pytest.mark.parametrize("frameworks", BOTH, ids=["in", "out"])
def test_a_whole_optimizer(frameworks):
    saver, loader = frameworks
    _, steps = trained(saver, "AdamW", lr=0.01)
    got = through(saver, steps, loader, weights_only=False)
    assert type(got) is loader.optim.AdamW
    assert got.param_groups[0]["lr"] == 0.01
    assert len(got.state) == len(steps.state)


@pytest.mark.parametrize("frameworks", BOTH, ids=["in", "out"])
def test_functions_are_found_by_name(frameworks):
    saver, loader = frameworks
    functional = saver.nn.functional
    made = [saver.sin, functional.relu, functional.gelu, saver.optim.SGD, saver.Tensor]
    got = through(saver, made, loader, weights_only=False)
    assert [thing.__name__ for thing in got] == ["sin", "relu", "gelu", "SGD", "Tensor"]
    x = loader.ones(2)
    assert got[0](x).tolist() == loader.sin(x).tolist()
    assert got[4] is loader.Tensor


class Own(rushlight.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = rushlight.nn.Linear(2, 2)
        self.lazy = rushlight.nn.LazyLinear(3)
        self.register_buffer("seen", rushlight.zeros(1), persistent=False)
        self.activation = rushlight.nn.functional.relu

    def forward(self, x):
        return self.activation(self.layer(x))


def test_a_module_of_ones_own():
    model = Own()
    got = through(rushlight, model, rushlight, weights_only=False)
    assert repr(got) == repr(model)
    assert got.activation is rushlight.nn.functional.relu
    assert [*got.state_dict()] == [*model.state_dict()]
    assert got.seen.tolist() == [0]


ROOMS = [
    "", "nn", "nn.functional", "nn.init", "nn.utils", "nn.utils.rnn", "optim",
    "optim.lr_scheduler", "linalg", "special", "utils.data", "utils.checkpoint", "serialization",
]  # fmt: skip


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.filterwarnings("ignore:'set_vital' is deprecated")
def test_torch_knows_what_is_saved_by_name(room):
    ours = importlib.import_module(f"rushlight.{room}".rstrip("."))
    theirs = importlib.import_module(f"torch.{room}".rstrip("."))
    checked = 0
    for name, thing in [*vars(ours).items()]:
        if not (inspect.isclass(thing) or inspect.isfunction(thing)) or not hasattr(theirs, name):
            continue
        if inspect.isclass(thing) and issubclass(thing, Exception):
            continue
        if thing.__qualname__ != name or not thing.__module__.startswith("rushlight"):
            continue
        written = names.torch_name(thing)
        assert written is not None, f"{thing} has no name that torch knows"
        module, attribute = written
        found = getattr(importlib.import_module(module), attribute)
        same = found is getattr(theirs, name) or (inspect.isfunction(thing) and attribute == name)
        assert same, f"{written} is not torch.{room}.{name}"
        checked += 1
    assert checked > 1


def test_saving_to_a_stream_and_a_path_is_the_same(tmp_path):
    model, _ = trained(rushlight)
    file = io.BytesIO()
    rushlight.save(model.state_dict(), file)
    rushlight.save(model.state_dict(), tmp_path / "archive.pt")
    assert (tmp_path / "archive.pt").read_bytes() == file.getvalue()
