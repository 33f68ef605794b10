"""What an export is told besides an example: sizes by tensor, further examples, classes that hold arguments."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from rushlight._tensor import Tensor
from rushlight.export.dynamic_shapes import Dim
from rushlight.export.program import ExportedProgram
from rushlight.nn.modules.module import Module
from rushlight.utils import _pytree as pytree

__all__ = ["AdditionalInputs", "Constraint", "CustomDecompTable", "ShapesCollection", "default_decompositions",
           "register_dataclass"]  # fmt: skip

# What a size can be bound to.
Constraint = Dim


def _by_name(m: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> dict[str, Any]:
    forward = m.forward if isinstance(m, Module) else m
    return dict(inspect.signature(forward).bind(*args, **(kwargs or {})).arguments)


class ShapesCollection:
    """Which sizes of which tensors may be others: `shapes[x] = {0: Dim("batch")}`.

    >>> import rushlight as torch
    >>> x, shapes = torch.ones(2, 3), ShapesCollection()
    >>> shapes[x] = {0: Dim("batch")}
    >>> shapes.dynamic_shapes(torch.nn.Linear(3, 1), (x,))
    {'input': {0: Dim('batch', min=0)}}
    """

    def __init__(self) -> None:
        self._shapes: dict[int, tuple[Any, Any]] = {}

    def __setitem__(self, t: Any, shape: Any) -> None:
        if not isinstance(t, Tensor):
            raise TypeError(f"Cannot assign shape to non-tensor type {type(t)}")
        if id(t) in self._shapes and self._shapes[id(t)][1] != shape:
            raise AssertionError(
                f"Shapes assigned to a tensor do not match: {self._shapes[id(t)][1]} and {shape}"
            )
        self._shapes[id(t)] = (t, shape)

    def __getitem__(self, t: Any) -> Any:
        return self._shapes.setdefault(id(t), (t, {}))[1]

    def __len__(self) -> int:
        return len(self._shapes)

    def dynamic_shapes(
        self, m: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None
    ) -> Any:
        """The same as `export` takes it: nested as the arguments are."""
        seen: set[int] = set()

        def shape_of(leaf: Any) -> Any:
            seen.add(id(leaf))
            return self._shapes[id(leaf)][1] if id(leaf) in self._shapes else None

        found = pytree.tree_map(shape_of, _by_name(m, args, kwargs))
        if set(self._shapes) - seen:
            raise ValueError("Some tensors that were assigned shapes were not found in args")
        return found


class AdditionalInputs:
    """Further examples, from which follows which sizes may be others."""

    def __init__(self) -> None:
        self._examples: list[tuple[tuple[Any, ...], dict[str, Any] | None]] = []

    def add(self, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> None:
        """One more call."""
        if not isinstance(args, tuple):
            raise AssertionError(f"Representative args {args} must be a tuple")
        if kwargs is not None and not isinstance(kwargs, dict):
            raise AssertionError(f"Representative kwargs {kwargs} must be None or a dict")
        self._examples.append((args, kwargs))

    def dynamic_shapes(
        self, m: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None
    ) -> Any:
        """`Dim.DYNAMIC` for the sizes that differ among the examples."""
        first = _by_name(m, args, kwargs)
        leaves, spec = pytree.tree_flatten(first)
        others = []
        for example in self._examples:
            listed, other = pytree.tree_flatten(_by_name(m, *example))
            if other != spec:
                raise ValueError("all examples must be nested in the same way")
            others.append(listed)
        found: list[Any] = []
        for number, leaf in enumerate(leaves):
            if not isinstance(leaf, Tensor):
                found.append(None)
                continue
            shapes = [leaf.shape, *(other[number].shape for other in others)]
            if len({len(shape) for shape in shapes}) > 1:
                raise ValueError(
                    f"the examples have other numbers of dimensions: {[list(s) for s in shapes]}"
                )
            varied = [len(set(sizes)) > 1 for sizes in zip(*shapes, strict=True)]
            found.append(tuple(Dim.DYNAMIC if v else None for v in varied))
        return pytree.tree_unflatten(found, spec)

    def verify(self, ep: ExportedProgram) -> None:
        """Run the program on every example; an error where one does not fit."""
        module = ep.module()
        for args, kwargs in self._examples:
            module(*args, **(kwargs or {}))


class CustomDecompTable(dict[Any, Callable[..., Any]]):
    """Operators and what they are made of: empty, as programs here are of torch's functions, not of ATen's."""

    def materialize(self) -> dict[Any, Callable[..., Any]]:
        """A plain dictionary."""
        return dict(self)

    def keys(self) -> Any:
        """The operators."""
        return super().keys()

    def __iter__(self) -> Iterator[Any]:
        return super().__iter__()


def default_decompositions() -> CustomDecompTable:
    """What operators are taken apart into: nothing."""
    return CustomDecompTable()


def register_dataclass(cls: type[Any], *, serialized_type_name: str | None = None) -> None:
    """Let the fields of a dataclass count as arguments and results of their own.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Pair:
    ...     left: int
    ...     right: int
    >>> register_dataclass(Pair)
    >>> pytree.tree_map(lambda n: n + 1, Pair(1, 2))
    Pair(left=2, right=3)
    """
    if not dataclasses.is_dataclass(cls):
        raise ValueError(f"Only dataclasses can be registered with this function: {cls}")
    pytree.register_dataclass(cls, serialized_type_name=serialized_type_name)
