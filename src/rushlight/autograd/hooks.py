"""Handles that take a hook away again."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

_next_id = itertools.count().__next__


class Handle:
    """Returned when a hook is registered; `remove()` takes the hook away. Also a context manager.

    >>> hooks = {}
    >>> handle = Handle(hooks, print)
    >>> handle.remove(); hooks
    {}
    """

    def __init__(
        self, hooks: dict[int, Any], hook: Callable[..., Any], first: bool = False
    ) -> None:
        self.hooks = hooks
        self.id = _next_id()
        rest = dict(hooks) if first else {}
        if first:
            hooks.clear()
        hooks[self.id] = hook
        hooks.update(rest)

    def remove(self) -> None:
        """Take the hook away; doing it twice is fine."""
        self.hooks.pop(self.id, None)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.remove()


RemovableHandle = Handle
