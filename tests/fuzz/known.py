"""Differences that are meant to be there, each with its reason. Few, and none of them a fault."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.fuzz.lockstep import Difference


@dataclass(frozen=True)
class Known:
    """A difference in `aspect` after a line that `pattern` finds, and why it may be there."""

    aspect: str
    pattern: str
    reason: str

    def covers(self, difference: Difference) -> bool:
        """Whether a difference is of this kind."""
        return difference.aspect == self.aspect and bool(re.search(self.pattern, difference.line))


KNOWN: tuple[Known, ...] = ()


def known(difference: Difference) -> Known | None:
    """The entry that explains a difference."""
    return next((entry for entry in KNOWN if entry.covers(difference)), None)
