"""The names of torch's `_dynamo`, which libraries mention where they speak of compiling."""

from __future__ import annotations

from typing import Any

from rushlight._dynamo import backends, config, eval_frame, exc, external_utils, utils
from rushlight._dynamo.eval_frame import OptimizedModule
from rushlight._dynamo.explaining import explain
from rushlight._dynamo.exporting import export
from rushlight.absent import nothing as mark_static_address
from rushlight.absent import nothing as mark_unbacked
from rushlight.absent import nothing as reset_code_caches
from rushlight.absent import nothing as skip_frame
from rushlight.compiler.names import (
    allow_in_graph,
    assume_constant_result,
    disable,
    is_compiling,
    list_backends,
    reset,
    set_stance,
    substitute_in_graph,
)
from rushlight._dynamo.backends.registry import lookup_backend, register_backend
from rushlight.compiler.sizes import mark_dynamic, mark_static, maybe_mark_dynamic
from rushlight.compiler.stance import graph_break
from rushlight.settings import compile

__all__ = [
    "OptimizedModule", "allow_in_graph", "assume_constant_result", "backends", "config", "disable", "disallow_in_graph",
    "eval_frame", "exc", "explain", "export", "external_utils", "forbid_in_graph", "graph_break", "is_compiling",
    "is_dynamo_supported", "is_inductor_supported", "list_backends", "lookup_backend", "mark_dynamic",
    "mark_static", "mark_static_address", "mark_unbacked", "maybe_mark_dynamic", "nonstrict_trace", "optimize",
    "optimize_assert", "register_backend", "reset", "reset_code_caches", "run", "set_stance", "skip_frame",
    "substitute_in_graph", "utils",
]  # fmt: skip

disallow_in_graph = forbid_in_graph = nonstrict_trace = run = allow_in_graph
is_dynamo_supported = is_inductor_supported = eval_frame.is_dynamo_supported


def optimize(backend: Any = "inductor", **options: Any) -> Any:
    """The decorator `torch.compile`."""
    kept = {"fullgraph": options.get("nopython", False), "dynamic": options.get("dynamic")}

    def compiled(model: Any) -> Any:
        return compile(model, backend=backend, **kept)

    return compiled


def optimize_assert(backend: Any = "inductor", **options: Any) -> Any:
    """The decorator `torch.compile(fullgraph=True)`."""
    return optimize(backend, **{**options, "nopython": True})
