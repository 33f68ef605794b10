"""Exporting: a module traced, and its sizes checked at every call."""

from __future__ import annotations

import copy
import inspect
from typing import Any, NoReturn

from rushlight._tensor import Tensor
from rushlight.autograd.state import no_grad
from rushlight.export.dims import Dim
from rushlight.fx._symbolic_trace import symbolic_trace
from rushlight.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
from rushlight.fx.graph_module import GraphModule
from rushlight.fx.proxy import TraceError
from rushlight.nn.modules.module import Module
from rushlight.ops.creation import ones
from rushlight.serialization import load as load_pickle
from rushlight.serialization import save as save_pickle

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


class _Sizes:
    """The tensors among the arguments, by name, and what each of their sizes must be."""

    def __init__(self, given: dict[str, Any], dynamic: Any) -> None:
        self.rules: list[tuple[str, int, Any]] = []
        self.ranks = {n: v.ndim for n, v in given.items() if isinstance(v, Tensor)}
        for name, rank in self.ranks.items():
            asked = dict(enumerate(dynamic.get(name) or ())) if isinstance(
                dynamic.get(name), list | tuple
            ) else dynamic.get(name) or {}  # fmt: skip
            for i in range(rank):
                dim, size = asked.get(i), given[name].shape[i]
                free = dim is not None and dim is not Dim.STATIC and not isinstance(dim, int)
                self.rules.append((name, i, dim if free else size))
                if isinstance(dim, Dim):
                    low, high = dim.min or 0, dim.max
                    if size < low or (high is not None and size > high):
                        end = "int_oo" if high is None else high
                        raise ConstraintViolationError(f"{size} not in range [{low}, {end}]")

    def fix(self, name: str, i: int, size: int) -> None:
        """Let a size be this one after all."""
        self.rules = [(n, k, size if (n, k) == (name, i) else rule) for n, k, rule in self.rules]

    def check(self, given: dict[str, Any]) -> None:
        """Raise an AssertionError if a size is another."""
        first: dict[str, tuple[str, int, int]] = {}
        for name, i, rule in self.rules:
            size = given[name].shape[i]
            place = f"{name}.size()[{i}]"
            if isinstance(rule, int):
                _guard(size == rule, f"{place} == {rule}")
            if not isinstance(rule, Dim):
                continue
            _guard(rule.max is None or size <= rule.max, f"{place} <= {rule.max}")
            _guard(size >= (rule.min or 0), f"{place} >= {rule.min}")
            other, k, earlier = first.setdefault(rule.__name__, (name, i, size))
            _guard(size == earlier, f"{place} == {other}.size()[{k}]")


def _guard(holds: bool, condition: str) -> None:
    if not holds:
        raise AssertionError(f"Guard failed: {condition}")


class _Checked(Module):
    """The traced module, which checks how it is called and with which sizes."""

    def __init__(
        self, traced: GraphModule, sizes: _Sizes, positional: int, names: list[str]
    ) -> None:
        super().__init__()
        self.traced, self.sizes, self.positional, self.names = traced, sizes, positional, names

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The module's result."""
        if len(args) != self.positional or list(kwargs) != self.names[self.positional :]:
            raise ValueError(
                f"it was exported with {self.positional} positional arguments and the keywords "
                f"{self.names[self.positional :]}, and is called with {len(args)} and {list(kwargs)}"
            )
        self.sizes.check(dict(zip(self.names, (*args, *kwargs.values()), strict=True)))
        return self.traced(*args, **kwargs)


class ExportedProgram:
    """A module as a graph: `module()` runs it, `graph_module` and `graph` show it."""

    def __init__(self, checked: _Checked, example: tuple[Any, dict[str, Any]]) -> None:
        self._checked = checked
        self.example_inputs = example

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
        return self.graph_module.state_dict()

    def parameters(self) -> Any:
        """The parameters."""
        return self.graph_module.parameters()

    def named_parameters(self) -> Any:
        """The parameters by name."""
        return self.graph_module.named_parameters()

    def buffers(self) -> Any:
        """The buffers."""
        return self.graph_module.buffers()

    def named_buffers(self) -> Any:
        """The buffers by name."""
        return self.graph_module.named_buffers()

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
    kwargs = kwargs or {}
    bound = inspect.signature(mod.forward).bind(*args, **kwargs)
    given = dict(bound.arguments)
    if hasattr(dynamic_shapes, "dynamic_shapes"):
        dynamic_shapes = dynamic_shapes.dynamic_shapes(mod, args, kwargs)
    if isinstance(dynamic_shapes, list | tuple):
        dynamic_shapes = dict(zip(given, dynamic_shapes, strict=False))
    sizes = _Sizes(given, dynamic_shapes or {})
    others = {name: v for name, v in given.items() if not isinstance(v, Tensor)}
    if others:
        raise NotImplementedError(
            f"export takes tensors as arguments here, and {', '.join(others)} is none: give the module what it "
            "needs besides when it is made"
        )
    try:
        traced = symbolic_trace(mod)
    except TraceError as error:
        raise GuardOnDataDependentSymNode(
            f"Could not guard on data-dependent expression: {error}. Use torch.where, or leave the decision to a "
            "module of its own"
        ) from error
    _try_other_sizes(traced, sizes, given)
    checked = _Checked(traced, sizes, len(args), list(given))
    return ExportedProgram(checked, (args, kwargs))


def _try_other_sizes(traced: GraphModule, sizes: _Sizes, given: dict[str, Any]) -> None:
    """See whether the module works with sizes that are to be free."""
    for name, i, rule in list(sizes.rules):
        if isinstance(rule, int):
            continue
        size = given[name].shape[i]
        works = size > 1 and _works(traced, sizes, given, rule, name, i)
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
    args = []
    for n, value in given.items():
        shape = list(value.shape)
        for other, k, r in sizes.rules:
            if other == n and (r is rule if isinstance(rule, Dim) else (n, k) == (name, i)):
                shape[k] += 1
        args.append(ones(shape, dtype=value.dtype))
    try:
        with no_grad():
            copy.deepcopy(traced)(*args)
    except Exception:
        return False
    return True


def draft_export(*args: Any, **kwargs: Any) -> ExportedProgram:
    """`export`."""
    return export(*args, **kwargs)


def save(ep: ExportedProgram, f: Any, **options: Any) -> None:
    """Write a program to a file for `torch.export.load` of rushlight; torch does not read it."""
    save_pickle({"rushlight.export": (ep.module(), ep.example_inputs)}, f)


def load(f: Any, **options: Any) -> ExportedProgram:
    """A program from a file that `torch.export.save` of rushlight wrote; torch's own are refused."""
    try:
        found = load_pickle(f, weights_only=False)
    except Exception as error:
        raise NotImplementedError(
            "torch's files of exported programs hold operators of ATen, which rushlight has not: load the numbers "
            "into the module, and export it here"
        ) from error
    checked, example = found["rushlight.export"]
    return ExportedProgram(checked, example)
