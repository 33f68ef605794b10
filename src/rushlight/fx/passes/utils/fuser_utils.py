"""Nodes of a graph put together as a module that is called once."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

from rushlight.fx.graph import Graph
from rushlight.fx.graph_module import GraphModule
from rushlight.fx.node import Node
from rushlight.fx.passes.tools_common import stable_topological_sort
from rushlight.fx.passes.utils.common import lift_subgraph_as_module
from rushlight.fx.passes.utils.partitions import topo_sort, validate_partition
from rushlight.fx.proxy import Proxy

__all__ = [
    "erase_nodes", "fuse_as_graphmodule", "fuse_by_partitions", "insert_subgm", "topo_sort",
    "validate_partition",
]  # fmt: skip


def fuse_as_graphmodule(
    gm: GraphModule,
    nodes: Sequence[Node],
    module_name: str,
    partition_lookup_table: dict[Node, Any] | None = None,
    *,
    always_return_tuple: bool = False,
) -> tuple[GraphModule, tuple[Node, ...], tuple[Node, ...]]:
    """The nodes, which are in order, as a module; and which nodes of gm it takes and gives."""
    for node in nodes:
        if node.graph.owning_module is not gm:
            raise AssertionError(
                f"{node} doesn't belong to passed in graph module {gm._get_name()}"
            )
        if node._erased:
            raise AssertionError(f"{node} has been removed from owning graph")
    if not validate_partition(nodes):
        raise AssertionError("Invalid partition, found dependency cycles")
    inside = dict.fromkeys(nodes) if partition_lookup_table is None else partition_lookup_table
    part = Graph()
    taken: dict[Node, Node] = {}
    copies: dict[Node, Node] = {}

    def mapped(node: Node) -> Node:
        if node in inside:
            return copies[node]
        if node not in taken:
            taken[node] = part.placeholder(node.name, type_expr=node.type)
            taken[node].meta = copy.copy(node.meta)
        return taken[node]

    for node in nodes:
        copies[node] = part.node_copy(node, mapped)
    given = {n: copies[n] for n in nodes if any(user not in inside for user in n.users)}
    outs = tuple(given.values())
    part.output(outs[0] if len(outs) == 1 and not always_return_tuple else outs)
    part.lint()
    module, _ = lift_subgraph_as_module(gm, part, comp_name="", class_name=module_name)
    return module, tuple(taken), tuple(given)


def insert_subgm(
    gm: GraphModule,
    sub_gm: GraphModule,
    orig_inputs: tuple[Node, ...],
    orig_outputs: tuple[Node, ...],
    insertion_point: Node | None = None,
) -> GraphModule:
    """Call a module that `fuse_as_graphmodule` made, in the place of its nodes."""
    name = type(sub_gm).__name__
    gm.add_submodule(name, sub_gm)
    if insertion_point is None:
        insertion_point = next((n for n in reversed(gm.graph.nodes) if n in orig_outputs), None)
        if insertion_point is None:
            raise AssertionError(
                "Cannot determine insertion point: no insertion_point provided and orig_outputs is empty. Pass "
                "the last partition node as insertion_point."
            )
    with gm.graph.inserting_after(insertion_point):
        call = gm.graph.call_module(name, args=orig_inputs)
    if not orig_outputs:
        return gm
    with gm.graph.inserting_before(call.next):
        if len(orig_outputs) == 1 and not isinstance(sub_gm.graph.output_node().args[0], tuple):
            orig_outputs[0].replace_all_uses_with(call, propagate_meta=True)
        else:
            for i, node in enumerate(orig_outputs):
                part: Any = Proxy(call)[i]  # type: ignore[index]
                node.replace_all_uses_with(part.node, propagate_meta=True)
            call.meta["val"] = tuple(node.meta.get("val") for node in orig_outputs)
    return gm


def erase_nodes(gm: GraphModule, nodes: Sequence[Node]) -> None:
    """Erase nodes that are in order."""
    for node in reversed(nodes):
        gm.graph.erase_node(node)


def fuse_by_partitions(
    gm: GraphModule,
    partitions: Iterable[dict[Node, Any]],
    prefix: str = "fused_",
    always_return_tuple: bool = False,
) -> GraphModule:
    """Put each set of nodes together as a module."""
    for i, partition in enumerate(partitions):
        nodes = topo_sort(list(partition))
        module, inputs, outputs = fuse_as_graphmodule(
            gm, nodes, f"{prefix}{i}", partition, always_return_tuple=always_return_tuple
        )
        insert_subgm(gm, module, inputs, outputs, nodes[-1])
        erase_nodes(gm, nodes)
    stable_topological_sort(gm)
    gm.graph.lint()
    return gm
