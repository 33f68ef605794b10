"""Adagrad."""

from __future__ import annotations

from rushlight._tensor import Tensor
from rushlight.ops.creation import full_like
from rushlight.optim.optimizer import (
    Group,
    Optimizer,
    Params,
    State,
    advanced,
    fresh_step,
    need,
)


class Adagrad(Optimizer):
    """Steps over the root of the sum of all squared gradients. Duchi, Hazan and Singer 2011.

    The learning rate of step t is lr / (1 + (t - 1) * lr_decay).
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        need(lr >= 0.0, f"Invalid learning rate: {lr}")
        need(lr_decay >= 0.0, f"Invalid lr_decay value: {lr_decay}")
        need(weight_decay >= 0.0, f"Invalid weight_decay value: {weight_decay}")
        need(
            initial_accumulator_value >= 0.0,
            f"Invalid initial_accumulator_value value: {initial_accumulator_value}",
        )
        need(eps >= 0.0, f"Invalid epsilon value: {eps}")
        super().__init__(params, {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "fused": fused,
        })  # fmt: skip
        for group in self.param_groups:
            for p in group["params"]:
                start = group["initial_accumulator_value"]
                self.state[p] = {"step": fresh_step(), "sum": full_like(p.detach(), start)}

    def share_memory(self) -> None:
        """Let processes share the sums, for updates from several of them."""
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["sum"].share_memory_()

    def update(self, p: Tensor, g: Tensor, state: State, group: Group) -> None:
        """One step of one parameter."""
        rate = group["lr"] / (1 + (advanced(state) - 1) * group["lr_decay"])
        total = state["sum"]
        total.addcmul_(g, g, value=1)
        p.addcdiv_(g, total.sqrt().add_(group["eps"]), value=-rate)
