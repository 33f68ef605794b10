"""Whether torch's NNPACK is there: it is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rushlight.absent import no as is_available
from rushlight.backends.switches import exchanged

__all__ = ["flags", "is_available", "set_flags"]

_on = True


def set_flags(_enabled: bool) -> tuple[Any, ...]:
    """Keep the switch, and return what it was."""
    return exchanged(__name__, ("_on",), (_enabled,))


@contextmanager
def flags(enabled: bool = False) -> Iterator[None]:
    """The switch as given, in the block."""
    before = set_flags(enabled)
    try:
        yield
    finally:
        set_flags(*before)
