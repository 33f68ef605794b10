"""Backward: visit the recorded nodes from youngest to oldest and pass gradients along their edges.

Rules are ordinary differentiable operations, so `create_graph=True` means no more than leaving the
recording on while they run: any order of derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from operator import attrgetter
from sys import getrefcount
from typing import TYPE_CHECKING, Any

from rushlight.autograd import accumulate as accumulating
from rushlight.autograd.accumulate import (
    accumulate,
    fit,
    keep,
    meta_of,
    need_own_device,
    need_room,
    parted,
    together,
)
from rushlight.autograd.nodes import differentiable, results
from rushlight.caller import site, user_line
from rushlight.core import doors
from rushlight.core.doors import apply, into
from rushlight.core.node import Node, PrimitiveNode, retain
from rushlight.core.state import state
from rushlight.core.table import TABLE
from rushlight.core.tensor import TensorBase, result_class
from rushlight.overriding.functions import quiet
from rushlight.primitives import writing

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

_by_age = attrgetter("_sequence")
_numbers = count()

# Called with the roots before each backward: how tools look at a graph before it is used up. What they
# return, if anything, is called when it is over.
observers: list[Callable[[Sequence[TensorBase]], Callable[[], None] | None]] = []


def run(
    roots: Sequence[TensorBase],
    seeds: Sequence[Tensor],
    *,
    retain_graph: bool,
    create_graph: bool,
    targets: Sequence[TensorBase] | None = None,
    capture: bool = False,
) -> list[Tensor | None]:
    """Send seeds back from roots, and add what arrives at leaves to their `.grad`.

    With targets only they get a gradient, and only what lies on a way to them runs; with capture
    their gradients are returned instead. Nothing is written to any `.grad` before every rule has
    succeeded, except to leaves whose hooks wait for it.
    """
    ends = [observer(roots) for observer in list(observers)] if observers else ()
    if targets is not None and not capture:
        for target in targets:
            retain(target)
    walk = _Walk(roots, create_graph, targets, capture)
    before = state.grad, state.walk
    state.grad, state.walk = create_graph, walk
    try:
        for root, seed in zip(roots, seeds, strict=True):
            start: Any = root if root._node_ is None else root._node_
            walk.send(start, root._output_nr_, seed)
        walk.go(retain_graph)
        gradients = walk.captures(targets or ()) if capture else walk.finish()
        for callback in walk.callbacks:  # One may queue another.
            callback()
        return gradients
    finally:
        state.grad, state.walk = before
        for end in ends:
            if end is not None:
                end()


class _Walk:
    """The gradients under way during one backward."""

    __slots__ = (
        "create_graph", "node", "nodes", "reached", "roots", "watched", "targets", "places", "useful",
        "capture", "pending", "leaves", "owned", "retained", "captured", "callbacks", "number", "late",
        "__weakref__",
    )  # fmt: skip

    def __init__(
        self,
        roots: Sequence[TensorBase],
        create_graph: bool,
        targets: Sequence[TensorBase] | None,
        capture: bool,
    ) -> None:
        self.create_graph = create_graph
        # The one whose rule is running.
        self.node: Node | None = None
        self.roots: list[Any] = []
        for root in roots:
            self.roots.append(root if root._node_ is None else root._node_)
        # Leaves with hooks, by the last node that sends to them.
        self.watched: dict[Any, Node] = {}
        # Those that have got their first one since.
        self.late: list[TensorBase] = []
        self.reached: set[Any]
        self.nodes = self._reachable()
        self.capture = capture
        self.targets = None if targets is None else set(map(_place, targets))
        self.useful = None if targets is None else self._useful()
        # Gradients by the node or leaf they wait at; for nodes with several outputs, lists of them.
        self.pending: dict[Any, Any] = {}
        self.leaves: dict[Any, Tensor] = {}
        # Sums that nobody else holds, and that may be added to in place.
        self.owned: set[int] = set()
        self.retained: list[tuple[TensorBase, Tensor]] = []
        self.captured: dict[Any, Tensor | None] = {}
        self.callbacks: list[Callable[[], Any]] = []
        self.number = next(_numbers)

    def _reachable(self) -> list[Node]:
        """The nodes behind the roots, the oldest first."""
        stack: list[Node] = []
        for root in self.roots:
            if isinstance(root, Node):
                stack.append(root)
        seen = set(stack)
        while stack:
            node = stack.pop()
            for edge in node._edges:
                if edge is None or edge in seen:
                    continue
                if edge.__class__ is PrimitiveNode or isinstance(edge, Node):
                    seen.add(edge)
                    stack.append(edge)
                elif edge._hooks_ is not None:
                    last = self.watched.get(edge)
                    if last is None or node._sequence < last._sequence:
                        self.watched[edge] = node
        self.reached = {*seen, *self.watched, *self.roots} if self.watched else seen
        return sorted(seen, key=_by_age)

    def _useful(self) -> set[Node]:
        """The nodes that must run for the targets; oldest first, so edges are known."""
        places = self.places = {place for place, _ in self.targets or ()}
        # Where gradients are added up, a target itself runs, as in torch, for what its hooks do.
        useful = set() if self.capture else {p for p in places if isinstance(p, Node)}
        for node in self.nodes:
            for edge in node._edges:
                if edge in useful or (
                    edge is not None and edge in places and not parted(edge, node)
                ):
                    useful.add(node)
                    break
        return useful

    def visits(self, place: Any) -> bool:
        """Whether the hooks at a place are asked in this backward."""
        if place not in self.reached:
            return False
        return self.useful is None or place in self.useful or self._is_station(place)

    def begins(self, place: Any) -> bool:
        """Whether all begins at a place, and nowhere else."""
        return len(self.roots) == 1 and self.roots[0] is place

    def send(self, target: Any, number: int, g: Tensor) -> None:
        """Add g to what waits at a leaf or at output `number` of a node."""
        try:
            data = g._data_
        except NotImplementedError:
            self._send_sparse(target, number, g)
            return
        if isinstance(target, TensorBase):
            pending: dict[Any, Any] = self.leaves
            own = target._data_
            if data.__class__ is not own.__class__:
                need_own_device(target, g, self.node)
            if (
                data.shape != own.shape
                or data.dtype is not own.dtype
                or (accumulating.exchanged and "_earlier_" in target.__dict__)
            ):
                if self.targets is not None and parted(target, self.node):
                    return
                g = fit(g, meta_of(target, self.node))
        else:
            pending = self.pending
            metas = target._metas
            if metas is not None:
                g = fit(g, metas[number])
                parts = pending.get(target)
                if parts is None:
                    parts = pending[target] = [None] * len(metas)
                parts[number] = g if parts[number] is None else self.add(parts[number], g)
                return
            if data.shape != target._out_shape or data.dtype is not target._out_dtype:
                g = fit(g, (target._out_shape, target._out_dtype))
        waiting = pending.get(target)
        pending[target] = g if waiting is None else self.add(waiting, g)

    @quiet
    def add(self, a: Tensor, b: Tensor) -> Tensor:
        # The first gradient is shared, the second makes a new sum, later ones are added into that.
        if self.create_graph or (doors.watching and state.interpreters):
            return a + b
        if id(a) in self.owned:
            into(a, writing.add, b)
            return a
        try:
            total: Tensor = apply(TABLE["add"], a, b)
        except NotImplementedError:
            return together(a, b)  # What waits is sparse.
        self.owned.add(id(total))
        return total

    def _send_sparse(self, target: Any, number: int, g: Any) -> None:
        """Leaves keep a sparse gradient; nodes are sent it with all of its zeros."""
        if not isinstance(target, TensorBase):
            self.send(target, number, g.to_dense())
            return
        waiting = self.leaves.get(target)
        self.leaves[target] = g if waiting is None else together(waiting, g)

    def go(self, retain_graph: bool) -> None:
        """Run the nodes, which are sorted by age, from the youngest on."""
        nodes, pending, useful, send = self.nodes, self.pending, self.useful, self.send
        anomaly, ordinary = state.anomaly, result_class()
        gradients: Any
        data: Any
        for root in self.roots:
            if isinstance(root, TensorBase) and root not in self.watched:
                self._arrived(root, root is self.roots[0] and len(self.roots) == 1)
        while nodes:
            node = nodes.pop()
            g = pending.pop(node, None)
            if g is not None and self.owned:
                # From here on rules may pass it to several places, or let it go.
                self.owned.difference_update(map(id, g) if g.__class__ is list else (id(g),))
            hooks = node._hooks_
            if useful is not None or hooks is not None or node._retained is not None:
                g = self._attend(node, g)
                if useful is not None and node not in useful:
                    continue
            if g is not None or node.runs_without:
                self.node = node
                try:
                    if useful is None or not isinstance(node, PrimitiveNode):
                        gradients = node._gradients(g)
                    else:
                        gradients = node.gradients_for(
                            g, [edge in useful or edge in self.places for edge in node._edges]
                        )
                    if anomaly is not None:
                        anomaly.look(node, gradients)
                except Exception:
                    if anomaly is not None:
                        anomaly.tell(node)
                    raise
                if hooks is not None and hooks.after:
                    gradients = self._leaving(hooks, node, gradients, g)
                if not retain_graph:
                    node._release()
                numbers = node._edge_outputs
                for i, edge in enumerate(node._edges):
                    if edge is None or (gradient := gradients[i]) is None:
                        continue
                    # Nearly all are the first to come to a node of one output, and fit.
                    if (
                        edge.__class__ is PrimitiveNode
                        and edge not in pending
                        and edge._metas is None
                        and gradient.__class__ is ordinary
                        and (data := gradient._data_).shape == edge._out_shape
                        and data.dtype is edge._out_dtype
                    ):
                        pending[edge] = gradient
                    else:
                        send(edge, 0 if numbers is None else numbers[i], gradient)
            else:
                # Nothing to pass on; what was saved is looked at and let go all the same, as in torch.
                node._gradients(None)
                if not retain_graph:
                    node._release()
            if self.watched:
                # Nobody but the leaf that has arrived is to hold its gradient: see accumulate.
                g = gradients = gradient = data = None
                turned = node.__class__ is PrimitiveNode and node.plan.row.backwards
                for edge in node._edges[::-1] if turned else node._edges:
                    if edge is not None and self.watched.get(edge) is node:
                        del self.watched[edge]
                        self._arrived(edge)

    def _attend(self, node: Node, g: Any) -> Any:
        """Hooks, kept gradients and captures of the tensors that stand at this node."""
        runs = self.useful is None or node in self.useful
        if not runs and not self._is_station(node):
            return g
        parts = _parts(node, g)
        if runs and self.capture:
            self._capture(node, parts)
        if node._hooks_ is not None:
            parts = node._hooks_.arriving(parts)
        for ref, number in node._retained or ():
            tensor = ref()
            if tensor is not None and parts[number] is not None:
                self.retained.append((tensor, parts[number]))
        if not runs:
            if self.capture:
                self._capture(node, parts)
            return None
        if node._hooks_ is not None and node._hooks_.before:
            places = results(node)
            seen = node._hooks_.entering([parts[i] for i in places])
            for place, part in zip(places, seen, strict=True):
                parts[place] = part
        if node._metas is None:
            return parts[0]
        return None if all(part is None for part in parts) else parts

    @staticmethod
    def _leaving(hooks: Any, node: Node, gradients: Sequence[Any], g: Any) -> list[Any]:
        """The gradients of the inputs after the hooks behind the node, which see those that can have one."""
        changed = [*gradients, *[None] * (len(node._edges) - len(gradients))]
        places = differentiable(node)
        parts = _parts(node, g)
        seen = hooks.leaving([changed[i] for i in places], [parts[i] for i in results(node)])
        for place, gradient in zip(places, seen, strict=True):
            changed[place] = gradient
        return changed

    def _is_station(self, place: Any) -> bool:
        """Whether a place that does not run is looked at: a target, or where all begins."""
        if self.begins(place):
            return True
        return self.targets is not None and any(target is place for target, _ in self.targets)

    def _capture(self, place: Any, parts: list[Any]) -> None:
        for number, part in enumerate(parts):
            if self.targets is not None and (place, number) in self.targets:
                self.captured[place, number] = part

    def _arrived(self, leaf: TensorBase, only_root: bool = False) -> None:
        """A leaf has all its gradients: its hooks, and what waits for its `.grad`."""
        hooks = leaf._hooks_
        wanted = self.targets is None or (leaf, 0) in self.targets
        if hooks is None or not (wanted or only_root):
            return
        (g,) = hooks.arriving([self.leaves.pop(leaf, None)])
        if wanted and not self.capture:
            (g,) = hooks.entering([g])
            if (hooks.accumulated or hooks.after) and g is not None and leaf._requires_grad_:
                if not self.create_graph:
                    need_room(leaf)
                alone = getrefcount(g) <= 2
                accumulate(leaf, g, self.create_graph, alone)
                hooks.seen(leaf)
                hooks.leaving([], [g])
                return
            hooks.seen(leaf)
            hooks.leaving([], [g])
        if g is not None:
            self.leaves[leaf] = g

    def captures(self, targets: Sequence[TensorBase]) -> list[Tensor | None]:
        """The gradients of the targets."""
        self._arrive_late()
        self._write_retained()
        places = map(_place, targets)
        return [
            self.leaves.get(at) if isinstance(at, TensorBase) else self.captured.get((at, number))
            for at, number in places
        ]

    def _arrive_late(self) -> None:
        while self.late:
            leaf = self.late.pop(0)
            if leaf in self.leaves:
                self._arrived(leaf)

    def _write_retained(self) -> None:
        for tensor, g in self.retained:
            keep(tensor, g, self.create_graph)

    def finish(self) -> list[Tensor | None]:
        """Write the gradients, those of tensors that retain theirs too."""
        if self.late:
            self._arrive_late()
        if self.retained:
            self._write_retained()
        leaves, targets = self.leaves, self.targets
        if targets is not None:
            self.leaves = leaves = {k: g for k, g in leaves.items() if (k, 0) in targets}
        line = site.line
        if not self.create_graph:
            ordinary = result_class()
            for leaf in leaves:
                before = leaf._grad
                if before is None or (before.__class__ is not ordinary and before.is_sparse):
                    continue
                if (
                    before._data_.base is not None
                    or before._data_.shape != leaf._data_.shape
                    or before._changes_.__class__ is not list
                ):
                    need_room(leaf)
                if site.line is None:
                    # One look for the user's line stands for all that is added up.
                    site.line = user_line()
        try:
            while leaves:
                # Popped, so that nobody but this loop holds on to a gradient: see accumulate.
                leaf, g = leaves.popitem()
                if leaf._requires_grad_:
                    # Known to this function and getrefcount.
                    alone = getrefcount(g) <= 2
                    accumulate(leaf, g, self.create_graph, alone)
        finally:
            site.line = line
        return []


def _parts(node: Node, g: Any) -> list[Any]:
    """The gradient of every output of node."""
    if node._metas is None:
        return [g]
    return [None] * len(node._metas) if g is None else list(g)


def _place(tensor: TensorBase) -> tuple[Any, int]:
    return (tensor, 0) if tensor._node_ is None else (tensor._node_, tensor._output_nr_)
