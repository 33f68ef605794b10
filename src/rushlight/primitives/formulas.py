"""The formulas of rows and kernels that are others by the kinds and values of their parameters.

A column `c` is a formula in C, or a function of (kinds, static parameters) that gives one: see
`compiler/emit/expressions.py`, which also says what stands for kinds. Those functions are here.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

Kinds = Sequence[Any]
Static = dict[str, Any]

_SINGLE = np.dtype(np.float32)

# ---- rows ----------------------------------------------------------------------------------------


_SHORT = {
    0: "({T})1", 1: "{x}", 2: "{x} * {x}", 3: "{x} * {x} * {x}", 0.5: "sqrt({x})", -0.5: "1 / sqrt({x})",
    -1: "1 / {x}", -2: "1 / ({x} * {x})",
}  # fmt: skip


def power(kinds: Kinds, static: Static) -> Any:
    """x ** y: numbers by the short ways that the forward takes."""
    y = kinds[1]
    if isinstance(y, np.dtype):
        return "pow({x}, {y})"
    if y is None:
        # It may turn out to be a number of those.
        return {"f": "power_of_number({x}, {y:d})"}
    if y == 2:
        return {"iuf": _SHORT[2], "c": "times({x}, {x})"}
    return {"f": _SHORT.get(y, "pow({x}, {y})"), "iu": _SHORT[3] if y == 3 else "pow({x}, {y})"}


def converted(kinds: Kinds, static: Static) -> Any:
    """A float beyond the range of whole numbers gives what the processor gives."""
    source, target = kinds[0], static["dtype"]
    if source == target:
        return "{x}"
    if source.name in _NARROW or target.name in _NARROW:
        return {source.kind: _narrow_converted(source, target)}
    if "V" in (source.kind, target.kind):
        return None
    if target.kind == "b":
        formula = "{x} != 0"
    elif source.kind == "f" and target.kind in "iu":
        function = f"to_{target.kind}{8 * target.itemsize}" if target.itemsize >= 4 else "to_i32"
        formula = f"({{to}}){function}({{x}})"
    else:
        formula = "({to})real({x})" if source.kind == "c" != target.kind else "({to}){x}"
    return {source.kind: formula}


_NARROW = {"float16": "f16", "bfloat16": "bf16"}


def _narrow_converted(source: np.dtype[Any], target: np.dtype[Any]) -> str | None:
    """By way of single precision; only from double precision to float16 NumPy rounds at once."""
    own, new = _NARROW.get(source.name), _NARROW.get(target.name)
    eight = any(kind.kind == "V" and kind.itemsize == 1 for kind in (source, target))
    if source.kind == "c" or eight:
        return None
    wide = f"widened_{own}({{x}})" if own else "{x}" if source == _SINGLE else "(float){x}"
    if new:
        odd = source == np.float64 and new == "f16"
        return f"narrowed_{new}({'to_odd_f64({x})' if odd else wide})"
    if target.kind == "b":
        return f"{wide} != 0"
    if target.kind in "iu":
        function = f"to_{target.kind}{8 * target.itemsize}" if target.itemsize >= 4 else "to_i32"
        if own == "f16" and target == np.uint32:
            # What does not fit shows that NumPy goes another way here.
            function = "to_i64"
        return f"({{to}}){function}_f32({wide})"
    return f"({{to}}){wide}"


def clamped(kinds: Kinds, static: Static) -> Any:
    """Nothing below low, then nothing above high; one that is not there is told by a word."""
    formula = "{x}" if isinstance(kinds[1], str) else "maximum({low}, {x})"
    return formula if isinstance(kinds[2], str) else f"minimum({{high}}, {formula})"


def between(kinds: Kinds, static: Static) -> Any:
    """Two formulas, so that both ends are reached exactly."""
    weight = kinds[2]
    near, far = "{x} + ({end} - {x}) * {weight}", "{end} - ({end} - {x}) * (1 - {weight})"
    if isinstance(weight, np.dtype):
        return {"f": f"fabs({{weight}}) < 0.5 ? {near} : {far}"}
    return {"f": _by_weight(weight, near, far.replace("(1 - {weight})", "({T})(1 - {weight:d})"))}


def _by_weight(weight: float | None, near: str, far: str) -> str:
    if weight is None:
        return f"(({{weight:d}} < 0.5) & ({{weight:d}} > -0.5)) ? {near} : {far}"
    return near if abs(weight) < 0.5 else far


def rounded(kinds: Kinds, static: Static) -> Any:
    """At that many decimals."""
    decimals = static.get("decimals", 0)
    there, back = "*/" if decimals > 0 else "/*"
    scale = 10.0 ** abs(decimals)
    scaled = f"rint({{x}} {there} {scale}) {back} {scale}"
    return {"f": scaled if decimals else "rint({x})", "iu": "{x}"}


def nan_to_num(kinds: Kinds, static: Static) -> Any:
    """What is not given is 0 for nan, and the largest number for infinity."""
    if kinds[0].char not in "fd":
        return {"biu": "{x}"}
    most = float(np.finfo(kinds[0]).max)
    nan, posinf, neginf = (
        default if static[name] is None else f"{{{name}}}"
        for name, default in (("nan", "0"), ("posinf", f"{most}"), ("neginf", f"(-{most})"))
    )
    infinite = f"{{x}} == INFINITY ? {posinf} : {{x}} == -INFINITY ? {neginf} : {{x}}"
    return {"f": f"{{x}} != {{x}} ? {nan} : {infinite}"}


def logit(kinds: Kinds, static: Static) -> Any:
    """Of x, or of x between eps and 1 - eps."""
    within = "minimum(maximum({x}, {eps}), ({T})(1 - {eps:d}))"
    x = "{x}" if static["eps"] is None else within
    return {"f": f"log({x} / (1 - {x}))"}


SQRT_2_PI = math.sqrt(2 / math.pi)
CUBIC = 0.044715


def gelu(kinds: Kinds, static: Static) -> Any:
    """x * F(x) and F(x), the normal distribution function or what comes near it."""
    part = "normal({x})"
    if static["approximate"] != "none":
        inner = f"({{x}} * {{x}} * {CUBIC * SQRT_2_PI} + {SQRT_2_PI}) * {{x}}"
        part = f"(tanh({inner}) * 0.5 + 0.5)"
    return {"f": "{x} * " + part}, {"f": part}


# ---- kernels -------------------------------------------------------------------------------------

# The formulas of kernels, with the names of their parameters and what these are if they are not given.
# One may be a row, or a function of (parameters, dtype of the target, size of the target).
FORMULAS: dict[Callable[..., Any], tuple[tuple[str, ...], Static, Any]] = {}
Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def in_c(formula: Any) -> Callable[[Kernel], Kernel]:
    """Note the formula of a kernel."""

    def note(kernel: Kernel) -> Kernel:
        parameters = inspect.signature(kernel).parameters
        defaults = {n: p.default for n, p in parameters.items() if p.default is not p.empty}
        FORMULAS[kernel] = tuple(parameters), defaults, formula
        return kernel

    return note


# Up to this size products are added as torch's kernels add them: with one rounding (a fused
# multiply-add, here by way of float64). For more elements that would cost five times the time.
FUSED = 1024


def _is_fused(dtype: np.dtype[Any], size: int) -> bool:
    return dtype == _SINGLE and size <= FUSED


def added(given: Static, dtype: np.dtype[Any], size: int, sign: str = "") -> Any:
    """x + alpha * y, or minus."""
    if given["alpha"] == 1:
        return "{x} - {y}" if sign else "{x} + {y}"
    if not isinstance(given["y"], np.dtype):
        return f"{{x}} + ({{T}})({{y:d}} * ({sign}{{alpha:d}}))"
    if _is_fused(dtype, size):
        return f"({{T}})({{y:d}} * (double)({sign}{{alpha}}) + {{x:d}})"
    return f"{{x}} + {{y}} * ({sign}{{alpha}})"


def subtracted(given: Static, dtype: np.dtype[Any], size: int) -> Any:
    """x - alpha * y."""
    return added(given, dtype, size, "-")


def product_added(given: Static, dtype: np.dtype[Any], size: int) -> Any:
    """x + value * y * z."""
    if _is_fused(dtype, size):
        return "({T})((double)({y} * {value}) * {z:d} + {x:d})"
    return "{x} + {y} * {value} * {z}"


def interpolated(given: Static, dtype: np.dtype[Any], size: int) -> Any:
    """From x towards end, by weight."""
    near, far = "{x} + ({end} - {x}) * {weight}", "{end} - ({end} - {x}) * ({T})(1 - {weight:d})"
    if _is_fused(dtype, size):
        near = "({T})((double)({end} - {x}) * (double){weight} + {x:d})"
        far = "({T})((double)({end} - {x}) * (double)({T})((double){weight} - 1) + {end:d})"
    return _by_weight(given["weight"], near, far)
