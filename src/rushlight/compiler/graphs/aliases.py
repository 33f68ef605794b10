"""Views in a graph without writes: what is changed through one of them is a new value of what it shows.

A node lies in a `Memory` by the steps that lead to it from the whole. A write walks these back, so that the
memory has a new whole; views of the old one are made anew when they are next used (`fresh`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rushlight.fx.node import Node

Emit = Callable[..., Node]


@dataclass(frozen=True)
class Step:
    """An operator that shows a part of a source, its further arguments, and the sizes of the source."""

    operator: str
    rest: tuple[Any, ...]
    sizes: list[int] | None


@dataclass
class Memory:
    """What views show: the node that is all of it now, and how often it was changed."""

    whole: Node
    changes: int = 0


@dataclass(frozen=True)
class Place:
    """Where in a memory a node lies, and as of which of its changes."""

    memory: Memory
    steps: tuple[Step, ...] = ()
    changes: int = 0


def _same(emit: Emit, source: Node, value: Node, step: Step) -> Node:
    return emit(step.operator, value, *step.rest)


def _in_sizes(emit: Emit, source: Node, value: Node, step: Step) -> Node:
    return emit("view.default", value, step.sizes)


def _permuted_back(emit: Emit, source: Node, value: Node, step: Step) -> Node:
    (dims,) = step.rest
    count = len(dims)
    back = sorted(range(count), key=lambda d: dims[d] % count)
    return emit("permute.default", value, back)


def _scattered(operator: str) -> Callable[[Emit, Node, Node, Step], Node]:
    return lambda emit, source, value, step: emit(operator, source, value, *step.rest)


# How a new value of a part becomes one of its source, by the operator that shows the part.
BACK: dict[str, Callable[[Emit, Node, Node, Step], Node]] = {
    "t.default": _same,
    "transpose.int": _same,
    "view.default": _in_sizes,
    "permute.default": _permuted_back,
    "unsqueeze.default": lambda emit, source, value, step: emit("squeeze.dim", value, *step.rest),
    "squeeze.dim": lambda emit, source, value, step: emit("unsqueeze.default", value, *step.rest),
    "select.int": _scattered("select_scatter.default"),
    "slice.Tensor": _scattered("slice_scatter.default"),
    "diagonal.default": _scattered("diagonal_scatter.default"),
    "as_strided.default": _scattered("as_strided_scatter.default"),
    "detach.default": lambda emit, source, value, step: value,
    "alias.default": lambda emit, source, value, step: value,
    "expand.default": lambda emit, source, value, step: refuse(step.operator),
}


def refuse(operator: str) -> Any:
    """Raise NotImplementedError: a change would have to pass through this view."""
    raise NotImplementedError(
        f"functionalize: the function changes what {operator} shows, which has no form without writes here: "
        "clone() it before"
    )


class Aliases:
    """The places of all nodes of a graph."""

    def __init__(self, emit: Emit) -> None:
        self.emit = emit
        self.places: dict[Node, Place] = {}

    def place(self, node: Node) -> Place:
        """Where a node lies; in a memory of its own, if nobody has said another."""
        return self.places.setdefault(node, Place(Memory(node)))

    def lay(self, node: Node, operator: str, source: Node, rest: tuple[Any, ...]) -> None:
        """A view of source was written down."""
        value = source.meta.get("val")
        before = self.place(source)
        step = Step(operator, rest, None if value is None else list(value.shape))
        steps = (*before.steps, step)
        self.places[node] = Place(before.memory, steps, before.memory.changes)

    def is_whole(self, node: Node) -> bool:
        """Whether a node is all of a memory that nobody has changed."""
        place = self.place(node)
        return place.memory.whole is node and not place.changes

    def fresh(self, node: Node) -> Node:
        """The node that shows now what this one showed."""
        place = self.place(node)
        if place.changes == place.memory.changes:
            return node
        made = self._shown(place.memory, place.steps)[-1]
        made.meta["val"] = node.meta.get("val")
        return made

    def _shown(self, memory: Memory, steps: tuple[Step, ...]) -> list[Node]:
        """The whole, and what each step shows of it now."""
        nodes = [memory.whole]
        for count, step in enumerate(steps, 1):
            nodes.append(self.emit(step.operator, nodes[-1], *step.rest))
            # By the same steps as before, which know sizes that a source made anew does not tell.
            self.places[nodes[-1]] = Place(memory, steps[:count], memory.changes)
        return nodes

    def change(self, node: Node, value: Node) -> Node:
        """What node shows has become value; the node that shows it from now on."""
        place = self.place(node)
        sources = self._shown(place.memory, place.steps[:-1])
        for source, step in zip(reversed(sources), reversed(place.steps), strict=False):
            value = BACK[step.operator](self.emit, source, value, step)
        place.memory.whole = value
        place.memory.changes += 1
        self.places[value] = Place(place.memory, (), place.memory.changes)
        return self.fresh(node)
