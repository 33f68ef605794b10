"""torch._ops: the classes of operators, under the names that libraries know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from rushlight.library import spaces as ops
from rushlight.library.operators import Namespace as _OpNamespace
from rushlight.library.operators import OpOverload, OpOverloadPacket

Function = TypeVar("Function", bound=Callable[..., Any])


class HigherOrderOperator:
    """An operator that takes functions, whose implementations are registered by keys: those of the CPU run.

    The operators that torch has of this kind (`torch.cond`) are functions themselves.

    >>> twice = HigherOrderOperator("twice")
    >>> _ = twice.py_impl("CPU")(lambda f, x: f(f(x)))
    >>> twice(lambda x: x + 1, 1)
    3
    """

    def __init__(self, name: str, *, cacheable: bool = False) -> None:
        self._name = self.__name__ = name
        self._ns = self.namespace = "higher_order"
        self.py_kernels: dict[Any, Callable[..., Any]] = {}

    def py_impl(self, k: Any) -> Callable[[Function], Function]:
        """A decorator: the function runs for this key."""

        def register(fn: Function) -> Function:
            self.py_kernels[k] = fn
            return fn

        return register

    def name(self) -> str:
        """What it is called."""
        return self._name

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """What the implementation gives that runs on the CPU."""
        known = {str(key).rpartition(".")[2]: fn for key, fn in self.py_kernels.items()}
        for key in ("CPU", "CompositeExplicitAutograd", "CompositeImplicitAutograd", "Autograd"):
            if key in known:
                return known[key](*args, **kwargs)
        raise NotImplementedError(
            f"There was no rule registered for HigherOrderOperator {self._name} and dispatch key CPU: "
            "register one with py_impl"
        )


__all__ = ["HigherOrderOperator", "OpOverload", "OpOverloadPacket", "_OpNamespace", "ops"]
