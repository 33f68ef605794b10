"""Rows that work element by element."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.onnx.exporting.graph import Graph
from rushlight.onnx.exporting.story import Step, Var
from rushlight.onnx.exporting.writer import Writer, promoted

Translator = Callable[[Writer, Step], Any]


def given(w: Writer, step: Step) -> tuple[list[str], np.dtype[Any]]:
    """The inputs, all in the type in which the row computes."""
    dtypes = promoted(step)
    dtype = next((d for d, x in zip(dtypes, step.inputs, strict=True) if x is not None), dtypes[0])
    names = [w.operand(x, dtype) for x in step.inputs]
    return [n or "" for n in names], dtype


def finished(w: Writer, step: Step, name: str, dtype: np.dtype[Any]) -> str:
    """The result in the type that the row gives."""
    wanted = step.outs[0].dtype
    return name if wanted == dtype else w.graph.cast(name, wanted)


# ---- one operator --------------------------------------------------------------------------------

# The row, and its operator.
ONE: dict[str, str] = {
    "abs": "Abs", "acos": "Acos", "acosh": "Acosh", "asin": "Asin", "asinh": "Asinh", "atan": "Atan",
    "atanh": "Atanh", "ceil": "Ceil", "cos": "Cos", "cosh": "Cosh", "erf": "Erf", "exp": "Exp",
    "floor": "Floor", "isinf": "IsInf", "isnan": "IsNaN", "log": "Log", "neg": "Neg", "reciprocal": "Reciprocal",
    "relu": "Relu", "sigmoid": "Sigmoid", "sign": "Sign", "sin": "Sin", "sinh": "Sinh", "sqrt": "Sqrt",
    "tan": "Tan", "tanh": "Tanh",
}  # fmt: skip
TWO: dict[str, str] = {
    "add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "pow": "Pow", "maximum": "Max", "minimum": "Min",
}  # fmt: skip
# What these compare, in which types ONNX does not.
COMPARING: dict[str, str] = {
    "eq": "Equal", "lt": "Less", "le": "LessOrEqual", "gt": "Greater", "ge": "GreaterOrEqual",
}  # fmt: skip
LOGICAL: dict[str, str] = {"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor"}
BITWISE: dict[str, tuple[str, str]] = {
    "bitwise_and": ("BitwiseAnd", "And"), "bitwise_or": ("BitwiseOr", "Or"),
    "bitwise_xor": ("BitwiseXor", "Xor"),
}  # fmt: skip
# These are what they are of whole numbers.
_STILL = {"Ceil", "Floor"}


def _one(op: str) -> Translator:
    def translate(w: Writer, step: Step) -> str:
        (x,), dtype = given(w, step)
        if dtype.kind in "iub" and op in _STILL:
            return x
        if dtype.kind in "iub" and op in ("IsNaN", "IsInf"):
            return w.graph.op("Less", x := w.graph.cast(x, np.int32), x)
        made = w.graph.op(op, x)
        return made if op in ("IsNaN", "IsInf") else finished(w, step, made, dtype)

    return translate


def _two(op: str) -> Translator:
    def translate(w: Writer, step: Step) -> str:
        (x, y), dtype = given(w, step)
        if dtype.kind == "b":
            # Sums and products of truth values are "or" and "and".
            logical = {"Add": "Or", "Mul": "And", "Max": "Or", "Min": "And"}
            if op not in logical:
                w.refuse("it computes with truth values: convert them first")
            return w.graph.op(logical[op], x, y)
        wanted = step.outs[0].dtype
        if op == "Div" and dtype.kind in "iu":
            x, y, dtype = w.graph.cast(x, wanted), w.graph.cast(y, wanted), wanted
        return finished(w, step, w.graph.op(op, x, y), dtype)

    return translate


def _comparing(op: str) -> Translator:
    def translate(w: Writer, step: Step) -> str:
        (x, y), dtype = given(w, step)
        if dtype.kind == "b" and op != "Equal":
            x, y = w.graph.cast(x, np.int32), w.graph.cast(y, np.int32)
        return w.graph.compare(op, x, y)

    return translate


def _logical(op: str) -> Translator:
    def translate(w: Writer, step: Step) -> str:
        x, y = (truth(w, operand) for operand in step.inputs)
        return w.graph.op(op, x, y)

    return translate


def truth(w: Writer, x: Any) -> str:
    """An operand as truth values."""
    return w.operand(x, np.bool_) or ""


def _bitwise(ops: tuple[str, str]) -> Translator:
    def translate(w: Writer, step: Step) -> str:
        (x, y), dtype = given(w, step)
        if dtype.kind == "b":
            return w.graph.op(ops[1], x, y)
        w.graph.needs(18, step.name)
        return finished(w, step, w.graph.op(ops[0], x, y), dtype)

    return translate


def _not(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    if x.dtype.kind == "b":
        return w.graph.op("Not", w.name(x))
    w.graph.needs(18, step.name)
    return w.graph.op("BitwiseNot", w.name(x))


def _shift(direction: str) -> Translator:
    def translate(w: Writer, step: Step) -> str:
        (x, y), dtype = given(w, step)
        if dtype.kind == "u":
            return w.graph.op("BitShift", x, y, direction=direction)
        # ONNX shifts no signed numbers: they are multiplied, or divided and rounded down.
        power = w.graph.cast(
            w.graph.op("Pow", w.graph.number(2.0, np.float64), w.graph.cast(y, np.float64)), dtype
        )
        made = (
            w.graph.op("Mul", x, power)
            if direction == "LEFT"
            else _floor_of_whole(w.graph, x, power, dtype)
        )
        return finished(w, step, made, dtype)

    return translate


# ---- several operators ---------------------------------------------------------------------------

Formula = Callable[[Graph, Callable[[Any], str], list[str]], str]

# g: the graph, n: a number in the type of the row, the inputs.
FORMULAS: dict[str, Formula] = {
    "square": lambda g, n, x: g.op("Mul", x[0], x[0]),
    "rsqrt": lambda g, n, x: g.op("Reciprocal", g.op("Sqrt", x[0])),
    "log2": lambda g, n, x: g.op("Div", g.op("Log", x[0]), n(math.log(2))),
    "log10": lambda g, n, x: g.op("Div", g.op("Log", x[0]), n(math.log(10))),
    "log1p": lambda g, n, x: g.op("Log", g.op("Add", x[0], n(1))),
    "expm1": lambda g, n, x: g.op("Sub", g.op("Exp", x[0]), n(1)),
    "exp2": lambda g, n, x: g.op("Pow", n(2), x[0]),
    "erfc": lambda g, n, x: g.op("Sub", n(1), g.op("Erf", x[0])),
    "silu": lambda g, n, x: g.op("Mul", x[0], g.op("Sigmoid", x[0])),
    "hypot": lambda g, n, x: g.op(
        "Sqrt", g.op("Add", g.op("Mul", x[0], x[0]), g.op("Mul", x[1], x[1]))
    ),
    "squared_distance": lambda g, n, x: g.op("Mul", d := g.op("Sub", x[0], x[1]), d),
    "trunc": lambda g, n, x: g.op("Mul", g.op("Floor", g.op("Abs", x[0])), g.op("Sign", x[0])),
    "frac": lambda g, n, x: g.op(
        "Sub", x[0], g.op("Mul", g.op("Floor", g.op("Abs", x[0])), g.op("Sign", x[0]))
    ),
    "log_sigmoid": lambda g, n, x: g.op("Neg", g.op("Softplus", g.op("Neg", x[0]))),
    "sinc": lambda g, n, x: g.op(
        "Where", g.op("Equal", x[0], n(0)), n(1),
        g.op("Div", g.op("Sin", y := g.op("Mul", x[0], n(math.pi))), y),
    ),
    "logaddexp": lambda g, n, x: g.op(
        "Add", g.op("Max", x[0], x[1]),
        g.op("Log", g.op("Add", n(1), g.op("Exp", g.op("Neg", g.op("Abs", g.op("Sub", x[0], x[1])))))),
    ),
    "logaddexp2": lambda g, n, x: g.op(
        "Add", g.op("Max", x[0], x[1]),
        g.op("Div", g.op("Log", g.op("Add", n(1), g.op(
            "Pow", n(2), g.op("Neg", g.op("Abs", g.op("Sub", x[0], x[1])))))), n(math.log(2))),
    ),
    "xlogy": lambda g, n, x: g.op(
        "Where", g.op("Equal", x[0], n(0)), n(0), g.op("Mul", x[0], g.op("Log", x[1]))
    ),
    "xlog1py": lambda g, n, x: g.op(
        "Where", g.op("Equal", x[0], n(0)), n(0), g.op("Mul", x[0], g.op("Log", g.op("Add", x[1], n(1))))
    ),
    "entr": lambda g, n, x: g.op(
        "Where", g.op("Equal", x[0], n(0)), n(0),
        g.op("Where", g.op("Less", x[0], n(0)), n(-math.inf), g.op(
            "Neg", g.op("Mul", x[0], g.op("Log", x[0])))),
    ),
    "fmax": lambda g, n, x: g.op(
        "Where", g.op("IsNaN", x[0]), x[1], g.op("Where", g.op("IsNaN", x[1]), x[0], g.op("Max", x[0], x[1]))
    ),
    "fmin": lambda g, n, x: g.op(
        "Where", g.op("IsNaN", x[0]), x[1], g.op("Where", g.op("IsNaN", x[1]), x[0], g.op("Min", x[0], x[1]))
    ),
    "heaviside": lambda g, n, x: g.op(
        "Where", g.op("Equal", x[0], n(0)), x[1], g.op("Where", g.op("Greater", x[0], n(0)), n(1), n(0))
    ),
    "copysign": lambda g, n, x: g.op(
        "Where", g.op("Less", x[1], n(0)), g.op("Neg", y := g.op("Abs", x[0])), y
    ),
    "ldexp": lambda g, n, x: g.op("Mul", x[0], g.op("Pow", n(2), x[1])),
    "binary_cross_entropy": lambda g, n, x: g.op(
        "Neg", g.op("Add",
            g.op("Mul", x[1], g.op("Max", g.op("Log", x[0]), n(-100))),
            g.op("Mul", g.op("Sub", n(1), x[1]), g.op("Max", g.op("Log", g.op("Sub", n(1), x[0])), n(-100)))),
    ),
    "addcmul": lambda g, n, x: g.op("Add", x[0], g.op("Mul", g.op("Mul", x[1], x[3]), x[2])),
    "addcdiv": lambda g, n, x: g.op("Add", x[0], g.op("Div", g.op("Mul", x[1], x[3]), x[2])),
    "lerp": lambda g, n, x: g.op("Add", x[0], g.op("Mul", x[2], g.op("Sub", x[1], x[0]))),
    "relu_backward": lambda g, n, x: g.op("Where", g.op("Greater", x[1], n(0)), x[0], n(0)),
    "zeros_like": lambda g, n, x: g.op("Mul", x[0], n(0)),
    "atan2": lambda g, n, x: _atan2(g, n, *x),
}  # fmt: skip


def _atan2(g: Graph, n: Callable[[Any], str], y: str, x: str) -> str:
    slope = g.op("Atan", g.op("Div", y, x))
    left = g.op("Where", g.op("Less", y, n(0)), n(-math.pi), n(math.pi))
    turned = g.op("Where", g.op("Less", x, n(0)), g.op("Add", slope, left), slope)
    both = g.op("And", g.op("Equal", x, n(0)), g.op("Equal", y, n(0)))
    return g.op("Where", both, n(0), turned)


def _formula(formula: Formula) -> Translator:
    def translate(w: Writer, step: Step) -> str:
        names, dtype = given(w, step)
        wanted = step.outs[0].dtype
        if dtype.kind in "iub" and wanted.kind not in "iub":
            names, dtype = [w.graph.cast(x, wanted) for x in names], wanted
        made = formula(w.graph, lambda value: w.graph.number(value, dtype), names)
        return finished(w, step, made, dtype)

    return translate


def _floor_of_whole(g: Graph, x: str, y: str, dtype: Any) -> str:
    """x // y of whole numbers: ONNX rounds towards zero."""
    zero = g.number(0, dtype)
    apart = g.op("Equal", g.op("Less", x, zero), g.op("Greater", y, zero))
    rest = g.cast(g.op("Mod", x, y, fmod=0), np.bool_)
    less = g.cast(g.op("And", apart, rest), dtype)
    return g.op("Sub", g.op("Div", x, y), less)


