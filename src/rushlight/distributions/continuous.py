"""Distributions of one real number that have a location, a scale or a rate."""

from __future__ import annotations

import math
from typing import Any

from rushlight.dtypes import finfo
from rushlight.ops.creation import empty, full_like, zeros_like
from rushlight.ops.sampling import normal, rand

from . import constraints
from .distribution import Distribution, ExponentialFamily
from .gamma import Chi2
from .utils import broadcast_all, standard_normal

__all__ = ["Cauchy", "Exponential", "Laplace", "Normal", "StudentT", "Uniform"]

LOC_SCALE = {"loc": constraints.real, "scale": constraints.positive}


class _LocScale(Distribution):
    arg_constraints = LOC_SCALE
    support = constraints.real
    has_rsample = True
    mean = mode = property(lambda self: self.loc)

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)


class Normal(_LocScale, ExponentialFamily):
    """The normal distribution of mean loc and standard deviation scale.

    >>> import rushlight as torch
    >>> from rushlight.distributions import Normal
    >>> Normal(0.0, 1.0).log_prob(torch.tensor(0.0))
    tensor(-0.9189)
    """

    stddev = property(lambda self: self.scale)
    variance = property(lambda self: self.scale**2)

    def _sample(self, sample_shape: Any) -> Any:
        shape = self._extended_shape(sample_shape)
        return normal(self.loc.expand(shape), self.scale.expand(shape))

    def _rsample(self, shape: Any) -> Any:
        return self.loc + standard_normal(shape, self.loc.dtype) * self.scale

    def _log_prob(self, value: Any) -> Any:
        squared = (value - self.loc) ** 2 / (2 * self.scale**2)
        return -squared - self.scale.log() - math.log(math.sqrt(2 * math.pi))

    def _entropy(self) -> Any:
        return 0.5 + 0.5 * math.log(2 * math.pi) + self.scale.log()

    def _cdf(self, value: Any) -> Any:
        return 0.5 * (1 + ((value - self.loc) / self.scale / math.sqrt(2)).erf())

    def _icdf(self, value: Any) -> Any:
        return self.loc + self.scale * (2 * value - 1).erfinv() * math.sqrt(2)


class Laplace(_LocScale):
    """The Laplace distribution: density exp(-|x - loc| / scale) / (2 scale)."""

    variance = property(lambda self: 2 * self.scale**2)
    stddev = property(lambda self: 2**0.5 * self.scale)

    def _rsample(self, shape: Any) -> Any:
        low = finfo(self.loc.dtype).eps - 1
        u = empty(shape, dtype=self.loc.dtype).uniform_(low, 1)
        return self.loc - self.scale * u.sign() * (-u.abs()).log1p()

    def _log_prob(self, value: Any) -> Any:
        return -(2 * self.scale).log() - (value - self.loc).abs() / self.scale

    def _entropy(self) -> Any:
        return 1 + (2 * self.scale).log()

    def _cdf(self, value: Any) -> Any:
        away = value - self.loc
        return 0.5 - 0.5 * away.sign() * (-away.abs() / self.scale).expm1()

    def _icdf(self, value: Any) -> Any:
        term = value - 0.5
        return self.loc - self.scale * term.sign() * (-2 * term.abs()).log1p()


class Cauchy(_LocScale):
    """The Cauchy distribution, which has neither mean nor variance."""

    mean = property(lambda self: full_like(self.loc, math.nan))
    variance = property(lambda self: full_like(self.loc, math.inf))

    def _rsample(self, shape: Any) -> Any:
        return self.loc + empty(shape, dtype=self.loc.dtype).cauchy_() * self.scale

    def _log_prob(self, value: Any) -> Any:
        odds = ((value - self.loc) / self.scale) ** 2
        return -math.log(math.pi) - self.scale.log() - odds.log1p()

    def _entropy(self) -> Any:
        return math.log(4 * math.pi) + self.scale.log()

    def _cdf(self, value: Any) -> Any:
        return ((value - self.loc) / self.scale).atan() / math.pi + 0.5

    def _icdf(self, value: Any) -> Any:
        return (math.pi * (value - 0.5)).tan() * self.scale + self.loc


