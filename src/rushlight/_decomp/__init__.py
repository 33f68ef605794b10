"""Tables of what operators are made of: compilers ask for them. rushlight's composites are composites already."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

__all__ = [
    "core_aten_decompositions", "decomposition_table", "get_decompositions", "register_decomposition",
    "remove_decompositions",
]  # fmt: skip

Function = TypeVar("Function", bound=Callable[..., Any])
# What programs have registered.
decomposition_table: dict[Any, Callable[..., Any]] = {}


def register_decomposition(
    aten_op: Any, registry: dict[Any, Callable[..., Any]] | None = None, **options: Any
) -> Callable[[Function], Function]:
    """A decorator: the function is what an operator, or each of several, is made of."""
    table = decomposition_table if registry is None else registry

    def register(fn: Function) -> Function:
        listed = aten_op if isinstance(aten_op, Iterable) else [aten_op]
        table.update(dict.fromkeys(listed, fn))
        return fn

    return register


def get_decompositions(aten_ops: Iterable[Any], type: str = "post_autograd") -> dict[Any, Any]:
    """Of these operators, what is registered."""
    return {op: decomposition_table[op] for op in aten_ops if op in decomposition_table}


def remove_decompositions(decompositions: dict[Any, Any], aten_ops: Iterable[Any]) -> None:
    """Take operators out of a table."""
    for op in aten_ops:
        decompositions.pop(op, None)


def core_aten_decompositions() -> dict[Any, Any]:
    """All that is registered."""
    return dict(decomposition_table)
