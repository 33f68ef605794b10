"""Matrix products in the file: the kernel for the shape, and the calls."""

from __future__ import annotations

from dataclasses import dataclass

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


def kernel_of(statement: Product, target: Target, uses: int) -> Call:
    """The kernel for a product; uses: how many products of its kind have the same second operand."""
    a, b, c = statement.a, statement.b, statement.c
    m, k, n = a.shape[-2], a.shape[-1], b.shape[-1]
    # Items of a batch may be made strip by strip, and cannot be packed before.
    batch = tuple(zip(c.shape[:-2], a.strides[:-2], b.strides[:-2], c.strides[:-2], strict=True))
    made = product(
        m, n, k, a=last(a), b=last(b), c=last(c), target=target, dtype=a.dtype.name,
        accumulate=statement.accumulate, batch=batch, uses=uses, packing=not batch,
    )  # fmt: skip
    return Call(made, a, b, c)


def last(place: Place) -> tuple[int, int]:
    """The strides of the matrices in a place."""
    return place.strides[-2], place.strides[-1]
