"""Pictures of graphs, by pydot."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import chain
from typing import Any

from rushlight.fx.graph_module import GraphModule
from rushlight.fx.naming import module_of
from rushlight.fx.node import Node, _format_arg, _get_qualified_name
from rushlight.fx.operator_schemas import normalize_function
from rushlight.fx.passes.shape_prop import TensorMetadata
from rushlight.nn.parameter import Parameter

__all__ = ["FxGraphDrawer"]

_COLORS = {
    "placeholder": '"AliceBlue"', "call_module": "LemonChiffon1", "get_attr": "LightGrey",
    "output": "PowderBlue",
}  # fmt: skip
# One of these for each function, by its name.
_OTHERS = (
    *("CadetBlue1", "Coral", "DarkOliveGreen1", "DarkSeaGreen1", "GhostWhite", "Khaki1"),
    *("LavenderBlush1", "LightSkyBlue", "MistyRose1", "MistyRose2", "PaleTurquoise2", "PeachPuff1"),
    *("Salmon", "Thistle1", "Thistle3", "Wheat1"),
)


def _escaped(text: str) -> str:
    return text.replace("{", r"\{").replace("}", r"\}")


class FxGraphDrawer:
    """The picture of a module's graph, and of those of the graph modules that it calls; needs the package pydot.

    `FxGraphDrawer(traced, "net").get_dot_graph().write_svg("net.svg")` writes it. ignore_getattr leaves out
    what is fetched, ignore_parameters_and_buffers the parameters of layers.
    """

    def __init__(
        self,
        graph_module: GraphModule,
        name: str,
        ignore_getattr: bool = False,
        ignore_parameters_and_buffers: bool = False,
        skip_node_names_in_args: bool = True,
        parse_stack_trace: bool = False,
        dot_graph_shape: str | None = None,
        normalize_args: bool = False,
    ) -> None:
        try:
            import pydot  # type: ignore[import-not-found,import-untyped,unused-ignore]
        except ModuleNotFoundError:
            raise RuntimeError(
                "FXGraphDrawer requires the pydot package to be installed. Please install "
                "pydot through your favorite Python package manager."
            ) from None
        self.pydot: Any = pydot
        self._name = name
        self.dot_graph_shape = dot_graph_shape or "record"
        self.normalize_args = normalize_args
        self.ignore_getattr, self.layers_alone = ignore_getattr, ignore_parameters_and_buffers
        self.skip_names, self.show_lines = skip_node_names_in_args, parse_stack_trace
        self._dot_graphs = {name: self._to_dot(graph_module, name)}
        for node in graph_module.graph.nodes:
            if node.op == "call_module":
                called: Any = graph_module.get_submodule(node.target)
                if isinstance(called, GraphModule):
                    title = f"{name}_{node.target}"
                    self._dot_graphs[title] = self._to_dot(called, title)

    def get_dot_graph(self, submod_name: str | None = None) -> Any:
        """The picture, or that of a module inside."""
        return self._dot_graphs[
            self._name if submod_name is None else f"{self._name}_{submod_name}"
        ]

    def get_main_dot_graph(self) -> Any:
        """The picture."""
        return self._dot_graphs[self._name]

    def get_submod_dot_graph(self, submod_name: str) -> Any:
        """The picture of a module inside."""
        return self._dot_graphs[f"{self._name}_{submod_name}"]

    def get_all_dot_graphs(self) -> dict[str, Any]:
        """All pictures by name."""
        return self._dot_graphs

    def _to_dot(self, module: GraphModule, name: str) -> Any:
        dot = self.pydot.Dot(name, rankdir="TB")
        shown = [n for n in module.graph.nodes if not (self.ignore_getattr and n.op == "get_attr")]
        for node in shown:
            label = self._get_node_label(module, node)
            dot.add_node(self.pydot.Node(node.name, label=label, **self._get_node_style(node)))
            if node.op == "call_module" and not self.layers_alone:
                self._add_parameters(dot, node, module.get_submodule(node.target))
        for node in shown:
            for user in node.users:
                dot.add_edge(self.pydot.Edge(node.name, user.name))
        return dot

    def _add_parameters(self, dot: Any, node: Node, layer: Any) -> None:
        if isinstance(layer, GraphModule):
            return
        for path, tensor in chain(layer.named_parameters(), layer.named_buffers()):
            name = f"{node.name}.{path}"
            kind = f"{name}|op_code=get_parameter" if isinstance(tensor, Parameter) else r"buffer\l"
            label = "{" + kind + f"{tensor.dtype}{list(tensor.shape)}" + r"\n}"
            style = self._style("Salmon")
            dot.add_node(self.pydot.Node(name, label=label, **style))
            dot.add_edge(self.pydot.Edge(name, node.name))

    def _style(self, color: str) -> dict[str, str]:
        return {
            "shape": self.dot_graph_shape,
            "fillcolor": color,
            "style": '"filled,rounded"',
            "fontcolor": "#000000",
        }

    def _get_node_style(self, node: Node) -> dict[str, str]:
        if node.op in _COLORS:
            return self._style(_COLORS[node.op])
        name = node._pretty_print_target(node.target).encode()
        number = int(hashlib.md5(name, usedforsecurity=False).hexdigest()[:8], 16)
        return self._style(_OTHERS[number % len(_OTHERS)])

    def _get_node_label(self, module: GraphModule, node: Node) -> str:
        label = f"{{name=%{node.name}|op_code={node.op}\n"
        if node.op == "call_module":
            layer: Any = module.get_submodule(str(node.target))
            constants = getattr(layer, "__constants__", ())
            extra = r"\n".join(f"{name}: {getattr(layer, name)}" for name in constants)
            kind = f"{module_of(type(layer))}.{type(layer).__name__}"
            label += rf"\n{_escaped(kind)}\n|{extra}\n"
        else:
            target: Any = node.target
            name = target if isinstance(target, str) else _get_qualified_name(target)
            label += rf"|target={_escaped(name)}\n"
            args, kwargs = self._arguments(node)
            label += self._shown(r"|args=(\l", [_format_arg(a, 8) for a in args], r",\n)\l")
            named = [f"{key}: {_format_arg(value, 8)}" for key, value in kwargs.items()]
            label += self._shown(r"|kwargs={\l", named, r",\n}\l")
            label += rf"|num_users={len(node.users)}\n"
        label += "".join(_meta_lines(node.meta.get("tensor_meta")))
        if self.show_lines and node.stack_trace is not None:
            from rushlight.fx.generating import _parse_stack_trace

            place = _parse_stack_trace(node.stack_trace)
            if place is not None:
                file = "/".join(place.file.split("/")[-2:])
                label += rf"|file={file}:{place.lineno} {place.code}\n"
        return label + "}"

    def _arguments(self, node: Node) -> tuple[Any, dict[str, Any]]:
        if self.normalize_args and callable(node.target):
            found = normalize_function(
                node.target, node.args, node.kwargs, normalize_to_only_use_kwargs=True
            )
            if found is not None:
                return found
        return node.args, node.kwargs

    def _shown(self, begin: str, words: list[str], end: str) -> str:
        words = [word for word in words if "%" not in word] if self.skip_names else words
        if not words:
            return ""
        text = begin + r",\n".join(words) + end
        if len(words) == 1:
            text = text.replace(r"\l", "").replace(r"\n", "")
        return _escaped(text)


def _meta_lines(meta: Any) -> Iterator[str]:
    if isinstance(meta, TensorMetadata):
        yield rf"|dtype={meta.dtype}\n|shape={tuple(meta.shape)}\n"
        yield rf"|requires_grad={meta.requires_grad}\n|stride={meta.stride}\n"
    elif isinstance(meta, dict | list | tuple):
        for part in meta.values() if isinstance(meta, dict) else meta:
            yield from _meta_lines(part)