class StudentT(Distribution):
    """Student's t distribution of df degrees of freedom, moved to loc and scaled by scale."""

    arg_constraints = {"df": constraints.positive, **LOC_SCALE}  # noqa: RUF012
    support = constraints.real
    has_rsample = True
    mode = property(lambda self: self.loc)

    def __init__(
        self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None
    ) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        super().__init__(self.df.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        """The location, where there is a mean."""
        return self.loc.masked_fill(self.df <= 1, math.nan)

    @property
    def variance(self) -> Any:
        """Infinite up to 2 degrees of freedom, undefined up to 1."""
        found = self.scale**2 * self.df / (self.df - 2)
        return found.masked_fill(self.df <= 2, math.inf).masked_fill(self.df <= 1, math.nan)

    def _rsample(self, shape: Any) -> Any:
        x = standard_normal(shape, self.df.dtype)
        z = Chi2(self.df, validate_args=False)._rsample(shape)
        return self.loc + self.scale * x * (z / self.df).rsqrt()

    def _log_prob(self, value: Any) -> Any:
        df, y = self.df, (value - self.loc) / self.scale
        z = self.scale.log() + 0.5 * df.log() + 0.5 * math.log(math.pi)
        z = z + (0.5 * df).lgamma() - (0.5 * (df + 1)).lgamma()
        return -0.5 * (df + 1) * (y**2 / df).log1p() - z

    def _entropy(self) -> Any:
        df = self.df
        beta = (0.5 * df).lgamma() + math.lgamma(0.5) - (0.5 * (df + 1)).lgamma()
        slope = (0.5 * (df + 1)).digamma() - (0.5 * df).digamma()
        return self.scale.log() + 0.5 * (df + 1) * slope + 0.5 * df.log() + beta


class Uniform(Distribution):
    """The uniform distribution from low up to high."""

    has_rsample = True
    mean = property(lambda self: (self.low + self.high) / 2)
    mode = property(lambda self: full_like(self.low, math.nan))
    variance = property(lambda self: (self.high - self.low) ** 2 / 12)
    support = constraints.dependent_property(lambda self: constraints.interval(self.low, self.high))
    arg_constraints = property(
        lambda self: {
            "low": constraints.less_than(self.high),
            "high": constraints.greater_than(self.low),
        }
    )

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self.low, self.high = broadcast_all(low, high)
        super().__init__(self.low.shape, validate_args=validate_args)

    def _rsample(self, shape: Any) -> Any:
        return self.low + rand(shape, dtype=self.low.dtype) * (self.high - self.low)

    def _log_prob(self, value: Any) -> Any:
        inside = (self.low <= value) & (self.high > value)
        return inside.to(self.low.dtype).log() - (self.high - self.low).log()

    def _entropy(self) -> Any:
        return (self.high - self.low).log()

    def _cdf(self, value: Any) -> Any:
        return ((value - self.low) / (self.high - self.low)).clamp(0, 1)

    def _icdf(self, value: Any) -> Any:
        return value * (self.high - self.low) + self.low


class Exponential(ExponentialFamily):
    """The exponential distribution: density rate exp(-rate x) for x >= 0."""

    arg_constraints = {"rate": constraints.positive}  # noqa: RUF012
    support = constraints.nonnegative
    has_rsample = True
    mean = stddev = property(lambda self: self.rate.reciprocal())
    mode = property(lambda self: zeros_like(self.rate))
    variance = property(lambda self: self.rate ** (-2))

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    def _rsample(self, shape: Any) -> Any:
        return empty(shape, dtype=self.rate.dtype).exponential_() / self.rate

    def _log_prob(self, value: Any) -> Any:
        return self.rate.log() - self.rate * value

    def _entropy(self) -> Any:
        return 1.0 - self.rate.log()

    def _cdf(self, value: Any) -> Any:
        return 1 - (-self.rate * value).exp()

    def _icdf(self, value: Any) -> Any:
        return -(-value).log1p() / self.rate
