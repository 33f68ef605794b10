"""Elementwise rows of three inputs and more: clamping, interpolation, products added on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.arrays import as_array, is_array
from rushlight.core.node import PrimitiveNode
from rushlight.core.row import Primitive, Sample
from rushlight.primitives import formulas
from rushlight.primitives.families import (
    NUMERIC,
    PAIRS,
    REAL,
    draw,
    is_small,
    pointwise_rule,
    promote_many,
    supported,
    taking,
    tensors_saved,
)
from rushlight.primitives.kernel import lying_like
from rushlight.primitives.placement import apart_from_numbers
from rushlight.primitives.pointwise import (
    conj,
    ge,
    gt,
    le,
    logical_and,
    logical_or,
    lt,
    where,
)

_FEW = 2048


def _clamp(x: Any, low: Any, high: Any) -> Any:
    if (
        (x.size > _FEW or (low is not None and high is not None))
        and x.dtype.kind in "fV"
        and not is_array(low)
        and not is_array(high)
    ):
        # Between two limits NumPy's loop is vectorised, against one number it is not.
        return x.clip(-np.inf if low is None else low, np.inf if high is None else high)
    if low is None:
        return np.minimum(high, x)
    # Of two equal zeros NumPy takes the second, torch the input.
    out = np.maximum(low, x)
    if high is None:
        return out
    return np.minimum(high, out)


def _promote_clamp(arrays: list[Any]) -> list[Any]:
    x, low, high = arrays
    kind = x.dtype.kind
    if kind in "fV" and all(b is None or is_small(b) for b in (low, high)):
        return arrays
    if kind in "iu" and all(
        b is None or (b.__class__ is int and 0 <= b < 128) for b in (low, high)
    ):
        return arrays
    if any(np.iscomplexobj(a) for a in arrays if a is not None):
        raise NotImplementedError("clamp is not supported for complex types")
    given = iter(promote_many([a for a in arrays if a is not None]))
    # What was a number has no say in where the result lies.
    return [None if a is None else next(given) if is_array(a) else next(given)[()] for a in arrays]


def _clamp_x(g: Any, x: Any, low: Any, high: Any) -> Any:
    if low is None:
        inside = le(x, high)
    elif high is None:
        inside = ge(x, low)
    else:
        above = ge(x, low)
        # torch writes the one into the other.
        inside = lying_like(logical_and(above, le(x, high)), above)
    return where(inside, g, 0)


def _clamp_low(g: Any, x: Any, low: Any, high: Any) -> Any:
    below = lt(x, low)
    return where(below if high is None else logical_and(below, lt(low, high)), g, 0)


def _clamp_high(g: Any, x: Any, low: Any, high: Any) -> Any:
    above = gt(x, high)
    return where(above if low is None else logical_or(above, lt(high, low)), g, 0)


def _clamp_label(node: PrimitiveNode) -> str:
    return "ClampBackward0" if tensors_saved(node) > 1 else "ClampBackward1"


def _clamp_samples() -> Iterable[Sample]:
    x = draw(1, (2, 3))
    yield Sample((x, np.array(-1.0), np.array(1.0)))
    yield Sample((x, draw(2, (3,), -2.0, 0.0), None))
    yield Sample((x, None, draw(3, (2, 1), 0.0, 2.0)))
    yield Sample((x, draw(4, (2, 3)), draw(5, (2, 3))))


_promote_real_clamp = taking("clamp", REAL, _promote_clamp)


def _promote_clamp_checked(arrays: list[Any]) -> list[Any]:
    promoted = _promote_real_clamp(arrays)
    if promoted[0].dtype.kind == "b":
        # Flags are the larger and the smaller of two tensors, no more.
        _, low, high = arrays
        which = "_min" if high is None else "_max" if low is None else ""
        scalar = "" if is_array(low) or is_array(high) else "_scalar"
        if scalar or not which:
            supported(f"clamp{which}{scalar}_cpu", NUMERIC, promoted[:1])
    return promoted


clamp = Primitive(
    "clamp", "ternary", _clamp, (_clamp_x, _clamp_low, _clamp_high),
    pointwise_rule(_clamp, _promote_clamp_checked), formulas.clamped,
    _clamp_samples, promote=_promote_clamp_checked, layout=apart_from_numbers, label=_clamp_label,
)  # fmt: skip

# ---- between and beside -------------------------------------------------------------------------


def _lerp(x: Any, end: Any, weight: Any) -> Any:
    # Two formulas, so that both ends are reached exactly.
    difference = as_array(np.subtract(end, x))
    if is_array(weight):
        near = np.abs(weight) < 0.5
        return np.where(near, x + weight * difference, end - difference * (1 - weight))
    if np.abs(weight) < 0.5:
        difference *= weight
        difference += x
        return difference
    difference *= 1 - weight
    return np.subtract(end, difference, out=difference)


def _promote_lerp(arrays: list[Any]) -> list[Any]:
    x = arrays[0]
    for name, other in zip(("end", "weight"), arrays[1:], strict=True):
        if is_array(other) and other.dtype != x.dtype:
            raise RuntimeError(
                f"expected dtype {dtypes.of(x.dtype)} for `{name}` but got dtype "
                f"{dtypes.of(other.dtype)}"
            )
    supported("lerp", "fcV", [x])
    return arrays


def _lerp_samples() -> Iterable[Sample]:
    for seed, (left, right) in enumerate(PAIRS):
        yield Sample((draw(seed, left), draw(seed + 20, right), draw(seed + 40, right, 0.0, 1.0)))


lerp = Primitive(
    "lerp", "ternary", _lerp,
    (lambda g, weight: g * conj(1 - weight), lambda g, weight: g * conj(weight),
     lambda g, x, end: g * conj(end - x)),
    pointwise_rule(_lerp, _promote_lerp), formulas.between, _lerp_samples, promote=_promote_lerp,
    layout=apart_from_numbers, label=lambda node: f"LerpBackward{int(tensors_saved(node) > 0)}",
)  # fmt: skip


# The factor is an input, not a parameter: in an optimizer it changes from step to step.


def _addcmul(x: Any, first: Any, second: Any, value: Any) -> Any:
    return _added(x, (first if value == 1 else np.multiply(first, value)) * second)


def _addcdiv(x: Any, first: Any, second: Any, value: Any) -> Any:
    return _added(x, (first if value == 1 else np.multiply(first, value)) / second)


def _added(x: Any, term: Any) -> Any:
    # The term is ours: where it has the result's shape the sum can be written over it.
    if is_array(term) and term.dtype is x.dtype and term.shape == x.shape:
        return np.add(x, term, out=term)
    return np.add(x, term)


def _promote_added(name: str) -> Any:
    def promote(arrays: list[Any]) -> list[Any]:
        *operands, value = arrays
        if name == "addcdiv" and all(a.dtype.kind in "iub" for a in operands[1:]):
            raise RuntimeError(
                "Integer division with addcdiv is no longer supported: for the true quotient "
                "write x + value * first / second, or make the operands floating"
            )
        operands = promote_many(operands)
        kind = operands[0].dtype.kind
        if kind in "iub":
            supported(name, NUMERIC, operands[:1])
        if not (is_small(value) and kind in "fV"):
            dtype = operands[0].dtype
            value = dtypes.number_in(
                value, np.dtype(np.float32) if dtype in dtypes.NARROW else dtype
            )
        return [*operands, value]

    return promote


def _added_samples() -> Iterable[Sample]:
    for seed, (left, right) in enumerate(PAIRS):
        x, first = draw(seed, left), draw(seed + 20, right)
        yield Sample((x, first, draw(seed + 40, right, 0.5, 2.0), 0.7))


def _factored(value: Any, g: Any) -> Any:
    return g if value == 1 else g * conj(value)


addcmul = Primitive(
    "addcmul", "ternary", _addcmul,
    (lambda g: g, lambda g, second, value: _factored(value, g * conj(second)),
     lambda g, first, value: _factored(value, g * conj(first)), None),
    pointwise_rule(_addcmul, _promote_added("addcmul")), "{x} + {first} * {value} * {second}",
    _added_samples, promote=_promote_added("addcmul"), layout=apart_from_numbers,
)  # fmt: skip
addcdiv = Primitive(
    "addcdiv", "ternary", _addcdiv,
    (lambda g: g, lambda g, second, value: _factored(value, g / conj(second)),
     lambda g, first, second, value: _factored(value, -g * conj((first / second) / second)), None),
    pointwise_rule(_addcdiv, _promote_added("addcdiv")), "{x} + {first} * {value} / {second}",
    _added_samples, promote=_promote_added("addcdiv"), layout=apart_from_numbers,
)  # fmt: skip
