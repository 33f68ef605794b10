"""Divide by one number many times: by its inverse, with what rounding loses put back.

Processors take twenty times as long for a division as for a multiplication. Where all elements of a loop
or of a row are divided by the same (Adam's bias correction, a softmax's sum), the function `quotient` does it
by multiplications, with the result of a division.
"""

from __future__ import annotations

import re

import numpy as np

from rushlight.compiler.graph import (
    Cast,
    Compute,
    Expression,
    Graph,
    Literal,
    Load,
    Loop,
    Scalar,
    mapped,
)

# Loops over fewer elements than that are not worth an inverse.
_FEW = 64
_SINGLE = np.dtype(np.float32)
_DIVISION = re.compile(r"\{(\w+)\} / (?:\(float\))?\{(\w+)\}")


def divide_once(graph: Graph) -> None:
    """Divisions by what is the same for all elements of a loop."""
    for statement in graph.statements:
        if isinstance(statement, Loop) and _size(statement) >= _FEW:
            loop = statement
            loop.value = mapped(loop.value, lambda x, loop=loop: _by_inverse(x, loop))  # type: ignore[misc]


def _size(loop: Loop) -> int:
    size = 1
    for n in loop.shape:
        size *= n
    return size


def _by_inverse(x: Expression, loop: Loop) -> Expression | None:
    """A division of such a kind; None: it is none."""
    if not isinstance(x, Compute) or x.dtype != _SINGLE:
        return None
    found = _DIVISION.fullmatch(x.template)
    if found is None:
        return None
    parts = dict(zip(x.names, x.inputs, strict=True))
    over, under = (parts[name] for name in found.groups())
    if over.dtype != _SINGLE or not _is_one(under, loop) or _is_one(over, loop):
        return None
    template = f"quotient_f32({{{found[1]}}}, (float){{{found[2]}}})"
    inputs = mapped(over, lambda part: _by_inverse(part, loop)), under
    return Compute(x.dtype, template, found.groups(), inputs, ("quotient_f32",))


def _is_one(x: Expression, loop: Loop) -> bool:
    """Whether it is the same number for all elements, or for all of a row."""
    if isinstance(x, Cast):
        return _is_one(x.x, loop)
    if isinstance(x, Load):
        rows = loop.out.strides[-1] == 1 and loop.shape[-1] >= _FEW // 4
        return not any(x.place.strides[-1:] if rows else x.place.strides)
    if isinstance(x, Literal):
        return 2.0**-126 <= abs(x.value) <= 2.0**126
    return isinstance(x, Scalar)
