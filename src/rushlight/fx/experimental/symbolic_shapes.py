"""Sizes that are not known: here they always are, so the questions about them are easy."""

from __future__ import annotations

from typing import Any, NoReturn

from rushlight.utils._ordered_set import OrderedSet

__all__ = [
    "GuardOnDataDependentSymNode", "ShapeEnv", "free_symbols", "free_unbacked_symbols",
    "guard_bool", "guard_float", "guard_int",
    "guard_or_false", "guard_or_true", "guard_scalar", "guard_size_oblivious", "has_free_symbols",
    "has_symbolic_sizes_strides", "is_concrete_bool", "is_concrete_int", "is_symbolic", "statically_known_true",
    "sym_eq",
]  # fmt: skip


class GuardOnDataDependentSymNode(RuntimeError):
    """A decision would depend on values that are not known yet."""


class ShapeEnv:
    """What is known of sizes; it cannot be made, for there are none to be known."""

    def __init__(self, *args: Any, **options: Any) -> NoReturn:
        raise NotImplementedError("ShapeEnv: rushlight has no symbolic sizes, all are numbers")


def guard_size_oblivious(expr: Any) -> bool:
    """The truth of a condition on sizes."""
    return bool(expr)


guard_bool = guard_or_false = guard_or_true = statically_known_true = guard_size_oblivious


def guard_int(a: Any) -> int:
    """A size."""
    return int(a)


def guard_float(a: Any) -> float:
    """A number."""
    return float(a)


def guard_scalar(a: Any) -> Any:
    """A number."""
    return a


def is_symbolic(val: Any) -> bool:
    """Whether a size is unknown: no."""
    return False


has_free_symbols = has_symbolic_sizes_strides = is_symbolic


def is_concrete_int(a: Any) -> bool:
    """Whether a size is a number: yes."""
    return True


is_concrete_bool = is_concrete_int


def free_symbols(val: Any) -> set[Any]:
    """The unknown sizes in something: none."""
    return set()


def free_unbacked_symbols(val: Any) -> OrderedSet[Any]:
    """The sizes in something that depend on values that are not known: none."""
    return OrderedSet()


def sym_eq(x: Any, y: Any) -> bool:
    """Whether two sizes, or tuples of them, are the same."""
    return x == y
