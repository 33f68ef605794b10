"""Sets of nodes: their order, and whether they can be one step."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence

from rushlight.fx.node import Node


def topo_sort(nodes: Sequence[Node]) -> list[Node]:
    """The nodes, each after those it uses, and as they were given where that leaves a choice."""
    waiting = {node: sum(n in set(nodes) for n in node.all_input_nodes) for node in nodes}
    position = {node: i for i, node in enumerate(nodes)}
    ready = [position[node] for node in nodes if waiting[node] == 0]
    heapq.heapify(ready)
    order: list[Node] = []
    while ready:
        node = nodes[heapq.heappop(ready)]
        order.append(node)
        for user in node.users:
            if user in waiting:
                waiting[user] -= 1
                if waiting[user] == 0:
                    heapq.heappush(ready, position[user])
    if len(order) != len(nodes):
        raise AssertionError("topological sorted nodes doesn't have same length as input nodes")
    return order


def validate_partition(partition: Iterable[Node]) -> bool:
    """Whether no way leads out of the nodes and back in, so that they can be one step."""
    inside = set(partition)
    to_see = [user for node in inside for user in node.users if user not in inside]
    seen: set[Node] = set()
    while to_see:
        node = to_see.pop()
        if node in inside:
            return False
        if node not in seen:
            seen.add(node)
            to_see += node.users
    return True
