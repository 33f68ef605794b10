"""Muon."""

from __future__ import annotations

from rushlight._tensor import Tensor
from rushlight.optim.optimizer import (
    Group,
    Optimizer,
    Params,
    State,
    check_rate,
    need,
    scalar,
    zeros_like,
)

COEFFICIENTS = (3.4445, -4.775, 2.0315)


class Muon(Optimizer):
    """Momentum for matrices, each update brought near an orthogonal matrix. Jordan et al. 2024.

    It takes 2-d parameters only: the hidden weights of a network; give the others to AdamW.
    adjust_lr_fn: "original" (the default) or "match_rms_adamw".

    >>> import rushlight as torch
    >>> w = torch.zeros(2, 2, requires_grad=True)
    >>> optimizer = torch.optim.Muon([w], lr=0.1)
    >>> w.sum().backward(); optimizer.step()
    """

    _decays_gradient = False
    _takes_complex = False

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = COEFFICIENTS,
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        check_rate(lr)
        need(lr >= 0.0, f"Learning rate should be >= 0 but is: {lr}")
        need(momentum >= 0.0, f"momentum should be >= 0 but is: {momentum}")
        need(weight_decay >= 0.0, f"weight decay should be >= 0 but is: {weight_decay}")
        need(
            adjust_lr_fn in (None, "original", "match_rms_adamw"),
            f"Adjust learning rate function {adjust_lr_fn} is not supported",
        )
        super().__init__(params, {
            "lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov,
            "ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        })  # fmt: skip
        for group in self.param_groups:
            for p in group["params"]:
                need(
                    p.ndim == 2,
                    "Muon only supports 2D parameters whereas we found a parameter with size: "
                    f"{p.shape}",
                )

    def _fresh_state(self, p: Tensor, g: Tensor, group: Group) -> State:
        """The running mean of the gradients."""
        return {"momentum_buffer": zeros_like(g)}

    def _update_parameter(self, p: Tensor, g: Tensor, state: State, group: Group) -> None:
        """One step of one parameter."""
        need(
            group["ns_steps"] < 100,
            "Number of steps must be less than 100 for computational efficiency",
        )
        need(len(group["ns_coefficients"]) == 3, "Coefficients must be a tuple of exactly 3 values")
        momentum, buffer, lr = group["momentum"], state["momentum_buffer"], scalar(group["lr"])
        buffer.lerp_(g, 1 - momentum)
        direction = g.lerp(buffer, momentum) if group["nesterov"] else buffer
        turned = orthogonalized(
            direction, group["ns_coefficients"], group["ns_steps"], group["eps"]
        )
        rows, columns = p.shape
        if group["adjust_lr_fn"] == "match_rms_adamw":
            ratio = 0.2 * max(rows, columns) ** 0.5
        else:
            ratio = max(1.0, rows / columns) ** 0.5
        p.mul_(1 - lr * group["weight_decay"])
        p.add_(turned.to(p.dtype), alpha=-(lr * ratio))


def orthogonalized(
    matrix: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float
) -> Tensor:
    """About U @ Vh of the matrix's singular value decomposition: a polynomial, applied steps times.

    The singular values move towards one. As in torch the numbers are rounded to brain floats.
    """
    a, b, c = coefficients
    x = _brain(matrix.float())
    flat = x.reshape(-1)
    x = _brain(x / _brain(flat.dot(flat).sqrt()).clamp_(min=eps))
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    for _ in range(steps):
        gram = _brain(x @ x.T)
        x = _brain(a * x + _brain(b * gram + c * (gram @ gram)) @ x)
    return x.T if tall else x


def _brain(x: Tensor) -> Tensor:
    """float32 rounded to the 8 bits of mantissa of a bfloat16, to even where it is a tie."""
    return x.bfloat16().float()
