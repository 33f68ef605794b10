"""One step of a graph: what is called, with what, and who uses the result."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from rushlight._tensor import Tensor
from rushlight.device import device
from rushlight.dtypes import dtype
from rushlight.fx.immutable_collections import immutable_dict, immutable_list
from rushlight.fx.naming import name_of, qualified_name, type_text
from rushlight.layout import layout, memory_format, sparse_csc, sparse_csr
from rushlight.ops.conversion import typename
from rushlight.utils._dtype_abbrs import dtype_abbrs

__all__ = ["Node", "has_side_effect", "map_aggregate", "map_arg"]

Target: TypeAlias = Callable[..., Any] | str
Argument: TypeAlias = Any

# What may stand in arguments as it is.
base_types = (str, int, float, bool, complex, dtype, Tensor, device, memory_format, layout)
_OPS = (
    *("placeholder", "call_method", "call_module", "call_function", "get_attr", "output"),
    "root",
)
# Functions that are kept although nobody uses what they return.
_side_effectful_functions: set[Callable[..., Any]] = {operator.setitem}

_get_qualified_name = qualified_name
_type_repr = type_text


def has_side_effect(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Let `eliminate_dead_code` keep calls of a function; also a decorator."""
    _side_effectful_functions.add(fn)
    return fn


def map_arg(a: Any, fn: Callable[[Node], Any]) -> Any:
    """What `a` is with fn of every node in its place; containers become immutable ones."""
    if not callable(fn):
        raise AssertionError("torch.fx.map_arg(a, fn): fn must be a callable")
    return map_aggregate(a, lambda x: fn(x) if isinstance(x, Node) else x)


def map_aggregate(a: Any, fn: Callable[[Any], Any]) -> Any:
    """What `a` is with fn of everything in its place that is no tuple, list, dict or slice.

    >>> map_aggregate((1, [2, {"a": 3}]), lambda x: x * 10)
    (10, [20, {'a': 30}])
    """
    if isinstance(a, tuple):
        parts = (map_aggregate(x, fn) for x in a)
        return type(a)(*parts) if hasattr(a, "_fields") else tuple(parts)
    if isinstance(a, list):
        return immutable_list([map_aggregate(x, fn) for x in a])
    if isinstance(a, dict):
        return immutable_dict((key, map_aggregate(x, fn)) for key, x in a.items())
    if isinstance(a, slice):
        return slice(*(map_aggregate(x, fn) for x in (a.start, a.stop, a.step)))
    return fn(a)


def _format_arg(arg: Any, max_list_len: float = float("inf")) -> str:
    """An argument as `format_node` shows it: nodes with a percent sign, long lists cut."""
    if hasattr(arg, "_custom_fx_repr_fn"):
        return arg._custom_fx_repr_fn()
    if isinstance(arg, dict):
        return "{" + ", ".join(f"{key}: {_format_arg(x)}" for key, x in arg.items()) + "}"
    if isinstance(arg, list | tuple):
        items = ", ".join(_format_arg(x) for i, x in enumerate(arg) if i < max_list_len)
        rest = "" if len(arg) < max_list_len + 1 else f", ...[total_len={len(arg)}]"
        if isinstance(arg, list):
            return f"[{items}{rest}]"
        return f"({items}{',' if len(arg) == 1 else ''}{rest})"
    return f"%{arg}" if isinstance(arg, Node) else str(arg)


def _in_brackets(sizes: Iterable[Any]) -> str:
    return f"[{', '.join(map(str, sizes))}]"


