"""Backward: visit the recorded nodes from youngest to oldest and pass gradients along their edges.

Rules are ordinary differentiable operations, so `create_graph=True` means no more than leaving the
recording on while they run: any order of derivative.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.node import Meta, Node
from rushlight.autograd.state import state
from rushlight.tensor_base import TensorBase, bump, wrap

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

_by_age = attrgetter("sequence")

# Called with the roots before each backward: how tools look at a graph before it is used up.
observers: list[Callable[[Sequence[TensorBase]], None]] = []


def run(
    roots: Sequence[TensorBase],
    seeds: Sequence[Tensor],
    *,
    retain_graph: bool,
    create_graph: bool,
    capture: Sequence[TensorBase] | None = None,
    only_leaves: Iterable[TensorBase] | None = None,
) -> list[Tensor | None]:
    """Send seeds back from roots. With capture, return those gradients; else add into leaves' `.grad`.

    Nothing is written to any `.grad` before every rule has succeeded.
    """
    for observer in list(observers):
        observer(roots)
    before = state.grad, state.backward_node
    state.grad = create_graph
    try:
        walk = _Walk(create_graph, capture)
        for root, seed in zip(roots, seeds, strict=True):
            walk.start(root, seed)
        walk.go(_reachable([r._node for r in roots if r._node is not None]), retain_graph)
        if capture is not None:
            return [walk.captured.get(key) for key in walk.keys]
        only = None if only_leaves is None else {id(t) for t in only_leaves}
        final = walk.finished()
        while final:
            # Popped, so that nobody but this loop holds on to a gradient: see _accumulate.
            tensor, g = final.pop()
            if only is None or id(tensor) in only or tensor._retains_grad:
                _accumulate(tensor, g, create_graph)
        return []
    finally:
        state.grad, state.backward_node = before


def _reachable(roots: list[Node]) -> list[Node]:
    seen: set[Node] = set(roots)
    stack = list(seen)
    while stack:
        for edge in stack.pop().edges:
            if isinstance(edge, Node) and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    return sorted(seen, key=_by_age)


class _Walk:
    """The gradients under way during one backward."""

    __slots__ = (
        "create_graph",
        "pending",
        "leaves",
        "owned",
        "retained",
        "captured",
        "keys",
        "wanted",
    )

    def __init__(self, create_graph: bool, capture: Sequence[TensorBase] | None) -> None:
        self.create_graph = create_graph
        # Gradients by the node or leaf they wait at; for nodes with several outputs, lists of them.
        self.pending: dict[Any, Any] = {}
        self.leaves: dict[Any, Tensor] = {}
        # Sums that nobody else holds, and that may be added to in place.
        self.owned: set[int] = set()
        self.retained: list[tuple[TensorBase, Tensor]] = []
        self.captured: dict[Any, Tensor] = {}
        self.keys = [_place(t) for t in capture] if capture is not None else []
        self.wanted = set(self.keys) if capture is not None else None

    def start(self, root: TensorBase, seed: Tensor) -> None:
        target = root._node if root._node is not None else root
        self.send(target, root._output_nr, seed)

    def send(self, target: Any, number: int, g: Tensor) -> None:
        """Add g to what waits at a leaf or at output `number` of a node."""
        pending = self.pending
        if isinstance(target, Node):
            meta = target.metas
            if meta.__class__ is list:
                g = fit(g, meta[number])
                waiting = pending.get(target)
                if waiting is None:
                    waiting = pending[target] = [None] * len(meta)
                waiting[number] = g if waiting[number] is None else self.add(waiting[number], g)
                return
            shape, dtype = meta
        else:
            pending = self.leaves
            shape, dtype = target._data.shape, target._data.dtype
        data = g._data
        if data.shape != shape or data.dtype is not dtype:
            g = fit(g, (shape, dtype))  # type: ignore[arg-type]
        waiting = pending.get(target)
        pending[target] = g if waiting is None else self.add(waiting, g)

    def add(self, a: Tensor, b: Tensor) -> Tensor:
        # The first gradient is shared, the second makes a new sum, later ones are added into that.
        if self.create_graph:
            return a + b
        if id(a) in self.owned:
            np.add(a._data, b._data, out=a._data)
            return a
        total = wrap(np.asarray(a._data + b._data))
        self.owned.add(id(total))
        return total

    def go(self, nodes: list[Node], retain_graph: bool) -> None:
        """Run the nodes, which are sorted by age, from the youngest on."""
        pending = self.pending
        useful = None if self.wanted is None else self._useful(nodes)
        while nodes:
            node = nodes.pop()
            g = pending.pop(node, None)
            if g is None:
                continue
            if self.owned:
                # From here on rules may pass it to several places, or let it go.
                self.owned.difference_update(map(id, g) if g.__class__ is list else (id(g),))
            if node.hooks is not None or node.retained is not None or self.wanted is not None:
                g = self._attend(node, g)
            if useful is not None and node not in useful:
                continue
            state.backward_node = node
            gradients = node.gradients(g)
            if not retain_graph:
                node.release()
            numbers = node.edge_outputs
            for i, edge in enumerate(node.edges):
                if edge is not None:
                    gradient = gradients[i]
                    if gradient is not None:
                        self.send(edge, 0 if numbers is None else numbers[i], gradient)
        if self.wanted is not None:
            for leaf, g in self.leaves.items():
                if (leaf, 0) in self.wanted:
                    self.captured[leaf, 0] = self.hooked_leaf(leaf, g)

    def _useful(self, nodes: list[Node]) -> set[Node]:
        # Nodes from which a wanted tensor can be reached; oldest first, so edges are known.
        wanted = self.wanted or set()
        stations = {place[0] for place in wanted}
        useful: set[Node] = set()
        for node in nodes:
            for edge in node.edges:
                if edge is not None and (edge in stations or edge in useful):
                    useful.add(node)
                    break
        return useful

    def _attend(self, node: Node, g: Any) -> Any:
        """Hooks, kept gradients and captures of the tensors that stand at this node."""
        several = isinstance(node.metas, list)
        parts = list(g) if several else [g]
        for number, hooks in (node.hooks or {}).items():
            if parts[number] is not None:
                parts[number] = _hooked(hooks, parts[number])
        for ref in node.retained or ():
            tensor = ref()
            if tensor is not None and parts[tensor._output_nr] is not None:
                self.retained.append((tensor, parts[tensor._output_nr]))
        if self.wanted is not None:
            for number, part in enumerate(parts):
                if part is not None and (node, number) in self.wanted:
                    self.captured[node, number] = part
        return parts if several else parts[0]

    def finished(self) -> list[tuple[TensorBase, Tensor]]:
        """The leaves' gradients after their hooks, and those to retain; the last is to come first."""
        leaves = self.leaves
        final = [(leaf, self.hooked_leaf(leaf, leaves.pop(leaf))) for leaf in list(leaves)]
        final += self.retained
        self.retained.clear()
        final.reverse()
        return final

    def hooked_leaf(self, leaf: TensorBase, g: Tensor) -> Tensor:
        """g after the leaf's own hooks."""
        return g if leaf._hooks is None else _hooked(leaf._hooks, g)


