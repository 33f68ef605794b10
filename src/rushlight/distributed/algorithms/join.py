"""Processes that have different amounts of data: who has none left does what the others wait for."""

from __future__ import annotations

from typing import Any

from rushlight.distributed.groups import _resolve
from rushlight.distributed.reducing import Work
from rushlight.errors import warn


class JoinHook:
    """What a process does for those that still work."""

    def main_hook(self) -> None:
        """Do what the others do in a step."""

    def post_hook(self, is_last_joiner: bool) -> None:
        """Do what is to be done when all are ready."""


class Joinable:
    """What can wait for others."""

    def join_hook(self, **kwargs: Any) -> JoinHook:
        """What to do for those that still work."""
        return JoinHook()


class Join:
    """The block in which processes wait for others."""

    _open: Any = None
    _TELL_AFTER = 1000

    def __init__(
        self,
        joinables: list[Any],
        enable: bool = True,
        throw_on_early_termination: bool = False,
        **kwargs: Any,
    ) -> None:
        if not joinables:
            raise ValueError("The join context manager requires at least one joinable")
        self._joinables, self._enable = joinables, enable
        self._throw = throw_on_early_termination
        self._hooks = [joinable.join_hook(**kwargs) for joinable in joinables] if enable else []
        self._group = _resolve(getattr(joinables[0], "join_process_group", None))

    def __enter__(self) -> None:
        Join._open = self if self._enable else None

    def __exit__(self, kind: Any, *exception: Any) -> None:
        Join._open = None
        if not self._enable or kind is not None:
            return
        last, rounds = True, 0
        while self._working():
            if self._throw:
                self._count(1)
                raise RuntimeError(f"Rank {self._group.rank()} exhausted all inputs.")
            if rounds == self._TELL_AFTER:
                warn(
                    f"Detected uneven input skew of greater than {rounds}. This means that rank "
                    f"{self._group.rank()} has at least {rounds} fewer inputs than other currently-active ranks."
                )
            last, rounds = False, rounds + 1
            for hook in self._hooks:
                hook.main_hook()
        for hook in self._hooks:
            hook.post_hook(last)

    def _working(self) -> int:
        """How many still have data."""
        return self._count(0)

    def _count(self, own: int) -> int:
        from rushlight.distributed.utils import _sum

        return _sum(self._group, own)

    @staticmethod
    def notify_join_context(joinable: Any) -> Work | None:
        """Tell those who have no more data that this process has; the work gives how many have."""
        opened = Join._open
        if opened is None or opened._joinables[0] is not joinable:
            return None
        from rushlight.ops.creation import tensor

        count = tensor([opened._count(1)])
        if opened._throw and opened._stopping(int(count.item())):
            raise RuntimeError(
                "Detected at least one rank that exhausted inputs. Throwing across all ranks."
            )
        return Work([count])

    def _stopping(self, working: int) -> int:
        """Whether somebody has no more data: he says so in a second count."""
        return self._count(0) if working < self._group.size() else 0
