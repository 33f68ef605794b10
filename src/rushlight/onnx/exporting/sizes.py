"""How numbers that vary follow from the sizes that are open.

The model has run at several sizes. A number that was another each time is looked for among the sizes of
arrays that are there when it is needed, and then among simple functions of them: `a * s + b`, `s // k + b`,
products and sums of two. What fits in all recordings, of which there is always one more than the
function has free numbers, is written into the graph; what fits nowhere is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from rushlight.onnx.exporting.graph import Graph
from rushlight.onnx.exporting.story import Size, Var, Varying

Values = tuple[int, ...]
# What a size was in each recording, its symbol if it has one, and how it is written.
Atom = tuple[Values, "Symbol | None", Callable[[], str]]


class NoFormula(Exception):
    """A number varies with the sizes in no way that is known."""


@dataclass(frozen=True)
class Symbol:
    """A size that is open: its name, and what it was in each recording."""

    name: str
    values: Values
    argument: int
    dim: int
    # By which torch orders the sizes of a sum.
    order: str = ""


@dataclass(frozen=True)
class Formula:
    """A number as a function of sizes: how it reads, and how it is computed, as a list of one number."""

    text: str | None
    write: Callable[[], str]


class Sizes:
    """Finds formulas, and writes them."""

    def __init__(self, graph: Graph, symbols: list[Symbol], name_of: Callable[[Var], str]) -> None:
        self.graph = graph
        self.symbols = symbols
        self.name_of = name_of
        self.inputs: dict[int, Var] = {}
        # Where a size of this value can be looked at: the first array that has it.
        self.seen: dict[Values, tuple[Var, int]] = {}
        self.written: dict[Values, str] = {}

    def note(self, var: Var) -> None:
        """An array is there from now on."""
        for dim, size in enumerate(var.shape):
            if isinstance(size, Varying):
                self.seen.setdefault(size.values, (var, dim))

    # ---- formulas --------------------------------------------------------------------------------

    def formula(self, values: Values, near: Iterable[Var] = ()) -> Formula:
        """How a number follows from sizes; NoFormula if it does in no known way."""
        for var in near:
            for dim, size in enumerate(var.shape):
                if isinstance(size, Varying) and size.values == values:
                    return Formula("", partial(self._size, var, dim))
        atoms = self._atoms()
        found = self._line(values, atoms)
        if found is None and values in self.seen:
            at = self.seen[values]
            found = Formula("", lambda: self._size(*at))
        found = found or self._of_symbols(values) or self._of_arrays(values)
        if found is None:
            raise NoFormula(values)
        return found

    def text(self, values: Values) -> str | None:
        """How a size reads, if it is a function of the open ones."""
        found = self._of_symbols(values)
        return None if found is None else found.text

    def _size(self, var: Var, dim: int) -> str:
        return self.graph.size(self.name_of(var), dim)

    def _of(self, symbol: Symbol) -> str:
        return self.graph.size(self.name_of(self.inputs[symbol.argument]), symbol.dim)

    def _atoms(self) -> list[Atom]:
        return [(s.values, s, partial(self._of, s)) for s in self.symbols]

    def _of_symbols(self, values: Values) -> Formula | None:
        atoms = self._atoms()
        return self._line(values, atoms) or self._pair(values, atoms) or self._floor(values, atoms)

    def _of_arrays(self, values: Values) -> Formula | None:
        atoms: list[Atom] = [
            (v, None, partial(self._size, *place)) for v, place in self.seen.items()
        ]
        return self._line(values, atoms) or self._pair(values, atoms)

    def _line(self, values: Values, atoms: list[Atom]) -> Formula | None:
        """a * s + b."""
        for known, symbol, write in atoms:
            found = line(known, values)
            if found is not None:
                name = "" if symbol is None else symbol.name
                return Formula(_read(name, *found), self._line_writer(write, *found))
        return None

    def _pair(self, values: Values, atoms: list[Atom]) -> Formula | None:
        """a * s * t + b and a * (s + t) + b."""
        for i, (x, first, write_x) in enumerate(atoms):
            for y, second, write_y in atoms[i:]:
                for op, both in (
                    ("Mul", tuple(p * q for p, q in zip(x, y, strict=True))),
                    ("Add", tuple(p + q for p, q in zip(x, y, strict=True))),
                ):
                    found = line(both, values)
                    if found is None or (op == "Add" and write_x is write_y):
                        continue
                    text = ""
                    if first is not None and second is not None:
                        pair = sorted((first, second), key=lambda s: s.order)
                        text = ("*" if op == "Mul" else " + ").join(s.name for s in pair)
                    writer = self._pair_writer(op, write_x, write_y)
                    return Formula(_read(text, *found), self._line_writer(writer, *found))
        return None

    def _floor(self, values: Values, atoms: list[Atom]) -> Formula | None:
        """(s + a) // k + b."""
        for known, symbol, write in atoms:
            parts = floored(known, values)
            if parts is not None and symbol is not None:
                more, by, plus = parts
                text = f"({symbol.name} + {more})//{by}" if more else f"{symbol.name}//{by}"
                return Formula(_read(text, Fraction(1), plus), self._floor_writer(write, *parts))
        return None

    def _line_writer(
        self, write: Callable[[], str], times: Fraction, plus: int
    ) -> Callable[[], str]:
        def written() -> str:
            name = write()
            if times.numerator != 1:
                name = self.graph.op("Mul", name, self.graph.ints(times.numerator))
            if times.denominator != 1:
                name = self.graph.op("Div", name, self.graph.ints(times.denominator))
            return self.graph.op("Add", name, self.graph.ints(plus)) if plus else name

        return written

    def _pair_writer(
        self, op: str, first: Callable[[], str], second: Callable[[], str]
    ) -> Callable[[], str]:
        return lambda: self.graph.op(op, first(), second())

    def _floor_writer(
        self, write: Callable[[], str], more: int, by: int, plus: int
    ) -> Callable[[], str]:
        def written() -> str:
            name = write()
            if more:
                name = self.graph.op("Add", name, self.graph.ints(more))
            name = self.graph.op("Div", name, self.graph.ints(by))
            return self.graph.op("Add", name, self.graph.ints(plus)) if plus else name

        return written

    # ---- writing ---------------------------------------------------------------------------------

    def dim(self, size: Size, near: Iterable[Var] = ()) -> str:
        """A size as a list of one number."""
        if not isinstance(size, Varying):
            return self.graph.ints(int(size))
        if size.values not in self.written:
            if not all(isinstance(v, int) for v in size.values):
                raise NoFormula(size.values)
            self.written[size.values] = self.formula(size.values, near).write()
        return self.written[size.values]

    def dims(self, sizes: Iterable[Size], near: Iterable[Var] = ()) -> str:
        """Sizes as one list."""
        sizes, near = tuple(sizes), tuple(near)
        if not any(isinstance(s, Varying) for s in sizes):
            return self.graph.ints(*(int(s) for s in sizes if not isinstance(s, Varying)))
        return self.graph.op("Concat", *(self.dim(s, near) for s in sizes), axis=0)

    def scalar(self, number: Varying, dtype: Any, near: Iterable[Var] = ()) -> str:
        """A number that varies, as a tensor without dimensions."""
        graph = self.graph
        for function, back in _INVERSES:
            whole = _whole([function(v) for v in number.values])
            if whole is None:
                continue
            try:
                name = (
                    self.dim(Varying(whole), near) if len(set(whole)) > 1 else graph.ints(whole[0])
                )
            except NoFormula:
                continue
            dtype = np.dtype(dtype)
            name = graph.squeeze(name, 0)
            if dtype.kind in "iu" and not back:
                return name if dtype == np.int64 else graph.cast(name, dtype)
            name = graph.cast(name, np.float32 if dtype.kind in "iub" else dtype)
            for op in back:
                name = graph.op(op, name)
            return name
        raise NoFormula(number.values)


