"""Pieces of LaTeX, which know how strongly they bind: parentheses come where they are needed."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

# How strongly the outermost sign of a piece binds.
CHOICE, RELATION, SUM, MINUS, PRODUCT, ATOM = range(6)


class Text(NamedTuple):
    """LaTeX, and how strongly its outermost sign binds."""

    latex: str
    level: int = ATOM

    def within(self, level: int) -> str:
        """The LaTeX, in parentheses if it binds less than its surroundings; what is true counts as 1."""
        if self.level >= level:
            return self.latex
        if self.level == RELATION:
            return rf"\left[{self.latex}\right]"
        return parenthesised(self.latex)


def parenthesised(latex: str) -> str:
    """In parentheses that grow with what they hold."""
    return rf"\left({latex}\right)"


_CONSTANTS = {
    math.pi: r"\pi",
    math.e: "e",
    math.log(2): r"\ln 2",
    math.log(10): r"\ln 10",
    2 / math.sqrt(math.pi): r"\tfrac{2}{\sqrt{\pi}}",
    math.sqrt(2 / math.pi): r"\sqrt{2/\pi}",
    math.sqrt(2 * math.pi): r"\sqrt{2\pi}",
    1 / math.sqrt(2 * math.pi): r"\tfrac{1}{\sqrt{2\pi}}",
    math.sqrt(0.5): r"\tfrac{1}{\sqrt{2}}",
    math.sqrt(2): r"\sqrt{2}",
    1 / 3: r"\tfrac{1}{3}",
    0.5: r"\tfrac{1}{2}",
}


def number(value: Any) -> Text:
    """A number of Python's, by its name if it has one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Text(rf"\mathrm{{{escaped(str(value))}}}")
    if value != value:
        return Text(r"\mathrm{nan}")
    if math.isinf(value):
        return Text(r"\infty" if value > 0 else r"-\infty", ATOM if value > 0 else MINUS)
    for known, latex in _CONSTANTS.items():
        if math.isclose(abs(value), known, rel_tol=3e-7):
            return Text(latex if value > 0 else f"-{latex}", ATOM if value > 0 else MINUS)
    text = f"{value:.6g}"
    if "e" in text:
        digits, _, power = text.partition("e")
        text = rf"{digits}\cdot 10^{{{int(power)}}}"
        return Text(text, PRODUCT if value > 0 else MINUS)
    return Text(text, ATOM if value >= 0 else MINUS)


def escaped(word: str) -> str:
    """A word of Python's within LaTeX."""
    return word.replace("\\", r"\backslash ").replace("_", r"\_").replace("%", r"\%")


def called(name: str, *arguments: Text) -> Text:
    """A function by name."""
    listed = ", ".join(argument.latex for argument in arguments)
    return Text(f"{named(name)}{parenthesised(listed)}")


def named(name: str) -> str:
    """The name of a function, upright."""
    return rf"\operatorname{{{escaped(name)}}}"


def added(left: Text, right: Text, sign: str = "+") -> Text:
    """A sum or difference."""
    if right.level == MINUS:
        return added(left, _without_sign(right), "-" if sign == "+" else "+")
    return Text(f"{left.within(SUM)} {sign} {right.within(PRODUCT)}", SUM)


def negated(inner: Text) -> Text:
    """With the other sign."""
    if inner.level == MINUS:
        return _without_sign(inner)
    return Text(f"-{inner.within(PRODUCT)}", MINUS)


def _without_sign(text: Text) -> Text:
    return Text(text.latex[1:], PRODUCT)


def multiplied(left: Text, right: Text, sign: str = r"\cdot") -> Text:
    """A product; a power where both are the same, and no sign after a number."""
    if left == right:
        return raised(left, "2")
    for sign_of, rest in ((left, right), (right, left)):
        if sign_of.level == MINUS:
            bare = _without_sign(sign_of)
            inner = (bare, rest) if sign_of is left else (rest, bare)
            return negated(multiplied(*inner, sign))
    one, other = left.within(PRODUCT), right.within(PRODUCT)
    if one == "1" or other == "1":
        return right if one == "1" else left
    if other[:1].isdigit() and not one[:1].isdigit():
        one, other = other, one
    plain = one[:1].isdigit() or one.startswith((r"\tfrac", r"\ln 2", r"\pi"))
    joint = r"\," if plain and not other[:1].isdigit() else f" {sign} "
    return Text(f"{one}{joint}{other}", PRODUCT)


def divided(above: Text, below: Text) -> Text:
    """A fraction."""
    if above.level == MINUS:
        return negated(divided(_without_sign(above), below))
    return Text(rf"\frac{{{above.latex}}}{{{below.latex}}}", PRODUCT)


def raised(base: Text, power: str) -> Text:
    """A power."""
    simple = base.level == ATOM and "^" not in base.latex and not base.latex.startswith(r"\oper")
    return Text(f"{base.latex if simple else parenthesised(base.latex)}^{{{power}}}")


def chosen(condition: Text, yes: Text, no: Text) -> Text:
    """One of two, as a brace with two lines; another choice behind `else` goes on in the same brace."""
    begin, end = r"\begin{cases} ", r" \end{cases}"
    rest = rf"{no.latex} & \text{{else}}{end}"
    if no.level == CHOICE:
        rest = no.latex.removeprefix(begin)
    return Text(rf"{begin}{yes.latex} & \text{{if }} {condition.latex} \\ {rest}", CHOICE)
