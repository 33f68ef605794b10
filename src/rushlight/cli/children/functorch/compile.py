"""`functorch.compile`: a function's forward and backward as graphs of ATen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.absent import refused
from rushlight.compiler.graphs.ahead import aot_function, make_boxed_func
from rushlight.compiler.graphs.aten import make_fx
from rushlight.func import functional_call

__all__ = [
    "aot_function", "aot_module", "default_partition", "make_boxed_compiler", "make_boxed_func", "make_fx",
    "memory_efficient_fusion", "min_cut_rematerialization_partition", "nop", "print_compile",
]  # fmt: skip


_WHY = "graphs of two halves are made by aot_function and torch.compile, and cut by what the backward reads"
aot_module_simplified = refused("aot_module_simplified", _WHY, __name__)
compiled_function = refused("compiled_function", _WHY, __name__)
compiled_module = refused("compiled_module", _WHY, __name__)
default_partition = refused("default_partition", _WHY, __name__)
draw_graph = refused("draw_graph", "print the code of the graph", __name__)
min_cut_rematerialization_partition = refused("min_cut_rematerialization_partition", _WHY, __name__)
minifier = refused("minifier", "make the program smaller by hand", __name__)
ts_compile = refused("ts_compile", "use nop: the graph runs as it is", __name__)


def nop(fx_g: Any, _: Any) -> Any:
    """The graph as it is."""
    return fx_g


def print_compile(fx_g: Any, _: Any) -> Callable[..., Any]:
    """A compiler that prints the graph, and runs it."""
    print(fx_g.code)
    return fx_g.forward


def make_boxed_compiler(compiler: Callable[..., Any]) -> Callable[..., Any]:
    """A compiler whose functions take lists."""
    return lambda fx_g, inputs: make_boxed_func(compiler(fx_g, inputs))


def aot_module(mod: Any, *args: Any, **kwargs: Any) -> Callable[..., Any]:
    """A module as a function whose graphs are compiled: see `aot_function`."""
    kept = {**dict(mod.named_parameters()), **dict(mod.named_buffers())}

    def called(kept: Any, args: Any, kwargs: Any) -> Any:
        return functional_call(mod, kept, args, kwargs)

    compiled = aot_function(called, *args, **kwargs)
    return lambda *args, **kwargs: compiled(kept, args, kwargs)


def memory_efficient_fusion(fn: Any, **options: Any) -> Callable[..., Any]:
    """The function, whose graphs run as they are."""
    return aot_function(fn, fw_compiler=nop)
