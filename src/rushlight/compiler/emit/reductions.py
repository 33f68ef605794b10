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

from rushlight.compiler.emit.expressions import C_TYPES, Figure, NoExpression, filled
from rushlight.core.row import Primitive

Dtype = np.dtype[Any]


@dataclass(frozen=True)
class Fold:
    """One pass over the elements, whose result later passes know as `{name}`.

    `term` is a template over the operands, `combine` over the accumulators `{a}` and `{b}`, `finish` over `{a}`
    and `{count}`, the number of elements, as a whole number. `dtype` is the type of the accumulators.
    """

    name: str
    dtype: Dtype
    initial: str
    term: str
    combine: str
    finish: str = "{a}"


@dataclass(frozen=True)
class Reduction:
    """The passes one after the other, of which the last gives the result.

    Where the result is a position, `better` is the template of whether `{x}` takes the place of what was best
    so far, `{best}`, if it comes later; the first element is the first best, and there are no passes.
    """

    dtype: Dtype
    passes: tuple[Fold, ...] = ()
    fragments: tuple[str, ...] = ()
    better: str | None = None


class _Maker:
    """Formulas filled in for a type, and the fragments that they call."""

    def __init__(self, dtype: Dtype, static: Mapping[str, Any]) -> None:
        self.dtype, self.static = dtype, static
        self.fragments: dict[str, None] = {}

    def text(self, form: str, dtype: Dtype | None = None, *names: str) -> str:
        """A formula over names of that type."""
        dtype = self.dtype if dtype is None else dtype
        made = filled(form, dtype, dict.fromkeys(names, dtype), self.static, dtype)
        self.fragments |= dict.fromkeys(made.fragments)
        return made.template.replace("{count_}", "{count}")

    def fold(
        self, initial: str, term: str, combine: str, finish: str = "{a}", name: str = "result",
        dtype: Dtype | None = None, known: Sequence[str] = (),
    ) -> Fold:  # fmt: skip
        """A pass whose accumulators are of that type; known: the names of passes before it."""
        own = self.dtype if dtype is None else dtype
        return Fold(
            name, own, self.text(initial, own), self.text(term, None, "x", "y", *known),
            self.text(combine, own, "a", "b"), self.text(finish, own, "a", "count", *known),
        )  # fmt: skip


_ADD, _LONG, _BOOL = "{a} + {b}", np.dtype(np.int64), np.dtype(np.bool_)
_COUNT = "({T}){count}"


def _sum(m: _Maker, static: Mapping[str, Any], count: int | None) -> list[Fold]:
    return [_folded(m, _ADD, "0")]


def _prod(m: _Maker, static: Mapping[str, Any], count: int | None) -> list[Fold]:
    return [_folded(m, "{a} * {b}" if m.dtype.kind != "c" else "times({a}, {b})", "1")]


def _folded(m: _Maker, combine: str, initial: str) -> Fold:
    """What is made of whole numbers is of 64 bits."""
    if m.dtype.kind in "biu":
        return m.fold(initial, "(int64_t){x}", combine, dtype=_LONG)
    return m.fold(initial, "{x}", combine)


def _mean(m: _Maker, static: Mapping[str, Any], count: int | None) -> list[Fold]:
    return [m.fold("0", "{x}", _ADD, "{a} / " + _COUNT)]


def _extreme(least: bool) -> Callable[..., list[Fold]]:
    def make(m: _Maker, static: Mapping[str, Any], count: int | None) -> list[Fold]:
        limit = "INFINITY" if least else "-INFINITY"
        if m.dtype.kind in "iu":
            limits = np.iinfo(m.dtype)
            limit = _whole(int(limits.max if least else limits.min))
        elif m.dtype.kind == "b":
            limit = str(int(least))
        return [m.fold(limit, "{x}", ("minimum" if least else "maximum") + "({a}, {b})")]

    return make


def _whole(limit: int) -> str:
    if limit == -(2**63):
        return "(-9223372036854775807LL - 1)"
    return f"{limit}" + ("ULL" if limit >= 2**63 else "LL" if abs(limit) >= 2**31 else "")


def _any(m: _Maker, static: Mapping[str, Any], count: int | None) -> list[Fold]:
    return [m.fold("0", "{x} != 0", "{a} | {b}", dtype=_BOOL)]


