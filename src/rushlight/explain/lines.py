"""How an explanation is laid out: heads, paragraphs, sources."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator

from rushlight.explain.subjects import Subject, source_of

_WIDTH = 96


def section(title: str) -> Iterator[str]:
    """A head."""
    yield ""
    yield f"── {title} " + "─" * max(0, 60 - len(title))


def inset(text: str, by: int = 4) -> Iterator[str]:
    """Lines, moved in."""
    for line in text.splitlines():
        yield (" " * by + line).rstrip()


def wrapped(text: str, by: int = 2) -> Iterator[str]:
    """Paragraphs, in lines of a length that can be read."""
    width = max(40, min(_WIDTH, shutil.get_terminal_size((_WIDTH, 24)).columns))
    for paragraph in text.split("\n\n"):
        yield from inset(textwrap.fill(" ".join(paragraph.split()), width - by), by)


def own_source(what: Subject) -> Iterator[str]:
    """The lines that define it."""
    try:
        file, line, text = source_of(what.value)
    except (OSError, TypeError):
        return
    yield from section(f"source: {file}:{line}")
    lines = text.splitlines()
    yield from inset("\n".join(lines[:40]))
    if len(lines) > 40:
        yield f"    … {len(lines) - 40} lines more"
