"""`torch.autograd.graph`: nodes, and hooks on what they save and on several gradients at once."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from rushlight.autograd.packing import disable_saved_tensors_hooks, save_on_cpu, saved_tensors_hooks
from rushlight.core.hooks import Handle
from rushlight.core.node import AccumulateGrad, Node, shown
from rushlight.core.state import state
from rushlight.core.tensor import TensorBase, bump

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

__all__ = [
    "GradientEdge",
    "Node",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]


class GradientEdge(NamedTuple):
    """Where a tensor's gradient goes: an output of a node."""

    node: Node | AccumulateGrad
    output_nr: int


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The place in the graph where the gradient of tensor arrives."""
    if not tensor.requires_grad:
        raise RuntimeError(
            "It is not possible to get the gradient edge of a Tensor that does not require gradients"
        )
    return GradientEdge(shown(tensor if tensor._node is None else tensor._node), tensor._output_nr)


def increment_version(tensor: Tensor | Sequence[Tensor]) -> None:
    """Count a change in place that was made behind the tensor's back."""
    for t in (tensor,) if isinstance(tensor, TensorBase) else tensor:
        bump(t, "increment_version")


class _Handles(Handle):
    def __init__(self, handles: list[Handle]) -> None:
        self.handles = handles

    def remove(self) -> None:
        """Take all the hooks away."""
        for handle in self.handles:
            handle.remove()


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[..., None], *, mode: str = "all"
) -> Handle:
    """Call fn with the gradients of all these tensors when they are known; None where there is none.

    With mode="any" fn is called with the first of them.

    >>> import rushlight as torch
    >>> a, b = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
    >>> handle = torch.autograd.graph.register_multi_grad_hook((a, b), print)
    >>> (a + 2 * b).backward()
    [tensor([1.]), tensor([2.])]
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    # For each backward under way: the gradients that have come, and how many are still to come.
    come: weakref.WeakKeyDictionary[Any, list[Any]] = weakref.WeakKeyDictionary()
    left: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()

    def arrived(number: int, gradient: Any) -> None:
        walk = state.walk
        if walk not in left:
            come[walk] = [None] * len(tensors)
            left[walk] = sum(map(walk.visits, tensors))
            if mode == "any":
                fn(gradient)
        come[walk][number] = gradient
        left[walk] -= 1
        if not left[walk] and mode == "all":
            fn(come[walk])

    def hook_of(number: int) -> Callable[[Any], None]:
        return lambda gradient: arrived(number, gradient)

    return _Handles([t.register_hook(hook_of(number)) for number, t in enumerate(tensors)])