def _floor_division(w: Writer, step: Step) -> str:
    (x, y), dtype = given(w, step)
    if dtype.kind == "u":
        made = w.graph.op("Div", x, y)
    elif dtype.kind == "i":
        made = _floor_of_whole(w.graph, x, y, dtype)
    else:
        made = w.graph.op("Floor", w.graph.op("Div", x, y))
    return finished(w, step, made, dtype)


def _trunc_division(w: Writer, step: Step) -> str:
    (x, y), dtype = given(w, step)
    if dtype.kind in "iu":
        x, y = w.graph.cast(x, np.float32), w.graph.cast(y, np.float32)
    q = w.graph.op("Div", x, y)
    q = w.graph.op("Mul", w.graph.op("Floor", w.graph.op("Abs", q)), w.graph.op("Sign", q))
    return w.graph.cast(q, step.outs[0].dtype) if dtype.kind in "iu" else q


def _remainder(w: Writer, step: Step) -> str:
    (x, y), dtype = given(w, step)
    if dtype.kind in "iu":
        return finished(w, step, w.graph.op("Mod", x, y, fmod=0), dtype)
    whole = w.graph.op("Floor", w.graph.op("Div", x, y))
    return finished(w, step, w.graph.op("Sub", x, w.graph.op("Mul", whole, y)), dtype)


