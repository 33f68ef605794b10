"""Packing: b brought into panels as wide as a tile, [panel][k][columns], with zeros behind its end."""

from __future__ import annotations

from rushlight.compiler.kernels.shape import Shape, at, indented, place

# Cycles for an element: transposed in registers, copied, gathered.
TRANSPOSED, COPIED, GATHERED = 0.7, 0.2, 1.5


def cycles(shape: Shape) -> float:
    """An estimate of what it takes to pack all of b."""
    each = TRANSPOSED if _in_squares(shape) else COPIED if shape.b[1] == 1 else GATHERED
    return shape.k * shape.n * each


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
    columns = str(width)
    body = []
    if ragged:
        body = [f"const int columns = panel < {shape.n // width} ? {width} : {ragged};"]
        columns = "columns"
    body += [
        f"for (long p = 0; p < {shape.k}; p++) {{",
        f"    for (int j = 0; j < {columns}; j++)",
        f"        to[{place(('p', width), ('j', 1))}] = from[{place(('p', shape.b[0]), ('j', shape.b[1]))}];",
    ]
    if ragged:
        body += [
            f"    for (int j = columns; j < {width}; j++)",
            f"        to[{place(('p', width), ('j', 1))}] = 0;",
        ]
    return [*body, "}"]


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
