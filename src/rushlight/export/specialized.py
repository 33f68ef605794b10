"""Tracing a module whose Python decides by sizes: its proxies know those of the example."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Iterator
from typing import Any, cast

from rushlight._tensor import Tensor
from rushlight.autograd.state import no_grad
from rushlight.fx._symbolic_trace import Tracer
from rushlight.fx.graph_module import GraphModule
from rushlight.fx.node import Node, map_arg
from rushlight.fx.proxy import Proxy
from rushlight.nn.modules.module import Module
from rushlight.utils._pytree import tree_map

# What a tensor tells of itself without a look at its values.
_TOLD = ("shape", "ndim", "dtype", "device", "layout", "requires_grad", "is_leaf", "is_cuda", "is_meta",
         "is_sparse", "is_nested", "is_quantized")  # fmt: skip
_ASKED = ("size", "dim", "ndimension", "numel", "nelement", "stride", "is_contiguous", "is_floating_point",
          "is_complex", "element_size", "storage_offset", "get_device")  # fmt: skip


class SizedProxy(Proxy):
    """A proxy that answers what the example's tensor would tell of its size and type."""

    def __getattr__(self, name: str) -> Any:
        value = self.node.meta.get("val")
        if isinstance(value, Tensor) and (name in _TOLD or name in _ASKED):
            return getattr(value, name)
        return super().__getattr__(name)

    def __len__(self) -> int:
        return len(self.node.meta["val"])

    def __iter__(self) -> Iterator[Any]:
        value, step = self.node.meta.get("val"), operator.getitem
        if isinstance(value, Tensor | tuple | list):
            return iter([step(cast(Any, self), i) for i in range(len(value))])
        return super().__iter__()


class BufferTracer(Tracer):
    """Writes down what a module does to its buffers, too, and does nothing to them."""

    proxy_buffer_attributes = True


def traced_by(tracer: Tracer, root: Module, concrete: Any) -> GraphModule:
    """The module as a graph."""
    graph = tracer.trace(root, concrete)
    return GraphModule(tracer.root, graph, type(root).__name__)


class SizedTracer(BufferTracer):
    """Runs each step on the example as well."""

    def __init__(self, root: Module, example: dict[str, Any]) -> None:
        super().__init__()
        # What the steps change is not the module's own, nor the caller's.
        self.twin = copy.deepcopy(root)
        self.leaves = iter(
            [v.detach().clone() for v in _tensors(example)],
        )

    def proxy(self, node: Node) -> SizedProxy:
        """A proxy that knows the step's result."""
        return SizedProxy(node, self)

    def create_proxy(
        self, kind: str, target: Any, args: Any, kwargs: Any, name: str | None = None,
        type_expr: Any | None = None, proxy_factory_fn: Callable[[Node], Proxy] | None = None,
    ) -> Proxy:  # fmt: skip
        """The step, which is run at once."""
        made = super().create_proxy(kind, target, args, kwargs, name, type_expr, proxy_factory_fn)
        with no_grad():
            made.node.meta["val"] = self._result(made.node)
        return made

    def _result(self, node: Node) -> Any:
        args, kwargs = (map_arg(a, lambda n: n.meta.get("val")) for a in (node.args, node.kwargs))
        target: Any = node.target
        if node.op == "placeholder":
            # One that the example leaves out has its default.
            return node.args[0] if node.args else next(self.leaves)
        if node.op == "get_attr":
            found: Any = self.twin
            for part in target.split("."):
                found = getattr(found, part) if hasattr(found, part) else None
            return self.root_attribute(target) if found is None else found
        if node.op == "call_module":
            return self.twin.get_submodule(target)(*args, **kwargs)
        if node.op == "call_method":
            return getattr(args[0], target)(*args[1:], **kwargs)
        return target(*args, **kwargs) if node.op == "call_function" else None

    def root_attribute(self, target: str) -> Any:
        """What tracing itself has given the module: a tensor that was no attribute."""
        return getattr(self.root, target)


def _tensors(example: Any) -> list[Any]:
    found: list[Any] = []
    tree_map(lambda v: found.append(v) if isinstance(v, Tensor) else None, example)
    return found


def specialized(root: Module, example: dict[str, Any], concrete: Any) -> GraphModule:
    """The module as a graph for the sizes of the example alone."""
    return traced_by(SizedTracer(root, example), root, concrete)
