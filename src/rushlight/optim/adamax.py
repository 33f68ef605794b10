"""Adamax."""

from __future__ import annotations

from rushlight._tensor import Tensor
from rushlight.optim.adam import check_betas
from rushlight.optim.optimizer import (
    Group,
    Optimizer,
    Params,
    State,
    advanced,
    fresh_step,
    zeros_like,
)


class Adamax(Optimizer):
    """Adam with the largest decayed gradient for the root mean square. Kingma and Ba 2015."""

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_betas(betas, eps, lr, weight_decay)
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        })  # fmt: skip

    def update(self, p: Tensor, g: Tensor, state: State, group: Group) -> None:
        """One step of one parameter."""
        beta1, beta2 = group["betas"]
        if not state:
            state["step"] = fresh_step()
            state["exp_avg"] = zeros_like(p)
            state["exp_inf"] = zeros_like(p)
        step = advanced(state)
        mean, largest = state["exp_avg"], state["exp_inf"]
        mean.lerp_(g, 1 - beta1)
        largest.copy_((largest * beta2).maximum(g.abs().add_(group["eps"])))
        p.addcdiv_(mean, largest, value=-group["lr"] / (1 - beta1**step))
