"""Products whose sizes and strides are arguments: for programs that run for more than one size.

A tile of c is kept in registers, as in `tiles`, but nothing is known of the sizes: rows of b that are no
whole tile wide, or do not lie in memory as vectors need them, are packed on the stack, filled up with
zeros; rows of a that are missing are read twice, and what comes of them is not stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from rushlight.compiler.kernels.items import Batch, folded, over_items
from rushlight.compiler.kernels.kernel import Kernel
from rushlight.compiler.kernels.product import TYPES, Product
from rushlight.compiler.kernels.shape import Shape
from rushlight.compiler.kernels.target import Target

# Steps of the inner dimension for which b is packed at once; rows from which that pays where it need not be.
_DEPTH, _MANY = 256, 48

_TEXT = """\
/* c [begin to end][n] = a times b, or added to it, for any sizes k, n and strides. */
typedef {T} Lanes_{T} __attribute__((vector_size({bytes}), aligned(sizeof({T}))));
static void product_any_{T}(const {T} *restrict a, const {T} *restrict b, {T} *restrict c, long begin, long end,
    long n, long k, long a0, long a1, long b0, long b1, long c0, long c1, int added)
{{
    {T} panel[{depth} * {columns}], tile[{rows} * {columns}];
    for (long j = 0; j < n; j += {columns}) {{
        const long width = n - j < {columns} ? n - j : {columns};
        const int packed = b1 != 1 || width < {columns} || end - begin > {many};
        for (long p = 0; p < k; p += {depth}) {{
            const long depth = k - p < {depth} ? k - p : {depth};
            const {T} *y = b + p * b0 + j * b1;
            const long step = packed ? {columns} : b0;
            if (packed) {{
                if (width < {columns}) memset(panel, 0, sizeof panel);
                if (b1 == 1)
                    for (long q = 0; q < depth; q++) memcpy(panel + q * {columns}, y + q * b0, width * sizeof({T}));
                else
                    for (long w = 0; w < width; w++)
                        for (long q = 0; q < depth; q++) panel[q * {columns} + w] = y[q * b0 + w * b1];
                y = panel;
            }}
            for (long i = begin; i < end; i += {rows}) {{
                const long height = end - i < {rows} ? end - i : {rows};
                const {T} *x = a + i * a0 + p * a1;
{pointers}
{sums}
                for (long q = 0; q < depth; q++) {{
                    const Lanes_{T} *v = (const Lanes_{T} *)(y + q * step);
                    const Lanes_{T} v0 = v[0], v1 = v[1];
{steps}
                }}
{stored}
                for (long r = 0; r < height; r++) {{
                    {T} *to = c + (i + r) * c0 + j * c1;
                    if (added || p)
                        for (long w = 0; w < width; w++) to[w * c1] += tile[r * {columns} + w];
                    else if (c1 == 1)
                        memcpy(to, tile + r * {columns}, width * sizeof({T}));
                    else
                        for (long w = 0; w < width; w++) to[w * c1] = tile[r * {columns} + w];
                }}
            }}
        }}
    }}
}}
"""


def _any(T: str, itemsize: int, target: Target) -> Kernel:
    """The function that all such products of a type call."""
    lanes = max(target.lanes(itemsize), 16 // itemsize)
    rows = 8 if target.registers >= 32 else 4
    each = [(r, f"x{r}") for r in range(rows)]
    text = _TEXT.format(
        T=T, bytes=lanes * itemsize, columns=2 * lanes, rows=rows, depth=_DEPTH, many=_MANY,
        pointers="\n".join(f"{_IN}const {T} *{x} = x + ({r} < height ? {r} : 0) * a0;" for r, x in each),
        sums="\n".join(f"{_IN}Lanes_{T} s{r} = {{0}}, t{r} = {{0}};" for r, _ in each),
        steps="\n".join(f"{_IN}    s{r} += {x}[q * a1] * v0, t{r} += {x}[q * a1] * v1;" for r, x in each),
        stored="\n".join(
            f"{_IN}memcpy(tile + {2 * r * lanes}, &s{r}, sizeof s{r}), "
            f"memcpy(tile + {(2 * r + 1) * lanes}, &t{r}, sizeof t{r});"
            for r, _ in each
        ),
    )  # fmt: skip
    return Kernel(f"product_any_{T}", text)


_IN = " " * 16


def product_any(
    name: str,
    m: int,
    n: int,
    k: int,
    *,
    a: tuple[int, int],
    b: tuple[int, int],
    c: tuple[int, int],
    target: Target,
    dtype: str = "float32",
    accumulate: bool = False,
    batch: Sequence[Batch] = (),
) -> Product:
    """The same as `product`: a call for each item and range, in which sizes and strides are numbers."""
    T = TYPES[dtype]
    shape = Shape(m, n, k, a, b, c, T, accumulate, target)
    items, shape = folded([item for item in batch if item[0] != 1], shape)
    numbers = (shape.n, shape.k, *shape.a, *shape.b, *shape.c, int(accumulate))
    inner = f"{name}_item" if items else name
    text = "\n".join(
        [
            f"static void {inner}({shape.arguments}, long begin, long end)",
            "{",
            f"    product_any_{T}(a, b, c, begin, end, {', '.join(map(str, numbers))});",
            "}",
            "",
        ]
    )
    if items:
        text += "\n" + over_items(shape, name, inner, items, extent=shape.m, turned=False, packed=0)
    many = prod(count for count, *_ in items)
    work = (
        many
        * shape.m
        * shape.n
        * shape.k
        / (target.lanes(8 if T == "double" else 4) * target.flops)
    )
    return Product(
        kernel=Kernel(name, text, needs=(_any(T, 8 if T == "double" else 4, target),)),
        count=many * shape.m, rows=8, block=min(shape.m, 256), along="rows", pack=None, form="any",
        cost=1.5 * work / target.ghz,
    )  # fmt: skip
