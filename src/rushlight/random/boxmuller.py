"""Uniform numbers to normal ones, with torch's roundings.

G. E. P. Box, M. E. Muller, "A note on the generation of random normal deviates", 1958:
`sqrt(-2 ln u1)` times the cosine and the sine of `2 pi u2`.

float32 is exact to the last bit. torch computes it on vectors of 8 with the Cephes polynomials
for logf, sinf and cosf (S. L. Moshier, Cephes Math Library 2.2), whose products the compiler fuses
with the sum that follows. Each such pair rounds once: here it is done in float64, where the product
of two floats is exact, and rounded to float32. Whatever is exact or rounds once anyway stays in
float32. (The sum is rounded twice, to float64 and then to float32; that shows in the last bit of
one number in some ten million.)
"""

from __future__ import annotations

import math

import numpy as np

from .arithmetic import fma, uniform64
from .generator import Array, Generator

# Up to this many pairs float64 logarithms come one by one from the C library, as torch's do;
# above, from NumPy, where some differ in the last bit.
_FEW_PAIRS = 256

_SQRT_HALF_BITS = np.int32(0x3F3504F3)
_LN = [
    float(np.float32(coefficient))
    for coefficient in (
        7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
        -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
    )
]  # fmt: skip
# ln 2 = _LN2_HIGH + _LN2_LOW, and pi / 4 = the sum of _PI4: the heads are short enough that their
# product with a small integer is exact.
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_PI4 = np.array([0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8], np.float32)
_FOUR_OVER_PI = np.float32(1.27323954473516)
_TWO_PI = np.float32(2 * math.pi)
# The cosine's coefficients above the sine's, one pair a power.
_TRIG = np.array(
    [
        [[2.443315711809948e-5], [-1.9515295891e-4]],
        [[-1.388731625493765e-3], [8.3321608736e-3]],
        [[4.166664568298827e-2], [-1.6666654611e-1]],
    ],
    np.float32,
).astype(np.float64)
_ONE, _HALF = np.float32(1), np.float32(0.5)


def _ln(x: Array) -> Array:
    """Cephes logf of float32 in (0, 1]; x is overwritten."""
    bits = x.view(np.int32)
    exponent = bits - _SQRT_HALF_BITS
    exponent >>= 23
    e = exponent.astype(np.float32)
    exponent <<= 23
    bits -= exponent
    x -= _ONE
    wide = x.astype(np.float64)
    z = x * x
    y = np.empty_like(x)
    term = wide * _LN[0]
    for coefficient in _LN[1:]:
        term += coefficient
        y[...] = term
        np.multiply(wide, y, out=term)
    y[...] = term
    np.multiply(y, z, out=term, dtype=np.float64)
    term += e * _LN2_LOW
    y[...] = term
    z *= _HALF
    y -= z
    x += y
    e *= _LN2_HIGH
    x += e
    return x


def _cos_sin(x: Array) -> Array:
    """Cephes cosf and sinf of float32 in [0, 2 pi), as rows 0 and 1; x is overwritten."""
    octant = (x * _FOUR_OVER_PI).astype(np.int32)
    octant += 1
    octant &= -2
    y = octant.astype(np.float32)
    x -= y * _PI4[0]
    x -= y * _PI4[1]
    far = y * float(_PI4[2])
    np.subtract(x, far, out=far)
    x[...] = far
    z = x * x
    wide = z.astype(np.float64)
    rows = np.empty((2, x.size), np.float32)
    term = _TRIG[0] * wide
    term += _TRIG[1]
    rows[...] = term
    np.multiply(rows, wide, out=term)
    term += _TRIG[2]
    rows[...] = term
    rows *= z
    np.multiply(rows[0], wide, out=term[0])
    z *= _HALF
    term[0] -= z
    np.multiply(rows[1], x, out=term[1], dtype=np.float64)
    term[1] += x
    rows[...] = term
    rows[0] += _ONE
    _turn(rows.view(np.int32), octant)
    return rows


