r"""The formula of each row and of its derivative, as LaTeX.

What a row computes is its column `c`, read as a formula (`from_c`), or what `notation` says of rows that
are no expressions of elements. Its derivative is read off the row's own rule: the rule runs on a sample, and
the operations in which it is written are put down as symbols (`reading`). So there is no second table of
derivatives that could be another than the one that runs.

>>> from rushlight.core.table import TABLE
>>> import rushlight
>>> formula(TABLE["sigmoid"]).definition
'y = \\frac{1}{1 + e^{-x}}'
>>> formula(TABLE["sigmoid"]).derivatives["x"]
['\\frac{\\partial L}{\\partial x} = g \\cdot \\left(1 - y\\right) \\cdot y']
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rushlight.visual.formulas.from_c import from_c, symbol
from rushlight.visual.formulas.notation import DEFINITIONS, DERIVATIVES
from rushlight.visual.formulas.parts import Text, called
from rushlight.visual.formulas.reading import output_symbol, read_rule

if TYPE_CHECKING:
    from rushlight.core.row import Primitive


@dataclass(frozen=True)
class Formula:
    """What a row computes, and the gradient of the loss L for each input that has one.

    definition: one equation; derivatives: by input the equation, and behind it those of its abbreviations.
    In them g is the gradient that comes in, that of L for the output.
    """

    definition: str
    derivatives: dict[str, list[str]]


@functools.cache
def formula(row: Primitive) -> Formula:
    """The formulas of a row."""
    derivatives = DERIVATIVES.get(row.name)
    return Formula(_definition(row), read_rule(row) if derivatives is None else derivatives)


def _definition(row: Primitive) -> str:
    known = DEFINITIONS.get(row.name)
    if known is not None:
        return known
    column = next(iter(row.c.values())) if isinstance(row.c, dict) else row.c
    operands = {name: Text(symbol(name)) for name in row.inputs}
    result = None
    if isinstance(column, str) and "{" in column:
        try:
            result = from_c(column, operands)
        except ValueError:
            result = None
    if result is None or result.latex == symbol(row.inputs[0] if row.inputs else ""):
        names = [
            Text(symbol(name.removeprefix("*")) + (r"_{1}, \ldots" if name[0] == "*" else ""))
            for name in row.inputs
        ]
        result = called(row.name, *names)
    return f"{output_symbol(row)} = {result.latex}"
