"""The section on random programs in docs/conformance.md: the last long run, and what is known."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path

from tests.fuzz.known import KNOWN
from tests.fuzz.workers import Report

FILE = Path(__file__).with_name("figure.json")
PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
TITLE = "## Random programs"


def record(report: Report, seed: int) -> None:
    """Keep the figures of a run, and bring the page up to date."""
    figures = {
        "programs": report.programs,
        "lines": report.lines,
        "refused": report.refused,
        "first seed": seed,
        "differing": sum(kind.count for kind in report.kinds.values()),
        "explained": sum(report.explained.values()),
    }
    FILE.write_text(json.dumps(figures, indent=2) + "\n")
    text = PAGE.read_text()
    PAGE.write_text(re.sub(rf"{TITLE}.*?(?=^## )", section() + "\n", text, flags=re.S | re.M))


def section() -> str:
    """The section in Markdown."""
    figures = json.loads(FILE.read_text())
    first, programs = figures["first seed"], figures["programs"]
    text = (
        "Programs of 5 to 40 random lines (views, writes, hooks, backward, modules, "
        "optimizers; a few lines are meant to be refused) run under torch and rushlight side by side. After every "
        "line, values, dtypes, shapes, strides, shared memory, versions, gradients and the types of "
        "errors are compared, and that a refused line has changed nothing."
    )
    result = (
        f"**{programs:,} programs, {figures['lines']:,} lines ({figures['refused']:,} of them refused "
        f"by both): {figures['differing']:,} programs differ** in a way that is not listed below, "
        f"{figures['explained']:,} in one that is."
    )
    command = f"    python -m tests.fuzz --seed {first} --programs {programs} --jobs 2"
    known = [textwrap.fill(f"- {entry.reason}", 100, subsequent_indent="  ") for entry in KNOWN]
    parts = [TITLE, textwrap.fill(text, 100), textwrap.fill(result, 100), "To repeat it:", command]
    if known:
        parts += ["Known differences, after which a program ends:", "\n".join(dict.fromkeys(known))]
    return "\n\n".join(parts) + "\n"
