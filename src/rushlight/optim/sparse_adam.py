"""Adam for gradients in coordinates."""

from __future__ import annotations

from typing import Any

from rushlight._tensor import Tensor
from rushlight.core.doors import options
from rushlight.optim.adam import moments
from rushlight.optim.optimizer import (
    Group,
    Optimizer,
    Params,
    State,
    add_at,
    check_rate,
    need,
    scalar,
)


class SparseAdam(Optimizer):
    """Adam that touches only those elements, and their means, for which the gradient has a value.

    >>> import rushlight as torch
    >>> w = torch.zeros(3, requires_grad=True)
    >>> optimizer = torch.optim.SparseAdam([w], lr=0.1)
    >>> w.grad = torch.tensor([0.0, 2.0, 0.0]).to_sparse()
    >>> optimizer.step(); w
    tensor([ 0.0000, -0.1000,  0.0000], requires_grad=True)
    """

    _takes_sparse = True

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        check_rate(lr)
        need(lr > 0.0, f"Invalid learning rate: {lr}")
        need(eps > 0.0, f"Invalid epsilon value: {eps}")
        for i, beta in enumerate(betas):
            need(0.0 <= beta < 1.0, f"Invalid beta parameter at index {i}: {beta}")
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})
        for kind, bad, rule in (
            ("Sparse", "is_sparse", "SparseAdam requires dense parameter tensors"),
            ("Complex", "is_complex", "SparseAdam does not support complex parameters"),
        ):
            found = [
                [i, j]
                for i, group in enumerate(self.param_groups)
                for j, p in enumerate(group["params"])
                if _true(getattr(p, bad))
            ]
            need(not found, f"{kind} params at indices {found}: {rule}")

    def _update_group(self, group: Group) -> None:
        if not all(p._grad is None or p._grad.is_sparse for p in group["params"]):
            raise RuntimeError(
                "SparseAdam does not support dense gradients, please consider Adam instead"
            )
        super()._update_group(group)

    def _fresh_state(self, p: Tensor, g: Tensor, group: Group) -> State:
        """The state of Adam; here the step count is a number."""
        return {**moments(p, group), "step": 0}

    def _update_parameter(self, p: Tensor, g: Any, state: State, group: Group) -> None:
        """One step of one parameter."""
        beta1, beta2 = group["betas"]
        state = options(state)
        state["step"] += 1
        g = g.coalesce()
        values: Any = g._values()
        if not values.numel():
            return
        at = tuple(g._indices().unbind())
        step, mean, square = state["step"], state["exp_avg"], state["exp_avg_sq"]
        kept, kept_square = mean[at], square[at]
        change = values.sub(kept).mul_(1 - beta1)
        change_square = values.pow(2).sub_(kept_square).mul_(1 - beta2)
        add_at(mean, at, change)
        add_at(square, at, change_square)
        root = change_square.add_(kept_square).sqrt_().add_(group["eps"])
        size = scalar(group["lr"]) * (1 - beta2**step) ** 0.5 / (1 - beta1**step)
        add_at(p, at, change.add_(kept).div_(root) * -size)


def _true(answer: Any) -> bool:
    return bool(answer() if callable(answer) else answer)
