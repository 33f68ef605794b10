"""Every schedule over many epochs against torch: rates, momenta, states, resuming, warnings."""

from __future__ import annotations

import re

import pytest
from tests.parity import parity

SGD = "torch.optim.SGD(groups, lr=0.1, momentum=0.9)"
ADAM = "torch.optim.Adam(groups, lr=0.1)"

SETUP = """
    import copy
    from torch.optim.lr_scheduler import *

    def fresh():
        groups = [{"params": [torch.nn.Parameter(torch.zeros(2))]},
                  {"params": [torch.nn.Parameter(torch.zeros(2))], "lr": 0.04}]
        optimizer = OPTIMIZER
        return optimizer, SCHEDULER

    _metrics = [1.0, 0.8, 0.7, 0.7, 0.71, 0.7, 0.69, *[0.7] * 4, 0.6, 0.6, 0.6, 0.61, *[0.6] * 30]

    def advance(optimizer, scheduler, epoch):
        optimizer.step()
        if isinstance(scheduler, ReduceLROnPlateau):
            scheduler.step(_metrics[epoch])
        else:
            scheduler.step()

    def seen(optimizer):
        keys = "lr", "initial_lr", "momentum", "betas", "min_lr", "max_lr"
        return [{k: g[k] for k in keys if k in g} for g in optimizer.param_groups]
"""

TRAJECTORY = (
    SETUP
    + """
    _optimizer, _scheduler = fresh()
    start = seen(_optimizer), copy.deepcopy(_scheduler.state_dict())
    path = []
    for _epoch in range(30):
        if _epoch == 11:  # from a checkpoint on, with everything made anew
            _saved = copy.deepcopy((_optimizer.state_dict(), _scheduler.state_dict()))
            _optimizer, _scheduler = fresh()
            _optimizer.load_state_dict(_saved[0])
            _scheduler.load_state_dict(_saved[1])
        advance(_optimizer, _scheduler, _epoch)
        path.append((seen(_optimizer), list(_scheduler.get_last_lr())))
    end = _scheduler.state_dict()
    last_epoch = getattr(_scheduler, "last_epoch", None)
"""
)

SCHEDULERS = [
    "LambdaLR(optimizer, lambda epoch: 0.95**epoch)",
    "LambdaLR(optimizer, [lambda epoch: 0.95**epoch, lambda epoch: 1 / (epoch + 1)])",
    "MultiplicativeLR(optimizer, lambda epoch: 0.95)",
    "MultiplicativeLR(optimizer, (lambda epoch: 0.95, lambda epoch: 1 / (epoch + 1)))",
    "StepLR(optimizer, 5)",
    "StepLR(optimizer, step_size=3, gamma=0.5)",
    "MultiStepLR(optimizer, [4, 9, 9, 15])",
    "MultiStepLR(optimizer, milestones=(3, 11), gamma=0.5)",
    "ConstantLR(optimizer)",
    "ConstantLR(optimizer, factor=0.5, total_iters=8)",
    "LinearLR(optimizer)",
    "LinearLR(optimizer, start_factor=0.25, end_factor=0.75, total_iters=10)",
    "ExponentialLR(optimizer, 0.9)",
    "PolynomialLR(optimizer)",
    "PolynomialLR(optimizer, total_iters=12, power=2.0)",
    "CosineAnnealingLR(optimizer, T_max=10)",
    "CosineAnnealingLR(optimizer, 7, eta_min=0.001)",
    "CosineAnnealingWarmRestarts(optimizer, 4)",
    "CosineAnnealingWarmRestarts(optimizer, T_0=3, T_mult=2, eta_min=0.001)",
    "ReduceLROnPlateau(optimizer, patience=2)",
    "ReduceLROnPlateau(optimizer, 'max', factor=0.5, patience=1, cooldown=2, min_lr=0.01)",
    "ReduceLROnPlateau(optimizer, threshold=0.05, threshold_mode='abs', min_lr=[0.05, 0.001])",
    "ReduceLROnPlateau(optimizer, 'max', threshold=0.05, threshold_mode='abs', patience=3)",
    "CyclicLR(optimizer, 0.01, 0.1, step_size_up=4)",
    "CyclicLR(optimizer, 0.01, 0.1, step_size_up=4, cycle_momentum=False)",
    "CyclicLR(optimizer, [0.01, 0.02], [0.1, 0.3], 3, step_size_down=5, mode='triangular2')",
    "CyclicLR(optimizer, 0.01, 0.1, step_size_up=3, mode='exp_range', gamma=0.95)",
    "CyclicLR(optimizer, 0.01, 0.1, 3, scale_fn=lambda x: 0.9**x, scale_mode='iterations')",
    "CyclicLR(optimizer, 0.01, 0.1, 3, base_momentum=[0.7, 0.6], max_momentum=[0.8, 0.95])",
    "OneCycleLR(optimizer, max_lr=0.5, total_steps=31)",
    "OneCycleLR(optimizer, [0.5, 0.2], epochs=8, steps_per_epoch=4, anneal_strategy='linear')",
    "OneCycleLR(optimizer, 0.5, total_steps=40, three_phase=True, div_factor=10.0)",
    "OneCycleLR(optimizer, 0.5, total_steps=31, pct_start=0.5, cycle_momentum=False)",
    "SequentialLR(optimizer, [ConstantLR(optimizer, 0.1, 4), ExponentialLR(optimizer, 0.9),"
    " StepLR(optimizer, 3, gamma=0.5)], milestones=[4, 12])",
    "SequentialLR(optimizer, [LinearLR(optimizer, 0.1, total_iters=5),"
    " CosineAnnealingLR(optimizer, 25)], [5])",
    "SequentialLR(optimizer, [ChainedScheduler([LinearLR(optimizer), ExponentialLR(optimizer,"
    " 0.8)]), CosineAnnealingWarmRestarts(optimizer, 4)], [5])",
    "ChainedScheduler([ConstantLR(optimizer, 0.1, 3), ExponentialLR(optimizer, 0.9)], optimizer)",
    "ChainedScheduler([LinearLR(optimizer), StepLR(optimizer, 4), ExponentialLR(optimizer, 0.9)])",
]


