"""What is rounding: whether arrays are equal but for it."""

from __future__ import annotations

import numpy as np

# Differences up to this are rounding, relative to the value or to the largest number around.
ROUNDING = {
    "float16": 4e-3,
    "bfloat16": 3e-2,
    "float32": 4e-6,
    "complex64": 4e-6,
    "float64": 1e-11,
    "complex128": 1e-11,
}


def magnitude(array: np.ndarray) -> float:
    """The largest finite number in it."""
    if array.dtype.kind not in "fcV":
        return 0.0
    if array.dtype.kind == "V":
        array = array.astype(np.float32)
    with np.errstate(all="ignore"):
        sizes = np.abs(array)
    return float(np.max(sizes, initial=0.0, where=np.isfinite(sizes)))


def close(a: np.ndarray, b: np.ndarray, dtype: str, largest: float, times: float = 1) -> bool:
    """Equal but for rounding, and for times as much as is usual; NaN equal to NaN."""
    if dtype not in ROUNDING:
        return bool(np.array_equal(a, b))
    kind = np.complex128 if a.dtype.kind == "c" else np.float64
    a, b = a.astype(kind), b.astype(kind)
    relative = ROUNDING[dtype] * times
    with np.errstate(all="ignore"):
        near = np.abs(a - b) <= relative * np.maximum(np.abs(a), max(1.0, min(largest, 1e4)))
        if a.dtype.kind == "c":
            parts = [(a.real, b.real), (a.imag, b.imag)]
            same = np.logical_and(*((p == q) | (np.isnan(p) & np.isnan(q)) for p, q in parts))
            # Which parts of a complex infinity are NaN is nobody's promise.
            same |= ~np.isfinite(a) & ~np.isfinite(b)
        else:
            same = (a == b) | (np.isnan(a) & np.isnan(b))
    return bool((near | same).all())


def signs_differ(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether a zero is another zero."""
    if a.dtype.kind == "c":
        return signs_differ(a.real, b.real) or signs_differ(a.imag, b.imag)
    if a.dtype.kind == "V":
        a, b = a.astype(np.float32), b.astype(np.float32)
    zeros = (a == 0) & (b == 0)
    return a.dtype.kind == "f" and bool((np.signbit(a) != np.signbit(b))[zeros].any())
