"""Distributions over categories: an index, a one-hot vector, counts of several draws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rushlight.dtypes import finfo
from rushlight.ops.creation import tensor
from rushlight.ops.ranges import arange, eye
from rushlight.ops.sampling import multinomial
from rushlight.ops.shape import broadcast_tensors
from rushlight.size import Size

from . import constraints
from .discrete import Binomial
from .distribution import KEPT, Distribution
from .utils import (
    broadcast_all,
    checked,
    lazy_property,
    logits_to_probs,
    need_one,
    probs_to_logits,
)

__all__ = ["Categorical", "Multinomial", "OneHotCategorical", "OneHotCategoricalStraightThrough"]

WEIGHTS = {"probs": constraints.simplex, "logits": constraints.real_vector}


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
    _parts = {"probs": 1, "logits": 1, "_param": 1, "_num_events": KEPT}
    support = constraints.dependent_property(
        lambda self: constraints.integer_interval(0, self._num_events - 1),
        is_discrete=True,
        event_dim=0,
    )
    probs: Any = lazy_property(lambda self: logits_to_probs(self.logits))
    logits: Any = lazy_property(lambda self: probs_to_logits(self.probs))
    param_shape = property(lambda self: self._param.size())
    mode = property(lambda self: self.probs.argmax(-1))

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        given, value = need_one(probs, logits)
        if value.dim() < 1:
            raise ValueError(f"`{given}` parameter must be at least one-dimensional.")
        if probs is not None:
            self.probs = self._param = probs / probs.sum(-1, keepdim=True)
        else:
            self.logits = self._param = logits - logits.logsumexp(-1, keepdim=True)
        self._num_events = value.shape[-1]
        super().__init__(value.shape[:-1], validate_args=validate_args)

    def _new(self, *arguments: Any, **options: Any) -> Any:
        return self._param.new(*arguments, **options)

    @property
    def mean(self) -> Any:
        """Indices have no mean: NaN."""
        return self.probs.new_full(self._extended_shape(), math.nan)

    variance = mean

    def sample(self, sample_shape: Sequence[int] = ()) -> Any:
        shape = Size(sample_shape)
        flat = multinomial(self.probs.reshape(-1, self._num_events), shape.numel(), True)
        return flat.T.reshape(self._extended_shape(shape))

    @checked
    def log_prob(self, value: Any) -> Any:
        value, logits = broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, value[..., :1]).squeeze(-1)

    def entropy(self) -> Any:
        logits = self.logits.clamp(min=finfo(self.logits.dtype).min)
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Any:
        return self._over_batch(arange(self._num_events, device=self._param.device), expand)


class Weighted(Distribution):
    """Distributions made of a Categorical, over vectors as long as it has categories."""

    arg_constraints: Any = WEIGHTS
    _categorical: Categorical
    probs = property(lambda self: self._categorical.probs)
    logits = property(lambda self: self._categorical.logits)
    param_shape = property(lambda self: self._categorical.param_shape)

    def _new(self, *arguments: Any, **options: Any) -> Any:
        return self._categorical._new(*arguments, **options)


class OneHotCategorical(Weighted):
    """A Categorical whose values are one-hot vectors."""

    support = constraints.one_hot
    has_enumerate_support = True
    _parts = {"_categorical": 0}
    _param = property(lambda self: self._categorical._param)
    mean = property(lambda self: self.probs)
    variance = property(lambda self: self.probs * (1 - self.probs))

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self._categorical = Categorical(probs, logits)
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    @property
    def mode(self) -> Any:
        """The one-hot vector of the likeliest category."""
        return self._vectors()[self._categorical.mode]

    def _vectors(self) -> Any:
        return eye(self.event_shape[0], dtype=self._param.dtype, device=self._param.device)

    def sample(self, sample_shape: Sequence[int] = ()) -> Any:
        return self._vectors()[self._categorical.sample(sample_shape)]

    @checked
    def log_prob(self, value: Any) -> Any:
        return self._categorical.log_prob(value.max(-1)[1])

    def entropy(self) -> Any:
        return self._categorical.entropy()

    def enumerate_support(self, expand: bool = True) -> Any:
        return self._over_batch(self._vectors(), expand)


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """A OneHotCategorical whose samples have the gradient of their probabilities.

    Y. Bengio and others, "Estimating or propagating gradients through stochastic neurons", 2013.
    """

    has_rsample = True

    def rsample(self, sample_shape: Sequence[int] = ()) -> Any:
        probs = self.probs  # computed with gradients, before sample() asks for them without
        return self.sample(sample_shape) + (probs - probs.detach())


class Multinomial(Weighted):
    """How often each category comes up in total_count draws."""

    _parts = {"total_count": KEPT, "_categorical": 0}
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
        self._categorical = Categorical(probs, logits)
        self._binomial = Binomial(total_count, self.probs)
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def sample(self, sample_shape: Sequence[int] = ()) -> Any:
        drawn = self._categorical.sample((self.total_count, *sample_shape)).movedim(0, -1)
        counts = drawn.new_zeros(self._extended_shape(sample_shape))
        return counts.scatter_add_(-1, drawn, counts.new_ones(drawn.shape)).type_as(self.probs)

    @checked
    def log_prob(self, value: Any) -> Any:
        logits, value = broadcast_all(self.logits, value)
        # 0 * -inf is 0 here: a category that cannot come up did not.
        logits = logits.masked_fill((value == 0) & (logits == -math.inf), 0)
        ways = (value.sum(-1) + 1).lgamma() - (value + 1).lgamma().sum(-1)
        return ways + (logits * value).sum(-1)

    def entropy(self) -> Any:
        n = tensor(self.total_count)
        support = self._binomial.enumerate_support(expand=False)[1:]
        chances = self._binomial.log_prob(support).exp()
        spread = (chances * (support + 1).lgamma()).sum((0, -1))
        return n * self._categorical.entropy() - (n + 1).lgamma() + spread
