"""How operands and calls are printed in programs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rushlight.compiler.recording.values import plain
from rushlight.core.tensor import TensorBase

SIGNS = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**",
    "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!=",
}  # fmt: skip


def called(function: Callable[..., Any]) -> str:
    """What a kernel or a distribution is called."""
    while isinstance(function, functools.partial):
        first = next(iter(function.args), None)
        if callable(first):
            function = first
        elif first is not None and hasattr(function.func, "__name__"):
            # A method that was bound by hand.
            return f"{type(first).__name__}.{function.func.__name__}"
        else:
            function = function.func
    owner = getattr(function, "__self__", None)
    if owner is not None:
        return f"{type(owner).__name__}.{function.__name__}"
    name: str = getattr(function, "__qualname__", type(function).__name__)
    return name.rpartition("<locals>.")[2].strip("_")


def call(name: str, inputs: Sequence[Any], static: dict[str, Any] | None = None) -> str:
    """A call as it is written."""
    given = [*map(shown, inputs)]
    given += [f"{key}={shown(value)}" for key, value in (static or {}).items()]
    return f"{name}({', '.join(given)})"


def shown(operand: Any) -> str:
    """An operand as it is printed."""
    operand = plain(operand)
    if isinstance(operand, TensorBase):
        return "tensor"
    if operand.__class__ is np.ndarray:
        return f"array {operand.dtype}{list(operand.shape)}"
    if isinstance(operand, np.dtype):
        return str(operand)
    if operand.__class__ is tuple and operand:
        return f"({', '.join(map(shown, operand))}{',' if len(operand) == 1 else ''})"
    if operand.__class__ is list:
        return f"[{', '.join(map(shown, operand))}]"
    if callable(operand) and not isinstance(operand, type):
        return called(operand)
    return repr(operand)
