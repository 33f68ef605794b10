"""`torch.autograd.graph`: nodes, and hooks on what they save and on several gradients at once."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rushlight.autograd.mutation import allow_mutation_on_saved_tensors
from rushlight.autograd.nodes import GradientEdge, Node, shown
from rushlight.autograd.packing import disable_saved_tensors_hooks, save_on_cpu, saved_tensors_hooks
from rushlight.core.state import state
from rushlight.core.tape import refresh
from rushlight.core.tensor import TensorBase, bump
from rushlight.handles import RemovableHandle as Handle

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

__all__ = [
    "GradientEdge", "Node", "allow_mutation_on_saved_tensors", "disable_saved_tensors_hooks",
    "get_gradient_edge", "increment_version", "region_activation_memory_budget",
    "register_multi_grad_hook", "save_on_cpu", "saved_tensors_hooks",
    "set_override_stale_capture_stream", "set_warn_on_accumulate_grad_stream_mismatch",
]  # fmt: skip


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The place in the graph where the gradient of tensor arrives: `grad` and `backward` take it, too.

    >>> import rushlight as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> edge = torch.autograd.graph.get_gradient_edge(x * 2)
    >>> torch.autograd.grad(edge, x, torch.ones(2))
    (tensor([2., 2.]),)
    """
    if not tensor.requires_grad:
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does not require gradients"
        )
    refresh(tensor)
    if tensor._node_ is None and not tensor._requires_grad_:
        raise AssertionError("Expected gradient function to be set")
    return GradientEdge(
        shown(tensor if tensor._node_ is None else tensor._node_), tensor._output_nr_
    )


def increment_version(tensor: Tensor | Sequence[Tensor]) -> None:
    """Count a change in place that was made behind the tensor's back."""
    listed = (tensor,) if isinstance(tensor, TensorBase) else tensor
    if not hasattr(listed, "__iter__"):
        raise RuntimeError("increment_version expect a Iterable[Tensor] as input")
    for t in listed:
        bump(t, "increment_version")


class _MultiHandle(Handle):
    def __init__(self, handles: list[Handle]) -> None:
        super().__init__({})
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
    if mode == "all" and not all(t._requires_grad_ for t in tensors):
        raise AssertionError("Expected gradient function to be set: each tensor must require grad")
    for t in tensors:
        refresh(t)
    # Where they stand now: a change in place may put them elsewhere. A node that is gone is not visited.
    places = [weakref.ref(t if t._node_ is None else t._node_) for t in tensors]
    # For each backward under way: the gradients that have come, and how many are still to come.
    come: weakref.WeakKeyDictionary[Any, list[Any]] = weakref.WeakKeyDictionary()
    left: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()

    def arrived(number: int, gradient: Any) -> None:
        walk: Any = state.walk
        # As in torch it starts anew after a call, since the tensor where all begins is not waited for.
        if walk not in left or (not left[walk] and mode == "all"):
            if (
                mode == "all"
                and walk.capture
                and any(
                    isinstance(place(), TensorBase) and walk.visits(place()) for place in places
                )
            ):
                raise RuntimeError(
                    "A leaf node was passed to _will_engine_execute_node but we are currently running "
                    "autograd.grad(). This is currently not supported: use backward(inputs=)"
                )
            come[walk] = [None] * len(places)
            left[walk] = sum(walk.visits(place()) and not walk.begins(place()) for place in places)
            if mode == "any":
                fn(gradient)
        come[walk][number] = gradient
        left[walk] -= 1
        if not left[walk] and mode == "all":
            fn(come[walk])

    def hook_of(number: int) -> Callable[[Any], None]:
        return lambda gradient: arrived(number, gradient)

    return _MultiHandle(
        [t.register_hook(hook_of(number)) for number, t in enumerate(tensors) if t.requires_grad]
    )


# ---- what is about other devices, and about compilers --------------------------------------------


def set_warn_on_accumulate_grad_stream_mismatch(enabled: bool) -> None:
    """Accepted: there are no streams here that could differ."""


def set_override_stale_capture_stream(enabled: bool) -> None:
    """Accepted: there are no streams here that could differ."""


@contextmanager
def region_activation_memory_budget(memory_budget: float) -> Iterator[None]:
    """Refused, as in torch, outside of what is compiled: how much of the block is kept for backward."""
    if not state.interpreters:
        raise RuntimeError(
            "torch.autograd.graph.region_activation_memory_budget can only be used inside a torch.compile "
            "region; it has no effect in eager mode: use torch.utils.checkpoint"
        )
    yield
