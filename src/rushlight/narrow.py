"""Floats narrower than float32: kept narrow in memory, computed in float32, rounded once.

torch's kernels for float16 and bfloat16 widen what they read, compute, and round what they write.
Here that is said once for all rows: whatever a forward does, on narrow arrays it sees float32, and
what it gives is rounded to the nearest, to even in a tie. A rule of several rows that torch computes
in one kernel is wrapped in `kernel.one_kernel`, a composite in `ops.arguments.rounded_once`.

A row that only moves elements, or rounds in a way of its own, says so (`as_is`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.arrays import as_array, is_array
from rushlight.dtypes import NARROW, UNSIGNED, cast
from rushlight.kernels import kernel_of
from rushlight.memory import Array

_SINGLE = np.dtype(np.float32)

# The rows in which a number is not rounded to the type of the tensors before it is used.
EXACT = {
    "mul", "div", "floor_divide", "floor_division", "trunc_divide", "lerp", "addcmul", "addcdiv",
}  # fmt: skip

# What torch has of the types of 8 bits: they are kept, moved and told apart, and multiplied as matrices.
_ALL = frozenset(kind.name for kind in dtypes.EIGHT_BITS)
_SIGNED = _ALL - {"float8_e8m0fnu"}
_WITH_LIMITS = frozenset({"float8_e5m2", "float8_e8m0fnu"})
EIGHT = dict.fromkeys(
    (
        "all", "any", "blank", "cat", "clone", "compact", "convert", "dependent", "embedding", "eq",
        "flip", "index", "isnan", "laid_out", "ne", "overwrite", "pad", "place_index", "place_slice", "put",
        "roll", "stack", "where", "mul",
    ), _ALL,
) | {"abs": _SIGNED, "matmul": _SIGNED, "isfinite": _WITH_LIMITS, "isinf": _WITH_LIMITS}  # fmt: skip


# The rows of which torch has no kernel for narrow floats at all.
WIDE = {
    "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "erfcx", "log_ndtr",
    "modified_bessel_i0", "modified_bessel_i1", "modified_bessel_k0", "modified_bessel_k1", "ndtri",
    "polynomial", "scaled_modified_bessel_k0", "scaled_modified_bessel_k1", "spherical_bessel_j0",
    "zeta",
}  # fmt: skip


# The rows of which torch has no kernel for uint16, uint32 and uint64.
SIGNED = {
    "abs", "add", "addcmul", "amax", "amin", "argmax", "argmin", "bitwise_left_shift", "bitwise_not",
    "bitwise_right_shift", "clamp", "cummax", "cummax_index", "cummin", "cummin_index", "dot",
    "floor_divide", "floor_division", "fmax", "fmin", "fmod", "gcd", "ge", "gt", "heaviside", "kth", "lcm",
    "le", "linear", "logical_and", "logical_not", "logical_or", "logical_xor", "lt", "matmul", "maximum",
    "median", "median_index", "minimum", "mode_index", "neg", "pow", "relu", "remainder", "scatter",
    "scatter_add", "scatter_fill", "scatter_fold", "search", "sgn", "sign", "square", "sub", "top",
    "triangle",
}  # fmt: skip


# The rows that are done, in torch, before their kernel is asked: where there are no elements, and for one number.
_EMPTY = {
    "cummax", "cummax_index", "cummin", "cummin_index", "cumprod", "cumsum", "flip", "median", "prod", "search",
    "softmax", "sum", "vector_norm", "without_nan",
}  # fmt: skip
_SINGLE_NUMBER = {
    "cummax", "cummax_index", "cummin", "cummin_index", "cumprod", "cumsum", "kth", "mode_index", "order",
    "top", "vector_norm",
}  # fmt: skip


def need_common(name: str, *arrays: Any) -> None:
    """Raise torch's error for elements of 8 bits, and for unsigned ones of more."""
    need_more_bits(name, *arrays)
    need_signed(name, *arrays)


def need_signed(name: str, *arrays: Any) -> None:
    """Raise torch's error for unsigned elements of more than 8 bits."""
    for array in arrays:
        if array.dtype in UNSIGNED:
            raise NotImplementedError(
                f"\"{kernel_of(name)}\" not implemented for '{dtypes.of(array.dtype).word}'"
            )


