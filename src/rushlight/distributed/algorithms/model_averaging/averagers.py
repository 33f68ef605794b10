"""The mean of the models of several processes: with one, the model as it is."""

from __future__ import annotations

from typing import Any


class ModelAverager:
    """Counts steps."""

    def __init__(self, process_group: Any = None) -> None:
        self.process_group = process_group
        self.step = 0

    def average_parameters(self, params: Any) -> None:
        """Count a step: the mean of one model is the model."""
        self.step += 1


class PeriodicModelAverager(ModelAverager):
    """Takes the mean every period steps, from warmup_steps on."""

    def __init__(self, period: int, warmup_steps: int = 0, process_group: Any = None) -> None:
        super().__init__(process_group)
        if warmup_steps < 0:
            raise ValueError("Arg ``warmup_steps`` must be a non-negative number.")
        if period < 1:
            raise ValueError("Arg ``period`` must be a positive value.")
        self.period, self.warmup_steps = period, warmup_steps
