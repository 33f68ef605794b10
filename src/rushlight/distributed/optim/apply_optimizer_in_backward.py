"""Parameters that are stepped as soon as their gradients have come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rushlight._tensor import Tensor
from rushlight.optim.optimizer import Optimizer


def _apply_optimizer_in_backward(
    optimizer_class: type[Optimizer],
    params: Iterable[Tensor],
    optimizer_kwargs: Mapping[str, Any],
    register_hook: bool = True,
) -> None:
    """Give each parameter an optimizer of its own, which steps it in backward and lets its gradient go."""
    for parameter in params:
        known = parameter.__dict__
        optimizer = optimizer_class([parameter], **optimizer_kwargs)
        known.setdefault("_in_backward_optimizers", []).append(optimizer)
        known.setdefault("_optimizer_classes", []).append(optimizer_class)
        known.setdefault("_optimizer_kwargs", []).append(optimizer_kwargs)
        if register_hook and len(known["_in_backward_optimizers"]) == 1:
            parameter.register_post_accumulate_grad_hook(_step_of(known))


def _step_of(known: Mapping[str, Any]) -> Callable[[Tensor], None]:
    def step(parameter: Tensor) -> None:
        for optimizer in known["_in_backward_optimizers"]:
            optimizer.step()
        parameter.grad = None

    return step