def need_wide(name: str, *arrays: Any) -> None:
    """Raise torch's error where narrow floats are not computed with."""
    for array in arrays:
        if is_narrow(array):
            word = dtypes.of(array.dtype).word
            raise NotImplementedError(f"\"{kernel_of(name)}\" not implemented for '{word}'")


def need_more_bits(name: str, *arrays: Any) -> None:
    """Raise torch's error where elements of 8 bits are not computed with."""
    need_wide(name, *(array for array in arrays if array.dtype.itemsize == 1))


def is_narrow(x: Any) -> bool:
    """Whether x is an array of narrow floats."""
    return is_array(x) and x.dtype in NARROW


def widen(x: Any) -> Any:
    """Narrow floats as float32; anything else as it is."""
    return x.astype(_SINGLE) if is_array(x) and x.dtype in NARROW else x


def through(x: Array, dtype: np.dtype[Any]) -> Array:
    """float32 values rounded to a narrow dtype, in float32; any other dtype leaves them."""
    return cast(x, dtype).astype(_SINGLE) if dtype in NARROW else x


def narrow_to(result: Any, dtype: np.dtype[Any]) -> Any:
    """The floats among results, rounded to a narrow dtype."""
    if result.__class__ is tuple:
        return tuple(narrow_to(part, dtype) for part in result)
    array = as_array(result)
    return cast(array, dtype) if array.dtype.kind in "fV" else array


def once_rounded(
    name: str, forward: Callable[..., Any], as_is: bool, rule: Callable[..., Any]
) -> Callable[..., Any]:
    """The forward of a row for arrays of which at least one is narrow."""
    idle_empty, idle_single = name in _EMPTY, name in _SINGLE_NUMBER

    def computed(*arrays: Any, **static: Any) -> Any:
        dtype: np.dtype[Any] | None = next((a.dtype for a in arrays if is_narrow(a)), None)
        idle = (idle_empty and not arrays[0].size) or (idle_single and not arrays[0].ndim)
        if dtype is None:
            if name in SIGNED and not idle:
                of_arrays = [a for a in arrays if is_array(a)]
                if any(a.dtype in UNSIGNED for a in of_arrays):
                    # What is wrong with shapes is told first.
                    rule(*arrays, **static)
                    need_signed(f"{name}_cpu", *of_arrays)
            return forward(*arrays, **static)
        if name in WIDE or (dtype.itemsize == 1 and dtype.name not in EIGHT.get(name, ())):
            if not idle:
                rule(*arrays, **static)
                need_wide(name + "_cpu", *filter(is_array, arrays))
        elif name == "mul" and any(not is_array(a) or a.size == 1 for a in arrays):
            need_more_bits("mul_cpu_reduced_float", *filter(is_array, arrays))
        if as_is:
            return forward(*arrays, **static)
        if any(is_array(a) and a.dtype is not dtype for a in arrays):
            # Widened they would all be alike: whether they may differ is for the rule to say.
            rule(*arrays, **static)
        wide = [
            widen(a) if is_array(a) else a if name in EXACT else rounded(a, dtype) for a in arrays
        ]
        return narrow_to(forward(*wide, **static), dtype)

    return computed


def rounded(number: Any, dtype: np.dtype[Any]) -> Any:
    """A Python number as a narrow dtype holds it."""
    if number.__class__ is not float and number.__class__ is not int:
        return number
    return float(cast(np.asarray(number, np.float64), dtype))


def write_rounded(
    kernel: Callable[..., Any], name: str, x: Array, *operands: Any, **options: Any
) -> None:
    """A kernel that writes into narrow x: computed in float32 and rounded once."""
    wide = x.astype(_SINGLE)
    if name in ("add", "sub"):
        operands = tuple(rounded(y, x.dtype) for y in operands)
        options = {key: rounded(value, x.dtype) for key, value in options.items()}
    kernel(wide, *map(widen, operands), **options)
    np.copyto(x, cast(wide, x.dtype))
