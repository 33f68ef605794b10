"""Exporting: a module traced, and its sizes checked at every call."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

from rushlight._tensor import Tensor
from rushlight.autograd.state import no_grad
from rushlight.export.dynamic_shapes import Dim, _Derived, _Hint
from rushlight.export.specialized import BufferTracer, specialized, traced_by
from rushlight.fx._symbolic_trace import PH
from rushlight.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
from rushlight.fx.graph_module import GraphModule
from rushlight.fx.proxy import TraceError
from rushlight.jit._script import ScriptModule
from rushlight.nn.modules.module import Module
from rushlight.ops.creation import ones
from rushlight.random.generator import get_rng_state, set_rng_state
from rushlight.serialization import load as load_pickle
from rushlight.serialization import save as save_pickle
from rushlight.settings import exporting
from rushlight.utils._pytree import tree_flatten, tree_map

__all__ = [
    "ConstraintViolationError",
    "ExportedProgram",
    "UserError",
    "draft_export",
    "export",
    "load",
    "save",
]


class UserError(RuntimeError):
    """What was asked of an export does not hold for the module."""


class ConstraintViolationError(RuntimeError):
    """The example is outside of the range that a size was given."""


class _Leaf(NamedTuple):
    """One thing among the arguments, however nested: where it is, what it is, and which sizes may be others."""

    path: str
    name: str
    value: Any
    spec: Any


def _leaves(path: str, name: str, value: Any, spec: Any) -> Iterator[_Leaf]:
    if isinstance(value, dict | list | tuple):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            below = None if spec is None else spec[key]
            yield from _leaves(f"{path}[{key!r}]", f"{name}_{key}", part, below)
    else:
        yield _Leaf(path, name, value, spec)


class _Sizes:
    """The tensors among the arguments, by name, and what each of their sizes must be; and what is no tensor."""

    def __init__(self, given: dict[str, Any], dynamic: Any) -> None:
        if dynamic and set(dynamic) != set(given):
            raise UserError(
                "When `dynamic_shapes` is specified as a dict, its top-level keys must be the arg names "
                f"{[*given]} of `inputs`, but here they are {[*dynamic]}."
            )
        self.rules: list[tuple[str, int, Any]] = []
        self.constants: list[tuple[str, Any]] = []
        self.leaves = [leaf for n, v in given.items() for leaf in _leaves(n, n, v, dynamic.get(n))]
        for leaf in self.leaves:
            if not isinstance(leaf.value, Tensor):
                self.constants.append((leaf.path, leaf.value))
                continue
            asked = _asked(leaf)
            for i, size in enumerate(leaf.value.shape):
                dim = asked.get(i)
                if isinstance(dim, int) and dim != size:
                    raise ConstraintViolationError(
                        f"Static shape constraint of {dim} does not match input size of {size}, for "
                        f"L['{leaf.path}'].size()[{i}]"
                    )
                free = dim is not None and dim is not Dim.STATIC and not isinstance(dim, int)
                self.rules.append((leaf.path, i, dim if free else size))
                if isinstance(dim, Dim):
                    low, high = dim.min or 0, dim.max
                    if size < low or (high is not None and size > high):
                        end = "int_oo" if high is None else high
                        raise ConstraintViolationError(f"{size} not in range [{low}, {end}]")

    def fix(self, name: str, i: int, size: int) -> None:
        """Let a size be this one after all."""
        self.rules = [(n, k, size if (n, k) == (name, i) else rule) for n, k, rule in self.rules]

    def check(self, given: dict[str, Any]) -> None:
        """Raise an AssertionError if a size, or what is no tensor, is another."""
        found = {leaf.path: leaf.value for n, v in given.items() for leaf in _leaves(n, n, v, None)}
        if list(found) != [leaf.path for leaf in self.leaves]:
            raise ValueError(
                f"Trying to flatten user inputs with exported input tree: it was exported with "
                f"{[leaf.path for leaf in self.leaves]}, and is called with {[*found]}"
            )
        for path, value in self.constants:
            same = type(found[path]) is type(value) and found[path] == value
            _guard(same or value is None, f"{path} == {value!r}")
        first: dict[str, tuple[str, int, int]] = {}
        for name, i, rule in sorted(self.rules, key=lambda rule: isinstance(rule[2], _Derived)):
            size = found[name].shape[i]
            place = f"{name}.size()[{i}]"
            if isinstance(rule, int):
                _guard(size == rule, f"{place} == {rule}")
            if not isinstance(rule, Dim):
                continue
            _guard(rule.max is None or size <= rule.max, f"{place} <= {rule.max}")
            # Of sizes from 2 on nothing special is known, and torch looks at no less.
            _guard((rule.min or 0) <= 2 or size >= (rule.min or 0), f"{place} >= {rule.min}")
            root = rule.root.__name__
            if isinstance(rule, _Derived) and root not in first:
                continue
            other, k, earlier = first.setdefault(root, (name, i, size))
            told = f"{other}.size()[{k}]"
            if isinstance(rule, _Derived):
                told = rule.__name__.replace(root, told)
            _guard(size == rule.of(earlier), f"{place} == {told}")


def _asked(leaf: _Leaf) -> dict[int, Any]:
    """What dynamic_shapes says of a tensor, by dimension."""
    spec, shape = leaf.spec, leaf.value.shape
    where = f"specified at `dynamic_shapes['{leaf.path}']`"
    if isinstance(spec, list | tuple):
        if len(spec) != len(shape):
            raise UserError(
                f"Expected dynamic shape spec {spec} {where} to have the same length as the actual tensor shape "
                f"{shape} (expected {len(shape)}, but got {len(spec)} instead)"
            )
        spec = dict(enumerate(spec))
    for i, dim in (spec or {}).items():
        if not (dim is None or isinstance(dim, int | Dim | _Hint)):
            raise UserError(
                f"Unexpected dimension mapped to index {i} in input tensor shape {spec} {where} (expected None, an "
                f"int, a Dim, Dim.AUTO, Dim.STATIC, or Dim.DYNAMIC, but got {dim!r} instead)"
            )
        if not -len(shape) <= i < len(shape):
            raise IndexError(f"there is no dimension {i} in shape {shape}, {where}")
    return {i % len(shape): dim for i, dim in (spec or {}).items()}


def _guard(holds: bool, condition: str) -> None:
    if not holds:
        raise AssertionError(f"Guard failed: {condition}")


class _Checked(Module):
    """The traced module, which checks how it is called and with which sizes."""

    def __init__(
        self, traced: GraphModule, sizes: _Sizes, positional: int, names: list[str]
    ) -> None:
        super().__init__()
        # The names of its state are those of the module that was exported.
        self._modules, self._parameters, self._buffers = (
            traced._modules,
            traced._parameters,
            traced._buffers,
        )
        self.__dict__["traced"] = traced
        self.sizes, self.positional, self.names = sizes, positional, names

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The module's result."""
        if len(args) != self.positional or list(kwargs) != self.names[self.positional :]:
            raise ValueError(
                "Ran into a kwarg keyword mismatch, or another number of arguments: it was exported with "
                f"{self.positional} positional arguments and the keywords "
                f"{self.names[self.positional :]}, and is called with {len(args)} and {list(kwargs)}"
            )
        given = dict(zip(self.names, (*args, *kwargs.values()), strict=True))
        self.sizes.check(given)
        return self.traced(**given)

    def train(self, mode: bool = True) -> NoReturn:
        """Refused, as it was exported in one mode; `eval` is, too."""
        raise NotImplementedError(f"Calling {'train' if mode else 'eval'}() is not supported yet.")

    def eval(self) -> NoReturn:
        """Refused."""
        self.train(False)


