"""What a row computes of one element, as an expression in C.

The formula stands in the column `c` of the row (for what writes into memory, beside its kernel in
`primitives/writing.py`), in a C that leaves the types open:

- `{x}` is an operand or a static parameter by its name, a number among them as one of the type that
  is computed in; `{slope:d}` is such a number in double precision, as Python computes with it;
- `{T}` is the type that is computed in, `{bits}` how wide it is, `{to}` that of a static dtype;
- a literal with a point, as `0.5`, has that type, and a function, as `exp(...)`, is the one for it:
  a fragment of `compiler/c`, or one of <math.h>;
- whole numbers wrap around in a formula of +, - and * alone, and booleans become "not 0";
- `formula unless condition` says under which condition a row of whole numbers raises an error.

A column is such a formula; or `{"f": ..., "iu": ...}`, by NumPy's letters of kinds; or a tuple for
several outputs; or a function of (kinds, static) that gives one of these, or None. A formula without a
letter serves all kinds for which its functions are there; complex numbers not with *, / or an order,
and what NumPy has no numbers for only where elements are chosen and nothing is computed. A word without
braces is the kind of a loop, and no expression.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rushlight.compiler.emit.fragments import TYPES, fragment, function
from rushlight.core.row import Primitive
from rushlight.core.table import TABLE
from rushlight.dtypes import cast
from rushlight.narrow import EXACT, WIDE, rounded
from rushlight.primitives import writing
from rushlight.primitives.formulas import FORMULAS

# An operand: an array's dtype, a Python number whose value is known, None for a number that is known
# only when the program runs (a double in C), and this for an operand that is not there (None in Python).
ABSENT = "absent"
Kind = Any

C_TYPES = {
    "bool": "uint8_t", "uint8": "uint8_t", "uint16": "uint16_t", "uint32": "uint32_t", "uint64": "uint64_t",
    "int8": "int8_t", "int16": "int16_t", "int32": "int32_t", "int64": "int64_t",
    "float32": "float", "float64": "double", "complex64": "float _Complex", "complex128": "double _Complex",
    "float16": "uint16_t", "bfloat16": "uint16_t",
}  # fmt: skip
# By which suffix the functions for a type are called. Small whole numbers are computed in 32 bits.
SUFFIXES = {
    "float32": "f32", "float64": "f64", "int8": "i32", "int16": "i32", "int32": "i32", "int64": "i64",
    "bool": "u32", "uint8": "u32", "uint16": "u32", "uint32": "u32", "uint64": "u64", "complex64": "c64",
    "complex128": "c128",
}  # fmt: skip

_ARITHMETIC = re.compile(r"[-+* ()]*(\{\w+\}[-+* ()]*)+")
_CHOICE = re.compile(r"[\w{}?: ]+")
_FUNCTION = re.compile(r"\b([a-z][a-z0-9_]*)\(")
_LITERAL = re.compile(r"(?<![\w.])(\d+\.\d*(?:e[-+]?\d+)?|\d+e[-+]?\d+)(?![\w.])")


class NoExpression(Exception):
    """C has no expression for that."""


@dataclass(frozen=True)
class Expression:
    """One element of a result: a template over the names of the operands, which must be names or calls.

    It is to be stored in a variable of the C type of `dtype`, which may round or wrap it. `fragments` are
    the functions it calls; under the condition `check`, also a template, the row raises an error.
    """

    template: str
    dtype: np.dtype[Any]
    fragments: tuple[str, ...] = ()
    check: str | None = None


def expression(
    row: Primitive, kinds: Sequence[Kind], static: Mapping[str, Any], out: int = 0
) -> Expression | None:
    """What an elementwise row computes, of promoted operands; None: there is no such expression.

    A static parameter that is known only at run time is given as a `Figure`. out: which
    of several outputs.

    >>> from rushlight.primitives.pointwise import add, relu
    >>> expression(add, [np.dtype("f4"), 0.5], {}).template
    '{x} + 0.5f'
    >>> expression(relu, [np.dtype("f8")], {}).template
    '0 > {x} ? 0 : {x}'
    """
    arrays = [kind for kind in kinds if isinstance(kind, np.dtype)]
    if not arrays:
        return None
    narrow = next((kind for kind in arrays if kind.name in NARROW), None)
    if narrow is not None and not row.as_is:
        # Computed in single precision: as apply does it, by core/narrow.py.
        if row.name in WIDE:
            return None
        exact = row.name in EXACT
        kinds = [_single(kind, narrow, exact) for kind in kinds]
    computed = arrays[-1] if narrow is None or row.as_is else _SINGLE
    form = _chosen(row.c, computed, kinds, static, out)
    if form is None or (narrow is not None and row.as_is and not _moves(form, row)):
        return None
    names = [name for name in row.inputs if not name.startswith("*")]
    operands = dict(zip(names, kinds, strict=False))
    try:
        if narrow is None or row.as_is:
            result = _result_type(row, kinds, static, out)
            return filled(form, arrays[-1], operands, static, result)
        if any(kind is _UNKNOWN for kind in kinds):
            return None
        wide = filled(form, _SINGLE, operands, static, _result_type(row, kinds, static, out))
        return _narrowed(wide, narrow, [n for n in names if isinstance(operands[n], np.dtype)])
    except NoExpression:
        return None


# What is computed in single precision, by its name, and how the functions for it are called.
NARROW = {"float16": "f16", "bfloat16": "bf16"}
_SINGLE = np.dtype(np.float32)
# A number that must be rounded to a narrow type before it is used, and is known only at run time.
_UNKNOWN = object()


def _single(kind: Kind, narrow: np.dtype[Any], exact: bool) -> Kind:
    """An operand beside narrow floats as the forward is given it."""
    if isinstance(kind, np.dtype):
        return _SINGLE if kind == narrow else kind
    if kind is None:
        return None if exact else _UNKNOWN
    return kind if exact or kind is ABSENT else rounded(kind, narrow)


def _moves(form: str, row: Primitive) -> bool:
    """Whether a formula moves elements as they are, or says itself how they are converted."""
    return bool(_CHOICE.fullmatch(form)) or row.name == "convert"


def _narrowed(wide: Expression, narrow: np.dtype[Any], names: Sequence[str]) -> Expression:
    """An expression in single precision for narrow operands of these names, and a narrow result."""
    suffix = NARROW[narrow.name]
    template = wide.template
    for name in names:
        template = template.replace(f"{{{name}}}", f"widened_{suffix}({{{name}}})")
    used = [*wide.fragments, f"widened_{suffix}"]
    if wide.dtype != _SINGLE:
        return replace(wide, template=template, fragments=tuple(used))
    used.append(f"narrowed_{suffix}")
    return Expression(f"narrowed_{suffix}({template})", narrow, tuple(used))


def written_expression(
    kernel: Callable[..., Any],
    target: np.dtype[Any],
    kinds: Sequence[Kind],
    static: Mapping[str, Any],
    size: int,
) -> Expression | None:
    """What a kernel of `primitives/writing.py` leaves in an element `{target}` of an array of size elements.

    kinds are those of the operands; the operands are named as the kernel names them.

    >>> from rushlight.primitives.writing import add
    >>> written_expression(add, np.dtype("f4"), [np.dtype("f4")], {"alpha": 0.5}, 10000).template
    '{target} + {y} * (0.5f)'
    """
    if target.name in NARROW and kernel not in _MOVES:
        return _narrow_write(kernel, target, kinds, static, size)
    found = FORMULAS.get(kernel)
    if found is None:
        return None
    names, defaults, form = found
    operands = dict(zip(names[1:], kinds, strict=False))
    if isinstance(form, Primitive):
        made = expression(form, kinds, {"dtype": target})
        return made and replace(made, template=made.template.replace("{x}", f"{{{names[1]}}}"))
    numbers = {**defaults, **static}
    form = form({**numbers, **operands}, target, size) if callable(form) else form
    form = _chosen(form, target, (), {}, 0)
    if form is None:
        return None
    try:
        return filled(form, target, {names[0]: target, **operands}, numbers, target, names[0])
    except NoExpression:
        return None


# Kernels that move elements, or say themselves how they are converted; and those of one operation, which
# NumPy rounds once.
_MOVES = (writing.copy, writing.fill, writing.fill_where)
_ONCE = (writing.add, writing.sub, writing.mul, writing.div, writing.sqrt)


def _narrow_write(
    kernel: Callable[..., Any],
    target: np.dtype[Any],
    kinds: Sequence[Kind],
    static: Mapping[str, Any],
    size: int,
) -> Expression | None:
    """A kernel on narrow floats: computed in single precision, as `write_rounded` does it."""
    if isinstance(kernel, functools.partial):
        kernel, name = kernel.args
        exact = name not in ("add", "sub")
        kinds = [_single(kind, target, exact) for kind in kinds]
        if not exact:
            static = {key: _single(value, target, exact) for key, value in static.items()}
    elif kernel in _ONCE and not static:
        kinds = [_single(kind, target, True) for kind in kinds]
    else:
        return None
    if any(kind is _UNKNOWN for kind in kinds) or any(
        isinstance(x, Figure) for x in static.values()
    ):
        return None
    wide = written_expression(kernel, _SINGLE, kinds, static, size)
    if wide is None:
        return None
    names = FORMULAS[kernel][0][1:]
    arrays = [n for n, kind in zip(names, kinds, strict=False) if isinstance(kind, np.dtype)]
    return _narrowed(wide, target, ["target", *arrays])


def conversion(source: np.dtype[Any], target: np.dtype[Any]) -> Expression | None:
    """The template over `{x}` that brings an element from one type to another."""
    return expression(TABLE["convert"], [source], {"dtype": target})


# ---- from a column to a formula ------------------------------------------------------------------


def _chosen(
    form: Any, dtype: np.dtype[Any], kinds: Sequence[Kind], static: Mapping[str, Any], out: int
) -> str | None:
    """The formula for operands of that type."""
    if callable(form):
        form = form(kinds, static)
    if isinstance(form, tuple):
        form = form[out]
    if isinstance(form, Mapping):
        return next((text for letters, text in form.items() if dtype.kind in letters), None)
    if form is None or "{" not in form:
        return None
    if dtype.kind == "c" and re.search("[*/<>]", form):
        return None
    return None if dtype.kind == "V" and not _CHOICE.fullmatch(form) else str(form)


def _result_type(
    row: Primitive, kinds: Sequence[Kind], static: Mapping[str, Any], out: int
) -> np.dtype[Any]:
    """The type of the result, as the row's own rule foretells it for no elements."""
    samples = [
        np.empty(0, kind) if isinstance(kind, np.dtype) else 1.0 if kind is None else kind
        for kind in kinds
    ]
    samples = [None if sample is ABSENT else sample for sample in samples]
    known = {name: 1.0 if isinstance(value, Figure) else value for name, value in static.items()}
    specs = row.rule(*samples, **known)
    return (specs[out] if isinstance(specs, list) else specs)[1]


