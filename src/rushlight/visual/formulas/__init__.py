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

from rushlight.visual.formulas.notation import DERIVATIVES
from rushlight.visual.formulas.reading import definition, read_rule

if TYPE_CHECKING:
    from rushlight.core.row import Primitive


@dataclass(frozen=True)
class Formula:
    """What a row computes, and the gradient of the loss L for each input that has one.

    definition: one equation; derivatives: by input the equation, and behind it those of its abbreviations
    and of the rows that it calls by name.
    In them g is the gradient that comes in, that of L for the output.
    """

    definition: str
    derivatives: dict[str, list[str]]


@functools.cache
def formula(row: Primitive) -> Formula:
    """The formulas of a row."""
    derivatives = DERIVATIVES.get(row.name)
    return Formula(definition(row), read_rule(row) if derivatives is None else derivatives)
