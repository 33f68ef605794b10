"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from rushlight._tensor import Tensor
from rushlight.ops.creation import zeros_like
from rushlight.optim.lists import on_lists
from rushlight.optim.optimizer import (
    Group,
    Optimizer,
    Params,
    State,
    add_at,
    check_options,
    check_rate,
    need,
    scalar,
)


class SGD(Optimizer):
    """p <- p - lr * b, where b = momentum * b + (1 - dampening) * g, or g without momentum.

    With nesterov, the step is along g + momentum * b. Sutskever et al. 2013, in torch's form, where
    the learning rate multiplies the whole step.

    >>> import rushlight as torch
    >>> w = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = torch.optim.SGD([w], lr=0.1)
    >>> (w * 3).sum().backward(); optimizer.step(); w
    tensor([0.7000], requires_grad=True)
    """

    _as_reals = False
    _takes_sparse = True

    _newer_options = (
        ("nesterov", False),
        ("maximize", False),
        ("foreach", None),
        ("differentiable", False),
        ("fused", False),
    )

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        # A rate that is not a number passes, as in torch.
        check_rate(lr)
        check_options(0.0 if lr != lr else lr, momentum=momentum, weight_decay=weight_decay)
        need(
            not nesterov or (momentum > 0 and dampening == 0),
            "Nesterov momentum requires a momentum and zero dampening",
        )
        super().__init__(params, {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay,
            "nesterov": nesterov, "maximize": maximize, "foreach": foreach,
            "differentiable": differentiable, "fused": fused,
        })  # fmt: skip

    def _keeps_state(self, group: Group) -> bool:
        """With momentum, a buffer."""
        return bool(group["momentum"] != 0)

    def _update_group(self, group: Group) -> None:
        params = group["params"]
        if not self._repeated or len(set(map(id, params))) == len(params):
            super()._update_group(group)
            return
        # A parameter that is there twice: its first steps know nothing of each other's buffer.
        fresh = [p for p in params if not self.state.get(p)]
        seen: set[int] = set()
        for p in params:
            if id(p) in seen and any(p is other for other in fresh):
                self.state.pop(p, None)
            seen.add(id(p))
            super()._update_group({**group, "params": [p]})

    def _fresh_state(self, p: Tensor, g: Tensor, group: Group) -> State:
        """A place for the buffer, which starts as the first gradient."""
        return {"momentum_buffer": None}

    def _steady_state(self, p: Tensor, g: Any, group: Group) -> State:
        """Without dampening a buffer of zeros, from which the first step is like any other."""
        if group["dampening"] != 0 or g.is_sparse:
            return self._fresh_state(p, g, group)
        return {"momentum_buffer": zeros_like(g.detach())}

    def _update_parameter(self, p: Tensor, g: Any, state: State, group: Group) -> None:
        """One step of one parameter."""
        momentum, first = group["momentum"], None
        if momentum != 0:
            buffer = state.get("momentum_buffer")
            if buffer is None:
                buffer = first = g.detach().clone()
            elif g.is_sparse:
                buffer = buffer * momentum + g * (1 - group["dampening"])
                state["momentum_buffer"] = buffer
            else:
                buffer.mul_(momentum).add_(g, alpha=1 - group["dampening"])
            if not group["nesterov"]:
                g = buffer
            elif g.is_sparse:
                g = g + buffer * momentum
            else:
                g = g.add(buffer, alpha=momentum)
        lr = group["lr"]
        if lr.__class__ is float and g.__class__ is Tensor:
            # Nearly always.
            p.add_(g, alpha=-lr)
        elif g.is_sparse:
            g = g.coalesce()
            add_at(p, tuple(g._indices().unbind()), g._values() * -scalar(lr))
        elif isinstance(lr := scalar(lr), Tensor) and lr.requires_grad:
            p.addcmul_(g, lr, value=-1)
        else:
            p.add_(g, alpha=-lr)
        if first is not None:
            state["momentum_buffer"] = first


sgd = on_lists(
    SGD, "momentum_buffer",
    "has_sparse_grad foreach fused grad_scale found_inf",
)  # fmt: skip
