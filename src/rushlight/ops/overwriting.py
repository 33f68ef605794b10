"""The in-place forms that torch has as functions, too: `torch.exp_(x)` is `x.exp_()`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rushlight.ops import bitwise, pointwise, product, transcendental
from rushlight.ops import complex as complex_room
from rushlight.ops.inplace import fill_, inplace, zero_

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

__all__ = [
    "abs_",
    "acos_",
    "acosh_",
    "addmv_",
    "arccos_",
    "arccosh_",
    "arcsin_",
    "arcsinh_",
    "arctan_",
    "arctanh_",
    "asin_",
    "asinh_",
    "atan_",
    "atanh_",
    "ceil_",
    "clamp_",
    "clamp_max_",
    "clamp_min_",
    "clip_",
    "conj_physical_",
    "cos_",
    "cosh_",
    "deg2rad_",
    "erf_",
    "erfc_",
    "exp2_",
    "exp_",
    "expm1_",
    "fill_",
    "fix_",
    "floor_",
    "frac_",
    "gcd_",
    "i0_",
    "lcm_",
    "ldexp_",
    "log1p_",
    "log2_",
    "log10_",
    "log_",
    "logit_",
    "nan_to_num_",
    "neg_",
    "negative_",
    "rad2deg_",
    "reciprocal_",
    "round_",
    "rsqrt_",
    "sigmoid_",
    "sin_",
    "sinc_",
    "sinh_",
    "sqrt_",
    "square_",
    "tan_",
    "tanh_",
    "trunc_",
    "xlogy_",
    "zero_",
]

_absolute = inplace(pointwise.abs)


def abs_(self: Tensor) -> Tensor:
    """`abs`, written into the tensor itself, which must be real."""
    if self._data.dtype.kind == "c":
        raise RuntimeError(
            "In-place abs is not supported for complex tensors: abs() gives a new, real tensor"
        )
    return _absolute(self)


acos_ = inplace(transcendental.acos)
acosh_ = inplace(transcendental.acosh)
addmv_ = inplace(product.addmv)
arccos_ = inplace(transcendental.arccos)
arccosh_ = inplace(transcendental.arccosh)
arcsin_ = inplace(transcendental.arcsin)
arcsinh_ = inplace(transcendental.arcsinh)
arctan_ = inplace(transcendental.arctan)
arctanh_ = inplace(transcendental.arctanh)
asin_ = inplace(transcendental.asin)
asinh_ = inplace(transcendental.asinh)
atan_ = inplace(transcendental.atan)
atanh_ = inplace(transcendental.atanh)
ceil_ = inplace(pointwise.ceil)
clamp_ = inplace(pointwise.clamp)
clamp_max_ = inplace(pointwise.clamp_max)
clamp_min_ = inplace(pointwise.clamp_min)
clip_ = inplace(pointwise.clip)
conj_physical_ = inplace(complex_room.conj_physical)
cos_ = inplace(transcendental.cos)
cosh_ = inplace(transcendental.cosh)
deg2rad_ = inplace(pointwise.deg2rad)
erf_ = inplace(transcendental.erf)
erfc_ = inplace(transcendental.erfc)
exp_ = inplace(transcendental.exp)
exp2_ = inplace(transcendental.exp2)
expm1_ = inplace(transcendental.expm1)
fix_ = inplace(pointwise.fix)
floor_ = inplace(pointwise.floor)
frac_ = inplace(pointwise.frac)
gcd_ = inplace(bitwise.gcd)
i0_ = inplace(transcendental.i0)
lcm_ = inplace(bitwise.lcm)
ldexp_ = inplace(pointwise.ldexp)
log_ = inplace(transcendental.log)
log10_ = inplace(transcendental.log10)
log1p_ = inplace(transcendental.log1p)
log2_ = inplace(transcendental.log2)
logit_ = inplace(transcendental.logit)
nan_to_num_ = inplace(pointwise.nan_to_num)
neg_ = inplace(pointwise.neg)
negative_ = inplace(pointwise.negative)
rad2deg_ = inplace(pointwise.rad2deg)
reciprocal_ = inplace(pointwise.reciprocal)
round_ = inplace(pointwise.round)
rsqrt_ = inplace(pointwise.rsqrt)
sigmoid_ = inplace(transcendental.sigmoid)
sin_ = inplace(transcendental.sin)
sinc_ = inplace(transcendental.sinc)
sinh_ = inplace(transcendental.sinh)
sqrt_ = inplace(pointwise.sqrt)
square_ = inplace(pointwise.square)
tan_ = inplace(transcendental.tan)
tanh_ = inplace(transcendental.tanh)
trunc_ = inplace(pointwise.trunc)
xlogy_ = inplace(transcendental.xlogy)
