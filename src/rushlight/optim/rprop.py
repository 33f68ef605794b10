"""Resilient backpropagation."""

from __future__ import annotations

from rushlight._tensor import Tensor
from rushlight.ops.creation import full_like
from rushlight.optim.optimizer import (
    Group,
    Optimizer,
    Params,
    State,
    fresh_step,
    need,
    zeros_like,
)
from rushlight.primitives.pointwise import gt, lt, where


class Rprop(Optimizer):
    """Steps by the sign of the gradient alone; each weight's step grows while the sign holds.

    Riedmiller and Braun 1993.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        need(lr >= 0.0, f"Invalid learning rate: {lr}")
        need(0.0 < etas[0] < 1.0 < etas[1], f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(params, {
            "lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        })  # fmt: skip

    def update(self, p: Tensor, g: Tensor, state: State, group: Group) -> None:
        """One step of one parameter."""
        if not state:
            state["step"] = fresh_step()
            state["prev"] = zeros_like(p)
            state["step_size"] = full_like(p.detach(), float(group["lr"]))
        state["step"] += 1
        shrink, grow = group["etas"]
        low, high = group["step_sizes"]
        before, size = state["prev"], state["step_size"]
        agreement = g * before
        turned = lt(agreement, 0)
        factor = where(gt(agreement, 0), grow, where(turned, shrink, 1.0))
        size.copy_((size * factor).clamp(low, high))
        # After a turn the weight rests for one step.
        g = where(turned, 0.0, g)
        p.addcmul_(g.sign(), size, value=-1)
        before.copy_(g)
