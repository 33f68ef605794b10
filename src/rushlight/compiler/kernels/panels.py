"""Packing: b brought into panels as wide as a tile, [panel][k][columns], with zeros behind its end.

Columns in memory order are transposed in registers, square by square; rows are copied; what has two
strides is gathered element by element.
"""

from __future__ import annotations

from rushlight.compiler.kernels.fragments import ITEMSIZE
from rushlight.compiler.kernels.shape import Shape, at, indented, place

# Cycles for an element: transposed in registers, copied, gathered; at least what memory takes.
TRANSPOSED, COPIED, GATHERED, FAR = 0.35, 0.25, 5.0, 1.0


def hot_cycles(shape: Shape) -> float:
    """An estimate of what it takes to pack all of b, a part that stays in the cache at a time."""
    each = TRANSPOSED if _in_squares(shape) else COPIED if shape.b[1] == 1 else GATHERED
    return shape.k * shape.n * each


def cycles(shape: Shape) -> float:
    """The same for all of b at once."""
    elements = shape.k * shape.n
    far = 2 * elements * ITEMSIZE[shape.T] > shape.target.l2
    return max(hot_cycles(shape), far * elements * FAR * ITEMSIZE[shape.T] / 4)


def _in_squares(shape: Shape) -> bool:
    return shape.b[0] == 1 and shape.lanes > 1 and shape.k >= shape.lanes


def arguments(shape: Shape) -> str:
    """The operands of a packing in a C signature."""
    return f"const {shape.T} *restrict b, {shape.T} *restrict packed"


def panel(shape: Shape, width: int, name: str) -> str:
    """The function that packs `depth` rows of one panel of b, of which `columns` are there."""
    if width >= shape.lanes and _in_squares(shape):
        body = _transposed(shape, width)
    else:
        body = _copied(shape, width)
    return "\n".join(
        [
            f"static void {name}({arguments(shape)}, long depth, int columns)",
            "{",
            *indented(["(void)columns;"] if shape.n % width == 0 else []),
            *indented(body),
            "}",
            "",
        ]
    )


def panels(shape: Shape, width: int, name: str) -> str:
    """The function that packs the panels from `begin` to `end`."""
    columns = str(width)
    if left := shape.n % width:
        columns = f"panel == {shape.n // width} ? {left} : {width}"
    operands = (
        at("b", ("panel", width * shape.b[1])),
        at("packed", ("panel", shape.k * width)),
        str(shape.k),
        columns,
    )
    return "\n".join(
        [
            panel(shape, width, f"{name}_panel"),
            f"static void {name}({arguments(shape)}, long begin, long end)",
            "{",
            "    for (long panel = begin; panel < end; panel++)",
            f"        {name}_panel({', '.join(operands)});",
            "}",
            "",
        ]
    )


def _copied(shape: Shape, width: int) -> list[str]:
    left = shape.n % width
    if shape.b[1] == 1 and shape.lanes > 1:
        size = f"sizeof({shape.T}) * {width}"
        to, from_ = at("packed", ("p", width)), at("b", ("p", shape.b[0]))
        body = [f"__builtin_memcpy({to}, {from_}, {size});"]
        rest = [
            f"__builtin_memset({to}, 0, {size});",
            f"__builtin_memcpy({to}, {from_}, sizeof({shape.T}) * {left});",
        ]
    else:
        to, from_ = place(("p", width), ("j", 1)), place(("p", shape.b[0]), ("j", shape.b[1]))
        each = f"for (int j = 0; j < {width}; j++)"
        body = [each, f"    packed[{to}] = b[{from_}];"]
        rest = [each, f"    packed[{to}] = j < columns ? b[{from_}] : 0;"]
    if left:
        body = [
            f"if (columns == {width}) {{",
            *indented(body),
            "} else {",
            *indented(rest),
            "}",
        ]
    return ["for (long p = 0; p < depth; p++) {", *indented(body), "}"]


def _transposed(shape: Shape, width: int) -> list[str]:
    """Squares in registers. The last one of the inner dimension ends with it, over the one before."""
    T, lanes = shape.T, shape.lanes
    load = f"v{T}_load(b + (j + r) * {shape.b[1]} + p)"
    if shape.n % width:
        load = f"j + r < columns ? {load} : v{T}_of(0)"
    inner = [
        f"const long p = q + {lanes} <= depth ? q : depth - {lanes};",
        f"v{T} square[{lanes}];",
        f"#pragma GCC unroll {lanes}",
        f"for (int r = 0; r < {lanes}; r++)",
        f"    square[r] = {load};",
        f"v{T}_transpose(square);",
        f"#pragma GCC unroll {lanes}",
        f"for (int r = 0; r < {lanes}; r++)",
        f"    v{T}_store(packed + (p + r) * {width} + j, square[r]);",
    ]
    return [
        f"for (long j = 0; j < {width}; j += {lanes})",
        f"    for (long q = 0; q < depth; q += {lanes}) {{",
        *indented(inner, 2),
        "    }",
    ]
