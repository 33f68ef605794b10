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
from typing import Any

import numpy as np

from .arithmetic import fma, uniform64
from .generator import Array, Generator

# Up to this many pairs float64 logarithms come one by one from the C library, as torch's do;
# above, from NumPy, where some differ in the last bit.
_FEW_PAIRS = 256


def _constant(value: float, dtype: Any = np.float32) -> Array:
    # A 0-d array meets an array in a third of the time that a number takes.
    return np.array(value, dtype)


_SQRT_HALF_BITS = _constant(0x3F3504F3, np.int32)
_LN = [
    _constant(float(np.float32(coefficient)), np.float64)
    for coefficient in (
        7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
        -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
    )
]  # fmt: skip
# ln 2 = _LN2_HIGH + _LN2_LOW, and pi / 4 = the sum of _PI4: the heads are short enough that their
# product with a small integer is exact.
_LN2_HIGH, _LN2_LOW = _constant(0.693359375), _constant(-2.12194440e-4)
_PI4 = [_constant(part) for part in (0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8)]
_FOUR_OVER_PI = _constant(1.27323954473516)
_TWO_PI = _constant(2 * math.pi)
# The cosine's coefficients above the sine's, one pair a power.
_TRIG = np.array(
    [
        [[2.443315711809948e-5], [-1.9515295891e-4]],
        [[-1.388731625493765e-3], [8.3321608736e-3]],
        [[4.166664568298827e-2], [-1.6666654611e-1]],
    ],
    np.float32,
).astype(np.float64)
_ZERO, _ONE, _HALF, _MINUS_TWO = (_constant(number) for number in (0, 1, 0.5, -2))
_BIT, _EVEN, _TWO, _FOUR, _SHIFT, _EXPONENT = (
    _constant(bits, np.int32) for bits in (1, -2, 2, 4, 29, 23)
)


def _ln(x: Array) -> Array:
    """Cephes logf of float32 in (0, 1]; x is overwritten."""
    add, multiply, subtract = np.add, np.multiply, np.subtract
    bits = x.view(np.int32)
    exponent = subtract(bits, _SQRT_HALF_BITS)
    np.right_shift(exponent, _EXPONENT, exponent)
    e = exponent.astype(np.float32)
    np.left_shift(exponent, _EXPONENT, exponent)
    subtract(bits, exponent, bits)
    subtract(x, _ONE, x)
    wide = x.astype(np.float64)
    z = multiply(x, x)
    y = np.empty_like(x)
    term = multiply(wide, _LN[0])
    for coefficient in _LN[1:]:
        # Rounded to float32 on the way.
        y[...] = add(term, coefficient, term)
        multiply(wide, y, term)
    y[...] = term
    multiply(y.astype(np.float64), z, term)
    add(term, multiply(e, _LN2_LOW), term)
    y[...] = term
    multiply(z, _HALF, z)
    subtract(y, z, y)
    add(x, y, x)
    multiply(e, _LN2_HIGH, e)
    return add(x, e, x)


def _cos_sin(x: Array) -> Array:
    """Cephes cosf and sinf of float32 in [0, 2 pi), as rows 0 and 1; x is overwritten."""
    add, multiply, subtract = np.add, np.multiply, np.subtract
    octant = multiply(x, _FOUR_OVER_PI).astype(np.int32)
    add(octant, _BIT, octant)
    np.bitwise_and(octant, _EVEN, octant)
    y = octant.astype(np.float32)
    for part in _PI4:
        subtract(x, multiply(y, part), x)
    z = multiply(x, x)
    wide = z.astype(np.float64)
    rows = np.empty((2, x.size), np.float32)
    term = multiply(_TRIG[0], wide)
    rows[...] = add(term, _TRIG[1], term)
    multiply(rows, wide, term)
    rows[...] = add(term, _TRIG[2], term)
    multiply(rows, z, rows)
    cosine, sine = term
    multiply(rows[0], wide, cosine)
    subtract(cosine, multiply(z, _HALF, z), cosine)
    multiply(rows[1].astype(np.float64), x, sine)
    add(sine, x, sine)
    rows[...] = term
    add(rows[0], _ONE, rows[0])
    _turn(rows.view(np.int32), octant)
    return rows


def _turn(rows: Array, octant: Array) -> None:
    """From the cosine and sine of the angle left in its octant to those of the whole angle."""
    # Octants 2 and 6 exchange the rows: a ^ (a ^ b) is b. The sign bits follow the quadrant.
    xor = np.bitwise_xor
    cosine, sine = rows
    swap = np.bitwise_and(octant, _TWO)
    np.right_shift(swap, _BIT, swap)
    np.negative(swap, swap)
    np.bitwise_and(swap, xor(cosine, sine), swap)
    xor(rows, swap, rows)
    flip = np.bitwise_and(octant, _FOUR)
    xor(sine, np.left_shift(flip, _SHIFT, flip), sine)
    np.add(octant, _TWO, octant)
    np.bitwise_and(octant, _FOUR, octant)
    xor(cosine, np.left_shift(octant, _SHIFT, octant), cosine)


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
    radius = _ln(np.subtract(_ONE, blocks[:, 0]).reshape(-1))
    np.multiply(radius, _MINUS_TWO, radius)
    np.sqrt(radius, radius)
    rows = _cos_sin(np.multiply(blocks[:, 1], _TWO_PI).reshape(-1))
    np.multiply(rows, radius, rows)
    if std != 1.0 or mean != 0.0:
        rows = _shifted32(rows, mean, std)
    else:
        # No -0, as if the mean had been added.
        np.add(rows, _ZERO, rows)
    blocks[...] = rows.reshape(2, -1, 8).swapaxes(0, 1)
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
