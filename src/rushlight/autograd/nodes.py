"""Nodes as programs see them: `grad_fn`, `next_functions`, `torch.autograd.graph.Node`, places of gradients.

The engine's own notion of a node stands in `rushlight.core.node`. A node that is shown becomes one of a
class with torch's name for it, and with what is here.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from rushlight.autograd import hooks
from rushlight.autograd.accumulate import accumulate
from rushlight.autograd.saved import properties
from rushlight.core.node import PrimitiveNode, SavedOutput
from rushlight.core.tensor import TensorBase
from rushlight.handles import RemovableHandle as Handle

if TYPE_CHECKING:
    from rushlight.autograd.hooks import Hook


def differentiable(node: Any) -> Sequence[int]:
    """Which inputs a gradient is thought of for, wanted or not: an index or a mask has none."""
    count = len(node._edges)
    rules = node.plan.row.vjp if isinstance(node, PrimitiveNode) else None
    if not isinstance(rules, tuple):
        return range(count)
    return [i for i in range(min(count, len(rules))) if rules[i] is not None]


# Where torch's node has fewer results that one could differentiate than the row: how many.
_RESULTS = {
    "NativeLayerNormBackward0": 1, "NativeBatchNormBackward0": 1, "NativeGroupNormBackward0": 3,
    "NllLossBackward0": 1, "NllLoss2DBackward0": 1, "ViewBackward0": 1,
}  # fmt: skip


def results(node: Any) -> Sequence[int]:
    """Which outputs the hooks at a node see the gradients of: whole numbers have none."""
    if node._metas is None:
        return (0,)
    count = _RESULTS.get(node.name(), len(node._metas))
    metas = enumerate(node._metas[:count])
    return [i for i, meta in metas if meta is None or meta[1].kind in "fcV"]


class Node:
    """A node of the graph: what computed a tensor, or the place where a leaf's gradient is added up.

    >>> import rushlight as torch
    >>> y = torch.ones(2, requires_grad=True) * 3
    >>> isinstance(y.grad_fn, torch.autograd.graph.Node), y.grad_fn.name()
    (True, 'MulBackward0')
    >>> y.grad_fn(torch.ones(2))
    (tensor([3., 3.]), None)
    """

    __slots__ = ()

    def __new__(cls, *args: Any) -> Self:
        """Refused for the class itself: nodes are made by operations."""
        if cls is Node:
            raise TypeError("Can't instantiate abstract class Node: nodes are made by operations")
        return super().__new__(cls)

    @property
    def next_functions(self: Any) -> tuple[tuple[Any, int], ...]:
        """(node, output number) of every input; leaves are shown as AccumulateGrad."""
        numbers = self._edge_outputs or (0,) * len(self._edges)
        edges = self._edges
        return tuple(
            (None if edges[i] is None else shown(edges[i]), numbers[i])
            for i in differentiable(self)
        )

    @property
    def metadata(self: Any) -> dict[str, Any]:
        """A dictionary for what tools note about this node."""
        try:
            return self.metadata_
        except AttributeError:
            self.metadata_: dict[str, Any] = {}
            return self.metadata_

    requires_grad = True

    def register_hook(self: Any, fn: Hook) -> Handle:
        """Call fn(gradients of the inputs, gradients of the outputs) after this node has run."""
        return Handle(hooks.at(self).after, fn)

    def register_prehook(self: Any, fn: Hook) -> Handle:
        """Call fn(gradients of the outputs) before this node runs; both may return others."""
        return Handle(hooks.at(self).before, fn)

    def _sequence_nr(self: Any) -> int:
        return self._sequence

    def _given(self: Any, gradients: tuple[Any, ...]) -> list[Any]:
        """The gradients for a call, checked."""
        count = 1 if self._metas is None else len(self._metas)
        if len(gradients) != count:
            raise TypeError(f"expected {count} arguments, got {len(gradients)} instead")
        for number, gradient in enumerate(gradients):
            if gradient is not None and not isinstance(gradient, TensorBase):
                raise TypeError(f"argument {number} is not a Variable")
        return list(gradients)

    def __call__(self: Any, *gradients: Any) -> Any:
        """The gradients of the inputs from those of the outputs."""
        given = self._given(gradients)
        found = tuple(self._gradients(given if self._metas is not None else given[0]))
        found += (None,) * (len(self._edges) - len(found))
        found = tuple(found[i] for i in differentiable(self))
        return found if len(found) != 1 else found[0]

    def __repr__(self: Any) -> str:
        return f"<{type(self).__name__} object at {hex(id(self))}>"


class AccumulateGrad(Node):
    """How a leaf is shown: the place where a gradient is added into `.grad`."""

    __slots__ = ("variable", "metadata_", "__weakref__")

    def __init__(self, variable: TensorBase) -> None:
        self.variable = variable

    next_functions = ()
    _metas = None

    def register_hook(self, fn: Hook) -> Handle:
        """Call fn((), gradients) after the gradient has come."""
        return Handle(hooks.at(self.variable).after, fn)

    def register_prehook(self, fn: Hook) -> Handle:
        """Call fn(gradients) before the gradient is added; it may return others."""
        return Handle(hooks.at(self.variable).before, fn)

    @classmethod
    def of(cls, leaf: TensorBase) -> AccumulateGrad:
        """The one accumulator of this leaf, as long as somebody holds it or it was written on."""
        known = leaf.__dict__.get("_accumulator_")
        accumulator = known() if known is not None else None
        if accumulator is None:
            accumulator = cls(leaf)
            leaf.__dict__["_accumulator_"] = weakref.ref(accumulator)
        return accumulator

    def name(self) -> str:
        """`AccumulateGrad`, as in torch."""
        return "torch::autograd::AccumulateGrad"

    def _sequence_nr(self) -> int:
        # The oldest of all: what torch gives leaves, so that their gradients are added up first.
        return 2**64 - 1

    def __call__(self, *gradients: Any) -> None:
        """Add a gradient into `.grad` of the leaf."""
        (gradient,) = self._given(gradients)
        if gradient is not None:
            accumulate(self.variable, gradient, create_graph=False, alone=False)

    @property
    def _shape(self) -> tuple[int, ...]:
        """Shape of the leaf."""
        return self.variable._data_.shape


# Classes named as torch names them, which differ in nothing else from their base.
_named: dict[tuple[type, str, Any], type] = {}


def shown(place: Any) -> Any:
    """A node as users see it: of a class with the node's name; for a leaf, its AccumulateGrad."""
    if isinstance(place, TensorBase):
        return AccumulateGrad.of(place)
    name = place.name().rsplit("::", 1)[-1]
    if type(place).__name__ != name:
        base = type(place).__dict__.get("plain", type(place))
        row = place.plan.row if isinstance(place, PrimitiveNode) else None
        known = _named.get((base, name, row))
        if known is None:
            attributes = {"__slots__": (), "plain": base}
            if row is not None:
                attributes |= properties(row, name)
            known = type(name, (Node, base), attributes)
            _named[base, name, row] = known
        place.__class__ = known
    return place


class GradientEdge(NamedTuple):
    """Where a tensor's gradient goes: an output of a node."""

    node: Any
    output_nr: int
    # What keeps the graph of a tensor that is gone; the node does, here.
    ownership_token: Any = None


def standing(place: Any) -> Any:
    """The tensor at a gradient edge, or one without memory that stands there in its place; else itself."""
    if not isinstance(place, GradientEdge):
        return place
    node, number = place[:2]
    if isinstance(node, AccumulateGrad):
        return node.variable
    shape, dtype = node._meta(number)
    return SavedOutput(np.broadcast_to(np.zeros((), dtype), shape), number).restore(node)
