"""NAdam."""

from __future__ import annotations

from rushlight._tensor import Tensor
from rushlight.core.doors import number
from rushlight.ops.creation import ones
from rushlight.optim.adam import check_betas, moments
from rushlight.optim.lists import on_lists
from rushlight.optim.optimizer import (
    Group,
    Optimizer,
    Params,
    State,
    advanced,
    counts_in,
    need,
    scalar,
)


class NAdam(Optimizer):
    """Adam with Nesterov's look-ahead: the momentum of the next step is applied now. Dozat 2016."""

    _newer_options = (
        ("maximize", False),
        ("foreach", None),
        ("capturable", False),
        ("differentiable", False),
        ("decoupled_weight_decay", False),
    )
    _counts_in_state = ("step", "mu_product")

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_betas(lr, betas, eps, weight_decay)
        need(momentum_decay >= 0.0, f"Invalid momentum_decay value: {momentum_decay}")
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
            "momentum_decay": momentum_decay, "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize, "foreach": foreach, "capturable": capturable,
            "differentiable": differentiable,
        })  # fmt: skip

    def _fresh_state(self, p: Tensor, g: Tensor, group: Group) -> State:
        """The means, and the product of all momenta so far."""
        state = moments(p, group)
        step = state.pop("step")
        return {"step": step, "mu_product": ones((), dtype=counts_in()), **state}

    def _update_parameter(self, p: Tensor, g: Tensor, state: State, group: Group) -> None:
        """One step of one parameter."""
        beta1, beta2 = group["betas"]
        lr, decay, eps = scalar(group["lr"]), group["momentum_decay"], group["eps"]
        step = advanced(state)
        mean, square, product = state["exp_avg"], state["exp_avg_sq"], state["mu_product"]
        if group["decoupled_weight_decay"] and group["weight_decay"] != 0:
            p.mul_(1 - lr * group["weight_decay"])
        now = beta1 * (1.0 - 0.5 * (0.96 ** (step * decay)))
        following = beta1 * (1.0 - 0.5 * (0.96 ** ((step + 1) * decay)))
        product *= now
        mean.lerp_(g, 1 - beta1)
        square.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        root = square.div(1 - beta2**step).sqrt()
        if group["differentiable"]:
            root = root.add(eps)
            p.addcdiv_(g * (-lr * (1.0 - now) / (1.0 - product)), root)
            p.addcdiv_(mean * (-lr * following / (1.0 - product * following)), root)
            return
        root.add_(eps)
        sofar = number(product, "the product of the momenta")
        p.addcdiv_(g, root, value=-lr * (1.0 - now) / (1.0 - sofar))
        p.addcdiv_(mean, root, value=-lr * following / (1.0 - sofar * following))


nadam = on_lists(
    NAdam, "exp_avg exp_avg_sq mu_product step",
    "decoupled_weight_decay foreach capturable differentiable has_complex maximize",
)  # fmt: skip
