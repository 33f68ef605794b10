"""Models made cheaper for inference."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from rushlight.fx._symbolic_trace import symbolic_trace
from rushlight.fx.graph import Graph
from rushlight.fx.graph_module import GraphModule
from rushlight.fx.interpreter import Transformer
from rushlight.fx.node import Node
from rushlight.nn import modules as layers
from rushlight.nn.modules.module import Module
from rushlight.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

__all__ = [
    "extract_subgraph", "fuse", "matches_module_pattern", "remove_dropout", "replace_node_module",
]  # fmt: skip

_FUSED: dict[tuple[type, type], Any] = {
    (layers.Conv1d, layers.BatchNorm1d): fuse_conv_bn_eval,
    (layers.Conv2d, layers.BatchNorm2d): fuse_conv_bn_eval,
    (layers.Conv3d, layers.BatchNorm3d): fuse_conv_bn_eval,
    (layers.Linear, layers.BatchNorm1d): fuse_linear_bn_eval,
}


def _parent_name(target: str) -> tuple[str, str]:
    above, _, name = target.rpartition(".")
    return above, name


def matches_module_pattern(pattern: Iterable[type], node: Node, modules: dict[str, Any]) -> bool:
    """Whether a node calls a module of the second class on what one of the first class gave."""
    if not node.args:
        return False
    return all(
        isinstance(n, Node) and n.op == "call_module" and type(modules.get(str(n.target))) is kind
        for kind, n in zip(pattern, (node.args[0], node), strict=False)
    )


def replace_node_module(node: Node, modules: dict[str, Any], new_module: Module) -> None:
    """Let a node call another module, at the same path."""
    above, name = _parent_name(str(node.target))
    modules[str(node.target)] = new_module
    setattr(modules[above], name, new_module)


def fuse(model: Module, inplace: bool = False, no_trace: bool = False) -> GraphModule:
    """The model with each batch norm (in eval mode) taken into the convolution or linear layer before it."""
    model = model if inplace else copy.deepcopy(model)
    traced: Any = model if no_trace and isinstance(model, GraphModule) else symbolic_trace(model)
    modules = dict(traced.named_modules())
    graph = copy.deepcopy(traced.graph)
    for pattern, fused in _FUSED.items():
        for node in graph.nodes:
            if not matches_module_pattern(pattern, node, modules) or len(node.args[0].users) > 1:
                continue
            norm = modules[node.target]
            if norm.track_running_stats:
                layer = fused(modules[node.args[0].target], norm)
                replace_node_module(node.args[0], modules, layer)
                node.replace_all_uses_with(node.args[0])
                graph.erase_node(node)
    return GraphModule(traced, graph)


class _WithoutDropout(Transformer):
    def call_module(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if isinstance(self.submodules[target], layers.Dropout):
            return args[0]
        return super().call_module(target, args, kwargs)


def remove_dropout(model: Module) -> Module:
    """The model without its dropout layers."""
    return _WithoutDropout(symbolic_trace(model)).transform()


def extract_subgraph(
    orig_module: Module, nodes: list[Node], inputs: list[Node], outputs: list[Node]
) -> GraphModule:
    """A part of a graph as a module."""
    graph = Graph()
    known = {node: graph.placeholder(node.name) for node in inputs}
    for node in nodes:
        known[node] = graph.node_copy(node, lambda x: known[x])
    graph.output([known[node] for node in outputs])
    graph.lint()
    return GraphModule(orig_module, graph)
