"""RAdam."""

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


class RAdam(Optimizer):
    """Adam whose adaptive step waits until its estimate's variance is tame. Liu et al. 2020."""

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_betas(betas, eps, lr, weight_decay)
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
            "maximize": maximize, "foreach": foreach, "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay, "differentiable": differentiable,
        })  # fmt: skip

    def update(self, p: Tensor, g: Tensor, state: State, group: Group) -> None:
        """One step of one parameter."""
        beta1, beta2 = group["betas"]
        if not state:
            state["step"] = fresh_step()
            state["exp_avg"] = zeros_like(p)
            state["exp_avg_sq"] = zeros_like(p)
        step = advanced(state)
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        if group["decoupled_weight_decay"] and group["weight_decay"]:
            p.mul_(1 - group["lr"] * group["weight_decay"])
        mean.lerp_(g, 1 - beta1)
        square.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        correction = 1 - beta2**step
        move = mean / (1 - beta1**step) * group["lr"]
        # The length of the equivalent simple moving average, now and in the limit.
        limit = 2 / (1 - beta2) - 1
        length = limit - 2 * step * (beta2**step) / correction
        if length > 5.0:
            rectifier = (
                (length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)
            ) ** 0.5
            root = square.sqrt().add_(group["eps"])
            move = move * (correction**0.5 / root) * rectifier
        p.add_(move, alpha=-1.0)
