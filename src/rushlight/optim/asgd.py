"""Averaged stochastic gradient descent."""

from __future__ import annotations

from rushlight._tensor import Tensor
from rushlight.ops.creation import as_tensor, ones, tensor
from rushlight.optim.optimizer import (
    Group,
    Optimizer,
    Params,
    State,
    advanced,
    fresh_step,
    need,
    zeros_like,
)


class ASGD(Optimizer):
    """Gradient descent that keeps the mean of its path in state["ax"]. Polyak and Juditsky 1992."""

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
        need(lr >= 0.0, f"Invalid learning rate: {lr}")
        need(weight_decay >= 0.0, f"Invalid weight_decay value: {weight_decay}")
        super().__init__(params, {
            "lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay,
            "foreach": foreach, "maximize": maximize, "differentiable": differentiable,
            "capturable": capturable,
        })  # fmt: skip

    def update(self, p: Tensor, g: Tensor, state: State, group: Group) -> None:
        """One step of one parameter."""
        lr, lambd = group["lr"], group["lambd"]
        if not state:
            state["step"] = fresh_step()
            state["eta"] = as_tensor(float(lr)).clone()
            state["mu"] = ones(())
            state["ax"] = zeros_like(p)
        step = advanced(state)
        eta, mu = state["eta"].item(), state["mu"].item()
        p.mul_(1 - lambd * eta)
        p.add_(g, alpha=-eta)
        mean = state["ax"]
        if mu == 1:
            mean.copy_(p)
        else:
            mean.add_(p.sub(mean).mul_(mu))
        state["eta"] = tensor(float(lr) / ((1 + lambd * float(lr) * step) ** group["alpha"]))
        state["mu"] = tensor(1.0 / max(1, step - group["t0"]))
