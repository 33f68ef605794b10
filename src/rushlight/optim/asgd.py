"""Averaged stochastic gradient descent."""

from __future__ import annotations

from rushlight._tensor import Tensor
from rushlight.core.doors import calculate, number
from rushlight.ops.creation import as_tensor, ones
from rushlight.optim.lists import on_lists
from rushlight.optim.optimizer import (
    NEWER,
    Group,
    Optimizer,
    Params,
    State,
    advanced,
    check_options,
    counts_in,
    fresh_step,
    scalar,
    zeros_like,
)


class ASGD(Optimizer):
    """Gradient descent that keeps the mean of its path in state["ax"]. Polyak and Juditsky 1992."""

    _newer_options = NEWER
    _counts_in_state = ("step", "eta", "mu")

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_options(lr, weight_decay=weight_decay)
        super().__init__(params, {
            "lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay,
            "foreach": foreach, "maximize": maximize, "differentiable": differentiable,
            "capturable": capturable,
        })  # fmt: skip

    def _fresh_state(self, p: Tensor, g: Tensor, group: Group) -> State:
        """The rate, the weight of what is averaged, and the average."""
        eta = as_tensor(scalar(group["lr"]), dtype=counts_in()).clone().detach()
        mu = ones((), dtype=counts_in())
        return {"step": fresh_step(), "eta": eta, "mu": mu, "ax": zeros_like(p)}

    def _update_parameter(self, p: Tensor, g: Tensor, state: State, group: Group) -> None:
        """One step of one parameter."""
        lr, lambd = scalar(group["lr"]), group["lambd"]
        step = advanced(state)
        eta, mu, mean = state["eta"], state["mu"], state["ax"]
        rate = number(eta, "the rate of the step")
        p.mul_(1 - lambd * rate)
        p.add_(g, alpha=-rate)
        if number(mu, "whether the average has begun") == 1:
            mean.copy_(p)
        else:
            mean.add_(p.sub(mean).mul_(mu))
        eta.fill_(lr / ((1 + lambd * lr * step) ** group["alpha"]))
        mu.fill_(1 / calculate(max, 1, step - group["t0"]))


asgd = on_lists(
    ASGD, "ax mu eta step",
    "foreach maximize differentiable capturable has_complex",
)  # fmt: skip
