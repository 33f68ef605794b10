"""What a tracer knows of a program while it traces: no tracer of torch's is ever at work here."""

from __future__ import annotations

from typing import Any

__all__ = ["active_fake_mode", "detect_fake_mode"]


def active_fake_mode() -> None:
    """None: tensors without values are those of the meta device."""


def detect_fake_mode(inputs: Any = None) -> None:
    """None: no tensor among the inputs belongs to a mode."""
