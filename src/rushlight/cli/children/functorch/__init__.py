"""What `import functorch` finds, which torch brings with it: the older place of `torch.func`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.absent import refused
from rushlight.func import (
    functional_call,
    functionalize,
    grad,
    grad_and_value,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    stack_module_state,
    vjp,
    vmap,
)
from rushlight.version import __version__

__all__ = [
    "__version__", "functionalize", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp",
    "make_functional", "make_functional_with_buffers", "stack_module_state", "vjp", "vmap",
]  # fmt: skip

_OLDER = "use torch.func.functional_call"
FunctionalModule = refused("FunctionalModule", _OLDER, __name__)
FunctionalModuleWithBuffers = refused("FunctionalModuleWithBuffers", _OLDER, __name__)
combine_state_for_ensemble = refused(
    "combine_state_for_ensemble", "use torch.func.stack_module_state", __name__
)


def make_functional(
    model: Any, disable_autograd_tracking: bool = False
) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """The module as a function of its parameters, and these."""
    names = [name for name, _ in model.named_parameters()]
    own = tuple(p.detach() if disable_autograd_tracking else p for p in model.parameters())

    def function(params: Any, *args: Any, **kwargs: Any) -> Any:
        return functional_call(model, dict(zip(names, params, strict=True)), args, kwargs)

    return function, own


def make_functional_with_buffers(
    model: Any, disable_autograd_tracking: bool = False
) -> tuple[Callable[..., Any], tuple[Any, ...], tuple[Any, ...]]:
    """The module as a function of its parameters and buffers, and these."""
    names = [name for name, _ in model.named_parameters()]
    held = [name for name, _ in model.named_buffers()]
    own = tuple(p.detach() if disable_autograd_tracking else p for p in model.parameters())

    def function(params: Any, buffers: Any, *args: Any, **kwargs: Any) -> Any:
        given = dict(zip([*names, *held], [*params, *buffers], strict=True))
        return functional_call(model, given, args, kwargs)

    return function, own, tuple(model.buffers())
