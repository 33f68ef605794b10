"""What fit does in an epoch, against the loop that one would write by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch as real

import rushlight as torch
from rushlight import nn
from rushlight.training import Callback, Dense, SaveBest, Stack, Trainer, l1, l2
from rushlight.utils.data import DataLoader, FunctionDataset, TensorDataset


def points(n=50, classes=None):
    rng = np.random.RandomState(0)
    x = rng.uniform(-1, 1, (n, 3)).astype(np.float32)
    if classes is not None:
        return x, (x.sum(1) * 100).astype(int) % classes
    return x, (x**2).sum(1, keepdims=True)


def network(framework=torch):
    nn = framework.nn
    return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 1))


def by_hand(framework, epochs=3, penalty=None, clip=None):
    """The loop that everybody writes, in torch or in rushlight."""
    framework.manual_seed(0)
    model = network(framework)
    optimizer = framework.optim.Adam(model.parameters(), lr=0.01)
    scheduler = framework.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    x, y = (framework.from_numpy(a) for a in points())
    data = framework.utils.data.TensorDataset(x, y)
    loader = framework.utils.data.DataLoader(data, batch_size=8, shuffle=True)
    losses = []
    for _ in range(epochs):
        total = 0.0
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = framework.nn.functional.mse_loss(model(inputs), targets)
            whole = loss if penalty is None else loss + penalty(model)
            whole.backward()
            if clip is not None:
                framework.nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            total += loss.item() * len(inputs)
        losses.append(total / len(data))
        scheduler.step()
    return losses, [p.detach().numpy() for p in model.parameters()]


def with_trainer(*data, epochs=3, penalty=None, **options):
    torch.manual_seed(0)
    trainer = Trainer(
        network(), "mse", ("adam", {"lr": 0.01}), ("exponential_lr", {"gamma": 0.9}), penalty
    )
    trainer.fit(*data, epochs=epochs, batch_size=8, progress=False, **options)
    return trainer


def same(trainer, expected, exact=True):
    losses, parameters = expected
    found = trainer.history.column("loss")
    mine = [p.detach().numpy() for p in trainer.model.parameters()]
    if exact:
        assert found == losses
        assert all((a == b).all() for a, b in zip(mine, parameters, strict=True))
    else:
        assert found == pytest.approx(losses, rel=1e-4)
        assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(mine, parameters, strict=True))


def test_is_the_loop_by_hand():
    trainer = with_trainer(*points())
    same(trainer, by_hand(torch))
    assert trainer.history.column("epoch") == [1, 2, 3]
    assert trainer.history.column("lr") == pytest.approx([0.01, 0.009, 0.0081])


def test_is_the_loop_in_torch():
    same(with_trainer(*points()), by_hand(real), exact=False)


def loaders():
    data = TensorDataset(*map(torch.from_numpy, points()))
    return {
        "tensors": data.tensors,
        "lists": [a.tolist() for a in points()],
        "a pair": (data.tensors,),
        "a dataset": (data,),
        "a loader": (DataLoader(data, 8, shuffle=True),),
    }


@pytest.mark.parametrize("kind", loaders())
def test_every_kind_of_data_gives_the_same(kind):
    same(with_trainer(*loaders()[kind]), by_hand(torch))


def test_penalties():
    def squares(model):
        return sum((p**2).sum() for p in model.parameters()) * 0.01

    trainer = with_trainer(*points(), penalty=l2(0.01))
    same(trainer, by_hand(torch, penalty=squares), exact=False)
    assert all(0 < p < 1 for p in trainer.history.column("penalty"))

    def largest(parameters):
        return max(p.abs().max() for p in parameters)

    both = with_trainer(*points(), penalty=[l1(0.1, biases=False), largest])
    weights = [p for p in both.model.parameters() if p.ndim > 1]
    again = float(both.penalty())
    assert again == pytest.approx(
        0.1 * sum(float(w.abs().sum()) for w in weights) + float(largest(both.model.parameters()))
    )


def test_a_penalty_makes_weights_smaller():
    sizes = []
    for penalty in (None, l1(0.05)):
        trainer = with_trainer(*points(), epochs=10, penalty=penalty)
        sizes.append(sum(float(p.abs().sum()) for p in trainer.model.parameters()))
    assert sizes[1] < 0.7 * sizes[0]


def test_clipping():
    same(with_trainer(*points(), clip_grad_norm=0.1), by_hand(torch, clip=0.1))
    clipped = with_trainer(*points(), epochs=1, clip_grad_value=1e-3)
    assert max(float(p.grad.abs().max()) for p in clipped.model.parameters()) < 1.001e-3


class Count(Callback):
    """Counts the steps of the optimizer and the calls of each hook."""

    def __init__(self):
        self.calls = []

    def on_fit_begin(self, trainer):
        self.steps = 0
        step = trainer.optimizer.step

        def counted():
            self.steps += 1
            step()

        trainer.optimizer.step = counted
        self.calls.append("fit begins")

    def on_epoch_begin(self, trainer):
        self.calls.append("epoch begins")

    def on_batch_begin(self, trainer, batch):
        self.calls.append(len(batch[0]))

    def on_batch_end(self, trainer, logs):
        self.calls.append([*logs])

    def on_epoch_end(self, trainer, row):
        self.calls.append([*row])

    def on_fit_end(self, trainer):
        self.calls.append("fit ends")

    def close(self):
        self.calls.append("closed")


def test_hooks_come_in_order():
    count = Count()
    trainer = Trainer(Stack([3, 1]), "mse")
    trainer.fit(
        *points(10), epochs=2, batch_size=4, callbacks=[count], progress=False, validation=points(5)
    )
    batches = [4, ["loss"], 4, ["loss"], 2, ["loss"]]
    epoch = ["epoch begins", *batches, ["epoch", "loss", "lr", "val_loss"]]
    assert count.calls == ["fit begins", *epoch, *epoch, "fit ends", "closed"]
    assert count.steps == 6


def test_hooks_after_an_error():
    class Wrong(Callback):
        def on_batch_end(self, trainer, logs):
            raise KeyError("mine")

    count = Count()
    with pytest.raises(KeyError, match="mine"):
        Trainer(Stack([3, 1]), "mse").fit(*points(), callbacks=[count, Wrong()], progress=False)
    assert count.calls[-1] == "closed"


@pytest.mark.parametrize("n", [24, 50, 53])
def test_accumulated_batches_are_as_one(n):
    def trained(batch_size, accumulate):
        torch.manual_seed(0)
        trainer = Trainer(Stack([3, 8, 1], "tanh").double(), "mse", ("sgd", {"lr": 0.1}))
        count = Count()
        x, y = (a.astype(np.float64) for a in points(n))
        trainer.fit(
            x, y, 3, batch_size, accumulate=accumulate, callbacks=[count], progress=False,
            clip_grad_norm=1.0,
        )  # fmt: skip
        return count.steps, [p.detach().numpy() for p in trainer.model.parameters()]

    steps, parameters = trained(12, 1)
    others, found = trained(4, 3)
    assert steps == others == 3 * math.ceil(n / 12)
    for a, b in zip(parameters, found, strict=True):
        assert np.allclose(a, b, rtol=1e-12, atol=1e-14)


def test_validation_every_few_epochs():
    trainer = with_trainer(*points(), epochs=5, validation=points(20), validate_every=2)
    assert [("val_loss" in row) for row in trainer.history] == [False, True, False, True, False]
    assert with_trainer(*points(), epochs=5).history.column("loss") == trainer.history.column(
        "loss"
    )
    again = trainer.fit(*points(), epochs=1, progress=False, validation=points(20))
    assert again[-1]["val_loss"] == trainer.evaluate(*points(20))["loss"]


def test_a_fraction_for_validation():
    x, y = points(50)
    held_out = with_trainer(x[:40], y[:40], validation=(x[40:], y[40:]))
    assert with_trainer(x, y, validation=0.2).history == held_out.history
    data = TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    assert with_trainer(data, validation=0.2).history == held_out.history
    for fraction in (0.001, 0.999):
        with pytest.raises(ValueError, match="leaves nothing"):
            with_trainer(x, y, validation=fraction)
    with pytest.raises(TypeError, match="held out of arrays and Datasets"):
        with_trainer(DataLoader(data, 8), validation=0.2)


def test_evaluate_leaves_everything_as_it_is():
    trainer = with_trainer(*points(), epochs=1)
    trainer.metrics.update(Trainer(Stack([3, 1]), "mse", metrics="mae").metrics)
    trainer.model.train()
    trainer.model[2].eval()
    torch.manual_seed(3)
    before = torch.rand(1).item()
    torch.manual_seed(3)
    found = trainer.evaluate(*points())
    assert torch.rand(1).item() == before
    assert [m.training for m in trainer.model.modules()] == [True, True, True, False, True]
    x, y = map(torch.from_numpy, points())
    trainer.model.eval()
    outputs = trainer.model(x)
    assert found["loss"] == pytest.approx(float(((outputs - y) ** 2).mean()))
    assert found["mae"] == pytest.approx(float((outputs - y).abs().mean()))
    assert trainer.evaluate(*points(), batch_size=7) == pytest.approx(found)


def test_predict():
    trainer = with_trainer(*points(), epochs=1)
    x, y = map(torch.from_numpy, points())
    trainer.model.eval()
    expected = trainer.model(x).detach()
    data = TensorDataset(x, y)
    for given in (x, x.numpy(), x.tolist(), data, DataLoader(data, 9), TensorDataset(x)):
        found = trainer.predict(given, batch_size=7)
        assert not found.requires_grad
        assert found.shape == (50, 1)
        assert torch.allclose(found, expected, atol=1e-6)


class TwoInputs(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = Dense(3, 1, None), Dense(2, 1, None)

    def forward(self, first, second):
        together = self.a(first) + self.b(second)
        return {"sum": together, "parts": (first, second)}


def test_several_inputs_and_outputs():
    x, y = points()
    other = np.ones((50, 2))

    def loss(outputs, targets):
        return nn.functional.mse_loss(outputs["sum"], targets)

    histories = []
    for inputs in ((x, other), {"first": x, "second": other}):
        torch.manual_seed(0)
        trainer = Trainer(TwoInputs(), loss)
        histories.append(trainer.fit(inputs, y, epochs=2, progress=False))
        found = trainer.predict(inputs, batch_size=20)
        assert found["sum"].shape == (50, 1)
        assert [part.shape[1] for part in found["parts"]] == [3, 2]
    assert histories[0] == histories[1]
    torch.manual_seed(0)
    data = TensorDataset(*(torch.tensor(a, dtype=torch.float32) for a in (x, other, y)))
    assert Trainer(TwoInputs(), loss).fit(data, epochs=2, progress=False) == histories[0]


def test_numbers_become_the_models():
    x, labels = points(classes=3)
    for dtype in (torch.float32, torch.float64):
        trainer = Trainer(Stack([3, 5, 3]).to(dtype), "cross_entropy", metrics="accuracy")
        history = trainer.fit(x.astype(np.float64), labels.astype(np.int32), progress=False)
        assert 0 <= history[0]["accuracy"] <= 1
        assert trainer.predict(x).dtype == dtype


def test_a_mathematical_function():
    torch.manual_seed(0)
    data = FunctionDataset(torch.sin, -3, 3, 203)
    trainer = Trainer(Stack([1, 32, 1], "tanh"), "mse", ("adam", {"lr": 0.02}))
    history = trainer.fit(data, epochs=60, batch_size=20, validation=0.2, progress=False)
    assert history[-1]["val_loss"] < 0.005


def test_schedules_by_batch_and_by_epoch():
    rates = {}
    for schedule in (None, "epoch", "batch"):
        trainer = Trainer(
            Stack([3, 1]), "mse", ("sgd", {"lr": 1.0}), ("step_lr", {"step_size": 1, "gamma": 0.5}),
            schedule=schedule,
        )  # fmt: skip
        trainer.fit(*points(16), epochs=2, batch_size=8, clip_grad_norm=0.01, progress=False)
        rates[schedule] = trainer.history.column("lr")
    assert rates == {None: [1, 0.5], "epoch": [1, 0.5], "batch": [0.25, 0.0625]}
    once = ("one_cycle_lr", {"max_lr": 0.1, "total_steps": 5})
    trainer = Trainer(Stack([3, 1]), "mse", ("sgd", {"lr": 1.0}), once)
    trainer.fit(*points(16), epochs=2, batch_size=8, progress=False)
    assert trainer.history[-1]["lr"] < 1e-3
    plateau = ("reduce_lr_on_plateau", {"patience": 0, "threshold": 9, "threshold_mode": "abs"})
    trainer = Trainer(Stack([3, 1]), "mse", ("sgd", {"lr": 1.0}), plateau)
    trainer.fit(*points(16), epochs=3, clip_grad_norm=0.01, progress=False)
    assert trainer.history.column("lr") == pytest.approx([1, 1, 0.1])


class GAN(Trainer):
    def training_step(self, batch):
        real, made = batch, self.model.maker(torch.randn(len(batch), 2))
        ones, zeros = torch.ones(len(batch), 1), torch.zeros(len(batch), 1)
        judge = self.model.judge
        caught = self.loss(judge(real), ones) + self.loss(judge(made.detach()), zeros)
        self.update(caught, "judge")
        fooled = self.loss(judge(made), ones)
        self.update(fooled, "maker")
        return {"judge": caught, "maker": fooled}


def test_a_gan_learns_where_the_data_is():
    torch.manual_seed(0)
    parts = {"maker": Dense(2, 1, None), "judge": Stack([1, 16, 1])}
    options = {"maker": ("adam", {"lr": 0.02}), "judge": ("adam", {"lr": 0.02})}
    halve = {"maker": ("step_lr", {"step_size": 40, "gamma": 0.5})}
    gan = GAN(nn.ModuleDict(parts), "bce_with_logits", options, halve)
    data = 3 + 0.5 * torch.randn(256, 1)
    history = gan.fit(data, epochs=60, batch_size=64, progress=False)
    assert [*history[-1]] == ["epoch", "judge", "maker", "lr_maker", "lr_judge"]
    assert history[-1]["lr_maker"] == 0.01
    assert history[-1]["lr_judge"] == 0.02
    made = gan.model.maker(torch.randn(1000, 2))
    assert abs(float(made.mean()) - 3) < 0.5


def test_each_optimizer_moves_its_own_part():
    gan = GAN(
        nn.ModuleDict({"maker": Dense(2, 1, None), "judge": Dense(1, 1, None)}), "bce_with_logits",
        {"maker": ("sgd", {"lr": 0.0}), "judge": ("sgd", {"lr": 0.5})},
    )  # fmt: skip
    before = {name: p.detach().clone() for name, p in gan.model.named_parameters()}
    gan.fit(torch.randn(8, 1), batch_size=8, progress=False)
    changed = {name: not before[name].equal(p) for name, p in gan.model.named_parameters()}
    assert changed == {
        "maker.weight": False, "maker.bias": False, "judge.weight": True, "judge.bias": True,
    }  # fmt: skip
    # One step of the judge is that of its own loss: the maker's does not flow into it.
    judge = gan.model.judge.weight
    assert float(judge.grad.abs().sum()) > 0
    ready = torch.optim.SGD(gan.model.maker.parameters(), lr=0.1)
    assert GAN(gan.model, None, {"maker": ready, "judge": "adam"}).optimizers["maker"] is ready


def test_early_stopping():
    x, _ = points()
    noise = np.random.RandomState(1).randn(50, 1)
    trainer = Trainer(Stack([3, 64, 1]), "mse", ("adam", {"lr": 0.05}))
    history = trainer.fit(x, noise, 100, validation=(x, -noise), early_stopping=3, progress=False)
    best = min(history, key=lambda row: row["val_loss"])
    assert len(history) == best["epoch"] + 3 < 100
    assert trainer.evaluate(x, -noise)["loss"] == pytest.approx(best["val_loss"])
    # Watching what is measured every second epoch, and something that should grow.
    from rushlight.training import EarlyStopping

    stop = EarlyStopping(2, "val_accuracy", restore_best=False)
    trainer = Trainer(Stack([3, 3]), "cross_entropy", ("sgd", {"lr": 0.0}), metrics="accuracy")
    data = points(classes=3)
    history = trainer.fit(
        *data, epochs=20, validation=data, validate_every=2, early_stopping=stop, progress=False
    )
    assert len(history) == 6
    assert stop.best == history[1]["val_accuracy"]
    for wrong, match in (("val_speed", "not measured"), ("lr", "mode='min'")):
        with pytest.raises(ValueError, match=match):
            trainer.fit(
                *data, epochs=2, validation=data, progress=False,
                early_stopping=EarlyStopping(monitor=wrong),
            )  # fmt: skip


def test_a_callback_may_stop():
    class Enough(Callback):
        def on_epoch_end(self, trainer, row):
            trainer.stop = row["epoch"] == 2

    trainer = Trainer(Stack([3, 1]), "mse")
    assert len(trainer.fit(*points(), epochs=9, callbacks=[Enough()], progress=False)) == 2
    assert len(trainer.fit(*points(), epochs=1, progress=False)) == 3


def test_the_best_weights_are_saved(tmp_path):
    x, y = points()
    trainer = Trainer(Stack([3, 8, 1]), "mse", ("adam", {"lr": 0.5}))
    save = SaveBest(tmp_path / "best.pt")
    trainer.fit(x, y, 10, validation=(x, y), callbacks=[save], progress=False)
    best = Trainer(Stack([3, 8, 1]), "mse")
    best.model.load_state_dict(torch.load(tmp_path / "best.pt"))
    lowest = min(trainer.history.column("val_loss"))
    assert best.evaluate(x, y)["loss"] == pytest.approx(lowest)
    assert trainer.history[save.best_epoch - 1]["val_loss"] == lowest


def test_a_step_of_ones_own():
    class Twice(Trainer):
        def training_step(self, batch):
            inputs, targets = self.unpack(batch)
            for _ in range(2):
                loss = self.loss_of(self.outputs(inputs), targets)
                self.update(loss)
            return {"loss": loss, "double": 2 * loss}

        def validation_step(self, batch):
            return {"ones": 1}

    count = Count()
    trainer = Twice(Stack([3, 1]), "mse")
    history = trainer.fit(
        *points(10), batch_size=4, callbacks=[count], validation=points(7), progress=False
    )
    assert count.steps == 6
    assert history[0]["double"] == pytest.approx(2 * history[0]["loss"])
    assert history[0]["val_ones"] == 1


def test_what_a_step_may_return():
    class Plain(Trainer):
        def training_step(self, batch):
            loss = self.loss_of(self.outputs(batch[0]), batch[1])
            self.update(loss)
            return {"tensor": loss, "nothing": None, "names": {"mine": loss}}[self.kind]

    for kind, names in (("tensor", ["loss"]), ("nothing", []), ("names", ["mine"])):
        trainer = Plain(Stack([3, 1]), "mse")
        trainer.kind = kind
        assert [*trainer.fit(*points(), progress=False)[0]] == ["epoch", *names, "lr"]


def test_lazy_layers():
    trainer = Trainer([nn.LazyLinear(4), "relu", nn.LazyLinear(1)], "mse", ("adam", {"lr": 0.1}))
    history = trainer.fit(*points(), epochs=5, progress=False)
    assert history[-1]["loss"] < history[0]["loss"]
    assert repr(trainer.model[0]) == "Linear(in_features=3, out_features=4, bias=True)"


def test_frozen_parameters_stay():
    model = Stack([3, 4, 1])
    model[0].requires_grad_(False)
    before = model[0].weight.clone()
    trainer = Trainer(model, "mse", penalty=l2(1.0))
    trainer.fit(*points(), progress=False)
    assert before.equal(model[0].weight)
    assert trainer.penalty().item() == pytest.approx(
        sum(float((p**2).sum()) for p in model[1].parameters())
    )
