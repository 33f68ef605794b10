"""What `torch.compile` does with a graph by default: C."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.compiler.compile import compile

__all__ = ["compile_fx", "compile_fx_inner"]


def compile_fx(
    model_: Any, example_inputs_: Any = None, *args: Any, **options: Any
) -> Callable[..., Any]:
    """The forward of a GraphModule as C."""
    return compile(getattr(model_, "forward", model_))


compile_fx_inner = compile_fx
