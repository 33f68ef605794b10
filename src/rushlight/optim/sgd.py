"""Stochastic gradient descent."""

from __future__ import annotations

from rushlight._tensor import Tensor
from rushlight.optim.optimizer import Group, Optimizer, Params, State, need


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

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        need(lr >= 0.0, f"Invalid learning rate: {lr}")
        need(momentum >= 0.0, f"Invalid momentum value: {momentum}")
        need(weight_decay >= 0.0, f"Invalid weight_decay value: {weight_decay}")
        need(
            not nesterov or (momentum > 0 and dampening == 0),
            "Nesterov momentum requires a momentum and zero dampening",
        )
        super().__init__(params, {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay,
            "nesterov": nesterov, "maximize": maximize, "foreach": foreach,
            "differentiable": differentiable, "fused": fused,
        })  # fmt: skip

    def update(self, p: Tensor, g: Tensor, state: State, group: Group) -> None:
        """One step of one parameter."""
        momentum = group["momentum"]
        if momentum:
            buffer = state.get("momentum_buffer")
            if buffer is None:
                buffer = state["momentum_buffer"] = (
                    g.clone() if group["differentiable"] else g.detach().clone()
                )
            else:
                buffer.mul_(momentum).add_(g, alpha=1 - group["dampening"])
            g = g.add(buffer, alpha=momentum) if group["nesterov"] else buffer
        lr = group["lr"]
        if isinstance(lr, Tensor) and lr.requires_grad:
            p.addcmul_(g, lr, value=-1)
        else:
            p.add_(g, alpha=-lr)
