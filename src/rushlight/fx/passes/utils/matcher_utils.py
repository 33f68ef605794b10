"""Finding a pattern in a graph."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from rushlight._tensor import Tensor
from rushlight.fx.graph import Graph
from rushlight.fx.node import Node
from rushlight.fx.passes.utils.partitions import validate_partition

__all__ = ["InternalMatch", "SubgraphMatcher"]

_OUTSIDE = ("placeholder", "output")


@dataclass
class InternalMatch:
    """A place where a pattern was found."""

    # The nodes of the pattern that nobody in it uses.
    anchors: list[Node]
    # Which node of the graph each of the pattern's is.
    nodes_map: dict[Node, Node] = field(default_factory=dict)
    # What the pattern's parameters are in the graph, and what it returns.
    placeholder_nodes: list[Node] = field(default_factory=list)
    returning_nodes: list[Node] = field(default_factory=list)
    # For patterns that name nodes.
    name_node_map: dict[str, Node] = field(default_factory=dict)

    def __copy__(self) -> InternalMatch:
        return InternalMatch(
            self.anchors,
            self.nodes_map.copy(),
            self.placeholder_nodes.copy(),
            self.returning_nodes.copy(),
        )


class SubgraphMatcher:
    """Finds where a graph does what a pattern does.

    The pattern's placeholders stand for any value unless match_placeholder; its output is no part of it unless
    match_output. With ignore_literals numbers stand for any.
    """

    def __init__(
        self,
        pattern: Graph,
        match_output: bool = False,
        match_placeholder: bool = False,
        remove_overlapping_matches: bool = True,
        ignore_literals: bool = False,
    ) -> None:
        self.pattern, self.ignore_literals = pattern, ignore_literals
        self.match_output, self.match_placeholder = match_output, match_placeholder
        self.remove_overlapping_matches = remove_overlapping_matches
        if len(pattern.nodes) == 0:
            raise ValueError("SubgraphMatcher cannot be initialized with an empty pattern")
        for node in pattern.nodes:
            if node.op != "output" and not node.is_impure() and not node.users:
                raise AssertionError(
                    "SubgraphMatcher cannot be initialized with an pattern with dead code"
                )
        self.pattern_placeholder_nodes = [n for n in pattern.nodes if n.op == "placeholder"]
        output: Node = next(iter(reversed(pattern.nodes)))
        self.pattern_returning_nodes = output.all_input_nodes
        # From these on it is compared, against the direction of the data.
        self.pattern_anchors = (
            [output]
            if match_output
            else [node for node in output.all_input_nodes if len(node.users) == 1]
        )

    def match(self, graph: Graph, node_name_match: str = "") -> list[InternalMatch]:
        """The matches, in the order of the graph.

        What a match does inside is used by nobody outside, and no way leads out of it and back in.
        """
        candidates = [
            (anchor, found)
            for anchor in self.pattern_anchors
            if (
                found := [
                    n for n in graph.nodes if self._nodes_are_equal(anchor, n, node_name_match)
                ]
            )
        ]
        matches: list[InternalMatch] = []

        def from_anchor(i: int, match: InternalMatch) -> None:
            if i == len(candidates):
                nodes = match.nodes_map
                match.placeholder_nodes = [nodes[n] for n in self.pattern_placeholder_nodes]
                match.returning_nodes = [nodes[n] for n in self.pattern_returning_nodes]
                matches.append(match)
                return
            anchor, found = candidates[i]
            for node in found:
                attempt = copy.copy(match)
                if self._match_nodes(anchor, node, attempt, node_name_match):
                    from_anchor(i + 1, attempt)

        if candidates:
            from_anchor(0, InternalMatch(self.pattern_anchors))
        valid = [
            match
            for match in matches
            if self._is_contained(match.nodes_map)
            and validate_partition([g for _, g in _inside(match)])
        ]
        return self._without_overlaps(valid) if self.remove_overlapping_matches else valid

    # ---- single nodes ----------------------------------------------------------------------------

    def _nodes_are_equal(self, pn: Node, gn: Node, node_name_match: str = "") -> bool:
        if not self.match_placeholder and pn.op == "placeholder":
            return True
        if node_name_match and node_name_match in gn.name:
            return True
        if pn.op != gn.op:
            return False
        if pn.op == "get_attr":
            return self._match_attributes(pn, gn)
        return pn.op in _OUTSIDE or pn.target == gn.target

    def _match_attributes(self, pn: Node, gn: Node) -> bool:
        """Whether both fetch a tensor, whichever."""
        from rushlight.fx.graph_module import _get_attr

        mine = _get_attr(pn.graph.owning_module, str(pn.target))
        theirs = _get_attr(gn.graph.owning_module, str(gn.target))
        if type(mine) is not type(theirs):
            return False
        if not isinstance(mine, Tensor):
            raise RuntimeError(f"Unsupported type {mine} when matching attributes")
        return True

    def _match_nodes(
        self, pn: Node, gn: Node, match: InternalMatch, node_name_match: str = ""
    ) -> bool:
        """Whether a node, and what it is made from, is the pattern's; the match holds what was found."""
        if pn in match.nodes_map:
            return match.nodes_map[pn] is gn
        if any(gn is node for node in match.nodes_map.values()):
            return False
        if not self._nodes_are_equal(pn, gn, node_name_match):
            return False
        match.nodes_map[pn] = gn
        if pn.op == "placeholder":
            return True
        if len(pn.args) != len(gn.args) or list(pn.kwargs) != list(gn.kwargs):
            return False
        mine, theirs = (*pn.args, *pn.kwargs.values()), (*gn.args, *gn.kwargs.values())
        return self._match_args(mine, theirs, match)

    def _match_args(self, mine: Any, theirs: Any, match: InternalMatch) -> bool:
        if len(mine) != len(theirs):
            return False
        for a, b in zip(mine, theirs, strict=True):
            if isinstance(a, Node) and isinstance(b, Node):
                same = self._match_nodes(a, b, match)
            elif isinstance(a, list | tuple) and isinstance(b, list | tuple):
                same = self._match_args(a, b, match)
            else:
                same = self._match_literals(a, b, match) or self.ignore_literals
            if not same:
                return False
        return True

    def _match_literals(self, pn: Any, gn: Any, match: InternalMatch) -> bool:
        if isinstance(pn, Node):
            if pn.op != "placeholder":
                return False
            if pn in match.nodes_map:
                return match.nodes_map[pn] == gn
            match.nodes_map[pn] = gn
            return True
        return not isinstance(gn, Node) and type(gn) is type(pn) and gn == pn

    # ---- whole matches ---------------------------------------------------------------------------

    def _is_contained(self, nodes_map: dict[Node, Node]) -> bool:
        """Whether nobody outside uses what is inside, but for what the pattern returns."""
        inside = {g: p for p, g in nodes_map.items() if p.op != "placeholder"}
        return all(
            p in self.pattern_returning_nodes or all(user in inside for user in g.users)
            for g, p in inside.items()
        )

    def _without_overlaps(self, matches: Iterable[InternalMatch]) -> list[InternalMatch]:
        kept: list[InternalMatch] = []
        taken: set[Node] = set()
        for match in matches:
            nodes = {g for _, g in _inside(match)}
            if not nodes & taken:
                kept.append(match)
                taken |= nodes
        return kept


def _inside(match: InternalMatch) -> Iterable[tuple[Node, Node]]:
    return ((p, g) for p, g in match.nodes_map.items() if p.op not in _OUTSIDE)
