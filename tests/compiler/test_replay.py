"""A step is recorded once and replayed twenty times, and leaves every bit as twenty eager steps do."""

import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest

import rushlight as torch
import rushlight.nn.functional as F
from rushlight import nn
from rushlight.optim import lr_scheduler as schedules
from tests.compiler.twice import Setting, check

pytestmark = pytest.mark.usefixtures("seen")


def mlp():
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))


def normal(*shape):
    return lambda: torch.randn(shape)


def below(n, *shape):
    return lambda: torch.randint(0, n, shape)


INPUTS, TARGETS = normal(5, 3), normal(5, 1)


def batches(x=INPUTS, y=TARGETS):
    return [(x(), y()) for _ in range(5)]


def training(
    model=mlp,
    optimizer=lambda params: torch.optim.SGD(params, lr=0.1),
    loss=F.mse_loss,
    x=INPUTS,
    y=TARGETS,
    gradients=lambda model: None,
    schedule=None,
):
    """A training step: what `check` runs twice."""

    def make() -> Setting:
        net = model()
        moves = optimizer(net.parameters())
        rates = None if schedule is None else schedule(moves)

        def step(inputs, targets):
            moves.zero_grad()
            out = net(inputs)
            error = loss(out[0] if isinstance(out, tuple) else out, targets)
            error.backward()
            gradients(net)
            moves.step()
            if rates is not None:
                rates.step(*([error] if "Plateau" in type(rates).__name__ else []))
            return error

        return step, batches(x, y), [net, moves, *([] if rates is None else [rates])]

    return make


# ---- optimizers ----------------------------------------------------------------------------------

OPTIMIZERS = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9, "weight_decay": 0.1}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("SGD", {"momentum": 0.9, "dampening": 0.3, "maximize": True, "foreach": True}),
    ("Adam", {"lr": torch.tensor(0.01)}),
    ("Adam", {"amsgrad": True, "weight_decay": 0.1}),
    ("Adam", {"maximize": True, "foreach": True}),
    ("Adam", {"fused": True, "decoupled_weight_decay": True, "weight_decay": 0.1}),
    ("AdamW", {"eps": 1e-6, "betas": (0.8, 0.99)}),
    ("Adamax", {"weight_decay": 0.1}),
    ("Adadelta", {"weight_decay": 0.1}),
    ("Adagrad", {"lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.1}),
    ("ASGD", {"weight_decay": 0.1, "lambd": 0.01}),
    ("NAdam", {"weight_decay": 0.1}),
    ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {"weight_decay": 0.1}),
    ("RAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}),
    ("RMSprop", {"weight_decay": 0.1}),
    ("RMSprop", {"centered": True, "momentum": 0.9}),
    ("Rprop", {}),
    ("Adafactor", {"weight_decay": 0.1}),
]


@pytest.mark.parametrize(("name", "options"), OPTIMIZERS, ids=lambda x: str(x))
def test_optimizers(name, options):
    # RAdam takes another kind of step from the sixth on, which a program of the first does not hold.
    before = 6 if name == "RAdam" else 1
    kind = getattr(torch.optim, name)
    check(training(optimizer=lambda params: kind(params, **options)), before=before)


def test_muon():
    model = functools.partial(nn.Linear, 3, 2, bias=False)
    check(training(model, lambda params: torch.optim.Muon(params), y=normal(5, 2)))


def test_the_average_of_asgd_begins_with_another_program():
    options = {"t0": 2, "weight_decay": 0.1}
    check(training(optimizer=lambda params: torch.optim.ASGD(params, **options)), before=5)


def test_rates_that_change_between_calls_are_inputs():
    def slower(things):
        for group in things[1].param_groups:
            group["lr"] *= 0.9
            group["betas"] = (group["betas"][0] * 0.99, 0.99)

    check(training(optimizer=torch.optim.Adam), between=slower)


SCHEDULES = {
    "StepLR": lambda o: schedules.StepLR(o, 2),
    "MultiStepLR": lambda o: schedules.MultiStepLR(o, [2, 4]),
    "ExponentialLR": lambda o: schedules.ExponentialLR(o, 0.9),
    "LambdaLR": lambda o: schedules.LambdaLR(o, lambda epoch: 0.9**epoch),
    "MultiplicativeLR": lambda o: schedules.MultiplicativeLR(o, lambda epoch: 0.9),
    "CosineAnnealingLR": lambda o: schedules.CosineAnnealingLR(o, 5),
    "CosineAnnealingWarmRestarts": lambda o: schedules.CosineAnnealingWarmRestarts(o, 3),
    "CyclicLR": lambda o: schedules.CyclicLR(o, 0.01, 0.1, step_size_up=2),
    "OneCycleLR": lambda o: schedules.OneCycleLR(o, 0.1, total_steps=30),
    "LinearLR": lambda o: schedules.LinearLR(o),
    "ConstantLR": lambda o: schedules.ConstantLR(o),
    "PolynomialLR": lambda o: schedules.PolynomialLR(o, 5),
    "SequentialLR": lambda o: schedules.SequentialLR(
        o, [schedules.ConstantLR(o), schedules.ExponentialLR(o, 0.9)], [3]
    ),
    "ChainedScheduler": lambda o: schedules.ChainedScheduler(
        [schedules.ConstantLR(o), schedules.ExponentialLR(o, 0.9)]
    ),
    "ReduceLROnPlateau": lambda o: schedules.ReduceLROnPlateau(o, patience=1),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_that_step_inside(name):
    check(
        training(
            optimizer=lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), schedule=SCHEDULES[name]
        ),
        steps=8,
    )


# ---- layers --------------------------------------------------------------------------------------


def between_lines(layer):
    return lambda: nn.Sequential(nn.Linear(3, 4), layer(), nn.Linear(4, 1))


LAYERS = {
    "batch norm": between_lines(lambda: nn.BatchNorm1d(4)),
    "batch norm without statistics": between_lines(
        lambda: nn.BatchNorm1d(4, track_running_stats=False)
    ),
    "batch norm without weights": between_lines(lambda: nn.BatchNorm1d(4, affine=False)),
    "batch norm in evaluation": between_lines(lambda: nn.BatchNorm1d(4).eval()),
    "layer norm": between_lines(lambda: nn.LayerNorm(4)),
    "group norm": between_lines(lambda: nn.GroupNorm(2, 4)),
    "rms norm": between_lines(lambda: nn.RMSNorm(4)),
    "prelu": between_lines(lambda: nn.PReLU()),
    "dropout": between_lines(lambda: nn.Dropout(0.3)),
    "alpha dropout": between_lines(lambda: nn.AlphaDropout(0.3)),
    "rrelu": between_lines(lambda: nn.RReLU()),
    "spectral norm": lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(3, 1)),
    "weight norm": lambda: nn.utils.parametrizations.weight_norm(nn.Linear(3, 1)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    check(training(LAYERS[name], torch.optim.Adam), steps=8)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("kind", ["Dropout", "FeatureAlphaDropout"])
def test_dropout_of_channels(dims, kind):
    layer = (
        nn.FeatureAlphaDropout if kind == "FeatureAlphaDropout" else getattr(nn, f"Dropout{dims}d")
    )
    conv = getattr(nn, f"Conv{dims}d")
    side = (3,) * dims
    check(
        training(
            lambda: nn.Sequential(conv(2, 3, 2), layer(0.3)),
            x=normal(2, 2, *side),
            y=normal(2, 3, *(n - 1 for n in side)),
        ),
        steps=4,
    )


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_recurrent(kind):
    layer, cell = getattr(nn, kind), getattr(nn, kind + "Cell")
    deep = lambda: layer(3, 4, num_layers=2, dropout=0.2, bidirectional=True)
    check(training(deep, torch.optim.Adam, x=normal(5, 2, 3), y=normal(5, 2, 8)), steps=4)
    check(training(lambda: cell(3, 4), x=normal(2, 3), y=normal(2, 4)), steps=4)


def test_convolutions():
    model = lambda: nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2),
        nn.ConvTranspose2d(2, 2, 2), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(8, 3),
        nn.LogSoftmax(1),
    )  # fmt: skip
    check(training(model, loss=F.nll_loss, x=normal(2, 1, 4, 4), y=below(3, 2)), steps=4)


