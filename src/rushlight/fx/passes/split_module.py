"""A module cut into several that are called one after the other."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from rushlight.fx.graph import Graph
from rushlight.fx.graph_module import GraphModule
from rushlight.fx.node import Node, map_arg
from rushlight.fx.proxy import Proxy
from rushlight.nn.modules.module import Module

__all__ = ["Partition", "split_module"]

_ABOVE = ("placeholder", "get_attr")


class Partition:
    """One of the parts: its nodes, and what goes in and out by the names of nodes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.submod_name = f"submod_{name}"
        self.node_names: list[str] = []
        self.inputs: dict[str, None] = {}
        self.outputs: dict[str, None] = {}
        self.dependencies: dict[str, None] = {}
        self.dependents: dict[str, None] = {}
        self.graph = Graph()
        self.environment: dict[Node, Node] = {}
        self.targets: dict[str, Any] = {}

    def __repr__(self) -> str:
        return (
            f"name: {self.name},\n nodes: {self.node_names},\n inputs: {self.inputs},\n"
            f" outputs: {self.outputs},\n partitions depended on: {self.dependencies},\n"
            f" partition dependents: {self.dependents}"
        )


def _attribute(module: Any, path: str) -> Any:
    for part in path.split("."):
        if not hasattr(module, part):
            raise AttributeError(f"Node target {path} not found!")
        module = getattr(module, part)
    return module


class _Split:
    """The parts of a graph, and what is needed to build them."""

    def __init__(self, m: GraphModule, callback: Callable[[Node], Any], affix: str | None) -> None:
        self.m = m
        self.nodes = {node.name: node for node in m.graph.nodes}
        self.parts: dict[str, Partition] = {}
        self.part_of: dict[Node, str] = {}
        for node in m.graph.nodes:
            if node.op in (*_ABOVE, "output"):
                continue
            number = callback(node)
            name = str(number) if affix is None else f"{affix}_{number}"
            part = self.parts.setdefault(name, Partition(name))
            part.node_names.append(node.name)
            self.part_of[node] = name
            node._fx_partition = name
        for node in m.graph.nodes:
            if node.op in _ABOVE:
                continue
            user = None if node.op == "output" else node
            for used in node.all_input_nodes:
                self.connect(used, user)

    def connect(self, used: Node, user: Node | None) -> None:
        made = self.part_of.get(used)
        needed = None if user is None else self.part_of.get(user)
        if made == needed:
            return
        if made is not None:
            self.parts[made].outputs.setdefault(used.name)
            if needed is not None:
                self.parts[made].dependents.setdefault(needed)
        if needed is not None:
            self.parts[needed].inputs.setdefault(used.name)
            if made is not None:
                self.parts[needed].dependencies.setdefault(made)

    def in_order(self) -> list[str]:
        """The parts, each after those it depends on."""
        order: list[str] = []
        roots = [name for name, part in self.parts.items() if not part.dependencies]
        while roots:
            name = roots.pop()
            order.append(name)
            for dependent in self.parts[name].dependents:
                left = self.parts[dependent].dependencies
                left.pop(name)
                if not left:
                    roots.append(dependent)
        if len(order) != len(self.parts):
            raise RuntimeError("cycle exists between partitions!")
        return order

    def fill_inputs(self, part: Partition, keep_name: bool) -> None:
        """Give a part's graph its parameters; modules that are fetched stay with it."""
        fetched = []
        given: dict[str, None] = {}
        for name in part.inputs:
            node = self.nodes[name]
            if node.op == "get_attr":
                value = _attribute(self.m, str(node.target))
                if isinstance(value, Module):
                    fetched.append((node, value))
                    continue
            shown = name if keep_name else f"arg_{len(given)}"
            placeholder = part.graph.placeholder(shown, type_expr=node.type)
            given[name] = None
            placeholder.meta = node.meta.copy()
            part.environment[node] = placeholder
        for node, value in fetched:
            part.environment[node] = part.graph.get_attr(str(node.target))
            part.environment[node].meta = node.meta.copy()
            part.targets[str(node.target)] = value
        part.inputs = given

    def fill_nodes(self, qualname_map: dict[str, str] | None, keep_name: bool) -> None:
        for node, name in self.part_of.items():
            part = self.parts[name]
            target: Any = node.target
            if node.op in ("call_module", "get_attr"):
                target = str(node.target).replace(".", "_")
                part.targets[target] = _attribute(self.m, str(node.target))
                if qualname_map is not None:
                    qualname_map[f"{part.submod_name}.{target}"] = str(node.target)
            known = part.environment.__getitem__
            copied = part.graph.create_node(
                node.op,
                target,
                map_arg(node.args, known),
                map_arg(node.kwargs, known),
                name=node.name if keep_name else None,
                type_expr=node.type,
            )
            copied.meta = node.meta.copy()
            part.environment[node] = copied


