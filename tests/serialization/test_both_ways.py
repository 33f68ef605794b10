"""What goes from torch to rushlight and back whole: modules, generators, results; and training that goes on."""

from __future__ import annotations

import copy
import io
import pickle
import textwrap
import warnings

import pytest
import torch
from tests.parity import Comparison

import rushlight

OLD = {"_use_new_zipfile_serialization": False}


def made_by(framework, program):
    names = {"torch": framework}
    exec(textwrap.dedent(program), names)
    return names["made"]


def through(saver, made, loader, save=None, **options):
    file = io.BytesIO()
    saver.save(made, file, **(save or {}))
    file.seek(0)
    return loader.load(file, **options)


MODULES = {
    "lstm": "torch.nn.LSTM(2, 3, num_layers=2, bidirectional=True, proj_size=2)",
    "gru": "torch.nn.GRU(2, 3, bias=False)",
    "rnn": "torch.nn.RNN(2, 3)",
    "spectral": "torch.nn.utils.spectral_norm(torch.nn.Linear(2, 3))",
    "attention": "torch.nn.TransformerEncoderLayer(2, 1, 4, dropout=0.0, batch_first=True)",
    "layers": "torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2), torch.nn.PReLU(), torch.nn.ReLU6())",
}


@pytest.mark.filterwarnings("ignore:.*source code of class")
@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("save", [{}, OLD], ids=["zip", "legacy"])
@pytest.mark.parametrize("name", MODULES)
def test_whole_modules_compute_the_same(name, save):
    results = {}
    for framework, other in ((torch, rushlight), (rushlight, torch), (rushlight, rushlight)):
        framework.manual_seed(0)
        model = made_by(framework, f"made = {MODULES[name]}").eval()
        got = through(framework, model, other, save, weights_only=False)
        assert type(got).__module__.partition(".")[0] == other.__name__
        x = torch.linspace(-1, 1, 12).reshape(6, 2).tolist()
        shaped = [x] if name == "attention" else x
        out = got(other.tensor(shaped))
        out = out[0] if isinstance(out, tuple) else out
        results[framework.__name__, other.__name__] = out.tolist()
        state = through(other, got.state_dict(), framework, save)
        model.load_state_dict(state)
    first, *others = (torch.tensor(value) for value in results.values())
    for other in others:
        torch.testing.assert_close(first, other)


def test_lazy_modules_are_read():
    layer = through(torch, torch.nn.LazyLinear(3), rushlight, weights_only=False)
    assert layer(rushlight.ones(2, 5)).shape == (2, 3)
    assert type(layer) is rushlight.nn.Linear
    layer = through(rushlight, rushlight.nn.LazyLinear(3), torch, weights_only=False)
    assert layer(torch.ones(2, 5)).shape == (2, 3)


@pytest.mark.parametrize("saver", [torch, rushlight])
@pytest.mark.parametrize("loader", [torch, rushlight])
def test_generators_go_on_where_they_were(saver, loader):
    generator = saver.Generator().manual_seed(5)
    saver.rand(3, generator=generator)
    got = through(saver, {"it": generator}, loader, weights_only=False)["it"]
    assert got.initial_seed() == 5
    assert loader.rand(4, generator=got).tolist() == saver.rand(4, generator=generator).tolist()


def test_generators_are_copied_and_pickled():
    generator = rushlight.Generator().manual_seed(5)
    twin, other = copy.deepcopy(generator), pickle.loads(pickle.dumps(generator))
    assert rushlight.rand(2, generator=twin).tolist() == rushlight.rand(2, generator=other).tolist()


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
def test_the_values_of_a_legacy_file_are_there_when_something_is_made_of_them():
    at = [[0, 0], [1, 1]]
    for saver in (torch, rushlight):
        sparse = saver.sparse_coo_tensor(saver.tensor(at), saver.tensor([1.0, 2.0]), (2, 2))
        got = through(saver, {"s": sparse}, rushlight, OLD)["s"]
        assert got.to_dense().tolist() == [[0, 3], [0, 0]]
        generator = saver.Generator().manual_seed(3)
        got = through(saver, generator, rushlight, OLD, weights_only=False)
        assert rushlight.rand(1, generator=got).item() == saver.rand(1, generator=generator).item()


@pytest.mark.parametrize("saver", [torch, rushlight])
@pytest.mark.parametrize("loader", [torch, rushlight])
def test_named_results(saver, loader):
    made = [saver.max(saver.eye(2), 0), saver.sort(saver.arange(3.0))]
    got = through(saver, made, loader, weights_only=False)
    assert type(got[0]) is loader.return_types.max
    assert got[0].indices.tolist() == [0, 1]
    assert type(got[1]) is loader.return_types.sort


@pytest.mark.parametrize("weights_only", [True, False])
@pytest.mark.parametrize(
    ("made", "match"),
    [
        (lambda: torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8), "quantized"),
        (lambda: torch.nested.nested_tensor([torch.ones(2)]), "nested"),
    ],
    ids=["quantized", "nested"],
)
def test_what_is_not_here_is_refused_by_name(made, match, weights_only):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tensor = made()
        with pytest.raises(NotImplementedError, match=match):
            through(torch, tensor, rushlight, weights_only=weights_only)