def test_attention():
    layer = lambda: nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
    check(training(layer, torch.optim.AdamW, x=normal(2, 3, 4), y=normal(2, 3, 4)), steps=4)


def test_embeddings():
    model = lambda: nn.Sequential(
        nn.Embedding(7, 4, padding_idx=1), nn.Linear(4, 3), nn.Flatten(0, 1)
    )
    check(training(model, loss=F.cross_entropy, x=below(7, 2, 3), y=below(3, 6)), steps=4)
    limited = lambda: nn.Embedding(7, 4, max_norm=0.5)
    check(training(limited, x=below(7, 2), y=normal(2, 4)), steps=4)


LOSSES = {
    "l1": F.l1_loss,
    "huber": F.huber_loss,
    "smooth l1": F.smooth_l1_loss,
    "bce": F.binary_cross_entropy_with_logits,
    "soft margin": F.soft_margin_loss,
    "kl": lambda x, y: F.kl_div(F.log_softmax(x, 0), y.softmax(0), reduction="batchmean"),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    check(training(loss=LOSSES[name]), steps=4)


# ---- what steps do besides -----------------------------------------------------------------------


def test_clipping():
    norm = lambda m: nn.utils.clip_grad_norm_(m.parameters(), 0.1)
    value = lambda m: nn.utils.clip_grad_value_(m.parameters(), 0.1)
    check(training(gradients=norm), steps=8)
    check(training(gradients=value), steps=8)


def test_hooks():
    def model():
        net = mlp()
        net[0].register_forward_hook(lambda module, given, out: out * 1.5)
        net[2].register_full_backward_hook(lambda module, into, out: tuple(g * 0.5 for g in into))
        net[0].weight.register_hook(lambda g: g * 2)
        return net

    check(training(model), steps=8)


def test_accumulation_within_a_step_and_across_steps():
    def within():
        net = mlp()
        moves = torch.optim.Adam(net.parameters())

        def step(x, y):
            moves.zero_grad()
            for k in range(3):
                (F.mse_loss(net(x * k), y) / 3).backward()
            moves.step()
            return net(x).sum().detach()

        return step, batches(), [net, moves]

    def across():
        net = mlp()

        def step(x, y):
            F.mse_loss(net(x), y).backward()

        return step, batches(), [net]

    check(within, steps=8)
    check(across, steps=8)


@pytest.mark.parametrize("first", [0, 1])
def test_gradients_are_forgotten_in_every_way(first):
    ways = [lambda m, o: m.zero_grad(), lambda m, o: o.zero_grad()]
    ways += [lambda m, o: o.zero_grad(set_to_none=False)] if first else []
    for forget in ways:

        def make(forget=forget):
            net = mlp()
            moves = torch.optim.SGD(net.parameters(), lr=0.1)

            def step(x, y):
                forget(net, moves)
                F.mse_loss(net(x), y).backward()
                moves.step()

            return step, batches(), [net, moves]

        check(make, steps=4, before=first)


def test_writes_into_parts_and_views():
    def make():
        kept, w = torch.zeros(4, 3), torch.randn(3, requires_grad=True)

        def step(x, y):
            kept[1] = x[0]
            kept[2:, 1] += 2
            kept[3].mul_(0.5).add_(x[1])
            made = torch.zeros(2, 3)
            made[0] = w * x[0]
            made[1, :2] = w[:2]
            loss = made.sum() + (kept * w).sum()
            w.grad = None
            loss.backward()
            return loss, kept.sum(), made.detach(), kept[0]

        return step, batches(), [kept, w]

    check(make, steps=8)


def test_inputs_that_are_written_and_that_want_gradients():
    def written():
        def step(x, y):
            x.add_(1)
            y[0] = x[0, 0]
            turned = x.T
            turned *= 2
            return x, turned, y.view(-1)

        pairs = batches()
        return step, pairs, [t for pair in pairs for t in pair]

    def wanting():
        def step(x, y):
            loss = (x * y).sum() * x.sum()
            loss.backward()
            return loss.detach()

        pairs = [(torch.randn(5, 3, requires_grad=True), torch.randn(5, 1)) for _ in range(30)]
        return step, pairs, [t for pair in pairs for t in pair]

    check(written, steps=8)
    check(wanting, steps=8)


@pytest.mark.parametrize("watched", [False, True])
def test_gradients_of_gradients_and_the_anomaly_check(watched):
    def make():
        net = mlp()
        moves = torch.optim.Adam(net.parameters())

        def step(x, y):
            with torch.autograd.set_detect_anomaly(watched):
                moves.zero_grad()
                x = x.clone().requires_grad_()
                out = net(x)
                (g,) = torch.autograd.grad(out.sum(), x, create_graph=True)
                loss = ((g.norm(2, dim=1) - 1) ** 2).mean() + out.mean()
                loss.backward()
                moves.step()
            return loss, g.detach()

        return step, batches(), [net, moves]

    check(make, steps=8)


def test_complex_numbers_turned():
    def make():
        w = torch.randn(3, dtype=torch.complex64, requires_grad=True)

        def step(x):
            w.grad = None
            z = torch.complex(x, x * 2)
            loss = (z.conj() * w).real.sum() + (w.conj().imag ** 2).sum()
            loss.backward()
            with torch.no_grad():
                w.sub_(w.grad.conj() * 0.1)
                w.conj().mul_(1j)
                w.real.add_(x)
            return loss, z.conj(), x.to(torch.complex64).conj().imag, torch.fft.ihfft(x)

        return step, [(torch.randn(3),) for _ in range(5)], [w]

    check(make, steps=8)


def test_random_numbers():
    def make():
        own = torch.Generator().manual_seed(3)

        def step(x):
            return (
                torch.rand(3) + torch.randn(20).sum(),
                torch.randint(0, 9, (3,), generator=own),
                torch.randperm(5),
                torch.normal(x, 1.0),
                torch.bernoulli(x.sigmoid()),
                x.clone().uniform_(),
                torch.multinomial(x.softmax(-1), 2),
                x.clone().exponential_(),
                torch.empty(3).normal_(),
            )

        return step, [(torch.randn(5),) for _ in range(5)], []

    check(make, steps=8)


def test_a_running_average_of_a_model():
    from rushlight.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    def make():
        net = mlp()
        moves = torch.optim.AdamW(net.parameters())
        mean = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.9))

        def step(x, y):
            moves.zero_grad()
            F.mse_loss(net(x), y).backward()
            moves.step()
            mean.update_parameters(net)

        return step, batches(), [net, moves, mean]

    check(make, steps=8)


def test_the_workloads_of_the_benchmarks():
    root = Path(__file__).parents[2]
    script = root / "tests" / "compiler" / "workloads.py"
    run = subprocess.run(
        [sys.executable, "-m", "rushlight", "run", str(script)],
        capture_output=True, text=True, cwd=root, env={**os.environ, "PYTHONPATH": f"{root}:{root / 'src'}"},
    )  # fmt: skip
    assert run.stdout.strip() == "the same", run.stderr
