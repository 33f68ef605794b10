"""Distributions of counts, and of trials that succeed or fail."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rushlight.autograd.state import no_grad
from rushlight.dtypes import finfo
from rushlight.ops.activation import logsigmoid
from rushlight.ops.creation import zeros_like
from rushlight.ops.ranges import arange
from rushlight.ops.sampling import bernoulli, binomial, poisson

from . import constraints
from .distribution import Distribution, ExponentialFamily
from .gamma import Gamma
from .utils import (
    broadcast_all,
    checked,
    lazy_property,
    logits_to_probs,
    need_one,
    probs_to_logits,
)

__all__ = ["Bernoulli", "Binomial", "Geometric", "NegativeBinomial", "Poisson"]

BINARY = {"probs": constraints.unit_interval, "logits": constraints.real}
EXPANDED = {"probs": 0, "logits": 0, "_param": 0}


class Binary(Distribution):
    """Successes of probability probs, or of log-odds logits."""

    probs: Any = lazy_property(lambda self: logits_to_probs(self.logits, is_binary=True))
    logits: Any = lazy_property(lambda self: probs_to_logits(self.probs, is_binary=True))
    param_shape = property(lambda self: self._param.size())

    def _take(self, probs: Any, logits: Any) -> Any:
        """The one that is given, as `_param` and by its name."""
        name, value = need_one(probs, logits)
        (value,) = broadcast_all(value)
        setattr(self, name, value)
        self._param = value
        return value

    def _take_counted(self, total_count: Any, probs: Any, logits: Any) -> Any:
        """The same, broadcast with a number of trials."""
        name, value = need_one(probs, logits)
        count, value = broadcast_all(total_count, value)
        self.total_count = count.type_as(value)
        setattr(self, name, value)
        self._param = value
        return value

    def _new(self, *arguments: Any, **options: Any) -> Any:
        return self._param.new(*arguments, **options)


def cross_entropy(logits: Any, probs: Any) -> Any:
    """Of a trial with these log-odds, under these probabilities."""
    return (1 - probs) * logits - logsigmoid(logits)


class Bernoulli(Binary, ExponentialFamily):
    """One with probability probs (or of log-odds logits), else zero.

    >>> import rushlight as torch
    >>> from rushlight.distributions import Bernoulli
    >>> Bernoulli(0.25).mean
    tensor(0.2500)
    """

    arg_constraints = BINARY
    support = constraints.boolean
    has_enumerate_support = True
    _parts = EXPANDED
    _mean_carrier_measure = 0
    mean = property(lambda self: self.probs)
    variance = property(lambda self: self.probs * (1 - self.probs))
    _natural_params = property(lambda self: (self.probs.logit(),))

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        shape = self._take(probs, logits).shape
        super().__init__(shape, validate_args=validate_args)

    @property
    def mode(self) -> Any:
        """The likelier value; NaN where there is none."""
        return (self.probs >= 0.5).to(self.probs).masked_fill(self.probs == 0.5, math.nan)

    def sample(self, sample_shape: Sequence[int] = ()) -> Any:
        with no_grad():
            return bernoulli(self.probs.expand(self._extended_shape(sample_shape)))

    @checked
    def log_prob(self, value: Any) -> Any:
        return -cross_entropy(*broadcast_all(self.logits, value))

    def entropy(self) -> Any:
        return cross_entropy(self.logits, self.probs)

    def enumerate_support(self, expand: bool = True) -> Any:
        values = arange(2, dtype=self._param.dtype, device=self._param.device)
        return self._over_batch(values, expand)

    def _log_normalizer(self, x: Any) -> Any:
        return x.exp().log1p()


class Geometric(Binary):
    """How many trials fail before the first that succeeds."""

    arg_constraints = BINARY
    support = constraints.nonnegative_integer
    _parts = {"probs": 0, "logits": 0}
    mean = property(lambda self: 1.0 / self.probs - 1.0)
    mode = property(lambda self: zeros_like(self.probs))
    variance = property(lambda self: (1.0 / self.probs - 1.0) / self.probs)

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        name, value = need_one(probs, logits)
        (value,) = broadcast_all(value)
        setattr(self, name, value)
        super().__init__(value.shape, validate_args=validate_args)
        if self._validate_args and probs is not None and not (value > 0).all():
            raise ValueError(
                f"Expected parameter probs ({type(value).__name__} of shape {tuple(value.shape)}) of "
                f"distribution {self!r} to be positive but found invalid values:\n"
                f"{value.data[~(value > 0)]}"
            )

    def sample(self, sample_shape: Sequence[int] = ()) -> Any:
        with no_grad():
            u = self.probs.new_empty(self._extended_shape(sample_shape))
            u.uniform_(finfo(self.probs.dtype).tiny, 1)
            return (u.log() / (-self.probs).log1p()).floor()

    @checked
    def log_prob(self, value: Any) -> Any:
        value, probs = broadcast_all(value, self.probs)
        failing = probs.masked_fill((probs == 1) & (value == 0), 0)
        return value * (-failing).log1p() + self.probs.log()

    def entropy(self) -> Any:
        return cross_entropy(self.logits, self.probs) / self.probs


class Binomial(Binary):
    """How many of total_count trials succeed, each with probability probs (log-odds logits)."""

    arg_constraints: Any = {"total_count": constraints.nonnegative_integer, **BINARY}
    has_enumerate_support = True
    _parts = {"total_count": 0, **EXPANDED}
    support = constraints.dependent_property(
        lambda self: constraints.integer_interval(0, self.total_count),
        is_discrete=True,
        event_dim=0,
    )
    mean = property(lambda self: self.total_count * self.probs)
    mode = property(
        lambda self: ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count)
    )
    variance = property(lambda self: self.total_count * self.probs * (1 - self.probs))

    def __init__(
        self,
        total_count: Any = 1,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        shape = self._take_counted(total_count, probs, logits).shape
        super().__init__(shape, validate_args=validate_args)

    def sample(self, sample_shape: Sequence[int] = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            return binomial(self.total_count.expand(shape), self.probs.expand(shape))

    @checked
    def log_prob(self, value: Any) -> Any:
        n, logits = self.total_count, self.logits
        ways = (n + 1).lgamma() - (value + 1).lgamma() - (n - value + 1).lgamma()
        # The clamp's gradient at 0 is a half, as that of the softplus it is part of.
        positive = (logits.clamp(min=0) + logits - logits.clamp(max=0)) / 2
        return value * logits + ways - n * positive - n * (-logits.abs()).exp().log1p()

    def entropy(self) -> Any:
        self._one_count("entropy")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(log_prob.exp() * log_prob).sum(0)

    def enumerate_support(self, expand: bool = True) -> Any:
        count = self._one_count("enumerate_support")
        values = arange(1 + count, dtype=self._param.dtype, device=self._param.device)
        return self._over_batch(values, expand)

    def _one_count(self, what: str) -> int:
        total = int(self.total_count.max())
        if not self.total_count.min() == total:
            raise NotImplementedError(f"Inhomogeneous total count not supported by `{what}`.")
        return total


class NegativeBinomial(Binary):
    """How many trials succeed before total_count have failed; total_count need not be whole."""

    arg_constraints: Any = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer
    _parts = {"total_count": 0, **EXPANDED}
    mean = property(lambda self: self.total_count * self.logits.exp())
    mode = property(
        lambda self: ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)
    )
    variance = property(lambda self: self.mean / (-self.logits).sigmoid())

    def __init__(
        self,
        total_count: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        shape = self._take_counted(total_count, probs, logits).shape
        super().__init__(shape, validate_args=validate_args)

    @lazy_property
    def _gamma(self) -> Gamma:
        """The distribution of the rates, since the counts are of Poisson distributions."""
        return Gamma(self.total_count, (-self.logits).exp(), validate_args=False)

    def sample(self, sample_shape: Sequence[int] = ()) -> Any:
        with no_grad():
            return poisson(self._gamma.sample(sample_shape))

    @checked
    def log_prob(self, value: Any) -> Any:
        n, logits = self.total_count, self.logits
        chance = n * logsigmoid(-logits) + value * logsigmoid(logits)
        ways = (n + value).lgamma() - (1.0 + value).lgamma() - n.lgamma()
        # lgamma(0) - lgamma(0), where nothing is counted and nothing may be.
        return chance + ways.masked_fill(n + value == 0, 0.0)


class Poisson(ExponentialFamily):
    """Counts of mean rate: probability rate^k exp(-rate) / k!."""

    arg_constraints = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer
    _parts = {"rate": 0}
    mean = variance = property(lambda self: self.rate)
    mode = property(lambda self: self.rate.floor())
    _natural_params = property(lambda self: (self.rate.log(),))

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    def sample(self, sample_shape: Sequence[int] = ()) -> Any:
        with no_grad():
            return poisson(self.rate.expand(self._extended_shape(sample_shape)))

    @checked
    def log_prob(self, value: Any) -> Any:
        rate, value = broadcast_all(self.rate, value)
        return value.xlogy(rate) - rate - (value + 1).lgamma()

    def _log_normalizer(self, x: Any) -> Any:
        return x.exp()
