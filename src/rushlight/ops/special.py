"""Special functions that torch names in `torch.special` alone, most of them elementwise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rushlight.dtypes import NARROW
from rushlight.ops.arguments import need_tensor, relabel, write_out
from rushlight.ops.builders import binary, numbered, unary
from rushlight.ops.transcendental import erf, erfc, polynomial
from rushlight.primitives import special as rows

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

entr = unary(rows.entr, "-x * log(x) of each element, 0 at 0 and -inf below.")
erfcx = unary(rows.erfcx, "exp(x * x) * erfc(x) of each element.")
log_ndtr = unary(rows.log_ndtr, "The logarithm of ndtr, exact also far below 0.")
ndtri = unary(rows.ndtri, "The inverse of ndtr, for elements in [0, 1].")
xlog1py = binary(
    rows.xlog1py, "input * log1p(other), 0 where input is 0.", numbers="either",
    names=numbered("SpecialXlog1Py", 0, 1, 2),
)  # fmt: skip
zeta = binary(
    rows.zeta, "The Hurwitz zeta function of input and other.", numbers="either",
    names=numbered("SpecialZeta", 0, 1, 2),
)  # fmt: skip

i0e = unary(rows.i0e, "exp(-|x|) * i0(x) of each element.")
i1 = unary(rows.i1, "The modified Bessel function of the first kind of order 1.")
i1e = unary(rows.i1e, "exp(-|x|) * i1(x) of each element.")
airy_ai = unary(rows.airy_ai, "The Airy function Ai.")
bessel_j0 = unary(rows.bessel_j0, "The Bessel function of the first kind of order 0.")
bessel_j1 = unary(rows.bessel_j1, "The Bessel function of the first kind of order 1.")
bessel_y0 = unary(rows.bessel_y0, "The Bessel function of the second kind of order 0.")
bessel_y1 = unary(rows.bessel_y1, "The Bessel function of the second kind of order 1.")
modified_bessel_i0 = unary(rows.modified_bessel_i0, "i0, without a derivative, as in torch.")
modified_bessel_i1 = unary(rows.modified_bessel_i1, "i1, without a derivative, as in torch.")
modified_bessel_k0 = unary(
    rows.modified_bessel_k0, "The modified Bessel function of the second kind of order 0."
)
modified_bessel_k1 = unary(
    rows.modified_bessel_k1, "The modified Bessel function of the second kind of order 1."
)
scaled_modified_bessel_k0 = unary(rows.scaled_modified_bessel_k0, "exp(x) * modified_bessel_k0(x).")
scaled_modified_bessel_k1 = unary(rows.scaled_modified_bessel_k1, "exp(x) * modified_bessel_k1(x).")
spherical_bessel_j0 = unary(rows.spherical_bessel_j0, "sin(x) / x of each element, 1 at 0.")

_FIRST, _SECOND = "the first kind, T_n(x).", "the second kind, U_n(x)."
_THIRD, _FOURTH = "the third kind, V_n(x).", "the fourth kind, W_n(x)."
_CHEBYSHEV, _SHIFTED = "The Chebyshev polynomial of ", "On 2 x - 1: the Chebyshev polynomial of "

chebyshev_polynomial_t = polynomial("chebyshev_polynomial_t", _CHEBYSHEV + _FIRST)
chebyshev_polynomial_u = polynomial("chebyshev_polynomial_u", _CHEBYSHEV + _SECOND)
chebyshev_polynomial_v = polynomial("chebyshev_polynomial_v", _CHEBYSHEV + _THIRD)
chebyshev_polynomial_w = polynomial("chebyshev_polynomial_w", _CHEBYSHEV + _FOURTH)
shifted_chebyshev_polynomial_t = polynomial(
    "chebyshev_polynomial_t", _SHIFTED + _FIRST, shifted=True
)
shifted_chebyshev_polynomial_u = polynomial(
    "chebyshev_polynomial_u", _SHIFTED + _SECOND, shifted=True
)
shifted_chebyshev_polynomial_v = polynomial(
    "chebyshev_polynomial_v", _SHIFTED + _THIRD, shifted=True
)
shifted_chebyshev_polynomial_w = polynomial(
    "chebyshev_polynomial_w", _SHIFTED + _FOURTH, shifted=True
)
hermite_polynomial_h = polynomial(
    "hermite_polynomial_h", "The physicists' Hermite polynomial H_n(x)."
)
hermite_polynomial_he = polynomial(
    "hermite_polynomial_he", "The probabilists' Hermite polynomial He_n(x)."
)
laguerre_polynomial_l = polynomial("laguerre_polynomial_l", "The Laguerre polynomial L_n(x).")
legendre_polynomial_p = polynomial("legendre_polynomial_p", "The Legendre polynomial P_n(x).")


def ndtr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The distribution function of the standard normal distribution.

    >>> import rushlight as torch
    >>> torch.special.ndtr(torch.tensor([0.0]))
    tensor([0.5000])
    """
    need_tensor("special_ndtr", "input", 1, input)
    if input._data_.dtype in NARROW:
        # torch computes it so for all types, which loses the tail.
        twice = erf(input * math.sqrt(0.5)) + 1
    else:
        twice = erfc(input * -math.sqrt(0.5))
    return write_out(out, relabel(twice * 0.5, "MulBackward1"))
