"""Where a function finds a tensor: `L['self']._modules['fc']._parameters['weight']`, as torch writes it."""

from __future__ import annotations

import re
import types
from collections import deque
from collections.abc import Iterator
from typing import Any

from rushlight.compiler.recording.origin import USER, origin
from rushlight.compiler.recording.world import globals_in
from rushlight.core.tensor import TensorBase
from rushlight.nn.modules.module import Module

# So many objects are looked at for a tensor.
_MOST = 50_000
_PLAIN = (int, float, complex, str, bytes, bool, type(None), types.ModuleType)


def placeholder(source: str) -> str:
    """The name of the parameter that stands for a source.

    >>> placeholder("L['self']._modules['fc']._parameters['weight']")
    'L_self_modules_fc_parameters_weight_'
    """
    return re.sub(r"[^a-zA-Z0-9]+", "_", source)


class Sources:
    """The objects that a function sees, by the names under which it does.

    roots: sources and what they are; function: its closure and globals come after these.
    """

    def __init__(self, roots: dict[str, Any], function: Any) -> None:
        self.found: dict[int, str] = {}
        self.kept: list[Any] = []
        waiting = [(f"L[{name!r}]", value) for name, value in roots.items()]
        self._walk = self._all(deque(waiting), function)

    def of(self, tensor: Any) -> str | None:
        """The source of a tensor; None if it is found nowhere."""
        while id(tensor) not in self.found:
            if next(self._walk, None) is None:
                return None
        return self.found[id(tensor)]

    def _all(self, waiting: deque[tuple[str, Any]], function: Any) -> Iterator[int]:
        """Look at one object after the other, those next to the roots first."""
        seen: set[int] = set()
        later = [function]
        while (waiting or later) and len(seen) < _MOST:
            if not waiting:
                waiting.extend(_of_function(later.pop(), None))
                continue
            source, thing = waiting.popleft()
            if isinstance(thing, _PLAIN) or id(thing) in seen:
                continue
            seen.add(id(thing))
            # What is known by its address must stay.
            self.kept.append(thing)
            if isinstance(thing, TensorBase):
                self.found.setdefault(id(thing), source)
            elif isinstance(thing, types.FunctionType):
                waiting.extend(_of_function(thing, source))
            else:
                waiting.extend(_behind(thing, source))
            yield 1


def _of_function(function: Any, source: str | None) -> Iterator[tuple[str, Any]]:
    """The closure and the globals of a function; without a source it is the function itself that runs."""
    function = getattr(function, "__func__", function)
    if not isinstance(function, types.FunctionType):
        return
    if origin(function.__module__ or "__main__") != USER:
        return
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    for number, (name, cell) in enumerate(cells):
        try:
            value = cell.cell_contents
        except ValueError:
            continue
        inner = f"{source}.__closure__[{number}].cell_contents"
        yield (f"L[{name!r}]" if source is None else inner), value
    for name in globals_in(function.__code__):
        if name in function.__globals__:
            yield f"G[{name!r}]", function.__globals__[name]


def _behind(thing: Any, source: str) -> Iterator[tuple[str, Any]]:
    if isinstance(thing, Module):
        for table in ("_parameters", "_buffers", "_modules"):
            for name, value in vars(thing)[table].items():
                yield f"{source}.{table}[{name!r}]", value
        rest = {k: v for k, v in vars(thing).items() if k[:1] != "_"}
        for name, value in rest.items():
            yield f"{source}.{name}", value
    elif isinstance(thing, dict):
        for key, value in thing.items():
            yield f"{source}[{key!r}]", value
    elif isinstance(thing, list | tuple):
        for number, value in enumerate(thing):
            yield f"{source}[{number}]", value
    elif isinstance(thing, types.MethodType):
        yield f"{source}.__self__", thing.__self__
        yield source, thing.__func__
    elif not isinstance(thing, type) and origin(type(thing).__module__) == USER:
        for name, value in getattr(thing, "__dict__", {}).items():
            yield f"{source}.{name}", value