class Figure(str):
    """A static parameter that is known only when the program runs: the name of a double in C."""

    __slots__ = ()


# ---- from a formula to C -------------------------------------------------------------------------


class _Operand:
    """What stands for a name of a formula."""

    def __init__(self, own: str, wide: str) -> None:
        self.own, self.wide = own, wide

    def __format__(self, spec: str) -> str:
        return self.wide if spec == "d" else self.own


def filled(
    form: str,
    dtype: np.dtype[Any],
    operands: Mapping[str, Kind],
    static: Mapping[str, Any],
    result: np.dtype[Any],
    target: str = "",
) -> Expression:
    """The formula in C, for a type that is computed in."""
    form, _, check = form.partition(" unless ")
    suffix = SUFFIXES.get(dtype.name, "")
    wraps = dtype.kind in "iu" and _is_arithmetic(form)
    if wraps or (
        dtype.kind in "iu"
        and dtype.itemsize < 4
        and result == dtype
        and not _CHOICE.fullmatch(form)
    ):
        form = f"({{T}})({form})"
    elif dtype.kind == result.kind == "b" and _is_arithmetic(form):
        form = f"({form}) != 0"
    called: dict[str, None] = {}

    def resolved(match: re.Match[str]) -> str:
        name = match[1] if fragment(match[1]) is not None else function(match[1], suffix)
        if name is None:
            raise NoExpression(match[1])
        if fragment(name) is not None:
            called[name] = None
        return name + "("

    form = _FUNCTION.sub(resolved, form)
    if dtype.name in ("float32", "complex64"):
        form = _LITERAL.sub(r"\1f", form)
    names: dict[str, Any] = {
        "T": C_TYPES.get(dtype.name), "bits": 8 * dtype.itemsize,
    }  # fmt: skip
    unsigned = f"({TYPES[suffix.replace('i', 'u')]})" if wraps else ""
    for name, kind in operands.items():
        shown = "{target}" if name == target else f"{{{name}}}"
        if isinstance(kind, np.dtype):
            names[name] = _Operand(unsigned + shown, f"(double){shown}")
        elif kind is None:
            names[name] = _run_time(shown, dtype)
        elif kind is not ABSENT:
            names[name] = _number(kind, dtype)
    for name, value in static.items():
        if isinstance(value, np.dtype):
            names["to"] = C_TYPES[value.name]
        elif isinstance(value, Figure):
            names.setdefault(name, _run_time(value, dtype))
        elif isinstance(value, bool | int | float | np.number):
            names.setdefault(name, _number(value, dtype))
    raises = check.format_map(names) if check and dtype.kind in "iu" else None
    return Expression(form.format_map(names), result, tuple(called), raises)


