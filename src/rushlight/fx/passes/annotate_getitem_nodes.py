"""Types for the parts that are picked out of typed containers."""

from __future__ import annotations

import operator
from typing import Any, get_args, get_origin

from rushlight._tensor import Tensor
from rushlight.fx.graph import Graph

__all__ = ["annotate_getitem_nodes"]


def _part(kind: Any, index: Any) -> Any:
    parts = get_args(kind)
    if get_origin(kind) is list:
        return parts[0]
    if get_origin(kind) is tuple:
        return parts[0] if len(parts) == 2 and parts[1] is ... else parts[index]
    if hasattr(kind, "_fields") and kind is not Tensor:
        return kind.__annotations__[kind._fields[index]]
    return None


def annotate_getitem_nodes(graph: Graph) -> None:
    """Give `x[i]` its type where x is a list, tuple or named tuple of known type."""
    for node in graph.nodes:
        if node.target is operator.getitem and node.args[0].type:
            kind = _part(node.args[0].type, node.args[1])
            node.type = kind if kind is not None else node.type
