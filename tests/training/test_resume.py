"""A run that is killed and resumed is, bit for bit, the run that never stopped."""

from __future__ import annotations

import math
import os
import random
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import rushlight as torch
from rushlight import nn
from rushlight.training import Callback, Dense, EarlyStopping, Metric, Stack, Trainer, l2
from rushlight.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset


def points(n=37):
    rng = np.random.RandomState(0)
    x = rng.uniform(-1, 1, (n, 3)).astype(np.float32)
    return x, (x**2).sum(1, keepdims=True)


class Noise(Callback):
    """Uses all three random streams, and remembers what it drew."""

    def __init__(self):
        self.drawn = 0.0

    def on_batch_end(self, trainer, logs):
        self.drawn += random.random() + np.random.rand() + torch.rand(1).item() + np.random.randn()

    def on_epoch_end(self, trainer, row):
        self.drawn += random.gauss(0, 1)

    def state_dict(self):
        return {"drawn": self.drawn}

    def load_state_dict(self, state):
        self.drawn = state["drawn"]


class Largest(Metric):
    def __init__(self):
        self.reset()

    def reset(self):
        self.value = -math.inf

    def update(self, outputs, targets):
        self.value = max(self.value, outputs.max().item())

    def compute(self):
        return self.value


class Jittered(Dataset):
    """Samples that are made differently each time."""

    def __init__(self):
        self.x, self.y = (torch.from_numpy(a) for a in points())

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i] + 0.01 * torch.randn(3) + random.random() * 0.01, self.y[i]


class Stream(IterableDataset):
    def __iter__(self):
        for _ in range(20):
            x = torch.randn(3)
            yield x, x.sum().reshape(1)


def model():
    return nn.Sequential(
        Dense(3, 16, "tanh"), nn.BatchNorm1d(16), nn.Dropout(0.3), Dense(16, 1, None)
    )


class Stopped(Exception):
    """Stands for whatever ends a run."""


class StopAfter(Callback):
    def __init__(self, batches):
        self.left = batches

    def on_batch_begin(self, trainer, batch):
        self.left -= 1
        if self.left < 0:
            raise Stopped


OPTIONS = {
    "plain": {},
    "sgd with momentum": {"optimizer": ("sgd", {"lr": 0.01, "momentum": 0.9})},
    "nadam": {"optimizer": "nadam"},
    "rmsprop centered": {"optimizer": ("rmsprop", {"centered": True, "momentum": 0.5})},
    "adagrad": {"optimizer": "adagrad"},
    "amsgrad": {"optimizer": ("adamw", {"amsgrad": True})},
    "step schedule": {"scheduler": ("step_lr", {"step_size": 2})},
    "one cycle": {"scheduler": ("one_cycle_lr", {"max_lr": 0.1, "total_steps": 200})},
    "cyclic": {
        "optimizer": ("sgd", {"lr": 0.01, "momentum": 0.9}),
        "scheduler": ("cyclic_lr", {"base_lr": 0.001, "max_lr": 0.1, "step_size_up": 7}),
    },
    "plateau": {"scheduler": ("reduce_lr_on_plateau", {"patience": 0})},
    "lambda": {"scheduler": lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda e: 0.9**e)},
    "multi step": {"scheduler": ("multi_step_lr", {"milestones": [1, 3]})},
    "warm restarts": {"scheduler": ("cosine_annealing_warm_restarts", {"T_0": 2})},
    "penalty": {"penalty": l2(0.01)},
    "metrics": {"metrics": {"mae": "mae", "r2": "r2", "rmse": "rmse", "largest": Largest()}},
}
FITS = {
    "accumulate": {"accumulate": 3},
    "clip": {"clip_grad_norm": 0.5, "clip_grad_value": 0.1},
    "validation": {"validation": 0.2, "validate_every": 2},
    "early stopping": {"validation": 0.2, "early_stopping": EarlyStopping(2, restore_best=True)},
    "not shuffled": {"shuffle": False},
}


def state_of(trainer, callback):
    """Everything that must be equal, as plain values."""
    return {
        "model": {k: v.tolist() for k, v in trainer.model.state_dict().items()},
        "optimizer": plain(trainer.optimizer.state_dict()),
        "schedulers": [plain(s.state_dict()) for s in trainer.schedulers.values()],
        "history": list(trainer.history),
        "drawn": callback.drawn,
        "next": (random.random(), np.random.rand(), torch.rand(1).item()),
    }


def plain(value):
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if not callable(v)}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value


def run(data, epochs, options, fit, stop_after=None, **more):
    """A new trainer, as a new process would make it, and its state after fit."""
    torch.manual_seed(1)
    random.seed(2)
    np.random.seed(3)
    noise = Noise()
    trainer = Trainer(model(), "mse", **{"optimizer": "adam", **options})
    callbacks = [noise] + ([] if stop_after is None else [StopAfter(stop_after)])
    try:
        trainer.fit(
            *data(),
            epochs=epochs,
            batch_size=8,
            callbacks=callbacks,
            progress=False,
            **{**fit, **more},
        )
    except Stopped:
        return None
    return state_of(trainer, noise)


