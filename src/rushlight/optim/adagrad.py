"""Adagrad."""

from __future__ import annotations

from typing import Any

from rushlight._tensor import Tensor
from rushlight.ops.creation import full_like
from rushlight.optim.lists import on_lists
from rushlight.optim.optimizer import (
    Group,
    Optimizer,
    Params,
    State,
    add_at,
    advanced,
    check_options,
    fresh_step,
    scalar,
)


class Adagrad(Optimizer):
    """Steps over the root of the sum of all squared gradients. Duchi, Hazan and Singer 2011.

    The learning rate of step t is lr / (1 + (t - 1) * lr_decay).
    """

    _takes_sparse = True

    _counts_in_state = ("step",)
    _newer_options = (
        ("foreach", None),
        ("maximize", False),
        ("differentiable", False),
        ("fused", None),
    )

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
        check_options(
            lr, lr_decay=lr_decay, weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value, eps=eps,
        )  # fmt: skip
        super().__init__(params, {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "fused": fused,
        })  # fmt: skip
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p] = self._fresh_state(p, p, group)

    def share_memory(self) -> None:
        """Let processes share the sums, for updates from several of them."""
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["sum"].share_memory_()

    def _fresh_state(self, p: Tensor, g: Tensor, group: Group) -> State:
        """The sum of squares; of a complex parameter each part has its own."""
        start: Any = self.defaults["initial_accumulator_value"]
        if p.is_complex():
            start = complex(start, start)
        return {"step": fresh_step(group), "sum": full_like(p.detach(), start)}

    def _update_parameter(self, p: Tensor, g: Any, state: State, group: Group) -> None:
        """One step of one parameter."""
        rate = scalar(group["lr"]) / (1 + (advanced(state) - 1) * group["lr_decay"])
        total = state["sum"]
        if g.is_sparse:
            g = g.coalesce()
            at = tuple(g._indices().unbind())
            values = g._values()
            add_at(total, at, values.pow(2))
            add_at(p, at, values / total[at].sqrt_().add_(group["eps"]) * -rate)
            return
        total.addcmul_(g, g, value=1)
        root = total.sqrt()
        eps = group["eps"]
        p.addcdiv_(g, root + eps if group["differentiable"] else root.add_(eps), value=-rate)


adagrad = on_lists(
    Adagrad, "sum step",
    "fused grad_scale found_inf has_sparse_grad foreach differentiable has_complex",
)  # fmt: skip