def test_a_local_function_is_refused_as_in_torch():
    for library in (torch, rushlight):
        with pytest.raises(AttributeError, match="Can't pickle local object"):
            library.save(lambda: 1, io.BytesIO())


def test_objects_that_torch_cannot_pickle_are_not_written():
    for thing in (rushlight.channels_last, rushlight.finfo(rushlight.float32)):
        with pytest.raises(TypeError, match="cannot pickle 'torch"):
            rushlight.save([thing], io.BytesIO())


# ---- training that goes on in the other framework ------------------------------------------------

OPTIMIZERS = {
    "SGD": "torch.optim.SGD(parameters, lr=0.1, momentum=0.9, nesterov=True)",
    "AdamW": "torch.optim.AdamW(parameters, lr=0.01, amsgrad=True)",
    "Adagrad": "torch.optim.Adagrad(parameters, lr=0.1)",
    "RMSprop": "torch.optim.RMSprop(parameters, lr=0.01, momentum=0.5, centered=True)",
    "NAdam": "torch.optim.NAdam(parameters, lr=0.01)",
    "Rprop": "torch.optim.Rprop(parameters, lr=0.01)",
    "ASGD": "torch.optim.ASGD(parameters, lr=0.01)",
    "LBFGS": "torch.optim.LBFGS(parameters, lr=0.1, max_iter=3)",
}
SCHEDULERS = {
    "SGD": "s.OneCycleLR(optimizer, 0.2, total_steps=20)",
    "AdamW": "s.CosineAnnealingWarmRestarts(optimizer, 3)",
    "Adagrad": "s.MultiStepLR(optimizer, [2, 5])",
    "RMSprop": "s.SequentialLR(optimizer, [s.ConstantLR(optimizer), s.ExponentialLR(optimizer, 0.9)], [3])",
    "NAdam": "s.CyclicLR(optimizer, 0.001, 0.1, step_size_up=3, cycle_momentum=False)",
}

TRAINING = """
s = torch.optim.lr_scheduler

class Run:
    def __init__(self):
        torch.manual_seed(1)
        self.model = torch.nn.Sequential(
            torch.nn.Linear(4, 8, bias=False), torch.nn.BatchNorm1d(8), torch.nn.Tanh(), torch.nn.Dropout(0.3),
            torch.nn.Linear(8, 1),
        )
        parameters = list(self.model.parameters())
        optimizer = self.optimizer = OPTIMIZER
        self.scheduler = SCHEDULER
        self.scaler = torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=2)

    def step(self):
        x = torch.randn(16, 4)
        def loss():
            self.optimizer.zero_grad()
            value = ((self.model(x) - x.sum(1, keepdim=True)) ** 2).mean()
            value.backward()
            return value
        if type(self.optimizer).__name__ == "LBFGS":
            value = self.optimizer.step(loss)
        else:
            self.optimizer.zero_grad()
            value = ((self.model(x) - x.sum(1, keepdim=True)) ** 2).mean()
            self.scaler.scale(value).backward()
            self.scaler.step(self.optimizer)
            self.scaler.update()
        self.scheduler.step()
        return float(value.detach())

    def parts(self):
        return {"model": self.model, "optimizer": self.optimizer, "scheduler": self.scheduler,
                "scaler": self.scaler}

    def save(self, file):
        states = {name: part.state_dict() for name, part in self.parts().items()}
        torch.save({**states, "rng": torch.get_rng_state()}, file)

    def load(self, file):
        states = torch.load(file)
        for name, part in self.parts().items():
            part.load_state_dict(states[name])
        torch.set_rng_state(states["rng"])

made = Run()
"""


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_in_the_other_framework(name):
    scheduler = SCHEDULERS.get(name, "s.StepLR(optimizer, 2, 0.5)")
    program = TRAINING.replace("OPTIMIZER", OPTIMIZERS[name]).replace("SCHEDULER", scheduler)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the schedule is asked before some optimizers stepped
        whole = made_by(torch, program)
        wanted = [whole.step() for _ in range(9)]
        run, got = made_by(torch, program), []
        for framework in (rushlight, torch, None):
            got += [run.step() for _ in range(3)]
            if framework is not None:
                file = io.BytesIO()
                run.save(file)
                file.seek(0)
                run = made_by(framework, program)
                run.load(file)
    assert got == pytest.approx(wanted, rel=2e-5)
    problems = list(
        Comparison(torch, torch, 1e-4, 1e-5).values(
            "p", whole.model.state_dict(), run.model.state_dict()
        )
    )
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("size", [3, 100])
def test_several_in_one_buffer_are_read_where_they_begin(size):
    read = {}
    for framework in (torch, rushlight):
        file, at, found = io.BytesIO(b"ab"), [], []
        file.seek(2)
        for count in (3, size):
            at.append(file.tell())
            framework.save(framework.ones(count) * (len(at)), file)
        for place in at:
            file.seek(place)
            assert framework.serialization._is_zipfile(file)
            assert file.tell() == place
            try:
                found.append(framework.load(file).tolist())
            except RuntimeError:
                found.append("refused")
        read[framework.__name__] = found
    assert read["torch"] == read["rushlight"]
