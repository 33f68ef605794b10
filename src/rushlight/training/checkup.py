"""A callback by which the doctor watches a fit."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rushlight.training.callbacks import Callback

if TYPE_CHECKING:
    from rushlight.doctor import Report, watch
    from rushlight.training.trainer import Trainer


class Checkup(Callback):
    """Watches a fit and says in words what is wrong with it: `report` has the findings afterwards.

    show: print them when the fit is over. See `rushlight.doctor`.

    >>> import rushlight as torch
    >>> from rushlight.training import Checkup, Dense, Trainer
    >>> x, y = torch.randn(64, 3), torch.arange(64) % 3
    >>> trainer = Trainer([Dense(3, 8, "relu"), Dense(8, 3, "softmax")], "cross_entropy")
    >>> checkup = Checkup(show=False)
    >>> history = trainer.fit(x, y, epochs=2, callbacks=[checkup], progress=False)
    >>> [finding.kind for finding in checkup.report]
    ['softmax-twice']
    """

    report: Report
    _watch: watch | None

    def __init__(self, *, show: bool = True) -> None:
        self.show = show
        self._watch = None

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Begin to watch."""
        from rushlight.doctor import watch

        self._watch = begun = watch(show=self.show)
        self.report = begun.__enter__()

    def close(self) -> None:
        """The fit is over: conclude."""
        if self._watch is not None:
            ended, self._watch = self._watch, None
            ended.__exit__(*sys.exc_info())
