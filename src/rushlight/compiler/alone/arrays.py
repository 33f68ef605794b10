"""Arrays as C: their declarations, and their elements as initializers that give every bit back."""

from __future__ import annotations

import numpy as np

from rushlight.compiler.graph import c_type
from rushlight.core.tensor import Array

# So long is a line of elements.
_WIDTH = 100


def elements(flat: Array) -> list[str]:
    """Each element as C.

    Nine digits tell every float from its neighbours, seventeen every double.

    >>> import numpy as np
    >>> elements(np.array([1.5, -np.inf, 0.1], np.float32))
    ['1.5', '-INFINITY', '0.100000001']
    """
    if flat.dtype.kind == "f":
        form = "%.9g" if flat.dtype.itemsize == 4 else "%.17g"
        words = {"nan": "NAN", "-nan": "NAN", "inf": "INFINITY", "-inf": "-INFINITY"}
        texts = [form % x for x in flat.tolist()]
        # An integer would lose the sign of a zero, and may have more digits than C reads.
        return [words.get(t) or (t if "." in t or "e" in t else t + ".") for t in texts]
    if flat.dtype.kind == "b":
        return ["1" if x else "0" for x in flat.tolist()]
    if flat.dtype.itemsize < 8:
        return ["(-2147483647 - 1)" if x == -(2**31) else str(x) for x in flat.tolist()]
    mark = "UINT64_C" if flat.dtype.kind == "u" else "INT64_C"
    return [
        "INT64_MIN" if x == -(2**63) else str(x) if abs(x) < 2**15 else f"{mark}({x})"
        for x in flat.tolist()
    ]


def defined(kind: str, name: str, flat: Array, note: str = "") -> str:
    """The definition of an array with its elements; zeros alone need not be said."""
    head = f"{kind}{c_type(flat.dtype)} {name}[{max(flat.size, 1)}]"
    note = f" /* {note} */" if note else ""
    if not flat.view(np.uint8).any():
        return f"{head} = {{0}};{note}"
    lines, line = [], "   "
    for text in elements(flat):
        if len(line) + len(text) + 2 > _WIDTH:
            lines.append(line)
            line = "   "
        line += f" {text},"
    return "\n".join([f"{head} = {{{note}", *lines, line, "};"])