class _Base:
    """The graph that calls the parts."""

    def __init__(self, m: GraphModule, keep_node_name: bool) -> None:
        self.m, self.keep_node_name = m, keep_node_name
        self.graph = Graph()
        self.env: dict[str, Node] = {}
        self.attrs: dict[str, Any] = {}

    def take(self, nodes: Iterable[Node]) -> None:
        """Add the parameters and what is fetched."""
        for node in nodes:
            if node.name in self.env or node.op not in _ABOVE:
                continue
            if node.op == "placeholder":
                default = node.args[0] if node.args else inspect.Signature.empty
                name = node.name if self.keep_node_name else str(node.target)
                new = self.graph.placeholder(name, node.type, default)
            else:
                new = self.graph.get_attr(str(node.target))
                self.attrs[str(node.target)] = _attribute(self.m, str(node.target))
            new.meta = node.meta.copy()
            self.env[node.name] = new

    def call(self, part: Partition, tuple_return: bool) -> None:
        """Add the call of a part."""
        self.attrs[part.submod_name] = GraphModule(part.targets, part.graph)
        args = tuple(self.env[name] for name in part.inputs)
        result = self.graph.call_module(part.submod_name, args)
        if len(part.outputs) == 1 and not tuple_return:
            self.env[next(iter(part.outputs))] = result
            return
        proxy: Any = Proxy(result)
        for i, name in enumerate(part.outputs):
            self.env[name] = proxy[i].node


def split_module(
    m: GraphModule,
    root_m: Any,
    split_callback: Callable[[Node], Any],
    qualname_map: dict[str, str] | None = None,
    keep_original_order: bool | None = False,
    keep_original_node_name: bool | None = False,
    keep_original_input_name: bool = True,
    *,
    partition_affix: str | None = None,
    tuple_return: bool = False,
) -> GraphModule:
    """A module of modules `submod_0`, `submod_1` ..., into which split_callback(node) deals out the nodes.

    qualname_map is filled with the old path for each new one. With keep_original_order the parts are called as
    their first nodes stood, else as what they need allows. `root_m` is not used.

    >>> import rushlight as torch
    >>> from rushlight.fx.passes.split_module import split_module
    >>> traced = torch.fx.symbolic_trace(lambda x: torch.relu(x) + 1)
    >>> split = split_module(traced, None, lambda node: 0 if node.name == "relu" else 1)
    >>> [name for name, _ in split.named_children()]
    ['submod_0', 'submod_1']
    """
    split = _Split(m, split_callback, partition_affix)
    original = list(split.parts)
    order = split.in_order()
    for name in order:
        split.fill_inputs(split.parts[name], keep_original_input_name)
    split.fill_nodes(qualname_map, bool(keep_original_node_name))
    base = _Base(m, bool(keep_original_node_name))
    if not keep_original_order:
        base.take(m.graph.nodes)
    for name in original if keep_original_order else order:
        part = split.parts[name]
        outs = tuple(part.environment[split.nodes[output]] for output in part.outputs)
        part.graph.output(outs[0] if len(outs) == 1 and not tuple_return else outs)
        if keep_original_order:
            base.take(node for node in m.graph.nodes if node.op == "placeholder")
            base.take(split.nodes[used] for used in part.inputs)
        base.call(part, tuple_return)
    if keep_original_order and not base.env:
        base.take(m.graph.nodes)
    for node in m.graph.nodes:
        if node.op == "output":
            base.graph.output(map_arg(node.args[0], lambda n: base.env[n.name]))
    result = GraphModule(base.attrs, base.graph)
    result.meta["partition_names"] = {part.submod_name for part in split.parts.values()}
    return result
