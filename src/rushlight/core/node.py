"""A node of the graph: which primitive made a tensor, from what, and what its rule must remember."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.core.tensor import Array, TensorBase, wrap
from rushlight.errors import CUT, FREED, stale

if TYPE_CHECKING:
    from rushlight._tensor import Tensor
    from rushlight.autograd.hooks import Hooks
    from rushlight.core.row import Plan

next_sequence = itertools.count().__next__
# When tensors were cut from their graphs by `detach_()`: nearly never, and then nobody looks for them.
cut: list[int] = []

# The shape and dtype that a gradient must have to flow into an output.
Meta = tuple[tuple[int, ...], np.dtype[Any]]


class Node:
    """One recorded operation.

    `_edges` holds, for each input, the node that made it, the leaf tensor itself, or None where no
    gradient flows. `_sequence` grows with time, and an input is always older than what is made from
    it: walking from the youngest node to the oldest is an order in which every node has received all
    its gradients before it passes them on. Depth-first order without that property would be wrong:
    with `b = a + a; c = b * a`, a must wait for both b and c.

    The node of a user's function is its `ctx`, on which every public name is the user's. What programs
    see of a node besides stands in `rushlight.autograd.nodes`.
    """

    __slots__ = ("_edges", "_edge_outputs", "_sequence", "_out_shape", "_out_dtype", "_metas", "_hooks_",
                 "_retained", "_site", "_label",
                 "metadata_", "__weakref__")  # fmt: skip

    _edges: Sequence[Any]
    _edge_outputs: Sequence[int] | None
    _sequence: int
    # What its gradient must have to flow into the output; metas in their place for several outputs.
    _out_shape: tuple[int, ...]
    _out_dtype: np.dtype[Any]
    _metas: list[Meta] | None
    # What is called when gradients pass, and which tensors that stand here keep theirs.
    _hooks_: Hooks | None
    _retained: list[tuple[weakref.ref[TensorBase], int]] | None
    _site: str | None
    _label: str | None
    # Whether the node runs even if no gradient came to any of its outputs.
    runs_without = False

    def __init__(self, edges: Sequence[Any], edge_outputs: Sequence[int] | None) -> None:
        self._edges = edges
        self._edge_outputs = edge_outputs
        self._sequence = next_sequence()
        self._metas = None
        self._hooks_ = None
        self._retained = None
        self._site = None
        self._label = None

    def _gradients(self, g: Any) -> Sequence[Tensor | None]:
        """The gradient for each edge, from that of the output (a list of them for several outputs)."""
        raise NotImplementedError

    def _release(self) -> None:
        """Forget what was saved; a second backward through here is then an error."""

    def name(self) -> str:
        """What torch prints after `grad_fn=<`."""
        return self._label or type(self).__name__

    @property
    def _shape(self) -> tuple[int, ...]:
        """Shape of the (first) output."""
        return self._meta(0)[0]

    def _meta(self, number: int) -> Meta:
        """Shape and NumPy dtype of output `number`."""
        return (self._out_shape, self._out_dtype) if self._metas is None else self._metas[number]


class PrimitiveNode(Node):
    """The node of a table row: keeps what the signatures of the row's rules name, no more."""

    __slots__ = ("plan", "static", "kept", "versions")

    def __init__(
        self,
        edges: Sequence[Any],
        edge_outputs: Sequence[int] | None,
        plan: Plan,
        static: dict[str, Any],
    ) -> None:
        self._edges = edges
        self._edge_outputs = edge_outputs
        self._sequence = next_sequence()
        self._metas = None
        self._hooks_ = None
        self._retained = None
        self._site = None
        self._label = None
        self.plan = plan
        self.static = static

    kept: Sequence[Any] | None
    # For each saved tensor its shared version list, followed by its count when it was saved. Flat, as
    # every object that holds others is looked at by Python's collector of cycles, again and again.
    versions: Sequence[Any]

    def name(self) -> str:
        """torch's name for the backward of this row."""
        return self._label or self.plan.row.grad_name(self)

    def _gradients(self, g: Any) -> Sequence[Tensor | None]:
        """Run the row's rules on what was saved, which is looked at even if no gradient came."""
        kept = self.kept
        if kept is None:
            raise RuntimeError(FREED)
        if versions := self.versions:
            saved = iter(versions)
            for changes in saved:
                if changes[0] != (count := next(saved)):
                    raise RuntimeError(self._stale(changes, count))
        if cut and any(getattr(k, "_cut", 0) > self._sequence for k in kept):
            raise RuntimeError(CUT)
        if g is None:
            return ()
        plan = self.plan
        if plan.saves_out:
            if len(kept) == 1 and isinstance(kept[0], SavedOutput):
                kept = (kept[0].restore(self),)
            else:
                kept = [k.restore(self) if isinstance(k, SavedOutput) else k for k in kept]
        if plan.joint:
            rule, pick = plan.rules[0]
            return rule(g, *(kept if pick is None else pick(kept)))  # type: ignore[misc]
        # A loop of its own: a comprehension is a call.
        gradients: list[Tensor | None] = []
        for rule, pick in plan.rules:
            if rule is None:
                gradients.append(None)
            else:
                gradients.append(rule(g, *(kept if pick is None else pick(kept))))
        return gradients

    def gradients_for(self, g: Any, wanted: Sequence[bool]) -> Sequence[Tensor | None]:
        """Of the gradients only those that are wanted, where there is a rule for each."""
        if all(wanted) or self.plan.joint:
            return self._gradients(g)
        whole = self.plan
        self.plan = whole.part(wanted)
        try:
            return self._gradients(g)
        finally:
            self.plan = whole

    def _release(self) -> None:
        """Forget the operands, if they were saved."""
        if self.plan.saves or self.versions:
            self.kept = None

    def _role(self, version: list[Any]) -> str:
        """What of this node the tensor was whose changes these are."""
        for (_, i), kept in zip(self.plan.gather, self.kept or (), strict=True):
            for t in kept if isinstance(kept, tuple) else (kept,):
                if isinstance(t, TensorBase) and t._changes_ is version:
                    return f"input '{self.plan.row.inputs[i]}'"
        return f"output {self._meta(0)[0]}"

    def _stale(self, version: list[Any], count: int) -> str:
        shape, dtype = self._meta(0)
        role, name = self._role(version), self.name()
        return stale(
            f"the {role} of {name} (a {dtype} result of shape {list(shape)})", version, count
        )