def program(text: str, scheduler: str = "None", optimizer: str = SGD) -> str:
    return text.replace("OPTIMIZER", optimizer).replace("SCHEDULER", scheduler)


@pytest.mark.parametrize("optimizer", [SGD, ADAM], ids=["SGD", "Adam"])
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_rates_momenta_and_states_are_torchs(scheduler: str, optimizer: str) -> None:
    parity(program(TRAJECTORY, scheduler, optimizer), rtol=0, atol=0)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_a_tensor_as_rate_is_filled_and_never_shared(scheduler: str) -> None:
    optimizer = "torch.optim.SGD(groups[:1], lr=torch.tensor(0.1), momentum=0.9)"
    one_group = scheduler
    for pair, single in {
        "[lambda epoch: 0.95**epoch, lambda epoch:": "[lambda epoch:",
        "(lambda epoch: 0.95, lambda epoch:": "(lambda epoch:",
        "epoch + 1)))": "epoch + 1),))",
        "[0.05, 0.001]": "[0.05]",
        "[0.01, 0.02], [0.1, 0.3]": "[0.01], 0.1",
        "[0.7, 0.6]": "[0.7]",
        "[0.8, 0.95]": "[0.8]",
        "[0.5, 0.2]": "[0.5]",
    }.items():
        one_group = one_group.replace(pair, single)
    parity(
        program(
            SETUP
            + """
    _optimizer, _scheduler = fresh()
    _rate = _optimizer.param_groups[0]["lr"]
    path = [_rate.item()]
    for _epoch in range(20):
        advance(_optimizer, _scheduler, _epoch)
        path.append(_rate.item())
        same = _optimizer.param_groups[0]["lr"] is _rate
        shared = _scheduler.get_last_lr()[0] is _rate
    """,
            one_group,
            optimizer,
        )
    )


RESUMABLE = [s for s in SCHEDULERS if "[Co" not in s and "[Li" not in s and "[Ch" not in s]


@pytest.mark.parametrize("scheduler", [s for s in RESUMABLE if "ReduceLROnPlateau" not in s])
def test_last_epoch_resumes(scheduler: str) -> None:
    resumed = scheduler[:-1] + ", last_epoch=7)"
    parity(
        program(
            SETUP
            + f"""
    _optimizer, _scheduler = fresh()
    for _epoch in range(8):
        advance(_optimizer, _scheduler, _epoch)
    optimizer, _ = fresh()
    optimizer.load_state_dict(_optimizer.state_dict())
    _scheduler = {resumed}
    path = [seen(optimizer)]
    for _epoch in range(8, 20):
        advance(optimizer, _scheduler, _epoch)
        path.append(seen(optimizer))
    state = _scheduler.state_dict()
    """,
            scheduler,
        )
    )


def test_resuming_without_initial_rates_is_an_error() -> None:
    parity(
        program(
            SETUP
            + """
    _optimizer, _ = fresh()
    StepLR(_optimizer, 3, last_epoch=4)
    """
        ),
        raises=KeyError,
        match="initial_lr.*load the optimizer's state_dict",
    )


@pytest.mark.parametrize("scheduler", [s for s in RESUMABLE if "ReduceLROnPlateau" not in s])
def test_step_to_a_given_epoch(scheduler: str) -> None:
    parity(
        program(
            SETUP
            + """
    _optimizer, _scheduler = fresh()
    path = []
    for _epoch in (3, 4, 9, 2, 0, 17):
        _optimizer.step()
        _scheduler.step(_epoch)
        path.append(seen(_optimizer))
    """,
            scheduler,
        )
    )