def _all(m: _Maker, static: Mapping[str, Any], count: int | None) -> list[Fold]:
    return [m.fold("1", "{x} != 0", "{a} & {b}", dtype=_BOOL)]


def _var(m: _Maker, static: Mapping[str, Any], count: int | None, finish: str = "") -> list[Fold]:
    center = m.fold("0", "{x}", _ADD, "{a} / ({T})({count} > 0 ? {count} : 1)", "center")
    divisor = "({T})({count} - {correction:d} > 0 ? {count} - {correction:d} : 0)"
    square = "({x} - {center}) * ({x} - {center})"
    return [center, m.fold("0", square, _ADD, f"{finish}({{a}} / {divisor})", known=("center",))]


def _std(m: _Maker, static: Mapping[str, Any], count: int | None) -> list[Fold]:
    return _var(m, static, count, "sqrt")


def _logsumexp(m: _Maker, static: Mapping[str, Any], count: int | None) -> list[Fold]:
    finite = "{a} - {a} == 0 ? {a} : 0"
    top = m.fold("-INFINITY", "{x}", "maximum({a}, {b})", finite, "top")
    return [top, m.fold("0", "exp({x} - {top})", _ADD, "log({a}) + {top}", known=("top",))]


def _norm(m: _Maker, static: Mapping[str, Any], count: int | None) -> list[Fold]:
    order = static["ord"]
    if isinstance(order, Figure):
        raise NoExpression("a norm whose order is known only at run time")
    if order == 0:
        return [m.fold("0", "({T})({x} != 0)", _ADD)]
    if order == 1 or count == 1:
        # Of one element its powers might leave the range.
        return [m.fold("0", "fabs({x})", _ADD)]
    if order == 2:
        return [m.fold("0", "{x} * {x}", _ADD, "sqrt({a})")]
    if math.isinf(order):
        fold = ("0", "maximum") if order > 0 else ("INFINITY", "minimum")
        return [m.fold(fold[0], "fabs({x})", fold[1] + "({a}, {b})")]
    finish = "pow({a}, ({T})(1 / {ord:d}))"
    return [m.fold("0", "pow(fabs({x}), {ord})", _ADD, finish)]


def _inner(m: _Maker, static: Mapping[str, Any], count: int | None) -> list[Fold]:
    return [m.fold("0", "{x} * {y}", _ADD)]


# By the name of the row; the kinds that it is in C for.
REDUCTIONS: dict[str, tuple[str, Callable[..., list[Fold]]]] = {
    "sum": ("biufc", _sum), "prod": ("biufc", _prod), "mean": ("f", _mean), "amax": ("biuf", _extreme(False)),
    "amin": ("biuf", _extreme(True)), "any": ("biuf", _any), "all": ("biuf", _all), "var": ("f", _var),
    "std": ("f", _std), "logsumexp": ("f", _logsumexp), "vector_norm": ("f", _norm), "inner": ("f", _inner),
}  # fmt: skip

_BETTER = {
    "argmax": "((({x} > {best}) | ({x} != {x})) & ({best} == {best}))",
    "argmin": "((({x} < {best}) | ({x} != {x})) & ({best} == {best}))",
}


def reduction(
    row: Primitive, kinds: Sequence[Any], static: Mapping[str, Any], count: int | None = None
) -> Reduction | None:
    """How a row folds elements of these types; None: C has no words for it. count: how many there are.

    >>> from rushlight.primitives.reduce import mean
    >>> made = reduction(mean, [np.dtype("f4")], {"dim": None, "keepdim": False})
    >>> made.passes[0].initial, made.passes[0].combine, made.passes[0].finish
    ('0', '{a} + {b}', '{a} / (float){count}')
    """
    dtype = kinds[0]
    if dtype.name not in C_TYPES or dtype.name in ("float16", "bfloat16"):
        return None
    if row.name in _BETTER:
        return Reduction(_LONG, better=_BETTER[row.name]) if dtype.kind in "biuf" else None
    letters, make = REDUCTIONS.get(row.name, ("", _sum))
    if dtype.kind not in letters:
        return None
    maker = _Maker(dtype, static)
    try:
        passes = tuple(make(maker, static, count))
    except NoExpression:
        return None
    result = passes[-1].dtype
    if row.name in ("any", "all") and dtype == np.uint8:
        result = dtype
    return Reduction(result, passes, tuple(maker.fragments))
