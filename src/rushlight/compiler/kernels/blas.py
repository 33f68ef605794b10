"""Products by BLAS, through a pointer to its function that a program is handed when it is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from rushlight.compiler.kernels.items import Batch, folded, over_items
from rushlight.compiler.kernels.kernel import Kernel
from rushlight.compiler.kernels.product import TYPES, Product, name_of
from rushlight.compiler.kernels.shape import Shape, indented, place
from rushlight.compiler.kernels.target import Target


def product_blas(
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
    """The same as `product`, by a call of gemm for each range of rows; a, b and c need a stride of 1.

    The fragment `blas` has the pointers, `gemm_float` and `gemm_double`: sgemm and dgemm of
    `scipy.linalg.cython_blas`, held to one thread. They are set before the program runs.
    """
    shape = Shape(m, n, k, a, b, c, TYPES[dtype], accumulate, target)
    if min(m, n, k) < 1 or not (1 in a and 1 in b and c[1] == 1):
        raise ValueError(f"product_blas: {m}x{n}x{k} with strides {a}, {b}, {c} is not BLAS's")
    name = f"{name_of(shape, batch)}_blas"
    items, shape = folded([item for item in batch if item[0] != 1], shape)
    text = _call(shape, f"{name}_item" if items else name)
    if items:
        inner = f"{name}_item"
        text += "\n" + over_items(shape, name, inner, items, extent=shape.m, turned=False, packed=0)
    many = prod(count for count, *_ in items)
    cycles = 800 + 1.15 * shape.m * shape.n * shape.k / (shape.lanes * target.flops)
    return Product(
        kernel=Kernel(name, text, (f"blas_{shape.T}",)),
        count=many * shape.m,
        rows=1,
        block=min(shape.m, 256),
        along="rows",
        pack=None,
        form="blas",
        cost=many * cycles / target.ghz,
    )


def _call(shape: Shape, name: str) -> str:
    """Fortran's matrices lie by columns: what is computed there is c.T = b.T @ a.T."""
    T = shape.T

    def leading(strides: tuple[int, int], rows: int, columns: int) -> tuple[str, int]:
        if strides[1] == 1 and (strides[0] >= columns or rows == 1):
            return "N", max(strides[0], columns)
        return "T", max(strides[1], rows)

    (order_a, step_a), (order_b, step_b) = (
        leading(shape.a, shape.m, shape.k),
        leading(shape.b, shape.k, shape.n),
    )
    body = [
        f"int rows = (int)(end - begin), columns = {shape.n}, inner = {shape.k};",
        f"int step_a = {step_a}, step_b = {step_b}, step_c = {max(shape.c[0], shape.n)};",
        f"{T} one = 1, times_c = {int(shape.add)};",
        f'gemm_{T}("{order_b}", "{order_a}", &columns, &rows, &inner, &one, ({T} *)b, &step_b,',
        f"    ({T} *)a + {place(('begin', shape.a[0]))}, &step_a, &times_c, "
        f"c + {place(('begin', shape.c[0]))}, &step_c);",
    ]
    return "\n".join(
        [
            f"static void {name}({shape.arguments}, long begin, long end)",
            "{",
            *indented(body),
            "}",
            "",
        ]
    )