def test_warm_restarts_take_fractions_of_an_epoch() -> None:
    parity(
        program(
            SETUP
            + """
    _optimizer, _scheduler = fresh()
    path = []
    for _batch in range(60):
        _optimizer.step()
        _scheduler.step(_batch / 4)
        path.append((seen(_optimizer), _scheduler.T_cur, _scheduler.T_i, _scheduler.last_epoch))
    wrong = attempt(lambda: _scheduler.step(-1))
    """,
            "CosineAnnealingWarmRestarts(optimizer, 3, 2)",
        )
    )


WARNINGS = """
    import warnings

    def warned(action):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            action()
        return [w.category.__name__ for w in caught]

    _optimizer, _scheduler = fresh()
"""


@pytest.mark.parametrize(
    "actions",
    [
        "_scheduler.step()",  # before optimizer.step()
        "_optimizer.step(); _scheduler.step()",
        "_optimizer.step(); _scheduler.step(3)",
        "_optimizer.step(); _scheduler.get_lr()",
        "_optimizer.step = lambda: None; _scheduler.step()",
        "_optimizer.step(); _scheduler.step(); _scheduler.step()",
    ],
)
def test_warnings(actions: str) -> None:
    lines = "\n        ".join(actions.split("; "))
    body = f"""
    def act():
        {lines}
    said = warned(act)
    """
    parity(program(SETUP + WARNINGS, "StepLR(optimizer, 3)") + body)


def test_warnings_say_what_to_do_and_point_at_the_caller() -> None:
    import rushlight as torch

    optimizer = torch.optim.SGD([torch.zeros(2, requires_grad=True)], lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3)
    for action, advice in {
        scheduler.step: "`optimizer.step()` before `lr_scheduler.step()`",
        scheduler.get_lr: "please use `get_last_lr()`",
    }.items():
        with pytest.warns(UserWarning, match=re.escape(advice)) as caught:
            action()
        assert [w.filename for w in caught] == [__file__]


@pytest.mark.parametrize(
    "wrong",
    [
        "StepLR(torch.nn.Linear(1, 1), 3)",
        "ReduceLROnPlateau('optimizer')",
        "CyclicLR(None, 0.1, 0.2)",
        "OneCycleLR(None, 0.1, 5)",
        "LambdaLR(optimizer, [lambda e: 1.0])",
        "MultiplicativeLR(optimizer, [lambda e: 1.0] * 3)",
        "MultiplicativeLR(optimizer, 0.5)",
        "LambdaLR(optimizer, 0.5)",
        "ConstantLR(optimizer, 1.5)",
        "ConstantLR(optimizer, -0.5)",
        "LinearLR(optimizer, 0.0)",
        "LinearLR(optimizer, 1.1)",
        "LinearLR(optimizer, end_factor=1.1)",
        "CosineAnnealingWarmRestarts(optimizer, 0)",
        "CosineAnnealingWarmRestarts(optimizer, 2.5)",
        "CosineAnnealingWarmRestarts(optimizer, 2, 0)",
        "CosineAnnealingWarmRestarts(optimizer, 2, 2, None)",
        "ReduceLROnPlateau(optimizer, mode='least')",
        "ReduceLROnPlateau(optimizer, threshold_mode='relative')",
        "ReduceLROnPlateau(optimizer, factor=1.0)",
        "ReduceLROnPlateau(optimizer, min_lr=[0.1])",
        "CyclicLR(optimizer, [0.1], 0.2)",
        "CyclicLR(optimizer, 0.1, 0.2, mode='square')",
        "CyclicLR(torch.optim.Adagrad(groups), 0.1, 0.2)",
        "OneCycleLR(torch.optim.Adagrad(groups), 0.1, 10)",
        "OneCycleLR(optimizer, 0.1)",
        "OneCycleLR(optimizer, 0.1, 0)",
        "OneCycleLR(optimizer, 0.1, epochs=3)",
        "OneCycleLR(optimizer, 0.1, epochs=3, steps_per_epoch=-1)",
        "OneCycleLR(optimizer, 0.1, 10, pct_start=1)",
        "OneCycleLR(optimizer, 0.1, 10, anneal_strategy='square')",
        "SequentialLR(optimizer, [], [])",
        "SequentialLR(optimizer, [StepLR(optimizer, 3)], [3])",
        "SequentialLR(optimizer, [object()], [])",
        "SequentialLR(optimizer, [ReduceLROnPlateau(optimizer)], [])",
        "SequentialLR(optimizer, [StepLR(other, 3)], [])",
        "ChainedScheduler([])",
        "ChainedScheduler([StepLR(optimizer, 3), StepLR(other, 3)])",
        "ChainedScheduler([StepLR(optimizer, 3), ReduceLROnPlateau(optimizer)])",
    ],
)
def test_wrong_arguments(wrong: str) -> None:
    parity(
        program(
            SETUP
            + """
    def build():
        groups = [{"params": [torch.nn.Parameter(torch.zeros(2))]} for _ in range(2)]
        optimizer = torch.optim.SGD(groups, lr=0.1)
        other = torch.optim.SGD(groups, lr=0.1)
        return SCHEDULER
    wrong = attempt(build)
    """,
            wrong,
        )
    )


