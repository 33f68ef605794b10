"""GraphModule: a module whose forward is written from a graph."""

from __future__ import annotations

import copy
import itertools
import linecache
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rushlight._tensor import Tensor
from rushlight.errors import warn
from rushlight.fx.generating import PythonCode, _PyTreeCodeGen
from rushlight.fx.graph import Graph
from rushlight.fx.namespace import _custom_builtins
from rushlight.fx.naming import is_from_torch, module_of, torch
from rushlight.nn import modules as layers
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter
from rushlight.serialization import save

if TYPE_CHECKING:
    from rushlight.fx.node import Node

__all__ = ["GraphModule", "reduce_graph_module"]

_USER_PRESERVED_ATTRIBUTES_KEY = "_user_preserved_attributes"


# ---- running source --------------------------------------------------------------------------------


class _Sources:
    """Keeps generated source where tracebacks and `inspect` look for it."""

    def __init__(self) -> None:
        self.by_name: dict[str, str] = {}
        self.numbers = itertools.count()

    def keep(self, source: str, co_fields: dict[str, Any]) -> str:
        """A file name under which the source is found."""
        name = f"<eval_with_key>.{next(self.numbers)}"
        if {"co_filename", "co_firstlineno", "co_name"} <= co_fields.keys():
            name += " from {co_filename}:{co_firstlineno} in {co_name}".format(**co_fields)
        self.by_name[name] = source
        linecache.lazycache(name, {"__name__": name, "__loader__": self})
        return name

    def get_source(self, name: str) -> str | None:
        """What linecache asks for."""
        return self.by_name.get(name)


_sources = _Sources()


def _method_from_src(
    method_name: str, src: str, globals: dict[str, Any], co_fields: dict[str, Any] | None = None
) -> Callable[..., Any]:
    own = globals.copy()
    exec(compile(src, _sources.keep(src, co_fields or {}), "exec", dont_inherit=True), own)
    return own.pop(method_name)


def _forward_from_src(
    src: str, globals: dict[str, Any], co_fields: dict[str, Any] | None = None
) -> Callable[..., Any]:
    return _method_from_src("forward", src, globals, co_fields)


def _root_name() -> str:
    """What this package is imported as: torch, where that is rushlight."""
    return "torch" if sys.modules.get("torch") is torch() else "rushlight"


def _import_line(name: str, thing: Any) -> str:
    root = _root_name()
    if name in _custom_builtins:
        line = _custom_builtins[name].import_str
        if root == "torch":
            return line
        line = line.replace("from torch ", f"from {root} ").replace(
            "import torch.", f"import {root}."
        )
        return f"import {root} as torch" if line == "import torch" else line
    if is_from_torch(thing):
        return f"from {thing.__module__} import {thing.__name__} as {name}"
    qualified = getattr(thing, "__qualname__", thing.__name__)
    return f"from {thing.__module__ or module_of(thing)} import {qualified} as {name}"


def _format_import_block(globals: dict[str, Any]) -> str:
    return "\n".join(sorted({_import_line(name, thing) for name, thing in globals.items()}))


# ---- pickles ---------------------------------------------------------------------------------------


def reduce_graph_module(body: dict[str, Any], import_block: str) -> Module:
    """A GraphModule from its attributes and its code, which is traced again: what unpickling calls."""
    forward = _forward_from_src(import_block + (body.get("_code") or body["code"]), {})
    return _deserialize_graph_module(forward, body)


