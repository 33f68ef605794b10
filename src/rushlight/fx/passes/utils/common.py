"""Parts of graphs as modules."""

from __future__ import annotations

from typing import Any

from rushlight.fx.graph import Graph
from rushlight.fx.graph_module import GraphModule
from rushlight.fx.passes.utils.matcher_utils import SubgraphMatcher
from rushlight.nn.modules.module import Module

__all__ = ["HolderModule", "compare_graphs", "lift_subgraph_as_module"]


class HolderModule(Module):
    """Modules under names, and nothing else."""

    def __init__(self, d: dict[str, Module]) -> None:
        super().__init__()
        for name, module in d.items():
            self.add_module(name, module)


def lift_subgraph_as_module(
    gm: GraphModule, subgraph: Graph, comp_name: str = "", class_name: str = "GraphModule"
) -> tuple[GraphModule, dict[str, str]]:
    """A part of gm's graph as a module, with what its nodes fetch; and the new path of each that they fetch."""
    holder = HolderModule({})
    paths: dict[str, str] = {}
    for node in subgraph.nodes:
        if node.op not in ("call_module", "get_attr"):
            continue
        *above, name = node.target.split(".")
        here: Any = holder
        there: Any = gm
        for part in above:
            if not hasattr(here, part):
                here.add_module(part, HolderModule({}))
            here, there = getattr(here, part), getattr(there, part)
        paths[node.target] = f"{comp_name}.{node.target}"
        setattr(here, name, getattr(there, name))
    return GraphModule(holder, subgraph, class_name), paths


def compare_graphs(left: Graph, right: Graph) -> bool:
    """Whether two graphs do the same with the same connections."""
    return bool(SubgraphMatcher(left, match_output=True, match_placeholder=True).match(right))
