"""Gamma, Chi2, Beta and Dirichlet, whose samples are differentiable in their concentrations.

The derivative of a sample x of cumulative distribution F(x; a) in a is -(dF/da) / (dF/dx): M.
Figurnov, S. Mohamed, A. Mnih, "Implicit reparameterization gradients", 2018.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight import random
from rushlight.autograd.function import Function
from rushlight.core.doors import draw, read
from rushlight.core.tensor import wrap
from rushlight.dtypes import finfo
from rushlight.ops.joining import stack
from rushlight.ops.transcendental import igamma

from . import constraints
from .distribution import Distribution, ExponentialFamily
from .utils import broadcast_all

__all__ = ["Beta", "Chi2", "Dirichlet", "Gamma"]


def _slope(F: Callable[[Any], Any], G: Callable[[Any], Any], a: Any) -> Any:
    """dF/da by central differences of fourth order; G = 1 - F is exact where F is close to 1."""
    h = 1e-3 * a
    below = F(a) < 0.5

    def difference(k: int) -> Any:
        up, down = a + k * h, a - k * h
        return np.where(below, F(up) - F(down), G(down) - G(up))

    return (8 * difference(1) - difference(2)) / (12 * h)


class _StandardGamma(Function):
    @staticmethod
    def forward(ctx: Any, alpha: Any) -> Any:
        sample = draw(random.standard_gamma, None, alpha)
        ctx.save_for_backward(alpha, sample)
        return sample

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        from scipy import special

        alpha, x = (read(t, "the slope of a sample").astype(np.float64) for t in ctx.saved_tensors)
        slope = _slope(lambda a: special.gammainc(a, x), lambda a: special.gammaincc(a, x), alpha)
        density = np.exp(special.xlogy(alpha - 1, x) - x - special.gammaln(alpha))
        return grad * wrap(np.nan_to_num(-slope / density).astype(grad._data.dtype))


class _Dirichlet(Function):
    @staticmethod
    def forward(ctx: Any, alpha: Any) -> Any:
        sample = draw(random.dirichlet, None, alpha)
        ctx.save_for_backward(alpha, sample)
        return sample

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        from scipy import special

        alpha, x = (read(t, "the slope of a sample").astype(np.float64) for t in ctx.saved_tensors)
        rest = alpha.sum(-1, keepdims=True) - alpha
        # Each part of the point is a Beta(alpha, rest), and 1 - x is shared by the others.
        slope = _slope(
            lambda a: special.betainc(a, rest, x), lambda a: special.betaincc(a, rest, x), alpha
        )
        log_density = special.xlogy(alpha - 1, x) + special.xlog1py(rest, -x)
        ratio = -slope / np.exp(log_density - special.betaln(alpha, rest))
        weight = wrap(np.nan_to_num(ratio).astype(grad._data.dtype))
        x = ctx.saved_tensors[1]
        return weight * (grad - (x * grad).sum(-1, keepdim=True))


class Gamma(ExponentialFamily):
    """The Gamma distribution: density proportional to x^(concentration - 1) exp(-rate x)."""

    arg_constraints: Any = {  # noqa: RUF012
        "concentration": constraints.positive,
        "rate": constraints.positive,
    }
    support = constraints.nonnegative
    has_rsample = True
    mean = property(lambda self: self.concentration / self.rate)
    mode = property(lambda self: ((self.concentration - 1) / self.rate).clamp(min=0))
    variance = property(lambda self: self.concentration / self.rate**2)

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, validate_args=validate_args)

    def _rsample(self, shape: Any) -> Any:
        drawn = _StandardGamma.apply(self.concentration.expand(shape)) / self.rate.expand(shape)
        drawn.detach().clamp_(min=finfo(drawn.dtype).tiny)  # keeps the logarithm finite
        return drawn

    def _log_prob(self, value: Any) -> Any:
        a, rate = self.concentration, self.rate
        return a.xlogy(rate) + (a - 1).xlogy(value) - rate * value - a.lgamma()

    def _entropy(self) -> Any:
        a = self.concentration
        return a - self.rate.log() + a.lgamma() + (1 - a) * a.digamma()

    def _cdf(self, value: Any) -> Any:
        return igamma(self.concentration, self.rate * value)


class Chi2(Gamma):
    """The chi-squared distribution of df degrees of freedom: Gamma(df / 2, 1 / 2)."""

    arg_constraints = {"df": constraints.positive}  # noqa: RUF012
    df = property(lambda self: self.concentration * 2)

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)


class Dirichlet(ExponentialFamily):
    """The Dirichlet distribution over points of the simplex, of the last dimension's size."""

    arg_constraints = {  # noqa: RUF012
        "concentration": constraints.independent(constraints.positive, 1)
    }
    support = constraints.simplex
    has_rsample = True
    total = property(lambda self: self.concentration.sum(-1, keepdim=True))
    mean = property(lambda self: self.concentration / self.total)

    def __init__(self, concentration: Any, validate_args: bool | None = None) -> None:
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        shape = concentration.shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    @property
    def mode(self) -> Any:
        """The point of highest density; a corner (as in torch the first one) if all are below 1."""
        above = (self.concentration - 1).clamp(min=0.0)
        mode = above / above.sum(-1, keepdim=True)
        corner = (self.concentration < 1).all(-1)
        last = mode.argmax(-1)
        if corner.any():
            mode[corner] = 0.0
            mode[corner, last[corner]] = 1.0
        return mode

    @property
    def variance(self) -> Any:
        """The variance of each part."""
        a, total = self.concentration, self.total
        return a * (total - a) / (total.pow(2) * (total + 1))

    def _rsample(self, shape: Any) -> Any:
        return _Dirichlet.apply(self.concentration.expand(shape))

    def _log_prob(self, value: Any) -> Any:
        a = self.concentration
        return (a - 1).xlogy(value).sum(-1) + a.sum(-1).lgamma() - a.lgamma().sum(-1)

    def _entropy(self) -> Any:
        a, a0, k = self.concentration, self.concentration.sum(-1), self.concentration.size(-1)
        spread = a.lgamma().sum(-1) - a0.lgamma()
        return spread - (k - a0) * a0.digamma() - ((a - 1.0) * a.digamma()).sum(-1)


