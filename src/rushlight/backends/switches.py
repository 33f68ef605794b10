"""Switches of torch's libraries: settings that are kept, and change nothing here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any


def exchanged(module: str, names: Sequence[str], values: Sequence[Any]) -> tuple[Any, ...]:
    """Set the settings of a module for which a value is given; what all of them were."""
    held = vars(sys.modules[module])
    before = tuple(held[name] for name in names)
    held.update(
        {name: value for name, value in zip(names, values, strict=True) if value is not None}
    )
    return before
