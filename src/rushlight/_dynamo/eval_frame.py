"""What runs compiled functions in torch: names."""

from __future__ import annotations

from typing import Any

from rushlight._dynamo.exc import Unsupported
from rushlight.nn.modules.module import Module

__all__ = [
    "OptimizedModule",
    "Unsupported",
    "innermost_fn",
    "is_dynamo_supported",
    "is_inductor_supported",
]


class OptimizedModule(Module):
    """A compiled module: the module under a wrapper."""

    _orig_mod: Module

    def __init__(self, mod: Module, dynamo_ctx: Any = None) -> None:
        super().__init__()
        self._orig_mod = mod

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module returns."""
        return self._orig_mod(*args, **kwargs)


def innermost_fn(fn: Any, unaltered_fn_attr: str = "_torchdynamo_orig_callable") -> Any:
    """The function that was compiled."""
    while hasattr(fn, unaltered_fn_attr):
        fn = getattr(fn, unaltered_fn_attr)
    return fn


def is_dynamo_supported() -> bool:
    """True: `torch.compile` can be called."""
    return True


is_inductor_supported = is_dynamo_supported