def check(tmp_path, data=points, options=None, fit=None, stops=((2, None), (5, 14))):
    options, fit = options or {}, fit or {}
    straight = run(data, 5, options, fit)
    assert len(straight["history"]) == 5 or "early_stopping" in fit
    for number, (epochs, batches) in enumerate(stops):
        path = tmp_path / f"run{number}.pt"
        saving = {"checkpoint": path, "resume": True}
        if batches is not None:
            saving["checkpoint_every"] = 2
        run(data, epochs, options, fit, batches, **saving)
        assert path.exists()
        # Whatever happened in between, in another process or this one.
        random.random(), np.random.rand(), torch.rand(3)
        resumed = run(data, 5, options, fit, **saving)
        assert resumed == straight


@pytest.mark.parametrize("name", OPTIONS)
def test_trainers(name, tmp_path):
    options = OPTIONS[name]
    fit = {"validation": 0.2} if name in ("plateau", "metrics") else {}
    check(tmp_path, options=options, fit=fit)


@pytest.mark.parametrize("name", FITS)
def test_fits(name, tmp_path):
    check(tmp_path, fit=FITS[name])


def test_stopped_at_every_batch(tmp_path):
    fit = {"accumulate": 2}
    straight = run(points, 2, {}, fit)
    for batches in range(1, 10):
        path = tmp_path / f"{batches}.pt"
        saving = {"checkpoint": path, "checkpoint_every": 1, "resume": True}
        run(points, 2, {}, fit, batches, **saving)
        assert run(points, 2, {}, fit, **saving) == straight


def loader(**options):
    def make():
        return (DataLoader(TensorDataset(*map(torch.from_numpy, points())), 8, **options),)

    return make


DATA = {
    "a loader": loader(shuffle=True),
    "a loader with a generator": lambda: loader(
        shuffle=True, generator=torch.Generator().manual_seed(5)
    )(),
    "a loader with a sampler": lambda: loader(
        sampler=torch.utils.data.WeightedRandomSampler(
            [1.0] * 20 + [2.0] * 17, 30, generator=torch.Generator().manual_seed(5)
        )
    )(),
    "a loader with workers": loader(shuffle=True, num_workers=2),
    "a dataset that is random": lambda: (Jittered(),),
    "a stream": lambda: (Stream(),),
    "a list of batches": lambda: (list(loader()()[0]),),
}


@pytest.mark.parametrize("name", DATA)
def test_data(name, tmp_path):
    check(tmp_path, data=DATA[name])


def test_a_second_fit_goes_on_as_one():
    for split in (1, 3):
        torch.manual_seed(1)
        one = Trainer(model(), "mse", scheduler=("step_lr", {"step_size": 2}))
        one.fit(*points(), epochs=4, progress=False)
        torch.manual_seed(1)
        two = Trainer(model(), "mse", scheduler=("step_lr", {"step_size": 2}))
        two.fit(*points(), epochs=split, progress=False)
        two.fit(*points(), epochs=4 - split, progress=False)
        assert one.history == two.history
        assert plain(one.model.state_dict()) == plain(two.model.state_dict())


def test_resuming_a_finished_run_does_nothing(tmp_path):
    saving = {"checkpoint": tmp_path / "run.pt", "resume": True}
    first = run(points, 3, {}, {}, **saving)
    assert run(points, 3, {}, {}, **saving) == first
    stopping = {"early_stopping": EarlyStopping(1, min_delta=100), **saving}
    (tmp_path / "run.pt").unlink()
    first = run(points, 5, {}, stopping)
    assert len(first["history"]) == 2
    assert run(points, 5, {}, stopping) == first


def test_from_another_path(tmp_path):
    run(points, 2, {}, {}, checkpoint=tmp_path / "a.pt")
    resumed = run(points, 4, {}, {}, resume=tmp_path / "a.pt")
    assert resumed == run(points, 4, {}, {})
    with pytest.raises(FileNotFoundError):
        run(points, 4, {}, {}, resume=tmp_path / "missing.pt")


def test_a_checkpoint_is_a_file_of_torch(tmp_path):
    import torch as real

    trainer = Trainer(Stack([3, 4, 1]), "mse")
    trainer.fit(*points(), epochs=1, progress=False, checkpoint=tmp_path / "run.pt")
    state = real.load(tmp_path / "run.pt")
    layers = real.nn.Sequential(real.nn.Linear(3, 4), real.nn.Linear(4, 1))
    layers.load_state_dict(state["model"])
    assert state["history"][0]["epoch"] == 1


def test_save_and_load(tmp_path):
    trainer = Trainer(model(), "mse")
    trainer.fit(*points(), epochs=2, progress=False)
    trainer.save(tmp_path / "run.pt")
    other = Trainer(model(), "mse")
    other.load(tmp_path / "run.pt")
    x, _ = points()
    assert other.predict(x).tolist() == trainer.predict(x).tolist()
    assert other.history == trainer.history
    trainer.fit(*points(), epochs=1, progress=False)
    expected = trainer.history[-1]
    other.load(tmp_path / "run.pt")
    other.fit(*points(), epochs=1, progress=False)
    assert other.history[-1] == expected


