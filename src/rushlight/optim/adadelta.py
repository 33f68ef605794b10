"""Adadelta."""

from __future__ import annotations

from rushlight._tensor import Tensor
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
    scalar,
    zeros_like,
)


class Adadelta(Optimizer):
    """Steps in the ratio of the running size of past steps to that of gradients. Zeiler 2012."""

    _counts_in_state = ("step",)
    _newer_options = NEWER

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_options(lr)
        need(0.0 <= rho <= 1.0, f"Invalid rho value: {rho}")
        check_options(lr, eps=eps, weight_decay=weight_decay)
        super().__init__(params, {
            "lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "capturable": capturable, "foreach": foreach, "differentiable": differentiable,
        })  # fmt: skip

    def _fresh_state(self, p: Tensor, g: Tensor, group: Group) -> State:
        """Running means of squares: of the gradients, and of the steps."""
        return {"step": fresh_step(), "square_avg": zeros_like(p), "acc_delta": zeros_like(p)}

    def _update_parameter(self, p: Tensor, g: Tensor, state: State, group: Group) -> None:
        """One step of one parameter."""
        rho, eps = group["rho"], group["eps"]
        state["step"] += 1
        square, past = state["square_avg"], state["acc_delta"]
        square.mul_(rho).addcmul_(g, g, value=1 - rho)
        root = square.add(eps).sqrt_()
        delta = past.add(eps).sqrt_()
        if group["differentiable"]:
            delta = delta.clone()
        delta.div_(root).mul_(g)
        past.mul_(rho).addcmul_(delta, delta, value=1 - rho)
        p.add_(delta, alpha=-scalar(group["lr"]))


adadelta = on_lists(
    Adadelta, "square_avg acc_delta step",
    "capturable foreach differentiable has_complex",
)  # fmt: skip
