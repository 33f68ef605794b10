"""The sets that parameters and values of distributions must lie in.

A constraint's `check(value)` is a boolean tensor without the last `event_dim` dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rushlight.dtypes import bool_, finfo
from rushlight.ops.algebra import eigvalsh
from rushlight.ops.checked import cholesky_ex
from rushlight.ops.comparison import isclose
from rushlight.ops.creation import full
from rushlight.ops.joining import cat as joined
from rushlight.ops.joining import stack as stacked

__all__ = [
    "Constraint", "MixtureSameFamilyConstraint", "boolean", "cat", "corr_cholesky", "dependent",
    "dependent_property", "greater_than", "greater_than_eq", "half_open_interval", "independent",
    "integer_interval", "interval", "is_dependent", "less_than", "lower_cholesky", "lower_triangular",
    "multinomial", "nonnegative", "nonnegative_integer", "one_hot", "positive", "positive_definite",
    "positive_integer", "positive_semidefinite", "real", "real_vector", "simplex", "square", "stack",
    "symmetric", "unit_interval",
]  # fmt: skip


class Constraint:
    """A region; `check` says which values lie in it."""

    is_discrete: Any = False
    event_dim: Any = 0

    def check(self, value: Any) -> Any:
        """Whether each event of value lies in the region."""
        raise NotImplementedError(f"{type(self).__name__} does not define check(value)")

    def __repr__(self) -> str:
        return type(self).__name__[1:] + "()"


# ---- regions that are not known before the distribution ------------------------------------------------


def _stated(name: str) -> property:
    def get(self: Any) -> Any:
        value = getattr(self, f"_{name}")
        if value is NotImplemented:
            raise NotImplementedError(f".{name} cannot be determined statically")
        return value

    return property(get)


class _Dependent(Constraint):
    """A region that depends on the distribution's other parameters."""

    is_discrete = _stated("is_discrete")
    event_dim = _stated("event_dim")

    def __init__(
        self, *, is_discrete: Any = NotImplemented, event_dim: Any = NotImplemented
    ) -> None:
        self._is_discrete, self._event_dim = is_discrete, event_dim

    def __call__(
        self, *, is_discrete: Any = NotImplemented, event_dim: Any = NotImplemented
    ) -> _Dependent:
        """Another one of which more is known."""
        return _Dependent(
            is_discrete=self._is_discrete if is_discrete is NotImplemented else is_discrete,
            event_dim=self._event_dim if event_dim is NotImplemented else event_dim,
        )

    def check(self, value: Any) -> Any:
        raise ValueError("Cannot determine validity of dependent constraint")


class _DependentProperty(property, _Dependent):
    """A property whose value is a constraint: `@dependent_property(event_dim=0)`, or bare."""

    def __init__(
        self,
        fn: Callable[[Any], Any] | None = None,
        *,
        is_discrete: Any = NotImplemented,
        event_dim: Any = NotImplemented,
    ) -> None:
        super().__init__(fn)
        self._is_discrete, self._event_dim = is_discrete, event_dim

    def __call__(self, fn: Callable[[Any], Any]) -> _DependentProperty:  # type: ignore[override]
        """The decorator form with arguments."""
        return _DependentProperty(fn, is_discrete=self._is_discrete, event_dim=self._event_dim)


def is_dependent(constraint: object) -> bool:
    """Whether a constraint is known only once the distribution is."""
    return isinstance(constraint, _Dependent)


# ---- regions made of others ----------------------------------------------------------------------------


def _need(true: object, words: str) -> None:
    if not true:
        raise AssertionError(words)


def _need_constraint(base: Any) -> None:
    _need(
        isinstance(base, Constraint),
        f"base_constraint must be a Constraint, got {type(base).__name__}",
    )


class _IndependentConstraint(Constraint):
    """A region whose last batch dimensions count as part of the event."""

    is_discrete = property(lambda self: self.base_constraint.is_discrete)
    event_dim = property(
        lambda self: self.base_constraint.event_dim + self.reinterpreted_batch_ndims
    )

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int) -> None:
        n = reinterpreted_batch_ndims
        _need_constraint(base_constraint)
        _need(
            isinstance(n, int),
            f"reinterpreted_batch_ndims must be an int, got {type(n).__name__}",
        )
        _need(n >= 0, f"reinterpreted_batch_ndims must be >= 0, got {n}")
        self.base_constraint, self.reinterpreted_batch_ndims = base_constraint, n

    def check(self, value: Any) -> Any:
        """Whether all the entries of each event lie in the base region."""
        inside = self.base_constraint.check(value)
        outer = inside.dim() - self.reinterpreted_batch_ndims
        if outer < 0:
            raise ValueError(f"Expected value.dim() >= {self.event_dim} but got {value.dim()}")
        return inside.reshape(*inside.shape[:outer], -1).all(-1)

    def __repr__(self) -> str:
        name = type(self).__name__[1:]
        return f"{name}({self.base_constraint!r}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamilyConstraint(Constraint):
    """The support of a mixture: the value is held against that of each component."""

    is_discrete = property(lambda self: self.base_constraint.is_discrete)
    event_dim = property(lambda self: self.base_constraint.event_dim)

    def __init__(self, base_constraint: Constraint) -> None:
        _need_constraint(base_constraint)
        self.base_constraint = base_constraint

    def check(self, value: Any) -> Any:
        """Whether each event lies in the regions of all components."""
        outer = value.dim() - self.event_dim
        inside = self.base_constraint.check(value.unsqueeze(-1 - self.event_dim))
        if outer < 0:
            raise ValueError(f"Expected value.dim() >= {self.event_dim} but got {value.dim()}")
        return inside.reshape(*inside.shape[:outer], -1).all(-1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_constraint!r})"


