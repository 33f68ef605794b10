"""What a row that folds elements into one does with each of them, in C.

A fold starts from `initial`, makes a term of every element, and combines terms in any order: several
accumulators can run beside each other, and are combined in the end. Sums of floats should be made so,
or of blocks: NumPy adds them in pairs, with an error that hardly grows with their number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rushlight.compiler.emit.expressions import (
    C_TYPES,
    NARROW,
    Figure,
    NoExpression,
    filled,
    literal,
)
from rushlight.core.row import Primitive

Dtype = np.dtype[Any]


@dataclass(frozen=True)
class Fold:
    """One pass over the elements, whose result later passes know as `{name}`.

    `term` is a template over the operands and `{position}`, the number of the element among those that are
    folded; `finish` is one over `{a}`, what the fold gave. `dtype` is the type of the accumulators, which are
    combined as `kind` says: "+", "*", "|", "&", "max" or "min". A nan is larger, and smaller, than all.
    """

    name: str
    dtype: Dtype
    kind: str
    initial: str
    term: str
    finish: str = "{a}"


@dataclass(frozen=True)
class Reduction:
    """The passes one after the other, of which the last gives the result."""

    dtype: Dtype
    passes: tuple[Fold, ...]
    fragments: tuple[str, ...] = ()


class _Maker:
    """Formulas filled in for a type, and the fragments that they call."""

    def __init__(self, dtype: Dtype, static: Mapping[str, Any], count: int) -> None:
        self.dtype, self.static, self.count = dtype, static, count
        self.fragments: dict[str, None] = {}

    def text(self, form: str, dtype: Dtype, *names: str) -> str:
        """A formula over names of that type."""
        made = filled(form, dtype, dict.fromkeys(names, dtype), self.static, dtype)
        self.fragments |= dict.fromkeys(made.fragments)
        return made.template

    def fold(
        self, kind: str, initial: str, term: str, finish: str = "{a}", name: str = "result",
        dtype: Dtype | None = None, known: Sequence[str] = (),
    ) -> Fold:  # fmt: skip
        """A pass whose accumulators are of that type; known: the names of passes before it."""
        own = self.dtype if dtype is None else dtype
        return Fold(
            name, own, kind, initial, self.text(term, self.dtype, "x", "y", "position", *known),
            self.text(finish, own, "a", *known),
        )  # fmt: skip

    def number(self, value: float) -> str:
        """A number of the type of the elements."""
        return literal(float(value), self.dtype)


Make = Callable[[_Maker, Mapping[str, Any]], list[Fold]]

_LONG, _BOOL = np.dtype(np.int64), np.dtype(np.bool_)


def _folded(kind: str, initial: str) -> Make:
    """A plain sum or product: what is made of whole numbers is of 64 bits."""

    def make(m: _Maker, static: Mapping[str, Any]) -> list[Fold]:
        return [m.fold(kind, initial, "{x}", dtype=_LONG if m.dtype.kind in "biu" else None)]

    return make


def _mean(m: _Maker, static: Mapping[str, Any]) -> list[Fold]:
    return [m.fold("+", "0", "{x}", "{a} / " + m.number(m.count))]


def _limit(dtype: Dtype, least: bool) -> str:
    """The smallest or largest of a type."""
    if dtype.kind == "f":
        return "-INFINITY" if least else "INFINITY"
    limits = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return literal(int(limits[not least]), dtype)


def _extreme(kind: str) -> Make:
    def make(m: _Maker, static: Mapping[str, Any]) -> list[Fold]:
        return [m.fold(kind, _limit(m.dtype, kind == "max"), "{x}", name="top")]

    return make


def _position(kind: str) -> Make:
    """The first that is the largest or smallest; the first nan, if there is one."""

    def make(m: _Maker, static: Mapping[str, Any]) -> list[Fold]:
        none = _limit(_LONG, False)
        found = "({x} == {top}) | (({x} != {x}) & ({top} != {top}))"
        first = Fold("result", _LONG, "min", none, f"{found} ? {{position}} : {none}")
        return [*_extreme(kind)(m, static), first]

    return make


def _every(kind: str, initial: str) -> Make:
    def make(m: _Maker, static: Mapping[str, Any]) -> list[Fold]:
        return [m.fold(kind, initial, "{x} != 0", dtype=_BOOL)]

    return make


def _var(finish: str) -> Make:
    def make(m: _Maker, static: Mapping[str, Any]) -> list[Fold]:
        correction = static["correction"]
        if isinstance(correction, Figure):
            raise NoExpression("a correction that is known only at run time")
        center = m.fold("+", "0", "{x}", "{a} / " + m.number(max(m.count, 1)), "center")
        divided = "{a} / " + m.number(max(m.count - correction, 0))
        square = "({x} - {center}) * ({x} - {center})"
        end = f"{finish}({divided})" if finish else divided
        return [center, m.fold("+", "0", square, end, known=("center",))]

    return make


def _logsumexp(m: _Maker, static: Mapping[str, Any]) -> list[Fold]:
    top = m.fold("max", "-INFINITY", "{x}", "{a} - {a} == 0 ? {a} : 0", "top")
    return [top, m.fold("+", "0", "exp({x} - {top})", "log({a}) + {top}", known=("top",))]


def _norm(m: _Maker, static: Mapping[str, Any]) -> list[Fold]:
    order = static["ord"]
    if isinstance(order, Figure):
        raise NoExpression("a norm whose order is known only at run time")
    if order == 0:
        return [m.fold("+", "0", "{x} != 0")]
    if order == 1 or m.count == 1:
        # Of one element its powers might leave the range.
        return [m.fold("+", "0", "fabs({x})")]
    if order == 2:
        return [m.fold("+", "0", "{x} * {x}", "sqrt({a})")]
    if math.isinf(order):
        kind = "max" if order > 0 else "min"
        return [m.fold(kind, "0" if order > 0 else "INFINITY", "fabs({x})")]
    return [m.fold("+", "0", "pow(fabs({x}), {ord})", "pow({a}, ({T})(1 / {ord:d}))")]


def _inner(m: _Maker, static: Mapping[str, Any]) -> list[Fold]:
    return [m.fold("+", "0", "{x} * {y}")]


# By the name of the row; the kinds that it is in C for.
REDUCTIONS: dict[str, tuple[str, Make]] = {
    "sum": ("biuf", _folded("+", "0")), "prod": ("biuf", _folded("*", "1")), "mean": ("f", _mean),
    "amax": ("biuf", _extreme("max")), "amin": ("biuf", _extreme("min")),
    "argmax": ("biuf", _position("max")), "argmin": ("biuf", _position("min")),
    "any": ("biuf", _every("|", "0")), "all": ("biuf", _every("&", "1")), "var": ("f", _var("")),
    "std": ("f", _var("sqrt")), "logsumexp": ("f", _logsumexp), "vector_norm": ("f", _norm),
    "inner": ("f", _inner), "dot": ("iuf", _inner),
    "signed_sum": ("f", _folded("+", "-0.0")),
}  # fmt: skip


def reduction(
    row: Primitive, kinds: Sequence[Any], static: Mapping[str, Any], count: int
) -> Reduction | None:
    """How a row folds count elements of these types into one; None: C has no words for it.

    >>> from rushlight.primitives.reduce import mean
    >>> made = reduction(mean, [np.dtype("f4")], {"dim": None, "keepdim": False}, 8)
    >>> made.passes[0].kind, made.passes[0].initial, made.passes[0].finish
    ('+', '0', '{a} / 8.0f')
    """
    dtype = kinds[0]
    letters, make = REDUCTIONS.get(row.name, ("", _norm))
    if dtype.name not in C_TYPES or dtype.name in NARROW or dtype.kind not in letters:
        return None
    maker = _Maker(dtype, static, count)
    try:
        passes = tuple(make(maker, static))
    except NoExpression:
        return None
    result = passes[-1].dtype
    if row.name in ("any", "all") and dtype == np.uint8:
        result = dtype
    return Reduction(result, passes, tuple(maker.fragments))
