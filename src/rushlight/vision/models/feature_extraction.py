"""What a model computes inside, by the paths of its modules: torchvision's feature extraction.

>>> import rushlight as torch
>>> from rushlight.vision.models.feature_extraction import create_feature_extractor
>>> model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU(), torch.nn.Linear(2, 1))
>>> inside = create_feature_extractor(model, {"1": "hidden"})
>>> {name: value.shape for name, value in inside(torch.ones(4, 3)).items()}
{'hidden': torch.Size([4, 2])}
"""

from __future__ import annotations

import copy
import inspect
import math
import re
from collections.abc import Callable
from typing import Any

from rushlight.errors import warn
from rushlight.fx._symbolic_trace import Tracer
from rushlight.fx.graph import Graph
from rushlight.fx.graph_module import GraphModule, _CodeOnlyModule, _copy_attr
from rushlight.fx.node import Node
from rushlight.nn.modules.module import Module

__all__ = ["create_feature_extractor", "get_graph_node_names"]

ReturnNodes = list[str] | dict[str, str] | None


class LeafModuleAwareTracer(Tracer):
    """A tracer that leaves the modules of the classes in leaf_modules whole."""

    def __init__(self, *args: Any, leaf_modules: Any = (), **options: Any) -> None:
        self.leaf_modules = leaf_modules
        super().__init__(*args, **options)

    def is_leaf_module(self, m: Module, module_qualified_name: str) -> bool:
        """Whether a module is one node."""
        return isinstance(m, tuple(self.leaf_modules)) or super().is_leaf_module(
            m, module_qualified_name
        )


class NodePathTracer(LeafModuleAwareTracer):
    """Knows of each node its path: of the module whose forward it is from, and its own name.

    `node_to_qualname` holds them. What is called again has a number at its end.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.current_module_qualname = ""
        self.node_to_qualname: dict[Node, str] = {}

    def call_module(
        self,
        m: Module,
        forward: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """A node for a leaf, else what the module's forward gives, with its path noted."""
        before = self.current_module_qualname
        self.current_module_qualname = path = self.path_of_module(m)
        try:
            if self.is_leaf_module(m, path):
                return self.create_proxy("call_module", path, args, kwargs)
            return forward(*args, **kwargs)
        finally:
            self.current_module_qualname = before

    def create_proxy(
        self, kind: str, target: Any, args: Any, kwargs: Any, name: Any = None, type_expr: Any = None, *_: Any
    ) -> Any:  # fmt: skip
        """A node and its path."""
        proxy = super().create_proxy(kind, target, args, kwargs, name, type_expr)
        path = self._path(self.current_module_qualname, proxy.node)
        self.node_to_qualname[proxy.node] = path
        return proxy

    def _path(self, module: str, node: Node) -> str:
        path = module
        if node.op != "call_module":
            path += f".{node}" if module else str(node)
        # The graph numbers names as a whole; here they are numbered below their module.
        if re.match(r".+_[0-9]+$", path):
            path = path.rsplit("_", 1)[0]
        for known in reversed(self.node_to_qualname.values()):
            if re.match(rf"{path}(_[0-9]+)?$", known):
                number = known.replace(path, "")
                return f"{path}_{int(number[1:]) + 1 if number else 1}"
        return path


def _is_part_of(names: list[str], others: list[str]) -> bool:
    rest = iter(others)
    return all(name in rest for name in names)


def _warn_graph_differences(train: NodePathTracer, evaluating: NodePathTracer) -> None:
    in_train = list(train.node_to_qualname.values())
    in_eval = list(evaluating.node_to_qualname.values())
    if in_train == in_eval:
        return
    if _is_part_of(in_eval, in_train):
        what = (
            "NOTE: The nodes obtained by tracing the model in eval mode are a subsequence of those obtained in "
            "train mode. "
        )
    elif _is_part_of(in_train, in_eval):
        what = (
            "NOTE: The nodes obtained by tracing the model in train mode are a subsequence of those obtained in "
            "eval mode. "
        )
    else:
        what = "The nodes obtained by tracing the model in train mode are different to those obtained in eval mode. "
    warn(
        f"{what}When choosing nodes for feature extraction, you may need to specify output nodes for train and "
        "eval mode separately."
    )


def _get_leaf_modules_for_ops() -> list[type]:
    """The layers of torchvision.ops, which stay whole."""
    ops = _ops()
    if ops is None:
        return []
    return [c for _, c in inspect.getmembers(ops, inspect.isclass) if issubclass(c, Module)]


def _ops() -> Any:
    from rushlight import vision

    return getattr(vision, "ops", None)


def _set_default_tracer_kwargs(original_tr_kwargs: dict[str, Any] | None) -> dict[str, Any]:
    """The options of the tracer, with what always stays whole added."""
    options = {} if original_tr_kwargs is None else original_tr_kwargs
    ops = _ops()
    always = (math,) if ops is None else (math, ops)
    options["autowrap_modules"] = tuple({*options.get("autowrap_modules", ()), *always})
    leaves = {*options.get("leaf_modules", ()), *_get_leaf_modules_for_ops()}
    options["leaf_modules"] = list(leaves)
    return options


def get_graph_node_names(
    model: Module,
    tracer_kwargs: dict[str, Any] | None = None,
    suppress_diff_warning: bool = False,
    concrete_args: dict[str, Any] | None = None,
) -> tuple[list[str], list[str]]:
    """The paths of all nodes in train and in eval mode, in the order in which they run."""
    options = _set_default_tracer_kwargs(tracer_kwargs)
    training = model.training
    tracers = []
    for mode in (True, False):
        tracer = NodePathTracer(**options)
        tracer.trace(model.train(mode), concrete_args=concrete_args)
        tracers.append(tracer)
    if not suppress_diff_warning:
        _warn_graph_differences(*tracers)
    model.train(training)
    in_train, in_eval = (list(tracer.node_to_qualname.values()) for tracer in tracers)
    return in_train, in_eval


