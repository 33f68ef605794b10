"""Compilers of functorch: what torch.compile stands on in torch, and rushlight has otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.absent import refused

_WHY = "it hands out graphs of ATen's operators, which rushlight has not; use torch.compile"
aot_function = refused("aot_function", _WHY, __name__)
aot_module = refused("aot_module", _WHY, __name__)
aot_module_simplified = refused("aot_module_simplified", _WHY, __name__)
compiled_function = refused("compiled_function", _WHY, __name__)
compiled_module = refused("compiled_module", _WHY, __name__)
default_partition = refused("default_partition", _WHY, __name__)
draw_graph = refused("draw_graph", _WHY, __name__)
memory_efficient_fusion = refused("memory_efficient_fusion", _WHY, __name__)
min_cut_rematerialization_partition = refused("min_cut_rematerialization_partition", _WHY, __name__)
minifier = refused("minifier", _WHY, __name__)
ts_compile = refused("ts_compile", _WHY, __name__)


def nop(fx_g: Any, _: Any) -> Any:
    """The graph as it is."""
    return fx_g


def make_boxed_func(f: Callable[..., Any]) -> Callable[[list[Any]], Any]:
    """The function, taking its arguments in a list."""

    def boxed(args: list[Any]) -> Any:
        return f(*args)

    boxed._boxed_call = True  # type: ignore[attr-defined]
    return boxed


def make_boxed_compiler(compiler: Callable[..., Any]) -> Callable[..., Any]:
    """The compiler, whose functions take their arguments in lists."""

    def compile(fx_g: Any, inps: Any) -> Any:
        return make_boxed_func(compiler(fx_g, inps))

    return compile
