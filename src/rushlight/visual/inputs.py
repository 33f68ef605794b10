"""What a module is run on: tensors as they are given, or zeros of given sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rushlight._tensor import Tensor
from rushlight.nn import Module
from rushlight.ops.creation import zeros
from rushlight.random import fork_rng


def arguments(inputs: Any, who: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a module's call.

    inputs: a tensor, a tuple or list of arguments, a mapping of arguments by name, a size such as (1, 28, 28)
    or a list of sizes; of a size it is float32 zeros.
    """
    if isinstance(inputs, Tensor):
        return (inputs,), {}
    if isinstance(inputs, Mapping):
        return (), dict(inputs)
    if isinstance(inputs, Sequence) and not isinstance(inputs, str) and len(inputs):
        if _is_size(inputs):
            return (zeros(*inputs),), {}
        if all(_is_size(part) for part in inputs):
            return tuple(zeros(*part) for part in inputs), {}
        return tuple(inputs), {}
    raise TypeError(
        f"{who}: inputs are a tensor, a tuple of arguments, a dict of arguments by name, or sizes such as "
        f"(1, 28, 28); got {type(inputs).__name__}"
    )


def _is_size(value: Any) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and len(value) > 0
        and all(isinstance(n, int) and not isinstance(n, bool) for n in value)
    )


@contextmanager
def undone(what: Any) -> Iterator[None]:
    """Whatever runs in the block works on copies of a module's buffers, and its random numbers are drawn again."""
    modules = what.modules() if isinstance(what, Module) else ()
    before = [(inner, dict(inner._buffers)) for inner in modules]
    copies: dict[int, Tensor] = {}
    try:
        for inner, buffers in before:
            for name, buffer in buffers.items():
                if buffer is not None:
                    if id(buffer) not in copies:
                        copies[id(buffer)] = buffer.detach().clone()
                    inner._buffers[name] = copies[id(buffer)]
        with fork_rng():
            yield
    finally:
        for inner, buffers in before:
            inner._buffers.clear()
            inner._buffers.update(buffers)
