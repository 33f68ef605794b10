"""`OptimizedModule`: what `torch.compile` makes of a module."""

from __future__ import annotations

from collections.abc import Callable, Sized
from typing import Any

from rushlight.errors import warn
from rushlight.nn.modules.hooks import (
    _global_backward_hooks,
    _global_backward_pre_hooks,
    _global_forward_hooks,
    _global_forward_pre_hooks,
)
from rushlight.nn.modules.module import Module

_OWN = {"_orig_mod", "dynamo_ctx", "_torchdynamo_orig_callable", "forward", "__dict__",
        "_super_module_initialized"}  # fmt: skip


class OptimizedModule(Module):
    """A module whose calls are compiled; all else is the module's own.

    What is set or asked for is set on, or found at, the module, which is `_orig_mod` here: so the names of
    parameters begin with that.

    >>> import rushlight as torch
    >>> model = torch.nn.Linear(2, 1)
    >>> compiled = torch.compile(model)
    >>> compiled.weight is model.weight, list(compiled.state_dict())
    (True, ['_orig_mod.weight', '_orig_mod.bias'])
    """

    dynamo_ctx: Callable[[Any], Any]

    def __init__(self, mod: Module, dynamo_ctx: Callable[[Any], Any]) -> None:
        self.__dict__["_orig_mod"] = mod
        self._super_module_initialized = False
        super().__init__()
        self._super_module_initialized = True
        del self.__dict__["_orig_mod"]
        self._orig_mod = mod
        self.dynamo_ctx = dynamo_ctx
        self._initialize()

    def _initialize(self) -> None:
        self.__dict__["forward"] = self.dynamo_ctx(self._orig_mod)
        self.__dict__["_torchdynamo_orig_callable"] = self._orig_mod

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the module returns."""
        if (
            _global_forward_hooks
            or _global_forward_pre_hooks
            or _global_backward_hooks
            or _global_backward_pre_hooks
        ):
            warn(
                "Using `torch.compile(module)` when there are global hooks on modules (e.g., from "
                "`register_module_forward_hook`); this will cause the hooks to fire an extra time for the "
                "`OptimizedModule` created by `torch.compile(module)`. If this causes undesired behavior, "
                "please try using `module.compile()`, or use the per-module hooks instead"
            )
        return super().__call__(*args, **kwargs)

    def __len__(self) -> int:
        if isinstance(self._orig_mod, Sized):
            return len(self._orig_mod)
        raise TypeError(f"{type(self._orig_mod).__name__} does not support len()")

    def __reduce__(self) -> Any:
        return type(self), (self._orig_mod, self.dynamo_ctx)

    @property
    def training(self) -> bool:
        """Whether the module is in training mode."""
        return self._orig_mod.training

    @training.setter
    def training(self, mode: bool) -> None:
        # What `Module.__init__` sets is not meant for the module.
        if self._super_module_initialized:
            self._orig_mod.training = mode

    def __getattr__(self, name: str) -> Any:
        if name == "_orig_mod":
            return self._modules["_orig_mod"]
        return getattr(self._orig_mod, name)

    def __setattr__(self, name: str, value: Any) -> None:
        own = name in _OWN or hasattr(type(self), name)
        if own:
            super().__setattr__(name, value)
        else:
            setattr(self._orig_mod, name, value)

    def __delattr__(self, name: str) -> None:
        if name in _OWN or hasattr(type(self), name):
            super().__delattr__(name)
        else:
            delattr(self._orig_mod, name)

    def __dir__(self) -> list[str]:
        inner = self._orig_mod.__dir__()
        return [*inner, *(name for name in super().__dir__() if name not in inner)]


__all__ = ["OptimizedModule"]
