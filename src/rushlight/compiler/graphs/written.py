"""What is written down of a function: calls, and what they are given and give."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from rushlight.compiler.graphs.places import After
from rushlight.compiler.graphs.symbols import Real, Whole
from rushlight.core.tensor import TensorBase
from rushlight.device import META, choices, default, device
from rushlight.size import Size


class Value:
    """What a call is given or gives: a tensor of the function's, or the result of a call."""

    __slots__ = ("call", "group", "like", "number", "part", "tensor")

    def __init__(
        self, number: int, group: int, tensor: Any = None, call: Any = None, part: Any = None
    ) -> None:
        # group: which question or call it was met in.
        self.number, self.group, self.tensor, self.call, self.part = (
            number,
            group,
            tensor,
            call,
            part,
        )
        # The outline of a result, and whether it requires grad.
        self.like: Any = None


class Call:
    """One call of torch's: what, with which arguments, and what came of it."""

    __slots__ = ("after", "args", "frame", "kind", "kwargs", "module_first", "target", "values")

    def __init__(self, kind: str, target: Any, args: Any, kwargs: Any) -> None:
        self.kind, self.target, self.args, self.kwargs = kind, target, args, kwargs
        self.values: list[Value] = []
        self.after = After("other")
        # The file, line and function of the user's that called it.
        self.frame: tuple[str, int, str] = ("", 0, "")


# ---- arguments and results ----


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """A value with its tensors changed; containers are made anew."""
    if isinstance(value, TensorBase):
        return change(value)
    kind = value.__class__
    if kind is tuple or kind is list:
        return kind([mapped(v, change) for v in value])
    if kind is dict:
        return {k: mapped(v, change) for k, v in value.items()}
    if kind is slice:
        return slice(*(mapped(v, change) for v in (value.start, value.stop, value.step)))
    if isinstance(value, tuple) and any(isinstance(v, TensorBase) for v in value):
        return kind([mapped(v, change) for v in value])
    return value


def plain(value: Any) -> Any:
    """Arguments without symbols."""
    if isinstance(value, Whole):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    kind = value.__class__
    if kind is tuple or kind is list or kind is Size:
        return kind([plain(v) for v in value])
    if kind is dict:
        return {k: plain(v) for k, v in value.items()}
    if kind is slice:
        return slice(*map(plain, (value.start, value.stop, value.step)))
    return value


@contextlib.contextmanager
def on_outlines() -> Iterator[None]:
    """A block in which new tensors have no elements."""
    before, default.where = default.where, META
    choices.made += 1
    try:
        yield
    finally:
        default.where = before
        choices.made -= 1


def elsewhere(given: Any) -> Any:
    """Arguments for a call on outlines: without symbols, the CPU is where these are."""

    def place(value: Any) -> Any:
        if isinstance(value, device) and value.type == "cpu":
            return META
        return META if isinstance(value, str) and value == "cpu" else value

    given = plain(given)
    if isinstance(given, dict):
        return {k: place(v) for k, v in given.items()}
    return [place(v) for v in given]