class CallSpec(NamedTuple):
    """How the arguments and the results are nested."""

    in_spec: Any
    out_spec: Any


class ExportedProgram:
    """A module as a graph: `module()` runs it, `graph_module` and `graph` show it."""

    def __init__(
        self, checked: _Checked, example: tuple[Any, dict[str, Any]], out_spec: Any = None
    ) -> None:
        self._checked = checked
        self.example_inputs = example
        self.call_spec = CallSpec(tree_flatten(example)[1], out_spec)

    @property
    def graph_module(self) -> GraphModule:
        """The traced module."""
        return self._checked.traced

    @property
    def graph(self) -> Any:
        """The steps."""
        return self.graph_module.graph

    @property
    def state_dict(self) -> dict[str, Any]:
        """The parameters and buffers by name."""
        kept = self.graph_module.state_dict(keep_vars=True)
        names = [*dict(self.named_parameters()), *dict(self.named_buffers())]
        return {name: kept[name] for name in names if name in kept}

    @property
    def constants(self) -> dict[str, Any]:
        """The tensors that are neither parameters nor buffers of the module."""
        return {
            name: value
            for name, value in self.graph_module.named_buffers()
            if name not in self._checked.buffer_names
        }

    @property
    def graph_signature(self) -> Any:
        """What goes into the graph and comes out of it, by name."""
        from rushlight.export.signature import signature_of

        leaves = [(leaf.name, leaf.value) for leaf in self._checked.sizes.leaves]
        return signature_of(self, leaves)

    @property
    def range_constraints(self) -> dict[Any, Any]:
        """The sizes that may be others, by name: between which two numbers."""
        dims = [rule for _, _, rule in self._checked.sizes.rules if isinstance(rule, Dim)]
        return {dim.__name__: (dim.min or 0, dim.max) for dim in dims if dim.root is dim}

    def parameters(self) -> Any:
        """The parameters."""
        return self.graph_module.parameters()

    def named_parameters(self) -> Any:
        """The parameters by name."""
        return self.graph_module.named_parameters()

    def buffers(self) -> Any:
        """The buffers."""
        return (buffer for _, buffer in self.named_buffers())

    def named_buffers(self) -> Any:
        """The buffers by name."""
        constants = self.constants
        return ((n, b) for n, b in self.graph_module.named_buffers() if n not in constants)

    def module(self, check_guards: bool = True) -> Module:
        """A module that runs it."""
        return self._checked if check_guards else self.graph_module

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """An error: the program has no state to run on; its `module()` has."""
        raise RuntimeError(
            "Unable to call ExportedProgram directly. You should use `exported_program.module()` instead."
        )

    def run_decompositions(self, decomp_table: Any = None) -> NoReturn:
        """An error: there is nothing below the functions of the program."""
        raise NotImplementedError(
            "run_decompositions takes functions apart into operators of ATen, which rushlight has not: the graph "
            "has the functions that the module calls"
        )

    def __str__(self) -> str:
        code = self.graph_module.print_readable(print_output=False)
        return f"ExportedProgram:\n    {code}"


