"""Callbacks: what else happens while a Trainer trains."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rushlight import serialization
from rushlight.training import checks

if TYPE_CHECKING:
    from rushlight.training.run import Run
    from rushlight.training.trainer import Trainer

_SMALL_IS_GOOD = ("loss", "mae", "mse", "rmse", "error", "penalty", "perplexity")
_LARGE_IS_GOOD = ("accuracy", "top_", "r2", "auc", "f1", "precision", "recall", "score")


class Callback:
    """Write the hooks you need; the others do nothing. `trainer` has the model, `history`, `epoch`.

    A callback that remembers something writes `state_dict` and `load_state_dict` too, so that a
    resumed run is the same as one that never stopped.

    >>> class Shout(Callback):
    ...     def on_epoch_end(self, trainer, row):
    ...         print("EPOCH", row["epoch"], "DONE")
    """

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Before the first epoch of a fit."""

    def on_epoch_begin(self, trainer: Trainer) -> None:
        """Before the first batch of an epoch."""

    def on_batch_begin(self, trainer: Trainer, batch: Any) -> None:
        """Before a batch is trained on."""

    def on_batch_end(self, trainer: Trainer, logs: Mapping[str, float]) -> None:
        """After a batch; logs has its loss and what else training_step returned."""

    def on_epoch_end(self, trainer: Trainer, row: Mapping[str, Any]) -> None:
        """After an epoch and its validation; row is the history's new one."""

    def on_fit_end(self, trainer: Trainer) -> None:
        """After the last epoch."""

    def check(self, trainer: Trainer, run: Run, names: Sequence[str]) -> None:
        """Before any work: raise if this cannot be; names are those of what will be measured."""

    def close(self) -> None:
        """When a fit is over, also if an error has ended it."""

    def state_dict(self) -> dict[str, Any]:
        """What has to be in a checkpoint: plain values and tensors."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` gave."""


class _Watch(Callback):
    """Follows one quantity of the history and knows its best value."""

    def __init__(self, monitor: str | None, mode: str, min_delta: float) -> None:
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"mode must be 'auto', 'min' or 'max', got {mode!r}")
        checks.number("min_delta", min_delta, 0)
        if not isinstance(monitor, str | None):
            raise TypeError(f"monitor must be a name of the history, got {monitor!r}")
        self.monitor, self.mode, self.min_delta = monitor, mode, min_delta
        self.best: float | None = None
        self.best_epoch = 0

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Begin to watch."""
        self.best, self.best_epoch = None, 0

    def check(self, trainer: Trainer, run: Run, names: Sequence[str]) -> None:
        """Raise if what is watched is never measured, or is neither good nor bad when large."""
        monitor = self._watched(run)
        if monitor not in names:
            raise ValueError(self._unmeasured(monitor, names))
        self._small(monitor)

    def _watched(self, run: Run) -> str:
        return self.monitor or ("val_loss" if run.validates else "loss")

    def _unmeasured(self, monitor: str, names: Iterable[str]) -> str:
        return (
            f"{type(self).__name__} watches {monitor!r}, which is not measured; there is "
            f"{', '.join(map(repr, names))}"
        )

    def improved(self, trainer: Trainer, row: Mapping[str, Any]) -> bool | None:
        """Whether this epoch is the best so far; None if the quantity was not measured in it."""
        monitor = self._watched(trainer.run)
        if monitor not in row:
            if monitor.startswith("val_") and not any(key.startswith("val_") for key in row):
                return None
            raise ValueError(self._unmeasured(monitor, row))
        value = float(row[monitor])
        if self.best is not None and not self._better(monitor, value, self.best):
            return False
        if math.isnan(value):
            return False
        self.best, self.best_epoch = value, int(row["epoch"])
        return True

    def _better(self, monitor: str, value: float, best: float) -> bool:
        return (
            value < best - self.min_delta if self._small(monitor) else value > best + self.min_delta
        )

    def _small(self, monitor: str) -> bool:
        if self.mode != "auto":
            return self.mode == "min"
        small = any(word in monitor for word in _SMALL_IS_GOOD)
        large = any(word in monitor for word in _LARGE_IS_GOOD)
        if small == large:
            raise ValueError(f"is a large {monitor!r} good? Say so with mode='min' or mode='max'")
        return small

    def state_dict(self) -> dict[str, Any]:
        """The best value and its epoch."""
        return {"best": self.best, "best_epoch": self.best_epoch}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back the best value and its epoch."""
        self.best, self.best_epoch = state["best"], state["best_epoch"]


class EarlyStopping(_Watch):
    """Stops when a quantity has not become better for `patience` measurements in a row.

    monitor: a name of the history; the validation loss where there is one, else the loss. Better is
    lower for losses and higher for accuracies; mode says so for others. min_delta: by how much. At
    the end the model gets the best epoch's weights back, unless restore_best=False.
    """

    def __init__(
        self,
        patience: int = 5,
        monitor: str | None = None,
        min_delta: float = 0.0,
        mode: str = "auto",
        restore_best: bool = True,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience, self.restore_best = checks.whole("patience", patience, 1), restore_best
        self.waited = 0
        self._weights: dict[str, Any] | None = None

    @classmethod
    def of(cls, given: Any) -> EarlyStopping:
        """What `fit(early_stopping=...)` means: one of these, or how many epochs to wait."""
        if isinstance(given, EarlyStopping):
            return given
        if isinstance(given, bool | type) or not hasattr(given, "__index__"):
            raise TypeError(
                "early_stopping is the number of epochs to wait for a better one, or an "
                f"EarlyStopping(...), got {given!r}: write early_stopping=5"
            )
        return cls(given)

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Begin to watch."""
        super().on_fit_begin(trainer)
        self.waited, self._weights = 0, None

    def on_epoch_end(self, trainer: Trainer, row: Mapping[str, Any]) -> None:
        """Look whether this epoch is the best, and stop if that is long ago."""
        improved = self.improved(trainer, row)
        if improved:
            self.waited = 0
            if self.restore_best:
                self._weights = copy.deepcopy(trainer.model.state_dict())
        elif improved is False:
            self.waited += 1
            trainer.stop = trainer.stop or self.waited >= self.patience

    def on_fit_end(self, trainer: Trainer) -> None:
        """Give the model its best weights back."""
        if self._weights is not None:
            trainer.model.load_state_dict(self._weights)

    def state_dict(self) -> dict[str, Any]:
        """The best value, its epoch and weights, and how long that is ago."""
        return {**super().state_dict(), "waited": self.waited, "weights": self._weights}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` gave."""
        super().load_state_dict(state)
        self.waited, self._weights = state["waited"], state["weights"]


class SaveBest(_Watch):
    """Saves the model's state_dict whenever a quantity is better than ever before.

    The file is replaced in one step, so that there is always a whole one; torch loads it too.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        monitor: str | None = None,
        min_delta: float = 0.0,
        mode: str = "auto",
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        if not isinstance(path, str | os.PathLike):
            raise TypeError(f"SaveBest needs the path of a file, got {path!r}")
        self.path = path

    def check(self, trainer: Trainer, run: Run, names: Sequence[str]) -> None:
        """Raise if nothing can be written there, or what is watched is never measured."""
        super().check(trainer, run, names)
        checks.file("SaveBest", self.path)

    def on_epoch_end(self, trainer: Trainer, row: Mapping[str, Any]) -> None:
        """Save if this epoch is the best."""
        if self.improved(trainer, row):
            serialization.save(trainer.model.state_dict(), self.path)
