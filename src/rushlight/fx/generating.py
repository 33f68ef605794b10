"""From a graph to the Python function that does the same."""

from __future__ import annotations

import enum
import itertools
import os
import pprint
import re
import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from rushlight._tensor import Tensor
from rushlight.device import device
from rushlight.fx.namespace import _custom_builtins, _Namespace
from rushlight.fx.naming import is_from_torch, qualified_name, torch, type_text
from rushlight.fx.node import Argument, Node, _in_brackets
from rushlight.layout import sparse_csc, sparse_csr
from rushlight.utils import _pytree as pytree
from rushlight.utils._dtype_abbrs import dtype_abbrs

__all__ = ["CodeGen", "PythonCode"]

# How the functions of the module `operator` are written, by name. Those in the first table have a reflected form.
reflectable_magic_methods = {
    "add": "{} + {}", "sub": "{} - {}", "mul": "{} * {}", "floordiv": "{} // {}", "truediv": "{} / {}",
    "div": "{} / {}", "mod": "{} % {}", "pow": "{} ** {}", "lshift": "{} << {}", "rshift": "{} >> {}",
    "and_": "{} & {}", "or_": "{} | {}", "xor": "{} ^ {}", "getitem": "{}[{}]", "matmul": "{} @ {}",
}  # fmt: skip
magic_methods = {
    "eq": "{} == {}", "ne": "{} != {}", "lt": "{} < {}", "gt": "{} > {}", "le": "{} <= {}", "ge": "{} >= {}",
    "pos": "+{}", "neg": "-{}", "invert": "~{}", **reflectable_magic_methods,
}  # fmt: skip
inplace_methods = {
    "iadd": "{} += {}", "iand": "{} &= {}", "ifloordiv": "{} //= {}", "ilshift": "{} <<= {}", "imod": "{} %= {}",
    "imul": "{} *= {}", "imatmul": "{} @= {}", "ior": "{} |= {}", "ipow": "{} **= {}", "irshift": "{} >>= {}",
    "isub": "{} -= {}", "itruediv": "{} /= {}", "ixor": "{} ^= {}", "setitem": "{}[{}] = {}",
}  # fmt: skip
_COLORS = {"red": "31", "blue": "34", "dim": "2", "dim_blue": "2m\033[34", "dim_green": "2m\033[32"}
# Generic types by their older names, as `typing` has them.
_TYPING = {
    list: typing.List,  # noqa: UP006
    dict: typing.Dict,  # noqa: UP006
    set: typing.Set,  # noqa: UP006
    frozenset: typing.FrozenSet,  # noqa: UP006
    tuple: typing.Tuple,  # noqa: UP006
}
TransformCodeFunc = Callable[[list[str]], list[str]]


@dataclass
class PythonCode:
    """The source of a function, and what it asks from outside by name."""

    src: str
    globals: dict[str, Any]
    # Which node each line is for, lines counted from `def`.
    _lineno_map: dict[int, int | None] | None
    _prologue_start: int = 0


class _PyTreeInfo(NamedTuple):
    """What a function whose arguments hold containers takes and returns."""

    orig_args: list[str]
    in_spec: pytree.TreeSpec
    out_spec: pytree.TreeSpec | None


def _format_target(base: str, target: str) -> str:
    """`self.layer.0` written so that Python reads it."""
    for part in target.split("."):
        base = f"{base}.{part}" if part.isidentifier() else f'getattr({base}, "{part}")'
    return base


@dataclass(frozen=True)
class _ParsedStackTrace:
    """The innermost line of a stack trace."""

    file: str
    lineno: str
    name: str
    code: str

    def get_summary_str(self) -> str:
        """It in one line."""
        return f"File: {self.file}:{self.lineno} in {self.name}, code: {self.code}"


def _parse_stack_trace(
    stack_trace: str | None, filter_fn: Callable[[str, str, str], bool] | None = None
) -> _ParsedStackTrace | None:
    """The innermost frame of a printed stack that the filter lets through."""
    lines = (stack_trace or "").strip().split("\n")
    for line, code in reversed(list(itertools.pairwise(lines))):
        match = re.match(r"^File \"(.+)\", line (\d+), in (.+)$", line.strip())
        if match:
            file, number, name = match.groups()
            if filter_fn is None or filter_fn(file, name, code.strip()):
                return _ParsedStackTrace(file, number, name, code.strip())
    return None


