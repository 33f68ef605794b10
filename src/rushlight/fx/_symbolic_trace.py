"""Symbolic tracing: a function is run once on proxies, which write down what it does."""

from __future__ import annotations

import copy
import inspect
import math
from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import wraps
from types import FunctionType, ModuleType
from typing import Any, TypeVar

from rushlight._tensor import Tensor
from rushlight.errors import warn
from rushlight.fx.generating import _PyTreeCodeGen, _PyTreeInfo
from rushlight.fx.graph import Graph
from rushlight.fx.graph_module import GraphModule
from rushlight.fx.naming import is_ours, place_and_name, torch
from rushlight.fx.node import Argument, Node, base_types, map_aggregate
from rushlight.fx.patching import (
    _autowrap_check,
    _create_wrapped_func,
    _create_wrapped_method,
    _find_proxy,
    _maybe_revert_all_patches,
    _new_patcher,
    _patch_wrapped_functions,
    _Patcher,
    _wrapped_fns_to_patch,
    _wrapped_methods_to_patch,
    public_functions,
)
from rushlight.fx.proxy import ParameterProxy, Proxy, Scope, ScopeContextManager, TracerBase
from rushlight.nn.modules.container import Sequential
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter
from rushlight.utils import _pytree as pytree

__all__ = [
    "PH", "GraphModule", "PHBase", "PHWithMeta", "Proxy", "ProxyableClassMeta", "Tracer", "is_fx_tracing",
    "symbolic_trace", "wrap",
]  # fmt: skip

HAS_VARSTUFF = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
_F = TypeVar("_F")

_orig_module_call: Callable[..., Any] = Module.__call__
_orig_module_getattr: Callable[..., Any] = Module.__getattr__

_proxyable_classes: dict[type, None] = {}
# Those that are at work, the innermost last.
_tracing: list[Any] = []


def is_fx_tracing() -> bool:
    """Whether a function is being traced now."""
    return bool(_tracing)


is_fx_symbolic_tracing = is_fx_tracing


class ProxyableClassMeta(type):
    """The metaclass of classes whose construction from proxies is one node of the graph."""

    def __init__(cls, name: str, bases: tuple[type, ...], attrs: dict[str, Any]) -> None:
        _proxyable_classes.setdefault(cls)
        super().__init__(name, bases, attrs)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        proxy = _find_proxy(args, kwargs) if _tracing else None
        if proxy is not None:
            return proxy.tracer.create_proxy("call_function", cls, args, kwargs)
        instance = cls.__new__(cls)  # type: ignore[call-overload]
        cls.__init__(instance, *args, **kwargs)  # type: ignore[misc]
        return instance


class PHBase:
    """In `concrete_args`: what is still to be given."""

    def __repr__(self) -> str:
        return "PH"


class PHWithMeta(PHBase):
    """A `PH` whose attributes the placeholder gets."""

    def __init__(self, ph_key: str | None = None) -> None:
        self.ph_key = ph_key


PH = PHBase()


def _transfer_attrs(fr: Any, to: Any) -> None:
    """Give what hangs on a placeholder of `concrete_args` to its node."""
    for name in dir(fr):
        value = getattr(fr, name)
        if not callable(value) and not name.startswith("__") and not hasattr(to, name):
            setattr(to, name, value)


def _patch_function(fn: FunctionType, nargs: int) -> FunctionType:
    """The function with *args, **kwargs and keyword-only parameters as ordinary ones, to be given proxies."""
    code = fn.__code__.replace(
        co_argcount=nargs,
        co_posonlyargcount=0,
        co_kwonlyargcount=0,
        co_flags=fn.__code__.co_flags & ~HAS_VARSTUFF,
    )
    return FunctionType(code, fn.__globals__, fn.__name__, fn.__defaults__, fn.__closure__)


def _annotations(function: Any) -> dict[str, Any]:
    """The annotations of a function; of the layers here, which are written otherwise, those that torch's have."""
    own = inspect.get_annotations(function)
    if not is_ours(function.__module__ or ""):
        return own
    return {name: Tensor for name, kind in own.items() if kind == "Tensor"}


