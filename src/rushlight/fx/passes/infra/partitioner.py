"""The largest sets of nodes that a backend takes, each as one step."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence

from rushlight.fx.graph_module import GraphModule
from rushlight.fx.node import Node, _get_qualified_name
from rushlight.fx.passes.operator_support import OperatorSupportBase
from rushlight.fx.passes.utils.fuser_utils import fuse_by_partitions
from rushlight.fx.passes.utils.partitions import validate_partition

__all__ = ["CapabilityBasedPartitioner", "Partition"]


class Partition:
    """A set of nodes, in order."""

    def __init__(
        self,
        id: int | None = None,
        nodes: Iterable[Node] | None = None,
        node_orders: Iterable[int] | None = None,
    ) -> None:
        self.id = id
        self.nodes: dict[Node, int | None] = dict.fromkeys(nodes or (), None)
        if node_orders is not None:
            self.nodes = dict(zip(self.nodes, node_orders, strict=True))

    def __repr__(self) -> str:
        return str(self.nodes)

    def add_node(self, node: Node, node_order: int | None = None) -> None:
        """Add a node."""
        self.nodes[node] = node_order

    def remove_node(self, node: Node) -> None:
        """Take a node out."""
        del self.nodes[node]

    def size(self) -> int:
        """The number of nodes."""
        return len(self.nodes)


class CapabilityBasedPartitioner:
    """Puts together what operator_support takes, as far as no way leads out of a set and back in."""

    def __init__(
        self,
        graph_module: GraphModule,
        operator_support: OperatorSupportBase,
        allows_single_node_partition: bool = False,
        non_compute_ops: Sequence[str] | None = None,
        allowed_single_node_partition_ops: Sequence[str] | None = None,
        skip_horizontal_fusion: bool = False,
    ) -> None:
        self.graph_module, self.operator_support = graph_module, operator_support
        self.allows_single_node_partition = allows_single_node_partition
        self.non_compute_ops = {
            "torch.ops.aten.view",
            "_operator.getitem",
            *(non_compute_ops or ()),
        }
        self.single = set(allowed_single_node_partition_ops or ())
        self.skip_horizontal_fusion = skip_horizontal_fusion

    def propose_partitions(self) -> list[Partition]:
        """The sets of nodes."""
        modules = dict(self.graph_module.named_modules())
        nodes = list(self.graph_module.graph.nodes)
        place = {node: i for i, node in enumerate(nodes)}
        sets: list[set[Node]] = []
        for node in reversed(nodes):
            if not self.operator_support.is_node_supported(modules, node):
                continue
            merged = {node}
            kept: list[set[Node]] = []
            for other in sets:
                near = any(user in other for user in node.users)
                if (near or not self.skip_horizontal_fusion) and validate_partition(merged | other):
                    merged |= other
                else:
                    kept.append(other)
            sets = [merged, *kept]
        self._take_items_along(nodes, sets)
        partitions = [
            Partition(i, sorted(found, key=place.__getitem__))
            for i, found in enumerate(sets)
            if self.allows_single_node_partition or self._counts(found) > 1
        ]
        return [partition for partition in partitions if partition.size()]

    def _take_items_along(self, nodes: list[Node], sets: list[set[Node]]) -> None:
        """What only picks parts out of a result goes where the result is made."""
        for node in nodes:
            if node.users and all(user.target is operator.getitem for user in node.users):
                for found in sets:
                    found.difference_update(node.users)
                for found in sets:
                    if node in found:
                        found.update(node.users)

    def _counts(self, found: set[Node]) -> int:
        names = [_get_qualified_name(n.target) for n in found if n.op == "call_function"]  # type: ignore[arg-type]
        return sum((name not in self.non_compute_ops) + (name in self.single) for name in names)

    def fuse_partitions(self, partitions: list[Partition], prefix: str = "fused_") -> GraphModule:
        """The module with each set as a module of its own."""
        found = [partition.nodes for partition in partitions]
        return fuse_by_partitions(self.graph_module, found, prefix=prefix)

    def partition_and_fuse(self, prefix: str = "fused_") -> GraphModule:
        """Both at once."""
        return self.fuse_partitions(self.propose_partitions(), prefix=prefix)