def _fmod(w: Writer, step: Step) -> str:
    (x, y), dtype = given(w, step)
    return finished(w, step, w.graph.op("Mod", x, y, fmod=1), dtype)


def _ne(w: Writer, step: Step) -> str:
    (x, y), _ = given(w, step)
    return w.graph.op("Not", w.graph.op("Equal", x, y))


def _logical_not(w: Writer, step: Step) -> str:
    return w.graph.op("Not", truth(w, step.inputs[0]))


def _where(w: Writer, step: Step) -> str:
    condition, *rest = step.inputs
    dtype = step.outs[0].dtype
    x, y = (w.operand(part, dtype) for part in rest)
    return w.graph.op("Where", truth(w, condition), x, y)


def _clamp(w: Writer, step: Step) -> str:
    dtype = step.outs[0].dtype
    x, low, high = step.inputs
    name = w.operand(x, dtype) or ""
    numbers = all(bound is None or isinstance(bound, int | float) for bound in (low, high))
    if numbers and (low is not None and high is not None) and w.graph.opset >= 11 and low <= high:
        return w.graph.clip(name, low, high, dtype)
    if low is not None:
        name = w.graph.op("Max", name, w.operand(low, dtype))
    return name if high is None else w.graph.op("Min", name, w.operand(high, dtype))


