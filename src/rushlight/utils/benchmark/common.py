"""What was to be timed, what was measured, and how it is said."""

from __future__ import annotations

import math
import statistics
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from rushlight.threads import get_num_threads, set_num_threads

__all__ = [
    "Measurement", "TaskSpec", "ordered_unique", "select_unit", "set_torch_threads", "trim_sigfig",
    "unit_to_english",
]  # fmt: skip

_UNITS = {
    "ns": ("nanosecond", 1e-9),
    "us": ("microsecond", 1e-6),
    "ms": ("millisecond", 1e-3),
    "s": ("second", 1),
}
# A spread of the middle half, by the median, above which a measurement warns of the machine.
_WARNS = 0.25
_DOUBTS = 0.1
# What no clock tells apart.
_FINEST = 25e-9


@dataclass(init=True, repr=False, eq=True, frozen=True)
class TaskSpec:
    """A statement to be timed, and what it is called.

    >>> TaskSpec("x + 1", "x = 1", label="sum", sub_label="small").title
    'sum: small'
    """

    stmt: str
    setup: str
    global_setup: str = ""
    label: str | None = None
    sub_label: str | None = None
    description: str | None = None
    env: str | None = None
    num_threads: int = 1

    @property
    def title(self) -> str:
        """Its label, or the statement."""
        if self.label is None:
            return (
                self.stmt.replace("\n", "\\n")
                if "\n" not in self.stmt
                else (f"stmt:\n{textwrap.indent(self.stmt, '  ')}")
            )
        return self.label + (f": {self.sub_label}" if self.sub_label else "")

    def setup_str(self) -> str:
        """The line that tells what runs before."""
        if self.setup == "pass" or not self.setup:
            return ""
        several = "\n" in self.setup
        return (
            f"setup:\n{textwrap.indent(self.setup, '  ')}\n" if several else f"setup: {self.setup}"
        )

    def summarize(self) -> str:
        """What heads a measurement."""
        parts = (self.title, self.description or "", self.setup_str())
        return "\n".join(part for part in parts if part)


