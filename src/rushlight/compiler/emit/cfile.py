"""A program as a file of C."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rushlight.compiler.emit.calls import Call
    from rushlight.compiler.graph import Guard
    from rushlight.compiler.recording.entries import Entry


@dataclass
class CFile:
    """The text, and what Python must know to run it."""

    text: str
    # The same in two parts that can be compiled at the same time: kernels, and what calls them.
    parts: tuple[str, str] | None
    # What is called in order: the name of a function of C, or an entry that Python runs.
    order: list[str | Entry]
    # Memory that the C finds in the table of pointers.
    used: set[int]
    # When each of these is used first and last, counted in calls.
    lives: dict[int, tuple[int, int]]
    # The elements of those that need less than their size.
    near: dict[int, int]
    # What stopped the program, by the number that C returns.
    stops: list[Guard] = field(default_factory=list)
    # What is called, by the number under which it is measured.
    measured: list[Call] = field(default_factory=list)
