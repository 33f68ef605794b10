"""An optimizer with other parameters and other state for a while."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rushlight._tensor import Tensor
from rushlight.optim.optimizer import Optimizer

__all__ = ["swap_in_optimizer_params_and_state"]


@contextmanager
def swap_in_optimizer_params_and_state(
    optimizer: Optimizer, swapin_parameters: dict[str, Tensor], swapin_optim_state: dict[str, Any]
) -> Iterator[None]:
    """In the block the optimizer steps these parameters, with this state; afterwards it is as it was.

    swapin_parameters: as many as the optimizer has, in its order; swapin_optim_state: as `state_dict()` gives it.
    Its tensors are the state itself, so that what a step does to them in place stays.
    """
    if not optimizer.state:
        raise RuntimeError(
            "swap_in_optimizer_params_and_state requires initialized optimizer state."
        )
    given = list(swapin_parameters.values())
    count = sum(len(group["params"]) for group in optimizer.param_groups)
    groups = swapin_optim_state["param_groups"]
    fits = len(groups) == len(optimizer.param_groups) and all(
        len(mine["params"]) == len(theirs["params"])
        for mine, theirs in zip(optimizer.param_groups, groups, strict=True)
    )
    if len(given) != count or not fits:
        raise RuntimeError(
            "swap_in_optimizer_params_and_state requires the explicit parameter state to match "
            "optimizer.param_groups ordering."
        )
    by_number: dict[Any, Tensor] = {}
    waiting = iter(given)
    swapped = []
    for group in groups:
        numbers = group["params"]
        by_number |= {number: next(waiting) for number in numbers}
        swapped.append({**group, "params": [by_number[number] for number in numbers]})
    state: Any = defaultdict(dict)
    for key, kept in swapin_optim_state["state"].items():
        state[by_number.get(key, key)] = dict(kept) if isinstance(kept, dict) else kept
    before = optimizer.param_groups, optimizer.state
    optimizer.param_groups, optimizer.state = swapped, state
    try:
        yield
    finally:
        optimizer.param_groups, optimizer.state = before