class _Sequence(Constraint):
    """Several regions side by side."""

    is_discrete = property(lambda self: any(c.is_discrete for c in self.cseq))
    event_dim = property(lambda self: max(c.event_dim for c in self.cseq))

    def __init__(self, cseq: Sequence[Constraint], dim: int = 0) -> None:
        _need(
            all(isinstance(c, Constraint) for c in cseq),
            "All elements of cseq must be Constraint instances",
        )
        self.cseq, self.dim = list(cseq), dim

    def _need_dim(self, value: Any) -> None:
        dims = value.dim()
        _need(
            -dims <= self.dim < dims,
            f"dim {self.dim} out of range for value with {dims} dimensions",
        )


class _Cat(_Sequence):
    """Regions for stretches along a dimension, of the given lengths."""

    def __init__(
        self, cseq: Sequence[Constraint], dim: int = 0, lengths: Sequence[int] | None = None
    ) -> None:
        super().__init__(cseq, dim)
        self.lengths = [1] * len(self.cseq) if lengths is None else list(lengths)
        n, m = len(self.lengths), len(self.cseq)
        _need(n == m, f"lengths ({n}) must match cseq ({m})")

    def check(self, value: Any) -> Any:
        """Whether each stretch lies in its region."""
        self._need_dim(value)
        found, start = [], 0
        for region, length in zip(self.cseq, self.lengths, strict=True):
            found.append(region.check(value.narrow(self.dim, start, length)))
            start += length
        return joined(found, self.dim)


class _Stack(_Sequence):
    """Regions for the slices along a dimension."""

    @property
    def event_dim(self) -> int:
        """The largest of the regions', and one more where the dimension is among those of the event."""
        most: int = max(c.event_dim for c in self.cseq)
        return most + 1 if self.dim + most < 0 else most

    def check(self, value: Any) -> Any:
        """Whether each slice lies in its region."""
        self._need_dim(value)
        slices = value.unbind(self.dim)
        return stacked([c.check(v) for v, c in zip(slices, self.cseq, strict=False)], self.dim)


# ---- regions of numbers --------------------------------------------------------------------------------


class _Bounded(Constraint):
    """A region with bounds, which are attributes and shown."""

    bounds: tuple[str, ...] = ("lower_bound", "upper_bound")
    lower_bound: Any
    upper_bound: Any

    def __init__(self, *values: Any, **named: Any) -> None:
        given = dict(zip(self.bounds, values, strict=False)) | named
        if len(values) + len(named) != len(self.bounds) or given.keys() != set(self.bounds):
            raise TypeError(f"{type(self).__name__}() takes {' and '.join(self.bounds)}")
        self.__dict__.update(given)

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)}" for name in self.bounds)
        return f"{type(self).__name__[1:]}({', '.join(shown)})"


class _Lower(_Bounded):
    bounds = ("lower_bound",)


class _Upper(_Bounded):
    bounds = ("upper_bound",)


def _whole(value: Any) -> Any:
    return value % 1 == 0


class _Boolean(Constraint):
    """0 or 1."""

    is_discrete = True

    def check(self, value: Any) -> Any:
        return (value == 0) | (value == 1)


class _IntegerInterval(_Bounded):
    """Whole numbers between two, these included."""

    is_discrete = True

    def check(self, value: Any) -> Any:
        return _whole(value) & (self.lower_bound <= value) & (value <= self.upper_bound)


class _IntegerLessThan(_Upper):
    """Whole numbers up to one."""

    is_discrete = True

    def check(self, value: Any) -> Any:
        return _whole(value) & (value <= self.upper_bound)


class _IntegerGreaterThan(_Lower):
    """Whole numbers from one on."""

    is_discrete = True

    def check(self, value: Any) -> Any:
        return _whole(value) & (value >= self.lower_bound)


