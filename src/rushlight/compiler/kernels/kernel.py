"""What a generator of C hands to the emitter."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kernel:
    """One specialised piece of C: static functions for these shapes, strides and types alone."""

    name: str
    """The C function to call; two kernels of one name have one text."""
    source: str
    """The text of that function and of those that it alone calls."""
    fragments: tuple[str, ...] = ()
    """Shared pieces of C that must stand above it: see `fragments.together`."""
    scratch: int = 0
    """Bytes of stack that it uses for what it packs."""
    needs: tuple[Kernel, ...] = ()
    """Kernels that it calls: their text must stand above it, once (`text.together`)."""
