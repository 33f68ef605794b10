"""Distributions of counts and categories."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rushlight.dtypes import finfo
from rushlight.ops.activation import logsigmoid
from rushlight.ops.creation import tensor
from rushlight.ops.ranges import arange, eye
from rushlight.ops.sampling import bernoulli, binomial, multinomial, poisson
from rushlight.ops.shape import broadcast_shapes
from rushlight.size import Size

from . import constraints
from .distribution import Distribution, ExponentialFamily
from .utils import broadcast_all, lazy_property, logits_to_probs, need_one, probs_to_logits

__all__ = ["Bernoulli", "Binomial", "Categorical", "Multinomial", "OneHotCategorical", "Poisson"]

BINARY = {"probs": constraints.unit_interval, "logits": constraints.real}
WEIGHTS = {"probs": constraints.simplex, "logits": constraints.real_vector}


class _Binary(Distribution):
    """Successes of probability probs, or of log-odds logits."""

    has_enumerate_support = True
    probs: Any = lazy_property(lambda self: logits_to_probs(self.logits, is_binary=True))
    logits: Any = lazy_property(lambda self: probs_to_logits(self.probs, is_binary=True))
    param_shape = property(lambda self: self._param.size())
    _param = property(lambda self: self.__dict__.get(self._given))


class Bernoulli(_Binary, ExponentialFamily):
    """One with probability probs (or of log-odds logits), else zero.

    >>> import rushlight as torch
    >>> from rushlight.distributions import Bernoulli
    >>> Bernoulli(0.25).mean
    tensor(0.2500)
    """

    arg_constraints = BINARY
    support = constraints.boolean
    mean = property(lambda self: self.probs)
    variance = property(lambda self: self.probs * (1 - self.probs))

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self._given, value = need_one(probs, logits)
        (value,) = broadcast_all(value)
        setattr(self, self._given, value)
        super().__init__(value.shape, validate_args=validate_args)

    @property
    def mode(self) -> Any:
        """The likelier value; NaN where there is none."""
        return (self.probs >= 0.5).to(self.probs.dtype).masked_fill(self.probs == 0.5, math.nan)

    def _sample(self, sample_shape: Sequence[int]) -> Any:
        return bernoulli(self.probs.expand(self._extended_shape(sample_shape)))

    def _log_prob(self, value: Any) -> Any:
        return logsigmoid(self.logits) - (1 - value) * self.logits

    def _entropy(self) -> Any:
        return -self._log_prob(self.probs)

    def _values(self) -> Any:
        return arange(2, dtype=self._param.dtype)


class Binomial(_Binary):
    """How many of total_count trials succeed, each with probability probs (log-odds logits)."""

    arg_constraints: Any = {"total_count": constraints.nonnegative_integer, **BINARY}  # noqa: RUF012
    support = constraints.dependent_property(
        lambda self: constraints.integer_interval(0, self.total_count), is_discrete=True
    )
    mean = property(lambda self: self.total_count * self.probs)
    mode = property(
        lambda self: ((self.total_count + 1) * self.probs).floor().minimum(self.total_count)
    )
    variance = property(lambda self: self.total_count * self.probs * (1 - self.probs))

    def __init__(
        self,
        total_count: Any = 1,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        self._given, value = need_one(probs, logits)
        total_count, value = broadcast_all(total_count, value)
        self.total_count = total_count.type_as(value)
        setattr(self, self._given, value)
        super().__init__(value.shape, validate_args=validate_args)

    def _sample(self, sample_shape: Sequence[int]) -> Any:
        shape = self._extended_shape(sample_shape)
        return binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def _log_prob(self, value: Any) -> Any:
        n, logits = self.total_count, self.logits
        ways = (n + 1).lgamma() - (value + 1).lgamma() - (n - value + 1).lgamma()
        # The clamp's gradient at 0 is a half, as that of the softplus it is part of.
        positive = (logits.clamp(min=0) + logits - logits.clamp(max=0)) / 2
        return value * logits + ways - n * positive - n * (-logits.abs()).exp().log1p()

    def _entropy(self) -> Any:
        log_prob = self._log_prob(self._values_like("entropy"))
        return -(log_prob.exp() * log_prob).sum(0)

    def _values(self) -> Any:
        return self._values_like("enumerate_support").flatten()

    def _values_like(self, what: str) -> Any:
        total = int(self.total_count.max())
        if not self.total_count.min() == total:
            raise NotImplementedError(f"Inhomogeneous total count not supported by `{what}`.")
        values = arange(1 + total, dtype=self._param.dtype)
        return values.reshape(-1, *(1,) * len(self.batch_shape))


class Categorical(Distribution):
    """An index, drawn by probabilities along the last dimension (or by logits).

    probs need not sum to 1: they are divided by their sum.

    >>> import rushlight as torch
    >>> from rushlight.distributions import Categorical
    >>> Categorical(torch.tensor([1.0, 3.0])).log_prob(torch.tensor(1)).exp()
    tensor(0.7500)
    """

    arg_constraints = WEIGHTS
    has_enumerate_support = True
    probs: Any = lazy_property(lambda self: logits_to_probs(self.logits))
    logits: Any = lazy_property(lambda self: probs_to_logits(self.probs))
    support: Any = constraints.dependent_property(
        lambda self: constraints.integer_interval(0, self._num_events - 1), is_discrete=True
    )
    param_shape = property(lambda self: self._param.size())
    _param = property(lambda self: self.__dict__.get(self._given))
    mode = property(lambda self: self.probs.argmax(-1))

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self._given, value = need_one(probs, logits)
        if value.dim() < 1:
            raise ValueError(f"`{self._given}` parameter must be at least one-dimensional.")
        if probs is not None:
            self.probs = probs / probs.sum(-1, keepdim=True)
        else:
            self.logits = logits - logits.logsumexp(-1, keepdim=True)
        self._num_events = value.shape[-1]
        super().__init__(value.shape[:-1], validate_args=validate_args)

    @property
    def mean(self) -> Any:
        """Indices have no mean: NaN."""
        return self.probs.new_full(self._extended_shape(), math.nan)

    variance = mean

    def _sample(self, sample_shape: Sequence[int]) -> Any:
        shape = Size(sample_shape)
        flat = multinomial(self.probs.reshape(-1, self._num_events), shape.numel(), True)
        return flat.T.reshape(self._extended_shape(shape))

    def _log_prob(self, value: Any) -> Any:
        value = value.long().unsqueeze(-1)
        shape = broadcast_shapes(value.shape[:-1], self.logits.shape[:-1])
        logits = self.logits.expand(*shape, self._num_events)
        return logits.gather(-1, value.expand(*shape, 1)).squeeze(-1)

    def _entropy(self) -> Any:
        logits = self.logits.clamp(min=finfo(self.logits.dtype).min)
        return -(logits * self.probs).sum(-1)

    def _values(self) -> Any:
        return arange(self._num_events)


class _Weighted(Distribution):
    """Distributions made of a Categorical, over vectors as long as it has categories."""

    arg_constraints: Any = WEIGHTS
    _categorical: Categorical
    probs = property(lambda self: self._categorical.probs)
    logits = property(lambda self: self._categorical.logits)
    param_shape = property(lambda self: self._categorical.param_shape)
    _param = property(lambda self: self._categorical._param)

    def __init__(self, categorical: Categorical, validate_args: bool | None) -> None:
        self._categorical = categorical
        shape = categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        """The same distribution with its batch expanded."""
        new: Any = super().expand(batch_shape)
        new._categorical = self._categorical.expand(batch_shape)
        return new


class OneHotCategorical(_Weighted):
    """A Categorical whose values are one-hot vectors."""

    support = constraints.one_hot
    has_enumerate_support = True
    mean = property(lambda self: self.probs)
    variance = property(lambda self: self.probs * (1 - self.probs))

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        super().__init__(Categorical(probs, logits, validate_args), validate_args)

    @property
    def mode(self) -> Any:
        """The one-hot vector of the likeliest category."""
        return self._one_hot(self._categorical.mode)

    def _one_hot(self, index: Any) -> Any:
        return eye(self.event_shape[0], dtype=self.probs.dtype)[index]

    def _sample(self, sample_shape: Sequence[int]) -> Any:
        return self._one_hot(self._categorical.sample(sample_shape))

    def _log_prob(self, value: Any) -> Any:
        return self._categorical.log_prob(value.argmax(-1))

    def _entropy(self) -> Any:
        return self._categorical.entropy()

    def _values(self) -> Any:
        return eye(self.event_shape[0], dtype=self.probs.dtype)


class Multinomial(_Weighted):
    """How often each category comes up in total_count draws."""

    support = constraints.dependent_property(
        lambda self: constraints.multinomial(self.total_count), is_discrete=True, event_dim=1
    )
    mean = property(lambda self: self.probs * self.total_count)
    variance = property(lambda self: self.total_count * self.probs * (1 - self.probs))

    def __init__(
        self,
        total_count: int = 1,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        super().__init__(Categorical(probs, logits, validate_args), validate_args)

    def _sample(self, sample_shape: Sequence[int]) -> Any:
        drawn = self._categorical.sample((self.total_count, *sample_shape)).movedim(0, -1)
        counts = self.probs.new_zeros(self._extended_shape(sample_shape))
        return counts.scatter_add_(-1, drawn, counts.new_ones(drawn.shape))

    def _log_prob(self, value: Any) -> Any:
        # 0 * -inf is 0 here: a category that cannot come up did not.
        logits = self.logits.expand(value.shape) if value.dim() > self.logits.dim() else self.logits
        terms = (value * logits).masked_fill((value == 0) & (logits == -math.inf), 0)
        return (value.sum(-1) + 1).lgamma() - (value + 1).lgamma().sum(-1) + terms.sum(-1)

    def _entropy(self) -> Any:
        n = tensor(float(self.total_count), dtype=self.probs.dtype)
        counts = Binomial(self.total_count, probs=self.probs, validate_args=False)
        support = counts.enumerate_support(expand=False)[1:]
        weights = counts._log_prob(support).exp()
        spread = (weights * (support + 1).lgamma()).sum((0, -1))
        return n * self._categorical.entropy() - (n + 1).lgamma() + spread


class Poisson(ExponentialFamily):
    """Counts of mean rate: probability rate^k exp(-rate) / k!."""

    arg_constraints = {"rate": constraints.nonnegative}  # noqa: RUF012
    support = constraints.nonnegative_integer
    mean = variance = property(lambda self: self.rate)
    mode = property(lambda self: self.rate.floor())

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    def _sample(self, sample_shape: Sequence[int]) -> Any:
        return poisson(self.rate.expand(self._extended_shape(sample_shape)))

    def _log_prob(self, value: Any) -> Any:
        rate, value = broadcast_all(self.rate, value)
        return value.xlogy(rate) - rate - (value + 1).lgamma()
