"""What a function does, as operators of ATen: `make_fx`, and what AOTAutograd hands to backends.

The function runs. Rows that pass the doors, those of backward among them, become the operators that torch
would dispatch to (`rows`); a few public functions, mostly views and makers, are told by their names. Every
node's result is known by the array that it stands on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight._ops import ops
from rushlight._tensor import Tensor
from rushlight.compiler.graphs.aliases import BACK, Aliases, refuse
from rushlight.compiler.graphs.rows import BY_NAME, of_row
from rushlight.core import doors
from rushlight.core.state import state
from rushlight.core.turned import held
from rushlight.fx.graph import Graph
from rushlight.fx.graph_module import GraphModule
from rushlight.fx.node import Node
from rushlight.layout import preserve_format
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter
from rushlight.overriding.asking import Taker, thread
from rushlight.overriding.functions import Public, hold, release
from rushlight.primitives.writing import copy_region
from rushlight.utils import _pytree as pytree

VALUES = (
    "It appears that you're trying to get value out of a tracing tensor with {} - erroring out! It's likely that "
    "this is caused by data-dependent control flow or similar. It may be possible to trace this with dynamic "
    "shapes; try setting tracing_mode='symbolic' in your make_fx call."
)


class Aten(Taker, doors.Interpreter):
    """Writes down the operators of what runs in its block."""

    def __init__(self, functional: str = "") -> None:
        # What is to be none in the graph: "mutations", or "mutations_and_views".
        self.functional = functional
        self.aliases = Aliases(self.emit)
        self.graph = Graph()
        self.root = Module()
        self.nodes: dict[int, Node] = {}
        self.kept: list[Any] = []
        # The arrays that were made meanwhile: none of them is a constant.
        self.made: set[int] = set()
        self.silent = 0
        # The public function that runs: some write as others do.
        self.running = ""
        self.last: Any = None

    def __enter__(self) -> Aten:
        hold()
        thread.modes = (*thread.modes, self)
        super().__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        thread.modes = tuple(m for m in thread.modes if m is not self)
        release()

    # ---- what is known -----------------------------------------------------------------------------

    def know(self, tensor: Any, node: Node) -> None:
        """A tensor is what a node gives."""
        array = held(tensor)
        self.nodes[id(array)] = node
        self.kept.append(array)
        self.made.add(id(array))
        node.meta["val"] = tensor.detach()
        self.last = tensor

    def node(self, value: Any) -> Any:
        """A value as an argument of nodes: what was not made here is a constant."""
        if isinstance(value, Tensor):
            found = self.nodes.get(id(held(value)))
            if found is None:
                return self._constant(value)
            if self.functional:
                found = self.nodes[id(held(value))] = self.aliases.fresh(found)
            return found
        if isinstance(value, tuple | list):
            return [self.node(v) for v in value]
        return value

    def _constant(self, tensor: Any) -> Node:
        if id(held(tensor)) in self.made:
            raise NotImplementedError(
                "ATen has no operator for something that this function does, or that its derivative reads"
            )
        kind = "_param_constant" if isinstance(tensor, Parameter) else "_tensor_constant"
        number = 0
        while hasattr(self.root, f"{kind}{number}"):
            number += 1
        setattr(self.root, f"{kind}{number}", tensor)
        node = self.graph.get_attr(f"{kind}{number}")
        self.nodes[id(held(tensor))] = node
        self.kept.append(held(tensor))
        return node

    def emit(self, operator: str, *args: Any, **kwargs: Any) -> Node:
        """A node of an operator, `mm.default`, whose arguments are tensors, nodes and others."""
        name, _, form = operator.partition(".")
        shows = self.functional and operator in BACK
        if shows and self.functional == "mutations_and_views":
            name += "_copy"
        target = getattr(getattr(ops.aten, name), form)
        given = tuple(a if isinstance(a, Node) else self.node(a) for a in args)
        named = {k: self.node(v) for k, v in kwargs.items()}
        node = self.graph.create_node("call_function", target, given, named, name=name)
        if shows:
            self.aliases.lay(node, operator, given[0], given[1:])
        return node

    def call(self, name: str, function: Any, inputs: Any, static: dict[str, Any]) -> Node:
        """A node of a function that is no operator of ATen."""
        given = tuple(map(self.node, inputs))
        return self.graph.create_node("call_function", function, given, dict(static), name=name)

    # ---- what passes --------------------------------------------------------------------------------

    def called(self, public: Public, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A public function, which may be known by its name."""
        modes = thread.modes
        rule = None if self.silent else BY_NAME.get(public.function.__name__)
        try:
            thread.modes = modes[:-1]
            if rule is None:
                self.running = public.function.__name__
                return public.plain(*args, **kwargs)
            self.silent += 1
            try:
                result = public.plain(*args, **kwargs)
            finally:
                self.silent -= 1
            with self.off():
                rule(self, result, args, kwargs)
            return result
        finally:
            thread.modes = modes

    def off(self) -> Any:
        """A block that is not watched."""
        return _Off(self)

    def take(self, watchers: Any, door: str, *what: Any) -> Any:
        """What comes to a door."""
        if self.silent:
            result = super().take(watchers, door, *what)
            if door == "apply":
                self._note(result)
            return result
        if door in ("read", "number") and id(held(what[0])) in self.nodes:
            raise RuntimeError(VALUES.format("aten._local_scalar_dense.default"))
        if door == "into" and what[1] is copy_region:
            # What shows the region is written down, too.
            state.interpreters = watchers
            what[0][what[3]["index"]].copy_(what[2][0])
            return None
        result = super().take(watchers, door, *what)
        with self.off():
            if door == "apply":
                self._note(result)
                of_row(self, what[0], what[1], what[2], result)
                if self.functional and what[0].view:
                    node = self.nodes.get(id(held(result)))
                    if node is not None and self.aliases.is_whole(node):
                        refuse(what[0].name)
            elif door == "into":
                self._changed(*what)
            elif door == "literal" and self._begins_backward(what[0]):
                like = self.emit(
                    "ones_like.default", self.last, pin_memory=False, memory_format=preserve_format
                )
                self.know(what[0], like)
        return result

    def _note(self, result: Any) -> None:
        for part in (result,) if isinstance(result, Tensor) else result:
            self.made.add(id(held(part)))
            self.kept.append(held(part))

    def _begins_backward(self, tensor: Any) -> bool:
        """Whether a tensor of Python's numbers is the gradient with which a backward begins."""
        return (
            self.last is not None and tensor.shape == self.last.shape and bool((tensor == 1).all())
        )

    def _changed(self, target: Any, kernel: Any, inputs: Any, static: Any) -> None:
        name = getattr(kernel, "__name__", "").rstrip("_")
        second = "Tensor" if inputs and name in ("add", "sub", "mul", "div") else "default"
        if name == "fill" and self.running == "zero_":
            name, inputs = "zero", ()
        elif name == "fill":
            second = "Scalar"
            inputs = tuple(n.item() if isinstance(n, np.generic) else n for n in inputs)
        if not self.functional:
            self.know(target, self.emit(f"{name}_.{second}", target, *inputs, **static))
            return
        before = self.node(target)
        self.know(target, self.emit(f"{name}.{second}", before, *inputs, **static))
        changed = self.nodes[id(held(target))]
        shown = self.nodes[id(held(target))] = self.aliases.change(before, changed)
        shown.meta["val"] = changed.meta["val"]

    # ---- the whole -----------------------------------------------------------------------------------

    def module(self, outputs: Any, name: str) -> GraphModule:
        """The graph, which gives the tensors of outputs."""
        given = pytree.tree_map(self.node, outputs)
        for node in [n for n in self.graph.nodes if n.op == "placeholder"]:
            if (memory := self.aliases.place(node).memory).changes:
                self.emit("copy_.default", node, memory.whole)
        self.graph.output(given)
        return GraphModule(self.root, self.graph, name)


