"""One `fit`: what it was asked for, where in it the training is, and the means so far."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rushlight._tensor import Tensor
from rushlight.training.callbacks import Callback
from rushlight.training.randomness import random_state, set_random_state

Path = str | os.PathLike[str]
# What a step returns: numbers by name, the loss alone, or nothing.
Logs = Mapping[str, Any] | Tensor | float | None

NO_BATCH = (
    "the data gave no batch at all: is the loader empty or used up, or drop_last=True with fewer "
    "samples than batch_size?"
)


def logs_of(value: Logs) -> dict[str, float]:
    """The numbers that a step returned, by name."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        value = {"loss": value}
    return {name: float(number) for name, number in value.items()}


class Means:
    """Means of named numbers, weighted by the sizes of the batches they come from."""

    def __init__(self) -> None:
        self._sums: dict[str, list[float]] = {}

    def add(self, logs: Mapping[str, float], size: int) -> None:
        """Count the numbers of a batch."""
        for name, value in logs.items():
            entry = self._sums.setdefault(name, [0.0, 0.0])
            entry[0] += value * size
            entry[1] += size

    def values(self) -> dict[str, float]:
        """The means."""
        return {name: total / size for name, (total, size) in self._sums.items()}

    def state_dict(self) -> dict[str, list[float]]:
        """Sums and sizes."""
        return {name: list(entry) for name, entry in self._sums.items()}

    def load_state_dict(self, state: Mapping[str, Sequence[float]]) -> None:
        """Take back what `state_dict` gave."""
        self._sums = {name: list(entry) for name, entry in state.items()}


@dataclass
class Run:
    """What one `fit` has been asked for, and where in it the training is."""

    loader: Any = None
    validation: Any = None
    validate_every: int = 1
    clip_grad_norm: float | None = None
    clip_grad_value: float | None = None
    accumulate: int = 1
    callbacks: list[Callback] = field(default_factory=list)
    checkpoint: Path | None = None
    checkpoint_every: int | None = None
    batches_per_epoch: int | None = None
    first_epoch: int = 0
    last_epoch: int = 0
    # Batches of the present epoch that are done, and all random states when it began.
    batch: int = 0
    order: dict[str, Any] | None = None

    def saves_now(self) -> bool:
        """Whether a checkpoint is due after the present batch, within the epoch."""
        every = self.checkpoint_every
        return every is not None and self.batch % every == 0

    @property
    def validates(self) -> bool:
        """Whether there is validation data."""
        return self.validation is not None

    def batches(self) -> Iterator[Any]:
        """The batches of an epoch that are still to do, in the order that they always had."""
        done = self.batch
        if done:
            # Draw the epoch's order again, pass over what was done, and be random as one was then.
            now = random_state(self.loader)
            set_random_state(self.order or now, self.loader)
        else:
            self.order = random_state(self.loader)
        batches = iter(self.loader)
        for _ in range(done):
            if next(batches, self) is self:
                raise ValueError(
                    f"the checkpoint was saved after {done} batches of an epoch, and the data has "
                    "fewer: give the same data and batch_size"
                )
        if done:
            set_random_state(now, self.loader)
        for batch in batches:
            self.batch += 1
            yield batch
        if not self.batch:
            raise ValueError(NO_BATCH)
