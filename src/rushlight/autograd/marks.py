"""What the forward of a custom Function saves and marks, held against torch's rules."""

from __future__ import annotations

from typing import Any

from rushlight.autograd.state import enable_grad
from rushlight.core.tensor import TensorBase, bump
from rushlight.errors import warn


def among(tensor: Any, tensors: tuple[Any, ...] | None) -> bool:
    """Whether it is one of them."""
    return any(tensor is t for t in tensors or ())


def check_saved(ctx: Any, args: tuple[Any, ...], results: tuple[Any, ...]) -> None:
    """Raise torch's error for an input that is returned and saved."""
    for t in (*(ctx.to_save or ()), *(ctx.saved_for_forward or ())):
        if among(t, args) and among(t, results) and not among(t, ctx.non_differentiable):
            raise RuntimeError(
                "An input that has been returned as-is as output is being saved for backward. This is not "
                "supported if you override setup_context. You should return and save a view of the input "
                "instead, e.g. with x.view_as(x) or setup ctx inside the forward function itself."
            )


def need_tensors(tensors: tuple[Any, ...] | None) -> None:
    """Raise torch's error for what save_for_backward cannot keep."""
    for number, t in enumerate(tensors or ()):
        if t is not None and not isinstance(t, TensorBase):
            raise TypeError(
                f"save_for_backward can only save variables, but argument {number} is of type "
                f"{type(t).__name__}: keep other values as attributes of ctx"
            )


def check_marks(
    node: Any, args: tuple[Any, ...], results: tuple[Any, ...], recording: bool
) -> None:
    """Raise torch's errors for tensors that are marked and must not be."""
    from rushlight.ops.writable import admit

    for t in node.dirty_tensors or ():
        if not isinstance(t, TensorBase):
            raise RuntimeError(
                f"mark_dirty can only accept variables, but argument is of type {type(t).__name__}"
            )
    for t in node.non_differentiable or ():
        if not isinstance(t, TensorBase):
            raise RuntimeError(
                f"mark_non_differentiable only accepts variable arguments, but got {type(t).__name__}"
            )
    several = sum(isinstance(r, TensorBase) for r in results) > 1
    for t in node.dirty_tensors or ():
        if not among(t, results):
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as output. The "
                "inputs that are modified inplace must all be outputs of the Function."
            )
        bump(t, node.name())
        if not among(t, args):
            warn(
                "ctx.mark_dirty() received a tensor that was not an input. Only input Tensors that have "
                "been mutated should be passed to ctx.mark_dirty()."
            )
        elif recording and not among(t, node.non_differentiable):
            with enable_grad():
                admit(t)
        if recording and several and t._view_ is not None:
            raise RuntimeError(
                "If your Function modifies inplace an input that is a view of another Tensor, your "
                "Function cannot return more than one Tensor: return the changed input alone, or work "
                "on a clone"
            )
