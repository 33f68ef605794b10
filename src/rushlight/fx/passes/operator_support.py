"""Which nodes a backend takes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from rushlight.fx.node import Node
from rushlight.fx.passes.shape_prop import TensorMetadata
from rushlight.fx.passes.tools_common import CALLABLE_NODE_OPS, get_node_target

__all__ = [
    "OpSupports", "OperatorSupport", "OperatorSupportBase", "any_chain", "chain", "create_op_support",
]  # fmt: skip

IsNodeSupported = Callable[[Mapping[str, Any], Node], bool]


class OperatorSupportBase(ABC):
    """Says of every node whether it is taken."""

    @abstractmethod
    def is_node_supported(self, submodules: Mapping[str, Any], node: Node) -> bool:
        """Whether a node is taken; submodules are the module's by name."""


class OperatorSupport(OperatorSupportBase):
    """Takes what a dict names: {name: None}, or {name: (types of each argument, {keyword: types})}."""

    def __init__(self, support_dict: Mapping[str, Any] | None = None) -> None:
        self._support_dict = support_dict or {}

    def is_node_supported(self, submodules: Mapping[str, Any], node: Node) -> bool:
        """Whether a node is taken."""
        if node.op not in CALLABLE_NODE_OPS:
            return True
        target = get_node_target(submodules, node)
        if target not in self._support_dict:
            return False
        rule = self._support_dict[target]
        if rule is None:
            return True
        pairs = [
            *zip(node.args, rule[0], strict=False),
            *((node.kwargs[key], kinds) for key, kinds in rule[1].items() if key in node.kwargs),
        ]
        return all(
            kinds is None or not isinstance(arg, Node) or _get_arg_dtype(arg) in kinds
            for arg, kinds in pairs
        )


class _Function(OperatorSupportBase):
    def __init__(self, function: IsNodeSupported) -> None:
        self.function = function

    def is_node_supported(self, submodules: Mapping[str, Any], node: Node) -> bool:
        return self.function(submodules, node)


def create_op_support(is_node_supported: IsNodeSupported) -> OperatorSupportBase:
    """A function(submodules, node) as an OperatorSupportBase."""
    return _Function(is_node_supported)


def chain(*op_support: OperatorSupportBase) -> OperatorSupportBase:
    """Takes what all of them take."""
    return _Function(lambda modules, n: all(s.is_node_supported(modules, n) for s in op_support))


def any_chain(*op_support: OperatorSupportBase) -> OperatorSupportBase:
    """Takes what any of them takes."""
    return _Function(lambda modules, n: any(s.is_node_supported(modules, n) for s in op_support))


class OpSupports:
    """Rules that are often needed."""

    @classmethod
    def decline_if_input_dtype(cls, dtype: Any) -> OperatorSupportBase:
        """Takes nothing with an input of this type."""
        return _Function(
            lambda modules, node: all(_get_arg_dtype(a) != dtype for a in node.all_input_nodes)
        )

    @classmethod
    def decline_if_node_in_names(cls, disallow_set: set[str]) -> OperatorSupportBase:
        """Takes nothing of these names."""
        return _Function(lambda modules, node: node.name not in disallow_set)


def _get_arg_dtype(arg: Node) -> Any:
    meta = arg.meta.get("tensor_meta")
    return meta.dtype if isinstance(meta, TensorMetadata) else arg.meta["type"]
