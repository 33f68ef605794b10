"""How far a training has come: a bar through rich, or a line of text for each epoch."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rushlight.errors import MissingExtraError, require
from rushlight.training.callbacks import Callback

if TYPE_CHECKING:
    from rushlight.training.trainer import Trainer

# A bar that is drawn more often than this costs more time than it shows.
_INTERVAL = 0.1

_said = False


def progress_for(wish: bool | str) -> list[Callback]:
    """The callback that shows progress: True for a bar where one can be drawn, "bar" or "lines"."""
    if wish is False:
        return []
    if wish not in (True, "bar", "lines"):
        raise ValueError(f"progress is True, False, 'bar' or 'lines', not {wish!r}")
    if wish == "lines" or (wish is True and not sys.stdout.isatty()):
        return [Lines()]
    try:
        require("rich", extra="demo")
    except MissingExtraError as error:
        global _said
        if not _said:
            print(f"progress: one line for each epoch; for a bar, {error}")
            _said = True
        return [Lines()]
    return [Bar()]


def shown(values: Mapping[str, Any]) -> str:
    """Names and values in a line: `loss 0.1234  accuracy 0.97`."""
    return "  ".join(f"{name} {value:.4g}" for name, value in values.items() if name != "epoch")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Lines(Callback):
    """A line of text when an epoch ends."""

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Start the clock."""
        self._start, self._first = time.monotonic(), trainer.epoch

    def on_epoch_end(self, trainer: Trainer, row: Mapping[str, Any]) -> None:
        """Print the line."""
        seconds = time.monotonic() - self._start
        left = (trainer.run.last_epoch - trainer.epoch) * seconds / (trainer.epoch - self._first)
        print(
            f"epoch {trainer.epoch}/{trainer.run.last_epoch}  {shown(row)}  "
            f"{_clock(seconds)} passed, {_clock(left)} left",
            flush=True,
        )


class Bar(Callback):
    """A bar over all batches of a fit, with the running means and the time left."""

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Draw the bar."""
        rich: Any = importlib.import_module("rich.progress")
        self._bar = rich.Progress(
            rich.TextColumn("epoch {task.fields[epoch]}/{task.fields[last]}"),
            rich.BarColumn(),
            rich.MofNCompleteColumn(),
            rich.TimeRemainingColumn(),
            rich.TextColumn("{task.fields[shown]}"),
            auto_refresh=False,
        )
        run = trainer.run
        batches = run.batches_per_epoch
        self._task = self._bar.add_task(
            "training",
            total=None if batches is None else batches * (run.last_epoch - trainer.epoch),
            completed=run.batch,
            epoch=trainer.epoch + 1,
            last=run.last_epoch,
            shown="",
        )
        self._drawn = 0.0
        self._bar.start()

    def on_batch_end(self, trainer: Trainer, logs: Mapping[str, float]) -> None:
        """Move the bar."""
        now = time.monotonic()
        draw = now - self._drawn >= _INTERVAL
        fields = {"shown": shown(trainer.running())} if draw else {}
        self._bar.update(self._task, advance=1, epoch=trainer.epoch + 1, **fields)
        if draw:
            self._bar.refresh()
            self._drawn = now

    def on_epoch_end(self, trainer: Trainer, row: Mapping[str, Any]) -> None:
        """Leave a line above the bar."""
        self._bar.console.print(
            f"epoch {trainer.epoch}/{trainer.run.last_epoch}  {shown(row)}", highlight=False
        )
        self._bar.refresh()

    def close(self) -> None:
        """Take the bar down."""
        self._bar.refresh()
        self._bar.stop()
