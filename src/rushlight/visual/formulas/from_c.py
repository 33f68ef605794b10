r"""The column `c` of an elementwise row as LaTeX: there is no second table of what `silu` is.

>>> from_c("{x} / (exp(-{x}) + 1)", {"x": Text("x")}).latex
'\\frac{x}{e^{-x} + 1}'
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from rushlight.visual.formulas.parts import (
    ATOM,
    PRODUCT,
    RELATION,
    SUM,
    Text,
    added,
    called,
    chosen,
    divided,
    escaped,
    multiplied,
    negated,
    number,
    parenthesised,
    raised,
)

_TOKEN = re.compile(
    r"\s*(?:(\{\w+(?::d)?\})|(\d+\.?\d*(?:e[-+]?\d+)?)|(\w+)|(==|!=|<=|>=|&&|\|\||[-+*/<>?:(),&|^~!]))"
)
_RELATIONS = {
    "==": "=", "!=": r"\neq", "<=": r"\leq", ">=": r"\geq", "<": "<", ">": ">",
    "&": r"\wedge", "&&": r"\wedge", "|": r"\vee", "||": r"\vee", "^": r"\oplus",
}  # fmt: skip


def _plain(word: str) -> Callable[..., Text]:
    """A function that LaTeX has a word for, or that is written as one: its argument in parentheses."""
    return lambda a: Text(f"{word}{parenthesised(a.latex)}")


def _logarithm(word: str) -> Callable[..., Text]:
    return lambda a: Text(f"{word} {a.within(ATOM)}", PRODUCT)


_ONE = Text("1")
FUNCTIONS: dict[str, Callable[..., Text]] = {
    "exp": lambda a: Text(f"e^{{{a.latex}}}"),
    "exp2": lambda a: Text(f"2^{{{a.latex}}}"),
    "sigmoid": lambda a: from_c("1 / (1 + exp(-{x}))", {"x": a}),
    "expm1": lambda a: Text(f"e^{{{a.latex}}} - 1", SUM),
    "log": _logarithm(r"\ln"),
    "log2": _logarithm(r"\log_2"),
    "log10": _logarithm(r"\log_{10}"),
    "log1p": lambda a: Text(rf"\ln{parenthesised(added(_ONE, a).latex)}"),
    "sqrt": lambda a: Text(rf"\sqrt{{{a.latex}}}"),
    "fabs": lambda a: Text(rf"\left|{a.latex}\right|"),
    "conj": lambda a: Text(rf"\overline{{{a.latex}}}"),
    "floor": lambda a: Text(rf"\left\lfloor {a.latex} \right\rfloor"),
    "ceil": lambda a: Text(rf"\left\lceil {a.latex} \right\rceil"),
    "floor_divide": lambda a, b: Text(rf"\left\lfloor {divided(a, b).latex} \right\rfloor"),
    "hypot": lambda a, b: Text(rf"\sqrt{{{raised(a, '2').latex} + {raised(b, '2').latex}}}"),
    "pow": lambda a, b: raised(a, b.latex),
    "maximum": lambda a, b: Text(rf"\max{parenthesised(f'{a.latex}, {b.latex}')}"),
    "minimum": lambda a, b: Text(rf"\min{parenthesised(f'{a.latex}, {b.latex}')}"),
    "fmax": lambda a, b: Text(rf"\max{parenthesised(f'{a.latex}, {b.latex}')}"),
    "fmin": lambda a, b: Text(rf"\min{parenthesised(f'{a.latex}, {b.latex}')}"),
    "logaddexp": lambda a, b: Text(rf"\ln\left(e^{{{a.latex}}} + e^{{{b.latex}}}\right)"),
    "logaddexp2": lambda a, b: Text(rf"\log_2\left(2^{{{a.latex}}} + 2^{{{b.latex}}}\right)"),
    "softplus": lambda a: Text(rf"\ln\left(1 + e^{{{a.latex}}}\right)"),
    "lgamma": lambda a: Text(rf"\ln\Gamma{parenthesised(a.latex)}"),
    "joined": lambda a, b: Text(rf"{a.within(PRODUCT)} + i\,{b.within(PRODUCT)}", SUM),
    "asin": _plain(r"\arcsin"), "acos": _plain(r"\arccos"), "atan": _plain(r"\arctan"),
    **{name: _plain("\\" + name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
}  # fmt: skip


def from_c(template: str, operands: Mapping[str, Text]) -> Text:
    """The LaTeX of an expression in C with operands in braces; ValueError if it is none."""
    return _Parser(template.partition(" unless ")[0].replace("({T})", ""), operands).whole()


class _Parser:
    """Recursive descent; each method takes what binds at least as strongly as its name says."""

    def __init__(self, template: str, operands: Mapping[str, Text]) -> None:
        self.operands = operands
        self.tokens: list[str] = []
        at = 0
        while at < len(template):
            found = _TOKEN.match(template, at)
            if found is None:
                raise ValueError(f"no expression in C: {template!r}")
            self.tokens.append(found[0].strip())
            at = found.end()
        self.tokens.append("")

    def take(self, *wanted: str) -> str | None:
        """The next token, if it is one of these."""
        return self.tokens.pop(0) if self.tokens[0] in wanted else None

    def need(self, token: str) -> None:
        if self.take(token) is None:
            raise ValueError(f"{token!r} expected before {self.tokens[0]!r}")

    def whole(self) -> Text:
        text = self.choice()
        if self.tokens[0]:
            raise ValueError(f"what is {self.tokens[0]!r}?")
        return text

    def choice(self) -> Text:
        condition = self.relation()
        if self.take("?") is None:
            return condition
        yes = self.choice()
        self.need(":")
        return chosen(condition, yes, self.choice())

    def relation(self) -> Text:
        left = self.sum()
        while sign := self.take(*_RELATIONS):
            right = self.sum()
            left = Text(
                f"{left.within(RELATION)} {_RELATIONS[sign]} {right.within(RELATION)}", RELATION
            )
        return left

    def sum(self) -> Text:
        left = self.product()
        while sign := self.take("+", "-"):
            left = added(left, self.product(), sign)
        return left

    def product(self) -> Text:
        left = self.unary()
        while sign := self.take("*", "/"):
            right = self.unary()
            left = multiplied(left, right) if sign == "*" else divided(left, right)
        return left

    def unary(self) -> Text:
        if self.take("-"):
            return negated(self.unary())
        if self.take("~", "!"):
            return Text(rf"\neg {self.unary().within(ATOM)}")
        return self.primary()

    def primary(self) -> Text:
        if self.take("("):
            inner = self.choice()
            self.need(")")
            return inner
        token = self.tokens.pop(0)
        if token.startswith("{"):
            name = token.strip("{}").partition(":")[0]
            return self.operands.get(name) or Text(symbol(name))
        if token[:1].isdigit():
            return number(float(token) if "." in token or "e" in token else int(token))
        if token == "INFINITY":
            return Text(r"\infty")
        if not token.isidentifier():
            raise ValueError(f"what is {token!r}?")
        self.need("(")
        arguments = [self.choice()]
        while self.take(","):
            arguments.append(self.choice())
        self.need(")")
        known = FUNCTIONS.get(token)
        return known(*arguments) if known is not None else called(token, *arguments)


_SYMBOLS = {
    "weight": "W", "bias": "b", "target": "t", "condition": "c", "index": "i", "indices": "i",
    "lambd": r"\lambda", "eps": r"\varepsilon", "alpha": r"\alpha", "beta": r"\beta", "g_in": "u",
    "upper": "u", "xs": "x", "h0": "h_0", "c0": "c_0", "gx": "u",
}  # fmt: skip


def symbol(name: str) -> str:
    """What stands in formulas for an input or parameter."""
    base, _, place = name.rpartition("_")
    if base and place.isdigit():
        return f"{symbol(base)}_{{{place}}}"
    if len(name) == 1:
        return name
    return _SYMBOLS.get(name) or rf"\mathrm{{{escaped(name)}}}"