class DualGraphModule(GraphModule):
    """A GraphModule with a graph for train mode and one for eval mode; `train` and `eval` change to it."""

    def __init__(
        self, root: Any, train_graph: Graph, eval_graph: Graph, class_name: str = "GraphModule"
    ) -> None:
        Module.__init__(self)
        type(self).__name__ = class_name
        self.train_graph, self.eval_graph = train_graph, eval_graph
        for graph in (train_graph, eval_graph):
            for node in graph.nodes:
                if node.op in ("get_attr", "call_module"):
                    _copy_attr(root, self, str(node.target))
        self.train()
        self.graph = train_graph
        if eval_graph._tracer_cls != train_graph._tracer_cls:
            raise TypeError(
                "Train mode and eval mode should use the same tracer class. Instead got "
                f"{eval_graph._tracer_cls} for eval vs {train_graph._tracer_cls} for train"
            )
        tracer = train_graph._tracer_cls
        self._tracer_cls = tracer if tracer and "<locals>" not in tracer.__qualname__ else None

    def train(self, mode: bool = True) -> Any:
        """Change the mode, and the graph with it."""
        if mode is not self.training:
            self.graph = self.train_graph if mode else self.eval_graph
        return super().train(mode=mode)

    def __deepcopy__(self, memo: dict[Any, Any]) -> Any:
        other = type(self).__new__(type(self))
        memo[id(self)] = other
        body = copy.deepcopy(self.__dict__, memo)
        graphs = body["train_graph"], body["eval_graph"]
        DualGraphModule.__init__(other, _CodeOnlyModule(body), *graphs)
        other.meta = copy.deepcopy(getattr(self, "meta", {}), memo)
        return other.train(self.training)


def _as_dict(nodes: Any) -> dict[str, str]:
    if isinstance(nodes, list):
        return {str(name): str(name) for name in nodes}
    return {str(path): str(name) for path, name in nodes.items()}


def _extracting(
    model: Module, wanted: dict[str, str], tracer: NodePathTracer, concrete_args: Any
) -> Graph:
    """The model's graph with the wanted nodes as its output."""
    graph = tracer.trace(model, concrete_args=concrete_args)
    module = GraphModule(tracer.root, graph, type(model).__name__)
    paths = tracer.node_to_qualname
    for path in wanted:
        if not any(name == path or name.startswith(f"{path}.") for name in paths.values()):
            raise ValueError(
                f"node: '{path}' is not present in model. Hint: use `get_graph_node_names` to make sure the "
                "`return_nodes` you specified are present. It may even be that you need to specify "
                "`train_return_nodes` and `eval_return_nodes` separately."
            )
    graph.erase_node(graph.output_node())
    nodes = list(graph.nodes)
    left = dict(wanted)
    found: dict[str, Node] = {}
    for node in reversed(nodes):
        parts = paths.get(node, "").split(".")
        for path in left:
            if ".".join(parts[: path.count(".") + 1]) == path:
                found[left.pop(path)] = node
                break
    with graph.inserting_after(nodes[-1]):
        graph.output(dict(reversed(found.items())))
    graph.eliminate_dead_code()
    module.recompile()
    return graph


def create_feature_extractor(
    model: Module,
    return_nodes: ReturnNodes = None,
    train_return_nodes: ReturnNodes = None,
    eval_return_nodes: ReturnNodes = None,
    tracer_kwargs: dict[str, Any] | None = None,
    suppress_diff_warning: bool = False,
    concrete_args: dict[str, Any] | None = None,
) -> DualGraphModule:
    """A module that gives what the model computes at these places, in a dict.

    return_nodes has the paths (of modules, whose last node counts, or of nodes, see `get_graph_node_names`), as
    a list or with the names they are to have; train_return_nodes and eval_return_nodes where the two modes
    differ. tracer_kwargs are options of the tracer, `leaf_modules` and `autowrap_functions` among them. What is not
    needed is taken out.
    """
    if return_nodes is None and train_return_nodes is None and eval_return_nodes is None:
        raise ValueError(
            "Either `return_nodes` or `train_return_nodes` and `eval_return_nodes` together, should be specified"
        )
    if (train_return_nodes is None) != (eval_return_nodes is None):
        raise ValueError(
            "If any of `train_return_nodes` and `eval_return_nodes` are specified, then both should be specified"
        )
    if (return_nodes is None) == (train_return_nodes is None):
        raise ValueError(
            "If `train_return_nodes` and `eval_return_nodes` are specified, then both should be specified"
        )
    options = _set_default_tracer_kwargs(tracer_kwargs)
    training = model.training
    tracers = [NodePathTracer(**options) for _ in range(2)]
    wanted = (return_nodes, return_nodes) if return_nodes is not None else (
        train_return_nodes, eval_return_nodes
    )  # fmt: skip
    try:
        graphs = [
            _extracting(model.train(mode), _as_dict(nodes), tracer, concrete_args)
            for mode, nodes, tracer in zip((True, False), wanted, tracers, strict=True)
        ]
    finally:
        model.train(training)
    if not suppress_diff_warning:
        _warn_graph_differences(*tracers)
    in_train, in_eval = graphs
    made = DualGraphModule(model, in_train, in_eval, class_name=type(model).__name__)
    return made.train(training)