def _place(tensor: TensorBase) -> tuple[Any, int]:
    return (tensor, 0) if tensor._node is None else (tensor._node, tensor._output_nr)


def _hooked(hooks: dict[int, Any], g: Tensor) -> Tensor:
    for hook in list(hooks.values()):
        result = hook(g)
        if result is not None:
            g = result
    return g


def fit(g: Tensor, meta: Meta) -> Tensor:
    """Undo broadcasting and promotion: bring a gradient to its tensor's shape and dtype."""
    shape, dtype = meta
    data = g._data
    if data.dtype is not dtype and data.dtype != dtype:
        if data.dtype.kind == "c" and dtype.kind != "c":
            g = g.real
        if g._data.dtype != dtype:
            g = g.astype(dtype)
    if data.shape != shape:
        g = g.sum_to_size(shape)
    return g


def _accumulate(tensor: TensorBase, g: Tensor, create_graph: bool) -> None:
    """Add g into `.grad`; a first gradient is taken over if nobody else can see its memory."""
    before = tensor._grad
    if before is None:
        if not create_graph:
            array = g._data
            # Of the tensor know run(), this function and getrefcount; of the array, the tensor, this
            # function and getrefcount.
            if not (
                sys.getrefcount(g) <= 3
                and sys.getrefcount(array) <= 3
                and array.base is None
                and array.flags.c_contiguous
                and not g._requires_grad
            ):
                g = wrap(array.copy())
        tensor._grad = g
    elif create_graph:
        tensor._grad = before + g
    else:
        np.add(before._data, g._data, out=before._data)
        bump(before, "the accumulation of a gradient")
    if tensor._post_hooks:
        for hook in list(tensor._post_hooks.values()):
            hook(tensor)
