"""The divergence of two distributions of different families."""

from __future__ import annotations

import math
from typing import Any

from rushlight.ops.comparison import where
from rushlight.ops.creation import full_like

from .continuous import Exponential, Laplace, Normal, Uniform
from .derived import Gumbel, Pareto
from .discrete import Bernoulli, Binomial, Poisson
from .gamma import Beta, Gamma
from .kl import register_kl
from .relaxed import ContinuousBernoulli
from .utils import euler_constant

_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def _infinite(parameter: str) -> Any:
    """Where p reaches beyond the support of q."""
    return lambda p, q: full_like(getattr(p, parameter), math.inf)


# (the first family, its parameter that has the divergence's shape, families that it reaches beyond)
_INFINITE: tuple[tuple[type, str, tuple[type, ...]], ...] = (
    (Beta, "concentration1", (Pareto,)),
    (ContinuousBernoulli, "probs", (Pareto,)),
    (Exponential, "rate", (Beta, ContinuousBernoulli, Pareto, Uniform)),
    (Gamma, "concentration", (Beta, ContinuousBernoulli, Pareto, Uniform)),
    (Gumbel, "loc", (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)),
    (Laplace, "loc", (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)),
    (Normal, "loc", (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)),
    (Pareto, "scale", (Beta, ContinuousBernoulli, Uniform)),
    (Poisson, "rate", (Bernoulli, Binomial)),
)
for _first, _parameter, _others in _INFINITE:
    for _other in _others:
        register_kl(_first, _other)(_infinite(_parameter))


# ---- what is integrated, minus the entropy -------------------------------------------------------------


def _gaussian(q: Any, second: Any, first: Any) -> Any:
    """-E log q of a normal q, from the moments E x^2 and E x."""
    square = second - 2 * q.loc * first + q.loc.pow(2)
    return q.scale.log() + _HALF_LOG_TWO_PI + square / (2 * q.scale.pow(2))


def _gamma(q: Any, logarithm: Any, first: Any) -> Any:
    """-E log q of a Gamma distribution q, from E log x and E x."""
    a = q.concentration
    return a.lgamma() - a * q.rate.log() - (a - 1) * logarithm + q.rate * first


def _bernoulli(q: Any, first: Any) -> Any:
    """-E log q of a continuous Bernoulli q, from E x."""
    return -first * q.logits - (-q.probs).log1p() - q._cont_bern_log_norm()


@register_kl(Bernoulli, Poisson)
def _kl_bernoulli_poisson(p: Any, q: Any) -> Any:
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


@register_kl(Beta, ContinuousBernoulli)
def _kl_beta_continuous_bernoulli(p: Any, q: Any) -> Any:
    return -p.entropy() + _bernoulli(q, p.mean)


@register_kl(Beta, Exponential)
@register_kl(ContinuousBernoulli, Exponential)
@register_kl(Gamma, Exponential)
def _kl_exponential(p: Any, q: Any) -> Any:
    return -p.entropy() - q.rate.log() + q.rate * p.mean


@register_kl(Beta, Gamma)
def _kl_beta_gamma(p: Any, q: Any) -> Any:
    total = p.concentration1 + p.concentration0
    return -p.entropy() + _gamma(q, p.concentration1.digamma() - total.digamma(), p.mean)


@register_kl(Beta, Normal)
@register_kl(ContinuousBernoulli, Normal)
def _kl_normal(p: Any, q: Any) -> Any:
    return -p.entropy() + _gaussian(q, p.variance + p.mean.pow(2), p.mean)


@register_kl(Beta, Uniform)
def _kl_beta_uniform(p: Any, q: Any) -> Any:
    result = -p.entropy() + (q.high - q.low).log()
    return result.masked_fill((q.low > 0) | (q.high < 1), math.inf)


@register_kl(ContinuousBernoulli, Uniform)
def _kl_continuous_bernoulli_uniform(p: Any, q: Any) -> Any:
    # As torch has it: infinite where a bound of q is no wider than that of p.
    result = -p.entropy() + (q.high - q.low).log()
    return where((q.low >= 0) | (q.high <= 1), math.inf, result)


@register_kl(Exponential, Gamma)
def _kl_exponential_gamma(p: Any, q: Any) -> Any:
    ratio, a = q.rate / p.rate, q.concentration
    return -a * ratio.log() + ratio + a.lgamma() + a * euler_constant - (1 + euler_constant)


@register_kl(Exponential, Gumbel)
def _kl_exponential_gumbel(p: Any, q: Any) -> Any:
    product, ratio = p.rate * q.scale, q.loc / q.scale
    tail = ratio.exp() * product / (product + 1)
    return product.log() - 1 - ratio + tail + product.reciprocal()


@register_kl(Exponential, Normal)
def _kl_exponential_normal(p: Any, q: Any) -> Any:
    first = p.rate.reciprocal()
    return p.rate.log() - 1 + _gaussian(q, 2 * first.pow(2), first)


@register_kl(Gamma, Gumbel)
def _kl_gamma_gumbel(p: Any, q: Any) -> Any:
    a, product, ratio = p.concentration, p.rate * q.scale, q.loc / q.scale
    own = (a - 1) * a.digamma() - a.lgamma() - a
    tail = ratio.exp() * (1 + product.reciprocal()).pow(-a) - ratio
    return own + product.log() + a / product + tail


@register_kl(Gamma, Normal)
def _kl_gamma_normal(p: Any, q: Any) -> Any:
    a, b = p.concentration, p.rate
    own = b.log() - a - a.lgamma() + (a - 1) * a.digamma()
    return own + _gaussian(q, (a.pow(2) + a) / b.pow(2), a / b)


