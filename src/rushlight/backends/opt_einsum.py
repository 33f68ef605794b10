"""Whether the package opt_einsum chooses the order of products: `torch.einsum` goes from left to right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rushlight.absent import no as is_available
from rushlight.absent import nothing as get_opt_einsum
from rushlight.backends.switches import exchanged

__all__ = ["enabled", "flags", "get_opt_einsum", "is_available", "set_flags", "strategy"]

enabled = False
strategy: str | None = None


def set_flags(_enabled: bool | None = None, _strategy: str | None = None) -> tuple[Any, ...]:
    """Set what is given, and return what was."""
    return exchanged(__name__, ("enabled", "strategy"), (_enabled, _strategy))


@contextmanager
def flags(enabled: bool | None = None, strategy: str | None = None) -> Iterator[None]:
    """The switches as given, in the block."""
    before = set_flags(enabled, strategy)
    try:
        yield
    finally:
        set_flags(*before)