def _turn(rows: Array, octant: Array) -> None:
    """From the cosine and sine of the angle left in its octant to those of the whole angle."""
    # Octants 2 and 6 exchange the rows: a ^ (a ^ b) is b. The sign bits follow the quadrant.
    swap = octant & 2
    swap >>= 1
    np.negative(swap, out=swap)
    swap &= rows[0] ^ rows[1]
    rows ^= swap
    rows[1] ^= (octant & 4) << 29
    octant += 2
    octant &= 4
    octant <<= 29
    rows[0] ^= octant


def _shifted32(x: Array, mean: float, std: float) -> Array:
    """float32 x * std + mean, rounded once."""
    if std == 1.0:
        return x + np.float32(mean)
    if mean == 0.0:
        return x * np.float32(std) + np.float32(0)
    wide = x.astype(np.float64)
    wide *= float(np.float32(std))
    wide += float(np.float32(mean))
    return wide.astype(np.float32)


def from_uniform32(u: Array, mean: float, std: float) -> Array:
    """Normals from float32 uniforms, whose number is a multiple of 16; u is overwritten."""
    blocks = u.reshape(-1, 2, 8)
    first = np.subtract(_ONE, blocks[:, 0]).reshape(-1)
    second = (blocks[:, 1] * _TWO_PI).reshape(-1)
    radius = _ln(first)
    radius *= np.float32(-2)
    np.sqrt(radius, out=radius)
    rows = _cos_sin(second)
    rows *= radius
    rows = _shifted32(rows, mean, std)
    blocks[:, 0] = rows[0].reshape(-1, 8)
    blocks[:, 1] = rows[1].reshape(-1, 8)
    return u


def from_uniform64(u: Array, mean: float, std: float) -> Array:
    """Normals from float64 uniforms, whose number is a multiple of 16; u is overwritten."""
    blocks = u.reshape(-1, 2, 8)
    inverse = 1.0 - blocks[:, 0]
    few = inverse.size <= _FEW_PAIRS
    log = np.reshape([math.log(v) for v in inverse.flat], inverse.shape) if few else np.log(inverse)
    radius = np.sqrt(-2.0 * log)
    angle = blocks[:, 1] * (2.0 * math.pi)
    blocks[:, 0] = fma(radius * np.cos(angle), std, mean)
    blocks[:, 1] = fma(radius * np.sin(angle), std, mean)
    return u


def one_by_one(generator: Generator, n: int) -> Array:
    """The next n standard normals in float64, the way torch makes them singly.

    They come in pairs; the second of a pair waits in the generator for the next call.
    """
    result = np.empty(n)
    if n == 0:
        return result
    start = 0
    if generator.next_normal is not None:
        result[0] = generator.next_normal
        generator.next_normal = None
        start = 1
    pairs = (n - start + 1) // 2
    if pairs == 0:
        return result
    u = uniform64(generator.raw64(2 * pairs))
    cosines, sines = _pairs_one_by_one(u) if pairs <= _FEW_PAIRS else _pairs(u)
    result[start::2] = cosines
    kept = (n - start) // 2
    result[start + 1 :: 2] = sines[:kept]
    if kept < pairs:
        generator.next_normal = float(sines[-1])
    return result


def _pairs(u: Array) -> tuple[Array, Array]:
    radius = np.sqrt(-2.0 * np.log1p(-u[1::2]))
    angle = (2.0 * math.pi) * u[::2]
    return radius * np.cos(angle), radius * np.sin(angle)


def _pairs_one_by_one(u: Array) -> tuple[Array, Array]:
    cosines, sines = [], []
    for u1, u2 in u.reshape(-1, 2).tolist():
        radius = math.sqrt(-2.0 * math.log1p(-u2))
        angle = (2.0 * math.pi) * u1
        cosines.append(radius * math.cos(angle))
        sines.append(radius * math.sin(angle))
    return np.array(cosines), np.array(sines)