def _hardtanh(w: Writer, step: Step) -> str:
    dtype = step.outs[0].dtype
    low, high = step.static["low"], step.static["high"]
    return w.graph.clip(w.operand(step.inputs[0], dtype) or "", low, high, dtype)


def _convert(w: Writer, step: Step) -> str:
    (x,) = step.inputs
    dtype = np.dtype(step.static["dtype"])
    if dtype.kind == "c":
        w.refuse("there are no complex numbers in ONNX: keep real and imaginary part apart")
    return w.graph.cast(w.name(x), dtype)


def _round(w: Writer, step: Step) -> str:
    (x,), dtype = given(w, step)
    decimals = step.static.get("decimals", 0)
    if dtype.kind in "iu":
        return x
    if not decimals:
        return w.graph.op("Round", x)
    scale = w.graph.number(10.0**decimals, dtype)
    return w.graph.op("Div", w.graph.op("Round", w.graph.op("Mul", x, scale)), scale)


def _gelu(w: Writer, step: Step) -> tuple[str, None]:
    (x,), dtype = given(w, step)
    g, how = w.graph, step.static["approximate"]
    if g.opset >= 20:
        return g.op("Gelu", x, approximate=how), None
    half, one = g.number(0.5, dtype), g.number(1, dtype)
    if how == "none":
        inner = g.op("Erf", g.op("Div", x, g.number(math.sqrt(2), dtype)))
    else:
        cube = g.op("Mul", g.op("Mul", g.op("Mul", x, x), x), g.number(0.044715, dtype))
        inner = g.op(
            "Tanh", g.op("Mul", g.op("Add", x, cube), g.number(math.sqrt(2 / math.pi), dtype))
        )
    return g.op("Mul", g.op("Mul", x, g.op("Add", inner, one)), half), None