class Tracer(TracerBase):
    """Traces functions and modules.

    `trace` runs them on proxies and gives the graph. Subclasses say which modules
    stay whole (`is_leaf_module`), what a call of a module does (`call_module`), what arguments nodes keep
    (`create_arg`) and which proxies there are (`proxy`).

    Functions of autowrap_modules, and autowrap_functions, are left whole wherever a traced module uses them. With
    param_shapes_constant the sizes of parameters are numbers.

    >>> import rushlight as torch
    >>> graph = torch.fx.Tracer().trace(torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU()))
    >>> [node.target for node in graph.nodes]
    ['input', '0', '1', 'output']
    """

    def __init__(
        self,
        autowrap_modules: tuple[ModuleType, ...] = (math,),
        autowrap_functions: tuple[Callable[..., Any], ...] = (),
        param_shapes_constant: bool = False,
    ) -> None:
        self._autowrap_function_ids = public_functions(autowrap_modules)
        self._autowrap_function_ids.update(id(f) for f in autowrap_functions)
        self._autowrap_search = list(autowrap_modules)
        self.param_shapes_constant = param_shapes_constant
        self.root: Any = None
        self.submodule_paths: dict[Module, str] | None = None
        self.root_module_name = ""
        self.tensor_attrs: dict[Any, str] = {}
        self.scope = Scope("", None)
        self.module_stack = OrderedDict()
        self.num_calls: dict[str, int] = {}
        self.node_name_to_scope = {}
        self._counts: dict[str, int] = {}

    # ---- what may be overridden ------------------------------------------------------------------

    def is_leaf_module(self, m: Module, module_qualified_name: str) -> bool:
        """Whether a call of this module is one node: so it is for torch's own layers but `Sequential`."""
        kind = type(m).__module__
        own = kind.startswith(("torch.nn", "torch.ao.nn")) or (
            is_ours(kind) and kind.startswith("rushlight.nn")
        )
        return own and not isinstance(m, Sequential)

    def path_of_module(self, mod: Module) -> str:
        """Where a module stands below the root."""
        if self.submodule_paths:
            path = self.submodule_paths.get(mod)
        else:
            path = next((name for name, m in self.root.named_modules() if m is mod), None)
        if path is None:
            raise NameError("module is not installed as a submodule")
        return path

    def call_module(
        self,
        m: Module,
        forward: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """What a call of a module gives: a node for a leaf, else what its forward gives."""
        path = self.path_of_module(m)
        with ScopeContextManager(self.scope, Scope(path, type(m))):
            count = self.num_calls.get(path, 0)
            key = f"{path}@{count}" if count else path
            self.module_stack[key] = (path, type(m))
            self.num_calls[path] = count + 1
            if self.is_leaf_module(m, path):
                result = self.create_proxy("call_module", path, args, kwargs)
            else:
                result = forward(*args, **kwargs)
            self.module_stack.popitem(last=True)
        return result

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Proxy]) -> Any:
        """What the attribute of a module is while it is traced: a proxy for a parameter."""
        if isinstance(attr_val, Parameter):
            named = self.root.named_parameters()
        elif self.proxy_buffer_attributes and isinstance(attr_val, Tensor):
            named = self.root.named_buffers()
        else:
            return attr_val
        return self._proxy_for(attr_val, named, parameter_proxy_cache)

    def _proxy_for(
        self, value: Any, named: Iterable[tuple[str, Any]], cache: dict[str, Proxy]
    ) -> Any:
        name = next((name for name, tensor in named if tensor is value), None)
        if name is None:
            return value
        if name not in cache:
            options: dict[str, Any] = {}
            if "proxy_factory_fn" in inspect.signature(self.create_proxy).parameters:
                known = lambda node: ParameterProxy(self, node, name, value)  # noqa: E731
                options["proxy_factory_fn"] = known if self.param_shapes_constant else None
            cache[name] = self.create_proxy("get_attr", name, (), {}, **options)
        return cache[name]

    def create_arg(self, a: Any) -> Argument:
        """A value as nodes keep it; tensors and modules become nodes that fetch them from the root."""
        if isinstance(a, Parameter):
            name = self._name_of(a, self.root.named_parameters())
            if name is None:
                raise NameError("parameter is not a member of this module")
            return self.create_node("get_attr", name, (), {})
        if isinstance(a, Tensor | Module):
            named = (
                self.root.named_buffers() if isinstance(a, Tensor) else self.root.named_modules()
            )
            name = self._name_of(a, named)
            if name is not None:
                return self.create_node("get_attr", name, (), {})
        if isinstance(a, tuple) and hasattr(a, "_fields"):
            parts = tuple(self.create_arg(x) for x in a)
            return self.create_node("call_function", type(a), parts, {})
        if isinstance(a, Tensor | pytree.TreeSpec):
            name = self.tensor_attrs.get(a)
            if not name:
                kind = "_tensor_constant" if isinstance(a, Tensor) else "_tree_spec_constant"
                name = self.get_fresh_qualname(kind)
                self.tensor_attrs[a] = name
                setattr(self.root, name, a)
            return self.create_node("get_attr", name, (), {})
        if type(a) in _proxyable_classes:
            name = self.get_fresh_qualname(f"_{type(a).__name__}_constant_")
            setattr(self.root, name, a)
            return self.create_node("get_attr", name, (), {})
        return super().create_arg(a)

    @staticmethod
    def _name_of(value: Any, named: Iterable[tuple[str, Any]]) -> str | None:
        return next((name for name, other in named if other is value), None)

    def get_fresh_qualname(self, prefix: str) -> str:
        """A name with a number at its end that the root has not."""
        count = self._counts.get(prefix, 0) if hasattr(self.root, f"{prefix}0") else 0
        while hasattr(self.root, f"{prefix}{count}"):
            count += 1
        self._counts[prefix] = count
        return f"{prefix}{count}"

    # ---- the arguments ---------------------------------------------------------------------------

    def create_args_for_root(
        self,
        root_fn: Callable[..., Any],
        is_module: bool,
        concrete_args: dict[str, Any] | tuple[Any, ...] | None = None,
    ) -> tuple[Any, list[Any]]:
        """The function to run, and a placeholder for each of its parameters."""
        function = inspect.unwrap(root_fn)
        code = function.__code__
        count = code.co_argcount + code.co_kwonlyargcount
        names = list(code.co_varnames)
        signature = inspect.signature(function)
        args: list[Any] = []
        if is_module:
            if count == 0:
                raise RuntimeError("``self`` argument cannot be part of *args expansion!")
            args.append(self.root)
        varied = code.co_flags & HAS_VARSTUFF
        if isinstance(concrete_args, tuple) and concrete_args and varied and count == 1:
            for i, value in enumerate(concrete_args):
                proxy = self.create_proxy("placeholder", f"input_{i}", (), {})
                if isinstance(value, PHBase) and value is not PH:
                    _transfer_attrs(fr=value, to=proxy.node)
                args.append(proxy)
            return root_fn, args
        own = names[len(args) : count]
        if isinstance(concrete_args, tuple):
            if len(own) != len(concrete_args):
                raise RuntimeError(
                    f"Tracing expected {len(own)} arguments but got {len(concrete_args)} concrete arguments"
                )
            concrete_args = dict(zip(own, concrete_args, strict=True))
        stars = [
            star + name
            for star, name in zip(
                [
                    *["*"] * bool(code.co_flags & inspect.CO_VARARGS),
                    *["**"] * bool(code.co_flags & inspect.CO_VARKEYWORDS),
                ],
                names[count:],
                strict=False,
            )
        ]
        for name in (*own, *stars):
            args.append(self._proxy_placeholder(name, concrete_args, signature, function))
        if varied or code.co_kwonlyargcount:
            root_fn = _patch_function(root_fn, len(args))  # type: ignore[arg-type]
        leaves, in_spec = pytree.tree_flatten(tuple(args))
        if all(child.is_leaf() for child in in_spec.children_specs):
            return root_fn, args
        codegen = _PyTreeCodeGen(_PyTreeInfo(names[:count], in_spec, None))
        self.graph._codegen = codegen

        def flatten_fn(*args: Any) -> Any:
            tree = root_fn(*pytree.tree_unflatten(list(args), in_spec))
            out, out_spec = pytree.tree_flatten(tree)
            codegen.pytree_info = codegen.pytree_info._replace(out_spec=out_spec)
            return out

        flatten_fn.__annotations__ = {}
        return flatten_fn, leaves

    def _proxy_placeholder(
        self,
        name: str,
        concrete_args: dict[str, Any] | None,
        sig: inspect.Signature,
        fn_for_analysis: Callable[..., Any],
    ) -> Any:
        parameter = sig.parameters.get(name)
        default: tuple[Any, ...] = ()
        if parameter is not None and parameter.default is not parameter.empty:
            default = (parameter.default,)
        if concrete_args is None or name not in concrete_args:
            kind = _annotations(fn_for_analysis).get(name)
            return self.create_proxy("placeholder", name, default, {}, type_expr=kind)
        count = 0

        def given(value: Any) -> Any:
            nonlocal count
            count += 1
            proxy = self.create_proxy("placeholder", f"{name}_{count}", default, {})
            if isinstance(value, PHBase):
                if value is not PH:
                    _transfer_attrs(fr=value, to=proxy.node)
                return proxy
            self._specialized(name, proxy, value)
            return value

        return pytree.tree_map(given, concrete_args[name])

    def _specialized(self, name: str, proxy: Proxy, value: Any) -> None:
        """Let the graph check that an argument is what it was traced with."""
        message = f"{name} has been specialized to have value {value} but got another value"
        if type(value) in base_types and not isinstance(value, Tensor):
            check = torch()._assert
            self.create_proxy("call_function", check, (proxy == value, message), {}, name="_assert")
        elif value is None:
            self.create_proxy("call_function", _assert_is_none, (proxy, message), {})
        else:
            warn(
                f"Was not able to add assertion to guarantee correct input {name} to specialized function. It "
                "is up to the user to make sure that your inputs match the inputs you specialized the function "
                "with."
            )

    # ---- tracing ---------------------------------------------------------------------------------

    def trace(
        self, root: Module | Callable[..., Any], concrete_args: dict[str, Any] | None = None
    ) -> Graph:
        """The graph of a module's forward or of a function.

        concrete_args are given as they are instead of proxies, and checked by the graph; `fx.PH` inside of
        containers among them stands for what is still to be given. `self.root` holds what the graph fetches.
        """
        is_module = isinstance(root, Module)
        if is_module:
            self.root = root
            if not hasattr(type(root), self.traced_func_name):
                raise AssertionError(
                    f"traced_func_name={self.traced_func_name} doesn't exist in {type(root).__name__}"
                )
            fn = getattr(type(root), self.traced_func_name)
            self.root_module_name = root._get_name()  # type: ignore[union-attr]
            self.submodule_paths = {m: name for name, m in self.root.named_modules()}
        else:
            self.root, fn = Module(), root
        self.graph = Graph(tracer_cls=type(self))
        if not isinstance(fn, FunctionType) or place_and_name(fn) is not None:
            raise AssertionError(f"Expected FunctionType, got {type(fn)}")
        code = fn.__code__
        self.graph._co_fields = {
            "co_name": code.co_name,
            "co_filename": code.co_filename,
            "co_firstlineno": code.co_firstlineno,
        }
        self.tensor_attrs = {}
        for path, module in self.root.named_modules():
            for name, value in vars(module).items():
                if isinstance(value, Tensor | pytree.TreeSpec):
                    self.tensor_attrs[value] = f"{path}.{name}" if path else name
        _tracing.append(self)
        try:
            own_globals = fn.__globals__
            function, args = self.create_args_for_root(fn, is_module, concrete_args)
            with _new_patcher() as patcher:
                self._watch_modules(patcher)
                _patch_wrapped_functions(patcher)
                for place in (own_globals, *(vars(m) for m in self._autowrap_search)):
                    _autowrap_check(patcher, place, self._autowrap_function_ids)
                returns = _annotations(inspect.unwrap(function)).get("return")
                result = (self.create_arg(function(*args)),)
                self.create_node("output", "output", result, {}, type_expr=returns)
            self.submodule_paths = None
        finally:
            _tracing.pop()
        return self.graph

    def _watch_modules(self, patcher: _Patcher) -> None:
        """Let calls of modules, and their parameters, come here first."""
        proxies: dict[str, Proxy] = {}

        @wraps(_orig_module_getattr)
        def module_getattr(mod: Module, attr: str) -> Any:
            return self.getattr(attr, _orig_module_getattr(mod, attr), proxies)

        @wraps(_orig_module_call)
        def module_call(mod: Module, *args: Any, **kwargs: Any) -> Any:
            def forward(*args: Any, **kwargs: Any) -> Any:
                return _orig_module_call(mod, *args, **kwargs)

            own = getattr(getattr(mod, "forward", mod), "__globals__", {})
            _autowrap_check(patcher, own, self._autowrap_function_ids)
            return self.call_module(mod, forward, args, kwargs)

        # Tracing inside of tracing puts its own over these.
        patcher.patch_method(Module, "__getattr__", module_getattr, deduplicate=False)
        patcher.patch_method(Module, "__call__", module_call, deduplicate=False)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tracer:
        other = Tracer.__new__(Tracer)
        for name, value in self.__dict__.items():
            # Modules of Python cannot be copied.
            deep = name != "_autowrap_search"
            other.__dict__[name] = copy.deepcopy(value, memo) if deep else copy.copy(value)
        return other


