"""Matrix products in the file: the kernel for the shape, and the calls."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rushlight.compiler.graph import Place, Product
from rushlight.compiler.kernels.product import Product as Kernel
from rushlight.compiler.kernels.product import product
from rushlight.compiler.kernels.target import Target


@dataclass(frozen=True)
class Call:
    """A product and its kernel; `turned` says that it is computed as the transposed one."""

    kernel: Kernel
    a: Place
    b: Place
    c: Place


def kernel_of(statement: Product, target: Target, uses: int, packing: bool = True) -> Call:
    """The kernel for a product; uses: how many products of its kind have the same second operand.

    packing: whether that may be packed before.
    """
    a, b, c = statement.a, statement.b, statement.c
    m, k, n = a.shape[-2], a.shape[-1], b.shape[-1]
    # Items of a batch may be made strip by strip, and cannot be packed before.
    batch = tuple(zip(c.shape[:-2], a.strides[:-2], b.strides[:-2], c.strides[:-2], strict=True))
    made = product(
        m, n, k, a=last(a), b=last(b), c=last(c), target=target, dtype=a.dtype.name,
        accumulate=statement.accumulate, batch=batch, uses=uses, packing=packing and not batch,
    )  # fmt: skip
    return Call(made, a, b, c)


def part_of(statement: Product, parts: int) -> Product | None:
    """The first of so many parts of a sum over many rows, as a weight's gradient; None if there are none.

    Threads that each make some rows of it would each pack all of the second operand.
    """
    a, b = statement.a, statement.b
    rows, depth = a.shape[-2:]
    if len(a.shape) > 2 or statement.accumulate or depth % parts or depth < _DEPTH * parts:
        return None
    if rows * b.shape[-1] > _MOST:
        return None
    depth //= parts
    return replace(
        statement,
        a=replace(a, shape=(rows, depth)),
        b=replace(b, shape=(depth, b.shape[-1])),
    )


# How deep a part is at least, and elements of a result that is added up.
_DEPTH, _MOST = 128, 1 << 19


def last(place: Place) -> tuple[int, int]:
    """The strides of the matrices in a place."""
    return place.strides[-2], place.strides[-1]
