"""RMSprop."""

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
    scalar,
    zeros_like,
)


class RMSprop(Optimizer):
    """Steps over the root of a running mean of squared gradients. Tieleman and Hinton 2012.

    With centered, the running mean is subtracted first: a running variance (Graves 2013).
    """

    _counts_in_state = ("step",)
    _newer_options = (("momentum", 0), ("centered", False), *NEWER)

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_options(lr, eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        super().__init__(params, {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
            "weight_decay": weight_decay, "capturable": capturable, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable,
        })  # fmt: skip

    def _fresh_state(self, p: Tensor, g: Tensor, group: Group) -> State:
        """The running mean of squares; where asked for the last steps, and the mean itself."""
        state = {"step": fresh_step(), "square_avg": zeros_like(p)}
        if group["momentum"] > 0:
            state["momentum_buffer"] = zeros_like(p)
        if group["centered"]:
            state["grad_avg"] = zeros_like(p)
        return state

    def _update_parameter(self, p: Tensor, g: Tensor, state: State, group: Group) -> None:
        """One step of one parameter."""
        alpha, momentum, eps = group["alpha"], group["momentum"], group["eps"]
        lr = scalar(group["lr"])
        state["step"] += 1
        square = state["square_avg"]
        square.mul_(alpha).addcmul_(g, g, value=1 - alpha)
        if group["centered"]:
            mean = state["grad_avg"]
            mean.lerp_(g, 1 - alpha)
            root = square.addcmul(mean, mean, value=-1).sqrt_()
        else:
            root = square.sqrt()
        root = root.add(eps) if group["differentiable"] else root.add_(eps)
        if momentum > 0:
            buffer = state["momentum_buffer"]
            buffer.mul_(momentum).addcdiv_(g, root)
            p.add_(buffer, alpha=-lr)
        else:
            p.addcdiv_(g, root, value=-lr)


rmsprop = on_lists(
    RMSprop, "square_avg grad_avg momentum_buffer step",
    "foreach maximize differentiable capturable has_complex",
)  # fmt: skip
