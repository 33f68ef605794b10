"""Products in plain C99, whose inner loops a compiler turns into vector instructions by itself."""

from __future__ import annotations

from rushlight.compiler.kernels.shape import Shape, indented, place

ROWS, COLUMNS = 4, 32


def block_of(shape: Shape) -> tuple[int, int]:
    """The rows and columns whose sums stand in a small array, which becomes registers."""
    return min(ROWS, shape.m), min(COLUMNS, shape.n)


def _block(shape: Shape, rows: int, columns: int, *, packed: bool) -> list[str]:
    width = block_of(shape)[1]
    stride, jump, step = (width, shape.k, 1) if packed else (shape.b[0], shape.b[1], shape.b[1])
    b = place(("p", stride), ("j", jump), ("q", step))

    def each(line: str) -> list[str]:
        """The line for each row: so compilers see that the sums of a row are one vector."""
        a, c = shape.a, shape.c
        return [
            line.format(
                r=r,
                a=place(("i", a[0]), (r, a[0]), ("p", a[1])),
                c=place(("i", c[0]), (r, c[0]), ("j", c[1]), ("q", c[1])),
            )
            for r in range(rows)
        ]

    return [
        f"{shape.T} " + ", ".join(f"s{r}[{columns}] = {{0}}" for r in range(rows)) + ";",
        f"for (long p = 0; p < {shape.k}; p++) {{",
        *indented(each(f"const {shape.T} x{{r}} = a[{{a}}];")),
        f"    for (int q = 0; q < {columns}; q++) {{",
        f"        const {shape.T} y = b[{b}];",
        *indented(each("s{r}[q] += x{r} * y;"), 2),
        "    }",
        "}",
        f"for (int q = 0; q < {columns}; q++) {{",
        *indented(each(f"c[{{c}}] {'+=' if shape.add else '='} s{{r}}[q];")),
        "}",
    ]


def plain(shape: Shape, name: str, *, packed: bool, columns: bool = False) -> str:
    """The function of a product for a range of rows or columns."""
    height, width = block_of(shape)
    rows = ("0", str(shape.m)) if columns else ("begin", "end")
    across = ("begin", "end") if columns else ("0", str(shape.n))

    def line(rows: int) -> list[str]:
        lines = [
            f"long j = {across[0]};",
            f"for (; j + {width} <= {across[1]}; j += {width}) {{",
            *indented(_block(shape, rows, width, packed=packed)),
            "}",
        ]
        if left := shape.n % width:
            lines += [f"if (j < {across[1]}) {{"]
            lines += [*indented(_block(shape, rows, left, packed=packed)), "}"]
        return lines

    body = [f"long i = {rows[0]};", f"for (; i + {height} <= {rows[1]}; i += {height}) {{"]
    body += [*indented(line(height)), "}"]
    if left := shape.m % height:
        body += [f"if (i < {rows[1]}) {{", *indented(line(left)), "}"]
    return "\n".join(
        [
            f"static void {name}({shape.arguments}, long begin, long end)",
            "{",
            *indented(body),
            "}",
            "",
        ]
    )
