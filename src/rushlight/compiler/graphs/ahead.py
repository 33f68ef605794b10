"""AOTAutograd: a function's forward and backward as two graphs of ATen, each for a compiler of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight._tensor import Tensor
from rushlight.autograd.api import grad
from rushlight.autograd.function import Function
from rushlight.autograd.state import enable_grad, is_grad_enabled, no_grad
from rushlight.compiler.graphs.aten import Aten
from rushlight.fx.graph import Graph
from rushlight.fx.graph_module import GraphModule
from rushlight.fx.node import Node, map_arg
from rushlight.ops.creation import ones_like

Compiler = Callable[[GraphModule, list[Any]], Callable[..., Any]]


def make_boxed_func(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of a list, which calls f with what is in it."""

    def boxed(args: list[Any]) -> Any:
        return f(*args)

    boxed._boxed_call = True  # type: ignore[attr-defined]
    return boxed


def called(compiled: Callable[..., Any], args: list[Any]) -> Any:
    """What a compiler's function gives, whether it takes a list or its items."""
    return compiled(args) if getattr(compiled, "_boxed_call", False) else compiled(*args)


def ahead(
    function: Callable[..., Any], args: list[Any], fw: Compiler, bw: Compiler
) -> Callable[..., Any]:
    """A function of the same tensors whose forward is what `fw` makes of its graph, and its backward that of `bw`.

    function gives a tuple of tensors; args are examples.
    """
    tensors = [a for a in args if isinstance(a, Tensor)]
    if not (is_grad_enabled() and any(t.requires_grad for t in tensors)):
        return _inference(function, args, fw)
    return _Joint(function, args).compiled(fw, bw)


def _inference(function: Callable[..., Any], args: list[Any], fw: Compiler) -> Callable[..., Any]:
    tracer = Aten("mutations")
    given = _placeholders(tracer, args, "arg{}_1", 0)
    with no_grad(), tracer:
        outs = function(*given)
    compiled = fw(tracer.module(tuple(outs), "<lambda>"), args)

    def run(*inputs: Any) -> Any:
        with no_grad():
            return tuple(called(compiled, list(inputs)))

    return run


def _placeholders(tracer: Aten, args: list[Any], name: str, first: int) -> list[Any]:
    """A placeholder for each of args; what the function is given in its place."""
    given = []
    for number, value in enumerate(args):
        node = tracer.graph.placeholder(name.format(number + first))
        if isinstance(value, Tensor):
            value = value.detach().requires_grad_(value.requires_grad)
            tracer.know(value, node)
        given.append(value)
    return given