def test_a_failed_constructor_leaves_the_optimizer_alone() -> None:
    import rushlight as torch

    optimizer = torch.optim.SGD([torch.zeros(2, requires_grad=True)], lr=0.1, momentum=0.9)
    before = dict(optimizer.param_groups[0])
    for make in (
        lambda: torch.optim.lr_scheduler.CyclicLR(optimizer, 0.01, 0.1, mode="square"),
        lambda: torch.optim.lr_scheduler.CyclicLR(optimizer, 0.01, 0.1, max_momentum=[0.1, 0.2]),
        lambda: torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.5, 10, base_momentum=[0.1, 0.2]),
    ):
        with pytest.raises(ValueError, match=r"mode is invalid|must have the same length"):
            make()
        assert optimizer.param_groups[0] == before


def test_more_steps_than_one_cycle_has() -> None:
    parity(
        program(
            SETUP
            + """
    _optimizer, _scheduler = fresh()
    for _ in range(5):
        _optimizer.step()
        _scheduler.step()
    wrong = attempt(_scheduler.step)
    """,
            "OneCycleLR(optimizer, 0.5, total_steps=5)",
        )
    )


def test_a_group_added_later() -> None:
    parity(
        program(
            SETUP
            + """
    _optimizer, _scheduler = fresh()
    _listed = ReduceLROnPlateau(_optimizer, patience=0, min_lr=[0.0, 0.0])
    _stepped = LambdaLR(fresh()[0], lambda epoch: 1.0)
    for _o in (_optimizer, _stepped.optimizer):
        _o.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))]})
    for _ in range(3):
        _scheduler.step(1.0)
    after = seen(_optimizer)
    listed = [attempt(lambda: [_listed.step(1.0) for _ in range(3)])]
    _stepped.optimizer.step()
    stepped = attempt(_stepped.step)
    """,
            "ReduceLROnPlateau(optimizer, patience=0, min_lr=0.02)",
        )
    )


def test_callable_objects_are_saved_and_functions_are_not() -> None:
    parity(
        program(
            SETUP
            + """
    class Factor:
        def __init__(self, base):
            self.base = base

        def __call__(self, epoch):
            return self.base**epoch

    _optimizer, _scheduler = fresh()
    states = []
    for _make in (
        lambda base: LambdaLR(_optimizer, [Factor(base), lambda e: 1.0]),
        lambda base: MultiplicativeLR(_optimizer, [Factor(base), lambda e: 1.0]),
        lambda base: CyclicLR(_optimizer, 0.1, 0.2, scale_fn=Factor(base)),
        lambda base: CyclicLR(_optimizer, 0.1, 0.2, scale_fn=lambda x: 1.0),
    ):
        _saved = _make(0.5).state_dict()
        _other = _make(0.25)
        _other.load_state_dict(dict(_saved))
        states += [_saved, _other.state_dict()]
    """
        )
    )


def test_an_own_scheduler_needs_only_get_lr() -> None:
    parity(
        program(
            SETUP
            + """
    from torch.optim import lr_scheduler

    class Warmup(lr_scheduler._LRScheduler):
        def __init__(self, optimizer, steps, last_epoch=-1):
            self.steps = steps
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            return [base * min(1.0, (self.last_epoch + 1) / self.steps) for base in self.base_lrs]

    _optimizer, _ = fresh()
    scheduler = Warmup(_optimizer, 4)
    path = []
    for _epoch in range(6):
        advance(_optimizer, scheduler, _epoch)
        path.append(scheduler.get_last_lr())
    without = attempt(lambda: LRScheduler(_optimizer))
    """
        )
    )


def test_no_reference_cycle_keeps_optimizer_or_scheduler_alive() -> None:
    import gc
    import weakref

    import rushlight as torch

    gc.disable()
    try:
        optimizer = torch.optim.SGD([torch.zeros(2, requires_grad=True)], lr=0.1)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3)
        kept = weakref.ref(optimizer), weakref.ref(scheduler)
        optimizer.step()
        scheduler.step()
        del scheduler, optimizer
        assert [ref() for ref in kept] == [None, None]
    finally:
        gc.enable()