class CodeGen:
    """How the function of a graph is written; subclasses change its parameters or what it returns."""

    def __init__(self) -> None:
        self._body_transformer: TransformCodeFunc | None = None
        self._func_name = "forward"

    def gen_fn_def(
        self, free_vars: list[str], maybe_return_annotation: str, *, expanded_def: bool = False
    ) -> str:
        """The `def` line; with expanded_def each parameter on a line of its own."""
        if not free_vars or free_vars[0] != "self":
            free_vars.insert(0, "self")
        if not expanded_def:
            return f"def {self._func_name}({', '.join(free_vars)}){maybe_return_annotation}:"
        lines = "".join(map(self._format_single_arg, free_vars))
        return f"def {self._func_name}(\n{lines}){maybe_return_annotation}:"

    def _format_single_arg(self, arg: str) -> str:
        name, has_comment, comment = arg.partition("#")
        return f"    {name.rstrip()},  # {comment.lstrip()}\n" if has_comment else f"    {arg},\n"

    def generate_output(
        self,
        output_args: Argument,
        *,
        descs: Sequence[str] | None = None,
        repr_fn: Callable[[Any], str] = repr,
    ) -> str:
        """The `return` line."""
        return f"return {self._returned(output_args, descs, repr_fn)}"

    def _returned(
        self, value: Argument, descs: Sequence[str] | None, repr_fn: Callable[[Any], str]
    ) -> str:
        if descs is None or not isinstance(value, list | tuple):
            return repr_fn(value)
        begin, end = ("(", ")") if isinstance(value, tuple) else ("[", "]")
        pairs = zip(value, descs, strict=False)
        lines = "".join(f"    {repr_fn(item)},  # {desc}\n" for item, desc in pairs)
        return f"{begin}\n{lines}{end}"

    def process_inputs(self, *args: Any) -> Any:
        """The arguments of the function as the graph's placeholders take them."""
        return args

    def process_outputs(self, outputs: Any) -> Any:
        """What the graph's output gives as the function returns it."""
        return outputs

    def additional_globals(self) -> list[tuple[str, Any]]:
        """(name, value) of what the overridden methods use besides."""
        return []

    def _gen_python_code(
        self, nodes: Any, root_module: str, namespace: _Namespace, **options: Any
    ) -> PythonCode:
        return _Writer(self, root_module, namespace, **options).write(list(nodes))


class _PyTreeCodeGen(CodeGen):
    """For functions that take containers: they are taken apart first, and what is returned put together."""

    def __init__(self, pytree_info: _PyTreeInfo) -> None:
        super().__init__()
        self.pytree_info = pytree_info

    def process_inputs(self, *inputs: Any) -> Any:
        """The leaves of the arguments."""
        return pytree.tree_leaves(inputs)

    def process_outputs(self, out: Any) -> Any:
        """The result as the function would have returned it."""
        if self.pytree_info.out_spec is None:
            return out
        leaves = out if isinstance(out, list | tuple) else [out]
        return pytree.tree_unflatten(leaves, self.pytree_info.out_spec)

    def gen_fn_def(
        self, free_vars: list[str], maybe_return_annotation: str, *, expanded_def: bool = False
    ) -> str:
        """The `def` line with the parameters that the function had, and the lines that take them apart."""
        names = self.pytree_info.orig_args
        if names and names[0] == "self":
            free_vars.insert(0, "self")
        text = super().gen_fn_def(names[:], maybe_return_annotation, expanded_def=expanded_def)
        return text + self._bindings(names, free_vars) if free_vars else text

    def _bindings(self, names: list[str], free_vars: list[str]) -> str:
        spec = self.pytree_info.in_spec
        given = f"[{', '.join(names)}], self._in_spec"
        children = spec.children_specs
        if spec.type is tuple and [child.type for child in children] == [tuple, dict]:
            # The arguments and the keyword arguments were taken apart together.
            count = len(children[0].children_specs)
            named = zip(children[1].context, names[count:], strict=False)
            words = ", ".join(f"'{key}':{name}" for key, name in named)
            given = f"([{', '.join(names[:count])}], {{{words}}}), self._in_spec"
        typed = [name for name in free_vars if ":" in name]
        notes = "\n    " + "".join(f"{name}; " for name in typed) + "\n" if typed else ""
        bare = ", ".join(re.split("[:#]", name)[0] for name in free_vars)
        return f"{notes}\n    {bare}, = fx_pytree.tree_flatten_spec({given})"

    def generate_output(
        self,
        output_args: Argument,
        *,
        descs: Sequence[str] | None = None,
        repr_fn: Callable[[Any], str] = repr,
    ) -> str:
        """The `return` line, which puts containers together."""
        if not self.pytree_info.out_spec:
            return super().generate_output(output_args, descs=descs, repr_fn=repr_fn)
        leaves = self._returned(output_args, descs, repr_fn)
        return f"return pytree.tree_unflatten({leaves}, self._out_spec)"


