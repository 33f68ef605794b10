"""Functions and methods that have no hooks of their own, wrapped while a watch lasts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Wrappers:
    """Puts wrappers around attributes, and takes them off again."""

    def __init__(self) -> None:
        self._before: list[tuple[Any, str, Any]] = []

    def wrap(self, owner: Any, name: str, around: Callable[[Any], Any]) -> None:
        """owner.name becomes around(owner.name)."""
        plain = vars(owner)[name]
        self._before.append((owner, name, plain))
        setattr(owner, name, around(plain))

    def undo(self) -> None:
        """All is as it was."""
        while self._before:
            setattr(*self._before.pop())
