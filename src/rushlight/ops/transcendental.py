"""Exponentials, logarithms, circular, hyperbolic and special functions under torch's names."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from rushlight import dtypes
from rushlight.autograd.pretended import remember
from rushlight.core.doors import apply, literal
from rushlight.core.tensor import TensorBase
from rushlight.ops.arguments import (
    fitting_factor,
    named,
    need_real_scalar,
    need_tensor,
    need_whole,
    relabel,
    type_name,
    write_out,
)
from rushlight.ops.builders import binary, numbered, unary
from rushlight.ops.pointwise import NUMBERS, Number
from rushlight.primitives import pointwise as rows
from rushlight.primitives import special
from rushlight.primitives import transcendental as curves

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

exp = unary(rows.exp, "e to the power of each element.")
exp2 = unary(curves.exp2, "2 to the power of each element.")
expm1 = unary(curves.expm1, "exp(x) - 1 of each element, exact also near 0.")
log = unary(rows.log, "The natural logarithm of each element.")
log2 = unary(curves.log2, "The logarithm to base 2 of each element.")
log10 = unary(curves.log10, "The logarithm to base 10 of each element.")
log1p = unary(curves.log1p, "log(1 + x) of each element, exact also near 0.")
sigmoid = unary(rows.sigmoid, "1 / (1 + exp(-x)) of each element.")

sin = unary(curves.sin, "The sine of each element.")
cos = unary(curves.cos, "The cosine of each element.")
tan = unary(curves.tan, "The tangent of each element.")
asin = unary(curves.asin, "The angle in [-pi/2, pi/2] with this sine.")
arcsin = asin
acos = unary(curves.acos, "The angle in [0, pi] with this cosine.")
arccos = acos
atan = unary(curves.atan, "The angle in [-pi/2, pi/2] with this tangent.")
arctan = atan
atan2 = binary(
    curves.atan2, "The angle of the point (other, input), in [-pi, pi].", numbers="neither"
)
arctan2 = atan2
sinc = unary(curves.sinc, "sin(pi x) / (pi x) of each element, 1 at 0.")
hypot = binary(curves.hypot, "sqrt(input ** 2 + other ** 2).", numbers="neither")

sinh = unary(curves.sinh, "The hyperbolic sine of each element.")
cosh = unary(curves.cosh, "The hyperbolic cosine of each element.")
tanh = unary(rows.tanh, "The hyperbolic tangent of each element.")
asinh = unary(curves.asinh, "The inverse of sinh.")
arcsinh = asinh
acosh = unary(curves.acosh, "The inverse of cosh, for elements from 1 on.")
arccosh = acosh
atanh = unary(curves.atanh, "The inverse of tanh, for elements in [-1, 1].")
arctanh = atanh

logaddexp = binary(
    curves.logaddexp, "log(exp(input) + exp(other)), without overflow.", numbers="neither"
)
logaddexp2 = binary(
    curves.logaddexp2, "log2(2 ** input + 2 ** other), without overflow.", numbers="neither"
)

erf = unary(special.erf, "The error function: 2/sqrt(pi) times the integral of exp(-t*t) up to x.")
erfc = unary(special.erfc, "1 - erf(x) of each element, exact also for large x.")
erfinv = unary(special.erfinv, "The inverse of erf, for elements in [-1, 1].")
lgamma = unary(special.lgamma, "log |gamma(x)| of each element.")
digamma = unary(special.digamma, "The derivative of log gamma(x).")
i0 = unary(special.i0, "The modified Bessel function of order 0.")
igamma = binary(
    special.igamma, "The regularised lower incomplete gamma function P(input, other).",
    numbers="neither",
)  # fmt: skip
igammac = binary(
    special.igammac, "The regularised upper incomplete gamma function Q(input, other).",
    numbers="neither",
)  # fmt: skip
xlogy = binary(
    special.xlogy, "input * log(other), 0 where input is 0.", numbers="either",
    names=numbered("Xlogy", 0, 1, 2),
)  # fmt: skip


def polygamma(n: int, input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The n-th derivative of digamma.

    >>> import rushlight as torch
    >>> torch.polygamma(1, torch.tensor([1.0]))
    tensor([1.6449])
    """
    n = need_whole("polygamma", "n", 1, n)
    need_tensor("polygamma", "input", 2, input)
    if n < 0:
        raise RuntimeError(f"polygamma(n, x) does not support negative n, got {n}")
    return write_out(out, apply(special.polygamma, input, n=n), input)


def mvlgamma(input: Tensor, p: int, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of the multivariate gamma function of dimension p.

    >>> import rushlight as torch
    >>> torch.mvlgamma(torch.tensor([3.0]), 2)
    tensor([1.5502])
    """
    need_tensor("mvlgamma", "input", 1, input)
    if p < 1:
        raise RuntimeError(f"p has to be greater than or equal to 1, got {p}")
    if input._data_.dtype.kind == "b":
        raise NotImplementedError("\"mvlgamma\" not implemented for 'Bool'")
    if input._data_.dtype.kind not in "fV":
        input = input.to(dtypes.get_default_dtype())
    steps = literal((np.arange(p) * -0.5).astype(input._data_.dtype))
    parts = lgamma(input.unsqueeze(-1) + steps).sum(-1)
    result = relabel(parts + p * (p - 1) / 4 * math.log(math.pi), "MvlgammaBackward0")
    return write_out(out, remember(result, input))


def logit(input: Tensor, eps: float | None = None, *, out: Tensor | None = None) -> Tensor:
    """log(x / (1 - x)), the inverse of sigmoid; with eps, x is first clamped to [eps, 1 - eps].

    >>> import rushlight as torch
    >>> torch.logit(torch.tensor([0.5, 0.9]))
    tensor([0.0000, 2.1972])
    """
    need_tensor("logit", "input", 1, input)
    if eps is not None:
        eps = need_real_scalar("logit", "eps", 2, eps)
        fitting_factor(eps, input._data_.dtype)
    return write_out(out, apply(special.logit, input, eps=eps), input)


def polynomial(kind: str, what: str, *, shifted: bool = False) -> Callable[..., Tensor]:
    """The public function of a family of orthogonal polynomials, called with x and the degree n."""
    name = f"shifted_{kind}" if shifted else kind

    def function(
        input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None
    ) -> Tensor:
        if not isinstance(n, TensorBase):
            need_tensor(name, "input", 1, input)
        for value in (input, n):
            if not isinstance(value, (TensorBase, *NUMBERS)):
                raise TypeError(f"{name}(): a tensor or a number is needed, not {type_name(value)}")
        return write_out(out, apply(special.polynomial, input, n, kind=kind, shifted=shifted))

    return named(function, name, what)
