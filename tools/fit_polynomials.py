"""The coefficients of the C functions in src/rushlight/compiler/c, computed anew.

    python tools/fit_polynomials.py [exp_f32 ...]

Each is a polynomial of least largest error (Remez's exchange, E. Remez 1934; here in the form of A. Greenbaum
and others: solve for an error that alternates on a set of points, move the points to where it is largest),
weighted for the relative error of what is made of it. mpmath gives the functions.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

import mpmath as mp
import numpy as np

mp.mp.dps = 60


def minimax(
    function: Callable[[float], mp.mpf],
    weight: Callable[[float], mp.mpf],
    low: float,
    high: float,
    degree: int,
) -> tuple[list[mp.mpf], float]:
    """Coefficients, from the constant on, of the polynomial p that keeps |weight * (p - function)| least."""
    count = degree + 2
    points = [
        mp.mpf(low + high) / 2 - mp.mpf(high - low) / 2 * mp.cos(mp.pi * i / (count - 1))
        for i in range(count)
    ]
    grid = [low + (high - low) * (1 - math.cos(math.pi * i / 4000)) / 2 for i in range(4001)]
    values = [(mp.mpf(x), mp.mpf(function(x)), mp.mpf(weight(x))) for x in grid]
    coefficients: list[mp.mpf] = []
    for _ in range(12):
        system = mp.matrix(count, count)
        right = mp.matrix(count, 1)
        for i, x in enumerate(points):
            for k in range(degree + 1):
                system[i, k] = x**k
            system[i, degree + 1] = (-1) ** i / mp.mpf(weight(float(x)))
            right[i] = function(float(x))
        solved = mp.lu_solve(system, right)
        coefficients = [solved[k] for k in range(degree + 1)]
        errors = [w * (mp.polyval(coefficients[::-1], x) - f) for x, f, w in values]
        # One point of largest error out of each run of one sign.
        runs: list[list[int]] = []
        for i, e in enumerate(errors):
            if not runs or (e > 0) != (errors[runs[-1][-1]] > 0):
                runs.append([])
            runs[-1].append(i)
        tops = [max(run, key=lambda i: abs(errors[i])) for run in runs]
        while len(tops) > count:
            tops.pop(0 if abs(errors[tops[0]]) < abs(errors[tops[-1]]) else -1)
        if len(tops) < count:
            break
        points = [mp.mpf(grid[i]) for i in tops]
    return coefficients, float(max(map(abs, errors)))


def near(x: float) -> float:
    """A point that no function here is singular at."""
    return x if abs(x) > 1e-13 else 1e-13


def sqrt_of(x: float) -> mp.mpf:
    """The square root, or nearly."""
    return mp.sqrt(near(x))


_LN2 = math.log(2) / 2 * 1.01
_EDGE = 0.9375
# name: function of the argument of the polynomial, weight of its error, interval, degree, type.
FITS = {
    # exp(r) = 1 + r + r * r * p(r), for what is left of an argument when multiples of log 2 are off.
    "exp_f32": (lambda r: (mp.exp(near(r)) - 1 - near(r)) / mp.mpf(near(r)) ** 2,
                lambda r: mp.mpf(r) ** 2 / mp.exp(r) + mp.mpf("1e-5"), -_LN2, _LN2, 4, np.float32),
    # expm1(r) = r + r * r * p(r): relative to expm1 itself.
    "expm1_f32": (lambda r: (mp.expm1(near(r)) - near(r)) / mp.mpf(near(r)) ** 2,
                  lambda r: abs(mp.mpf(near(r)) ** 2 / mp.expm1(near(r))), -_LN2, _LN2, 5, np.float32),
    # log(1 + f) = f - f * f / 2 + f**3 * p(f).
    "log_f32": (lambda f: (mp.log1p(near(f)) - near(f) + mp.mpf(near(f)) ** 2 / 2) / mp.mpf(near(f)) ** 3,
                lambda f: abs(mp.mpf(near(f)) ** 3 / mp.log1p(near(f))), -0.2930, 0.4143, 8, np.float32),
    # erf(x) = x + x * p(x * x) for small x.
    "erf_f32 near": (lambda s: mp.erf(sqrt_of(s)) / sqrt_of(s) - 1,
                     lambda s: sqrt_of(s) / mp.erf(sqrt_of(s)), 0.0, _EDGE**2, 6, np.float32),
    # erf(x) = 1 - exp(-x - x * p(x)) beyond.
    "erf_f32 far": (lambda x: -mp.log(mp.erfc(x)) / x - 1,
                    lambda x: x * mp.erfc(x) / mp.erf(x), _EDGE, 4.0, 7, np.float32),
    # tanh(x) = x + x**3 * p(x * x) for small x.
    "tanh_f32": (lambda s: (mp.tanh(sqrt_of(s)) / sqrt_of(s) - 1) / near(s),
                 lambda s: near(s) * sqrt_of(s) / mp.tanh(sqrt_of(s)), 0.0, 0.625**2, 5, np.float32),
    # sin(r) = r + r**3 * p(r * r) and cos(r) = 1 - r * r / 2 + r**4 * p(r * r) up to pi / 4.
    "sin_wide": (lambda s: (mp.sin(sqrt_of(s)) / sqrt_of(s) - 1) / near(s),
                 lambda s: near(s) * sqrt_of(s) / mp.sin(sqrt_of(s)), 0.0, 0.6169, 3, np.float64),
    "cos_wide": (lambda s: (mp.cos(sqrt_of(s)) - 1 + mp.mpf(near(s)) / 2) / mp.mpf(near(s)) ** 2,
                 lambda s: mp.mpf(near(s)) ** 2 / mp.cos(sqrt_of(s)), 0.0, 0.6169, 3, np.float64),
    # exp(r) in double precision, for functions in single.
    "exp_wide": (lambda r: (mp.exp(near(r)) - 1 - near(r)) / mp.mpf(near(r)) ** 2,
                 lambda r: mp.mpf(r) ** 2 / mp.exp(r) + mp.mpf("1e-5"), -_LN2, _LN2, 6, np.float64),
    # log((1 + s) / (1 - s)) = 2 s + 2 s**3 p(s * s), as s is small.
    "log_wide": (lambda z: (mp.atanh(sqrt_of(z)) / sqrt_of(z) - 1) / near(z),
                 lambda z: mp.mpf(z) + mp.mpf("1e-9"), 0.0, 0.02945, 4, np.float64),
    # The normal distribution function at -x is exp(-x * x / 2) * p(x - 2.5).
    "normal_f32": (lambda u: mp.exp((mp.mpf(u) + 2.5) ** 2 / 2) * mp.ncdf(-mp.mpf(u) - 2.5),
                   lambda u: mp.exp(-((mp.mpf(u) + 2.5) ** 2) / 2), -2.5, 2.5, 12, np.float32),
    # exp(x * x) erfc(x) over t = (x - 2) / (x + 2).
    "erfc_f32": (lambda t: mp.exp((2 * (1 + mp.mpf(t)) / (1 - mp.mpf(t))) ** 2)
                 * mp.erfc(2 * (1 + mp.mpf(t)) / (1 - mp.mpf(t))),
                 lambda t: mp.exp(-((2 * (1 + mp.mpf(t)) / (1 - mp.mpf(t))) ** 2))
                 / mp.erfc(2 * (1 + mp.mpf(t)) / (1 - mp.mpf(t))), -1.0, 0.69, 12, np.float64),
}  # fmt: skip


def quarters() -> list[list[float]]:
    """2 / pi times powers of 256, modulo 4, in three parts: two of at most 29 bits and the rest."""
    rows = []
    with mp.workdps(80):
        for power in range(14):
            rest = mp.fmod(2 / mp.pi * mp.mpf(256) ** power, 4)
            parts = []
            for bits in (28, 57):
                step = mp.mpf(2) ** (1 - bits)
                parts.append(float(mp.floor(rest / step) * step))
                rest -= parts[-1]
            rows.append([*parts, float(rest)])
    return rows


if __name__ == "__main__":
    for row in quarters():
        print("    " + ", ".join(map(repr, row)) + ",")
    for name, (function, weight, low, high, degree, kind) in FITS.items():
        if len(sys.argv) > 1 and name.split()[0] not in sys.argv[1:]:
            continue
        coefficients, error = minimax(function, weight, low, high, degree)
        # Highest power first, as they are used.
        print(f"{name}: relative error 2^{math.log2(error):.1f}")
        print("    " + ", ".join(str(kind(float(c))) for c in coefficients[::-1]))
