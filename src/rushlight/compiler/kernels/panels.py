"""Packing: b brought into panels as wide as a tile, [panel][k][columns], with zeros behind its end."""

from __future__ import annotations

from rushlight.compiler.kernels.fragments import ITEMSIZE
from rushlight.compiler.kernels.shape import Shape, at, indented, place

# Cycles for an element: transposed in registers, copied, gathered; at least what memory takes.
TRANSPOSED, COPIED, GATHERED, FAR = 0.35, 0.2, 5.0, 1.0


def cycles(shape: Shape) -> float:
    """An estimate of what it takes to pack all of b."""
    each = TRANSPOSED if _in_squares(shape) else COPIED if shape.b[1] == 1 else GATHERED
    elements = shape.k * shape.n
    if 2 * elements * ITEMSIZE[shape.T] > shape.target.l2:
        each = max(each, FAR * ITEMSIZE[shape.T] / 4)
    return elements * each


def _in_squares(shape: Shape) -> bool:
    return shape.b[0] == 1 and shape.lanes > 1 and shape.k >= shape.lanes


def arguments(shape: Shape) -> str:
    """The operands in a C signature."""
    return f"const {shape.T} *restrict b, {shape.T} *restrict packed"


def panels(shape: Shape, width: int, name: str) -> str:
    """The function that packs the panels from `begin` to `end`.

    Columns in memory order are transposed in registers, square by square; rows are copied; what has
    two strides is gathered element by element.
    """
    if width >= shape.lanes and _in_squares(shape):
        body = _transposed(shape, width)
    else:
        body = _copied(shape, width)
    return "\n".join(
        [
            f"static void {name}({arguments(shape)}, long begin, long end)",
            "{",
            "    for (long panel = begin; panel < end; panel++) {",
            f"        const {shape.T} *from = {at('b', ('panel', width * shape.b[1]))};",
            f"        {shape.T} *to = packed + panel * {shape.k * width};",
            *indented(body, 2),
            "    }",
            "}",
            "",
        ]
    )


def _copied(shape: Shape, width: int) -> list[str]:
    """Row by row; where the last panel has fewer columns, zeros follow."""
    ragged = shape.n % width
    to, from_ = place(("p", width), ("j", 1)), place(("p", shape.b[0]), ("j", shape.b[1]))

    def copy(columns: int) -> list[str]:
        if shape.b[1] == 1 and shape.lanes > 1:
            size = f"sizeof({shape.T}) * {columns}"
            return [
                f"__builtin_memcpy({at('to', ('p', width))}, {at('from', ('p', shape.b[0]))}, {size});"
            ]
        return [f"for (int j = 0; j < {columns}; j++)", f"    to[{to}] = from[{from_}];"]

    body = copy(width)
    if ragged:
        body = [
            f"if (panel < {shape.n // width}) {{",
            *indented(copy(width)),
            "} else {",
            *indented(copy(ragged)),
            f"    for (int j = {ragged}; j < {width}; j++)",
            f"        to[{to}] = 0;",
            "}",
        ]
        if shape.n < width:
            body = [line[4:] for line in body[-len(copy(ragged)) - 3 : -1]]
    return [f"for (long p = 0; p < {shape.k}; p++) {{", *indented(body), "}"]


def _transposed(shape: Shape, width: int) -> list[str]:
    """Squares in registers. The last square of the inner dimension ends with it, over one before."""
    T, lanes = shape.T, shape.lanes
    load = f"v{T}_load(from + (j + r) * {shape.b[1]} + p)"
    body = [f"for (long j = 0; j < {width}; j += {lanes}) {{"]
    if -(-shape.n // width) * width > shape.n:
        # Columns that are not there: zeros.
        body += [f"    const long columns = {shape.n} - panel * {width} - j;"]
        load = f"r < columns ? {load} : v{T}_of(0)"
    step = f"for (long p = 0; p < {shape.k}; p += {lanes}) {{"
    again = []
    if shape.k % lanes:
        step = f"for (long q = 0; q < {shape.k}; q += {lanes}) {{"
        again = [f"const long p = q + {lanes} <= {shape.k} ? q : {shape.k - lanes};"]
    inner = [
        *again,
        f"v{T} square[{lanes}];",
        f"#pragma GCC unroll {lanes}",
        f"for (int r = 0; r < {lanes}; r++)",
        f"    square[r] = {load};",
        f"v{T}_transpose(square);",
        f"#pragma GCC unroll {lanes}",
        f"for (int r = 0; r < {lanes}; r++)",
        f"    v{T}_store(to + (p + r) * {width} + j, square[r]);",
    ]
    return [*body, *indented([step, *indented(inner), "}"]), "}"]
