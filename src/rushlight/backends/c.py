"""C for heavy operations that come again and again in eager programs: see `rushlight/heavy.py`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from rushlight.heavy import switch


def is_available() -> bool:
    """Whether there is a C compiler."""
    from rushlight.compiler.build import NoCompiler, compiler

    try:
        return bool(compiler())
    except NoCompiler:
        return False


@contextmanager
def flags(enabled: bool = False) -> Iterator[None]:
    """A block in which C is taken, or not.

    >>> import rushlight as torch
    >>> with torch.backends.c.flags(enabled=False):
    ...     torch.backends.c.enabled
    False
    """
    before = switch.enabled
    switch.enabled = enabled
    try:
        yield
    finally:
        switch.enabled = before


class _Module(ModuleType):
    """A module whose `enabled` can be set."""

    @property
    def enabled(self) -> bool:
        """Whether C is taken."""
        return switch.enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        switch.enabled = bool(value)


sys.modules[__name__].__class__ = _Module