def _free_after(nodes: list[Node]) -> dict[Node, list[Node]]:
    """The values that nobody needs any more after each node."""
    freed: dict[Node, list[Node]] = {}
    seen: set[Node] = set()
    for user in reversed(nodes):
        for node in user._input_nodes:
            if node not in seen:
                seen.add(node)
                freed.setdefault(user, []).append(node)
    return freed


class _Writer:
    """Writes one function. Node by node it fills `body`, and `globals` with what the lines ask for."""

    def __init__(
        self,
        codegen: CodeGen,
        root: str,
        namespace: _Namespace,
        *,
        verbose: bool = False,
        include_stride: bool = False,
        include_device: bool = False,
        colored: bool = False,
        expanded_def: bool = False,
        additional_meta: list[str] | None = None,
    ) -> None:
        self.codegen, self.root, self.namespace = codegen, root, namespace
        self.verbose, self.colored, self.expanded = verbose, colored, expanded_def
        self.stride = include_stride or os.environ.get("FX_GRAPH_SHOW_STRIDE", "0") == "1"
        self.device = include_device or os.environ.get("FX_GRAPH_SHOW_DEVICE", "0") == "1"
        self.show_meta = os.environ.get("FX_GRAPH_SHOW_META", "0") == "1"
        self.additional_meta = additional_meta or []
        self.globals: dict[str, Any] = {}
        self.parameters: list[str] = []
        self.returns = ""
        self.body: list[str] = []
        self.wrapped: dict[str, None] = {}
        self.last_summary: str | None = None
        for name, builtin in _custom_builtins.items():
            self.asked_for(name, builtin.obj)

    def write(self, nodes: list[Node]) -> PythonCode:
        freed = _free_after(nodes)
        for index, node in enumerate(nodes):
            if self.verbose:
                self.summary(node)
            self.body.append(f"# COUNTER: {index}\n")
            self.statement(node)
            self.end(node, freed.get(node, []))
        if not self.body:
            self.body.append("pass\n")
        wraps = ""
        if self.wrapped:
            wrap = self.asked_for("wrap", torch().fx.wrap)
            wraps = "\n".join(f'{wrap}("{name}")' for name in self.wrapped)
        body = self.body
        if self.codegen._body_transformer:
            body = self.codegen._body_transformer(body)
        for name, value in self.codegen.additional_globals():
            self.asked_for(name, value)
        definition = _called(
            self.codegen.gen_fn_def, self.parameters, self.returns, expanded_def=self.expanded
        )
        lines_before = definition.count("\n") + 1
        numbers: dict[int, int | None] = {}
        lines: list[str] = []
        current = None
        for line in "".join(body).split("\n"):
            counter = re.search(r"# COUNTER: (\d+)", line)
            if counter:
                current = int(counter.group(1))
            else:
                numbers[len(lines) + lines_before] = current
                lines.append(line)
        text = "\n".join(f"    {line}" for line in "\n".join(lines).lstrip("\n").split("\n"))
        return PythonCode(
            f"\n{wraps}\n\n{definition}\n{text}",
            self.globals,
            _lineno_map=numbers,
            _prologue_start=wraps.count("\n") + 4,
        )

    # ---- names and values ------------------------------------------------------------------------

    def asked_for(self, hint: str, thing: Any) -> str:
        """The name under which generated code finds something from outside."""
        if is_from_torch(thing) and thing is not device:
            return qualified_name(thing) if not isinstance(thing, type) else type_text(thing)
        name = self.namespace.create_name(hint, thing)
        if name in self.globals:
            if self.globals[name] is not thing and self.globals[name] != thing:
                raise AssertionError(f"Global name {name} already assigned to different object")
            return name
        self.globals[name] = thing
        return name

    def type(self, kind: Any) -> str:
        """An annotation."""
        if kind == ():
            return "()"
        if isinstance(kind, types.UnionType):
            return "|".join(self.type(part) for part in typing.get_args(kind))
        origin = getattr(kind, "__origin__", None)
        if origin:
            if isinstance(kind, typing._GenericAlias):  # type: ignore[attr-defined]
                origin = _TYPING.get(origin, origin)
            name = self.asked_for(type_text(origin), origin)
            parts = typing.get_args(kind)
            return f"{name}[{','.join(self.type(part) for part in parts)}]" if parts else name
        return self.asked_for(type_text(kind), kind)

    def color(self, name: str, text: str) -> str:
        return f"\033[{_COLORS[name]}m{text}\033[0m" if self.colored else text

    def value(self, arg: Any) -> str:
        """An argument."""
        if isinstance(arg, Node):
            return repr(arg)
        if isinstance(arg, tuple) and hasattr(arg, "_fields"):
            name = self.asked_for(type_text(type(arg)), type(arg))
            return f"{name}{tuple(arg)!r}"
        if isinstance(arg, enum.Enum):
            return f"{self.asked_for(type(arg).__name__, type(arg))}.{arg.name}"
        if isinstance(arg, Tensor):
            return f"torch.Tensor(size={list(arg.shape)}, dtype={arg.dtype.name})"
        if isinstance(arg, tuple):
            parts = ", ".join(map(self.value, arg))
            return f"({parts},)" if len(arg) == 1 else f"({parts})"
        if isinstance(arg, list):
            return f"[{', '.join(map(self.value, arg))}]"
        if isinstance(arg, slice):
            return f"slice({', '.join(map(self.value, (arg.start, arg.stop, arg.step)))})"
        return self.color("blue", repr(arg))

    def arguments(self, args: Sequence[Argument], kwargs: dict[str, Argument]) -> str:
        parts = [*map(self.value, args), *(f"{key} = {self.value(x)}" for key, x in kwargs.items())]
        return ", ".join(parts)

    # ---- lines -----------------------------------------------------------------------------------

    def end(self, node: Node, freed: list[Node]) -> None:
        """The end of a statement: what is not needed any more is let go."""
        if node.op == "placeholder":
            return
        if node.op != "output":
            gone = freed if node.users else [*freed, node]
            if gone:
                text = " = ".join([*map(repr, gone), "None"])
                self.body.append(f";  {self.color('dim', text)}\n")
                return
        self.body.append("\n")

    def summary(self, node: Node) -> None:
        """The line above nodes that says where in the program they come from."""
        if node.op in ("placeholder", "output"):
            return
        shown = [f"{key}: {node.meta[key]}" for key in self.additional_meta if key in node.meta]
        before = f"# {', '.join(shown)} " if shown else ""
        notes = node.meta.get("custom", {})
        cut = {k: f"{str(v)[:40]}..." if len(str(v)) > 40 else v for k, v in notes.items()}
        annotation = f" Annotation: {cut}" if notes else ""
        place = _parse_stack_trace(node.stack_trace)
        where = place.get_summary_str() if place else "No stacktrace found for following nodes"
        text = f"\n{self.color('dim', f'{before}#{annotation} {where}')}\n"
        if text != self.last_summary:
            self.last_summary = text
            self.body.append(text)

    def annotation(self, node: Node) -> str:
        """What stands after the name of a result: its type, and with verbose its sizes."""
        if self.verbose:
            value = node.meta.get(
                "val", node.meta.get("tensor_meta", node.meta.get("example_value"))
            )
            if isinstance(value, Tensor) and value.layout not in (sparse_csc, sparse_csr):
                text = self.color("red", dtype_abbrs[value.dtype])
                text += self.color("blue", _in_brackets(value.shape))
                text += self.color("dim_blue", _in_brackets(value.stride()) if self.stride else "")
                text += self.color("dim_green", f"{value.device}" if self.device else "")
                name = type(value).__name__
                return f': "{text}"' if type(value) is Tensor else f': "{name}({text})"'
            if value is not None and type(value).__name__ == "TensorMetadata":
                return f': "{dtype_abbrs[value.dtype]}{_in_brackets(value.shape)}"'
        return "" if node.type is None else f" : {self.type(node.type)}"

    def statement(self, node: Node) -> None:
        if self.show_meta and node.meta:
            shown = (
                f"{key}: {pprint.pformat(str(value), width=80, compact=True)}\n"
                for key, value in node.meta.items()
            )
            self.body += ['"""\n', *shown, '"""\n']
        if node.op == "placeholder":
            self.placeholder(node)
        elif node.op == "output":
            if node.type is not None:
                self.returns = f" -> {self.type(node.type)}"
            descs = node.meta.get("desc") if self.expanded else None
            options = {"descs": descs, "repr_fn": self.value}
            self.body.append(_called(self.codegen.generate_output, node.args[0], **options))
        else:
            left = f"{node!r}{self.annotation(node)}"
            self.body.append(self.call(node, left))

    def placeholder(self, node: Node) -> None:
        target = str(node.target)
        default = f" = {self.value(node.args[0])}" if node.args else ""
        desc = node.meta.get("desc") if self.expanded else None
        comment = f"  # {desc}" if desc is not None else ""
        self.parameters.append(f"{target}{self.annotation(node)}{default}{comment}")
        bare = target.replace("*", "")
        if bare != repr(node):
            self.body.append(f"{node!r} = {bare}\n")

    def call(self, node: Node, left: str) -> str:
        target: Any = node.target
        if node.op == "get_attr":
            return f"{left} = {_format_target(self.root, target)}"
        if node.op == "call_module":
            called = _format_target(self.root, target)
            return f"{left} = {called}({self.arguments(node.args, node.kwargs)})"
        if node.op == "call_method":
            called = _format_target(self.value(node.args[0]), target)
            return f"{left} = {called}({self.arguments(node.args[1:], node.kwargs)})"
        if node.op != "call_function":
            raise NotImplementedError(f"node: {node.op} {node.target}")
        if getattr(target, "__module__", "") == "_operator":
            if target.__name__ in magic_methods:
                form = magic_methods[target.__name__]
                return f"{left} = {form.format(*map(self.value, node.args))}"
            if target.__name__ in inplace_methods:
                form = inplace_methods[target.__name__]
                done = form.format(*map(self.value, node.args))
                return f"{done};  {left} = {self.value(node.args[0])}"
        name = self.asked_for(
            type_text(target) if isinstance(target, type) else qualified_name(target), target
        )
        if name == "getattr" and len(node.args) == 2:
            attribute = node.args[1]
            if isinstance(attribute, str) and attribute.isidentifier():
                return f"{left} = {_format_target(self.value(node.args[0]), attribute)}"
        if node.meta.get("is_wrapped", False):
            self.wrapped.setdefault(name)
        return f"{left} = {name}({self.arguments(node.args, node.kwargs)})"


def _called(method: Callable[..., str], *args: Any, **options: Any) -> str:
    """The method's text; a subclass's method may know fewer options than there are now."""
    code = getattr(method, "__code__", None)
    if code is not None and not code.co_flags & 8:
        known = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        options = {name: value for name, value in options.items() if name in known}
    return method(*args, **options)
