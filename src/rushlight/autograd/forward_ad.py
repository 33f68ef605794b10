"""Dual numbers: tensors with a tangent beside them, which operations carry along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rushlight.autograd.forward import Forward, need_dual
from rushlight.autograd.state import _Switch
from rushlight.core.doors import apply
from rushlight.core.state import state
from rushlight.core.tensor import TensorBase
from rushlight.primitives.view import variable

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

__all__ = [
    "UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual",
]  # fmt: skip


class UnpackedDualTensor(NamedTuple):
    """A dual tensor taken apart: its value, and its tangent if it has one."""

    primal: Tensor
    tangent: Tensor | None


class _DualLevel(Forward):
    """The level that users enter: there is one at a time."""

    transforms = False


def _current() -> _DualLevel | None:
    for watcher in reversed(state.interpreters):
        if isinstance(watcher, _DualLevel):
            return watcher
    return None


def enter_dual_level() -> int:
    """Begin a level of forward mode; `dual_level` ends it too."""
    if _current() is not None:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    _DualLevel().__enter__()
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """End the level: all tangents that were made in it are forgotten."""
    current = _current()
    if current is None:
        raise RuntimeError("Dual level must be a positive number.")
    if level not in (None, 0):
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. This is not "
            "supported."
        )
    current.__exit__(None, None, None)
    current.forget()


class dual_level(_Switch):
    """A block in which tensors may have tangents.

    >>> import rushlight as torch
    >>> with dual_level():
    ...     dual = make_dual(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 0.0]))
    ...     unpack_dual(dual * dual).tangent
    tensor([2., 0.])
    """

    def __enter__(self) -> int:  # type: ignore[override]
        return enter_dual_level()

    def __exit__(self, *exception: Any) -> None:
        exit_dual_level()


class _set_fwd_grad_enabled(_Switch):
    """A block in which tangents are carried on, or not."""

    def __init__(self, mode: bool) -> None:
        self.mode = mode

    def __enter__(self) -> None:
        self.before, Forward.carries = Forward.carries, self.mode

    def __exit__(self, *exception: Any) -> None:
        Forward.carries = self.before


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """A tensor on the same memory, with this tangent beside it."""
    current = _current()
    if current is None or level not in (None, 0):
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to "
            "enter_dual_level() first."
            if level is None
            else "Invalid level given to _make_dual"
        )
    need_dual(tensor, tangent)
    if current.tangent(tensor) is not None:
        raise RuntimeError(
            "Making a dual Tensor based on a Tensor that already has a forward gradient at the same "
            "level 0 is not supported."
        )
    if current.tangent(tangent) is not None:
        raise RuntimeError(
            "Setting a forward grad that itself has a forward gradient at the same level 0 is not supported."
        )
    dual = _identical(tensor, "ViewBackward0")
    if not current.unseen((tensor, tangent)):
        current.dual(dual, tangent)
    return dual


def _identical(tensor: Tensor, label: str) -> Tensor:
    out: Tensor = apply(variable, tensor)
    if out._node_ is not None:
        out._node_._label = label
    return out


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """The value and the tangent of a tensor; outside of any level it is the tensor itself."""
    if not isinstance(tensor, TensorBase):
        raise TypeError(
            f"_unpack_dual(): argument 'dual' (position 1) must be Tensor, not {type(tensor).__name__}"
        )
    current = _current()
    if current is None:
        return UnpackedDualTensor(tensor, None)
    if level not in (None, 0):
        raise RuntimeError("Invalid level given to _fw_primal")
    tangent = current.tangent(tensor)
    primal = _identical(tensor, "torch::autograd::Identity")
    current.give(primal, None)
    return UnpackedDualTensor(primal, tangent)