class Beta(ExponentialFamily):
    """The Beta distribution: density proportional to x^(c1 - 1) (1 - x)^(c0 - 1)."""

    arg_constraints = {  # noqa: RUF012
        "concentration1": constraints.positive,
        "concentration0": constraints.positive,
    }
    support = constraints.unit_interval
    has_rsample = True
    concentration1 = property(lambda self: self._dirichlet.concentration[..., 0])
    concentration0 = property(lambda self: self._dirichlet.concentration[..., 1])
    mean = property(lambda self: self._dirichlet.mean[..., 0])
    mode = property(lambda self: self._dirichlet.mode[..., 0])
    variance = property(lambda self: self._dirichlet.variance[..., 0])

    def __init__(
        self, concentration1: Any, concentration0: Any, validate_args: bool | None = None
    ) -> None:
        pair = stack(broadcast_all(concentration1, concentration0), -1)
        self._dirichlet = Dirichlet(pair, validate_args=validate_args)
        super().__init__(self._dirichlet.batch_shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same distribution with its batch expanded."""
        new: Any = Distribution.expand(self, batch_shape)
        new._dirichlet = self._dirichlet.expand(batch_shape)
        return new

    def _rsample(self, shape: Any) -> Any:
        sample_shape = shape[: len(shape) - len(self.batch_shape)]
        return self._dirichlet.rsample(sample_shape)[..., 0]

    def _log_prob(self, value: Any) -> Any:
        return self._dirichlet._log_prob(stack([value, 1.0 - value], -1))

    def _entropy(self) -> Any:
        return self._dirichlet.entropy()