class _Joint:
    """Forward and backward of a function, one after the other in one graph, which is then cut."""

    def __init__(self, function: Callable[..., Any], args: list[Any]) -> None:
        self.args = args
        tracer = Aten("mutations")
        given = _placeholders(tracer, args, "primals_{}", 1)
        with enable_grad(), tracer:
            outs = tuple(function(*given))
        self.outs = [tracer.node(out) for out in outs]
        self.wanted = [n for n, v in enumerate(given) if isinstance(v, Tensor) and v.requires_grad]
        self.differentiable = [n for n, out in enumerate(outs) if out.requires_grad]
        self.forward = list(tracer.graph.nodes)
        roots = [outs[n] for n in self.differentiable]
        tangents = [ones_like(root) for root in roots]
        self.tangents: list[Node] = []
        for number, tangent in enumerate(tangents):
            node = tracer.graph.placeholder(f"tangents_{number + 1}")
            tracer.know(tangent, node)
            self.tangents.append(node)
        with tracer:
            found = grad(roots, [given[n] for n in self.wanted], tangents, allow_unused=True)
        by_input = dict(zip(self.wanted, found, strict=True))
        grads = [by_input.get(n) for n in range(len(args))]
        self.grads = [None if g is None else tracer.node(g) for g in grads]
        self.root, self.graph = tracer.root, tracer.graph
        own = set(self.forward)
        backward = [node for node in self.graph.nodes if node not in own]
        needed = _needed(self.grads)
        self.backward = [node for node in backward if node in needed and node not in self.tangents]
        used = [i for node in self.backward for i in node.all_input_nodes]
        used += [g for g in self.grads if g is not None]
        saved = dict.fromkeys(n for n in self.forward if n in set(used) and n.op != "get_attr")
        # Arguments first, then what was computed.
        self.saved = sorted(saved, key=lambda n: n.op != "placeholder")

    def compiled(self, fw: Compiler, bw: Compiler) -> Callable[..., Any]:
        """The two graphs, compiled, as one function with a derivative."""
        forward = self._cut([], self.forward, [*self.outs, *self.saved])
        run_forward = fw(forward, self.args)
        count, differentiable = len(self.outs), set(self.differentiable)
        held: dict[str, Any] = {}

        def backward_of(given: list[Any]) -> Any:
            if "run" not in held:
                held["run"] = bw(
                    self._cut([*self.saved, *self.tangents], self.backward, self.grads), given
                )
            return called(held["run"], given)

        class CompiledFunction(Function):
            @staticmethod
            def forward(ctx: Any, *inputs: Any) -> Any:
                results = called(run_forward, list(inputs))
                ctx.save_for_backward(*results[count:])
                outs = tuple(results[:count])
                ctx.mark_non_differentiable(
                    *(out for n, out in enumerate(outs) if n not in differentiable)
                )
                return outs

            @staticmethod
            def backward(ctx: Any, *grads: Any) -> Any:
                given = [
                    *ctx.saved_tensors,
                    *(g for n, g in enumerate(grads) if n in differentiable),
                ]
                return tuple(backward_of(given))

        return CompiledFunction.apply

    def _cut(self, inputs: list[Node], nodes: list[Node], outputs: list[Any]) -> GraphModule:
        """A graph of some of the nodes, which takes inputs besides its own placeholders."""
        graph, copies = Graph(), {}
        for node in inputs:
            copies[node] = graph.placeholder(node.name)
            copies[node].meta = dict(node.meta)
        for node in nodes:
            for needed in node.all_input_nodes:
                if needed.op == "get_attr" and needed not in copies:
                    copies[needed] = graph.node_copy(needed)
            copies[node] = graph.node_copy(node, lambda n: copies[n])
        graph.output(map_arg(tuple(outputs), lambda n: copies[n]))
        return GraphModule(self.root, graph, "GraphModule")


def _needed(outputs: list[Any]) -> set[Node]:
    found: set[Node] = set()
    waiting = [node for node in outputs if node is not None]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(node.all_input_nodes)
    return found


def aot_autograd(
    *, fw_compiler: Compiler, bw_compiler: Compiler | None = None, inference_compiler: Any = None, **options: Any
) -> Callable[..., Any]:  # fmt: skip
    """A backend that hands graphs of ATen on: the forward to fw_compiler, the backward to bw_compiler."""

    def backend(gm: Any, example_inputs: list[Any], **kwargs: Any) -> Callable[..., Any]:
        forward = fw_compiler
        if inference_compiler is not None and not is_grad_enabled():
            forward = inference_compiler
        return ahead(gm.forward, example_inputs, forward, bw_compiler or fw_compiler)

    return backend


def aot_function(
    fn: Callable[..., Any],
    fw_compiler: Compiler,
    bw_compiler: Compiler | None = None,
    **options: Any,
) -> Callable[..., Any]:
    """A function that compiles fn when it is first called: see `aot_autograd`."""
    from rushlight.utils import _pytree as pytree

    made: dict[Any, Any] = {}

    def returned(*args: Any, **kwargs: Any) -> Any:
        flat, spec = pytree.tree_flatten((args, kwargs))
        kinds = tuple(
            (tuple(a.shape), a.dtype, a.requires_grad) for a in flat if isinstance(a, Tensor)
        )
        if kinds not in made:
            specs: list[Any] = []

            def flattened(*flat: Any) -> Any:
                args, kwargs = pytree.tree_unflatten(list(flat), spec)
                outs, out_spec = pytree.tree_flatten(fn(*args, **kwargs))
                specs[:] = [out_spec]
                return outs

            run = ahead(flattened, flat, fw_compiler, bw_compiler or fw_compiler)
            made[kinds] = run, specs[0]
        run, out_spec = made[kinds]
        return pytree.tree_unflatten(list(run(*flat)), out_spec)

    return returned
