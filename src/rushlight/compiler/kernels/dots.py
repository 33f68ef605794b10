"""The kernel whose vectors lie along the inner dimension: for few rows or few columns."""

from __future__ import annotations

from rushlight.compiler.kernels.fragments import ITEMSIZE
from rushlight.compiler.kernels.shape import Shape, indented, place


def block_of(shape: Shape) -> tuple[int, int]:
    """Rows and columns whose dot products are summed together, as many as a vector has lanes."""
    lanes = shape.lanes
    blocks = [(lanes >> i, 1 << i) for i in range(lanes.bit_length())]
    return min(blocks, key=lambda block: _cycles(shape, *block))


def _cycles(shape: Shape, rows: int, columns: int) -> float:
    blocks = -(-shape.m // rows) * -(-shape.n // columns)
    step = max(rows * columns / shape.target.flops, (rows + columns) / 2, 4)
    # Rows a multiple of 4 KB apart push each other out of the first cache.
    slow = 2.5 if shape.k * ITEMSIZE[shape.T] % 4096 == 0 and rows > 1 else 1.3
    return blocks * (-(-shape.k // shape.lanes) * step * slow + 4 * shape.lanes)


def cycles(shape: Shape) -> float:
    """An estimate of what it takes out of the first cache."""
    return _cycles(shape, *block_of(shape))


def dots(shape: Shape, name: str, *, columns: bool = False) -> str:
    """The function for a range of rows (or columns): rows of a times columns of b, both contiguous."""
    T, lanes = shape.T, shape.lanes
    height, width = block_of(shape)
    unroll = f"#pragma GCC unroll {lanes}"
    rows = ("0", str(shape.m)) if columns else ("begin", "end")
    across = ("begin", "end") if columns else ("0", str(shape.n))
    # Where blocks do not fill the range, the last row or column stands for those past the end.
    tall, wide = bool(shape.m % height), bool(shape.n % width)
    row = "i" if height == 1 else "i + r"
    column = "j" if width == 1 else "j + q"
    row_in = f"({row} < {rows[1]} ? {row} : {rows[1]} - 1)" if tall else f"({row})"
    column_in = f"({column} < {across[1]} ? {column} : {across[1]} - 1)" if wide else f"({column})"

    def step(load: str) -> list[str]:
        return [
            f"v{T} x[{height}];",
            unroll,
            f"for (int r = 0; r < {height}; r++)",
            f"    x[r] = {load.format('rows[r] + p')};",
            unroll,
            f"for (int q = 0; q < {width}; q++) {{",
            f"    const v{T} y = {load.format('columns[q] + p')};",
            unroll,
            f"    for (int r = 0; r < {height}; r++)",
            f"        s[r * {width} + q] = v{T}_fma(x[r], y, s[r * {width} + q]);",
            "}",
        ]

    whole, left = shape.k // lanes * lanes, shape.k % lanes
    body = [
        f"const {T} *rows[{height}], *columns[{width}];",
        f"for (int r = 0; r < {height}; r++)",
        f"    rows[r] = a + {row_in} * {shape.a[0]};",
        f"for (int q = 0; q < {width}; q++)",
        f"    columns[q] = b + {column_in} * {shape.b[1]};",
        f"v{T} s[{lanes}] = {{{{0}}}};",
    ]
    if whole:
        body += [f"for (long p = 0; p < {whole}; p += {lanes}) {{"]
        body += [*indented(step(f"v{T}_load({{}})")), "}"]
    if left:
        body += ["{", f"    const long p = {whole};"]
        body += [*indented(step(f"v{T}_first({{}}, {left})")), "}"]
    in_rows = f"r < {height}" + f" && {row} < {rows[1]}" * tall
    in_columns = f"q < {width}" + f" && {column} < {across[1]}" * wide
    sign = "+=" if shape.add else "="
    body += [
        f"{T} sums[{lanes}];",
        f"v{T}_store(sums, v{T}_sums(s));",
        f"for (int r = 0; {in_rows}; r++)",
        f"    for (int q = 0; {in_columns}; q++)",
        f"        c[{place(('i', shape.c[0]), ('r', shape.c[0]), ('j', 1), ('q', 1))}] {sign} "
        f"sums[{place(('r', width), ('q', 1))}];",
    ]
    return "\n".join(
        [
            f"static void {name}({shape.arguments}, long begin, long end)",
            "{",
            f"    for (long i = {rows[0]}; i < {rows[1]}; i += {height})",
            f"        for (long j = {across[0]}; j < {across[1]}; j += {width}) {{",
            *indented(body, 3),
            "        }",
            "}",
            "",
        ]
    )
