"""The table of rows, by name; and what the parameters of their rules can stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rushlight.core.row import Primitive

TABLE: dict[str, Primitive] = {}

# Where the value of a rule's parameter comes from.
INPUT, REST, SHAPE, STEPS, REST_SHAPES, OUT, OUT_PART, OUT_SHAPE, NEEDS, STATIC = range(10)
