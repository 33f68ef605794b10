"""Samples of gamma and Dirichlet distributions, differentiable in their concentrations.

The derivative of a sample x of cumulative distribution F(x; a) in a is -(dF/da) / (dF/dx): M.
Figurnov, S. Mohamed, A. Mnih, "Implicit reparameterization gradients", 2018.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import random
from rushlight.autograd.function import Function
from rushlight.core.doors import draw, read
from rushlight.core.tensor import wrap

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def _slope(F: Callable[[Any], Any], G: Callable[[Any], Any], a: Any) -> Any:
    """dF/da by central differences of fourth order; G = 1 - F is exact where F is close to 1."""
    h = 1e-3 * a
    below = F(a) < 0.5

    def difference(k: int) -> Any:
        up, down = a + k * h, a - k * h
        return np.where(below, F(up) - F(down), G(down) - G(up))

    return (8 * difference(1) - difference(2)) / (12 * h)


def _doubles(*tensors: Any) -> list[Any]:
    return [read(t, "the slope of a sample").astype(np.float64) for t in tensors]


def _standard_gamma_grad(self: Tensor, output: Tensor) -> Tensor:
    """The derivative of samples of `_standard_gamma` in their concentrations."""
    from scipy import special

    alpha, x = _doubles(self, output)
    slope = _slope(lambda a: special.gammainc(a, x), lambda a: special.gammaincc(a, x), alpha)
    density = np.exp(special.xlogy(alpha - 1, x) - x - special.gammaln(alpha))
    return wrap(np.nan_to_num(-slope / density).astype(output._data_.dtype))


def _dirichlet_grad(x: Tensor, alpha: Tensor, total: Tensor) -> Tensor:
    """The derivative of each part of Dirichlet points in its own concentration, if the others share the rest."""
    from scipy import special

    p, a, whole = _doubles(x, alpha, total)
    rest = whole - a
    # Each part of the point is a Beta(alpha, rest).
    slope = _slope(lambda a: special.betainc(a, rest, p), lambda a: special.betaincc(a, rest, p), a)
    log_density = special.xlogy(a - 1, p) + special.xlog1py(rest, -p)
    ratio = -slope / np.exp(log_density - special.betaln(a, rest))
    return wrap(np.nan_to_num(ratio).astype(x._data_.dtype))


class _StandardGamma(Function):
    @staticmethod
    def forward(ctx: Any, alpha: Any, generator: Any) -> Any:
        sample = draw(random.standard_gamma, generator, alpha)
        ctx.save_for_backward(alpha, sample)
        return sample

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return grad * _standard_gamma_grad(*ctx.saved_tensors), None


class _Dirichlet(Function):
    @staticmethod
    def forward(ctx: Any, alpha: Any, generator: Any) -> Any:
        sample = draw(random.dirichlet, generator, alpha)
        ctx.save_for_backward(alpha, sample)
        return sample

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        alpha, x = ctx.saved_tensors
        weight = _dirichlet_grad(x, alpha, alpha.sum(-1, keepdim=True))
        return weight * (grad - (x * grad).sum(-1, keepdim=True)), None


def _standard_gamma(self: Tensor, generator: random.Generator | None = None) -> Tensor:
    """Samples of gamma distributions of scale 1 with these concentrations."""
    return _StandardGamma.apply(self, generator)


def _sample_dirichlet(self: Tensor, generator: random.Generator | None = None) -> Tensor:
    """Points of Dirichlet distributions with these concentrations in the last dimension."""
    return _Dirichlet.apply(self, generator)
