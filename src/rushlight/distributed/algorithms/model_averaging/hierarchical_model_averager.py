"""Means of small groups often, of large ones seldom (Lin et al. 2020, Don't Use Large Mini-Batches, Use Local SGD)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rushlight.distributed.algorithms.model_averaging.averagers import ModelAverager
from rushlight.distributed.algorithms.model_averaging.utils import (
    average_parameters_or_parameter_groups,
)
from rushlight.distributed.groups import new_subgroups


class HierarchicalModelAverager(ModelAverager):
    """Takes the mean over the group of the largest period that divides the step, from warmup_steps on."""

    def __init__(
        self,
        period_group_size_dict: Mapping[int, int] | None = None,
        warmup_steps: int = 0,
        process_group: Any = None,
    ) -> None:
        super().__init__(process_group)
        sizes = dict(period_group_size_dict or {})
        if not sizes:
            raise ValueError("Arg ``period_group_size_dict`` must not be empty.")
        if next(iter(sizes)) <= 0:
            raise ValueError(
                "The minimum period in arg ``period_group_size_dict`` must be a positive value."
            )
        if list(sizes.values())[-1] != self.process_group.size():
            raise ValueError(
                f"The last value in arg ``period_process_group_dict`` {list(sizes.values())[-1]} must be equal to "
                f"the size of arg ``process_group`` {self.process_group.size()}."
            )
        if warmup_steps < 0:
            raise ValueError("Arg ``warmup_steps`` must be a non-negative number.")
        self.warmup_steps = warmup_steps
        self.period_process_group_dict = {
            period: self.process_group
            if size == self.process_group.size()
            else new_subgroups(size)[0]
            for period, size in sizes.items()
        }

    def average_parameters(self, params: Iterable[Any]) -> None:
        """Count a step, and take the mean if it is time for one."""
        due = [p for p in self.period_process_group_dict if self.step % p == 0]
        if self.step >= self.warmup_steps and due:
            average_parameters_or_parameter_groups(params, self.period_process_group_dict[due[-1]])
        self.step += 1
