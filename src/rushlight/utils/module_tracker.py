"""Which modules are at work: `torch.utils.module_tracker`."""

from __future__ import annotations

import weakref
from typing import Any, Self

from rushlight.autograd.graph import register_multi_grad_hook
from rushlight.core.tensor import TensorBase
from rushlight.nn.modules.hooks import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from rushlight.utils.trees import tree_flatten

__all__ = ["ModuleTracker"]


class ModuleTracker:
    """Within the block, `parents` has the dotted names of the modules that compute now, forward or backward.

    >>> import rushlight as torch
    >>> net = torch.nn.Sequential(torch.nn.ReLU())
    >>> class Shown(torch.nn.Module):
    ...     def forward(self, x):
    ...         print(sorted(tracker.parents))
    ...         return x
    >>> net.append(Shown()) and None
    >>> with ModuleTracker() as tracker:
    ...     net(torch.ones(1)) and None
    ['Global', 'Sequential', 'Sequential.1']
    """

    def __init__(self) -> None:
        self.parents = {"Global"}
        self._known_modules: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
        self._hooks: list[Any] = []
        self._has_callback = False

    @property
    def is_bw(self) -> bool:
        """Whether this is asked in the middle of a backward."""
        from rushlight.core.state import state

        return state.walk is not None

    def _get_mod_name(self, mod: Any) -> str:
        if mod not in self._known_modules:
            for name, part in mod.named_modules():
                whole = type(mod).__name__ + (f".{name}" if name else "")
                self._known_modules.setdefault(part, whole)
        return self._known_modules[mod]

    def _before(self, mod: Any, inputs: Any) -> None:
        self._enter(self._get_mod_name(mod), inputs, self._leave)

    def _after(self, mod: Any, inputs: Any, outputs: Any) -> None:
        name = self._get_mod_name(mod)
        self.parents.discard(name)
        tensors = _that_want_gradients(outputs)
        if tensors:
            register_multi_grad_hook(tensors, lambda grads: self.parents.add(name))

    def _enter(self, name: str, inputs: Any, leave: Any) -> None:
        self.parents.add(name)
        tensors = _that_want_gradients(inputs)
        if tensors:
            register_multi_grad_hook(tensors, lambda grads: leave(name))

    def _leave(self, name: str) -> None:
        self.parents.discard(name)

    def __enter__(self) -> Self:
        self._hooks = [
            register_module_forward_pre_hook(self._before),
            register_module_forward_hook(self._after, always_call=True),
        ]
        return self

    def __exit__(self, *exception: object) -> None:
        for hook in self._hooks:
            hook.remove()


def _that_want_gradients(values: Any) -> list[Any]:
    flat, _ = tree_flatten(values)
    return [t for t in flat if isinstance(t, TensorBase) and t._requires_grad_]