class _CodeOnlyModule(Module):
    """Attributes and a forward without a graph."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__()
        self.__dict__ = body


def _deserialize_graph_module(
    forward: Callable[..., Any], body: dict[str, Any], graph_module_cls: Any = None
) -> Module:
    from rushlight.fx._symbolic_trace import Tracer

    own = type("_CodeOnlyModule", (_CodeOnlyModule,), {"forward": forward})(body)
    tracer_cls: Any = body.get("_tracer_cls") or Tracer
    # Modules were not traced into before, and are not now.
    keeps = {"is_leaf_module": lambda self, module, path: True}
    graph = type("KeepModules", (tracer_cls,), keeps)().trace(own, **body.get("_tracer_extras", {}))
    graph._tracer_cls = tracer_cls
    name = body.get("_graphmodule_cls_name", "GraphModule")
    module = (graph_module_cls or GraphModule)(own, graph, class_name=name)
    for key, value in body.items():
        if not hasattr(module, key):
            setattr(module, key, value)
    return module


# ---- attributes by path ----------------------------------------------------------------------------


def _copy_attr(from_module: Any, to_module: Any, target: str) -> None:
    """Put what stands at a path in one module at the same path in another."""
    *above, name = target.split(".")
    for part in above:
        there, here = getattr(from_module, part), getattr(to_module, part, None)
        if there is here:
            return  # a parent has been put there whole
        if here is None:
            here = Module()
            setattr(to_module, part, here)
        from_module, to_module = there, here
    _set(to_module, name, getattr(from_module, name))


def _assign_attr(from_obj: Any, to_module: Any, target: str) -> None:
    """Put a thing at a path; modules that are missing on the way are made."""
    *above, name = target.split(".")
    for part in above:
        below = getattr(to_module, part, None)
        if below is None:
            below = Module()
            setattr(to_module, part, below)
        to_module = below
    _set(to_module, name, from_obj)


def _set(module: Any, name: str, value: Any) -> None:
    if isinstance(value, Tensor) and not isinstance(value, Parameter):
        module.register_buffer(name, value)
    else:
        setattr(module, name, value)


def _get_attr(model: Any, attr_name: str) -> Any:
    """What stands at a path."""
    *above, name = attr_name.split(".")
    for part in above:
        model = getattr(model, part, None)
        if model is None:
            raise AssertionError(f"Attribute '{part}' not found in model")
    return getattr(model, name)


def _del_attr(model: Any, attr_name: str) -> None:
    above, _, name = attr_name.rpartition(".")
    delattr(_get_attr(model, above) if above else model, name)


def _has_attr(model: Any, attr_name: str) -> bool:
    for part in attr_name.split("."):
        if not hasattr(model, part):
            return False
        model = getattr(model, part)
    return True


# ---- the module ------------------------------------------------------------------------------------


def _addindent(text: str, spaces: int) -> str:
    """The lines after the first moved to the right; empty ones stay empty."""
    first, *rest = text.split("\n")
    return "\n".join([first, *(" " * spaces + line if line.strip() else "" for line in rest)])


class _WrappedCall:
    """Calls the module, and says of an error in generated code at which line it was."""

    def __init__(self, cls: Any, cls_call: Callable[..., Any] | None) -> None:
        self.cls, self.cls_call = cls, cls_call

    @staticmethod
    def _generate_error_message(frame_summary: traceback.FrameSummary) -> str:
        number: Any = frame_summary.lineno
        lines = linecache.getlines(frame_summary.filename)
        return "\n".join([
            traceback.format_exc(),
            f"Call using an FX-traced Module, line {number} of the traced Module's generated forward function:",
            "".join(lines[number - 2 : number]),
            "~" * len(frame_summary.line or "") + "~~~ <--- HERE",
            "\n".join(lines[number : number + 2]),
        ])  # fmt: skip

    def __call__(self, obj: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            if self.cls_call is not None:
                return self.cls_call(obj, *args, **kwargs)
            above: Any = super(self.cls, obj)
            return above.__call__(*args, **kwargs)
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            if not frames or "eval_with_key" not in frames[-1].filename:
                raise
            print(self._generate_error_message(frames[-1]), file=sys.stderr)
            raise error.with_traceback(None) from None


class GraphModule(Module):
    """A module whose `forward` is written from its `graph`.

    When `graph` is assigned the code is written anew; after changes inside of the graph `recompile()` does it.
    root is a module, or a dict by path, from which it takes what the graph fetches and calls.

    >>> import rushlight as torch
    >>> module = torch.fx.symbolic_trace(torch.nn.Linear(2, 2))
    >>> print(module.code.strip())
    def forward(self, input : torch.Tensor) -> torch.Tensor:
        input_1 = input
        weight = self.weight
        bias = self.bias
        linear = torch._C._nn.linear(input_1, weight, bias);  input_1 = weight = bias = None
        return linear
    """

    # For torch's scripts, which have neither.
    __jit_unused_properties__ = ("graph",)

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """An instance of a class of its own, which holds its forward."""
        kind: Any = next(
            c for c in cls.__mro__ if c.__qualname__.split(".")[-1] != "GraphModuleImpl"
        )

        class GraphModuleImpl(kind):  # type: ignore[misc]
            pass

        return super().__new__(GraphModuleImpl)

    def __init__(
        self, root: Module | dict[str, Any], graph: Graph, class_name: str = "GraphModule"
    ) -> None:
        super().__init__()
        type(self).__name__ = class_name
        paths = [str(n.target) for n in graph.nodes if n.op in ("get_attr", "call_module")]
        if isinstance(root, Module):
            self.training = getattr(root, "training", True)
            if isinstance(root, _CodeOnlyModule):
                parts = (root.named_children(), root.named_buffers(), root.named_parameters())
                paths = [*(name for named in parts for name, _ in named), *paths]
            for path in paths:
                _copy_attr(root, self, path)
        elif isinstance(root, dict):
            for node in graph.nodes:
                if node.op in ("get_attr", "call_module") and node.target not in root:
                    raise RuntimeError(
                        f"Node {node} referenced target {node.target} but that target was not provided in "
                        "``root``!"
                    )
            # A module before what is put inside of it.
            for path in sorted(paths, key=lambda path: path.count(".")):
                _assign_attr(root[path], self, path)
        else:
            raise RuntimeError(f"Unsupported type {root} passed for root!")
        self.graph = graph
        tracer = graph._tracer_cls
        self._tracer_cls = tracer if tracer and "<locals>" not in tracer.__qualname__ else None
        self._tracer_extras = graph._tracer_extras or {}
        self.meta: dict[str, Any] = {}
        self._replace_hooks: list[Callable[..., Any]] = []
        self._create_node_hooks: list[Callable[..., Any]] = []
        self._erase_node_hooks: list[Callable[..., Any]] = []
        self._deepcopy_hooks: list[Callable[..., Any]] = []

    @property
    def graph(self) -> Graph:
        """The graph; assigning another writes the code anew."""
        return self._graph

    @graph.setter
    def graph(self, g: Graph) -> None:
        if not isinstance(g, Graph):
            raise AssertionError(f"Expected a Graph instance, but got {type(g)}")
        self._graph = g
        g.owning_module = self
        self.recompile()

    @property
    def code(self) -> str:
        """The source of `forward`."""
        if not hasattr(self, "_code"):
            raise RuntimeError("the code has not been generated yet: call recompile()")
        return self._code

    def recompile(self) -> PythonCode:
        """Write `forward` from the graph as it is now."""
        codegen = self._graph._codegen
        if isinstance(codegen, _PyTreeCodeGen):
            self._in_spec = codegen.pytree_info.in_spec
            self._out_spec = codegen.pytree_info.out_spec
        python_code = self._graph.python_code(root_module="self")
        self._code = python_code.src
        self._lineno_map = python_code._lineno_map
        self._prologue_start = python_code._prologue_start
        cls: Any = type(self)
        cls.forward = _forward_from_src(self._code, python_code.globals, self._graph._co_fields)
        if "_wrapped_call" not in vars(cls):
            # A class of the user's may call in its own way. `Module.__call__` is asked for when it is called:
            # while something is traced it is another.
            cls._wrapped_call = _WrappedCall(cls, vars(cls).get("__call__"))
        self._recompile_submodules()

        def call_wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
            return self._wrapped_call(self, *args, **kwargs)

        cls.__call__ = call_wrapped
        return python_code

    def _recompile_submodules(self) -> list[tuple[str, PythonCode]]:
        children = [(name, m) for name, m in self.named_children() if isinstance(m, GraphModule)]
        return [(name, module.recompile()) for name, module in children]

    # ---- its modules -----------------------------------------------------------------------------

    def add_submodule(self, target: str, m: Module) -> bool:
        """Put a module at a path, with empty modules on the way; False if something else is in the way."""
        *above, name = target.split(".")
        module: Any = self
        for part in above:
            below = getattr(module, part, None)
            if below is None:
                below = Module()
                setattr(module, part, below)
            if not isinstance(below, Module):
                return False
            module = below
        module.add_module(name, m)
        return True

    def delete_submodule(self, target: str) -> bool:
        """Take out the module at a path; False if there is none."""
        *above, name = target.split(".")
        module: Any = self
        for part in above:
            module = getattr(module, part, None)
            if not isinstance(module, Module):
                return False
        if not isinstance(getattr(module, name, None), Module):
            return False
        delattr(module, name)
        return True

    def delete_all_unused_submodules(self) -> None:
        """Take out the modules that no node calls, nor fetches anything from."""
        used: set[str] = set()
        for node in self.graph.nodes:
            if node.op not in ("call_module", "get_attr"):
                continue
            parts = node.target.split(".")
            used.update(".".join(parts[: i + 1]) for i in range(len(parts)))
            if node.op == "call_module":
                try:
                    called = self.get_submodule(node.target)
                except AttributeError:
                    continue
                used.update(f"{node.target}.{name}" for name, _ in called.named_modules() if name)
        for path in [name for name, _ in self.named_modules() if name not in used]:
            self.delete_submodule(path)

    # ---- files and copies ------------------------------------------------------------------------

    def to_folder(self, folder: str | os.PathLike[str], module_name: str = "FxModule") -> None:
        """Write a folder that can be imported: `from folder import FxModule`."""
        place = Path(folder)
        place.mkdir(exist_ok=True)
        save(self.state_dict(), place / "state_dict.pt")
        root = "import torch" if _root_name() == "torch" else f"import {_root_name()} as torch"
        lines = [_import_line(name, builtin.obj) for name, builtin in _custom_builtins.items()]
        text = "\n".join(["", root, *lines, "", f"from {_root_name()}.nn import *"])
        text += f"\nclass {module_name}(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        pickled: list[str] = []
        tab = " " * 8
        for name, module in self.named_children():
            if type(module) in _SHOWN_WHOLE:
                text += f"{tab}setattr(self, '{name}', {module!r})\n"
                continue
            file = place / f"{name}.pt"
            save(module, file)
            pickled.append(name)
            shown = repr(module).replace("\r", " ").replace("\n", " ")
            load = f"torch.load(r'{file}', weights_only=False)"
            text += f"{tab}setattr(self, '{name}', {load}) # {shown}\n"
        for name, buffer in self._buffers.items():
            if buffer is not None:
                made = f"torch.empty({list(buffer.shape)}, dtype={buffer.dtype})"
                text += f"{tab}self.register_buffer('{name}', {made})\n"
        for name, param in self._parameters.items():
            if param is not None:
                made = f"torch.empty({list(param.shape)}, dtype={param.dtype})"
                text += f"{tab}setattr(self, '{name}', torch.nn.Parameter({made}))\n"
        text += f"{tab}self.load_state_dict(torch.load(r'{folder}/state_dict.pt'))\n"
        (place / "module.py").write_text(text + f"{_addindent(self.code, 4)}\n")
        (place / "__init__.py").write_text("from .module import *")
        if pickled:
            warn(
                "Was not able to save the following children modules as reprs -"
                f"saved as pickled files instead: {pickled}"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        body = self.__dict__.copy()
        imports = _format_import_block(self.recompile().globals)
        del body["_graph"]
        return reduce_graph_module, (body, imports)

    def _deepcopy_init(self) -> Callable[..., None]:
        return GraphModule.__init__

    def __deepcopy__(self, memo: dict[Any, Any]) -> GraphModule:
        # Not by __reduce__, which would trace the code again.
        other = type(self).__new__(type(self))
        memo[id(self)] = other
        copied = _CodeOnlyModule(copy.deepcopy(self.__dict__, memo))
        self._deepcopy_init()(other, copied, copied.__dict__["_graph"])
        for name in (
            *("_state_dict_hooks", "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks"),
            *("_replace_hooks", "_create_node_hooks", "_erase_node_hooks", "_deepcopy_hooks"),
        ):
            if name in self.__dict__:
                setattr(other, name, copy.deepcopy(self.__dict__[name], memo))
        other.meta = copy.deepcopy(getattr(self, "meta", {}), memo)
        for name, value in other.meta.get(_USER_PRESERVED_ATTRIBUTES_KEY, {}).items():
            setattr(other, name, value)
        for hook in getattr(self, "_deepcopy_hooks", ()):
            hook(other)
        return other

    def __copy__(self) -> GraphModule:
        other = GraphModule(self, self.graph)
        other.meta = getattr(self, "meta", {})
        return other

    # ---- how it is shown -------------------------------------------------------------------------

    def print_readable(
        self,
        print_output: bool = True,
        include_stride: bool = False,
        include_device: bool = False,
        colored: bool = False,
        *,
        fast_sympy_print: bool = False,
        expanded_def: bool = False,
        additional_meta: list[str] | None = None,
    ) -> str:
        """The code as a class, with types and sizes where nodes know them, and that of its children below."""
        options: dict[str, Any] = {
            "include_stride": include_stride,
            "include_device": include_device,
            "colored": colored,
            "additional_meta": additional_meta,
        }
        text = _readable(self, self._get_name(), expanded_def=expanded_def, **options)
        if print_output:
            print(text)
        return text

    def __str__(self) -> str:
        reminder = "# To see more debug info, please use `graph_module.print_readable()`"
        return "\n".join([super().__str__(), self._code, reminder])

    # ---- hooks -----------------------------------------------------------------------------------

    @contextmanager
    def _set_replace_hook(self, f: Callable[..., Any]) -> Iterator[None]:
        self._register_replace_node_hook(f)
        try:
            yield
        finally:
            self._unregister_replace_node_hook(f)

    def _register_replace_node_hook(self, f: Callable[[Node, str, Node], Any]) -> None:
        self._replace_hooks.append(_callable(f, "Replace"))

    def _unregister_replace_node_hook(self, f: Callable[[Node, str, Node], Any]) -> None:
        self._replace_hooks.remove(f)

    def _register_create_node_hook(self, f: Callable[[Node], Any]) -> None:
        self._create_node_hooks.append(_callable(f, "create_node"))

    def _unregister_create_node_hook(self, f: Callable[[Node], Any]) -> None:
        self._create_node_hooks.remove(f)

    def _register_erase_node_hook(self, f: Callable[[Node], Any]) -> None:
        self._erase_node_hooks.append(_callable(f, "erase_node"))

    def _unregister_erase_node_hook(self, f: Callable[[Node], Any]) -> None:
        self._erase_node_hooks.remove(f)

    def _register_deepcopy_hook(self, f: Callable[[GraphModule], Any]) -> None:
        self._deepcopy_hooks.append(_callable(f, "deepcopy"))

    def _unregister_deepcopy_hook(self, f: Callable[[GraphModule], Any]) -> None:
        self._deepcopy_hooks.remove(f)


# Layers whose repr makes them again.
_SHOWN_WHOLE = (
    layers.Linear, layers.Conv1d, layers.Conv2d, layers.Conv3d, layers.BatchNorm1d, layers.BatchNorm2d,
    layers.BatchNorm3d,
)  # fmt: skip


def _callable(hook: Any, kind: str) -> Any:
    if not callable(hook):
        raise AssertionError(f"{kind} hook must be a callable.")
    return hook


def _readable(module: GraphModule, name: str, expanded_def: bool = False, **options: Any) -> str:
    code = module.graph.python_code("self", verbose=True, expanded_def=expanded_def, **options).src
    own = _addindent(f"class {name}(torch.nn.Module):\n" + code.lstrip("\n"), 4)
    below = [
        _readable(child, child_name, **options)
        for child_name, child in module.named_children()
        if isinstance(child, GraphModule)
    ]
    return own + _addindent("\n".join(["", *below]), 4)
