"""Finding the nodes that come from a function or a layer, by what they remember of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rushlight.fx.graph import Graph
from rushlight.fx.node import Node

__all__ = ["SourcePartition", "check_subgraphs_connected", "get_source_partitions"]


@dataclass
class SourcePartition:
    """The nodes that one call became."""

    nodes: list[Node]
    source: Any
    input_nodes: list[Node] = field(default_factory=list)
    output_nodes: list[Node] = field(default_factory=list)
    params: list[Node] = field(default_factory=list)


def _source(node: Node, wanted: Sequence[Any]) -> tuple[Any, str] | None:
    """What a node was made from, and which call of it."""
    stack = node.meta.get("source_fn_stack")
    if stack is not None:
        name, function = stack[-1]
        return (function, name) if function in wanted else None
    called = node.meta.get("torch_fn")
    if called is not None:
        name, function = called[0], called[1].split(".")[1]
        if function in wanted:
            return function, name
    modules = node.meta.get("nn_module_stack") if node.op == "call_function" else None
    if modules:
        path, kind = list(modules.values())[-1]
        for source in wanted:
            same = kind == source
            if isinstance(source, type):
                full = f"{source.__module__}.{source.__qualname__}"
                same = issubclass(kind, source) if isinstance(kind, type) else kind == full
            if same:
                return source, path
    return None


def get_source_partitions(
    graph: Graph, wanted_sources: list[Any], filter_fn: Callable[[Node], bool] | None = None
) -> dict[Any, list[SourcePartition]]:
    """For each function or layer the calls of it, where all nodes pass the filter."""
    found: dict[Any, dict[str, list[Node]]] = {}
    for node in graph.nodes:
        source = _source(node, wanted_sources)
        if source is not None:
            found.setdefault(source[0], {}).setdefault(source[1], []).append(node)
    return {
        source: [
            _partition(nodes, source)
            for nodes in calls.values()
            if filter_fn is None or all(map(filter_fn, nodes))
        ]
        for source, calls in found.items()
    }


def _partition(nodes: list[Node], source: Any) -> SourcePartition:
    own = set(nodes)
    inputs = [a for n in nodes for a in n.args if isinstance(a, Node) and a not in own]
    computed = [node for node in nodes if node.op != "get_attr"]
    return SourcePartition(
        nodes,
        source,
        list(dict.fromkeys(node for node in inputs if node.op != "get_attr")),
        [node for node in computed if any(user not in own for user in node.users)],
        [node for node in nodes if node.op == "get_attr"],
    )


def check_subgraphs_connected(subgraph1: SourcePartition, subgraph2: SourcePartition) -> bool:
    """Whether the second uses something of the first."""
    return any(user in subgraph2.nodes for node in subgraph1.nodes for user in node.users)