def _elu(w: Writer, step: Step) -> str:
    (x,), dtype = given(w, step)
    g, (alpha, scale, rate) = w.graph, (step.static[n] for n in ("alpha", "scale", "rate"))
    if rate == 1 and scale == 1:
        return g.op("Elu", x, alpha=float(alpha))
    if rate == 1:
        return g.op("Selu", x, alpha=float(alpha), gamma=float(scale))
    if scale == 1 and abs(rate * alpha - 1) < 1e-6 and g.opset >= 12:
        return g.op("Celu", x, alpha=float(alpha))
    below = g.op("Exp", g.op("Mul", g.op("Min", x, g.number(0, dtype)), g.number(rate, dtype)))
    below = g.op("Mul", g.op("Sub", below, g.number(1, dtype)), g.number(alpha * scale, dtype))
    return g.op("Add", g.op("Mul", g.op("Relu", x), g.number(scale, dtype)), below)


def _softplus(w: Writer, step: Step) -> str:
    (x,), dtype = given(w, step)
    g, beta, threshold = w.graph, step.static["beta"], step.static["threshold"]
    scaled = x if beta == 1 else g.op("Mul", x, g.number(beta, dtype))
    made = g.op("Softplus", scaled)
    if beta != 1:
        made = g.op("Div", made, g.number(beta, dtype))
    return g.op("Where", g.op("Greater", scaled, g.number(threshold, dtype)), x, made)


def _mish(w: Writer, step: Step) -> str:
    (x,), _ = given(w, step)
    if w.graph.opset >= 18:
        return w.graph.op("Mish", x)
    return w.graph.op("Mul", x, w.graph.op("Tanh", w.graph.op("Softplus", x)))


def _hardsigmoid(w: Writer, step: Step) -> str:
    (x,), _ = given(w, step)
    return w.graph.op("HardSigmoid", x, alpha=1 / 6, beta=0.5)


def _hardswish(w: Writer, step: Step) -> str:
    (x,), _ = given(w, step)
    if w.graph.opset >= 14:
        return w.graph.op("HardSwish", x)
    return w.graph.op("Mul", x, w.graph.op("HardSigmoid", x, alpha=1 / 6, beta=0.5))


def _leaky_relu(w: Writer, step: Step) -> str:
    (x,), _ = given(w, step)
    return w.graph.op("LeakyRelu", x, alpha=float(step.static["slope"]))


def _threshold(w: Writer, step: Step) -> str:
    (x,), dtype = given(w, step)
    g = w.graph
    below = g.compare("LessOrEqual", x, g.number(step.static["threshold"], dtype))
    return g.op("Where", below, g.number(step.static["value"], dtype), x)


def _hardshrink(w: Writer, step: Step) -> str:
    (x,), dtype = given(w, step)
    g = w.graph
    near = g.compare("LessOrEqual", g.op("Abs", x), g.number(step.static["lambd"], dtype))
    return g.op("Where", near, g.number(0, dtype), x)


def _softshrink(w: Writer, step: Step) -> str:
    (x,), _ = given(w, step)
    lambd = float(step.static["lambd"])
    return w.graph.op("Shrink", x, bias=lambd, lambd=lambd)


def _isfinite(w: Writer, step: Step) -> str:
    (x,), dtype = given(w, step)
    if dtype.kind in "iub":
        return w.graph.op("Equal", x, x)
    return w.graph.op("Not", w.graph.op("Or", w.graph.op("IsNaN", x), w.graph.op("IsInf", x)))