@dataclass(init=True, repr=False)
class Measurement:
    """Times of a statement, in seconds for so many runs.

    >>> Measurement(10, [1e-4], TaskSpec("x", "y")).median
    1e-05
    """

    number_per_run: int
    raw_times: list[float]
    task_spec: TaskSpec
    metadata: dict[Any, Any] | None = None

    @property
    def times(self) -> list[float]:
        """The time of one run, as often as it was measured."""
        return [time / self.number_per_run for time in self.raw_times]

    @cached_property
    def _sorted(self) -> np.ndarray:
        if not self.raw_times:
            raise ValueError("there is no measurement: raw_times is empty")
        return np.array(sorted(self.times), np.float64)

    @property
    def mean(self) -> float:
        """The mean time."""
        return statistics.fmean(self._sorted.tolist())

    @property
    def median(self) -> float:
        """The median time."""
        return float(np.median(self._sorted))

    @property
    def _quarters(self) -> tuple[float, float]:
        low, high = np.quantile(self._sorted, [0.25, 0.75]).tolist()
        return low, high

    @property
    def iqr(self) -> float:
        """How far the middle half of the times is apart."""
        low, high = self._quarters
        return high - low

    @property
    def significant_figures(self) -> int:
        """How many digits the spread lets one believe: of the interval in which the median lies 19 of 20 times."""
        interval = max(1.645 * self.iqr / math.sqrt(len(self.raw_times)) / 1.349, _FINEST)
        return max(1, min(math.floor(math.log10(self.median / interval)), 4))

    @property
    def has_warnings(self) -> bool:
        """Whether it says that the machine was not quiet."""
        return not self.meets_confidence()

    def meets_confidence(self, threshold: float = _DOUBTS) -> bool:
        """Whether the middle half lies within that part of the median."""
        return self.iqr / self.median < threshold

    @property
    def title(self) -> str:
        """Of its task."""
        return self.task_spec.title

    @property
    def env(self) -> str | None:
        """Where it was measured."""
        return self.task_spec.env

    @property
    def as_row_name(self) -> str:
        """What its row is called in a table."""
        return self.task_spec.sub_label or self.task_spec.stmt or "[Unknown]"

    @property
    def stmt(self) -> str:
        """Of its task."""
        return self.task_spec.stmt

    @property
    def setup(self) -> str:
        """Of its task."""
        return self.task_spec.setup

    @property
    def label(self) -> str | None:
        """Of its task."""
        return self.task_spec.label

    @property
    def sub_label(self) -> str | None:
        """Of its task."""
        return self.task_spec.sub_label

    @property
    def description(self) -> str | None:
        """Of its task."""
        return self.task_spec.description

    @property
    def num_threads(self) -> int:
        """Of its task."""
        return self.task_spec.num_threads

    def __repr__(self) -> str:
        lines = [f"{object.__repr__(self)}", self.task_spec.summarize()]
        unit, scale = select_unit(self.median)
        several = len(self.raw_times) > 1
        lines.append(f"  {'Median: ' if several else ''}{self.median / scale:.2f} {unit}")
        if len(self.raw_times) >= 4:
            low, high = (quarter / scale for quarter in self._quarters)
            lines.append(f"  IQR:    {self.iqr / scale:.2f} {unit} ({low:.2f} to {high:.2f})")
        runs = "runs per measurement" if several else "runs"
        lines.append(
            f"  {len(self.raw_times)} measurement{'s' * several}, {self.number_per_run} {runs}"
            f"{'' if several else ' '}, {self.num_threads} thread{'s' * (self.num_threads > 1)}"
        )
        if several and self.has_warnings:
            strong = self.iqr / self.median > _WARNS
            head = "  WARNING: "
            spread = f"{head}Interquartile range is {self.iqr / self.median * 100:.1f}% of the median measurement."
            told = (
                "This suggests significant environmental influence."
                if strong
                else ("This could indicate system fluctuation.")
            )
            lines += [spread, " " * len(head) + told]
        return "\n".join(lines)

    @staticmethod
    def merge(measurements: Iterable[Measurement]) -> list[Measurement]:
        """One for each task, with the times of all."""
        grouped: dict[TaskSpec, list[Measurement]] = {}
        for measured in measurements:
            grouped.setdefault(measured.task_spec, []).append(measured)
        merged = []
        for task, group in grouped.items():
            merged.append(Measurement(1, [t for m in group for t in m.times], replace(task)))
        return merged


def select_unit(t: float) -> tuple[str, float]:
    """The unit in which so many seconds are a number from 1 to 1000, and its seconds.

    >>> select_unit(3e-5)
    ('us', 1e-06)
    """
    if not t:
        raise ValueError("a time of 0 has no unit")
    name = {-1: "ms", -2: "us", -3: "ns"}.get(int(math.log10(t) // 3), "s")
    return name, _UNITS[name][1]


def unit_to_english(u: str) -> str:
    """The unit as a word."""
    return _UNITS[u][0]


def trim_sigfig(x: float, n: int) -> float:
    """x with n significant figures.

    >>> trim_sigfig(3.25, 1)
    3.0
    """
    magnitude = math.ceil(math.log10(abs(x))) if x else 0
    # In single precision, as torch, so that the same digits come.
    scale = 10.0 ** (magnitude - n)
    return float(np.rint(np.float32(x) / np.float32(scale)) * np.float32(scale))


def ordered_unique(elements: Iterable[Any]) -> list[Any]:
    """Each once, as they first came."""
    return list(dict.fromkeys(elements))


@contextmanager
def set_torch_threads(n: int) -> Iterator[None]:
    """So many threads in the block."""
    before = get_num_threads()
    set_num_threads(n)
    try:
        yield
    finally:
        set_num_threads(before)
