"""What happened in each epoch."""

from __future__ import annotations

from typing import Any


class History(list[dict[str, Any]]):
    """A dict for each epoch: its number, loss, metrics, learning rates; `val_` for validation.

    >>> history = History([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25, "val_loss": 0.5}])
    >>> history.column("loss")
    [0.5, 0.25]
    >>> history.column("val_loss")
    [None, 0.5]
    """

    def column(self, name: str) -> list[Any]:
        """One quantity over the epochs; None where it was not measured."""
        if not any(name in row for row in self):
            known = sorted({key for row in self for key in row})
            raise KeyError(f"the history has no {name!r}; it has {known}")
        return [row.get(name) for row in self]

    def plot(self, *names: str) -> Any:
        """A matplotlib figure of the quantities over the epochs; all of them if none is named.

        It is `rushlight.visual.curves`. `history.plot().savefig("curves.png")` saves it.
        """
        from rushlight.visual.plots import curves

        return curves(self, *names)
