"""What can be seen of it where torch saves other tensors for an operation than are saved here."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from rushlight.core.node import PrimitiveNode
from rushlight.core.state import state
from rushlight.core.tensor import TensorBase, is_inference
from rushlight.errors import NOT_SAVED

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def remember(result: Tensor, *tensors: Any) -> Tensor:
    """For an operation that torch holds for one that saves these tensors; returns the result.

    What can be seen of that: inference tensors are refused, and so is backward where one of them has
    changed since, or for a second time. Nothing is kept.
    """
    node = result._node_
    if node is not None:
        saved = [t for t in tensors if isinstance(t, TensorBase)]
        if any(map(is_inference, saved)):
            raise RuntimeError(NOT_SAVED)
        if state.packing is None and isinstance(node, PrimitiveNode):
            counts = [part for t in saved for part in (t._changes_, t._changes_[0])]
            node.versions = [*node.versions, *counts]
    return result


def reusable(result: Tensor) -> Tensor:
    """For a part of an operation that saves no tensor in torch: backward may come here again."""
    if result._node_.__class__ is PrimitiveNode:
        result._node_.__class__ = ReusableNode
    return result


# The other part of an operation that is one node in torch, and two here.
_parts: weakref.WeakKeyDictionary[PrimitiveNode, weakref.ref[PrimitiveNode]]
_parts = weakref.WeakKeyDictionary()


def joined(a: Tensor, b: Tensor) -> None:
    """For the two results of an operation that is one node in torch: backward uses up both of them."""
    if a._node_.__class__ is PrimitiveNode and b._node_.__class__ is PrimitiveNode:
        for part, other in ((a._node_, b._node_), (b._node_, a._node_)):
            part.__class__ = PartialNode
            _parts[part] = weakref.ref(other)


class PartialNode(PrimitiveNode):
    """One of two nodes that are one in torch."""

    __slots__ = ()

    def _release(self) -> None:
        """Both forget what they saved, unless the other one is yet to run."""
        super()._release()
        other = _parts[self]()
        if other is not None and state.walk is not None and other not in state.walk.pending:
            PrimitiveNode._release(other)


class ReusableNode(PrimitiveNode):
    """A node through which backward may come again: torch saves nothing there, and this numbers alone."""

    __slots__ = ()

    def _release(self) -> None:
        """Nothing is forgotten."""
