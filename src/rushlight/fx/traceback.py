"""What nodes remember of those that they were made from.

While `preserve_node_meta` is on, an `Interpreter` hands the meta of the node that it runs on to the nodes that
are made meanwhile.
"""

from __future__ import annotations

import copy
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rushlight.fx.node import Node

__all__ = [
    "NodeSource", "NodeSourceAction", "annotate", "annotate_fn", "format_stack", "get_current_meta",
    "get_graph_provenance_json", "has_preserved_node_meta", "preserve_node_meta", "set_current_meta",
    "set_stack_trace",
]  # fmt: skip

# What is copied from a node to those made from it.
_COPIED = (
    *(
        "nn_module_stack",
        "torch_fn",
        "source_fn_stack",
        "original_aten",
        "recompute",
        "ac_graph_id",
    ),
    *("has_backward_hook", "from_node", "quantization_tag", "_numeric_debug_handle", "custom"),
    "partitioner_tag",
)


class _Current:
    def __init__(self) -> None:
        self.meta: dict[str, Any] = {}
        self.on = False


_current = _Current()


class NodeSourceAction(Enum):
    """What was done with the node before."""

    CREATE = "create"
    REPLACE = "replace"


class NodeSource:
    """From which node, in which pass, a node was made."""

    class NodeInfo:
        """The node as it was."""

        def __init__(self, name: str, target: str, graph_id: int) -> None:
            self.name, self.target, self.graph_id = name, target, graph_id

    def __init__(
        self,
        node: Node | None,
        pass_name: str = "",
        action: NodeSourceAction | list[NodeSourceAction] | None = None,
    ) -> None:
        self.pass_name = pass_name
        self.action = action if isinstance(action, list) else [action] if action else []
        if not all(isinstance(a, NodeSourceAction) for a in self.action):
            raise AssertionError(f"Expected NodeSourceAction, got {self.action}")
        self.from_node: list[NodeSource] = []
        self.node_info: NodeSource.NodeInfo | None = None
        if node is not None:
            self.node_info = self.NodeInfo(node.name, str(node.target), id(node.graph))
            self.from_node = copy.deepcopy(node.meta.get("from_node", []))

    @property
    def name(self) -> str:
        """The node's name."""
        return self.node_info.name if self.node_info else ""

    @property
    def target(self) -> str:
        """The node's target."""
        return self.node_info.target if self.node_info else ""

    @property
    def graph_id(self) -> int:
        """Which graph it was in."""
        return self.node_info.graph_id if self.node_info else -1

    def _get_action_string(self) -> str:
        return "+".join(action.name.lower() for action in self.action)

    def __repr__(self) -> str:
        return self.print_readable()

    def print_readable(self, indent: int = 0) -> str:
        """It and where it came from, a line each."""
        if indent > 9:
            return ""
        own = (
            f"(name={self.name}, pass_name={self.pass_name}, action={self._get_action_string()}, "
            f"graph_id={self.graph_id})\n"
        )
        return (
            " " * indent * 4 + own + "".join(s.print_readable(indent + 1) for s in self.from_node)
        )

    def to_dict(self) -> dict[str, Any]:
        """It as a dict."""
        return {
            "name": self.name,
            "target": self.target,
            "graph_id": self.graph_id,
            "pass_name": self.pass_name,
            "action": self._get_action_string(),
            "from_node": [source.to_dict() for source in self.from_node],
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NodeSource) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash(repr(self.to_dict()))


@contextmanager
def preserve_node_meta(enable: bool = True) -> Iterator[None]:
    """Inside of it nodes get the meta of the node that is run."""
    before, meta = _current.on, _current.meta.copy()
    _current.on = enable
    try:
        yield
    finally:
        _current.on, _current.meta = before, meta


def has_preserved_node_meta() -> bool:
    """Whether nodes get the meta of the node that is run."""
    return _current.on


def get_current_meta() -> dict[str, Any]:
    """The meta that nodes get."""
    return _current.meta


@contextmanager
def set_current_meta(node: Node, pass_name: str = "") -> Iterator[None]:
    """Inside of it nodes are made from this one."""
    if not (_current.on and node.meta):
        yield
        return
    before = _current.meta
    source = NodeSource(node, pass_name, NodeSourceAction.CREATE)
    _current.meta = {**node.meta, "from_node": [source]}
    try:
        yield
    finally:
        _current.meta = before


def hand_on(node: Node) -> None:
    """Give a new node the current meta."""
    if _current.meta.get("stack_trace"):
        node.stack_trace = _current.meta["stack_trace"]
    for name in _COPIED:
        if name in _current.meta:
            node.meta[name] = copy.copy(_current.meta[name])


def set_stack_trace(stack: list[str]) -> None:
    """Let nodes made from now on have this stack trace."""
    if _current.on:
        if stack:
            _current.meta["stack_trace"] = "".join(stack)
        else:
            _current.meta.pop("stack_trace", None)


def format_stack() -> list[str]:
    """Where we are: in the program that is traced, or else in Python."""
    if _current.on:
        return [_current.meta.get("stack_trace", "")]
    return traceback.format_list(traceback.extract_stack()[:-1])


@contextmanager
def annotate(annotation_dict: dict[str, Any]) -> Iterator[None]:
    """Inside of it nodes get these entries in `meta["custom"]`."""
    has_custom, before = "custom" in _current.meta, _current.meta.get("custom", {})
    _current.meta["custom"] = {**before, **annotation_dict}
    try:
        yield
    finally:
        if has_custom:
            _current.meta["custom"] = before
        else:
            del _current.meta["custom"]


def annotate_fn(
    annotation_dict: dict[str, Any],
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator: calls of the function are inside of `annotate`."""

    def decorator(func: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(func)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with annotate(annotation_dict):
                return func(*args, **kwargs)

        return wrapper

    return decorator


def get_graph_provenance_json(graph: Any) -> dict[str, Any]:
    """For each call of a function which nodes it was made from."""
    return {
        node.name: [source.to_dict() for source in node.meta.get("from_node", ())]
        for node in graph.nodes
        if node.op == "call_function"
    }
