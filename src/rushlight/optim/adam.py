"""Adam and AdamW."""

from __future__ import annotations

from typing import Any

from rushlight._tensor import Tensor
from rushlight.ops.pointwise import maximum
from rushlight.optim.lists import on_lists
from rushlight.optim.optimizer import (
    Group,
    Optimizer,
    Params,
    State,
    advanced,
    check_options,
    fresh_step,
    need,
    scalar,
    zeros_like,
)


def check_betas(
    lr: float | Tensor, betas: tuple[Any, Any], eps: float, weight_decay: float
) -> None:
    """torch's checks of what the Adam family takes."""
    check_options(lr, eps=eps)
    for i in range(2):
        beta = betas[i]
        need(0.0 <= beta < 1.0, f"Invalid beta parameter at index {i}: {beta}")
    check_options(lr, weight_decay=weight_decay)


def check_tensors(
    lr: float | Tensor, betas: tuple[Any, Any], foreach: bool | None, capturable: bool
) -> None:
    """torch's checks of betas that are tensors."""
    kinds = {float if isinstance(beta, float) else Tensor for beta in betas}
    need(
        len(kinds) == 1 and all(isinstance(beta, float | Tensor) for beta in betas),
        "betas must be either both floats or both Tensors",
    )
    for i, value in enumerate(betas):
        if isinstance(value, Tensor):
            check_foreach(f"betas[{i}]", value, foreach, capturable)
            need(value.numel() == 1, f"Tensor betas[{i}] must be 1-element")


def check_foreach(name: str, value: Any, foreach: bool | None, capturable: bool) -> None:
    """Raise torch's error for a tensor among the options of steps over lists of tensors."""
    need(
        capturable or not foreach or not isinstance(value, Tensor),
        f"{name} as a Tensor is not supported for capturable=False and foreach=True",
    )


def moments(p: Tensor, group: Group) -> State:
    """The state that the family shares: a step count and two running means."""
    return {"step": fresh_step(group), "exp_avg": zeros_like(p), "exp_avg_sq": zeros_like(p)}


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

    _title = "Adam"
    _instead = ", please consider SparseAdam instead"

    _counts_in_state = ("step",)
    _newer_options = (
        ("amsgrad", False),
        ("maximize", False),
        ("foreach", None),
        ("capturable", False),
        ("differentiable", False),
        ("decoupled_weight_decay", False),
        ("fused", None),
    )

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
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
        check_foreach("lr", lr, foreach, capturable)
        check_betas(lr, betas, eps, weight_decay)
        check_tensors(lr, betas, foreach, capturable)
        betas = (scalar(betas[0]), scalar(betas[1]))
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad,
            "maximize": maximize, "foreach": foreach, "capturable": capturable,
            "differentiable": differentiable, "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        })  # fmt: skip

    def _fresh_state(self, p: Tensor, g: Tensor, group: Group) -> State:
        """The two means, and with amsgrad the largest of the second so far."""
        state = moments(p, group)
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = zeros_like(p)
        return state

    def _update_parameter(self, p: Tensor, g: Tensor, state: State, group: Group) -> None:
        """One step of one parameter."""
        beta1, beta2 = group["betas"]
        lr = scalar(group["lr"])
        if group["decoupled_weight_decay"] and group["weight_decay"] != 0:
            p.mul_(1 - lr * group["weight_decay"])
        step = advanced(state)
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        if beta1.__class__ is float:
            mean.lerp_(g, 1 - beta1)
            square.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        else:
            mean.lerp_(g, (1 - beta1).to(p.dtype))
            if beta2.requires_grad:
                square.lerp_(g.square(), 1 - beta2)
            else:
                square.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        if group["differentiable"]:
            self._differentiable_move(p, state, group, lr)
            return
        if group["amsgrad"]:
            largest = state["max_exp_avg_sq"]
            square = maximum(largest, square, out=largest)
        size = lr / (1 - beta1**step)
        denominator = square.sqrt().div_((1 - beta2**step) ** 0.5).add_(group["eps"])
        p.addcdiv_(mean, denominator, value=-size)

    def _differentiable_move(self, p: Tensor, state: State, group: Group, lr: Any) -> None:
        # The count is a tensor here, and so are the corrections: they may lead back to the betas.
        (beta1, beta2), step = group["betas"], state["step"].clone()
        size = -(lr / (1 - beta1**step))
        root = (1 - beta2**step).sqrt()
        square = state["exp_avg_sq"]
        if group["amsgrad"]:
            largest = state["max_exp_avg_sq"]
            largest.copy_(largest.clone().maximum(square))
            square = largest
        denominator = (square.sqrt() / (root * size)).add_(group["eps"] / size)
        p.addcdiv_(state["exp_avg"].clone(), denominator)


class AdamW(Adam):
    """Adam with weight decay apart from the gradient. Loshchilov and Hutter 2019."""

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
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

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True


adam = on_lists(
    Adam, "exp_avg exp_avg_sq max_exp_avg_sq step",
    "foreach capturable differentiable fused grad_scale found_inf has_complex decoupled_weight_decay",
)  # fmt: skip
