"""What happened in each epoch."""

from __future__ import annotations

from typing import Any

from rushlight.errors import require


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

        Training and validation share a panel. `history.plot().savefig("curves.png")` saves it.
        """
        figures = require("matplotlib.figure", extra="demo")
        shown = names or tuple(
            dict.fromkeys(key.removeprefix("val_") for row in self for key in row if key != "epoch")
        )
        if not shown:
            raise ValueError("the history is empty: there is nothing to plot before an epoch ends")
        figure = figures.Figure(figsize=(4.5 * len(shown), 3.5), layout="constrained")
        for panel, name in zip(
            figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True
        ):
            for key, label in ((name, "training"), (f"val_{name}", "validation")):
                points = [(row["epoch"], row[key]) for row in self if key in row]
                if points:
                    marker = "o" if len(points) == 1 else ""
                    panel.plot(*zip(*points, strict=True), label=label, marker=marker)
            if any(f"val_{name}" in row for row in self):
                panel.legend()
            panel.set(title=name, xlabel="epoch")
            panel.grid(alpha=0.3)
        return figure