class _Real(Constraint):
    """All numbers but nan."""

    def check(self, value: Any) -> Any:
        return value == value


class _GreaterThan(_Lower):
    """Numbers above one."""

    def check(self, value: Any) -> Any:
        return self.lower_bound < value


class _GreaterThanEq(_Lower):
    """Numbers from one on."""

    def check(self, value: Any) -> Any:
        return self.lower_bound <= value


class _LessThan(_Upper):
    """Numbers below one."""

    def check(self, value: Any) -> Any:
        return value < self.upper_bound


class _Interval(_Bounded):
    """Numbers between two, these included."""

    def check(self, value: Any) -> Any:
        return (self.lower_bound <= value) & (value <= self.upper_bound)


class _HalfOpenInterval(_Bounded):
    """Numbers from one up to another."""

    def check(self, value: Any) -> Any:
        return (self.lower_bound <= value) & (value < self.upper_bound)


# ---- regions of vectors and matrices -------------------------------------------------------------------


class _OneHot(Constraint):
    """Vectors of zeros and a single 1."""

    is_discrete = True
    event_dim = 1

    def check(self, value: Any) -> Any:
        return ((value == 0) | (value == 1)).all(-1) & value.sum(-1).eq(1)


class _Simplex(Constraint):
    """Vectors of probabilities: none negative, their sum 1."""

    event_dim = 1

    def check(self, value: Any) -> Any:
        return (value >= 0).all(-1) & ((value.sum(-1) - 1).abs() < 1e-6)


class _Multinomial(Constraint):
    """Vectors of counts whose sum is at most a bound."""

    is_discrete = True
    event_dim = 1

    def __init__(self, upper_bound: Any) -> None:
        self.upper_bound = upper_bound

    def check(self, value: Any) -> Any:
        return (value >= 0).all(-1) & (value.sum(-1) <= self.upper_bound)


class _LowerTriangular(Constraint):
    """Matrices of zeros above the diagonal."""

    event_dim = 2

    def check(self, value: Any) -> Any:
        return (value.tril() == value).reshape(*value.shape[:-2], -1).all(-1)


class _LowerCholesky(_LowerTriangular):
    """Lower triangular matrices of positive diagonal."""

    def check(self, value: Any) -> Any:
        return super().check(value) & (value.diagonal(dim1=-2, dim2=-1) > 0).all(-1)


class _CorrCholesky(_LowerCholesky):
    """Cholesky factors of correlation matrices: rows of length 1."""

    def check(self, value: Any) -> Any:
        tolerance = finfo(value.dtype).eps * value.size(-1) * 10
        length = value.detach().norm(dim=-1)
        return super().check(value) & (length - 1.0).abs().le(tolerance).all(-1)


class _Square(Constraint):
    """Matrices as high as wide."""

    event_dim = 2

    def check(self, value: Any) -> Any:
        square = value.shape[-2] == value.shape[-1]
        return full(value.shape[:-2], square, dtype=bool_, device=value.device)


class _Symmetric(_Square):
    """Matrices that are their own transpose, up to rounding."""

    def check(self, value: Any) -> Any:
        square = super().check(value)
        return isclose(value, value.mT, atol=1e-6).all(-2).all(-1) if square.all() else square


class _PositiveSemidefinite(_Symmetric):
    """Symmetric matrices without negative eigenvalues."""

    def check(self, value: Any) -> Any:
        symmetric = super().check(value)
        return eigvalsh(value).ge(0).all(-1) if symmetric.all() else symmetric


class _PositiveDefinite(_Symmetric):
    """Symmetric matrices of positive eigenvalues: those that have a Cholesky factor."""

    def check(self, value: Any) -> Any:
        symmetric = super().check(value)
        return cholesky_ex(value).info.eq(0) if symmetric.all() else symmetric


dependent = _Dependent()
dependent_property = _DependentProperty
independent = _IndependentConstraint
cat, stack = _Cat, _Stack
boolean, one_hot = _Boolean(), _OneHot()
nonnegative_integer, positive_integer = _IntegerGreaterThan(0), _IntegerGreaterThan(1)
integer_interval, multinomial = _IntegerInterval, _Multinomial
real = _Real()
real_vector = independent(real, 1)
greater_than, greater_than_eq, less_than = _GreaterThan, _GreaterThanEq, _LessThan
positive, nonnegative = _GreaterThan(0.0), _GreaterThanEq(0.0)
interval, half_open_interval = _Interval, _HalfOpenInterval
unit_interval = _Interval(0.0, 1.0)
simplex = _Simplex()
lower_triangular, lower_cholesky, corr_cholesky = (
    _LowerTriangular(),
    _LowerCholesky(),
    _CorrCholesky(),
)
square, symmetric = _Square(), _Symmetric()
positive_semidefinite, positive_definite = _PositiveSemidefinite(), _PositiveDefinite()
