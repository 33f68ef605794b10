"""Processes that have different amounts of data: with one, nobody is waited for."""

from __future__ import annotations

from typing import Any


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

    def __init__(
        self,
        joinables: list[Any],
        enable: bool = True,
        throw_on_early_termination: bool = False,
        **kwargs: Any,
    ) -> None:
        self._joinables = joinables
        self._hooks = [joinable.join_hook(**kwargs) for joinable in joinables]

    def __enter__(self) -> None:
        """Nothing."""

    def __exit__(self, kind: Any, *exception: Any) -> None:
        if kind is None:
            for hook in self._hooks:
                hook.post_hook(True)

    @staticmethod
    def notify_join_context(joinable: Any) -> None:
        """None: nobody is waited for."""
