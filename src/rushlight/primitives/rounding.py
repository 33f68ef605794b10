"""Elementwise rows about steps and signs: rounding, the pieces of a float, what is not finite."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.arrays import as_array
from rushlight.core.row import Primitive, Sample
from rushlight.core.tensor import Array
from rushlight.memory import laid
from rushlight.primitives import formulas
from rushlight.primitives.families import (
    FLOAT,
    NUMERIC,
    PAIRS,
    REAL,
    SHAPES,
    binary,
    draw,
    missing,
    pointwise_rule,
    taking,
    unary,
    unchanged,
)
from rushlight.primitives.kernel import one_kernel
from rushlight.primitives.placement import (
    NUMBER,
    Operand,
    as_first,
    iterated,
    of_kind,
    pointwise,
    result_strides,
)
from rushlight.primitives.pointwise import eq, flat, floor_divide, where
from rushlight.primitives.transcendental import exp2

# ---- to whole numbers ---------------------------------------------------------------------------

ceil = unary("ceil", np.ceil, flat, "ceil({x})", to_float=False, takes=NUMERIC)
floor = unary("floor", np.floor, flat, "floor({x})", to_float=False, takes=NUMERIC)
trunc = unary("trunc", np.trunc, flat, "trunc({x})", to_float=False, takes=NUMERIC)


def _round(x: Array, *, decimals: int = 0) -> Any:
    """Round half to even, at that many decimals."""
    if decimals == 0:
        return np.rint(x) if x.dtype.kind in "fV" else x.copy()
    if x.dtype.kind in "iu":
        raise NotImplementedError(f"\"round_cpu\" not implemented for '{dtypes.of(x.dtype).word}'")
    scale = x.dtype.type(10.0 ** abs(decimals))
    return np.rint(x * scale) / scale if decimals > 0 else np.rint(x / scale) * scale


round = unary(
    "round", _round, flat, formulas.rounded, to_float=False, takes=NUMERIC,
    static=({}, {"decimals": 1}, {"decimals": -1}),
    label=lambda node: f"RoundBackward{int('decimals' in node.static)}",
)  # fmt: skip


def _frac(x: Array) -> Any:
    return x - np.trunc(x)


frac = unary("frac", _frac, lambda g: g, "{x} - trunc({x})", to_float=False, takes=FLOAT)

# `//` and torch.floor_divide, for which torch has no derivative; that of div with
# rounding_mode="floor" is 0.
floor_division = binary(
    "floor_division", floor_divide.forward, (missing("floor_divide", RuntimeError),) * 2,
    floor_divide.c, second=(0.5, 2.0), takes=NUMERIC, label="torch::autograd::NotImplemented",
)  # fmt: skip

# ---- signs --------------------------------------------------------------------------------------


def _signbit(x: Array) -> Any:
    return np.signbit(x) if x.dtype.kind in "fV" else x < 0


signbit = unary("signbit", _signbit, None, "signbit({x})", to_float=False, takes=REAL)


def _copysign_x(g: Any, x: Any, out: Any) -> Any:
    return g * where(eq(x, 0), 0, out / x)


# The output is asked for because torch keeps it in any case.
copysign = binary(
    "copysign", np.copysign,
    (_copysign_x, one_kernel(lambda g, out: flat(g), in_rows=True)),
    "copysign({x}, {y})", takes=REAL, to_float=True,
)  # fmt: skip


def _heaviside(x: Any, y: Any) -> Any:
    step = np.greater(x, 0).astype(x.dtype)
    return np.where(np.equal(x, 0), y, step)


def _promote_heaviside(arrays: list[Any]) -> list[Any]:
    if arrays[0].dtype != arrays[1].dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    return arrays


heaviside = binary(
    "heaviside", _heaviside, (missing("heaviside", RuntimeError),) * 2,
    "{x} == 0 ? {y} : ({T})({x} > 0)", takes=REAL, promote=_promote_heaviside, label="torch::autograd::NotImplemented",
)  # fmt: skip
nextafter = binary(
    "nextafter", np.nextafter, (lambda g, x, y: where(eq(x, y), 0, g), flat),
    "nextafter({x}, {y})", takes=FLOAT, as_is=True,
)  # fmt: skip

# ---- the pieces of a float ----------------------------------------------------------------------


def _frexp(x: Array) -> tuple[Any, Any]:
    mantissa, exponent = np.frexp(x)
    return mantissa, as_array(exponent, np.dtype(np.int32))


def _frexp_vjp(g: Any, out1: Any) -> Any:
    return None if g[0] is None else g[0] / exp2(out1.detach().astype(g[0]._data_.dtype))


def _frexp_samples() -> Iterable[Sample]:
    for seed, shape in enumerate(SHAPES):
        yield Sample((draw(seed, shape),))


_promote_frexp = taking("frexp", FLOAT, unchanged)

frexp = Primitive(
    "frexp", "unary", _frexp, (_frexp_vjp,), pointwise_rule(_frexp, _promote_frexp), "call",
    _frexp_samples, inputs=("x",), promote=_promote_frexp, layout=as_first,
)  # fmt: skip


def _ldexp_samples() -> Iterable[Sample]:
    for seed, (left, right) in enumerate(PAIRS):
        yield Sample((draw(seed, left), np.asarray(draw(seed + 50, right, -9, 9), np.int64)))


ldexp: Primitive = Primitive(
    "ldexp", "binary", np.ldexp, (lambda g, y: ldexp(g, y), None),
    pointwise_rule(np.ldexp, unchanged), "call", _ldexp_samples, inputs=("x", "y"), layout=pointwise,
    label="LdexpBackward0",
)  # fmt: skip

# ---- what is not finite -------------------------------------------------------------------------


def _compared(x: Array) -> tuple[Operand, Operand]:
    """Where x == x lies, and where that lies beside a number; of complex numbers, their parts'."""
    size = x.itemsize // 2 if x.dtype.kind == "c" else x.itemsize
    same = x.shape, result_strides(x.shape, (x.shape, laid(x).strides, size)), 1
    return same, (x.shape, result_strides(x.shape, same, NUMBER), 1)


