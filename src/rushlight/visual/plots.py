"""Figures of a training: curves, confusion, weights. matplotlib draws them; `figure.savefig(path)` saves one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rushlight.core.tensor import TensorBase
from rushlight.errors import require
from rushlight.nn import Module
from rushlight.visual.facts import values
from rushlight.visual.pixels import picture


def _figure(width: float, height: float) -> Any:
    figures = require("matplotlib.figure", extra="draw")
    return figures.Figure(figsize=(width, height), layout="constrained")


def curves(history: Any, *names: str) -> Any:
    """Quantities over the epochs, all of them if none is named; training and validation share a panel.

    history: a Trainer's, a list of a dict for each epoch, or a dict of lists; `val_` marks validation.

    >>> figure = curves({"loss": [1.0, 0.5], "val_loss": [1.1, 0.7]})
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['training', 'validation']
    """
    columns = _columns(history)
    shown = names or tuple(dict.fromkeys(key.removeprefix("val_") for key in columns))
    if not shown:
        raise ValueError("the history is empty: there is nothing to plot before an epoch ends")
    for name in shown:
        if name not in columns and f"val_{name}" not in columns:
            raise KeyError(f"the history has no {name!r}; it has {sorted(columns)}")
    figure = _figure(4.5 * len(shown), 3.5)
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    for panel, name in zip(panels, shown, strict=True):
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            points = columns.get(key, [])
            if points:
                panel.plot(
                    *zip(*points, strict=True), label=label, marker="o" if len(points) == 1 else ""
                )
        if f"val_{name}" in columns:
            panel.legend()
        panel.set(title=name, xlabel="epoch")
        panel.grid(alpha=0.3)
    return figure


def _columns(history: Any) -> dict[str, list[tuple[float, Any]]]:
    """The points of each quantity: (epoch, value)."""
    columns: dict[str, list[tuple[float, Any]]] = {}
    if isinstance(history, Mapping):
        epochs = history.get("epoch")
        for key, listed in history.items():
            if key != "epoch":
                columns[key] = list(zip(epochs or range(1, len(listed) + 1), listed, strict=True))
        return columns
    for number, row in enumerate(history, 1):
        for key, value in row.items():
            if key != "epoch":
                columns.setdefault(key, []).append((row.get("epoch", number), value))
    return columns


def confusion(
    targets: Any,
    predictions: Any = None,
    *,
    labels: Sequence[str] | None = None,
    normalize: bool = False,
) -> Any:
    """Which class was taken for which: a row for each class, a column for what it was taken for.

    targets: the classes as whole numbers, with predictions the same, or scores (N, classes); or, without
    predictions, the matrix of counts itself. normalize: shares of each row in place of counts.

    >>> figure = confusion([0, 1, 1], [0, 1, 0], labels=["cat", "dog"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['1', '0', '1', '1']
    """
    matrix = _matrix(_array(targets), None if predictions is None else _array(predictions))
    size = len(matrix)
    names = list(map(str, range(size))) if labels is None else list(labels)
    if len(names) != size:
        raise ValueError(f"confusion: {len(names)} labels for {size} classes")
    total = matrix.sum(1, keepdims=True)
    shares = matrix / np.where(total == 0, 1, total)
    figure = _figure(1.5 + 0.5 * max(size, 5), 1.2 + 0.5 * max(size, 5))
    panel = figure.subplots()
    image = panel.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=panel, label="share of the row", shrink=0.8)
    for row in range(size) if size <= 20 else ():
        for column in range(size):
            count = matrix[row, column]
            word = f"{shares[row, column]:.2f}" if normalize else f"{count:g}"
            color = "white" if shares[row, column] > 0.5 else "black"
            panel.text(column, row, word, ha="center", va="center", color=color)
    right = matrix.trace() / max(matrix.sum(), 1)
    panel.set(title=f"{right:.1%} right", xlabel="taken for", ylabel="class")
    panel.set_xticks(range(size), names, rotation=90 if max(map(len, names)) > 3 else 0)
    panel.set_yticks(range(size), names)
    return figure


def _matrix(targets: Any, predictions: Any) -> Any:
    if predictions is None:
        if targets.ndim != 2 or targets.shape[0] != targets.shape[1]:
            raise ValueError(
                f"confusion: expected a square matrix of counts, got shape {list(targets.shape)}: "
                "give predictions, too"
            )
        return targets.astype(np.float64)
    if predictions.ndim == 2:
        predictions, classes = predictions.argmax(1), predictions.shape[1]
    else:
        classes = 1 + int(max(targets.max(initial=0), predictions.max(initial=0)))
    if targets.shape != predictions.shape or targets.ndim != 1:
        raise ValueError(
            f"confusion: targets {list(targets.shape)} and predictions {list(predictions.shape)} do not match: "
            "one class for each example"
        )
    for name, given in (("targets", targets), ("predictions", predictions)):
        if given.dtype.kind not in "iub" or given.min(initial=0) < 0:
            raise ValueError(f"confusion: {name} must be classes from 0 on, got {given.dtype}")
    if targets.max(initial=0) >= classes:
        raise ValueError(
            f"confusion: class {targets.max()} among targets, scores for {classes} classes"
        )
    matrix = np.zeros((classes, classes))
    np.add.at(matrix, (targets.astype(np.int64), predictions.astype(np.int64)), 1)
    return matrix


def weights(what: Any, *, limit: int = 12) -> Any:
    """Pictures of weights: heat maps (of convolutions tiles, one for each kernel), and how they are distributed.

    what: a tensor, a mapping of names to tensors, or a Module, of whose parameters the first `limit` with two
    dimensions or more are shown.

    >>> import rushlight as torch
    >>> len(weights(torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(3, 2))).axes)
    4
    """
    named: dict[str, Any]
    if isinstance(what, Module):
        named = {name: p for name, p in what.named_parameters() if p.dim() > 1}
    elif isinstance(what, Mapping):
        named = dict(what)
    elif isinstance(what, TensorBase):
        named = {"": what}
    else:
        raise TypeError(
            f"weights: expected a tensor, a mapping or a Module, got {type(what).__name__}"
        )
    named = dict(list(named.items())[:limit])
    if not named:
        raise ValueError("weights: there are no parameters with two dimensions or more")
    across = min(len(named), 4)
    down = math.ceil(len(named) / across)
    figure = _figure(3.2 * across, 4 * down)
    panels = figure.subplots(2 * down, across, squeeze=False, height_ratios=[3, 1] * down)
    for panel in panels.flat:
        panel.set_axis_off()
    for place, (name, tensor) in enumerate(named.items()):
        array = values(tensor)
        above, below = panels[2 * (place // across) : 2 * (place // across) + 2, place % across]
        above.imshow(picture(array), interpolation="nearest")
        above.set_title(f"{name} {list(array.shape)}".strip(), fontsize=9)
        finite = array[np.isfinite(array)]
        below.set_axis_on()
        below.hist(finite.ravel(), bins=40, color="#7398c4")
        below.set_yticks([])
        below.tick_params(labelsize=8)
    for panel in [p for p in panels.flat if not p.axison and not p.images]:
        panel.remove()
    return figure


def _array(given: Any) -> Any:
    return values(given) if isinstance(given, TensorBase) else np.asarray(given)
