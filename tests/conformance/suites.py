"""The three suites, and the list of what is known to fail."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance import databases, layouts, modules, operators, optimizers
from tests.conformance.agreement import Score

KNOWN = Path(__file__).with_name("known_failures.txt")


@dataclass(frozen=True)
class Suite:
    """Entries of one of torch's databases, and what is asked about each."""

    subjects: dict[str, Any]
    put: Callable[[Any, int], Score]
    group: Callable[[Any], str]

    def ask(self, name: str, count: int) -> Score:
        """Put up to count samples of a subject; what either library warns of is not compared."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self.put(self.subjects[name], count)


SUITES = {
    "operators": Suite(databases.operators(), operators.ask, databases.namespace),
    "layouts": Suite(databases.operators(), layouts.ask, databases.namespace),
    "modules": Suite(databases.modules(), modules.ask, lambda info: "nn"),
    "optimizers": Suite(databases.optimizers(), optimizers.ask, lambda info: "optim"),
}


def known_failures() -> dict[tuple[str, str], list[str]]:
    """{(suite, name): kinds of question} as the list has them."""
    known = {}
    for line in KNOWN.read_text().splitlines():
        if line and not line.startswith("#"):
            subject, _, kinds = line.partition(": ")
            suite, _, name = subject.partition(" ")
            known[suite, name] = kinds.split(", ")
    return known
