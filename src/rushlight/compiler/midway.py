"""A call that cannot go on as C when Python has given already what it gives once: the next batch, say."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rushlight.compiler.recording.world import World
from rushlight.core import doors
from rushlight.core.doors import Interpreter

# What a piece of Python's code gave, or what it raised.
Given = tuple[Any, BaseException | None]
# Options of optimizers: where each stands, and what it is.
Settings = list[tuple[dict[str, Any], str, Any]]


class Stranded(Exception):
    """The function has to run from its beginning, and is to get from Python what this call got.

    settings: the options at the beginning and behind each piece of Python's code, where that may set what was
    looked up before it (a scheduler's step behind an optimizer's).
    """

    def __init__(
        self, world: World, given: Iterable[Given], settings: Sequence[Settings] = ()
    ) -> None:
        super().__init__()
        self.world, self.given, self.settings = world, list(given), settings


class Midway(Interpreter):
    """While its block is open Python gives again what it gave, in that order, and only then anew."""

    def __init__(self, stranded: Stranded) -> None:
        self.given = deque(stranded.given)
        self.settings = deque(stranded.settings)
        self._set()

    def _set(self) -> None:
        if self.settings:
            for options, key, value in self.settings.popleft():
                options[key] = value

    def perform(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """What was given, or what comes now."""
        if not self.given:
            return doors.perform(function, *args)
        result, error = self.given.popleft()
        self._set()
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
