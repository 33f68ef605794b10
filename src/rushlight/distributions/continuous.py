"""Distributions of one real number that have a location, a scale or a rate."""

from __future__ import annotations

import math
from typing import Any

from rushlight.autograd.state import no_grad
from rushlight.dtypes import finfo
from rushlight.ops.comparison import isclose, where
from rushlight.ops.creation import ones_like, zeros_like
from rushlight.ops.sampling import normal

from . import constraints
from .distribution import Distribution, ExponentialFamily
from .gamma import Chi2
from .utils import _standard_normal, broadcast_all, checked, uniforms

__all__ = [
    "Cauchy",
    "Exponential",
    "GeneralizedPareto",
    "Laplace",
    "Normal",
    "StudentT",
    "Uniform",
]

LOC_SCALE = {"loc": constraints.real, "scale": constraints.positive}


class _LocScale(Distribution):
    arg_constraints = LOC_SCALE
    support = constraints.real
    has_rsample = True
    mean = mode = property(lambda self: self.loc)

    def _set(self, loc: Any, scale: Any, validate_args: bool | None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        Distribution.__init__(self, self.loc.shape, validate_args=validate_args)


class Normal(_LocScale, ExponentialFamily):
    """The normal distribution of mean loc and standard deviation scale.

    >>> import rushlight as torch
    >>> from rushlight.distributions import Normal
    >>> Normal(0.0, 1.0).log_prob(torch.tensor(0.0))
    tensor(-0.9189)
    """

    _parts = {"loc": 0, "scale": 0}
    _mean_carrier_measure = 0
    stddev = property(lambda self: self.scale)
    variance = property(lambda self: self.stddev.pow(2))

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self._set(loc, scale, validate_args)

    def sample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            return normal(self.loc.expand(shape), self.scale.expand(shape))

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        return self.loc + _standard_normal(shape, self.loc.dtype, self.loc.device) * self.scale

    @checked
    def log_prob(self, value: Any) -> Any:
        squared = (value - self.loc) ** 2 / (2 * self.scale**2)
        return -squared - self.scale.log() - math.log(math.sqrt(2 * math.pi))

    def entropy(self) -> Any:
        return 0.5 + 0.5 * math.log(2 * math.pi) + self.scale.log()

    @checked
    def cdf(self, value: Any) -> Any:
        away = (value - self.loc) * self.scale.reciprocal()
        return 0.5 * (1 + (away / math.sqrt(2)).erf())

    def icdf(self, value: Any) -> Any:
        return self.loc + self.scale * (2 * value - 1).erfinv() * math.sqrt(2)

    @property
    def _natural_params(self) -> Any:
        variance = self.scale.pow(2)
        return self.loc / variance, -0.5 * variance.reciprocal()

    def _log_normalizer(self, x: Any, y: Any) -> Any:
        return -0.25 * x.pow(2) / y + 0.5 * (-math.pi / y).log()


class Laplace(_LocScale):
    """The Laplace distribution: density exp(-|x - loc| / scale) / (2 scale)."""

    _parts = {"loc": 0, "scale": 0}
    variance = property(lambda self: 2 * self.scale.pow(2))
    stddev = property(lambda self: 2**0.5 * self.scale)

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self._set(loc, scale, validate_args)

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        u = self.loc.new_empty(shape).uniform_(finfo(self.loc.dtype).eps - 1, 1)
        return self.loc - self.scale * u.sign() * (-u.abs()).log1p()

    @checked
    def log_prob(self, value: Any) -> Any:
        return -(2 * self.scale).log() - (value - self.loc).abs() / self.scale

    def entropy(self) -> Any:
        return 1 + (2 * self.scale).log()

    @checked
    def cdf(self, value: Any) -> Any:
        away = value - self.loc
        return 0.5 - 0.5 * away.sign() * (-away.abs() / self.scale).expm1()

    def icdf(self, value: Any) -> Any:
        term = value - 0.5
        return self.loc - self.scale * term.sign() * (-2 * term.abs()).log1p()


class Cauchy(_LocScale):
    """The Cauchy distribution, which has neither mean nor variance."""

    _parts = {"loc": 0, "scale": 0}
    mean = property(lambda self: self._filled(math.nan))
    variance = property(lambda self: self._filled(math.inf))

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self._set(loc, scale, validate_args)

    def _filled(self, value: float) -> Any:
        return self.loc.new_full(self._extended_shape(), value)

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        return self.loc + self.loc.new_empty(shape).cauchy_() * self.scale

    @checked
    def log_prob(self, value: Any) -> Any:
        odds = ((value - self.loc) / self.scale) ** 2
        return -math.log(math.pi) - self.scale.log() - odds.log1p()

    def entropy(self) -> Any:
        return math.log(4 * math.pi) + self.scale.log()

    @checked
    def cdf(self, value: Any) -> Any:
        return ((value - self.loc) / self.scale).atan() / math.pi + 0.5

    def icdf(self, value: Any) -> Any:
        return (math.pi * (value - 0.5)).tan() * self.scale + self.loc


class StudentT(Distribution):
    """Student's t distribution of df degrees of freedom, moved to loc and scaled by scale."""

    arg_constraints = {"df": constraints.positive, **LOC_SCALE}
    support = constraints.real
    has_rsample = True
    mode = property(lambda self: self.loc)
    _parts = {"df": 0, "loc": 0, "scale": 0, "_chi2": 0}

    def __init__(
        self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None
    ) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df)
        super().__init__(self.df.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        """The location, where there is a mean."""
        return self.loc.masked_fill(self.df <= 1, math.nan)

    @property
    def variance(self) -> Any:
        """Infinite up to 2 degrees of freedom, undefined up to 1."""
        df = self.df.masked_fill(self.df <= 2, 3)  # whatever is finite
        found = self.scale**2 * df / (df - 2)
        return found.masked_fill(self.df <= 2, math.inf).masked_fill(self.df <= 1, math.nan)

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        x = _standard_normal(shape, self.df.dtype, self.df.device)
        z = self._chi2.rsample(sample_shape)
        return self.loc + self.scale * (x * (z / self.df).rsqrt())

    @checked
    def log_prob(self, value: Any) -> Any:
        df, y = self.df, (value - self.loc) / self.scale
        z = self.scale.log() + 0.5 * df.log() + 0.5 * math.log(math.pi)
        z = z + (0.5 * df).lgamma() - (0.5 * (df + 1)).lgamma()
        return -0.5 * (df + 1) * (y**2 / df).log1p() - z

    def entropy(self) -> Any:
        df = self.df
        beta = (0.5 * df).lgamma() + math.lgamma(0.5) - (0.5 * (df + 1)).lgamma()
        slope = (0.5 * (df + 1)).digamma() - (0.5 * df).digamma()
        return self.scale.log() + 0.5 * (df + 1) * slope + 0.5 * df.log() + beta


class Uniform(Distribution):
    """The uniform distribution from low up to high."""

    has_rsample = True
    _parts = {"low": 0, "high": 0}
    mean = property(lambda self: (self.high + self.low) / 2)
    mode = property(lambda self: math.nan * self.high)
    stddev = property(lambda self: (self.high - self.low) / 12**0.5)
    variance = property(lambda self: (self.high - self.low).pow(2) / 12)
    support = constraints.dependent_property(
        lambda self: constraints.interval(self.low, self.high), is_discrete=False, event_dim=0
    )
    arg_constraints = property(
        lambda self: {
            "low": constraints.less_than(self.high),
            "high": constraints.greater_than(self.low),
        }
    )

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self.low, self.high = broadcast_all(low, high)
        super().__init__(self.low.shape, validate_args=validate_args)

    def rsample(self, sample_shape: Any = ()) -> Any:
        drawn = uniforms(self._extended_shape(sample_shape), self.low)
        return self.low + drawn * (self.high - self.low)

    @checked
    def log_prob(self, value: Any) -> Any:
        inside = (self.low <= value) & (self.high > value)
        return inside.to(self.low.dtype).log() - (self.high - self.low).log()

    def entropy(self) -> Any:
        return (self.high - self.low).log()

    @checked
    def cdf(self, value: Any) -> Any:
        return ((value - self.low) / (self.high - self.low)).clamp(0, 1)

    def icdf(self, value: Any) -> Any:
        return value * (self.high - self.low) + self.low


class Exponential(ExponentialFamily):
    """The exponential distribution: density rate exp(-rate x) for x >= 0."""

    arg_constraints = {"rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    _parts = {"rate": 0}
    _mean_carrier_measure = 0
    mean = stddev = property(lambda self: self.rate.reciprocal())
    mode = property(lambda self: zeros_like(self.rate))
    variance = property(lambda self: self.rate.pow(-2))
    _natural_params = property(lambda self: (-self.rate,))

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        return self.rate.new_empty(shape).exponential_() / self.rate

    @checked
    def log_prob(self, value: Any) -> Any:
        return self.rate.log() - self.rate * value

    def entropy(self) -> Any:
        return 1.0 - self.rate.log()

    @checked
    def cdf(self, value: Any) -> Any:
        return 1 - (-self.rate * value).exp()

    def icdf(self, value: Any) -> Any:
        return -(-value).log1p() / self.rate

    def _log_normalizer(self, x: Any) -> Any:
        return -(-x).log()


class GeneralizedPareto(Distribution):
    """What lies above a threshold loc: density (1 + c (x - loc) / scale) ^ (-1 / c - 1) / scale.

    concentration: c; with 0 it is exponential, below 0 it ends at loc - scale / c.
    """

    arg_constraints = {**LOC_SCALE, "concentration": constraints.real}
    has_rsample = True
    mode = property(lambda self: self.loc)
    _parts = {"loc": 0, "scale": 0, "concentration": 0}

    def __init__(
        self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None
    ) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        """From loc on, up to an end where the concentration is negative."""
        end = self.loc - self.scale / self.concentration
        return constraints.interval(self.loc, where(self.concentration < 0, end, math.inf))

    def _split(self) -> tuple[Any, Any]:
        """Where the concentration is 0, and one that may be divided by."""
        none = isclose(self.concentration, zeros_like(self.concentration))
        return none, where(none, ones_like(self.concentration), self.concentration)

    def _z(self, x: Any) -> Any:
        return (x - self.loc) / self.scale

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.icdf(uniforms(self._extended_shape(sample_shape), self.loc))

    @checked
    def log_prob(self, value: Any) -> Any:
        z, (none, c) = self._z(value), self._split()
        power = 1 / c + ones_like(z)
        decay = where(power == 0, power, power * (c * z).log1p())
        return -self.scale.log() - where(none, z, decay)

    @checked
    def log_survival_function(self, value: Any) -> Any:
        """The logarithm of the probability of being above value."""
        z, (none, c) = self._z(value), self._split()
        return where(none, -z, -(c * z).log1p() / c)

    def log_cdf(self, value: Any) -> Any:
        """The logarithm of cdf."""
        return (-self.log_survival_function(value).exp()).log1p()

    def cdf(self, value: Any) -> Any:
        return self.log_cdf(value).exp()

    def icdf(self, value: Any) -> Any:
        (none, c), log_above = self._split(), (-value).log1p()
        curved = self.loc + self.scale / c * (-c * log_above).expm1()
        return where(none, self.loc - self.scale * log_above, curved)

    @property
    def mean(self) -> Any:
        """nan where the concentration is 1 or more."""
        valid = self.concentration < 1
        c = where(valid, self.concentration, 0.5)
        return where(valid, self.loc + self.scale / (1 - c), math.nan)

    @property
    def variance(self) -> Any:
        """nan where the concentration is a half or more."""
        valid = self.concentration < 0.5
        c = where(valid, self.concentration, 0.25)
        return where(valid, self.scale**2 / ((1 - c) ** 2 * (1 - 2 * c)), math.nan)

    def entropy(self) -> Any:
        return (self.scale.log() + self.concentration + 1).broadcast_to(self._batch_shape)
