"""Choices made continuous, so that samples are differentiable in their probabilities.

C. Maddison, A. Mnih, Y. Teh, "The concrete distribution", 2017; E. Jang, S. Gu, B. Poole, "Categorical
reparameterization with Gumbel-softmax", 2017; G. Loaiza-Ganem, J. Cunningham, "The continuous Bernoulli", 2019.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rushlight.autograd.state import no_grad
from rushlight.ops.comparison import where
from rushlight.ops.creation import full_like, ones_like, zeros_like

from . import constraints
from .categories import WEIGHTS, Categorical, Weighted
from .discrete import BINARY, EXPANDED, Binary, cross_entropy
from .distribution import KEPT, ExponentialFamily
from .transformed import TransformedDistribution
from .transforms import ExpTransform, SigmoidTransform
from .utils import (
    broadcast_all,
    checked,
    clamp_probs,
    lazy_property,
    logits_to_probs,
    need_one,
    uniforms,
)

__all__ = [
    "ContinuousBernoulli",
    "ExpRelaxedCategorical",
    "LogitRelaxedBernoulli",
    "RelaxedBernoulli",
    "RelaxedOneHotCategorical",
]


class LogitRelaxedBernoulli(Binary):
    """The log-odds of a RelaxedBernoulli: the logits and a logistic number, divided by the temperature."""

    arg_constraints = BINARY
    support = constraints.real
    _parts = {"temperature": KEPT, **EXPANDED}

    def __init__(
        self,
        temperature: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        self.temperature = temperature
        shape = self._take(probs, logits).shape
        super().__init__(shape, validate_args=validate_args)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Any:
        probs = clamp_probs(self.probs.expand(self._extended_shape(sample_shape)))
        u = clamp_probs(uniforms(probs.shape, probs))
        odds = u.log() - (-u).log1p() + probs.log() - (-probs).log1p()
        return odds / self.temperature

    @checked
    def log_prob(self, value: Any) -> Any:
        logits, value = broadcast_all(self.logits, value)
        away = logits - value * self.temperature
        return self.temperature.log() + away - 2 * away.exp().log1p()


class _Relaxed(TransformedDistribution):
    """Another distribution, transformed, with its parameters."""

    has_rsample = True
    temperature = property(lambda self: self.base_dist.temperature)
    logits = property(lambda self: self.base_dist.logits)
    probs = property(lambda self: self.base_dist.probs)


class RelaxedBernoulli(_Relaxed):
    """A number between 0 and 1, the closer to one of them the lower the temperature."""

    arg_constraints: Any = BINARY
    support = constraints.unit_interval
    _own = ()

    def __init__(
        self,
        temperature: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        base = LogitRelaxedBernoulli(temperature, probs, logits)
        super().__init__(base, SigmoidTransform(), validate_args=validate_args)


class ExpRelaxedCategorical(Weighted):
    """The logarithm of a RelaxedOneHotCategorical."""

    support = constraints.real_vector
    has_rsample = True
    _parts = {"temperature": KEPT, "_categorical": 0}

    def __init__(
        self,
        temperature: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        self._categorical = Categorical(probs, logits)
        self.temperature = temperature
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Any:
        u = clamp_probs(uniforms(self._extended_shape(sample_shape), self.logits))
        scores = (self.logits - (-u.log()).log()) / self.temperature
        return scores - scores.logsumexp(-1, keepdim=True)

    @checked
    def log_prob(self, value: Any) -> Any:
        logits, value = broadcast_all(self.logits, value)
        k, heat = self._categorical._num_events, self.temperature
        scale = full_like(heat, float(k)).lgamma() + heat.log() * (k - 1)
        score = logits - value * heat
        return (score - score.logsumexp(-1, keepdim=True)).sum(-1) + scale


class RelaxedOneHotCategorical(_Relaxed):
    """A point of the simplex, the closer to a corner the lower the temperature."""

    arg_constraints: Any = WEIGHTS
    support = constraints.simplex
    _own = ()

    def __init__(
        self,
        temperature: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)


class ContinuousBernoulli(Binary, ExponentialFamily):
    """Numbers from 0 to 1 of density proportional to probs^x (1 - probs)^(1 - x).

    lims: between these, formulas that divide by 1 - 2 probs are replaced by their Taylor series.
    """

    arg_constraints = BINARY
    support = constraints.unit_interval
    has_rsample = True
    _parts = {"_lims": KEPT, **EXPANDED}
    _mean_carrier_measure = 0
    _natural_params = property(lambda self: (self.logits,))
    stddev = property(lambda self: self.variance.sqrt())

    def __init__(
        self,
        probs: Any = None,
        logits: Any = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        given, value = need_one(probs, logits)
        (value,) = broadcast_all(value)
        if given == "probs":
            if validate_args is not None and not constraints.unit_interval.check(value).all():
                raise ValueError("The parameter probs has invalid values")
            value = clamp_probs(value)
        setattr(self, given, value)
        self._param, self._lims = value, lims
        super().__init__(value.shape, validate_args=validate_args)

    @lazy_property
    def probs(self) -> Any:
        """The probabilities, kept off 0 and 1."""
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    def _outside(self, x: Any, shift: float = 0.0) -> Any:
        """Where the formulas are stable."""
        low, high = self._lims
        return (x <= low - shift) | (x > high - shift)

    def _cut(self) -> tuple[Any, Any]:
        """Where probs are outside of the limits, and probs that are so everywhere."""
        outside = self._outside(self.probs)
        return outside, where(outside, self.probs, self._lims[0] * ones_like(self.probs))

    def _cont_bern_log_norm(self) -> Any:
        outside, cut = self._cut()
        low = where(cut <= 0.5, cut, zeros_like(cut))
        high = where(cut >= 0.5, cut, ones_like(cut))
        below = ((-cut).log1p() - cut.log()).abs().log()
        slope = where(cut <= 0.5, (-2.0 * low).log1p(), (2.0 * high - 1.0).log())
        x = (self.probs - 0.5) ** 2
        return where(outside, below - slope, math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * x) * x)

    @property
    def mean(self) -> Any:
        """On the side of 0 where probs are below a half."""
        (outside, cut), x = self._cut(), self.probs - 0.5
        found = cut / (2.0 * cut - 1.0) + 1.0 / ((-cut).log1p() - cut.log())
        return where(outside, found, 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * x**2) * x)

    @property
    def variance(self) -> Any:
        """1 / 12 where probs are a half, less elsewhere."""
        (outside, cut), x = self._cut(), (self.probs - 0.5) ** 2
        odds = (-cut).log1p() - cut.log()
        found = cut * (cut - 1.0) / (1.0 - 2.0 * cut) ** 2 + 1.0 / odds**2
        return where(outside, found, 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * x) * x)

    def sample(self, sample_shape: Sequence[int] = ()) -> Any:
        with no_grad():
            return ContinuousBernoulli.rsample(self, sample_shape)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Any:
        return self.icdf(uniforms(self._extended_shape(sample_shape), self.probs))

    @checked
    def log_prob(self, value: Any) -> Any:
        return -cross_entropy(*broadcast_all(self.logits, value)) + self._cont_bern_log_norm()

    @checked
    def cdf(self, value: Any) -> Any:
        outside, p = self._cut()
        found = (p**value * (1.0 - p) ** (1.0 - value) + p - 1.0) / (2.0 * p - 1.0)
        inner = where(outside, found, value)
        inner = where(value >= 1.0, ones_like(value), inner)
        return where(value <= 0.0, zeros_like(value), inner)

    def icdf(self, value: Any) -> Any:
        outside, p = self._cut()
        q = (-p).log1p()
        found = ((-p + value * (2.0 * p - 1.0)).log1p() - q) / (p.log() - q)
        return where(outside, found, value)

    def entropy(self) -> Any:
        q = (-self.probs).log1p()
        return self.mean * (q - self.probs.log()) - self._cont_bern_log_norm() - q

    def _log_normalizer(self, x: Any) -> Any:
        outside = self._outside(x, 0.5)
        cut = where(outside, x, (self._lims[0] - 0.5) * ones_like(x))
        found = cut.expm1().abs().log() - cut.abs().log()
        return where(outside, found, 0.5 * x + x**2 / 24.0 - x**4 / 2880.0)