@register_kl(Gumbel, Normal)
def _kl_gumbel_normal(p: Any, q: Any) -> Any:
    mean = p.loc + p.scale * euler_constant
    second = (math.pi * p.scale).pow(2) / 6 + mean.pow(2)
    return -p.scale.log() - (euler_constant + 1) + _gaussian(q, second, mean)


@register_kl(Laplace, Normal)
def _kl_laplace_normal(p: Any, q: Any) -> Any:
    second = 2 * p.scale.pow(2) + p.loc.pow(2)
    return -1 - (2 * p.scale).log() + _gaussian(q, second, p.loc)


@register_kl(Normal, Gumbel)
def _kl_normal_gumbel(p: Any, q: Any) -> Any:
    ratio, away = (p.scale / q.scale).pow(2), (p.loc - q.loc) / q.scale
    tail = (-away + 0.5 * ratio).exp()
    return -0.5 * ratio.log() + away + tail - 0.5 * (1 + math.log(2 * math.pi))


@register_kl(Normal, Laplace)
def _kl_normal_laplace(p: Any, q: Any) -> Any:
    away, ratio = p.loc - q.loc, p.scale / q.scale
    scaled = away / p.scale
    near = math.sqrt(2 / math.pi) * p.scale * (-0.5 * scaled.pow(2)).exp()
    far = away * (math.sqrt(0.5) * scaled).erf()
    return -ratio.log() + (near + far) / q.scale - 0.5 * (1 + math.log(0.5 * math.pi))


# A Pareto distribution is log alpha - log scale - 1 / alpha - 1 of negative entropy, and E x is finite above 1.


def _pareto_entropy(p: Any) -> Any:
    return (p.alpha / p.scale).log() - p.alpha.reciprocal() - 1


def _pareto_mean(p: Any) -> Any:
    return p.alpha * p.scale / (p.alpha - 1)


@register_kl(Pareto, Exponential)
def _kl_pareto_exponential(p: Any, q: Any) -> Any:
    result = _pareto_entropy(p) - q.rate.log() + q.rate * _pareto_mean(p)
    return result.masked_fill(p.alpha <= 1, math.inf)


@register_kl(Pareto, Gamma)
def _kl_pareto_gamma(p: Any, q: Any) -> Any:
    logarithm = p.scale.log() + p.alpha.reciprocal()
    result = _pareto_entropy(p) + _gamma(q, logarithm, _pareto_mean(p))
    return result.masked_fill(p.alpha <= 1, math.inf)


@register_kl(Pareto, Normal)
def _kl_pareto_normal(p: Any, q: Any) -> Any:
    mean, each = _pareto_mean(p), p.scale / (p.alpha - 1)
    second = p.alpha * each.pow(2) / (p.alpha - 2) + mean.pow(2)
    result = _pareto_entropy(p) + _gaussian(q, second, mean)
    return result.masked_fill(p.alpha <= 2, math.inf)


# ---- from a uniform distribution -----------------------------------------------------------------------


def _mean_log(low: Any, high: Any) -> Any:
    """The mean of log x between two numbers."""
    width = high - low
    return (high.xlogy(high) - low.xlogy(low) - width) / width


@register_kl(Uniform, Beta)
def _kl_uniform_beta(p: Any, q: Any) -> Any:
    a, b = q.concentration1, q.concentration0
    logs = (a - 1) * _mean_log(p.low, p.high) + (b - 1) * _mean_log(1 - p.high, 1 - p.low)
    norm = a.lgamma() + b.lgamma() - (a + b).lgamma()
    result = norm - logs - (p.high - p.low).log()
    return result.masked_fill((p.high > 1) | (p.low < 0), math.inf)


@register_kl(Uniform, ContinuousBernoulli)
def _kl_uniform_continuous_bernoulli(p: Any, q: Any) -> Any:
    # As torch has it: infinite where p reaches a bound.
    result = -p.entropy() + _bernoulli(q, p.mean)
    return where((p.high >= 1) | (p.low <= 0), math.inf, result)


@register_kl(Uniform, Exponential)
def _kl_uniform_exponential(p: Any, q: Any) -> Any:
    result = q.rate * (p.high + p.low) / 2 - ((p.high - p.low) * q.rate).log()
    return result.masked_fill(p.low < 0, math.inf)


@register_kl(Uniform, Gamma)
def _kl_uniform_gamma(p: Any, q: Any) -> Any:
    result = -p.entropy() + _gamma(q, _mean_log(p.low, p.high), p.mean)
    return result.masked_fill(p.low < 0, math.inf)


@register_kl(Uniform, Gumbel)
def _kl_uniform_gumbel(p: Any, q: Any) -> Any:
    share = q.scale / (p.high - p.low)
    high, low = (p.high - q.loc) / q.scale, (p.low - q.loc) / q.scale
    return share.log() + 0.5 * (high + low) - share * ((-high).exp() - (-low).exp())


@register_kl(Uniform, Normal)
def _kl_uniform_normal(p: Any, q: Any) -> Any:
    return -p.entropy() + _gaussian(q, p.variance + p.mean.pow(2), p.mean)


@register_kl(Uniform, Pareto)
def _kl_uniform_pareto(p: Any, q: Any) -> Any:
    known = (q.alpha * q.scale.pow(q.alpha) * (p.high - p.low)).log()
    result = _mean_log(p.low, p.high) * (q.alpha + 1) - known
    return result.masked_fill(p.low < q.scale, math.inf)
