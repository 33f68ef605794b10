"""Functions that torch has in C, under the names that printed graphs show."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.special import (
    airy_ai as special_airy_ai, bessel_j0 as special_bessel_j0, bessel_j1 as special_bessel_j1,
    bessel_y0 as special_bessel_y0, bessel_y1 as special_bessel_y1,
    chebyshev_polynomial_t as special_chebyshev_polynomial_t,
    chebyshev_polynomial_u as special_chebyshev_polynomial_u,
    chebyshev_polynomial_v as special_chebyshev_polynomial_v,
    chebyshev_polynomial_w as special_chebyshev_polynomial_w, digamma as special_digamma,
    entr as special_entr, erf as special_erf, erfc as special_erfc, erfcx as special_erfcx,
    erfinv as special_erfinv, exp2 as special_exp2, expit as special_expit, expm1 as special_expm1,
    gammainc as special_gammainc, gammaincc as special_gammaincc, gammaln as special_gammaln,
    hermite_polynomial_h as special_hermite_polynomial_h,
    hermite_polynomial_he as special_hermite_polynomial_he, i0 as special_i0, i0e as special_i0e,
    i1 as special_i1, i1e as special_i1e, laguerre_polynomial_l as special_laguerre_polynomial_l,
    legendre_polynomial_p as special_legendre_polynomial_p, log1p as special_log1p,
    log_ndtr as special_log_ndtr, log_softmax as special_log_softmax, logit as special_logit,
    logsumexp as special_logsumexp, modified_bessel_i0 as special_modified_bessel_i0,
    modified_bessel_i1 as special_modified_bessel_i1,
    modified_bessel_k0 as special_modified_bessel_k0,
    modified_bessel_k1 as special_modified_bessel_k1, multigammaln as special_multigammaln,
    ndtr as special_ndtr, ndtri as special_ndtri, polygamma as special_polygamma,
    psi as special_psi, round as special_round,
    scaled_modified_bessel_k0 as special_scaled_modified_bessel_k0,
    scaled_modified_bessel_k1 as special_scaled_modified_bessel_k1,
    shifted_chebyshev_polynomial_t as special_shifted_chebyshev_polynomial_t,
    shifted_chebyshev_polynomial_u as special_shifted_chebyshev_polynomial_u,
    shifted_chebyshev_polynomial_v as special_shifted_chebyshev_polynomial_v,
    shifted_chebyshev_polynomial_w as special_shifted_chebyshev_polynomial_w, sinc as special_sinc,
    softmax as special_softmax, spherical_bessel_j0 as special_spherical_bessel_j0,
    xlog1py as special_xlog1py, xlogy as special_xlogy, zeta as special_zeta,
)

__all__ = [
    "special_airy_ai", "special_bessel_j0", "special_bessel_j1", "special_bessel_y0",
    "special_bessel_y1", "special_chebyshev_polynomial_t", "special_chebyshev_polynomial_u",
    "special_chebyshev_polynomial_v", "special_chebyshev_polynomial_w", "special_digamma",
    "special_entr", "special_erf", "special_erfc", "special_erfcx", "special_erfinv",
    "special_exp2", "special_expit", "special_expm1", "special_gammainc", "special_gammaincc",
    "special_gammaln", "special_hermite_polynomial_h", "special_hermite_polynomial_he",
    "special_i0", "special_i0e", "special_i1", "special_i1e", "special_laguerre_polynomial_l",
    "special_legendre_polynomial_p", "special_log1p", "special_log_ndtr", "special_log_softmax",
    "special_logit", "special_logsumexp", "special_modified_bessel_i0",
    "special_modified_bessel_i1", "special_modified_bessel_k0", "special_modified_bessel_k1",
    "special_multigammaln", "special_ndtr", "special_ndtri", "special_polygamma", "special_psi",
    "special_round", "special_scaled_modified_bessel_k0", "special_scaled_modified_bessel_k1",
    "special_shifted_chebyshev_polynomial_t", "special_shifted_chebyshev_polynomial_u",
    "special_shifted_chebyshev_polynomial_v", "special_shifted_chebyshev_polynomial_w",
    "special_sinc", "special_softmax", "special_spherical_bessel_j0", "special_xlog1py",
    "special_xlogy", "special_zeta",
]
# fmt: on
# ---- names: end ----
