"""Resilient backpropagation."""

from __future__ import annotations

from typing import Any

from rushlight._tensor import Tensor
from rushlight.ops.creation import full_like, ones_like
from rushlight.optim.lists import on_lists
from rushlight.optim.optimizer import (
    NEWER,
    Group,
    Optimizer,
    Params,
    State,
    check_options,
    fresh_step,
    need,
    zeros_like,
)
from rushlight.primitives.pointwise import eq, gt, lt, where


class Rprop(Optimizer):
    """Steps by the sign of the gradient alone; each weight's step grows while the sign holds.

    Riedmiller and Braun 1993.
    """

    _counts_in_state = ("step",)
    _newer_options = NEWER

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
        check_options(lr)
        need(0.0 < etas[0] < 1.0 < etas[1], f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(params, {
            "lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        })  # fmt: skip

    def _fresh_state(self, p: Tensor, g: Tensor, group: Group) -> State:
        """The gradient before, and a step for each weight."""
        start: Any = float(group["lr"])
        if p.is_complex():
            start = complex(start, start)
        return {"step": fresh_step(), "prev": zeros_like(p), "step_size": full_like(g, start)}

    def _update_parameter(self, p: Tensor, g: Tensor, state: State, group: Group) -> None:
        """One step of one parameter."""
        state["step"] += 1
        shrink, grow = group["etas"]
        before, size = state["prev"], state["step_size"]
        agreement = g.mul(before.clone() if group["differentiable"] else before).sign()
        turned = lt(agreement, 0)
        factor = ones_like(g).masked_fill_(gt(agreement, 0), grow).masked_fill_(turned, shrink)
        size.mul_(factor).clamp_(*group["step_sizes"])
        # After a turn the weight rests for one step.
        g = where(eq(factor, shrink), 0.0, g)
        p.addcmul_(g.sign(), size, value=-1)
        before.copy_(g)


rprop = on_lists(
    Rprop, "prev step_size step",
    "foreach capturable maximize differentiable has_complex",
)  # fmt: skip
