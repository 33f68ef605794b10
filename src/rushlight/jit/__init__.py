"""torch.jit without TorchScript: what is scripted or traced stays Python, and gives the same.

`script` and `trace` give objects of torch's classes that run the program as it stands; `is_scripting()` and
`is_tracing()` are true in them, as in torch. Nothing is compiled, so what TorchScript does otherwise than
Python (`2 ** 3` is 8.0 there) is as in Python, and a trace decides anew what it decided by values.

>>> import rushlight as torch
>>> @torch.jit.script
... def double(x):
...     return x * 2
>>> double(torch.ones(2))
tensor([2., 2.])
"""

from rushlight.jit import _recursive as _recursive
from rushlight.jit import _script, _state, _trace
from rushlight.jit._async import Future, fork, wait
from rushlight.jit._freeze import freeze, optimize_for_inference, run_frozen_optimizations
from rushlight.jit._fuser import (
    enable_onednn_fusion,
    fuser,
    last_executed_optimized_graph,
    onednn_fusion_enabled,
    optimized_execution,
    set_fusion_strategy,
    strict_fusion,
)
from rushlight.jit._marks import (
    Final,
    _drop,
    _IgnoreContextManager,
    _overload,
    _overload_method,
    export,
    ignore,
    is_scripting,
    unused,
)
from rushlight.jit._script import (
    Attribute,
    CompilationUnit,
    Error,
    RecursiveScriptClass,
    RecursiveScriptModule,
    ScriptFunction,
    ScriptModule,
    ScriptWarning,
    interface,
    script,
    script_method,
)
from rushlight.jit._serialization import export_opnames, load, save
from rushlight.jit._trace import (
    TopLevelTracedModule,
    TracedModule,
    TracerWarning,
    TracingCheckError,
    _get_trace_graph,
    is_tracing,
    script_if_tracing,
    trace,
    trace_module,
)
from rushlight.jit._types import annotate, isinstance

_fork, _wait = fork, wait
_set_fusion_strategy = set_fusion_strategy

__all__ = [
    "Attribute", "CompilationUnit", "Error", "Final", "Future", "RecursiveScriptClass", "RecursiveScriptModule",
    "ScriptFunction", "ScriptModule", "ScriptWarning", "TopLevelTracedModule", "TracedModule", "TracerWarning",
    "TracingCheckError", "annotate", "enable_onednn_fusion", "export", "export_opnames", "fork", "freeze",
    "fuser", "ignore", "interface", "is_scripting", "is_tracing", "isinstance", "last_executed_optimized_graph",
    "load", "onednn_fusion_enabled", "optimize_for_inference", "optimized_execution",
    "run_frozen_optimizations", "save", "script", "script_if_tracing", "script_method", "set_fusion_strategy",
    "strict_fusion", "trace", "trace_module", "unused", "wait",
]  # fmt: skip
