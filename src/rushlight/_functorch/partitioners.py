"""Where a graph of forward and backward is cut: rushlight has no such graphs, and these are names."""

from __future__ import annotations

from rushlight.absent import refused
from rushlight.fx import Node

_WHY = "graphs of forward and backward are made in torch.compile, and nowhere handed out"
default_partition = refused("default_partition", _WHY, __name__)
min_cut_rematerialization_partition = refused("min_cut_rematerialization_partition", _WHY, __name__)
draw_graph = refused("draw_graph", _WHY, __name__)


def _is_tangent(node: Node) -> bool:
    """Whether a node is an incoming gradient."""
    return node.op == "placeholder" and "tangents" in str(node.target)


def _is_primal(node: Node) -> bool:
    """Whether a node is an input of the forward function."""
    return node.op == "placeholder" and "tangents" not in str(node.target)
