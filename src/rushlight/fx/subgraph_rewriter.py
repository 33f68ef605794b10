"""Replacing a pattern in a graph by another."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from rushlight.fx._symbolic_trace import symbolic_trace
from rushlight.fx.graph import Graph
from rushlight.fx.graph_module import GraphModule
from rushlight.fx.node import Node
from rushlight.fx.passes.utils.matcher_utils import InternalMatch, SubgraphMatcher
from rushlight.nn.modules.module import Module

__all__ = ["Match", "ReplacedPatterns", "replace_pattern", "replace_pattern_with_filters"]


class Match(NamedTuple):
    """A place where the pattern was found."""

    # The node of the pattern from which it was found.
    anchor: Node
    # Which node of the graph each of the pattern's is.
    nodes_map: dict[Node, Node]


@dataclass
class ReplacedPatterns:
    """A place where the pattern was found, and the nodes that stand there now."""

    anchor: Node
    nodes_map: dict[Node, Node]
    replacements: list[Node]


def replace_pattern(
    gm: GraphModule,
    pattern: Callable[..., Any] | GraphModule,
    replacement: Callable[..., Any] | GraphModule,
) -> list[Match]:
    """Replace every occurrence of one function's steps in a graph by another's.

    Both take the same parameters, which stand for any value. What overlaps an earlier match, and what is used from
    outside of the pattern, is left. Returns the matches.

    >>> import rushlight as torch
    >>> traced = torch.fx.symbolic_trace(lambda x, y: torch.relu(torch.neg(x)) + y)
    >>> found = torch.fx.replace_pattern(
    ...     traced, lambda x: torch.relu(torch.neg(x)), lambda x: torch.sigmoid(x)
    ... )
    >>> len(found), traced(torch.zeros(1), 1)
    (1, tensor([1.5000]))
    """
    replaced = replace_pattern_with_filters(gm, pattern, replacement)
    return [Match(anchor=one.anchor, nodes_map=one.nodes_map) for one in replaced]


def _graph_of(thing: Any) -> Graph:
    if isinstance(thing, GraphModule):
        return thing.graph
    return thing if isinstance(thing, Graph) else symbolic_trace(thing).graph


def replace_pattern_with_filters(
    gm: GraphModule,
    pattern: Callable[..., Any] | Graph | GraphModule,
    replacement: Callable[..., Any] | Graph | GraphModule | None = None,
    match_filters: list[Callable[[InternalMatch, Graph, Graph], bool]] | None = None,
    ignore_literals: bool = False,
    replacement_callback: Callable[[InternalMatch, Graph, Graph], Graph] | None = None,
    node_name_match: str = "",
) -> list[ReplacedPatterns]:
    """`replace_pattern` where all of match_filters(match, graph, pattern) agree.

    With ignore_literals numbers in the pattern stand for any; replacement_callback(match, graph, pattern) makes the
    replacement for each match; nodes whose names hold node_name_match match without more.
    """
    graph, pattern_graph = gm.graph, _graph_of(pattern)
    if replacement is None and replacement_callback is None:
        raise AssertionError(
            "Must provide either a replacement GraphModule or a replacement callback"
        )
    matcher = SubgraphMatcher(pattern_graph, ignore_literals=ignore_literals)
    matches = [
        match
        for match in matcher.match(graph, node_name_match=node_name_match)
        if all(agrees(match, graph, pattern_graph) for agrees in match_filters or ())
    ]
    common = None if replacement is None else _graph_of(replacement)
    # What a match of before has replaced, and by what.
    changed: dict[Node, Node] = {}
    done = []
    for match in matches:
        if replacement_callback is not None:
            new = replacement_callback(match, graph, pattern_graph)
        else:
            new = common  # type: ignore[assignment]
        done.append(_replace(graph, pattern_graph, match, new, changed))
    gm.recompile()
    if isinstance(replacement, Module):
        _bring_attributes(gm, replacement)
    return done


def _replace(
    graph: Graph, pattern: Graph, match: InternalMatch, new: Graph, changed: dict[Node, Node]
) -> ReplacedPatterns:
    placeholders = [node for node in new.nodes if node.op == "placeholder"]
    if len(match.placeholder_nodes) != len(placeholders):
        raise AssertionError(
            f"the pattern has {len(match.placeholder_nodes)} parameters and the replacement {len(placeholders)}: "
            "give both the same, be they used or not"
        )
    for i, node in enumerate(match.placeholder_nodes):
        if isinstance(node, Node) and node in changed:
            match.placeholder_nodes[i] = changed[node]
            for key, value in match.nodes_map.items():
                if value is node:
                    match.nodes_map[key] = changed[node]
                    break
    values: dict[Node, Node] = dict(zip(placeholders, match.placeholder_nodes, strict=True))
    with graph.inserting_before(_place(graph, match)):
        returned: Any = graph.graph_copy(new, values)
    if isinstance(returned, Node):
        returned = (returned,)
    added = [node for node in values.values() if node not in match.placeholder_nodes]
    if len(match.returning_nodes) != len(returned):
        raise AssertionError(
            f"the pattern returns {len(match.returning_nodes)} values and the replacement {len(returned)}"
        )
    for old, value in zip(match.returning_nodes, returned, strict=True):
        old.replace_all_uses_with(value)
        changed[old] = value
    for node in reversed(pattern.nodes):
        if node.op not in ("placeholder", "output"):
            graph.erase_node(match.nodes_map[node])
    return ReplacedPatterns(match.anchors[0], match.nodes_map, added)


def _place(graph: Graph, match: InternalMatch) -> Node:
    """The first node that uses what the match returns; if nobody does, the one after the match."""
    users = {user for node in match.returning_nodes for user in node.users}
    if users:
        return next(node for node in graph.nodes if node in users)
    last = next(node for node in reversed(graph.nodes) if node in match.returning_nodes)
    if last.next is graph._root:
        raise AssertionError("The insert point can't be None")
    return last.next


def _attribute(module: Any, path: str) -> Any:
    above, _, name = path.rpartition(".")
    try:
        return getattr(module.get_submodule(above), name, None)
    except AttributeError:
        return None


def _bring_attributes(gm: GraphModule, replacement: Module) -> None:
    """Copy from the replacement what its nodes fetch and call, unless there is something of that name."""
    gm.delete_all_unused_submodules()
    if isinstance(replacement, GraphModule):
        replacement.graph.lint()
    for node in gm.graph.nodes:
        if node.op not in ("call_module", "get_attr") or _attribute(gm, node.target) is not None:
            continue
        theirs = _attribute(replacement, node.target)
        if theirs is None:
            raise RuntimeError(
                f'Attempted to create a "{node.op}" node during subgraph rewriting with target {node.target}, '
                "but the referenced attribute does not exist in the replacement GraphModule"
            )
        copied = copy.deepcopy(theirs)
        if isinstance(theirs, Module):
            gm.add_submodule(node.target, copied)
        else:
            setattr(gm, node.target, copied)
    gm.graph.lint()
