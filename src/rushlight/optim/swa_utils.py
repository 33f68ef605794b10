"""Averages of a model's parameters over training: equal weights (SWA) or exponential (EMA).

Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", 2018.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any

from rushlight._tensor import Tensor
from rushlight.autograd.state import no_grad
from rushlight.nn import Module
from rushlight.nn.modules.batchnorm import _BatchNorm
from rushlight.ops.creation import tensor
from rushlight.optim.lr_scheduler.scheduler import LRScheduler, per_group
from rushlight.optim.optimizer import Optimizer, need

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

One = Callable[[Tensor, Tensor, Any], Tensor]
Many = Callable[[Iterable[Tensor], Iterable[Tensor], Any], None]


def get_ema_avg_fn(decay: float = 0.999) -> One:
    """average(mean, value, count): decay * mean + (1 - decay) * value."""
    _check_decay(decay)

    @no_grad()
    def ema_update(ema_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> One:
    """average(mean, value, count): the mean of count + 1 values."""

    @no_grad()
    def swa_update(averaged_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def get_ema_multi_avg_fn(decay: float = 0.999) -> Many:
    """`get_ema_avg_fn` for lists of tensors, in place."""
    _check_decay(decay)

    @no_grad()
    def ema_update(means: Iterable[Tensor], values: Iterable[Tensor], _: Any) -> None:
        for mean, value in zip(means, values, strict=True):
            if mean.is_floating_point() or mean.is_complex():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(mean * decay + value * (1 - decay))

    return ema_update


def get_swa_multi_avg_fn() -> Many:
    """`get_swa_avg_fn` for lists of tensors, in place."""

    @no_grad()
    def swa_update(means: Iterable[Tensor], values: Iterable[Tensor], num_averaged: Any) -> None:
        weight = float(1 / (num_averaged + 1))
        for mean, value in zip(means, values, strict=True):
            if mean.is_floating_point() or mean.is_complex():
                mean.lerp_(value, weight)
            else:
                mean.copy_(mean + (value - mean) * weight)

    return swa_update


def _check_decay(decay: float) -> None:
    need(
        0.0 <= decay <= 1.0,
        f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.",
    )


class AveragedModel(Module):
    """A copy of a model whose parameters are averages, called in the model's place.

    avg_fn(mean, value, count) averages one parameter, multi_avg_fn lists of them in place; the
    default weighs all models equally. With use_buffers, buffers are averaged too, not copied.

    >>> import rushlight as torch
    >>> model = torch.nn.Linear(2, 1)
    >>> averaged = torch.optim.swa_utils.AveragedModel(model)
    >>> averaged.update_parameters(model)
    >>> averaged.n_averaged
    tensor(1)
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: One | None = None,
        multi_avg_fn: Many | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model gives."""
        return self.module(*args, **kwargs)

    def _averaged(self, model: Module) -> list[Tensor]:
        if self.use_buffers:
            return [*model.parameters(), *model.buffers()]
        return list(model.parameters())

    def update_parameters(self, model: Module) -> None:
        """Take the model's parameters into the average; the first time they are copied."""
        means = [p.detach() for p in self._averaged(self.module)]
        values = [p.detach() for p in self._averaged(model)]
        if self.n_averaged == 0:
            for mean, value in zip(means, values, strict=True):
                mean.copy_(value)
        elif self.avg_fn is not None:
            for mean, value in zip(means, values, strict=True):
                mean.copy_(self.avg_fn(mean, value, self.n_averaged))
        else:
            (self.multi_avg_fn or get_swa_multi_avg_fn())(means, values, self.n_averaged)
        if not self.use_buffers:
            for own, other in zip(self.module.buffers(), model.buffers(), strict=True):
                own.detach().copy_(other.detach())
        self.n_averaged += 1


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running statistics of a model's batch norms anew, from one pass over loader.

    A batch may be a tensor, or a list or tuple whose first item is the model's input.
    """
    layers = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    training = model.training
    for layer in layers:
        layer.reset_running_stats()
        # With no momentum the statistics are those of all batches with equal weights.
        layer.momentum = None
    model.train()
    try:
        for batch in loader:
            given = batch[0] if isinstance(batch, (list, tuple)) else batch
            model(given if device is None else given.to(device))
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        model.train(training)


def _cosine(t: float) -> float:
    return (1 - math.cos(math.pi * t)) / 2


def _linear(t: float) -> float:
    return t


class SWALR(LRScheduler):
    """From each group's rate to swa_lr within anneal_epochs, along half a cosine or a line.

    After that the rate stays, for the averaging to go on.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        rates = per_group("swa_lr", optimizer, swa_lr)
        need(
            anneal_strategy in ("cos", "linear"),
            f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}",
        )
        need(
            isinstance(anneal_epochs, int) and anneal_epochs >= 0,
            f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}",
        )
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["swa_lr"] = rate
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The rate of each group at `last_epoch`."""
        self._warn_outside_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        shape = _cosine if self._anneal_strategy == "cos" else _linear
        before, now = (
            shape(max(0.0, min(1.0, s / max(1, self.anneal_epochs)))) for s in (step - 1, step)
        )
        rates = []
        for group in self.optimizer.param_groups:
            goal, rate = group["swa_lr"], group["lr"]
            # The rate at which the group began, as the present one implies it.
            start = goal if before == 1 else (rate - goal * before) / (1 - before)
            rates.append(goal * now + start * (1 - now))
        return rates
