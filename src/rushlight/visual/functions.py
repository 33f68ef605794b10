"""A user's `autograd.Function` in what is written down of a run: one operation, with what ran inside of it."""

from __future__ import annotations

import inspect
from typing import Any

from rushlight.autograd.function import Function, record
from rushlight.core.doors import Interpreter
from rushlight.core.state import state
from rushlight.core.tensor import TensorBase


def is_rushlights(cls: type[Function]) -> bool:
    """Whether a Function is one of rushlight's own, of which what runs inside is told alone."""
    return cls.__module__.partition(".")[0] == "rushlight"


def parted(
    cls: type[Function], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[list[TensorBase], dict[str, Any]]:
    """The tensors among the arguments of a call, for which there are edges, and the rest by name."""
    tensors: list[TensorBase] = []
    rest: dict[str, Any] = {}
    for name, value in zip(_names(cls, len(args)), args, strict=True):
        if isinstance(value, TensorBase):
            tensors.append(value)
        else:
            rest[name] = value
    return tensors, rest | kwargs


def _names(cls: type[Function], count: int) -> list[str]:
    """What forward calls its arguments."""
    parameters = list(inspect.signature(cls.forward).parameters.values())
    if cls.setup_context is Function.setup_context:
        del parameters[:1]
    plain = [p.name for p in parameters if p.kind is not p.VAR_POSITIONAL]
    return (plain + [f"argument {at + 1}" for at in range(len(plain), count)])[:count]


def run(
    watcher: Interpreter, cls: type[Function], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """The outputs of a call, with what runs inside told to watcher.

    Where one of those around it has a way of its own with Functions, it is asked, and tells nothing of the inside.
    """
    around = state.interpreters
    if any(hasattr(other, "function") for other in around):
        return cls.apply(*args, **kwargs)
    state.interpreters = (*around, watcher)
    try:
        return record(cls, args, kwargs)[0]
    finally:
        state.interpreters = around