class _Off:
    def __init__(self, tracer: Aten) -> None:
        self.tracer = tracer

    def __enter__(self) -> None:
        self.modes, self.watchers = thread.modes, state.interpreters
        thread.modes = tuple(m for m in self.modes if m is not self.tracer)
        state.interpreters = tuple(w for w in self.watchers if w is not self.tracer)

    def __exit__(self, *exception: object) -> None:
        thread.modes, state.interpreters = self.modes, self.watchers


def make_fx(
    f: Callable[..., Any], decomposition_table: Any = None, tracing_mode: str = "real", **options: Any
) -> Callable[..., GraphModule]:  # fmt: skip
    """A function that traces f on its arguments, and gives the operators of ATen as a GraphModule.

    Gradients that f takes are operators, too. Sizes are those of the arguments, whatever tracing_mode says.

    >>> import rushlight as torch
    >>> print(make_fx(lambda x: torch.sin(x) + 1)(torch.ones(2)).code.strip())
    def forward(self, x_1):
        sin = torch.ops.aten.sin.default(x_1);  x_1 = None
        add = torch.ops.aten.add.Tensor(sin, 1);  sin = None
        return add
    """
    if tracing_mode not in ("real", "fake", "symbolic"):
        raise AssertionError(f"Unexpected tracing type: {tracing_mode}")

    def wrapped(*args: Any) -> GraphModule:
        functional = getattr(f, "_functionalized", "")
        tracer = Aten(functional)
        names = _parameters(f, len(args))
        flat, spec = pytree.tree_flatten(list(args))
        plain = all(not isinstance(a, tuple | list | dict) for a in args)
        given: list[Any] = []
        for number, value in enumerate(flat):
            name = f"{names[number]}_1" if plain else f"{names[0]}_{number + 1}"
            node = tracer.graph.placeholder(name)
            if isinstance(value, Tensor):
                value = value.view_as(value) if value._node_ is not None else value
                tracer.know(value, node)
            given.append(value)
        if not plain:
            from rushlight.fx.generating import _PyTreeCodeGen, _PyTreeInfo

            codegen = _PyTreeCodeGen(_PyTreeInfo(names[: len(args)], spec, None))
            tracer.graph._codegen = codegen
        with tracer:
            result = f(*pytree.tree_unflatten(given, spec))
        if not plain:
            result, out_spec = pytree.tree_flatten(result)
            codegen.pytree_info = codegen.pytree_info._replace(out_spec=out_spec)
        module = tracer.module(result, getattr(f, "__name__", type(f).__name__))
        return module

    return wrapped


def _parameters(f: Any, count: int) -> list[str]:
    code = getattr(getattr(f, "__func__", f), "__code__", None)
    inner = getattr(f, "__wrapped__", None)
    if inner is not None:
        return _parameters(inner, count)
    names = [] if code is None or code.co_flags & 4 else list(code.co_varnames[: code.co_argcount])
    if hasattr(f, "__self__"):
        names = names[1:]
    from rushlight.compiler.recording.origin import OWN, origin_of_file

    if code is None or origin_of_file(code.co_filename) == OWN or len(names) < count:
        return [f"arg{n}" for n in range(count)]
    return names
