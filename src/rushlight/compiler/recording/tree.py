"""Arguments and results taken apart into tensors and the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.core.tensor import TensorBase
from rushlight.size import Size
from rushlight.utils.trees import tree_flatten, tree_unflatten


class Leaf:
    """Stands for the tensor of a number in what remains when tensors are taken out."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Leaf) and self.number == other.number

    def __hash__(self) -> int:
        return hash(self.number)


def apart(tree: Any) -> tuple[list[Any], tuple[Any, ...]]:
    """The tensors in tuples, lists and dicts, each once, and the rest, which can be compared."""
    # A shape stays one: put together again it would be a tuple.
    leaves, spec = tree_flatten(tree, lambda part: part.__class__ is Size)
    tensors: list[Any] = []
    rest: list[Any] = []
    numbers: dict[int, int] = {}
    for leaf in leaves:
        if isinstance(leaf, TensorBase):
            number = numbers.setdefault(id(leaf), len(tensors))
            rest.append(Leaf(number))
            if number == len(tensors):
                tensors.append(leaf)
        else:
            rest.append(leaf)
    return tensors, (spec, rest)


def together(rest: tuple[Any, ...], make: Callable[[Any], Any]) -> Any:
    """The tree again, make(leaf) in the place of each of its leaves."""
    spec, leaves = rest
    return tree_unflatten([make(leaf) for leaf in leaves], spec)


def containers(tree: Any) -> dict[int, Any]:
    """The lists and dicts of a tree, by identity: others at each call, which differ in how they nest alone."""
    found: dict[int, Any] = {}
    waiting = [tree]
    while waiting:
        thing = waiting.pop()
        if type(thing) in (list, tuple, dict) and id(thing) not in found:
            found[id(thing)] = thing
            waiting.extend(thing.values() if type(thing) is dict else thing)
    return found
