"""Patterns that name their nodes."""

from __future__ import annotations

from typing import Any

from rushlight.fx.generating import _PyTreeInfo
from rushlight.fx.graph import Graph
from rushlight.fx.graph_module import GraphModule
from rushlight.fx.node import Node
from rushlight.fx.passes.utils.matcher_utils import InternalMatch, SubgraphMatcher
from rushlight.utils._pytree import tree_flatten, tree_unflatten

__all__ = ["SubgraphMatcherWithNameNodeMap"]


def _split_names(gm: Any) -> tuple[GraphModule, dict[str, Node]]:
    """Take the dict of names from what the pattern returns."""
    output = gm.graph.output_node()
    returned = tree_unflatten(output.args[0], gm._out_spec)
    if not isinstance(returned, tuple) or len(returned) < 2 or not isinstance(returned[-1], dict):
        raise AssertionError(
            "the pattern has to return a tuple of what it computes and at last a dict of names: "
            'return relu, {"relu": relu}'
        )
    leaves, spec = tree_flatten(list(returned[:-1]))
    output.args = (leaves,)
    info = gm.graph._codegen.pytree_info
    gm.graph._codegen.pytree_info = _PyTreeInfo(info.orig_args, info.in_spec, spec)
    gm.recompile()
    return gm, returned[-1]


class SubgraphMatcherWithNameNodeMap(SubgraphMatcher):
    """A `SubgraphMatcher` whose pattern returns a dict of names at last; matches have the nodes by name."""

    def __init__(self, pattern_gm: GraphModule, *args: Any, **options: Any) -> None:
        pattern_gm, self.name_node_map = _split_names(pattern_gm)
        super().__init__(pattern_gm.graph, *args, **options)

    def match(self, graph: Graph, node_name_match: str = "") -> list[InternalMatch]:
        """The matches, with `name_node_map`."""
        matches = super().match(graph, node_name_match)
        for match in matches:
            names = self.name_node_map.items()
            match.name_node_map = {name: match.nodes_map[node] for name, node in names}
        return matches
