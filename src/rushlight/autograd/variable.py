"""`Variable`, from before tensors recorded gradients themselves: programs of that time still use it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rushlight.core.state import state
from rushlight.core.tensor import TensorBase
from rushlight.errors import warn

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


class _VariableType(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, TensorBase)

    def __call__(cls, data: Tensor, requires_grad: bool = False, volatile: bool = False) -> Any:
        if not isinstance(data, TensorBase):
            raise TypeError(
                f"Variable data has to be a tensor, but got {type(data).__name__}: use torch.tensor(...)"
            )
        if volatile:
            warn("volatile was removed and now has no effect. Use `with torch.no_grad():` instead.")
        return data.detach()._want_grad(requires_grad)


class _Engine:
    """What backward is run by, as programs see it."""

    def queue_callback(self, callback: Callable[[], Any]) -> None:
        """Call it, without arguments, when the backward that runs is over and gradients are where they belong."""
        if state.walk is None:
            raise RuntimeError("Final callbacks can only be installed during backward pass.")
        state.walk.callbacks.append(callback)


class Variable(metaclass=_VariableType):
    """`Variable(tensor, requires_grad=False)`: the tensor on its own, outside any graph."""

    _execution_engine = _Engine()
