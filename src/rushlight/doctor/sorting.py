"""Whether training data comes in order: of classes, or of one number."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rushlight.doctor.findings import WARNING, Finding
from rushlight.doctor.places import Place

if TYPE_CHECKING:
    from rushlight.doctor.watching import Doctor

_SHUFFLE = "DataLoader(..., shuffle=True), or a new torch.randperm(n) of the samples in each epoch."
_MOST = 2000


class Span(NamedTuple):
    """The numbers of a batch, one for each sample: lowest, highest, and whether they rise or fall all the way."""

    low: float
    high: float
    steady: bool


def span(array: Any) -> Span | None:
    """That of a batch; None where samples have more than one number."""
    if not 8 <= array.size == len(array) or array.dtype.kind != "f":
        return None
    flat = array.reshape(-1)
    steps = np.diff(flat)
    low, high = float(flat.min()), float(flat.max())
    return Span(low, high, low < high and bool((steps >= 0).all() or (steps <= 0).all()))


class Sorting:
    """Collects what batches hold."""

    def __init__(self, doctor: Doctor) -> None:
        self.doctor = doctor
        self.labels: dict[Place, list[Any]] = {}
        self.spans: dict[tuple[Place, str], list[Span]] = {}

    def number(self, place: Place, what: str, found: Span | None) -> None:
        """Targets, or inputs, of a batch that was trained on."""
        if found is not None:
            seen = self.spans.setdefault((place, what), [])
            if len(seen) < _MOST:
                seen.append(found)

    def conclude(self) -> None:
        """Say what came in order."""
        for place, batches in self.labels.items():
            self._classes(place, batches)
        for (place, what), seen in self.spans.items():
            self._numbers(place, what, seen)

    def _classes(self, place: Place, batches: list[Any]) -> None:
        sized = [b for b in batches if len(b) >= 8]
        if len(sized) < 5 or len(sized) < 0.8 * len(batches):
            return
        every = np.concatenate(sized)
        classes, counts = np.unique(every, return_counts=True)
        if not 2 <= len(classes) <= 1000:
            return
        share = counts / counts.sum()
        size = float(np.mean([len(b) for b in sized]))
        expected = float(np.sum(1 - (1 - share) ** size))
        distinct = float(np.mean([len(np.unique(b)) for b in sized]))
        steps = np.diff(every)
        sorted_within = float(np.mean([bool((np.diff(b) >= 0).all()) for b in sized]))
        if len(classes) == 2 and np.count_nonzero(steps) > len(sized) / 3:
            return
        if expected >= 1.8 and distinct <= 0.6 * expected + 0.2 and sorted_within >= 0.9:
            self.doctor.find(Finding(
                "not-shuffled", WARNING, "the training data is not shuffled: batches are sorted by label",
                place,
                f"{len(classes)} classes were seen, but a batch of {size:.0f} has {distinct:.1f} of them on "
                f"average, where {expected:.1f} would be expected, and their labels come in order: each "
                "class is learned, and forgotten with the next.",
                _SHUFFLE,
            ))  # fmt: skip

    def _numbers(self, place: Place, what: str, seen: list[Span]) -> None:
        """Batches that follow each other along a line."""
        if len(seen) < 5 or len({(s.low, s.high) for s in seen}) < 5:
            return
        pairs = list(pairwise(seen))
        up = float(np.mean([a.high <= b.low for a, b in pairs]))
        down = float(np.mean([b.high <= a.low for a, b in pairs]))
        if max(up, down) >= 0.7 and np.mean([s.steady for s in seen]) >= 0.9:
            self.doctor.find(Finding(
                "not-shuffled", WARNING, f"the training data is not shuffled: it is sorted by the {what}", place,
                f"Within a batch the {what} only {'rise' if up > down else 'fall'}, and each batch begins where the "
                f"one before ended ({seen[0].low:.4g} to {seen[0].high:.4g}, {seen[1].low:.4g} to "
                f"{seen[1].high:.4g}, ...): each part is learned, and forgotten with the next.",
                _SHUFFLE,
            ))  # fmt: skip
