"""Elementwise functions that are also methods."""

from __future__ import annotations

from typing import Any

from rushlight.ops import bitwise, comparison, overwriting, pointwise, transcendental
from rushlight.ops import complex as complex_room
from rushlight.ops import inplace as inplace_room
from rushlight.ops.inplace import inplace


class PointwiseMethods:
    """Mixed into Tensor."""

    __slots__ = ()

    abs = pointwise.abs
    abs_ = overwriting.abs_
    absolute = pointwise.absolute
    absolute_ = overwriting.abs_
    add = pointwise.add
    add_ = inplace(pointwise.add)
    addcdiv = pointwise.addcdiv
    addcdiv_ = inplace(pointwise.addcdiv)
    addcmul = pointwise.addcmul
    addcmul_ = inplace(pointwise.addcmul)
    ceil = pointwise.ceil
    ceil_ = inplace(pointwise.ceil)
    clamp = pointwise.clamp
    clamp_ = inplace(pointwise.clamp)
    clamp_max = pointwise.clamp_max
    clamp_max_ = inplace(pointwise.clamp_max)
    clamp_min = pointwise.clamp_min
    clamp_min_ = inplace(pointwise.clamp_min)
    clip = pointwise.clip
    clip_ = inplace(pointwise.clip)
    copysign = pointwise.copysign
    copysign_ = inplace(pointwise.copysign)
    deg2rad = pointwise.deg2rad
    deg2rad_ = inplace(pointwise.deg2rad)
    div = pointwise.div
    div_ = inplace(pointwise.div)
    divide = pointwise.divide
    divide_ = inplace(pointwise.divide)
    fix = pointwise.fix
    fix_ = inplace(pointwise.fix)
    float_power = pointwise.float_power
    float_power_ = pointwise.float_power_
    floor = pointwise.floor
    floor_ = inplace(pointwise.floor)
    floor_divide = pointwise.floor_divide
    floor_divide_ = inplace(pointwise.floor_divide)
    fmax = pointwise.fmax
    fmin = pointwise.fmin
    fmod = pointwise.fmod
    fmod_ = inplace(pointwise.fmod)
    frac = pointwise.frac
    frac_ = inplace(pointwise.frac)
    frexp = pointwise.frexp
    heaviside = pointwise.heaviside
    heaviside_ = inplace(pointwise.heaviside)
    ldexp = pointwise.ldexp
    ldexp_ = inplace(pointwise.ldexp)
    lerp = pointwise.lerp
    lerp_ = inplace(pointwise.lerp)
    maximum = pointwise.maximum
    minimum = pointwise.minimum
    mul = pointwise.mul
    mul_ = inplace(pointwise.mul)
    multiply = pointwise.multiply
    multiply_ = inplace(pointwise.multiply)
    nan_to_num = pointwise.nan_to_num
    nan_to_num_ = inplace(pointwise.nan_to_num)
    neg = pointwise.neg
    neg_ = inplace(pointwise.neg)
    negative = pointwise.negative
    negative_ = inplace(pointwise.negative)
    nextafter = pointwise.nextafter
    nextafter_ = inplace(pointwise.nextafter)
    positive = pointwise.positive
    pow = pointwise.pow
    pow_ = inplace(pointwise.pow)
    rad2deg = pointwise.rad2deg
    rad2deg_ = inplace(pointwise.rad2deg)
    reciprocal = pointwise.reciprocal
    reciprocal_ = inplace(pointwise.reciprocal)
    relu = pointwise.relu
    relu_ = inplace(pointwise.relu)
    remainder = pointwise.remainder
    remainder_ = inplace(pointwise.remainder)
    round = pointwise.round
    round_ = inplace(pointwise.round)
    rsqrt = pointwise.rsqrt
    rsqrt_ = inplace(pointwise.rsqrt)
    sgn = pointwise.sgn
    sgn_ = inplace(pointwise.sgn)
    sign = pointwise.sign
    sign_ = inplace(pointwise.sign)
    signbit = pointwise.signbit
    sqrt = pointwise.sqrt
    sqrt_ = inplace(pointwise.sqrt)
    square = pointwise.square
    square_ = inplace(pointwise.square)
    sub = pointwise.sub
    sub_ = inplace(pointwise.sub)
    subtract = pointwise.subtract
    subtract_ = inplace(pointwise.subtract)
    true_divide = pointwise.true_divide
    true_divide_ = inplace(pointwise.true_divide)
    trunc = pointwise.trunc
    trunc_ = inplace(pointwise.trunc)

    acos = transcendental.acos
    acos_ = inplace(transcendental.acos)
    acosh = transcendental.acosh
    acosh_ = inplace(transcendental.acosh)
    arccos = transcendental.arccos
    arccos_ = inplace(transcendental.arccos)
    arccosh = transcendental.arccosh
    arccosh_ = inplace(transcendental.arccosh)
    arcsin = transcendental.arcsin
    arcsin_ = inplace(transcendental.arcsin)
    arcsinh = transcendental.arcsinh
    arcsinh_ = inplace(transcendental.arcsinh)
    arctan = transcendental.arctan
    arctan_ = inplace(transcendental.arctan)
    arctan2 = transcendental.arctan2
    arctan2_ = inplace(transcendental.arctan2)
    arctanh = transcendental.arctanh
    arctanh_ = inplace(transcendental.arctanh)
    asin = transcendental.asin
    asin_ = inplace(transcendental.asin)
    asinh = transcendental.asinh
    asinh_ = inplace(transcendental.asinh)
    atan = transcendental.atan
    atan_ = inplace(transcendental.atan)
    atan2 = transcendental.atan2
    atan2_ = inplace(transcendental.atan2)
    atanh = transcendental.atanh
    atanh_ = inplace(transcendental.atanh)
    cos = transcendental.cos
    cos_ = inplace(transcendental.cos)
    cosh = transcendental.cosh
    cosh_ = inplace(transcendental.cosh)
    digamma = transcendental.digamma
    digamma_ = inplace(transcendental.digamma)
    erf = transcendental.erf
    erf_ = inplace(transcendental.erf)
    erfc = transcendental.erfc
    erfc_ = inplace(transcendental.erfc)
    erfinv = transcendental.erfinv
    erfinv_ = inplace(transcendental.erfinv)
    exp = transcendental.exp
    exp_ = inplace(transcendental.exp)
    exp2 = transcendental.exp2
    exp2_ = inplace(transcendental.exp2)
    expm1 = transcendental.expm1
    expm1_ = inplace(transcendental.expm1)
    hypot = transcendental.hypot
    hypot_ = inplace(transcendental.hypot)
    i0 = transcendental.i0
    i0_ = inplace(transcendental.i0)
    igamma = transcendental.igamma
    igamma_ = inplace(transcendental.igamma)
    igammac = transcendental.igammac
    igammac_ = inplace(transcendental.igammac)
    lgamma = transcendental.lgamma
    lgamma_ = inplace(transcendental.lgamma)
    log = transcendental.log
    log_ = inplace(transcendental.log)
    log10 = transcendental.log10
    log10_ = inplace(transcendental.log10)
    log1p = transcendental.log1p
    log1p_ = inplace(transcendental.log1p)
    log2 = transcendental.log2
    log2_ = inplace(transcendental.log2)
    logaddexp = transcendental.logaddexp
    logaddexp2 = transcendental.logaddexp2
    logit = transcendental.logit
    logit_ = inplace(transcendental.logit)
    mvlgamma = transcendental.mvlgamma
    mvlgamma_ = inplace(transcendental.mvlgamma)
    sigmoid = transcendental.sigmoid
    sigmoid_ = inplace(transcendental.sigmoid)
    sin = transcendental.sin
    sin_ = inplace(transcendental.sin)
    sinc = transcendental.sinc
    sinc_ = inplace(transcendental.sinc)
    sinh = transcendental.sinh
    sinh_ = inplace(transcendental.sinh)
    tan = transcendental.tan
    tan_ = inplace(transcendental.tan)
    tanh = transcendental.tanh
    tanh_ = inplace(transcendental.tanh)
    xlogy = transcendental.xlogy
    xlogy_ = inplace(transcendental.xlogy)

    allclose = comparison.allclose
    eq = comparison.eq
    eq_ = inplace(comparison.eq)
    equal = comparison.equal
    ge = comparison.ge
    ge_ = inplace(comparison.ge)
    greater = comparison.greater
    greater_ = inplace(comparison.greater)
    greater_equal = comparison.greater_equal
    greater_equal_ = inplace(comparison.greater_equal)
    gt = comparison.gt
    gt_ = inplace(comparison.gt)
    isclose = comparison.isclose
    isfinite = comparison.isfinite
    isinf = comparison.isinf
    isnan = comparison.isnan
    isneginf = comparison.isneginf
    isposinf = comparison.isposinf
    isreal = comparison.isreal
    le = comparison.le
    le_ = inplace(comparison.le)
    less = comparison.less
    less_ = inplace(comparison.less)
    less_equal = comparison.less_equal
    less_equal_ = inplace(comparison.less_equal)
    logical_and = comparison.logical_and
    logical_and_ = inplace(comparison.logical_and)
    logical_not = comparison.logical_not
    logical_not_ = inplace(comparison.logical_not)
    logical_or = comparison.logical_or
    logical_or_ = inplace(comparison.logical_or)
    logical_xor = comparison.logical_xor
    logical_xor_ = inplace(comparison.logical_xor)
    lt = comparison.lt
    lt_ = inplace(comparison.lt)
    ne = comparison.ne
    ne_ = inplace(comparison.ne)
    not_equal = comparison.not_equal
    not_equal_ = inplace(comparison.not_equal)

    bitwise_and = bitwise.bitwise_and
    bitwise_and_ = inplace(bitwise.bitwise_and)
    bitwise_left_shift = bitwise.bitwise_left_shift
    bitwise_left_shift_ = inplace(bitwise.bitwise_left_shift)
    bitwise_not = bitwise.bitwise_not
    bitwise_not_ = inplace(bitwise.bitwise_not)
    bitwise_or = bitwise.bitwise_or
    bitwise_or_ = inplace(bitwise.bitwise_or)
    bitwise_right_shift = bitwise.bitwise_right_shift
    bitwise_right_shift_ = inplace(bitwise.bitwise_right_shift)
    bitwise_xor = bitwise.bitwise_xor
    bitwise_xor_ = inplace(bitwise.bitwise_xor)
    gcd = bitwise.gcd
    gcd_ = inplace(bitwise.gcd)
    lcm = bitwise.lcm
    lcm_ = inplace(bitwise.lcm)

    angle = complex_room.angle
    conj = complex_room.conj
    conj_physical = complex_room.conj_physical
    conj_physical_ = inplace(complex_room.conj_physical)
    is_conj = complex_room.is_conj
    is_neg = complex_room.is_neg
    resolve_conj = complex_room.resolve_conj
    resolve_neg = complex_room.resolve_neg

    copy_ = inplace_room.copy_
    fill_ = inplace_room.fill_
    zero_ = inplace_room.zero_

    where = comparison.where_method
    real = property(complex_room.real, complex_room.set_real)
    imag = property(complex_room.imag, complex_room.set_imag)

    def polygamma(self: Any, n: int) -> Any:
        """The n-th derivative of digamma."""
        return transcendental.polygamma(n, self)

    polygamma_ = inplace(polygamma)
