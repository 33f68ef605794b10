"""Numbers that a graph takes as arguments: sizes that change, and numbers that are handed in."""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Callable
from typing import Any

from rushlight.ops import control


class Term:
    """How a number comes from symbols: a symbol, or an operator of terms and numbers."""

    __slots__ = ("args", "name", "operator")

    def __init__(self, name: str, function: Any = None, args: tuple[Any, ...] = ()) -> None:
        self.name, self.operator, self.args = name, function, args

    def value(self, symbols: dict[str, Any]) -> Any:
        """The number, for these values of symbols."""
        if self.operator is None:
            return symbols[self.name]
        return self.operator(*(a.value(symbols) if isinstance(a, Term) else a for a in self.args))

    def symbols(self) -> set[str]:
        """The names of the symbols in it."""
        if self.operator is None:
            return {self.name}
        return set().union(*(a.symbols() for a in self.args if isinstance(a, Term)))


def _term(value: Any) -> Any:
    return value.term if isinstance(value, Whole | Real) else value


def _followed(name: str) -> Callable[[Any, Any], Any]:
    plain = getattr(operator, name)

    def follow(self: Any, other: Any) -> Any:
        # By what a number is, and not by what it says, the plain operator would come back here.
        value = plain(*(_bare(v) for v in (self, other)))
        return number(value, Term("", plain, (_term(self), _term(other))))

    return follow


def _turned(name: str) -> Callable[[Any, Any], Any]:
    follow = _followed(name)
    return lambda self, other: follow(other, self)


def _bare(value: Any) -> Any:
    if isinstance(value, Whole):
        return int.__int__(value)
    return float.__float__(value) if isinstance(value, Real) else value


def number(value: Any, term: Term) -> Any:
    """A number of Python's that knows its term."""
    if type(value) is int:
        made: Any = Whole(value)
    elif type(value) is float:
        made = Real(value)
    else:
        return value
    made.term = term
    return made


class _Follows:
    term: Term

    __add__, __radd__ = _followed("add"), _turned("add")
    __sub__, __rsub__ = _followed("sub"), _turned("sub")
    __mul__, __rmul__ = _followed("mul"), _turned("mul")
    __floordiv__, __rfloordiv__ = _followed("floordiv"), _turned("floordiv")
    __truediv__, __rtruediv__ = _followed("truediv"), _turned("truediv")
    __mod__, __rmod__ = _followed("mod"), _turned("mod")
    __pow__, __rpow__ = _followed("pow"), _turned("pow")


class Whole(_Follows, int, control.SymInt):  # type: ignore[misc]
    """An int that a graph knows where it comes from."""

    def __neg__(self) -> Any:
        return 0 - self


class Real(_Follows, float, control.SymFloat):  # type: ignore[misc]
    """A float that a graph knows where it comes from."""


class SymInt(int, control.SymInt):
    """What a backend is given for a symbol among the examples: it is shown by its name."""

    name: str

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__


def example(value: int, name: str) -> SymInt:
    """The example of a symbol."""
    made = SymInt(value)
    made.name = name
    return made


def name_of(source: str, taken: set[str]) -> str:
    """The symbol for a number that comes from there: torch's, which is two digits of the source's hash."""
    digits = int(hashlib.sha256(source.encode()).hexdigest(), 16) % 100
    while f"s{digits}" in taken:
        digits += 1
    taken.add(f"s{digits}")
    return f"s{digits}"