# A number that is no size: what makes it one, and the way back from there.
_INVERSES: tuple[tuple[Callable[[Any], Any], tuple[str, ...]], ...] = (
    (lambda v: v, ()),
    (lambda v: 1 / v, ("Reciprocal",)),
    (lambda v: v * v, ("Sqrt",)),
    (lambda v: 1 / (v * v), ("Sqrt", "Reciprocal")),
    (lambda v: -v, ("Neg",)),
)


def _whole(values: list[Any]) -> Values | None:
    try:
        if any(not np.isfinite(v) or abs(v - round(v)) > 1e-6 * max(1.0, abs(v)) for v in values):
            return None
        return tuple(round(v) for v in values)
    except (TypeError, ZeroDivisionError, OverflowError):
        return None


def line(known: Values, values: Values) -> tuple[Fraction, int] | None:
    """(a, b) with values = a * known + b, both whole, or a = 1/k where that goes without remainder."""
    low = min(range(len(known)), key=known.__getitem__)
    high = max(range(len(known)), key=known.__getitem__)
    if known[low] == known[high]:
        return None
    times = Fraction(values[high] - values[low], known[high] - known[low])
    plus = values[low] - times * known[low]
    if (
        times == 0
        or plus.denominator != 1
        or (times.denominator != 1 and abs(times.numerator) != 1)
    ):
        return None
    if times.denominator != 1 and (plus or any(k % times.denominator for k in known)):
        return None
    fits = all(times * k + plus == v for k, v in zip(known, values, strict=True))
    return (times, int(plus)) if fits else None


def floored(known: Values, values: Values) -> tuple[int, int, int] | None:
    """(a, k, b) with values = (known + a) // k + b."""
    for by in range(2, 65):
        for more in range(by):
            rest = {v - (k + more) // by for k, v in zip(known, values, strict=True)}
            if len(rest) == 1:
                return more, by, rest.pop()
    return None


def _read(name: str, times: Fraction, plus: int) -> str:
    if times.denominator != 1:
        name = f"{name}//{times.denominator}"
    if times.numerator != 1:
        name = f"{times.numerator}*{name}" if "+" not in name else f"{times.numerator}*({name})"
    return name if not plus else f"{name} {'+' if plus > 0 else '-'} {abs(plus)}"
