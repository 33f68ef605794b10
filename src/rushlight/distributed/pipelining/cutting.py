"""A module becomes a graph, and the graph stages: what one computes and a later one needs goes through all between."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from rushlight.distributed.pipelining.stage import PipelineStage, build_stage
from rushlight.nn.modules.module import Module

if TYPE_CHECKING:
    from rushlight.fx import Graph, GraphModule, Node


class SplitPoint(Enum):
    """Where a stage begins: before a module, or after it."""

    BEGINNING = 1
    END = 2


# The tracers that are at work: to them `pipe_split()` is a node.
_at_work: list[Any] = []


def pipe_split() -> None:
    """Say, in a forward that `pipeline` cuts, that a stage ends here; otherwise nothing."""
    if _at_work:
        _at_work[-1].create_node("call_function", pipe_split, (), {})


@dataclass
class PipeInfo:
    """What a stage is to know of the whole."""

    graph: Any
    num_stages: int
    has_loss_and_backward: bool


class Pipe(Module):
    """A module in stages, `submod_0` and so on; called, it runs them all here."""

    def __init__(
        self, split_gm: GraphModule, num_stages: int, has_loss_and_backward: bool, loss_spec: Any
    ) -> None:
        super().__init__()
        self.split_gm, self.num_stages = split_gm, num_stages
        self.has_loss_and_backward, self.loss_spec = has_loss_and_backward, loss_spec

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The results, as a tuple."""
        result = self.split_gm(*args, **kwargs)
        return result if isinstance(result, tuple) else (result,)

    def get_stage_module(self, stage_idx: int) -> Module:
        """The module of a stage; its parameters keep their names."""
        if not 0 <= stage_idx < self.num_stages:
            raise ValueError(f"Invalid stage index {stage_idx}!")
        module: Module = getattr(self.split_gm, f"submod_{stage_idx}")
        return module

    def info(self) -> PipeInfo:
        """What `build_stage` asks for."""
        return PipeInfo(self.split_gm.graph, self.num_stages, self.has_loss_and_backward)

    def build_stage(self, stage_index: int, device: Any, group: Any = None) -> PipelineStage:
        """A stage, to be run by a schedule."""
        return build_stage(
            self.get_stage_module(stage_index), stage_index, self.info(), device, group
        )


def pipeline(
    module: Module,
    mb_args: tuple[Any, ...],
    mb_kwargs: dict[str, Any] | None = None,
    split_spec: Mapping[str, SplitPoint] | None = None,
    split_policy: Callable[[Any], Any] | None = None,
) -> Pipe:
    """Cut a module into stages: where split_spec names submodules, its forward calls `pipe_split`, or by a policy.

    Of what stands above the cuts the forward is traced by `torch.fx`; a submodule in which none is stays as it is.
    mb_args and mb_kwargs: what the module takes for one part of a batch.
    """
    if split_spec is not None and split_policy is not None:
        raise ValueError(
            "Cannot specify both `split_spec` and `split_policy`. Please use only one of them."
        )
    for name in split_spec or ():
        module.get_submodule(name)
    traced = _traced(module, len(mb_args), mb_kwargs or {}, split_spec)
    if split_policy is not None:
        traced = split_policy(traced)
    for name, point in (split_spec or {}).items():
        _mark(traced.graph, name, point)
    return _cut(traced)


def _traced(
    module: Module, count: int, named: Mapping[str, Any], spec: Mapping[str, SplitPoint] | None
) -> GraphModule:
    from rushlight.fx import GraphModule, Tracer

    class Above(Tracer):
        def is_leaf_module(self, m: Module, module_qualified_name: str) -> bool:
            if spec is None:
                return super().is_leaf_module(m, module_qualified_name)
            return not any(name.startswith(module_qualified_name + ".") for name in spec)

    parameters = inspect.signature(module.forward).parameters.values()
    left_out = {
        parameter.name: parameter.default
        for i, parameter in enumerate(parameters)
        if i >= count and parameter.name not in named and parameter.default is not parameter.empty
    }
    tracer = Above()
    _at_work.append(tracer)
    try:
        graph = tracer.trace(module, concrete_args=left_out or None)
    finally:
        _at_work.pop()
    for node in graph.find_nodes(op="placeholder"):
        if node.target.rpartition("_")[0] in left_out and not node.users:
            graph.erase_node(node)
    return GraphModule(module, graph, type(module).__name__)


def _mark(graph: Graph, name: str, point: SplitPoint) -> None:
    """Put a `pipe_split` before or after what a submodule does."""
    inside = [
        node
        for node in graph.nodes
        if node.op in ("call_module", "get_attr") and (node.target + ".").startswith(name + ".")
    ]
    if not inside:
        raise RuntimeError(f"pipeline: the forward does not use {name}")
    place = (
        graph.inserting_before(inside[0])
        if point is SplitPoint.BEGINNING
        else graph.inserting_after(inside[-1])
    )
    with place:
        graph.call_function(pipe_split)


def _stages_of(graph: Graph) -> dict[Node, int]:
    """In which stage each node is."""
    stages: dict[Node, int] = {}
    current = used = 0
    for node in graph.nodes:
        if node.op == "call_function" and node.target is pipe_split:
            current += used  # Two beside each other are one cut.
            used = 0
        elif node.op == "placeholder":
            stages[node] = 0
        elif node.op not in ("output", "get_attr"):
            stages[node], used = current, 1
    return stages


def _cut(traced: GraphModule) -> Pipe:
    from rushlight.fx import Graph, GraphModule, map_arg

    stages = _stages_of(traced.graph)
    ending = traced.graph.output_node()
    count = max(stages.values(), default=0) + 1
    needed: dict[Node, int] = {}  # in which stage a value is last read
    for node, stage in [*stages.items(), (ending, count - 1)]:
        for given in node.all_input_nodes:
            if given.op != "get_attr":
                needed[given] = max(needed.get(given, 0), stage)
    whole, holder = Graph(), Module()
    values = {n: whole.node_copy(n, _unknown) for n in stages if n.op == "placeholder"}
    crossing = list(values)
    for stage in range(count):
        part, inside = Graph(), {}
        for node in crossing:
            inside[node] = (
                part.node_copy(node, _unknown) if stage == 0 else part.placeholder(node.name)
            )

        def own(node: Node, part: Any = part, inside: Any = inside) -> Node:
            if node not in inside:  # A parameter, which every stage that reads it has.
                inside[node] = part.node_copy(node, own)
            return inside[node]

        for node, at in stages.items():
            if at == stage and node.op != "placeholder":
                inside[node] = part.node_copy(node, own)
        leaving = [n for n in inside if n in stages and needed.get(n, -1) > stage]
        call_args = tuple(values[n] for n in crossing)
        if stage == count - 1:
            part.output(map_arg(ending.args[0], own))
        else:
            part.output(
                inside[leaving[0]] if len(leaving) == 1 else tuple(inside[n] for n in leaving)
            )
        holder.add_module(f"submod_{stage}", GraphModule(traced, part, f"submod_{stage}"))
        called = whole.call_module(f"submod_{stage}", call_args)
        if len(leaving) == 1:
            values = {leaving[0]: called}
        else:
            values = {n: whole.call_function(_item, (called, i)) for i, n in enumerate(leaving)}
        crossing = leaving
    whole.output(called)
    holder.train(traced.training)
    return Pipe(GraphModule(holder, whole, "GraphModule"), count, False, None)


def _unknown(node: Node) -> Node:
    return node


def _item(values: Any, i: int) -> Any:
    return values[i]