def export(
    mod: Module,
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None = None,
    *,
    dynamic_shapes: Any = None,
    strict: bool = False,
    preserve_module_call_signature: tuple[str, ...] = (),
    prefer_deferred_runtime_asserts_over_guards: bool = False,
) -> ExportedProgram:
    """A module's forward as a program, by symbolic tracing: its Python must not decide by values of tensors.

    args and kwargs are an example; other sizes than its are refused when the program runs, but for those that
    dynamic_shapes names: {parameter: {dimension: Dim("batch")}}, or a tuple of the dicts.
    """
    if not isinstance(mod, Module):
        raise ValueError(f"Expected `mod` to be an instance of `torch.nn.Module`, got {type(mod)}.")
    if not isinstance(args, tuple):
        raise UserError(
            f"Expecting `args` to be a tuple of example positional inputs, got {type(args)}"
        )
    if isinstance(mod, ScriptModule):
        raise ValueError(
            "Exporting a ScriptModule is not supported: export the module that was scripted."
        )
    kwargs = kwargs or {}
    bound = inspect.signature(mod.forward).bind(*args, **kwargs)
    given = _spread(bound)
    if hasattr(dynamic_shapes, "dynamic_shapes"):
        dynamic_shapes = dynamic_shapes.dynamic_shapes(mod, args, kwargs)
    if isinstance(dynamic_shapes, list | tuple):
        dynamic_shapes = dict(zip(given, dynamic_shapes, strict=False))
    sizes = _Sizes(given, dynamic_shapes or {})
    traced, whole = _traced(mod, given, strict)
    before = get_rng_state()
    with no_grad():
        copies = tree_map(lambda v: v.detach().clone() if isinstance(v, Tensor) else v, given)
        result = copy.deepcopy(traced)(**copies)
    set_rng_state(before)
    _try_other_sizes(traced, sizes, given, whole)
    checked = _Checked(traced, sizes, len(args), list(given))
    checked.__dict__["buffer_names"] = frozenset(dict(mod.named_buffers()))
    return ExportedProgram(checked, (args, kwargs), tree_flatten(result)[1])


def _spread(bound: inspect.BoundArguments) -> dict[str, Any]:
    """The arguments by name, those of `**kwargs` under their own."""
    given = dict(bound.arguments)
    for name, parameter in bound.signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD and name in given:
            given |= given.pop(name)
    return given


