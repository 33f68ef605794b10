"""From all real numbers into a region: `biject_to` one to one, `transform_to` by what optimizes well.

>>> from rushlight.distributions import biject_to, constraints
>>> biject_to(constraints.unit_interval)
SigmoidTransform()
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Number
from typing import Any

from . import constraints, transforms

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]


class ConstraintRegistry:
    """Which transform leads into which region, by the class of the constraint."""

    def __init__(self) -> None:
        self._registry: dict[type, Callable[[Any], Any]] = {}

    def register(self, constraint: Any, factory: Any = None) -> Any:
        """Let a function of the constraint give the transform; without it, a decorator."""
        if factory is None:
            return lambda found: self.register(constraint, found)
        kind = type(constraint) if isinstance(constraint, constraints.Constraint) else constraint
        if not (isinstance(kind, type) and issubclass(kind, constraints.Constraint)):
            raise TypeError(
                "Expected constraint to be either a Constraint subclass or instance, "
                f"but got {constraint}"
            )
        self._registry[kind] = factory
        return factory

    def __call__(self, constraint: Any) -> Any:
        """The transform into the region."""
        factory = self._registry.get(type(constraint))
        if factory is None:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints")
        return factory(constraint)


biject_to = ConstraintRegistry()
transform_to = ConstraintRegistry()


def _above(region: Any) -> Any:
    return transforms.ComposeTransform(
        [transforms.ExpTransform(), transforms.AffineTransform(region.lower_bound, 1)]
    )


def _under(region: Any) -> Any:
    return transforms.ComposeTransform(
        [transforms.ExpTransform(), transforms.AffineTransform(region.upper_bound, -1)]
    )


def _between(region: Any) -> Any:
    low, high = region.lower_bound, region.upper_bound
    numbers = isinstance(low, Number) and isinstance(high, Number)
    if numbers and (low, high) == (0, 1):
        return transforms.SigmoidTransform()
    return transforms.ComposeTransform(
        [transforms.SigmoidTransform(), transforms.AffineTransform(low, high - low)]
    )


# What leads into a region one to one is what optimizes well there, too; but for these.
_BOTH: dict[Any, Callable[[Any], Any]] = {
    constraints.real: lambda region: transforms.identity_transform,
    constraints.greater_than: _above,
    constraints.greater_than_eq: _above,
    constraints.less_than: _under,
    constraints.interval: _between,
    constraints.half_open_interval: _between,
    constraints.corr_cholesky: lambda region: transforms.CorrCholeskyTransform(),
}
_TO: dict[Any, Callable[[Any], Any]] = {
    constraints.simplex: lambda region: transforms.SoftmaxTransform(),
    constraints.lower_cholesky: lambda region: transforms.LowerCholeskyTransform(),
    constraints.positive_definite: lambda region: transforms.PositiveDefiniteTransform(),
    constraints.positive_semidefinite: lambda region: transforms.PositiveDefiniteTransform(),
}


def _register_all(registry: ConstraintRegistry) -> None:
    for region, factory in _BOTH.items():
        registry.register(region, factory)

    @registry.register(constraints.independent)
    def independent(region: Any) -> Any:
        base = registry(region.base_constraint)
        return transforms.IndependentTransform(base, region.reinterpreted_batch_ndims)

    @registry.register(constraints.cat)
    def cat(region: Any) -> Any:
        parts = [registry(c) for c in region.cseq]
        return transforms.CatTransform(parts, region.dim, region.lengths)

    @registry.register(constraints.stack)
    def stack(region: Any) -> Any:
        return transforms.StackTransform([registry(c) for c in region.cseq], region.dim)


_register_all(biject_to)
_register_all(transform_to)
biject_to.register(constraints.simplex, lambda region: transforms.StickBreakingTransform())
for _region, _factory in _TO.items():
    transform_to.register(_region, _factory)