def _infinite_layout(forward: Any, arrays: Sequence[Any], static: dict[str, Any]) -> Any:
    # torch's is abs(x) == inf; of complex numbers the real part's, and the other's written into it.
    return iterated(forward(*arrays), _compared(arrays[0])[0], NUMBER)


def _finite_layout(forward: Any, arrays: Sequence[Any], static: dict[str, Any]) -> Any:
    # torch's is (x == x) * (abs(x) != inf), of complex numbers the product of both parts'.
    (x,) = arrays
    operands = _compared(x)
    if x.dtype.kind == "c":
        operands = ((x.shape, result_strides(x.shape, *operands), 1),) * 2
    return iterated(forward(x), *operands)


isfinite = unary(
    "isfinite", np.isfinite, None, "{x} - {x} == 0", to_float=False,
    layout=of_kind("biu", as_first, _finite_layout),
)  # fmt: skip
isinf = unary(
    "isinf", np.isinf, None, {"biuf": "({x} - {x} != 0) & ({x} == {x})"}, to_float=False,
    layout=of_kind("biu", as_first, _infinite_layout),
)  # fmt: skip
isposinf = unary(
    "isposinf", lambda x: x == np.inf, None, "{x} == INFINITY", to_float=False, takes=REAL
)
isneginf = unary(
    "isneginf", lambda x: x == -np.inf, None, "{x} == -INFINITY", to_float=False, takes=REAL
)


def _nan_to_num(x: Array, *, nan: float | None, posinf: float | None, neginf: float | None) -> Any:
    if x.dtype.kind not in "fcV":
        return x.copy()
    return np.nan_to_num(x, nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf)


def _without_nan(x: Array) -> Array:
    return np.where(x == x, x, x.dtype.type(0))


# The gradient is a product, as in torch: one that is nan goes where there was nan, too.
without_nan = unary(
    "without_nan", _without_nan, lambda g, x: g * eq(x, x), "{x} == {x} ? {x} : 0", takes=FLOAT,
)  # fmt: skip
nan_to_num = unary(
    "nan_to_num", _nan_to_num, lambda g, x: g * isfinite(x),
    formulas.nan_to_num, to_float=False, static=({"nan": 0.5, "posinf": None, "neginf": -3.0},), layout=as_first,
)  # fmt: skip