def _traced(mod: Module, given: dict[str, Any], strict: bool) -> tuple[GraphModule, bool]:
    """The module on proxies, and whether for all sizes; what is no tensor stays what it is."""
    concrete = {
        name: tree_map(lambda v: PH if isinstance(v, Tensor) else v, value)
        for name, value in given.items()
        if not isinstance(value, Tensor)
    }
    exporting[0] = "strict" if strict else "export"
    whole = True
    try:
        try:
            traced = traced_by(BufferTracer(), mod, concrete or None)
        except (TraceError, TypeError):
            # Python that decides by sizes, counts up to one or takes a tensor apart: with those of the example.
            whole = False
            traced = specialized(mod, given, concrete or None)
    except TraceError as error:
        raise GuardOnDataDependentSymNode(
            f"Could not guard on data-dependent expression: {error}. Use torch.where, or leave the decision to a "
            "module of its own"
        ) from error
    finally:
        exporting[0] = ""
    _forget_checks(traced, concrete)
    return traced, whole


def _forget_checks(traced: GraphModule, concrete: dict[str, Any]) -> None:
    """Leave out what tracing checks of arguments that are no tensors: the program checks them itself."""
    for node in list(traced.graph.nodes):
        if node.op == "placeholder" and node.target.rpartition("_")[0] in concrete:
            node.target = node.target.rpartition("_")[0]
        if getattr(node.target, "__name__", "") == "_assert" and "has been specialized" in str(
            node.args[-1]
        ):
            condition = node.args[0]
            traced.graph.erase_node(node)
            if not condition.users:
                traced.graph.erase_node(condition)
    traced.recompile()


def _try_other_sizes(
    traced: GraphModule, sizes: _Sizes, given: dict[str, Any], whole: bool
) -> None:
    """See whether the module works with sizes that are to be free."""
    for name, i, rule in list(sizes.rules):
        if isinstance(rule, int):
            continue
        size = _tensors(sizes)[name].shape[i]
        works = whole and size > 1 and _works(traced, sizes, given, rule, name, i)
        if works:
            continue
        if rule is Dim.AUTO:
            sizes.fix(name, i, size)
        else:
            shown = rule.__name__ if isinstance(rule, Dim) else f"{name}.size()[{i}]"
            raise UserError(
                f"Constraints violated ({shown})! The module specializes this size to {size}: leave it out of "
                "dynamic_shapes, or say Dim.AUTO"
            )


def _works(
    traced: GraphModule, sizes: _Sizes, given: dict[str, Any], rule: Any, name: str, i: int
) -> bool:
    root = rule.root if isinstance(rule, Dim) else None
    others: dict[int, Any] = {}
    for path, value in _tensors(sizes).items():
        shape = list(value.shape)
        for other, k, r in sizes.rules:
            if other == path and (
                isinstance(r, Dim) and r.root is root
                if root is not None
                else (path, k) == (name, i)
            ):
                shape[k] += r.factor if isinstance(r, Dim) else 1
        others[id(value)] = ones(shape, dtype=value.dtype)
    changed = tree_map(lambda v: others.get(id(v), v), given)
    try:
        with no_grad():
            copy.deepcopy(traced)(**changed)
    except Exception:
        return False
    return True


def _tensors(sizes: _Sizes) -> dict[str, Any]:
    return {leaf.path: leaf.value for leaf in sizes.leaves if isinstance(leaf.value, Tensor)}


def draft_export(*args: Any, **kwargs: Any) -> ExportedProgram:
    """`export`."""
    return export(*args, **kwargs)


def save(ep: ExportedProgram, f: Any, **options: Any) -> None:
    """Write a program to a file for `torch.export.load` of rushlight; torch does not read it."""
    if not isinstance(ep, ExportedProgram):
        raise TypeError(
            f"The 'ep' parameter must be an instance of 'ExportedProgram', got '{type(ep).__name__}' instead."
        )
    save_pickle({"rushlight.export": (ep.module(), ep.example_inputs, ep.call_spec.out_spec)}, f)


def load(f: Any, **options: Any) -> ExportedProgram:
    """A program from a file that `torch.export.save` of rushlight wrote; torch's own are refused."""
    try:
        found = load_pickle(f, weights_only=False)
    except OSError:
        raise
    except Exception as error:
        raise NotImplementedError(
            "torch's files of exported programs hold operators of ATen, which rushlight has not: load the numbers "
            "into the module, and export it here"
        ) from error
    return ExportedProgram(*found["rushlight.export"])
