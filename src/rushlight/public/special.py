"""The functions of torch.special that ask `__torch_function__`."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.ops import activation, pointwise, reduction, special, transcendental
from rushlight.overriding.functions import public

HOME = "rushlight.special"

log_softmax = public(activation.log_softmax, HOME, "log_softmax")
softmax = public(activation.softmax, HOME, "softmax")
round = public(pointwise.round, HOME, "round")
logsumexp = public(reduction.logsumexp, HOME, "logsumexp")
airy_ai = public(special.airy_ai, HOME, "airy_ai")
bessel_j0 = public(special.bessel_j0, HOME, "bessel_j0")
bessel_j1 = public(special.bessel_j1, HOME, "bessel_j1")
bessel_y0 = public(special.bessel_y0, HOME, "bessel_y0")
bessel_y1 = public(special.bessel_y1, HOME, "bessel_y1")
chebyshev_polynomial_t = public(special.chebyshev_polynomial_t, HOME, "chebyshev_polynomial_t")
chebyshev_polynomial_u = public(special.chebyshev_polynomial_u, HOME, "chebyshev_polynomial_u")
chebyshev_polynomial_v = public(special.chebyshev_polynomial_v, HOME, "chebyshev_polynomial_v")
chebyshev_polynomial_w = public(special.chebyshev_polynomial_w, HOME, "chebyshev_polynomial_w")
entr = public(special.entr, HOME, "entr")
erfcx = public(special.erfcx, HOME, "erfcx")
hermite_polynomial_h = public(special.hermite_polynomial_h, HOME, "hermite_polynomial_h")
hermite_polynomial_he = public(special.hermite_polynomial_he, HOME, "hermite_polynomial_he")
i0e = public(special.i0e, HOME, "i0e")
i1 = public(special.i1, HOME, "i1")
i1e = public(special.i1e, HOME, "i1e")
laguerre_polynomial_l = public(special.laguerre_polynomial_l, HOME, "laguerre_polynomial_l")
legendre_polynomial_p = public(special.legendre_polynomial_p, HOME, "legendre_polynomial_p")
log_ndtr = public(special.log_ndtr, HOME, "log_ndtr")
modified_bessel_i0 = public(special.modified_bessel_i0, HOME, "modified_bessel_i0")
modified_bessel_i1 = public(special.modified_bessel_i1, HOME, "modified_bessel_i1")
modified_bessel_k0 = public(special.modified_bessel_k0, HOME, "modified_bessel_k0")
modified_bessel_k1 = public(special.modified_bessel_k1, HOME, "modified_bessel_k1")
ndtr = public(special.ndtr, HOME, "ndtr")
ndtri = public(special.ndtri, HOME, "ndtri")
scaled_modified_bessel_k0 = public(
    special.scaled_modified_bessel_k0, HOME, "scaled_modified_bessel_k0",
)
scaled_modified_bessel_k1 = public(
    special.scaled_modified_bessel_k1, HOME, "scaled_modified_bessel_k1",
)
shifted_chebyshev_polynomial_t = public(
    special.shifted_chebyshev_polynomial_t, HOME, "shifted_chebyshev_polynomial_t",
)
shifted_chebyshev_polynomial_u = public(
    special.shifted_chebyshev_polynomial_u, HOME, "shifted_chebyshev_polynomial_u",
)
shifted_chebyshev_polynomial_v = public(
    special.shifted_chebyshev_polynomial_v, HOME, "shifted_chebyshev_polynomial_v",
)
shifted_chebyshev_polynomial_w = public(
    special.shifted_chebyshev_polynomial_w, HOME, "shifted_chebyshev_polynomial_w",
)
spherical_bessel_j0 = public(special.spherical_bessel_j0, HOME, "spherical_bessel_j0")
xlog1py = public(special.xlog1py, HOME, "xlog1py")
zeta = public(special.zeta, HOME, "zeta")
digamma = public(transcendental.digamma, HOME, "digamma")
psi = public(transcendental.digamma, HOME, "psi")
erf = public(transcendental.erf, HOME, "erf")
erfc = public(transcendental.erfc, HOME, "erfc")
erfinv = public(transcendental.erfinv, HOME, "erfinv")
exp2 = public(transcendental.exp2, HOME, "exp2")
expm1 = public(transcendental.expm1, HOME, "expm1")
i0 = public(transcendental.i0, HOME, "i0")
gammainc = public(transcendental.igamma, HOME, "gammainc")
gammaincc = public(transcendental.igammac, HOME, "gammaincc")
gammaln = public(transcendental.lgamma, HOME, "gammaln")
log1p = public(transcendental.log1p, HOME, "log1p")
logit = public(transcendental.logit, HOME, "logit")
multigammaln = public(transcendental.mvlgamma, HOME, "multigammaln")
polygamma = public(transcendental.polygamma, HOME, "polygamma")
expit = public(transcendental.sigmoid, HOME, "expit")
sinc = public(transcendental.sinc, HOME, "sinc")
xlogy = public(transcendental.xlogy, HOME, "xlogy")
# fmt: on
# ---- names: end ----