class SavedOutput:
    """An output kept for the rule as a bare array: a tensor would point back to its own node."""

    __slots__ = ("array", "number")

    def __init__(self, array: Array, number: int) -> None:
        self.array = array
        self.number = number

    def restore(self, node: Node) -> Any:
        """The output as a tensor made by node."""
        tensor = wrap(self.array, True)
        tensor._node_ = node
        if self.number:
            tensor._output_nr_ = self.number
        return tensor


class SavedOutputs(SavedOutput):
    """Several outputs kept; restored to a list of tensors."""

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[SavedOutput, ...]) -> None:
        self.parts = parts

    def restore(self, node: Node) -> Any:
        """The outputs as tensors made by node."""
        return [part.restore(node) for part in self.parts]


def retain(tensor: TensorBase, before: Node | None = None) -> None:
    """Let the node at which tensor stands know that its gradient is to be kept, and no longer `before`."""
    node = tensor._node_
    if node is None:
        return
    tensor._retains_grad_ = True
    if before is not None and before._retained is not None:
        before._retained = [entry for entry in before._retained if entry[0]() is not tensor]
    if not any(ref() is tensor for ref, _ in node._retained or ()):
        node._retained = [*(node._retained or ()), (weakref.ref(tensor), tensor._output_nr_)]