def wrap(fn_or_name: _F) -> _F:
    """Leave a global function of this module whole in graphs; called with it or its name, or as a decorator.

    It must be called where the module's own lines stand.

    >>> import rushlight as torch
    >>> @torch.fx.wrap
    ... def norm(x):
    ...     return x / x.norm() if x.norm() > 0 else x
    >>> torch.fx.symbolic_trace(lambda x: norm(x) + 1).graph.find_nodes(op="call_function", target=norm)
    [norm]
    """
    if not callable(fn_or_name) and not isinstance(fn_or_name, str):
        raise RuntimeError(
            "Unsupported type for global function! Must be either a callable or string name"
        )
    name = fn_or_name if isinstance(fn_or_name, str) else fn_or_name.__name__  # type: ignore[attr-defined]
    frame: Any = inspect.currentframe()
    if frame.f_back.f_code.co_name != "<module>":
        raise NotImplementedError("wrap must be called at the top level of a module")
    own = frame.f_back.f_globals
    _wrapped_fns_to_patch[(id(own), name)] = own
    return fn_or_name


def symbolic_trace(
    root: Module | Callable[..., Any], concrete_args: dict[str, Any] | None = None
) -> GraphModule:
    """A module or function as a `GraphModule`: its steps written down by running it once on proxies.

    concrete_args are given as they are instead of proxies: a flag that an `if` needs, or a dict of `fx.PH`.

    >>> import rushlight as torch
    >>> traced = torch.fx.symbolic_trace(lambda x, flag: x + 1 if flag else x - 1, {"flag": True})
    >>> traced(torch.zeros(2), True)
    tensor([1., 1.])
    """
    tracer = Tracer()
    graph = tracer.trace(root, concrete_args)
    name = type(root).__name__ if isinstance(root, Module) else root.__name__
    return GraphModule(tracer.root, graph, name)


@wrap
def _assert_is_none(value: Any, msg: str) -> None:
    if value is not None:
        raise AssertionError(msg)


__all__ += [  # what libraries take from here
    "Argument", "Node", "_create_wrapped_func", "_create_wrapped_method", "_find_proxy",
    "_maybe_revert_all_patches", "_new_patcher", "_wrapped_methods_to_patch", "map_aggregate",
]  # fmt: skip
