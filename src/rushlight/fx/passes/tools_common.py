"""Names of what nodes call, and putting nodes in order."""

from __future__ import annotations

import collections
import heapq
import operator
from collections.abc import Mapping
from typing import Any

from rushlight._tensor import Tensor
from rushlight.fx.graph import Graph
from rushlight.fx.graph_module import GraphModule
from rushlight.fx.naming import module_of
from rushlight.fx.node import Node, _get_qualified_name

__all__ = [
    "get_acc_ops_name", "get_node_target", "is_node_output_tensor", "legalize_graph",
    "stable_topological_sort",
]  # fmt: skip

NodeList = list[Node]
NodeSet = set[Node]
CALLABLE_NODE_OPS = {"call_module", "call_function", "call_method"}


def get_acc_ops_name(k: Any) -> str:
    """The full name of a class, or the name that is given."""
    return k if isinstance(k, str) else f"{module_of(k) or ''}.{k.__name__}"


def get_node_target(submodules: Mapping[str, Any], node: Node) -> str:
    """The name of what a node calls: of the method, the function, or the module's class."""
    if node.op not in CALLABLE_NODE_OPS:
        raise AssertionError(
            f"Expect op types of {', '.join(CALLABLE_NODE_OPS)}, but found {node.op}"
        )
    target: Any = node.target
    if node.op == "call_module":
        module = submodules[target]
        return get_acc_ops_name(getattr(module, "_base_class_origin", type(module)))
    return _get_qualified_name(target) if node.op == "call_function" else target


def is_node_output_tensor(node: Node) -> bool:
    """Whether a node gives a tensor, as `ShapeProp` has seen."""
    kind = node.meta.get("type")
    return kind is not None and issubclass(kind, Tensor)


# What checks of sizes are made of goes before all else.
_FIRST = (
    *(operator.add, operator.mul, operator.sub, operator.floordiv, operator.truediv, operator.mod),
    *(operator.le, operator.lt, operator.ge, operator.gt, operator.eq, operator.ne),
)


def _inputs_left(gm: GraphModule) -> dict[Node, int]:
    left = dict.fromkeys(gm.graph.nodes, 0)
    for node in gm.graph.nodes:
        for user in node.users:
            left[user] += 1
    return left


def _rebuilt(gm: GraphModule, order: list[Node]) -> GraphModule:
    missing = [node for node in gm.graph.nodes if node not in set(order)]
    if missing:
        raise RuntimeError(f"Input graph has cycles, unable to add {missing}")
    graph = Graph()
    copies: dict[Node, Node] = {}
    for node in order:
        copies[node] = graph.node_copy(node, lambda x: copies[x])
    graph._codegen = gm.graph._codegen
    gm.graph = graph
    return gm


def legalize_graph(gm: GraphModule) -> GraphModule:
    """Put the nodes of a module's graph in an order in which each comes after what it uses."""
    left = _inputs_left(gm)
    ready = collections.deque(node for node in gm.graph.nodes if left[node] == 0)
    order: list[Node] = []
    while ready:
        node = ready.popleft()
        order.append(node)
        for user in node.users:
            left[user] -= 1
            if left[user] == 0:
                first = user.op == "call_function" and user.target in _FIRST
                (ready.appendleft if first else ready.append)(user)
    return _rebuilt(gm, order)


def stable_topological_sort(gm: GraphModule) -> GraphModule:
    """The same, with the order there is wherever it leaves a choice."""
    left = _inputs_left(gm)
    nodes = list(gm.graph.nodes)
    place = {node: i for i, node in enumerate(nodes)}
    ready = [place[node] for node in nodes if left[node] == 0]
    order: list[Node] = []
    while ready:
        node = nodes[heapq.heappop(ready)]
        order.append(node)
        for user in node.users:
            left[user] -= 1
            if left[user] == 0:
                heapq.heappush(ready, place[user])
    return _rebuilt(gm, order)
