"""RAdam."""

from __future__ import annotations

from rushlight._tensor import Tensor
from rushlight.optim.adam import check_betas, moments
from rushlight.optim.lists import on_lists
from rushlight.optim.optimizer import (
    Group,
    Optimizer,
    Params,
    State,
    advanced,
    scalar,
)


class RAdam(Optimizer):
    """Adam whose adaptive step waits until its estimate's variance is tame. Liu et al. 2020."""

    _counts_in_state = ("step",)
    _newer_options = (
        ("foreach", None),
        ("maximize", False),
        ("differentiable", False),
        ("decoupled_weight_decay", False),
        ("capturable", False),
    )

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
        check_betas(lr, betas, eps, weight_decay)
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
            "maximize": maximize, "foreach": foreach, "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay, "differentiable": differentiable,
        })  # fmt: skip

    def _fresh_state(self, p: Tensor, g: Tensor, group: Group) -> State:
        """The two means."""
        return moments(p, group)

    def _update_parameter(self, p: Tensor, g: Tensor, state: State, group: Group) -> None:
        """One step of one parameter."""
        beta1, beta2 = group["betas"]
        lr, eps = scalar(group["lr"]), group["eps"]
        step = advanced(state)
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        if group["decoupled_weight_decay"] and group["weight_decay"] != 0:
            p.mul_(1 - lr * group["weight_decay"])
        mean.lerp_(g, 1 - beta1)
        square.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        correction = 1 - beta2**step
        move = mean / (1 - beta1**step) * lr
        # The length of the equivalent simple moving average, now and in the limit.
        limit = 2 / (1 - beta2) - 1
        length = limit - 2 * step * (beta2**step) / correction
        if length > 5.0:
            rectifier = (
                (length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)
            ) ** 0.5
            root = square.sqrt()
            root = root.add(eps) if group["differentiable"] else root.add_(eps)
            move = move * (correction**0.5 / root) * rectifier
        p.add_(move, alpha=-1.0)


radam = on_lists(
    RAdam, "exp_avg exp_avg_sq step",
    "decoupled_weight_decay foreach differentiable capturable has_complex maximize",
)  # fmt: skip
