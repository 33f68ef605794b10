"""What is returned for a hook of any kind, of tensors, nodes, modules and optimizers: it takes it away again."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

_next_id = itertools.count().__next__
_id_only = object()


class RemovableHandle:
    """Returned when a hook is registered; `remove()` takes the hook away. Also a context manager.

    >>> hooks = {}
    >>> handle = RemovableHandle(hooks, print)
    >>> handle.remove(); hooks
    {}
    """

    # Where torch has it.
    __module__ = "rushlight.utils.hooks"

    def __init__(
        self,
        hooks: Any,
        hook: Any = _id_only,
        first: bool = False,
        *,
        extra_dict: Any = (),
    ) -> None:
        # Whoever gives no hook puts it under `id` himself, and what belongs to it into the extra ones.
        self.hooks = hooks
        self.id = _next_id()
        self.extra = tuple(extra_dict) if isinstance(extra_dict, tuple | list) else (extra_dict,)
        if hook is _id_only:
            return
        rest = dict(hooks) if first else {}
        if first:
            hooks.clear()
        hooks[self.id] = hook
        hooks.update(rest)

    def remove(self) -> None:
        """Take the hook away; doing it twice is fine."""
        for hooks in (self.hooks, *self.extra):
            hooks.pop(self.id, None)

    def hooks_dict_ref(self) -> Any:
        """The hooks among which this one is."""
        return self.hooks

    @property
    def extra_dict_ref(self) -> tuple[Callable[[], Any], ...]:
        """What gives the dictionaries in which something belongs to the hook."""
        return tuple(lambda extra=extra: extra for extra in self.extra)

    def __getstate__(self) -> tuple[Any, ...]:
        return (self.hooks, self.id, self.extra) if self.extra else (self.hooks, self.id)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        global _next_id
        self.hooks, self.id, self.extra = (*state, ())[:3]
        # Later ones must not take its place.
        _next_id = itertools.count(max(self.id + 1, _next_id())).__next__

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.remove()
