"""Adafactor."""

from __future__ import annotations

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.core.doors import calculate, number
from rushlight.optim.optimizer import (
    Group,
    Optimizer,
    Params,
    State,
    advanced,
    check_rate,
    fresh_step,
    need,
    scalar,
    zeros_like,
)


class Adafactor(Optimizer):
    """Steps relative to the parameter's size, with second moments kept by row and column.

    For a matrix of n by m it keeps n + m numbers instead of n * m. Shazeer and Stern 2018.

    lr bounds the relative step; eps: what mean squares, and the parameter's size, count as at the
    least (None: the type's own epsilon); d: the root mean square at which an update is clipped.
    """

    _decays_gradient = False
    _takes_complex = False

    _counts_in_state = ("step",)
    _newer_options = (("foreach", None),)

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        check_rate(lr)
        need(lr >= 0.0, f"Learning rate should be >= 0 but is: {lr}")
        need(beta2_decay <= 0, f"beta2_decay should be <= 0 but is: {beta2_decay}")
        need(eps[0] is None or eps[0] >= 0, f"epsilon1 should be >= 0 but is: {eps[0]}")
        need(eps[1] >= 0, f"epsilon2 should be >= 0 but is: {eps[1]}")
        need(d >= 1.0, f"Clipping threshold d should be >= 1 but is: {d}")
        need(weight_decay >= 0, f"weight_decay should be >= 0 but is: {weight_decay}")
        super().__init__(params, {
            "lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d, "weight_decay": weight_decay,
            "foreach": foreach, "maximize": maximize,
        })  # fmt: skip

    def _fresh_state(self, p: Tensor, g: Tensor, group: Group) -> State:
        """Mean squares by row and by column of a matrix, or of each element of a vector."""
        shape = g.shape
        if len(shape) < 2:
            return {"step": fresh_step(), "variance": zeros_like(g)}
        return {
            "step": fresh_step(),
            "row_var": g.new_zeros((*shape[:-1], 1)),
            "col_var": g.new_zeros((*shape[:-2], 1, shape[-1])),
        }

    def _update_parameter(self, p: Tensor, g: Tensor, state: State, group: Group) -> None:
        """One step of one parameter."""
        shape, lr, decay = g.shape, scalar(group["lr"]), group["weight_decay"]
        step = advanced(state)
        least, least_size = group["eps"]
        if least is None:
            least = dtypes.finfo(p.dtype).eps
        fresh = step ** group["beta2_decay"]
        size = number(p.norm(2), "the size of the step") / p.numel() ** 0.5
        alpha = calculate(max, least_size, size) * calculate(min, lr, 1 / step**0.5)
        if decay != 0:
            p.mul_(1 - lr * decay)
        if len(shape) > 1:
            rows, columns = state["row_var"], state["col_var"]
            rows.lerp_(g.norm(dim=-1, keepdim=True).square_().div_(shape[-1]), fresh)
            columns.lerp_(g.norm(dim=-2, keepdim=True).square_().div_(shape[-2]), fresh)
            variance = (rows @ columns).div_(rows.mean(dim=-2, keepdim=True).clamp_(min=least))
        else:
            state["variance"].lerp_(g * g, fresh)
            variance = state["variance"].clone()
        update = variance.clamp_(min=least * least).rsqrt_().mul_(g)
        length = number(update.norm(2), "whether the step is too long")
        excess = calculate(max, 1.0, length / (update.numel() ** 0.5 * group["d"]))
        p.add_(update, alpha=-alpha / excess)