def _is_arithmetic(form: str) -> bool:
    """Whether there is nothing but +, - and *."""
    return bool(_ARITHMETIC.fullmatch(form) and re.search("[-+*]", form))


def _run_time(name: str, dtype: np.dtype[Any]) -> _Operand:
    """A number that is known when the program runs, as a double of that name."""
    if dtype.kind != "f" or dtype.itemsize < 4:
        raise NoExpression(name)
    return _Operand(name if dtype.itemsize == 8 else f"({C_TYPES[dtype.name]}){name}", name)


def _number(value: Any, dtype: np.dtype[Any]) -> _Operand:
    """A number that is known."""
    wide = literal(value, np.dtype(np.float64)) if not isinstance(value, complex) else ""
    return _Operand(literal(value, dtype), wide)


def literal(value: Any, dtype: np.dtype[Any]) -> str:
    """A Python number as a literal of a type, as NumPy converts it.

    >>> literal(0.1, np.dtype("f4")), literal(-2, np.dtype("f8")), literal(-(2**63), np.dtype("i8"))
    ('0.1f', '(-2.0)', '(-9223372036854775807LL - 1)')
    """
    kind = dtype.kind
    if kind == "b":
        return str(int(bool(value)))
    if dtype.name in NARROW and not isinstance(value, complex):
        # Held as its bits.
        return hex(int(cast(np.asarray(value, np.float64), dtype).view(np.uint16)))
    if (
        isinstance(value, complex)
        or kind not in "fiu"
        or dtype.itemsize < (4 if kind == "f" else 1)
    ):
        raise NoExpression(f"{value} as {dtype}")
    if kind in "iu":
        whole = int(value)
        if whole == -(2**63):
            return "(-9223372036854775807LL - 1)"
        text = str(whole) + ("" if abs(whole) < 2**31 else "LL" if whole < 2**63 else "ULL")
    else:
        with np.errstate(all="ignore"):
            number = dtype.type(value)
        if math.isnan(number):
            return "NAN"
        text = "INFINITY" if math.isinf(number) else str(abs(number)) + "f" * (dtype.itemsize == 4)
        text = f"-{text}" if math.copysign(1.0, number) < 0 else text
    return f"({text})" if text.startswith("-") else text
