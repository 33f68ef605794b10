"""`torch._dynamo.export`: a function as one graph, which is called as the function is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from rushlight.compiler.compile import compile, reset
from rushlight.compiler.recording.tree import Leaf, apart
from rushlight.core.tensor import TensorBase
from rushlight.later import later

if TYPE_CHECKING:
    from rushlight.compiler.graphs import aten
    from rushlight.fx import graph_module
    from rushlight.utils import _pytree as pytree
else:
    # Compiling to C comes by here, and has no use for graphs.
    aten = later("rushlight.compiler.graphs.aten")
    graph_module = later("rushlight.fx.graph_module")
    pytree = later("rushlight.utils._pytree")

__all__ = ["ExportResult", "export"]


class ExportResult(NamedTuple):
    """The graph, and what was assumed of the arguments."""

    graph_module: Any
    guards: Any


def export(
    f: Callable[..., Any], *extra_args: Any, aten_graph: bool = False, **options: Any
) -> Any:
    """A function of f's arguments that gives f as one graph: of torch's functions, or of ATen's operators.

    >>> import rushlight as torch
    >>> module, guards = export(lambda x: torch.sin(x) + 1)(torch.zeros(2))
    >>> module(torch.zeros(2))
    tensor([1., 1.])
    """

    def inner(*args: Any, **kwargs: Any) -> ExportResult:
        graphs: list[Any] = []

        def keep(gm: Any, example_inputs: Any) -> Any:
            graphs.append((gm, example_inputs))
            return gm.forward

        reset()
        result = compile(f, backend=keep, fullgraph=True)(*args, **kwargs)
        reset()
        if len(graphs) != 1:
            raise AssertionError("export: the function calls nothing of torch's")
        gm, inputs = graphs[0]
        given = [v for v in pytree.tree_leaves((args, kwargs)) if isinstance(v, TensorBase)]
        module = _as_called(gm, inputs, given, result)
        if aten_graph:
            module = aten.make_fx(lambda *flat: module(*flat))(*given)
            for number, node in enumerate(module.graph.find_nodes(op="placeholder")):
                node.target = f"arg{number}"
            module.recompile()
        return ExportResult(module, gm.guards)

    return inner(*extra_args) if extra_args else inner


def _as_called(
    gm: Any, inputs: list[Any], given: list[Any], result: Any
) -> graph_module.GraphModule:
    """The graph with the function's arguments as parameters, and its result as it returns it."""
    graph = gm.graph
    numbers = {id(tensor): n for n, tensor in enumerate(given)}
    nodes: dict[int, Any] = {}
    for node, value in zip(graph.find_nodes(op="placeholder"), inputs, strict=True):
        if id(value) in numbers:
            node.target = f"arg{numbers[id(value)]}"
            nodes[numbers[id(value)]] = node
            continue
        setattr(gm, node.name, value)
        with graph.inserting_before(node):
            fetched = graph.get_attr(node.name)
        node.replace_all_uses_with(fetched)
        graph.erase_node(node)
    last = graph.output_node()
    made = list(last.args[0])
    tensors, (_, leaves) = apart(result)
    known = {id(t): nodes.get(n) for n, t in enumerate(given)}
    found = [known.get(id(t)) or made.pop(0) for t in tensors]
    values = [found[leaf.number] if isinstance(leaf, Leaf) else leaf for leaf in leaves]
    last.args = (pytree.tree_unflatten(values, pytree.tree_structure(result)),)
    gm.recompile()
    return gm
