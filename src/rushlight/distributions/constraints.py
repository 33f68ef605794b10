"""The sets that parameters and values of distributions must lie in.

A constraint's `check(value)` is a boolean tensor without the last `event_dim` dimensions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.ops.algebra import cholesky_ex

__all__ = [
    "Constraint", "boolean", "dependent", "dependent_property", "greater_than", "greater_than_eq",
    "half_open_interval", "independent", "integer_interval", "interval", "is_dependent",
    "less_than", "lower_cholesky", "multinomial", "nonnegative", "nonnegative_integer", "one_hot",
    "positive", "positive_definite", "positive_integer", "real", "real_vector", "simplex",
    "unit_interval",
]  # fmt: skip


class Constraint:
    """A region; `check` says which values lie in it."""

    is_discrete = False
    event_dim = 0

    def check(self, value: Any) -> Any:
        """Whether each event of value lies in the region."""
        raise NotImplementedError(f"{type(self).__name__} does not define check(value)")

    def __repr__(self) -> str:
        return type(self).__name__.lstrip("_") + "()"


class _Checked(Constraint):
    """A region made of a rule, and of the bounds that stand in its name."""

    bounds: tuple[str, ...] = ()
    rule: Callable[..., Any]

    def __init__(self, *values: Any) -> None:
        self.values = values
        for name, value in zip(self.bounds, values, strict=True):
            setattr(self, name, value)

    def check(self, value: Any) -> Any:
        return type(self).rule(value, *self.values)

    def __repr__(self) -> str:
        shown = (f"{n}={v}" for n, v in zip(self.bounds, self.values, strict=True))
        return f"{type(self).__name__}({', '.join(shown)})"


def _region(
    name: str,
    rule: Callable[..., Any],
    *bounds: str,
    discrete: bool = False,
    event_dim: int = 0,
) -> type[_Checked]:
    columns = {"rule": rule, "bounds": bounds, "is_discrete": discrete, "event_dim": event_dim}
    return type(name, (_Checked,), {**columns, "__doc__": f"The region {name}."})


def _whole(value: Any) -> Any:
    return value % 1 == 0


def _is_simplex(value: Any) -> Any:
    return (value >= 0).all(-1) & ((value.sum(-1) - 1).abs() < 1e-6)


def _is_one_hot(value: Any) -> Any:
    return ((value == 0) | (value == 1)).all(-1) & (value.sum(-1) == 1)


def _is_lower_cholesky(value: Any) -> Any:
    lower = (value.tril() == value).flatten(-2).all(-1)
    return lower & (value.diagonal(dim1=-2, dim2=-1) > 0).all(-1)


def _is_positive_definite(value: Any) -> Any:
    symmetric = (value - value.mT).abs().le(1e-6 + 1e-5 * value.mT.abs()).flatten(-2).all(-1)
    return symmetric & (cholesky_ex(value)[1] == 0)


LOW, HIGH = "lower_bound", "upper_bound"
greater_than = _region("GreaterThan", lambda v, low: low < v, LOW)
greater_than_eq = _region("GreaterThanEq", lambda v, low: low <= v, LOW)
less_than = _region("LessThan", lambda v, high: v < high, HIGH)
interval = _region("Interval", lambda v, low, high: (low <= v) & (v <= high), LOW, HIGH)
half_open_interval = _region(
    "HalfOpenInterval", lambda v, low, high: (low <= v) & (v < high), LOW, HIGH
)
integer_interval = _region(
    "IntegerInterval",
    lambda v, low, high: _whole(v) & (low <= v) & (v <= high),
    LOW,
    HIGH,
    discrete=True,
)
_integer_greater_than = _region(
    "IntegerGreaterThan", lambda v, low: _whole(v) & (v >= low), LOW, discrete=True
)
multinomial = _region(
    "Multinomial",
    lambda v, high: (v >= 0).all(-1) & (v.sum(-1) <= high),
    HIGH,
    discrete=True,
    event_dim=1,
)
# torch shows this bound neither.
multinomial.__repr__ = Constraint.__repr__  # type: ignore[method-assign]

real = _region("Real", lambda v: v == v)()
boolean = _region("Boolean", lambda v: (v == 0) | (v == 1), discrete=True)()
simplex = _region("Simplex", _is_simplex, event_dim=1)()
one_hot = _region("OneHot", _is_one_hot, discrete=True, event_dim=1)()
lower_cholesky = _region("LowerCholesky", _is_lower_cholesky, event_dim=2)()
positive_definite = _region("PositiveDefinite", _is_positive_definite, event_dim=2)()
positive = greater_than(0.0)
nonnegative = greater_than_eq(0.0)
unit_interval = interval(0.0, 1.0)
nonnegative_integer = _integer_greater_than(0)
positive_integer = _integer_greater_than(1)


class IndependentConstraint(Constraint):
    """A constraint whose last batch dimensions count as part of the event."""

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int) -> None:
        self.base_constraint = base_constraint
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        self.is_discrete = base_constraint.is_discrete
        self.event_dim = base_constraint.event_dim + reinterpreted_batch_ndims

    def check(self, value: Any) -> Any:
        """Whether all the entries of each event lie in the base region."""
        inside = self.base_constraint.check(value)
        return (
            inside.flatten(inside.dim() - self.reinterpreted_batch_ndims).all(-1)
            if (self.reinterpreted_batch_ndims)
            else inside
        )

    def __repr__(self) -> str:
        return f"IndependentConstraint({self.base_constraint!r}, {self.reinterpreted_batch_ndims})"


independent = IndependentConstraint
real_vector = independent(real, 1)


class Dependent(Constraint):
    """A region that depends on the distribution's other parameters."""

    def __init__(self, *, is_discrete: bool = False, event_dim: int = 0) -> None:
        self.is_discrete, self.event_dim = is_discrete, event_dim


dependent = Dependent()


class dependent_property(property):
    """A property whose value is a constraint: `@dependent_property(event_dim=0)`, or bare."""

    def __init__(
        self,
        fn: Callable[[Any], Any] | None = None,
        *,
        is_discrete: bool = False,
        event_dim: int = 0,
    ) -> None:
        super().__init__(fn)
        self.is_discrete, self.event_dim = is_discrete, event_dim

    def __call__(self, fn: Callable[[Any], Any]) -> dependent_property:
        """The decorator form with arguments."""
        return dependent_property(fn, is_discrete=self.is_discrete, event_dim=self.event_dim)


def is_dependent(constraint: object) -> bool:
    """Whether a constraint is known only once the distribution is."""
    return isinstance(constraint, Dependent | dependent_property)
