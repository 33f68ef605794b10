"""Hooks: where they hang in a graph, and what they may return."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rushlight.core.state import state
from rushlight.core.tensor import TensorBase

if TYPE_CHECKING:
    from rushlight.core.node import Node

Hook = Callable[..., Any]


class Hooks:
    """The hooks at one place of the graph, in the order in which backward asks them.

    First those of the tensors that stand there, by output number: hook(gradient). Then those before
    the node runs: hook(gradients). Those after it: hook(gradients of the inputs, gradients). A leaf
    has those that see it when its `.grad` has been added to.
    """

    __slots__ = ("tensor", "before", "after", "accumulated")

    def __init__(self) -> None:
        self.tensor: dict[int, dict[int, Hook]] = {}
        self.before: dict[int, Hook] = {}
        self.after: dict[int, Hook] = {}
        self.accumulated: dict[int, Hook] = {}

    def on_tensor(self, number: int) -> dict[int, Hook]:
        """The hooks of the tensor at this output."""
        return self.tensor.setdefault(number, {})

    def arriving(self, parts: list[Any]) -> list[Any]:
        """The gradients of the outputs after the tensors' hooks."""
        for number, hooks in self.tensor.items():
            for hook in list(hooks.values()):
                parts[number] = replaced(parts[number], hook(parts[number]), name_of(hook))
        return parts

    def entering(self, parts: list[Any]) -> list[Any]:
        """The gradients of the outputs after the hooks before the node."""
        for hook in list(self.before.values()):
            parts = _all_replaced(parts, hook(tuple(parts)), hook)
        return parts

    def leaving(self, gradients: list[Any], parts: list[Any]) -> list[Any]:
        """The gradients of the inputs after the hooks behind the node."""
        for hook in list(self.after.values()):
            gradients = _all_replaced(gradients, hook(tuple(gradients), tuple(parts)), hook)
        return gradients

    def seen(self, leaf: TensorBase) -> None:
        """Let the hooks that wait for the `.grad` of leaf see it."""
        given: Any = leaf
        for hook in list(self.accumulated.values()):
            given = replaced(given, hook(given), name_of(hook))
        if given is not leaf:
            raise RuntimeError("Tensor post accumulate grad hooks should return None.")


def at(place: Node | TensorBase) -> Hooks:
    """The hooks of a node, or of a leaf, made when first asked for."""
    if isinstance(place, TensorBase):
        if place._hooks_ is None:
            place._hooks_ = Hooks()
            if state.walk is not None:
                state.walk.late.append(place)
        return place._hooks_
    if place._hooks_ is None:
        place._hooks_ = Hooks()
    return place._hooks_


def name_of(hook: Hook) -> str:
    """What messages call a hook."""
    return getattr(hook, "__name__", "<unknown>")


def replaced(before: Any, result: Any, name: str) -> Any:
    """What a hook made of one gradient: it may replace it by one of the same type and shape."""
    if result is None or result is before:
        return before
    if before is None:
        raise RuntimeError(
            f"can't replace a None gradient with a non-None value, as hook '{name}' does"
        )
    if not isinstance(result, TensorBase):
        raise TypeError(
            f"expected Variable, but hook returned '{type(result).__name__}': '{name}' returns a tensor, or "
            "None to leave the gradient as it is"
        )
    if result.is_sparse or result._data_.dtype != before._data_.dtype:  # type: ignore[attr-defined]
        raise RuntimeError(
            f"hook '{name}' has changed the type of value (was {before.type()} got {result.type()})"  # type: ignore[attr-defined]
        )
    if result._data_.shape != before._data_.shape:
        raise RuntimeError(
            f"hook '{name}' has changed the size of value: {list(result._data_.shape)} for a gradient of "
            f"shape {list(before._data_.shape)}"
        )
    return result


def _all_replaced(before: list[Any], result: Any, hook: Hook) -> list[Any]:
    if result is None:
        return before
    if not isinstance(result, tuple):
        raise TypeError(
            f"expected tuple, but hook returned '{type(result).__name__}': '{name_of(hook)}', as hooks of nodes "
            "do, returns a tuple of gradients, or None"
        )
    if len(result) != len(before):
        raise RuntimeError(
            f"hook '{name_of(hook)}' has returned an incorrect number of values (got {len(result)}, but "
            f"expected {len(before)})"
        )
    return [
        None if r is None else replaced(b, r, name_of(hook))
        for b, r in zip(before, result, strict=True)
    ]
