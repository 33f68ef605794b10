"""A call that cannot go on as C when Python has given already what it gives once: the next batch, say."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from rushlight.compiler.recording.world import World
from rushlight.core import doors
from rushlight.core.doors import Interpreter

# What a piece of Python's code gave, or what it raised.
Given = tuple[Any, BaseException | None]


class Stranded(Exception):
    """The function has to run from its beginning, and is to get from Python what this call got."""

    def __init__(self, world: World, given: Iterable[Given]) -> None:
        super().__init__()
        self.world, self.given = world, list(given)


class Midway(Interpreter):
    """While its block is open Python gives again what it gave, in that order, and only then anew."""

    def __init__(self, given: Iterable[Given]) -> None:
        self.given = deque(given)

    def perform(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """What was given, or what comes now."""
        if not self.given:
            return doors.perform(function, *args)
        result, error = self.given.popleft()
        if error is not None:
            raise error
        return result


def finished(world: World, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """What the function returns, run as it is; what it takes from iterators is taken in this block."""
    world.take()
    try:
        return function(*args, **kwargs)
    finally:
        world.give_back()