def _one_infinity(negative: int) -> Translator:
    def translate(w: Writer, step: Step) -> str:
        (x,), _ = given(w, step)
        return w.graph.op("IsInf", x, detect_negative=negative, detect_positive=1 - negative)

    return translate


def _without_nan(w: Writer, step: Step) -> str:
    (x,), dtype = given(w, step)
    return w.graph.op("Where", w.graph.op("IsNaN", x), w.graph.number(0.0, dtype), x)


def _nan_to_num(w: Writer, step: Step) -> str:
    (x,), dtype = given(w, step)
    g = w.graph
    limits = np.finfo(dtype) if dtype.kind == "f" else None
    if limits is None:
        return x
    for name, test, standard in (
        ("nan", g.op("IsNaN", x), 0.0),
        ("posinf", g.op("IsInf", x, detect_negative=0), float(limits.max)),
        ("neginf", g.op("IsInf", x, detect_positive=0), float(limits.min)),
    ):
        value = step.static[name]
        x = g.op("Where", test, g.number(standard if value is None else value, dtype), x)
    return x


def _logit(w: Writer, step: Step) -> str:
    (x,), dtype = given(w, step)
    g, eps = w.graph, step.static["eps"]
    if eps is not None:
        x = g.clip(x, eps, 1 - eps, dtype)
    return g.op("Log", g.op("Div", x, g.op("Sub", g.number(1, dtype), x)))


def _rounded_distance(w: Writer, step: Step) -> str:
    (x, y), dtype = given(w, step)
    g, bend, slope = w.graph, step.static["bend"], step.static["slope"]
    distance = g.op("Abs", g.op("Sub", x, y))
    tip = g.op("Mul", g.op("Mul", distance, distance), g.number(0.5 * slope / bend, dtype))
    side = g.op("Mul", g.op("Sub", distance, g.number(0.5 * bend, dtype)), g.number(slope, dtype))
    return g.op("Where", g.op("Less", distance, g.number(bend, dtype)), tip, side)


def _signbit(w: Writer, step: Step) -> str:
    (x,), dtype = given(w, step)
    return w.graph.op("Less", x, w.graph.number(0, dtype))


def _same(w: Writer, step: Step) -> str:
    x = step.inputs[0]
    return w.name(x) if isinstance(x, Var) else w.operand(x, step.outs[0].dtype) or ""


POINTWISE: dict[str, Translator] = {
    **{row: _one(op) for row, op in ONE.items()},
    **{row: _two(op) for row, op in TWO.items()},
    **{row: _comparing(op) for row, op in COMPARING.items()},
    **{row: _logical(op) for row, op in LOGICAL.items()},
    **{row: _bitwise(ops) for row, ops in BITWISE.items()},
    **{row: _formula(formula) for row, formula in FORMULAS.items()},
    "bitwise_not": _not, "logical_not": _logical_not, "bitwise_left_shift": _shift("LEFT"),
    "bitwise_right_shift": _shift("RIGHT"), "floor_division": _floor_division, "floor_divide": _floor_division,
    "trunc_divide": _trunc_division, "remainder": _remainder, "fmod": _fmod, "ne": _ne, "where": _where,
    "clamp": _clamp, "hardtanh": _hardtanh, "convert": _convert, "round": _round, "gelu": _gelu, "elu": _elu,
    "softplus": _softplus, "mish": _mish, "hardsigmoid": _hardsigmoid, "hardswish": _hardswish,
    "leaky_relu": _leaky_relu, "threshold": _threshold, "hardshrink": _hardshrink, "softshrink": _softshrink,
    "isfinite": _isfinite, "isposinf": _one_infinity(0), "isneginf": _one_infinity(1), "sgn": _one("Sign"),
    "without_nan": _without_nan,
    "nan_to_num": _nan_to_num, "logit": _logit, "rounded_distance": _rounded_distance, "signbit": _signbit,
    "clone": _same, "compact": _same, "laid_out": _same, "variable": _same, "overwrite": _same,
    "conj_physical": _same,
}  # fmt: skip