class Node:
    """One step of a `Graph`.

    `op` says what is done: `placeholder` takes an argument, `get_attr` fetches a parameter, `call_function`,
    `call_method` and `call_module` call what `target` names with `args` and `kwargs`, `output` returns. `name` is
    what the result is called in the code. `users` are the nodes that use it, and `meta` is for passes.

    >>> import rushlight as torch
    >>> graph = torch.fx.symbolic_trace(lambda x: torch.relu(x) + 1).graph
    >>> [(node.op, node.name) for node in graph.nodes]
    [('placeholder', 'x'), ('call_function', 'relu'), ('call_function', 'add'), ('output', 'output')]
    """

    def __init__(
        self,
        graph: Any,
        name: str,
        op: str,
        target: Target,
        args: tuple[Argument, ...],
        kwargs: dict[str, Argument],
        return_type: Any | None = None,
    ) -> None:
        if op != "call_function" and op not in _OPS:
            raise AssertionError(f"op '{op}' is not in _legal_ops")
        if not (callable(target) if op == "call_function" else isinstance(target, str)):
            wanted = "Callable" if op == "call_function" else "str"
            raise ValueError(
                f"Node [graph = {graph}, name = '{name}'] target {target} has type {typename(target)} "
                f"but a {wanted} is expected"
            )
        self.graph, self.name, self.op, self.target, self.type = (
            graph,
            name,
            op,
            target,
            return_type,
        )
        self._input_nodes: dict[Node, None] = {}
        self.users: dict[Node, None] = {}
        self.meta: dict[str, Any] = {}
        self._repr_fn: Callable[[Node], str] | None = None
        self._erased = False
        self._order = 0
        self._prev = self._next = self
        self._args: Any = ()
        self._kwargs: Any = {}
        self._update_args_kwargs(args, kwargs)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "name" and "name" in self.__dict__:
            for user in self.users:
                for hook in self._replace_hooks():
                    hook(old=self, new=value, user=user)
        object.__setattr__(self, name, value)

    # ---- its place in the graph ------------------------------------------------------------------

    @property
    def next(self) -> Node:
        """The node after this one."""
        return self._next

    @property
    def prev(self) -> Node:
        """The node before this one."""
        return self._prev

    def prepend(self, x: Node) -> None:
        """Move x before this node; both are of the same graph."""
        if self.graph is not x.graph:
            raise AssertionError("Attempting to move a Node into a different Graph")
        if self is x:
            return
        x._remove_from_list()
        before = self._prev
        before._next, x._prev = x, before
        x._next, self._prev = self, x
        self.graph._is_numbered = False

    _prepend = prepend

    def append(self, x: Node) -> None:
        """Move x after this node; both are of the same graph."""
        self._next.prepend(x)

    def _remove_from_list(self) -> None:
        before, after = self._prev, self._next
        before._next, after._prev = after, before

    @property
    def _sort_key(self) -> int:
        """Where it stands among the nodes; numbers are given anew when the order has changed."""
        self.graph._number()
        return self._order

    def __lt__(self, other: Node) -> bool:
        return self._sort_key < other._sort_key

    def __gt__(self, other: Node) -> bool:
        return self._sort_key > other._sort_key

    def __le__(self, other: Node) -> bool:
        return self is other or self < other

    def __ge__(self, other: Node) -> bool:
        return self is other or self > other

    # ---- what it uses, and who uses it -----------------------------------------------------------

    @property
    def args(self) -> tuple[Argument, ...]:
        """The positional arguments; who uses what is counted anew when they are assigned."""
        return self._args

    @args.setter
    def args(self, args: tuple[Argument, ...]) -> None:
        self._update_args_kwargs(args, self._kwargs)

    @property
    def kwargs(self) -> dict[str, Argument]:
        """The keyword arguments; who uses what is counted anew when they are assigned."""
        return self._kwargs

    @kwargs.setter
    def kwargs(self, kwargs: dict[str, Argument]) -> None:
        self._update_args_kwargs(self._args, kwargs)

    def _update_args_kwargs(self, args: Any, kwargs: Any) -> None:
        def use(node: Any) -> Any:
            if isinstance(node, Node):
                self._input_nodes.setdefault(node)
                node.users.setdefault(self)
            return node

        for node in self._input_nodes:
            node.users.pop(self, None)
        self._input_nodes = {}
        self._args, self._kwargs = map_aggregate(args, use), map_aggregate(kwargs, use)

    @property
    def all_input_nodes(self) -> list[Node]:
        """The nodes among the arguments, each once."""
        return list(self._input_nodes)

    def update_arg(self, idx: int, arg: Argument) -> None:
        """Replace one positional argument."""
        args = list(self.args)
        args[idx] = arg
        self.args = tuple(args)

    def insert_arg(self, idx: int, arg: Argument) -> None:
        """Put a positional argument before another."""
        if not 0 <= idx <= len(self.args):
            raise AssertionError(
                f"insert_args index must be between 0 and len(self.args), got {idx}"
            )
        self.args = (*self.args[:idx], arg, *self.args[idx:])

    def update_kwarg(self, key: str, arg: Argument) -> None:
        """Replace one keyword argument, or add it."""
        self.kwargs = {**self.kwargs, key: arg}

    def replace_input_with(self, old_input: Node, new_input: Node) -> None:
        """Put another node wherever this one stands among the arguments."""
        for hook in self._replace_hooks():
            hook(old=old_input, new=new_input.name, user=self)
        self._replace_input_with(old_input, new_input)

    def _replace_input_with(self, old: Node, new: Node) -> None:
        def replaced(node: Node) -> Any:
            return new if node is old else node

        self._update_args_kwargs(map_arg(self._args, replaced), map_arg(self._kwargs, replaced))

    def replace_all_uses_with(
        self,
        replace_with: Node,
        delete_user_cb: Callable[[Node], bool] | None = None,
        *,
        propagate_meta: bool = False,
    ) -> list[Node]:
        """Let those that use this node use another; returns them.

        delete_user_cb(user) says whether a user is to change; with propagate_meta the other node, which has no
        meta yet, gets this one's.
        """
        if propagate_meta:
            if replace_with.meta:
                raise AssertionError(
                    "Called node.replace_all_uses_with(replace_with, propagate_meta=True), "
                    "but replace_with already has .meta keys"
                )
            replace_with.meta.update(self.meta)
        chosen = [user for user in self.users if delete_user_cb is None or delete_user_cb(user)]
        for user in chosen:
            user.replace_input_with(self, replace_with)
        return chosen

    def _replace_hooks(self) -> Iterable[Callable[..., Any]]:
        return getattr(self.graph.owning_module, "_replace_hooks", None) or ()

    # ---- what passes ask -------------------------------------------------------------------------

    def is_impure(self, impure_random: bool = True) -> bool:
        """Whether it is to be kept although nobody uses it."""
        if self.op in ("placeholder", "output"):
            return True
        if self.op == "call_module":
            if self.graph.owning_module is None:
                raise AssertionError("self.graph.owning_module not set for purity check")
            module = self.graph.owning_module.get_submodule(self.target)
            return getattr(module, "_is_impure", False)
        if self.op == "call_function":
            if self.target in _side_effectful_functions:
                return True
            return qualified_name(self.target) in _KEPT  # type: ignore[arg-type]
        return False

    def normalized_arguments(
        self,
        root: Any,
        arg_types: tuple[Any] | None = None,
        kwarg_types: dict[str, Any] | None = None,
        normalize_to_only_use_kwargs: bool = False,
    ) -> Any:
        """The arguments as the signature of the target has them, defaults filled in; None if it cannot be."""
        from rushlight.fx.operator_schemas import normalize_function, normalize_module

        options = {"normalize_to_only_use_kwargs": normalize_to_only_use_kwargs}
        if self.op == "call_function":
            target: Any = self.target
            return normalize_function(
                target, self.args, self.kwargs, arg_types, kwarg_types, **options
            )
        if self.op == "call_module":
            return normalize_module(root, str(self.target), self.args, self.kwargs, **options)
        return None

    @property
    def stack_trace(self) -> str | None:
        """The lines of the program that this node comes from, if the tracer recorded them."""
        return self.meta.get("stack_trace")

    @stack_trace.setter
    def stack_trace(self, trace: str | None) -> None:
        self.meta["stack_trace"] = trace

    def _rename(self, candidate: str) -> None:
        if candidate != self.name:
            self.name = self.graph._graph_namespace.create_name(candidate, None)
            self.graph._graph_namespace._rename_object(self, self.name)

    # ---- how it is shown -------------------------------------------------------------------------

    def __repr__(self) -> str:
        return self._repr_fn(self) if self._repr_fn else self.name

    @staticmethod
    def _pretty_print_target(target: Any) -> str:
        if isinstance(target, str):
            return target
        module = getattr(target, "__module__", None)
        if module in ("builtins", "_operator"):
            return f"{module.strip('_')}.{name_of(target)}"
        return qualified_name(target)

    def format_node(
        self,
        placeholder_names: list[str] | None = None,
        maybe_return_typename: list[str] | None = None,
        *,
        include_tensor_metadata: bool = False,
    ) -> str | None:
        """The line that printed graphs have for this node."""
        kind = "" if self.type is None else f"{type_text(self.type)} "
        start = f"%{self.name} : {kind}[num_users={len(self.users)}] = {self.op}"
        if self.op == "placeholder":
            if placeholder_names:
                placeholder_names.append(str(self.target))
                return None
            default = f"(default={self.args[0]})" if self.args else ""
            return f"{start}[target={self.target}]{default}"
        if self.op == "get_attr":
            return f"{start}[target={self._pretty_print_target(self.target)}]"
        if self.op == "output":
            if self.type and maybe_return_typename:
                maybe_return_typename[0] = f" -> {type_text(self.type)}"
            return f"return {self.args[0]}"
        value = self.meta.get("val", self.meta.get("tensor_meta", self.meta.get("example_value")))
        if (
            include_tensor_metadata
            and isinstance(value, Tensor)
            and value.layout not in (sparse_csc, sparse_csr)
        ):
            shown = f"{dtype_abbrs[value.dtype]}{_in_brackets(value.shape)}"
            kind = f'Tensor "{shown}{_in_brackets(value.stride())}{value.device}"'
            start = f"%{self.name} : {kind}[num_users={len(self.users)}] = {self.op}"
        return (
            f"{start}[target={self._pretty_print_target(self.target)}]"
            f"(args = {_format_arg(self.args)}, kwargs = {_format_arg(self.kwargs)})"
        )


# Functions that check, or draw random numbers: to leave one out would change all that are drawn after it.
_KEPT = {
    f"torch.{name}"
    for name in (
        *("rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like"),
        *("normal", "poisson", "bernoulli", "multinomial", "_assert"),
    )
}
