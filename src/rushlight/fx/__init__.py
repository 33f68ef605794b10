"""torch.fx: programs as graphs that can be read, changed, and run again.

`symbolic_trace` runs a module once on proxies and gives a `GraphModule`: the `graph` of what it did, and the
Python `code` written from the graph.

>>> import rushlight as torch
>>> traced = torch.fx.symbolic_trace(lambda x: torch.relu(x) * 2)
>>> print(traced.code.strip())
def forward(self, x):
    relu = torch.relu(x);  x = None
    mul = relu * 2;  relu = None
    return mul
"""

from rushlight.fx import immutable_collections
from rushlight.fx._symbolic_trace import PH, ProxyableClassMeta, Tracer, symbolic_trace, wrap
from rushlight.fx.graph import CodeGen, Graph
from rushlight.fx.graph_module import GraphModule
from rushlight.fx.interpreter import Interpreter, Transformer
from rushlight.fx.node import Node, has_side_effect, map_arg
from rushlight.fx.proxy import Proxy
from rushlight.fx.subgraph_rewriter import replace_pattern

__all__ = [
    "PH", "CodeGen", "Graph", "GraphModule", "Interpreter", "Node", "Proxy", "ProxyableClassMeta", "Tracer",
    "Transformer", "has_side_effect", "immutable_collections", "map_arg", "replace_pattern",
    "symbolic_trace", "wrap",
]  # fmt: skip