def wrong_states(tmp_path):
    """Files that do not fit a trainer of `model()`, and what is said about them."""
    torch.save({"weight": torch.ones(1)}, tmp_path / "weights.pt")
    yield "weights.pt", ValueError, "not a Trainer's checkpoint"
    other = Trainer(Stack([3, 5, 1]), "mse")
    other.fit(*points(), epochs=1, progress=False, checkpoint=tmp_path / "other.pt")
    yield "other.pt", RuntimeError, "state_dict"
    scheduled = Trainer(model(), "mse", scheduler=("step_lr", {"step_size": 1}))
    scheduled.fit(*points(), epochs=1, progress=False, checkpoint=tmp_path / "scheduled.pt")
    yield "scheduled.pt", ValueError, "schedulers"
    watched = Trainer(model(), "mse")
    watched.fit(
        *points(), epochs=1, progress=False, early_stopping=2, checkpoint=tmp_path / "watched.pt"
    )
    yield "watched.pt", ValueError, "callbacks"
    content = (tmp_path / "watched.pt").read_bytes()
    (tmp_path / "cut.pt").write_bytes(content[: len(content) // 2])
    yield "cut.pt", RuntimeError, "failed finding central directory"
    (tmp_path / "empty.pt").write_bytes(b"")
    yield "empty.pt", EOFError, "empty"
    state = Trainer(model(), "mse").state_dict()
    state["optimizers"] = Trainer(Stack([3, 1]), "mse").state_dict()["optimizers"]
    torch.save(state, tmp_path / "mixed.pt")
    yield "mixed.pt", ValueError, "parameter group"


def test_what_does_not_fit_changes_nothing(tmp_path):
    trainer = Trainer(model(), "mse")
    trainer.fit(*points(), epochs=2, progress=False)
    torch.manual_seed(0)
    before = plain(trainer.state_dict())
    for name, error, match in wrong_states(tmp_path):
        content = (tmp_path / name).read_bytes()
        torch.manual_seed(0)
        before["random"] = plain(trainer.state_dict()["random"])
        with pytest.raises(error, match=match):
            trainer.fit(*points(), epochs=9, progress=False, resume=tmp_path / name)
        assert plain(trainer.state_dict()) == before, name
        assert (tmp_path / name).read_bytes() == content


def test_other_data_in_the_middle_of_an_epoch(tmp_path):
    saving = {"checkpoint": tmp_path / "run.pt", "checkpoint_every": 1, "resume": True}
    run(points, 2, {}, {}, 3, **saving)
    with pytest.raises(ValueError, match="same data and batch_size"):
        run(lambda: points(80), 2, {}, {}, **saving)


SCRIPT = """
    import os, signal, sys
    import rushlight as torch
    from rushlight.training import Callback, Dense, Trainer

    def train(path, epochs, kill):
        torch.manual_seed(0)
        x = torch.linspace(-1, 1, 50).reshape(-1, 1)
        blocks = [Dense(1, 8, "tanh"), torch.nn.Dropout(0.2), Dense(8, 1, None)]
        trainer = Trainer(blocks, "mse", "adam", ("exponential_lr", {"gamma": 0.9}))

        # The last thing that a killed process does is the n-th synchronisation of a file with the
        # disk: the new checkpoint is written, and may not yet be in its place.
        synchronise = os.fsync
        calls = 0
        def fsync(handle):
            nonlocal calls
            calls += 1
            if calls == kill:
                os.kill(os.getpid(), signal.SIGKILL)
            return synchronise(handle)
        os.fsync = fsync

        trainer.fit(
            x, x**2, epochs, batch_size=8, progress=False, checkpoint=path, checkpoint_every=3,
            resume=True,
        )
        print(trainer.history)
        print({k: v.tolist() for k, v in trainer.model.state_dict().items()})
        print(torch.rand(1).item(), flush=True)

    # Each line on stdin is a run, in a process of its own.
    for line in sys.stdin:
        path, epochs, kill = line.split()
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            train(path, int(epochs), int(kill))
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        print("killed" if os.WIFSIGNALED(status) else "ended", os.path.exists(path))
        print("----", flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that can be killed")
def test_killed_while_saving(tmp_path):
    # Two synchronisations for each file, the second one for the folder.
    runs = [("straight", 5, 0)]
    for kill in (1, 2, 9, 14, 27):
        runs += [(f"killed{kill}", 5, kill), (f"killed{kill}", 5, 0), (f"killed{kill}", 5, 0)]
    runs += [("two", 2, 0), ("two", 3, 4), ("two", 5, 0)]
    lines = "".join(f"{tmp_path}/{name}.pt {epochs} {kill}\n" for name, epochs, kill in runs)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT)],
        input=lines,
        capture_output=True,
        text=True,
        check=True,
    )
    results = done.stdout.split("----\n")[:-1]
    assert len(results) == len(runs), done.stderr
    straight = results[0]
    assert straight.endswith("ended True\n")
    for (name, epochs, kill), result in zip(runs, results, strict=True):
        if kill:
            assert result == f"killed {kill > 1}\n", (name, done.stderr)
        elif epochs == 5:
            assert result == straight, name
