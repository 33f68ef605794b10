"""What can be seen of it where torch saves other tensors for an operation than are saved here."""

from __future__ import annotations

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


class ReusableNode(PrimitiveNode):
    """A node through which backward may come again: torch saves nothing there, and this numbers alone."""

    __slots__ = ()

    def _release(self) -> None:
        """Nothing is forgotten."""
