"""What is wrong is said, and nothing is half done."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import rushlight as torch
from rushlight import nn
from rushlight.training import Dense, EarlyStopping, SaveBest, Stack, Trainer, l1, l2, top_k
from rushlight.utils.data import DataLoader, Dataset, TensorDataset

X = np.linspace(-1, 1, 30, dtype=np.float32).reshape(10, 3)
Y = X.sum(1, keepdims=True)


def weights(trainer):
    return [p.tolist() for p in trainer.model.parameters()]


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: Trainer(3, "mse"), TypeError, "module, or a list of blocks"),
        (lambda: Trainer([], "mse"), ValueError, "empty list"),
        (lambda: Trainer([Dense(1, 1), "rellu"], "mse"), ValueError, "did you mean 'relu'"),
        (lambda: Trainer(Stack([3, 1]), "mze"), ValueError, "'mse'"),
        (lambda: Trainer(Stack([3, 1]), "cross_entropi"), ValueError, "'cross_entropy'"),
        (lambda: Trainer(Stack([3, 1]), 5), TypeError, "a loss is"),
        (lambda: Trainer(Stack([3, 1]), "mse", "adamm"), ValueError, "'Adam'"),
        (lambda: Trainer(Stack([3, 1]), "mse", 5), TypeError, "optimizer: expected"),
        (lambda: Trainer(Stack([3, 1]), "mse", ("sgd", 5)), TypeError, "pair like"),
        (lambda: Trainer(Stack([3, 1]), "mse", "adam", "step"), ValueError, "'StepLR'"),
        (lambda: Trainer(Stack([3, 1]), "mse", metrics="acuracy"), ValueError, "'accuracy'"),
        (lambda: Trainer(Stack([3, 1]), "mse", metrics=[5]), TypeError, "a metric is"),
        (lambda: Trainer(Stack([3, 1]), "mse", metrics=["mae", "mae"]), ValueError, "two metrics"),
        (lambda: Trainer(Stack([3, 1]), "mse", schedule="day"), ValueError, "'epoch' or 'batch'"),
        (lambda: Trainer(nn.ReLU(), "mse"), ValueError, "empty parameter list"),
        (
            lambda: Trainer(
                Stack([3, 1]), "mse", torch.optim.SGD(Stack([3, 1]).parameters(), lr=0.1)
            ),
            ValueError,
            "no parameter of this model",
        ),
        (lambda: Trainer(Stack([3, 1]), "mse", {"a": "adam"}), ValueError, "no part called 'a'"),
        (
            lambda: Trainer(Stack([3, 1]), "mse", "adam", {"b": "step_lr"}),
            ValueError,
            "no optimizer 'b'",
        ),
        (lambda: l1(-1), ValueError, "negative"),
        (lambda: l2(1.0)([]), ValueError, "no parameters"),
        (lambda: Stack([3]), ValueError, "two sizes"),
        (lambda: Stack([3, 2, 1], ["relu"]), ValueError, "2 activations"),
        (lambda: EarlyStopping(0), ValueError, "patience"),
        (lambda: EarlyStopping("3"), TypeError, "patience must be a whole number, got '3'"),
        (lambda: EarlyStopping(True), TypeError, "patience"),
        (lambda: EarlyStopping(monitor=5), TypeError, "name of the history"),
        (lambda: EarlyStopping(min_delta="0"), TypeError, "min_delta must be a number"),
        (lambda: SaveBest(None), TypeError, "path of a file"),
        (lambda: Trainer(nn.Linear, "mse"), TypeError, "not a class: make a Linear"),
        (lambda: Trainer([Dense(3, 1), nn.ReLU], "mse"), TypeError, r"make one, ReLU\(\)"),
        (lambda: Trainer(Stack([3, 1]), ("mse", {"red": 1})), TypeError, "mse_loss.*'red'"),
        (lambda: Trainer(Stack([3, 1]), nn.Linear), TypeError, "loss: Linear cannot be made"),
        (lambda: Trainer(Stack([3, 1]), lambda a: a), TypeError, "loss: <lambda>"),
        (lambda: Trainer(Stack([3, 1]), "mse", "optimizer"), ValueError, "no optimizer called"),
        (lambda: Trainer(Stack([3, 1]), "mse", {}), ValueError, "empty dict"),
        (
            lambda: Trainer(Stack([3, 1]), "mse", ("sgd", {"lr": "0.1"})),
            TypeError,
            "SGD cannot be made with the options {'lr': '0.1'}",
        ),
        (lambda: Trainer(Stack([3, 1]), "mse", "sgd", "step_lr"), TypeError, "'step_size'"),
        (lambda: Trainer(Stack([3, 1]), "mse", metrics=5), TypeError, "not a int"),
        (lambda: Trainer(Stack([3, 1]), "mse", metrics={"loss": "mae"}), ValueError, "'loss'"),
        (lambda: Trainer(Stack([3, 1]), "mse", metrics={5: "mae"}), TypeError, "a string, not 5"),
        (lambda: Trainer(Stack([3, 1]), "mse", metrics=lambda a: a), TypeError, "metric: <lambda>"),
        (lambda: Trainer(Stack([3, 1]), "mse", penalty="l2"), TypeError, "penalty must be"),
        (lambda: Trainer(Stack([3, 1]), "mse", penalty=l2), TypeError, r"penalty=l2\(0.01\)"),
        (lambda: l2("1"), TypeError, "must be a number, got '1'"),
        (lambda: Dense("3", 1), TypeError, "Dense: inputs must be a whole number"),
        (lambda: Dense(3, 0), ValueError, "Dense: outputs must be 1 or more"),
        (lambda: Stack(3), TypeError, "a list of numbers"),
        (lambda: top_k(0), ValueError, "k must be 1 or more"),
        (lambda: EarlyStopping(mode="up"), ValueError, "mode"),
        (lambda: SaveBest("x.pt", min_delta=-1), ValueError, "min_delta"),
    ],
)
def test_wrong_parts(make, error, match):
    with pytest.raises(error, match=match):
        make()


@pytest.mark.parametrize(
    ("arguments", "options", "error", "match"),
    [
        ((X, Y[:5]), {}, ValueError, "different numbers of samples"),
        ((X[:0], Y[:0]), {}, ValueError, "no samples"),
        ((X,), {}, ValueError, "need targets|needs targets"),
        ((5, Y), {}, ValueError, "dimension for the samples"),
        ((5,), {}, TypeError, "Dataset or a loader"),
        (((X, X, Y),), {}, TypeError, "tuple of 3"),
        ((DataLoader([1]), Y), {}, TypeError, "leave targets out"),
        (([],), {}, ValueError, "no samples"),
        ((iter([(torch.ones(2, 3), torch.ones(2, 1))]),), {"epochs": 2}, TypeError, "once"),
        ((X, Y), {"epochs": 0}, ValueError, "epochs must be 1 or more"),
        ((X, Y), {"batch_size": 2.5}, ValueError, "batch_size must be a whole number"),
        ((X, Y), {"epochs": None}, TypeError, "epochs must be a whole number, got None"),
        ((X, Y), {"epochs": "3", "clip_grad_norm": "1"}, TypeError, "epochs.*; clip_grad_norm"),
        ((X, Y), {"epochs": "3", "batch_size": 0}, ValueError, "epochs.*; batch_size"),
        ((X, Y), {"num_workers": "2"}, TypeError, "num_workers must be a whole number"),
        ((X, Y), {"shuffle": "no"}, TypeError, "shuffle must be True or False"),
        ((X, Y), {"early_stopping": True}, TypeError, "number of epochs to wait"),
        ((X, Y), {"early_stopping": "3"}, TypeError, "number of epochs to wait"),
        ((X, Y), {"early_stopping": EarlyStopping}, TypeError, "number of epochs to wait"),
        ((X, Y), {"early_stopping": 0}, ValueError, "patience must be 1 or more"),
        ((X, Y), {"early_stopping": EarlyStopping(monitor="los")}, ValueError, "watches 'los'"),
        ((X, Y), {"early_stopping": EarlyStopping(monitor="val_loss")}, ValueError, "watches"),
        (
            (X, Y),
            {
                "validation": 0.5,
                "validate_every": 3,
                "epochs": 2,
                "early_stopping": EarlyStopping(monitor="val_loss"),
            },
            ValueError,
            "watches 'val_loss'",
        ),
        ((X, Y), {"callbacks": EarlyStopping()}, TypeError, r"write callbacks=\[...\]"),
        ((X, Y), {"callbacks": [EarlyStopping]}, TypeError, r"make one, EarlyStopping\(\)"),
        ((X, Y), {"callbacks": [print]}, TypeError, "write a subclass of Callback"),
        ((X, Y), {"callbacks": "all"}, TypeError, "a list of Callbacks, got 'all'"),
        ((X, Y), {"callbacks": [SaveBest("/tmp")]}, RuntimeError, "'/tmp' is a folder"),
        ((X, Y), {"checkpoint": "/tmp"}, RuntimeError, "'/tmp' is a folder: name a file in it"),
        ((X, Y), {"checkpoint": True}, TypeError, "path of a file, got True"),
        ((X, Y), {"resume": "/tmp"}, IsADirectoryError, "'/tmp' is a folder"),
        ((X, Y), {"resume": "/missing.pt"}, FileNotFoundError, "there is no file '/missing.pt'"),
        ((X, Y), {"resume": 5}, TypeError, "path of a checkpoint, got 5"),
        (("data.csv",), {}, TypeError, "the name of a file, 'data.csv': read it first"),
        (("data.csv", "y.csv"), {}, TypeError, "the name of a file"),
        ((["a", "b"], [1, 2]), {}, TypeError, "the data is text"),
        (([[1, 2], [3]], [1, 2]), {}, ValueError, "differ in length"),
        (({1, 2},), {}, TypeError, "not a set"),
        ((None, Y), {}, TypeError, "data is None"),
        ((X, Y), {"validation": "x.csv"}, TypeError, "validation: the data is the name of a file"),
        ((X, Y), {"validation": 1}, TypeError, "validation.*a fraction is 0.2"),
        ((X, Y), {"validation": float("nan")}, ValueError, "validation=nan"),
        ((X, Y), {"validation": X}, ValueError, "inputs only"),
        ((X, Y), {"drop_last": True}, ValueError, "no batch at all"),
        ((X, Y[:, 0]), {}, ValueError, r"targets.reshape\(-1, 1\)"),
        ((X, Y), {"clip_grad_norm": -1}, ValueError, "clip_grad_norm must be positive"),
        ((X, Y), {"epochs": -1, "accumulate": 0}, ValueError, "epochs.*; accumulate"),
        ((X, Y), {"resume": True}, ValueError, "resume=True needs checkpoint"),
        ((X, Y), {"checkpoint_every": 3}, ValueError, "checkpoint_every needs checkpoint"),
        ((X, Y), {"checkpoint": "/missing/run.pt"}, RuntimeError, "does not exist"),
        ((X, Y), {"progress": "fancy"}, ValueError, "progress is"),
        ((X[:, :2], Y), {}, RuntimeError, "shape"),
    ],
)
def test_wrong_fits(arguments, options, error, match):
    trainer = Trainer(Stack([3, 4, 1]), "mse")
    before = weights(trainer)
    with pytest.raises(error, match=match) as caught:
        trainer.fit(*arguments, **{"progress": False, **options})
    assert weights(trainer) == before
    assert trainer.history == []
    assert "\n" not in str(caught.value)
    # The trainer can still be used.
    trainer.fit(X, Y, progress=False)
    assert len(trainer.history) == 1


class Broken(Dataset):
    def __len__(self):
        return 20

    def __getitem__(self, index):
        if index == 17:
            raise OSError(f"sample {index} cannot be read")
        return torch.ones(3) * index, torch.ones(1)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_dataset_that_raises(workers):
    trainer = Trainer(Stack([3, 1]), "mse")
    with pytest.raises(OSError, match="sample 17"):
        trainer.fit(Broken(), batch_size=4, num_workers=workers, shuffle=False, progress=False)
    assert trainer.history == []


def test_nan_in_the_data():
    x = X.copy()
    x[7, 1] = np.nan
    trainer = Trainer(Stack([3, 4, 1]), "mse", ("adam", {"lr": 0.1}))
    trainer.fit(X, Y, progress=False)
    before = weights(trainer), str(trainer.optimizer.state_dict())
    with pytest.raises(RuntimeError, match="epoch 2, batch 1; the batch has 1 values that are nan"):
        trainer.fit(x, Y, progress=False)
    assert (weights(trainer), str(trainer.optimizer.state_dict())) == before


def test_a_loss_that_explodes():
    trainer = Trainer(Stack([3, 4, 1]), "mse", ("sgd", {"lr": 1e30}))
    with pytest.raises(RuntimeError, match=r"(inf|nan) in epoch 1, batch \d; the batch itself is"):
        trainer.fit(X, Y, batch_size=2, progress=False)


def test_gradients_that_explode():
    def steep(outputs, targets):
        return (outputs - outputs.detach()).abs().sqrt().sum()

    trainer = Trainer(Stack([3, 1]), steep)
    before = weights(trainer)
    with pytest.raises(RuntimeError, match="non-finite"):
        trainer.fit(X, Y, clip_grad_norm=1.0, progress=False)
    assert weights(trainer) == before


def test_a_loss_of_many_numbers():
    trainer = Trainer(Stack([3, 1]), ("mse", {"reduction": "none"}))
    with pytest.raises(RuntimeError, match=r"shape \[10, 1\]: reduce it"):
        trainer.fit(X, Y, progress=False)


def test_a_trainer_without_a_loss():
    trainer = Trainer(Stack([3, 1]))
    with pytest.raises(ValueError, match="no loss"):
        trainer.fit(X, Y, progress=False)
    assert trainer.predict(X).shape == (10, 1)


def test_an_unknown_optimizer_in_a_step():
    class Odd(Trainer):
        def training_step(self, batch):
            self.update(self.model.a(batch).sum(), "speed")
            return {}

    two = nn.ModuleDict({"a": Dense(3, 1), "b": Dense(3, 1)})
    with pytest.raises(ValueError, match="no optimizer 'speed'"):
        Odd(two, None, {"a": "adam", "b": "adam"}).fit(X, progress=False)
    trainer = Trainer(two, None, {"a": "adam", "b": "adam"})
    with pytest.raises(AttributeError, match="several"):
        trainer.optimizer
    with pytest.raises(ValueError, match="which optimizer"):
        Trainer(two, None, {"a": "adam", "b": "adam"}, "step_lr")


def test_an_empty_loader():
    trainer = Trainer(Stack([3, 1]), "mse")
    data = TensorDataset(torch.ones(3, 3), torch.ones(3, 1))
    loader = DataLoader(data, batch_size=4, drop_last=True)
    with pytest.raises(ValueError, match="no batch at all"):
        trainer.fit(loader, progress=False)
    with pytest.raises(ValueError, match="no batch at all"):
        trainer.predict(loader)


def test_an_error_keeps_the_last_checkpoint(tmp_path):
    path = tmp_path / "run.pt"
    trainer = Trainer(Stack([3, 1]), "mse")
    trainer.fit(X, Y, epochs=2, checkpoint=path, progress=False)
    content = path.read_bytes()
    x = X.copy()
    x[:] = np.inf
    with pytest.raises(RuntimeError, match="infinite"):
        trainer.fit(x, Y, epochs=2, checkpoint=path, progress=False)
    assert path.read_bytes() == content


def damaged(state):
    """Names and ways of damage to a checkpoint: every part missing, or something else."""
    parts = [(), ("run",), ("random",), ("optimizers", "")]
    for path in parts:
        inner = state
        for key in path:
            inner = inner[key]
        for key in inner:
            for value in ("missing", 5, "x", None):
                changed = copy.deepcopy(state)
                inside = changed
                for step in path:
                    inside = inside[step]
                if value == "missing":
                    del inside[key]
                else:
                    inside[key] = value
                yield f"{'/'.join((*path, key))} {value}", changed


# A trainer without a scheduler has no use for some parts, and others may be None.
HARMLESS = {"loss None", "epoch 5", "run/first_epoch 5", "run/batches_per_epoch 5"} | {
    "run/batches_per_epoch None", "run/order None", "random/loader x",
}  # fmt: skip


def test_a_damaged_checkpoint_names_what_is_wrong():
    trainer = Trainer(Stack([3, 1]), "mse")
    trainer.fit(X, Y, progress=False)
    other = Trainer(Stack([3, 1]), "mse")
    before = weights(other)
    for what, state in damaged(trainer.state_dict()):
        if what in HARMLESS:
            continue
        with pytest.raises(ValueError, match=r"damaged|not a Trainer's checkpoint") as caught:
            other.load_state_dict(state)
        named = what.split()[0].split("/")
        assert any(name and repr(name) in str(caught.value) for name in named) or "format" in what
        assert weights(other) == before


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 and no more", b"\x80\x02N."])
def test_a_checkpoint_that_is_no_file_of_ours(content, tmp_path):
    path = tmp_path / "run.pt"
    path.write_bytes(content)
    trainer = Trainer(Stack([3, 1]), "mse")
    for work in (
        lambda: trainer.load(path),
        lambda: trainer.fit(X, Y, checkpoint=path, resume=True, progress=False),
    ):
        errors = RuntimeError, EOFError, pickle.UnpicklingError
        with pytest.raises(errors, match=r"the checkpoint .*run.pt cannot be read"):
            work()
    assert path.read_bytes() == content


def test_losses_metrics_and_penalties_that_give_no_number():
    for options, match in (
        ({"loss": lambda a, b: None}, "the loss gave None"),
        ({"loss": "mse", "metrics": {"m": lambda a, b: "x"}}, "gave 'x', and not a number"),
        ({"loss": "mse", "penalty": lambda p: "x"}, "a penalty gave 'x'"),
    ):
        with pytest.raises(TypeError, match=match):
            Trainer(Stack([3, 1]), **options).fit(X, Y, progress=False)
    with pytest.raises(TypeError, match="LBFGS"):
        Trainer(Stack([3, 1]), "mse", "lbfgs").fit(X, Y, progress=False)
