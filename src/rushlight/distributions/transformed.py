"""Distributions made of other distributions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rushlight.ops.creation import zeros_like
from rushlight.size import Size

from . import constraints
from .continuous import LOC_SCALE, Normal
from .distribution import Distribution
from .transforms import ComposeTransform, ExpTransform, Transform
from .utils import sum_rightmost

__all__ = ["HalfNormal", "Independent", "LogNormal", "TransformedDistribution"]


class Independent(Distribution):
    """A distribution whose last batch dimensions count as parts of one event."""

    arg_constraints: Any = {}  # noqa: RUF012
    has_rsample = property(lambda self: self.base_dist.has_rsample)
    mean = property(lambda self: self.base_dist.mean)
    mode = property(lambda self: self.base_dist.mode)
    variance = property(lambda self: self.base_dist.variance)

    def __init__(
        self,
        base_distribution: Any,
        reinterpreted_batch_ndims: int,
        validate_args: bool | None = None,
    ) -> None:
        if reinterpreted_batch_ndims > len(base_distribution.batch_shape):
            raise ValueError(
                "Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), actual "
                f"{reinterpreted_batch_ndims} vs {len(base_distribution.batch_shape)}"
            )
        self.base_dist = base_distribution
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        shape = (*base_distribution.batch_shape, *base_distribution.event_shape)
        events = len(base_distribution.event_shape) + reinterpreted_batch_ndims
        split = len(shape) - events
        super().__init__(shape[:split], shape[split:], validate_args=validate_args)

    @property
    def support(self) -> Any:
        """The base's support, for all parts of an event."""
        base = self.base_dist.support
        n = self.reinterpreted_batch_ndims
        return constraints.independent(base, n) if n else base

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        """The same distribution with its batch expanded."""
        new = super().expand(batch_shape)
        inner = self.event_shape[: self.reinterpreted_batch_ndims]
        new.base_dist = self.base_dist.expand(Size((*batch_shape, *inner)))
        return new

    def _sample(self, sample_shape: Sequence[int]) -> Any:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Any:
        """A differentiable sample of the base."""
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value: Any) -> Any:
        """The base's, summed over the parts of an event."""
        return sum_rightmost(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)

    def _entropy(self) -> Any:
        return sum_rightmost(self.base_dist.entropy(), self.reinterpreted_batch_ndims)

    def __repr__(self) -> str:
        return f"Independent({self.base_dist}, {self.reinterpreted_batch_ndims})"


class TransformedDistribution(Distribution):
    """The distribution of y = t(x), where x is of the base distribution.

    transforms: a Transform or a list of them, the first one first.
    """

    arg_constraints: Any = {}  # noqa: RUF012
    has_rsample = property(lambda self: self.base_dist.has_rsample)

    def __init__(
        self, base_distribution: Any, transforms: Any, validate_args: bool | None = None
    ) -> None:
        if isinstance(transforms, Transform):
            transforms = [transforms]
        elif not isinstance(transforms, list):
            raise ValueError(f"transforms must be a Transform or list, but was {transforms}")
        elif not all(isinstance(t, Transform) for t in transforms):
            raise ValueError("transforms must be a Transform or a list of Transforms")
        self.transforms = transforms
        composed = ComposeTransform(transforms)
        shape = base_shape = (*base_distribution.batch_shape, *base_distribution.event_shape)
        for transform in transforms:
            shape = transform.forward_shape(shape)
        wide = shape
        for transform in reversed(transforms):
            wide = transform.inverse_shape(wide)
        if tuple(wide) != base_shape:
            events = len(base_distribution.event_shape)
            base_distribution = base_distribution.expand(Size(wide[: len(wide) - events]))
        missing = composed.event_dim - len(base_distribution.event_shape)
        if missing > 0:
            base_distribution = Independent(base_distribution, missing)
        self.base_dist = base_distribution
        split = len(shape) - max(composed.event_dim, len(base_distribution.event_shape))
        super().__init__(shape[:split], shape[split:], validate_args=validate_args)

    @property
    def support(self) -> Any:
        """Where the last transform ends."""
        if not self.transforms:
            return self.base_dist.support
        region = self.transforms[-1].codomain
        missing = len(self.event_shape) - region.event_dim
        return constraints.independent(region, missing) if missing > 0 else region

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        """The same distribution with its batch expanded."""
        new = super().expand(batch_shape)
        new.base_dist = self.base_dist.expand(batch_shape)
        return new

    def _forward(self, x: Any) -> Any:
        for transform in self.transforms:
            x = transform(x)
        return x

    def _sample(self, sample_shape: Sequence[int]) -> Any:
        return self._forward(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Sequence[int] = ()) -> Any:
        """A differentiable sample of the base, transformed."""
        return self._forward(self.base_dist.rsample(sample_shape))

    def _log_prob(self, value: Any) -> Any:
        dims, total = len(self.event_shape), 0.0
        for transform in reversed(self.transforms):
            x = transform.inv(value)
            slope = transform.log_abs_det_jacobian(x, value)
            total = total - sum_rightmost(slope, dims - transform.event_dim)
            value = x
        base = self.base_dist.log_prob(value)
        return total + sum_rightmost(base, dims - len(self.base_dist.event_shape))

    def _monotone(self, value: Any) -> Any:
        """The probability of the other side where the transforms fall."""
        sign: Any = ComposeTransform(self.transforms).sign
        return value if isinstance(sign, int) and sign == 1 else sign * (value - 0.5) + 0.5

    def _cdf(self, value: Any) -> Any:
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        return self._monotone(self.base_dist.cdf(value))

    def _icdf(self, value: Any) -> Any:
        return self._forward(self.base_dist.icdf(self._monotone(value)))


class LogNormal(TransformedDistribution):
    """The distribution of exp(x), where x is normal of mean loc and deviation scale."""

    arg_constraints = LOC_SCALE
    support = constraints.positive
    loc = property(lambda self: self.base_dist.loc)
    scale = property(lambda self: self.base_dist.scale)
    mean = property(lambda self: (self.loc + self.scale**2 / 2).exp())
    mode = property(lambda self: (self.loc - self.scale**2).exp())
    variance = property(lambda self: (self.scale**2).expm1() * (2 * self.loc + self.scale**2).exp())

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        base = Normal(loc, scale, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)

    def _entropy(self) -> Any:
        return self.base_dist.entropy() + self.loc


class HalfNormal(TransformedDistribution):
    """The distribution of |x|, where x is normal of mean 0 and deviation scale."""

    arg_constraints = {"scale": constraints.positive}  # noqa: RUF012
    support = constraints.nonnegative
    scale = property(lambda self: self.base_dist.scale)
    mean = property(lambda self: self.scale * math.sqrt(2 / math.pi))
    mode = property(lambda self: zeros_like(self.scale))
    variance = property(lambda self: self.scale**2 * (1 - 2 / math.pi))

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(0, scale, validate_args=False), [], validate_args=validate_args)

    def _forward(self, x: Any) -> Any:
        return x.abs()

    def _log_prob(self, value: Any) -> Any:
        found = self.base_dist.log_prob(value) + math.log(2)
        return found.masked_fill(value < 0, -math.inf)

    def _cdf(self, value: Any) -> Any:
        return 2 * self.base_dist.cdf(value) - 1

    def _icdf(self, value: Any) -> Any:
        return self.base_dist.icdf((value + 1) / 2)

    def _entropy(self) -> Any:
        return self.base_dist.entropy() - math.log(2)
