"""What ways of running keep about a module: `fully_shard` makes it a class of its own, and keeps it there."""

from __future__ import annotations

from typing import Any

from rushlight.nn import Module


class _State:
    """What a way of running keeps about a module."""


def _get_module_state(module: Module) -> Any:
    """The module itself if it is such a state; None otherwise."""
    return module if isinstance(module, _State) else None
