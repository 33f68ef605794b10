"""Averaged models, their batch norms and their learning rate, against torch."""

import pytest
from tests.parity import parity

TRAINED = """
from torch.optim.swa_utils import *
model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
averaged = AveragedModel(model, {options})
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x = torch.randn(16, 4)
for _ in range(5):
    optimizer.zero_grad()
    (model(x) ** 2).mean().backward()
    optimizer.step()
    averaged.update_parameters(model)
result = averaged(x)
"""


@pytest.mark.parametrize(
    "options",
    [
        "",
        "use_buffers=True",
        "avg_fn=get_ema_avg_fn(0.9)",
        "avg_fn=get_swa_avg_fn()",
        "multi_avg_fn=get_ema_multi_avg_fn(0.5), use_buffers=True",
        "multi_avg_fn=get_swa_multi_avg_fn()",
        "avg_fn=lambda mean, value, count: 0.7 * mean + 0.3 * value",
    ],
)
def test_averages(options):
    program = TRAINED.format(options=options).replace("import *", "import " + NAMES)
    parity(program)


NAMES = (
    "AveragedModel, SWALR, get_ema_avg_fn, get_ema_multi_avg_fn, get_swa_avg_fn, "
    "get_swa_multi_avg_fn, update_bn"
)


def test_batch_norms_anew():
    parity("""
        from torch.optim.swa_utils import update_bn
        model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3, momentum=0.3)).eval()
        batches = [torch.randn(5, 4) for _ in range(3)]
        update_bn(batches, model)
        momentum = model[1].momentum
        update_bn([(batch, None) for batch in batches], model)
        update_bn(batches, nn.Linear(4, 3))
    """)


@pytest.mark.parametrize(
    "options", ["", "anneal_epochs=3, anneal_strategy='linear'", "anneal_epochs=0"]
)
def test_rates(options):
    parity(f"""
        from torch.optim.swa_utils import SWALR
        a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
        optimizer = torch.optim.SGD([{{"params": [a]}}, {{"params": [b], "lr": 0.3}}], lr=0.1)
        scheduler = SWALR(optimizer, swa_lr=[0.05, 0.5], {options})
        rates = []
        for _ in range(12):
            optimizer.step()
            scheduler.step()
            rates.append(scheduler.get_last_lr())
    """)


def test_refusals():
    parity("""
        from torch.optim.swa_utils import AveragedModel, SWALR, get_ema_avg_fn, get_ema_multi_avg_fn
        _optimizer = torch.optim.SGD([torch.ones(2, requires_grad=True)], lr=0.1)
        shape = attempt(lambda: SWALR(_optimizer, 0.1, anneal_strategy="x"))
        epochs = attempt(lambda: SWALR(_optimizer, 0.1, anneal_epochs=-1))
        groups = attempt(lambda: SWALR(_optimizer, [0.1, 0.2]))
        decays = [attempt(lambda: f(2.0)) for f in (get_ema_avg_fn, get_ema_multi_avg_fn)]
        both = attempt(lambda: AveragedModel(
            nn.Linear(2, 3), avg_fn=get_ema_avg_fn(), multi_avg_fn=get_ema_multi_avg_fn()))
    """)
