"""Adamax."""

from __future__ import annotations

from rushlight._tensor import Tensor
from rushlight.ops.joining import cat
from rushlight.ops.pointwise import maximum
from rushlight.optim.adam import check_betas
from rushlight.optim.lists import on_lists
from rushlight.optim.optimizer import (
    NEWER,
    Group,
    Optimizer,
    Params,
    State,
    advanced,
    fresh_step,
    scalar,
    zeros_like,
)


class Adamax(Optimizer):
    """Adam with the largest decayed gradient for the root mean square. Kingma and Ba 2015."""

    _counts_in_state = ("step",)
    _newer_options = NEWER

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
        check_betas(lr, betas, eps, weight_decay)
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        })  # fmt: skip

    def _fresh_state(self, p: Tensor, g: Tensor, group: Group) -> State:
        """The running mean, and the largest decayed gradient."""
        return {"step": fresh_step(), "exp_avg": zeros_like(p), "exp_inf": zeros_like(p)}

    def _update_parameter(self, p: Tensor, g: Tensor, state: State, group: Group) -> None:
        """One step of one parameter."""
        beta1, beta2 = group["betas"]
        step = advanced(state)
        mean, largest = state["exp_avg"], state["exp_inf"]
        mean.lerp_(g, 1 - beta1)
        size = g.abs().add_(group["eps"])
        if group["differentiable"]:
            pair = cat([largest.mul_(beta2).unsqueeze(0), size.unsqueeze(0)], 0)
            largest.copy_(pair.amax(0))
        else:
            maximum(largest.mul_(beta2), size, out=largest)
        p.addcdiv_(mean, largest, value=-(scalar(group["lr"]) / (1 - beta1**step)))


adamax = on_lists(
    Adamax, "exp_avg exp_inf step",
    "foreach maximize differentiable capturable has_complex",
)  # fmt: skip
