"""What was found, and how it is shown."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TextIO

from rushlight.doctor.places import Place

ERROR, WARNING = "error", "warning"
# As many columns as are read with ease.
_WIDE = 96
# What else is seen where something is the matter, and need not be said again.
_FOLLOWS = {
    "nan": {
        "loss-spike",
        "rate-high",
        "constant-output",
        "exploding",
        "dead-relu",
        "not-improving",
    },
    "diverged": {"loss-spike", "rate-high", "constant-output", "exploding", "dead-relu", "nan"},
    "rate-high": {"loss-spike", "dead-relu", "constant-output", "exploding"},
    "cut": {"no-gradient", "rate-low", "unused-parameter", "not-optimized"},
    "other-parameters": {"no-gradient", "unused-parameter", "not-optimized", "no-step", "rate-low"},
    "no-backward": {"no-gradient", "unused-parameter", "scheduler-never"},
    "zeroed-before-step": {"no-gradient", "rate-low", "zero-gradient"},
    "symmetric": {"constant-output", "dead-relu", "rate-low", "rate-high", "vanishing"},
    "softmax-of-one": {"constant-output", "rate-low", "saturated"},
    "exploding": {"rate-low", "rate-high"},
    "targets-large": {"rate-low", "rate-high", "exploding"},
    "scaled-gradients": {"rate-low", "rate-high", "exploding"},
    "zero-gradient": {"rate-low", "constant-output"},
    "update-lost": {"rate-low"},
    "loss-kept": {"loss-summed"},
    "layer-anew": {"not-optimized"},
    "inputs-small": {"rate-low", "constant-output"},
    "dead-relu": {"constant-output", "rate-low", "vanishing", "one-class"},
    "saturated": {"vanishing", "rate-low"},
    "vanishing": {"rate-low", "constant-output"},
    "weights-vanish": {"constant-output", "dead-relu", "vanishing", "rate-low", "rate-high"},
    "log-twice": {"nan", "diverged"},
    "schedule-fast": {"rate-low"},
    "scheduler-never": {"rate-low"},
    "same-layer": {"not-optimized"},
    "plateau-mode": {"rate-low", "schedule-fast"},
    "index-out-of-range": {"labels-out-of-range"},
    "broadcast": {"rate-low", "rate-high", "constant-output"},
    "not-shuffled": {"one-class", "loss-spike"},
    "inputs-large": {"saturated", "dead-relu", "constant-output"},
}


@dataclass(frozen=True)
class Finding:
    """One thing that is the matter: its kind, in words what it is, where, why, and what to try.

    severity: "error" for what is certainly wrong, "warning" for what very probably is. why has the
    numbers that were seen. also: other lines that have to do with it.
    """

    kind: str
    severity: str
    what: str
    place: Place | None
    why: str
    advice: str
    also: tuple[tuple[str, Place], ...] = ()

    def lines(self, width: int = _WIDE, colour: bool = False) -> list[str]:
        """The finding as a block of text."""
        tint = {ERROR: "1;31", WARNING: "1;33"}[self.severity]
        paint = _painted if colour else _plain

        def said(label: str, text: str) -> list[str]:
            wrapped = textwrap.wrap(text, width - 9) or [""]
            head = paint(f"{label:>6}", "2")
            return [f"{head}  {wrapped[0]}", *(f"        {line}" for line in wrapped[1:])]

        mark = {ERROR: "✗", WARNING: "!"}[self.severity]
        head, *rest = textwrap.wrap(self.what, width - 9)
        lines = [f"{paint(f'{mark} {self.severity:<7}', tint)} {paint(head, '1')}"]
        lines += [f"          {paint(line, '1')}" for line in rest]
        for label, place in [("at", self.place), *self.also]:
            if place is not None:
                lines += [f"{paint(f'{label:>6}', '2')}  {paint(str(place), '36')}"]
                if place.source:
                    lines += [f"        {paint('│', '2')} {place.source[: width - 10]}"]
        return [*lines, *said("why", self.why), *said("try", self.advice)]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def _plain(text: str, code: str) -> str:
    return text


def _painted(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m"


class Report:
    """The findings about a run, the certain ones first; they are complete when the watch has ended.

    It is a sequence of `Finding`; `str` and `show` give it as text, and it is true if there is any.
    """

    def __init__(self) -> None:
        self._all: dict[Any, Finding] = {}
        # What went wrong in the doctor's own head: never the program's fault.
        self.failures: list[str] = []
        # Backwards and steps that were watched.
        self.backwards = self.steps = 0

    def add(self, finding: Finding) -> None:
        """Take in a finding, once for each kind and line."""
        self._all.setdefault((finding.kind, finding.place), finding)

    @property
    def findings(self) -> list[Finding]:
        """What there is to say, without what only follows from something else."""
        kinds = {finding.kind for finding in self._all.values()}
        followers: set[str] = set().union(*(_FOLLOWS.get(kind, ()) for kind in kinds))
        told = [finding for finding in self._all.values() if finding.kind not in followers]
        return sorted(told, key=lambda finding: finding.severity != ERROR)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __getitem__(self, number: int) -> Finding:
        return self.findings[number]

    def text(self, width: int = _WIDE, colour: bool = False) -> str:
        """All of it, a block for each finding."""
        seen = f"{_count(self.backwards, 'backward')} and {_count(self.steps, 'step')} watched"
        found = self.findings
        if not found and not self.backwards:
            return "rushlight doctor: no backward ran, so that there was no training to look at"
        if not found:
            return f"rushlight doctor: nothing found ({seen})"
        errors = sum(finding.severity == ERROR for finding in found)
        kinds = [(errors, "error"), (len(found) - errors, "warning")]
        counts = " and ".join(_count(n, word) for n, word in kinds if n)
        blocks = ["\n".join(finding.lines(width, colour)) for finding in found]
        return "\n\n".join([f"rushlight doctor: {counts} ({seen})", *blocks])

    def __str__(self) -> str:
        return self.text()

    def show(self, stream: TextIO | None = None) -> None:
        """Print it, in colours where a terminal shows them."""
        stream = sys.stderr if stream is None else stream
        colour = stream.isatty() and "NO_COLOR" not in os.environ
        width = max(40, min(_WIDE, shutil.get_terminal_size((_WIDE, 24)).columns))
        text = self.text(width, colour)
        try:
            print(text, file=stream)
        except UnicodeEncodeError:
            print(text.encode("ascii", "replace").decode(), file=stream)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
