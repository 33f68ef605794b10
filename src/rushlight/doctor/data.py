"""What the data is: labels that belong to other samples each time, tests normalised by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.doctor.findings import ERROR, WARNING, Finding
from rushlight.doctor.places import Place

if TYPE_CHECKING:
    from rushlight.doctor.judging import Pass, Whose
    from rushlight.doctor.watching import Doctor

_MOST = 200_000


class Labels:
    """The labels of samples at one loss: which one each had last, and whether it has it again."""

    def __init__(self) -> None:
        self.last: dict[int, int] = {}
        self.pairs: list[tuple[int, int]] = []

    def add(self, rows: list[int], labels: list[int]) -> None:
        """A batch that was trained on."""
        for row, label in zip(rows, labels, strict=True):
            if row in self.last:
                self.pairs.append((self.last[row], label))
            self.last[row] = label

    def agreement(self) -> tuple[float, float]:
        """How often a sample had the label of the time before; how often chance alone would give it."""
        old, new = np.array(self.pairs).T
        classes = np.unique(self.pairs)
        chance = sum(float(np.mean(old == c) * np.mean(new == c)) for c in classes)
        return float(np.mean(old == new)), chance


class Round:
    """The rows that a model was tested on between two steps of its training, summed up by column."""

    def __init__(self, width: int) -> None:
        self.count, self.unseen = 0, 0
        self.sums, self.squares = np.zeros(width), np.zeros(width)
        self.kinds = 0

    def add(self, columns: Any, unseen: int) -> None:
        """A batch, as samples by columns."""
        self.count += len(columns)
        self.unseen += unseen
        self.sums += columns.sum(0)
        self.squares += (columns * columns).sum(0)
        if self.kinds < 3:
            self.kinds = max(self.kinds, min(len(np.unique(c)) for c in columns[:256].T))

    def normalised(self) -> bool:
        """Whether mean and deviation of every column are 0 and 1, closer than they are by chance."""
        if self.count < 10 or self.kinds < 3 or self.unseen < 0.9 * self.count:
            return False
        mean = self.sums / self.count
        spread = self.squares - self.count * mean * mean
        close = min(1e-4, 1e-3 / self.count**0.5)
        near = [np.abs(spread / by - 1).max() < 10 * close for by in (self.count, self.count - 1)]
        return bool(np.abs(mean).max() < close and any(near))


class Data:
    """Collects what comes in."""

    def __init__(self, doctor: Doctor) -> None:
        self.doctor = doctor
        self.labels: dict[Place, Labels] = {}
        self.rounds: dict[Place, tuple[int, Round]] = {}
        self.own: dict[Place, Round] = {}
        self.kept = 0

    def trained(self, place: Place, one: Pass, labels: Any) -> None:
        """A batch that was trained on, with a class for each sample."""
        if one.real and len(one.rows) == len(labels) and self.kept < _MOST:
            self.kept += len(labels)
            self.labels.setdefault(place, Labels()).add(one.rows, labels.tolist())

    def tested(self, one: Pass, whose: Whose, data: Any) -> None:
        """A batch that a model is tested on."""
        if not one.real or not one.rows or data.ndim not in (2, 4):
            return
        columns = np.asarray(data, dtype=np.float64)
        if data.ndim == 4:
            columns = np.moveaxis(columns, 1, 3).reshape(-1, data.shape[1])
        at, found = self.rounds.get(one.place, (-1, None))
        if found is None or at != whose.in_training or len(found.sums) != columns.shape[1]:
            self._end(one.place)
            found = Round(columns.shape[1])
            self.rounds[one.place] = whose.in_training, found
        unseen = sum(row not in whose.rows for row in one.rows)
        found.add(columns, unseen * (len(columns) // len(data)))

    def _end(self, place: Place) -> None:
        _, found = self.rounds.pop(place, (0, None))
        if found is not None and found.normalised():
            self.own[place] = found

    def conclude(self) -> None:
        """Say what was found."""
        for place in list(self.rounds):
            self._end(place)
        for place, found in self.own.items():
            self.doctor.find(Finding(
                "test-statistics", WARNING, "the test data is normalised by its own mean and deviation", place,
                f"Over all {found.count} rows that went in here, each of {len(found.sums)} columns has mean 0 and "
                "deviation 1, closer than chance makes them: they were taken from the test data itself. A new sample "
                "cannot be treated so, and train and test are moved apart.",
                "Take mean and deviation of the training data once, and use the same two for both (a scaler's "
                "fit_transform for training data, transform for test data).",
            ))  # fmt: skip
        for place, seen in self.labels.items():
            if len(seen.pairs) < 100 or len(seen.last) < 64:
                continue
            same, chance = seen.agreement()
            # Where there is one class alone, as of a discriminator's real samples, nothing can be told apart.
            if chance < 0.95 and same <= chance + 0.15 * (1 - chance):
                self.doctor.find(Finding(
                    "labels-move", ERROR, "samples and labels are shuffled apart", place,
                    f"{len(seen.pairs)} times a sample came again: in {same:.0%} of them it had the label that it had "
                    f"had before, no more than by chance ({chance:.0%}). There is nothing to be learned of such pairs.",
                    "Shuffle both by one permutation: i = torch.randperm(len(x)); x, y = x[i], y[i]; or give both to "
                    "a TensorDataset, and shuffle in the DataLoader.",
                ))  # fmt: skip
