"""What runs compiled functions in torch: names."""

from __future__ import annotations

from typing import Any

from rushlight._dynamo.exc import Unsupported
from rushlight.compiler.optimized import OptimizedModule

__all__ = [
    "OptimizedModule",
    "Unsupported",
    "innermost_fn",
    "is_dynamo_supported",
    "is_inductor_supported",
]


def innermost_fn(fn: Any, unaltered_fn_attr: str = "_torchdynamo_orig_callable") -> Any:
    """The function that was compiled."""
    while hasattr(fn, unaltered_fn_attr):
        fn = getattr(fn, unaltered_fn_attr)
    return fn


def is_dynamo_supported() -> bool:
    """True: `torch.compile` can be called."""
    return True


is_inductor_supported = is_dynamo_supported
