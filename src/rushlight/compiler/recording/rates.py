"""The numbers among the options and in the state of optimizers, which each run looks up anew."""

from __future__ import annotations

from typing import Any

from rushlight.optim.optimizer import Optimizer


def rates_of(options: dict[str, Any]) -> dict[str, Any]:
    """The numbers among the options of an optimizer."""
    return {key: value for key, value in options.items() if is_rate(value)}


def without_rates(options: dict[str, Any]) -> dict[str, Any]:
    """The other options."""
    return {key: value for key, value in options.items() if not is_rate(value)}


def state_of(optimizer: Optimizer, parameter: Any) -> dict[str, Any]:
    """What is kept for a parameter, but for numbers."""
    return without_rates(optimizer.state.get(parameter) or {})


def is_rate(value: Any) -> bool:
    """Whether an option of an optimizer is a number, or numbers, that may change between steps."""
    if isinstance(value, tuple):
        return bool(value) and all(map(is_rate, value))
    return isinstance(value, float | int) and not isinstance(value, bool)
