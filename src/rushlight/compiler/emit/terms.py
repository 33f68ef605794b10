"""Expressions as C text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from rushlight.compiler.emit.expressions import literal
from rushlight.compiler.graph import (
    Cast,
    Compute,
    Expression,
    Literal,
    Load,
    NoC,
    Pick,
    Position,
    Scalar,
    c_type,
    walk,
)
from rushlight.compiler.recording.values import Figure

# What needs no brackets: a name, a number, an element, a call.
_ATOM = re.compile(r"-?[\w.@#]+(\[[^][]*\]|\([^()]*\))?$")


def bracketed(text: str) -> str:
    """An expression as an operand of another."""
    return text if _ATOM.match(text) else f"({text})"


def expression_text(
    x: Expression,
    load: Callable[[Expression], str],
    position: Callable[[int], str],
    number: Callable[[Figure], str],
    known: Callable[[Expression], str | None] | None = None,
) -> str:
    """The C of an expression.

    `load` gives that of elements, `position` that of the loop's dimensions, `number` that of Python's
    numbers, which are doubles; `known` the name of what has been computed before.
    """

    def text(x: Expression) -> str:
        if known is not None and (name := known(x)) is not None:
            return name
        if isinstance(x, Load | Pick):
            return load(x)
        if isinstance(x, Literal):
            return literal(x.value, x.dtype)
        if isinstance(x, Position):
            at = position(x.dim)
            # Narrower numbers than those of loops stand beside floats in a vector.
            return at if x.dtype.itemsize == 8 else f"({c_type(x.dtype)})({at})"
        if isinstance(x, Scalar):
            return number(x.figure)
        if isinstance(x, Cast):
            inner = bracketed(text(x.x))
            return f"{inner} != 0" if x.dtype.kind == "b" else f"({c_type(x.dtype)}){inner}"
        if isinstance(x, Compute):
            parts = {n: bracketed(text(part)) for n, part in zip(x.names, x.inputs, strict=True)}
            return x.template.format(**parts)
        raise NoC(f"an expression of kind {type(x).__name__}")

    return text(x)


def fragments_of(x: Expression) -> Iterator[str]:
    """The functions that an expression calls."""
    for part in walk(x):
        if isinstance(part, Compute):
            yield from part.fragments
