"""A product whose inner dimension is long and whose result is small, cut for threads along the former."""

from __future__ import annotations

from dataclasses import dataclass

from rushlight.compiler.kernels.kernel import Kernel
from rushlight.compiler.kernels.product import TYPES, Product, product
from rushlight.compiler.kernels.shape import indented
from rushlight.compiler.kernels.target import Target


@dataclass(frozen=True)
class Parts:
    """First `product` into `partial`, over its whole range; then `gather` over the rows of c.

    The bits of the result depend on the number of parts, not on the threads that compute them.
    """

    product: Product
    size: int
    """Elements of `partial`."""
    gather: Kernel
    """`static void NAME(const T *a, const T *b, const T *partial, T *c, long begin, long end)`."""
    rows: int
    """Ranges of rows for `gather` begin at multiples of it."""


def product_in_parts(
    m: int,
    n: int,
    k: int,
    parts: int,
    *,
    a: tuple[int, int],
    b: tuple[int, int],
    c: tuple[int, int],
    target: Target,
    dtype: str = "float32",
    accumulate: bool = False,
) -> Parts:
    """c[m][n] = a[m][k] @ b[k][n] as the sum of products over pieces of k, of one length.

    Where k is no multiple of the number of parts, what is left of it is multiplied in `gather`.
    """
    depth = k // parts
    if parts < 2 or depth < 1 or 0 in (m, n) or c[1] != 1:
        raise ValueError(f"product_in_parts: {m}x{n}x{k} with strides {c} cannot be cut in {parts}")
    T = TYPES[dtype]
    over = (parts, depth * a[1], depth * b[0], m * n)
    # Whole parts are what threads share, so panels may be packed for each of them on its own.
    cut = product(
        m, n, depth, a=a, b=b, c=(n, 1), target=target, dtype=dtype, batch=[over], packing=False
    )
    name = f"{cut.kernel.name}_gather"
    rows, text, add = 1, "", ["(void)a, (void)b;"]
    fragments: tuple[str, ...] = ()
    if rest := k - depth * parts:
        last = product(
            m, n, rest, a=a, b=b, c=c, target=target, dtype=dtype, accumulate=True, packing=False
        )
        at_a, at_b = depth * parts * a[1], depth * parts * b[0]
        text, rows, fragments = last.kernel.source + "\n", last.rows, last.kernel.fragments
        add = [f"{last.kernel.name}(a + {at_a}, b + {at_b}, c, begin, end);"]
    body = [
        "for (long i = begin; i < end; i++)",
        f"    for (long j = 0; j < {n}; j++) {{",
        f"        {T} sum = partial[i * {n} + j];",
        f"        for (long part = 1; part < {parts}; part++)",
        f"            sum += partial[part * {m * n} + i * {n} + j];",
        f"        c[i * {c[0]} + j] {'+=' if accumulate else '='} sum;",
        "    }",
        *add,
    ]
    operands = f"const {T} *restrict a, const {T} *restrict b, const {T} *restrict partial"
    text += "\n".join(
        [
            f"static void {name}({operands}, {T} *restrict c, long begin, long end)",
            "{",
            *indented(body),
            "}",
            "",
        ]
    )
    return Parts(cut, parts * m * n, Kernel(name, text, fragments), rows)
