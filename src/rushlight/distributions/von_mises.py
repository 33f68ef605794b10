"""The von Mises distribution: the normal distribution of angles."""

from __future__ import annotations

import math
from typing import Any

from rushlight.autograd.state import no_grad
from rushlight.dtypes import float64
from rushlight.ops.comparison import where

from . import constraints
from .distribution import Distribution
from .utils import broadcast_all, checked, lazy_property, uniforms

__all__ = ["VonMises"]

# Polynomials of M. Abramowitz, I. Stegun, "Handbook of mathematical functions", 9.8.1 to 9.8.4, for I0 and I1: in
# (x / 3.75)^2 below 3.75, in 3.75 / x above.
_SMALL = (
    (1.0, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.0360768, 0.0045813),
    (0.5, 0.87890594, 0.51498869, 0.15084934, 0.02658733, 0.00301532, 0.00032411),
)
_LARGE = (
    (0.39894228, 0.01328592, 0.00225319, -0.00157565, 0.00916281, -0.02057706, 0.02635537,
     -0.01647633, 0.00392377),
    (0.39894228, -0.03988024, -0.00362018, 0.00163801, -0.01031555, 0.02282967, -0.02895312,
     0.01787654, -0.00420059),
)  # fmt: skip


def _polynomial(x: Any, coefficients: tuple[float, ...]) -> Any:
    result: Any = coefficients[-1]
    for c in coefficients[-2::-1]:
        result = c + x * result
    return result


def _log_bessel(x: Any, order: int) -> Any:
    """log I_order(x), by the polynomials whose numbers torch has."""
    small = _polynomial((x / 3.75) ** 2, _SMALL[order])
    if order == 1:
        small = x.abs() * small
    large = x - 0.5 * x.log() + _polynomial(3.75 / x, _LARGE[order]).log()
    return where(x < 3.75, small.log(), large)


class VonMises(Distribution):
    """Angles around loc, the closer the larger the concentration: density proportional to exp(c cos(x - loc))."""

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    mean = mode = property(lambda self: self.loc)
    _parts = {"loc": 0, "concentration": 0}

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @lazy_property
    def variance(self) -> Any:
        """The circular variance, 1 - I1(c) / I0(c)."""
        c = self.concentration
        return 1 - (_log_bessel(c, 1) - _log_bessel(c, 0)).exp()

    @checked
    def log_prob(self, value: Any) -> Any:
        density = self.concentration * (value - self.loc).cos()
        return density - math.log(2 * math.pi) - _log_bessel(self.concentration, 0)

    _loc = lazy_property(lambda self: self.loc.to(float64))
    _concentration = lazy_property(lambda self: self.concentration.to(float64))

    @lazy_property
    def _proposal_r(self) -> Any:
        """The parameter of the wrapped Cauchy distribution from which is chosen."""
        c = self._concentration
        tau = 1 + (1 + 4 * c**2).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * c)
        return where(c < 1e-5, 1 / c + c, (1 + rho**2) / (2 * rho))

    def sample(self, sample_shape: Any = ()) -> Any:
        """By rejection (D. Best, N. Fisher, "Efficient simulation of the von Mises distribution", 1979)."""
        with no_grad():
            loc, c, r = self._loc, self._concentration, self._proposal_r
            x = loc.new_empty(self._extended_shape(sample_shape))
            done = x.new_zeros(x.shape) > 0
            while not done.all():
                u1, u2, u3 = uniforms((3, *x.shape), loc).unbind()
                z = (math.pi * u1).cos()
                f = (1 + r * z) / (r + z)
                d = c * (r - f)
                accept = (d * (2 - d) - u2 > 0) | ((d / u2).log() + 1 - d >= 0)
                x = where(accept, (u3 - 0.5).sign() * f.acos(), x)
                done = done | accept
            return ((x + math.pi + loc) % (2 * math.pi) - math.pi).to(self.loc.dtype)
