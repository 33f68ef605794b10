"""Proxies: values that stand for results of nodes, and write down whatever is done with them."""

from __future__ import annotations

import copy
import dis
import enum
import inspect
import logging
import operator
import os
import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from types import EllipsisType, FrameType
from typing import Any

from rushlight.fx.generating import magic_methods, reflectable_magic_methods
from rushlight.fx.graph import Graph
from rushlight.fx.naming import is_method, name_of
from rushlight.fx.node import Argument, Node, Target, base_types, map_aggregate, map_arg
from rushlight.fx.traceback import hand_on, has_preserved_node_meta
from rushlight.nn.parameter import Parameter
from rushlight.overriding.functions import hold, release
from rushlight.size import Size

__all__ = [
    "Attribute", "GraphAppendingTracer", "ParameterProxy", "Proxy", "Scope", "ScopeContextManager",
    "TraceError", "TracerBase",
]  # fmt: skip

log = logging.getLogger(__name__)
_HERE = os.path.dirname(__file__)


class TraceError(ValueError):
    """The program asks for the value of what is only traced."""


class Scope:
    """In which module a node was made: its path and its type."""

    def __init__(self, module_path: str, module_type: Any) -> None:
        self.module_path, self.module_type = module_path, module_type


class ScopeContextManager:
    """Inside of it a scope is another."""

    def __init__(self, scope: Scope, current_scope: Scope) -> None:
        self._before = copy.copy(scope)
        self._scope = scope
        vars(scope).update(vars(current_scope))

    def __enter__(self) -> Scope:
        return self._scope

    def __exit__(self, *args: object) -> None:
        vars(self._scope).update(vars(self._before))


class TracerBase:
    """Makes nodes of what proxies meet. `Tracer` traces modules and functions with it."""

    graph: Graph
    # Whether nodes remember the lines of the program that they come from.
    record_stack_traces: bool = False
    check_mutable_operations: bool = False
    # Whether an `assert` of a proxy becomes a node.
    trace_asserts: bool = False
    # Whether buffers become nodes when a module's forward reads them, as parameters do.
    proxy_buffer_attributes: bool = False
    traced_func_name: str = "forward"
    scope: Scope
    module_stack: OrderedDict[str, tuple[str, Any]]
    node_name_to_scope: dict[str, tuple[str, Any]]

    def create_node(
        self,
        kind: str,
        target: Target,
        args: tuple[Argument, ...],
        kwargs: dict[str, Argument],
        name: str | None = None,
        type_expr: Any | None = None,
    ) -> Node:
        """Add a node to the graph, and note where it comes from; to be overridden."""
        if kind == "call_function" and self.check_mutable_operations:
            from rushlight.fx.operator_schemas import check_for_mutable_operation

            check_for_mutable_operation(target, args, kwargs)  # type: ignore[arg-type]
        node = self.graph.create_node(kind, target, args, kwargs, name, type_expr)
        self.node_name_to_scope[node.name] = (self.scope.module_path, self.scope.module_type)
        if has_preserved_node_meta():
            hand_on(node)
        elif self.module_stack:
            node.meta["nn_module_stack"] = copy.copy(self.module_stack)
        if self.record_stack_traces and not node.stack_trace:
            lines = self._filter_traceback_frames(traceback.extract_stack())
            if lines:
                node.stack_trace = "".join(lines.format()).strip()
        return node

    def _filter_traceback_frames(self, stack: traceback.StackSummary) -> traceback.StackSummary:
        """The frames from the first `forward` on that are the program's."""
        names = [frame.name for frame in stack]
        below = stack[names.index("forward") :] if "forward" in names else []
        own = [frame for frame in below if not frame.filename.startswith(_HERE)]
        return traceback.StackSummary.from_list(own)

    def proxy(self, node: Node) -> Proxy:
        """The proxy for a node; to be overridden where proxies are of another class."""
        return Proxy(node, self)

    def create_proxy(
        self,
        kind: str,
        target: Target,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        name: str | None = None,
        type_expr: Any | None = None,
        proxy_factory_fn: Callable[[Node], Proxy] | None = None,
    ) -> Proxy:
        """A node for a call with these arguments, and a proxy for the node."""
        node = self.create_node(
            kind, target, self.create_arg(args), self.create_arg(kwargs), name, type_expr
        )
        return (proxy_factory_fn or self.proxy)(node)

    def _find_user_frame(self) -> FrameType | None:
        """The frame of the program that is being traced."""
        frame = inspect.currentframe()
        while frame is not None and frame.f_code.co_filename.startswith(_HERE):
            frame = frame.f_back
        return frame

    def create_arg(self, a: Any) -> Argument:
        """A value as nodes keep it; to be overridden for types of one's own."""
        if isinstance(a, Proxy):
            return a.node
        if hasattr(a, "__fx_create_arg__"):
            return a.__fx_create_arg__(self)
        if isinstance(a, tuple):
            parts = [self.create_arg(x) for x in a]
            return type(a)(*parts) if hasattr(a, "_fields") else _tuple_of(type(a), parts)
        if isinstance(a, list):
            return [self.create_arg(x) for x in a]
        if isinstance(a, dict):
            return {self._key(key): self.create_arg(x) for key, x in a.items()}
        if isinstance(a, slice):
            return slice(*(self.create_arg(x) for x in (a.start, a.stop, a.step)))
        if isinstance(a, range):
            return range(*(self.create_arg(x) for x in (a.start, a.stop, a.step)))
        if is_dataclass(a) and not isinstance(a, type):
            parts_of = {f.name: self.create_arg(getattr(a, f.name)) for f in fields(a)}
            return self.create_node("call_function", type(a), (), parts_of)
        if isinstance(a, (*base_types, enum.Enum, EllipsisType)) or a is None:
            return a
        raise NotImplementedError(f"argument of type: {type(a)}")

    def _key(self, key: Any) -> Any:
        if isinstance(key, str):
            return key

        def refuse(node: Node) -> None:
            raise RuntimeError(
                f"Keys for dictionaries used as an argument cannot contain a Node. Got key: {node}"
            )

        key = self.create_arg(key)
        map_arg(key, refuse)
        return key

    def to_bool(self, obj: Proxy) -> bool:
        """What `if proxy` decides: nothing, the value is not known. A tracer that knows more overrides it."""
        raise TraceError("symbolically traced variables cannot be used as inputs to control flow")

    def iter(self, obj: Proxy) -> Iterator[Any]:
        """What a loop over a proxy goes through: nothing, its length is not known; to be overridden."""
        raise TraceError(
            "Proxy object cannot be iterated. This can be attempted when the Proxy is used in a loop or as a "
            "*args or **kwargs function argument. See the torch.fx docs on pytorch.org for a more detailed "
            "explanation of what types of control flow can be traced, and check out the Proxy docstring for "
            "help troubleshooting Proxy iteration errors"
        )

    def keys(self, obj: Proxy) -> Any:
        """What `**proxy` asks for; to be overridden."""
        return Attribute(obj, "keys")()


