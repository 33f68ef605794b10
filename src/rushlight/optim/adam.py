"""Adam and AdamW."""

from __future__ import annotations

from rushlight._tensor import Tensor
from rushlight.optim.optimizer import (
    Group,
    Optimizer,
    Params,
    State,
    advanced,
    fresh_step,
    need,
    zeros_like,
)


def check_betas(betas: tuple[float, float], eps: float, lr: float | Tensor, decay: float) -> None:
    """torch's checks of what the Adam family takes."""
    need(lr >= 0.0, f"Invalid learning rate: {lr}")
    need(eps >= 0.0, f"Invalid epsilon value: {eps}")
    for i, beta in enumerate(betas):
        need(0.0 <= beta < 1.0, f"Invalid beta parameter at index {i}: {beta}")
    need(decay >= 0.0, f"Invalid weight_decay value: {decay}")


def check_tensors(
    lr: float | Tensor, betas: tuple[float, float], foreach: bool | None, capturable: bool
) -> None:
    """torch's checks of rates and betas that are tensors."""
    kinds = [isinstance(beta, Tensor) for beta in betas]
    need(kinds[0] == kinds[1], "betas must be either both floats or both Tensors")
    for name, value in (("lr", lr), ("betas[0]", betas[0]), ("betas[1]", betas[1])):
        if isinstance(value, Tensor):
            need(
                capturable or not foreach,
                f"{name} as a Tensor is not supported for capturable=False and foreach=True",
            )
            need(value.numel() == 1, f"Tensor {name} must be 1-element")


class Adam(Optimizer):
    """Steps along the mean of the gradients over the root of the mean of their squares.

    Kingma and Ba 2015; with amsgrad the largest mean square so far (Reddi et al. 2018); with
    decoupled_weight_decay the weights shrink on their own (AdamW, Loshchilov and Hutter 2019).

    >>> import rushlight as torch
    >>> w = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = torch.optim.Adam([w], lr=0.1)
    >>> (w * 3).sum().backward(); optimizer.step(); w
    tensor([0.9000], requires_grad=True)
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        check_tensors(lr, betas, foreach, capturable)
        check_betas(betas, eps, lr, weight_decay)
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad,
            "maximize": maximize, "foreach": foreach, "capturable": capturable,
            "differentiable": differentiable, "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        })  # fmt: skip

    def update(self, p: Tensor, g: Tensor, state: State, group: Group) -> None:
        """One step of one parameter."""
        beta1, beta2 = group["betas"]
        if not state:
            state["step"] = fresh_step()
            state["exp_avg"] = zeros_like(p)
            state["exp_avg_sq"] = zeros_like(p)
            if group["amsgrad"]:
                state["max_exp_avg_sq"] = zeros_like(p)
        if group["decoupled_weight_decay"] and group["weight_decay"]:
            p.mul_(1 - group["lr"] * group["weight_decay"])
        step = advanced(state)
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        mean.lerp_(g, 1 - beta1)
        square.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        if group["amsgrad"]:
            largest = state["max_exp_avg_sq"]
            largest.copy_(largest.maximum(square))
            square = largest
        root = (1 - beta2**step) ** 0.5
        denominator = square.sqrt().div_(root).add_(group["eps"])
        p.addcdiv_(mean, denominator, value=-group["lr"] / (1 - beta1**step))


class AdamW(Adam):
    """Adam with weight decay apart from the gradient. Loshchilov and Hutter 2019."""

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize,
            capturable=capturable, differentiable=differentiable, fused=fused,
            decoupled_weight_decay=True,
        )  # fmt: skip