def _tuple_of(kind: type, parts: list[Any]) -> tuple[Any, ...]:
    return tuple(parts) if kind is Size else kind(parts)


class GraphAppendingTracer(TracerBase):
    """Adds to a graph what is done with proxies for its nodes, outside of any tracing."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.scope = Scope("", None)
        self.module_stack = OrderedDict()
        self.node_name_to_scope = {}


def assert_fn(x: Any) -> None:
    """What an `assert` of a proxy becomes."""
    if not x:
        raise AssertionError("Assertion failed")


def _instructions_from(frame: FrameType) -> list[dis.Instruction]:
    """The instruction that a frame is at, and those that follow."""
    return [i for i in dis.get_instructions(frame.f_code) if i.offset >= frame.f_lasti]


# What later Pythons have around the jump of an `assert`; from 3.13 on, a comparison makes the bool itself.
_BETWEEN = {"COMPARE_OP", "TO_BOOL", "NOT_TAKEN"}


def _loads_assertion_error(step: dis.Instruction) -> bool:
    if step.opname == "LOAD_COMMON_CONSTANT":  # from Python 3.14 on
        return "AssertionError" in step.argrepr
    return step.opname == "LOAD_ASSERTION_ERROR"


def _caller() -> list[dis.Instruction]:
    frame = inspect.currentframe()
    return _instructions_from(frame.f_back.f_back)  # type: ignore[union-attr,arg-type]


class Proxy:
    """Stands for the result of a node; operators, methods and functions of torch on it add nodes.

    It has no value: what needs one (`if`, loops over it, `len`) is an error, and is left whole with `fx.wrap`
    or by leaf modules. Outside of tracing `Proxy(node)` lets ordinary Python add to the node's graph.

    >>> import rushlight as torch
    >>> graph = torch.fx.Graph()
    >>> x = torch.fx.Proxy(graph.placeholder("x"))
    >>> (x + 1).relu()
    Proxy(relu)
    """

    def __init__(self, node: Node, tracer: TracerBase | None = None) -> None:
        self.tracer = tracer or GraphAppendingTracer(node.graph)
        self.node = node
        # While there are proxies, functions of torch ask what their arguments answer.
        hold()
        self.__dict__["_holds"] = True

    def __del__(self) -> None:
        if self.__dict__.pop("_holds", False):
            release()

    def __repr__(self) -> str:
        return f"Proxy({self.node.name})"

    def __getattr__(self, k: str) -> Attribute:
        """The attribute; no node yet, for mostly it is called next, which is one node for the call."""
        return Attribute(self, k)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_holds"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ = state

    def __deepcopy__(self, memo: dict[int, Any]) -> Proxy:
        # Or copy would be given an Attribute for the name.
        copied: dict[str, Any] = {}
        for name, value in self.__getstate__().items():
            try:
                copied[name] = copy.deepcopy(value, memo)
            except Exception:
                log.warning("Shallow copy %s of %r: it cannot be deepcopied", name, self)
                copied[name] = copy.copy(value)
        other = Proxy(copied["node"], copied["tracer"])
        other.__dict__.update(copied)
        return other

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """A node that calls the value."""
        return self.tracer.create_proxy("call_method", "__call__", (self, *args), kwargs)

    def __iter__(self) -> Iterator[Any]:
        instruction = _caller()[0]
        if instruction.opname == "UNPACK_SEQUENCE":
            # `a, b = proxy` says itself how many there are.
            return (self[i] for i in range(instruction.argval))  # type: ignore[index]
        return self.tracer.iter(self)

    def __abs__(self) -> Any:
        return self.tracer.create_proxy("call_function", operator.abs, (self,), {})

    def __bool__(self) -> bool:
        if self.tracer.trace_asserts:
            jump, following = [s for s in _caller()[:5] if s.opname not in _BETWEEN][:2]
            if "IF_TRUE" in jump.opname and _loads_assertion_error(following):
                self.tracer.create_proxy("call_function", assert_fn, (self,), {})
                return True
        return self.tracer.to_bool(self)

    def keys(self) -> Any:
        """Called for `**proxy`, which the tracer refuses."""
        return self.tracer.keys(self)

    def __len__(self) -> int:
        raise RuntimeError(
            "'len' is not supported in symbolic tracing by default. If you want "
            "this call to be recorded, please call torch.fx.wrap('len') at "
            "module scope"
        )

    @classmethod
    def __torch_function__(
        cls,
        orig_method: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """A node for the call of a function of torch."""
        args, kwargs = args or (), kwargs or {}
        tracers: dict[TracerBase, None] = {}

        def find(x: Any) -> None:
            if isinstance(x, cls):
                tracers[x.tracer] = None

        map_aggregate((args, kwargs), find)
        if len(tracers) > 1:
            raise RuntimeError(
                f"Found multiple different tracers {list(tracers)} while trying to trace operations "
                f"{orig_method}"
            )
        tracer = next(iter(tracers))
        if is_method(orig_method):
            name = orig_method.__name__
            # torch says `eq` where a plain tensor stands before what answers.
            called = "eq" if name == "__eq__" else name
            return tracer.create_proxy("call_method", called, args, kwargs)
        name = tracer.graph._target_to_str(name_of(orig_method))
        return tracer.create_proxy("call_function", orig_method, args, kwargs, name=name)


class Attribute(Proxy):
    """An attribute of a proxy: a method that will be called, or a value, which is a node once it is used."""

    def __init__(self, root: Proxy, attr: str) -> None:
        self.root, self.attr, self.tracer = root, attr, root.tracer
        self._node_: Node | None = None

    @property
    def node(self) -> Node:  # type: ignore[override]
        """The node that fetches it."""
        if self._node_ is None:
            args = (self.root, self.attr)
            self._node_ = self.tracer.create_proxy("call_function", getattr, args, {}).node
        return self._node_

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """A node that calls the method."""
        return self.tracer.create_proxy("call_method", self.attr, (self.root, *args), kwargs)


class ParameterProxy(Proxy):
    """A proxy for a parameter, whose sizes are known."""

    def __init__(self, tracer: TracerBase, node: Node, name: str, param: Parameter) -> None:
        super().__init__(node, tracer)
        if not isinstance(param, Parameter):
            raise AssertionError(f"Expected Parameter, got {type(param)}")
        self.param, self.name = param, name

    def __repr__(self) -> str:
        return f"ParameterProxy({self.name})"

    @property
    def shape(self) -> Size:
        """The parameter's sizes."""
        return self.param.shape

    def size(self) -> Size:
        """The parameter's sizes."""
        return self.param.shape

    def dim(self) -> int:
        """The parameter's number of dimensions."""
        return self.param.ndim

    @property
    def ndim(self) -> int:
        """The parameter's number of dimensions."""
        return self.param.ndim

    def numel(self) -> int:
        """The parameter's number of elements."""
        return self.param.numel()

    def nelement(self) -> int:
        """The parameter's number of elements."""
        return self.param.numel()


def _operator(name: str) -> Callable[..., Any]:
    target: Any = getattr(operator, name)

    def implementation(*args: Any, **kwargs: Any) -> Any:
        return args[0].tracer.create_proxy("call_function", target, args, kwargs)

    implementation.__name__ = name
    return implementation


def _reflected(name: str) -> Callable[..., Any]:
    target: Any = getattr(operator, name)

    def implementation(self: Proxy, other: Any) -> Any:
        return self.tracer.create_proxy("call_function", target, (other, self), {})

    implementation.__name__ = implementation.__qualname__ = f"__r{name.strip('_')}__"
    return implementation


# `div` is among them for graphs of old; the module operator has it no more.
for _name in magic_methods.keys() - {"div"}:
    setattr(Proxy, f"__{_name.strip('_')}__", _operator(_name))
for _name in reflectable_magic_methods.keys() - {"div", "getitem"}:
    setattr(Proxy, f"__r{_name.strip('_')}__", _reflected(_name))
